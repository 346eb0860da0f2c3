//! The state format: reading outputs, resources and headers, writing bytes as Terraform does.
//!
//! Everything works on format 4 (Terraform 0.12 and later, and `OpenTofu`); [`in_format_4`] upgrades formats 1 to 3 as
//! Terraform does.
//!
//! - [`Header`]: version, serial, lineage; [`is_encrypted`] for documents that `OpenTofu` encrypted
//! - [`StateFile`]: a whole document, its parts borrowed and checked on demand; [`managed_resource_addresses`]
//! - [`ResourcesReader`], [`Instances`], [`Target`]: resources from a stream, and which of them an address selects
//! - [`Census`]: which instances there are, and how many differ from another state's
//! - [`OutputsReader`]: outputs from a stream, without the rest of the document
//! - [`Outputs`], [`Type`], [`Value`], [`Number`]: typed output values; [`render`]: how `terraform output` prints them
//! - [`relocate`], [`remove`], [`transplant`]: editing resources, every other byte left as it is
//! - [`empty_state`], [`with_header`], [`normalize`], [`content_equal`]: writing and comparing

mod address;
mod census;
mod check;
mod content;
mod edit;
mod error;
mod fields;
mod header;
mod instance;
mod instances;
mod json;
mod number;
mod outputs;
mod outputs_reader;
mod printable;
mod provider;
mod quote;
pub mod render;
mod resource;
mod resources_reader;
mod show;
mod target;
mod typing;
mod upgrade;
mod v4;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use address::{InstanceKey, ModuleAddress, ModuleStep};
pub use census::{Census, CensusReader, Changes};
pub use content::content_equal;
pub use edit::{EditError, Relocation, Removal, Transplant, relocate, remove, transplant};
pub use error::StateError;
pub use header::{Header, is_encrypted};
pub use instance::Instance;
pub use instances::{Instances, ListedResource, Unknown};
pub use json::{Kind, Raw};
pub use number::Number;
pub use outputs::{Output, Outputs};
pub use outputs_reader::{OutputsDocument, OutputsReader, Progress};
pub use quote::go_quote;
pub use resource::{Mode, Resource};
pub use resources_reader::{ResourcesReader, count_instances};
pub(crate) use show::{Showing, show};
pub use target::{ResourceAddress, Target};
pub use typing::{Type, composed};
pub use upgrade::{in_format_4, read_outputs};
pub use v4::{StateFile, managed_resource_addresses};
pub use value::Value;
pub use write::{empty_state, normalize, with_header};
