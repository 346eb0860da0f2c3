//! What changes while the server serves.

use std::time::Duration;

use s3tate_server::auth::token;
use s3tate_testkit::{Workdir, wait_for};

use crate::certificates::{authority, issued, shown};
use crate::stage::{Stage, authorization, document};

const PATIENCE: Duration = Duration::from_mins(1);

fn hang_up(stage: &Stage, says: &str, times: usize) {
    stage.server.running.signal("HUP");
    wait_for("its word", PATIENCE, || {
        (stage.server.running.stderr_so_far().matches(says).count() == times).then_some(())
    });
}

/// SIGHUP takes over who is let in and what they may do; a bad configuration leaves all as it was.
#[test]
fn a_signal_takes_the_configuration_over() {
    let late = token::make("late").expect("a token");
    let stage = Stage::new();
    let ask = || stage.server.send("GET", "/state/app/a", &authorization(&late.text), b"").status;
    assert_eq!(ask(), 401);
    let rule = |permission: &str| {
        format!(
            "[[token]]\nname = \"late\"\nhash = \"{}\"\n[[rule]]\nwho = [\"token:late\"]\npath = [\"app/**\"]\nallow = [\"{permission}\"]\n",
            late.hash
        )
    };
    stage.configure(&rule("read"));
    hang_up(&stage, "the configuration was read anew", 1);
    assert_eq!(ask(), 404);
    for (number, bad) in
        ["[[rule]]\nwho = []\n", "new_states = 1\n", "[tls]\ncertificate = \"no\"\nkey = \"no\"\n"]
            .iter()
            .enumerate()
    {
        stage.configure(bad);
        hang_up(&stage, "what was in use stays so", number + 1);
        assert_eq!(ask(), 404, "{bad}");
    }
    stage.configure(&format!("body_limit = 5\nnew_states = []\n{}", rule("outputs")));
    hang_up(&stage, "`[server]` takes effect with the next start", 1);
    assert_eq!(ask(), 403, "another rule");
    let _undeclared = stage.ask("writer", "POST", "app/new", document(1, "l", "x")).is(403);
    stage.configure("");
    hang_up(&stage, "the configuration was read anew", 3);
    assert_eq!(ask(), 401, "the token is gone");
    let _written = stage.ask("writer", "POST", "app/new", document(1, "l", "x")).is(200);
    assert_eq!(stage.metric("s3tate_configuration_reload_total{result=\"ok\"}"), 3);
    assert_eq!(stage.metric("s3tate_configuration_reload_total{result=\"failed\"}"), 3);
}

/// Certificates are read anew when their files change; bad ones leave the old ones in use.
#[test]
fn certificates_are_replaced_under_way() {
    let (first, second) = (authority(), authority());
    let both = [&first, &second];
    let files = Workdir::new();
    let put = |(certificate, key): (String, String)| {
        files.write("cert.pem", certificate);
        files.write("key.pem", key);
    };
    put(issued(&first, &["127.0.0.1"], "first"));
    let at = |name: &str| files.path().join(name).display().to_string();
    let stage = Stage::with(&format!(
        "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\nwatch = \"20ms\"\n",
        at("cert.pem"),
        at("key.pem")
    ));
    let addr = &stage.server.addr;
    let old = shown(addr, &both).expect("a handshake");
    assert!(shown(addr, &[&second]).is_none());
    files.write("cert.pem", "nonsense");
    wait_for("its refusal", PATIENCE, || {
        stage.server.running.stderr_so_far().contains("the old ones stay in use").then_some(())
    });
    assert_eq!(shown(addr, &both).expect("a handshake"), old);
    put(issued(&second, &["127.0.0.1"], "second"));
    wait_for("the new certificate", PATIENCE, || shown(addr, &[&second]));
    assert!(stage.server.running.stderr_so_far().contains("the TLS files were read anew"));
}
