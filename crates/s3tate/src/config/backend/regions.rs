//! The region, and the names that count as one.

use super::Reader;
use crate::error::{Error, Result};

/// All regions of all partitions, as the credential library of stock clients knows them in mid-2026.
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "eusc-de-east-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "eu-isoe-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
];

impl Reader<'_> {
    /// The attribute, which is checked, else the environment, which isn't. As in stock clients, the region of a
    /// profile doesn't count.
    pub(super) fn region(&self) -> Result<String> {
        let Some(region) = self.text("region") else {
            return self.variable(&["AWS_REGION", "AWS_DEFAULT_REGION"]).ok_or_else(missing);
        };
        let unchecked = self.flag("skip_region_validation").unwrap_or_default();
        if unchecked || REGIONS.contains(&region.as_str()) {
            return Ok(region);
        }
        let distance = |name: &&&str| strsim::damerau_levenshtein(name, &region);
        let near = REGIONS.iter().min_by_key(distance).filter(|name| distance(name) <= 2);
        let error = self.bad("region", &format!("is `{region}`, which is no known region"));
        Err(error.hint(match near {
            Some(near) => format!("did you mean `{near}`? `skip_region_validation = true` takes any name"),
            None => "`skip_region_validation = true` takes any name, as other stores need".to_owned(),
        }))
    }
}

fn missing() -> Error {
    Error::invalid("no region is given; nothing was done")
        .hint("set `region` in the block, or AWS_REGION or AWS_DEFAULT_REGION")
}
