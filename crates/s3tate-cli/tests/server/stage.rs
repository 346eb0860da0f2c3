//! A server over an endpoint, with somebody for each permission.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3tate_server::auth::token::{self, NewToken};
use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{Client, Endpoint, Kind, Locking, Running, Workdir, wait_for};

use crate::openapi;
use crate::raw::{Reply, exchange};

/// Who there is, and what they may do with states below `app/`; `admin` may do everything everywhere.
pub(crate) const PEOPLE: [(&str, &str); 6] = [
    ("admin", "admin"),
    ("writer", "write"),
    ("planner", "plan"),
    ("reader", "read"),
    ("onlooker", "outputs"),
    ("breaker", "break-lock"),
];

const ANY_PORT: &str = "127.0.0.1:0";

static TOKENS: LazyLock<Vec<NewToken>> =
    LazyLock::new(|| PEOPLE.iter().map(|(name, _)| token::make(name).expect("a token")).collect());

/// Their token.
pub(crate) fn token_of(name: &str) -> &'static str {
    let at = PEOPLE.iter().position(|(of, _)| *of == name).expect("somebody we know");
    &TOKENS[at].text
}

/// An endpoint, the configuration of servers on it, and one of them.
pub(crate) struct Stage {
    pub(crate) endpoint: Endpoint,
    pub(crate) server: Server,
    pub(crate) workdir: Workdir,
    locking: Locking,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) running: Running,
    scheme: String,
    pub(crate) addr: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With more lines in `[server]`, and after it.
    pub(crate) fn with(server: &str) -> Self {
        Self::on(Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool"), server)
    }

    pub(crate) fn on(endpoint: Endpoint, server: &str) -> Self {
        Self::locking(endpoint, server, Locking::Table)
    }

    /// With other locks than those of the table.
    pub(crate) fn locking(endpoint: Endpoint, server: &str, locking: Locking) -> Self {
        let workdir = Workdir::new();
        workdir.write("serve.toml", configuration(&endpoint, server, locking));
        let server = Server::start(&endpoint, &workdir, ANY_PORT);
        Self { endpoint, server, workdir, locking }
    }

    /// With these variables in the server's environment.
    pub(crate) fn in_env(vars: &[(&str, &str)]) -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        let workdir = Workdir::new();
        let locking = Locking::Table;
        workdir.write("serve.toml", configuration(&endpoint, "", locking));
        let server = Server::start_in(&endpoint, &workdir, ANY_PORT, vars);
        Self { endpoint, server, workdir, locking }
    }

    /// Writes the configuration anew; servers that are there have yet to be told.
    pub(crate) fn configure(&self, server: &str) {
        self.workdir.write("serve.toml", configuration(&self.endpoint, server, self.locking));
    }

    /// The value of a counter by its name and labels, as `/metrics` has it; 0 where it isn't there.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let reply = self.server.ask("nobody", "GET", "/metrics", "").is(200);
        let text = String::from_utf8(reply.body).expect("text");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.trim_end_matches(".0").parse().expect("a number"))
    }

    /// Another server with the same configuration.
    pub(crate) fn replica(&self) -> Server {
        Server::start(&self.endpoint, &self.workdir, ANY_PORT)
    }

    /// The server is stopped by a signal, and another one takes its place.
    pub(crate) fn restart(&mut self) {
        let fresh = self.replica();
        let old = std::mem::replace(&mut self.server, fresh);
        drop(old.running.kill());
    }

    /// The server is asked to stop and ends; `meanwhile`, nobody listens; then another one takes its address.
    pub(crate) fn replace(&mut self, meanwhile: impl FnOnce()) {
        self.server.running.signal("TERM");
        wait_for("its end", Duration::from_mins(1), || self.server.running.has_ended().then_some(()));
        meanwhile();
        self.server = Server::start(&self.endpoint, &self.workdir, &self.server.addr);
    }

    /// The server is killed; after `meanwhile`, another one takes its place.
    pub(crate) fn crash(&mut self, meanwhile: impl FnOnce(&Workdir)) {
        self.kill();
        meanwhile(&self.workdir);
        self.server = self.replica();
    }

    /// The server is killed, and another one takes its place whose files may have so many blocks of 512 bytes.
    pub(crate) fn limit_files(&mut self, blocks: u32) {
        self.kill();
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let program = env!("CARGO_BIN_EXE_s3tate");
        let args = ["-c", &script, program, "serve", "-config", "serve.toml", "-listen", ANY_PORT];
        self.server = Server::run(Client::new("/bin/sh", &self.endpoint), &self.workdir, &args);
    }

    fn kill(&mut self) {
        self.server.running.signal("KILL");
        wait_for("its end", Duration::from_mins(1), || self.server.running.has_ended().then_some(()));
    }

    /// Changes the configuration, for servers that are started from then on.
    pub(crate) fn reconfigure(&self, change: impl FnOnce(String) -> String) {
        let text = self.workdir.read("serve.toml").expect("it was written");
        let text = String::from_utf8(text).expect("text");
        self.workdir.write("serve.toml", change(text));
    }

    /// A server is killed, and another one takes its address.
    pub(crate) fn replace_killed(&self, server: Server) -> Server {
        let Server { running, addr, .. } = server;
        drop(running.kill());
        Server::start(&self.endpoint, &self.workdir, &addr)
    }

    /// One request for `key` by somebody.
    pub(crate) fn ask(&self, who: &str, method: &str, key: &str, body: impl AsRef<[u8]>) -> Reply {
        self.server.ask(who, method, &format!("/state/{key}"), body)
    }

    /// Stock Terraform with the server in its variables.
    pub(crate) fn stock(&self, version: Terraform, who: &str, key: &str) -> Result<Client, Missing> {
        Ok(self.server.as_backend(Client::terraform(version, &self.endpoint)?, who, key))
    }

    /// Fails the test unless the state is as it should be in the store itself: digest right, and nothing locked.
    #[track_caller]
    pub(crate) fn is_sound(&self, key: &str) {
        let store = self.endpoint.store();
        if self.locking.has_table() {
            self.is_sound_but_locked(key);
        }
        assert_eq!(store.get(&format!("{key}.tflock")), None, "the lock object of `{key}`");
        assert_eq!(store.item(&format!("{}/{key}", store.bucket())), None, "the lock of `{key}`");
    }
}

