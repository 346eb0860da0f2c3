//! The search for credentials, in Terraform's order: the first source that is configured decides.

mod account;
mod container;
mod metadata;
mod profile;
mod provider;
mod role;
mod sso;

use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials as Keys;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

pub(super) use provider::Provider;
pub(super) use role::Sts;

use super::settings::Settings;
use super::trouble::Trouble;
use crate::config::{Credentials, StaticKeys};
use crate::identity::{CredentialSource, Outcome, Tried};

/// What a source gave: keys, and which ones, for people.
#[derive(Debug)]
struct Given {
    keys: Keys,
    detail: String,
}

impl Given {
    fn new(keys: Keys, detail: impl Into<String>) -> Self {
        Self { keys, detail: detail.into() }
    }
}

/// What became of a source that was looked at: credentials, or why there are none.
enum Answer {
    Keys(Given),
    /// Nothing asks for this source; the search goes on.
    Nothing(String),
    /// It is asked for and gives nothing; the search ends.
    Failed(String),
}

impl From<Result<Given, String>> for Answer {
    fn from(result: Result<Given, String>) -> Self {
        result.map_or_else(Self::Failed, Self::Keys)
    }
}

/// The search.
#[derive(Debug)]
pub(super) struct Chain {
    config: Credentials,
    settings: Settings,
    sts: Sts,
    http: SharedHttpClient,
}

/// What the search found, and the way there.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) keys: Keys,
    pub(super) tried: Vec<Tried>,
}

const ORDER: &[CredentialSource] = &[
    CredentialSource::Attributes,
    CredentialSource::WebIdentity,
    CredentialSource::Environment,
    CredentialSource::EnvironmentWebIdentity,
    CredentialSource::Profile,
    CredentialSource::Container,
    CredentialSource::InstanceMetadata,
];

/// A profile named by attribute comes before the environment.
const ORDER_WITH_PROFILE: &[CredentialSource] = &[
    CredentialSource::Attributes,
    CredentialSource::WebIdentity,
    CredentialSource::Profile,
    CredentialSource::Environment,
    CredentialSource::EnvironmentWebIdentity,
    CredentialSource::Container,
    CredentialSource::InstanceMetadata,
];

