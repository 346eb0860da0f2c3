//! States with something to look at: resources in modules, outputs of several kinds, and names that are hostile to pages.

use serde_json::{Value, json};

/// A state with these outputs and resources.
pub(crate) fn state(serial: u64, outputs: &Value, resources: &Value) -> Vec<u8> {
    // The header first, as stock clients write it.
    let head = "{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.4\",\n";
    format!(
        "{head}  \"serial\": {serial},\n  \"lineage\": \"3f1a8c1e-52d4-4b6a-9f0e-0c8f5b1d7e21\",\n  \"outputs\": {outputs:#},\n  \
         \"resources\": {resources:#},\n  \"check_results\": null\n}}\n"
    )
    .into_bytes()
}

/// A managed resource with these instances: key and attributes.
pub(crate) fn resource(module: Option<&str>, kind: &str, name: &str, instances: &[(Value, Value)]) -> Value {
    let instances: Vec<_> = instances
        .iter()
        .map(|(key, attributes)| {
            let mut instance = json!({ "schema_version": 0, "attributes": attributes, "sensitive_attributes": [
                [{ "type": "get_attr", "value": "secret" }],
            ] });
            if !key.is_null() {
                instance["index_key"] = key.clone();
            }
            instance
        })
        .collect();
    let mut resource = json!({
        "mode": "managed", "type": kind, "name": name,
        "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]", "instances": instances,
    });
    if let Some(module) = module {
        resource["module"] = module.into();
    }
    resource
}

/// A network as it might be, in one of its editions.
pub(crate) fn network(serial: u64, edition: u64) -> Vec<u8> {
    let subnet = |zone: &str| {
        (
            json!(zone),
            json!({ "id": format!("subnet-{zone}"), "cidr_block": format!("10.{edition}.0.0/20"), "tags": { "zone": zone } }),
        )
    };
    let outputs = json!({
        "vpc_id": { "value": "vpc-0a1b2c3d4e5f", "type": "string" },
        "zones": { "value": ["eu-west-1a", "eu-west-1b"], "type": ["list", "string"] },
        "database": { "value": format!("hush-{edition}"), "type": "string", "sensitive": true },
        "subnets": {
            "value": { "private": format!("10.{edition}.0.0/20"), "public": "10.9.0.0/24" },
            "type": ["object", { "private": "string", "public": "string" }],
        },
        "instances": { "value": edition, "type": "number" },
    });
    let mut resources = vec![
        resource(
            None,
            "aws_vpc",
            "main",
            &[(
                json!(null),
                json!({ "id": "vpc-0a1b2c3d4e5f", "cidr_block": "10.0.0.0/16", "secret": format!("hush-{edition}") }),
            )],
        ),
        resource(
            None,
            "aws_route_table",
            "public",
            &[(json!(0), json!({ "id": "rtb-1" })), (json!(1), json!({ "id": "rtb-2" }))],
        ),
        resource(Some("module.private"), "aws_subnet", "this", &[subnet("a"), subnet("b"), subnet("c")]),
        resource(
            Some("module.private.module.nat[\"eu-west-1a\"]"),
            "aws_nat_gateway",
            "this",
            &[(json!(null), json!({ "id": "nat-1" }))],
        ),
    ];
    if edition > 1 {
        resources.push(resource(
            Some("module.private"),
            "aws_network_acl",
            "this",
            &[(json!(null), json!({ "id": "acl-1" }))],
        ));
    }
    state(serial, &outputs, &json!(resources))
}

/// What would run, or break a page, if it weren't written as text.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

/// A state whose every text is hostile.
pub(crate) fn hostile(serial: u64) -> Vec<u8> {
    let outputs = json!({
        (HOSTILE): { "value": HOSTILE, "type": "string" },
        "nested": { "value": { (HOSTILE): serial }, "type": ["map", "number"] },
    });
    let resources = json!([resource(
        None,
        "aws_vpc",
        "main",
        &[(json!(HOSTILE), json!({ "id": HOSTILE, (HOSTILE): serial }))]
    ),]);
    state(serial, &outputs, &resources)
}
