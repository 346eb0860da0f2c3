//! Stored outputs over a block's defaults, as far as they are asked for.

use std::collections::BTreeMap;

use s3tate::state::{Outputs, composed};

use super::request::Request;
use crate::diagnostics::{self, Path};
use crate::proto::tfplugin6::Diagnostic;
use crate::value::{Value, object_of, typed};

/// What a block gives.
#[derive(Debug)]
pub(super) struct Given {
    /// All outputs, or those that may be seen.
    pub(super) shown: Value,
    /// Those that the state calls sensitive.
    pub(super) sensitive: Value,
}

/// Every stored output replaces the default of its name, whole; other defaults stay.
///
/// # Errors
/// Names that are asked for and that neither has.
pub(super) fn merged(request: &Request, stored: Outputs) -> Result<Given, Vec<Diagnostic>> {
    let mut all = request.defaults.clone();
    let mut sensitive = BTreeMap::new();
    for (name, output) in stored {
        // A name may be stored decomposed, and is an attribute's from here on.
        let name = composed(&name);
        let is_sensitive = output.sensitive;
        let output = typed(output);
        if is_sensitive {
            sensitive.insert(name.clone(), output.clone());
        }
        all.insert(name, output);
    }
    if let Some(only) = &request.only {
        let unknown = only.iter().enumerate().filter(|(_, name)| !all.contains_key(*name));
        let unknown: Vec<_> = unknown.map(|(index, name)| absent(index, name)).collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        all.retain(|name, _| only.contains(name));
        sensitive.retain(|name, _| only.contains(name));
    }
    if request.separate_sensitive {
        all.retain(|name, _| !sensitive.contains_key(name));
    }
    Ok(Given { shown: object_of(all), sensitive: object_of(sensitive) })
}

fn absent(index: usize, name: &str) -> Diagnostic {
    let detail = "Neither the state nor `defaults` has it. Take it from the list, or give it a default.";
    diagnostics::error(Path::of("only").at(index), format!("there is no output `{name}`"), detail)
}
