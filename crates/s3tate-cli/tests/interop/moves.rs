//! Resources that move from one state to another: stock plans no change on either side.

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Backend, Kind, Locking, Workdir, require};

use crate::stage::Stage;

const OTHER: &str = "network/other.tfstate";

const STAYS: &str = "resource \"terraform_data\" \"stays\" {\n  input = \"s\"\n}\n";
const MOVES: &str = r#"
module "network" {
  source = "./network"
}
resource "terraform_data" "keyed" {
  for_each = toset(["a//b", "c"])
  input    = module.network.id
}
"#;
const CHILD: &str = r#"
resource "terraform_data" "base" {
  input = "b"
}
resource "terraform_data" "counted" {
  count = 2
  input = terraform_data.base.id
}
output "id" {
  value = terraform_data.base.id
}
"#;

/// Two directories: one has applied all, the other nothing yet.
struct Scene {
    stage: Stage,
    from: Workdir,
    into: Workdir,
}

impl Scene {
    fn new(stage: Stage) -> Self {
        let from = stage.workdir(&format!("{STAYS}{MOVES}"));
        let backend = Backend::new(&stage.endpoint, OTHER, stage.locking).block(Terraform::V1_11);
        let into = Workdir::with(&format!("{backend}{MOVES}"));
        for workdir in [&from, &into] {
            workdir.write("network/main.tf", CHILD);
            let _initialised = stage.stock.run(workdir, &["init", "-input=false"]).succeeds();
        }
        let _applied = stage.stock.run(&from, &["apply", "-auto-approve"]).succeeds();
        Self { stage, from, into }
    }

    fn url(&self) -> String {
        let store = self.stage.endpoint.store();
        let locks = match self.stage.locking {
            Locking::Table => format!("dynamodb_table={}", store.table()),
            Locking::Lockfile => "use_lockfile=true".to_owned(),
            _ => format!("dynamodb_table={}&use_lockfile=true", store.table()),
        };
        format!("s3://{}/{OTHER}?{locks}", store.bucket())
    }

    fn plans_nothing(&self) {
        self.from.write("main.tf", self.stage.configuration(STAYS));
        for workdir in [&self.from, &self.into] {
            let _clean = self.stage.stock.run(workdir, &["plan", "-detailed-exitcode"]).succeeds();
        }
    }
}

fn stock_goes_on(stage: Stage) {
    let scene = Scene::new(stage);
    let url = scene.url();
    let mv = |from: &str, to: &str| scene.stage.s3tate.run(&scene.from, &["state", "mv", from, to]);
    let module = mv("module.network", &format!("{url}//module.network")).succeeds();
    assert!(module.stdout_text().ends_with("Successfully moved 1 object(s).\n"), "{module}");
    let dry = ["state", "mv", "-dry-run", "terraform_data.keyed", &format!("{url}//terraform_data.keyed")];
    let _dry = scene.stage.s3tate.run(&scene.from, &dry).succeeds();
    for key in ["a//b", "c"] {
        let address = format!("terraform_data.keyed[\"{key}\"]");
        let _one = mv(&address, &format!("{url}//{address}")).succeeds();
    }
    let again = mv("module.network", &format!("{url}//module.network")).fails();
    let _again = again.says(&["module.network does not match anything in the state"]);
    scene.plans_nothing();
    let journals = std::fs::read_dir(scene.from.path().join(".terraform")).expect("stock's directory");
    assert_eq!(
        journals.flatten().filter(|file| file.file_name().to_string_lossy().starts_with("s3tate-mv")).count(),
        0
    );
    let back = scene
        .stage
        .s3tate
        .run(&scene.from, &["state", "mv", &format!("{url}//module.network"), "module.network"]);
    let _back = back.succeeds();
    let listed = scene.stage.stock.run(&scene.from, &["state", "list"]).succeeds();
    assert!(listed.stdout_text().contains("module.network.terraform_data.counted[1]"), "{listed}");
}

#[test]
fn with_a_table() {
    stock_goes_on(require!(Stage::new(Kind::Embedded, Locking::Table)));
}

#[test]
fn with_lock_objects_on_moto() {
    stock_goes_on(require!(Stage::new(Kind::Moto, Locking::Lockfile)));
}

#[test]
fn wrong_places_are_told() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let scene = Scene::new(stage);
    let before = scene.stage.endpoint.store().snapshot();
    let url = scene.url();
    let mv =
        |arguments: &[&str]| scene.stage.s3tate.run(&scene.from, &[&["state", "mv"], arguments].concat());
    let _no_address = mv(&["module.network", &url]).exits(1).says(&["names no address in a state", "//"]);
    let nowhere = format!("{url}//module.network");
    let _not_there = mv(&[&nowhere, "module.network"]).exits(1).says(&["there is no state at"]);
    let _not_begun = mv(&["module.network", &nowhere, "-abort"]).exits(1).says(&["no such move has begun"]);
    let resource = format!("{url}//terraform_data.x");
    let _type = mv(&["module.network", &resource]).exits(1).says(&["the target must also be a module"]);
    assert_eq!(scene.stage.endpoint.store().snapshot(), before);
}
