//! Which endpoint counts, and in which style buckets are addressed.

use crate::case::{Case, case};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

pub(crate) fn cases() -> Vec<Case> {
    let nowhere = |name: &str| case(name).env("AWS_ENDPOINT_URL", NOBODY);
    vec![
        nowhere("endpoints.s3 before AWS_ENDPOINT_URL").with(r#"endpoints = { s3 = "{endpoint}" }"#).writes(),
        nowhere("endpoint before AWS_ENDPOINT_URL").with(r#"endpoint = "{endpoint}""#),
        nowhere("endpoints.s3 before AWS_ENDPOINT_URL_S3")
            .with(r#"endpoints = { s3 = "{other}" }"#)
            .env("AWS_ENDPOINT_URL_S3", NOBODY),
        nowhere("endpoint before AWS_ENDPOINT_URL_S3")
            .with(r#"endpoint = "{other}""#)
            .env("AWS_ENDPOINT_URL_S3", NOBODY),
        nowhere("AWS_ENDPOINT_URL_S3 before AWS_S3_ENDPOINT")
            .env("AWS_ENDPOINT_URL_S3", "{other}")
            .env("AWS_S3_ENDPOINT", NOBODY),
        nowhere("AWS_S3_ENDPOINT before AWS_ENDPOINT_URL").env("AWS_S3_ENDPOINT", "{other}"),
        nowhere("endpoints.s3 and endpoint")
            .with(r#"endpoints = { s3 = "{endpoint}" }"#)
            .with(r#"endpoint = "{endpoint}""#)
            .refused("endpoint"),
        nowhere("endpoints.dynamodb and dynamodb_endpoint")
            .with(r#"endpoints = { dynamodb = "{endpoint}" }"#)
            .with(r#"dynamodb_endpoint = "{endpoint}""#)
            .refused("dynamodb_endpoint"),
        nowhere("endpoints.iam and iam_endpoint")
            .with(r#"endpoints = { iam = "{endpoint}" }"#)
            .with(r#"iam_endpoint = "{endpoint}""#)
            .refused("iam_endpoint"),
        nowhere("endpoints.sts and sts_endpoint")
            .with(r#"endpoints = { sts = "{endpoint}" }"#)
            .with(r#"sts_endpoint = "{endpoint}""#)
            .refused("sts_endpoint"),
        nowhere("endpoints.s3 and dynamodb_endpoint")
            .with(r#"endpoints = { s3 = "{endpoint}" }"#)
            .with(r#"dynamodb_endpoint = "{other}""#)
            .table()
            .writes(),
        nowhere("both in endpoints")
            .with(r#"endpoints = { s3 = "{endpoint}", dynamodb = "{other}" }"#)
            .table()
            .writes(),
        case("AWS_ENDPOINT_URL_DYNAMODB before AWS_DYNAMODB_ENDPOINT")
            .table()
            .env("AWS_ENDPOINT_URL_DYNAMODB", "{other}")
            .env("AWS_DYNAMODB_ENDPOINT", NOBODY),
        case("AWS_DYNAMODB_ENDPOINT before AWS_ENDPOINT_URL").table().env("AWS_DYNAMODB_ENDPOINT", "{other}"),
        case("dynamodb_endpoint before AWS_ENDPOINT_URL_DYNAMODB")
            .table()
            .with(r#"dynamodb_endpoint = "{other}""#)
            .env("AWS_ENDPOINT_URL_DYNAMODB", NOBODY),
        case("endpoint without a scheme").with(r#"endpoint = "{authority}""#).refused("endpoint"),
        case("endpoints.s3 empty")
            .with(r#"endpoints = { s3 = "" }"#)
            .refused_as("Unable to list objects", "endpoint"),
        case("endpoint that is no URL").with(r#"endpoint = "http://a b/""#).refused("endpoint"),
        case("endpoint without a host").with(r#"endpoint = "http://""#).refused("endpoint"),
        case("endpoint without a scheme in AWS_ENDPOINT_URL_S3")
            .env("AWS_ENDPOINT_URL_S3", "{authority}")
            .refused("endpoint"),
        case("sts_endpoint without a scheme, not needed").with(r#"sts_endpoint = "sts.example.com""#),
        case("iam_endpoint that is no URL").with(r#"iam_endpoint = "http://a b/""#).refused("iam_endpoint"),
        case("endpoints.sso without a scheme")
            .with(r#"endpoints = { sso = "sso.example.com" }"#)
            .refused("sso"),
        case("endpoint with a path").with(r#"endpoint = "{endpoint}/""#),
        case("endpoints with an unknown member").with(r#"endpoints = { s4 = "{endpoint}" }"#),
        case("endpoints with nothing in it").with("endpoints = {}"),
        case("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS with AWS_ENDPOINT_URL")
            .at_aws()
            .env("AWS_ENDPOINT_URL", "{endpoint}")
            .env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        case("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS with AWS_ENDPOINT_URL_S3")
            .env("AWS_ENDPOINT_URL_S3", "{other}")
            .env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        case("endpoint_url of the profile")
            .unset(&["AWS_ENDPOINT_URL"])
            .file("~/.aws/config", "[default]\nendpoint_url = {other}\n")
            .table(),
        case("endpoint_url of the profile's services")
            .file(
                "~/.aws/config",
                "[default]\nservices = mine\n[services mine]\ns3 =\n  endpoint_url = {other}\n",
            )
            .table(),
        case("endpoint_url of the profile after AWS_ENDPOINT_URL")
            .file("~/.aws/config", "[default]\nendpoint_url = http://127.0.0.1:1\n"),
        case("endpoint_url of a profile that AWS_PROFILE names")
            .unset(&["AWS_ENDPOINT_URL"])
            .env("AWS_PROFILE", "named")
            .file("~/.aws/config", "[profile named]\nendpoint_url = {other}\n"),
        case("an address of numbers without use_path_style").without("use_path_style").writes(),
        case("use_path_style and force_path_style")
            .with("force_path_style = true")
            .refused("force_path_style"),
        case("use_path_style and force_path_style, both false")
            .with("use_path_style = false")
            .with("force_path_style = false")
            .refused("force_path_style"),
        case("use_path_style with force_path_style null").with("force_path_style = null"),
    ]
}
