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
        case("AWS_RETRY_MODE in capitals").env("AWS_RETRY_MODE", "Adaptive").refused("AWS_RETRY_MODE"),
        case("AWS_RETRY_MODE unknown, and retry_mode")
            .with(r#"retry_mode = "standard""#)
            .env("AWS_RETRY_MODE", "legacy")
            .refused("AWS_RETRY_MODE"),
        case("AWS_MAX_ATTEMPTS 0").without("max_retries").env("AWS_MAX_ATTEMPTS", "0"),
        case("AWS_MAX_ATTEMPTS below nothing").without("max_retries").env("AWS_MAX_ATTEMPTS", "-1"),
        case("AWS_MAX_ATTEMPTS beside assume_role")
            .with(r#"assume_role = { role_arn = "arn:aws:iam::123456789012:role/deploy" }"#)
            .with("max_retries = 2")
            .env("AWS_MAX_ATTEMPTS", "7"),
        case("max_attempts of the profile beside assume_role")
            .with(r#"assume_role = { role_arn = "arn:aws:iam::123456789012:role/deploy" }"#)
            .file("~/.aws/config", "[default]\nmax_attempts = 6\n"),
        case("max_retries 0 beside assume_role")
            .with(r#"assume_role = { role_arn = "arn:aws:iam::123456789012:role/deploy" }"#)
            .with("max_retries = 0")
            .env("AWS_MAX_ATTEMPTS", "7"),
        case("AWS_RETRY_MODE unknown").env("AWS_RETRY_MODE", "legacy").refused("AWS_RETRY_MODE"),
    ]
}
