//! Outputs from a stream, cut at any place.

use super::fixtures::{WITH_OUTPUTS, bytes, one_output, state};
use crate::state::{Header, OutputsDocument, OutputsReader, Progress, StateError, StateFile};

/// Feeds pieces until the reader has enough; gives what it found and how many bytes it took.
fn stopped(pieces: &[&[u8]]) -> (Result<Option<OutputsDocument>, StateError>, usize) {
    let mut reader = OutputsReader::new();
    let mut fed = 0;
    for piece in pieces {
        fed += piece.len();
        if reader.feed(piece) == Progress::Done {
            return (reader.stop(), fed);
        }
    }
    (reader.finish(), fed)
}

/// Feeds all pieces.
fn finished(pieces: &[&[u8]]) -> Result<Option<OutputsDocument>, StateError> {
    let mut reader = OutputsReader::new();
    for piece in pieces {
        reader.feed(piece);
    }
    reader.finish()
}

/// The whole document read at once.
fn whole(bytes: &[u8]) -> Result<Option<OutputsDocument>, StateError> {
    let Some(state) = StateFile::parse(bytes)? else { return Ok(None) };
    let outputs = state.outputs()?;
    Ok(Some(OutputsDocument { header: state.header, outputs }))
}

/// Where the top-level `outputs` of a document in Terraform's layout ends.
fn outputs_end(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let empty = text.find("\n  \"outputs\": {},").map(|at| at + "\n  \"outputs\": {}".len());
    empty.unwrap_or_else(|| text.find("\n  },\n  \"resources\"").unwrap() + "\n  }".len())
}

#[test]
fn every_split_of_every_sample_gives_the_same() {
    // The older writers made the same bytes but for the header, so once is enough.
    let distinct =
        WITH_OUTPUTS.into_iter().filter(|folder| !["v4-0.15.0-shapes", "v4-1.0.3-shapes"].contains(folder));
    for folder in distinct.chain(["v4-1.11.4-no-outputs"]) {
        let state = state(folder);
        let expected = whole(&state);
        assert!(expected.is_ok(), "{folder}");
        let splits = if state.len() > 10_000 { outputs_end(&state) + 100 } else { state.len() };
        for at in 0..=splits {
            let (first, second) = state.split_at(at);
            assert_eq!(stopped(&[first, second]).0, expected, "{folder} at {at}");
            if at % 17 == 0 {
                assert_eq!(finished(&[first, second]), expected, "{folder} at {at}");
            }
        }
        let single_bytes: Vec<_> = state.chunks(1).collect();
        assert_eq!(finished(&single_bytes), expected, "{folder}");
    }
}

#[test]
fn reading_ends_with_the_bracket_of_outputs() {
    for folder in WITH_OUTPUTS.into_iter().chain(["v4-1.11.4-no-outputs"]) {
        let state = state(folder);
        let single_bytes: Vec<_> = state.chunks(1).collect();
        let (result, fed) = stopped(&single_bytes);
        assert_eq!(fed, outputs_end(&state), "{folder}");
        assert_eq!(result, whole(&state), "{folder}");
    }
}

#[test]
fn nested_outputs_fool_nobody() {
    let document =
        br#"{"version":4,"terraform_version":"1.11.4","serial":3,"lineage":"l","x":{"outputs":{"no":{}}},
        "y":[{"outputs":1}],"z":"\"outputs\":{","resources":[{"outputs":{}}],
        "\u006futputs":{"a":{"value":"{\"outputs\":\\","type":"string"}},"check_results":null}"#;
    let found = finished(&document.chunks(3).collect::<Vec<_>>()).unwrap().unwrap();
    assert_eq!(found.outputs.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a"]);
    assert_eq!(found.header.serial, 3);
    let (early, fed) = stopped(&document.chunks(1).collect::<Vec<_>>());
    assert_eq!(early.unwrap().unwrap(), found);
    assert!(fed < document.len() - 20);
}

