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

/// Check 49: `lock_table` of old configurations is the table, with a warning that names its successor.
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

/// Check 51: a key without `encrypt` is refused, since the state would be stored in clear.
#[test]
fn a_key_without_encrypt_is_refused() {
    let key = format!("sse_customer_key={}", "A".repeat(43) + "=");
    assert!(with(&[&key]).unwrap_err().to_string().contains("in clear"));
    assert!(with(&["kms_key_id=alias/x"]).is_err());
    assert!(matches!(with(&[&key, "encrypt=true"]).unwrap().encryption, Encryption::Customer(_)));
    assert!(with(&["sse_customer_key=short", "encrypt=true"]).is_err());
}

/// Check 47: the profile of the block beats the keys of the environment, which beat `AWS_PROFILE`.
#[test]
fn credentials_follow_terraforms_order() {
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_PROFILE", "p")];
    let credentials = config(&BASE, &keys).unwrap().credentials;
    assert_eq!(credentials.env_keys.unwrap().access_key, "a");
    assert!(!credentials.profile.unwrap().first);
    let credentials = config(&[&BASE[..], &["profile=q"]].concat(), &keys).unwrap().credentials;
    assert_eq!(credentials.profile, Some(Profile { name: "q".into(), first: true }));
    assert!(with(&["access_key=a"]).unwrap_err().to_string().contains("secret_key"));
    assert!(with(&["token=t"]).unwrap_err().to_string().contains("access_key"));
}

#[test]
fn old_names_of_variables_count() {
    let old = [("AWS_ACCESS_KEY", "a"), ("AWS_SECRET_KEY", "s"), ("AWS_METADATA_URL", "http://imds")];
    let credentials = config(&BASE, &old).unwrap().credentials;
    assert_eq!(credentials.env_keys.unwrap().access_key, "a");
    assert_eq!(credentials.metadata.endpoint.as_deref(), Some("http://imds"));
}

#[test]
fn paths_are_expanded() {
    let options = ["shared_config_files=[\"~/c\",\"$DIR/a\",\"$${DIR}b\",\"~user\"]"];
    let env = [("HOME", "/home/dana"), ("DIR", "/etc")];
    let files = config(&[&BASE[..], &options].concat(), &env).unwrap().credentials.config_files;
    assert_eq!(files, ["/etc/a", "/etcb", "/home/dana/c", "~user"].map(std::path::PathBuf::from));
}

/// Check 49: flat role attributes are accepted as the nested ones, with warnings that name these.
#[test]
fn flat_role_attributes_mean_the_same_as_the_nested_ones() {
    let flat = [
        "role_arn=arn:aws:iam::1:role/r",
        "session_name=me",
        "external_id=x1",
        "assume_role_policy={}",
        "assume_role_duration_seconds=3600",
        "assume_role_policy_arns=[\"arn:aws:iam::1:policy/p\"]",
        "assume_role_tags={t=\"v\"}",
        "assume_role_transitive_tag_keys=[\"t\"]",
    ];
    let nested = "assume_role={role_arn=\"arn:aws:iam::1:role/r\",session_name=\"me\",external_id=\"x1\",\
                  policy=\"{}\",duration=\"1h\",policy_arns=[\"arn:aws:iam::1:policy/p\"],tags={t=\"v\"},transitive_tag_keys=[\"t\"]}";
    let config = with(&flat).unwrap();
    for (name, new) in
        [("session_name", "session_name"), ("assume_role_policy", "policy"), ("role_arn", "role_arn")]
    {
        let told = |text: &String| {
            text.starts_with(&format!("`{name}`")) && text.contains(&format!("`assume_role.{new}`"))
        };
        assert!(config.deprecations.iter().any(told), "{name}: {:?}", config.deprecations);
    }
    let role = config.credentials.assume_role;
    assert!(role.is_some());
    assert_eq!(role, with(&[nested]).unwrap().credentials.assume_role);
    assert!(with(&[nested, flat[0]]).unwrap_err().to_string().contains("exclude"));
    assert_eq!(with(&["session_name=me"]).unwrap().credentials.assume_role, None);
}

