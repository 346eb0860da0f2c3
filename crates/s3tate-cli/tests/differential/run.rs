//! Runs one case with both programs and tells how they differ.

use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{Client, Endpoint, Finished, Recorder, Request, Workdir};

use crate::case::{Case, Expected};
use crate::facts::{Facts, STATE_GET, facts};

const LINEAGE: &str = "9d29f1b0-6d0e-4d2b-8c59-1a6a3a3f7e11";

/// How the programs treated a case.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    /// Why the case doesn't show what it is meant to: stock does something else.
    pub(crate) broken: Option<String>,
    /// What s3tate does otherwise.
    pub(crate) differences: Vec<String>,
}

impl Outcome {
    /// A case that could not be run to its end; why has been printed.
    pub(crate) fn failed(case: &Case) -> Self {
        let broken = Some("it could not be run to its end".to_owned());
        Self { name: case.name.clone(), broken, differences: Vec::new() }
    }
}

/// What one program did.
struct Observed {
    accepted: bool,
    said: String,
    facts: Facts,
}

/// An endpoint that belongs to one case.
struct Scene<'a> {
    case: &'a Case,
    proxied: Endpoint,
    recorder: Recorder,
    endpoint: Endpoint,
}

/// Runs a case with both programs.
///
/// # Errors
/// [`Missing`]: this machine lacks moto or stock Terraform.
pub(crate) fn run(case: &Case) -> Result<Outcome, Missing> {
    let endpoint = Endpoint::start(case.endpoint)?;
    endpoint.store().put(&case.stored_at, state(1, "from the beginning"));
    let (proxied, recorder) = endpoint.recorded();
    let scene = Scene { case, proxied, recorder, endpoint };
    let stock = Client::terraform(Terraform::V1_11, &scene.proxied)?;
    let s3tate = Client::new(env!("CARGO_BIN_EXE_s3tate"), &scene.proxied);
    let stock = scene.observe(stock, &state(10, "by stock"));
    let s3tate = scene.observe(s3tate, &state(20, "by s3tate"));
    let broken = broken(case.expected, &stock);
    let differences = if broken.is_some() { Vec::new() } else { differences(case.expected, &stock, &s3tate) };
    Ok(Outcome { name: case.name.clone(), broken, differences })
}

fn state(serial: u64, greeting: &str) -> String {
    let outputs = serde_json::json!({ "greeting": { "value": greeting, "type": "string" } });
    serde_json::json!({
        "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": LINEAGE,
        "outputs": outputs, "resources": [], "check_results": null,
    })
    .to_string()
}

impl Scene<'_> {
    fn observe(&self, client: Client, next: &str) -> Observed {
        let workdir = Workdir::new();
        let (name, configuration) = self.case.configuration();
        workdir.write(&name, self.expand(&configuration, &workdir));
        workdir.write("next.json", next);
        for (name, text) in &self.case.files {
            workdir.write(&name.replace("~/", "../home/"), self.expand(text, &workdir));
        }
        let client = self.case.env.iter().fold(client, |client, (name, value)| match value {
            Some(value) => client.env(name, self.expand(value, &workdir)),
            None => client.without(name),
        });
        let finished = self.commands(&client, &workdir);
        Observed {
            accepted: finished.code() == Some(0),
            said: words(&finished),
            facts: self.facts(&self.recorder.take()),
        }
    }

    fn commands(&self, client: &Client, workdir: &Workdir) -> Finished {
        let mut init = vec!["init".to_owned(), "-input=false".to_owned()];
        let options = self.case.options.iter();
        init.extend(options.map(|option| format!("-backend-config={}", self.expand(option, workdir))));
        let initialised = client.run(workdir, &init.iter().map(String::as_str).collect::<Vec<_>>());
        if initialised.code() != Some(0) || !self.case.writes {
            return initialised;
        }
        client.run(workdir, &["state", "push", "next.json"])
    }

    fn expand(&self, text: &str, workdir: &Workdir) -> String {
        let values = [
            ("{bucket}", self.endpoint.store().bucket().to_owned()),
            ("{table}", self.endpoint.store().table().to_owned()),
            ("{endpoint}", self.recorder.url().to_owned()),
            ("{proxy}", self.recorder.url().to_owned()),
            ("{other}", self.recorder.url().replace("127.0.0.1", "localhost")),
            ("{authority}", self.authority().to_owned()),
            ("{work}", workdir.path().display().to_string()),
            ("{home}", workdir.home().display().to_string()),
        ];
        values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn authority(&self) -> &str {
        self.recorder.url().trim_start_matches("http://")
    }

    fn facts(&self, requests: &[Request]) -> Facts {
        let store = self.endpoint.store();
        let port = self.authority().trim_start_matches("127.0.0.1");
        let names = [
            (self.authority().to_owned(), "{authority}"),
            (format!("localhost{port}"), "{other}"),
            (store.bucket().to_owned(), "{bucket}"),
            (store.table().to_owned(), "{table}"),
        ];
        facts(requests, &names)
    }
}

