//! `init` by one client serves the others: no second init, whoever was first.

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Backend, Client, Endpoint, Kind, Locking, Workdir, require};

use crate::stage::{KEY, Stage, s3tate};

const OUTPUT: &str = "output \"greeting\" {\n  value = \"hello\"\n}\n";

/// What both releases understand; only the older one needs to be told where everything is.
fn shared_block(endpoint: &Endpoint) -> String {
    Backend::new(endpoint, KEY, Locking::Table).block(Terraform::V1_0)
}

#[test]
fn after_s3tates_init_stock_needs_none() {
    let endpoint = require!(Endpoint::start(Kind::Embedded));
    let new = require!(Client::terraform(Terraform::V1_11, &endpoint));
    let old = require!(Client::terraform(Terraform::V1_0, &endpoint));
    for first in [&new, &old] {
        let workdir = Workdir::with(&format!("{}{OUTPUT}", shared_block(&endpoint)));
        let _initialised = s3tate(&endpoint).run(&workdir, &["init"]).succeeds();
        let _planned = first.run(&workdir, &["plan"]).succeeds();
        // Each rewrites the cache in its own form, and the next one still needs no init.
        for client in [&old, &new, &old] {
            let _planned = client.run(&workdir, &["plan"]).succeeds();
            let _read = s3tate(&endpoint).run(&workdir, &["workspace", "list"]).succeeds();
        }
    }
}

#[test]
fn after_stocks_init_s3tate_needs_none() {
    let endpoint = require!(Endpoint::start(Kind::Embedded));
    for (version, locking) in [
        (Terraform::V1_11, Locking::Table),
        (Terraform::V1_0, Locking::Table),
        // It can't be told where else the table is.
        (Terraform::V0_11, Locking::Off),
    ] {
        let terraform = require!(Client::terraform(version, &endpoint));
        let block = Backend::new(&endpoint, KEY, locking).block(version);
        let workdir = Workdir::with(&format!("{block}{OUTPUT}"));
        let _initialised = terraform.run(&workdir, &["init", "-input=false"]).succeeds();
        // The block is gone, the cache alone counts.
        workdir.write("main.tf", OUTPUT);
        let _read = s3tate(&endpoint).run(&workdir, &["workspace", "list"]).succeeds();
    }
}

/// Check 44: after a partial configuration by s3tate, stock needs no further init.
#[test]
fn a_partial_configuration_is_remembered_for_stock() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
    let workdir = Workdir::with(&format!(
        "terraform {{\n  backend \"s3\" {{\n    region = \"us-east-1\"\n  }}\n}}\n{OUTPUT}"
    ));
    workdir.write(
        "rest.hcl",
        format!("bucket = \"{}\"\nkey = \"overridden\"\n", stage.endpoint.store().bucket()),
    );
    let table = format!("-backend-config=dynamodb_table={}", stage.endpoint.store().table());
    let key = format!("-backend-config=key={KEY}");
    let _initialised =
        stage.s3tate.run(&workdir, &["init", "-backend-config=rest.hcl", &key, &table]).succeeds();
    let _applied = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    assert_eq!(stage.endpoint.store().keys(), [KEY]);
    let _unchanged = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let read = stage.s3tate.run(&workdir, &["output", "-raw", "greeting"]).succeeds();
    assert_eq!(read.stdout_text(), "hello");
}

