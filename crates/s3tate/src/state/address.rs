//! Addresses of modules, resources and their instances.

use std::cmp::Ordering;
use std::fmt;

use super::quote::push_hcl_quoted;

/// What tells the instances of a resource or module with `count` or `for_each` apart; numbers sort before text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceKey {
    /// An index of `count`.
    Number(i64),
    /// A key of `for_each`.
    Text(String),
}

/// One step into a child module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleStep {
    /// The name of the module call.
    pub name: String,
    /// Which instance of it, if it has several.
    pub key: Option<InstanceKey>,
}

/// The address of a module instance; empty for the root module.
///
/// Sorted as `terraform state list` does: shorter paths first, then step by step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ModuleAddress(pub Vec<ModuleStep>);

impl Ord for ModuleAddress {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for ModuleAddress {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(index) => write!(f, "[{index}]"),
            Self::Text(key) => {
                let mut quoted = String::new();
                push_hcl_quoted(&mut quoted, key);
                write!(f, "[{quoted}]")
            }
        }
    }
}

impl fmt::Display for ModuleAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "module." } else { ".module." })?;
            f.write_str(&step.name)?;
            if let Some(key) = &step.key {
                write!(f, "{key}")?;
            }
        }
        Ok(())
    }
}

impl ModuleAddress {
    /// Reads a module address such as `module.a.module.b["k"]`; the empty text is the root module.
    ///
    /// The error says in a few words what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text };
        if text.is_empty() {
            return Ok(Self::default());
        }
        let module = parser.modules()?;
        match parser.rest {
            "" if text.ends_with('.') => Err("a module address must not end with a dot".to_owned()),
            "" => Ok(module),
            rest => Err(format!("unexpected text {rest:?} in a module address")),
        }
    }
}

/// Checks the address of a resource: `[module.NAME.…][data.]TYPE.NAME`, modules with keys or without.
pub(super) fn check_resource(text: &str) -> Result<(), String> {
    let mut parser = Parser { rest: text };
    parser.modules()?;
    parser.resource()?;
    parser.end()
}

/// Checks the address of what a check result is about in the configuration, so without any keys.
///
/// `kind` is `resource`, or the word before the name, as in `output.NAME`.
pub(super) fn check_config_object(text: &str, kind: &str) -> Result<(), String> {
    let mut parser = Parser { rest: text };
    if parser.modules()?.0.iter().any(|step| step.key.is_some()) {
        return Err("a module with a key is not expected here".to_owned());
    }
    parser.object(kind)?;
    parser.end()
}

/// Checks the address of an instance of what a check result is about, which may have keys.
pub(super) fn check_object_instance(text: &str, kind: &str) -> Result<(), String> {
    let mut parser = Parser { rest: text };
    parser.modules()?;
    parser.object(kind)?;
    if kind == "resource" && parser.skip("[") {
        parser.key()?;
    }
    parser.end()
}

/// Whether a text is a name as Terraform's language has it, dashes included.
pub(super) fn is_identifier(text: &str) -> bool {
    let mut parser = Parser::new(text);
    parser.name().is_ok() && parser.is_done()
}

/// Takes an address apart from its start.
pub(super) struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads module steps as long as there are any, and the dot behind them if more follows.
    pub(super) fn modules(&mut self) -> Result<ModuleAddress, String> {
        let mut steps = Vec::new();
        while self.skip("module.") {
            let name = self.name()?.to_owned();
            let key = if self.skip("[") { Some(self.key()?) } else { None };
            steps.push(ModuleStep { name, key });
            if !self.rest.is_empty() {
                self.dot()?;
            }
        }
        Ok(ModuleAddress(steps))
    }

    fn resource(&mut self) -> Result<(), String> {
        if !self.skip("data.") {
            self.skip("resource.");
        }
        self.name()?;
        self.dot()?;
        self.name().map(drop)
    }

    fn object(&mut self, kind: &str) -> Result<(), String> {
        if kind == "resource" {
            return self.resource();
        }
        if self.name()? != kind {
            return Err(format!("an address that begins with {kind:?} is required"));
        }
        self.dot()?;
        self.name().map(drop)
    }

    /// Skips `text` if it comes next, and tells whether it did.
    pub(super) fn skip(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub(super) fn dot(&mut self) -> Result<(), String> {
        if self.skip(".") { Ok(()) } else { Err("an attribute access or an index is required".to_owned()) }
    }

    pub(super) fn end(&self) -> Result<(), String> {
        if self.rest.is_empty() { Ok(()) } else { Err(format!("unexpected text {:?} at its end", self.rest)) }
    }

    pub(super) fn name(&mut self) -> Result<&'a str, String> {
        let is_start = |c: char| c == '_' || unicode_ident::is_xid_start(c);
        let is_continue = |c: char| c == '-' || unicode_ident::is_xid_continue(c);
        if !self.rest.starts_with(is_start) {
            return Err("a name is required".to_owned());
        }
        let end = self.rest.find(|c| !is_continue(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(name)
    }

    /// Reads an instance key and the closing bracket behind it.
    pub(super) fn key(&mut self) -> Result<InstanceKey, String> {
        self.rest = self.rest.trim_start_matches(' ');
        let key = if self.skip("\"") {
            InstanceKey::Text(self.quoted()?)
        } else {
            let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            self.rest = rest;
            InstanceKey::Number(digits.parse().map_err(|_| "an index must be a number or a quoted text")?)
        };
        self.rest = self.rest.trim_start_matches(' ');
        if self.skip("]") { Ok(key) } else { Err("an index must end with \"]\"".to_owned()) }
    }

    /// Reads the text behind an opening quote, up to and including the closing one.
    fn quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            for sign in ["$", "%"] {
                let brace = [sign, "{"].concat();
                if self.skip(&[sign, &brace].concat()) {
                    text.push_str(&brace);
                } else if self.rest.starts_with(&brace) {
                    return Err("a template is not allowed in an index".to_owned());
                }
            }
            let mut chars = self.rest.chars();
            let c = chars.next().ok_or("a quoted index has no end")?;
            self.rest = chars.as_str();
            match c {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                _ => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let mut chars = self.rest.chars();
        let kind = chars.next();
        self.rest = chars.as_str();
        let digits = match kind {
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some(c @ ('"' | '\\')) => return Ok(c),
            Some('u') => 4,
            Some('U') => 8,
            _ => return Err("an index has an unknown escape".to_owned()),
        };
        let (code, rest) = self.rest.split_at_checked(digits).ok_or("an escape in an index is cut off")?;
        self.rest = rest;
        let code = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
        code.ok_or_else(|| "an escape in an index stands for no character".to_owned())
    }
}
