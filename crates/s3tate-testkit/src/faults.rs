//! A proxy by which chosen requests go wrong.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use hyper::Request;

use crate::middle::{Answer, Middle, Upstream, name};
use crate::{Endpoint, Fault, Recorder};

/// Lets requests go wrong, each by the rules that were given.
#[derive(Debug)]
pub struct Faults {
    recorder: Recorder,
    rules: Arc<Rules>,
}

#[derive(Debug, Default)]
struct Rules(Mutex<Vec<Rule>>);

/// Which requests a fault meets.
#[derive(Debug)]
struct Rule {
    /// The name of those that are counted, or with `*` behind it how they begin; all where there is none.
    name: Option<String>,
    /// How many of them pass before.
    skip: usize,
    /// How many of them it meets then.
    times: usize,
    fault: Fault,
}

impl Faults {
    /// The same bucket and table seen through a new proxy, by which nothing goes wrong yet.
    pub fn before(endpoint: &Endpoint) -> (Endpoint, Self) {
        let faults = Self::before_url(endpoint.url());
        (endpoint.with_url(faults.recorder.url()), faults)
    }

    /// The same before any server, which is then reached at the recorder's URL.
    pub fn before_url(upstream: &str) -> Self {
        let rules = Arc::<Rules>::default();
        Self { recorder: Recorder::start_with(upstream, Arc::<Rules>::clone(&rules)), rules }
    }

    /// What has passed, to count.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Lets one request go wrong: the `number`-th from now on, counted from 0, of all or of those of this name, as in
    /// [`crate::Gate::spoil`]; `PUT /bucket/prefix/*` means all below a prefix.
    pub fn nth(&self, name: Option<&str>, number: usize, fault: Fault) {
        self.add(name, number, 1, fault);
    }

    /// Lets that request go wrong, and all that follow.
    pub fn since(&self, name: Option<&str>, number: usize, fault: Fault) {
        self.add(name, number, usize::MAX, fault);
    }

    /// From now on nothing goes wrong any more.
    pub fn clear(&self) {
        self.rules.lock().clear();
    }

    fn add(&self, name: Option<&str>, skip: usize, times: usize, fault: Fault) {
        self.rules.lock().push(Rule { name: name.map(str::to_owned), skip, times, fault });
    }
}

impl Rules {
    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.lock().expect("nobody panics here")
    }

    /// The fault that meets a request; of several rules the first that is due.
    fn due(&self, name: &str) -> Option<Fault> {
        let mut due = None;
        for rule in self.lock().iter_mut() {
            if rule.name.as_deref().is_some_and(|counted| !is_meant(counted, name)) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.times > 0 && due.is_none() {
                rule.times -= 1;
                due = Some(rule.fault.clone());
            }
        }
        due
    }
}

fn is_meant(counted: &str, name: &str) -> bool {
    counted.strip_suffix('*').map_or(counted == name, |beginning| name.starts_with(beginning))
}

impl Middle for Rules {
    fn answer<'a>(&'a self, request: Request<Bytes>, upstream: &'a Upstream) -> Answer<'a> {
        Box::pin(async move {
            match self.due(&name(&request)) {
                Some(fault) => fault.strike(request, upstream).await,
                None => upstream.send(request).await,
            }
        })
    }
}