/// All that a program said, as one line without the frames around errors.
fn words(finished: &Finished) -> String {
    let text = format!("{} {}", finished.stdout_text(), finished.stderr_text());
    text.split([' ', '\n', '\t', '│', '╷', '╵']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn says(said: &str, word: &str) -> bool {
    said.to_lowercase().contains(&word.to_lowercase())
}

/// Whether stock does something else than the case says.
fn broken(expected: Expected, stock: &Observed) -> Option<String> {
    let said = &stock.said;
    match expected {
        Expected::Accepted if !stock.accepted => Some(format!("stock refuses: {said}")),
        Expected::Accepted if !stock.facts.contains_key(STATE_GET) => Some("stock reads no state".to_owned()),
        Expected::Refused(..) | Expected::Unreachable if stock.accepted => Some("stock accepts".to_owned()),
        Expected::Refused(word, _) if !says(said, word) => {
            Some(format!("`{word}` isn't in what stock says: {said}"))
        }
        Expected::Unreachable if stock.facts.is_empty() => Some(format!("stock asks for no host: {said}")),
        _ => None,
    }
}

/// How s3tate differs, one line each.
fn differences(expected: Expected, stock: &Observed, s3tate: &Observed) -> Vec<String> {
    if stock.accepted != s3tate.accepted {
        let verdict =
            if stock.accepted { "stock accepts, s3tate refuses" } else { "stock refuses, s3tate accepts" };
        let said = if stock.accepted { &s3tate.said } else { &stock.said };
        return vec![format!("{verdict}: {said}")];
    }
    match expected {
        Expected::Refused(_, word) if !says(&s3tate.said, word) || says(&s3tate.said, "not supported") => {
            vec![format!("s3tate refuses for another reason than `{word}`: {}", s3tate.said)]
        }
        Expected::Refused(..) => Vec::new(),
        Expected::Accepted => kinds_of_both(stock, s3tate).chain(facts_apart(stock, s3tate)).collect(),
        Expected::Unreachable if stock.facts.keys().any(|kind| s3tate.facts.contains_key(kind)) => {
            facts_apart(stock, s3tate).collect()
        }
        Expected::Unreachable => {
            vec![format!("stock asks {:?}, s3tate {:?}: {}", stock.facts, s3tate.facts, s3tate.said)]
        }
    }
}

/// Requests that only one of them sends.
fn kinds_of_both<'a>(stock: &'a Observed, s3tate: &'a Observed) -> impl Iterator<Item = String> + 'a {
    let missing = |one: &'a Observed, other: &'a Observed, who: &'a str| {
        let only = one.facts.keys().filter(|kind| !other.facts.contains_key(*kind));
        only.map(move |kind| format!("only {who} sends a {kind}"))
    };
    missing(stock, s3tate, "stock").chain(missing(s3tate, stock, "s3tate"))
}

/// Requests that both send, and that say different things.
fn facts_apart<'a>(stock: &'a Observed, s3tate: &'a Observed) -> impl Iterator<Item = String> + 'a {
    stock.facts.iter().filter_map(|(kind, expected)| {
        let got = s3tate.facts.get(kind)?;
        (got != expected).then(|| format!("{kind}: stock {expected:?}, s3tate {got:?}"))
    })
}
