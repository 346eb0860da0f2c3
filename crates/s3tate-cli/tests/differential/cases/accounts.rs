//! Accounts that are allowed or forbidden, and who is asked.

use crate::case::{Case, case};

/// The one account of the endpoint.
const OWN: &str = r#"["123456789012"]"#;
const OTHER: &str = r#"["111111111111"]"#;

fn asked(name: &str, attribute: &str, accounts: &str) -> Case {
    case(name).with(format!("{attribute}_account_ids = {accounts}")).without("skip_requesting_account_id")
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        asked("allowed_account_ids with the caller's", "allowed", OWN).without("skip_credentials_validation"),
        asked("allowed_account_ids with another", "allowed", OTHER)
            .without("skip_credentials_validation")
            .refused("123456789012"),
        asked("allowed_account_ids with none", "allowed", "[]").without("skip_credentials_validation"),
        asked("forbidden_account_ids with the caller's", "forbidden", OWN)
            .without("skip_credentials_validation")
            .refused("123456789012"),
        asked("forbidden_account_ids with another", "forbidden", OTHER)
            .without("skip_credentials_validation"),
        case("allowed_account_ids where nobody may ask")
            .with(format!("allowed_account_ids = {OWN}"))
            .refused("account"),
        case("forbidden_account_ids where nobody may ask").with(format!("forbidden_account_ids = {OWN}")),
        asked("allowed_account_ids and forbidden_account_ids", "allowed", OWN)
            .with(format!("forbidden_account_ids = {OTHER}"))
            .refused("forbidden_account_ids"),
        asked("allowed_account_ids of a role's account", "allowed", OWN)
            .with(r#"assume_role = { role_arn = "arn:aws:iam::123456789012:role/deploy" }"#)
            .without("skip_credentials_validation"),
        case("credentials validated")
            .without("skip_credentials_validation")
            .without("skip_requesting_account_id"),
        case("credentials not validated, the account requested").without("skip_requesting_account_id"),
        case("skip_credentials_validation false").with("skip_credentials_validation = false"),
    ]
}
