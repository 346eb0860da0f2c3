//! STS: roles assumed with keys or with tokens, and whose keys these are.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::Region;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::get_caller_identity::{GetCallerIdentityError, GetCallerIdentityOutput};
use aws_sdk_sts::types::{AssumedRoleUser, Credentials, PolicyDescriptorType, Tag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::sdk_config::Builder as SdkConfigBuilder;
use jiff::Timestamp;

use super::{Given, reason, with_account};
use crate::aws::settings::Settings;
use crate::config::{AssumeRole, Token, WebIdentity};
use crate::env::Env;

/// The STS of one region.
#[derive(Debug)]
pub(in crate::aws) struct Sts {
    sdk: SdkConfig,
    /// How often a role is asked for. `max_retries` doesn't count here, as in stock clients.
    retries: RetryConfig,
    endpoint: Option<String>,
    env: Env,
}

type CallerResult = Result<GetCallerIdentityOutput, SdkError<GetCallerIdentityError, HttpResponse>>;

impl Sts {
    pub(in crate::aws) fn new(settings: &Settings, region: Option<&String>, env: Env) -> Self {
        let sdk = &settings.sdk;
        let region = region.map(|region| Region::new(region.clone())).or_else(|| sdk.region().cloned());
        Self {
            sdk: sdk.to_builder().region(region).build(),
            retries: settings.role_retries.clone(),
            endpoint: settings.endpoints.sts.clone(),
            env,
        }
    }

    fn for_roles(&self, keys: Option<Keys>) -> aws_sdk_sts::Client {
        self.client(keys, self.sdk.to_builder().retry_config(self.retries.clone()))
    }

    fn client(&self, keys: Option<Keys>, sdk: SdkConfigBuilder) -> aws_sdk_sts::Client {
        let sdk = match keys {
            Some(keys) => sdk.credentials_provider(SharedCredentialsProvider::new(keys)),
            None => sdk,
        };
        let mut builder = aws_sdk_sts::config::Builder::from(&sdk.build());
        builder.set_endpoint_url(self.endpoint.clone());
        aws_sdk_sts::Client::from_conf(builder.build())
    }

    /// Where requests go.
    pub(in crate::aws) async fn url(&self) -> String {
        if let Some(url) = &self.endpoint {
            return url.clone();
        }
        let params = Params::builder()
            .set_region(self.sdk.region().map(ToString::to_string))
            .set_use_fips(self.sdk.use_fips())
            .set_use_dual_stack(self.sdk.use_dual_stack())
            .build();
        let Ok(params) = params else { return String::new() };
        let endpoint = DefaultResolver::new().resolve_endpoint(&params).await;
        endpoint.map(|endpoint| endpoint.url().to_owned()).unwrap_or_default()
    }

    /// Where the time comes from.
    pub(super) fn env(&self) -> &Env {
        &self.env
    }

    /// Whether its endpoint can be asked at all.
    ///
    /// # Errors
    /// Why not, as text for a message.
    pub(in crate::aws) fn can_be_asked(&self) -> Result<(), String> {
        match &self.endpoint {
            Some(url) if !url.contains("://") => {
                Err(format!("the STS endpoint `{url}` is not a complete URL, such as `https://HOST`"))
            }
            _ => Ok(()),
        }
    }

    /// Whose keys these are.
    pub(in crate::aws) async fn caller(&self, keys: Keys) -> CallerResult {
        self.client(Some(keys), self.sdk.to_builder()).get_caller_identity().send().await
    }

    /// Assumes a role with keys.
    pub(super) async fn assume(&self, role: &AssumeRole, keys: Keys) -> Result<Given, String> {
        self.can_be_asked()?;
        let session = role.session_name.clone().unwrap_or_else(|| self.session_name());
        let mut request = self
            .for_roles(Some(keys))
            .assume_role()
            .role_arn(&role.role_arn)
            .role_session_name(&session)
            .duration_seconds(seconds(role.duration))
            .set_external_id(role.external_id.clone())
            .set_policy(role.policy.clone())
            .set_policy_arns(policies(&role.policy_arns))
            .set_source_identity(role.source_identity.clone());
        for (key, value) in &role.tags {
            let tag = Tag::builder().key(key).value(value).build();
            request = request.tags(tag.map_err(|error| reason(&error))?);
        }
        for key in &role.transitive_tag_keys {
            request = request.transitive_tag_keys(key);
        }
        let answer = request.send().await.map_err(|error| refused(&role.role_arn, &error))?;
        let keys =
            answer.credentials().map(|keys| given_keys(keys, answer.assumed_role_user(), "AssumeRole"));
        keys.map(|keys| Given::new(keys, detail(&role.role_arn, &session)))
            .ok_or_else(|| "STS answers without credentials".to_owned())
    }

    /// Assumes a role with an identity provider's token; the request is not signed.
    pub(super) async fn assume_with_token(&self, identity: &WebIdentity) -> Result<Given, String> {
        self.can_be_asked()?;
        let session = identity.session_name.clone().unwrap_or_else(|| self.session_name());
        let request = self
            .for_roles(None)
            .assume_role_with_web_identity()
            .role_arn(&identity.role_arn)
            .role_session_name(&session)
            .web_identity_token(token(&identity.token)?)
            .set_duration_seconds(identity.duration.map(seconds))
            .set_policy(identity.policy.clone())
            .set_policy_arns(policies(&identity.policy_arns));
        let answer = request.send().await.map_err(|error| refused(&identity.role_arn, &error))?;
        let keys =
            answer.credentials().map(|keys| given_keys(keys, answer.assumed_role_user(), "WebIdentity"));
        keys.map(|keys| Given::new(keys, detail(&identity.role_arn, &session)))
            .ok_or_else(|| "STS answers without credentials".to_owned())
    }

    fn session_name(&self) -> String {
        format!("s3tate-{}", self.env.now().as_nanosecond())
    }
}

fn token(token: &Token) -> Result<String, String> {
    match token {
        Token::Text(text) => Ok(text.expose().to_owned()),
        Token::File(path) => {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|cause| format!("can't read the token `{}`: {cause}", path.display()))?;
            Ok(text.trim().to_owned())
        }
    }
}

