//! Backend arguments from the provider's configuration and from a data source's `config`.

use std::collections::BTreeMap;

use s3tate::Problem;
use s3tate::config::value::Value as Literal;
use s3tate::config::{Argument, Arguments, Source};

use crate::diagnostics::{self, Path};
use crate::proto::tfplugin6::Diagnostic;
use crate::value::Value;

/// The place of a data source's arguments in words.
const CONFIG: &str = "the data source's `config`";

/// What the provider's own block gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Configuration {
    pub(crate) arguments: Arguments,
    /// Arguments whose values are to be known later.
    unknown: Vec<String>,
}

impl Configuration {
    /// Takes over the provider's block.
    ///
    /// # Errors
    /// What is wrong with it, each at its argument.
    pub(crate) fn of_provider(config: &Value) -> Result<Self, Vec<Diagnostic>> {
        let given = given(config, "the provider's configuration");
        let unknown = given.unknown.clone();
        Ok(Self { arguments: checked(given, &Path::default())?, unknown })
    }

    /// Lays a data source's `config` over it.
    ///
    /// # Errors
    /// What is wrong with it, each at its argument; what is to be known later and isn't overridden.
    pub(crate) fn with(&self, config: &Value) -> Result<Arguments, Vec<Diagnostic>> {
        self.under(of_config(config)?)
    }

    /// Lays a state store's own arguments over it.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub(crate) fn with_store(&self, config: &Value) -> Result<Arguments, Vec<Diagnostic>> {
        self.under(checked(given(config, "the state store"), &Path::default())?)
    }

    fn under(&self, own: Arguments) -> Result<Arguments, Vec<Diagnostic>> {
        let (mut arguments, unknown) = (self.arguments.clone(), &self.unknown);
        let missing = unknown.iter().find(|name| own.get(name).is_none());
        if let Some(name) = missing {
            let detail = "It depends on something that is created later. Give the value itself, set it in `config`, or let \
                          the data source depend on the same thing, so that it is read after it.";
            let summary = format!("`{name}` of the provider is not known yet; nothing was read");
            return Err(vec![diagnostics::error(Path::default(), summary, detail)]);
        }
        arguments.extend(own);
        Ok(arguments)
    }
}

/// Checks a data source's `config`, whose arguments need not be complete.
///
/// # Errors
/// What is wrong with it, each at its argument.
pub(crate) fn of_config(config: &Value) -> Result<Arguments, Vec<Diagnostic>> {
    let path = Path::of("config");
    match config.inner() {
        Value::Null | Value::Unknown | Value::Mapping(_) => checked(given(config.inner(), CONFIG), &path),
        _ => {
            let detail = "It holds the arguments of the backend by their names.";
            Err(vec![diagnostics::error(path, "`config` must be an object", detail)])
        }
    }
}

/// A data source's `config` as arguments, unchecked.
pub(crate) fn literals(config: &Value) -> Vec<Argument> {
    given(config, CONFIG).known
}

/// Arguments by name, as far as they are known.
struct Given {
    known: Vec<Argument>,
    unknown: Vec<String>,
}

fn given(config: &Value, block: &'static str) -> Given {
    let none = BTreeMap::new();
    let members = if let Value::Mapping(members) = config { members } else { &none };
    let (unknown, known): (Vec<_>, Vec<_>) = members.iter().partition(|(_, value)| value.has_unknown());
    let argument = |(name, value): (&String, &Value)| Argument {
        name: name.clone(),
        value: literal(value),
        source: Source::Block(block),
    };
    Given {
        known: known.into_iter().map(argument).collect(),
        unknown: unknown.into_iter().map(|(name, _)| name.clone()).collect(),
    }
}

fn checked(given: Given, below: &Path) -> Result<Arguments, Vec<Diagnostic>> {
    let told = |problems: &[Problem]| {
        problems.iter().map(|problem| diagnostics::of_problem(problem, below)).collect()
    };
    let arguments =
        Arguments::check(given.known, Vec::new()).map_err(|error| told(error.problems()) as Vec<_>)?;
    match arguments.unfit() {
        problems if problems.is_empty() => Ok(arguments),
        problems => Err(told(&problems)),
    }
}

/// The value as it could stand in a backend block.
fn literal(value: &Value) -> Literal {
    match value {
        Value::Null | Value::Unknown => Literal::Null,
        Value::Bool(truth) => Literal::Bool(*truth),
        Value::Number(number) => Literal::Number(number.to_string()),
        Value::String(text) => Literal::String(text.clone()),
        Value::Sequence(items) => Literal::List(items.iter().map(literal).collect()),
        Value::Mapping(members) => {
            Literal::Map(members.iter().map(|(name, value)| (name.clone(), literal(value))).collect())
        }
        Value::Dynamic(typed) => literal(&typed.1),
    }
}
