//! What is wrong is told, and nothing is changed.

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{
    Backend, Client, Endpoint, Kind, LockRecord, Locking, Store, Workdir, md5_hex, require,
};

use crate::stage::{FIRST, KEY, Stage, with_greeting};

/// Where a command is going to fail: a directory with a sound backend, its endpoint, and s3tate.
struct Scene {
    stage: Stage,
    workdir: Workdir,
    s3tate: Client,
}

impl Scene {
    /// Runs s3tate. Fails the test unless it exits so, says these words, prints no payload and leaves the store alone.
    #[track_caller]
    fn fails(&self, args: &[&str], code: i32, words: &[&str]) {
        let before = self.stage.endpoint.store().snapshot();
        let failed = self.s3tate.run(&self.workdir, args).exits(code);
        assert!(failed.stderr_text().starts_with("error: "), "{failed}");
        assert_eq!(failed.stdout_text(), "", "{failed}");
        let _failed = failed.says(words);
        assert_eq!(self.stage.endpoint.store().snapshot(), before);
    }

    /// The configuration with one text in place of another.
    fn replace(&self, from: &str, to: &str) {
        let configuration = self.stage.configuration(FIRST);
        assert!(configuration.contains(from), "`{from}` isn't there to be replaced");
        self.workdir.write("main.tf", configuration.replace(from, to));
    }
}

/// Makes a test of each scene: a state that stock has applied, then what goes wrong.
macro_rules! scenes {
    ($($name:ident: |$scene:ident| $body:block)+) => { $(
        #[test]
        fn $name() {
            let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
            let applied = stage.applied(FIRST);
            let workdir = stage.workdir(FIRST);
            workdir.write("next.json", with_greeting(&stage.stored(), "never written"));
            drop(applied);
            #[allow(unused_mut, reason = "some scenes change the client")]
            let mut $scene = Scene { s3tate: stage.s3tate.clone(), stage, workdir };
            $body
        }
    )+ };
}

