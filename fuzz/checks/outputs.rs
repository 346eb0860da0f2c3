//! The reader of outputs from a stream.

use s3tate::state::{
    Header, Outputs, OutputsDocument, OutputsReader, Progress, StateError, StateFile, render,
};

use super::piece_bytes;

/// Pieces of any size give what the whole gives, and what is printed reads as the same outputs.
#[allow(dead_code, reason = "each fuzz target takes one of these functions")]
pub(crate) fn outputs(document: &[u8]) {
    let size = piece_bytes(document);
    let pieces = || document.chunks(size);
    let expected = whole(document);
    let mut reader = OutputsReader::new();
    for piece in pieces() {
        reader.feed(piece);
    }
    let streamed = reader.finish();
    if document.trim_ascii_start().starts_with(b"{") {
        assert_eq!(streamed, expected);
    } else {
        // What is no object is refused, but a number that stands alone isn't kept to be told.
        assert_eq!(streamed.is_ok(), expected.is_ok());
    }

    let mut reader = OutputsReader::new();
    let _enough = pieces().any(|piece| reader.feed(piece) == Progress::Done);
    if let Ok(Some(stopped)) = reader.stop() {
        rendered(&stopped.outputs);
    }
    if let Ok(Some(found)) = expected {
        rendered(&found.outputs);
    }
}

fn whole(document: &[u8]) -> Result<Option<OutputsDocument>, StateError> {
    let Some(state) = StateFile::parse(document)? else { return Ok(None) };
    let outputs = state.outputs()?;
    let header = Header::parse(document)?.expect("it was read before");
    Ok(Some(OutputsDocument { header, outputs }))
}

/// Every rendering works, and the JSON one is again the `outputs` of a state.
fn rendered(outputs: &Outputs) {
    let _listing = render::listing(outputs);
    for (name, _) in outputs.iter() {
        let _raw = render::raw(outputs, name);
        render::single(outputs, name).expect("it is there");
        render::single_json(outputs, name).expect("it is there");
    }
    let document = format!("{{\"version\": 4, \"outputs\": {}}}", render::listing_json(outputs));
    let state = StateFile::parse(document.as_bytes()).expect("it is JSON").expect("there are bytes");
    assert_eq!(state.outputs().as_ref(), Ok(outputs), "{document}");
}
