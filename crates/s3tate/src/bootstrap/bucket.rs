//! The requests that change the bucket.

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};

use super::apply::{Outcome, Stop, incomplete};
use super::plan::Plan;
use crate::aws::Service;
use crate::config::Encryption;
use crate::error::{Error, ErrorKind};

/// The region whose name is left out when a bucket is created.
const HOME_REGION: &str = "us-east-1";

impl Plan {
    pub(super) async fn create_bucket(&self) -> Result<Outcome, Stop> {
        let config = self.config();
        let request = self.backend.clients.s3().await.create_bucket().bucket(&config.bucket);
        let location = (config.region != HOME_REGION).then(|| {
            let region = BucketLocationConstraint::from(config.region.as_str());
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let answer = request.set_create_bucket_configuration(location).send().await;
        let Err(failure) = self.failed(Service::S3, answer) else { return Ok(Outcome::Done) };
        let bucket = &config.bucket;
        if failure.is("BucketAlreadyExists") {
            let message = format!("bucket `{bucket}` belongs to somebody else");
            let error = failure.into_error_of(ErrorKind::Invalid, message);
            return Err(Stop::Refused(
                error.hint("bucket names are shared by everybody: set `bucket` to a name that is free"),
            ));
        }
        if failure.is("BucketAlreadyOwnedByYou") {
            let message = format!("bucket `{bucket}` appeared since the plan was made");
            let error = failure.into_error_of(ErrorKind::Conflict, message);
            return Err(Stop::Refused(error.hint("`s3tate bootstrap` shows what it lacks now")));
        }
        Err(failure.into())
    }

    pub(super) async fn block_public_access(&self) -> Result<(), Stop> {
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let client = self.backend.clients.s3().await;
        let request = client.put_public_access_block().bucket(&self.config().bucket);
        let answer = request.public_access_block_configuration(block).send().await;
        self.failed(Service::S3, answer)?;
        Ok(())
    }

    pub(super) async fn keep_versions(&self) -> Result<(), Stop> {
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let client = self.backend.clients.s3().await;
        let request = client.put_bucket_versioning().bucket(&self.config().bucket);
        let answer = request.versioning_configuration(versioning).send().await;
        self.failed(Service::S3, answer)?;
        Ok(())
    }

    pub(super) async fn encrypt(&self) -> Result<(), Stop> {
        let default = ServerSideEncryptionByDefault::builder();
        let default = match &self.config().encryption {
            Encryption::Kms(key) => {
                default.sse_algorithm(ServerSideEncryption::AwsKms).kms_master_key_id(key)
            }
            _ => default.sse_algorithm(ServerSideEncryption::Aes256),
        };
        let default = default.build().map_err(incomplete)?;
        let rule =
            ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
        let encryption =
            ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(incomplete)?;
        let client = self.backend.clients.s3().await;
        let request = client.put_bucket_encryption().bucket(&self.config().bucket);
        let answer = request.server_side_encryption_configuration(encryption).send().await;
        self.failed(Service::S3, answer)?;
        Ok(())
    }

    /// A policy can't be replaced on condition, so it is looked at again right before.
    pub(super) async fn check_policy(&self, before: Option<&str>) -> Result<(), Stop> {
        let Some(before) = before else { return Ok(()) };
        let bucket = &self.config().bucket;
        let answer = self.backend.clients.s3().await.get_bucket_policy().bucket(bucket).send().await;
        let now = self.failed(Service::S3, answer)?.policy;
        if now.as_deref() == Some(before) {
            return Ok(());
        }
        let message = format!("the policy of bucket `{bucket}` changed since the plan was made");
        Err(Stop::Refused(
            Error::new(ErrorKind::Conflict, message).hint("`s3tate bootstrap -adopt` plans anew"),
        ))
    }

    pub(super) async fn put_policy(&self, policy: &str) -> Result<(), Stop> {
        let client = self.backend.clients.s3().await;
        let request = client.put_bucket_policy().bucket(&self.config().bucket);
        let answer = request.policy(policy).send().await;
        self.failed(Service::S3, answer)?;
        Ok(())
    }
}
