//! What is in those versions of a state that matter.

use futures::{StreamExt as _, stream};

use crate::digest::StateDigest;
use crate::versions::Versions;
use crate::workspace::Workspace;

/// How many versions are read to see what is in them.
const READ_AT_MOST: usize = 10;
/// How many bytes are read for that.
const READ_BYTES_AT_MOST: u64 = 64 << 20;
/// How many are read at a time.
const CONCURRENT_READS: usize = 4;

/// Reads the newest of the earlier versions. Those that are too many, too large or not to be had stay as listed.
pub(super) async fn read(workspace: &Workspace, versions: &mut Versions) {
    let mut left = READ_BYTES_AT_MOST;
    let wanted = versions.all.iter_mut().filter(|version| !version.latest && !version.deleted);
    let wanted = wanted.take(READ_AT_MOST).filter(|version| {
        let fits = version.size_bytes <= left;
        left = left.saturating_sub(version.size_bytes);
        fits
    });
    let bucket = workspace.bucket();
    let key = workspace.key.as_str();
    let bucket = &bucket;
    stream::iter(wanted)
        .for_each_concurrent(CONCURRENT_READS, |version| async move {
            if let Ok(Some(body)) = bucket.get_version(key, &version.id).await {
                version.digest = Some(StateDigest::of(&body.bytes));
                version.body = Some(body);
            }
        })
        .await;
}
