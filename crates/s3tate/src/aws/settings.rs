//! What all clients share: the shared files, the settings derived from them, and the endpoints.

use std::borrow::Cow;
use std::time::Duration;

use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::os_shim_internal as os;

use super::trouble::Trouble;
use crate::config::{BackendConfig, Credentials, Endpoints};
use crate::env::Env;

/// A service that doesn't take the connection in this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A service that hasn't begun to answer in this time, or goes silent for so long in a body, is stuck.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// What all clients share.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The shared files, or why they can't be used.
    pub(crate) sections: Result<EnvConfigSections, Trouble>,
    /// Endpoints other than AWS's own, from wherever.
    pub(crate) endpoints: Endpoints,
    /// Region, HTTP client, timeouts and attempts, without credentials.
    pub(crate) sdk: SdkConfig,
    /// How often a role is asked for.
    pub(crate) role_retries: RetryConfig,
}

impl Settings {
    pub(crate) async fn load(config: &BackendConfig, env: &Env, http: SharedHttpClient) -> Self {
        let os_env = os::Env::from_slice(&env.vars().collect::<Vec<_>>());
        let sections = sections(&config.credentials, &os_env).await;
        let known = sections.as_ref().ok();
        let endpoints = endpoints(&config.transport.endpoints, &os_env, known);
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
        let stalled = StalledStreamProtectionConfig::enabled().grace_period(READ_TIMEOUT).build();
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .time_source(SystemTimeSource::new())
            .region(Region::new(config.region.clone()))
            .retry_config(retries(config, known))
            .timeout_config(timeouts.build())
            .stalled_stream_protection(stalled)
            .use_fips(config.transport.fips || is_true(known, "use_fips_endpoint"))
            .use_dual_stack(config.transport.dual_stack || is_true(known, "use_dualstack_endpoint"));
        let mode = env.var("AWS_ACCOUNT_ID_ENDPOINT_MODE").and_then(|mode| mode.parse().ok());
        sdk.set_account_id_endpoint_mode(mode);
        // With keys in the block, stock clients count attempts for a role as for everything else.
        let role_retries = match config.credentials.keys {
            Some(_) => retries(config, known),
            None => role_retries(env, known),
        };
        Self { sections, endpoints, sdk: sdk.build(), role_retries }
    }
}

/// Reads the shared files. A profile that is named must be there.
async fn sections(credentials: &Credentials, env: &os::Env) -> Result<EnvConfigSections, Trouble> {
    let bad = |why: String| Trouble::Files(why);
    let files = files(credentials);
    let loaded = source::load(env, &os::Fs::real(), &files).await;
    let mut source = loaded.map_err(|error| bad(DisplayErrorContext(error).to_string()))?;
    let name = credentials.profile.as_ref().map(|profile| profile.name.clone());
    source.profile = Cow::Owned(name.clone().unwrap_or_else(|| "default".to_owned()));
    let sections = EnvConfigSections::parse(source).map_err(|error| bad(error.to_string()))?;
    match name {
        Some(name) if name != "default" && sections.get_profile(&name).is_none() => {
            Err(bad(format!("there is no profile `{name}` in the shared files")))
        }
        _ => Ok(sections),
    }
}

fn files(credentials: &Credentials) -> EnvConfigFiles {
    let Credentials { config_files, credentials_files, .. } = credentials;
    let mut files = EnvConfigFiles::builder();
    // A file that isn't there counts as empty, as for stock clients.
    for file in config_files.iter().filter(|file| file.exists()) {
        files = files.with_file(EnvConfigFileKind::Config, file);
    }
    for file in credentials_files.iter().filter(|file| file.exists()) {
        files = files.with_file(EnvConfigFileKind::Credentials, file);
    }
    files
        .include_default_config_file(config_files.is_empty())
        .include_default_credentials_file(credentials_files.is_empty())
        .build()
}

fn retries(config: &BackendConfig, sections: Option<&EnvConfigSections>) -> RetryConfig {
    let of_profile = |name| sections.and_then(|sections| sections.get(name));
    let adaptive = config.transport.adaptive_retries || of_profile("retry_mode") == Some("adaptive");
    let mode = if adaptive { RetryConfig::adaptive() } else { RetryConfig::standard() };
    let attempts = config.transport.max_attempts;
    match attempts.or_else(|| of_profile("max_attempts")?.parse().ok()).filter(|&attempts| attempts > 0) {
        Some(attempts) => mode.with_max_attempts(attempts),
        None => mode,
    }
}

/// The variable, else the profile, else the SDK's three attempts.
fn role_retries(env: &Env, sections: Option<&EnvConfigSections>) -> RetryConfig {
    let given = env.var("AWS_MAX_ATTEMPTS").or_else(|| sections?.get("max_attempts"));
    match given.and_then(|text| text.parse().ok()).filter(|&attempts: &u32| attempts > 0) {
        Some(attempts) => RetryConfig::standard().with_max_attempts(attempts),
        None => RetryConfig::standard(),
    }
}

