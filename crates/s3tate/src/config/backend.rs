//! The configuration of a backend as plain, checked values, environment included.

use std::path::PathBuf;

use base64::Engine as _;
use md5::{Digest as _, Md5};

use super::secret::Secret;
use super::value::Value;
use super::{Arguments, Source};
use crate::env::Env;
use crate::error::{Error, Result};

/// Everything a backend needs to know.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of the backend block")]
pub struct BackendConfig {
    /// The bucket that holds states and lock objects.
    pub bucket: String,
    /// The state key of the default workspace, verbatim.
    pub key: String,
    /// Prefix of the other workspaces' keys, without slashes at its ends; may be empty. Default: `env:`.
    pub workspace_key_prefix: String,
    /// Region of S3, DynamoDB and STS.
    pub region: String,
    /// The table with locks and digests.
    pub table: Option<String>,
    /// Whether lock objects are used. Default: false.
    pub use_lockfile: bool,
    /// How objects are encrypted at rest.
    pub encryption: Encryption,
    /// Canned ACL of uploads.
    pub acl: Option<String>,
    /// Where credentials come from.
    pub credentials: Credentials,
    /// Endpoints other than AWS's own.
    pub endpoints: Endpoints,
    /// Path-style addresses.
    pub path_style: bool,
    /// Attempts per request; `None` leaves it to `AWS_MAX_ATTEMPTS` and the SDK's three. Default: 5.
    pub max_attempts: Option<u32>,
    /// Leave out checksums of uploads.
    pub skip_s3_checksum: bool,
    /// Never ask the instance metadata service.
    pub skip_metadata: Option<bool>,
    /// PEM file that replaces the system's trusted roots.
    pub ca_bundle: Option<PathBuf>,
    /// FIPS endpoints.
    pub fips: bool,
    /// Dual-stack endpoints.
    pub dual_stack: bool,
    /// Out-of-date attributes in use, with what replaced them.
    pub deprecations: Vec<String>,
}

/// Server-side encryption of state and lock objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// As the bucket has it.
    BucketDefault,
    /// Keys kept by S3.
    S3,
    /// A key in KMS, named as configured.
    Kms(String),
    /// A key of the customer's.
    Customer(CustomerKey),
}

/// A customer's encryption key as S3's headers want it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerKey {
    /// Base64 of 32 bytes.
    pub key: Secret,
    /// Base64 of the MD5 of the 32 bytes.
    pub md5: String,
}

/// Where credentials come from.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Given by attributes, or by variables with no profile attribute set.
    Static {
        /// Access key id.
        access_key: String,
        /// Secret access key.
        secret_key: Secret,
        /// Session token of temporary credentials.
        token: Option<Secret>,
    },
    /// The SDK's chain: profile, web identity, container, instance metadata.
    Chain {
        /// The profile's name, where one is given.
        profile: Option<String>,
        /// Credentials files in place of the usual one.
        credentials_files: Vec<PathBuf>,
        /// Configuration files in place of the usual one.
        config_files: Vec<PathBuf>,
    },
}

/// Service endpoints given by attributes or variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// S3.
    pub s3: Option<String>,
    /// DynamoDB.
    pub dynamodb: Option<String>,
    /// STS.
    pub sts: Option<String>,
}

impl BackendConfig {
    /// Checks arguments and fills in what the environment gives.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: a required value is missing, a value is out of its range, two exclude each
    /// other, or something is asked for that this release can't do.
    pub fn new(arguments: &Arguments, env: &Env) -> Result<Self> {
        super::validate(arguments, env)?;
        let reader = Reader { arguments, env };
        reader.refuse_unsupported()?;
        let region =
            reader.text("region").or_else(|| reader.env("region", &["AWS_REGION", "AWS_DEFAULT_REGION"]));
        let flag = |name| reader.flag(name).unwrap_or_default();
        Ok(Self {
            bucket: reader.required("bucket")?,
            key: reader.key()?,
            workspace_key_prefix: reader.prefix()?,
            region: region.ok_or_else(missing_region)?,
            table: reader
                .text("dynamodb_table")
                .filter(|table| !table.is_empty())
                .or_else(|| reader.lock_table()),
            use_lockfile: flag("use_lockfile"),
            encryption: reader.encryption()?,
            acl: reader.text("acl"),
            credentials: reader.credentials()?,
            endpoints: reader.endpoints()?,
            path_style: flag("use_path_style") || flag("force_path_style"),
            max_attempts: reader.max_attempts()?,
            skip_s3_checksum: flag("skip_s3_checksum"),
            skip_metadata: reader.flag("skip_metadata_api_check"),
            ca_bundle: reader.ca_bundle(),
            fips: reader.flag_or_env("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT"),
            dual_stack: reader.flag_or_env("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT"),
            deprecations: reader.deprecations(),
        })
    }

