//! Differences as text for people.

use std::fmt::Write;

use super::{Action, AttributeChange, ObjectChange, OutputChange, Relation, Shown, StateDiff};

/// Values longer than this, in characters, are cut.
const LONGEST_VALUE: usize = 120;

pub(super) fn render(diff: &StateDiff, colours: bool) -> String {
    let mut text = Text { out: String::new(), colours };
    text.header(diff);
    for object in &diff.objects {
        text.object(object);
    }
    if !diff.outputs.is_empty() {
        text.line(None, 0, "outputs:");
    }
    for output in &diff.outputs {
        text.output(output);
    }
    if !diff.is_empty() {
        text.line(None, 0, &counts(diff));
    }
    text.out
}

struct Text {
    out: String,
    colours: bool,
}

impl Text {
    fn line(&mut self, action: Option<Action>, indent: usize, line: &str) {
        let colour = match action.filter(|_| self.colours) {
            None => None,
            Some(Action::Added) => Some("\u{1b}[32m"),
            Some(Action::Removed) => Some("\u{1b}[31m"),
            Some(Action::Changed | Action::Replaced) => Some("\u{1b}[33m"),
            Some(Action::Moved) => Some("\u{1b}[36m"),
        };
        let end = if colour.is_some() { "\u{1b}[0m" } else { "" };
        // Writing to a `String` can't fail.
        let _ = writeln!(self.out, "{:indent$}{}{line}{end}", "", colour.unwrap_or_default());
    }

    fn header(&mut self, diff: &StateDiff) {
        match (&diff.before, &diff.after) {
            (None, Some(after)) => self.line(None, 0, &format!("no state -> serial {}", after.serial)),
            (Some(before), None) => self.line(None, 0, &format!("serial {} -> no state", before.serial)),
            (Some(before), Some(after)) if diff.relation() == Relation::Unrelated => {
                let lineages =
                    format!("lineage {} -> {}: these are unrelated states", before.lineage, after.lineage);
                self.line(None, 0, &lineages);
            }
            (Some(before), Some(after)) if before.serial != after.serial => {
                self.line(None, 0, &format!("serial {} -> {}", before.serial, after.serial));
            }
            _ => {}
        }
    }

    fn object(&mut self, object: &ObjectChange) {
        let ObjectChange { address, from, deposed, action, facts, attributes } = object;
        let deposed = deposed.as_ref().map(|key| format!(" (deposed {key})")).unwrap_or_default();
        let name = match from {
            Some(from) => format!("{from} {} {address}", action.sign()),
            None => format!("{} {address}{deposed}", action.sign()),
        };
        self.line(Some(*action), 0, &name);
        for (what, before, after) in facts {
            self.line(None, 4, &format!("({what}) {} -> {}", shortened(before), shortened(after)));
        }
        for attribute in attributes {
            self.attribute(attribute);
        }
    }

    fn attribute(&mut self, AttributeChange { path, before, after }: &AttributeChange) {
        let (action, line) = match (before, after) {
            (None, after) => (Action::Added, format!("+ {path} = {}", shown(after.as_ref()))),
            (before, None) => (Action::Removed, format!("- {path} = {}", shown(before.as_ref()))),
            (before, after) => (
                Action::Changed,
                format!("~ {path} = {} -> {}", shown(before.as_ref()), shown(after.as_ref())),
            ),
        };
        self.line(Some(action), 4, &line);
    }

    fn output(&mut self, OutputChange { name, action, before, after, same_value }: &OutputChange) {
        let value = match (before, after) {
            (Some(_), Some(after)) if *same_value => format!("{} (type or mark changed)", shown(Some(after))),
            (Some(before), Some(after)) => format!("{} -> {}", shown(Some(before)), shown(Some(after))),
            (before, after) => shown(before.as_ref().or(after.as_ref())),
        };
        self.line(Some(*action), 2, &format!("{} {name} = {value}", action.sign()));
    }
}

fn shown(value: Option<&Shown>) -> String {
    match value {
        Some(Shown::Json(json)) => shortened(json),
        Some(Shown::Masked) | None => "<sensitive>".to_owned(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

/// Such as `1 added, 2 changed; outputs: 1 removed`.
fn counts(diff: &StateDiff) -> String {
    let objects = counted(diff.objects.iter().map(|object| object.action));
    let outputs = counted(diff.outputs.iter().map(|output| output.action));
    match (objects.as_str(), outputs.as_str()) {
        (objects, "") => format!("resources: {objects}"),
        ("", outputs) => format!("outputs: {outputs}"),
        (objects, outputs) => format!("resources: {objects}; outputs: {outputs}"),
    }
}

fn counted(actions: impl Iterator<Item = Action>) -> String {
    let actions: Vec<_> = actions.collect();
    let all = [Action::Added, Action::Removed, Action::Replaced, Action::Changed, Action::Moved];
    let counts = all.into_iter().filter_map(|action| {
        let count = actions.iter().filter(|found| **found == action).count();
        (count > 0).then(|| format!("{count} {}", action.as_str()))
    });
    counts.collect::<Vec<_>>().join(", ")
}
