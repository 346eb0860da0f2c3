//! JSON in the layouts that a state may have.

use std::fmt::Write as _;

use fastrand::Rng;

use super::GeneratedOutput;
use super::text::quoted_plainly;

/// How a document is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// What stands between tokens.
    space: &'static str,
    /// Whether `outputs` stands behind what Terraform writes last.
    outputs_last: bool,
    /// Whether members stand in any order.
    shuffled: bool,
    /// Whether `outputs` of a small document comes in two halves.
    halved: bool,
}

/// Readers may stop behind the first `outputs`, and don't see a second one where it comes with a later piece.
const MAX_HALVED_BYTES: usize = 4096;

impl Layout {
    pub(super) fn any(rng: &mut Rng) -> Self {
        Self {
            space: ["", " ", "\n    ", "\t\r\n "][rng.usize(..4)],
            outputs_last: rng.u8(0..4) == 0,
            shuffled: rng.u8(0..3) == 0,
            halved: rng.u8(0..8) == 0,
        }
    }

    /// An object of these members.
    pub(super) fn object(&self, rng: &mut Rng, mut members: Vec<(&str, String)>) -> String {
        if self.shuffled {
            rng.shuffle(&mut members);
        }
        self.members(members.into_iter().map(|(name, value)| (quoted_plainly(name), value)))
    }

    /// An array of these elements.
    pub(super) fn array(&self, elements: impl IntoIterator<Item = String>) -> String {
        let separator = format!(",{}", self.space);
        let elements: Vec<_> = elements.into_iter().collect();
        format!("[{}{}]", self.space, elements.join(&separator))
    }

    /// An object whose names are JSON already.
    pub(super) fn members(&self, members: impl Iterator<Item = (String, String)>) -> String {
        let mut text = String::from("{");
        for (at, (name, value)) in members.enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let space = self.space;
            write!(text, "{comma}{space}{name}{space}:{space}{value}").expect("text grows");
        }
        text + self.space + "}"
    }

    /// A state with these outputs.
    pub(super) fn document<'a>(
        &self,
        terraform_version: &str,
        outputs: impl Iterator<Item = &'a GeneratedOutput>,
    ) -> Vec<u8> {
        let outputs: Vec<_> =
            outputs.map(|output| (quoted_plainly(&output.name), output.entry.clone())).collect();
        let is_small = outputs.iter().map(|(_, entry)| entry.len()).sum::<usize>() < MAX_HALVED_BYTES;
        let middle = if self.halved && is_small { outputs.len() / 2 } else { outputs.len() };
        let (first, second) = outputs.split_at(middle);
        let field = |name: &str, value: String| (quoted_plainly(name), value);
        let part = |outputs: &[(String, String)]| field("outputs", self.members(outputs.iter().cloned()));
        let mut fields = vec![
            field("version", "4".to_owned()),
            field("terraform_version", quoted_plainly(terraform_version)),
            field("serial", "7".to_owned()),
            field("lineage", "\"5f0c9a6e-1f4e-5b7a-9c3d-2a1b0c9d8e7f\"".to_owned()),
            part(first),
            field("resources", "[]".to_owned()),
            field("later", "{\"outputs\": {\"no\": 1}}".to_owned()),
        ];
        if self.outputs_last {
            let outputs = fields.remove(4);
            fields.push(outputs);
        }
        if !second.is_empty() {
            fields.push(part(second));
        }
        self.members(fields.into_iter()).into_bytes()
    }
}
