//! Questions about all states of a bucket: each is read once, and later only what has changed.

use s3tate_testkit::fleet::{self, Fleet, SPREAD};
use s3tate_testkit::{
    Client, Endpoint, Fault, Faults, Finished, Kind, LockRecord, Refusal, Workdir, md5_hex,
};

use crate::stage::{fixture, s3tate};

const SMALL: Fleet = Fleet { states: 24, median_resources: 4.0, spread: SPREAD };

/// A bucket full of states, and a directory with a cache of its own.
struct Scene {
    endpoint: Endpoint,
    workdir: Workdir,
}

impl Scene {
    fn new(fleet: Fleet) -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        let scene = Self { endpoint, workdir: Workdir::new() };
        fleet.iter().for_each(|(key, bytes)| scene.put(&key, &bytes));
        scene
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.endpoint.store().put(key, bytes);
        self.endpoint.store().put_digest(key, &md5_hex(bytes));
    }

    fn place(&self) -> String {
        let store = self.endpoint.store();
        format!("-state=s3://{}/?dynamodb_table={}&use_lockfile=true", store.bucket(), store.table())
    }

    fn run(&self, args: &[&str]) -> Finished {
        self.run_by(&s3tate(&self.endpoint), args)
    }

    fn run_by(&self, client: &Client, args: &[&str]) -> Finished {
        let place = self.place();
        client.run(&self.workdir, &[args, &[place.as_str()]].concat())
    }

    /// Runs it and tells which objects were read, and how many requests there were.
    fn counted(&self, args: &[&str]) -> (Finished, Vec<String>, usize) {
        let (front, recorder) = self.endpoint.recorded();
        let finished = self.run_by(&s3tate(&front), args);
        let requests = recorder.take();
        let reads = requests
            .iter()
            .filter(|request| request.method == "GET" && !request.target.contains("list-type"));
        (finished, reads.map(|request| request.target.clone()).collect(), requests.len())
    }

    fn lines(finished: &Finished) -> Vec<serde_json::Value> {
        finished
            .stdout_text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// The bytes of all files of the index.
    fn index(&self) -> Vec<Vec<u8>> {
        let directory = self.workdir.home().join(".cache/s3tate/index");
        let files = std::fs::read_dir(directory).expect("the index is there");
        files.flatten().map(|file| std::fs::read(file.path()).expect("a file")).collect()
    }
}

#[test]
fn every_state_is_told_and_read_once() {
    let scene = Scene::new(SMALL);
    let (first, reads, requests) = scene.counted(&["catalog", "-json"]);
    let lines = Scene::lines(&first.succeeds());
    assert_eq!((lines.len(), reads.len()), (SMALL.states, SMALL.states));
    assert_eq!(requests, SMALL.states + 2, "a listing and one look at the table");
    let mut keys: Vec<_> = (0..SMALL.states).map(fleet::key).collect();
    keys.sort();
    let urls: Vec<_> = lines.iter().map(|line| line["state"].as_str().expect("a URL").to_owned()).collect();
    let bucket = scene.endpoint.store().bucket();
    assert_eq!(urls, keys.iter().map(|key| format!("s3://{bucket}/{key}")).collect::<Vec<_>>());
    let state: serde_json::Value =
        serde_json::from_slice(&scene.endpoint.store().bytes(&keys[0])).expect("a state");
    for name in ["serial", "lineage", "terraform_version"] {
        assert_eq!(lines[0][name], state[name], "{name}");
    }
    assert_eq!(lines[0]["resources"], state["resources"].as_array().map_or(0, Vec::len));
    assert_eq!((&lines[0]["outputs"], &lines[0]["digest"]), (&2.into(), &serde_json::Value::from("ok")));
    let (second, reads, requests) = scene.counted(&["catalog", "-json"]);
    assert_eq!((Scene::lines(&second.succeeds()), reads.len(), requests), (lines, 0, 2));
}

