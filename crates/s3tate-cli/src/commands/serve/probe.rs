//! `s3tate serve probe`

use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use http::Request;
use s3tate::{Error, ErrorKind, Result};
use s3tate_server::client::Client;

/// Ask a server whether it is ready, as containers do. Exits with 1 where it is not.
#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// Where it answers probes.
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:4561/readyz")]
    url: String,
}

pub(super) async fn run(args: &Probe) -> Result<ExitCode> {
    let url = &args.url;
    let request = Request::get(url).body(Bytes::new());
    let request =
        request.map_err(|cause| Error::invalid(format!("`{url}` is no address")).with_source(cause))?;
    let status = Client::new()?.send(request).await?.status();
    if status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        format!("the server is not ready: `{url}` answers {}", status.as_u16()),
    ))
}
