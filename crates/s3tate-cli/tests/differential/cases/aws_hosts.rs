//! Hosts of AWS itself, asked for through a proxy that opens no tunnel.

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    let aws = |name: &str| case(name).at_aws();
    let region = |name: &str, region: &str| aws(name).with(format!("region = \"{region}\""));
    let behind_s3 = |name: &str| {
        aws(name).with(r#"endpoints = { s3 = "{endpoint}" }"#).with("use_path_style = true").table().writes()
    };
    vec![
        aws("AWS: us-east-1"),
        region("AWS: eu-central-1", "eu-central-1"),
        region("AWS: China", "cn-northwest-1"),
        region("AWS: government", "us-gov-west-1"),
        region("AWS: an isolated partition", "us-iso-east-1"),
        region("AWS: a region nobody knows", "mars-north-1").with("skip_region_validation = true"),
        aws("AWS: path style").with("use_path_style = true"),
        aws("AWS: force_path_style").with("force_path_style = true"),
        aws("AWS: a bucket with dots").with(r#"bucket = "a.b.c""#),
        aws("AWS: a bucket with capitals").with(r#"bucket = "Capitals""#),
        aws("AWS: an access point")
            .with(r#"bucket = "arn:aws:s3:us-east-1:123456789012:accesspoint/states""#),
        aws("AWS: FIPS").with("use_fips_endpoint = true"),
        aws("AWS: FIPS by its variable").env("AWS_USE_FIPS_ENDPOINT", "true"),
        aws("AWS: FIPS by its variable, which says false").env("AWS_USE_FIPS_ENDPOINT", "false"),
        aws("AWS: FIPS by its variable, which says 1")
            .env("AWS_USE_FIPS_ENDPOINT", "1")
            .refused("AWS_USE_FIPS_ENDPOINT"),
        aws("AWS: no FIPS in the block, but in its variable")
            .with("use_fips_endpoint = false")
            .env("AWS_USE_FIPS_ENDPOINT", "true"),
        aws("AWS: no dual stack in the block, but in its variable")
            .with("use_dualstack_endpoint = false")
            .env("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        aws("AWS: dual stack by its variable, which says 1")
            .env("AWS_USE_DUALSTACK_ENDPOINT", "1")
            .refused("AWS_USE_DUALSTACK_ENDPOINT"),
        aws("AWS: no FIPS in the block, but in the profile")
            .with("use_fips_endpoint = false")
            .file("~/.aws/config", "[default]\nuse_fips_endpoint = true\n"),
        aws("AWS: FIPS of the profile").file("~/.aws/config", "[default]\nuse_fips_endpoint = true\n"),
        region("AWS: FIPS in a region without it", "eu-west-1").with("use_fips_endpoint = true"),
        aws("AWS: dual stack").with("use_dualstack_endpoint = true"),
        aws("AWS: dual stack by its variable").env("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        aws("AWS: dual stack by its variable, which says false").env("AWS_USE_DUALSTACK_ENDPOINT", "false"),
        aws("AWS: dual stack, path style")
            .with("use_dualstack_endpoint = true")
            .with("use_path_style = true"),
        aws("AWS: FIPS and dual stack")
            .with("use_fips_endpoint = true")
            .with("use_dualstack_endpoint = true"),
        region("AWS: FIPS and dual stack for the government", "us-gov-east-1")
            .with("use_fips_endpoint = true")
            .with("use_dualstack_endpoint = true"),
        case("FIPS with an endpoint of one's own").with("use_fips_endpoint = true").refused("FIPS"),
        case("dual stack with an endpoint of one's own").with("use_dualstack_endpoint = true").refused("ual"),
        behind_s3("AWS: DynamoDB"),
        behind_s3("AWS: DynamoDB in eu-west-1").with(r#"region = "eu-west-1""#),
        behind_s3("AWS: DynamoDB in China").with(r#"region = "cn-north-1""#),
        behind_s3("AWS: DynamoDB with an account in the profile")
            .no_env_keys()
            .file("~/.aws/config", "[default]\naws_account_id = 123456789012\n")
            .file(
                "~/.aws/credentials",
                "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s\n",
            ),
        behind_s3("AWS: DynamoDB with an account in the environment").env("AWS_ACCOUNT_ID", "123456789012"),
        behind_s3("AWS: DynamoDB with the account of a role")
            .with(r#"assume_role = { role_arn = "arn:aws:iam::123456789012:role/deploy" }"#)
            .env("AWS_ENDPOINT_URL_STS", "{endpoint}"),
        behind_s3("AWS: DynamoDB with the account of a token")
            .no_env_keys()
            .file("token", "a.web.token")
            .with(r#"assume_role_with_web_identity = { role_arn = "arn:aws:iam::123456789012:role/deploy", web_identity_token_file = "token" }"#)
            .env("AWS_ENDPOINT_URL_STS", "{endpoint}"),
        behind_s3("AWS: DynamoDB with an account that has to be known")
            .env("AWS_ACCOUNT_ID_ENDPOINT_MODE", "required"),
        behind_s3("AWS: DynamoDB with AWS_ACCOUNT_ID_ENDPOINT_MODE unknown")
            .env("AWS_ACCOUNT_ID_ENDPOINT_MODE", "perhaps")
            .refused("AWS_ACCOUNT_ID_ENDPOINT_MODE"),
        behind_s3("AWS: DynamoDB with an account and AWS_ACCOUNT_ID_ENDPOINT_MODE")
            .env("AWS_ACCOUNT_ID", "123456789012")
            .env("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled"),
    ]
}