/// Check 44: keys given beside the block are written, as stock would find none elsewhere, with a warning and mode 0600.
#[cfg(unix)]
#[test]
fn keys_of_a_partial_configuration_reach_the_next_client_and_nobody_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let endpoint = require!(Endpoint::start(Kind::Embedded));
    let env = endpoint.env();
    let keys = [("access_key", "AWS_ACCESS_KEY_ID"), ("secret_key", "AWS_SECRET_ACCESS_KEY")];
    let options = keys.map(|(name, variable)| format!("-backend-config={name}={}", env[variable]));
    let without_keys =
        |client: Client| keys.iter().fold(client, |client, (_, variable)| client.without(variable));
    let ours = without_keys(s3tate(&endpoint));
    for (version, release) in [(Terraform::V1_11, "-terraform=1.11"), (Terraform::V1_0, "-terraform=1.0")] {
        let stock = without_keys(require!(Client::terraform(version, &endpoint)));
        let [access_key, secret_key] = &options;
        let workdir = Workdir::with(&format!("{}{OUTPUT}", shared_block(&endpoint)));
        let initialised = ours.run(&workdir, &["init", release, access_key, secret_key]).succeeds();
        let initialised = initialised.says(&["warning:", "secret in clear"]);
        assert!(!initialised.stderr_text().contains(&env["AWS_SECRET_ACCESS_KEY"]), "{initialised}");
        let cache = workdir.path().join(".terraform/terraform.tfstate");
        let mode = std::fs::metadata(cache).expect("it was written").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let _planned = stock.run(&workdir, &["plan"]).succeeds();

        let workdir = Workdir::with(&format!("{}{OUTPUT}", shared_block(&endpoint)));
        let _initialised = stock.run(&workdir, &["init", "-input=false", access_key, secret_key]).succeeds();
        let _read = ours.run(&workdir, &["workspace", "list"]).succeeds();
        let _planned = stock.run(&workdir, &["plan"]).succeeds();
    }
}

/// Check 49: what only earlier releases know holds after `init` as before, for s3tate and for them.
#[test]
fn old_attributes_outlive_init() {
    let endpoint = require!(Endpoint::start(Kind::Embedded));
    let old = require!(Client::terraform(Terraform::V1_0, &endpoint));
    let ours = s3tate(&endpoint);
    let table = endpoint.store().table();
    let table_block = shared_block(&endpoint).replace("dynamodb_table", "lock_table");
    let workdir = Workdir::with(&table_block);
    let item = |workdir: &Workdir| {
        let explained = ours.run(workdir, &["backend", "explain", "-json"]).succeeds().json();
        explained["addresses"]["lock_item"].as_str().map(str::to_owned)
    };
    let before = item(&workdir);
    assert!(before.as_ref().is_some_and(|item| item.starts_with(table)), "{before:?}");
    let _initialised = ours.run(&workdir, &["init"]).succeeds();
    assert_eq!(item(&workdir), before);
    // Given beside the block it holds as well.
    let workdir = Workdir::with(&shared_block(&endpoint).replace("dynamodb_table", "# "));
    let option = format!("-backend-config=lock_table={table}");
    let _initialised = ours.run(&workdir, &["init", &option]).succeeds();
    assert_eq!(item(&workdir), before);

    let flat =
        shared_block(&endpoint).replace("backend \"s3\" {", "backend \"s3\" {\n    session_name = \"ci\"");
    let workdir = Workdir::with(&format!("{flat}{OUTPUT}"));
    let _initialised = ours.run(&workdir, &["init"]).succeeds();
    let _planned = old.run(&workdir, &["plan"]).succeeds();
    workdir.write("main.tf", format!("{}{OUTPUT}", flat.replace("\"ci\"", "\"another\"")));
    let _noticed =
        ours.run(&workdir, &["workspace", "list"]).exits(2).says(&["has changed", "`session_name`"]);
}

#[test]
fn a_changed_block_is_noticed_and_its_states_can_come_along() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
    let workdir = stage.applied(OUTPUT);
    let block = stage.configuration(OUTPUT);
    workdir.write("main.tf", block.replace(KEY, "moved/key"));
    let _refused = stage.s3tate.run(&workdir, &["output"]).exits(2).says(&["has changed", "`key`"]);
    let _refused = stage.s3tate.run(&workdir, &["init"]).exits(2).says(&["-reconfigure", "-migrate-state"]);
    let before = stage.endpoint.store().bytes(KEY);
    let _migrated = stage.s3tate.run(&workdir, &["init", "-migrate-state"]).succeeds();
    assert_eq!(stage.endpoint.store().bytes("moved/key"), before, "lineage and serial stay");
    let _clean = stage.stock.run(&workdir, &["plan", "-detailed-exitcode"]).succeeds();
}

