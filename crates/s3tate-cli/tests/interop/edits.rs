//! Moves and removals, the same bytes stored by both programs.

use s3tate_testkit::{Client, Finished, Kind, LockRecord, Locking, Workdir, require};

use crate::stage::{KEY, Stage, fixture, lineage_and_serial};

const ROOT: &str = r#"
resource "terraform_data" "single" {
  input = "<&>\u2028 é \\ \""
}
resource "terraform_data" "counted" {
  count = 11
  input = terraform_data.single.id
}
resource "terraform_data" "keyed" {
  for_each = toset(["b", "a", "quo\"te", "$${x}", "10", "9"])
  input    = terraform_data.counted[0].id
}
resource "terraform_data" "last" {
  input = [terraform_data.keyed["a"].id, module.keyed["k"].out, module.plain.out]
}
data "terraform_remote_state" "other" {
  backend  = "local"
  config   = { path = "other.tfstate" }
}
module "plain" {
  source = "./child"
}
module "counted" {
  source = "./child"
  count  = 2
}
module "keyed" {
  source   = "./child"
  for_each = toset(["k", "k.2"])
}
output "last" {
  value = terraform_data.last.id
}
"#;

const CHILD: &str = r#"
resource "terraform_data" "x" {}
resource "terraform_data" "y" {
  input = terraform_data.x.id
}
module "grand" {
  source = "./grand"
  id     = terraform_data.y.id
}
output "out" {
  value = module.grand.out
}
"#;

const GRAND: &str = r#"
variable "id" {}
resource "terraform_data" "z" {
  count = 2
  input = var.id
}
output "out" {
  value = terraform_data.z[0].id
}
"#;

/// A directory where stock has applied all of this.
fn applied(stage: &Stage) -> Workdir {
    let workdir = stage.workdir(ROOT);
    workdir.write("child/main.tf", CHILD);
    workdir.write("child/grand/main.tf", GRAND);
    workdir.write("other.tfstate", fixture("v4-1.11.4-shapes/terraform.tfstate"));
    let _initialised = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let _applied = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    workdir
}

/// The state in which results of checks, which stock writes in any order, are sorted.
fn comparable(stored: &[u8]) -> String {
    let text = String::from_utf8(stored.to_vec()).expect("states are UTF-8");
    let (before, checks) = text.split_once("\n  \"check_results\": ").expect("the field is there");
    let checks: serde_json::Value =
        serde_json::from_str(checks.trim_end().trim_end_matches('}')).expect("JSON");
    let mut checks: Vec<_> = checks.as_array().into_iter().flatten().map(ToString::to_string).collect();
    checks.sort();
    format!("{before}\n{checks:#?}")
}

