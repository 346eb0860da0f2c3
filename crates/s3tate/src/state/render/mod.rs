//! How `terraform output` prints outputs, byte for byte as Terraform 1.11 does.
//!
//! Every text ends with one newline, except that [`raw`] adds nothing to the value.

mod human;
mod resource;

pub(super) use resource::resource;

use super::Outputs;
use super::json::{indented, push_quoted};
use super::outputs::Output;
use super::value::Value;

/// What a command about outputs has to print.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// This text, on stdout.
    Text(String),
    /// Nothing: there are no outputs at all, which deserves a warning but is no failure.
    NoOutputs,
}

/// Why an output can't be printed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// No output has this name.
    #[error("output {0:?} not found")]
    NotFound(String),
    /// Only strings, numbers and truth values can be printed raw.
    #[error("output {name:?} can't be printed raw: it is a {ty}, not a string, number or bool")]
    UnsupportedForRaw {
        /// The output.
        name: String,
        /// Its type in words, such as `list of string`.
        ty: String,
    },
    /// Null can't be printed raw.
    #[error("output {0:?} can't be printed raw: it is null")]
    NullForRaw(String),
}

/// All outputs as `NAME = VALUE`, sorted by name; sensitive ones show as `<sensitive>`.
pub fn listing(outputs: &Outputs) -> Answer {
    if outputs.is_empty() {
        return Answer::NoOutputs;
    }
    let mut text = String::new();
    for (name, output) in outputs.iter() {
        text.push_str(name);
        text.push_str(" = ");
        if output.sensitive {
            text.push_str("<sensitive>");
        } else {
            human::push(&mut text, &output.ty, &output.value, 0);
        }
        text.push('\n');
    }
    Answer::Text(format!("{}\n", text.trim()))
}

/// One output in the form people read, in clear even if it is sensitive.
///
/// # Errors
/// [`RenderError::NotFound`] if there are outputs, but not this one.
pub fn single(outputs: &Outputs, name: &str) -> Result<Answer, RenderError> {
    if outputs.is_empty() {
        return Ok(Answer::NoOutputs);
    }
    let output = find(outputs, name)?;
    let mut text = String::new();
    human::push(&mut text, &output.ty, &output.value, 0);
    text.push('\n');
    Ok(Answer::Text(text))
}

/// All outputs as one JSON object: by name an object of `sensitive`, `type` and `value`; values in clear.
pub fn listing_json(outputs: &Outputs) -> String {
    let mut compact = String::from("{");
    for (at, (name, output)) in outputs.iter().enumerate() {
        compact.push_str(if at == 0 { "" } else { "," });
        push_quoted(&mut compact, name);
        compact.push_str(if output.sensitive { ":{\"sensitive\":true" } else { ":{\"sensitive\":false" });
        compact.push_str(",\"type\":");
        output.ty.push_json(&mut compact);
        compact.push_str(",\"value\":");
        output.value.push_json(&mut compact);
        compact.push('}');
    }
    compact.push('}');
    format!("{}\n", indented(&compact))
}

/// The value of one output as JSON on one line, in clear.
///
/// # Errors
/// [`RenderError::NotFound`], also if there are no outputs at all.
pub fn single_json(outputs: &Outputs, name: &str) -> Result<String, RenderError> {
    Ok(format!("{}\n", find(outputs, name)?.value.to_json()))
}

/// The bare text of one string, number or truth value, in clear and without a newline at the end.
///
/// # Errors
/// [`RenderError::NotFound`] if there are outputs, but not this one; [`RenderError::UnsupportedForRaw`] and
/// [`RenderError::NullForRaw`] for other values.
pub fn raw(outputs: &Outputs, name: &str) -> Result<Answer, RenderError> {
    if outputs.is_empty() {
        return Ok(Answer::NoOutputs);
    }
    let output = find(outputs, name)?;
    let text = match &output.value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null => return Err(RenderError::NullForRaw(name.to_owned())),
        Value::Sequence(_) | Value::Mapping(_) => {
            return Err(RenderError::UnsupportedForRaw { name: name.to_owned(), ty: output.ty.to_string() });
        }
    };
    Ok(Answer::Text(text))
}

fn find<'a>(outputs: &'a Outputs, name: &str) -> Result<&'a Output, RenderError> {
    outputs.get(name).ok_or_else(|| RenderError::NotFound(name.to_owned()))
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::NoOutputs => f.write_str("NoOutputs"),
        }
    }
}
