//! Which files are read, and how their bytes are.

use crate::case::{Case, case};

/// A file with nothing but a backend that can't be meant.
const OTHER: &str = "terraform {\nbackend \"nowhere\" {}\n}\n";

fn lines(name: &str, change: impl Fn(String) -> String) -> Case {
    let plain = case(name);
    let (file, text) = plain.configuration();
    plain.main(&file, &change(text))
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        lines("lines that end as on Windows", |text| text.replace('\n', "\r\n")),
        lines("a byte order mark", |text| format!("\u{feff}{text}")),
        lines("no newline at the end", |text| text.trim_end().to_owned()),
        lines("several terraform blocks", |text| format!("terraform {{}}\n{text}terraform {{}}\n")),
        lines("other blocks around", |text| {
            format!("locals {{\nkey = \"other\"\n}}\n{text}output \"a\" {{\nvalue = local.key\n}}\n")
        }),
        lines("the type without quotes", |text| text.replace("\"s3\"", "s3")),
        case("a hidden file").file(".hidden.tf", OTHER),
        case("a file of an editor").file("main.tf~", OTHER).file("#main.tf#", OTHER),
        case("a file of another kind").file("main.tfx", OTHER).file("main.json", "{"),
        case("a folder with a configuration").file("modules/a/main.tf", OTHER),
        case("a file of OpenTofu's").file("other.tofu", OTHER),
        case("a block in JSON beside it")
            .file("other.tf.json", r#"{"terraform": {"backend": {"s3": {}}}}"#)
            .refused("backend"),
        case("an override of another type").file("main_override.tf", OTHER).refused("nowhere"),
        case("an empty override in JSON").file("override.tf.json", "{}"),
        case("a cloud block beside it").file("cloud.tf", "terraform {\ncloud {}\n}\n").refused("cloud"),
        case("a text with a letter in two parts").with("key = \"u\u{308}\"").at("\u{fc}").embedded(),
        case("a number with an exponent for a text").with("key = 1e3").at("1000"),
        case("a number with an exponent").with("max_retries = 2e0"),
        case("a negative number for a text").with("key = -5").at("-5"),
        case("JSON: a remark")
            .file("remarks.tf.json", r#"{"//": "nothing", "terraform": {"//": "nothing"}}"#),
        case("JSON: a block that is no object")
            .main("main.tf.json", r#"{"terraform": {"backend": {"s3": 1}}}"#)
            .refused_as("s3", "object"),
        case("JSON: a file that isn't any").main("main.tf.json", "{").refused("main.tf.json"),
        case("options in a file with a byte order mark")
            .without("key")
            .option("more")
            .file("more", "\u{feff}key = \"state\"\n"),
        case("options in a file with null")
            .with("use_lockfile = true")
            .option("more")
            .file("more", "use_lockfile = null\n")
            .writes(),
        case("options in JSON with all types")
            .option("more.json")
            .file(
                "more.json",
                r#"{"use_lockfile": "true", "max_retries": "3", "endpoints": {"s3": "{other}"}}"#,
            )
            .writes(),
        case("options in JSON with an unknown name")
            .option("more.json")
            .file("more.json", r#"{"colour": 1}"#)
            .refused("colour"),
        case("options in JSON with a remark")
            .option("more.json")
            .file("more.json", r#"{"//": "a remark", "key": "state"}"#),
        case("options in JSON, which is a list")
            .without("key")
            .option("more.json")
            .file("more.json", r#"[{"key": "state"}]"#),
        case("options in JSON with a template")
            .option("more.json")
            .file("more.json", r#"{"key": "${var.key}"}"#)
            .at("${var.key}")
            .embedded(),
    ]
}
