//! A look into bucket and table, past every program under test.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::types::{
    BucketVersioningStatus, CompletedMultipartUpload, CompletedPart, VersioningConfiguration,
};
use bytes::Bytes;
use md5::{Digest, Md5};

use crate::REGION;
use crate::runtime::runtime;

/// The size of stock's parts.
const PART_BYTES: usize = 5 << 20;

/// A table item whose attributes are all strings, as locks and digests are.
pub type Item = BTreeMap<String, String>;

/// A stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its ETag, with the quotes.
    pub etag: String,
    /// Its content type.
    pub content_type: String,
    /// Its user metadata.
    pub metadata: BTreeMap<String, String>,
}

/// Everything in bucket and table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Objects by key.
    pub objects: BTreeMap<String, Object>,
    /// Items by their `LockID`.
    pub items: BTreeMap<String, Item>,
}

/// One bucket and one table behind an endpoint.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    bucket: String,
    table: String,
}

impl Store {
    /// Connects to `url`; makes nothing.
    pub fn connect(url: &str, access_key: (&str, &str), bucket: &str, table: &str) -> Self {
        let credentials = Credentials::new(access_key.0, access_key.1, None, None, "test");
        let http = aws_smithy_http_client::Builder::new().build_http();
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url)
            .region(Region::new(REGION))
            .credentials_provider(credentials.clone())
            .http_client(http.clone())
            .force_path_style(true)
            .build();
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url)
            .region(Region::new(REGION))
            .credentials_provider(credentials)
            .http_client(http)
            .build();
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            bucket: bucket.to_owned(),
            table: table.to_owned(),
        }
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Makes the bucket.
    pub fn create_bucket(&self) {
        wait(self.s3.create_bucket().bucket(&self.bucket).send()).expect("the bucket is made");
    }

    /// Lets the bucket keep versions from now on.
    pub fn keep_versions(&self) {
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let request = self.s3.put_bucket_versioning().bucket(&self.bucket);
        wait(request.versioning_configuration(versioning).send()).expect("it keeps versions");
    }

    /// Makes the table with this partition key, a string; stock clients ask for `LockID`.
    pub fn create_table(&self, partition_key: &str) {
        let key = KeySchemaElement::builder().attribute_name(partition_key).key_type(KeyType::Hash);
        let attribute = AttributeDefinition::builder()
            .attribute_name(partition_key)
            .attribute_type(ScalarAttributeType::S);
        let request = self
            .dynamodb
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key.build().expect("a whole key"))
            .attribute_definitions(attribute.build().expect("a whole attribute"));
        wait(request.send()).expect("the table is made");
    }

    /// Reads an object.
    pub fn get(&self, key: &str) -> Option<Object> {
        wait(async {
            let answer = match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    let error = error.into_service_error();
                    assert!(error.is_no_such_key(), "get {key}: {error:?}");
                    return None;
                }
            };
            Some(Object {
                etag: answer.e_tag.unwrap_or_default(),
                content_type: answer.content_type.unwrap_or_default(),
                metadata: answer.metadata.unwrap_or_default().into_iter().collect(),
                bytes: answer.body.collect().await.expect("the body comes").to_vec(),
            })
        })
    }

    /// Reads the bytes of an object that is there.
    #[track_caller]
    pub fn bytes(&self, key: &str) -> Vec<u8> {
        let object = self.get(key);
        object.unwrap_or_else(|| panic!("no object `{key}` among {:?}", self.keys())).bytes
    }

    /// How many versions of an object there are, deletions not counted.
    pub fn versions(&self, key: &str) -> usize {
        let listed = wait(self.s3.list_object_versions().bucket(&self.bucket).prefix(key).send());
        let listed = listed.expect("versions are listed");
        listed.versions().iter().filter(|version| version.key() == Some(key)).count()
    }

    /// Writes an object, whatever is there.
    pub fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.try_put(key, bytes).expect("the object is written");
    }

    /// Writes an object into a bucket that may have gone away.
    ///
    /// # Errors
    /// What the service or the connection had against it.
    pub fn try_put(&self, key: &str, bytes: impl Into<Vec<u8>>) -> Result<(), Box<aws_sdk_s3::Error>> {
        let request = self.s3.put_object().bucket(&self.bucket).key(key).body(bytes.into().into());
        wait(request.send()).map(drop).map_err(|error| Box::new(error.into()))
    }

    /// Writes an object as stock clients write large ones: in parts of 5 MiB, so that its ETag is no MD5.
    pub fn put_in_parts(&self, key: &str, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        wait(async {
            let create = self.s3.create_multipart_upload().bucket(&self.bucket).key(key);
            let id = create.send().await.expect("the upload begins").upload_id.expect("it has an id");
            let mut parts = Vec::new();
            for (number, start) in (1..).zip((0..bytes.len()).step_by(PART_BYTES)) {
                let body = bytes.slice(start..bytes.len().min(start + PART_BYTES));
                let part = self.s3.upload_part().bucket(&self.bucket).key(key).upload_id(&id);
                let sent = part.part_number(number).body(body.into()).send().await;
                let etag = sent.expect("the part is stored").e_tag;
                parts.push(CompletedPart::builder().part_number(number).set_e_tag(etag).build());
            }
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            let complete = self.s3.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(id);
            complete.multipart_upload(parts).send().await.expect("the upload is completed");
        });
    }

    /// How many uploads in parts were begun and neither completed nor aborted.
    pub fn open_uploads(&self) -> usize {
        let listed = wait(self.s3.list_multipart_uploads().bucket(&self.bucket).send());
        listed.expect("uploads are listed").uploads().len()
    }

    /// Deletes an object, if there.
    pub fn delete(&self, key: &str) {
        let request = self.s3.delete_object().bucket(&self.bucket).key(key);
        wait(request.send()).expect("the object is deleted");
    }

    /// The keys of all objects, sorted.
    pub fn keys(&self) -> Vec<String> {
        let mut pages = self.s3.list_objects_v2().bucket(&self.bucket).into_paginator().send();
        wait(async {
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.expect("the bucket is listed");
                keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
            }
            keys
        })
    }

    /// Reads an item.
    pub fn item(&self, lock_id: &str) -> Option<Item> {
        let request = self.dynamodb.get_item().table_name(&self.table).consistent_read(true);
        let request = request.key("LockID", AttributeValue::S(lock_id.to_owned()));
        wait(request.send()).expect("the table answers").item.map(strings)
    }

    /// Writes an item, whatever is there.
    pub fn put_item(&self, item: &Item) {
        self.try_put_item(item).expect("the item is written");
    }

    /// Writes an item through a table that may have gone away.
    ///
    /// # Errors
    /// What the service or the connection had against it.
    pub fn try_put_item(&self, item: &Item) -> Result<(), Box<aws_sdk_dynamodb::Error>> {
        let mut request = self.dynamodb.put_item().table_name(&self.table);
        for (name, value) in item {
            request = request.item(name, AttributeValue::S(value.clone()));
        }
        wait(request.send()).map(drop).map_err(|error| Box::new(error.into()))
    }

    /// Records the digest of the state at `key`.
    pub fn put_digest(&self, key: &str, digest: &str) {
        let members = [("LockID", format!("{}/{key}-md5", self.bucket)), ("Digest", digest.to_owned())];
        self.put_item(&members.map(|(name, value)| (name.to_owned(), value)).into());
    }

    /// Deletes an item, if there.
    pub fn delete_item(&self, lock_id: &str) {
        let request = self.dynamodb.delete_item().table_name(&self.table);
        let request = request.key("LockID", AttributeValue::S(lock_id.to_owned()));
        wait(request.send()).expect("the item is deleted");
    }

    /// The items of the table; it must be small.
    pub fn items(&self) -> Vec<Item> {
        let answer = wait(self.dynamodb.scan().table_name(&self.table).consistent_read(true).send());
        answer.expect("the table answers").items.unwrap_or_default().into_iter().map(strings).collect()
    }

    /// Everything there is, to compare before and after.
    pub fn snapshot(&self) -> Snapshot {
        let objects = self.keys().into_iter().filter_map(|key| Some((key.clone(), self.get(&key)?)));
        let items = self.items().into_iter().map(|item| (item["LockID"].clone(), item));
        Snapshot { objects: objects.collect(), items: items.collect() }
    }

    /// The recorded digest of the state at `key`.
    pub fn digest(&self, key: &str) -> Option<String> {
        self.item(&format!("{}/{key}-md5", self.bucket)).map(|item| item["Digest"].clone())
    }
}

pub(crate) fn wait<F: Future>(call: F) -> F::Output {
    runtime().block_on(call)
}

fn strings(item: HashMap<String, AttributeValue>) -> Item {
    let text = |value: AttributeValue| match value {
        AttributeValue::S(text) => text,
        other => panic!("only strings are expected in this table, not {other:?}"),
    };
    item.into_iter().map(|(name, value)| (name, text(value))).collect()
}

/// MD5 in lower-case hexadecimal, as the digest item has it.
pub fn md5_hex(bytes: &[u8]) -> String {
    format!("{:x}", Bytes::copy_from_slice(&Md5::digest(bytes)))
}
