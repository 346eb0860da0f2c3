//! `s3tate local`

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, ErrorKind, Result};
use s3tate_local::{Local as Endpoint, LocalError, Options, Storage};

use crate::context::Context;
use crate::signals::Stop;
use crate::{child, ui};

/// The region in the printed lines; the endpoint takes any.
const REGION: &str = "us-east-1";

/// Run the embedded endpoint: S3, DynamoDB and STS on one port, durable, in one process.
///
/// Prints the variables to export and a backend block to paste, then serves until Ctrl-C or SIGTERM. Stock Terraform,
/// the AWS CLI and s3tate itself use it like AWS.
#[derive(Debug, Args)]
pub(crate) struct Local {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4560")]
    listen: SocketAddr,
    /// Directory that everything is kept in, access key included; made if missing.
    #[arg(long, value_name = "DIR", default_value = "s3tate-data")]
    data: PathBuf,
    /// Create this bucket, with versioning, unless it exists.
    #[arg(long, value_name = "NAME")]
    bucket: Vec<String>,
    /// Create this lock table, with the key `LockID`, unless it exists.
    #[arg(long, value_name = "NAME")]
    table: Vec<String>,
    /// Run this command with the variables set, pass on its exit code and stop; must come last.
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true)]
    exec: Vec<OsString>,
}

pub(crate) async fn run(_context: &Context, args: Local) -> Result<ExitCode> {
    let mut options = Options::new(Storage::Directory(args.data.clone()));
    options.listen = args.listen;
    options.buckets.clone_from(&args.bucket);
    options.tables.clone_from(&args.table);
    let stop = Stop::listen()?;
    let endpoint = Endpoint::start(options).await.map_err(refused)?;
    if !args.listen.ip().is_loopback() {
        ui::warn(&format!(
            "listening on {}, which others can reach; the keys are the only protection",
            endpoint.addr()
        ));
    }
    let code = match args.exec.split_first() {
        Some((program, rest)) => execute(&endpoint, program, rest, stop).await,
        None => serve(&endpoint, &args, stop).await,
    };
    endpoint.stop().await;
    code
}

fn refused(error: LocalError) -> Error {
    Error::new(ErrorKind::Unavailable, "the embedded endpoint did not start").with_source(error)
}

async fn serve(endpoint: &Endpoint, args: &Local, mut stop: Stop) -> Result<ExitCode> {
    ui::data(instructions(endpoint, args))?;
    ui::say(&format!(
        "serving on {}, data in `{}`; Ctrl-C stops",
        endpoint.endpoint_url(),
        args.data.display()
    ));
    stop.wait().await;
    ui::say("stopping");
    Ok(ExitCode::SUCCESS)
}

/// The variables that make any AWS client use this endpoint.
fn variables(endpoint: &Endpoint) -> [(&'static str, String); 5] {
    let key = endpoint.access_key();
    [
        ("AWS_ENDPOINT_URL", endpoint.endpoint_url()),
        ("AWS_ACCESS_KEY_ID", key.id.clone()),
        ("AWS_SECRET_ACCESS_KEY", key.secret().to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        // Older clients know this one only.
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
    ]
}

fn instructions(endpoint: &Endpoint, args: &Local) -> String {
    let exports = variables(endpoint).map(|(name, value)| format!("export {name}={value}\n")).concat();
    let bucket = args.bucket.first().map_or("mybucket", String::as_str);
    let lock = match args.table.first() {
        Some(table) => format!("dynamodb_table = \"{table}\""),
        None => "use_lockfile   = true".to_owned(),
    };
    let block = format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket         = \"{bucket}\"\n    key            = \"path/to/my/key\"\n    \
         region         = \"{REGION}\"\n    {lock}\n  }}\n}}\n"
    );
    let commented = block.trim_end().replace('\n', "\n# ");
    format!("{exports}\n# {commented}\n")
}

async fn execute(
    endpoint: &Endpoint,
    program: &OsString,
    rest: &[OsString],
    mut stop: Stop,
) -> Result<ExitCode> {
    let mut child = child::start(program, rest, variables(endpoint))?;
    child::finish(&mut child, &mut stop).await.map(ExitCode::from)
}
