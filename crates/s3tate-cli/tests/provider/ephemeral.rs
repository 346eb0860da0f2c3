//! What is read by an ephemeral resource is stored nowhere.

use std::io::Read as _;

use s3tate_provider::proto::tfplugin6::{close_ephemeral_resource, open_ephemeral_resource};
use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Endpoint, Kind, Locking, Workdir, require};

use crate::raw::{Raw, decoded, encoded, member, object, outputs, remote_state};
use crate::stage::{KEY, Stage, data, workdir};

const SECRET: &str = "pr3fix-s3cr3t";

fn state() -> String {
    format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{{"prefix":{{"value":"{SECRET}","type":"string","sensitive":true}}}},"resources":[]}}"#
    )
}

/// Everything that lies in a directory, plan files unpacked, as one text.
fn everything_in(workdir: &Workdir) -> String {
    let mut text = Vec::new();
    for entry in std::fs::read_dir(workdir.path())
        .expect("it is there")
        .flatten()
        .filter(|entry| entry.path().is_file())
    {
        let bytes = std::fs::read(entry.path()).expect("it can be read");
        text.extend_from_slice(&bytes);
        if let Ok(mut archive) = zip::ZipArchive::new(std::io::Cursor::new(bytes)) {
            for index in 0..archive.len() {
                archive.by_index(index).expect("a part").read_to_end(&mut text).expect("it can be read");
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Check E1: it feeds another provider's configuration, and its value is neither in plan nor in state.
#[test]
fn an_ephemeral_value_is_in_neither_plan_nor_state() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Table));
    let store = stage.endpoint.store();
    store.put(KEY, state());
    store.put(&format!("{SECRET}/dev/other"), state().replace(SECRET, "plain"));
    let ephemeral =
        data("s3tate_remote_state", "first", &stage.config(KEY), "").replace("data ", "ephemeral ");
    let provider = "provider \"s3tate\" {\n  alias = \"second\"\n  \
        workspace_key_prefix = ephemeral.s3tate_remote_state.first.outputs.prefix\n}\n";
    let more = "  provider = s3tate.second\n  workspace = \"dev\"\n";
    let second = data("s3tate_remote_state", "second", &stage.config("other"), more);
    let output =
        "output \"prefix\" {\n  value     = data.s3tate_remote_state.second.outputs\n  sensitive = true\n}\n";
    let ephemeral_only = workdir(&[&ephemeral, provider, &second, output].concat());
    // The control: a data source leaves its value in both.
    let stored = workdir(&[&data("s3tate_remote_state", "second", &stage.config(KEY), ""), output].concat());
    for (workdir, leaves) in [(&ephemeral_only, false), (&stored, true)] {
        let _planned = stage.run(workdir, &["plan", "-out=plan"]).succeeds();
        assert_eq!(everything_in(workdir).contains(SECRET), leaves, "after the plan");
        let _applied = stage.run(workdir, &["apply", "plan"]).succeeds();
        std::fs::remove_file(workdir.path().join("plan")).expect("it was there");
        assert_eq!(everything_in(workdir).contains(SECRET), leaves, "in the state");
    }
    let outputs = stage.run(&ephemeral_only, &["output", "-json", "prefix"]).succeeds().json();
    assert_eq!(outputs["prefix"], "plain", "the value was used");
}

/// Check E2: the configuration comes back as it was; nothing is to be renewed, and closing does nothing.
#[test]
fn an_ephemeral_resource_is_opened_and_closed() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("it is part of this project");
    endpoint.store().put(KEY, state());
    let raw = Raw::start(&endpoint);
    let config = remote_state(&endpoint, KEY);
    let request = open_ephemeral_resource::Request {
        type_name: "s3tate_remote_state".to_owned(),
        config: Some(encoded(&config)),
        ..Default::default()
    };
    let opened = raw.runtime.block_on(raw.provider().open_ephemeral_resource(request));
    let opened = opened.expect("an answer").into_inner();
    let result = decoded(&opened.result.expect("a result"));
    assert_eq!(member(&result, "config"), member(&config, "config"));
    assert_eq!(outputs(&result), object([("prefix", SECRET.into())]));
    assert_eq!(opened.renew_at, None);
    let request = close_ephemeral_resource::Request {
        type_name: "s3tate_remote_state".to_owned(),
        private: opened.private,
    };
    let closed = raw.runtime.block_on(raw.provider().close_ephemeral_resource(request));
    assert!(closed.expect("an answer").into_inner().diagnostics.is_empty());
}
