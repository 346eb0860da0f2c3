use super::*;
use crate::config::partial;

fn config(options: &[&str], variables: &[(&str, &str)]) -> Result<BackendConfig> {
    let options: Vec<_> = options.iter().map(|text| (*text).to_owned()).collect();
    let arguments = partial::read(&options, std::path::Path::new(".")).unwrap();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    BackendConfig::new(&arguments, &Env::new(variables, "u", "h"))
}

const BASE: [&str; 3] = ["bucket=b", "key=p/s", "region=us-east-1"];

fn with(more: &[&str]) -> Result<BackendConfig> {
    config(&[&BASE[..], more].concat(), &[])
}

#[test]
fn the_seed_documentations_example_resolves() {
    let config = with(&["lock_table=old"]).unwrap();
    assert_eq!(config.table.as_deref(), Some("old"));
    assert_eq!(config.workspace_key_prefix, "env:");
    assert!(config.deprecations[0].contains("`dynamodb_table`"));
    assert_eq!(with(&["lock_table=old", "dynamodb_table=new"]).unwrap().table.as_deref(), Some("new"));
}

#[test]
fn required_values_are_asked_for() {
    for (options, name) in
        [(&BASE[1..], "bucket"), (&["bucket=b", "region=r"][..], "key"), (&BASE[..2], "region")]
    {
        let error = config(options, &[]).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(config(&BASE[..2], &[("AWS_DEFAULT_REGION", "r")]).unwrap().region, "r");
}

#[test]
fn keys_are_checked() {
    for key in ["key=/a", "key=a/", "key=a//b", "key= "] {
        assert!(with(&[key]).is_err(), "{key}");
    }
    assert!(with(&["workspace_key_prefix=/p"]).is_err());
    assert_eq!(with(&["workspace_key_prefix="]).unwrap().workspace_key_prefix, "");
}

/// Check 51.
#[test]
fn a_key_without_encrypt_is_refused() {
    let key = format!("sse_customer_key={}", "A".repeat(43) + "=");
    assert!(with(&[&key]).unwrap_err().to_string().contains("in clear"));
    assert!(with(&["kms_key_id=alias/x"]).is_err());
    assert!(matches!(with(&[&key, "encrypt=true"]).unwrap().encryption, Encryption::Customer(_)));
    assert!(with(&["sse_customer_key=short", "encrypt=true"]).is_err());
}

/// Check 47.
#[test]
fn credentials_follow_terraforms_order() {
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_PROFILE", "p")];
    assert!(matches!(config(&BASE, &keys).unwrap().credentials, Credentials::Static { .. }));
    let profile = config(&[&BASE[..], &["profile=q"]].concat(), &keys).unwrap().credentials;
    assert!(matches!(profile, Credentials::Chain { profile: Some(name), .. } if name == "q"));
    assert!(with(&["access_key=a"]).unwrap_err().to_string().contains("secret_key"));
}

#[test]
fn endpoints_come_from_attributes_then_variables() {
    let variables = [("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_STS", "http://sts")];
    let endpoints = config(&[&BASE[..], &["endpoint=http://s3"]].concat(), &variables).unwrap().endpoints;
    assert_eq!(endpoints.s3.as_deref(), Some("http://s3"));
    assert_eq!(endpoints.dynamodb.as_deref(), Some("http://all"));
    assert_eq!(endpoints.sts.as_deref(), Some("http://sts"));
    assert!(with(&["endpoint=localhost:1"]).is_err());
    assert!(with(&["endpoint=http://a", "endpoints={s3=\"http://b\"}"]).is_err());
}

/// Check 48.
#[test]
fn max_retries_counts_attempts() {
    assert_eq!(with(&[]).unwrap().max_attempts, Some(5));
    assert_eq!(with(&["max_retries=1"]).unwrap().max_attempts, Some(1));
    assert_eq!(with(&["max_retries=0"]).unwrap().max_attempts, None);
    assert!(with(&["max_retries=-1"]).is_err());
}

#[test]
fn what_is_not_supported_is_refused_and_not_ignored() {
    let error = with(&["allowed_account_ids=[\"1\"]"]).unwrap_err();
    assert!(error.to_string().contains("not supported"), "{error}");
    assert!(with(&["insecure=false"]).is_ok());
}

#[test]
fn secrets_are_not_printed() {
    let config = with(&["access_key=AKIA", "secret_key=hush", "token=hush2"]).unwrap();
    assert!(!format!("{config:?}").contains("hush"));
}
