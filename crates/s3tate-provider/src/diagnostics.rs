//! Errors and warnings as the client shows them, at the argument that they are about.

use s3tate::{Error, Problem};

use crate::proto::tfplugin6::attribute_path::Step;
use crate::proto::tfplugin6::attribute_path::step::Selector;
use crate::proto::tfplugin6::diagnostic::Severity;
use crate::proto::tfplugin6::{AttributePath, Diagnostic};

/// What hints for people at a command line mention.
const COMMAND_LINE_OPTION: &str = "-backend-config";

/// Where an argument stands in its block.
#[derive(Debug, Clone, Default)]
pub(crate) struct Path(Vec<Step>);

impl Path {
    /// The argument of this name.
    pub(crate) fn of(name: &str) -> Self {
        Self(vec![Step { selector: Some(Selector::AttributeName(name.to_owned())) }])
    }

    /// An element of a list.
    #[must_use]
    pub(crate) fn at(mut self, index: usize) -> Self {
        let index = i64::try_from(index).unwrap_or_default();
        self.0.push(Step { selector: Some(Selector::ElementKeyInt(index)) });
        self
    }
}

/// An error at an argument; at the block where the path is empty.
pub(crate) fn error(path: Path, summary: impl Into<String>, detail: impl Into<String>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error.into(),
        summary: summary.into(),
        detail: detail.into(),
        attribute: (!path.0.is_empty()).then_some(AttributePath { steps: path.0 }),
    }
}

/// A warning about the whole block.
pub(crate) fn warning(summary: impl Into<String>) -> Diagnostic {
    Diagnostic { severity: Severity::Warning.into(), ..error(Path::default(), summary, "") }
}

/// A problem with an argument below `below`, or of the block where that is empty.
///
/// It is shown at the argument of the block, no deeper: clients don't find members of a value, and would show the block.
pub(crate) fn of_problem(problem: &Problem, below: &Path) -> Diagnostic {
    let outermost = problem.attribute.as_deref().and_then(|names| names.split('.').next());
    let path = if below.0.is_empty() { outermost.map(Path::of).unwrap_or_default() } else { below.clone() };
    let hint = problem.hint.as_deref().map(|hint| match &problem.attribute {
        // Here is no command line to give it on.
        Some(name) if hint.contains(COMMAND_LINE_OPTION) => {
            format!("hint: set `{name}` here, or in the provider's block")
        }
        _ => format!("hint: {hint}"),
    });
    let lines = [problem.why.clone(), hint];
    error(path, &problem.message, lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

/// An error of the library: its problems one by one, or what it says with its facts, causes and hint.
pub(crate) fn of_error(error: &Error, below: &Path) -> Vec<Diagnostic> {
    match error.problems() {
        [] => vec![self::error(below.clone(), error.to_string(), detail(error))],
        problems => problems.iter().map(|problem| of_problem(problem, below)).collect(),
    }
}

fn detail(error: &Error) -> String {
    let mut lines: Vec<_> = error.facts().map(|(label, value)| format!("{label}: {value}")).collect();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        lines.push(format!("cause: {cause}"));
        source = cause.source();
    }
    if let Some(hint) = error.hint_text() {
        lines.push(format!("\nhint: {hint}"));
    }
    lines.join("\n")
}
