//! Where credentials come from, in the order in which Terraform 1.8 and later look for them.

use std::path::PathBuf;

use super::{AssumeRole, Reader, WebIdentity};
use crate::config::secret::Secret;
use crate::error::Result;

/// All that attributes and environment say about credentials. Nothing is read or asked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `access_key`, `secret_key`, `token`. Nothing else is looked at for keys if they are there.
    pub keys: Option<StaticKeys>,
    /// `assume_role_with_web_identity`, in place of all that follows.
    pub web_identity: Option<WebIdentity>,
    /// The profile, where one is named.
    pub profile: Option<Profile>,
    /// The keys in the environment.
    pub env_keys: Option<StaticKeys>,
    /// The web identity in the environment.
    pub env_web_identity: Option<WebIdentity>,
    /// Credentials files in place of the usual one; empty for that.
    pub credentials_files: Vec<PathBuf>,
    /// Configuration files in place of the usual one; empty for that.
    pub config_files: Vec<PathBuf>,
    /// The container's own credentials.
    pub container: Option<Container>,
    /// The instance metadata service.
    pub metadata: Metadata,
    /// The role that is assumed with what the sources above give.
    pub assume_role: Option<AssumeRole>,
    /// Accounts one of which the caller must belong to; empty for any.
    pub allowed_accounts: Vec<String>,
    /// Accounts that the caller must not belong to.
    pub forbidden_accounts: Vec<String>,
    /// Who is asked for the account, where one of the lists needs it.
    pub account_from: AccountFrom,
}

/// Who is asked for the account that the credentials belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountFrom {
    /// STS.
    Sts,
    /// IAM, then STS: with `skip_credentials_validation`.
    Iam,
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticKeys {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: Secret,
    /// Session token of temporary credentials.
    pub token: Option<Secret>,
    /// The account that they belong to, where it is told. DynamoDB has hosts by account.
    pub account: Option<String>,
}

/// A named profile of the shared files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Whether it comes before the environment: the `profile` attribute names it, and `use_legacy_workflow` isn't set.
    pub first: bool,
}

/// Where the container's agent gives credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Container {
    /// A path on the ECS agent's fixed address.
    Relative(String),
    /// A whole URL, such as the EKS agent's.
    Full(String),
}

/// The instance metadata service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Why it is never asked; `None` if it may be.
    pub disabled_by: Option<&'static str>,
    /// Its address in place of the usual one.
    pub endpoint: Option<String>,
    /// Whether the usual address is the IPv6 one.
    pub ipv6: bool,
}

