//! What a state document says about itself before its content.

use super::StateError;
use super::json::{Kind, Raw, TopLevel, found, optional, top_level};

/// First bytes of the binary format from before Terraform 0.7.
pub(super) const BINARY_MAGIC: &[u8] = b"tfstate";
/// The newest format there is.
pub(super) const NEWEST_FORMAT: u64 = 4;

/// The header of a state document; fields that are missing read as empty or 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The format, 1 to 4.
    pub version: u64,
    /// The version of the last writer, as spelled.
    pub terraform_version: String,
    /// Counts the writes.
    pub serial: u64,
    /// Tells states of different origin apart; empty in format 1 and in some hand-made states.
    pub lineage: String,
}

impl Header {
    /// Reads the header of a whole document, of any known format; `None` if there are no bytes, which means "no state".
    ///
    /// Checks the syntax of the whole document, but looks into nothing besides the header.
    ///
    /// # Errors
    /// The [`StateError`]s about syntax, version and header fields.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, StateError> {
        Ok(open(bytes)?.map(|(header, _)| header))
    }

    fn of(document: &TopLevel<'_>) -> Result<Self, StateError> {
        let version = version(document)?;
        let is_negative = |raw: Raw<'_>| {
            raw.number().is_some_and(|text| text.parse::<i64>().is_ok_and(|serial| serial < 0))
        };
        let is_signed = |raw: Raw<'_>| raw.number().is_none_or(|text| text.parse::<i64>().is_ok());
        if version < NEWEST_FORMAT
            && let Some(raw) = document.all("serial").last().filter(|raw| !is_signed(*raw))
        {
            return Err(StateError::Field { field: "serial".to_owned(), found: found(raw) });
        }
        if version < NEWEST_FORMAT && document.all("serial").last().is_some_and(is_negative) {
            let reason = "the serial is less than zero".to_owned();
            return Err(StateError::Upgrade { version, reason });
        }
        let header = Self {
            version,
            terraform_version: text_field(document, "terraform_version")?,
            serial: last(document, "serial", |raw| raw.number()?.parse().ok())?.unwrap_or_default(),
            lineage: text_field(document, "lineage")?,
        };
        Ok(header)
    }

    /// Refuses every format but 4, and a `terraform_version` that is none.
    pub(super) fn require_format_4(&self) -> Result<(), StateError> {
        if self.version != NEWEST_FORMAT {
            return Err(StateError::LegacyFormat { version: self.version });
        }
        self.require_terraform_version()
    }

    /// Refuses a `terraform_version` that is none.
    pub(super) fn require_terraform_version(&self) -> Result<(), StateError> {
        if !self.terraform_version.is_empty() && !is_version(&self.terraform_version) {
            return Err(StateError::TerraformVersion(self.terraform_version.clone()));
        }
        Ok(())
    }
}

/// Checks the syntax of a document and reads its header; `None` if there are no bytes.
pub(super) fn open(bytes: &[u8]) -> Result<Option<(Header, TopLevel<'_>)>, StateError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.starts_with(BINARY_MAGIC) {
        return Err(StateError::Binary);
    }
    let document = top_level(bytes)?;
    let header = Header::of(&document)?;
    Ok(Some((header, document)))
}

/// Whether the document is a state that `OpenTofu` encrypted.
///
/// Such a document has `encryption_version` and `encrypted_data` instead of a `version`. Bytes that are no JSON are not
/// encrypted in this sense. Source: `OpenTofu` 1.7, state encryption.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    top_level(bytes).is_ok_and(|document| has_encryption(&document))
}

fn has_encryption(document: &TopLevel<'_>) -> bool {
    document.all("encryption_version").next().is_some() && document.all("version").next().is_none()
}

/// The format, 1 to 4.
fn version(document: &TopLevel<'_>) -> Result<u64, StateError> {
    if !matches!(document.kind, Kind::Object | Kind::Null) {
        return Err(StateError::BadVersion { found: document.describe() });
    }
    let mut version = None;
    for raw in document.all("version") {
        let bad = || StateError::BadVersion { found: found(raw) };
        version = match raw.kind() {
            Kind::Null => None,
            _ => Some(raw.number().and_then(|text| text.parse::<u64>().ok()).ok_or_else(bad)?),
        };
    }
    match version {
        None if has_encryption(document) => Err(StateError::Encrypted),
        None => Err(StateError::NoVersion),
        Some(0) => Err(StateError::VersionZero),
        Some(version @ 1..=NEWEST_FORMAT) => Ok(version),
        Some(version) => {
            let writer = text_field(document, "terraform_version").ok().filter(|text| is_version(text));
            Err(StateError::NewerFormat { version, terraform_version: writer })
        }
    }
}

fn text_field(document: &TopLevel<'_>, name: &str) -> Result<String, StateError> {
    Ok(last(document, name, |raw| raw.text().map(Into::into))?.unwrap_or_default())
}

/// The last value of a field that isn't null; all of them must be readable.
fn last<'a, T>(
    document: &TopLevel<'a>,
    name: &str,
    read: impl Fn(Raw<'a>) -> Option<T>,
) -> Result<Option<T>, StateError> {
    let mut last = None;
    for raw in document.all(name) {
        last = optional(raw, name, &read)?.or(last);
    }
    Ok(last)
}

/// Whether `text` is a version as Terraform understands it: `1.2.3`, also `v1`, `1.2-beta1`, `1.2beta`, `1.2.3+build`.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let numbers_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (numbers, pre_release) = text.split_at(numbers_end);
    numbers.split('.').all(|number| number.parse::<i64>().is_ok())
        && (numbers_end == text.len() || is_dotted(pre_release))
        && build.is_none_or(is_dotted)
}

fn is_dotted(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '~';
    text.split('.').all(|part| !part.is_empty() && part.chars().all(allowed))
}
