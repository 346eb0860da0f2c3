//! Signals of a terminal reach us too, but what to stop, and when, is the client's business.

use s3tate::Result;

/// Ignores Ctrl-C and SIGTERM from now on: the client finishes calls, writes and unlocks before it ends us.
///
/// # Errors
/// [`s3tate::ErrorKind::Bug`]: the system refuses.
#[cfg(unix)]
pub(crate) fn ignore() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind).map_err(|cause| {
            s3tate::Error::new(s3tate::ErrorKind::Bug, "can't listen to signals").with_source(cause)
        })?;
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                tracing::debug!("a signal is left to the client");
            }
        });
    }
    Ok(())
}

/// The same: there is only Ctrl-C.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub(crate) fn ignore() -> Result<()> {
    tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    Ok(())
}
