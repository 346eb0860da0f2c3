//! Runs programs with a cleared environment, bounded in time.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::tools::{self, Missing, Terraform, Tool};
use crate::wait::wait_for;
use crate::{Endpoint, REGION, Workdir};

/// How long a program may run before it is killed and its test fails.
const LIMIT: Duration = Duration::from_mins(2);

/// A program together with the environment in which it reaches an endpoint.
#[derive(Debug, Clone)]
pub struct Client {
    program: PathBuf,
    env: BTreeMap<String, String>,
}

impl Client {
    /// Any program, usually `env!("CARGO_BIN_EXE_s3tate")`.
    pub fn new(program: impl Into<PathBuf>, endpoint: &Endpoint) -> Self {
        Self { program: program.into(), env: endpoint.env() }
    }

    /// Stock Terraform.
    ///
    /// # Errors
    /// [`Missing`]: this machine doesn't have it.
    pub fn terraform(version: Terraform, endpoint: &Endpoint) -> Result<Self, Missing> {
        let terraform = Self::new(tools::find(Tool::Terraform(version))?, endpoint);
        Ok(match version {
            // It would run in a child of its own, which outlives a kill.
            Terraform::V1_0 => terraform.env("TF_FORK", "0"),
            Terraform::V1_11 | Terraform::V0_11 => terraform,
        })
    }

    /// The AWS command line.
    ///
    /// # Errors
    /// [`Missing`]: this machine doesn't have it.
    pub fn aws(endpoint: &Endpoint) -> Result<Self, Missing> {
        // Its first generation knows no other name for the region.
        Ok(Self::new(tools::find(Tool::Aws)?, endpoint).env("AWS_DEFAULT_REGION", REGION))
    }

    /// Another program with the same variables.
    #[must_use]
    pub fn program(self, program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..self }
    }

    /// The same program with one variable more, or another value for it.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// The same program without one of its variables.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Runs it to its end with nothing on standard input.
    pub fn run(&self, workdir: &Workdir, args: &[&str]) -> Finished {
        self.command(workdir, args).finish()
    }

    /// Prepares a run.
    pub fn command(&self, workdir: &Workdir, args: &[&str]) -> Run {
        let mut env = self.env.clone();
        env.insert("HOME".into(), workdir.home().display().to_string());
        Run {
            program: self.program.clone(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            directory: workdir.path(),
            env,
            stdin: Vec::new(),
        }
    }
}

/// One run of a program, with nothing in its environment but what is named.
#[derive(Debug)]
pub struct Run {
    program: PathBuf,
    args: Vec<String>,
    directory: PathBuf,
    env: BTreeMap<String, String>,
    stdin: Vec<u8>,
}

impl Run {
    /// Sets one variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// What the program finds on its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs to the end. A program that takes longer than two minutes is killed and fails the test.
    pub fn finish(self) -> Finished {
        let stdin = self.stdin.clone();
        let mut running = self.start();
        running.send(&stdin);
        running.finish()
    }

    /// Starts the program and leaves its standard input open. A terminal's signals don't reach it.
    pub fn start(self) -> Running {
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .current_dir(&self.directory)
            .env_clear()
            .envs(&self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{} doesn't start: {error}", self.program.display()));
        Running {
            stdin: child.stdin.take(),
            stdout: Collector::start(child.stdout.take()),
            stderr: Collector::start(child.stderr.take()),
            child,
            shown: shown(&self.program, &self.args),
        }
    }
}

fn shown(program: &Path, args: &[String]) -> String {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    std::iter::once(name.as_ref()).chain(args.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

/// A program that still runs; it is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Collector,
    stderr: Collector,
    shown: String,
}

impl Running {
    /// Writes to its standard input, which stays open. A program that doesn't want it is left alone.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            drop(stdin.write_all(bytes).and_then(|()| stdin.flush()));
        }
    }

    /// What it has written to standard output until now.
    pub fn stdout_so_far(&self) -> String {
        plain(&self.stdout.so_far())
    }

