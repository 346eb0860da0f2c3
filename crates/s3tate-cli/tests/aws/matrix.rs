//! Which source of credentials wins: s3tate and the AWS command line on the same files and variables.

use s3tate_testkit::tools::Missing;
use s3tate_testkit::{Client, Endpoint, Identities, Workdir, require};

/// Sha-1 of the session's name and of the start URL: the names of what `aws sso login` leaves.
const SESSION_LOGIN: &str = "../home/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const URL_LOGIN: &str = "../home/.aws/sso/cache/98df91031e87f97bfc088c045be6442dc5d70b2a.json";

const SSO: &str = "sso_account_id = 123456789012\nsso_role_name = reader\n";

/// One set of inputs: a name, `.aws/config`, `.aws/credentials`, variables (`URL` is the fake services').
struct Case {
    name: &'static str,
    config: String,
    credentials: &'static str,
    variables: &'static [(&'static str, &'static str)],
    /// The key that has to win, lest both programs agree on something else.
    key: &'static str,
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "env"), ("AWS_SECRET_ACCESS_KEY", "s")];
const WEB: [(&str, &str); 2] =
    [("AWS_WEB_IDENTITY_TOKEN_FILE", "token"), ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web")];
const CONTAINER: (&str, &str) = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "URL/container");
const GUARDED: (&str, &str) = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "URL/guarded");
const IMDS: (&str, &str) = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "URL/");
const NO_IMDS: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");
const PROFILE_P: (&str, &str) = ("AWS_PROFILE", "p");
const DEFAULT_KEYS: &str = "[default]\naws_access_key_id = default\naws_secret_access_key = s\n";
const P_KEYS: &str = "[p]\naws_access_key_id = p\naws_secret_access_key = s\n";
const ROLE: &str = "role_arn = arn:aws:iam::123456789012:role/r\n";

fn case(
    key: &'static str,
    name: &'static str,
    config: impl Into<String>,
    credentials: &'static str,
    variables: &'static [(&'static str, &'static str)],
) -> Case {
    Case { name, config: config.into(), credentials, variables, key }
}

fn cases() -> Vec<Case> {
    let chain = format!("[profile p]\n{ROLE}source_profile = q\n");
    let long = format!(
        "[profile p]\n{ROLE}source_profile = q\n[profile q]\nrole_arn = arn:aws:iam::123456789012:role/q\n\
         source_profile = default\n"
    );
    let session = format!(
        "[profile p]\nsso_session = corp\n{SSO}[sso-session corp]\nsso_region = us-east-1\n\
         sso_start_url = https://sso.example/start\n"
    );
    let legacy =
        format!("[default]\nsso_region = us-east-1\nsso_start_url = https://sso.example/start\n{SSO}");
    let process = "[profile p]\ncredential_process = sh process\n";
    let source = |name: &str| format!("[profile p]\n{ROLE}credential_source = {name}\n");
    let web = format!("[profile p]\n{ROLE}web_identity_token_file = token\n");
    vec![
        case("env", "environment", "", "", &[KEYS[0], KEYS[1], NO_IMDS]),
        case("env", "environment over default profile", "", DEFAULT_KEYS, &[KEYS[0], KEYS[1]]),
        case("env", "environment over AWS_PROFILE", "", P_KEYS, &[KEYS[0], KEYS[1], PROFILE_P]),
        case("env", "environment over web identity", "", "", &[KEYS[0], KEYS[1], WEB[0], WEB[1]]),
        case("env", "environment over container", "", "", &[KEYS[0], KEYS[1], CONTAINER, IMDS]),
        case("default", "default profile", "", DEFAULT_KEYS, &[NO_IMDS]),
        case("default", "default profile over container", "", DEFAULT_KEYS, &[CONTAINER, IMDS]),
        case("p", "AWS_PROFILE", "", P_KEYS, &[PROFILE_P]),
        case(
            "p",
            "credentials file over config file",
            "[profile p]\naws_access_key_id = c\naws_secret_access_key = s\n",
            P_KEYS,
            &[PROFILE_P],
        ),
        case("default", "half a key in the environment", "", DEFAULT_KEYS, &[("AWS_SECRET_ACCESS_KEY", "s")]),
        case("web.web.jot-token", "web identity in the environment", "", "", &[WEB[0], WEB[1], NO_IMDS]),
        case("web.web.jot-token", "web identity over profile", "", P_KEYS, &[WEB[0], WEB[1], PROFILE_P]),
        case(
            "role.r.from.q",
            "source_profile",
            chain,
            "[q]\naws_access_key_id = q\naws_secret_access_key = s\n",
            &[PROFILE_P],
        ),
        case("role.r.from.role.q.from.default", "chain of two roles", long, DEFAULT_KEYS, &[PROFILE_P]),
        case(
            "role.r.from.container",
            "credential_source EcsContainer",
            source("EcsContainer"),
            "",
            &[PROFILE_P, CONTAINER],
        ),
        case(
            "role.r.from.imds",
            "credential_source Ec2InstanceMetadata",
            source("Ec2InstanceMetadata"),
            "",
            &[PROFILE_P, IMDS],
        ),
        case("web.r.jot-token", "web identity in the profile", web, "", &[PROFILE_P]),
        case("sso", "SSO session", session, "", &[PROFILE_P]),
        case("sso", "SSO without a session", legacy, "", &[NO_IMDS]),
        case("process", "credential_process", process, "", &[PROFILE_P]),
        case("container", "container", "", "", &[CONTAINER, NO_IMDS]),
        case(
            "container",
            "container with a token",
            "",
            "",
            &[GUARDED, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "agent-token")],
        ),
        case(
            "container",
            "container with a token's file",
            "",
            "",
            &[GUARDED, ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "agent")],
        ),
        case("container", "container over instance metadata", "", "", &[CONTAINER, IMDS]),
        case("imds", "instance metadata", "", "", &[IMDS]),
    ]
}