#[test]
fn web_identity_falls_back_to_the_environment() {
    let variables =
        [("AWS_ROLE_ARN", "r"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_SESSION_NAME", "n")];
    let options = [&BASE[..], &["assume_role_with_web_identity={}"]].concat();
    let identity = config(&options, &variables).unwrap().credentials.web_identity.unwrap();
    assert_eq!((identity.role_arn.as_str(), identity.session_name.as_deref()), ("r", Some("n")));
    assert_eq!(identity.token, Token::File("/t".into()));
    assert!(config(&options, &[]).unwrap_err().to_string().contains("role_arn"));
    let both = "assume_role_with_web_identity={role_arn=\"arn:aws:iam::1:role/r\",web_identity_token=\"abcd\",web_identity_token_file=\"file\"}";
    assert!(with(&[both]).unwrap_err().to_string().contains("exclude each other"));
}

#[test]
fn keys_beside_a_web_identity_are_warned_about() {
    let web =
        "assume_role_with_web_identity={role_arn=\"arn:aws:iam::1:role/r\",web_identity_token=\"abcd\"}";
    assert_eq!(with(&[web]).unwrap().warnings, [""; 0]);
    let warnings = with(&[web, "access_key=a", "secret_key=s"]).unwrap().warnings;
    assert!(warnings[0].contains("no effect"), "{warnings:?}");
}

#[test]
fn an_unknown_region_is_refused_where_it_is_an_attribute() {
    let error = config(&["bucket=b", "key=k", "region=us-esat-1"], &[]).unwrap_err();
    assert!(error.hint_text().unwrap().contains("`us-east-1`"));
    let skipped = ["bucket=b", "key=k", "region=minio", "skip_region_validation=true"];
    assert_eq!(config(&skipped, &[]).unwrap().region, "minio");
    assert_eq!(config(&BASE[..2], &[("AWS_REGION", "minio")]).unwrap().region, "minio");
}

#[test]
fn endpoints_come_from_attributes_then_variables_of_the_service() {
    let variables = [("AWS_ENDPOINT_URL_S3", "http://no"), ("AWS_STS_ENDPOINT", "http://sts")];
    let endpoints =
        config(&[&BASE[..], &["endpoint=http://s3"]].concat(), &variables).unwrap().transport.endpoints;
    assert_eq!(endpoints.s3.as_deref(), Some("http://s3"));
    assert_eq!(endpoints.dynamodb, None);
    assert_eq!(endpoints.sts.as_deref(), Some("http://sts"));
    assert!(with(&["endpoint=localhost:1"]).is_err());
    assert!(with(&["endpoint=http://a", "endpoints={s3=\"http://b\"}"]).is_err());
}

#[test]
fn an_endpoint_without_a_scheme_is_refused_where_it_is_needed() {
    let named = ["sts_endpoint=sts.example.com", "endpoints={dynamodb=\"h\"}"];
    let config = with(&named).unwrap();
    assert!(
        config.warnings[0].contains("DynamoDB") && config.warnings[1].contains("STS"),
        "{:?}",
        config.warnings
    );
    assert!(with(&[named[1], "dynamodb_table=t"]).unwrap_err().to_string().contains("complete URL"));
}

#[test]
fn proxies_come_from_attributes_then_variables() {
    let variables = [("HTTP_PROXY", "http://v:1"), ("https_proxy", "v:2"), ("NO_PROXY", "a")];
    let urls = |options: &[&str], variables: &[(&str, &str)]| {
        let transport = config(&[&BASE[..], options].concat(), variables).unwrap().transport;
        let url = |proxy: Option<Proxy>| proxy.map(|proxy| proxy.url);
        (url(transport.http_proxy), url(transport.https_proxy), transport.no_proxy)
    };
    let some = |url: &str| Some(url.to_owned());
    assert_eq!(urls(&[], &variables), (some("http://v:1"), some("http://v:2"), "a".into()));
    let given = ["http_proxy=http://h", "https_proxy=http://s", "no_proxy=b"];
    assert_eq!(urls(&given, &variables), (some("http://h"), some("http://s"), "b".into()));
    assert_eq!(urls(&given[..1], &[]), (some("http://h"), some("http://h"), String::new()));
    assert_eq!(urls(&["http_proxy=http://h", "https_proxy="], &[]).1, None, "empty means direct");
    assert!(with(&given[..1]).unwrap().warnings[0].contains("`https_proxy`"));
    assert!(with(&["https_proxy=socks5://h"]).is_err());
}

/// Check 48: `max_retries` is the number of attempts, and 0 leaves it to `AWS_MAX_ATTEMPTS`.
#[test]
fn max_retries_counts_attempts() {
    assert_eq!(with(&[]).unwrap().transport.max_attempts, Some(5));
    assert_eq!(with(&["max_retries=1"]).unwrap().transport.max_attempts, Some(1));
    assert_eq!(with(&["max_retries=0"]).unwrap().transport.max_attempts, None);
    assert!(with(&["max_retries=-1"]).is_err());
}

#[test]
fn insecure_is_warned_about() {
    assert_eq!(with(&["insecure=false"]).unwrap().warnings, [""; 0]);
    assert!(with(&["insecure=true"]).unwrap().warnings[0].contains("`insecure`"));
}

#[test]
fn secrets_are_not_printed() {
    let web =
        "assume_role_with_web_identity={role_arn=\"arn:aws:iam::1:role/r\",web_identity_token=\"hush3\"}";
    let config = with(&["access_key=AKIA", "secret_key=hush", "token=hush2", web]).unwrap();
    assert!(!format!("{config:?}").contains("hush"));
    let proxied = with(&["https_proxy=http://dana:hush@proxy:3128"]).unwrap();
    assert!(!format!("{proxied:?}").contains("hush"));
}

#[test]
fn the_account_is_asked_for_as_the_skips_allow() {
    let skip = "skip_credentials_validation=true";
    let from = |options: &[&str]| with(options).unwrap().credentials.account_from;
    assert_eq!(from(&[]), AccountFrom::Sts);
    assert_eq!(from(&["skip_requesting_account_id=true"]), AccountFrom::Sts);
    assert_eq!(from(&[skip]), AccountFrom::Iam);
    for list in ["allowed_account_ids=[\"1\"]", "forbidden_account_ids=[\"1\"]"] {
        assert_eq!(from(&[skip, list]), AccountFrom::Iam);
        let error = with(&[skip, list, "skip_requesting_account_id=true"]).unwrap_err();
        assert!(error.to_string().contains("account"), "{error}");
    }
}

#[test]
fn the_legacy_workflow_takes_the_environment_before_the_profile() {
    let first = |options: &[&str]| with(options).unwrap().credentials.profile.unwrap().first;
    assert!(first(&["profile=p"]));
    assert!(first(&["profile=p", "use_legacy_workflow=false"]));
    assert!(!first(&["profile=p", "use_legacy_workflow=true"]));
}

#[test]
fn a_variable_comes_before_the_old_name_of_the_credentials_files() {
    let variable = [("AWS_SHARED_CREDENTIALS_FILE", "/variable")];
    let files = |options: &[&str], variables: &[(&str, &str)]| {
        config(&[&BASE[..], options].concat(), variables).unwrap().credentials.credentials_files
    };
    assert_eq!(files(&["shared_credentials_file=/old"], &variable), ["/variable"].map(PathBuf::from));
    assert_eq!(files(&["shared_credentials_file=/old"], &[]), ["/old"].map(PathBuf::from));
    assert_eq!(files(&["shared_credentials_files=[\"/new\"]"], &variable), ["/new"].map(PathBuf::from));
}

#[test]
fn a_variable_switches_on_what_the_block_leaves_off() {
    let fips = |options: &[&str], value: &str| {
        let variables = [("AWS_USE_FIPS_ENDPOINT", value)];
        config(&[&BASE[..], options].concat(), &variables).unwrap().transport.fips
    };
    assert!(fips(&["use_fips_endpoint=false"], "TRUE"));
    assert!(fips(&["use_fips_endpoint=true"], "false"));
    assert!(!fips(&[], "false"));
}