#[test]
fn only_what_has_changed_is_read_and_what_is_gone_is_forgotten() {
    let scene = Scene::new(SMALL);
    let _first = scene.run(&["catalog"]).succeeds();
    let (changed, gone) = (fleet::key(3), fleet::key(4));
    scene.put(&changed, &SMALL.state(SMALL.states + 1));
    scene.endpoint.store().delete(&gone);
    let needle = fleet::arn(SMALL.states + 1);
    let (found, reads, _) = scene.counted(&["find", &needle]);
    let found = found.succeeds().stdout_text();
    assert!(found.contains(&changed) && found.lines().count() == 1, "{found}");
    assert_eq!(reads.len(), 1, "{reads:?}");
    assert!(reads[0].contains(&changed), "{reads:?}");
    assert_eq!(scene.index().len(), SMALL.states - 1);
    let none = scene.run(&["find", &fleet::arn(4)]).exits(1);
    assert_eq!(none.stdout_text(), "");
}

#[test]
fn a_run_below_a_prefix_leaves_what_is_known_of_others() {
    let scene = Scene::new(SMALL);
    let _all = scene.run(&["catalog"]).succeeds();
    let (below, reads, _) = scene.counted(&["catalog", "-prefix=billing/"]);
    let expected = (0..SMALL.states).filter(|number| fleet::key(*number).starts_with("billing/")).count();
    assert_eq!((below.succeeds().stdout_text().lines().count(), reads.len()), (expected, 0));
    assert_eq!(scene.index().len(), SMALL.states);
}