    /// What it has written to standard error until now.
    pub fn stderr_so_far(&self) -> String {
        plain(&self.stderr.so_far())
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(status.expect("there is a `kill`").success(), "`{}` is not there any more", self.shown);
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has come to its end.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the child can be asked").is_some()
    }

    /// Closes its standard input and waits for its end.
    pub fn finish(mut self) -> Finished {
        drop(self.stdin.take());
        let what = format!("the end of `{}`", self.shown);
        let status = wait_for(&what, LIMIT, || self.child.try_wait().expect("the child can be asked"));
        self.into_finished(status)
    }

    /// Kills it without giving it a chance to clean up.
    pub fn kill(mut self) -> Finished {
        self.child.kill().expect("the child can be killed");
        let status = self.child.wait().expect("the child ends");
        self.into_finished(status)
    }

    fn into_finished(mut self, status: ExitStatus) -> Finished {
        Finished {
            shown: std::mem::take(&mut self.shown),
            code: status.code(),
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let text = format!(
                "--- `{}` when the test failed\n--- stdout\n{}\n--- stderr\n{}\n",
                self.shown,
                plain(&self.stdout.so_far()),
                plain(&self.stderr.so_far())
            );
            drop(std::io::stderr().write_all(text.as_bytes()));
        }
    }
}

/// Reads a pipe to its end, on a thread of its own, so that its writer never blocks.
#[derive(Debug)]
struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Collector {
    fn start(pipe: Option<impl Read + Send + 'static>) -> Self {
        let mut pipe = pipe.expect("the stream is piped");
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let sink = Arc::clone(&bytes);
        let thread = std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut chunk) {
                sink.lock().expect("nobody panics here").extend_from_slice(&chunk[..length]);
            }
        });
        Self { bytes, thread }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().expect("nobody panics here").clone()
    }

    fn all(&self) -> Vec<u8> {
        let closed = || self.thread.is_finished().then_some(());
        wait_for("the program's output to be closed: does a child of its own hold it?", LIMIT, closed);
        self.so_far()
    }
}

/// A program that has ended, with all it wrote.
#[derive(Debug, Clone)]
#[must_use = "a run that nobody checks tests nothing"]
pub struct Finished {
    shown: String,
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Finished {
    /// Exit code; `None` when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// The bytes of standard output.
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// Standard output as text without colours.
    pub fn stdout_text(&self) -> String {
        plain(&self.stdout)
    }

    /// Standard error as text without colours.
    pub fn stderr_text(&self) -> String {
        plain(&self.stderr)
    }

    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}) from {self}"))
    }

    /// Fails the test unless the program succeeded.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Fails the test unless the program ended with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Fails the test unless the program ended with some code other than 0.
    #[track_caller]
    pub fn fails(self) -> Self {
        assert!(self.code.is_some_and(|code| code != 0), "{self}");
        self
    }

    /// Fails the test unless all these words stand in what the program wrote, however it broke its lines.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let said = unwrapped(&format!("{} {}", self.stdout_text(), self.stderr_text()));
        for word in words {
            assert!(said.contains(&unwrapped(word)), "`{word}` is missing in what was said by {self}");
        }
        self
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
        writeln!(f, "`{}`, {code}", self.shown)?;
        write!(f, "--- stdout\n{}\n--- stderr\n{}", self.stdout_text(), self.stderr_text())
    }
}

/// Text without the escape sequences of colours.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut pieces = text.split("\u{1b}[");
    let mut result = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        result.push_str(piece.split_once('m').map_or(piece, |(_, rest)| rest));
    }
    result
}

/// Text as one line, without the frame that Terraform draws around errors.
fn unwrapped(text: &str) -> String {
    text.split([' ', '\n', '\t', '│', '╷', '╵']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{plain, unwrapped};

    #[test]
    fn colours_and_frames_are_taken_off() {
        let text = plain("\u{1b}[31m╷\u{1b}[0m\u{1b}[0m\n\u{1b}[31m│ Error: a\n│ b\u{1b}[0m".as_bytes());
        assert_eq!(unwrapped(&text), "Error: a b");
    }
}