#[test]
fn a_local_state_is_moved_only_when_asked() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
    let workdir = Workdir::with(OUTPUT);
    let _applied = stage.stock.run(&workdir, &["init"]).succeeds();
    let _applied = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    workdir.write("main.tf", stage.configuration(OUTPUT));
    let local = workdir.read("terraform.tfstate").expect("stock kept its state here");
    let _refused = stage.s3tate.run(&workdir, &["init"]).exits(2).says(&["local state", "-migrate-state"]);
    assert!(stage.endpoint.store().keys().is_empty());
    let _migrated = stage.s3tate.run(&workdir, &["init", "-migrate-state"]).succeeds();
    assert_eq!(stage.endpoint.store().bytes(KEY), local);
    let _clean = stage.stock.run(&workdir, &["plan", "-detailed-exitcode"]).succeeds();
}

#[test]
fn variables_add_options_as_for_stock() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
    let workdir = Workdir::with("terraform {\n  backend \"s3\" {}\n}\n");
    workdir.write("all.hcl", stage.backend().attributes(Terraform::V1_11));
    let variable = ("TF_CLI_ARGS_init", "-backend-config=all.hcl -input=false -upgrade");
    let _initialised =
        stage.s3tate.command(&workdir, &["init"]).env(variable.0, variable.1).finish().succeeds();
    let _planned = stage.stock.run(&workdir, &["plan"]).succeeds();
}

#[test]
fn explain_names_sources_and_hides_secrets() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let workdir = stage.workdir(OUTPUT);
    let options = [
        "backend",
        "explain",
        "-backend-config=token=hush",
        "-backend-config=access_key=a",
        "-backend-config=secret_key=hush",
    ];
    let explained = stage.s3tate.run(&workdir, &options).succeeds();
    let explained = explained.says(&[
        "main.tf:",
        "option -backend-config",
        "variable AWS_ENDPOINT_URL",
        "****",
        ".tflock",
    ]);
    assert!(!explained.stdout_text().contains("hush"));
    let json = stage.s3tate.run(&workdir, &["backend", "explain", "-json"]).succeeds().json();
    assert_eq!(json["addresses"]["state"], format!("s3://{}/{KEY}", stage.endpoint.store().bucket()));
}

#[test]
fn explain_tells_what_the_profile_gives_and_what_stays_with_whom() {
    let endpoint = require!(Endpoint::start(Kind::Embedded));
    let workdir = Workdir::with(
        "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n    key = \"p/s\"\n    use_lockfile = true\n    \
         max_retries = 0\n    insecure = true\n    force_path_style = true\n  }\n}\n",
    );
    workdir.write(
        "../home/.aws/config",
        "[profile work]\nendpoint_url = http://profile\nservices = mine\nretry_mode = adaptive\nmax_attempts = 6\n\
         use_fips_endpoint = true\n[services mine]\nsts =\n  endpoint_url = http://section\n",
    );
    let client =
        s3tate(&endpoint).without("AWS_ENDPOINT_URL").env("AWS_PROFILE", "work").env("TF_WORKSPACE", "dev");
    let explain = ["backend", "explain", "-json", "-backend-config=dynamodb_table=t"];
    let json = client.run(&workdir, &explain).succeeds().json();
    let values = json["values"].as_array().expect("values");
    let of = |name: &str| {
        let value = values.iter().find(|value| value["name"] == name).expect(name);
        [&value["value"], &value["source"]].map(|text| text.as_str().expect("a text").to_owned())
    };
    for (name, value, source) in [
        ("bucket", "b", "main.tf:3"),
        ("dynamodb_table", "t", "option -backend-config"),
        ("region", "us-east-1", "variable AWS_REGION"),
        ("endpoints.s3", "http://profile", "profile `work`"),
        ("endpoints.sts", "http://section", "profile `work`"),
        ("retry_mode", "adaptive", "profile `work`"),
        ("max_retries", "6", "profile `work`"),
        ("use_fips_endpoint", "true", "profile `work`"),
        ("encrypt", "false", "default"),
    ] {
        assert_eq!(of(name), [value, source], "{name}");
    }
    assert_eq!(json["workspaces"][0]["lock_object"], "s3://b/env:/dev/p/s.tflock");
    assert_eq!(json["workspaces"][1]["digest_item"], "t/b/p/s-md5");
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("`insecure`") && warnings.contains("`force_path_style`"), "{warnings}");
    // Nobody listens there, so nothing was sent.
    let _said =
        client.run(&workdir, &["backend", "explain"]).succeeds().says(&["profile `work`", "env:/dev/p/s"]);
}