#[test]
fn locks_and_digests_are_told() {
    let scene = Scene::new(Fleet { states: 4, median_resources: 2.0, spread: SPREAD });
    let store = scene.endpoint.store();
    let path = |number: usize| format!("{}/{}", store.bucket(), fleet::key(number));
    let record = |number: usize| LockRecord::of_a_dead_holder(&path(number));
    store.put(&format!("{}.tflock", fleet::key(0)), record(0).to_json());
    let members = [("LockID", path(1)), ("Info", record(1).to_json())];
    store.put_item(&members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    store.put_digest(&fleet::key(2), &md5_hex(b"another"));
    store.delete_item(&format!("{}-md5", path(3)));
    let lines = Scene::lines(&scene.run(&["catalog", "-json"]).succeeds());
    let of = |number: usize| {
        let url = format!("s3://{}", path(number));
        lines.iter().find(|line| line["state"] == url.as_str()).expect("it is listed")
    };
    let id = record(0).id;
    for locked in [0, 1] {
        assert!(of(locked)["locked_by"].as_str().is_some_and(|by| by.contains(&id)), "{:?}", of(locked));
    }
    assert_eq!(of(2)["locked_by"], serde_json::Value::Null);
    assert_eq!([0, 2, 3].map(|number| of(number)["digest"].clone()), ["ok", "differs", "missing"]);
}

#[test]
fn what_is_no_state_is_passed_over_and_what_should_be_one_is_told() {
    let scene = Scene::new(Fleet { states: 2, median_resources: 2.0, spread: SPREAD });
    let store = scene.endpoint.store();
    store.put("notes/readme.md", "# notes");
    store.put("plan.json", r#"{"format_version":"1.2"}"#);
    store.put("broken/prod.tfstate", &SMALL.state(1)[..300]);
    store.put(".s3tate/snapshots/k/kept-20261126T144512Z-000000000041-9f3c2a10", SMALL.state(2));
    store.put("old/v3.tfstate", fixture("v3-0.11.11-network/terraform.tfstate"));
    let run = scene.run(&["catalog", "-json"]).succeeds();
    let lines = Scene::lines(&run);
    let states: Vec<_> = lines.iter().map(|line| line["state"].as_str().expect("a URL")).collect();
    assert_eq!(lines.len(), 4, "{states:?}");
    let error =
        |name: &str| lines.iter().find(|line| line["state"].as_str().is_some_and(|url| url.ends_with(name)));
    assert!(error("broken/prod.tfstate").is_some_and(|line| line["error"].is_string()), "{run}");
    assert!(
        error("old/v3.tfstate").is_some_and(|line| line["error"].is_null() && line["serial"].is_number()),
        "{run}"
    );
    assert!(run.stderr_text().contains("broken/prod.tfstate"), "{run}");
    let (again, reads, _) = scene.counted(&["catalog", "-json"]);
    assert_eq!((Scene::lines(&again.succeeds()), reads.len()), (lines, 0), "what is no state is known, too");
}

#[test]
fn secrets_are_neither_kept_nor_found() {
    let scene = Scene::new(Fleet { states: 12, median_resources: 30.0, spread: SPREAD });
    let all = scene.run(&["find", "-regex", "."]).succeeds().stdout_text();
    // A search for anything prints all that the index holds.
    assert!(all.contains("aws_db_instance") && all.contains("random_password"));
    assert!(!all.contains("s3cr3t"), "marked by the state, or known by its type alone");
    assert!(all.contains("\tinstance_type\t"), "of what 1.11 wrote all else is known");
    let old = |line: &&str| line.contains("service-00003") && line.contains("\tinstance_type\t");
    assert_eq!(all.lines().filter(old).count(), 0, "1.5 marked less");
    let _none = scene.run(&["find", "s3cr3t"]).exits(1);
    let plain = scene.run(&["find", "-no-index", "s3cr3t"]).exits(1);
    assert_eq!(plain.stdout_text(), "");
    let name = scene.run(&["find", "-outputs", "-exact", "password"]).succeeds().stdout_text();
    assert_eq!(name.lines().count(), 12, "names are no secret");
}

#[test]
fn an_index_that_is_damaged_is_made_anew() {
    let scene = Scene::new(Fleet { states: 3, median_resources: 2.0, spread: SPREAD });
    let first = scene.run(&["catalog", "-json"]).succeeds().stdout_text();
    for file in
        std::fs::read_dir(scene.workdir.home().join(".cache/s3tate/index")).expect("it is there").flatten()
    {
        std::fs::write(file.path(), "another format\n").expect("it can be written");
    }
    let (again, reads, _) = scene.counted(&["catalog", "-json"]);
    assert_eq!((again.succeeds().stdout_text(), reads.len()), (first, 3));
    let broken = scene.run(&["catalog", "-index=/dev/null/index"]).exits(2);
    let _told = broken.says(&["can't keep an index in `/dev/null/index`", "-no-index"]);
}

/// A head that is whole says nothing of the lines behind it.
#[test]
fn damaged_lines_are_made_anew_and_not_taken_for_no_match() {
    let scene = Scene::new(Fleet { states: 3, median_resources: 2.0, spread: SPREAD });
    let found = scene.run(&["find", "arn:aws"]).succeeds().stdout_text();
    for spoil in [
        (|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 12)) as fn(&mut Vec<u8>),
        |bytes| {
            let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 3).min(bytes.len());
            bytes.truncate(end);
        },
        |bytes| {
            let last = bytes.len() - 20;
            bytes[last] ^= 0xff;
        },
    ] {
        for file in std::fs::read_dir(scene.workdir.home().join(".cache/s3tate/index")).expect("it is there")
        {
            let path = file.expect("a file").path();
            let mut bytes = std::fs::read(&path).expect("it can be read");
            spoil(&mut bytes);
            std::fs::write(path, bytes).expect("it can be written");
        }
        let again = scene.run(&["find", "arn:aws"]).succeeds();
        assert_eq!(again.stdout_text(), found);
        let (_, reads, _) = scene.counted(&["find", "arn:aws"]);
        assert_eq!(reads.len(), 0, "it is whole again");
    }
}

