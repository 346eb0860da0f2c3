//! Documents whose reading by stock Terraform was recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// A recorded case; what Terraform said to it is no matter here.
#[derive(Deserialize)]
struct Case {
    name: String,
    input_base64: String,
}

/// The small odd documents of the reader's recorded cases, each with its name.
pub fn recorded_documents() -> Vec<(String, Vec<u8>)> {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../fixtures/states/reader_cases.json")).expect("it is JSON");
    let decoded = |case: Case| (case.name, STANDARD.decode(case.input_base64).expect("base64"));
    cases.into_iter().map(decoded).collect()
}
