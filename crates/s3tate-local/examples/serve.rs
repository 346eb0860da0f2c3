//! Serves a directory until Ctrl-C and prints what clients need.
//!
//! `cargo run -p s3tate-local --example serve -- DIRECTORY [PORT]`
#![allow(clippy::print_stdout, reason = "the lines are for the shell")]

use std::error::Error;

use s3tate_local::{Local, Options, Storage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| "s3tate-data".to_owned());
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let mut options = Options::new(Storage::Directory(directory.into()));
    options.listen.set_port(port);
    options.buckets.push("states".to_owned());
    options.tables.push("locks".to_owned());
    let local = Local::start(options).await?;
    println!("export AWS_ENDPOINT_URL={}", local.endpoint_url());
    println!("export AWS_ACCESS_KEY_ID={}", local.access_key().id);
    println!("export AWS_SECRET_ACCESS_KEY={}", local.access_key().secret());
    println!("export AWS_REGION=us-east-1");
    tokio::signal::ctrl_c().await?;
    local.stop().await;
    Ok(())
}
