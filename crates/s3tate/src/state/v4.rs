//! Format 4, written by Terraform 0.12 and later and by `OpenTofu`.
//!
//! Top-level fields in written order: `version`, `terraform_version`, `serial`, `lineage`, `outputs`, `resources`,
//! `check_results`. Readers ignore unknown fields and don't rely on the order.

use std::collections::BTreeSet;

use super::address::{InstanceKey, ModuleAddress};
use super::check::CheckResult;
use super::fields::elements;
use super::json::{Raw, TopLevel};
use super::{Header, Mode, Outputs, Resource, StateError, header};

/// A format 4 document, its parts borrowed and not yet understood.
#[derive(Debug)]
pub struct StateFile<'a> {
    /// The header.
    pub header: Header,
    document: TopLevel<'a>,
}

impl<'a> StateFile<'a> {
    /// Opens a document; `None` if there are no bytes, which means "no state".
    ///
    /// Checks the syntax of all of it and the header. The parts are checked when they are asked for, or all at once by
    /// [`Self::check`].
    ///
    /// # Errors
    /// The [`StateError`]s about syntax, version and header fields; [`StateError::LegacyFormat`] for formats 1 to 3.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>, StateError> {
        let Some((header, document)) = header::open(bytes)? else { return Ok(None) };
        header.require_format_4()?;
        Ok(Some(Self { header, document }))
    }

    /// The outputs.
    ///
    /// # Errors
    /// [`StateError::Field`], [`StateError::OutputType`], [`StateError::OutputValue`].
    pub fn outputs(&self) -> Result<Outputs, StateError> {
        Outputs::parse(self.document.all("outputs"))
    }

    /// The resources in the order of the document; elements with the same address become one.
    ///
    /// # Errors
    /// [`StateError::Field`], [`StateError::Resource`].
    pub fn resources(&self) -> Result<Vec<Resource<'a>>, StateError> {
        Resource::parse_all(self.resource_elements()?)
    }

    /// The elements of `resources` as they stand in the document.
    pub(super) fn resource_elements(&self) -> Result<Vec<Raw<'a>>, StateError> {
        let resources = self.document.all("resources").last();
        Ok(resources.map(|raw| elements(raw, "resources")).transpose()?.unwrap_or_default())
    }

    /// The results of checks that Terraform 1.11 knows, in the order of the document.
    pub(super) fn check_results(&self) -> Result<Vec<CheckResult<'a>>, StateError> {
        let results = self.document.all("check_results").last();
        let raws = results.map(|raw| elements(raw, "check_results")).transpose()?.unwrap_or_default();
        raws.into_iter().filter_map(|raw| CheckResult::parse(raw).transpose()).collect()
    }

    /// Whether the document has a field `check_results`, as Terraform 1.3 and later write it.
    pub(super) fn has_check_results(&self) -> bool {
        self.document.all("check_results").next().is_some()
    }

    /// Checks everything that Terraform checks when it reads a state.
    ///
    /// # Errors
    /// The first fault found: in the resources, the outputs or the check results.
    pub fn check(&self) -> Result<(), StateError> {
        self.resources()?;
        self.outputs()?;
        self.check_results().map(drop)
    }
}

/// The addresses of all managed resource instances, each once, as `terraform state list` prints and orders them.
///
/// An instance counts if it has any object, even if only a deposed one. No bytes are no state, so there are none.
///
/// # Errors
/// As [`StateFile::parse`] and [`StateFile::resources`].
pub fn managed_resource_addresses(bytes: &[u8]) -> Result<Vec<String>, StateError> {
    let Some(state) = StateFile::parse(bytes)? else { return Ok(Vec::new()) };
    instance_addresses(&state, |mode| mode == Mode::Managed)
}

/// The addresses of the instances with the wanted modes, sorted.
pub(super) fn instance_addresses(
    state: &StateFile<'_>,
    wanted: impl Fn(Mode) -> bool,
) -> Result<Vec<String>, StateError> {
    type SortKey<'k> = (&'k ModuleAddress, Mode, &'k str, &'k str, Option<&'k InstanceKey>);
    let resources = state.resources()?;
    let mut sorted: BTreeSet<(SortKey<'_>, String)> = BTreeSet::new();
    for resource in resources.iter().filter(|resource| wanted(resource.mode)) {
        for instance in &resource.instances {
            let key = instance.key.as_ref();
            let sort_key = (&resource.module, resource.mode, &*resource.type_name, &*resource.name, key);
            sorted.insert((sort_key, resource.address(key)));
        }
    }
    Ok(sorted.into_iter().map(|(_, address)| address).collect())
}
