//! Remote states as text for people and as JSON.

use std::fmt::Write as _;

use super::RemoteState;
use crate::state::render::{self, Answer};

/// For each block a comment with its address and where its state is, then its outputs as `terraform output` prints
/// them; sensitive ones show as `<sensitive>`.
pub fn listing(states: &[RemoteState]) -> String {
    let texts = states.iter().map(|state| {
        let outputs = match render::listing(&state.outputs) {
            Answer::Text(text) => text,
            Answer::NoOutputs => "# no outputs\n".to_owned(),
        };
        let missing = if state.format.is_some() { "" } else { " (no state)" };
        format!("# {}: {}{missing}\n{outputs}", state.block.address(), state.url)
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// One object: `format_version`, and under `remote_states` by address `state`, `workspace` and `outputs`, the latter as
/// `terraform output -json` has them, values in clear.
pub fn json(states: &[RemoteState]) -> String {
    let mut text = String::from("{\n  \"format_version\": \"1.0\",\n  \"remote_states\": {");
    for (at, state) in states.iter().enumerate() {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        // Writing to a `String` can't fail.
        let _ = write!(
            text,
            "{}\n    {}: {{\n      \"state\": {},\n      \"workspace\": {},\n      \"outputs\": {}\n    }}",
            if at == 0 { "" } else { "," },
            quoted(&state.block.address()),
            quoted(&state.url),
            quoted(state.block.workspace_name()),
            render::listing_json(&state.outputs).trim_end().replace('\n', "\n      "),
        );
    }
    text.push_str(if states.is_empty() { "}\n}\n" } else { "\n  }\n}\n" });
    text
}
