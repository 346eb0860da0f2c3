//! `s3tate local` as a program: its exit codes, its ends, and what it refuses.

use std::time::Duration;

use s3tate_testkit::{Client, Endpoint, Kind, Running, Workdir, require, wait_for};

fn client() -> Result<(Client, Endpoint), s3tate_testkit::tools::Missing> {
    let nowhere = Endpoint::start(Kind::Embedded)?;
    let shell = "/usr/local/bin:/usr/bin:/bin";
    Ok((Client::new(env!("CARGO_BIN_EXE_s3tate"), &nowhere).env("PATH", shell), nowhere))
}

fn serving(client: &Client, workdir: &Workdir) -> Running {
    let mut running = client.command(workdir, &["local", "-listen", "127.0.0.1:0", "-data", "data"]).start();
    wait_for("the lines to paste", Duration::from_mins(1), || {
        assert!(!running.has_ended(), "it ended: {}", running.stdout_so_far());
        running.stdout_so_far().ends_with("# }\n").then_some(())
    });
    running
}

fn run(client: &Client, workdir: &Workdir, more: &[&str]) -> s3tate_testkit::Finished {
    let local = ["local", "-listen", "127.0.0.1:0", "-data", "data"];
    client.run(workdir, &[&local[..], more].concat())
}

#[test]
fn the_commands_exit_code_is_passed_on() {
    let (client, _nowhere) = require!(client());
    let workdir = Workdir::new();
    let _finished = run(&client, &workdir, &["-exec", "sh", "-ec", "exit 7"]).exits(7);
    let _finished = run(&client, &workdir, &["-exec", "sh", "-c", "kill -KILL $$"]).exits(128 + 9);
    let _finished = run(&client, &workdir, &["-exec", "no-such-command"]).exits(2).says(&["no-such-command"]);
    let said = run(&client, &workdir, &["-exec", "sh", "-c", "echo $AWS_ENDPOINT_URL"]).succeeds();
    assert!(said.stdout_text().starts_with("http://127.0.0.1:"), "only the command's own output: {said}");
}

#[test]
fn a_second_process_on_the_same_directory_is_refused() {
    let (client, _nowhere) = require!(client());
    let workdir = Workdir::new();
    let first = serving(&client, &workdir);
    let _refused = run(&client, &workdir, &[]).exits(1).says(&["another process", "data"]);
    let _finished = first.kill();
}

#[cfg(unix)]
#[test]
fn sigterm_and_ctrl_c_end_it_cleanly() {
    let (client, nowhere) = require!(client());
    for signal in ["TERM", "INT"] {
        let workdir = Workdir::new();
        let running = serving(&client, &workdir);
        let shell = Client::new("/bin/bash", &nowhere);
        let _sent = shell.run(&workdir, &["-c", &format!("kill -{signal} {}", running.id())]).succeeds();
        let _ended = running.finish().succeeds().says(&["stopping"]);
    }
}

#[cfg(unix)]
#[test]
fn its_key_is_for_its_owner_alone_and_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let (client, _nowhere) = require!(client());
    let workdir = Workdir::new();
    let key = || {
        run(&client, &workdir, &["-exec", "sh", "-c", "echo $AWS_SECRET_ACCESS_KEY"]).succeeds().stdout_text()
    };
    assert_eq!(key(), key());
    let mode = std::fs::metadata(workdir.path().join("data/access-key.json"))
        .expect("it is kept")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_port_in_use_is_named() {
    let (client, nowhere) = require!(client());
    let workdir = Workdir::new();
    let taken = nowhere.url().trim_start_matches("http://").to_owned();
    let _refused =
        client.run(&workdir, &["local", "-listen", &taken]).exits(1).says(&["is in use by another process"]);
}
