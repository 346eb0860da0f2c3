//! The reference page of the backend's attributes, made from their table.

use std::fmt::Write as _;
use std::path::Path;

use s3tate::config::attributes::{ATTRIBUTES, Attribute, Kind};

const HEAD: &str = "# Attributes of `backend \"s3\"`

Made from the table in `crates/s3tate/src/config/attributes.rs`. An attribute beats its variables; of several variables the
first that is set and not empty counts. Releases that know an attribute are given as `first–last`.

| attribute | type | default | variables | Terraform | OpenTofu | |
|---|---|---|---|---|---|---|
";

fn page() -> String {
    let mut text = HEAD.to_owned();
    for attribute in ATTRIBUTES {
        push_row(&mut text, attribute.name, attribute);
        if let Kind::Object(members) = attribute.kind {
            for member in members {
                push_row(&mut text, &format!("{}.{}", attribute.name, member.name), member);
            }
        }
    }
    text
}

fn push_row(text: &mut String, name: &str, attribute: &Attribute) {
    let default = match attribute.default {
        _ if attribute.required => "required".to_owned(),
        Some(default) => format!("`{default}`"),
        None => String::new(),
    };
    let variables: Vec<_> = attribute.env.iter().map(|variable| format!("`{variable}`")).collect();
    let Attribute { releases, open_tofu, .. } = attribute;
    let mut help = attribute.help.to_owned();
    if let Some(new) = attribute.replaced_by {
        let _ = write!(help, " Use `{new}`.");
    }
    for other in attribute.conflicts {
        let _ = write!(help, " Not with `{other}`.");
    }
    if attribute.secret {
        help.push_str(" Secret: never printed.");
    }
    let kind = attribute.kind.as_str();
    let variables = variables.join(", ");
    let _ =
        writeln!(text, "| `{name}` | {kind} | {default} | {variables} | {releases} | {open_tofu} | {help} |");
}

#[test]
fn the_reference_page_follows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/attributes.md");
    #[expect(clippy::disallowed_methods, reason = "says that the page is to be written anew")]
    if std::env::var_os("S3TATE_REGENERATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "S3TATE_REGENERATE=1 cargo test -p s3tate --test it reference writes it anew");
}
