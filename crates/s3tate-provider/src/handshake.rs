//! What the client says at the start, by variables, and the line that answers it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use s3tate::{Env, Error, Result};

/// The variable that tells "started by a client" from "started by a person", and its value. It is no secret.
const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");
/// Holds the client's certificate as PEM, where the connection is to be encrypted.
const CLIENT_CERTIFICATE: &str = "PLUGIN_CLIENT_CERT";
/// The version of the plugin system.
const SYSTEM: u32 = 1;
/// The version of the protocol; a client that doesn't know it says so itself.
pub(crate) const PROTOCOL: u32 = 6;

/// Whether a client started this process.
pub fn is_started_by_client(env: &Env) -> bool {
    env.var(COOKIE.0) == Some(COOKIE.1)
}

/// The certificate that the client will show, PEM; `None` where nothing is to be encrypted.
pub(crate) fn client_certificate(env: &Env) -> Option<&str> {
    env.var(CLIENT_CERTIFICATE)
}

/// The error for a person who starts the provider.
pub fn not_for_people() -> Error {
    Error::invalid("this is a provider, which Terraform and OpenTofu start by themselves; nothing was done")
        .hint("`s3tate provider install` puts it where they find it; `-debug` serves one to attach to")
}

/// The first line on standard output.
///
/// The certificate is the server's in DER. Source: the handshake of Terraform's plugins, observed with 1.11.4.
pub(crate) fn line(network: &str, address: &str, certificate: Option<&[u8]>) -> String {
    let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
    format!("{SYSTEM}|{PROTOCOL}|{network}|{address}|grpc|{certificate}\n")
}

/// Refuses a variable that is set and can't be used, rather than to serve anybody.
pub(crate) fn unusable_certificate(why: impl std::fmt::Display) -> Result<std::convert::Infallible> {
    Err(Error::invalid(format!("`{CLIENT_CERTIFICATE}` holds no certificate; nothing is served"))
        .fact("cause", why.to_string()))
}
