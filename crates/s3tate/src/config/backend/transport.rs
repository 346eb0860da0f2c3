//! How requests travel: endpoints, proxies, TLS, attempts.

use std::fmt;
use std::path::PathBuf;

use super::Reader;
use crate::config::value::Value;
use crate::error::{Error, Result};

/// How requests travel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of the backend block")]
pub struct Transport {
    /// Endpoints other than AWS's own.
    pub endpoints: Endpoints,
    /// Path-style addresses.
    pub path_style: bool,
    /// FIPS endpoints.
    pub fips: bool,
    /// Dual-stack endpoints.
    pub dual_stack: bool,
    /// Region of STS, where it differs.
    pub sts_region: Option<String>,
    /// Attempts per request; `None` leaves it to the profile and the SDK's three. Default: 5.
    pub max_attempts: Option<u32>,
    /// Whether attempts adapt to throttling.
    pub adaptive_retries: bool,
    /// PEM file that replaces the system's trusted roots.
    pub ca_bundle: Option<PathBuf>,
    /// Take any certificate.
    pub insecure: bool,
    /// The way to `http://` endpoints.
    pub http_proxy: Option<Proxy>,
    /// The way to `https://` endpoints.
    pub https_proxy: Option<Proxy>,
    /// Hosts that are reached directly, separated by commas.
    pub no_proxy: String,
}

/// Service endpoints given by attributes, or by variables that name the service.
///
/// `AWS_ENDPOINT_URL` and the profile's endpoints are looked at when the clients are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// S3.
    pub s3: Option<String>,
    /// DynamoDB.
    pub dynamodb: Option<String>,
    /// STS.
    pub sts: Option<String>,
    /// IAM, which tells the account where STS may not be asked first.
    pub iam: Option<String>,
    /// IAM Identity Center.
    pub sso: Option<String>,
    /// Where its logins are renewed. No attribute names it.
    pub sso_oidc: Option<String>,
}

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its URL, which may hold a password.
    pub url: String,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.url.rsplit_once('@').map_or(self.url.as_str(), |(_, host)| host);
        f.debug_struct("Proxy").field("url", &shown).finish()
    }
}

