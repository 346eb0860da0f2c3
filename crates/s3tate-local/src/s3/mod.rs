//! S3: the wire protocol and signatures by `s3s`, the operations on the object database.

mod access;
mod acl;
mod attributes;
mod body;
mod buckets;
pub(crate) mod checksum;
mod complete;
mod condition;
mod configs;
mod copy;
mod crc;
mod delete;
pub(crate) mod encryption;
mod error;
pub(crate) mod front;
mod get;
mod list;
pub(crate) mod meta;
mod parts;
mod put;
mod read;
mod service;
mod tagging;
mod uploads;

use std::sync::Arc;

use s3s::service::{S3Service, S3ServiceBuilder};

pub(crate) use self::buckets::HOME_REGION;
use crate::keyring::Keyring;
use crate::store::Store;

/// The S3 service over `store`, open to the keys of `keyring`.
pub(crate) fn service(store: Store, keyring: Arc<Keyring>) -> S3Service {
    let mut builder = S3ServiceBuilder::new(service::Objects::new(store));
    builder.set_auth(access::Auth::new(Arc::clone(&keyring)));
    builder.set_access(access::Access::new(keyring));
    builder.build()
}
