//! Every attribute of `backend "s3"`, of all Terraform and OpenTofu releases, in one declarative table.
//!
//! Parsing, conversion, checks, suggestions, environment fallbacks, `backend explain`, the reference page and the cache
//! file's hash are derived from it. Source: schema of Terraform 0.9 to 1.11 and OpenTofu 1.6 to 1.11.

use super::checks;
pub use super::checks::Check;

/// The type of an attribute's value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text.
    String,
    /// True or false; the texts `"true"` and `"false"` convert.
    Bool,
    /// A number; a numeric text converts.
    Number,
    /// A set of texts, kept sorted and without duplicates.
    StringSet,
    /// Texts by name.
    StringMap,
    /// A nested object with members of its own.
    Object(&'static [Attribute]),
}

impl Kind {
    /// The type in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::StringSet => "set of string",
            Self::StringMap => "map of string",
            Self::Object(_) => "object",
        }
    }
}

/// Which schema an attribute belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// In Terraform 1.11's schema, so part of the cache file and its hash.
    Current,
    /// Known to earlier Terraform releases only.
    Removed,
    /// Known to OpenTofu only.
    OpenTofu,
}

/// One attribute of the backend block, or one member of a nested object.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// Its name in the block.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// Whose schema has it.
    pub since: Since,
    /// The Terraform releases that know it, such as `0.9–1.9`.
    pub releases: &'static str,
    /// The OpenTofu releases that know it; the first of them is 1.6.
    pub open_tofu: &'static str,
    /// Environment variables that stand in for it, in order.
    pub env: &'static [&'static str],
    /// What holds where nobody sets it.
    pub default: Option<&'static str>,
    /// Whether it must be set.
    pub required: bool,
    /// The attribute that replaced it, where it is out of date.
    pub replaced_by: Option<&'static str>,
    /// Attributes that must not be set beside it.
    pub conflicts: &'static [&'static str],
    /// What its text, or each text in it, must look like.
    pub check: Option<Check>,
    /// Whether its value must never be printed.
    pub secret: bool,
    /// What it is, in a line.
    pub help: &'static str,
}

impl Attribute {
    const fn new(name: &'static str, kind: Kind, releases: &'static str, help: &'static str) -> Self {
        Self {
            name,
            kind,
            since: Since::Current,
            releases,
            open_tofu: "1.6–",
            env: &[],
            default: None,
            required: false,
            replaced_by: None,
            conflicts: &[],
            check: None,
            secret: false,
            help,
        }
    }

