//! The requests that change the table, and the wait until it can be used.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoverySpecification,
    ScalarAttributeType,
};

use super::apply::{Outcome, Stop, TRIES, incomplete, waits};
use super::inspect::described;
use super::plan::Plan;
use crate::aws::Service;
use crate::error::{Error, ErrorKind};
use crate::lock::LOCK_ID;

impl Plan {
    fn table_name(&self) -> &str {
        self.config().table.as_deref().unwrap_or_default()
    }

    pub(super) async fn create_table(&self) -> Result<Outcome, Stop> {
        let key = KeySchemaElement::builder().attribute_name(LOCK_ID).key_type(KeyType::Hash);
        let attribute =
            AttributeDefinition::builder().attribute_name(LOCK_ID).attribute_type(ScalarAttributeType::S);
        let client = self.backend.clients.dynamodb().await;
        let request = client
            .create_table()
            .table_name(self.table_name())
            .billing_mode(BillingMode::PayPerRequest)
            .deletion_protection_enabled(true)
            .key_schema(key.build().map_err(incomplete)?)
            .attribute_definitions(attribute.build().map_err(incomplete)?);
        let answer = request.send().await;
        if let Err(failure) = self.failed(Service::DynamoDb, answer) {
            if failure.is("ResourceInUseException") {
                let message = format!("table `{}` appeared since the plan was made", self.table_name());
                let error = failure.into_error_of(ErrorKind::Conflict, message);
                return Err(Stop::Refused(error.hint("`s3tate bootstrap` shows whether it can be used")));
            }
            return Err(failure.into());
        }
        self.wait_until_active().await?;
        Ok(Outcome::Done)
    }

    /// Asks for the table until it can be used, and no more often than it makes sense.
    pub(super) async fn wait_until_active(&self) -> Result<(), Stop> {
        let mut waits = waits();
        let status = loop {
            let client = self.backend.clients.dynamodb().await;
            let answer = client.describe_table().table_name(self.table_name()).send().await;
            let status = match self.failed(Service::DynamoDb, answer) {
                Ok(answer) => answer.table.map(|table| described(&table).status).unwrap_or_default(),
                // A table that was created a moment ago may not be known everywhere.
                Err(failure) if failure.is("ResourceNotFoundException") => "unknown".to_owned(),
                Err(failure) => return Err(failure.into()),
            };
            if status == "ACTIVE" {
                return Ok(());
            }
            let Some(wait) = waits.next() else { break status };
            self.backend.env.sleep(wait).await;
        };
        let message = format!("table `{}` is still {}", self.table_name(), status.to_lowercase());
        Err(Stop::Refused(
            Error::new(ErrorKind::Unavailable, message)
                .fact("asked", format!("{TRIES} times"))
                .hint("run the same command again in a while; it goes on from here"),
        ))
    }

    /// Protection is asked for when the table is created; a store that doesn't know it leaves it out.
    pub(super) async fn is_protected(&self) -> Result<Outcome, Stop> {
        let client = self.backend.clients.dynamodb().await;
        let answer = client.describe_table().table_name(self.table_name()).send().await;
        let table = self.failed(Service::DynamoDb, answer)?.table;
        let protected = table.is_some_and(|table| described(&table).protected);
        Ok(if protected { Outcome::Done } else { Outcome::Unsupported })
    }

    pub(super) async fn enable_recovery(&self) -> Result<(), Stop> {
        let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true);
        let on = on.build().map_err(incomplete)?;
        let client = self.backend.clients.dynamodb().await;
        let request = client.update_continuous_backups().table_name(self.table_name());
        let answer = request.point_in_time_recovery_specification(on).send().await;
        self.failed(Service::DynamoDb, answer)?;
        Ok(())
    }
}
