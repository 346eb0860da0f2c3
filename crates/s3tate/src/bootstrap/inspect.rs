//! What is there: reading requests to bucket and table, all sent at once.

use aws_sdk_dynamodb::types::{BillingMode, KeyType, ScalarAttributeType, TableDescription, TableStatus};
use aws_sdk_s3::types::ExpirationStatus;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws::{Clients, Failure, Service};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::LOCK_ID;

/// One look at something.
#[derive(Debug)]
pub(super) enum Seen<T> {
    /// What is there; `None` where nothing is set.
    Known(Option<T>),
    /// The credentials may not see it.
    Denied(Failure),
    /// The store doesn't know such a thing.
    Unsupported,
}

/// Everything there is to know before planning.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) bucket: bool,
    pub(super) public_access_blocked: Seen<[bool; 4]>,
    pub(super) versioning: Seen<String>,
    pub(super) encryption: Seen<DefaultEncryption>,
    pub(super) policy: Seen<String>,
    /// Whether old versions expire by some rule.
    pub(super) expiry: Seen<bool>,
    pub(super) table: Seen<Table>,
    /// Whether point-in-time recovery is on.
    pub(super) recovery: Seen<bool>,
    /// Whether S3 is reached without TLS.
    pub(super) plain_http: bool,
}

/// How a bucket encrypts objects that don't say how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DefaultEncryption {
    pub(super) algorithm: String,
    pub(super) key: Option<String>,
}

/// A table as it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Its keys, such as `LockID (S, HASH)`.
    pub(super) keys: String,
    /// Whether these are the keys that locks need.
    pub(super) fits: bool,
    pub(super) status: String,
    pub(super) on_demand: bool,
    pub(super) protected: bool,
}

/// What a look at the bucket itself tells.
enum Head {
    There,
    Missing,
    Hidden,
}

/// Looks at everything, or fails for a reason that leaves nothing to plan.
pub(super) async fn inspect(backend: &Backend) -> Result<Found> {
    let look = Look { backend };
    let (head, public_access_blocked, versioning, encryption, policy, expiry, table, recovery) = tokio::join!(
        look.head(),
        look.public_access(),
        look.versioning(),
        look.encryption(),
        look.policy(),
        look.expiry(),
        look.table(),
        look.recovery()
    );
    // A bucket in another region fails all requests, but only this one tells where it is.
    let head = head?;
    let refused = |failure: Failure| look.refused(failure);
    let mut found = Found {
        bucket: true,
        public_access_blocked: public_access_blocked.map_err(refused)?,
        versioning: versioning.map_err(refused)?,
        encryption: encryption.map_err(refused)?,
        policy: policy.map_err(refused)?,
        expiry: expiry.map_err(refused)?,
        table: table.map_err(refused)?,
        recovery: recovery.map_err(refused)?,
        plain_http: backend.clients.s3_endpoint().await.is_some_and(|url| url.starts_with("http://")),
    };
    match head {
        Head::There => {}
        Head::Missing => found.bucket = false,
        Head::Hidden => found = look.behind(found)?,
    }
    Ok(found)
}

/// The looks, one request each.
struct Look<'a> {
    backend: &'a Backend,
}

