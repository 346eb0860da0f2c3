//! What becomes of a destination: a pure decision over what is stored at both ends.

use crate::push::is_empty;
use crate::state::{self, Header};

/// What is to be done with one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The destination holds it already.
    Same,
    /// There is nothing at the destination.
    Copy,
    /// What is there may be replaced, once it is kept; why.
    Replace(String),
    /// The destination must not be touched; why, and what to do.
    Refuse(String, &'static str),
}

/// What was decided on when an earlier run was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing is known of one.
    Nothing,
    /// It was writing the destination, which may be written in part.
    Writing,
}

/// Decides. Nothing of another origin, and nothing newer, is replaced unless `force` says so.
pub(super) fn judge(source: &[u8], stored: Option<&[u8]>, force: bool, before: Before) -> Verdict {
    let ours = match Header::parse(source) {
        Ok(header) => header.unwrap_or_default(),
        Err(_) if state::is_encrypted(source) => Header::default(),
        Err(error) => {
            return Verdict::Refuse(
                format!("the source is no state: {error}"),
                "look at it, or leave it out by naming the others with `-workspace`",
            );
        }
    };
    let Some(stored) = stored else { return Verdict::Copy };
    if is_same(source, stored) {
        return Verdict::Same;
    }
    match refusal(source, &ours, stored, before) {
        Ok(why) => Verdict::Replace(why),
        Err((why, _)) if force => Verdict::Replace(format!("{why}, and `-force` is given")),
        Err((why, hint)) => Verdict::Refuse(why, hint),
    }
}

/// Whether both are the same state, whatever its layout.
pub(super) fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a == b {
        return true;
    }
    let (Ok(Some(ours)), Ok(Some(theirs))) = (Header::parse(a), Header::parse(b)) else { return false };
    let same_place = ours.lineage == theirs.lineage && ours.serial == theirs.serial;
    same_place && !ours.lineage.is_empty() && state::content_equal(a, b).unwrap_or_default()
}

/// Why the destination may be replaced, or why not.
fn refusal(
    source: &[u8],
    ours: &Header,
    stored: &[u8],
    before: Before,
) -> Result<String, (String, &'static str)> {
    const FORCE: &str =
        "choose another destination, or replace it with `-force`: what is there is kept beside it";
    let theirs = match Header::parse(stored) {
        Ok(header) => header.unwrap_or_default(),
        Err(_) if before == Before::Writing => {
            return Ok("an earlier run was cut off while it wrote it".to_owned());
        }
        Err(error) => return Err((format!("the destination holds what can't be read: {error}"), FORCE)),
    };
    if is_empty(stored).unwrap_or_default() {
        return Ok("the destination holds a state without resources and outputs".to_owned());
    }
    if ours.lineage.is_empty() || ours.lineage != theirs.lineage {
        return Err((
            format!(
                "the destination holds another state: lineage {}, serial {}",
                theirs.lineage, theirs.serial
            ),
            FORCE,
        ));
    }
    match theirs.serial.cmp(&ours.serial) {
        std::cmp::Ordering::Less => {
            Ok(format!("the destination holds serial {} of the same state", theirs.serial))
        }
        std::cmp::Ordering::Equal => Err((
            format!("both ends hold serial {}, but not the same: two went on from one state", ours.serial),
            "compare them with `s3tate diff`; `-force` takes the source's",
        )),
        std::cmp::Ordering::Greater if state::content_equal(source, stored).unwrap_or_default() => Err((
            format!("the destination holds the same as serial {}, higher than the source's", theirs.serial),
            "it needs no migration; `-force` takes the source's serial",
        )),
        std::cmp::Ordering::Greater => Err((
            format!("the destination is ahead: serial {}, the source has {}", theirs.serial, ours.serial),
            "it has probably been migrated and used since; `-force` takes the source's",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(serial: u64, lineage: &str, output: Option<&str>) -> Vec<u8> {
        let outputs = output
            .map_or_else(String::new, |value| format!("\"o\":{{\"value\":\"{value}\",\"type\":\"string\"}}"));
        format!(
            "{{\"version\":4,\"terraform_version\":\"1.11.4\",\"serial\":{serial},\"lineage\":\"{lineage}\",\
             \"outputs\":{{{outputs}}},\"resources\":[],\"check_results\":null}}"
        )
        .into_bytes()
    }

    fn decide(stored: &[u8], force: bool) -> Verdict {
        judge(&state(5, "l", Some("a")), Some(stored), force, Before::Nothing)
    }

    #[test]
    fn the_same_state_is_done_whatever_its_layout() {
        let source = state(5, "l", Some("a"));
        let pretty: serde_json::Value = serde_json::from_slice(&source).unwrap();
        assert_eq!(decide(&serde_json::to_vec_pretty(&pretty).unwrap(), false), Verdict::Same);
        assert_eq!(judge(&source, None, false, Before::Nothing), Verdict::Copy);
    }

    #[test]
    fn only_an_earlier_or_an_empty_state_is_replaced_unasked() {
        for stored in [state(4, "l", Some("b")), state(9, "other", None)] {
            assert!(
                matches!(decide(&stored, false), Verdict::Replace(_)),
                "{}",
                String::from_utf8_lossy(&stored)
            );
        }
        let others = [
            state(5, "l", Some("b")),
            state(6, "l", Some("b")),
            state(6, "l", Some("a")),
            state(4, "other", Some("a")),
            b"{\"version\":4,".to_vec(),
        ];
        for stored in others {
            assert!(
                matches!(decide(&stored, false), Verdict::Refuse(..)),
                "{}",
                String::from_utf8_lossy(&stored)
            );
            assert!(matches!(decide(&stored, true), Verdict::Replace(_)));
        }
    }

    #[test]
    fn states_without_a_lineage_are_not_taken_for_the_same() {
        let source = state(5, "", Some("a"));
        let verdict = judge(&source, Some(&state(4, "", Some("b"))), false, Before::Nothing);
        assert!(matches!(verdict, Verdict::Refuse(..)));
    }

    #[test]
    fn a_torn_destination_is_written_again_by_the_run_that_tore_it() {
        let torn = b"{\"version\":4,";
        let verdict = judge(&state(5, "l", Some("a")), Some(torn), false, Before::Writing);
        assert!(matches!(verdict, Verdict::Replace(_)));
    }

    #[test]
    fn what_is_no_state_is_not_migrated() {
        assert!(matches!(judge(b"hello", None, true, Before::Nothing), Verdict::Refuse(..)));
        let encrypted =
            b"{\"serial\":1,\"lineage\":\"l\",\"encrypted_data\":\"x\",\"encryption_version\":\"v0\"}";
        assert_eq!(judge(encrypted, None, false, Before::Nothing), Verdict::Copy);
    }
}
