//! The search as the SDK asks for it: its results are cached and refreshed by the SDK, and the account is checked.

use std::sync::Arc;

use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use tokio::sync::OnceCell;

use super::Chain;
use crate::aws::trouble::Trouble;

/// Gives credentials to all clients. Refuses them if the account may not be used, so that nothing is ever signed.
#[derive(Debug)]
pub(in crate::aws) struct Provider {
    chain: Arc<Chain>,
    /// Set once the account was found to be allowed.
    checked: OnceCell<()>,
}

impl Provider {
    pub(in crate::aws) fn new(chain: Arc<Chain>) -> Self {
        Self { chain, checked: OnceCell::new() }
    }

    async fn load(&self) -> provider::Result {
        let given = async {
            let found = self.chain.search().await?;
            self.checked.get_or_try_init(|| self.check_account(&found.keys)).await?;
            Ok::<_, Trouble>(found.keys)
        };
        given.await.map_err(CredentialsError::provider_error)
    }

    /// Asks for the account that keys belong to, only if a list of accounts stands in the configuration.
    async fn check_account(&self, keys: &Keys) -> Result<(), Trouble> {
        let (allowed, forbidden) =
            (&self.chain.config.allowed_accounts, &self.chain.config.forbidden_accounts);
        if allowed.is_empty() && forbidden.is_empty() {
            return Ok(());
        }
        let account = self.chain.account(keys).await.map_err(Trouble::NoAccount)?;
        if forbidden.contains(&account) {
            return Err(Trouble::Account { account, list: "forbidden_account_ids" });
        }
        if !allowed.is_empty() && !allowed.contains(&account) {
            return Err(Trouble::Account { account, list: "allowed_account_ids" });
        }
        Ok(())
    }
}

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}
