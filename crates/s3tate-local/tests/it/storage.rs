//! The data directory: what outlives the endpoint, and who may use it.

use std::net::SocketAddr;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use s3tate_local::{Local, LocalError, Options, Storage};

use crate::endpoint::{BUCKET, Endpoint, TABLE, options};

fn id(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_but_temporary_keys_outlives_a_restart() {
    let directory = tempfile::tempdir().expect("directory");
    let endpoint = Endpoint::directory(directory.path()).await;
    let put = endpoint.put("a", "1").await;
    endpoint.put("a", "2").await;
    endpoint.tables.put_item().table_name(TABLE).item("LockID", id("x")).send().await.expect("put item");
    let key = endpoint.local.access_key().clone();
    endpoint.local.stop().await;
    let files: Vec<_> = std::fs::read_dir(directory.path()).expect("directory").flatten().collect();
    let mut files: Vec<_> = files.iter().map(|file| file.file_name().into_string().expect("UTF-8")).collect();
    files.sort();
    assert_eq!(files, ["access-key.json", "lock", "objects.sqlite3", "tables.sqlite3"], "no log is left");

    let endpoint = Endpoint::directory(directory.path()).await;
    assert_eq!(
        (&endpoint.local.access_key().id, endpoint.local.access_key().secret()),
        (&key.id, key.secret())
    );
    assert_eq!(endpoint.get("a").await.as_deref(), Some(b"2".as_slice()));
    let old = endpoint.s3.get_object().bucket(BUCKET).key("a").version_id(put.version_id().expect("id"));
    assert!(old.send().await.is_ok());
    let got =
        endpoint.tables.get_item().table_name(TABLE).key("LockID", id("x")).send().await.expect("get item");
    assert!(got.item().is_some());
    endpoint.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_endpoint_on_the_same_directory_or_port_is_refused() {
    let directory = tempfile::tempdir().expect("directory");
    let endpoint = Endpoint::directory(directory.path()).await;
    let second = Local::start(options(Storage::Directory(directory.path().to_owned()))).await;
    let second = second.expect_err("held");
    assert!(matches!(second, LocalError::DirectoryHeld { .. }), "{second:?}");
    assert!(second.to_string().contains("held by another process"));
    let mut busy = Options::new(Storage::Memory);
    busy.listen = endpoint.local.addr();
    let busy = Local::start(busy).await.expect_err("port in use");
    assert!(matches!(busy, LocalError::PortInUse { .. }), "{busy:?}");
    let addr = endpoint.local.addr();
    endpoint.local.stop().await;
    let mut again = options(Storage::Directory(directory.path().to_owned()));
    again.listen = addr;
    Local::start(again).await.expect("free again, port and directory").stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("made/here");
    Endpoint::directory(&path).await.local.stop().await;
    let mode = |path: &std::path::Path| path.metadata().expect("metadata").permissions().mode() & 0o777;
    for file in ["access-key.json", "objects.sqlite3", "tables.sqlite3"] {
        assert_eq!(mode(&path.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&path), 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_or_broken_files_are_refused_and_left_alone() {
    let directory = tempfile::tempdir().expect("directory");
    Endpoint::directory(directory.path()).await.local.stop().await;
    let start = || Local::start(options(Storage::Directory(directory.path().to_owned())));
    let objects = directory.path().join("objects.sqlite3");
    let database = rusqlite::Connection::open(&objects).expect("database");
    database.pragma_update(None, "user_version", 99).expect("version");
    drop(database);
    let newer = start().await.expect_err("newer");
    assert!(matches!(newer, LocalError::NewerDatabase { .. }), "{newer:?}");
    std::fs::write(&objects, b"this is no database, and long enough to tell").expect("write");
    let broken = start().await.expect_err("broken");
    assert!(matches!(broken, LocalError::Database { .. }), "{broken:?}");
    std::fs::remove_file(&objects).expect("remove");
    std::fs::write(directory.path().join("access-key.json"), b"{").expect("write");
    let key = start().await.expect_err("no key");
    assert!(matches!(key, LocalError::AccessKeyFile { .. }), "{key:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_tables_are_refused() {
    let directory = tempfile::tempdir().expect("directory");
    Endpoint::directory(directory.path()).await.local.stop().await;
    let database = rusqlite::Connection::open(directory.path().join("tables.sqlite3")).expect("database");
    let changed = database.execute("UPDATE _config SET value = '9999' WHERE key = 'schema_version'", []);
    assert_eq!(changed, Ok(1));
    drop(database);
    let newer = Local::start(options(Storage::Directory(directory.path().to_owned()))).await;
    let newer = newer.expect_err("newer");
    assert!(matches!(newer, LocalError::NewerDatabase { .. }), "{newer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_names_and_places_are_refused() {
    let start = |bucket: &str, table: &str| {
        let mut options = Options::new(Storage::Memory);
        options.buckets.push(bucket.to_owned());
        options.tables.push(table.to_owned());
        Local::start(options)
    };
    let bucket = start("No_Bucket", "locks").await.expect_err("bad bucket");
    assert!(matches!(bucket, LocalError::BadBucketName { .. }), "{bucket:?}");
    let table = start("states", "a/b").await.expect_err("bad table");
    assert!(matches!(table, LocalError::BadTableName { .. }), "{table:?}");
    let file = tempfile::NamedTempFile::new().expect("file");
    let place = Local::start(options(Storage::Directory(file.path().join("below")))).await;
    let place = place.expect_err("below a file");
    assert!(matches!(place, LocalError::DirectoryNotWritable { .. }), "{place:?}");
    let mut elsewhere = Options::new(Storage::Memory);
    elsewhere.listen = SocketAddr::from(([203, 0, 113, 1], 0));
    let elsewhere = Local::start(elsewhere).await.expect_err("not our address");
    assert!(matches!(elsewhere, LocalError::Listen { .. }), "{elsewhere:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_wait_for_the_disk() {
    let directory = tempfile::tempdir().expect("directory");
    Endpoint::directory(directory.path()).await.local.stop().await;
    for file in ["objects.sqlite3", "tables.sqlite3"] {
        let database = rusqlite::Connection::open(directory.path().join(file)).expect("database");
        let journal: String =
            database.pragma_query_value(None, "journal_mode", |row| row.get(0)).expect("pragma");
        assert_eq!(journal, "wal", "{file}");
        let default: i64 =
            database.pragma_query_value(None, "synchronous", |row| row.get(0)).expect("pragma");
        assert_eq!(default, 2, "FULL, which the tables rely on");
    }
}

/// Rows of a table of the object database.
fn count(directory: &tempfile::TempDir, table: &str) -> i64 {
    let database = rusqlite::Connection::open(directory.path().join("objects.sqlite3")).expect("database");
    database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("count")
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_with_their_last_version() {
    let directory = tempfile::tempdir().expect("directory");
    let endpoint = Endpoint::directory(directory.path()).await;
    let bucket = endpoint.plain_bucket().await;
    for size in [10, 9 << 20, 9 << 20] {
        let body = ByteStream::from(vec![b'x'; size]);
        endpoint.s3.put_object().bucket(bucket).key("a").body(body).send().await.expect("put");
    }
    assert_eq!((count(&directory, "blob"), count(&directory, "chunk")), (1, 9));
    endpoint.s3.delete_object().bucket(bucket).key("a").send().await.expect("delete");
    assert_eq!(
        (count(&directory, "blob"), count(&directory, "chunk"), count(&directory, "segment")),
        (0, 0, 0)
    );
    endpoint.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_of_unfinished_uploads_are_swept_at_the_start() {
    let directory = tempfile::tempdir().expect("directory");
    let endpoint = Endpoint::directory(directory.path()).await;
    endpoint.put("kept", "1").await;
    let created = endpoint.s3.create_multipart_upload().bucket(BUCKET).key("u").send().await.expect("create");
    let part = endpoint.s3.upload_part().bucket(BUCKET).key("u").upload_id(created.upload_id().expect("id"));
    part.part_number(1).body(ByteStream::from_static(b"p")).send().await.expect("part");
    endpoint.local.stop().await;
    let database = rusqlite::Connection::open(directory.path().join("objects.sqlite3")).expect("database");
    database
        .execute_batch(
            "INSERT INTO blob (id, dropped) VALUES (1001, 0), (1002, 1);
             INSERT INTO chunk (blob, at, data) VALUES (1001, 0, x'00'), (1002, 0, x'00');",
        )
        .expect("leftovers");
    drop(database);
    assert_eq!(count(&directory, "blob"), 4);
    let endpoint = Endpoint::directory(directory.path()).await;
    assert_eq!(
        (count(&directory, "blob"), count(&directory, "chunk")),
        (2, 2),
        "the object and the part stay"
    );
    assert_eq!(endpoint.get("kept").await.as_deref(), Some(b"1".as_slice()));
    endpoint.local.stop().await;
}
