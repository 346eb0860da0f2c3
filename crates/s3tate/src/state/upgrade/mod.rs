//! Formats 1 to 3, which Terraform up to 0.11 wrote: read, and brought into format 4.
//!
//! Format 1 has only texts for outputs, formats 1 and 2 count the entries of maps like those of lists. Attributes stay in
//! their flat form, which the provider's next refresh turns into the present one.

mod counts;
mod document;
mod outputs;
mod resources;

use std::borrow::Cow;

use document::Document;

use super::content::{ObjectWriter, push_outputs};
use super::header::{self, Header};
use super::{OutputsDocument, OutputsReader, StateError, normalize};

/// The Terraform version that stands in an upgraded document: the one whose form it has.
const WRITER: &str = "1.11.4";

/// A document of format 4 as it is; an older one as Terraform 1.11.4 upgrades it, byte for byte. No bytes stay none.
///
/// # Errors
/// Those of reading the header; for older formats also [`StateError::Upgrade`], [`StateError::Field`] and
/// [`StateError::TerraformVersion`].
pub fn in_format_4(bytes: &[u8]) -> Result<Cow<'_, [u8]>, StateError> {
    let Some(header) = Header::parse(bytes)? else { return Ok(Cow::Borrowed(bytes)) };
    if header.version == header::NEWEST_FORMAT {
        return Ok(Cow::Borrowed(bytes));
    }
    header.require_terraform_version()?;
    let mut text = String::new();
    push_document(&mut text, &header, Document::parse(bytes)?)?;
    Ok(Cow::Owned(normalize(text.as_bytes(), WRITER)?.unwrap_or_default()))
}

/// Header and root outputs of a document of any format, whatever its resources look like; `None` for no bytes.
///
/// # Errors
/// As [`OutputsReader::finish`] and [`in_format_4`], except for those about resources.
pub fn read_outputs(bytes: &[u8]) -> Result<Option<OutputsDocument>, StateError> {
    let mut reader = OutputsReader::new();
    reader.feed(bytes);
    match reader.finish() {
        Err(StateError::LegacyFormat { .. }) => {}
        read => return read,
    }
    let Some(header) = Header::parse(bytes)? else { return Ok(None) };
    header.require_terraform_version()?;
    // Read back from format 4, since that is where texts are composed and values brought to their types.
    let mut text = String::new();
    let mut writer = ObjectWriter::open(&mut text);
    writer.raw("version", b"4");
    writer.name("outputs");
    push_outputs(writer.out, &outputs::root(&Document::parse(bytes)?)?);
    writer.close();
    let mut reader = OutputsReader::new();
    reader.feed(text.as_bytes());
    Ok(reader.finish()?.map(|upgraded| OutputsDocument { header, ..upgraded }))
}

/// Appends the document in format 4; nothing is in its final order or layout.
fn push_document(text: &mut String, header: &Header, document: Document<'_>) -> Result<(), StateError> {
    let mut writer = ObjectWriter::open(text);
    writer.raw("version", b"4");
    writer.raw("serial", header.serial.to_string().as_bytes());
    writer.text("lineage", &header.lineage);
    writer.name("outputs");
    push_outputs(writer.out, &outputs::root(&document)?);
    writer.name("resources");
    resources::push(writer.out, document)?;
    writer.raw("check_results", b"null");
    writer.close();
    Ok(())
}

/// The error of a document that can't be upgraded.
fn refused(version: u64, reason: impl Into<String>) -> StateError {
    StateError::Upgrade { version, reason: reason.into() }
}
