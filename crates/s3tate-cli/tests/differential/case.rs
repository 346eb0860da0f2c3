//! One configuration, and what stock Terraform is expected to make of it.

use std::collections::BTreeMap;

use s3tate_testkit::Kind;

/// What stock makes of a configuration. The suite fails where it doesn't, so every case means what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It reads the state, and writes it where the case does.
    Accepted,
    /// It refuses and says the first words, and s3tate is to say the second, in whatever case.
    Refused(&'static str, &'static str),
    /// It can't get through to the host that the configuration means, but asks for it.
    Unreachable,
}

/// A configuration with its surroundings.
///
/// Texts may contain `{bucket}`, `{table}`, `{endpoint}` (a URL) and `{authority}` of the case, `{other}` (the same
/// endpoint under another name), `{proxy}` (the same again), `{work}` and `{home}` (directories of the running program).
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) expected: Expected,
    pub(crate) writes: bool,
    /// What stands behind the recording proxy: moto, which takes anybody's keys, or the embedded endpoint.
    pub(crate) endpoint: Kind,
    /// Where the state lies that is there from the beginning.
    pub(crate) stored_at: String,
    pub(crate) options: Vec<String>,
    /// Variables on top of those that reach the endpoint; `None` takes one away.
    pub(crate) env: BTreeMap<String, Option<String>>,
    /// Files by name; `~/` stands for the home directory.
    pub(crate) files: Vec<(String, String)>,
    attributes: Vec<String>,
    main: Option<(String, String)>,
}

/// Where every case begins: an endpoint that is reached, nobody who is asked for his identity, no repetitions.
const BASE: &[&str] = &[
    r#"bucket = "{bucket}""#,
    r#"key = "state""#,
    r#"region = "us-east-1""#,
    "use_path_style = true",
    "skip_credentials_validation = true",
    "skip_requesting_account_id = true",
    "max_retries = 1",
];

/// A configuration that is accepted, to be changed.
pub(crate) fn case(name: impl Into<String>) -> Case {
    Case {
        name: name.into(),
        expected: Expected::Accepted,
        writes: false,
        endpoint: Kind::Moto,
        stored_at: "state".to_owned(),
        options: Vec::new(),
        env: BTreeMap::new(),
        files: Vec::new(),
        attributes: BASE.iter().map(|&line| line.to_owned()).collect(),
        main: None,
    }
}

impl Case {
    /// Sets an attribute, given as it stands in the block, in place of the one of that name.
    pub(crate) fn with(self, attribute: impl Into<String>) -> Self {
        let attribute = attribute.into();
        self.without(name_of(&attribute)).also(attribute)
    }

    /// Takes an attribute out of the block.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.attributes.retain(|attribute| name_of(attribute) != name);
        self
    }

    /// Adds a line to the block, whatever is there.
    pub(crate) fn also(mut self, line: impl Into<String>) -> Self {
        self.attributes.push(line.into());
        self
    }

    /// Adds a `-backend-config` option.
    pub(crate) fn option(mut self, value: &str) -> Self {
        self.options.push(value.to_owned());
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), Some(value.to_owned()));
        self
    }

    /// Takes environment variables away.
    pub(crate) fn unset(mut self, names: &[&str]) -> Self {
        self.env.extend(names.iter().map(|&name| (name.to_owned(), None)));
        self
    }

    /// Takes away the keys that every program finds in its environment.
    pub(crate) fn no_env_keys(self) -> Self {
        self.unset(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    }

    /// Puts a file into the working directory, or below `~/`.
    pub(crate) fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Replaces the whole configuration by a file of this name.
    pub(crate) fn main(mut self, name: &str, text: &str) -> Self {
        self.main = Some((name.to_owned(), text.to_owned()));
        self
    }

    /// Configures the lock table.
    pub(crate) fn table(self) -> Self {
        self.with(r#"dynamodb_table = "{table}""#)
    }

    /// Configures the lock object.
    pub(crate) fn lockfile(self) -> Self {
        self.with("use_lockfile = true")
    }

    /// Has the state written too.
    pub(crate) fn writes(mut self) -> Self {
        self.writes = true;
        self
    }

    /// Uses the embedded endpoint, which takes any key of an object.
    pub(crate) fn embedded(mut self) -> Self {
        self.endpoint = Kind::Embedded;
        self
    }

    /// Says where the state lies.
    pub(crate) fn at(mut self, key: &str) -> Self {
        key.clone_into(&mut self.stored_at);
        self
    }

    /// Stock refuses, and both programs say this word.
    pub(crate) fn refused(self, word: &'static str) -> Self {
        self.refused_as(word, word)
    }

    /// Stock refuses and says the first words; s3tate is to say the second.
    pub(crate) fn refused_as(mut self, stock: &'static str, s3tate: &'static str) -> Self {
        self.expected = Expected::Refused(stock, s3tate);
        self
    }

    /// Stock finds nobody at the host that it asks for.
    pub(crate) fn unreachable(mut self) -> Self {
        self.expected = Expected::Unreachable;
        self
    }

    /// Goes to the hosts of AWS, through a proxy that opens no tunnel.
    pub(crate) fn at_aws(self) -> Self {
        self.unset(&["AWS_ENDPOINT_URL"])
            .env("HTTPS_PROXY", "{endpoint}")
            .without("use_path_style")
            .unreachable()
    }

    /// The file with the backend block.
    pub(crate) fn configuration(&self) -> (String, String) {
        self.main.clone().unwrap_or_else(|| {
            let attributes = self.attributes.join("\n");
            ("main.tf".to_owned(), format!("terraform {{\nbackend \"s3\" {{\n{attributes}\n}}\n}}\n"))
        })
    }
}

/// The name in front of a value.
fn name_of(attribute: &str) -> &str {
    attribute.split(['=', ' ', '\n']).next().unwrap_or_default()
}
