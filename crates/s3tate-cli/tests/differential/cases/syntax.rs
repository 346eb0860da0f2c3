//! How the block may be written: HCL and JSON, literals and conversions.

use crate::case::{Case, case};

/// A block in JSON with these attributes besides those that every case has.
fn json(name: &str, attributes: &str) -> Case {
    let base = r#""bucket": "{bucket}", "region": "us-east-1", "use_path_style": true,
        "skip_credentials_validation": true, "skip_requesting_account_id": true, "max_retries": 1"#;
    let text = format!(r#"{{"terraform": {{"backend": {{"s3": {{{base}, {attributes}}}}}}}}}"#);
    case(format!("JSON: {name}")).main("main.tf.json", &text)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("an attribute twice").also(r#"key = "state""#).refused("key"),
        case("an unknown attribute").with(r#"colour = "red""#).refused("colour"),
        case("an attribute in capitals").with(r#"Key = "state""#).refused("Key"),
        case("a block within").also("endpoints {\ns3 = \"{endpoint}\"\n}").refused("endpoints"),
        case("a text for a bool").with(r#"use_path_style = "true""#),
        case("a text in capitals for a bool").with(r#"use_lockfile = "True""#).refused("use_lockfile"),
        case("a number for a bool").with("use_lockfile = 1").refused("use_lockfile"),
        case("a number as text for a bool").with(r#"use_lockfile = "1""#).writes(),
        case("a bool for a text").with("key = true").at("true"),
        case("a number for a text").with("key = 12").at("12"),
        case("a fraction for a text").with("key = 1.50").at("1.5"),
        case("a large number for a text").with("key = 12345678901234567890").at("12345678901234567890"),
        case("a list for a set").with(r#"shared_config_files = ["b", "a", "b"]"#).file("a", "").file("b", ""),
        case("a number in a set").with("forbidden_account_ids = [123]").without("skip_requesting_account_id"),
        case("null in a set").with("forbidden_account_ids = [null]"),
        case("a heredoc").with("key = <<EOT\nstate\nEOT\n").at("state\n").embedded(),
        case("a heredoc with less indentation").with("key = <<-EOT\n    state\n    EOT\n").at("state\n").embedded(),
        case("escapes in a text").with(r#"key = "a\tb\u00fc\"\\""#).at("a\tbü\"\\").embedded(),
        case("an escaped template").with(r#"key = "a$${b}%%{c}""#).at("a${b}%{c}").embedded(),
        case("a text in parentheses").with(r#"key = ("state")"#),
        case("a template of a text").with(r#"key = "sta${"te"}""#),
        case("a sum").with("max_retries = 1 + 1"),
        case("a condition").with(r#"key = true ? "state" : "other""#),
        case("a variable").with("key = var.key").refused("var"),
        case("a variable in a template").with(r#"key = "a/${var.key}""#).refused("var"),
        case("a local value").with("key = local.key").refused_as("local", "literal"),
        case("a call").with(r#"key = lower("STATE")"#).refused("unction"),
        case("an object written with colons").with(r#"endpoints = { "s3" : "{other}" }"#),
        case("comments everywhere").also("# one\n// two\n/* three */"),
        case("two blocks")
            .file("other.tf", "terraform {\nbackend \"s3\" {}\n}\n")
            .refused("backend"),
        case("a block of another backend").main("main.tf", "terraform {\nbackend \"nowhere\" {}\n}\n").refused("nowhere"),
        case("a block without a name").main("main.tf", "terraform {\nbackend {}\n}\n").refused("backend"),
        case("a file that doesn't parse").main("main.tf", "terraform {\nbackend \"s3\" {\n").refused("main.tf"),
        case("an override file")
            .file("override.tf", "terraform {\nbackend \"s3\" {\nbucket = \"{bucket}\"\nkey = \"state\"\nregion = \"eu-west-1\"\nuse_path_style = true\nskip_credentials_validation = true\nskip_requesting_account_id = true\nmax_retries = 1\n}\n}\n"),
        json("a block", r#""key": "state""#).table_in_json(),
        json("a text for a bool", r#""key": "state", "use_lockfile": "true""#).writes(),
        json("an unknown attribute", r#""key": "state", "colour": "red""#).refused("colour"),
        json("null", r#""key": "state", "acl": null"#),
        json("a template", r#""key": "sta${\"te\"}""#).at(r#"sta${"te"}"#).embedded(),
        json("a variable", r#""key": "${var.key}""#).at("${var.key}").embedded(),
        json("nested", r#""key": "state", "endpoints": {"s3": "{other}"}"#),
        json("an attribute twice", r#""key": "other", "key": "state""#).refused("key"),
        json("a member twice", r#""key": "state", "endpoints": {"s3": "http://127.0.0.1:1", "s3": "{other}"}"#).refused("s3"),
        json("a list around the block", r#""key": "state""#).listed(),
    ]
}

impl Case {
    fn table_in_json(self) -> Self {
        let (name, text) = self.configuration();
        let text = text.replace(r#""key""#, r#""dynamodb_table": "{table}", "key""#);
        self.main(&name, &text).writes()
    }

    fn listed(self) -> Self {
        let (name, text) = self.configuration();
        let text = text.replace(r#""s3": {"#, r#""s3": [{"#).replace("}}}}", "}]}}}");
        self.main(&name, &text)
    }
}
