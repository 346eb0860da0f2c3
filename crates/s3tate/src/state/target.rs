//! What an address on the command line names: a module, a resource, or one instance of it.

use std::fmt;

use super::Mode;
use super::address::{InstanceKey, ModuleAddress, ModuleStep, Parser};

/// The address of a resource, without the key of an instance.
///
/// Sorted as `terraform state list` does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceAddress {
    /// The module instance it is in.
    pub module: ModuleAddress,
    /// Managed or data.
    pub mode: Mode,
    /// The resource type.
    pub type_name: String,
    /// The name.
    pub name: String,
}

/// What an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A module instance, or, where its last step has no key, all of its instances.
    Module(ModuleAddress),
    /// A resource with all its instances.
    Resource(ResourceAddress),
    /// One instance of a resource with `count` or `for_each`.
    Instance(ResourceAddress, InstanceKey),
}

impl Target {
    /// Reads an address such as `module.a["k"]`, `aws_vpc.main`, `data.aws_ami.x` or `aws_subnet.a[0]`.
    ///
    /// A managed resource may also be written `resource.TYPE.NAME`.
    ///
    /// # Errors
    /// What is wrong with the text, in a few words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser::new(text);
        let module = parser.modules()?;
        if parser.is_done() && !module.0.is_empty() {
            return if text.ends_with('.') {
                Err("a module or a resource must follow the last dot".to_owned())
            } else {
                Ok(Self::Module(module))
            };
        }
        let mode = if parser.skip("data.") { Mode::Data } else { Mode::Managed };
        if mode == Mode::Managed {
            parser.skip("resource.");
        }
        let type_name = parser.name()?.to_owned();
        if parser.is_done() {
            return Err("a resource needs a type and a name".to_owned());
        }
        parser.dot()?;
        let name = parser.name()?.to_owned();
        let key = if parser.skip("[") { Some(parser.key()?) } else { None };
        parser.end()?;
        let address = ResourceAddress { module, mode, type_name, name };
        Ok(match key {
            Some(key) => Self::Instance(address, key),
            None => Self::Resource(address),
        })
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.0.is_empty() {
            write!(f, "{}.", self.module)?;
        }
        f.write_str(if self.mode == Mode::Data { "data." } else { "" })?;
        write!(f, "{}.{}", self.type_name, self.name)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(module) => module.fmt(f),
            Self::Resource(address) => address.fmt(f),
            Self::Instance(address, key) => write!(f, "{address}{key}"),
        }
    }
}

impl ModuleAddress {
    /// Whether this is `module`, an instance of it, or a descendant of one: only the last step of `module` stands for
    /// all keys where it has none.
    pub(super) fn is_within(&self, module: &[ModuleStep]) -> bool {
        let Some((last, before)) = module.split_last() else { return true };
        let Some((own, _)) = self.0.get(before.len()..).and_then(<[_]>::split_first) else { return false };
        self.0.starts_with(before)
            && own.name == last.name
            && last.key.as_ref().is_none_or(|key| own.key.as_ref() == Some(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_printed_in_one_form() {
        for (text, printed) in [
            ("resource.a_b.c", "a_b.c"),
            ("a.b[ 3 ]", "a.b[3]"),
            ("data.a.b[\"quo\\\"te\"]", "data.a.b[\"quo\\\"te\"]"),
            ("module.m[0].module.n.a.b", "module.m[0].module.n.a.b"),
            ("module.m[\"$${x}\"]", "module.m[\"$${x}\"]"),
        ] {
            assert_eq!(
                Target::parse(text).map(|target| target.to_string()),
                Ok(printed.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for text in [
            "",
            "a",
            "a.",
            "a.b.",
            "a.b.3",
            "a.b[",
            "a.b[-1]",
            "a.b[1.5]",
            "a.b['x']",
            "a.b[\"${x}\"]",
            "a.b[3].id",
            "bad addr",
            "module.",
            "module.m.",
            "module.m.module",
            "module.m.a",
            "data.a",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
