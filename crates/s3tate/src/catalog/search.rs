//! What is searched for, and what matches.

use std::io::BufRead;

use globset::{Glob, GlobMatcher};
use regex::{Regex, RegexBuilder};

use super::lines::Line;
use crate::error::{Error, ErrorKind, Result};

/// How a pattern's text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pattern {
    /// A regular expression instead of plain text.
    pub regex: bool,
    /// Capitals count as small letters.
    pub ignore_case: bool,
    /// The whole of an address, name or value has to match, not a part of it.
    pub whole: bool,
}

/// What is searched for.
#[derive(Debug)]
pub struct Search {
    text: Option<Regex>,
    type_name: Option<GlobMatcher>,
    provider: Option<GlobMatcher>,
    attribute: Option<GlobMatcher>,
    /// Whether only outputs are looked at.
    outputs_only: bool,
}

/// What matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The address of the instance, or `output.NAME`.
    pub address: String,
    /// The resource type; `None` for an output.
    pub type_name: Option<String>,
    /// The provider, such as `registry.terraform.io/hashicorp/aws`; `None` for an output.
    pub provider: Option<String>,
    /// The attribute whose value matched; `None` where the address, or a filter alone, did.
    pub attribute: Option<String>,
    /// The value that matched.
    pub value: Option<String>,
}

impl Search {
    /// Searches for a text in addresses, attributes and outputs; without one, for all that the filters leave.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: the regular expression is none.
    pub fn new(text: Option<&str>, pattern: Pattern) -> Result<Self> {
        let text = text.map(|text| compile(text, pattern)).transpose()?;
        Ok(Self { text, type_name: None, provider: None, attribute: None, outputs_only: false })
    }

    /// Only instances of types that this glob matches.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: it is no glob; as for those that follow.
    pub fn with_type(self, pattern: &str) -> Result<Self> {
        Ok(Self { type_name: Some(glob(pattern)?), ..self })
    }

    /// Only instances of providers that this glob matches, whole or behind a slash: `aws` is that of
    /// `registry.terraform.io/hashicorp/aws`.
    ///
    /// # Errors
    /// As [`Search::with_type`].
    pub fn with_provider(self, pattern: &str) -> Result<Self> {
        Ok(Self { provider: Some(glob(pattern)?), ..self })
    }

    /// Only values of attributes whose path, or its last name, this glob matches.
    ///
    /// # Errors
    /// As [`Search::with_type`].
    pub fn with_attribute(self, pattern: &str) -> Result<Self> {
        Ok(Self { attribute: Some(glob(pattern)?), ..self })
    }

    /// Only outputs.
    #[must_use]
    pub fn outputs_only(self) -> Self {
        Self { outputs_only: true, ..self }
    }

    /// What matches in the lines of one state.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: the lines can't be read.
    pub(super) fn in_lines(&self, mut lines: impl BufRead) -> Result<Vec<Hit>> {
        let mut found = Hits::default();
        let mut line = String::new();
        let damaged = || Error::new(ErrorKind::Corrupt, "the index can't be read");
        loop {
            line.clear();
            let length = lines.read_line(&mut line).map_err(|cause| damaged().with_source(cause))?;
            if length == 0 {
                // Cut off: what was found is not all there is.
                return Err(damaged());
            }
            match Line::parse(line.trim_end_matches('\n')) {
                Some(Line::End) => return Ok(found.hits),
                Some(line) => self.take(&line, &mut found),
                None => return Err(damaged()),
            }
        }
    }

    fn take(&self, line: &Line<'_>, found: &mut Hits) {
        match line {
            Line::End => {}
            Line::Instance { address, type_name, provider, .. } => {
                found.current = self.wants(type_name, provider).then(|| Hit {
                    address: address.to_string(),
                    type_name: Some(type_name.to_string()),
                    provider: Some(provider.to_string()),
                    attribute: None,
                    value: None,
                });
                if self.attribute.is_none() && self.matches(address) {
                    found.hits.extend(found.current.clone());
                }
            }
            Line::Attribute { path, value } => {
                let Some(current) = &found.current else { return };
                // A filter alone asks for instances, not for everything in them.
                let asked = self.text.is_some() || self.attribute.is_some();
                if asked && self.wants_attribute(path) && self.matches(value) {
                    let (attribute, value) = (Some(path.to_string()), Some(value.to_string()));
                    found.hits.push(Hit { attribute, value, ..current.clone() });
                }
            }
            Line::Output { name, value } => {
                if self.wants_outputs() && (self.matches(name) || self.matches(value)) {
                    let value = Some(value.to_string()).filter(|value| !value.is_empty());
                    let address = format!("output.{name}");
                    found.hits.push(Hit { address, type_name: None, provider: None, attribute: None, value });
                }
            }
        }
    }

    fn matches(&self, text: &str) -> bool {
        self.text.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }

