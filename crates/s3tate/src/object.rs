//! Objects of the bucket: what they say of themselves, start of a read, conditional delete, listing.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::operation::head_object::{HeadObjectError, HeadObjectOutput};
use bytes::Bytes;
use jiff::Timestamp;

use crate::aws::{Attempts, Clients, Failure, Service};
use crate::config::{BackendConfig, Encryption};
use crate::digest::StateDigest;
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ETag, StateKey, VersionId};
use crate::payload::Payload;
use crate::provenance;
use crate::state::Changes;
use crate::upload::WHOLE_BYTES;

/// Adds the headers of a customer's key, which every request needs that touches bytes.
macro_rules! with_customer_key {
    ($request:expr, $config:expr) => {
        match &$config.encryption {
            Encryption::Customer(customer) => $request
                .sse_customer_algorithm("AES256")
                .sse_customer_key(customer.key.expose())
                .sse_customer_key_md5(&customer.md5),
            _ => $request,
        }
    };
}
pub(crate) use with_customer_key;

/// The configured bucket, with the headers that every request to it needs.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) clients: Arc<Clients>,
    pub(crate) config: Arc<BackendConfig>,
    /// The largest object that is written by one request; larger ones go in parts.
    pub(crate) whole_bytes: usize,
}

/// An object as it was read: one version, whole.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) etag: Option<ETag>,
    pub(crate) facts: Facts,
}

/// What an object's headers say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) version_id: Option<VersionId>,
    /// When it was stored, to the second.
    pub(crate) modified: Option<Timestamp>,
    /// Size of the whole object, also where a part of it was asked for.
    pub(crate) size_bytes: Option<u64>,
    pub(crate) metadata: Metadata,
}

/// s3tate's own metadata on the objects it wrote; empty on others'.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// MD5 of the body, written in the same request as the body.
    pub(crate) digest: Option<StateDigest>,
    /// MD5 of the body that this one replaced.
    pub(crate) parent: Option<StateDigest>,
    /// Which write this is, to settle lost replies.
    pub(crate) write_id: Option<String>,
    /// Who wrote it.
    pub(crate) who: Option<String>,
    /// The address that it was written from, where it was written for somebody else.
    pub(crate) from: Option<String>,
    /// The page of the CI run that wrote it.
    pub(crate) run: Option<String>,
    /// Its serial.
    pub(crate) serial: Option<u64>,
    /// The serial of the state that this one replaced.
    pub(crate) parent_serial: Option<u64>,
    /// What differs from that one.
    pub(crate) changes: Option<Changes>,
    /// How many resource instances it has.
    pub(crate) resources: Option<u64>,
    /// The ID of the lock that it was written under, where it was written for somebody else.
    pub(crate) lock: Option<String>,
}

/// A write that happened.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    pub(crate) etag: ETag,
    /// The version that it made, in a versioned bucket.
    pub(crate) version_id: Option<VersionId>,
}

/// The first bytes of an object, and what its headers say.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) bytes: Bytes,
    pub(crate) facts: Facts,
}

/// Names of the metadata on objects that s3tate writes.
pub(crate) mod meta {
    /// MD5 of the body, 32 hex digits.
    pub(crate) const DIGEST: &str = "s3tate-md5";
    /// MD5 of the body that was replaced, 32 hex digits; absent for a first one.
    pub(crate) const PARENT: &str = "s3tate-parent";
    /// The state's serial.
    pub(crate) const SERIAL: &str = "s3tate-serial";
    /// The state's lineage.
    pub(crate) const LINEAGE: &str = "s3tate-lineage";
    /// `s3tate/<version>`.
    pub(crate) const WRITER: &str = "s3tate-writer";
    /// `user@host` of the writer, or the identity that the server wrote it for; percent-encoded.
    pub(crate) const WHO: &str = "s3tate-who";
    /// The address that the server was asked from.
    pub(crate) const FROM: &str = "s3tate-from";
    /// The page of the CI run that wrote it.
    pub(crate) const RUN: &str = "s3tate-run";
    /// The serial of the state that was replaced; absent for a first one.
    pub(crate) const PARENT_SERIAL: &str = "s3tate-parent-serial";
    /// How many resource instances were added, changed and removed, by address: three numbers with commas.
    pub(crate) const CHANGES: &str = "s3tate-changes";
    /// How many resource instances the state has.
    pub(crate) const RESOURCES: &str = "s3tate-resources";
    /// The ID of the lock that a state was written under, by the server for one of its clients.
    pub(crate) const LOCK: &str = "s3tate-lock";
    /// A random id of this write.
    pub(crate) const WRITE_ID: &str = "s3tate-write-id";
}

