//! Bucket, key, region, workspaces, table and lock object.

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("bucket missing").without("bucket").refused("bucket"),
        case("bucket blank").with(r#"bucket = "  ""#).refused("bucket"),
        case("bucket that isn't there").with(r#"bucket = "no-such-bucket""#).refused("no-such-bucket"),
        case("key missing").without("key").refused("key"),
        case("key blank").with(r#"key = " ""#).refused("key"),
        case("key with a slash in front").with(r#"key = "/state""#).refused("key"),
        case("key with a slash at the end").with(r#"key = "state/""#).refused("key"),
        case("key with two slashes").with(r#"key = "a//state""#).refused("key"),
        case("key with folders").with(r#"key = "a/b/state.tfstate""#).at("a/b/state.tfstate").writes(),
        case("key with a dot folder").with(r#"key = "a/./state""#).at("a/./state").embedded(),
        case("key with characters to encode")
            .with(r#"key = "a b/ü+&=:@,;$!*'()~/state""#)
            .at("a b/ü+&=:@,;$!*'()~/state")
            .embedded(),
        case("key that asks to be a query").with(r#"key = "a?b#c%20d""#).at("a?b#c%20d").embedded(),
        case("region missing everywhere").without("region").unset(&["AWS_REGION"]).refused("region"),
        case("region empty, in the block only").with(r#"region = """#).env("AWS_REGION", "eu-west-2"),
        case("region unknown").with(r#"region = "mars-north-1""#).refused("mars-north-1"),
        case("region unknown, validation skipped")
            .with(r#"region = "mars-north-1""#)
            .with("skip_region_validation = true"),
        case("region of AWS_REGION").without("region").env("AWS_REGION", "eu-west-2"),
        case("region unknown in AWS_REGION").without("region").env("AWS_REGION", "mars-north-1"),
        case("region of AWS_DEFAULT_REGION")
            .without("region")
            .unset(&["AWS_REGION"])
            .env("AWS_DEFAULT_REGION", "eu-west-3"),
        case("region of AWS_REGION before AWS_DEFAULT_REGION")
            .without("region")
            .env("AWS_REGION", "eu-west-2")
            .env("AWS_DEFAULT_REGION", "eu-west-3"),
        case("region of the block before AWS_REGION")
            .with(r#"region = "sa-east-1""#)
            .env("AWS_REGION", "eu-west-2"),
        case("region of the configuration file only")
            .without("region")
            .unset(&["AWS_REGION"])
            .file("~/.aws/config", "[default]\nregion = eu-west-2\n")
            .refused("region"),
        case("region of China").with(r#"region = "cn-north-1""#),
        case("workspace_key_prefix in front of a workspace")
            .with(r#"workspace_key_prefix = "teams/net""#)
            .env("TF_WORKSPACE", "dev")
            .at("teams/net/dev/state")
            .writes(),
        case("workspace_key_prefix empty")
            .with(r#"workspace_key_prefix = """#)
            .env("TF_WORKSPACE", "dev")
            .at("dev/state"),
        case("workspace_key_prefix with dots")
            .with(r#"workspace_key_prefix = "a/../b""#)
            .env("TF_WORKSPACE", "dev")
            .at("b/dev/state"),
        case("workspace_key_prefix by default").env("TF_WORKSPACE", "dev").at("env:/dev/state"),
        case("workspace_key_prefix with a slash in front")
            .with(r#"workspace_key_prefix = "/a""#)
            .refused("workspace_key_prefix"),
        case("workspace_key_prefix with a slash at the end")
            .with(r#"workspace_key_prefix = "a/""#)
            .refused("workspace_key_prefix"),
        case("key with two slashes in a workspace's prefix")
            .with(r#"workspace_key_prefix = "a//b""#)
            .env("TF_WORKSPACE", "dev")
            .at("a/b/dev/state"),
        case("table, written").table().writes(),
        case("lock object, written").lockfile().writes(),
        case("table and lock object, written").table().lockfile().writes(),
        case("table and lock object in a workspace")
            .table()
            .lockfile()
            .env("TF_WORKSPACE", "dev")
            .at("env:/dev/state")
            .writes(),
        case("no lock at all, written").with("use_lockfile = false").writes(),
    ]
}
