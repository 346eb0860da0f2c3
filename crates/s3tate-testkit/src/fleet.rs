//! Many states as a platform team has them: sizes and contents drawn at random, the same for the same seed.

use fastrand::Rng;
use serde_json::{Value, json};

/// A spread of sizes as in real fleets: a mean state has five times the resources of a median one, and few hold most of all.
pub const SPREAD: f64 = 1.8;
/// No state is larger, in resources.
const MOST_RESOURCES: f64 = 20_000.0;
const TEAMS: [&str; 8] = ["billing", "checkout", "data", "identity", "ml", "network", "search", "web"];
const ENVIRONMENTS: [&str; 4] = ["dev", "staging", "prod", "sandbox"];
const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-southeast-2"];

/// States of many teams.
#[derive(Debug, Clone, Copy)]
pub struct Fleet {
    /// How many states there are.
    pub states: usize,
    /// How many resources half of the states have fewer of.
    pub median_resources: f64,
    /// How far sizes spread, 0 where all are the same; [`SPREAD`] is usual.
    pub spread: f64,
}

impl Fleet {
    /// The states one by one: key and bytes.
    pub fn iter(self) -> impl Iterator<Item = (String, Vec<u8>)> {
        (0..self.states).map(move |number| (key(number), self.state(number)))
    }

    /// The bytes of one state.
    pub fn state(self, number: usize) -> Vec<u8> {
        let mut rng = Rng::with_seed(number as u64);
        let resources =
            (self.median_resources * (self.spread * normal(&mut rng)).exp()).clamp(1.0, MOST_RESOURCES);
        // In range, so nothing is cut off.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 1 and 20,000"
        )]
        let resources = resources as usize;
        let resources: Vec<_> = (0..resources).map(|at| resource(number, at, &mut rng)).collect();
        let outputs = json!({
            "vpc_id": { "value": format!("vpc-{:08x}", rng.u32(..)), "type": "string" },
            "password": { "value": format!("s3cr3t-{number}"), "type": "string", "sensitive": true },
        });
        let version = if number.is_multiple_of(3) { "1.5.7" } else { "1.11.4" };
        // In Terraform's order, so that the header comes first.
        let state = format!(
            "{{\n  \"version\": 4,\n  \"terraform_version\": \"{version}\",\n  \"serial\": {},\n  \"lineage\": \"{}\",\n  \
             \"outputs\": {outputs:#},\n  \"resources\": {:#},\n  \"check_results\": null\n}}\n",
            rng.u32(1..900),
            uuid(&mut rng),
            Value::from(resources),
        );
        state.into_bytes()
    }
}

/// The key of a state, in the order of the numbers.
pub fn key(number: usize) -> String {
    let (team, environment) =
        (TEAMS[number % TEAMS.len()], ENVIRONMENTS[number / TEAMS.len() % ENVIRONMENTS.len()]);
    format!("{team}/{environment}/service-{number:05}.tfstate")
}

/// The ARN of the first resource of a state, which no other state has.
pub fn arn(number: usize) -> String {
    format!("arn:aws:iam::123456789012:role/role-{number}-0")
}

/// A number of a standard normal distribution. Source: Box and Muller, 1958.
fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
}

fn uuid(rng: &mut Rng) -> String {
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        rng.u32(..),
        rng.u16(..),
        rng.u16(..),
        rng.u16(..),
        rng.u64(..) >> 16
    )
}

