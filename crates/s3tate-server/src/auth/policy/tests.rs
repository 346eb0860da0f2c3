use super::*;

fn rules(text: &str) -> Vec<Rule> {
    crate::Settings::parse(std::path::Path::new("t.toml"), text).unwrap().rules
}

fn token(name: &str) -> Identity {
    Identity::new(format!("token:{name}"), Method::Token)
}

/// The matrix: each permission alone, each action, inside and outside of its path, for its identity and for another.
#[test]
fn every_permission_allows_exactly_its_actions() {
    let expected = [
        ("outputs", "o....."),
        ("read", "or...."),
        ("plan", "orl..."),
        ("write", "orlw.."),
        ("break-lock", "....b."),
        ("admin", "orlwba"),
    ];
    for (permission, allowed) in expected {
        let rules = rules(&format!(
            "[[rule]]\nwho = [\"token:a\"]\npath = [\"in/**\"]\nallow = [\"{permission}\"]\n"
        ));
        for (action, letter) in Action::ALL.into_iter().zip(allowed.chars()) {
            let decided = |name: &str, key: &str| decide(&rules, &token(name), key, action).allowed;
            assert_eq!(decided("a", "in/x"), letter != '.', "{permission} {action}");
            for (name, key) in [("a", "out/x"), ("a", "inn/x"), ("b", "in/x"), ("", "in/x"), ("a2", "in/x")] {
                assert!(!decided(name, key), "{permission} {action} {name} {key}");
            }
        }
    }
}

#[test]
fn nothing_is_allowed_without_a_rule() {
    for action in Action::ALL {
        assert_eq!(decide(&[], &token("a"), "x", action), Decision { allowed: false, rule: None });
    }
}

/// Check C67: a rule that denies wins over any that allows, for its own action alone.
#[test]
fn denying_wins_whatever_the_order() {
    let allow = "[[rule]]\nwho = [\"*\"]\npath = [\"**\"]\nallow = [\"admin\"]\n";
    let deny = "[[rule]]\nwho = [\"token:p\"]\npath = [\"prod/**\"]\ndeny = [\"write\"]\n";
    for text in [format!("{allow}{deny}"), format!("{deny}{allow}")] {
        let rules = rules(&text);
        let allowed = |name: &str, key: &str, action| decide(&rules, &token(name), key, action).allowed;
        assert!(!allowed("p", "prod/x", Action::Write));
        assert!(allowed("p", "prod/x", Action::Read) && allowed("p", "prod/x", Action::Lock));
        assert!(allowed("p", "dev/x", Action::Write) && allowed("q", "prod/x", Action::Write));
    }
}

#[test]
fn claims_are_the_issuers_word_alone() {
    let rules = rules(
        "[[rule]]\nwho = [\"*\"]\nclaims = { repository = \"acme/*\" }\npath = [\"**\"]\nallow = [\"write\"]\n",
    );
    let mut identity = Identity::new("oidc:gh:x", Method::Oidc);
    let allowed = |identity: &Identity| decide(&rules, identity, "x", Action::Write).allowed;
    assert!(!allowed(&identity), "the claim is missing");
    identity.claims.insert("repository".into(), "acme/infra".into());
    assert!(allowed(&identity));
    identity.claims.insert("repository".into(), "evil/acme/x".into());
    assert!(!allowed(&identity));
    identity.claims.insert("repository".into(), serde_json::json!(["other", "acme/y"]));
    assert!(allowed(&identity));
    identity.claims.insert("repository".into(), serde_json::json!({ "a": "acme/y" }));
    assert!(!allowed(&identity));
    identity.claims.insert("repository".into(), "acme/infra".into());
    assert!(!allowed(&Identity { method: Method::Token, ..identity }));
}
