//! States with outputs of any type and value, made from a seed.

mod json;
mod shape;
mod text;
mod value;

use fastrand::Rng;

use json::Layout;
use shape::Shape;

/// A state in format 4 whose outputs are random.
#[derive(Debug, Clone)]
pub struct GeneratedState {
    layout: Layout,
    terraform_version: &'static str,
    outputs: Vec<GeneratedOutput>,
}

/// One of its outputs.
#[derive(Debug, Clone)]
pub struct GeneratedOutput {
    /// Its name.
    pub name: String,
    /// Its entry in the document, as JSON.
    pub entry: String,
}

/// What `terraform_version` may be.
const VERSIONS: [&str; 6] = ["1.11.4", "0.12.0", "99.0.0", "v1.2.3-beta1+x", "", "1"];

impl GeneratedState {
    /// The state of a seed, with this many outputs; the same for the same numbers.
    ///
    /// Types and values fit each other, as loosely as Terraform allows: texts for numbers, missing attributes, any
    /// spelling of numbers and texts, any order of fields.
    pub fn fitting(seed: u64, outputs: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        Self::new(&mut rng, outputs, |rng| {
            let shape = Shape::outermost(rng);
            (value::of(rng, &shape), shape)
        })
    }

    /// As [`Self::fitting`], but half of the values were made for another type, so that most such states are wrong.
    pub fn misfitting(seed: u64, outputs: usize) -> Self {
        let mut rng = Rng::with_seed(!seed);
        Self::new(&mut rng, outputs, |rng| {
            let shape = Shape::outermost(rng);
            let other = if rng.bool() { shape.altered(rng) } else { shape.clone() };
            (value::of(rng, &other), shape)
        })
    }

    fn new(rng: &mut Rng, outputs: usize, mut make: impl FnMut(&mut Rng) -> (String, Shape)) -> Self {
        let layout = Layout::any(rng);
        let output = |at| {
            let (value, shape) = make(rng);
            let ty = shape.to_json(rng, &layout);
            let mut fields = vec![("value", value), ("type", ty)];
            match rng.u8(0..8) {
                0 | 1 => fields.push(("sensitive", "true".to_owned())),
                2 => fields.push(("sensitive", "false".to_owned())),
                3 => fields.push(("deprecated", "\"soon\"".to_owned())),
                _ => {}
            }
            GeneratedOutput { name: text::name(rng, at), entry: layout.object(rng, fields) }
        };
        let outputs = (0..outputs).map(output).collect();
        Self { layout, terraform_version: VERSIONS[rng.usize(..VERSIONS.len())], outputs }
    }

    /// Its outputs, in the order of the document.
    pub fn outputs(&self) -> &[GeneratedOutput] {
        &self.outputs
    }

    /// The document with all outputs.
    pub fn bytes(&self) -> Vec<u8> {
        self.layout.document(self.terraform_version, self.outputs.iter())
    }

    /// The document with one output.
    pub fn bytes_with(&self, output: &GeneratedOutput) -> Vec<u8> {
        self.layout.document(self.terraform_version, std::iter::once(output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_json_each_time() {
        for seed in 0..50 {
            for make in [GeneratedState::fitting, GeneratedState::misfitting] {
                let bytes = make(seed, 8).bytes();
                assert_eq!(bytes, make(seed, 8).bytes());
                let _json: serde::de::IgnoredAny = serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                    panic!("seed {seed}: {error}: {}", String::from_utf8_lossy(&bytes))
                });
            }
        }
    }
}