/// What must hold for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition<'a> {
    /// No object is there.
    Absent,
    /// The object with this entity tag is there.
    Is(&'a ETag),
    /// Nothing: for keys that nobody else uses.
    Always,
}

/// An object as a listing tells of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListedObject {
    pub(crate) key: String,
    pub(crate) size_bytes: u64,
    pub(crate) etag: Option<String>,
    pub(crate) modified: Option<Timestamp>,
}

/// One page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<ListedObject>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) next: Option<String>,
}

/// One write.
#[derive(Debug)]
pub(crate) struct Put<'a> {
    pub(crate) key: &'a str,
    pub(crate) bytes: Payload,
    pub(crate) condition: Condition<'a>,
    pub(crate) metadata: &'a [(&'static str, String)],
    pub(crate) tags: &'a BTreeMap<String, String>,
}

impl Page {
    /// The keys, taken out.
    pub(crate) fn take_keys(&mut self) -> Vec<String> {
        std::mem::take(&mut self.objects).into_iter().map(|object| object.key).collect()
    }
}

impl Bucket {
    pub(crate) fn new(clients: Arc<Clients>, config: Arc<BackendConfig>) -> Self {
        Self { clients, config, whole_bytes: WHOLE_BYTES }
    }

    /// The same bucket, where objects larger than this are written in parts.
    pub(crate) fn in_parts_above(self, whole_bytes: usize) -> Self {
        Self { whole_bytes, ..self }
    }

