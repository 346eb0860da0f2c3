//! What the requests of a program say, in a form that can be compared.

use std::collections::{BTreeMap, BTreeSet};

use s3tate_testkit::Request;
use serde_json::Value;

/// Headers that differ for reasons that no attribute decides; checksums are compared by their algorithm.
const NOT_COMPARED: &[&str] = &[
    "x-amz-checksum",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-meta-",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-target",
    "x-amz-te",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// Facts by the kind of request, of the kinds that both programs send.
pub(crate) type Facts = BTreeMap<&'static str, BTreeSet<String>>;

/// The kind of the request that reads the state.
pub(crate) const STATE_GET: &str = "GET of the state";

/// Sorts out what the requests say; `names` are replaced by what they stand for.
pub(crate) fn facts(requests: &[Request], names: &[(String, &str)]) -> Facts {
    let mut facts = Facts::new();
    for request in requests {
        if let Some((kind, about)) = kind(request) {
            let fact =
                names.iter().fold(fact(request, kind, &about), |fact, (from, to)| fact.replace(from, to));
            facts.entry(kind).or_default().insert(fact);
        }
    }
    facts
}

/// What a request is for, and what it names in its body; `None` for what only one of the programs sends.
fn kind(request: &Request) -> Option<(&'static str, String)> {
    if request.method == "CONNECT" {
        return Some((tunnel(&request.host), String::new()));
    }
    if let Some(operation) = &request.operation {
        return item(operation, &serde_json::from_slice(&request.body).unwrap_or_default());
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    if request.method == "POST" {
        return assumption(&String::from_utf8_lossy(&request.body));
    }
    let own_query = query.split('&').any(|pair| !pair.is_empty() && !pair.starts_with("x-id="));
    match (request.method.as_str(), path.ends_with(".tflock")) {
        ("GET", false) if !own_query => Some((STATE_GET, String::new())),
        ("PUT", false) if !own_query => Some(("PUT of the state", String::new())),
        ("PUT", true) => Some(("PUT of the lock", String::new())),
        _ => None,
    }
}

fn tunnel(host: &str) -> &'static str {
    if host.contains("dynamodb") || host.contains(".ddb.") {
        "tunnel to DynamoDB"
    } else if host.starts_with("sts") {
        "tunnel to STS"
    } else {
        "tunnel to S3"
    }
}

/// Items of table: reading the digest, and acquiring the lock.
fn item(operation: &str, body: &Value) -> Option<(&'static str, String)> {
    let id = |member: &str| body[member]["LockID"]["S"].as_str().unwrap_or_default().to_owned();
    let (kind, id) = match operation {
        "GetItem" => ("GetItem of the digest", Some(id("Key")).filter(|id| id.ends_with("-md5"))?),
        "PutItem" => ("PutItem of the lock", Some(id("Item")).filter(|id| !id.ends_with("-md5"))?),
        _ => return None,
    };
    Some((kind, format!("{} {id}", body["TableName"].as_str().unwrap_or_default())))
}

/// Requests for the keys of a role. A name of the session that nobody chose is none.
fn assumption(form: &str) -> Option<(&'static str, String)> {
    // A blank may be written in two ways.
    let form = form.replace('+', "%20");
    let pairs: BTreeMap<_, _> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let kind = match *pairs.get("Action")? {
        "AssumeRole" => "AssumeRole",
        "AssumeRoleWithWebIdentity" => "AssumeRoleWithWebIdentity",
        _ => return None,
    };
    let chosen = |(name, value): &(&&str, &&str)| **name != "RoleSessionName" || value.starts_with("chosen");
    let shown: Vec<_> = pairs.iter().filter(chosen).map(|(name, value)| format!("{name}={value}")).collect();
    Some((kind, shown.join("&")))
}

/// A request as one line.
fn fact(request: &Request, kind: &str, about: &str) -> String {
    if request.method == "CONNECT" {
        return request.host.clone();
    }
    let path = request.target.split('?').next().unwrap_or_default();
    let through = if request.proxied { " through the proxy" } else { "" };
    let mut parts = vec![format!("{}{through} {path}", request.host), identity(request)];
    parts.extend((!about.is_empty()).then(|| about.to_owned()));
    parts.extend(attempts(request));
    if kind.starts_with("PUT") {
        parts.push(format!("checksum {}", checksum(request)));
    }
    let compared = |name: &&String| {
        let is_ours = name.starts_with("x-amz-") || matches!(name.as_str(), "content-type" | "if-none-match");
        is_ours && !NOT_COMPARED.iter().any(|ignored| name.starts_with(ignored))
    };
    let conditional = kind == "PUT of the state";
    let names =
        request.headers.keys().filter(compared).filter(|name| !conditional || *name != "if-none-match");
    parts.extend(names.map(|name| format!("{name}: {}", request.headers[name])));
    parts.join(", ")
}

/// Key, region and service that signed it. The keys of a role are new at each run.
fn identity(request: &Request) -> String {
    let authorization = request.headers.get("authorization").map_or("", String::as_str);
    let scope = authorization.split(['=', ',']).nth(1).unwrap_or_default();
    let mut parts = scope.split('/');
    let key = parts.next().filter(|key| !key.is_empty()).unwrap_or("nobody");
    let key = if key.starts_with("ASIA") || key.starts_with("LSIA") { "a role's key" } else { key };
    let scope: Vec<_> = parts.skip(1).take(2).collect();
    let token = if request.headers.contains_key("x-amz-security-token") { " with a token" } else { "" };
    format!("by {key}{token} for {}", scope.join("/"))
}

fn attempts(request: &Request) -> Option<String> {
    let told = request.headers.get("amz-sdk-request")?;
    told.split_once("max=").map(|(_, attempts)| format!("{attempts} attempts"))
}

fn checksum(request: &Request) -> &str {
    let sent = request
        .headers
        .keys()
        .map(String::as_str)
        .chain(request.headers.get("x-amz-trailer").map(String::as_str));
    let mut algorithms = sent.filter_map(|name| name.strip_prefix("x-amz-checksum-"));
    algorithms.find(|name| *name != "algorithm" && *name != "mode").unwrap_or("none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            host: "127.0.0.1:5000".to_owned(),
            proxied: false,
            operation: None,
            headers: headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            form: std::collections::BTreeMap::new(),
            body: [].as_slice().into(),
            status: 200,
        }
    }

    #[test]
    fn a_request_is_told_with_all_that_counts() {
        let scope =
            "AWS4-HMAC-SHA256 Credential=AKIA1/20261123/eu-west-1/s3/aws4_request, SignedHeaders=host";
        let headers = [
            ("authorization", scope),
            ("amz-sdk-request", "attempt=1; max=5"),
            ("x-amz-acl", "private"),
            ("x-amz-meta-serial", "7"),
            ("x-amz-trailer", "x-amz-checksum-sha256"),
        ];
        let put = request("PUT", "/states/a%3Ab?x-id=PutObject", &headers);
        let names = [("127.0.0.1:5000".to_owned(), "{authority}"), ("states".to_owned(), "{bucket}")];
        let told = "{authority} /{bucket}/a%3Ab, by AKIA1 for eu-west-1/s3, 5 attempts, checksum sha256, x-amz-acl: private";
        assert_eq!(facts(&[put], &names), Facts::from([("PUT of the state", [told.to_owned()].into())]));
    }

    #[test]
    fn what_only_one_program_sends_is_left_out() {
        let others = [
            request("HEAD", "/states/key", &[]),
            request("GET", "/states?list-type=2&prefix=env%3A", &[]),
            request("GET", "/states?versioning=", &[]),
            request("DELETE", "/states/key.tflock", &[]),
        ];
        assert_eq!(facts(&others, &[]), Facts::new());
    }
}
