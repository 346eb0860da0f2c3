//! The rendering of Terraform 0.7 to 0.11: every value under a dotted key of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::defaults::scalar;
use super::{Block, RemoteState};
use crate::error::{Error, Result};
use crate::state::{Output, Value};

/// Keys that the `config` block of Terraform 0.11.9 to 0.11.15 knows, bytewise; the hash in its lines is over all.
const KNOWN_KEYS: &str = "access_key access_token account acl address archive_container archive_path arm_client_id \
    arm_client_secret arm_subscription_id arm_tenant_id assume_role_policy auth_url bucket ca_file cacert_file cacert_path \
    cert cert_file cert_path container container_name credentials datacenter domain_id domain_name dynamodb_table encrypt \
    encryption_key endpoint endpoints environment expire_after external_id force_path_style gzip hostname http_auth insecure \
    insecure_skip_tls_verify key key_file key_id key_material key_path kms_key_id lock lock_address lock_method lock_table \
    name object_name organization password path prefix profile project region region_name repo resource_group_name role_arn \
    scheme secret_key session_name shared_credentials_file skip_cert_verification skip_credentials_validation \
    skip_get_ec2_platforms skip_metadata_api_check skip_region_validation skip_requesting_account_id storage_account_name \
    subpath tenant_id tenant_name token unlock_address unlock_method update_method url user user_id user_name username \
    workspace_key_prefix workspaces";

/// Which version's lines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    environment: bool,
    workspace: bool,
    config: ConfigLines,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConfigLines {
    /// `config.% = N`, `config.KEY = VALUE`.
    Counted,
    /// `config.# = 1`, `config.HASH.KEY = VALUE`.
    Hashed {
        /// Whether `force_path_style` is known.
        path_style: bool,
    },
}

impl Default for Style {
    fn default() -> Self {
        Self { environment: true, workspace: true, config: ConfigLines::Counted }
    }
}

impl Style {
    /// The lines of a version, such as `0.9`, `0.10`, `0.11` or `0.11.11`.
    ///
    /// `0.11` alone stands for 0.11.2 to 0.11.8, before `config` became a block with hashes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: no version from 0.7 to 0.11.
    pub fn of_version(version: &str) -> Result<Self> {
        let numbers: Vec<Option<u32>> = version.split('.').map(|number| number.parse().ok()).collect();
        let (minor, patch) = match numbers.as_slice() {
            [Some(0), Some(minor @ 7..=11)] => (*minor, if *minor == 11 { 8 } else { 0 }),
            [Some(0), Some(minor @ 7..=11), Some(patch)] => (*minor, *patch),
            _ => {
                return Err(Error::invalid(format!("`{version}` is no version that printed flat states"))
                    .hint("write 0.9, 0.10, 0.11, or one of their releases such as 0.11.11"));
            }
        };
        let config = if (minor, patch) >= (11, 9) {
            ConfigLines::Hashed { path_style: patch >= 11 }
        } else {
            ConfigLines::Counted
        };
        Ok(Self { environment: minor >= 9, workspace: (minor, patch) >= (11, 2), config })
    }
}

