//! Credentials of a profile: what it is based on, and the roles that are assumed from there.
//!
//! Order within a profile, first match wins: `source_profile`, keys, `credential_source`, `web_identity_token_file`,
//! SSO, `credential_process`. Source: AWS SDK for Go v2, as stock clients use it.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::credential_process::CredentialProcessProvider;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_runtime::env_config::section::Profile;

use super::{Answer, Chain, Given, reason, static_keys, with_account};
use crate::config::{AssumeRole, Token, WebIdentity};

/// Roles to assume, the last one first, and the profile whose own credentials they start from.
struct Base<'a> {
    roles: Vec<AssumeRole>,
    profile: &'a Profile,
}

impl Chain {
    pub(super) async fn of_profile(&self) -> Answer {
        let name = self.profile_name();
        let Some(profile) = self.section(name) else {
            return Answer::Nothing("there is no such profile in the shared files".into());
        };
        let given = async {
            let base = self.base(profile)?;
            let Some(given) = self.base_keys(base.profile).await? else { return Ok(None) };
            self.through(given, base.roles).await.map(Some)
        };
        match given.await {
            Ok(Some(given)) => Answer::Keys(given),
            Ok(None) if profile.get("role_arn").is_none() => Answer::Nothing("it has no credentials".into()),
            Ok(None) => Answer::Failed("what `role_arn` should be assumed with has no credentials".into()),
            Err(why) => Answer::Failed(why),
        }
    }

    fn section(&self, name: &str) -> Option<&Profile> {
        self.settings.sections.as_ref().ok()?.get_profile(name)
    }

    /// Follows `source_profile` to its end.
    fn base<'a>(&'a self, first: &'a Profile) -> Result<Base<'a>, String> {
        let mut roles = Vec::new();
        let mut visited = vec![first.name()];
        let mut profile = first;
        loop {
            // A profile that is referred to and has keys of its own is not asked for its role.
            if visited.len() > 1 && own_keys(profile)?.is_some() {
                return Ok(Base { roles, profile });
            }
            roles.extend(role(profile)?);
            let next = match profile.get("source_profile") {
                Some(next) if next != profile.name() => next,
                _ => return Ok(Base { roles, profile }),
            };
            if visited.contains(&next) {
                return Err(format!("`source_profile` leads in a circle back to `{next}`"));
            }
            let missing = || format!("there is no profile `{next}`, which `{}` refers to", profile.name());
            profile = self.section(next).ok_or_else(missing)?;
            visited.push(next);
        }
    }

    /// The profile's own credentials; `None` if it has none.
    async fn base_keys(&self, profile: &Profile) -> Result<Option<Given>, String> {
        if let Some(keys) = own_keys(profile)? {
            let detail = format!("key {} of profile `{}`", keys.access_key_id(), profile.name());
            return Ok(Some(Given::new(keys, detail)));
        }
        if let Some(source) = profile.get("credential_source") {
            return self.named_source(source).await.map(Some);
        }
        if let Some(identity) = web_identity(profile)? {
            return self.sts.assume_with_token(&identity).await.map(Some);
        }
        if let Some(sso) = self.sso(profile)? {
            return self.of_sso(&sso).await.map(Some);
        }
        if let Some(command) = profile.get("credential_process") {
            return of_process(command).await.map(Some);
        }
        match profile.get("login_session") {
            // To go on would take keys of somebody else.
            Some(_) => Err(login_unread(profile.name())),
            None => Ok(None),
        }
    }

    async fn named_source(&self, source: &str) -> Result<Given, String> {
        match source.to_ascii_lowercase().as_str() {
            "environment" => {
                let keys = self.config.env_keys.as_ref();
                let keys = keys.ok_or("`credential_source` is Environment, and it holds no keys")?;
                Ok(Given::new(static_keys(keys, "Environment"), format!("key {}", keys.access_key)))
            }
            "ec2instancemetadata" => self.metadata_for_profile().await,
            "ecscontainer" => self.container_for_profile().await,
            _ => Err(format!("`credential_source` is `{source}`, which is none")),
        }
    }

    /// Assumes the roles, from the base outwards.
    async fn through(&self, base: Given, roles: Vec<AssumeRole>) -> Result<Given, String> {
        let mut given = base;
        for role in roles.iter().rev() {
            let next = self.sts.assume(role, given.keys).await?;
            given = Given::new(next.keys, format!("{}, from {}", next.detail, given.detail));
        }
        Ok(given)
    }
}

/// The keys that stand in the profile.
fn own_keys(profile: &Profile) -> Result<Option<Keys>, String> {
    match (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        (Some(id), Some(secret)) => {
            let token = profile.get("aws_session_token").map(str::to_owned);
            let keys = Keys::new(id, secret, token, None, "Profile");
            Ok(Some(with_account(keys, profile.get("aws_account_id"))))
        }
        (None, None) => Ok(None),
        _ => Err(format!("profile `{}` has one half of a key only", profile.name())),
    }
}

/// The role that the profile assumes with other credentials; one with a token is no such role.
fn role(profile: &Profile) -> Result<Option<AssumeRole>, String> {
    let Some(arn) = profile.get("role_arn") else { return Ok(None) };
    if profile.get("web_identity_token_file").is_some() && profile.get("source_profile").is_none() {
        return Ok(None);
    }
    if profile.get("mfa_serial").is_some() {
        return Err(format!(
            "profile `{}` asks for an MFA code, which nobody can enter here",
            profile.name()
        ));
    }
    let mut role = AssumeRole::new(arn.to_owned());
    role.external_id = profile.get("external_id").map(str::to_owned);
    role.session_name = profile.get("role_session_name").map(str::to_owned);
    if let Some(seconds) = profile.get("duration_seconds") {
        let bad = |_| format!("`duration_seconds` of profile `{}` is no number", profile.name());
        role.duration = Duration::from_secs(seconds.parse().map_err(bad)?);
    }
    Ok(Some(role))
}

fn web_identity(profile: &Profile) -> Result<Option<WebIdentity>, String> {
    let Some(file) = profile.get("web_identity_token_file") else { return Ok(None) };
    let role_arn = profile.get("role_arn").ok_or("`web_identity_token_file` needs `role_arn` beside it")?;
    Ok(Some(WebIdentity {
        role_arn: role_arn.to_owned(),
        token: Token::File(PathBuf::from(file)),
        duration: None,
        policy: None,
        policy_arns: Vec::new(),
        session_name: profile.get("role_session_name").map(str::to_owned),
    }))
}

fn login_unread(profile: &str) -> String {
    format!(
        "sessions of `aws login` can't be read here: set `credential_process = aws configure export-credentials \
         --profile {profile}` in another profile, and name that"
    )
}

async fn of_process(command: &str) -> Result<Given, String> {
    let keys = CredentialProcessProvider::new(command.to_owned()).provide_credentials().await;
    let keys = keys.map_err(|error| format!("`credential_process` gives none: {}", reason(&error)))?;
    Ok(Given::new(keys, "`credential_process`"))
}
