//! What to paste to use the server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use s3tate_server::Settings;

/// The user in printed lines: any will do, but clients send nothing without one.
const USER: &str = "token";

/// How one state is reached.
#[derive(Debug)]
pub(super) struct Address {
    base: String,
    state: String,
    token: Option<String>,
}

impl Address {
    pub(super) fn new(settings: &Settings, listening: SocketAddr, name: &str, token: Option<String>) -> Self {
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let own = format!("{scheme}://{}", reachable(listening));
        let base = settings.server.url.as_deref().map_or(own, |url| url.trim_end_matches('/').to_owned());
        Self { state: format!("{base}/state/{name}"), base, token }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The variables that make stock clients use the server.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables: Vec<_> = ["TF_HTTP_ADDRESS", "TF_HTTP_LOCK_ADDRESS", "TF_HTTP_UNLOCK_ADDRESS"]
            .map(|name| (name, self.state.clone()))
            .into();
        variables.push(("TF_HTTP_USERNAME", USER.to_owned()));
        variables.extend(self.token.clone().map(|token| ("TF_HTTP_PASSWORD", token)));
        variables
    }

    /// Lines to export and a block to paste; `made`: the token is one that the server made.
    pub(super) fn instructions(&self, made: bool) -> String {
        let lines: Vec<_> = self
            .variables()
            .iter()
            .map(|(name, value)| {
                format!(
                    "export {name}={value}
"
                )
            })
            .collect();
        let mut text = lines.concat();
        if self.token.is_none() {
            text += if made {
                "# TF_HTTP_PASSWORD: the token that was shown at the first start; `-new-token` replaces it\n"
            } else {
                "# TF_HTTP_PASSWORD: a token, or what the CI system's issuer gives\n"
            };
        }
        let state = &self.state;
        let block = format!(
            "terraform {{\n  backend \"http\" {{\n    address        = \"{state}\"\n    lock_address   = \"{state}\"\n    \
             unlock_address = \"{state}\"\n    retry_max      = 5\n  }}\n}}\n"
        );
        let commented = block.trim_end().replace('\n', "\n# ");
        format!("{text}\n# {commented}\n")
    }
}

/// Loopback where all addresses are listened on.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    addr
}