scenes! {
    no_backend_block: |scene| {
        scene.workdir.write("main.tf", FIRST);
        scene.fails(&["output"], 2, &["backend \"s3\"", "hint:"]);
    }

    two_backend_blocks: |scene| {
        let block = Backend::new(&scene.stage.endpoint, "elsewhere", Locking::Table).block(Terraform::V1_11);
        scene.workdir.write("other.tf", block);
        scene.fails(&["output"], 2, &["backend", "main.tf", "other.tf"]);
    }

    unknown_attribute: |scene| {
        scene.replace("dynamodb_table =", "dynamodb_tabel =");
        scene.fails(&["output"], 2, &["dynamodb_tabel", "dynamodb_table"]);
    }

    unknown_attribute_as_option: |scene| {
        scene.fails(&["output", "-backend-config=use_lockfiel=true"], 2, &["use_lockfiel", "use_lockfile"]);
    }

    missing_key_attribute: |scene| {
        scene.replace(&format!("key = \"{KEY}\""), "");
        scene.fails(&["output"], 2, &["key"]);
    }

    configuration_that_does_not_parse: |scene| {
        scene.workdir.write("main.tf", "terraform {\n  backend \"s3\" {\n    bucket = \n");
        scene.fails(&["output"], 2, &["main.tf"]);
    }

    no_such_bucket: |scene| {
        let bucket = scene.stage.endpoint.store().bucket().to_owned();
        scene.replace(&format!("\"{bucket}\""), "\"no-such-bucket\"");
        scene.fails(&["output"], 1, &["no-such-bucket"]);
        scene.fails(&["state", "push", "next.json"], 1, &["no-such-bucket"]);
        scene.fails(&["init", "-input=false"], 1, &["no-such-bucket"]);
    }

    no_such_table: |scene| {
        let table = scene.stage.endpoint.store().table().to_owned();
        scene.replace(&format!("\"{table}\""), "\"no-such-table\"");
        scene.fails(&["output"], 1, &["no-such-table"]);
        scene.fails(&["state", "push", "next.json"], 1, &["no-such-table"]);
    }

    table_with_another_key: |scene| {
        let endpoint = &scene.stage.endpoint;
        let env = endpoint.env();
        let access_key = (&*env["AWS_ACCESS_KEY_ID"], &*env["AWS_SECRET_ACCESS_KEY"]);
        Store::connect(endpoint.url(), access_key, "none", "wrong-key").create_table("lock_id");
        let table = endpoint.store().table().to_owned();
        scene.replace(&format!("\"{table}\""), "\"wrong-key\"");
        scene.fails(&["output"], 2, &["wrong-key", "LockID"]);
        scene.fails(&["state", "push", "next.json"], 2, &["wrong-key", "LockID"]);
    }

    no_credentials: |scene| {
        scene.s3tate = scene.s3tate.without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
        scene.fails(&["output"], 1, &["credentials", "AWS_ACCESS_KEY_ID"]);
        scene.fails(&["state", "push", "next.json"], 1, &["credentials"]);
    }

    wrong_secret: |scene| {
        scene.s3tate = scene.s3tate.env("AWS_SECRET_ACCESS_KEY", "not-the-secret");
        scene.fails(&["output"], 1, &["SignatureDoesNotMatch"]);
    }

    endpoint_that_refuses_connections: |scene| {
        // Nothing listens on port 1 of a machine that runs tests.
        scene.s3tate = scene.s3tate.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
        scene.fails(&["output"], 1, &["127.0.0.1:1"]);
        scene.fails(&["state", "push", "next.json"], 1, &["127.0.0.1:1"]);
    }

    stored_state_that_is_not_json: |scene| {
        let store = scene.stage.endpoint.store();
        let bytes = "<html>not a state</html>";
        store.put(KEY, bytes);
        let digest = [("LockID", format!("{}-md5", scene.stage.backend().lock_path())), ("Digest", md5_hex(bytes.as_bytes()))];
        store.put_item(&digest.map(|(name, value)| (name.to_owned(), value)).into());
        scene.fails(&["output"], 1, &[KEY]);
        scene.fails(&["state", "push", "next.json"], 1, &[KEY]);
    }

    pushed_file_that_is_not_json: |scene| {
        scene.workdir.write("broken.json", "{\"version\": 4,");
        scene.fails(&["state", "push", "broken.json"], 2, &["broken.json"]);
        scene.workdir.write("empty.json", "");
        scene.fails(&["state", "push", "empty.json"], 2, &["empty.json"]);
        scene.fails(&["state", "push", "absent.json"], 2, &["absent.json"]);
    }

    digest_that_disagrees: |scene| {
        let store = scene.stage.endpoint.store();
        let recorded = "7d793037a0760186574b0282f2f435e7";
        let item = [("LockID", format!("{}-md5", scene.stage.backend().lock_path())), ("Digest", recorded.to_owned())];
        store.put_item(&item.map(|(name, value)| (name.to_owned(), value)).into());
        scene.fails(&["output"], 1, &[recorded, &md5_hex(&store.bytes(KEY)), KEY]);
        scene.fails(&["state", "push", "next.json"], 1, &[recorded]);
    }

    lock_id_of_nobody: |scene| {
        let record = LockRecord::of_a_dead_holder(&scene.stage.backend().lock_path());
        scene.stage.backend().put_lock(&record);
        let other = "00000000-1111-2222-3333-444444444444";
        scene.fails(&["force-unlock", "-force", other], 3, &[other, &record.id, &record.who]);
    }

    unlocking_what_is_free: |scene| {
        scene.fails(&["force-unlock", "-force", "00000000-1111-2222-3333-444444444444"], 1, &["lock"]);
    }

    output_that_is_not_there: |scene| {
        scene.fails(&["output", "-raw", "greetings"], 1, &["greetings"]);
    }

    workspace_that_is_not_there: |scene| {
        scene.s3tate = scene.s3tate.env("TF_WORKSPACE", "typo");
        scene.fails(&["output"], 1, &["typo"]);
        scene.fails(&["state", "pull"], 1, &["typo"]);
    }

    workspace_names_that_stock_refuses: |scene| {
        for name in ["a b", "a/b", "ü", "a%20b", "", ".."] {
            scene.fails(&["workspace", "new", name], 2, &["name"]);
        }
    }

    state_of_another_lineage: |scene| {
        let next = String::from_utf8(with_greeting(&scene.stage.stored(), "x")).expect("text");
        let (lineage, _) = crate::stage::lineage_and_serial(next.as_bytes());
        let other = "11111111-2222-3333-4444-555555555555";
        scene.workdir.write("next.json", next.replace(&lineage, other));
        scene.fails(&["state", "push", "next.json"], 4, &[&lineage, other]);
    }
}

#[test]
fn nothing_at_all_in_the_directory() {
    let endpoint = require!(Endpoint::start(Kind::Embedded));
    let workdir = Workdir::new();
    let s3tate = crate::stage::s3tate(&endpoint);
    for args in [&["output"][..], &["state", "pull"], &["workspace", "list"]] {
        let _failed = s3tate.run(&workdir, args).exits(2).says(&["error:", "backend", "hint:"]);
    }
    assert_eq!(s3tate.run(&workdir, &["no-such-command"]).code(), Some(2));
}
