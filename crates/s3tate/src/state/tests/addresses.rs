//! Resource addresses.

use super::fixtures::{state, text};
use crate::state::v4::instance_addresses;
use crate::state::{ModuleAddress, StateFile, managed_resource_addresses};

#[test]
fn address_lists_equal_the_recorded_ones() {
    for folder in ["v4-1.11.4-resources", "v4-1.0.3-modules", "v4-1.11.4-no-outputs"] {
        let state = state(folder);
        let recorded = text(&format!("{folder}/state_list.1.11.4.txt"));
        let all = instance_addresses(&StateFile::parse(&state).unwrap().unwrap(), |_| true).unwrap();
        assert_eq!(all, recorded.lines().collect::<Vec<_>>(), "{folder}");
        let managed: Vec<_> =
            recorded.lines().filter(|line| !line.starts_with("data.") && !line.contains(".data.")).collect();
        assert_eq!(managed_resource_addresses(&state).unwrap(), managed, "{folder}");
    }
}

#[test]
fn no_state_has_no_addresses() {
    assert_eq!(managed_resource_addresses(b"").unwrap(), Vec::<String>::new());
}

#[test]
fn module_addresses_print_as_they_read() {
    let printed = r#"module.a.module.b[3].module.c["q\"\\\n$${x}%%{y}\u00a0é$"].module.d-e_1"#;
    assert_eq!(ModuleAddress::parse(printed).unwrap().to_string(), printed);
    assert_eq!(ModuleAddress::parse("").unwrap().to_string(), "");
    let spaced = ModuleAddress::parse(r#"module.a[ 0 ].module.b[ "k" ]"#).unwrap();
    assert_eq!(spaced.to_string(), r#"module.a[0].module.b["k"]"#);
}

#[test]
fn malformed_module_addresses_are_refused() {
    for text in [
        "module",
        "module.",
        "module.a.",
        "module.a.b",
        "module.a[",
        "module.a[-1]",
        "module.a[1.5]",
        "module.a['x']",
        "module.a[\"${x}\"]",
        "module.a[\"x]",
        "module.a[\"\\q\"]",
        "module.a[\"\\u12\"]",
        "module.3",
        "module.a module.b",
        "not a module",
    ] {
        assert!(ModuleAddress::parse(text).is_err(), "{text}");
    }
}
