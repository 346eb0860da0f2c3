//! The state that everybody counts in.

use serde_json::{Value, json};

/// What stock applies: a number for each process in a resource that it leaves alone, and in an output; and its own
/// count, which each run raises.
pub(crate) fn configuration(processes: usize) -> String {
    let zeros = vec!["0"; processes].join(" ");
    format!(
        r#"
variable "round" {{
  type = number
}}
resource "terraform_data" "tally" {{
  input = "{zeros}"
  lifecycle {{
    ignore_changes = [input]
  }}
}}
output "tally" {{
  value = terraform_data.tally.input
}}
output "round" {{
  value = var.round
}}
"#
    )
}

/// What is stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) serial: u64,
    /// Increments of each process.
    pub(crate) tally: Vec<usize>,
    /// The last of stock's runs.
    pub(crate) round: usize,
}

impl Stored {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let state: Value = serde_json::from_slice(bytes).expect("the state is JSON");
        let tally = state["outputs"]["tally"]["value"].as_str().expect("it has a tally");
        assert_eq!(input(&state)["value"], *tally, "resource and output agree");
        Self {
            serial: state["serial"].as_u64().expect("it has a serial"),
            tally: tally.split(' ').map(|count| count.parse().expect("a count")).collect(),
            round: usize::try_from(state["outputs"]["round"]["value"].as_u64().expect("a round"))
                .expect("fits"),
        }
    }
}

/// The state with one more for a process, and the next serial.
pub(crate) fn incremented(bytes: &[u8], process: usize) -> Vec<u8> {
    let Stored { serial, mut tally, .. } = Stored::parse(bytes);
    let mut state: Value = serde_json::from_slice(bytes).expect("the state is JSON");
    tally[process] += 1;
    let text = tally.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
    state["serial"] = (serial + 1).into();
    state["outputs"]["tally"]["value"] = text.as_str().into();
    let attributes = &mut state["resources"][0]["instances"][0]["attributes"];
    for name in ["input", "output"] {
        attributes[name] = json!({ "value": text, "type": "string" });
    }
    serde_json::to_vec_pretty(&state).expect("it can be written again")
}

fn input(state: &Value) -> &Value {
    &state["resources"][0]["instances"][0]["attributes"]["input"]
}
