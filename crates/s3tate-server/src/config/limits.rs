//! `[limits]` and `[timeouts]`.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::size;

/// `[limits]`: how much is taken from whom.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How many requests a second one identity may go on making; 0 is no limit. Default: 50.
    pub requests_per_second: u32,
    /// How many it may make at once, before that counts; 0 is no limit. Default: 200.
    pub burst: u32,
    /// How often a minute one source may show no valid credential; 0 is no limit. Default: 30.
    pub failures_per_minute: u32,
    /// How many connections are served at a time; others wait to be accepted. Default: 4096.
    pub connections: usize,
    /// Addresses and networks whose `X-Forwarded-For` is believed. Default: none.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: 50,
            burst: 200,
            failures_per_minute: 30,
            connections: 4096,
            trusted_proxies: Vec::new(),
        }
    }
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: String| {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map_err(|_| {
            D::Error::custom(format!("`{text}` is neither an address nor a network, such as 10.0.0.0/8"))
        })
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(network).collect()
}

/// `[timeouts]`: how long clients are waited for, such as `10s`. A transfer that moves has no limit.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// For a TLS handshake. Default: 10 s.
    #[serde(deserialize_with = "size::duration")]
    pub handshake: Duration,
    /// For the head of a request, from its first byte. Default: 10 s.
    #[serde(deserialize_with = "size::duration")]
    pub head: Duration,
    /// For the next piece of a body, and until a piece of an answer is taken. Default: 60 s.
    #[serde(deserialize_with = "size::duration")]
    pub body: Duration,
    /// For the next request on a connection. Clients keep connections for up to 90 s. Default: 120 s.
    #[serde(deserialize_with = "size::duration")]
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            body: Duration::from_mins(1),
            idle: Duration::from_mins(2),
        }
    }
}