    /// The `s3://` URL of an object.
    pub(crate) fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.config.bucket)
    }

    /// Starts reading an object; `None` where there is none.
    pub(crate) async fn start_get(&self, key: &str) -> Result<Option<GetObjectOutput>, Failure> {
        self.send_get(self.get_request(key).await).await
    }

    /// Starts reading an object from an offset on, if it still has this entity tag.
    pub(crate) async fn start_get_from(
        &self,
        key: &str,
        offset: u64,
        etag: &ETag,
    ) -> Result<Option<GetObjectOutput>, Failure> {
        let request = self.get_request(key).await.range(format!("bytes={offset}-"));
        self.send_get(request.if_match(etag.as_str())).await
    }

    /// Starts reading one version of an object.
    pub(crate) async fn start_get_version(
        &self,
        key: &str,
        version: &VersionId,
    ) -> Result<Option<GetObjectOutput>, Failure> {
        self.send_get(self.get_request(key).await.version_id(version.as_str())).await
    }

    /// The first bytes of a version, or of what is stored now, at least one; `None` where the object is gone.
    pub(crate) async fn beginning(
        &self,
        key: &str,
        version: Option<&VersionId>,
        most: u64,
    ) -> Result<Option<Beginning>, Failure> {
        let range = format!("bytes=0-{}", most.saturating_sub(1));
        let request = self.get_request(key).await.range(range);
        let request = request.set_version_id(version.map(|version| version.as_str().to_owned()));
        let Some(answer) = self.send_get(request).await? else { return Ok(None) };
        let (_, facts) = facts(&answer);
        match answer.body.collect().await {
            Ok(bytes) => Ok(Some(Beginning { bytes: bytes.into_bytes(), facts })),
            Err(broken) => Err(Failure::interrupted(Service::S3, broken.to_string())),
        }
    }

    async fn get_request(&self, key: &str) -> GetObjectFluentBuilder {
        let request = self.clients.s3().await.get_object().bucket(&self.config.bucket).key(key);
        with_customer_key!(request, self.config)
    }

    async fn send_get(&self, request: GetObjectFluentBuilder) -> Result<Option<GetObjectOutput>, Failure> {
        match request.send().await {
            Ok(output) => Ok(Some(output)),
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => Ok(None),
            Err(error) => Err(self.clients.failure(Service::S3, &error)),
        }
    }

    /// Deletes an object, only if it still has the given entity tag where one is given.
    pub(crate) async fn delete(&self, key: &str, etag: Option<&str>) -> Result<(), Failure> {
        self.delete_counted(key, etag, &Attempts::default()).await
    }

    /// The same, counting how often the request was sent.
    pub(crate) async fn delete_counted(
        &self,
        key: &str,
        etag: Option<&str>,
        attempts: &Attempts,
    ) -> Result<(), Failure> {
        let client = self.clients.s3().await;
        let request = client.delete_object().bucket(&self.config.bucket).key(key);
        let request = request.set_if_match(etag.map(str::to_owned));
        let sent = request.customize().interceptor(attempts.clone()).send().await;
        sent.map(drop).map_err(|error| self.clients.failure(Service::S3, &error))
    }

    /// All keys below a prefix, page after page.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let mut listing = self.page(prefix, None, None).await?;
        let mut keys = listing.take_keys();
        while let Some(token) = listing.next.take() {
            listing = self.page(prefix, None, Some(token)).await?;
            keys.append(&mut listing.take_keys());
        }
        Ok(keys)
    }

    /// The next level of names below a prefix: everything up to and including the next `/`, each once.
    pub(crate) async fn list_level(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let mut listing = self.page(prefix, Some("/"), None).await?;
        let mut prefixes = std::mem::take(&mut listing.prefixes);
        while let Some(token) = listing.next.take() {
            listing = self.page(prefix, Some("/"), Some(token)).await?;
            prefixes.append(&mut listing.prefixes);
        }
        Ok(prefixes)
    }

    /// One page of a listing, of up to 1,000 entries.
    pub(crate) async fn page(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        token: Option<String>,
    ) -> Result<Page, Failure> {
        self.page_after(prefix, delimiter, None, token).await
    }

    /// The same with nothing but keys behind `after`.
    pub(crate) async fn page_after(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<String>,
        token: Option<String>,
    ) -> Result<Page, Failure> {
        let client = self.clients.s3().await;
        let request = client
            .list_objects_v2()
            .bucket(&self.config.bucket)
            .prefix(prefix)
            .set_delimiter(delimiter.map(str::to_owned))
            .set_start_after(after)
            .set_continuation_token(token);
        let page = request.send().await.map_err(|error| self.clients.failure(Service::S3, &error))?;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(Page {
            objects: page.contents().iter().map(listed).collect(),
            prefixes: page.common_prefixes().iter().filter_map(|common| owned(common.prefix())).collect(),
            next: owned(page.next_continuation_token()),
        })
    }

    /// Whether an object is there.
    pub(crate) async fn exists(&self, key: &str) -> Result<bool, Failure> {
        Ok(self.head(key).await?.is_some())
    }

    /// When an object was last written; `None` where there is none.
    pub(crate) async fn last_modified(&self, key: &str) -> Result<Option<Timestamp>, Failure> {
        let modified = self.head(key).await?.and_then(|head| head.last_modified);
        Ok(modified.and_then(|time| Timestamp::from_second(time.secs()).ok()))
    }

    /// The size of an object in bytes, if there is one.
    pub(crate) async fn size(&self, key: &str) -> Result<Option<u64>, Failure> {
        let size = |head: HeadObjectOutput| head.content_length.and_then(|size| size.try_into().ok());
        Ok(self.head(key).await?.map(|head| size(head).unwrap_or_default()))
    }

    /// The entity tag of an object, if there is one.
    pub(crate) async fn tag(&self, key: &str) -> Result<Option<ETag>, Failure> {
        let tag = self.head(key).await?.and_then(|head| head.e_tag);
        Ok(tag.map(ETag::from))
    }

    async fn head(&self, key: &str) -> Result<Option<HeadObjectOutput>, Failure> {
        let request = self.clients.s3().await.head_object().bucket(&self.config.bucket).key(key);
        match with_customer_key!(request, self.config).send().await {
            Ok(head) => Ok(Some(head)),
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => Ok(None),
            Err(error) => Err(self.clients.failure(Service::S3, &error)),
        }
    }

    /// Whether the bucket keeps versions; `None` where the caller may not know.
    pub(crate) async fn versioning(&self) -> Option<bool> {
        let client = self.clients.s3().await;
        let answer = client.get_bucket_versioning().bucket(&self.config.bucket).send().await.ok()?;
        Some(answer.status().is_some_and(|status| status.as_str() == "Enabled"))
    }

    /// An error of a request to this bucket, with a missing bucket told apart.
    pub(crate) fn error(&self, failure: Failure, message: String) -> Error {
        if failure.is("NoSuchBucket") {
            let bucket = &self.config.bucket;
            return failure
                .into_error_of(ErrorKind::Unavailable, format!("{message}: there is no bucket `{bucket}`"))
                .hint("create it, or correct `bucket`; one created within the last minute may take another");
        }
        failure.into_error(message)
    }

    /// The URL of a state.
    pub(crate) fn state_url(&self, key: &StateKey) -> String {
        self.url(key.as_str())
    }
}

