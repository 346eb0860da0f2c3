//! Variables that are set to nothing, or written in another way.

use crate::case::{Case, case};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

pub(crate) fn cases() -> Vec<Case> {
    let credentials = "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s\n";
    vec![
        case("AWS_REGION with nothing in it, then AWS_DEFAULT_REGION")
            .without("region")
            .env("AWS_REGION", "")
            .env("AWS_DEFAULT_REGION", "eu-west-3"),
        case("AWS_REGION with nothing in it").without("region").env("AWS_REGION", "").refused("region"),
        case("AWS_PROFILE with nothing in it")
            .no_env_keys()
            .env("AWS_PROFILE", "")
            .file("~/.aws/credentials", credentials),
        case("AWS_ACCESS_KEY_ID with nothing in it")
            .env("AWS_ACCESS_KEY_ID", "")
            .file("~/.aws/credentials", credentials),
        case("AWS_SESSION_TOKEN with nothing in it").env("AWS_SESSION_TOKEN", ""),
        case("AWS_SSE_CUSTOMER_KEY with nothing in it")
            .with("encrypt = true")
            .env("AWS_SSE_CUSTOMER_KEY", "")
            .writes(),
        case("AWS_ENDPOINT_URL_S3 with nothing in it").env("AWS_ENDPOINT_URL_S3", ""),
        case("AWS_ENDPOINT_URL with nothing in it").at_aws().env("AWS_ENDPOINT_URL", ""),
        case("AWS_CA_BUNDLE with nothing in it").env("AWS_CA_BUNDLE", ""),
        case("AWS_USE_FIPS_ENDPOINT with nothing in it").env("AWS_USE_FIPS_ENDPOINT", ""),
        case("AWS_USE_FIPS_ENDPOINT in capitals").at_aws().env("AWS_USE_FIPS_ENDPOINT", "TRUE"),
        case("AWS_MAX_ATTEMPTS that is no number, not needed")
            .env("AWS_MAX_ATTEMPTS", "many")
            .refused("AWS_MAX_ATTEMPTS"),
        case("AWS_RETRY_MODE with nothing in it").env("AWS_RETRY_MODE", ""),
        case("HTTPS_PROXY with nothing in it, then its lower case")
            .at_aws()
            .env("HTTPS_PROXY", "")
            .env("https_proxy", "{proxy}"),
        case("NO_PROXY for all of AWS, then one that answers")
            .at_aws()
            .env("NO_PROXY", "example.com,.example.org"),
        case("AWS_ENDPOINT_URL_STS for nobody who asks").env("AWS_ENDPOINT_URL_STS", NOBODY),
        case("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT")
            .at_aws()
            .env("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "legacy"),
        case("AWS_STS_REGIONAL_ENDPOINTS").env("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
        case("TF_WORKSPACE default").env("TF_WORKSPACE", "default"),
        case("TF_WORKSPACE with nothing in it").env("TF_WORKSPACE", ""),
        case("TF_WORKSPACE that nobody may be called").env("TF_WORKSPACE", "a b").refused("workspace"),
    ]
}
