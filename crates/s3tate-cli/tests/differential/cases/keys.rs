//! Whose key signs the requests: attributes, variables, profiles.

use crate::case::{Case, case};

const CREDENTIALS: &str = "~/.aws/credentials";
const CONFIG: &str = "~/.aws/config";

/// A profile with a key that tells where it came from.
fn profile(name: &str, key: &str) -> String {
    format!("[{name}]\naws_access_key_id = AKIA{key}\naws_secret_access_key = s\n")
}

pub(crate) fn cases() -> Vec<Case> {
    let default = profile("default", "DEFAULT");
    let named = format!("{default}{}", profile("named", "NAMED"));
    vec![
        case("keys of the environment").table().lockfile().writes(),
        case("keys of the environment with a token").env("AWS_SESSION_TOKEN", "a-token").table(),
        case("keys by their older variables").no_env_keys().env("AWS_ACCESS_KEY", "AKIAOLD").env("AWS_SECRET_KEY", "s"),
        case("keys of the block before the environment's")
            .with(r#"access_key = "AKIABLOCK""#)
            .with(r#"secret_key = "s""#)
            .table(),
        case("keys of the block beside a token of the environment")
            .with(r#"access_key = "AKIABLOCK""#)
            .with(r#"secret_key = "s""#)
            .env("AWS_SESSION_TOKEN", "a-token"),
        case("keys of the block with a token")
            .with(r#"access_key = "AKIABLOCK""#)
            .with(r#"secret_key = "s""#)
            .with(r#"token = "a-token""#)
            .table(),
        case("access_key alone").with(r#"access_key = "AKIABLOCK""#).refused_as("credentials", "secret_key"),
        case("secret_key alone").with(r#"secret_key = "s""#).refused_as("credentials", "access_key"),
        case("token alone").with(r#"token = "t""#).refused_as("credentials", "access_key"),
        case("access_key and secret_key empty").with(r#"access_key = """#).with(r#"secret_key = """#),
        case("access_key alone, no keys in the environment")
            .no_env_keys()
            .with(r#"access_key = "AKIABLOCK""#)
            .refused_as("credentials", "secret_key"),
        case("no keys anywhere").no_env_keys().refused("credential"),
        case("half a pair of keys in the environment, and a profile")
            .unset(&["AWS_SECRET_ACCESS_KEY"])
            .file(CREDENTIALS, &default),
        case("profile default").no_env_keys().file(CREDENTIALS, &default).table(),
        case("profile default of the configuration file").no_env_keys().file(CONFIG, &default),
        case("the credentials file before the configuration file")
            .no_env_keys()
            .file(CREDENTIALS, &default)
            .file(CONFIG, &profile("default", "CONFIG")),
        case("profile before keys of the environment").with(r#"profile = "named""#).file(CREDENTIALS, &named).table(),
        case("AWS_PROFILE after keys of the environment").env("AWS_PROFILE", "named").file(CREDENTIALS, &named),
        case("AWS_PROFILE").no_env_keys().env("AWS_PROFILE", "named").file(CREDENTIALS, &named),
        case("AWS_DEFAULT_PROFILE").no_env_keys().env("AWS_DEFAULT_PROFILE", "named").file(CREDENTIALS, &named),
        case("AWS_PROFILE before AWS_DEFAULT_PROFILE")
            .no_env_keys()
            .env("AWS_PROFILE", "named")
            .env("AWS_DEFAULT_PROFILE", "default")
            .file(CREDENTIALS, &named),
        case("profile before AWS_PROFILE")
            .no_env_keys()
            .with(r#"profile = "named""#)
            .env("AWS_PROFILE", "default")
            .file(CREDENTIALS, &named),
        case("profile unknown").with(r#"profile = "nobody""#).file(CREDENTIALS, &named).refused("nobody"),
        case("profile unknown beside keys of the block")
            .with(r#"profile = "nobody""#)
            .with(r#"access_key = "AKIABLOCK""#)
            .with(r#"secret_key = "s""#)
            .file(CREDENTIALS, &named)
            .refused("nobody"),
        case("profile unknown in AWS_PROFILE beside keys of the environment")
            .env("AWS_PROFILE", "nobody")
            .file(CREDENTIALS, &named)
            .refused("nobody"),
        case("profile known beside keys of the block")
            .with(r#"profile = "named""#)
            .with(r#"access_key = "AKIABLOCK""#)
            .with(r#"secret_key = "s""#)
            .file(CREDENTIALS, &named),
        case("profile of the configuration file's spelling")
            .with(r#"profile = "named""#)
            .file(CONFIG, &profile("profile named", "CONFIG")),
        case("profile with a token")
            .no_env_keys()
            .file(CREDENTIALS, &format!("{default}aws_session_token = a-token\n")),
        case("profile with a process")
            .no_env_keys()
            .file("keys.json", r#"{"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "s"}"#)
            .file(CONFIG, "[default]\ncredential_process = /bin/cat {work}/keys.json\n")
            .env("PATH", "/usr/bin:/bin"),
        case("profile that borrows from the environment to assume a role")
            .at_aws()
            .with(r#"profile = "role""#)
            .file(CONFIG, "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/deploy\ncredential_source = Environment\n"),
        case("profile that borrows from another to assume a role")
            .at_aws()
            .with(r#"profile = "role""#)
            .file(CREDENTIALS, &named)
            .file(CONFIG, "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = named\n"),
        case("shared_credentials_files").no_env_keys().with(r#"shared_credentials_files = ["mine"]"#).file("mine", &default),
        case("shared_credentials_files, two of them")
            .no_env_keys()
            .with(r#"shared_credentials_files = ["first", "second"]"#)
            .file("first", &profile("default", "FIRST"))
            .file("second", &profile("default", "SECOND")),
        case("shared_credentials_files in the home directory")
            .no_env_keys()
            .with(r#"shared_credentials_files = ["~/mine"]"#)
            .file("~/mine", &default),
        case("shared_credentials_files with a variable")
            .no_env_keys()
            .with(r#"shared_credentials_files = ["$PLACE/mine"]"#)
            .env("PLACE", "{work}")
            .file("mine", &default),
        case("shared_credentials_files that isn't there")
            .no_env_keys()
            .with(r#"shared_credentials_files = ["absent"]"#)
            .refused("credential"),
        case("shared_credentials_file and shared_credentials_files")
            .with(r#"shared_credentials_file = "mine""#)
            .with(r#"shared_credentials_files = ["mine"]"#)
            .refused("shared_credentials_file"),
        case("shared_credentials_file and its variable")
            .no_env_keys()
            .with(r#"shared_credentials_file = "mine""#)
            .env("AWS_SHARED_CREDENTIALS_FILE", "{work}/theirs")
            .file("mine", &profile("default", "MINE"))
            .file("theirs", &profile("default", "THEIRS")),
        case("shared_credentials_files before its variable")
            .no_env_keys()
            .with(r#"shared_credentials_files = ["mine"]"#)
            .env("AWS_SHARED_CREDENTIALS_FILE", "{work}/theirs")
            .file("mine", &profile("default", "MINE"))
            .file("theirs", &profile("default", "THEIRS")),
        case("AWS_SHARED_CREDENTIALS_FILE")
            .no_env_keys()
            .env("AWS_SHARED_CREDENTIALS_FILE", "{work}/theirs")
            .file("theirs", &default),
        case("AWS_CONFIG_FILE").no_env_keys().env("AWS_CONFIG_FILE", "{work}/theirs").file("theirs", &default),
        case("AWS_SHARED_CONFIG_FILE before AWS_CONFIG_FILE")
            .no_env_keys()
            .env("AWS_SHARED_CONFIG_FILE", "{work}/mine")
            .env("AWS_CONFIG_FILE", "{work}/theirs")
            .file("mine", &profile("default", "MINE"))
            .file("theirs", &profile("default", "THEIRS")),
        case("shared_config_files before AWS_CONFIG_FILE")
            .no_env_keys()
            .with(r#"shared_config_files = ["mine"]"#)
            .env("AWS_CONFIG_FILE", "{work}/theirs")
            .file("mine", &profile("default", "MINE"))
            .file("theirs", &profile("default", "THEIRS")),
        case("web identity of the environment")
            .at_aws()
            .no_env_keys()
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", "{work}/token")
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/deploy")
            .env("AWS_ROLE_SESSION_NAME", "chosen")
            .file("token", "a.web.token"),
        case("keys from a container")
            .no_env_keys()
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/")
            .refused("credential"),
        case("skip_metadata_api_check, no keys").no_env_keys().with("skip_metadata_api_check = true").refused("credential"),
    ]
}
