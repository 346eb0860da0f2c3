//! Every attribute of the table: a value as it is meant, null, and a value of another type.

use s3tate::config::attributes::{ATTRIBUTES, Attribute, Kind, Since};

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    let current = || ATTRIBUTES.iter().filter(|attribute| attribute.since == Since::Current);
    let members = current().filter_map(|attribute| match attribute.kind {
        Kind::Object(members) => Some((attribute, members)),
        _ => None,
    });
    let members =
        members.flat_map(|(attribute, members)| members.iter().map(|member| wrong_member(attribute, member)));
    let removed = ATTRIBUTES.iter().filter(|attribute| attribute.since != Since::Current).map(not_of_1_11);
    let texts = current().filter(|attribute| matches!(attribute.kind, Kind::String));
    current()
        .map(valid)
        .chain(texts.map(empty))
        .chain(current().map(wrong_type))
        .chain(members)
        .chain(removed)
        .chain([all_null()])
        .collect()
}

/// Values as they are meant, where they need no other attribute; what isn't here is a text of no importance.
fn value(attribute: &Attribute) -> &'static str {
    match (attribute.name, attribute.kind) {
        ("access_key", _) => r#""AKIAATTRIBUTE""#,
        ("acl", _) => r#""private""#,
        ("allowed_account_ids", _) => r#"["123456789012"]"#,
        ("assume_role", _) => r#"{ role_arn = "arn:aws:iam::123456789012:role/deploy" }"#,
        ("assume_role_with_web_identity", _) => {
            r#"{ role_arn = "arn:aws:iam::123456789012:role/deploy", web_identity_token = "a.web.token" }"#
        }
        ("bucket", _) => r#""{bucket}""#,
        ("custom_ca_bundle", _) => r#""ca.pem""#,
        ("dynamodb_table" | "lock_table", _) => r#""{table}""#,
        ("ec2_metadata_service_endpoint_mode", _) => r#""IPv6""#,
        ("endpoints", _) => r#"{ s3 = "{other}" }"#,
        ("http_proxy" | "https_proxy", _) => r#""{proxy}""#,
        ("key", _) => r#""state""#,
        ("kms_key_id", _) => r#""alias/state""#,
        ("max_retries", _) => "2",
        ("no_proxy", _) => r#""example.com""#,
        ("profile", _) => r#""named""#,
        ("region" | "sts_region", _) => r#""eu-west-1""#,
        ("retry_mode", _) => r#""adaptive""#,
        ("shared_config_files", _) => r#"["config"]"#,
        ("shared_credentials_file", _) => r#""credentials""#,
        ("shared_credentials_files", _) => r#"["credentials"]"#,
        ("sse_customer_key", _) => r#""MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=""#,
        (_, Kind::Bool) => "true",
        (_, Kind::StringSet) => r#"["1"]"#,
        (name, _) if name.contains("endpoint") => r#""{other}""#,
        _ => r#""text""#,
    }
}

fn valid(attribute: &'static Attribute) -> Case {
    let name = attribute.name;
    let plain = case(format!("{name} as it is meant")).with(format!("{name} = {}", value(attribute)));
    let files = "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s\n[named]\n\
                 aws_access_key_id = AKIANAMED\naws_secret_access_key = s\n";
    let plain =
        plain.file("credentials", files).file("~/.aws/credentials", files).file("ca.pem", CERTIFICATE);
    let plain = plain.file("config", "[default]\nendpoint_url = {other}\n").writes();
    match name {
        "access_key" => plain.with(r#"secret_key = "s""#),
        "secret_key" | "token" => plain.with(r#"access_key = "AKIAATTRIBUTE""#).with(r#"secret_key = "s""#),
        "kms_key_id" | "sse_customer_key" => plain.with("encrypt = true"),
        "shared_credentials_file" | "shared_credentials_files" => plain.no_env_keys(),
        "shared_config_files" => plain.unset(&["AWS_ENDPOINT_URL"]),
        "force_path_style" => plain.without("use_path_style"),
        "allowed_account_ids" | "forbidden_account_ids" => plain.without("skip_requesting_account_id"),
        "use_fips_endpoint" | "use_dualstack_endpoint" => plain.at_aws(),
        "iam_endpoint" | "sts_endpoint" | "dynamodb_endpoint" => plain.table(),
        _ => plain,
    }
}

/// A certificate that nothing is signed with.
const CERTIFICATE: &str = include_str!("../ca.pem");

/// Attributes that stock refuses to be empty; to the others an empty text means that they aren't set.
const NOT_EMPTY: &[&str] = &[
    "bucket",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "endpoint",
    "key",
    "kms_key_id",
    "retry_mode",
    "sse_customer_key",
];

fn empty(attribute: &'static Attribute) -> Case {
    let name = attribute.name;
    let case = case(format!("{name} with an empty text")).with(format!("{name} = \"\"")).writes();
    if NOT_EMPTY.contains(&name) { case.refused(name) } else { case }
}

fn wrong_type(attribute: &'static Attribute) -> Case {
    let name = attribute.name;
    let value = match attribute.kind {
        Kind::String => "[]",
        Kind::Bool => r#""perhaps""#,
        Kind::Number => r#""many""#,
        Kind::StringSet | Kind::StringMap | Kind::Object(_) => r#""text""#,
    };
    case(format!("another type for {name}")).with(format!("{name} = {value}")).refused(name)
}

fn wrong_member(attribute: &'static Attribute, member: &'static Attribute) -> Case {
    let (outer, name) = (attribute.name, member.name);
    let value = if matches!(member.kind, Kind::String) { "[]" } else { r#""text""# };
    let needed = if outer == "endpoints" || name == "role_arn" {
        ""
    } else {
        "role_arn = \"arn:aws:iam::1:role/r\"\n"
    };
    case(format!("another type for {outer}.{name}"))
        .with(format!("{outer} = {{\n{needed}{name} = {value}\n}}"))
        .refused(name)
}

fn not_of_1_11(attribute: &'static Attribute) -> Case {
    let value = match attribute.kind {
        Kind::Number => "3600",
        Kind::StringMap => r#"{ team = "network" }"#,
        _ if attribute.name.ends_with("_arn") => r#""arn:aws:iam::123456789012:role/deploy""#,
        _ if attribute.name.ends_with("_arns") => r#"["arn:aws:iam::123456789012:policy/p"]"#,
        _ => value(attribute),
    };
    let name = attribute.name;
    case(format!("{name}, not of 1.11")).with(format!("{name} = {value}")).refused(name)
}

fn all_null() -> Case {
    let current = ATTRIBUTES.iter().filter(|attribute| attribute.since == Since::Current);
    let needed =
        ["bucket", "key", "use_path_style", "skip_credentials_validation", "skip_requesting_account_id"];
    let unneeded = current.filter(|attribute| !needed.contains(&attribute.name));
    unneeded.fold(case("null for all that has a default"), |case, attribute| {
        case.with(format!("{} = null", attribute.name))
    })
}
