//! The run of a CI system that a token was made for, as a page to look at.

use serde_json::{Map, Value};

use crate::config::is_trusted_url;

/// The page of the CI run that a token was made for, where its issuer says which; `None` for all others.
pub(crate) fn page(claims: &Map<String, Value>) -> Option<String> {
    let issuer = text(claims, "iss")?;
    if let (Some(project), Some(job)) = (path(claims, "project_path"), path(claims, "job_id")) {
        return below(&issuer, &format!("{project}/-/jobs/{job}"));
    }
    let (repository, run) = (path(claims, "repository")?, path(claims, "run_id")?);
    let attempt =
        path(claims, "run_attempt").map(|attempt| format!("/attempts/{attempt}")).unwrap_or_default();
    below(&github(claims, &issuer)?, &format!("{repository}/actions/runs/{run}{attempt}"))
}

/// Where the web pages of a GitHub are; `None` for other issuers.
fn github(claims: &Map<String, Value>, issuer: &str) -> Option<String> {
    if let Some(server) = text(claims, "server_url") {
        return Some(server);
    }
    let hosted = "https://token.actions.githubusercontent.com";
    if issuer == hosted || issuer.starts_with(&format!("{hosted}/")) {
        return Some("https://github.com".to_owned());
    }
    issuer.strip_suffix("/_services/token").map(str::to_owned)
}

fn below(base: &str, path: &str) -> Option<String> {
    let base = base.trim_end_matches('/');
    is_trusted_url(base).then(|| format!("{base}/{path}"))
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    match claims.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A claim that can be part of a URL's path as it is: it becomes a link.
fn path(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    text(claims, name).filter(|text| !text.is_empty() && text.bytes().all(plain) && !text.contains(".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn runs_of_ci_systems_have_pages() {
        let run = |claims: Value| page(claims.as_object().unwrap());
        let github = json!({ "iss": "https://token.actions.githubusercontent.com", "repository": "acme/infra", "run_id": "77", "run_attempt": "2" });
        assert_eq!(
            run(github.clone()).as_deref(),
            Some("https://github.com/acme/infra/actions/runs/77/attempts/2")
        );
        let mut own = github.clone();
        own["iss"] = "https://git.acme.example/_services/token".into();
        assert_eq!(
            run(own.clone()).as_deref(),
            Some("https://git.acme.example/acme/infra/actions/runs/77/attempts/2")
        );
        own["server_url"] = "https://pages.acme.example".into();
        assert_eq!(
            run(own.clone()).as_deref(),
            Some("https://pages.acme.example/acme/infra/actions/runs/77/attempts/2")
        );
        own["server_url"] = "javascript:alert(1)".into();
        assert_eq!(run(own), None);
        let gitlab =
            json!({ "iss": "https://gitlab.acme.example", "project_path": "acme/infra", "job_id": 5 });
        assert_eq!(run(gitlab).as_deref(), Some("https://gitlab.acme.example/acme/infra/-/jobs/5"));
        let mut odd = github;
        odd["repository"] = "acme/in fra?x".into();
        assert_eq!(run(odd), None);
        assert_eq!(run(json!({ "iss": "https://id.example", "sub": "x" })), None);
        assert_eq!(run(json!({})), None);
    }
}
