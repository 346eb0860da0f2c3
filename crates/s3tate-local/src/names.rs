//! Names that S3 and DynamoDB accept, checked before anything is opened.

use s3s::path::check_bucket_name;

use crate::LocalError;

/// # Errors
/// The first name that is not valid.
pub(crate) fn check(buckets: &[String], tables: &[String]) -> Result<(), LocalError> {
    if let Some(name) = buckets.iter().find(|name| !check_bucket_name(name)) {
        return Err(LocalError::BadBucketName { name: name.clone() });
    }
    match tables.iter().find(|name| !is_table_name(name)) {
        Some(name) => Err(LocalError::BadTableName { name: name.clone() }),
        None => Ok(()),
    }
}

fn is_table_name(name: &str) -> bool {
    (3..=255).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}