    const fn env(self, env: &'static [&'static str]) -> Self {
        Self { env, ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn removed(self) -> Self {
        Self { since: Since::Removed, ..self }
    }

    const fn open_tofu(self, releases: &'static str) -> Self {
        Self { open_tofu: releases, ..self }
    }

    const fn only_open_tofu(self, releases: &'static str) -> Self {
        Self { since: Since::OpenTofu, ..self.open_tofu(releases) }
    }

    const fn replaced_by(self, name: &'static str) -> Self {
        Self { replaced_by: Some(name), ..self }
    }

    const fn conflicts(self, conflicts: &'static [&'static str]) -> Self {
        Self { conflicts, ..self }
    }

    const fn check(self, check: Check) -> Self {
        Self { check: Some(check), ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

const fn text(name: &'static str, releases: &'static str, help: &'static str) -> Attribute {
    Attribute::new(name, Kind::String, releases, help)
}

const fn flag(name: &'static str, releases: &'static str, help: &'static str) -> Attribute {
    Attribute::new(name, Kind::Bool, releases, help).default("false")
}

const fn number(name: &'static str, releases: &'static str, help: &'static str) -> Attribute {
    Attribute::new(name, Kind::Number, releases, help)
}

const fn set(name: &'static str, releases: &'static str, help: &'static str) -> Attribute {
    Attribute::new(name, Kind::StringSet, releases, help)
}

const fn map(name: &'static str, releases: &'static str, help: &'static str) -> Attribute {
    Attribute::new(name, Kind::StringMap, releases, help)
}

/// A flat role argument of the time before `assume_role`.
const fn flat(attribute: Attribute, replaced_by: &'static str) -> Attribute {
    attribute.removed().replaced_by(replaced_by).conflicts(&["assume_role"])
}

/// Members of `assume_role`, sorted by name.
const ASSUME_ROLE: &[Attribute] = &[
    text("duration", "1.6–", "How long the role's credentials last.")
        .check(checks::role_duration)
        .default("15m"),
    text("external_id", "1.6–", "External ID that the role's trust policy asks for.")
        .check(checks::external_id),
    text("policy", "1.6–", "Session policy, JSON.").check(checks::policy),
    set("policy_arns", "1.6–", "Managed policies for the session.").check(checks::policy_arn),
    text("role_arn", "1.6–", "The role.").check(checks::role_arn).required(),
    text("session_name", "1.6–", "Name of the session.").check(checks::session_name),
    text("source_identity", "1.6–", "Source identity of the session.")
        .check(checks::session_name)
        .open_tofu(""),
    map("tags", "1.6–", "Session tags."),
    set("transitive_tag_keys", "1.6–", "Session tags that further roles inherit."),
];

/// Members of `assume_role_with_web_identity`, sorted by name.
const WEB_IDENTITY: &[Attribute] = &[
    text("duration", "1.6–", "How long the role's credentials last.").check(checks::role_duration),
    text("policy", "1.6–", "Session policy, JSON.").check(checks::policy),
    set("policy_arns", "1.6–", "Managed policies for the session.").check(checks::policy_arn),
    text("role_arn", "1.6–", "The role.").check(checks::role_arn).env(&["AWS_ROLE_ARN"]),
    text("session_name", "1.6–", "Name of the session.")
        .check(checks::session_name)
        .env(&["AWS_ROLE_SESSION_NAME"]),
    text("web_identity_token", "1.6–", "The token itself.")
        .check(checks::token)
        .env(&["AWS_WEB_IDENTITY_TOKEN"])
        .conflicts(&["web_identity_token_file"])
        .secret(),
    text("web_identity_token_file", "1.6–", "File that holds the token.")
        .check(checks::token)
        .env(&["AWS_WEB_IDENTITY_TOKEN_FILE"]),
];

/// Members of `endpoints`, sorted by name.
const ENDPOINTS: &[Attribute] = &[
    text("dynamodb", "1.6–", "DynamoDB endpoint.")
        .env(&["AWS_ENDPOINT_URL_DYNAMODB", "AWS_DYNAMODB_ENDPOINT", "AWS_ENDPOINT_URL"])
        .check(checks::lax_url),
    text("iam", "1.6–", "IAM endpoint.")
        .env(&["AWS_ENDPOINT_URL_IAM", "AWS_IAM_ENDPOINT", "AWS_ENDPOINT_URL"])
        .check(checks::lax_url),
    text("s3", "1.6–", "S3 endpoint.")
        .env(&["AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL"])
        .check(checks::full_url),
    text("sso", "1.6.4–", "SSO endpoint.")
        .env(&["AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL"])
        .check(checks::url)
        .open_tofu(""),
    text("sts", "1.6–", "STS endpoint.")
        .env(&["AWS_ENDPOINT_URL_STS", "AWS_STS_ENDPOINT", "AWS_ENDPOINT_URL"])
        .check(checks::lax_url),
];

/// All attributes, sorted bytewise by name.
pub const ATTRIBUTES: &[Attribute] = &[
    text("access_key", "0.9–", "Access key ID; set with `secret_key`.")
        .env(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]),
    text("acl", "0.9–", "Canned ACL of state and lock object."),
    set("allowed_account_ids", "1.6–", "Accounts that the caller may belong to.")
        .conflicts(&["forbidden_account_ids"]),
    Attribute::new(
        "assume_role",
        Kind::Object(ASSUME_ROLE),
        "1.6–",
        "Role to assume with the credentials found.",
    ),
    flat(
        number("assume_role_duration_seconds", "0.13–1.9", "How long the role's credentials last."),
        "assume_role.duration",
    ),
    flat(text("assume_role_policy", "0.9.3–1.9", "Session policy, JSON."), "assume_role.policy"),
    flat(
        set("assume_role_policy_arns", "0.13–1.9", "Managed policies for the session."),
        "assume_role.policy_arns",
    ),
    flat(map("assume_role_tags", "0.13–1.9", "Session tags."), "assume_role.tags"),
    flat(
        set("assume_role_transitive_tag_keys", "0.13–1.9", "Session tags that further roles inherit."),
        "assume_role.transitive_tag_keys",
    ),
    Attribute::new(
        "assume_role_with_web_identity",
        Kind::Object(WEB_IDENTITY),
        "1.6–",
        "Role to assume with an OIDC token.",
    ),
    text("bucket", "0.9–", "Bucket that holds states and lock objects.").check(checks::not_blank).required(),
    text("custom_ca_bundle", "1.6–", "PEM file of trusted roots, instead of the system's.")
        .env(&["AWS_CA_BUNDLE"]),
    text("dynamodb_endpoint", "0.11.14–", "DynamoDB endpoint.")
        .replaced_by("endpoints.dynamodb")
        .conflicts(&["endpoints.dynamodb"])
        .check(checks::lax_url),
    text("dynamodb_table", "0.9.7–", "Table with locks and digests; its key is `LockID`, a string."),
    text("ec2_metadata_service_endpoint", "1.6–", "Address of the instance metadata service.")
        .env(&["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_METADATA_URL"])
        .check(checks::full_url),
    text("ec2_metadata_service_endpoint_mode", "1.6–", "Address family of the instance metadata service.")
        .env(&["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"])
        .check(checks::ip_mode),
    flag("encrypt", "0.9–", "Send encryption headers with state and lock object."),
    text("endpoint", "0.9–", "S3 endpoint.")
        .replaced_by("endpoints.s3")
        .conflicts(&["endpoints.s3"])
        .check(checks::full_url),
    Attribute::new("endpoints", Kind::Object(ENDPOINTS), "1.6–", "Endpoints of the services."),
    flat(
        text("external_id", "0.9.3–1.9", "External ID that the role's trust policy asks for."),
        "assume_role.external_id",
    ),
    set("forbidden_account_ids", "1.6–", "Accounts that the caller must not belong to."),
    flag("force_path_style", "0.11.2–", "Path-style addresses.")
        .replaced_by("use_path_style")
        .conflicts(&["use_path_style"]),
    text("http_proxy", "1.6–", "Proxy for HTTP.").env(&["HTTP_PROXY", "http_proxy"]),
    text("https_proxy", "1.6.4–", "Proxy for HTTPS.").env(&["HTTPS_PROXY", "https_proxy"]),
    text("iam_endpoint", "0.11.14–", "IAM endpoint.")
        .replaced_by("endpoints.iam")
        .conflicts(&["endpoints.iam"])
        .check(checks::lax_url),
    flag("insecure", "1.6–", "Accept any TLS certificate."),
    text("key", "0.9–", "Key of the default workspace's state; tail of the others'.")
        .check(checks::key)
        .required(),
    text("kms_key_id", "0.9–", "KMS key; needs `encrypt`.")
        .check(checks::kms_key)
        .conflicts(&["sse_customer_key"]),
    text("lock_table", "0.9.0–0.12", "Table with locks.")
        .removed()
        .open_tofu("")
        .replaced_by("dynamodb_table"),
    map("lock_tags", "", "Tags of the lock object.").only_open_tofu("1.11–"),
    number("max_retries", "0.11.14–", "Attempts of each request; 0 leaves it to AWS_MAX_ATTEMPTS.")
        .default("5"),
    text("no_proxy", "1.6.4–", "Hosts that are reached without a proxy.").env(&["NO_PROXY", "no_proxy"]),
    text("profile", "0.9–", "Profile in the shared files.").env(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]),
    text("region", "0.9–", "Region of S3, DynamoDB and STS.")
        .env(&["AWS_REGION", "AWS_DEFAULT_REGION"])
        .required(),
    text("retry_mode", "1.6–", "How requests are tried again.")
        .env(&["AWS_RETRY_MODE"])
        .check(checks::retry_mode)
        .default("standard"),
    flat(text("role_arn", "0.9–1.9", "Role to assume."), "assume_role.role_arn"),
    text("secret_key", "0.9–", "Secret access key.")
        .env(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"])
        .secret(),
    flat(text("session_name", "0.9.3–1.9", "Name of the session."), "assume_role.session_name"),
    set("shared_config_files", "1.6–", "Configuration files with profiles.").env(&["AWS_SHARED_CONFIG_FILE"]),
    text("shared_credentials_file", "0.9–", "Credentials file with profiles.")
        .replaced_by("shared_credentials_files")
        .conflicts(&["shared_credentials_files"]),
    set("shared_credentials_files", "1.6–", "Credentials files with profiles.")
        .env(&["AWS_SHARED_CREDENTIALS_FILE"]),
    flag(
        "skip_credentials_validation",
        "0.10.8–",
        "Where a list needs the account, ask IAM for it before STS. There is no other validation to skip.",
    ),
    flag(
        "skip_get_ec2_platforms",
        "0.10.8–0.12",
        "Accepted: no release after 0.12 makes the call that it skips.",
    )
    .removed()
    .open_tofu(""),
    Attribute::new(
        "skip_metadata_api_check",
        Kind::Bool,
        "0.10.8–",
        "Never ask the instance metadata service.",
    ),
    flag("skip_region_validation", "0.11.2–", "Accept regions that are not known."),
    flag(
        "skip_requesting_account_id",
        "0.10.8–0.12, 1.6.1–",
        "With `skip_credentials_validation`: never ask for the account, so that lists of accounts are refused.",
    ),
    flag("skip_s3_checksum", "1.6.3–", "Send no checksum with uploads."),
    text("sse_customer_key", "0.12.8–", "Customer's encryption key, base64 of 32 bytes; needs `encrypt`.")
        .env(&["AWS_SSE_CUSTOMER_KEY"])
        .check(checks::customer_key)
        .secret(),
    map("state_tags", "", "Tags of the state object.").only_open_tofu("1.11–"),
    text("sts_endpoint", "0.11.14–", "STS endpoint.")
        .replaced_by("endpoints.sts")
        .conflicts(&["endpoints.sts"])
        .check(checks::lax_url),
    text("sts_region", "1.6–", "Region of STS alone."),
    text("token", "0.9–", "Session token of temporary credentials.").env(&["AWS_SESSION_TOKEN"]).secret(),
    flag("use_dualstack_endpoint", "1.6–", "Dual-stack endpoints.").env(&["AWS_USE_DUALSTACK_ENDPOINT"]),
    flag("use_fips_endpoint", "1.6–", "FIPS endpoints.").env(&["AWS_USE_FIPS_ENDPOINT"]),
    flag("use_legacy_workflow", "1.6–1.7", "Environment credentials before `profile`.")
        .removed()
        .open_tofu("1.6–1.7"),
    flag("use_lockfile", "1.10–", "Lock with an object beside the state.").open_tofu("1.10–"),
    flag("use_path_style", "1.6–", "Path-style addresses."),
    text("workspace_key_prefix", "0.10–", "Prefix of the other workspaces' keys.")
        .check(checks::prefix)
        .default("env:"),
];

/// The attribute called `name`.
pub fn attribute(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|attribute| attribute.name == name)
}

/// The attribute name nearest to a misspelt one; `None` where nothing is near.
pub fn nearest(name: &str, among: &'static [Attribute]) -> Option<&'static str> {
    let distance = |candidate: &str| strsim::damerau_levenshtein(name, candidate);
    let best = among.iter().min_by_key(|attribute| distance(attribute.name))?;
    (distance(best.name) <= 1 + name.len() / 4).then_some(best.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_the_current_schema_has_45() {
        assert!(ATTRIBUTES.is_sorted_by_key(|attribute| attribute.name));
        let current = ATTRIBUTES.iter().filter(|attribute| attribute.since == Since::Current).count();
        assert_eq!(current, 45);
    }

    #[test]
    fn conflicts_and_replacements_name_attributes() {
        let known = |path: &str| {
            let (name, member) =
                path.split_once('.').map_or((path, None), |(name, member)| (name, Some(member)));
            attribute(name).is_some_and(|attribute| match (attribute.kind, member) {
                (Kind::Object(members), Some(member)) => members.iter().any(|known| known.name == member),
                (_, member) => member.is_none(),
            })
        };
        for attribute in ATTRIBUTES {
            assert!(attribute.conflicts.iter().all(|path| known(path)), "{}", attribute.name);
            assert!(attribute.replaced_by.is_none_or(known), "{}", attribute.name);
        }
    }

    #[test]
    fn misspelt_names_find_their_neighbour() {
        assert_eq!(nearest("buckt", ATTRIBUTES), Some("bucket"));
        assert_eq!(nearest("dynamo_table", ATTRIBUTES), Some("dynamodb_table"));
        assert_eq!(nearest("colour", ATTRIBUTES), None);
    }
}