impl Look<'_> {
    fn bucket(&self) -> &str {
        &self.backend.config.bucket
    }

    fn clients(&self) -> &Clients {
        &self.backend.clients
    }

    fn refused(&self, failure: Failure) -> Error {
        let table = self
            .backend
            .config
            .table
            .as_ref()
            .map_or_else(String::new, |table| format!(" and table `{table}`"));
        failure.into_error(format!("can't look at bucket `{}`{table}; nothing was changed", self.bucket()))
    }

    async fn head(&self) -> Result<Head> {
        let region = &self.backend.config.region;
        let answer = self.clients().s3().await.head_bucket().bucket(self.bucket()).send().await;
        let Err(error) = answer else { return Ok(Head::There) };
        let elsewhere =
            error.raw_response().and_then(|response| response.headers().get("x-amz-bucket-region"));
        if let Some(elsewhere) = elsewhere.filter(|elsewhere| elsewhere != region) {
            let message =
                format!("bucket `{}` is in {elsewhere}, not in {region}; nothing was changed", self.bucket());
            return Err(Error::invalid(message)
                .hint(format!("set `region = \"{elsewhere}\"`, or choose another `bucket`")));
        }
        let failure = self.clients().failure(Service::S3, &error);
        match failure.status {
            Some(404) => Ok(Head::Missing),
            Some(403) => Ok(Head::Hidden),
            _ => Err(self.refused(failure)),
        }
    }

    /// A bucket that may not be seen is there all the same if any of its settings may.
    fn behind(&self, found: Found) -> Result<Found> {
        match (&found.versioning, &found.encryption, &found.policy, &found.public_access_blocked) {
            (Seen::Denied(_), Seen::Denied(_), Seen::Denied(_), Seen::Denied(_)) => {}
            _ => return Ok(found),
        }
        let message = format!(
            "bucket `{}` is there, but not for these credentials; nothing was changed",
            self.bucket()
        );
        let Seen::Denied(failure) = found.versioning else {
            return Err(Error::new(ErrorKind::Denied, message));
        };
        Err(failure.into_error(message).hint(
            "bucket names are shared by everybody: if it isn't yours, choose another `bucket`; if it is, \
             check credentials and policies",
        ))
    }

    async fn public_access(&self) -> Result<Seen<[bool; 4]>, Failure> {
        let answer = self.clients().s3().await.get_public_access_block().bucket(self.bucket()).send().await;
        let seen = self.seen(Service::S3, answer, &["NoSuchPublicAccessBlockConfiguration"])?;
        Ok(seen.and_then(|answer| {
            let block = answer.public_access_block_configuration?;
            let members = [
                block.block_public_acls,
                block.ignore_public_acls,
                block.block_public_policy,
                block.restrict_public_buckets,
            ];
            Some(members.map(Option::unwrap_or_default))
        }))
    }

    async fn versioning(&self) -> Result<Seen<String>, Failure> {
        let answer = self.clients().s3().await.get_bucket_versioning().bucket(self.bucket()).send().await;
        if let Some(text) = answer.as_ref().err().and_then(successful_answer) {
            let status = text.split_once("<Status>").and_then(|(_, rest)| rest.split_once("</Status>"));
            return Ok(Seen::Known(status.map(|(status, _)| status.to_owned())));
        }
        let seen = self.seen(Service::S3, answer, &[])?;
        Ok(seen.and_then(|answer| Some(answer.status?.as_str().to_owned())))
    }

    async fn encryption(&self) -> Result<Seen<DefaultEncryption>, Failure> {
        let answer = self.clients().s3().await.get_bucket_encryption().bucket(self.bucket()).send().await;
        let seen = self.seen(Service::S3, answer, &["ServerSideEncryptionConfigurationNotFoundError"])?;
        Ok(seen.and_then(|answer| {
            let rules = answer.server_side_encryption_configuration?.rules;
            let default = rules.into_iter().find_map(|rule| rule.apply_server_side_encryption_by_default)?;
            Some(DefaultEncryption {
                algorithm: default.sse_algorithm.as_str().to_owned(),
                key: default.kms_master_key_id,
            })
        }))
    }

    async fn policy(&self) -> Result<Seen<String>, Failure> {
        let answer = self.clients().s3().await.get_bucket_policy().bucket(self.bucket()).send().await;
        let seen = self.seen(Service::S3, answer, &["NoSuchBucketPolicy"])?;
        Ok(seen.and_then(|answer| answer.policy))
    }

    /// Matters only where lock objects leave versions behind.
    async fn expiry(&self) -> Result<Seen<bool>, Failure> {
        if !self.backend.config.use_lockfile {
            return Ok(Seen::Known(None));
        }
        let client = self.clients().s3().await;
        let answer = client.get_bucket_lifecycle_configuration().bucket(self.bucket()).send().await;
        let seen = self.seen(Service::S3, answer, &["NoSuchLifecycleConfiguration"])?;
        Ok(seen.and_then(|answer| {
            let expires = |rule: &aws_sdk_s3::types::LifecycleRule| {
                rule.status == ExpirationStatus::Enabled && rule.noncurrent_version_expiration.is_some()
            };
            Some(answer.rules.unwrap_or_default().iter().any(expires))
        }))
    }

    async fn table(&self) -> Result<Seen<Table>, Failure> {
        let Some(name) = &self.backend.config.table else { return Ok(Seen::Known(None)) };
        let answer = self.clients().dynamodb().await.describe_table().table_name(name).send().await;
        let seen = self.seen(Service::DynamoDb, answer, &["ResourceNotFoundException"])?;
        Ok(seen.and_then(|answer| answer.table.map(|table| described(&table))))
    }

    async fn recovery(&self) -> Result<Seen<bool>, Failure> {
        let Some(name) = &self.backend.config.table else { return Ok(Seen::Known(None)) };
        let client = self.clients().dynamodb().await;
        let answer = client.describe_continuous_backups().table_name(name).send().await;
        let absent = ["TableNotFoundException", "ResourceNotFoundException"];
        let seen = self.seen(Service::DynamoDb, answer, &absent)?;
        Ok(seen.and_then(|answer| {
            let description = answer.continuous_backups_description?.point_in_time_recovery_description?;
            Some(description.point_in_time_recovery_status?.as_str() == "ENABLED")
        }))
    }

    fn seen<T, E>(
        &self,
        service: Service,
        answer: Result<T, SdkError<E, HttpResponse>>,
        absent: &[&str],
    ) -> Result<Seen<T>, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let error = match answer {
            Ok(answer) => return Ok(Seen::Known(Some(answer))),
            Err(error) => error,
        };
        let failure = self.clients().failure(service, &error);
        if failure.is("NoSuchBucket") || absent.iter().any(|code| failure.is(code)) {
            return Ok(Seen::Known(None));
        }
        if failure.unsupported() {
            return Ok(Seen::Unsupported);
        }
        if failure.denied() { Ok(Seen::Denied(failure)) } else { Err(failure) }
    }
}