fn listed(object: &aws_sdk_s3::types::Object) -> ListedObject {
    ListedObject {
        key: object.key().unwrap_or_default().to_owned(),
        size_bytes: object.size().and_then(|size| size.try_into().ok()).unwrap_or_default(),
        etag: object.e_tag().map(str::to_owned),
        modified: object.last_modified().and_then(|time| Timestamp::from_second(time.secs()).ok()),
    }
}

/// The size of the whole object, by what the answer says of the part or of the body that it has.
fn size_of(output: &GetObjectOutput) -> Option<u64> {
    match output.content_range() {
        Some(range) => range.rsplit_once('/')?.1.parse().ok(),
        None => output.content_length()?.try_into().ok(),
    }
}

/// Entity tag and facts of an answer whose body isn't read yet.
pub(crate) fn facts(output: &GetObjectOutput) -> (Option<ETag>, Facts) {
    let text = |name: &str| output.metadata().and_then(|metadata| metadata.get(name)).map(String::as_str);
    let decoded = |name| text(name).map(provenance::decoded);
    let number = |name| text(name).and_then(|number| number.parse().ok());
    let metadata = Metadata {
        digest: text(meta::DIGEST).and_then(StateDigest::from_hex),
        parent: text(meta::PARENT).and_then(StateDigest::from_hex),
        write_id: text(meta::WRITE_ID).map(str::to_owned),
        who: decoded(meta::WHO),
        from: decoded(meta::FROM),
        run: decoded(meta::RUN),
        serial: number(meta::SERIAL),
        parent_serial: number(meta::PARENT_SERIAL),
        changes: text(meta::CHANGES).and_then(provenance::changes),
        resources: number(meta::RESOURCES),
        lock: decoded(meta::LOCK),
    };
    let version_id = output.version_id().map(|id| VersionId::from(id.to_owned()));
    let modified = output.last_modified().and_then(|time| Timestamp::from_second(time.secs()).ok());
    let size_bytes = size_of(output);
    (
        output.e_tag().map(|tag| ETag::from(tag.to_owned())),
        Facts { version_id, modified, size_bytes, metadata },
    )
}
