//! Values that are written with units.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

/// A number of bytes, written as such or with a unit: `1048576`, `256MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let refused =
            || D::Error::custom("expected a number of bytes, such as 1048576, \"512KiB\" or \"256MiB\"");
        match Written::deserialize(deserializer).map_err(|_| refused())? {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => parse(&text).map(Self).ok_or_else(refused),
        }
    }
}

fn parse(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("", 0)];
    units.into_iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(1 << shift)
    })
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    s3tate::parse_duration(&text).map_err(|_| {
        D::Error::custom(format!("`{text}` is no duration: write it with units, such as \"90s\" or \"12h\""))
    })
}

pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<jiff::Timestamp>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = text.parse();
    time.map(Some)
        .map_err(|_| D::Error::custom(format!("`{text}` is no time: write it as \"2027-01-31T00:00:00Z\"")))
}
