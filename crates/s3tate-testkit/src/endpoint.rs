//! Endpoints that speak S3, DynamoDB and STS.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use s3tate_local::{Local, Options, Storage};

use crate::hostile::Hostile;
use crate::moto::Moto;
use crate::runtime::runtime;
use crate::tools::Missing;
use crate::{Pipe, Recorder, Store, Vice};

/// The region of every endpoint; the only one that needs no location when a bucket is made.
pub const REGION: &str = "us-east-1";

/// What stands behind an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// s3tate's own, in this process, in memory.
    Embedded,
    /// A moto server.
    Moto,
}

/// An endpoint with a bucket (with versioning) and a lock table that belong to one test.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    access_key: (String, String),
    store: Store,
    embedded: Option<Local>,
    /// A moto of its own.
    moto: Option<Moto>,
}

impl Endpoint {
    /// Starts an endpoint, or takes a share in the moto server that this process has already started.
    ///
    /// # Errors
    /// [`Missing`]: this machine has no moto.
    pub fn start(kind: Kind) -> Result<Self, Missing> {
        let endpoint = Self::start_unversioned(kind)?;
        endpoint.store.keep_versions();
        Ok(endpoint)
    }

    /// The same, where the bucket keeps no versions and never did.
    ///
    /// # Errors
    /// As [`Endpoint::start`].
    pub fn start_unversioned(kind: Kind) -> Result<Self, Missing> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (bucket, table) = (format!("states-{number}"), format!("locks-{number}"));
        let endpoint = match kind {
            Kind::Embedded => {
                let local = runtime().block_on(Local::start(Options::new(Storage::Memory)));
                let local = local.expect("the embedded endpoint starts");
                let access_key = (local.access_key().id.clone(), local.access_key().secret().to_owned());
                Self::connect(&local.endpoint_url(), access_key, &bucket, &table, Some(local))
            }
            Kind::Moto => {
                let access_key = ("AKIAIOSFODNN7EXAMPLE".to_owned(), "a-secret-that-moto-ignores".to_owned());
                Self::connect(Moto::shared()?.url(), access_key, &bucket, &table, None)
            }
        };
        endpoint.store.create_bucket();
        endpoint.store.create_table("LockID");
        Ok(endpoint)
    }

    /// A moto server of its own that lets nobody in but by the policies of IAM, once [`Endpoint::enforce`] is called.
    ///
    /// # Errors
    /// [`Missing`]: this machine has no moto.
    pub fn strict() -> Result<Self, Missing> {
        let moto = Moto::strict(1_000_000)?;
        let access_key = ("AKIAIOSFODNN7EXAMPLE".to_owned(), "nobody's".to_owned());
        let mut endpoint = Self::connect(moto.url(), access_key, "states", "locks", None);
        endpoint.moto = Some(moto);
        endpoint.store.create_bucket();
        endpoint.store.keep_versions();
        endpoint.store.create_table("LockID");
        Ok(endpoint)
    }

    /// From now on every request to a strict endpoint needs a signature and a policy that allows it.
    pub fn enforce(&self) {
        let request = hyper::Request::post(format!("{}/moto-api/reset-auth", self.url));
        let request = request.body(Full::<Bytes>::from("0")).expect("a whole request");
        let client = HttpClient::builder(TokioExecutor::new()).build_http();
        let answer = runtime().block_on(client.request(request)).expect("moto answers");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// An endpoint that somebody else started; nothing is made there.
    pub fn at(url: &str, access_key: (&str, &str), bucket: &str, table: &str) -> Self {
        Self::connect(url, (access_key.0.to_owned(), access_key.1.to_owned()), bucket, table, None)
    }

    /// The same endpoint with another bucket and table; nothing is made there.
    #[must_use]
    pub fn with_names(&self, bucket: &str, table: &str) -> Self {
        Self::at(&self.url, (&self.access_key.0, &self.access_key.1), bucket, table)
    }

    /// The same endpoint for somebody else.
    #[must_use]
    pub fn with_key(&self, access_key: (&str, &str)) -> Self {
        Self::at(&self.url, access_key, self.store.bucket(), self.store.table())
    }

    fn connect(
        url: &str,
        access_key: (String, String),
        bucket: &str,
        table: &str,
        embedded: Option<Local>,
    ) -> Self {
        let store = Store::connect(url, (&access_key.0, &access_key.1), bucket, table);
        Self { url: url.to_owned(), access_key, store, embedded, moto: None }
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bucket and table of this test, to look into.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// All variables that a client needs to reach it and nothing else; `HOME` comes with the working directory.
    pub fn env(&self) -> BTreeMap<String, String> {
        let variables = [
            ("AWS_ACCESS_KEY_ID", self.access_key.0.as_str()),
            ("AWS_SECRET_ACCESS_KEY", &self.access_key.1),
            ("AWS_REGION", REGION),
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("CHECKPOINT_DISABLE", "1"),
            ("TF_CLI_CONFIG_FILE", "/dev/null"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// The same bucket and table seen through a proxy that writes down what is asked.
    pub fn recorded(&self) -> (Self, Recorder) {
        let recorder = Recorder::start(&self.url);
        (self.with_url(recorder.url()), recorder)
    }

    /// The same bucket and table seen through a proxy.
    pub(crate) fn with_url(&self, url: &str) -> Self {
        let (id, secret) = &self.access_key;
        Self::at(url, (id, secret), self.store.bucket(), self.store.table())
    }

    /// The same bucket and table as a store with this vice shows them.
    pub fn hostile(&self, vice: Vice) -> (Self, Recorder) {
        let (id, secret) = &self.access_key;
        let recorder = Recorder::start_with(&self.url, Arc::new(Hostile::new(vice, (id, secret))));
        (Self::at(recorder.url(), (id, secret), self.store.bucket(), self.store.table()), recorder)
    }

    /// The same bucket and table behind a narrow pipe that counts bytes.
    pub fn piped(&self) -> (Self, Pipe) {
        let pipe = Pipe::narrow(&self.url);
        let (id, secret) = &self.access_key;
        (Self::at(pipe.url(), (id, secret), self.store.bucket(), self.store.table()), pipe)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.moto.take());
        if let Some(local) = self.embedded.take() {
            runtime().block_on(local.stop());
        }
    }
}