impl Stage {
    /// The digest is right.
    #[track_caller]
    pub(crate) fn is_sound_but_locked(&self, key: &str) {
        let store = self.endpoint.store();
        let digest = s3tate_testkit::md5_hex(&store.bytes(key));
        assert_eq!(store.digest(key), Some(digest), "the digest of `{key}`");
    }
}

impl Server {
    fn start(endpoint: &Endpoint, workdir: &Workdir, listen: &str) -> Self {
        Self::start_in(endpoint, workdir, listen, &[])
    }

    fn start_in(endpoint: &Endpoint, workdir: &Workdir, listen: &str, vars: &[(&str, &str)]) -> Self {
        let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), endpoint);
        let client = vars.iter().fold(client, |client, (name, value)| client.env(name, *value));
        Self::run(client, workdir, &["serve", "-config", "serve.toml", "-listen", listen])
    }

    fn run(client: Client, workdir: &Workdir, args: &[&str]) -> Self {
        let client = client
            .env("S3TATE_DIGEST_TIMEOUT", "0s")
            .env("S3TATE_LOG", "error,s3s=off,s3tate=trace,s3tate_server=trace");
        let mut running = client.command(workdir, args).start();
        let (scheme, addr) = wait_for("the server's address", Duration::from_mins(1), || {
            let said = running.stderr_so_far();
            assert!(!running.has_ended(), "it ended: {said}");
            let url = said.split_once("serving on ")?.1.split_once(';')?.0.to_owned();
            url.split_once("://").map(|(scheme, addr)| (scheme.to_owned(), addr.to_owned()))
        });
        Self { running, scheme, addr }
    }

    /// One request by somebody; `nobody` shows no credential.
    pub(crate) fn ask(&self, who: &str, method: &str, path: &str, body: impl AsRef<[u8]>) -> Reply {
        let headers = if who == "nobody" { String::new() } else { authorization(token_of(who)) };
        self.send(method, path, &headers, body.as_ref())
    }

    /// One request with these lines of headers.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}"
        );
        let reply =
            exchange(&self.addr, &head, body).unwrap_or_else(|| panic!("no answer to {method} {path}"));
        openapi::describes(method, path, &reply);
        reply
    }

    /// The most memory that it had so far, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib << 10
    }

    /// A client with the server in its variables.
    pub(crate) fn as_backend(&self, client: Client, who: &str, key: &str) -> Client {
        let url = format!("{}://{}/state/{key}", self.scheme, self.addr);
        client
            .env("TF_HTTP_ADDRESS", &url)
            .env("TF_HTTP_LOCK_ADDRESS", &url)
            .env("TF_HTTP_UNLOCK_ADDRESS", &url)
            .env("TF_HTTP_USERNAME", "token")
            .env("TF_HTTP_PASSWORD", token_of(who))
            .env("TF_HTTP_RETRY_WAIT_MIN", "0")
    }
}

