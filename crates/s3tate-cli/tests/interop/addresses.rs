//! Lists and shows of resource instances, the same text from both programs.

use s3tate_testkit::{Kind, Locking, Workdir, require};

use crate::stage::{KEY, Stage, fixture};

/// Values of every kind that has a form of its own when shown.
const VALUES: &str = r#"
variable "secret" {
  sensitive = true
  default   = "sec"
}
variable "secrets" {
  sensitive = true
  default   = { a = 1 }
}
resource "terraform_data" "text" {
  input = {
    last = "a\n", two = "a\nb", only = "\n", led = "  lead\n  ing\n\n", escaped = "a\\nb", marker = "<<EOT\nEOT\nx",
    tab = "tab\there", crlf = "a\r\nb\r\n", wide = "\u00a0a\nb\u00a0", control = "a\u0001\nb", odd = "\u0001\u007f\u00a0\u2028x",
    template = "$${x} %%{y}", lines = "a\n$${x}\n", quoted = "quote\"\nb"
  }
}
resource "terraform_data" "json" {
  input = [
    jsonencode({ b = [1, "x", null, {}], a = { c = true }, "sp ace" = "y", n = 1.50, big = 12345678901234567890123, e = [] }),
    "{\"n\":1.50,\"e\":1e3,\"f\":1E-2,\"d\":1,\"d\":2,\"u\":\"\\u00e9\",\"z\":-0.0,\"b\":1e400}",
    "{\"a\":1}\n", " {\"a\":1}", "[1,]", "{}{}", "[]\n", "{}", "1", "\"q\"", "{ bad }", "[\"x\\ny\"]",
    "{\"a\":\"{\\\"b\\\":1}\"}"
  ]
}
resource "terraform_data" "numbers" {
  input = [12345678901234567890123, 0.1, 1e30, 1.5e-10, -0, 9007199254740993, 3.14159265358979323846]
}
resource "terraform_data" "nulls" {
  input = { a = null, b = [null], c = { d = null }, e = tomap({ f = null, g = "h" }) }
}
resource "terraform_data" "nothing" {}
resource "terraform_data" "line" {
  input = "line1\nline2\n"
}
resource "terraform_data" "masked" {
  input = {
    a = var.secret, b = [var.secret, "x", var.secrets], c = { "k k" = var.secret }, d = var.secrets,
    e = tomap({ x = var.secret }), f = toset(["1", "2"]), g = jsonencode({ a = var.secret })
  }
}
resource "terraform_data" "all_masked" {
  input = var.secret
}
resource "terraform_data" "masked_set" {
  input            = toset([var.secret, "x"])
  triggers_replace = [var.secrets, 1]
}
resource "terraform_data" "empty" {
  input = { a = [], b = {}, c = "", d = toset([]), e = tomap({}) }
}
resource "terraform_data" "keys" {
  input = {
    "a.b" = 1, "a-b" = 2, "1a" = 3, "é" = 4, "for" = 5, "" = 6, "new\nline" = 7, "$${x}" = 8, "_x" = 9, "a b" = 10, "A" = 1,
    "日本日本日本" = { "x y" = 1 }, "x\u0301" = 4, "-a" = 7, "ª" = 9, "a·b" = 10, "\"" = 11, "\u0001" = 13
  }
}
resource "terraform_data" "mixed" {
  input            = [1, "a", { b = [] }, [], {}, [[1]], true, toset([{ a = 2 }, { a = 1 }])]
  triggers_replace = { x = 1 }
}
data "terraform_remote_state" "other" {
  backend  = "local"
  config   = { path = "other.tfstate" }
  defaults = { region = "eu", size = 3 }
}
"#;

/// A directory where stock is initialised, over a stored sample.
fn sampled(stage: &Stage, path: &str) -> Workdir {
    stage.endpoint.store().put(KEY, fixture(path));
    let workdir = stage.workdir("");
    let _initialised = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
    workdir
}

/// Runs both programs; standard output and exit code must be equal.
#[track_caller]
fn same(stage: &Stage, workdir: &Workdir, args: &[&str]) {
    let stock = stage.stock.run(workdir, args);
    let own = stage.s3tate.run(workdir, args);
    assert_eq!((own.code(), own.stdout_text()), (stock.code(), stock.stdout_text()), "{args:?}: {own}");
}