fn policies(arns: &[String]) -> Option<Vec<PolicyDescriptorType>> {
    let descriptors = arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
    (!arns.is_empty()).then(|| descriptors.collect())
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

fn given_keys(keys: &Credentials, user: Option<&AssumedRoleUser>, provider: &'static str) -> Keys {
    let expires = Timestamp::from_second(keys.expiration().secs()).ok().map(SystemTime::from);
    let token = Some(keys.session_token().to_owned());
    let keys = Keys::new(keys.access_key_id(), keys.secret_access_key(), token, expires, provider);
    with_account(keys, user.and_then(|user| user.arn().split(':').nth(4)))
}

fn detail(role: &str, session: &str) -> String {
    format!("role `{role}` as `{session}`")
}

fn refused<E>(role: &str, error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    match (status, error.code().or_else(|| error.meta().code()), error.message()) {
        (Some(status), Some(code), message) => {
            format!("STS refuses role `{role}`: {status} {code}: {}", message.unwrap_or("no reason given"))
        }
        (Some(status), None, _) => format!("STS refuses role `{role}`: {status}"),
        (None, ..) => format!("STS did not answer for role `{role}`: {}", reason(error)),
    }
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;
    use aws_runtime::env_config::section::EnvConfigSections;

    use crate::config::Endpoints;

    use super::*;

    async fn url(fips: bool, dual_stack: bool, sts_region: Option<&str>) -> String {
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .use_fips(fips)
            .use_dual_stack(dual_stack);
        let region = sts_region.map(str::to_owned);
        let settings = Settings {
            sections: Ok(EnvConfigSections::default()),
            endpoints: Endpoints::default(),
            sdk: sdk.build(),
            role_retries: RetryConfig::standard(),
        };
        Sts::new(&settings, region.as_ref(), Env::new([], "", "")).url().await
    }

    #[tokio::test]
    async fn the_endpoint_is_the_regions_own() {
        assert_eq!(url(false, false, None).await, "https://sts.us-east-1.amazonaws.com");
        assert_eq!(url(true, false, None).await, "https://sts-fips.us-east-1.amazonaws.com");
        assert_eq!(url(false, true, None).await, "https://sts.us-east-1.api.aws");
        assert_eq!(url(false, false, Some("eu-west-1")).await, "https://sts.eu-west-1.amazonaws.com");
    }
}
