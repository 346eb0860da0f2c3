//! Where an argument's value came from.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place in a file, with the file's text, so that it can be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    path: PathBuf,
    text: Arc<str>,
    span: Range<usize>,
}

impl Place {
    /// The bytes `span` of a file's text; a span that reaches beyond the text is cut.
    pub fn new(path: &Path, text: &Arc<str>, span: Range<usize>) -> Self {
        let floor =
            |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let start = floor(span.start);
        Self { path: path.to_owned(), text: Arc::clone(text), span: start..floor(span.end).max(start) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes meant.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.before().rsplit('\n').next().unwrap_or_default().chars().count() + 1
    }

    fn before(&self) -> &str {
        &self.text[..self.span.start]
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line())
    }
}

/// The text may hold secrets, so only the place is shown.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}:{}", self.column())
    }
}

/// Where an argument's value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file of blocks or attributes.
    File(Place),
    /// A `-backend-config NAME=VALUE` option.
    Option,
    /// The cache that `init` left.
    Cache(PathBuf),
    /// A `-state` URL.
    Url,
    /// A block that somebody else reads for us, in words.
    Block(&'static str),
    /// An environment variable.
    Env(&'static str),
    /// A profile of the shared files.
    Profile(String),
    /// Nobody gave one.
    Default,
}

impl Source {
    /// The place to show, where there is one.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::File(place) => Some(place),
            Self::Option
            | Self::Cache(_)
            | Self::Url
            | Self::Block(_)
            | Self::Env(_)
            | Self::Profile(_)
            | Self::Default => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => place.fmt(f),
            Self::Option => f.write_str("option -backend-config"),
            Self::Cache(path) => write!(f, "{}", path.display()),
            Self::Url => f.write_str("option -state"),
            Self::Block(block) => f.write_str(block),
            Self::Env(name) => write!(f, "variable {name}"),
            Self::Profile(name) => write!(f, "profile `{name}`"),
            Self::Default => f.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let text: Arc<str> = "ä\nbü = 1\n".into();
        let place = Place::new(Path::new("m.tf"), &text, 6..100);
        assert_eq!((place.line(), place.column()), (2, 3), "cut down to the start of a character");
        assert_eq!(format!("{place} {place:?}"), "m.tf:2 m.tf:2:3");
        assert_eq!(place.span(), 6..text.len());
    }
}
