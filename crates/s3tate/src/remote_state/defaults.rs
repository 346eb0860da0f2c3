//! Stored outputs over a block's defaults.

use std::collections::BTreeMap;

use super::{Block, Generation};
use crate::config::value::Value as Given;
use crate::error::{Error, Result};
use crate::state::{Number, Output, Outputs, Type, Value};

/// Every stored output replaces the default of its name, whole; other defaults stay.
///
/// Up to Terraform 0.11, defaults are texts and a null output is no output; later they may have any value, and a null
/// output counts.
pub(super) fn merged(block: &Block, stored: Outputs) -> Result<Outputs> {
    let is_legacy = block.generation == Generation::Legacy;
    let mut merged = BTreeMap::new();
    for (name, given) in &block.defaults {
        let (ty, value) = if is_legacy { text(name, given)? } else { typed(given) };
        merged.insert(name.clone(), Output { sensitive: false, ty, value });
    }
    merged.extend(stored.into_iter().filter(|(_, output)| !is_legacy || output.value != Value::Null));
    Ok(merged.into_iter().collect())
}

fn text(name: &str, given: &Given) -> Result<(Type, Value)> {
    let text = scalar(given).ok_or_else(|| {
        Error::invalid(format!("default `{name}` is no text, number or bool; nothing was read"))
            .hint("Terraform up to 0.11 takes only those; write `config = { … }` to be read by later rules")
    })?;
    Ok((Type::String, Value::String(text)))
}

/// The text that Terraform up to 0.11 made of an argument; `None` for lists and maps.
pub(super) fn scalar(given: &Given) -> Option<String> {
    match given {
        Given::Null => Some(String::new()),
        Given::Bool(truth) => Some(if *truth { "1" } else { "0" }.to_owned()),
        Given::Number(number) => {
            Some(Number::parse(number).map_or_else(|| number.clone(), |n| n.to_string()))
        }
        Given::String(text) => Some(text.clone()),
        Given::List(_) | Given::Map(_) => None,
    }
}

fn typed(given: &Given) -> (Type, Value) {
    match given {
        Given::Null => (Type::Dynamic, Value::Null),
        Given::Bool(truth) => (Type::Bool, Value::Bool(*truth)),
        Given::Number(number) => (Type::Number, Number::parse(number).map_or(Value::Null, Value::Number)),
        Given::String(text) => (Type::String, Value::String(text.clone())),
        Given::List(items) => {
            let (types, values) = items.iter().map(typed).unzip();
            (Type::Tuple(types), Value::Sequence(values))
        }
        Given::Map(members) => {
            let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
            for (name, given) in members {
                let (ty, value) = typed(given);
                types.insert(name.clone(), ty);
                values.insert(name.clone(), value);
            }
            (Type::Object(types), Value::Mapping(values))
        }
    }
}
