//! Addresses of provider configurations, as they stand beside resources.

use std::borrow::Cow;

/// The address as Terraform since 0.13 writes it.
///
/// Terraform 0.12 and earlier wrote `provider.NAME` and `provider.NAME.ALIAS`, with the module in front. Which registry's
/// provider that was is not known, which the namespace `-` says; `terraform` is built in. All else stays as it is.
pub(super) fn modern(address: &str) -> Cow<'_, str> {
    legacy(address).map_or(Cow::Borrowed(address), Cow::Owned)
}

fn legacy(address: &str) -> Option<String> {
    let mut rest = address;
    while let Some(below) = rest.strip_prefix("module.") {
        rest = below.split_once('.')?.1;
    }
    let module = &address[..address.len() - rest.len()];
    let (name, alias) = match rest.strip_prefix("provider.")?.split_once('.') {
        Some((name, alias)) => (name, format!(".{alias}")),
        None => (rest.strip_prefix("provider.")?, String::new()),
    };
    let source = match name {
        "terraform" => "terraform.io/builtin/terraform".to_owned(),
        name => format!("registry.terraform.io/-/{name}"),
    };
    Some(format!("{module}provider[\"{source}\"]{alias}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_addresses_are_written_anew() {
        for (old, new) in [
            ("provider.aws", r#"provider["registry.terraform.io/-/aws"]"#),
            ("provider.aws.west", r#"provider["registry.terraform.io/-/aws"].west"#),
            (
                "module.a.module.provider.provider.x",
                r#"module.a.module.provider.provider["registry.terraform.io/-/x"]"#,
            ),
            ("provider.terraform", r#"provider["terraform.io/builtin/terraform"]"#),
        ] {
            assert_eq!(modern(old), new);
            assert_eq!(modern(new), new);
        }
        assert_eq!(modern("p"), "p");
    }
}
