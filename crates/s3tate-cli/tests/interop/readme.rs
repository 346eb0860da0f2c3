//! What the README tells a newcomer to paste, pasted.

use std::path::Path;
use std::time::Duration;

use s3tate_testkit::tools::{Terraform, Tool, find};
use s3tate_testkit::{Client, Endpoint, Finished, Kind, Workdir, require, wait_for};

/// The text between the first fence after `heading` and its end.
fn pasted(heading: &str) -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README is there");
    let (_, section) = readme.split_once(heading).expect("the heading is there");
    let (_, block) = section.split_once("```sh\n").expect("a block follows");
    block.split_once("```").expect("the block ends").0.to_owned()
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn with_examples() -> Workdir {
    let workdir = Workdir::new();
    for example in ["dynamodb-table", "lock-table"] {
        let text = std::fs::read(root().join("examples").join(example).join("main.tf"))
            .expect("the example is there");
        std::fs::create_dir_all(workdir.path().join("examples").join(example)).expect("a directory is made");
        workdir.write(&format!("examples/{example}/main.tf"), text);
    }
    workdir
}

/// A `PATH` that has stock Terraform and s3tate, and what a shell needs.
fn path(terraform: &Path) -> String {
    let s3tate = Path::new(env!("CARGO_BIN_EXE_s3tate")).parent().expect("it is in a directory").display();
    let terraform = terraform.parent().expect("it is in a directory").display();
    format!("{s3tate}:{terraform}:/usr/local/bin:/usr/bin:/bin")
}

#[test]
fn the_first_session_works_as_it_is_pasted() {
    let terraform = require!(find(Tool::Terraform(Terraform::V1_11)));
    let nowhere = require!(Endpoint::start(Kind::Embedded));
    let workdir = with_examples();
    let mut session = pasted("## First session");
    session.insert_str(0, "set -x\n");
    workdir.write("session.sh", &session);
    // `-exec` gives the session what the printed lines would.
    let local = ["local", "-listen", "127.0.0.1:0", "-bucket", "mybucket", "-table", "terraform-locks"];
    let arguments: Vec<_> = local.iter().chain(&["-exec", "bash", "session.sh"]).copied().collect();
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &nowhere).env("PATH", path(&terraform));
    let finished = client.run(&workdir, &arguments).succeeds();
    let finished = finished.says(&["\"10.0.0.1\"", "is locked; nothing was written", "OperationTypeInvalid"]);
    let _finished = finished.says(&["holds this state already"]);
    assert!(workdir.path().join("examples/dynamodb-table/copy.json").exists());
}

/// The lines that `s3tate local` prints are themselves a session: variables, and a block that works.
#[test]
fn what_local_prints_can_be_pasted() {
    let terraform = require!(find(Tool::Terraform(Terraform::V1_11)));
    let nowhere = require!(Endpoint::start(Kind::Embedded));
    let workdir = Workdir::new();
    let s3tate = Client::new(env!("CARGO_BIN_EXE_s3tate"), &nowhere).env("PATH", path(&terraform));
    let local = ["local", "-listen", "127.0.0.1:0", "-bucket", "mybucket", "-table", "terraform-locks"];
    let mut running = s3tate.command(&workdir, &local).start();
    let printed = wait_for("the block to paste", Duration::from_mins(1), || {
        assert!(!running.has_ended(), "the server ended: {}", running.stdout_so_far());
        Some(running.stdout_so_far()).filter(|text| text.ends_with("# }\n"))
    });
    workdir.write("printed.sh", &printed);
    let commands = ". ./printed.sh && sed -n 's/^# //p' printed.sh > main.tf && terraform init -input=false && \
                    terraform apply -auto-approve && s3tate state pull && s3tate lock list";
    let shell = Client::new("/bin/bash", &nowhere).env("PATH", path(&terraform));
    let _finished = shell.run(&workdir, &["-ec", commands]).succeeds().says(&["\"serial\": 1"]);
    let _finished = running.kill();
}

/// The configuration of 2017, by its reader of today and by a client of its time.
#[test]
fn the_seed_documentations_configuration_works_as_it_stands() {
    let old = require!(find(Tool::Terraform(Terraform::V0_11)));
    let nowhere = require!(Endpoint::start(Kind::Embedded));
    let workdir = with_examples();
    // 0.11.11 can't be told where DynamoDB is, so it goes without the table.
    let commands = format!(
        "cd examples/lock-table\n\
         s3tate init && s3tate workspace new dev && s3tate workspace select default\n\
         rm -r .terraform\n\
         {old} init -input=false -backend-config=lock_table= -backend-config=endpoint=$AWS_ENDPOINT_URL \
         -backend-config=force_path_style=true -backend-config=skip_credentials_validation=true \
         -backend-config=skip_requesting_account_id=true -backend-config=skip_metadata_api_check=true \
         -backend-config=skip_get_ec2_platforms=true\n\
         {old} apply -auto-approve\n\
         rm -r .terraform\n\
         s3tate workspace list\n\
         s3tate state pull | grep '\"version\": 3'\n",
        old = old.display()
    );
    workdir.write("session.sh", commands);
    let local = ["local", "-listen", "127.0.0.1:0", "-bucket", "mybucket", "-table", "terraform-locks"];
    let arguments: Vec<_> = local.iter().chain(&["-exec", "bash", "-ex", "session.sh"]).copied().collect();
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &nowhere).env("PATH", path(&old));
    let finished = client.run(&workdir, &arguments).succeeds();
    let _finished = finished.says(&["`lock_table`", "use `dynamodb_table`", "  dev"]);
}

/// The blocks of a page, in order and in one directory, as a session that stops at the first error.
fn page(name: &str) -> String {
    let page = std::fs::read_to_string(root().join("docs").join(name)).expect("the page is there");
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    std::iter::once("set -eu\n").chain(blocks).collect()
}

/// Runs the blocks of a page where the endpoint of the examples serves, without any other tool.
fn run_page(name: &str) -> Finished {
    let nowhere = require_embedded();
    let workdir = Workdir::new();
    workdir.write("session.sh", page(name));
    let path = path(Path::new("/usr/bin/env"));
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &nowhere).env("PATH", path);
    let local = ["local", "-listen", "127.0.0.1:0", "-bucket", "mybucket", "-table", "terraform-locks"];
    let arguments: Vec<_> = local.iter().chain(&["-exec", "bash", "session.sh"]).copied().collect();
    client.run(&workdir, &arguments).succeeds()
}

fn require_embedded() -> Endpoint {
    Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool")
}

#[test]
fn the_page_on_configuration_works_as_it_is_pasted() {
    let _finished = run_page("configuration.md").says(&[
        "s3://mybucket/team/dns.tfstate",
        "option -backend-config",
        "main.tf:4",
        "terraform-locks/mybucket/env:/dev/team/dns.tfstate-md5",
        "elsewhere/data/terraform.tfstate",
    ]);
}

#[test]
fn the_page_on_credentials_works_as_it_is_pasted() {
    let _finished =
        run_page("credentials.md").says(&["profile `ci`:", "used: key AKIA", "expires:    never"]);
}
