//! Problems of a configuration: all of them at once, each with its place.

use crate::config::{Place, Source};
use crate::error::{Error, ErrorKind};

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in a line.
    pub message: String,
    /// Why, or what is expected.
    pub why: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// Where to look; `None` where there is no file, or where showing the line would show a secret.
    pub place: Option<Place>,
    /// The attribute that it is about, such as `key` or `assume_role.role_arn`; `None` where it is about none alone.
    pub attribute: Option<String>,
}

impl Problem {
    /// Makes a problem without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), why: None, hint: None, place: None, attribute: None }
    }

    /// Adds the reason.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the attribute that it is about.
    #[must_use]
    pub fn about(mut self, attribute: impl Into<String>) -> Self {
        self.attribute = Some(attribute.into());
        self
    }

    /// Adds the place of a source, where it has one.
    #[must_use]
    pub fn at(mut self, source: &Source) -> Self {
        self.place = source.place().cloned();
        self
    }

    /// Adds a place.
    #[must_use]
    pub fn at_place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::of_problems(vec![problem])
    }
}

impl Error {
    /// One error of all problems, of kind [`ErrorKind::Invalid`].
    pub fn of_problems(problems: Vec<Problem>) -> Self {
        let [problem] = problems.as_slice() else {
            let message = format!("{} problems in the configuration; nothing was done", problems.len());
            return Self::new(ErrorKind::Invalid, message).with_problems(problems);
        };
        let mut error = Self::new(ErrorKind::Invalid, format!("{}; nothing was done", problem.message));
        if let Some(why) = &problem.why {
            error = error.fact("cause", why.clone());
        }
        if let Some(hint) = &problem.hint {
            error = error.hint(hint.clone());
        }
        error.with_problems(problems)
    }
}
