//! JSON as Terraform reads and writes it.
//!
//! The dialect is that of Go's standard decoder, on which odd files may rely: keys match in any letter case, the last
//! of equal keys wins, `null` counts as absent, and broken UTF-8 or lone surrogates read as U+FFFD.
//! Reading goes in two steps: [`Scanner`] checks the syntax of a whole document, in pieces if need be; [`Raw`] then
//! walks checked text without building anything.

mod layout;
mod raw;
mod scanner;
mod text;
mod top_level;

pub(super) use layout::{compact, indented};
pub use raw::{Kind, Raw};
pub(super) use raw::{found, optional, same_name};
pub(super) use scanner::{Event, Scanner};
pub(super) use text::push_quoted;
pub(super) use top_level::{Member, TopLevel, top_level};
