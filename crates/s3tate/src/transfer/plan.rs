//! What is left to do of a move, by what the two states hold.

use bytes::Bytes;

use super::Transfer;
use crate::diff::{Sensitive, StateDiff};
use crate::error::{Error, ErrorKind, Result};
use crate::read::Snapshot;
use crate::state::{self, EditError, Target, Transplant, in_format_4, transplant};
use crate::workspace::STATE_WRITER;

/// What is to be written.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing has been: the destination first, then the source.
    Both { source: Bytes, destination: Bytes },
    /// The destination has it already.
    SourceLeft(Bytes),
    /// The destination loses it again.
    DestinationBack(Bytes),
    /// Nothing.
    Done,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) stage: Stage,
    pub(super) moves: Vec<(String, String)>,
}

impl Transfer {
    /// What a run has to do; `resumed` where an earlier one may have done all of it.
    pub(super) fn plan(&self, source: &Snapshot, destination: &Snapshot, resumed: bool) -> Result<Plan> {
        let source = source.bytes.as_deref().ok_or_else(|| self.source.missing())?;
        let source = in_format_4(source).map_err(|cause| self.source.not_edited(cause.into()))?;
        let destination = self.destination_bytes(destination)?;
        let refused = match transplant(&source, &destination, &self.from, &self.to) {
            Ok(done) => return Ok(both(done)),
            Err(refused) => refused,
        };
        match &refused {
            EditError::Taken { .. } => {
                if let Some(done) = self.same_in_both(&source, &destination) {
                    return Ok(Plan { stage: Stage::SourceLeft(done.source.into()), moves: done.moves });
                }
                Err(self.destination.not_edited(refused))
            }
            EditError::NothingThere(_) if resumed && taken(&destination, &self.to, &self.to).is_some() => {
                Ok(Plan { stage: Stage::Done, moves: vec![(self.from.to_string(), self.to.to_string())] })
            }
            _ => Err(self.source.not_edited(refused)),
        }
    }

    /// What has to be done so that nothing has been.
    pub(super) fn undoing(&self, source: &Snapshot, destination: &Snapshot) -> Result<Stage> {
        let Some(there) = destination.bytes.as_deref() else { return Ok(Stage::Done) };
        let there = in_format_4(there).map_err(|cause| self.destination.not_edited(cause.into()))?;
        let here = in_format_4(source.bytes.as_deref().unwrap_or_default());
        let here = here.map_err(|cause| self.source.not_edited(cause.into()))?;
        let Some(back) = taken(&there, &self.to, &self.to) else { return Ok(Stage::Done) };
        if self.same_in_both(&here, &there).is_none() {
            return Err(self.not_undone());
        }
        Ok(Stage::DestinationBack(back.source.into()))
    }

    fn destination_bytes(&self, destination: &Snapshot) -> Result<Vec<u8>> {
        match destination.bytes.as_deref() {
            Some(bytes) => {
                let bytes = in_format_4(bytes);
                Ok(bytes.map_err(|cause| self.destination.not_edited(cause.into()))?.into_owned())
            }
            // It is raised to the serial 1.
            None => Ok(state::empty_state(STATE_WRITER, 0, &self.destination.backend.env.random_id()?)),
        }
    }

    /// The move out of the source, where both hold the same at their address: a move that stopped in between.
    fn same_in_both(&self, source: &[u8], destination: &[u8]) -> Option<Transplant> {
        let here = taken(source, &self.from, &self.to)?;
        let there = taken(destination, &self.to, &self.to)?;
        let diff = StateDiff::between(&here.destination, &there.destination, Sensitive::Shown).ok()?;
        diff.is_empty().then_some(here)
    }

    fn not_undone(&self) -> Error {
        let (source, destination) = (self.place_of_source(), self.place_of_destination());
        let message = format!("`{source}` and `{destination}` differ, so the move can't be taken back");
        Error::new(ErrorKind::Conflict, message).hint(
            "the move is done, or one of the two has changed since: compare them with `s3tate state show`, and remove the \
             wrong one with `s3tate state rm`",
        )
    }
}

fn both(done: Transplant) -> Plan {
    let stage = Stage::Both { source: done.source.into(), destination: done.destination.into() };
    Plan { stage, moves: done.moves }
}

/// What is at an address, moved into a state of its own.
fn taken(bytes: &[u8], from: &Target, to: &Target) -> Option<Transplant> {
    transplant(bytes, &state::empty_state(STATE_WRITER, 0, "none"), from, to).ok()
}
