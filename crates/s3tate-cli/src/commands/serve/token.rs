//! `s3tate serve token`, and the token of a server without a configuration.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, ErrorKind, Result};
use s3tate_server::Settings;
use s3tate_server::auth::token;
use s3tate_server::config::{Permission, Rule, Token};

use crate::ui;

/// The file in the data directory that holds the hash of the token that was made.
const FILE: &str = "server-token";
/// The name of the token that was made at the first start.
const MADE: &str = "local";
/// The name of the token of one run alone.
const PASSING: &str = "exec";

/// Make a token: its text, and the lines for the configuration, which hold its hash alone.
#[derive(Debug, Args)]
pub(crate) struct NewToken {
    /// Who it is for: a-z, 0-9 and -.
    #[arg(long)]
    name: String,
    /// When it ends, such as `2027-01-31T00:00:00Z`. Default: never.
    #[arg(long, value_name = "TIME")]
    expires: Option<jiff::Timestamp>,
}

pub(super) fn run(args: &NewToken) -> Result<ExitCode> {
    let made = token::make(&args.name)?;
    let expires = args.expires.map(|time| format!("expires = \"{time}\"\n")).unwrap_or_default();
    let (name, hash) = (&args.name, &made.hash);
    ui::data(format!(
        "# for the client, shown only now: TF_HTTP_USERNAME=token TF_HTTP_PASSWORD={}\n\n\
         [[token]]\nname = \"{name}\"\nhash = \"{hash}\"\n{expires}\n\
         [[rule]]\nwho = [\"token:{name}\"]\npath = [\"**\"]\nallow = [\"write\"]\n",
        made.text
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Lets in whoever has the token of this data directory, which is made and told at the first start; `passing` makes one
/// that is good for this run alone where it can't be told any more.
pub(super) fn of_directory(
    data: &Path,
    renew: bool,
    is_passing: bool,
    settings: &mut Settings,
) -> Result<Option<String>> {
    let file = data.join(FILE);
    let kept = std::fs::read_to_string(&file).ok().filter(|_| !renew);
    let (hash, text) = if let Some(hash) = kept {
        (hash.trim().to_owned(), None)
    } else {
        let made = token::make(MADE)?;
        keep(&file, &made.hash)?;
        (made.hash, Some(made.text))
    };
    admit(settings, MADE, hash);
    match text {
        None if is_passing => passing(settings).map(Some),
        text => Ok(text),
    }
}

/// A token that is good until the server stops.
pub(super) fn passing(settings: &mut Settings) -> Result<String> {
    let made = token::make(PASSING)?;
    admit(settings, PASSING, made.hash);
    Ok(made.text)
}

fn admit(settings: &mut Settings, name: &str, hash: String) {
    settings.tokens.push(Token { name: name.to_owned(), hash, expires: None });
    settings.rules.push(Rule {
        who: vec![format!("token:{name}")],
        claims: std::collections::BTreeMap::new(),
        path: vec!["**".to_owned()],
        allow: vec![Permission::Admin],
        deny: Vec::new(),
    });
}

/// Keeps the hash, which is no secret, but nobody else's to change.
fn keep(file: &Path, hash: &str) -> Result<()> {
    let written = std::fs::File::create(file).and_then(|mut open| {
        open.write_all(hash.as_bytes())?;
        open.sync_all()
    });
    written.map_err(|cause| {
        Error::new(ErrorKind::Unavailable, format!("can't write `{}`; nothing was started", file.display()))
            .with_source(cause)
    })
}
