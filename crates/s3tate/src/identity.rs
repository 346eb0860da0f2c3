//! Who s3tate is to AWS: which source of credentials won, why the others did not, and what STS says.

use std::time::SystemTime;

use jiff::Timestamp;

use crate::backend::Backend;
use crate::error::Result;

/// A source of credentials, or a role that is assumed with what a source gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialSource {
    /// `access_key` and `secret_key`.
    Attributes,
    /// `assume_role_with_web_identity`.
    WebIdentity,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    Environment,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`.
    EnvironmentWebIdentity,
    /// A profile of the shared files.
    Profile,
    /// The agent of an ECS or EKS container.
    Container,
    /// The instance metadata service.
    InstanceMetadata,
    /// `assume_role`.
    AssumeRole,
}

impl CredentialSource {
    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attributes => "attributes",
            Self::WebIdentity => "web_identity",
            Self::Environment => "environment",
            Self::EnvironmentWebIdentity => "environment_web_identity",
            Self::Profile => "profile",
            Self::Container => "container",
            Self::InstanceMetadata => "instance_metadata",
            Self::AssumeRole => "assume_role",
        }
    }
}

/// What became of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It gave the credentials in use.
    Used,
    /// Nothing asks for it.
    NotConfigured,
    /// It is asked for and gave nothing, which ends the search.
    Failed,
    /// An earlier one came first.
    NotNeeded,
}

impl Outcome {
    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::NotConfigured => "not_configured",
            Self::Failed => "failed",
            Self::NotNeeded => "not_needed",
        }
    }
}

/// One source, in the order of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which one.
    pub source: CredentialSource,
    /// Its name for people, such as ``profile `prod` ``.
    pub label: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, or what was used.
    pub detail: String,
}

/// Who s3tate is to AWS.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The account.
    pub account: String,
    /// The user or assumed role.
    pub arn: String,
    /// The id of user or session.
    pub user_id: String,
    /// The access key in use. It is no secret; the secret key is not here.
    pub access_key: String,
    /// When the credentials end; `None` where they don't.
    pub expires: Option<Timestamp>,
    /// Every source, in the order of the search.
    pub sources: Vec<Tried>,
    /// The STS endpoint that was asked.
    pub endpoint: String,
    /// The region of requests to S3 and DynamoDB.
    pub region: String,
}

impl Backend {
    /// Searches for credentials anew and asks STS whose they are. Lists of accounts are not applied.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Denied`]: there are no usable credentials, or STS refuses them.
    /// [`crate::ErrorKind::Unavailable`]: STS can't be reached.
    pub async fn identity(&self) -> Result<Identity> {
        self.clients.identity().await
    }
}

/// A time of the SDK's as one of ours.
pub(crate) fn timestamp(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}
