//! Client certificates, whose chain the handshake has checked.

use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::{Identity, Method};
use crate::body::hex;

/// Who has a certificate, given as DER: `cert:uri:URI` by its first alternative name of that kind, else `cert:cn:NAME`,
/// else `cert:sha256:HEX` of all its bytes.
pub(crate) fn of_certificate(der: &[u8]) -> Identity {
    let name =
        named(der).unwrap_or_else(|| format!("sha256:{}", hex(&<sha2::Sha256 as sha2::Digest>::digest(der))));
    Identity::new(format!("cert:{name}"), Method::Certificate)
}

fn named(der: &[u8]) -> Option<String> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let uri = alternatives.and_then(|names| {
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::URI(uri) => Some(format!("uri:{uri}")),
            _ => None,
        })
    });
    let common = || Some(format!("cn:{}", certificate.subject().iter_common_name().next()?.as_str().ok()?));
    uri.or_else(common).filter(|name| !name.chars().any(char::is_control))
}