impl Reader<'_> {
    pub(super) fn transport(&self) -> Result<Transport> {
        let flag = |name| self.flag(name).unwrap_or_default();
        let retry_mode = self.text("retry_mode").or_else(|| self.variable(&["AWS_RETRY_MODE"]));
        let no_proxy = self.given("no_proxy").or_else(|| self.variable(&["NO_PROXY", "no_proxy"]));
        let ca_bundle = self.text("custom_ca_bundle").or_else(|| self.variable(&["AWS_CA_BUNDLE"]));
        Ok(Transport {
            endpoints: self.endpoints()?,
            path_style: flag("use_path_style") || flag("force_path_style"),
            fips: self.flag_or_variable("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT"),
            dual_stack: self.flag_or_variable("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT"),
            sts_region: self.text("sts_region"),
            max_attempts: self.max_attempts()?,
            adaptive_retries: retry_mode.is_some_and(|mode| mode.eq_ignore_ascii_case("adaptive")),
            ca_bundle: ca_bundle.map(|path| self.path(&path)),
            insecure: flag("insecure"),
            http_proxy: self.http_proxy()?,
            https_proxy: self.https_proxy()?,
            no_proxy: no_proxy.unwrap_or_default(),
        })
    }

    pub(super) fn transport_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.flag("insecure").unwrap_or_default() {
            warnings.push(
                "`insecure` is set: anybody on the way can read and change states and credentials".into(),
            );
        }
        if self.falls_back_to_http_proxy() {
            warnings.push("`http_proxy` is set without `https_proxy`, so it is used for both".into());
        }
        let endpoints = self.endpoints().unwrap_or_default();
        for (service, url) in
            [("DynamoDB", endpoints.dynamodb), ("IAM", endpoints.iam), ("STS", endpoints.sts)]
        {
            if let Some(url) = url.filter(|url| !url.contains("://")) {
                warnings.push(format!(
                    "the {service} endpoint `{url}` is not a complete URL: nobody can be asked there"
                ));
            }
        }
        warnings
    }

    fn falls_back_to_http_proxy(&self) -> bool {
        let https = self.given("https_proxy").or_else(|| self.variable(&["HTTPS_PROXY", "https_proxy"]));
        self.text("http_proxy").is_some() && https.is_none()
    }

    fn http_proxy(&self) -> Result<Option<Proxy>> {
        match self.given("http_proxy") {
            Some(url) => self.proxy("http_proxy", url),
            None => self.env_proxy("http_proxy", &["HTTP_PROXY", "http_proxy"]),
        }
    }

    fn https_proxy(&self) -> Result<Option<Proxy>> {
        if self.falls_back_to_http_proxy() {
            return self.http_proxy();
        }
        match self.given("https_proxy") {
            Some(url) => self.proxy("https_proxy", url),
            None => self.env_proxy("https_proxy", &["HTTPS_PROXY", "https_proxy"]),
        }
    }

    fn env_proxy(&self, name: &str, variables: &[&'static str]) -> Result<Option<Proxy>> {
        self.variable(variables).map_or(Ok(None), |url| self.proxy(name, url))
    }

    /// A proxy's URL, `http://` before it where it has no scheme; an empty one means "no proxy".
    fn proxy(&self, name: &str, url: String) -> Result<Option<Proxy>> {
        if url.is_empty() {
            return Ok(None);
        }
        let url = if url.contains("://") { url } else { format!("http://{url}") };
        let known = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        match url.parse::<http::Uri>() {
            Ok(uri) if known && uri.host().is_some() => Ok(Some(Proxy { url })),
            _ => Err(self.bad(name, "is no URL of an HTTP proxy")),
        }
    }

    fn endpoints(&self) -> Result<Endpoints> {
        Ok(Endpoints {
            s3: self.endpoint("s3", "endpoint", &["AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT"])?,
            dynamodb: self.endpoint(
                "dynamodb",
                "dynamodb_endpoint",
                &["AWS_ENDPOINT_URL_DYNAMODB", "AWS_DYNAMODB_ENDPOINT"],
            )?,
            iam: self.endpoint("iam", "iam_endpoint", &["AWS_ENDPOINT_URL_IAM", "AWS_IAM_ENDPOINT"])?,
            sts: self.endpoint("sts", "sts_endpoint", &["AWS_ENDPOINT_URL_STS", "AWS_STS_ENDPOINT"])?,
            sso: self.endpoint("sso", "", &["AWS_ENDPOINT_URL_SSO"])?,
            sso_oidc: self.variable(&["AWS_ENDPOINT_URL_SSO_OIDC"]),
        })
    }

    fn endpoint(&self, member: &str, flat: &str, variables: &[&'static str]) -> Result<Option<String>> {
        let nested = self.arguments.get("endpoints").and_then(|value| value.member(member));
        let nested = nested.and_then(Value::as_str).filter(|url| !url.is_empty()).map(str::to_owned);
        if nested.is_some() && self.text(flat).is_some() {
            return Err(self.bad(flat, &format!("and `endpoints.{member}` exclude each other")));
        }
        match nested.or_else(|| self.text(flat)).or_else(|| self.variable(variables)) {
            Some(url) if !url.contains("://") && self.asks(member) => Err(incomplete(member, &url)),
            found => Ok(found),
        }
    }

    /// Whether every command asks this service.
    fn asks(&self, service: &str) -> bool {
        let has_table = || ["dynamodb_table", "lock_table"].iter().any(|name| self.text(name).is_some());
        service == "s3" || (service == "dynamodb" && has_table())
    }

    fn max_attempts(&self) -> Result<Option<u32>> {
        match self.arguments.get("max_retries") {
            None => Ok(Some(5)),
            Some(Value::Number(number)) => match number.parse() {
                Ok(0) => Ok(self.env.var("AWS_MAX_ATTEMPTS").and_then(|text| text.parse().ok())),
                Ok(attempts) => Ok(Some(attempts)),
                Err(_) => Err(self.bad("max_retries", "must be a whole number that isn't negative")),
            },
            Some(_) => Err(self.bad("max_retries", "must be a number")),
        }
    }
}

/// The error about an endpoint without a scheme.
pub(crate) fn incomplete(service: &str, url: &str) -> Error {
    Error::invalid(format!("the {service} endpoint `{url}` is not a complete URL; nothing was done"))
        .hint("write it with its scheme, such as `https://HOST`")
}