fn is_true(sections: Option<&EnvConfigSections>, name: &str) -> bool {
    sections.and_then(|sections| sections.get(name)).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Lays the given endpoints over those of `AWS_ENDPOINT_URL`, the profile's `services` section and its
/// `endpoint_url`, which `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` switches off.
fn endpoints(given: &Endpoints, env: &os::Env, sections: Option<&EnvConfigSections>) -> Endpoints {
    let ignored = env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    let ignored = ignored.is_ok_and(|value| value.eq_ignore_ascii_case("true"))
        || is_true(sections, "ignore_configured_endpoint_urls");
    let empty = EnvConfigSections::default();
    let configured = |service: &'static str| {
        let value = EnvConfigValue::new().env("AWS_ENDPOINT_URL").profile("endpoint_url").service_id(service);
        let (url, _) = value.load(env, Some(sections.unwrap_or(&empty)))?;
        (!ignored && !url.is_empty()).then(|| url.into_owned())
    };
    let choose = |given: &Option<String>, service| given.clone().or_else(|| configured(service));
    Endpoints {
        s3: choose(&given.s3, "s3"),
        dynamodb: choose(&given.dynamodb, "dynamodb"),
        iam: choose(&given.iam, "iam"),
        sts: choose(&given.sts, "sts"),
        sso: choose(&given.sso, "sso"),
        sso_oidc: choose(&given.sso_oidc, "sso_oidc"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use aws_smithy_types::retry::RetryMode;

    use super::*;
    use crate::config::partial;

    const CONFIG: &str = "[default]\nendpoint_url = http://profile\nservices = local\n\
                          [services local]\nsts =\n  endpoint_url = http://section\n";

    async fn resolved(given: &Endpoints, variables: &[(&str, &str)], config: &str) -> Endpoints {
        let env = os::Env::from_slice(variables);
        let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, config).build();
        let source = source::load(&env, &os::Fs::from_slice(&[]), &files).await.unwrap();
        endpoints(given, &env, Some(&EnvConfigSections::parse(source).unwrap()))
    }

    #[tokio::test]
    async fn endpoints_come_from_the_nearest_place() {
        let found = |given: Option<&str>, variables: &'static [(&str, &str)], config: &'static str| {
            let given = Endpoints { sts: given.map(str::to_owned), ..Endpoints::default() };
            async move { resolved(&given, variables, config).await }
        };
        let general = &[("AWS_ENDPOINT_URL", "http://variable")];
        assert_eq!(found(None, &[], "").await, Endpoints::default());
        assert_eq!(found(None, &[], CONFIG).await.s3.as_deref(), Some("http://profile"));
        assert_eq!(found(None, &[], CONFIG).await.sts.as_deref(), Some("http://section"));
        assert_eq!(found(None, general, CONFIG).await.sts.as_deref(), Some("http://variable"));
        assert_eq!(found(Some("http://given"), general, CONFIG).await.sts.as_deref(), Some("http://given"));
    }

    #[tokio::test]
    async fn configured_endpoints_can_be_switched_off() {
        let given = Endpoints { s3: Some("http://given".into()), ..Endpoints::default() };
        let off = [("AWS_ENDPOINT_URL", "http://variable"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE")];
        assert_eq!(resolved(&given, &off, CONFIG).await, given);
        let off = format!("{CONFIG}[default]\nignore_configured_endpoint_urls = true\n");
        assert_eq!(resolved(&given, &[], &off).await, given);
    }

    /// Attempts of requests and of roles, and whether they adapt.
    async fn attempts(options: &[&str], variables: &[(&str, &str)], config: &str) -> (u32, u32, bool) {
        let options = ["bucket=b", "key=k", "region=us-east-1"].iter().chain(options);
        let options = options.map(|text| (*text).to_owned());
        let arguments = partial::read(&options.collect::<Vec<_>>(), Path::new(".")).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = Env::new(variables, "u", "h");
        let backend = BackendConfig::new(&arguments, &env).unwrap();
        let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, config).build();
        let source = source::load(&os::Env::from_slice(&[]), &os::Fs::from_slice(&[]), &files).await.unwrap();
        let sections = EnvConfigSections::parse(source).unwrap();
        let all = retries(&backend, Some(&sections));
        let roles = role_retries(&env, Some(&sections));
        (all.max_attempts(), roles.max_attempts(), all.mode() == RetryMode::Adaptive)
    }

    #[tokio::test]
    async fn attempts_and_their_mode_come_from_the_nearest_place() {
        let profile = "[default]\nmax_attempts = 6\nretry_mode = adaptive\n";
        let variables = [("AWS_MAX_ATTEMPTS", "7"), ("AWS_RETRY_MODE", "adaptive")];
        assert_eq!(attempts(&[], &[], "").await, (5, 3, false));
        assert_eq!(attempts(&["max_retries=2", "retry_mode=adaptive"], &[], "").await, (2, 3, true));
        assert_eq!(attempts(&["max_retries=0"], &variables, profile).await, (7, 7, true));
        assert_eq!(attempts(&["max_retries=0"], &[], profile).await, (6, 6, true));
        assert_eq!(attempts(&["max_retries=2"], &variables, "").await, (2, 7, true));
    }
}
