//! Roles: the members of `assume_role` and `assume_role_with_web_identity`, in and out of their ranges.

use crate::case::{Case, case};

const ROLE: &str = r#"role_arn = "arn:aws:iam::123456789012:role/deploy""#;

fn role(name: &str, members: &str) -> Case {
    case(format!("assume_role: {name}")).with(format!("assume_role = {{\n{members}\n}}"))
}

/// A role with one member more.
fn member(name: &str, member: &str) -> Case {
    role(name, &format!("{ROLE}\nsession_name = \"chosen\"\n{member}"))
}

fn web(name: &str, members: &str) -> Case {
    let block = format!("assume_role_with_web_identity = {{\n{members}\n}}");
    case(format!("web identity: {name}")).no_env_keys().with(block)
}

pub(crate) fn cases() -> Vec<Case> {
    let of_1224 = "x".repeat(1224);
    let of_65 = "x".repeat(65);
    let token = r#"web_identity_token = "a.web.token""#;
    vec![
        role("by its name alone", ROLE).table().writes(),
        role("session_name", &format!("{ROLE}\nsession_name = \"chosen-name\"")),
        role("keys of the block first", ROLE).with(r#"access_key = "AKIABLOCK""#).with(r#"secret_key = "s""#),
        member("duration", r#"duration = "1h30m""#),
        member("duration at its least", r#"duration = "15m""#),
        member("duration at its most", r#"duration = "12h""#),
        member("external_id", r#"external_id = "a-b=c,d.e@f:g/h""#),
        member("external_id at its longest", &format!("external_id = \"{of_1224}\"")),
        member("policy", r#"policy = "{\"Version\": \"2012-10-17\", \"Statement\": []}""#),
        member("policy_arns", r#"policy_arns = ["arn:aws:iam::123456789012:policy/p"]"#),
        member("source_identity", r#"source_identity = "chosen""#),
        member("tags", r#"tags = { Team = "network" }"#),
        member("tags that go on", "tags = { Team = \"network\" }\ntransitive_tag_keys = [\"Team\"]"),
        role("nothing in it", "").refused("role_arn"),
        role("role_arn empty", r#"role_arn = """#).refused_as("cannot be empty", "role_arn"),
        role("role_arn that is none", r#"role_arn = "deploy""#).refused_as("parsed as an ARN", "role_arn"),
        role("role_arn of a user", r#"role_arn = "arn:aws:iam::123456789012:user/deploy""#)
            .refused_as("IAM Role ARN", "role_arn"),
        role("role_arn null", "role_arn = null").refused("role_arn"),
        role("an unknown member", &format!("{ROLE}\nrolle = 1")),
        member("duration too short", r#"duration = "14m59s""#).refused("duration"),
        member("duration too long", r#"duration = "12h1s""#).refused("duration"),
        member("duration without a unit", r#"duration = "900""#).refused("duration"),
        member("external_id too short", r#"external_id = "x""#).refused_as("Length must be", "external_id"),
        member("external_id too long", &format!("external_id = \"{of_1224}x\""))
            .refused_as("Length must be", "external_id"),
        member("external_id with a space", r#"external_id = "a b""#)
            .refused_as("can only contain", "external_id"),
        member("policy empty", r#"policy = """#).refused_as("cannot be empty", "policy"),
        member("policy that is no JSON", r#"policy = "policy.json""#).refused("policy"),
        member("policy that is a list", r#"policy = "[]""#).refused("policy"),
        member("policy_arns of a role", r#"policy_arns = ["arn:aws:iam::123456789012:role/p"]"#)
            .refused_as("IAM Policy ARN", "policy_arns"),
        member("policy_arns that are none", r#"policy_arns = ["p"]"#)
            .refused_as("parsed as an ARN", "policy_arns"),
        member("source_identity too short", r#"source_identity = "x""#)
            .refused_as("Length must be", "source_identity"),
        role("session_name too short", &format!("{ROLE}\nsession_name = \"x\""))
            .refused_as("Length must be", "session_name"),
        role("session_name too long", &format!("{ROLE}\nsession_name = \"{of_65}\""))
            .refused_as("Length must be", "session_name"),
        role("session_name with a space", &format!("{ROLE}\nsession_name = \"a b\""))
            .refused_as("can only contain", "session_name"),
        role("sts_region", ROLE).with(r#"sts_region = "eu-west-1""#),
        role("endpoints.sts", ROLE).with(r#"endpoints = { sts = "{other}" }"#),
        role("sts_endpoint", ROLE).with(r#"sts_endpoint = "{other}""#),
        role("AWS_ENDPOINT_URL_STS", ROLE).env("AWS_ENDPOINT_URL_STS", "{other}"),
        role("STS of AWS in sts_region", ROLE).at_aws().with(r#"sts_region = "eu-west-1""#),
        role("STS of AWS", ROLE).at_aws(),
        role("STS of AWS, FIPS", ROLE).at_aws().with("use_fips_endpoint = true"),
        web("a token", &format!("{ROLE}\n{token}\nsession_name = \"chosen\"")).table(),
        web(
            "all members",
            &format!(
                "{ROLE}\n{token}\nsession_name = \"chosen\"\nduration = \"1h\"\npolicy = \"{{}}\"\n\
                 policy_arns = [\"arn:aws:iam::123456789012:policy/p\"]"
            ),
        ),
        web("a token's file", &format!("{ROLE}\nweb_identity_token_file = \"token\""))
            .file("token", "a.web.token"),
        web(
            "a token's file in the home directory",
            &format!("{ROLE}\nweb_identity_token_file = \"~/token\""),
        )
        .file("~/token", "a.web.token"),
        web("a token's file that isn't there", &format!("{ROLE}\nweb_identity_token_file = \"absent\""))
            .refused("absent"),
        web("both tokens", &format!("{ROLE}\n{token}\nweb_identity_token_file = \"token\""))
            .refused("web_identity_token"),
        web("no token", ROLE).refused("web_identity_token"),
        web("no role", token).refused("role_arn"),
        web("token too short", &format!("{ROLE}\nweb_identity_token = \"abc\""))
            .refused_as("Length must be", "web_identity_token"),
        web("duration too long", &format!("{ROLE}\n{token}\nduration = \"13h\"")).refused("duration"),
        web("then assume_role", &format!("{ROLE}\n{token}")).with(format!("assume_role = {{ {ROLE} }}")),
        web("ignored beside keys of the block", &format!("{ROLE}\n{token}"))
            .with(r#"access_key = "AKIABLOCK""#)
            .with(r#"secret_key = "s""#),
    ]
}
