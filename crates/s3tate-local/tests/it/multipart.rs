//! Uploads in parts.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};
use md5::{Digest, Md5};

use crate::endpoint::{BUCKET, Endpoint, refusal};
use crate::raw::hex;

const MIB: usize = 1 << 20;

async fn create(endpoint: &Endpoint, key: &str) -> String {
    let created = endpoint.s3.create_multipart_upload().bucket(BUCKET).key(key).metadata("k", "v");
    created.send().await.expect("create").upload_id.expect("upload id")
}

async fn upload(endpoint: &Endpoint, key: &str, id: &str, number: i32, body: Vec<u8>) -> CompletedPart {
    let part = endpoint.s3.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number);
    let part = part.body(ByteStream::from(body)).send().await.expect("part");
    CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build()
}

fn document(parts: impl IntoIterator<Item = CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().collect())).build()
}

fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..=250_u8).cycle().map(|byte| byte ^ seed).take(length).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_become_one_object() {
    let endpoint = Endpoint::memory().await;
    let id = create(&endpoint, "big").await;
    let parts = [bytes(1, 5 * MIB), bytes(2, 5 * MIB + 7), bytes(3, 10)];
    let second = upload(&endpoint, "big", &id, 2, parts[1].clone()).await;
    let stale = upload(&endpoint, "big", &id, 1, b"stale".to_vec()).await;
    let first = upload(&endpoint, "big", &id, 1, parts[0].clone()).await;
    let third = upload(&endpoint, "big", &id, 7, parts[2].clone()).await;
    let complete = |parts: Vec<CompletedPart>| {
        let complete = endpoint.s3.complete_multipart_upload().bucket(BUCKET).key("big").upload_id(&id);
        complete.multipart_upload(document(parts))
    };
    let disordered = complete(vec![second.clone(), first.clone()]).send().await;
    assert_eq!(refusal(disordered), (400, "InvalidPartOrder".to_owned()));
    let invalid = complete(vec![stale, second.clone()]).send().await;
    assert_eq!(refusal(invalid), (400, "InvalidPart".to_owned()));
    assert_eq!(refusal(complete(Vec::new()).send().await), (400, "MalformedXML".to_owned()));
    let done = complete(vec![first, second, third]).send().await.expect("complete");
    let mut md5s = Md5::new();
    for part in &parts {
        md5s.update(Md5::digest(part));
    }
    let md5s = hex(&md5s.finalize());
    assert_eq!(done.e_tag(), Some(format!("\"{md5s}-3\"").as_str()));
    assert!(done.version_id().is_some());
    let whole = parts.concat();
    assert!(endpoint.get("big").await.as_ref() == Some(&whole));
    let head = endpoint.s3.head_object().bucket(BUCKET).key("big").send().await.expect("head");
    assert_eq!(head.metadata().and_then(|meta| meta.get("k")).map(String::as_str), Some("v"));
    let get = || endpoint.s3.get_object().bucket(BUCKET).key("big");
    let part = get().part_number(2).send().await.expect("part 2");
    assert_eq!(part.parts_count(), Some(3));
    assert!(part.body.collect().await.expect("body").to_vec() == parts[1]);
    let across = get().range(format!("bytes={}-{}", 5 * MIB - 2, 5 * MIB + 1)).send().await.expect("range");
    assert!(across.body.collect().await.expect("body").to_vec() == whole[5 * MIB - 2..5 * MIB + 2]);
    assert_eq!(refusal(get().part_number(4).send().await), (416, "InvalidPartNumber".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_is_conditional() {
    let endpoint = Endpoint::memory().await;
    let id = create(&endpoint, "a").await;
    let part = upload(&endpoint, "a", &id, 1, b"new".to_vec()).await;
    let complete = || {
        let complete = endpoint.s3.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
        complete.multipart_upload(document([part.clone()]))
    };
    assert_eq!(refusal(complete().if_match("\"x\"").send().await), (404, "NoSuchKey".to_owned()));
    let old = endpoint.put("a", "old").await;
    assert_eq!(refusal(complete().if_none_match("*").send().await), (412, "PreconditionFailed".to_owned()));
    assert_eq!(refusal(complete().if_match("\"x\"").send().await), (412, "PreconditionFailed".to_owned()));
    assert_eq!(endpoint.get("a").await.as_deref(), Some(b"old".as_slice()));
    complete().if_match(old.e_tag().expect("etag")).send().await.expect("unchanged");
    assert_eq!(endpoint.get("a").await.as_deref(), Some(b"new".as_slice()));
    assert_eq!(refusal(complete().send().await), (404, "NoSuchUpload".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_and_parts_are_listed_and_aborted() {
    let endpoint = Endpoint::memory().await;
    let id = create(&endpoint, "dir/a").await;
    create(&endpoint, "dir/b").await;
    create(&endpoint, "z").await;
    for number in 1..=3 {
        upload(&endpoint, "dir/a", &id, number, vec![b'x'; usize::try_from(number).expect("small")]).await;
    }
    let parts = endpoint.s3.list_parts().bucket(BUCKET).key("dir/a").upload_id(&id);
    let page = parts.clone().max_parts(2).send().await.expect("parts");
    assert_eq!((page.parts().len(), page.is_truncated()), (2, Some(true)));
    let marker = page.next_part_number_marker().expect("marker").to_owned();
    let page = parts.part_number_marker(marker).send().await.expect("parts");
    assert_eq!(page.parts().iter().filter_map(aws_sdk_s3::types::Part::size).collect::<Vec<_>>(), [3]);
    let list = || endpoint.s3.list_multipart_uploads().bucket(BUCKET);
    assert_eq!(list().send().await.expect("uploads").uploads().len(), 3);
    let rolled = list().delimiter("/").send().await.expect("uploads");
    assert_eq!((rolled.uploads().len(), rolled.common_prefixes().len()), (1, 1));
    let page = list().max_uploads(1).send().await.expect("uploads");
    assert_eq!((page.uploads()[0].key(), page.is_truncated()), (Some("dir/a"), Some(true)));
    let rest = list()
        .set_key_marker(page.next_key_marker().map(ToOwned::to_owned))
        .set_upload_id_marker(page.next_upload_id_marker().map(ToOwned::to_owned));
    let rest = rest.send().await.expect("uploads");
    assert_eq!(rest.uploads().iter().filter_map(|u| u.key()).collect::<Vec<_>>(), ["dir/b", "z"]);
    let abort = || endpoint.s3.abort_multipart_upload().bucket(BUCKET).key("dir/a").upload_id(&id);
    abort().send().await.expect("abort");
    assert_eq!(refusal(abort().send().await), (404, "NoSuchUpload".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn part_is_copied_from_a_range() {
    let endpoint = Endpoint::memory().await;
    endpoint.put("source", "0123456789").await;
    let id = create(&endpoint, "a").await;
    let copy = endpoint.s3.upload_part_copy().bucket(BUCKET).key("a").upload_id(&id).part_number(1);
    let copy = copy.copy_source("states/source").copy_source_range("bytes=2-5").send().await.expect("copy");
    let etag = copy.copy_part_result.and_then(|result| result.e_tag);
    let first = CompletedPart::builder().part_number(1).set_e_tag(etag).build();
    let second = upload(&endpoint, "a", &id, 2, b"!".to_vec()).await;
    let complete = endpoint.s3.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
    complete.multipart_upload(document([first, second])).send().await.expect("complete");
    assert_eq!(endpoint.get("a").await.as_deref(), Some(b"2345!".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums_of_parts_add_up() {
    let endpoint = Endpoint::memory().await;
    for (algorithm, kind) in [
        (ChecksumAlgorithm::Crc32, ChecksumType::FullObject),
        (ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject),
        (ChecksumAlgorithm::Crc32C, ChecksumType::Composite),
        (ChecksumAlgorithm::Sha256, ChecksumType::Composite),
    ] {
        let s3 = &endpoint.s3;
        let created = s3.create_multipart_upload().bucket(BUCKET).key("a");
        let created = created.checksum_algorithm(algorithm.clone()).checksum_type(kind.clone());
        let id = created.send().await.expect("create").upload_id.expect("id");
        let mut parts = Vec::new();
        for number in 1..=2 {
            let part = s3.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(number);
            let part = part.checksum_algorithm(algorithm.clone()).body(ByteStream::from(bytes(9, MIB)));
            let part = part.send().await.expect("part");
            parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(part.e_tag)
                    .set_checksum_crc32(part.checksum_crc32)
                    .set_checksum_crc32_c(part.checksum_crc32_c)
                    .set_checksum_crc64_nvme(part.checksum_crc64_nvme)
                    .set_checksum_sha256(part.checksum_sha256)
                    .build(),
            );
        }
        let complete = s3.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
        let done = complete.multipart_upload(document(parts)).send().await.expect("complete");
        assert_eq!(done.checksum_type(), Some(&kind));
        let got = s3.get_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled);
        let got = got.send().await.expect("get");
        let shown =
            [got.checksum_crc32(), got.checksum_crc32_c(), got.checksum_crc64_nvme(), got.checksum_sha256()];
        let shown: Vec<String> = shown.into_iter().flatten().map(ToOwned::to_owned).collect();
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].ends_with("-2"), kind == ChecksumType::Composite, "{shown:?}");
        let body = got.body.collect().await.expect("the SDK verifies full-object checksums").to_vec();
        assert!(body == [bytes(9, MIB), bytes(9, MIB)].concat());
    }
}
