//! Ctrl-C and SIGTERM: a write comes to its end, locks are released, and a second signal says what is left.

use s3tate_testkit::{
    Backend, Client, Endpoint, Finished, Gate, Kind, LockRecord, Locking, Running, Spoil, Workdir, wait_for,
};

use crate::stage::{KEY, s3tate, with_greeting};

const PUSH: [&str; 3] = ["state", "push", "next.json"];
const LIMIT: std::time::Duration = std::time::Duration::from_mins(1);
const KINDS: [Locking; 3] = [Locking::Table, Locking::Lockfile, Locking::Both];

/// s3tate behind a gate, in a directory whose workspace has a state.
struct Scene {
    endpoint: Endpoint,
    locking: Locking,
    gate: Gate,
    gated: Client,
    workdir: Workdir,
}

impl Scene {
    fn new(locking: Locking) -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        let workdir = Workdir::new();
        let (behind, gate) = Gate::before(&endpoint);
        let scene = Self { gated: s3tate(&behind), endpoint, locking, gate, workdir };
        scene.workdir.write("main.tf", scene.backend().block(s3tate_testkit::tools::Terraform::V1_11));
        scene.workdir.write("first.json", state());
        let push = s3tate(&scene.endpoint).run(&scene.workdir, &["state", "push", "first.json"]);
        let _pushed = push.succeeds();
        scene.workdir.write("next.json", with_greeting(&scene.stored(), "next"));
        scene
    }

    fn backend(&self) -> Backend<'_> {
        Backend::new(&self.endpoint, KEY, self.locking)
    }

    fn stored(&self) -> Vec<u8> {
        self.endpoint.store().bytes(KEY)
    }

    fn object(&self, method: &str, key: &str) -> String {
        format!("{method} /{}/{}", self.endpoint.store().bucket(), key.replace(':', "%3A"))
    }

    /// The name of the first request that locks.
    fn lock_request(&self) -> String {
        if self.locking.has_lockfile() {
            self.object("PUT", &format!("{KEY}.tflock"))
        } else {
            "PutItem".into()
        }
    }

    /// Starts a command and returns when the request of this name is held back.
    fn held_at(&self, name: &str, args: &[&str]) -> Running {
        self.gate.spoil(name, Spoil::Hold, 1);
        let running = self.gated.command(&self.workdir, args).start();
        self.gate.wait();
        running
    }

    #[track_caller]
    fn is_unlocked(&self) {
        assert_eq!(self.backend().locks(), []);
    }
}

fn state() -> String {
    r#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{},"resources":[]}"#
        .into()
}

/// Sends a signal and returns when s3tate has said something more than before.
fn signalled(running: &Running, signal: &str) {
    let before = running.stderr_so_far().len();
    running.signal(signal);
    wait_for("an answer to the signal", LIMIT, || (running.stderr_so_far().len() > before).then_some(()));
}

#[test]
fn a_lock_that_is_just_being_asked_for_is_released() {
    for kind in KINDS {
        let scene = Scene::new(kind);
        let before = scene.endpoint.store().snapshot();
        let running = scene.held_at(&scene.lock_request(), &PUSH);
        signalled(&running, "INT");
        scene.gate.open();
        let ended = running.finish().exits(130);
        let _ended =
            ended.says(&["interrupted: ", "released the lock of `s3://", "nothing was being written"]);
        assert_eq!(scene.endpoint.store().snapshot(), before);
    }
}

#[test]
fn a_read_under_lock_is_given_up_and_the_lock_released() {
    for kind in KINDS {
        let scene = Scene::new(kind);
        let before = scene.endpoint.store().snapshot();
        let running = scene.held_at(&scene.object("GET", KEY), &PUSH);
        wait_for("the lock", LIMIT, || scene.backend().is_locked().then_some(()));
        signalled(&running, "TERM");
        let _ended = running.finish().exits(143).says(&["interrupted: ", "released the lock of"]);
        assert_eq!(scene.endpoint.store().snapshot(), before);
    }
}

#[test]
fn a_write_under_way_comes_to_its_end() {
    for kind in KINDS {
        let scene = Scene::new(kind);
        let running = scene.held_at(&scene.object("PUT", KEY), &PUSH);
        signalled(&running, "INT");
        scene.gate.open();
        let _ended = running.finish().exits(130).says(&["comes to its end first", "pushed to `s3://"]);
        assert!(String::from_utf8_lossy(&scene.stored()).contains("next"));
        scene.is_unlocked();
        if kind.has_table() {
            let digest = s3tate_testkit::md5_hex(&scene.stored());
            assert_eq!(scene.endpoint.store().digest(KEY), Some(digest));
        }
    }
}

