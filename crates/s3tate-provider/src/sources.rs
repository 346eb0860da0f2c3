//! What can be read, by the names of its types.

use s3tate::state::Type;

use crate::arguments::Configuration;
use crate::backends::Backends;
use crate::diagnostics::{self, Path};
use crate::proto::tfplugin6::{Diagnostic, DynamicValue};
use crate::schema::{self, Field};
use crate::value::Value;
use crate::{remote_state, state_info};

/// One of the types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    RemoteState,
    StateInfo,
}

/// What a read gives: the value, where there is one, and what is to be told.
pub(crate) type Reading = (Option<DynamicValue>, Vec<Diagnostic>);

impl Source {
    /// The data source of this name.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn data(name: &str) -> Result<Self, Vec<Diagnostic>> {
        match name {
            remote_state::TYPE => Ok(Self::RemoteState),
            state_info::TYPE => Ok(Self::StateInfo),
            _ => Err(unknown("data source", name)),
        }
    }

    /// The ephemeral resource of this name.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn ephemeral(name: &str) -> Result<Self, Vec<Diagnostic>> {
        match name {
            remote_state::TYPE => Ok(Self::RemoteState),
            _ => Err(unknown("ephemeral resource", name)),
        }
    }

    fn fields(self) -> Vec<Field> {
        match self {
            Self::RemoteState => remote_state::fields(),
            Self::StateInfo => state_info::fields(),
        }
    }

    fn decoded(self, config: Option<&DynamicValue>) -> Result<(Type, Value), Vec<Diagnostic>> {
        let ty = schema::object_type(&self.fields());
        let config = decode(&ty, config)?;
        Ok((ty, config))
    }

    /// Checks a block; values may be unknown yet, and nothing is sent.
    pub(crate) fn validate(self, config: Option<&DynamicValue>) -> Vec<Diagnostic> {
        match (self, self.decoded(config)) {
            (_, Err(diagnostics)) => diagnostics,
            (Self::RemoteState, Ok((_, config))) => remote_state::validate(&config),
            (Self::StateInfo, Ok((_, config))) => state_info::validate(&config),
        }
    }

    /// Reads what a block asks for.
    ///
    /// # Errors
    /// What is wrong with the block, each at its argument; why the state can't be read.
    pub(crate) async fn read(
        self,
        config: Option<&DynamicValue>,
        provider: &Configuration,
        backends: &Backends,
    ) -> Result<Reading, Vec<Diagnostic>> {
        let (ty, config) = self.decoded(config)?;
        let (value, warnings) = match self {
            Self::RemoteState => remote_state::read(config, provider, backends).await?,
            Self::StateInfo => (state_info::read(config, provider, backends).await?, Vec::new()),
        };
        let state = value.encode(&ty).map_err(|why| {
            vec![diagnostics::error(Path::default(), "the outputs can't be passed on to Terraform", why)]
        })?;
        Ok((Some(state), warnings))
    }
}

fn unknown(what: &str, name: &str) -> Vec<Diagnostic> {
    vec![diagnostics::error(Path::default(), format!("there is no {what} `{name}`"), "")]
}

/// Reads a value that the client encoded.
///
/// # Errors
/// It doesn't fit the schema.
pub(crate) fn decode(ty: &Type, encoded: Option<&DynamicValue>) -> Result<Value, Vec<Diagnostic>> {
    Value::decode(ty, encoded).map_err(|why| {
        let summary = "the configuration doesn't fit the provider's schema";
        vec![diagnostics::error(Path::default(), summary, why)]
    })
}