/// The line of a header that shows a token.
pub(crate) fn authorization(token: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("token:{token}")))
}

fn configuration(endpoint: &Endpoint, server: &str, locking: Locking) -> String {
    let (bucket, table) = (endpoint.store().bucket(), endpoint.store().table());
    let table = if locking.has_table() { format!("dynamodb_table = \"{table}\"\n") } else { String::new() };
    let lockfile = locking.has_lockfile();
    let mut text = format!(
        "[server]\n{server}\n[backend]\nbucket = \"{bucket}\"\nregion = \"us-east-1\"\n{table}use_lockfile = {lockfile}\nuse_path_style = true\nmax_retries = 2\n"
    );
    for ((name, permission), token) in PEOPLE.iter().zip(TOKENS.iter()) {
        let path = if *name == "admin" { "**" } else { "app/**" };
        let hash = &token.hash;
        let lines = format!(
            "[[token]]\nname = \"{name}\"\nhash = \"{hash}\"\n[[rule]]\nwho = [\"token:{name}\"]\npath = [\"{path}\"]\nallow = [\"{permission}\"]\n"
        );
        text.push_str(&lines);
    }
    text
}

/// A lock record as clients send it.
pub(crate) fn lock_info(id: &str) -> String {
    format!(
        "{{\"ID\":\"{id}\",\"Operation\":\"OperationTypeApply\",\"Info\":\"\",\"Who\":\"dana@build-07\",\"Version\":\"1.11.4\",\
         \"Created\":\"2026-11-23T00:55:24.814093344Z\",\"Path\":\"\"}}"
    )
}

/// What OpenTofu's `force-unlock` sends.
pub(crate) fn bare_id(id: &str) -> String {
    format!(
        "{{\"ID\":\"{id}\",\"Operation\":\"\",\"Info\":\"\",\"Who\":\"\",\"Version\":\"\",\"Created\":\"0001-01-01T00:00:00Z\",\"Path\":\"\"}}"
    )
}

/// A state with two outputs.
pub(crate) fn document(serial: u64, lineage: &str, value: &str) -> Vec<u8> {
    format!(
        "{{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.4\",\n  \"serial\": {serial},\n  \"lineage\": \"{lineage}\",\n  \
         \"outputs\": {{\n    \"big\": {{\n      \"value\": 12345678901234567890123,\n      \"type\": \"number\"\n    }},\n    \
         \"password\": {{\n      \"value\": \"hush-{value}\",\n      \"type\": \"string\",\n      \"sensitive\": true\n    }},\n    \
         \"v\": {{\n      \"value\": \"{value}\",\n      \"type\": \"string\"\n    }}\n  }},\n  \"resources\": [],\n  \
         \"check_results\": null\n}}\n"
    )
    .into_bytes()
}
