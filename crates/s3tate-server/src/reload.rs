//! What may change while the server serves: who is let in, what they may do, and certificates. What is bad changes nothing.

use std::sync::Arc;

use s3tate::{Error, Result};

use crate::config::Settings;
use crate::server::{App, Policy};

/// Gives a server that serves other settings.
#[derive(Debug, Clone)]
pub struct Reloader(pub(crate) Arc<App>);

impl Reloader {
    /// Takes over tokens, issuers, rules, `new_states` and the files of `[tls]`; returns the names of other tables that
    /// have changed, which only the next start takes over. Connections and requests under way stay.
    ///
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: a certificate can't be used, or `[tls]` came or went. Nothing was taken over.
    pub fn reload(&self, settings: &Settings) -> Result<Vec<&'static str>> {
        let reloaded = self.take_over(settings);
        self.0.metrics.reload(reloaded.is_ok());
        reloaded
    }

    /// Notes that there were settings which could not be read.
    pub fn refused(&self) {
        self.0.metrics.reload(false);
    }

    fn take_over(&self, settings: &Settings) -> Result<Vec<&'static str>> {
        let app = &self.0;
        let changed = app.changed(settings);
        let policy = Policy::new(settings, app.env(), Some(&app.policy()))?;
        match (&app.tls, &settings.tls) {
            (Some(tls), Some(files)) => tls.replace(files, app)?,
            (None, None) => {}
            _ => {
                return Err(Error::invalid(
                    "`[tls]` can't come or go while the server serves; nothing was changed",
                )
                .hint("start the server again"));
            }
        }
        app.set_policy(policy);
        Ok(changed)
    }
}

/// Looks after the files of `[tls]`, and takes new ones over.
pub(crate) async fn watch(app: &App) {
    let Some(tls) = &app.tls else { return std::future::pending().await };
    loop {
        app.env().sleep(tls.interval()).await;
        tls.look(app);
    }
}