fn resource(state: usize, at: usize, rng: &mut Rng) -> Value {
    let id = |prefix: &str, rng: &mut Rng| format!("{prefix}-{:016x}", rng.u64(..));
    let region = REGIONS[rng.usize(..REGIONS.len())];
    let tags = json!({
        "Name": format!("service-{state}-{at}"), "Team": TEAMS[state % TEAMS.len()], "ManagedBy": "terraform",
    });
    let (type_name, attributes, marks) = match if at == 0 { 0 } else { rng.u32(0..7) } {
        0 => {
            let name = format!("role-{state}-{at}");
            let policy = format!(
                r#"{{"Statement":[{{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{:012}:root"}}}}],"Version":"2012-10-17"}}"#,
                rng.u64(..999_999_999_999)
            );
            let arn = format!("arn:aws:iam::123456789012:role/{name}");
            (
                "aws_iam_role",
                json!({ "arn": arn, "assume_role_policy": policy, "id": name, "name": name, "max_session_duration": 3600, "path": "/", "tags": tags, "tags_all": tags, "unique_id": id("AROA", rng) }),
                json!([]),
            )
        }
        1 => (
            "aws_instance",
            json!({ "ami": id("ami", rng), "arn": format!("arn:aws:ec2:{region}:123456789012:instance/{}", id("i", rng)), "id": id("i", rng), "instance_type": "m6i.large", "private_ip": format!("10.{}.{}.{}", rng.u8(..), rng.u8(..), rng.u8(..)), "root_block_device": [{ "volume_id": id("vol", rng), "volume_size": rng.u16(8..500), "encrypted": true, "tags": {} }], "subnet_id": id("subnet", rng), "tags": tags, "tags_all": tags, "user_data": null, "vpc_security_group_ids": [id("sg", rng), id("sg", rng)] }),
            json!([]),
        ),
        2 => (
            "aws_security_group",
            json!({ "arn": format!("arn:aws:ec2:{region}:123456789012:security-group/{}", id("sg", rng)), "egress": [{ "cidr_blocks": ["0.0.0.0/0"], "from_port": 0, "protocol": "-1", "to_port": 0 }], "id": id("sg", rng), "ingress": [{ "cidr_blocks": ["10.0.0.0/8"], "from_port": 443, "protocol": "tcp", "to_port": 443 }], "name": format!("sg-{state}-{at}"), "tags": tags, "vpc_id": id("vpc", rng) }),
            json!([]),
        ),
        3 => (
            "aws_db_instance",
            json!({ "address": format!("db-{state}-{at}.{region}.rds.amazonaws.com"), "arn": format!("arn:aws:rds:{region}:123456789012:db:db-{state}-{at}"), "engine": "postgres", "id": format!("db-{state}-{at}"), "password": format!("s3cr3t-{state}-{at}"), "port": 5432, "tags": tags, "username": "app" }),
            json!([[{ "type": "get_attr", "value": "password" }]]),
        ),
        4 => (
            "aws_s3_bucket",
            json!({ "arn": format!("arn:aws:s3:::bucket-{state}-{at}"), "bucket": format!("bucket-{state}-{at}"), "force_destroy": false, "id": format!("bucket-{state}-{at}"), "region": region, "tags": tags, "versioning": [{ "enabled": true, "mfa_delete": false }] }),
            json!([]),
        ),
        5 => (
            "random_password",
            // Nothing but the provider's schema says that this is a secret.
            json!({ "id": "none", "length": 20, "result": format!("s3cr3t-{state}-{at}"), "bcrypt_hash": "s3cr3t" }),
            json!([]),
        ),
        _ => (
            "aws_route53_record",
            json!({ "fqdn": format!("r{at}.service-{state}.example.com"), "id": id("Z", rng), "name": format!("r{at}.service-{state}.example.com"), "records": [format!("10.{}.{}.{}", rng.u8(..), rng.u8(..), rng.u8(..))], "ttl": 300, "type": "A", "zone_id": id("Z", rng) }),
            json!([]),
        ),
    };
    let mut resource = json!({
        "mode": "managed", "type": type_name, "name": format!("r{at}"),
        "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
        "instances": [{
            "schema_version": 0, "attributes": attributes, "sensitive_attributes": marks, "private": "bnVsbA==",
            "dependencies": ["aws_iam_role.r0"],
        }],
    });
    if at > 2 {
        resource["module"] = json!(format!("module.part_{}", at % 7));
    }
    resource
}
