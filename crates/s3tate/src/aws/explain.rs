//! What a profile of the shared files adds to the values of a configuration.

use super::clients::Clients;
use super::settings::Settings;
use crate::backend::Backend;
use crate::config::{Arguments, Effective, Source, effective};

impl Backend {
    /// The values that hold, by name: what is set, what variables and the profile give, and defaults. Sends nothing.
    ///
    /// `arguments` are those that this backend was configured with.
    pub async fn effective(&self, arguments: &Arguments) -> Vec<Effective> {
        self.clients.with_profile(effective(arguments, &self.env)).await
    }
}

impl Clients {
    async fn with_profile(&self, mut values: Vec<Effective>) -> Vec<Effective> {
        let settings = self.settings().await;
        let named = self.config.credentials.profile.as_ref().map(|profile| profile.name.clone());
        let source = Source::Profile(named.unwrap_or_else(|| "default".to_owned()));
        lay_endpoints(&mut values, settings, &source);
        for (name, value) in of_profile(settings, self.config.transport.max_attempts.is_none()) {
            let Some(weaker) = values.iter_mut().find(|value| value.name == name) else { continue };
            *weaker = Effective { name: name.to_owned(), value, source: source.clone() };
        }
        values.sort_by(|a, b| a.name.cmp(&b.name));
        values
    }
}

/// Endpoints that only the profile names, without those that it is told to ignore.
fn lay_endpoints(values: &mut Vec<Effective>, settings: &Settings, source: &Source) {
    let endpoints = &settings.endpoints;
    for (service, flat, url) in [
        ("dynamodb", "dynamodb_endpoint", &endpoints.dynamodb),
        ("iam", "iam_endpoint", &endpoints.iam),
        ("s3", "endpoint", &endpoints.s3),
        ("sso", "", &endpoints.sso),
        ("sts", "sts_endpoint", &endpoints.sts),
    ] {
        let name = format!("endpoints.{service}");
        let known = values.iter().position(|value| value.name == name || value.name == flat);
        match (url, known) {
            (Some(url), None) => {
                values.push(Effective { name, value: url.clone(), source: source.clone() });
            }
            (None, Some(at)) => drop(values.remove(at)),
            _ => {}
        }
    }
}

/// What the profile decides, as nothing stronger does.
fn of_profile(settings: &Settings, leaves_attempts: bool) -> Vec<(&'static str, String)> {
    let member = |name: &str| settings.sections.as_ref().ok().and_then(|sections| sections.get(name));
    let mut decided = Vec::new();
    for name in ["use_dualstack_endpoint", "use_fips_endpoint"] {
        let is_true = |text: &&str| text.eq_ignore_ascii_case("true");
        decided.extend(member(name).filter(is_true).map(|text| (name, text.to_owned())));
    }
    let adaptive = member("retry_mode").filter(|mode| *mode == "adaptive");
    decided.extend(adaptive.map(|mode| ("retry_mode", mode.to_owned())));
    let attempts = member("max_attempts").filter(|_| leaves_attempts);
    decided.extend(attempts.map(|attempts| ("max_retries", attempts.to_owned())));
    decided
}
