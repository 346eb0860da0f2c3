//! How often a request is repeated, which both programs tell in a header.

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    let retries = |name: &str, value: &str| case(name).with(format!("max_retries = {value}")).table();
    vec![
        case("max_retries by default").without("max_retries").table(),
        case("max_retries by default beside AWS_MAX_ATTEMPTS")
            .without("max_retries")
            .env("AWS_MAX_ATTEMPTS", "7"),
        retries("max_retries 0", "0"),
        retries("max_retries 0 and AWS_MAX_ATTEMPTS", "0").env("AWS_MAX_ATTEMPTS", "7"),
        retries("max_retries 0 and max_attempts of the profile", "0")
            .file("~/.aws/config", "[default]\nmax_attempts = 6\n"),
        retries("max_retries before AWS_MAX_ATTEMPTS", "2").env("AWS_MAX_ATTEMPTS", "7"),
        retries("max_retries as text", r#""4""#),
        retries("max_retries with a fraction", "1.5"),
        retries("max_retries below nothing", "-1"),
        retries("max_retries true", "true").refused("max_retries"),
        case("retry_mode adaptive").with(r#"retry_mode = "adaptive""#),
        case("retry_mode standard").with(r#"retry_mode = "standard""#),
        case("retry_mode legacy").with(r#"retry_mode = "legacy""#).refused("retry_mode"),
        case("retry_mode in capitals").with(r#"retry_mode = "Standard""#).refused("retry_mode"),
        case("AWS_RETRY_MODE").env("AWS_RETRY_MODE", "adaptive"),
        case("AWS_RETRY_MODE unknown").env("AWS_RETRY_MODE", "legacy").refused("legacy"),
    ]
}