#[test]
fn values_are_shown_as_stock_shows_them() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let workdir = stage.workdir(VALUES);
    workdir.write("other.tfstate", fixture("v4-1.11.4-shapes/terraform.tfstate"));
    let _initialised = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let _applied = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    let listed = stage.s3tate.run(&workdir, &["state", "list"]).succeeds();
    same(&stage, &workdir, &["state", "list"]);
    assert_eq!(listed.stdout_text().lines().count(), 13);
    for address in listed.stdout_text().lines() {
        same(&stage, &workdir, &["state", "show", address]);
    }
}

#[test]
fn addresses_select_what_they_select_for_stock() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Lockfile));
    let workdir = sampled(&stage, "v4-1.11.4-resources/terraform.tfstate");
    let before = stage.endpoint.store().snapshot();
    let single = "e4577e83-8176-6744-a73b-e96f9633588c";
    for filters in [
        &[][..],
        &["terraform_data.counted"],
        &["terraform_data.counted[ 3 ]"],
        &["terraform_data.keyed[\"$${x}\"]", "terraform_data.keyed[\"quo\\\"te\"]"],
        &["terraform_data.single", "terraform_data.single"],
        &["resource.terraform_data.single", "data.terraform_remote_state.absent"],
        &["module.keyed"],
        &["module.counted[10]"],
        &["module.counted"],
        &["module.plain.module.grand"],
        &["module.counted.module.grand"],
        &["module.counted.terraform_data.c"],
        &["module.nope"],
        &["module.plain[0]"],
        &["terraform_data.nope"],
        &["terraform_data.single", "terraform_data.nope"],
        &["terraform_data.counted[99]"],
        &["terraform_data.single[0]"],
        &["terraform_data.counted.3"],
        &["data.terraform_data.single"],
        &["bad addr"],
        &[""],
        &["-id=e4577e83-8176-6744-a73b-e96f9633588c"],
        &["-id", single, "terraform_data.counted"],
        &["-id", single, "terraform_data.single"],
        &["-id=nope"],
    ] {
        same(&stage, &workdir, &[&["state", "list"], filters].concat());
    }
    for address in [
        "terraform_data.single",
        "terraform_data.replaced",
        "terraform_data.counted[3]",
        "module.keyed[\"k.2\"].module.grand.terraform_data.g[1]",
        "data.terraform_remote_state.absent",
        "terraform_data.counted",
        "terraform_data.nope",
        "module.plain",
        "bad addr",
    ] {
        same(&stage, &workdir, &["state", "show", address]);
    }
    assert_eq!(stage.endpoint.store().snapshot(), before, "reading must not write");
}

#[test]
fn a_missing_state_is_told_and_not_created() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
    let workdir = stage.workdir("");
    let _initialised = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
    for args in [&["state", "list"][..], &["state", "show", "a.b"]] {
        same(&stage, &workdir, args);
        let _own = stage.s3tate.run(&workdir, args).exits(1).says(&["there is no state at"]);
    }
    assert_eq!(stage.endpoint.store().get(KEY), None);
}

#[test]
fn what_needs_a_provider_elsewhere_is_shown_without_it() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Off));
    let state = r#"{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": [
        {"mode": "managed", "type": "aws_db", "name": "main", "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
         "instances": [{"schema_version": 1, "status": "tainted", "attributes": {"id": "db-1", "password": "hush", "tags": {"a": "b"},
            "port": 5432.0, "endpoint": null, "block": [{"size": 1}]},
            "sensitive_attributes": [[{"type": "get_attr", "value": "password"}],
              [{"type": "get_attr", "value": "block"}, {"type": "index", "value": {"value": 0, "type": "number"}}]]}]}]}"#;
    stage.endpoint.store().put(KEY, state);
    let workdir = stage.workdir("");
    let shown = stage.s3tate.run(&workdir, &["state", "show", "aws_db.main"]).succeeds();
    assert_eq!(
        shown.stdout_text(),
        "# aws_db.main: (tainted)\nresource \"aws_db\" \"main\" {\n    block    = [\n        (sensitive value),\n    ]\n    id       = \"db-1\"\n\
         \x20   password = (sensitive value)\n    port     = 5432\n    tags     = {\n        a = \"b\"\n    }\n}\n"
    );
}
