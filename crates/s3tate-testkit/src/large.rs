//! States of any size, as stock Terraform lays them out.

use std::fmt::Write;

/// The lineage of every generated state.
const LINEAGE: &str = "5f0c9a6e-1f4e-5b7a-9c3d-2a1b0c9d8e7f";
/// The length of each resource's text: with it, 50,000 resources take 70 MB.
const TEXT_BYTES: usize = 170;

/// A state in format 4 with this many `terraform_data` resources of about 1,400 bytes each, and three outputs.
///
/// The bytes depend on the two numbers alone, and are those that Terraform 1.11 would write: 50,000 resources give
/// 70 MB, 1,000 give 1.4 MB.
pub fn large_state(resources: usize, serial: u64) -> Vec<u8> {
    let mut state = String::with_capacity(2_000 + resources * 1_450);
    let mut write = |piece: std::fmt::Arguments<'_>| state.write_fmt(piece).expect("text grows");
    write(format_args!(
        r#"{{
  "version": 4,
  "terraform_version": "1.11.4",
  "serial": {serial},
  "lineage": "{LINEAGE}",
  "outputs": {{
    "address": {{
      "value": "10.0.0.1",
      "type": "string"
    }},
    "password": {{
      "value": "s3cr3t",
      "type": "string",
      "sensitive": true
    }},
    "size": {{
      "value": {resources},
      "type": "number"
    }}
  }},
  "resources": ["#
    ));
    for number in 0..resources {
        let separator = if number == 0 { "" } else { "," };
        let (id, text) = (identifier(number), text(number));
        write(format_args!(
            r#"{separator}
    {{
      "mode": "managed",
      "type": "terraform_data",
      "name": "item_{number:06}",
      "provider": "provider[\"terraform.io/builtin/terraform\"]",
      "instances": [
        {{
          "schema_version": 0,
          "attributes": {{
            "id": "{id}",
            "input": {{
              "value": {{
                "document": "{text}",
                "number": {number}
              }},
              "type": [
                "object",
                {{
                  "document": "string",
                  "number": "number"
                }}
              ]
            }},
            "output": {{
              "value": {{
                "document": "{text}",
                "number": {number}
              }},
              "type": [
                "object",
                {{
                  "document": "string",
                  "number": "number"
                }}
              ]
            }},
            "triggers_replace": null
          }},
          "sensitive_attributes": []
        }}
      ]
    }}"#
        ));
    }
    let end = if resources == 0 { "]" } else { "\n  ]" };
    write(format_args!("{end},\n  \"check_results\": null\n}}\n"));
    state.into_bytes()
}

/// An id in the shape of Terraform's, that no two numbers share.
fn identifier(number: usize) -> String {
    format!("{number:08x}-{:04x}-5b7a-9c3d-{number:012x}", number % 0xffff)
}

/// A text that does not repeat itself from one number to the next.
fn text(number: usize) -> String {
    let mut seed = number as u64 + 1;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((seed >> 33) % 26).expect("a letter"))
    };
    (0..TEXT_BYTES).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::large_state;

    #[test]
    fn the_sizes_are_those_that_documents_name() {
        assert!(serde_json::from_slice::<serde_json::Value>(&large_state(3, 1)).is_ok());
        let each = (large_state(200, 1).len() - large_state(100, 1).len()) / 100;
        assert!((1_390..1_420).contains(&each), "{each} bytes for a resource");
    }
}
