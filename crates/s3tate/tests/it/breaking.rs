//! Bodies that break off, and objects that change while they are read.

use s3tate::ErrorKind;

use crate::scripted::{Answer, Scripted};
use crate::stage::{run, state};

const FIRST: &str = "\"first\"";
const SECOND: &str = "\"second\"";

fn pull(scripted: &Scripted) -> (s3tate::Result<bool>, Vec<u8>) {
    let mut printed = Vec::new();
    let pulled = run(scripted.workspace().pull(&mut printed));
    (pulled.map(|found| found.is_some()), printed)
}

#[test]
fn a_body_that_breaks_off_is_continued_and_not_begun_anew() {
    let state = state(1, "l", "a");
    let script = || {
        vec![
            Answer::object(FIRST, &state, 0, 40),
            Answer::object(FIRST, &state, 40, 20),
            Answer::object(FIRST, &state, 60, usize::MAX),
        ]
    };
    let read = Scripted::start(script());
    assert_eq!(run(read.workspace().read()).unwrap().bytes.unwrap(), state);
    let printed = Scripted::start(script());
    assert_eq!(pull(&printed).1, state);
    for scripted in [read, printed] {
        let asked = scripted.asked();
        assert!(!asked[0].contains("\r\nrange:"), "{}", asked[0]);
        for (head, from) in asked[1..].iter().zip([40, 60]) {
            assert!(head.contains(&format!("\r\nrange: bytes={from}-\r\n")), "{head}");
            assert!(head.contains("\r\nif-match: \"first\"\r\n"), "{head}");
        }
    }
}

/// Checks 60 and 61: the object is replaced by a shorter or a longer one between two requests of one read.
#[test]
fn an_object_that_changes_during_a_read_is_read_anew() {
    let (old, shorter) = (state(1, "l", "a longer value than the next one"), state(2, "l", "b"));
    let longer = state(2, "l", "a value that is even longer than the first");
    for new in [shorter, longer] {
        let replies = [
            Answer::status("412 Precondition Failed"),
            Answer::status("416 Range Not Satisfiable"),
            // Of stores that know no conditions, or no ranges.
            Answer::object(SECOND, &new, 70, usize::MAX),
            Answer::object(SECOND, &new, 0, usize::MAX),
        ];
        for reply in replies {
            let scripted = Scripted::start(vec![
                Answer::object(FIRST, &old, 0, 70),
                reply,
                Answer::object(SECOND, &new, 0, usize::MAX),
            ]);
            assert_eq!(run(scripted.workspace().read()).unwrap().bytes.unwrap(), new);
        }
    }
}

/// Check 60: what was printed can't be taken back, so it is called what it is.
#[test]
fn a_pull_that_can_not_be_finished_says_so() {
    let old = state(1, "l", "a");
    let scripted =
        Scripted::start(vec![Answer::object(FIRST, &old, 0, 70), Answer::status("412 Precondition Failed")]);
    let (pulled, printed) = pull(&scripted);
    let error = pulled.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.facts().any(|(_, value)| value.contains("first 70 bytes")), "{error:?}");
    assert_eq!(printed, old[..70]);
}

#[test]
fn a_body_that_never_comes_is_given_up() {
    let state = state(1, "l", "a");
    let broken = || Answer::object(FIRST, &state, 40, 0);
    let script = vec![Answer::object(FIRST, &state, 0, 40), broken(), broken(), broken(), broken()];
    let error = run(Scripted::start(script).workspace().read()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
