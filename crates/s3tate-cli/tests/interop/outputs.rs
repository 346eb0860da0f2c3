//! `output` beside stock's, on every sample state, and on several states at once.

use s3tate_testkit::{Finished, Kind, Locking, Workdir, require};

use crate::stage::{KEY, Stage, fixture};

/// All samples, whoever wrote them.
const SAMPLES: [&str; 18] = [
    "created-by-read/v4-1.11.4.tfstate",
    "v1-handwritten/terraform.tfstate",
    "v1-handwritten-no-path/terraform.tfstate",
    "v3-0.11.11-list-of-numbers/terraform.tfstate",
    "v3-0.11.11-network/terraform.tfstate",
    "v3-0.11.11-no-outputs/terraform.tfstate",
    "v3-0.11.11-shapes/terraform.tfstate",
    "v3-handwritten-numbers/terraform.tfstate",
    "v3-handwritten-resources/terraform.tfstate",
    "v4-0.15.0-shapes/terraform.tfstate",
    "v4-1.0.3-modules/terraform.tfstate",
    "v4-1.0.3-shapes/terraform.tfstate",
    "v4-1.11.4-no-outputs/terraform.tfstate",
    "v4-1.11.4-nulls/terraform.tfstate",
    "v4-1.11.4-optional-attributes/terraform.tfstate",
    "v4-1.11.4-resources/terraform.tfstate",
    "v4-1.11.4-shapes/terraform.tfstate",
    "v4-1.11.4-text/terraform.tfstate",
];

/// A directory that both programs are initialised in.
fn initialised(stage: &Stage) -> Workdir {
    let workdir = stage.workdir("");
    let _initialised = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
    workdir
}

/// Runs both, and compares exit code, standard output, and whether there is something on standard error.
///
/// Where there are no outputs, stock warns on standard output; s3tate keeps that for data.
#[track_caller]
fn same(stage: &Stage, workdir: &Workdir, args: &[&str]) -> Finished {
    let (own, stock) = (stage.s3tate.run(workdir, args), stage.stock.run(workdir, args));
    assert_eq!(own.code(), stock.code(), "{own}\n{stock}");
    if stock.stdout_text().contains("Warning: No outputs found") {
        assert_eq!(
            (own.stdout_text().as_str(), own.stderr_text().contains("no outputs")),
            ("", true),
            "{own}"
        );
    } else {
        assert_eq!(own.stdout_text(), stock.stdout_text(), "{args:?}");
        assert_eq!(own.stderr_text().is_empty(), stock.stderr_text().is_empty(), "{own}\n{stock}");
    }
    own
}

#[test]
fn outputs_of_all_samples_are_printed_as_stock_prints_them() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let workdir = initialised(&stage);
    for sample in SAMPLES {
        stage.endpoint.store().put(KEY, fixture(sample));
        let all = same(&stage, &workdir, &["output", "-json"]).json();
        let _same = same(&stage, &workdir, &["output"]);
        let names: Vec<&String> = all.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
        // Single values of all outputs are compared with recorded ones in the library's tests.
        for name in names.iter().step_by(4) {
            let _same = same(&stage, &workdir, &["output", name]);
            let _same = same(&stage, &workdir, &["output", "-raw", name]);
        }
        for args in [&["output", "-json", "missing"][..], &["output", "-raw", "missing"]] {
            let missing = same(&stage, &workdir, args);
            assert!(names.is_empty() || missing.stderr_text().contains("missing"), "{missing}");
        }
    }
}

#[test]
fn wrong_calls_fail_as_stocks_do() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let workdir = initialised(&stage);
    let _same = same(&stage, &workdir, &["output"]);
    let _same = same(&stage, &workdir, &["output", "-json"]);
    stage.endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
    let _same = same(&stage, &workdir, &["output", "-raw"]);
    let _same = same(&stage, &workdir, &["output", "-raw", "-json"]);
    for broken in ["{", "{}", r#"{"version":5}"#, r#"{"version":3,"serial":-1}"#] {
        stage.endpoint.store().put(KEY, broken);
        let refused = same(&stage, &workdir, &["output"]);
        let url = format!("s3://{}/{KEY}", stage.endpoint.store().bucket());
        let _named = refused.says(&[&url]);
    }
}

#[test]
fn several_states_are_read_in_one_call() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let (store, workdir) = (stage.endpoint.store(), Workdir::new());
    let url = |key: &str| format!("s3://{}/{key}", store.bucket());
    let option = |key: &str| format!("-state={}?region=us-east-1", url(key));
    for (key, sample) in
        [("a", "v4-1.11.4-shapes"), ("b", "v3-0.11.11-network"), ("c", "v4-1.11.4-no-outputs")]
    {
        store.put(key, fixture(&format!("{sample}/terraform.tfstate")));
    }
    store.put("broken", "{");
    let run = |keys: &[&str], args: &[&str]| {
        let options: Vec<_> = keys.iter().map(|key| option(key)).collect();
        let args: Vec<_> = ["output"]
            .into_iter()
            .chain(options.iter().map(String::as_str))
            .chain(args.iter().copied())
            .collect();
        stage.s3tate.run(&workdir, &args)
    };
    let single = |key: &str, args: &[&str]| run(&[key], args).succeeds().stdout_text();
    let all = run(&["b", "a", "c"], &[]).succeeds();
    let expected = format!(
        "# {}\n{}\n# {}\n{}\n# {}\n",
        url("b"),
        single("b", &[]),
        url("a"),
        single("a", &[]),
        url("c")
    );
    assert_eq!(all.stdout_text(), expected);
    let _warned = all.says(&[&url("c"), "no outputs"]);
    let json = run(&["b", "a", "c"], &["-json"]).succeeds();
    for key in ["a", "b", "c"] {
        let alone: serde_json::Value = serde_json::from_str(&single(key, &["-json"])).expect("JSON");
        assert_eq!(json.json()[url(key)], alone);
    }
    let named = run(&["b", "a"], &["-json", "elb_address"]).exits(1).says(&["elb_address", &url("a")]);
    assert_eq!(
        named.json().as_object().map(serde_json::Map::len),
        Some(1),
        "what is there is printed: {named}"
    );
    let broken = run(&["broken", "b"], &[]).exits(1).says(&[&url("broken")]);
    assert!(broken.stdout_text().contains("elb_address"), "one state doesn't hide another: {broken}");
    let _twice = run(&["a", "a"], &[]).exits(2).says(&["named twice"]);
    let _raw = run(&["a", "b"], &["-raw", "x"]).exits(1).says(&["several states"]);
    let pull = stage.s3tate.run(&workdir, &["state", "pull", &option("a"), &option("b")]);
    let _one = pull.exits(2).says(&["works on one"]);
}