    fn wants(&self, type_name: &str, provider: &str) -> bool {
        let last = provider.rsplit('/').next().unwrap_or_default();
        !self.outputs_only
            && self.type_name.as_ref().is_none_or(|glob| glob.is_match(type_name))
            && self.provider.as_ref().is_none_or(|glob| glob.is_match(provider) || glob.is_match(last))
    }

    fn wants_attribute(&self, path: &str) -> bool {
        let last = path.rsplit(['.', ']']).next().unwrap_or_default();
        self.attribute.as_ref().is_none_or(|glob| glob.is_match(path) || glob.is_match(last))
    }

    fn wants_outputs(&self) -> bool {
        self.type_name.is_none() && self.provider.is_none() && self.attribute.is_none()
    }
}

#[derive(Default)]
struct Hits {
    hits: Vec<Hit>,
    /// The instance whose attributes follow, if it is wanted.
    current: Option<Hit>,
}

fn compile(text: &str, pattern: Pattern) -> Result<Regex> {
    let source = if pattern.regex { text.to_owned() } else { regex::escape(text) };
    let source = if pattern.whole { format!("^(?:{source})$") } else { source };
    let built = RegexBuilder::new(&source).case_insensitive(pattern.ignore_case).build();
    built.map_err(|cause| Error::invalid(format!("`{text}` is no regular expression")).with_source(cause))
}

fn glob(pattern: &str) -> Result<GlobMatcher> {
    let glob = Glob::new(pattern);
    let glob =
        glob.map_err(|cause| Error::invalid(format!("`{pattern}` is no pattern")).with_source(cause))?;
    Ok(glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "O\tvpc_id\t\"vpc-1\"\nO\tdb_password\t\n\
        R\tmodule.net.aws_vpc.main\tm\taws_vpc\tregistry.terraform.io/hashicorp/aws\n\
        A\tid\tvpc-1\nA\ttags.Name\tProd\nA\tcidr_block\t10.0.0.0/16\n\
        R\tdata.aws_ami.x\td\taws_ami\tregistry.terraform.io/hashicorp/aws\nA\tid\tami-1\n\
        R\tterraform_data.a\tm\tterraform_data\tterraform.io/builtin/terraform\nA\tinput\tvpc-1\nE\t\t\n";

    fn hits(search: Result<Search>) -> Vec<String> {
        let hits = search.unwrap().in_lines(LINES.as_bytes()).unwrap();
        hits.into_iter().map(|hit| format!("{} {}", hit.address, hit.attribute.unwrap_or_default())).collect()
    }

    fn plain(text: &str) -> Result<Search> {
        Search::new(Some(text), Pattern::default())
    }

    #[test]
    fn text_is_searched_in_addresses_values_and_outputs() {
        assert_eq!(
            hits(plain("vpc-1")),
            ["output.vpc_id ", "module.net.aws_vpc.main id", "terraform_data.a input"]
        );
        assert_eq!(hits(plain("module.net")), ["module.net.aws_vpc.main "]);
        assert_eq!(hits(plain("db_password")), ["output.db_password "]);
        assert_eq!(hits(plain("prod")), Vec::<String>::new());
        let insensitive = Pattern { ignore_case: true, ..Pattern::default() };
        assert_eq!(hits(Search::new(Some("prod"), insensitive)), ["module.net.aws_vpc.main tags.Name"]);
        assert_eq!(hits(plain("10.0.0.0/1")), ["module.net.aws_vpc.main cidr_block"]);
        assert_eq!(hits(plain("10.0.0.0.16")), Vec::<String>::new(), "a dot is a dot");
    }

    #[test]
    fn lines_that_were_cut_off_are_damage_and_not_all_there_is() {
        let search = plain("vpc-1").unwrap();
        for cut in [0, 20, LINES.len() - 5] {
            let error = search.in_lines(&LINES.as_bytes()[..cut]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn expressions_and_whole_values() {
        let regex = Pattern { regex: true, ..Pattern::default() };
        assert_eq!(hits(Search::new(Some("^ami-[0-9]$"), regex)), ["data.aws_ami.x id"]);
        let whole = Pattern { whole: true, ..Pattern::default() };
        assert_eq!(hits(Search::new(Some("vpc"), whole)), Vec::<String>::new());
        assert_eq!(hits(Search::new(Some("vpc-1"), whole)).len(), 2);
        assert_eq!(Search::new(Some("("), regex).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(plain("x").unwrap().with_type("[").unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn filters_alone_ask_for_instances() {
        let all = || Search::new(None, Pattern::default());
        assert_eq!(hits(all().unwrap().with_type("aws_*")), ["module.net.aws_vpc.main ", "data.aws_ami.x "]);
        assert_eq!(hits(all().unwrap().with_provider("terraform")), ["terraform_data.a "]);
        assert_eq!(hits(all().unwrap().with_attribute("Name")), ["module.net.aws_vpc.main tags.Name"]);
        assert_eq!(hits(plain("vpc-1").unwrap().with_type("aws_vpc")), ["module.net.aws_vpc.main id"]);
        assert_eq!(hits(plain("vpc").map(Search::outputs_only)), ["output.vpc_id "]);
    }
}
