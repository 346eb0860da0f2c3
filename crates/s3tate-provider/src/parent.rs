//! Whether the process that started us is still there. Nothing tells a provider that its client was killed.

use std::time::Duration;

use s3tate::Env;

/// How often it is looked for.
const PAUSE: Duration = Duration::from_secs(1);

/// The parent at the start.
#[derive(Debug)]
pub(crate) struct Parent {
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl Parent {
    /// Remembers it.
    pub(crate) fn now() -> Self {
        Self {
            #[cfg(unix)]
            id: rustix::process::getppid(),
        }
    }

    /// Waits until it is gone, which shows by another one in its place; for ever where systems don't tell.
    pub(crate) async fn gone(self, env: &Env) {
        #[cfg(unix)]
        while rustix::process::getppid() == self.id {
            env.sleep(PAUSE).await;
        }
        #[cfg(not(unix))]
        {
            drop((env, PAUSE));
            std::future::pending::<()>().await;
        }
    }
}
