//! What the provider offers, and how its own configuration is taken.

use rmpv::Value;
use s3tate_provider::proto::tfplugin6::schema::Attribute;
use s3tate_provider::proto::tfplugin6::{get_provider_schema, validate_provider_config};
use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Endpoint, Kind, Locking, require};

use crate::raw::{Raw, config, encoded, object, place, provider, remote_state, said, texts, unknown};
use crate::stage::{KEY, Stage, fixture, workdir};

fn endpoint() -> Endpoint {
    let endpoint = Endpoint::start(Kind::Embedded).expect("it is part of this project");
    endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
    endpoint
}

fn problems_of_attribute(attribute: &Attribute) -> Option<String> {
    let flags = [attribute.required, attribute.optional, attribute.computed];
    let is_valid = matches!(flags, [true, false, false] | [false, true, _] | [false, false, true]);
    let is_typed = attribute.r#type.is_empty() == attribute.nested_type.is_some();
    let parses = attribute.r#type.is_empty() || s3tate::state::Type::from_json(&attribute.r#type).is_ok();
    let mut members = attribute.nested_type.iter().flat_map(|object| &object.attributes);
    let inner = members.find_map(problems_of_attribute);
    if is_valid && is_typed && parses { inner } else { Some(attribute.name.clone()) }
}

/// Check S1: everything that is expected, with valid types and flags.
#[test]
fn the_schema_is_valid_and_complete() {
    let raw = Raw::start(&endpoint());
    let answer = raw.runtime.block_on(raw.provider().get_provider_schema(get_provider_schema::Request {}));
    let schema = answer.expect("an answer").into_inner();
    assert!(schema.diagnostics.is_empty());
    assert!(schema.server_capabilities.expect("some").get_provider_schema_optional);
    assert!(schema.data_source_schemas.contains_key("s3tate_remote_state"));
    assert!(schema.data_source_schemas.contains_key("s3tate_state_info"));
    assert!(schema.ephemeral_resource_schemas.contains_key("s3tate_remote_state"));
    assert!(schema.state_store_schemas.contains_key("s3tate_s3"));
    let own = schema.provider.expect("the provider's own").block.expect("a block");
    assert_eq!(own.attributes.len(), s3tate::config::attributes::ATTRIBUTES.len());
    assert!(own.attributes.iter().all(|attribute| attribute.optional));
    let others = schema
        .data_source_schemas
        .into_values()
        .chain(schema.ephemeral_resource_schemas.into_values())
        .chain(schema.state_store_schemas.into_values());
    let blocks = others.map(|schema| schema.block.expect("a block")).chain([own]);
    let wrong: Vec<_> =
        blocks.flat_map(|block| block.attributes).filter_map(|a| problems_of_attribute(&a)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Check S2: a process may begin with its configuration.
/// Check S5: one without any argument is fine; a read then takes all from the environment.
#[test]
fn a_process_may_begin_with_an_empty_configuration() {
    let endpoint = endpoint();
    let raw = Raw::start(&endpoint);
    assert_eq!(said(&raw.configure(&object([]))), "");
    let (state, told) = raw.read("s3tate_remote_state", &remote_state(&endpoint, KEY));
    assert!(state.is_some(), "{told:?}");
}

/// Check S3: stock shows `outputs` as computed, of any type.
#[test]
fn stock_shows_the_schema() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    let workdir = workdir("provider \"s3tate\" {\n}\n");
    let shown = stage.run(&workdir, &["providers", "schema", "-json"]).succeeds().json();
    let sources = &shown["provider_schemas"]["registry.terraform.io/s3tate/s3tate"]["data_source_schemas"];
    let outputs = &sources["s3tate_remote_state"]["block"]["attributes"]["outputs"];
    assert_eq!((&outputs["type"], &outputs["computed"]), (&"dynamic".into(), &true.into()));
}

/// Check S4: what isn't known yet is no error until it is needed, and then it is named.
#[test]
fn unknown_arguments_of_the_provider_are_named_when_they_are_needed() {
    let endpoint = endpoint();
    let raw = Raw::start_as(&provider(&endpoint).without("AWS_REGION"));
    assert_eq!(said(&raw.configure(&object([("region", unknown())]))), "");
    let (state, told) = raw.read("s3tate_remote_state", &remote_state(&endpoint, KEY));
    assert!(state.is_none() && said(&told).contains("`region`"), "{told:?}");
    let own = object([("config", config(&endpoint, KEY, &[("region", "us-east-1")]))]);
    assert!(raw.read("s3tate_remote_state", &own).0.is_some(), "what the data source gives itself is known");
}

/// Check S6: an invalid value is an error at its argument.
#[test]
fn invalid_values_are_told_at_their_arguments() {
    let raw = Raw::start(&endpoint());
    let role = object([("role_arn", Value::from("nonsense"))]);
    let config = object([("retry_mode", Value::from("never")), ("assume_role", role), ("key", unknown())]);
    let request = validate_provider_config::Request { config: Some(encoded(&config)) };
    let answer = raw.runtime.block_on(raw.provider().validate_provider_config(request));
    let told = answer.expect("an answer").into_inner().diagnostics;
    let places: Vec<_> = told.iter().map(place).collect();
    assert_eq!(places, ["assume_role", "retry_mode"], "{told:?}");
    assert!(told.iter().all(|told| told.severity == 1));
    assert_eq!(raw.configure(&config), told, "configuring checks again");
}

/// Check S7: calls at the same time don't get into each other's way.
#[test]
fn twenty_reads_at_once_get_what_each_asked_for() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("it is part of this project");
    for number in 0..20 {
        let state = format!(
            r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{{"n":{{"value":{number},"type":"number"}}}},"resources":[]}}"#
        );
        endpoint.store().put(&format!("n-{number}"), state);
    }
    let raw = Raw::start(&endpoint);
    let reads: Vec<_> = (0..20)
        .map(|number| {
            let config = remote_state(&endpoint, &format!("n-{number}"));
            raw.runtime.spawn(crate::raw::read(raw.provider(), "s3tate_remote_state", config))
        })
        .collect();
    for (number, read) in reads.into_iter().enumerate() {
        let (state, told) = raw.runtime.block_on(read).expect("no panic");
        let outputs = crate::raw::outputs(&state.unwrap_or_else(|| panic!("{told:?}")));
        assert_eq!(outputs, object([("n", Value::from(number))]));
    }
}

/// A second configuration takes the place of the first.
#[test]
fn a_later_configuration_takes_the_place_of_an_earlier_one() {
    let endpoint = endpoint();
    let raw = Raw::start(&endpoint);
    let bucket = endpoint.store().bucket();
    let own = |bucket: &str| object([("bucket", Value::from(bucket)), ("use_path_style", Value::from(true))]);
    let source = object([("config", texts(&[("key", KEY)]))]);
    assert_eq!(said(&raw.configure(&own("elsewhere"))), "");
    assert!(raw.read("s3tate_remote_state", &source).0.is_none());
    assert_eq!(said(&raw.configure(&own(bucket))), "");
    assert!(raw.read("s3tate_remote_state", &source).0.is_some());
}
