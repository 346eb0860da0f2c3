//! One moto server for all tests of a test binary, and others for those that need their own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::tools::{self, Missing, Tool};

/// Runs a program and kills it as soon as standard input ends, so it can't outlive the tests however they end.
const LEASH: &str = r#""$@" & child=$!; read -r _; kill "$child"; wait "$child""#;

/// A running server.
#[derive(Debug)]
pub(crate) struct Moto {
    url: String,
    /// Holds the pipe whose end stops the server.
    _leash: Child,
}

impl Moto {
    /// The server, started when first asked for.
    pub(crate) fn shared() -> Result<&'static Self, Missing> {
        static MOTO: OnceLock<Moto> = OnceLock::new();
        let program = tools::find(Tool::Moto)?;
        Ok(MOTO.get_or_init(|| Self::run(&program, &[])))
    }

    /// A server of its own, with these variables.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Result<Self, Missing> {
        Ok(Self::run(&tools::find(Tool::Moto)?, variables))
    }

    /// A server of its own that refuses, by the policies of IAM, what comes after the first `free` requests.
    pub(crate) fn strict(free: u32) -> Result<Self, Missing> {
        Self::start(&[("INITIAL_NO_AUTH_ACTION_COUNT", &free.to_string())])
    }

    fn run(program: &Path, variables: &[(&str, &str)]) -> Self {
        let mut leash = Command::new("/bin/sh")
            .args(["-c", LEASH, "sh"])
            .arg(program)
            .args(["-p", "0"])
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto starts");
        let stderr = leash.stderr.take().expect("stderr is piped");
        Self { url: url_from(BufReader::new(stderr)), _leash: leash }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Reads where the server listens, which it tells once it does; what comes later is thrown away.
fn url_from(mut log: BufReader<impl Read + Send + 'static>) -> String {
    let mut told = String::new();
    loop {
        let mut line = String::new();
        let length = log.read_line(&mut line).expect("moto's log is readable");
        assert_ne!(length, 0, "moto ended: {told}");
        if let Some((_, url)) = line.split_once("Running on ") {
            let url = url.trim().to_owned();
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            return url;
        }
        told.push_str(&line);
    }
}
