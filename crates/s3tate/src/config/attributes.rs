//! Every attribute of `backend "s3"`, of all Terraform and OpenTofu releases, in one declarative table.
//!
//! Parsing, conversion, suggestions, environment fallbacks and the cache file's hash are derived from it.
//! Source: schema of Terraform 0.9 to 1.11 and OpenTofu 1.6 to 1.11.

/// The type of an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name in the block.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// Whose schema has it.
    pub since: Since,
    /// Environment variables that stand in for it, in order.
    pub env: &'static [&'static str],
    /// The attribute that replaced it, where it is out of date.
    pub replaced_by: Option<&'static str>,
    /// Whether its value must never be printed.
    pub secret: bool,
}

impl Attribute {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, since: Since::Current, env: &[], replaced_by: None, secret: false }
    }

    const fn env(self, env: &'static [&'static str]) -> Self {
        Self { env, ..self }
    }

    const fn since(self, since: Since) -> Self {
        Self { since, ..self }
    }

    const fn replaced_by(self, name: &'static str) -> Self {
        Self { replaced_by: Some(name), ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

const fn text(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::String)
}

const fn flag(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Bool)
}

const fn removed(name: &'static str, kind: Kind, replaced_by: &'static str) -> Attribute {
    Attribute::new(name, kind).since(Since::Removed).replaced_by(replaced_by)
}

/// Members of `assume_role`, sorted by name.
const ASSUME_ROLE: &[Attribute] = &[
    text("duration"),
    text("external_id"),
    text("policy"),
    Attribute::new("policy_arns", Kind::StringSet),
    text("role_arn"),
    text("session_name"),
    text("source_identity"),
    Attribute::new("tags", Kind::StringMap),
    Attribute::new("transitive_tag_keys", Kind::StringSet),
];

/// Members of `assume_role_with_web_identity`, sorted by name.
const WEB_IDENTITY: &[Attribute] = &[
    text("duration"),
    text("policy"),
    Attribute::new("policy_arns", Kind::StringSet),
    text("role_arn"),
    text("session_name"),
    text("web_identity_token").secret(),
    text("web_identity_token_file"),
];

/// Members of `endpoints`, sorted by name.
const ENDPOINTS: &[Attribute] = &[
    text("dynamodb").env(&["AWS_ENDPOINT_URL_DYNAMODB", "AWS_DYNAMODB_ENDPOINT"]),
    text("iam").env(&["AWS_ENDPOINT_URL_IAM", "AWS_IAM_ENDPOINT"]),
    text("s3").env(&["AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT"]),
    text("sso").env(&["AWS_ENDPOINT_URL_SSO"]),
    text("sts").env(&["AWS_ENDPOINT_URL_STS", "AWS_STS_ENDPOINT"]),
];

/// All attributes, sorted bytewise by name.
pub const ATTRIBUTES: &[Attribute] = &[
    text("access_key").env(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]),
    text("acl"),
    Attribute::new("allowed_account_ids", Kind::StringSet),
    Attribute::new("assume_role", Kind::Object(ASSUME_ROLE)),
    removed("assume_role_duration_seconds", Kind::Number, "assume_role.duration"),
    removed("assume_role_policy", Kind::String, "assume_role.policy"),
    removed("assume_role_policy_arns", Kind::StringSet, "assume_role.policy_arns"),
    removed("assume_role_tags", Kind::StringMap, "assume_role.tags"),
    removed("assume_role_transitive_tag_keys", Kind::StringSet, "assume_role.transitive_tag_keys"),
    Attribute::new("assume_role_with_web_identity", Kind::Object(WEB_IDENTITY)),
    text("bucket"),
    text("custom_ca_bundle").env(&["AWS_CA_BUNDLE"]),
    text("dynamodb_endpoint").replaced_by("endpoints.dynamodb"),
    text("dynamodb_table"),
    text("ec2_metadata_service_endpoint").env(&["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_METADATA_URL"]),
    text("ec2_metadata_service_endpoint_mode").env(&["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]),
    flag("encrypt"),
    text("endpoint").replaced_by("endpoints.s3"),
    Attribute::new("endpoints", Kind::Object(ENDPOINTS)),
    removed("external_id", Kind::String, "assume_role.external_id"),
    Attribute::new("forbidden_account_ids", Kind::StringSet),
    flag("force_path_style").replaced_by("use_path_style"),
    text("http_proxy").env(&["HTTP_PROXY", "http_proxy"]),
    text("https_proxy").env(&["HTTPS_PROXY", "https_proxy"]),
    text("iam_endpoint").replaced_by("endpoints.iam"),
    flag("insecure"),
    text("key"),
    text("kms_key_id"),
    removed("lock_table", Kind::String, "dynamodb_table"),
    Attribute::new("lock_tags", Kind::StringMap).since(Since::OpenTofu),
    Attribute::new("max_retries", Kind::Number),
    text("no_proxy").env(&["NO_PROXY", "no_proxy"]),
    text("profile").env(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]),
    text("region").env(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
    text("retry_mode").env(&["AWS_RETRY_MODE"]),
    removed("role_arn", Kind::String, "assume_role.role_arn"),
    text("secret_key").env(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]).secret(),
    removed("session_name", Kind::String, "assume_role.session_name"),
    Attribute::new("shared_config_files", Kind::StringSet),
    text("shared_credentials_file").replaced_by("shared_credentials_files"),
    Attribute::new("shared_credentials_files", Kind::StringSet),
    flag("skip_credentials_validation"),
    Attribute::new("skip_get_ec2_platforms", Kind::Bool).since(Since::Removed),
    flag("skip_metadata_api_check"),
    flag("skip_region_validation"),
    flag("skip_requesting_account_id"),
    flag("skip_s3_checksum"),
    text("sse_customer_key").env(&["AWS_SSE_CUSTOMER_KEY"]).secret(),
    Attribute::new("state_tags", Kind::StringMap).since(Since::OpenTofu),
    text("sts_endpoint").replaced_by("endpoints.sts"),
    text("sts_region"),
    text("token").env(&["AWS_SESSION_TOKEN"]).secret(),
    flag("use_dualstack_endpoint").env(&["AWS_USE_DUALSTACK_ENDPOINT"]),
    flag("use_fips_endpoint").env(&["AWS_USE_FIPS_ENDPOINT"]),
    Attribute::new("use_legacy_workflow", Kind::Bool).since(Since::Removed),
    flag("use_lockfile"),
    flag("use_path_style"),
    text("workspace_key_prefix"),
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
    fn misspelt_names_find_their_neighbour() {
        assert_eq!(nearest("buckt", ATTRIBUTES), Some("bucket"));
        assert_eq!(nearest("dynamo_table", ATTRIBUTES), Some("dynamodb_table"));
        assert_eq!(nearest("colour", ATTRIBUTES), None);
    }
}
