//! DynamoDB.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TableStatus, TransactWriteItem,
};
use tokio::task::JoinSet;

use crate::endpoint::{Endpoint, TABLE};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_table_is_made_and_described() {
    let endpoint = Endpoint::memory().await;
    let table = endpoint.tables.describe_table().table_name(TABLE).send().await.expect("describe");
    let table = table.table().expect("table");
    assert_eq!(table.table_status(), Some(&TableStatus::Active));
    assert_eq!(table.key_schema()[0].attribute_name(), "LockID");
    let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    assert_eq!(mode.map(aws_sdk_dynamodb::types::BillingMode::as_str), Some("PAY_PER_REQUEST"));
    let backups =
        endpoint.tables.describe_continuous_backups().table_name(TABLE).send().await.expect("backups");
    let recovery =
        backups.continuous_backups_description().and_then(|d| d.point_in_time_recovery_description());
    let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status());
    assert_eq!(status.map(aws_sdk_dynamodb::types::PointInTimeRecoveryStatus::as_str), Some("DISABLED"));
    endpoint.tables.describe_time_to_live().table_name(TABLE).send().await.expect("time to live");
    let missing = endpoint.tables.describe_table().table_name("none").send().await;
    assert_eq!(missing.expect_err("none").code(), Some("ResourceNotFoundException"));
    let missing = endpoint.tables.describe_continuous_backups().table_name("none").send().await;
    assert!(missing.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_item_is_taken_once_and_released_by_its_owner() {
    let endpoint = Endpoint::memory().await;
    let take = |info: &str| {
        let put = endpoint.tables.put_item().table_name(TABLE).item("LockID", text("states/a"));
        put.item("Info", text(info))
            .condition_expression("attribute_not_exists(LockID)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
    take("mine").send().await.expect("free");
    let taken = take("yours").send().await.expect_err("taken").into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(taken) = taken
    else {
        panic!("{taken:?}");
    };
    assert_eq!(taken.item().and_then(|item| item.get("Info")), Some(&text("mine")));
    let release = |info: &str| {
        let delete = endpoint.tables.delete_item().table_name(TABLE).key("LockID", text("states/a"));
        delete.condition_expression("Info = :i").expression_attribute_values(":i", text(info))
    };
    let foreign = release("yours").send().await.expect_err("not the owner");
    assert_eq!(foreign.code(), Some("ConditionalCheckFailedException"));
    release("mine").send().await.expect("the owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_32_racing_locks_wins() {
    let endpoint = Endpoint::memory().await;
    let mut takers = JoinSet::new();
    for taker in 0..32 {
        let put = endpoint.tables.put_item().table_name(TABLE).item("LockID", text("states/a"));
        let put =
            put.item("Info", text(&taker.to_string())).condition_expression("attribute_not_exists(LockID)");
        takers.spawn(put.send());
    }
    let won = takers.join_all().await.into_iter().flatten().count();
    assert_eq!(won, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_writes_all_or_nothing() {
    let endpoint = Endpoint::memory().await;
    let put = endpoint.tables.put_item().table_name(TABLE).item("LockID", text("states/a"));
    put.item("Info", text("mine")).send().await.expect("lock");
    let finish = |info: &str| {
        let digest = Put::builder().table_name(TABLE).item("LockID", text("states/a-md5"));
        let digest = digest.item("Digest", text("d")).build().expect("put");
        let lock = Delete::builder()
            .table_name(TABLE)
            .key("LockID", text("states/a"))
            .condition_expression("Info = :i")
            .expression_attribute_values(":i", text(info))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .expect("delete");
        let write = endpoint.tables.transact_write_items();
        write
            .transact_items(TransactWriteItem::builder().put(digest).build())
            .transact_items(TransactWriteItem::builder().delete(lock).build())
    };
    let digest = || async {
        let get = endpoint.tables.get_item().table_name(TABLE).key("LockID", text("states/a-md5"));
        get.consistent_read(true).send().await.expect("get").item
    };
    let refused = finish("yours").send().await.expect_err("not the owner").into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        refused,
    ) = refused
    else {
        panic!("{refused:?}");
    };
    let reasons: Vec<_> = refused.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(reasons, ["None", "ConditionalCheckFailed"]);
    let old = refused.cancellation_reasons()[1].item().and_then(|item| item.get("Info"));
    assert_eq!(old, Some(&text("mine")));
    assert_eq!(digest().await, None, "rolled back");
    finish("mine").send().await.expect("the owner");
    assert!(digest().await.is_some());
}
