//! The state format against samples that real Terraform binaries wrote and read.

mod addresses;
mod edits;
mod fixtures;
mod mutations;
mod numbers;
mod outputs;
mod reader_cases;
mod resources;
mod streaming;
mod upgrades;
mod writing;
