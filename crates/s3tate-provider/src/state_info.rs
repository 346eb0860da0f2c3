//! `s3tate_state_info`, the data source: what a state says of itself before its content, and who holds its lock.

use std::collections::BTreeMap;

use s3tate::lock::Holder;
use s3tate::state::{Number, Type};
use s3tate::{StateInfo, Workspace};

use crate::arguments::Configuration;
use crate::backends::Backends;
use crate::diagnostics::{self, Path};
use crate::proto::tfplugin6::Diagnostic;
use crate::remote_state::Request;
use crate::schema::Field;
use crate::value::Value;

/// The name of the type.
pub(crate) const TYPE: &str = "s3tate_state_info";

/// The attributes.
pub(crate) fn fields() -> Vec<Field> {
    vec![
        Field::optional(
            "config",
            Type::Dynamic,
            "Arguments of the backend, laid over those of the provider.",
        ),
        Field::optional("workspace", Type::String, "The workspace; `default` where it is left out."),
        Field::computed("exists", Type::Bool, "Whether there is a state; without one all below is null."),
        Field::computed("url", Type::String, "Where it is kept: `s3://BUCKET/KEY`."),
        Field::computed("serial", Type::Number, "How often it was written."),
        Field::computed("lineage", Type::String, "What tells it from states of other origin."),
        Field::computed("terraform_version", Type::String, "The version of its last writer."),
        Field::computed("version_id", Type::String, "The object's version, in a bucket that keeps versions."),
        Field::computed("last_modified", Type::String, "When it was stored, RFC 3339, by the store's clock."),
        Field::computed("locked", Type::Bool, "Whether somebody holds its lock."),
        Field::computed("locked_by", Type::String, "Who holds its lock."),
        Field::computed("lock_id", Type::String, "The lock's id."),
        Field::computed("lock_operation", Type::String, "What the lock is held for."),
    ]
}

/// Checks a block whose values may be unknown yet; nothing is sent.
pub(crate) fn validate(config: &Value) -> Vec<Diagnostic> {
    match Request::parse(config) {
        Ok(request) => crate::arguments::of_config(&request.config).err().unwrap_or_default(),
        Err(diagnostics) => diagnostics,
    }
}

/// Reads what a block asks for: the block with the facts filled in.
///
/// # Errors
/// What is wrong with the block, each at its argument; why the state can't be read.
pub(crate) async fn read(
    config: Value,
    provider: &Configuration,
    backends: &Backends,
) -> Result<Value, Vec<Diagnostic>> {
    let workspace = Request::parse(&config)?.open(provider, backends)?;
    let info = workspace.info().await.map_err(|error| diagnostics::of_error(&error, &Path::default()))?;
    let mut members = if let Value::Mapping(members) = config { members } else { BTreeMap::new() };
    members.extend(facts(&workspace, info.as_ref()).map(|(name, value)| (name.to_owned(), value)));
    Ok(Value::Mapping(members))
}

fn facts(workspace: &Workspace, info: Option<&StateInfo>) -> [(&'static str, Value); 11] {
    let header = info.map(|info| &info.header);
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let holder = info.and_then(|info| info.holders.first());
    let record = holder.and_then(|holder| holder.info.as_ref());
    let serial = header.and_then(|header| Number::parse(&header.serial.to_string()));
    [
        ("exists", Value::Bool(info.is_some())),
        ("url", Value::String(workspace.url())),
        ("serial", serial.map_or(Value::Null, Value::Number)),
        ("lineage", Value::text(header.and_then(|header| some(&header.lineage)))),
        ("terraform_version", Value::text(header.and_then(|header| some(&header.terraform_version)))),
        ("version_id", Value::text(info.and_then(|info| info.version_id.as_ref()).map(ToString::to_string))),
        ("last_modified", Value::text(info.and_then(|info| info.modified).map(|time| time.to_string()))),
        ("locked", info.map_or(Value::Null, |info| Value::Bool(!info.holders.is_empty()))),
        ("locked_by", Value::text(holder.map(who))),
        ("lock_id", Value::text(record.map(|record| record.id.clone()))),
        ("lock_operation", Value::text(record.map(|record| record.operation.clone()))),
    ]
}

/// Who holds a lock; where the record can't be read, where it is.
fn who(holder: &Holder) -> String {
    holder.info.as_ref().map_or_else(|| holder.place.clone(), |record| record.who.clone())
}
