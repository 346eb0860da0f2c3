//! Commands to paste, exactly as they would be run; nothing of it is run here.

use std::fmt::Write as _;

use crate::digest::StateDigest;
use crate::names::VersionId;
use crate::workspace::Workspace;

/// What the commands of one workspace name.
#[derive(Debug, Clone, Default)]
pub(super) struct Commands {
    bucket: String,
    key: String,
    table: String,
    lock_path: String,
    /// Region and endpoint, as options of the AWS command line.
    s3: String,
    dynamodb: String,
}

impl Commands {
    pub(super) async fn of(workspace: &Workspace) -> Self {
        let backend = &workspace.backend;
        let options = |endpoint: Option<&str>| {
            let mut text = format!(" --region {}", quoted(&backend.config.region));
            if let Some(endpoint) = endpoint {
                // Writing to a `String` can't fail.
                let _ = write!(text, " --endpoint-url {}", quoted(endpoint));
            }
            text
        };
        Self {
            bucket: backend.config.bucket.clone(),
            key: workspace.key.to_string(),
            table: backend.config.table.clone().unwrap_or_default(),
            lock_path: workspace.lock_path().to_string(),
            s3: options(backend.clients.s3_endpoint().await),
            dynamodb: options(backend.clients.dynamodb_endpoint().await),
        }
    }

    /// Records another digest, if what is recorded now is what was seen.
    pub(super) fn set_digest(&self, digest: StateDigest, seen: Option<StateDigest>) -> String {
        let condition = match seen {
            None => "--condition-expression 'attribute_not_exists(LockID)'".to_owned(),
            Some(seen) => while_recorded(seen),
        };
        let item = format!(r#"{{"LockID":{{"S":"{}-md5"}},"Digest":{{"S":"{digest}"}}}}"#, self.lock_path);
        under_lock(&format!(
            "aws dynamodb put-item{} --table-name {} --item {} {condition}",
            self.dynamodb,
            quoted(&self.table),
            quoted(&item)
        ))
    }

    /// Records a digest over whatever is recorded.
    pub(super) fn replace_digest(&self, digest: StateDigest) -> String {
        let item = format!(r#"{{"LockID":{{"S":"{}-md5"}},"Digest":{{"S":"{digest}"}}}}"#, self.lock_path);
        under_lock(&format!(
            "aws dynamodb put-item{} --table-name {} --item {}",
            self.dynamodb,
            quoted(&self.table),
            quoted(&item)
        ))
    }

    /// Removes the digest, if it is the one that was seen.
    pub(super) fn remove_digest(&self, seen: StateDigest) -> String {
        let id = format!("{}-md5", self.lock_path);
        under_lock(&format!("{} {}", self.delete_item(&id), while_recorded(seen)))
    }

    /// Removes the digest item, whatever it holds.
    pub(super) fn delete_digest(&self) -> String {
        under_lock(&self.delete_item(&format!("{}-md5", self.lock_path)))
    }

    /// Removes an item of the table, whatever it holds.
    pub(super) fn delete_item(&self, lock_id: &str) -> String {
        let key = format!(r#"{{"LockID":{{"S":"{lock_id}"}}}}"#);
        format!(
            "aws dynamodb delete-item{} --table-name {} --key {}",
            self.dynamodb,
            quoted(&self.table),
            quoted(&key)
        )
    }

    /// Makes an earlier version of the state the newest one.
    pub(super) fn restore(&self, version: &VersionId) -> String {
        // The AWS command line encodes what is special in it.
        let source = format!("{}/{}?versionId={version}", self.bucket, self.key);
        under_lock(&format!(
            "aws s3api copy-object{} --bucket {} --key {} --copy-source {}",
            self.s3,
            quoted(&self.bucket),
            quoted(&self.key),
            quoted(&source)
        ))
    }

    /// Takes away a delete marker, so that what it hides is there again.
    pub(super) fn undelete(&self, marker: &VersionId) -> String {
        under_lock(&format!("{} --version-id {}", self.delete_object(&self.key), quoted(marker.as_str())))
    }

    /// Fetches a version to look at.
    pub(super) fn fetch(&self, version: &VersionId) -> String {
        format!(
            "aws s3api get-object{} --bucket {} --key {} --version-id {} seen.tfstate",
            self.s3,
            quoted(&self.bucket),
            quoted(&self.key),
            quoted(version.as_str())
        )
    }

    /// Deletes an object.
    pub(super) fn delete_object(&self, key: &str) -> String {
        format!("aws s3api delete-object{} --bucket {} --key {}", self.s3, quoted(&self.bucket), quoted(key))
    }
}

/// The state must not move meanwhile.
fn under_lock(command: &str) -> String {
    format!("s3tate lock run -- {command}")
}

fn while_recorded(seen: StateDigest) -> String {
    let values = format!(r#"{{":seen":{{"S":"{seen}"}}}}"#);
    format!("--condition-expression 'Digest = :seen' --expression-attribute-values {}", quoted(&values))
}

/// A word for the shell, quoted where it has to be.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> Commands {
        Commands {
            bucket: "b".into(),
            key: "env:/it's/p s".into(),
            table: "t".into(),
            lock_path: "b/p".into(),
            s3: " --region eu-west-1".into(),
            dynamodb: String::new(),
        }
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quoted("http://a:1/b"), "http://a:1/b");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_digest_is_replaced_only_while_it_is_the_one_that_was_seen() {
        let (new, seen) = (StateDigest::of(b"new"), StateDigest::of(b"seen"));
        let command = commands().set_digest(new, Some(seen));
        assert_eq!(
            command,
            format!(
                "s3tate lock run -- aws dynamodb put-item --table-name t --item \
                 '{{\"LockID\":{{\"S\":\"b/p-md5\"}},\"Digest\":{{\"S\":\"{new}\"}}}}' --condition-expression \
                 'Digest = :seen' --expression-attribute-values '{{\":seen\":{{\"S\":\"{seen}\"}}}}'"
            )
        );
    }

    #[test]
    fn a_copy_names_its_source_as_it_is() {
        let command = commands().restore(&VersionId::from("v1".to_owned()));
        assert!(command.ends_with("--copy-source 'b/env:/it'\\''s/p s?versionId=v1'"), "{command}");
    }
}