/// Renders states as `terraform show` did, one data source after another.
///
/// Keys are not escaped and values stand as they are, over several lines if they have any. `time` is what `id` shows:
/// when the states were read. Sensitive outputs of a format 4 state show as `<sensitive>` unless they are asked for; those of
/// older formats show in clear, as they did.
pub fn flat(states: &[RemoteState], style: Style, time: Timestamp, show_sensitive: bool) -> String {
    let mut text = String::new();
    for state in states {
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{}:", state.block.address());
        let _ = writeln!(text, "  id = {}", time.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC"));
        for (key, value) in attributes(state, style, show_sensitive) {
            let _ = writeln!(text, "  {key} = {value}");
        }
        text.push('\n');
    }
    format!("{}\n\n", text.trim())
}

/// All attributes but the `id`; outputs come last, and take the place of others with their key.
fn attributes(state: &RemoteState, style: Style, show_sensitive: bool) -> BTreeMap<String, String> {
    let block = &state.block;
    let mut lines = BTreeMap::from([("backend".to_owned(), block.backend.clone())]);
    let mut fixed = |name: &str, given: &Option<String>, is_known: bool| {
        let value = given.as_deref().unwrap_or("default");
        if is_known && !value.is_empty() {
            lines.insert(name.to_owned(), value.to_owned());
        }
    };
    fixed("environment", &block.environment, style.environment);
    fixed("workspace", &block.workspace, style.workspace);
    config_lines(&mut lines, block, style.config);
    if !block.defaults.is_empty() {
        lines.insert("defaults.%".to_owned(), block.defaults.len().to_string());
        for (name, given) in &block.defaults {
            lines.insert(format!("defaults.{name}"), scalar(given).unwrap_or_default());
        }
    }
    for (name, output) in state.outputs.iter() {
        output_lines(&mut lines, name, output, show_sensitive || !state.hides_sensitive());
    }
    lines.remove("id");
    lines
}

fn config_lines(lines: &mut BTreeMap<String, String>, block: &Block, style: ConfigLines) {
    let given: BTreeMap<_, _> = block
        .config
        .iter()
        .filter(|argument| !argument.value.is_null())
        .map(|argument| (argument.name.as_str(), scalar(&argument.value).unwrap_or_default()))
        .collect();
    if given.is_empty() {
        return;
    }
    match style {
        ConfigLines::Counted => {
            lines.insert("config.%".to_owned(), given.len().to_string());
            lines.extend(given.into_iter().map(|(name, value)| (format!("config.{name}"), value)));
        }
        ConfigLines::Hashed { path_style } => {
            let hash = hash(&given, path_style);
            lines.insert("config.#".to_owned(), "1".to_owned());
            let set = given.into_iter().filter(|(_, value)| !value.is_empty());
            lines.extend(set.map(|(name, value)| (format!("config.{hash}.{name}"), value)));
        }
    }
}

/// CRC-32 over `KEY:VALUE;` of all known keys, those that are not given with an empty value.
fn hash(given: &BTreeMap<&str, String>, path_style: bool) -> u32 {
    let mut text = String::new();
    for key in KNOWN_KEYS.split_whitespace().filter(|key| path_style || *key != "force_path_style") {
        let unset = if key == "workspaces" { "()" } else { "" };
        // Writing to a `String` can't fail.
        let _ = write!(text, "{key}:{};", given.get(key).map_or(unset, String::as_str));
    }
    crc32fast::hash(text.as_bytes())
}

fn output_lines(lines: &mut BTreeMap<String, String>, name: &str, output: &Output, show_sensitive: bool) {
    if output.sensitive && !show_sensitive {
        lines.insert(name.to_owned(), "<sensitive>".to_owned());
    } else if output.value != Value::Null {
        flatten(lines, name, &output.value);
    }
}

fn flatten(lines: &mut BTreeMap<String, String>, key: &str, value: &Value) {
    match value {
        Value::Null => drop(lines.insert(key.to_owned(), String::new())),
        Value::Bool(truth) => drop(lines.insert(key.to_owned(), truth.to_string())),
        Value::Number(number) => drop(lines.insert(key.to_owned(), number.to_string())),
        Value::String(text) => drop(lines.insert(key.to_owned(), text.clone())),
        Value::Sequence(elements) => {
            lines.insert(format!("{key}.#"), elements.len().to_string());
            for (at, element) in elements.iter().enumerate() {
                flatten(lines, &format!("{key}.{at}"), element);
            }
        }
        Value::Mapping(entries) => {
            lines.insert(format!("{key}.%"), entries.len().to_string());
            for (name, entry) in entries {
                flatten(lines, &format!("{key}.{name}"), entry);
            }
        }
    }
}
