//! The backend of a server without a configured one: the embedded endpoint in the same process.

use std::net::SocketAddr;
use std::path::Path;

use s3tate::config::value::Value;
use s3tate::config::{Argument, Arguments, BackendConfig, Source};
use s3tate::{Backend, Env, Error, ErrorKind, Result};
use s3tate_local::{Local, Options, Storage};

/// Where states are kept.
const BUCKET: &str = "states";
/// Where locks and digests are kept.
const TABLE: &str = "locks";
const REGION: &str = "us-east-1";

/// The embedded endpoint, on a free port of this machine.
#[derive(Debug)]
pub(super) struct Embedded(Local);

impl Embedded {
    pub(super) async fn start(data: &Path) -> Result<Self> {
        let mut options = Options::new(Storage::Directory(data.to_owned()));
        options.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        options.buckets.push(BUCKET.to_owned());
        options.tables.push(TABLE.to_owned());
        let refused = |error| {
            Error::new(ErrorKind::Unavailable, "the embedded endpoint did not start").with_source(error)
        };
        Local::start(options).await.map(Self).map_err(refused)
    }

    /// The backend on it, whatever the surroundings say of AWS.
    pub(super) fn backend(&self, env: &Env) -> Result<Backend> {
        let key = self.0.access_key();
        let texts = [
            ("bucket", BUCKET),
            ("key", "named/by/requests"),
            ("region", REGION),
            ("dynamodb_table", TABLE),
            ("access_key", &key.id),
            ("secret_key", key.secret()),
        ];
        let url = Value::String(self.0.endpoint_url());
        let endpoints = ["s3", "dynamodb", "sts"].map(|service| (service.to_owned(), url.clone()));
        let given = texts.map(|(name, text)| (name, Value::String(text.to_owned())));
        let more = [("endpoints", Value::Map(endpoints.into())), ("use_path_style", Value::Bool(true))];
        let arguments = given.into_iter().chain(more).map(|(name, value)| Argument {
            name: name.to_owned(),
            value,
            source: Source::Default,
        });
        let arguments = Arguments::check(arguments, Vec::new())?;
        let env = without_aws(env);
        Backend::new(BackendConfig::new(&arguments, &env)?, env)
    }

    pub(super) async fn stop(self) {
        self.0.stop().await;
    }
}

fn without_aws(env: &Env) -> Env {
    let who = env.who();
    let (user, host) = who.split_once('@').unwrap_or((&who, ""));
    let others =
        env.iter().filter(|(name, _)| !name.starts_with("AWS_") && !name.to_lowercase().ends_with("_proxy"));
    Env::new(others.map(|(name, value)| (name.to_owned(), value.to_owned())), user, host)
}
