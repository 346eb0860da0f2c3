//! Credentials that the agent of an ECS or EKS container gives.

use aws_config::ecs::EcsCredentialsProvider;
use aws_credential_types::provider::ProvideCredentials as _;

use super::{Answer, Chain, Given, reason};
use crate::config::Container;

impl Chain {
    pub(super) async fn of_container(&self) -> Answer {
        match &self.config.container {
            Some(container) => self.ask_container(container).await.into(),
            None => {
                Answer::Nothing("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and …_FULL_URI are not set".into())
            }
        }
    }

    /// Asks the agent. The SDK reads address and token from the process's environment by itself.
    async fn ask_container(&self, container: &Container) -> Result<Given, String> {
        let provider = EcsCredentialsProvider::builder().configure(&self.provider_config()).build();
        let (Container::Relative(place) | Container::Full(place)) = container;
        let keys = provider.provide_credentials().await.map_err(|error| reason(&error))?;
        Ok(Given::new(keys, format!("from {place}")))
    }

    /// What a profile's `credential_source = EcsContainer` means.
    pub(super) async fn container_for_profile(&self) -> Result<Given, String> {
        match &self.config.container {
            Some(container) => self.ask_container(container).await,
            None => Err("`credential_source` is EcsContainer, and no container agent is named".to_owned()),
        }
    }
}