impl Reader<'_> {
    pub(super) fn credentials(&self) -> Result<Credentials> {
        let config_files = self.files("shared_config_files", "AWS_SHARED_CONFIG_FILE");
        Ok(Credentials {
            keys: self.static_keys()?,
            web_identity: self.web_identity()?,
            profile: self.profile(),
            env_keys: self.env_keys(),
            env_web_identity: self.env_web_identity(),
            credentials_files: self.credentials_files(),
            config_files,
            container: self.container(),
            metadata: self.metadata(),
            assume_role: self.assume_role()?,
            allowed_accounts: self.texts("allowed_account_ids"),
            forbidden_accounts: self.texts("forbidden_account_ids"),
            account_from: self.account_from()?,
        })
    }

    /// With both `skip_…` attributes nobody may be asked, so that a list can't be kept to.
    fn account_from(&self) -> Result<AccountFrom> {
        let skips = |name| self.flag(name).unwrap_or_default();
        if !skips("skip_credentials_validation") {
            return Ok(AccountFrom::Sts);
        }
        let lists = ["allowed_account_ids", "forbidden_account_ids"];
        let list = lists.iter().find(|name| !self.texts(name).is_empty());
        match list.filter(|_| skips("skip_requesting_account_id")) {
            Some(list) => Err(self
                .bad(list, "can't be kept to, since the account may not be asked for")
                .hint("remove the list, or `skip_requesting_account_id`")),
            None => Ok(AccountFrom::Iam),
        }
    }

    pub(super) fn credential_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let keys = ["access_key", "secret_key", "token"].iter().any(|name| self.text(name).is_some());
        if keys && self.arguments.get("assume_role_with_web_identity").is_some() {
            warnings.push(
                "`assume_role_with_web_identity` has no effect beside `access_key` and `secret_key`"
                    .to_owned(),
            );
        }
        let variable = self.variable(&["AWS_SHARED_CREDENTIALS_FILE"]);
        if variable.is_some() && self.text("shared_credentials_file").is_some() {
            warnings.push(
                "`shared_credentials_file` has no effect beside AWS_SHARED_CREDENTIALS_FILE, as with Terraform; \
                 `shared_credentials_files` has"
                    .to_owned(),
            );
        }
        warnings
    }

    fn static_keys(&self) -> Result<Option<StaticKeys>> {
        let [access_key, secret_key, token] =
            ["access_key", "secret_key", "token"].map(|name| self.text(name));
        match (access_key, secret_key) {
            (Some(access_key), Some(secret_key)) => Ok(Some(StaticKeys {
                access_key,
                secret_key: Secret::new(secret_key),
                token: token.map(Secret::new),
                account: None,
            })),
            (None, None) if token.is_none() => Ok(None),
            (Some(_), None) => Err(self.bad("access_key", "needs `secret_key` beside it")),
            (None, Some(_)) => Err(self.bad("secret_key", "needs `access_key` beside it")),
            (None, None) => Err(self.bad("token", "needs `access_key` and `secret_key` beside it")),
        }
    }

    fn env_keys(&self) -> Option<StaticKeys> {
        Some(StaticKeys {
            access_key: self.variable(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"])?,
            secret_key: Secret::new(self.variable(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"])?),
            token: self.variable(&["AWS_SESSION_TOKEN"]).map(Secret::new),
            account: self.variable(&["AWS_ACCOUNT_ID"]),
        })
    }

    fn profile(&self) -> Option<Profile> {
        let first = !self.flag("use_legacy_workflow").unwrap_or_default();
        let attribute = self.text("profile").map(|name| Profile { name, first });
        attribute.or_else(|| {
            let name = self.variable(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])?;
            Some(Profile { name, first: false })
        })
    }

    /// The variable comes between the attribute and its old name, as in stock clients.
    fn credentials_files(&self) -> Vec<PathBuf> {
        let files = self.files("shared_credentials_files", "AWS_SHARED_CREDENTIALS_FILE");
        match self.text("shared_credentials_file") {
            Some(single) if files.is_empty() => vec![self.path(&single)],
            _ => files,
        }
    }

    fn files(&self, name: &str, variable: &'static str) -> Vec<PathBuf> {
        let mut files = self.texts(name);
        if files.is_empty() {
            files.extend(self.variable(&[variable]));
        }
        files.iter().map(|file| self.path(file)).collect()
    }

    fn container(&self) -> Option<Container> {
        let relative = self.variable(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]).map(Container::Relative);
        relative.or_else(|| self.variable(&["AWS_CONTAINER_CREDENTIALS_FULL_URI"]).map(Container::Full))
    }

    fn metadata(&self) -> Metadata {
        let by_variable = || {
            let disabled = self.env.var("AWS_EC2_METADATA_DISABLED")?;
            disabled.eq_ignore_ascii_case("true").then_some("AWS_EC2_METADATA_DISABLED")
        };
        let variables = ["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_METADATA_URL"];
        let mode = self.text("ec2_metadata_service_endpoint_mode");
        let mode = mode.or_else(|| self.variable(&["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]));
        Metadata {
            disabled_by: match self.flag("skip_metadata_api_check") {
                Some(true) => Some("`skip_metadata_api_check`"),
                Some(false) => None,
                None => by_variable(),
            },
            endpoint: self.text("ec2_metadata_service_endpoint").or_else(|| self.variable(&variables)),
            ipv6: mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6")),
        }
    }
}