/// A program that says who it is.
struct Programs {
    identities: Identities,
    s3tate: Client,
    aws: Client,
}

impl Programs {
    fn new() -> Result<Self, Missing> {
        let identities = Identities::new();
        let endpoint = Endpoint::at(identities.url(), ("", ""), "states", "locks");
        let bare = |client: Client| {
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"]
                .into_iter()
                .fold(client, Client::without)
        };
        Ok(Self {
            s3tate: bare(Client::new(env!("CARGO_BIN_EXE_s3tate"), &endpoint)),
            aws: bare(Client::aws(&endpoint)?),
            identities,
        })
    }

    fn workdir(&self, case: &Case) -> Workdir {
        let workdir = Workdir::new();
        workdir.write("../home/.aws/config", &case.config);
        workdir.write("../home/.aws/credentials", case.credentials);
        workdir.write(SESSION_LOGIN, self.identities.login());
        workdir.write(URL_LOGIN, self.identities.login());
        workdir.write("token", "jot-token");
        workdir.write("agent", "agent-token");
        workdir.write(
            "process",
            "echo '{\"Version\": 1, \"AccessKeyId\": \"process\", \"SecretAccessKey\": \"s\"}'\n",
        );
        workdir
    }

    fn with(&self, program: &Client, case: &Case) -> Client {
        let add = |client: Client, &(name, value): &(&str, &str)| {
            client.env(name, value.replace("URL", self.identities.url()))
        };
        case.variables.iter().fold(program.clone(), add)
    }
}

#[test]
fn the_same_source_wins_as_with_the_aws_cli() {
    let programs = require!(Programs::new());
    let mut wrong = Vec::new();
    for case in cases() {
        let workdir = programs.workdir(&case);
        let aws =
            programs.with(&programs.aws, &case).run(&workdir, &["sts", "get-caller-identity"]).succeeds();
        let expected = aws.json()["Arn"].clone();
        assert_eq!(expected, Identities::arn(case.key), "the AWS CLI, {}", case.name);
        let args = ["whoami", "-json", "-state=s3://states/k"];
        let s3tate = programs.with(&programs.s3tate, &case).run(&workdir, &args);
        if s3tate.code() != Some(0) || s3tate.json()["arn"] != expected {
            wrong.push(format!("{}: not {expected}, but {s3tate}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the AWS command line has no word for: attributes of the backend.
#[test]
fn attributes_come_before_everything_else() {
    let programs = require!(Programs::new());
    let everything = [&KEYS[..], &WEB, &[CONTAINER, IMDS]].concat();
    let web = "assume_role_with_web_identity={role_arn=\"arn:aws:iam::123456789012:role/a\",web_identity_token=\"given\"}";
    let role = "assume_role={role_arn=\"arn:aws:iam::123456789012:role/b\"}";
    let keys = ["access_key=static", "secret_key=s"];
    for (options, key) in [
        (&keys[..], "static"),
        (&[keys[0], keys[1], web], "static"),
        (&[web, "profile=p"], "web.a.given"),
        (&["profile=p"], "p"),
        (&["profile=p", "use_legacy_workflow=true"], "env"),
        (&[role], "role.b.from.env"),
        (&[role, web], "role.b.from.web.a.given"),
        (&[keys[0], keys[1], role], "role.b.from.static"),
    ] {
        let case =
            Case { name: "attributes", config: String::new(), credentials: P_KEYS, variables: &[], key };
        let workdir = programs.workdir(&case);
        let mut args = vec!["whoami", "-json", "-state=s3://states/k"];
        let options: Vec<_> = options.iter().map(|option| format!("-backend-config={option}")).collect();
        args.extend(options.iter().map(String::as_str));
        let client = everything.iter().fold(programs.s3tate.clone(), |client, &(name, value)| {
            client.env(name, value.replace("URL", programs.identities.url()))
        });
        let identity = client.run(&workdir, &args).succeeds().json();
        assert_eq!(identity["access_key_id"], key, "{options:?}");
        assert_eq!(identity["format_version"], "1.0");
        let used = identity["sources"].as_array().expect("sources").iter();
        assert!(used.clone().any(|source| source["outcome"] == "used"), "{identity}");
    }
}
