//! The way there: proxies, certificates, the metadata service.

use crate::case::{Case, case};

/// A host that only the proxy knows.
fn far(name: &str) -> Case {
    case(name)
        .with(r#"endpoints = { s3 = "http://s3.example.test", dynamodb = "http://dynamodb.example.test" }"#)
        .table()
}

/// Hosts of AWS without the proxy's variable.
fn aws(name: &str) -> Case {
    case(name).at_aws().unset(&["HTTPS_PROXY"])
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        far("http_proxy").with(r#"http_proxy = "{proxy}""#).writes(),
        far("HTTP_PROXY").env("HTTP_PROXY", "{proxy}").writes(),
        far("HTTP_PROXY in lower case").env("http_proxy", "{proxy}"),
        far("http_proxy before HTTP_PROXY")
            .with(r#"http_proxy = "{proxy}""#)
            .env("HTTP_PROXY", "http://127.0.0.1:1"),
        far("HTTP_PROXY with a bucket in the host").env("HTTP_PROXY", "{proxy}").without("use_path_style"),
        far("HTTPS_PROXY is not for http")
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env("HTTP_PROXY", "{proxy}"),
        case("this machine needs no HTTP_PROXY").env("HTTP_PROXY", "http://127.0.0.1:1"),
        case("http_proxy is not for this machine").with(r#"http_proxy = "http://127.0.0.1:1""#),
        far("NO_PROXY with another host").env("HTTP_PROXY", "{proxy}").env("NO_PROXY", "example.com"),
        far("no_proxy with another host")
            .with(r#"http_proxy = "{proxy}""#)
            .with(r#"no_proxy = "example.com""#),
        aws("https_proxy").with(r#"https_proxy = "{proxy}""#),
        aws("HTTPS_PROXY").env("HTTPS_PROXY", "{proxy}"),
        aws("HTTPS_PROXY in lower case").env("https_proxy", "{proxy}"),
        aws("HTTPS_PROXY before its lower case")
            .env("HTTPS_PROXY", "{proxy}")
            .env("https_proxy", "http://127.0.0.1:1"),
        aws("https_proxy before HTTPS_PROXY")
            .with(r#"https_proxy = "{proxy}""#)
            .env("HTTPS_PROXY", "http://127.0.0.1:1"),
        aws("http_proxy for https too").with(r#"http_proxy = "{proxy}""#),
        aws("a proxy without a scheme").env("HTTPS_PROXY", "{authority}"),
        case("http_proxy that is no URL")
            .with(r#"http_proxy = "http://a b""#)
            .refused_as("Invalid HTTP Proxy", "http_proxy"),
        case("https_proxy that is no URL")
            .with(r#"https_proxy = "http://a b""#)
            .refused_as("Invalid HTTPS Proxy", "https_proxy"),
        case("no_proxy alone").with(r#"no_proxy = "example.com""#),
        case("insecure").with("insecure = true"),
        case("custom_ca_bundle that isn't there")
            .with(r#"custom_ca_bundle = "absent.pem""#)
            .refused("absent.pem"),
        case("AWS_CA_BUNDLE that isn't there")
            .env("AWS_CA_BUNDLE", "{work}/absent.pem")
            .refused("absent.pem"),
        case("custom_ca_bundle without a certificate")
            .with(r#"custom_ca_bundle = "ca.pem""#)
            .file("ca.pem", "nothing")
            .refused_as("CA bundle", "ca.pem"),
        case("custom_ca_bundle in the home directory")
            .with(r#"custom_ca_bundle = "~/ca.pem""#)
            .file("~/ca.pem", include_str!("../ca.pem")),
        case("AWS_CA_BUNDLE").env("AWS_CA_BUNDLE", "{work}/ca.pem").file("ca.pem", include_str!("../ca.pem")),
        case("ec2_metadata_service_endpoint without a scheme")
            .with(r#"ec2_metadata_service_endpoint = "127.0.0.1""#)
            .refused("ec2_metadata_service_endpoint"),
        case("ec2_metadata_service_endpoint_mode in lower case")
            .with(r#"ec2_metadata_service_endpoint_mode = "ipv4""#)
            .refused("ec2_metadata_service_endpoint_mode"),
        case("ec2_metadata_service_endpoint_mode IPv4")
            .with(r#"ec2_metadata_service_endpoint_mode = "IPv4""#),
        case("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE unknown")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5")
            .refused_as("IMDS endpoint mode", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"),
    ]
}
