//! Why a state can't be read.

/// Why a state document was refused; nothing of it was used.
///
/// The variants carry what Terraform 1.11 says about the same input, in other words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The bytes begin with `tfstate`, the binary format from before Terraform 0.7.
    #[error(
        "the state is in the binary format from before Terraform 0.7; upgrade it with Terraform 0.6.16 first"
    )]
    Binary,
    /// The bytes are no JSON document; `offset` counts the bytes up to and including the one that can't stand there.
    #[error("the state is not valid JSON: syntax error at byte {offset}")]
    Syntax {
        /// Bytes read when the error showed; the length of the document if it is cut off.
        offset: u64,
    },
    /// An `OpenTofu` document with client-side encryption.
    #[error("the state is encrypted by OpenTofu; its content can't be read without the key")]
    Encrypted,
    /// The document has no `version`, so it is probably no state.
    #[error("the document has no \"version\" attribute, so it is probably not a state")]
    NoVersion,
    /// The `version` is no positive whole number.
    #[error("the version of the state is {found}; a positive whole number is required")]
    BadVersion {
        /// The JSON kind, for numbers followed by the number.
        found: String,
    },
    /// The `version` is 0, which was never a JSON format.
    #[error("the state has format version 0, but no such JSON format ever existed")]
    VersionZero,
    /// A format from before Terraform 0.12, where only format 4 is read; [`crate::state::in_format_4`] upgrades it.
    #[error("the state has format {version}, from before Terraform 0.12; it must be upgraded first")]
    LegacyFormat {
        /// 1, 2 or 3.
        version: u64,
    },
    /// A document from before Terraform 0.12 that can't be brought into format 4.
    #[error("the state of format {version} can't be upgraded to format 4: {reason}")]
    Upgrade {
        /// 1, 2 or 3.
        version: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A format newer than 4.
    #[error("state format {version} is not supported; {}", written_by(.terraform_version.as_deref()))]
    NewerFormat {
        /// 5 or more.
        version: u64,
        /// The `terraform_version` of the document, if it has a valid one.
        terraform_version: Option<String>,
    },
    /// A known field has the wrong JSON type.
    #[error("the state field \"{field}\" has invalid value {found}")]
    Field {
        /// Dotted path without indexes or names, e.g. `outputs.sensitive`.
        field: String,
        /// The JSON kind, for numbers followed by the number.
        found: String,
    },
    /// `terraform_version` is not a version.
    #[error("the state claims to be written by Terraform version {0:?}, which is not a valid version string")]
    TerraformVersion(String),
    /// The `type` of an output is missing or no type expression.
    #[error("the state has an invalid type for output {name:?}: {reason}")]
    OutputType {
        /// The output.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The `value` of an output is missing or doesn't fit its type.
    #[error("the state has an invalid value for output {name:?}: {reason}")]
    OutputValue {
        /// The output.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A resource, or one of its instances, can't be understood.
    #[error("the state has an invalid resource {resource}: {reason}")]
    Resource {
        /// Module, type and name, as far as they are known.
        resource: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A check result has no valid address.
    #[error("the state has an invalid check result address {address:?}: {reason}")]
    Check {
        /// The `config_addr`.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

fn written_by(terraform_version: Option<&str>) -> String {
    match terraform_version {
        Some(version) => format!("it was written by Terraform {version}"),
        None => "it may have been written by a newer version of Terraform".to_owned(),
    }
}