/// Lines of module moves come from stock in any order, and others only where a lock took it long.
fn sorted(finished: &Finished) -> Vec<String> {
    let is_answer = |line: &&str| !line.ends_with("ing state lock. This may take a few moments...");
    let mut lines: Vec<_> = finished.stdout_text().lines().filter(is_answer).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Fails the test at the first line that differs, and shows what stands around it.
#[track_caller]
fn assert_lines(own: &str, stock: &str, what: &str) {
    let (own, stock): (Vec<_>, Vec<_>) = (own.lines().collect(), stock.lines().collect());
    let Some(at) = (0..own.len().max(stock.len())).find(|&at| own.get(at) != stock.get(at)) else { return };
    let around = |lines: &[&str]| {
        let end = lines.len().min(at + 5);
        lines[at.saturating_sub(20).min(end)..end].join("\n")
    };
    panic!("{what}: line {} differs\n--- s3tate\n{}\n--- stock\n{}", at + 1, around(&own), around(&stock));
}

/// Runs one edit with both programs over the same state: same output, exit code and stored bytes.
#[track_caller]
fn same(stage: &Stage, workdir: &Workdir, before: &[u8], args: &[&str]) {
    let args = [&["state"], args].concat();
    stage.endpoint.store().put(KEY, before);
    let stock = stage.stock.run(workdir, &args);
    let stocks = stage.stored();
    stage.endpoint.store().put(KEY, before);
    let own = stage.s3tate.run(workdir, &args);
    assert_eq!((own.code(), sorted(&own)), (stock.code(), sorted(&stock)), "{args:?}: {own}\n{stock}");
    if stock.code() == Some(0) {
        assert_lines(&comparable(&stage.stored()), &comparable(&stocks), &format!("{args:?}"));
    } else {
        assert_eq!(String::from_utf8(stage.stored()), String::from_utf8(before.to_vec()), "{args:?}");
    }
}

#[test]
fn moves_store_what_stock_stores() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let workdir = applied(&stage);
    let before = stage.stored();
    for (from, to) in [
        ("terraform_data.single", "terraform_data.other"),
        ("terraform_data.single", "terraform_data.single[0]"),
        ("terraform_data.single", "terraform_data.single[\"quo\\\"te $${x} é\"]"),
        ("terraform_data.single", "terraform_data.counted"),
        ("terraform_data.single", "terraform_data.counted[3]"),
        ("terraform_data.single", "module.new[1].terraform_data.single"),
        ("terraform_data.counted", "terraform_data.c2"),
        ("terraform_data.counted", "terraform_data.c2[0]"),
        ("terraform_data.counted", "terraform_data.keyed"),
        ("terraform_data.counted", "module.plain.terraform_data.counted"),
        ("terraform_data.counted[3]", "terraform_data.counted[30]"),
        ("terraform_data.counted[3]", "terraform_data.keyed[\"a a\"]"),
        ("terraform_data.counted[3]", "terraform_data.c2"),
        ("terraform_data.counted[77]", "terraform_data.c2"),
        ("terraform_data.keyed[\"quo\\\"te\"]", "terraform_data.keyed[\"7\"]"),
        ("terraform_data.last", "terraform_data.last"),
        ("terraform_data.last", "null_resource.last"),
        ("terraform_data.last", "data.terraform_data.last"),
        ("terraform_data.last", "module.plain"),
        ("terraform_data.nope", "terraform_data.last2"),
        ("data.terraform_remote_state.other", "data.terraform_remote_state.b"),
        ("data.terraform_remote_state.other", "terraform_remote_state.b"),
        ("module.plain", "module.p2"),
        ("module.plain", "module.p2[\"x\"]"),
        ("module.plain", "module.counted[2]"),
        ("module.plain", "module.counted[1]"),
        ("module.plain", "module.plain.module.deeper"),
        ("module.plain", "terraform_data.x"),
        ("module.counted", "module.c2"),
        ("module.counted[0]", "module.c2"),
        ("module.keyed[\"k\"]", "module.keyed[\"z\"]"),
        ("module.keyed[\"k\"].terraform_data.x", "module.keyed[\"k\"].terraform_data.x2"),
        ("module.plain.module.grand", "module.grand"),
        ("module.plain.module.grand.terraform_data.z[1]", "terraform_data.z"),
        ("module.counted[0]", "module.counted"),
        ("module.counted", "module.counted[0]"),
        ("module.counted", "module.plain"),
        ("module.counted", "module.keyed"),
        ("module.keyed[\"k\"]", "module.new[3].module.deep"),
        ("module.counted[0].module.grand", "module.counted[1].module.grand"),
        ("module.counted[0].module.grand", "module.g2"),
        ("module.counted.module.grand", "module.g2"),
        ("module.counted[0].terraform_data.x", "terraform_data.x"),
        ("terraform_data.counted", "terraform_data.counted"),
        ("terraform_data.counted", "terraform_data.single"),
        ("terraform_data.counted[3]", "terraform_data.single"),
        ("terraform_data.counted[3]", "module.plain"),
        ("terraform_data.keyed[\"a\"]", "terraform_data.alone"),
        ("terraform_data.keyed", "module.far[\"quo\\\"te\"].terraform_data.k"),
        ("resource.terraform_data.single", "terraform_data.other"),
        ("terraform_data.single", "resource.terraform_data.other"),
        ("terraform_data.counted[ 3 ]", "terraform_data.counted[ 30 ]"),
        ("terraform_data.counted", "resource.terraform_data.c2"),
        ("module.counted[ 0 ]", "module.c2[ 1 ]"),
        ("terraform_data.single", "module.plain.terraform_data.x"),
        ("terraform_data.single", ""),
        ("data.terraform_remote_state.other", "module.plain.data.terraform_remote_state.other[0]"),
        ("module.nope", "module.x"),
        ("bad addr", "a.b"),
        ("terraform_data.last", "bad addr"),
    ] {
        same(&stage, &workdir, &before, &["mv", from, to]);
    }
    same(&stage, &workdir, &before, &["mv", "-dry-run", "terraform_data.single", "terraform_data.other"]);
}

/// Where numbers and texts mix as keys, stock writes the instances in another order from one run to the next.
#[test]
fn keys_of_both_kinds_are_stored_in_an_order_of_our_own() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let workdir = applied(&stage);
    let before = stage.stored();
    let args = ["state", "mv", "terraform_data.keyed[\"quo\\\"te\"]", "terraform_data.keyed[70]"];
    let [stock, own] = [&stage.stock, &stage.s3tate].map(|client| {
        stage.endpoint.store().put(KEY, before.as_slice());
        let _moved = client.run(&workdir, &args).succeeds();
        let text = comparable(&stage.stored());
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        (lines, text)
    });
    assert_eq!(own.0, stock.0);
    let keys: Vec<_> = own.1.lines().filter_map(|line| line.trim().strip_prefix("\"index_key\": ")).collect();
    let first = keys.iter().position(|key| *key == "70,").expect("it was moved there");
    assert_eq!(keys.get(first + 1), Some(&"\"${x}\","), "numbers come first");
}

