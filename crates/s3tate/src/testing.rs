//! What unit tests of several modules share.

use crate::config::{BackendConfig, partial};
use crate::env::Env;

/// A configuration of bucket `b`, key `p/s`, table `t`, with options laid over it.
pub(crate) fn config(options: &[&str]) -> BackendConfig {
    let base =
        ["bucket=b", "key=p/s", "region=us-east-1", "dynamodb_table=t", "access_key=a", "secret_key=s"];
    let options: Vec<_> = base.iter().chain(options).map(|text| (*text).to_owned()).collect();
    let arguments = partial::read(&options, std::path::Path::new(".")).unwrap();
    BackendConfig::new(&arguments, &Env::new([], "u", "h")).unwrap()
}
