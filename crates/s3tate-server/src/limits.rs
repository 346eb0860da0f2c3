//! Rates: what one identity may ask for, and how often one source may fail to say who it is.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method};
use ipnet::IpNet;
use tokio::time::Instant;

use crate::config;
use crate::guard::taken_by;
use crate::request::{Query, Target};
use crate::server::App;

/// How many keys a set of buckets counts; what comes beyond them isn't counted.
const MOST_KEYS: usize = 16_384;

/// The limits of one server. Each process counts for itself.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Requests, by the identity's name.
    pub(crate) requests: Buckets<String>,
    /// Requests without a valid credential, by [`source`].
    pub(crate) failures: Buckets<IpAddr>,
    trusted_proxies: Vec<IpNet>,
}

impl Limits {
    pub(crate) fn new(settings: &config::Limits) -> Self {
        let minute = Duration::from_mins(1);
        Self {
            requests: Buckets::new(Duration::from_secs(1), settings.requests_per_second, settings.burst),
            failures: Buckets::new(minute, settings.failures_per_minute, settings.failures_per_minute),
            trusted_proxies: settings.trusted_proxies.clone(),
        }
    }

    /// Who is at the other end: the peer, or whom proxies that are trusted say they speak for.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let trusted = |address: &IpAddr| self.trusted_proxies.iter().any(|net| net.contains(address));
        let said = headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok());
        let said: Vec<&str> = said.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut client = peer.to_canonical();
        // Each proxy adds whom it heard; only the words of those that are trusted count.
        for address in said.into_iter().rev() {
            if !trusted(&client) {
                break;
            }
            let Ok(before) = address.parse::<IpAddr>() else { break };
            client = before.to_canonical();
        }
        client
    }
}

/// What failures are counted by: one address, or the network that one subscriber has of IPv6.
pub(crate) fn source(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !(u128::MAX >> 64);
            IpAddr::V6(network.into())
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Whether somebody finishes what they hold the lock for: nothing may keep them from it.
pub(crate) async fn finishes(
    app: &App,
    identity: &str,
    method: &Method,
    target: &Target,
    query: &Query,
) -> bool {
    let (key, writes) = match (target, method.as_str()) {
        (Target::State(key), "POST" | "PUT") if query.lock.is_some() => (key, true),
        (Target::State(key), "UNLOCK") | (Target::Lock(key), "UNLOCK" | "DELETE") => (key, false),
        _ => return false,
    };
    // A store that fails is the business of those who carry out the request.
    let Ok(holders) = app.door(key).holders().await else { return true };
    holders.iter().filter_map(|holder| holder.info.as_ref()).any(|info| {
        if writes {
            Some(&info.id) == query.lock.as_ref()
        } else {
            taken_by(info).as_deref() == Some(identity)
        }
    })
}

/// A token bucket for each key. For each it keeps one time: when the bucket will be full again.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    /// How long one token takes to come back; `None` where there is no limit.
    refill: Option<Duration>,
    burst: u32,
    full: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Buckets of `burst` tokens, into each of which `rate` come back per `period`; no limit where one of both is 0.
    pub(crate) fn new(period: Duration, rate: u32, burst: u32) -> Self {
        let refill = (burst > 0).then(|| period.checked_div(rate)).flatten();
        Self { refill, burst, full: Mutex::default() }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none; one comes back after this time.
    pub(crate) fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let Some(refill) = self.refill else { return Ok(()) };
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let at = full.get(key).map_or(now, |at| (*at).max(now));
        if let Some(wait) = self.wait(at, refill, now) {
            return Err(wait);
        }
        if full.len() >= MOST_KEYS && !full.contains_key(key) {
            full.retain(|_, at| *at > now);
            if full.len() >= MOST_KEYS {
                return Ok(());
            }
        }
        full.insert(key.clone(), at + refill);
        Ok(())
    }

    /// After which time there will be a token; `None` where there is one.
    pub(crate) fn empty(&self, key: &K, now: Instant) -> Option<Duration> {
        let full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        self.wait((*full.get(key)?).max(now), self.refill?, now)
    }

    fn wait(&self, full: Instant, refill: Duration, now: Instant) -> Option<Duration> {
        let missing = full.duration_since(now) + refill;
        missing.checked_sub(refill * self.burst).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_and_then_what_comes_back() {
        let buckets = Buckets::new(Duration::from_secs(10), 5, 3);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(buckets.empty(&"a", start), None);
            assert_eq!(buckets.take(&"a", start), Ok(()));
        }
        assert_eq!(buckets.take(&"a", start), Err(Duration::from_secs(2)));
        assert_eq!(buckets.empty(&"a", start), Some(Duration::from_secs(2)));
        assert_eq!(buckets.take(&"b", start), Ok(()), "each key has its own");
        assert_eq!(buckets.take(&"a", after(start, 2)), Ok(()));
        assert!(buckets.take(&"a", after(start, 2)).is_err());
        for _ in 0..3 {
            assert_eq!(buckets.take(&"a", after(start, 100)), Ok(()), "it never holds more than the burst");
        }
        assert!(buckets.take(&"a", after(start, 100)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_keys_is_capped() {
        let buckets = Buckets::new(Duration::from_secs(1), 1, 1);
        let start = Instant::now();
        for key in 0..MOST_KEYS * 2 {
            assert_eq!(buckets.take(&key, start), Ok(()));
        }
        let kept = |buckets: &Buckets<usize>| buckets.full.lock().unwrap().len();
        assert_eq!(kept(&buckets), MOST_KEYS);
        assert!(buckets.take(&0, start).is_err(), "those that are counted stay so");
        assert_eq!(buckets.take(&usize::MAX, after(start, 2)), Ok(()));
        assert_eq!(kept(&buckets), 1, "what is full again isn't kept");
    }

    #[tokio::test(start_paused = true)]
    async fn zero_is_no_limit() {
        let now = Instant::now();
        for (rate, burst) in [(0, 5), (5, 0)] {
            let buckets = Buckets::new(Duration::from_secs(1), rate, burst);
            assert!((0..100).all(|_| buckets.take(&1, now).is_ok()));
        }
    }

    #[test]
    fn only_trusted_proxies_say_whom_they_speak_for() {
        let settings = config::Limits {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..config::Limits::default()
        };
        let limits = Limits::new(&settings);
        for (peer, said, client) in [
            ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
            ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", said.parse().unwrap());
            let found = limits.client(peer.parse().unwrap(), &headers);
            assert_eq!(found.to_string(), client, "{peer}: {said}");
        }
    }

    #[test]
    fn a_source_of_ipv6_is_a_network() {
        let source = |text: &str| source(text.parse().unwrap()).to_string();
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(source("192.0.2.1"), "192.0.2.1");
    }
}
