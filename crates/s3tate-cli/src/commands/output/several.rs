//! Outputs of several states in one call: read at the same time, printed in the order in which they were named.

use std::collections::BTreeSet;
use std::process::ExitCode;

use futures::{StreamExt as _, stream};
use s3tate::state::Outputs;
use s3tate::state::render::Answer;
use s3tate::{Error, Result, Workspace};
use serde_json::value::RawValue;

use super::{NO_OUTPUTS, Output, answer, outputs_of, refusal};
use crate::context::Context;
use crate::ui;

/// How many states are read at a time.
const CONCURRENT_READS: usize = 16;

/// Prints what could be read; where one could not, or lacks the output, the exit code is that of the first of them.
pub(super) async fn run(context: &Context, args: &Output, name: Option<&str>) -> Result<ExitCode> {
    if args.raw {
        let refused = Error::invalid("`-raw` prints one value, and several states are named");
        return Ok(super::fail(&refused.hint("`-json` prints them apart")));
    }
    let states = context.named_states()?;
    different(&states)?;
    let progress = ui::Progress::new(states.len());
    let read = stream::iter(&states).map(|state| async {
        let outputs = outputs_of(state).await;
        progress.step();
        (state.url(), outputs)
    });
    let read: Vec<_> = read.buffered(CONCURRENT_READS).collect().await;
    progress.finish();
    let mut printed = Printed::default();
    for (url, outputs) in read {
        match outputs {
            Ok(outputs) => printed.add(&url, &outputs, name, args),
            Err(error) => printed.failed(&error),
        }
    }
    printed.finish(args.json)
}

/// One state named twice would be one key twice in JSON.
fn different(states: &[Workspace]) -> Result<()> {
    let mut seen = BTreeSet::new();
    let twice = states.iter().map(Workspace::url).find(|url| !seen.insert(url.clone()));
    twice.map_or(Ok(()), |url| Err(Error::invalid(format!("`{url}` is named twice; nothing was read"))))
}

#[derive(Default)]
struct Printed {
    /// By URL: what the state alone would print.
    blocks: Vec<(String, String)>,
    failure: Option<ExitCode>,
}

impl Printed {
    fn add(&mut self, url: &str, outputs: &Outputs, name: Option<&str>, args: &Output) {
        match answer(outputs, name, args) {
            Ok(Answer::Text(text)) => self.blocks.push((url.to_owned(), text)),
            Ok(Answer::NoOutputs) => {
                ui::warn(&format!("`{url}`: {NO_OUTPUTS}"));
                self.blocks.push((url.to_owned(), String::new()));
            }
            Err(error) => {
                let code = super::fail(&refusal(&error).fact("state", url));
                self.failure.get_or_insert(code);
            }
        }
    }

    fn failed(&mut self, error: &Error) {
        let code = ui::fail(error);
        self.failure.get_or_insert(code);
    }

    fn finish(self, json: bool) -> Result<ExitCode> {
        ui::data(if json { object(&self.blocks)? } else { headed(&self.blocks) })?;
        Ok(self.failure.unwrap_or(ExitCode::SUCCESS))
    }
}

/// Blocks under a line with their state's URL, an empty line between them.
fn headed(blocks: &[(String, String)]) -> String {
    let blocks: Vec<_> = blocks.iter().map(|(url, text)| format!("# {url}\n{text}")).collect();
    blocks.join("\n")
}

/// One object with the states' URLs as names; values keep every digit.
fn object(blocks: &[(String, String)]) -> Result<String> {
    let bug =
        |cause| Error::new(s3tate::ErrorKind::Bug, "can't print the outputs as JSON").with_source(cause);
    // A line break stands only between the parts of a value, never in a text.
    let indented = |text: &str| RawValue::from_string(text.trim_end().replace('\n', "\n  "));
    let values: Result<Vec<_>, _> = blocks.iter().map(|(_, text)| indented(text)).collect();
    let values = values.map_err(bug)?;
    let members = blocks.iter().map(|(url, _)| url.as_str()).zip(values);
    let object: std::collections::BTreeMap<_, _> = members.collect();
    Ok(serde_json::to_string_pretty(&object).map_err(bug)? + "\n")
}
