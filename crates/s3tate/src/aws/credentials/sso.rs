//! Credentials of IAM Identity Center, for a login that `aws sso login` has left in the home directory.

use std::time::{Duration, SystemTime};

use aws_config::sso::SsoTokenProvider;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::token::ProvideToken as _;
use aws_runtime::env_config::section::Profile;
use aws_sdk_sso::config::Region;

use super::{Chain, Given, reason, with_account};

/// What a profile says about IAM Identity Center.
#[derive(Debug)]
pub(super) struct Sso<'a> {
    session: &'a str,
    start_url: &'a str,
    region: &'a str,
    account: &'a str,
    role: &'a str,
}

impl Chain {
    /// The members that a profile and its `sso-session` section give together; `None` if it names no login.
    pub(super) fn sso<'a>(&'a self, profile: &'a Profile) -> Result<Option<Sso<'a>>, String> {
        let session = profile.get("sso_session");
        if session.is_none() && profile.get("sso_start_url").is_none() {
            return Ok(None);
        }
        let sections = self.settings.sections.as_ref().ok();
        let section = session.and_then(|name| sections?.sso_session(name));
        if let (Some(name), None) = (session, section) {
            return Err(format!("there is no section `sso-session {name}`"));
        }
        let member = |name: &str| {
            let value = section.and_then(|section| section.get(name)).or_else(|| profile.get(name));
            value.ok_or_else(|| format!("`{name}` is missing for SSO"))
        };
        let start_url = member("sso_start_url")?;
        Ok(Some(Sso {
            // A login without a session is kept under its start URL.
            session: session.unwrap_or(start_url),
            start_url,
            region: member("sso_region")?,
            account: member("sso_account_id")?,
            role: member("sso_role_name")?,
        }))
    }

    /// Exchanges the login's token, refreshed if it can be, for the role's credentials.
    pub(super) async fn of_sso(&self, sso: &Sso<'_>) -> Result<Given, String> {
        let region = Region::new(sso.region.to_owned());
        let sdk = self.settings.sdk.to_builder().region(region.clone()).build();
        let mut oidc = sdk.to_builder();
        oidc.set_endpoint_url(self.settings.endpoints.sso_oidc.clone());
        let tokens = SsoTokenProvider::builder()
            .configure(&oidc.build())
            .region(region)
            .session_name(sso.session)
            .start_url(sso.start_url)
            .build()
            .await;
        let token = tokens.provide_token().await;
        let token = token.map_err(|error| format!("SSO login can't be used: {}", reason(&error)))?;
        let mut builder = aws_sdk_sso::config::Builder::from(&sdk);
        builder.set_endpoint_url(self.settings.endpoints.sso.clone());
        let answer = aws_sdk_sso::Client::from_conf(builder.build())
            .get_role_credentials()
            .access_token(token.token())
            .account_id(sso.account)
            .role_name(sso.role)
            .send()
            .await
            .map_err(|error| format!("SSO gives no credentials: {}", reason(&error)))?;
        let keys = answer.role_credentials().and_then(|given| {
            let expires = u64::try_from(given.expiration()).ok().filter(|&millis| millis > 0);
            let expires = expires.map(|millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
            let token = given.session_token().map(str::to_owned);
            let keys = Keys::new(given.access_key_id()?, given.secret_access_key()?, token, expires, "Sso");
            Some(with_account(keys, Some(sso.account)))
        });
        let keys = keys.ok_or("SSO answers without keys")?;
        Ok(Given::new(keys, format!("SSO role `{}` in account {}", sso.role, sso.account)))
    }
}