#[test]
fn one_object_that_can_not_be_read_keeps_no_other_from_being_told() {
    let scene = Scene::new(Fleet { states: 4, median_resources: 2.0, spread: SPREAD });
    let (front, faults) = Faults::before(&scene.endpoint);
    let get = format!("GET /{}/{}", scene.endpoint.store().bucket(), fleet::key(1));
    faults.since(Some(&get), 0, Fault::Refuse(Refusal::Denied));
    let client = s3tate(&front);
    let run = scene.run_by(&client, &["catalog", "-json"]).succeeds();
    let lines = Scene::lines(&run);
    let broken: Vec<_> = lines.iter().filter(|line| !line["error"].is_null()).collect();
    assert_eq!((lines.len(), broken.len()), (4, 1), "{run}");
    let _told = run.says(&["can't be read", &fleet::key(1)]);
    let found = scene.run_by(&client, &["find", "arn:aws"]).succeeds();
    let _told = found.says(&["1 states were not searched, so this may not be all there is"]);
    faults.clear();
    let healed = Scene::lines(&scene.run_by(&client, &["catalog", "-json"]).succeeds());
    assert!(healed.iter().all(|line| line["error"].is_null()), "a failure is not kept");
}

#[test]
fn matches_are_told_in_the_forms_that_scripts_read() {
    let scene = Scene::new(Fleet { states: 5, median_resources: 3.0, spread: SPREAD });
    let url = format!("s3://{}/{}", scene.endpoint.store().bucket(), fleet::key(2));
    let arn = fleet::arn(2);
    let text = scene.run(&["find", "-exact", &arn]).succeeds().stdout_text();
    assert_eq!(text, format!("{url}\taws_iam_role.r0\tarn\t{arn}\n"));
    let json = Scene::lines(&scene.run(&["find", "-json", "-attribute=arn", &arn]).succeeds());
    let hit = serde_json::json!({
        "state": url, "workspace": "default", "address": "aws_iam_role.r0", "type": "aws_iam_role",
        "provider": "registry.terraform.io/hashicorp/aws", "attribute": "arn", "value": arn,
    });
    assert_eq!(json, [hit]);
    let shown = scene.run(&["find", "-show", &arn]).succeeds().stdout_text();
    assert!(
        shown.contains(&format!("# {url}//aws_iam_role.r0\n")) && shown.contains("resource \"aws_iam_role\""),
        "{shown}"
    );
    let types = scene.run(&["find", "-type=aws_iam_*"]).succeeds().stdout_text();
    assert!(types.lines().count() >= 5 && types.lines().all(|line| line.contains("aws_iam_role")), "{types}");
    let csv = scene.run(&["catalog", "-csv"]).succeeds().stdout_text();
    assert!(
        csv.starts_with("state,workspace,size,last_modified,serial,") && csv.lines().count() == 6,
        "{csv}"
    );
    let wrong = scene.run(&["find", "-regex", "("]).exits(2);
    let _told = wrong.says(&["`(` is no regular expression"]);
    let nothing = scene.run(&["find"]).exits(2);
    assert!(
        nothing.stderr_text().contains("PATTERN") || nothing.stderr_text().contains("required"),
        "{nothing}"
    );
}

/// Memory doesn't grow with the number of states: ten times as many, which would take 13 MB more, take hardly more.
#[test]
fn memory_is_flat_in_the_number_of_states() {
    let peak = |states: usize| {
        let scene = Scene::new(Fleet { states, median_resources: 30.0, spread: 0.0 });
        let client = s3tate(&scene.endpoint).env("S3TATE_LOG", "s3tate=debug");
        [&["catalog"][..], &["find", "-regex", "."]].map(|args| {
            let said = scene.run_by(&client, args).succeeds().stderr_text();
            let peak = said.rsplit_once("peak_kib=").expect("the peak is told").1.to_owned();
            peak.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|kib| kib.parse::<u64>().ok())
        })
    };
    if std::env::consts::OS != "linux" {
        return;
    }
    for (few, many) in peak(30).into_iter().zip(peak(300)) {
        let (few, many) = (few.expect("a number"), many.expect("a number"));
        assert!(many < few + 8 * 1024, "{many} KiB for 300 states, {few} KiB for 30");
    }
}
