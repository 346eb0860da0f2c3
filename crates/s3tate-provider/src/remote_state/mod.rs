//! `s3tate_remote_state`, the data source and the ephemeral resource: the root outputs of another state.
//!
//! Arguments and their meaning are those of `terraform_remote_state`, so that replacing the type's name is all it takes.
//! Source: Terraform 1.11.4, observed.

mod outputs;
mod request;

pub(crate) use request::Request;

use s3tate::ErrorKind;
use s3tate::history::VersionSpec;
use s3tate::remote_state::{Block, Generation};
use s3tate::state::{Outputs, Type, read_outputs};

use crate::arguments::Configuration;
use crate::backends::Backends;
use crate::diagnostics::{self, Path};
use crate::proto::tfplugin6::Diagnostic;
use crate::schema::Field;
use crate::value::Value;
use outputs::merged;
use request::Kind;

/// The name of the type.
pub(crate) const TYPE: &str = "s3tate_remote_state";

/// The attributes.
pub(crate) fn fields() -> Vec<Field> {
    vec![
        Field::optional("backend", Type::String, "`s3`, which needs not be said, or `local`."),
        Field::optional(
            "config",
            Type::Dynamic,
            "Arguments of the backend, laid over those of the provider.",
        ),
        Field::optional("workspace", Type::String, "The workspace to read; `default` where it is left out."),
        Field::optional(
            "defaults",
            Type::Dynamic,
            "Values for outputs that the state lacks, by their names.",
        ),
        Field::optional(
            "only",
            Type::List(Box::new(Type::String)),
            "The outputs to take over; all where it is left out.",
        ),
        Field::optional(
            "version_id",
            Type::String,
            "An earlier version of the state: its id, `serial:N` or `@{TIME}`.",
        ),
        Field::optional(
            "allow_missing",
            Type::Bool,
            "Whether a state that isn't there counts as one without outputs. It is never created.",
        ),
        Field::optional(
            "separate_sensitive",
            Type::Bool,
            "Whether sensitive outputs are left out of `outputs`, and stand in `sensitive_outputs` alone.",
        ),
        Field::computed(
            "outputs",
            Type::Dynamic,
            "The root outputs, with their stored types, over the defaults.",
        ),
        Field::computed("sensitive_outputs", Type::Dynamic, "The outputs that the state calls sensitive.")
            .sensitive(),
    ]
}

/// Checks a block whose values may be unknown yet; nothing is sent.
pub(crate) fn validate(config: &Value) -> Vec<Diagnostic> {
    match Request::parse(config) {
        Ok(request) if request.kind == Kind::S3 => {
            crate::arguments::of_config(&request.config).err().unwrap_or_default()
        }
        Ok(_) => Vec::new(),
        Err(diagnostics) => diagnostics,
    }
}

/// Reads what a block asks for: the block with its outputs filled in, and warnings.
///
/// # Errors
/// What is wrong with the block, each at its argument; why the state can't be read.
pub(crate) async fn read(
    config: Value,
    provider: &Configuration,
    backends: &Backends,
) -> Result<(Value, Vec<Diagnostic>), Vec<Diagnostic>> {
    let request = Request::parse(&config)?;
    let (stored, warnings) = match request.kind {
        Kind::S3 => stored_in_s3(&request, provider, backends).await?,
        Kind::Local => (stored_locally(&request, backends).await?, Vec::new()),
    };
    let outputs = merged(&request, stored)?;
    let Value::Mapping(mut members) = config else { return Err(no_object()) };
    members.insert("outputs".to_owned(), outputs.shown);
    members.insert("sensitive_outputs".to_owned(), outputs.sensitive);
    Ok((Value::Mapping(members), warnings))
}

fn no_object() -> Vec<Diagnostic> {
    vec![diagnostics::error(Path::default(), "there is no configuration", "")]
}

async fn stored_in_s3(
    request: &Request,
    provider: &Configuration,
    backends: &Backends,
) -> Result<(Outputs, Vec<Diagnostic>), Vec<Diagnostic>> {
    let workspace = request.open(provider, backends)?;
    let told = |error: &s3tate::Error| diagnostics::of_error(error, &Path::default());
    let at_version = |error: &s3tate::Error| diagnostics::of_error(error, &Path::of("version_id"));
    let document = match &request.version {
        None => workspace.outputs().await.map_err(|error| told(&error))?,
        Some(version) => {
            let spec =
                VersionSpec::parse(version, backends.env().now()).map_err(|error| at_version(&error))?;
            let bytes = workspace.version(&spec).await.map_err(|error| match error.kind() {
                ErrorKind::NotFound => at_version(&error),
                _ => told(&error),
            })?;
            let unreadable = |cause: s3tate::state::StateError| {
                let message = format!("version {spec} of `{}` can't be read as a state", workspace.url());
                told(&s3tate::Error::new(ErrorKind::Corrupt, message).with_source(cause))
            };
            read_outputs(&bytes).map_err(unreadable)?
        }
    };
    let warnings = workspace.backend().config().warnings.iter().map(diagnostics::warning).collect();
    match document {
        Some(document) => Ok((document.outputs, warnings)),
        None if request.allow_missing => Ok((Outputs::default(), warnings)),
        None => Err(missing(&workspace.url(), workspace.name().as_str())),
    }
}

/// A state in a file, by the rules of the backend `local`.
async fn stored_locally(request: &Request, backends: &Backends) -> Result<Outputs, Vec<Diagnostic>> {
    let block = Block {
        backend: "local".to_owned(),
        config: request.literal_config(),
        workspace: request.workspace.clone(),
        // A missing state is judged here.
        generation: Generation::Modern,
        ..Block::of_arguments(&s3tate::config::Arguments::default())
    };
    match s3tate::remote_state::read(block, backends.env()).await {
        Ok(read) => Ok(read.outputs),
        Err(error) if error.kind() == ErrorKind::NotFound && request.allow_missing => Ok(Outputs::default()),
        Err(error) => Err(diagnostics::of_error(&error, &Path::default())),
    }
}

fn missing(url: &str, workspace: &str) -> Vec<Diagnostic> {
    let summary = format!("there is no state at `{url}`");
    let detail = format!(
        "workspace: {workspace}\nNothing was created.\n\nhint: `s3tate workspace list` shows the workspaces that exist; \
         with `allow_missing = true` a state that isn't there has the outputs of `defaults`"
    );
    vec![diagnostics::error(Path::default(), summary, detail)]
}
