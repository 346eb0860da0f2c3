//! Locks and digests of many states, a hundred items a request.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::aws::{Failure, Service};
use crate::backend::Backend;
use crate::digest::StateDigest;
use crate::digest_item::DIGEST;
use crate::error::Result;
use crate::lock::{Holder, INFO, LOCK_ID, table_error};
use crate::names::StateKey;

/// How many items one request of `BatchGetItem` takes.
const BATCH: usize = 100;
/// How many of those are sent at a time.
const CONCURRENT_BATCHES: usize = 8;
/// How often what a busy table left out is asked for again.
const ATTEMPTS: u32 = 8;
/// The longest pause before the first of those, doubled each time.
const PAUSE: Duration = Duration::from_millis(50);

type Item = HashMap<String, AttributeValue>;

/// Items by their id.
#[derive(Debug, Default)]
pub(super) struct Items(HashMap<String, Item>);

impl Items {
    /// The lock in the table.
    pub(super) fn locks(&self, backend: &Backend, key: &str) -> Vec<Holder> {
        let key = StateKey::of_object(key);
        let found = self.0.get(&key.lock_path(&backend.config.bucket).to_string());
        let lock = backend.lock_item(&key).zip(found.filter(|item| !item.contains_key(DIGEST)));
        lock.map(|(lock, item)| lock.holder_of(item)).into_iter().collect()
    }

    /// The recorded digest.
    pub(super) fn digest(&self, backend: &Backend, key: &str) -> Option<StateDigest> {
        let path = StateKey::of_object(key).lock_path(&backend.config.bucket);
        StateDigest::from_hex(self.0.get(&path.digest_id())?.get(DIGEST)?.as_s().ok()?)
    }
}

/// The items of these states; none without a table.
///
/// # Errors
/// Failures of the table. Where many items at once are denied, each is asked for alone.
pub(super) async fn items(backend: &Backend, keys: &[String]) -> Result<Items> {
    let Some(table) = &backend.config.table else { return Ok(Items::default()) };
    let ids: Vec<String> = keys
        .iter()
        .flat_map(|key| {
            let path = StateKey::of_object(key).lock_path(&backend.config.bucket);
            [path.to_string(), path.digest_id()]
        })
        .collect();
    let batches: Vec<_> = ids.chunks(BATCH).map(|ids| batch(backend, table, ids)).collect();
    let found: Result<Vec<_>, Failure> =
        futures::stream::iter(batches).buffered(CONCURRENT_BATCHES).try_collect().await;
    let found = match found {
        Err(failure) if failure.denied() => one_by_one(backend, table, &ids).await,
        found => found.map(|batches| batches.into_iter().flatten().collect()),
    };
    let found = found.map_err(|failure| table_error(failure, table, "can't read locks and digests"))?;
    let by_id = found.into_iter().filter_map(|item| Some((item.get(LOCK_ID)?.as_s().ok()?.clone(), item)));
    Ok(Items(by_id.collect()))
}

async fn batch(backend: &Backend, table: &str, ids: &[String]) -> Result<Vec<Item>, Failure> {
    let mut found = Vec::new();
    let keys = ids.iter().map(|id| HashMap::from([(LOCK_ID.to_owned(), AttributeValue::S(id.clone()))]));
    let mut asked = Some(keys.collect::<Vec<_>>());
    for attempt in 0..ATTEMPTS {
        let Some(keys) = asked.take() else { break };
        if attempt > 0 {
            backend.env.sleep(backend.env.jitter(PAUSE * 2_u32.pow(attempt))).await;
        }
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .projection_expression(format!("{LOCK_ID}, {INFO}, {DIGEST}"))
            .consistent_read(true)
            .build();
        let wanted = wanted.map_err(|error| Failure::interrupted(Service::DynamoDb, error.to_string()))?;
        let client = backend.clients.dynamodb().await;
        let sent = client.batch_get_item().request_items(table, wanted).send().await;
        let answer = sent.map_err(|error| backend.clients.failure(Service::DynamoDb, &error))?;
        found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
        let left = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys);
        asked = Some(left.collect()).filter(|keys: &Vec<_>| !keys.is_empty());
    }
    match asked {
        None => Ok(found),
        Some(_) => Err(Failure::interrupted(Service::DynamoDb, "the table is too busy to answer".to_owned())),
    }
}

async fn one_by_one(backend: &Backend, table: &str, ids: &[String]) -> Result<Vec<Item>, Failure> {
    let gets: Vec<_> = ids
        .iter()
        .map(|id| async move {
            let client = backend.clients.dynamodb().await;
            let get = client.get_item().table_name(table).key(LOCK_ID, AttributeValue::S(id.clone()));
            let get = get.projection_expression(format!("{LOCK_ID}, {INFO}, {DIGEST}")).consistent_read(true);
            let sent = get.send().await;
            sent.map(|answer| answer.item).map_err(|error| backend.clients.failure(Service::DynamoDb, &error))
        })
        .collect();
    let items = futures::stream::iter(gets).buffered(BATCH / 4);
    items.try_filter_map(futures::future::ok).try_collect().await
}
