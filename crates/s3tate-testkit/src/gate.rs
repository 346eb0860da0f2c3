//! A proxy that holds requests back until a test lets them go, or spoils their answers.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, StatusCode};
use tokio::sync::Notify;

use crate::middle::{Answer, Middle, Upstream, made_up, name, operation};
use crate::{Endpoint, Recorder, wait_for};

/// How long a request is awaited; only a failing test waits so long.
const LIMIT: Duration = Duration::from_mins(1);

/// What is done to requests of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    /// Nothing, so that only later ones are spoilt, by what is asked for next.
    Pass,
    /// It waits until [`Gate::open`].
    Hold,
    /// It has its effect, and 500 is answered.
    LoseReply,
    /// It has no effect; this status and S3's or DynamoDB's error code are answered.
    Refuse(u16, &'static str),
}

/// Holds requests back, or spoils their answers.
#[derive(Debug)]
pub struct Gate {
    recorder: Recorder,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    rules: Mutex<Rules>,
    opens: Notify,
}

#[derive(Debug, Default)]
struct Rules {
    /// The name of a request, what is done to it, and how often.
    spoils: Vec<(String, Spoil, usize)>,
    waiting: usize,
}

impl Gate {
    /// The same bucket and table seen through a new gate.
    pub fn before(endpoint: &Endpoint) -> (Endpoint, Self) {
        let shared = Arc::<Shared>::default();
        let recorder = Recorder::start_with(endpoint.url(), Arc::<Shared>::clone(&shared));
        (endpoint.with_url(recorder.url()), Self { recorder, shared })
    }

    /// What has passed, to count.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Spoils the next `times` requests of this name: DynamoDB's `PutItem`, S3's `PUT /bucket/key`, or one of the
    /// requests of an upload in parts, `CreateMultipartUpload`, `UploadPart` or `CompleteMultipartUpload`.
    pub fn spoil(&self, name: &str, spoil: Spoil, times: usize) {
        self.shared.rules().spoils.push((name.to_owned(), spoil, times));
    }

    /// Waits until a request is held back.
    pub fn wait(&self) {
        wait_for("a request to arrive at the gate", LIMIT, || self.is_holding().then_some(()));
    }

    /// Whether a request is held back.
    pub fn is_holding(&self) -> bool {
        self.shared.rules().waiting > 0
    }

    /// Lets everything pass that waits, and all that comes.
    pub fn open(&self) {
        self.shared.rules().spoils.clear();
        self.shared.opens.notify_waiters();
    }
}

impl Shared {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().expect("nobody panics here")
    }

    fn spoil_of(&self, name: &str) -> Option<Spoil> {
        let mut rules = self.rules();
        let (_, spoil, times) =
            rules.spoils.iter_mut().find(|(spoiled, _, times)| spoiled == name && *times > 0)?;
        *times -= 1;
        Some(*spoil)
    }
}

impl Middle for Shared {
    fn answer<'a>(&'a self, request: Request<Bytes>, upstream: &'a Upstream) -> Answer<'a> {
        Box::pin(async move {
            let is_dynamodb = operation(&request).is_some();
            match self.spoil_of(&name(&request)) {
                None | Some(Spoil::Pass) => {}
                Some(Spoil::Hold) => {
                    let opens = self.opens.notified();
                    let _counted = Counted::new(self);
                    opens.await;
                }
                Some(Spoil::LoseReply) => {
                    drop(upstream.send(request).await);
                    return made_up(StatusCode::INTERNAL_SERVER_ERROR, error(is_dynamodb, "InternalError"));
                }
                Some(Spoil::Refuse(status, code)) => {
                    let status = StatusCode::from_u16(status).expect("a status");
                    return made_up(status, error(is_dynamodb, code));
                }
            }
            upstream.send(request).await
        })
    }
}

/// Counts a request that waits, until it passes or its client hangs up.
struct Counted<'a>(&'a Shared);

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.rules().waiting += 1;
        Self(shared)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.rules().waiting -= 1;
    }
}

fn error(is_dynamodb: bool, code: &str) -> String {
    if is_dynamodb {
        format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"made up"}}"#)
    } else {
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>made up</Message></Error>")
    }
}