impl Chain {
    pub(super) fn new(config: Credentials, settings: Settings, sts: Sts, http: SharedHttpClient) -> Self {
        Self { config, settings, sts, http }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn sts(&self) -> &Sts {
        &self.sts
    }

    /// Searches; nothing is kept from one call to the next.
    pub(super) async fn search(&self) -> Result<Found, Trouble> {
        if let Err(trouble) = &self.settings.sections {
            return Err(trouble.clone());
        }
        let order = if self.profile_first() { ORDER_WITH_PROFILE } else { ORDER };
        let mut tried = Vec::new();
        let mut found = None;
        for &source in order {
            let label = self.label(source);
            let entry = |outcome, detail| Tried { source, label, outcome, detail };
            if found.is_some() {
                tried.push(entry(Outcome::NotNeeded, "not looked at: an earlier source came first".into()));
                continue;
            }
            match self.look_at(source).await {
                Answer::Keys(given) => {
                    tried.push(entry(Outcome::Used, given.detail));
                    found = Some(given.keys);
                }
                Answer::Nothing(why) => tried.push(entry(Outcome::NotConfigured, why)),
                Answer::Failed(why) => {
                    tried.push(entry(Outcome::Failed, why));
                    break;
                }
            }
        }
        match found {
            Some(keys) => self.with_role(keys, tried).await,
            None => Err(Trouble::NoCredentials(tried)),
        }
    }

    /// Assumes the role that `assume_role` names with what was found.
    async fn with_role(&self, keys: Keys, mut tried: Vec<Tried>) -> Result<Found, Trouble> {
        let Some(role) = &self.config.assume_role else { return Ok(Found { keys, tried }) };
        let (source, label) = (CredentialSource::AssumeRole, self.label(CredentialSource::AssumeRole));
        match self.sts.assume(role, keys).await {
            Ok(given) => {
                tried.push(Tried { source, label, outcome: Outcome::Used, detail: given.detail });
                Ok(Found { keys: given.keys, tried })
            }
            Err(detail) => {
                tried.push(Tried { source, label, outcome: Outcome::Failed, detail });
                Err(Trouble::NoCredentials(tried))
            }
        }
    }

    fn profile_first(&self) -> bool {
        self.config.profile.as_ref().is_some_and(|profile| profile.first)
    }

    fn label(&self, source: CredentialSource) -> String {
        match source {
            CredentialSource::Attributes => "attributes".into(),
            CredentialSource::WebIdentity => "`assume_role_with_web_identity`".into(),
            CredentialSource::Environment => "environment".into(),
            CredentialSource::EnvironmentWebIdentity => "web identity in the environment".into(),
            CredentialSource::Profile => format!("profile `{}`", self.profile_name()),
            CredentialSource::Container => "container".into(),
            CredentialSource::InstanceMetadata => "instance metadata".into(),
            CredentialSource::AssumeRole => "`assume_role`".into(),
        }
    }

    fn profile_name(&self) -> &str {
        self.config.profile.as_ref().map_or("default", |profile| profile.name.as_str())
    }

    async fn look_at(&self, source: CredentialSource) -> Answer {
        match source {
            CredentialSource::Attributes => of_attributes(self.config.keys.as_ref()),
            CredentialSource::WebIdentity => match &self.config.web_identity {
                Some(identity) => self.sts.assume_with_token(identity).await.into(),
                None => Answer::Nothing("not set".into()),
            },
            CredentialSource::Environment => self.of_environment(),
            CredentialSource::EnvironmentWebIdentity => self.of_environment_web_identity().await,
            CredentialSource::Profile => self.of_profile().await,
            CredentialSource::Container => self.of_container().await,
            CredentialSource::InstanceMetadata => self.of_metadata().await,
            CredentialSource::AssumeRole => Answer::Nothing("not a source of its own".into()),
        }
    }

    fn of_environment(&self) -> Answer {
        if self.profile_first() {
            return Answer::Nothing("left aside because of the `profile` attribute".into());
        }
        match &self.config.env_keys {
            Some(keys) => {
                Answer::Keys(Given::new(static_keys(keys, "Environment"), format!("key {}", keys.access_key)))
            }
            None => Answer::Nothing("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set".into()),
        }
    }

    async fn of_environment_web_identity(&self) -> Answer {
        if self.profile_first() {
            return Answer::Nothing("left aside because of the `profile` attribute".into());
        }
        match &self.config.env_web_identity {
            Some(identity) => self.sts.assume_with_token(identity).await.into(),
            None => Answer::Nothing("AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not both set".into()),
        }
    }

    /// What the SDK's own providers need.
    fn provider_config(&self) -> ProviderConfig {
        ProviderConfig::without_region()
            .with_http_client(self.http.clone())
            .with_region(self.settings.sdk.region().cloned())
    }
}

fn of_attributes(keys: Option<&StaticKeys>) -> Answer {
    match keys {
        Some(keys) => {
            Answer::Keys(Given::new(static_keys(keys, "attributes"), format!("key {}", keys.access_key)))
        }
        None => Answer::Nothing("`access_key` and `secret_key` are not set".into()),
    }
}

fn static_keys(keys: &StaticKeys, provider: &'static str) -> Keys {
    let token = keys.token.as_ref().map(|token| token.expose().to_owned());
    with_account(
        Keys::new(&keys.access_key, keys.secret_key.expose(), token, None, provider),
        keys.account.as_deref(),
    )
}

/// The same keys, with the account that they belong to, where it is known.
fn with_account(keys: Keys, account: Option<&str>) -> Keys {
    let Some(account) = account.filter(|account| !account.is_empty()) else { return keys };
    let mut builder =
        Keys::builder().access_key_id(keys.access_key_id()).secret_access_key(keys.secret_access_key());
    builder.set_session_token(keys.session_token().map(str::to_owned));
    builder.set_expiry(keys.expiry());
    builder.account_id(account).provider_name("account").build()
}

/// The innermost causes of a failed request, in one line.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = super::failure::chain(error).map(ToString::to_string).collect();
    texts.dedup();
    let skip = texts.len().saturating_sub(2);
    texts.split_off(skip).join(": ")
}
