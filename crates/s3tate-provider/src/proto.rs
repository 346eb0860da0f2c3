//! Messages and services, generated from `proto/`.

#![allow(
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "nobody writes this code; the files it is made from are documented"
)]

/// The provider.
pub mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// What the plugin system asks for.
pub mod plugin {
    tonic::include_proto!("plugin");
}

/// Whether the server serves.
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}
