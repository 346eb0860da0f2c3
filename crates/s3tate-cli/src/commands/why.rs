//! `s3tate why`

use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::ui;

/// Show the inside of a request that the state server refused, by its ID; clients show little more than a number.
///
/// The server and the credential are those that clients use: `TF_HTTP_ADDRESS`, `TF_HTTP_USERNAME`, `TF_HTTP_PASSWORD`.
/// Takes the permission `admin` for the state.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The request's ID: `X-Request-Id` of the answer, or `request_id` in its body or the server's log.
    id: String,
    /// The server, such as `https://state.example.com`. Default: that of `TF_HTTP_ADDRESS`.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Print the bytes of the refused write instead, which the server has kept.
    #[arg(long)]
    rescue: bool,
}

pub(crate) async fn run(context: &Context, args: Why) -> Result<ExitCode> {
    let env = &context.env;
    let server = args.server.as_deref().or_else(|| env.var("TF_HTTP_ADDRESS")).ok_or_else(|| {
        Error::invalid("no server is named")
            .hint("give `-server=https://…`, or set TF_HTTP_ADDRESS as for Terraform")
    })?;
    let password = env.var("TF_HTTP_PASSWORD").ok_or_else(|| {
        Error::invalid("no credential is set").hint("set TF_HTTP_PASSWORD as for Terraform")
    })?;
    let base = base_of(server);
    let path = if args.rescue { "rescue" } else { "why" };
    let answer = s3tate_server::client::get(env, &format!("{base}/{path}/{}", args.id), password).await?;
    match answer.status {
        200 if args.rescue => ui::data(&answer.body)?,
        200 => ui::data(indented(&answer.body))?,
        401 | 403 => return Err(refused(ErrorKind::Denied, &args.id, &answer.body)),
        410 => return Err(refused(ErrorKind::NotFound, &args.id, &answer.body)),
        _ => return Err(refused(ErrorKind::Unavailable, &args.id, &answer.body)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Scheme, host and port.
fn base_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |end| &url[..host + end])
}

fn indented(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    json.map_or_else(|| String::from_utf8_lossy(body).into_owned(), |json| format!("{json:#}\n"))
}

fn refused(kind: ErrorKind, id: &str, body: &[u8]) -> Error {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let detail = json["detail"].as_str().unwrap_or("the server said nothing that can be read").to_owned();
    Error::new(kind, format!("the server does not tell of request `{id}`")).fact("cause", detail)
}

#[cfg(test)]
mod tests {
    use super::base_of;

    #[test]
    fn the_server_is_found_in_an_address() {
        assert_eq!(base_of("https://a:1/state/x?y"), "https://a:1");
        assert_eq!(base_of("http://a"), "http://a");
    }
}
