//! Variables whose values stock clients check, even where nothing needs them.

use super::checks::{self, Check};
use crate::env::Env;
use crate::problem::Problem;

/// The variable, and what its value must look like. Source: AWS SDK for Go v2, as Terraform 1.11 loads it.
const CHECKED: &[(&str, Check)] = &[
    ("AWS_ACCOUNT_ID_ENDPOINT_MODE", checks::account_mode),
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", checks::ip_mode_in_any_case),
    ("AWS_MAX_ATTEMPTS", checks::whole_number),
    ("AWS_RETRY_MODE", checks::retry_mode),
    ("AWS_SSE_CUSTOMER_KEY", checks::customer_key),
    ("AWS_USE_DUALSTACK_ENDPOINT", checks::flag),
    ("AWS_USE_FIPS_ENDPOINT", checks::flag),
];

/// What is wrong with the environment. Values aren't shown: one of them is a secret.
pub(super) fn problems(env: &Env) -> Vec<Problem> {
    let set = CHECKED.iter().filter_map(|(name, check)| Some((name, check(env.var(name)?).err()?)));
    set.map(|(name, must)| Problem::new(format!("variable {name} must {must}")).hint("correct or unset it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_mean_nothing_are_problems() {
        for (name, good, bad) in [
            ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "Required", "perhaps"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6", "IPv5"),
            ("AWS_MAX_ATTEMPTS", "-1", "many"),
            ("AWS_RETRY_MODE", "adaptive", "Adaptive"),
            ("AWS_SSE_CUSTOMER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "c2hvcnQ="),
            ("AWS_USE_FIPS_ENDPOINT", "False", "1"),
        ] {
            let found = |value: &str| problems(&Env::new([(name.to_owned(), value.to_owned())], "u", "h"));
            assert_eq!(found(good), [], "{name}");
            assert_eq!(found("").len(), 0, "{name}");
            assert!(found(bad)[0].message.contains(name), "{name}");
        }
    }
}
