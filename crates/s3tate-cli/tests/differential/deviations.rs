//! Where s3tate treats a configuration otherwise than stock, and why.

use std::fmt::Write;

/// Something that s3tate does otherwise on purpose.
#[derive(Debug)]
pub(crate) struct Deviation {
    /// The cases that show it.
    pub(crate) cases: &'static [&'static str],
    stock: &'static str,
    s3tate: &'static str,
    reason: &'static str,
}

/// All of them. A case that deviates no more fails the suite.
pub(crate) const DEVIATIONS: &[Deviation] = &[
    Deviation {
        cases: &["a KMS key without encrypt", "a customer's key without encrypt"],
        stock: "stores the state in clear",
        s3tate: "refuses",
        reason: "who names a key wants it used; stock says nothing",
    },
    Deviation {
        cases: &["skip_s3_checksum as it is meant", "skip_s3_checksum, written"],
        stock: "sends a CRC32 checksum all the same",
        s3tate: "sends none",
        reason: "the attribute is for stores that refuse checksums",
    },
    Deviation {
        cases: &[
            "AWS: FIPS by its variable, which says false",
            "AWS: dual stack by its variable, which says false",
        ],
        stock: "takes any value of the variable for true",
        s3tate: "reads false as false",
        reason: "as Terraform 1.15, OpenTofu and the AWS SDKs do",
    },
    Deviation {
        cases: &[
            "assume_role_duration_seconds, not of 1.11",
            "assume_role_policy, not of 1.11",
            "assume_role_policy_arns, not of 1.11",
            "assume_role_tags, not of 1.11",
            "assume_role_transitive_tag_keys, not of 1.11",
            "external_id, not of 1.11",
            "lock_table, not of 1.11",
            "session_name, not of 1.11",
            "skip_get_ec2_platforms, not of 1.11",
            "use_legacy_workflow, not of 1.11",
        ],
        stock: "refuses what it doesn't know any more",
        s3tate: "accepts it",
        reason: "blocks of earlier releases and of OpenTofu work as they are",
    },
    Deviation {
        cases: &["assume_role: an unknown member", "endpoints with an unknown member"],
        stock: "ignores a member that it doesn't know",
        s3tate: "refuses it, naming the nearest",
        reason: "a misspelt endpoint would send the state elsewhere",
    },
    Deviation {
        cases: &["a file of OpenTofu's"],
        stock: "doesn't look into `.tofu` files",
        s3tate: "reads them, and refuses a second backend",
        reason: "the directory may be OpenTofu's, where that backend counts",
    },
    Deviation {
        cases: &["max_retries below nothing", "max_retries with a fraction"],
        stock: "makes something of it",
        s3tate: "refuses",
        reason: "no number of attempts is meant by it",
    },
];

/// Cases about what isn't there yet: they run, and what comes out is only reported. A `*` stands for any ending.
pub(crate) const PENDING: &[&str] = &[
    // Roles.
    "assume_role as it is meant",
    "assume_role: *",
    "assume_role_with_web_identity as it is meant",
    "role_arn, not of 1.11",
    "web identity: *",
    // Accounts.
    "allowed_account_ids *",
    "forbidden_account_ids *",
    "null in a set",
    // Proxies, TLS, the metadata service.
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE unknown",
    "ec2_metadata_service_endpoint *",
    "http_proxy*",
    // Tags of OpenTofu's.
    "lock_tags, not of 1.11",
    "state_tags, not of 1.11",
];

/// Cases in which s3tate deviates for no good reason: to be put right, and until then only reported.
pub(crate) const OPEN: &[&str] = &[
    // Empty texts.
    // Who signs.
    "AWS: DynamoDB with an account in the environment",
    "AWS: DynamoDB with an account in the profile",
    "shared_credentials_file and its variable",
    // Which host is asked.
    "AWS: FIPS by its variable, which says 1",
    "AWS: no FIPS in the block, but in its variable",
    "iam_endpoint that is no URL",
    "sts_endpoint without a scheme, not needed",
    // Region and repetitions.
    "AWS_MAX_ATTEMPTS that is no number, not needed",
    "AWS_RETRY_MODE unknown",
    // Encryption.
    "a malformed customer's key of the environment without encrypt",
    // How the block and options are written.
    "JSON: an attribute twice",
    "a cloud block beside it",
    "a pair for a bool with quotes",
    "a pair with blanks around its name",
    "a pair with null",
    "an empty option after a pair",
    "options in JSON, which is a list",
];

/// Whether a case is named by one of these, which may end in `*`.
pub(crate) fn is_among(name: &str, listed: &[&str]) -> bool {
    listed.iter().any(|listed| match listed.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *listed,
    })
}

/// What is never compared, and why.
const NOT_COMPARED: &str = "\
Identity calls, `HEAD` requests, listings and ranges of `GET` are not compared: stock sends more requests than s3tate.
Nor are metadata and conditions of the state's `PUT`, which only s3tate sends, and `User-Agent`.
";

/// The page of the documentation that lists them.
pub(crate) fn page(cases: usize) -> String {
    let mut page = format!(
        "# Configurations that s3tate treats otherwise than the stock backend\n\n\
         {cases} configurations are run through Terraform 1.11.4 and through s3tate: both accept or refuse them, and both send\n\
         the same host, path, region, key and headers. These are the exceptions. The differential suite writes this page\n\
         (`DIFFERENTIAL_WRITE=true`), and fails when one of them is no exception any more.\n\n\
         | configuration | stock Terraform 1.11 | s3tate | reason |\n|---|---|---|---|\n"
    );
    for Deviation { cases, stock, s3tate, reason } in DEVIATIONS {
        writeln!(page, "| {} | {stock} | {s3tate} | {reason} |", cases.join("; ")).expect("text grows");
    }
    if !(PENDING.is_empty() && OPEN.is_empty()) {
        let unsettled: Vec<_> = [OPEN, PENDING].concat().iter().map(|name| format!("- `{name}`\n")).collect();
        page.push_str("\nNot settled yet, which is to change (a `*` stands for any ending):\n\n");
        page.push_str(&unsettled.concat());
    }
    page + "\n" + NOT_COMPARED
}
