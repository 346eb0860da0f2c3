//! Results of checks in a format 4 state.

use std::borrow::Cow;

use super::StateError;
use super::address::{check_config_object, check_object_instance};
use super::fields::{known, members, set, texts};
use super::json::{Raw, optional};

/// One element of `check_results`.
#[derive(Debug, Clone, Default)]
pub(super) struct CheckResult<'a> {
    pub(super) object_kind: Cow<'a, str>,
    pub(super) config_addr: Cow<'a, str>,
    pub(super) status: Cow<'a, str>,
    pub(super) objects: Option<Vec<CheckedObject<'a>>>,
}

impl<'a> CheckResult<'a> {
    /// Reads one element; `None` for a kind of object that Terraform 1.11 doesn't know and silently drops.
    pub(super) fn parse(raw: Raw<'a>) -> Result<Option<Self>, StateError> {
        let mut result = Self::default();
        for (name, raw) in members(raw, "check_results")? {
            match known(&name, &["object_kind", "config_addr", "status", "objects"]) {
                "object_kind" => set(&mut result.object_kind, raw, "check_results.object_kind", Raw::text)?,
                "config_addr" => set(&mut result.config_addr, raw, "check_results.config_addr", Raw::text)?,
                "status" => set(&mut result.status, raw, "check_results.status", Raw::text)?,
                "objects" => {
                    let objects = optional(raw, "check_results.objects", Raw::elements)?;
                    result.objects =
                        objects.map(|raws| raws.map(CheckedObject::parse).collect()).transpose()?;
                }
                _ => {}
            }
        }
        result.checked()
    }

    fn checked(self) -> Result<Option<Self>, StateError> {
        if !matches!(&*self.object_kind, "resource" | "output" | "check" | "var") {
            return Ok(None);
        }
        let invalid = |address: &str, reason| StateError::Check { address: address.to_owned(), reason };
        check_config_object(&self.config_addr, &self.object_kind)
            .map_err(|reason| invalid(&self.config_addr, reason))?;
        for object in self.objects.iter().flatten() {
            check_object_instance(&object.object_addr, &self.object_kind)
                .map_err(|reason| invalid(&object.object_addr, reason))?;
        }
        Ok(Some(self))
    }
}

/// What a check said about one instance of its object.
#[derive(Debug, Clone, Default)]
pub(super) struct CheckedObject<'a> {
    pub(super) object_addr: Cow<'a, str>,
    pub(super) status: Cow<'a, str>,
    pub(super) failure_messages: Vec<Cow<'a, str>>,
}

impl<'a> CheckedObject<'a> {
    fn parse(raw: Raw<'a>) -> Result<Self, StateError> {
        let mut object = Self::default();
        for (name, raw) in members(raw, "check_results.objects")? {
            match known(&name, &["object_addr", "status", "failure_messages"]) {
                "object_addr" => {
                    set(&mut object.object_addr, raw, "check_results.objects.object_addr", Raw::text)?;
                }
                "status" => set(&mut object.status, raw, "check_results.objects.status", Raw::text)?,
                "failure_messages" => {
                    let field = "check_results.objects.failure_messages";
                    object.failure_messages = optional(raw, field, texts)?.unwrap_or_default();
                }
                _ => {}
            }
        }
        Ok(object)
    }
}
