//! The one async runtime behind the testkit's plain functions.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// The runtime of endpoints, proxies and SDK clients, so that tests need not be async.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts")
    })
}
