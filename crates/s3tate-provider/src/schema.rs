//! What the provider has to offer: its own arguments, its data sources and ephemeral resources.

use s3tate::config::attributes::{ATTRIBUTES, Attribute as Known, Kind, Since};
use s3tate::state::Type;

use crate::proto::tfplugin6::get_provider_schema::Response;
use crate::proto::tfplugin6::schema::object::NestingMode;
use crate::proto::tfplugin6::schema::{Attribute, Block, Object};
use crate::proto::tfplugin6::{Schema, ServerCapabilities};

/// How an attribute comes by its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The user may give it.
    Optional,
    /// We give it.
    Computed,
}

/// An attribute of a data source.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) ty: Type,
    pub(crate) from: From,
    pub(crate) sensitive: bool,
    pub(crate) help: &'static str,
}

impl Field {
    /// One that the user may give.
    pub(crate) fn optional(name: &'static str, ty: Type, help: &'static str) -> Self {
        Self { name, ty, from: From::Optional, sensitive: false, help }
    }

    /// One that we give.
    pub(crate) fn computed(name: &'static str, ty: Type, help: &'static str) -> Self {
        Self { from: From::Computed, ..Self::optional(name, ty, help) }
    }

    /// The same, hidden wherever it is shown.
    pub(crate) fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }
}

/// The type of the object that a block's value is.
pub(crate) fn object_type(fields: &[Field]) -> Type {
    Type::Object(fields.iter().map(|field| (field.name.to_owned(), field.ty.clone())).collect())
}

/// The type of the provider's own configuration.
pub(crate) fn provider_type() -> Type {
    members_type(ATTRIBUTES)
}

/// Everything that the client asks for at once.
pub(crate) fn all() -> Response {
    let (remote_state, state_info) = (crate::remote_state::fields(), crate::state_info::fields());
    let outputs = "The root outputs of another state, read as far as they reach.";
    let facts = "What a state says of itself before its content, and who holds its lock.";
    Response {
        provider: Some(provider()),
        server_capabilities: Some(ServerCapabilities {
            get_provider_schema_optional: true,
            ..ServerCapabilities::default()
        }),
        data_source_schemas: [
            (crate::remote_state::TYPE.to_owned(), schema(&remote_state, outputs)),
            (crate::state_info::TYPE.to_owned(), schema(&state_info, facts)),
        ]
        .into(),
        ephemeral_resource_schemas: [(crate::remote_state::TYPE.to_owned(), schema(&remote_state, outputs))]
            .into(),
        state_store_schemas: [(crate::state_store::TYPE.to_owned(), crate::state_store::schema())].into(),
        ..Response::default()
    }
}

fn schema(fields: &[Field], help: &str) -> Schema {
    let attributes = fields.iter().map(|field| Attribute {
        name: field.name.to_owned(),
        r#type: field.ty.to_json().into_bytes(),
        description: field.help.to_owned(),
        optional: field.from == From::Optional,
        computed: field.from == From::Computed,
        sensitive: field.sensitive,
        ..Attribute::default()
    });
    block(attributes.collect(), help)
}

/// A schema of these attributes.
pub(crate) fn block(attributes: Vec<Attribute>, help: &str) -> Schema {
    let block = Block { attributes, description: help.to_owned(), ..Block::default() };
    Schema { version: 0, block: Some(block) }
}

fn provider() -> Schema {
    let help = "Where states are kept, for all that don't say otherwise; as in `backend \"s3\"`.";
    block(known_attributes().collect(), help)
}

/// All attributes of the backend, none of them required.
pub(crate) fn known_attributes() -> impl Iterator<Item = Attribute> {
    ATTRIBUTES.iter().map(|known| Attribute { optional: true, required: false, ..of_known(known) })
}

/// An attribute of the backend, or a member of one.
fn of_known(known: &Known) -> Attribute {
    let deprecated = known.replaced_by.is_some() || known.since == Since::Removed;
    let (ty, nested_type) = match known.kind {
        Kind::Object(members) => (None, Some(nested(members))),
        kind => (Some(type_of(kind)), None),
    };
    Attribute {
        name: known.name.to_owned(),
        r#type: ty.map(|ty| ty.to_json().into_bytes()).unwrap_or_default(),
        nested_type,
        description: known.help.to_owned(),
        required: known.required,
        optional: !known.required,
        sensitive: known.secret,
        deprecated,
        deprecation_message: known.replaced_by.map(|new| format!("Use `{new}`.")).unwrap_or_default(),
        ..Attribute::default()
    }
}

fn nested(members: &[Known]) -> Object {
    Object { attributes: members.iter().map(of_known).collect(), nesting: NestingMode::Single.into() }
}

fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::String => Type::String,
        Kind::Bool => Type::Bool,
        Kind::Number => Type::Number,
        Kind::StringSet => Type::Set(Box::new(Type::String)),
        Kind::StringMap => Type::Map(Box::new(Type::String)),
        Kind::Object(members) => members_type(members),
    }
}

fn members_type(members: &[Known]) -> Type {
    Type::Object(members.iter().map(|member| (member.name.to_owned(), type_of(member.kind))).collect())
}