    /// Whether anything excludes other writers.
    pub fn locks(&self) -> bool {
        self.table.is_some() || self.use_lockfile
    }
}

fn missing_region() -> Error {
    Error::invalid("no region is given; nothing was done")
        .hint("set `region` in the block, or AWS_REGION or AWS_DEFAULT_REGION")
}

/// Asked for by somebody, but not yet done by this release: refused rather than ignored.
const UNSUPPORTED: &[&str] = &[
    "assume_role",
    "assume_role_with_web_identity",
    "role_arn",
    "allowed_account_ids",
    "forbidden_account_ids",
    "http_proxy",
    "https_proxy",
    "insecure",
    "sts_region",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "state_tags",
    "lock_tags",
];

struct Reader<'a> {
    arguments: &'a Arguments,
    env: &'a Env,
}

impl Reader<'_> {
    fn refuse_unsupported(&self) -> Result<()> {
        let given = UNSUPPORTED.iter().find_map(|name| Some((name, self.arguments.with_source(name)?)));
        let Some((name, (value, source))) = given else { return Ok(()) };
        if *value == Value::Bool(false) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "`{name}` in {source} is not supported by this release; nothing was done"
        ))
        .hint("leave it out, or use stock Terraform for this configuration"))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.arguments.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.arguments.get(name) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    fn flag_or_env(&self, name: &str, variable: &str) -> bool {
        let from_env = || self.env.var(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        self.flag(name).unwrap_or_else(from_env)
    }

    fn env(&self, _attribute: &str, names: &[&'static str]) -> Option<String> {
        self.env.first(names).map(|(_, value)| value.to_owned())
    }

    fn bad(&self, name: &str, why: &str) -> Error {
        let place = self.arguments.with_source(name).map(|(_, source): (_, &Source)| format!(" in {source}"));
        Error::invalid(format!("`{name}`{} {why}; nothing was done", place.unwrap_or_default()))
    }

    fn required(&self, name: &str) -> Result<String> {
        let missing = || {
            Error::invalid(format!("`{name}` is not set; nothing was done"))
                .hint(format!("set it in the backend block, or pass `-backend-config={name}=…`"))
        };
        let value = self.text(name).ok_or_else(missing)?;
        if value.trim().is_empty() { Err(self.bad(name, "is blank")) } else { Ok(value) }
    }

    fn key(&self) -> Result<String> {
        let key = self.required("key")?;
        if key.starts_with('/') || key.ends_with('/') {
            return Err(self.bad("key", "must not begin or end with `/`"));
        }
        if key.contains("//") {
            return Err(self.bad("key", "must not contain `//`"));
        }
        Ok(key)
    }

    fn prefix(&self) -> Result<String> {
        let prefix = self.text("workspace_key_prefix").unwrap_or_else(|| "env:".to_owned());
        if prefix.starts_with('/') || prefix.ends_with('/') {
            return Err(self.bad("workspace_key_prefix", "must not begin or end with `/`"));
        }
        Ok(prefix)
    }

    fn lock_table(&self) -> Option<String> {
        self.text("lock_table").filter(|table| !table.is_empty())
    }

    fn encryption(&self) -> Result<Encryption> {
        let kms = self.text("kms_key_id").filter(|key| !key.is_empty());
        let customer = self.text("sse_customer_key").or_else(|| self.env("", &["AWS_SSE_CUSTOMER_KEY"]));
        if kms.is_some() && customer.is_some() {
            return Err(self.bad("kms_key_id", "and a customer's key exclude each other"));
        }
        let encrypt = self.flag("encrypt").unwrap_or_default();
        if !encrypt && (kms.is_some() || self.arguments.get("sse_customer_key").is_some()) {
            let name = if kms.is_some() { "kms_key_id" } else { "sse_customer_key" };
            return Err(self
                .bad(name, "has no effect without `encrypt = true`, and the state would be stored in clear")
                .hint("add `encrypt = true`, or remove the key"));
        }
        match (encrypt, kms, customer) {
            (false, ..) => Ok(Encryption::BucketDefault),
            (true, Some(key), _) => Ok(Encryption::Kms(key)),
            (true, None, Some(key)) => self.customer_key(key).map(Encryption::Customer),
            (true, None, None) => Ok(Encryption::S3),
        }
    }

    fn customer_key(&self, key: String) -> Result<CustomerKey> {
        let base64 = &base64::engine::general_purpose::STANDARD;
        let bytes = base64.decode(&key).ok().filter(|bytes| bytes.len() == 32 && key.len() == 44);
        let bytes = bytes.ok_or_else(|| self.bad("sse_customer_key", "must be base64 of 32 bytes"))?;
        Ok(CustomerKey { key: Secret::new(key), md5: base64.encode(Md5::digest(bytes)) })
    }

    fn credentials(&self) -> Result<Credentials> {
        let given = ["access_key", "secret_key", "token"].map(|name| self.text(name));
        if given.iter().any(Option::is_some) {
            return self.static_credentials(given);
        }
        let variables: [&[&'static str]; 3] = [
            &["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"],
            &["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"],
            &["AWS_SESSION_TOKEN"],
        ];
        let from_env = variables.map(|names| self.env("", names));
        if self.text("profile").is_none() && from_env[0].is_some() && from_env[1].is_some() {
            return self.static_credentials(from_env);
        }
        Ok(self.chain())
    }

    fn static_credentials(&self, values: [Option<String>; 3]) -> Result<Credentials> {
        let [access_key, secret_key, token] = values;
        match (access_key, secret_key) {
            (Some(access_key), Some(secret_key)) => Ok(Credentials::Static {
                access_key,
                secret_key: Secret::new(secret_key),
                token: token.map(Secret::new),
            }),
            (Some(_), None) => Err(self.bad("access_key", "needs `secret_key` beside it")),
            (None, _) => Err(self.bad("secret_key", "needs `access_key` beside it")),
        }
    }

    fn chain(&self) -> Credentials {
        let single = self.text("shared_credentials_file").into_iter().collect::<Vec<_>>();
        let several = |name: &str, variable: &'static str| {
            let mut files = self.texts(name);
            if files.is_empty() {
                files.extend(self.env("", &[variable]));
            }
            files.iter().map(|file| self.expand(file)).collect::<Vec<_>>()
        };
        let credentials_files = several("shared_credentials_files", "AWS_SHARED_CREDENTIALS_FILE");
        Credentials::Chain {
            profile: self.text("profile").or_else(|| self.env("", &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])),
            credentials_files: if single.is_empty() {
                credentials_files
            } else {
                single.iter().map(|file| self.expand(file)).collect()
            },
            config_files: several("shared_config_files", "AWS_SHARED_CONFIG_FILE"),
        }
    }

    fn texts(&self, name: &str) -> Vec<String> {
        match self.arguments.get(name) {
            Some(Value::List(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// A path with a leading `~` replaced by the home directory.
    fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix('~'), self.env.var("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(format!("{home}{rest}")),
            _ => PathBuf::from(path),
        }
    }

    fn endpoints(&self) -> Result<Endpoints> {
        Ok(Endpoints {
            s3: self.endpoint("s3", "endpoint", &["AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT"])?,
            dynamodb: self.endpoint(
                "dynamodb",
                "dynamodb_endpoint",
                &["AWS_ENDPOINT_URL_DYNAMODB", "AWS_DYNAMODB_ENDPOINT"],
            )?,
            sts: self.endpoint("sts", "sts_endpoint", &["AWS_ENDPOINT_URL_STS", "AWS_STS_ENDPOINT"])?,
        })
    }

    fn endpoint(&self, member: &str, flat: &str, variables: &[&'static str]) -> Result<Option<String>> {
        let nested = self.arguments.get("endpoints").and_then(|value| value.member(member));
        let nested = nested.and_then(Value::as_str).map(str::to_owned);
        if nested.is_some() && self.text(flat).is_some() {
            return Err(self.bad(flat, &format!("and `endpoints.{member}` exclude each other")));
        }
        let own = nested.or_else(|| self.text(flat)).or_else(|| self.env("", variables));
        let found = own.or_else(|| self.env("", &["AWS_ENDPOINT_URL"]));
        match found {
            Some(url) if !url.contains("://") => {
                let message =
                    format!("the {member} endpoint `{url}` is not a complete URL; nothing was done");
                Err(Error::invalid(message).hint("write it with its scheme, such as `https://HOST`"))
            }
            found => Ok(found),
        }
    }

    fn max_attempts(&self) -> Result<Option<u32>> {
        match self.arguments.get("max_retries") {
            None => Ok(Some(5)),
            Some(Value::Number(number)) => match number.parse() {
                Ok(0) => Ok(self.env.var("AWS_MAX_ATTEMPTS").and_then(|text| text.parse().ok())),
                Ok(attempts) => Ok(Some(attempts)),
                Err(_) => Err(self.bad("max_retries", "must be a whole number that isn't negative")),
            },
            Some(_) => Err(self.bad("max_retries", "must be a number")),
        }
    }

    fn ca_bundle(&self) -> Option<PathBuf> {
        let path = self.text("custom_ca_bundle").or_else(|| self.env("", &["AWS_CA_BUNDLE"]))?;
        Some(self.expand(&path))
    }

    fn deprecations(&self) -> Vec<String> {
        let replaced = self.arguments.iter().filter_map(|(name, _, source)| {
            let new = super::attributes::attribute(name)?.replaced_by?;
            Some(format!("`{name}` in {source} is out of date: use `{new}`"))
        });
        replaced.collect()
    }
}

#[cfg(test)]
#[path = "backend_tests.rs"]
mod tests;
