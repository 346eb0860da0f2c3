//! `-backend-config`: pairs and files, their order, and what they lay over the block.

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    let wrong_key = |name: &str| case(name).with(r#"key = "other""#);
    vec![
        wrong_key("a pair over the block").option("key=state").writes(),
        case("a pair for what the block leaves out").without("key").option("key=state"),
        case("a pair with an equals sign in it").option("key=a=b").at("a=b"),
        case("a pair with quotes").option(r#"key="state""#).at(r#""state""#).embedded(),
        case("a pair with blanks around its name").option(" key =state").refused("key"),
        case("a pair with an empty value").option("key=").refused_as("cannot be empty", "key"),
        case("a pair with an unknown name").option("colour=red").refused("colour"),
        case("a pair for a bool").option("use_lockfile=true").writes(),
        case("a pair for a bool in capitals").option("use_lockfile=TRUE").refused("use_lockfile"),
        case("a pair for a bool with quotes").option(r#"use_lockfile="true""#).refused("use_lockfile"),
        case("a pair for a number").option("max_retries=3"),
        case("a pair for a number that is none").option("max_retries=many").refused("max_retries"),
        case("a pair for a set")
            .option(r#"forbidden_account_ids=["1"]"#)
            .without("skip_requesting_account_id"),
        case("a pair for an object").option(r#"endpoints={s3="{other}"}"#),
        case("a pair for an object replaces it whole")
            .with(r#"endpoints = { s3 = "http://127.0.0.1:1", sts = "http://127.0.0.1:1" }"#)
            .option(r#"endpoints={dynamodb="{other}"}"#)
            .table(),
        case("a pair for a member").option("endpoints.s3={other}").refused("endpoints.s3"),
        case("a pair that takes a value back").with(r#"acl = "private""#).option("acl=").writes(),
        case("a pair with null")
            .with("use_lockfile = true")
            .option("use_lockfile=null")
            .refused("use_lockfile"),
        case("two pairs, the later counts").option("key=other").option("key=state"),
        wrong_key("a file over the block").option("more.hcl").file("more.hcl", "key = \"state\"\n"),
        wrong_key("a file in JSON").option("more.json").file("more.json", r#"{"key": "state"}"#),
        wrong_key("a file with .tfbackend")
            .option("more.s3.tfbackend")
            .file("more.s3.tfbackend", "key = \"state\"\n"),
        wrong_key("a file below a directory").option("config/more").file("config/more", "key = \"state\"\n"),
        case("a file, then a pair")
            .option("more.hcl")
            .option("key=state")
            .file("more.hcl", "key = \"other\"\n"),
        case("a pair, then a file")
            .option("key=other")
            .option("more.hcl")
            .file("more.hcl", "key = \"state\"\n"),
        case("two files, the later counts")
            .option("one.hcl")
            .option("two.json")
            .file("one.hcl", "key = \"other\"\n")
            .file("two.json", r#"{"key": "state"}"#),
        case("a file that isn't there").option("absent.hcl").refused("absent.hcl"),
        case("a file of options that doesn't parse")
            .option("more.hcl")
            .file("more.hcl", "key = \n")
            .refused("more.hcl"),
        case("a file with an unknown attribute")
            .option("more.hcl")
            .file("more.hcl", "colour = 1\n")
            .refused("colour"),
        case("a file with a block")
            .option("more.hcl")
            .file("more.hcl", "backend \"s3\" {}\n")
            .refused("backend"),
        case("a file with an attribute twice")
            .option("more.hcl")
            .file("more.hcl", "key = \"a\"\nkey = \"state\"\n")
            .refused("key"),
        case("a file with a variable").option("more.hcl").file("more.hcl", "key = var.key\n").refused("var"),
        case("a file with a wrong type")
            .option("more.hcl")
            .file("more.hcl", "use_lockfile = []\n")
            .refused("use_lockfile"),
        case("a file with nothing in it").option("more.hcl").file("more.hcl", ""),
        case("an empty option").option(""),
        case("an empty option before a pair")
            .option("")
            .option("key=state")
            .refused_as("Failed to read file", "-backend-config"),
        case("a pair for a number with quotes").option(r#"max_retries="3""#).refused("max_retries"),
        case("a pair for a number with null").option("max_retries=null").refused("max_retries"),
        case("a pair for a set of numbers")
            .option("forbidden_account_ids=[1]")
            .without("skip_requesting_account_id"),
        case("a pair for a set with null").option("forbidden_account_ids=null"),
        case("a pair for a set with a text")
            .option(r#"forbidden_account_ids="1""#)
            .refused("forbidden_account_ids"),
        case("a pair for a bool with a number").option("use_lockfile=1").writes(),
        case("a pair for a text with null").option("key=null").at("null"),
        case("an empty option after a pair")
            .option("key=other")
            .option("")
            .option("key=state")
            .refused_as("Failed to read file", "-backend-config"),
        case("an empty block, all by options")
            .main("main.tf", "terraform {\n  backend \"s3\" {}\n}\n")
            .option("bucket={bucket}")
            .option("key=state")
            .option("region=us-east-1")
            .option("use_path_style=true")
            .option("skip_credentials_validation=true")
            .option("skip_requesting_account_id=true")
            .option("dynamodb_table={table}")
            .writes(),
        case("an option of TF_CLI_ARGS_init")
            .without("key")
            .env("TF_CLI_ARGS_init", "-backend-config=key=state"),
        case("an option of TF_CLI_ARGS").without("key").env("TF_CLI_ARGS", "-backend-config=key=state"),
        case("a data directory of TF_DATA_DIR")
            .env("TF_DATA_DIR", "elsewhere")
            .option("acl=private")
            .writes(),
        case("an empty block and no options")
            .main("main.tf", "terraform {\n  backend \"s3\" {}\n}\n")
            .refused("bucket"),
    ]
}