impl<T> Seen<T> {
    fn and_then<U>(self, read: impl FnOnce(T) -> Option<U>) -> Seen<U> {
        match self {
            Self::Known(answer) => Seen::Known(answer.and_then(read)),
            Self::Denied(failure) => Seen::Denied(failure),
            Self::Unsupported => Seen::Unsupported,
        }
    }
}

/// The text of a successful answer that the SDK refuses: some stores give its outermost element another name.
fn successful_answer<E>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    let response = error.raw_response().filter(|response| response.status().is_success())?;
    std::str::from_utf8(response.body().bytes()?).ok()
}

/// Reads a description of a table.
pub(super) fn described(table: &TableDescription) -> Table {
    let kind = |name: &str| {
        let attribute =
            table.attribute_definitions().iter().find(|attribute| attribute.attribute_name() == name);
        attribute.map_or(ScalarAttributeType::S, |attribute| attribute.attribute_type().clone())
    };
    let keys = table.key_schema();
    let fits = |key: &aws_sdk_dynamodb::types::KeySchemaElement| {
        key.attribute_name() == LOCK_ID
            && *key.key_type() == KeyType::Hash
            && kind(LOCK_ID) == ScalarAttributeType::S
    };
    let shown = keys.iter().map(|key| {
        format!(
            "{} ({}, {})",
            key.attribute_name(),
            kind(key.attribute_name()).as_str(),
            key.key_type().as_str()
        )
    });
    let billing = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    Table {
        keys: shown.collect::<Vec<_>>().join(", "),
        fits: keys.len() == 1 && keys.iter().all(fits),
        status: table.table_status().unwrap_or(&TableStatus::Active).as_str().to_owned(),
        on_demand: billing == Some(&BillingMode::PayPerRequest),
        protected: table.deletion_protection_enabled().unwrap_or_default(),
    }
}
