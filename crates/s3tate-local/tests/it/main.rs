//! The endpoint as clients see it: the official SDK and raw HTTP against an in-process [`s3tate_local::Local`].
#![allow(clippy::doc_markdown, reason = "DynamoDB, SQLite and ETag are names, not code")]

mod endpoint;
mod raw;

mod buckets;
mod checksums;
mod conditions;
mod copies;
mod encryption;
mod identity;
mod listings;
mod multipart;
mod objects;
mod stopping;
mod storage;
mod tables;
mod versions;