#[test]
fn a_deletion_under_way_comes_to_its_end() {
    for kind in KINDS {
        let scene = Scene::new(kind);
        let direct = s3tate(&scene.endpoint);
        let _made = direct.run(&scene.workdir, &["workspace", "new", "dev"]).succeeds();
        let _left = direct.run(&scene.workdir, &["workspace", "select", "default"]).succeeds();
        let key = scene.backend().state_key("dev");
        let running = scene.held_at(&scene.object("DELETE", &key), &["workspace", "delete", "dev"]);
        signalled(&running, "TERM");
        scene.gate.open();
        let _ended = running.finish().exits(143).says(&["deleted workspace `dev`"]);
        assert_eq!(scene.endpoint.store().get(&key), None);
        assert_eq!(scene.endpoint.store().digest(&key), None);
        assert_eq!(scene.endpoint.store().get(&format!("{key}.tflock")), None);
    }
}

/// The command that the message says unlocks.
fn unlocking_command(ended: &Finished) -> String {
    let text = ended.stderr_text();
    let (_, command) = text.split_once("to unlock: `").expect("a command is named");
    let (command, _) = command.split_once('`').expect("it is quoted");
    command.to_owned()
}

#[test]
fn a_second_signal_leaves_at_once_and_says_what_is_left() {
    for kind in KINDS {
        let scene = Scene::new(kind);
        let before = scene.stored();
        let running = scene.held_at(&scene.object("PUT", KEY), &PUSH);
        let left = scene.backend().locks().pop().expect("the lock is held");
        signalled(&running, "INT");
        running.signal("INT");
        let ended = running.finish().exits(130);
        let ended = ended.says(&["left locked:", &left.id, "state-push", "whether `s3://", "was written"]);
        assert!(scene.backend().is_locked());
        let program = env!("CARGO_BIN_EXE_s3tate");
        let command = unlocking_command(&ended).replacen("s3tate", program, 1);
        let shell = Client::new("/bin/sh", &scene.endpoint);
        let _unlocked = shell.run(&scene.workdir, &["-c", &command]).succeeds();
        scene.is_unlocked();
        assert_eq!(scene.stored(), before, "the request was never passed on");
        let _again = s3tate(&scene.endpoint).run(&scene.workdir, &PUSH).succeeds();
    }
}

#[test]
fn the_unlocking_command_names_workspace_and_url() {
    let scene = Scene::new(Locking::Table);
    let running =
        scene.held_at(&scene.object("PUT", &scene.backend().state_key("dev")), &["workspace", "new", "dev"]);
    signalled(&running, "INT");
    running.signal("TERM");
    let ended = running.finish().exits(143);
    assert!(
        unlocking_command(&ended).starts_with("TF_WORKSPACE='dev' s3tate force-unlock -force "),
        "{ended}"
    );

    let store = scene.endpoint.store();
    let url = format!("s3://{}/{KEY}?dynamodb_table={}&use_path_style=true", store.bucket(), store.table());
    let option = format!("-state={url}");
    let running = scene.held_at(&scene.object("PUT", KEY), &["state", "push", &option, "next.json"]);
    signalled(&running, "INT");
    running.signal("INT");
    let ended = running.finish().exits(130);
    assert!(unlocking_command(&ended).contains(&format!("-state='{url}' -force ")), "{ended}");
}

#[test]
fn a_wait_for_a_lock_ends_at_once() {
    let scene = Scene::new(Locking::Both);
    scene.backend().put_lock(&LockRecord::of_a_dead_holder(&scene.backend().lock_path()));
    let before = scene.endpoint.store().snapshot();
    let push = ["state", "push", "-lock-timeout=10m", "next.json"];
    let running = scene.gated.command(&scene.workdir, &push).start();
    wait_for("the wait to begin", LIMIT, || {
        running.stderr_so_far().contains("waiting for the lock of `s3://").then_some(())
    });
    running.signal("INT");
    let ended = running.finish().exits(130);
    let _ended = ended.says(&["held by dana@build-07", "ago", "state-push"]);
    assert_eq!(scene.endpoint.store().snapshot(), before);
}

#[test]
fn with_nothing_held_the_first_signal_ends_at_once() {
    let scene = Scene::new(Locking::Table);
    let running = scene.held_at(&scene.object("GET", KEY), &["state", "pull"]);
    running.signal("TERM");
    let _ended = running.finish().exits(143);
}
