//! Older generations of Terraform beside s3tate.

use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{Backend, Client, Endpoint, Hold, Kind, LockRecord, Locking, Workdir, md5_hex, require};

use crate::stage::{KEY, lineage_and_serial, s3tate, with_greeting};

const OUTPUTS: &str = "
output \"greeting\" {
  value = \"hello\"
}
output \"zones\" {
  value = [\"a\", \"b\"]
}
";

fn start(kind: Kind, version: Terraform) -> Result<(Endpoint, Client), Missing> {
    let endpoint = Endpoint::start(kind)?;
    let terraform = Client::terraform(version, &endpoint)?;
    Ok((endpoint, terraform.without("AWS_ENDPOINT_URL")))
}

#[test]
fn v1_0_shares_table_and_state_on_the_embedded_endpoint() {
    let (endpoint, terraform) = require!(start(Kind::Embedded, Terraform::V1_0));
    v1_0_shares_table_and_state(&endpoint, &terraform);
}

#[test]
fn v1_0_shares_table_and_state_on_moto() {
    let (endpoint, terraform) = require!(start(Kind::Moto, Terraform::V1_0));
    v1_0_shares_table_and_state(&endpoint, &terraform);
}

fn v1_0_shares_table_and_state(endpoint: &Endpoint, terraform: &Client) {
    let backend = Backend::new(endpoint, KEY, Locking::Table);
    let store = endpoint.store();
    let configuration = backend.block(Terraform::V1_0);
    let workdir = Workdir::with(&format!("{configuration}{OUTPUTS}"));
    // Everything it needs stands in the block and in the cache that 1.0.3 writes.
    let s3tate = s3tate(endpoint).without("AWS_ENDPOINT_URL");
    let _initialised = terraform.run(&workdir, &["init", "-input=false"]).succeeds();
    let _applied = terraform.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    assert_eq!(store.digest(KEY), Some(md5_hex(&store.bytes(KEY))));
    reads_alike(&s3tate, terraform, &workdir, endpoint);

    let (lineage, serial) = lineage_and_serial(&store.bytes(KEY));
    workdir.write("next.json", with_greeting(&store.bytes(KEY), "by s3tate"));
    let _pushed = s3tate.run(&workdir, &["state", "push", "next.json"]).succeeds();
    assert_eq!(store.digest(KEY), Some(md5_hex(&store.bytes(KEY))));
    let now = lineage_and_serial(&store.bytes(KEY));
    assert!(now.0 == lineage && now.1 > serial, "serial {serial} of {lineage} became {} of {}", now.1, now.0);
    reads_alike(&s3tate, terraform, &workdir, endpoint);

    let hold = Hold::apply(terraform, &workdir, &backend);
    let stopped = s3tate.run(&workdir, &["state", "push", "next.json"]).exits(3);
    let _stopped = stopped.says(&[&hold.record().id, &hold.record().who, "OperationTypeApply"]);
    let left = hold.kill();
    let _broken = s3tate.run(&workdir, &["force-unlock", "-force", &left.id]).succeeds();
    assert_eq!(backend.locks(), []);

    let record = LockRecord::of_a_dead_holder(&backend.lock_path());
    backend.put_lock(&record);
    let _stopped = terraform.run(&workdir, &["plan"]).exits(1).says(&["Lock Info:", &record.id, &record.who]);
    let _broken = terraform.run(&workdir, &["force-unlock", "-force", &record.id]).succeeds();
    assert_eq!(backend.locks(), []);

    let _created = terraform.run(&workdir, &["workspace", "new", "by-stock"]).succeeds();
    let _created = s3tate.run(&workdir, &["workspace", "new", "by-s3tate"]).succeeds();
    let listed = s3tate.run(&workdir, &["workspace", "list"]).succeeds().stdout_text();
    assert_eq!(listed.trim_end(), "  default\n* by-s3tate\n  by-stock");
    let listed_by_stock = terraform.run(&workdir, &["workspace", "list"]).succeeds().stdout_text();
    assert_eq!(listed.trim_end(), listed_by_stock.trim_end());
    let _planned = terraform.run(&workdir, &["plan"]).succeeds();
}

#[test]
fn v0_11_state_is_pulled_as_it_is_from_the_embedded_endpoint() {
    let (endpoint, terraform) = require!(start(Kind::Embedded, Terraform::V0_11));
    v0_11_state_is_pulled_as_it_is(&endpoint, &terraform);
}

#[test]
fn v0_11_state_is_pulled_as_it_is_from_moto() {
    let (endpoint, terraform) = require!(start(Kind::Moto, Terraform::V0_11));
    v0_11_state_is_pulled_as_it_is(&endpoint, &terraform);
}

fn v0_11_state_is_pulled_as_it_is(endpoint: &Endpoint, terraform: &Client) {
    let workdir = applied_by_v0_11(endpoint, terraform);
    let said = terraform.run(&workdir, &["output", "greeting"]).succeeds();
    assert_eq!(said.stdout_text(), "hello\n");

    let before = endpoint.store().snapshot();
    let pulled = s3tate(endpoint).without("AWS_ENDPOINT_URL").run(&workdir, &["state", "pull"]).succeeds();
    assert_eq!(pulled.stdout(), endpoint.store().bytes(KEY));
    assert_eq!(endpoint.store().snapshot(), before, "an old state isn't upgraded by reading it");
}

#[test]
fn v0_11_states_are_read_as_1_11_reads_them() {
    let (endpoint, terraform) = require!(start(Kind::Embedded, Terraform::V0_11));
    let workdir = applied_by_v0_11(&endpoint, &terraform);
    let before = endpoint.store().snapshot();
    let modern = require!(Client::terraform(Terraform::V1_11, &endpoint));
    let beside = Workdir::with(&Backend::new(&endpoint, KEY, Locking::Off).block(Terraform::V1_11));
    let _initialised = modern.run(&beside, &["init", "-input=false"]).succeeds();
    let s3tate = s3tate(&endpoint).without("AWS_ENDPOINT_URL");
    for args in [
        &["output"][..],
        &["output", "-json"],
        &["output", "-raw", "greeting"],
        &["output", "zones"],
        &["state", "list"],
    ] {
        let (own, stock) = (s3tate.run(&workdir, args).succeeds(), modern.run(&beside, args).succeeds());
        assert_eq!(own.stdout_text(), stock.stdout_text(), "{args:?}");
    }
    assert_eq!(endpoint.store().snapshot(), before, "reading upgrades nothing that is stored");
}

fn applied_by_v0_11(endpoint: &Endpoint, terraform: &Client) -> Workdir {
    let block = Backend::new(endpoint, KEY, Locking::Off).block(Terraform::V0_11);
    let workdir = Workdir::with(&format!("{block}{OUTPUTS}"));
    let _initialised = terraform.run(&workdir, &["init", "-input=false"]).succeeds();
    let _applied = terraform.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    workdir
}

/// Fails the test unless both programs print the same outputs, and s3tate pulls what is stored.
#[track_caller]
fn reads_alike(s3tate: &Client, terraform: &Client, workdir: &Workdir, endpoint: &Endpoint) {
    let stock = terraform.run(workdir, &["output", "-json"]).succeeds();
    assert_eq!(s3tate.run(workdir, &["output", "-json"]).succeeds().json(), stock.json());
    let pulled = s3tate.run(workdir, &["state", "pull"]).succeeds();
    assert_eq!(pulled.stdout(), endpoint.store().bytes(KEY));
}
