//! The store's arguments: those of the backend, and how long a lock is waited for.

use s3tate::state::Type;

use super::LOCK_TIMEOUT;
use crate::proto::tfplugin6::Schema;
use crate::proto::tfplugin6::schema::Attribute;
use crate::schema::{block, known_attributes, provider_type};

/// The schema.
pub(crate) fn schema() -> Schema {
    let timeout = Attribute {
        name: LOCK_TIMEOUT.to_owned(),
        r#type: Type::String.to_json().into_bytes(),
        description: "How long to wait for a lock that somebody else holds, such as `90s`.".to_owned(),
        optional: true,
        ..Attribute::default()
    };
    block(known_attributes().chain([timeout]).collect(), "States as the backend `s3` keeps them.")
}

/// The type of its configuration.
pub(super) fn object_type() -> Type {
    match provider_type() {
        Type::Object(mut types) => {
            types.insert(LOCK_TIMEOUT.to_owned(), Type::String);
            Type::Object(types)
        }
        other => other,
    }
}
