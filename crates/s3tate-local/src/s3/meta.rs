//! What is stored about a version besides its bytes. Kept as JSON, so that fields can be added.

use std::collections::BTreeMap;

use s3s::dto;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::checksum::{Checksum, Form};
use super::encryption::Encryption;

/// Tags in the order they were given.
pub(crate) type Tags = Vec<(String, String)>;

/// Headers and facts of a version.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Meta {
    #[serde(flatten)]
    pub(crate) headers: Headers,
    /// `x-amz-meta-*`, names in lower case.
    pub(crate) user: BTreeMap<String, String>,
    pub(crate) encryption: Encryption,
    pub(crate) checksum: Option<Checksum>,
    /// Empty unless the object was uploaded in parts.
    pub(crate) parts: Vec<PartMeta>,
}

/// Headers that come back as they were sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Headers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<dto::Timestamp>,
    /// `None` is `STANDARD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) website_redirect: Option<String>,
}

/// One part of an object that was uploaded in parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartMeta {
    pub(crate) number: i32,
    pub(crate) size: u64,
    pub(crate) checksum: Option<Checksum>,
}

/// What an upload under way will become.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) meta: Meta,
    pub(crate) tags: Tags,
    pub(crate) checksum: Option<Form>,
}

/// Gathers [`Headers`] from the fields that `PutObjectInput` and its like share.
macro_rules! headers {
    ($input:expr) => {
        $crate::s3::meta::Headers {
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input
                .content_encoding
                .take()
                .and_then(|value| $crate::s3::meta::without_aws_chunked(&value)),
            content_language: $input.content_language.take(),
            content_type: $input.content_type.take(),
            expires: $input.expires.take(),
            storage_class: $crate::s3::meta::storage_class($input.storage_class.take()),
            website_redirect: $input.website_redirect_location.take(),
        }
    };
}
pub(crate) use headers;

/// User metadata as it is stored.
pub(crate) fn user(metadata: Option<dto::Metadata>) -> BTreeMap<String, String> {
    metadata.unwrap_or_default().into_iter().collect()
}

/// `STANDARD` is the default, which S3 doesn't mention in answers.
pub(crate) fn storage_class(class: Option<dto::StorageClass>) -> Option<String> {
    class.map(|class| class.as_str().to_owned()).filter(|class| class != "STANDARD")
}

/// `Content-Encoding` less `aws-chunked`, which describes the transfer and not the object.
pub(crate) fn without_aws_chunked(value: &str) -> Option<String> {
    let kept: Vec<&str> =
        value.split(',').map(str::trim).filter(|v| !v.is_empty() && *v != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// Reads the form `a=1&b=2` of the header `x-amz-tagging`.
pub(crate) fn tags_from_header(header: Option<&str>) -> S3Result<Tags> {
    checked(crate::form::pairs(header.unwrap_or_default()).collect())
}

/// Reads the tags of a `Tagging` document.
pub(crate) fn tags_from_set(set: Vec<dto::Tag>) -> S3Result<Tags> {
    checked(set.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect())
}

/// Tags as an answer shows them.
pub(crate) fn tag_set(tags: Tags) -> Vec<dto::Tag> {
    tags.into_iter().map(|(key, value)| dto::Tag { key: Some(key), value: Some(value) }).collect()
}

/// S3's rules for object tags: at most ten, names of 1 to 128 characters, values of up to 256, no name twice.
fn checked(tags: Tags) -> S3Result<Tags> {
    if tags.len() > 10 {
        return Err(s3_error!(InvalidTag, "Object tags cannot be greater than 10"));
    }
    for (index, (name, value)) in tags.iter().enumerate() {
        if name.is_empty() || name.chars().count() > 128 || value.chars().count() > 256 {
            return Err(s3_error!(InvalidTag, "The TagKey or TagValue you have provided is invalid"));
        }
        if tags.iter().take(index).any(|(other, _)| other == name) {
            return Err(s3_error!(InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::{tags_from_header, without_aws_chunked};

    #[test]
    fn transfer_coding_is_not_kept() {
        assert_eq!(without_aws_chunked("aws-chunked"), None);
        assert_eq!(without_aws_chunked("gzip, aws-chunked").as_deref(), Some("gzip"));
    }

    #[test]
    fn tags_are_url_encoded() {
        let tags = tags_from_header(Some("team=a%20b&empty=")).expect("valid tags");
        assert_eq!(tags, [("team".to_owned(), "a b".to_owned()), ("empty".to_owned(), String::new())]);
        assert!(tags_from_header(Some("a=1&a=2")).is_err());
    }
}
