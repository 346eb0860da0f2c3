//! How bucket and table are configured, past every program under test.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};

use crate::Store;
use crate::store::wait;

/// Everything that is set on bucket and table, to compare before and after; `None` where it isn't there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Whether there is a bucket.
    pub bucket: bool,
    /// The region that the bucket is kept in, where it says one.
    pub location: Option<String>,
    /// `Enabled` or `Suspended`.
    pub versioning: Option<String>,
    /// Algorithm, and key where there is one.
    pub encryption: Option<(String, Option<String>)>,
    /// The bucket's policy.
    pub policy: Option<String>,
    /// The four kinds of public access that may be blocked.
    pub public_access_block: Option<[bool; 4]>,
    /// Keys, billing and protection of the table.
    pub table: Option<String>,
    /// Whether the table can be restored to a point in time.
    pub recovery: Option<bool>,
}

impl Store {
    /// How bucket and table are configured.
    pub fn configuration(&self) -> Configuration {
        wait(async {
            let s3 = &self.s3;
            let bucket = self.bucket();
            let encryption = s3.get_bucket_encryption().bucket(bucket).send().await.ok();
            let block = s3.get_public_access_block().bucket(bucket).send().await.ok();
            let location = s3.get_bucket_location().bucket(bucket).send().await.ok();
            let encryption = encryption.and_then(|answer| {
                let rule = answer.server_side_encryption_configuration?.rules.into_iter().next()?;
                let default = rule.apply_server_side_encryption_by_default?;
                Some((default.sse_algorithm.as_str().to_owned(), default.kms_master_key_id))
            });
            let block = block.and_then(|answer| {
                let block = answer.public_access_block_configuration?;
                let kinds = [
                    block.block_public_acls,
                    block.ignore_public_acls,
                    block.block_public_policy,
                    block.restrict_public_buckets,
                ];
                Some(kinds.map(|kind| kind == Some(true)))
            });
            Configuration {
                bucket: s3.head_bucket().bucket(bucket).send().await.is_ok(),
                location: location.and_then(|answer| Some(answer.location_constraint?.as_str().to_owned())),
                versioning: self.versioning().await,
                encryption,
                policy: s3
                    .get_bucket_policy()
                    .bucket(bucket)
                    .send()
                    .await
                    .ok()
                    .and_then(|answer| answer.policy),
                public_access_block: block,
                table: self.described_table().await,
                recovery: self.recovery().await,
            }
        })
    }

    /// moto gives the answer's outermost element a name that the SDK doesn't know, so the answer itself is read.
    async fn versioning(&self) -> Option<String> {
        match self.s3.get_bucket_versioning().bucket(self.bucket()).send().await {
            Ok(answer) => answer.status.map(|status| status.as_str().to_owned()),
            Err(error) => {
                let body = error.raw_response()?.body().bytes()?;
                let text = std::str::from_utf8(body).ok()?;
                let (status, _) = text.split_once("<Status>")?.1.split_once("</Status>")?;
                Some(status.to_owned())
            }
        }
    }

    async fn described_table(&self) -> Option<String> {
        let answer = self.dynamodb.describe_table().table_name(self.table()).send().await.ok()?;
        let table = answer.table?;
        let billing = table.billing_mode_summary.and_then(|summary| summary.billing_mode);
        Some(format!(
            "{:?} {:?} {billing:?} protected: {:?}",
            table.key_schema, table.attribute_definitions, table.deletion_protection_enabled
        ))
    }

    async fn recovery(&self) -> Option<bool> {
        let request = self.dynamodb.describe_continuous_backups().table_name(self.table());
        let answer = request.send().await.ok()?.continuous_backups_description?;
        let status = answer.point_in_time_recovery_description?.point_in_time_recovery_status?;
        Some(status.as_str() == "ENABLED")
    }

    /// Stops the bucket from keeping new versions.
    pub fn suspend_versioning(&self) {
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
        let request = self.s3.put_bucket_versioning().bucket(self.bucket());
        wait(request.versioning_configuration(versioning).send()).expect("versioning is suspended");
    }

    /// Sets the bucket's policy.
    pub fn put_policy(&self, policy: &str) {
        wait(self.s3.put_bucket_policy().bucket(self.bucket()).policy(policy).send())
            .expect("a policy is set");
    }
}
