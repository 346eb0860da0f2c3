//! Credentials of the instance's role, from the metadata service (version 2 only).

use std::time::SystemTime;

use aws_config::imds::client::error::ImdsError;
use aws_config::imds::client::{Client, EndpointMode};
use aws_credential_types::Credentials as Keys;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Answer, Chain, Given, reason};

/// Below it: the role's name, and its credentials.
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
/// The service answers at once where there is one.
const ATTEMPTS: u32 = 2;

/// The service's answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    code: Option<String>,
    message: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

impl Chain {
    pub(super) async fn of_metadata(&self) -> Answer {
        match self.config.metadata.disabled_by {
            Some(by) => Answer::Nothing(format!("switched off by {by}")),
            None => self.ask_metadata().await.into(),
        }
    }

    /// What a profile's `credential_source = Ec2InstanceMetadata` means.
    pub(super) async fn metadata_for_profile(&self) -> Result<Given, String> {
        match self.config.metadata.disabled_by {
            Some(by) => Err(format!("`credential_source` is Ec2InstanceMetadata, which {by} switches off")),
            None => self.ask_metadata().await,
        }
    }

    async fn ask_metadata(&self) -> Result<Given, String> {
        let client = self.metadata_client()?;
        let at = self.metadata_place();
        let failed = |error: ImdsError| match error {
            ImdsError::ErrorResponse(_) => format!("{at} gives no role's credentials"),
            error => format!("no answer from {at}: {}", reason(&error)),
        };
        let listed = client.get(ROLES).await.map_err(failed)?;
        let role = listed.as_ref().lines().next().unwrap_or_default().trim().to_owned();
        let document = client.get(format!("{ROLES}{role}")).await.map_err(failed)?;
        let keys =
            keys(document.as_ref()).map_err(|why| format!("{at} gives none for role `{role}`: {why}"))?;
        Ok(Given::new(keys, format!("role `{role}` at {at}")))
    }

    fn metadata_place(&self) -> &str {
        let metadata = &self.config.metadata;
        let usual = if metadata.ipv6 { "[fd00:ec2::254]" } else { "169.254.169.254" };
        metadata.endpoint.as_deref().unwrap_or(usual)
    }

    fn metadata_client(&self) -> Result<Client, String> {
        let metadata = &self.config.metadata;
        let mode = if metadata.ipv6 { EndpointMode::IpV6 } else { EndpointMode::IpV4 };
        let mut builder =
            Client::builder().configure(&self.provider_config()).max_attempts(ATTEMPTS).endpoint_mode(mode);
        if let Some(url) = &metadata.endpoint {
            let bad = |_| format!("the endpoint `{url}` is no URL");
            builder = builder.endpoint(url).map_err(bad)?;
        }
        Ok(builder.build())
    }
}

fn keys(document: &str) -> Result<Keys, String> {
    // The text holds keys, so it is not shown.
    let document: Document = serde_json::from_str(document).map_err(|_| "its answer is no such JSON")?;
    match document {
        Document { access_key_id: Some(id), secret_access_key: Some(secret), token, expiration, .. } => {
            let expires = expiration.and_then(|text| text.parse::<Timestamp>().ok()).map(SystemTime::from);
            Ok(Keys::new(id, secret, token, expires, "InstanceMetadata"))
        }
        Document { code: Some(code), message, .. } => Err(format!("{code} {}", message.unwrap_or_default())),
        _ => Err("its answer has no keys".to_owned()),
    }
}
