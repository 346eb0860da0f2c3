//! Errors laid out for people: first line, source line, facts, and what to do next.

use std::error::Error as _;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use s3tate::{Error, Problem};

/// First line: what failed and how things stand; then facts, one a line; after a blank line what to do next.
///
/// Several problems come one after another, each with its place, before the line that counts them.
pub(crate) fn render(error: &Error) -> String {
    match error.problems() {
        [] => plain(error, format!("error: {error}")),
        [problem] => plain(error, titled(&error.to_string(), problem)),
        several => {
            let each: String = several.iter().map(|problem| one_of_several(problem) + "\n\n").collect();
            plain(error, format!("{each}error: {error}"))
        }
    }
}

fn one_of_several(problem: &Problem) -> String {
    let mut text = titled(&problem.message, problem);
    push_facts(&mut text, problem.why.iter().map(|why| ("cause", why.clone())).collect());
    push_hint(&mut text, problem.hint.as_deref());
    text
}

/// The title with the source line under it, where there is one.
fn titled(title: &str, problem: &Problem) -> String {
    let Some(place) = &problem.place else { return format!("error: {title}") };
    let path = place.path().display().to_string();
    let snippet =
        Snippet::source(place.text()).path(path).annotation(AnnotationKind::Primary.span(place.span()));
    Renderer::plain().render(&[Level::ERROR.primary_title(title).element(snippet)])
}

fn plain(error: &Error, mut text: String) -> String {
    let mut facts: Vec<_> = error.facts().map(|(label, value)| (label, value.to_owned())).collect();
    let mut source = error.source();
    while let Some(cause) = source {
        facts.push(("cause", cause.to_string()));
        source = cause.source();
    }
    push_facts(&mut text, facts);
    push_hint(&mut text, error.hint_text());
    text
}

fn push_facts(text: &mut String, facts: Vec<(&str, String)>) {
    let width = facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default() + 1;
    for (label, value) in facts {
        let label = format!("{label}:");
        // Writing to a `String` can't fail.
        let _ = write!(text, "\n  {label:width$} {value}");
    }
}

fn push_hint(text: &mut String, hint: Option<&str>) {
    if let Some(hint) = hint {
        // Writing to a `String` can't fail.
        let _ = write!(text, "\n\nhint: {hint}");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use s3tate::ErrorKind;
    use s3tate::config::Place;

    use super::*;

    #[test]
    fn errors_are_laid_out_for_people() {
        let error = Error::new(ErrorKind::Locked, "`s3://b/k` is locked")
            .fact("held by", "dana")
            .fact("id", "x")
            .hint("wait")
            .with_source(std::io::Error::other("why"));
        assert_eq!(
            render(&error),
            "error: `s3://b/k` is locked\n  held by: dana\n  id:      x\n  cause:   why\n\nhint: wait"
        );
    }

    #[test]
    fn problems_show_their_line() {
        let place = Place::new(Path::new("main.tf"), &"terraform {\n  buckt = 1\n}\n".into(), 14..23);
        let problem = Problem::new("unknown argument `buckt`").hint("did you mean `bucket`?").at_place(place);
        assert_eq!(
            render(&problem.into()),
            "error: unknown argument `buckt`; nothing was done\n --> main.tf:2:3\n  |\n2 |   buckt = 1\n  |   ^^^^^^^^^\n\n\
             hint: did you mean `bucket`?"
        );
    }

    #[test]
    fn several_problems_are_counted() {
        let text = render(&Error::of_problems(vec![Problem::new("a").why("w"), Problem::new("b").hint("h")]));
        assert_eq!(
            text,
            "error: a\n  cause: w\n\nerror: b\n\nhint: h\n\nerror: 2 problems in the configuration; nothing was done"
        );
    }
}