#[test]
fn removals_store_what_stock_stores() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let workdir = applied(&stage);
    let before = stage.stored();
    for args in [
        &["terraform_data.single"][..],
        &["terraform_data.counted"],
        &["terraform_data.counted[3]", "terraform_data.counted"],
        &["terraform_data.keyed[\"$${x}\"]"],
        &["terraform_data.single", "terraform_data.nope"],
        &["terraform_data.nope", "module.nope"],
        &["module.counted"],
        &["module.counted[1]"],
        &["module.counted.module.grand"],
        &["module.plain.terraform_data.x", "module.plain"],
        &["terraform_data.single", "terraform_data.single"],
        &["resource.terraform_data.single"],
        &["terraform_data.counted[99]"],
        &["terraform_data.single", "bad addr"],
        &["module.keyed[\"k.2\"]", "module.plain.module.grand"],
        &["module.counted.terraform_data.x"],
        &["data.terraform_remote_state.other"],
        &["bad addr"],
        &["-dry-run", "module.counted", "terraform_data.single"],
        &["-dry-run", "terraform_data.nope"],
    ] {
        same(&stage, &workdir, &before, &[&["rm"], args].concat());
    }
}

#[test]
fn deposed_and_tainted_objects_go_along() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let workdir = stage.workdir("");
    let _initialised = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let before = fixture("v4-1.11.4-resources/terraform.tfstate");
    for args in [
        &["mv", "terraform_data.replaced", "terraform_data.replaced[\"k\"]"][..],
        &["mv", "terraform_data.counted[3]", "module.m.terraform_data.counted[3]"],
        &["mv", "terraform_data.counted[0]", "terraform_data.counted[15]"],
        &["rm", "terraform_data.replaced"],
        &["rm", "module.counted[10]"],
    ] {
        same(&stage, &workdir, &before, args);
    }
}

#[test]
fn edits_hold_the_lock_and_leave_everything_sound() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let workdir = applied(&stage);
    let (lineage, serial) = lineage_and_serial(&stage.stored());
    let _moved = stage.s3tate.run(&workdir, &["state", "mv", "module.plain", "module.p2"]).succeeds();
    stage.is_sound("default");
    assert_eq!(lineage_and_serial(&stage.stored()), (lineage.clone(), serial + 1));
    let _removed = stage.s3tate.run(&workdir, &["state", "rm", "module.p2"]).succeeds();
    stage.is_sound("default");
    assert_eq!(lineage_and_serial(&stage.stored()), (lineage, serial + 2));

    for (args, code) in [
        (&["mv", "module.counted[0]", "module.counted[1]"][..], 1),
        (&["mv", "terraform_data.nope", "terraform_data.x"], 1),
        (&["rm", "terraform_data.nope"], 1),
    ] {
        let before = stage.endpoint.store().snapshot();
        let _refused = stage.s3tate.run(&workdir, &[&["state"], args].concat()).exits(code);
        assert_eq!(stage.endpoint.store().snapshot(), before, "{args:?} left something behind");
    }
}

#[test]
fn a_locked_state_is_not_edited() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
    let workdir = applied(&stage);
    let record = LockRecord::parse(
        br#"{"ID":"6f0c2a7e-2c0b-4f5e-9a57-0c6f0e2f9c11","Operation":"OperationTypeApply","Info":"","Who":"dana@build","Version":"1.11.4","Created":"2026-01-01T00:00:00Z","Path":"p"}"#,
    );
    stage.backend().put_lock(&record);
    let before = stage.endpoint.store().snapshot();
    for args in [&["state", "mv", "module.plain", "module.p2"][..], &["state", "rm", "module.plain"]] {
        let _refused = stage.s3tate.run(&workdir, args).exits(3).says(&["dana@build"]);
        assert_eq!(stage.endpoint.store().snapshot(), before);
        let _dry = stage.s3tate.run(&workdir, &[args, &["-dry-run"]].concat()).succeeds();
        assert_eq!(stage.endpoint.store().snapshot(), before);
    }
    let _unlocked = stage.s3tate.run(&workdir, &["state", "rm", "-lock=false", "module.plain"]).succeeds();
}

#[test]
fn old_formats_are_edited_as_stock_does() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let workdir = stage.workdir("");
    let _initialised = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
    for sample in ["v1-handwritten", "v3-handwritten-resources", "v3-0.11.11-network"] {
        let before = fixture(&format!("{sample}/terraform.tfstate"));
        stage.endpoint.store().put(KEY, before.clone());
        let list = |client: &Client| client.run(&workdir, &["state", "list"]).succeeds().stdout_text();
        assert_eq!(list(&stage.s3tate), list(&stage.stock), "{sample}");
        for args in [
            &["rm", "aws_vpc.main"][..],
            &["rm", "aws_instance.web"],
            &["mv", "aws_instance.web", "aws_instance.other"],
            &["mv", "aws_instance.web[1]", "aws_instance.web[7]"],
            &["rm", "module.child"],
        ] {
            same(&stage, &workdir, &before, args);
        }
    }
}
