//! The reader of whole states, and what is made from them.

use s3tate::state::{
    Header, Instances, ListedResource, ResourcesReader, StateFile, Target, content_equal, in_format_4,
    is_encrypted, managed_resource_addresses, normalize, read_outputs, relocate, remove, with_header,
};

use super::piece_bytes;

const WRITER: &str = "1.11.4";
/// So many resources are edited.
const EDITED: usize = 3;

/// What is written reads as the same, what streams agrees with the whole, and edits leave a state.
#[allow(dead_code, reason = "each fuzz target takes one of these functions")]
pub(crate) fn state(document: &[u8]) {
    let _encrypted = is_encrypted(document);
    let _addresses = managed_resource_addresses(document);
    header_changes(document);
    rewriting(document);
    upgrading(document);
    let whole = listed(document);
    if let Some(streamed) = streamed(document) {
        let streamed: Vec<_> = streamed.addresses().collect();
        let whole: Option<Vec<_>> = whole.as_ref().map(|whole| whole.addresses().collect());
        assert_eq!(Some(streamed), whole, "streamed and whole");
    }
    if let Some(whole) = whole {
        whole.addresses().take(EDITED).for_each(|address| edits(document, &whole, &address));
    }
}

fn header_changes(document: &[u8]) {
    if let Ok(changed) = with_header(document, 5, Some("other")) {
        let header = Header::parse(&changed).expect("only two fields changed").expect("there are bytes");
        assert_eq!((header.serial, &*header.lineage), (5, "other"));
    }
}

fn rewriting(document: &[u8]) {
    let Ok(Some(written)) = normalize(document, WRITER) else { return };
    assert_eq!(normalize(&written, WRITER).as_ref(), Ok(&Some(written.clone())), "written twice");
    assert_eq!(content_equal(document, &written), Ok(true), "the content as written");
}

/// What is upgraded is as Terraform writes it, and has the outputs that are read alone.
fn upgrading(document: &[u8]) {
    let Ok(upgraded) = in_format_4(document) else { return };
    if *upgraded == *document {
        return;
    }
    assert_eq!(normalize(&upgraded, WRITER).as_ref(), Ok(&Some(upgraded.to_vec())), "upgraded and written");
    let whole = StateFile::parse(&upgraded).expect("it was upgraded").expect("there are bytes");
    let outputs = read_outputs(document).expect("it was upgraded").expect("there are bytes").outputs;
    assert_eq!(Ok(outputs), whole.outputs(), "outputs alone and upgraded");
}

/// The resources in brief, from pieces; nothing where the reader can't tell.
fn streamed(document: &[u8]) -> Option<Instances> {
    let mut reader = ResourcesReader::new(|resource, _| Some(ListedResource::new(resource, None)));
    for piece in document.chunks(piece_bytes(document)) {
        reader.feed(piece);
    }
    Instances::new(reader.finish().ok()?)
}

fn listed(document: &[u8]) -> Option<Instances> {
    let state = StateFile::parse(document).ok()??;
    state.check().ok()?;
    let resources = state.resources().ok()?;
    let briefs = resources.iter().map(|resource| ListedResource::new(resource, None)).collect();
    Some(Instances::new(briefs).expect("a whole state holds no object twice"))
}

/// Moves an instance away, and removes it.
fn edits(document: &[u8], listed: &Instances, address: &str) {
    // A state may hold names that no address can have, or that read as something else.
    let Ok(target) = Target::parse(address) else { return };
    if listed.select(&target) != Ok(vec![address.to_owned()]) {
        return;
    }
    let kind = if address.split('.').any(|step| step == "data") { "data.moved" } else { "moved" };
    let elsewhere = Target::parse(&format!("module.far[\"a\"].{kind}.away")).expect("an address");
    if let Ok(moved) = relocate(document, &target, &elsewhere) {
        is_gone(&moved.bytes, address);
    }
    if let Ok(removal) = remove(document, std::slice::from_ref(&target)) {
        is_gone(&removal.bytes, address);
    }
}

fn is_gone(edited: &[u8], address: &str) {
    let left = listed(edited).expect("an edited state is a state");
    assert!(!left.addresses().any(|other| other == address), "{address} is still there");
}