#[test]
fn later_outputs_count_only_when_read_to_the_end() {
    let document = br#"{"version":4,"terraform_version":"1.11.4","serial":3,"lineage":"l",
        "outputs":{"a":{"value":"1","type":"string"}},"outputs":{"b":{"value":"2","type":"string"}}}"#;
    assert_eq!(stopped(&document.chunks(1).collect::<Vec<_>>()).0.unwrap().unwrap().outputs.len(), 1);
    assert_eq!(finished(&document.chunks(1).collect::<Vec<_>>()).unwrap().unwrap().outputs.len(), 2);
}

#[test]
fn a_cut_off_document_is_noticed_when_read_to_the_end() {
    let state = state("v4-1.11.4-shapes");
    let cut = &state[..state.len() - 30];
    let mut reader = OutputsReader::new();
    assert_eq!(reader.feed(cut), Progress::Done);
    assert_eq!(reader.finish().unwrap_err(), StateError::Syntax { offset: cut.len() as u64 });
    assert!(stopped(&[cut]).0.is_ok());
}

#[test]
fn outputs_before_the_header_are_held_until_it_is_known() {
    let document =
        br#"{"outputs":{},"lineage":"l","serial":9,"terraform_version":"1.11.4","version":4,"resources":["#;
    let (result, fed) = stopped(&document.chunks(1).collect::<Vec<_>>());
    let header = Header { version: 4, terraform_version: "1.11.4".into(), serial: 9, lineage: "l".into() };
    assert_eq!(result.unwrap().unwrap().header, header);
    assert!(fed <= document.len() - b"\"resources\":[".len());
}

#[test]
fn no_bytes_are_no_state() {
    assert_eq!(OutputsReader::new().finish(), Ok(None));
    assert_eq!(finished(&[b"", b""]), Ok(None));
}

#[test]
fn what_is_no_state_is_refused_as_in_one_piece() {
    let broken: [&[u8]; 12] = [
        b"tfstate\x01\x02",
        b"tfsta",
        b" ",
        b"[]",
        b" \"x\"",
        b"null",
        b"{}",
        br#"{"version":3,"serial":1,"modules":[]}"#,
        br#"{"version":5,"terraform_version":"9.9.9"}"#,
        br#"{"serial":1,"encrypted_data":"AA==","encryption_version":"v0"}"#,
        b"{\"version\":4,\"outputs\":{\"a\":{\"type\":\"string\",\"value\":\"\x01\"}}}",
        br#"{"version":4,"outputs":[]}"#,
    ];
    for document in broken {
        let expected = whole(document);
        assert!(expected.is_err());
        assert_eq!(finished(&[document]), expected);
        assert_eq!(finished(&document.chunks(1).collect::<Vec<_>>()), expected);
        assert_eq!(stopped(&document.chunks(1).collect::<Vec<_>>()).0, expected);
    }
}

#[test]
fn long_keys_are_not_kept() {
    let document =
        format!(r#"{{"{}":1,"version":4,"outputs{}":[]}}"#, "k".repeat(100_000), " ".repeat(1_000));
    assert!(finished(&[document.as_bytes()]).unwrap().unwrap().outputs.is_empty());
}

#[test]
fn broken_resources_do_not_hide_the_outputs() {
    let mut document = one_output("\"string\"", "\"x\"");
    document.truncate(document.len() - 1);
    document.extend_from_slice(br#","resources":[{"mode":"zip"}]}"#);
    assert_eq!(finished(&[&document]).unwrap().unwrap().outputs.len(), 1);
    assert!(StateFile::parse(&document).unwrap().unwrap().check().is_err());
}

#[test]
fn the_state_that_a_read_left_behind_has_no_outputs() {
    let state = bytes("created-by-read/v4-1.11.4.tfstate");
    assert!(finished(&[&state]).unwrap().unwrap().outputs.is_empty());
}
