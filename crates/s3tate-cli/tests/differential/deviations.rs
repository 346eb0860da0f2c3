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
            "lock_tags, not of 1.11",
            "role_arn, not of 1.11",
            "session_name, not of 1.11",
            "skip_get_ec2_platforms, not of 1.11",
            "state_tags, not of 1.11",
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
        cases: &["forbidden_account_ids where nobody may ask"],
        stock: "knows no account, and forbids none",
        s3tate: "refuses",
        reason: "a list that can't be kept to protects nobody",
    },
    Deviation {
        cases: &["null in a set"],
        stock: "takes it for nothing",
        s3tate: "refuses",
        reason: "nothing is meant by it, and a list of accounts would be kept to by half",
    },
    Deviation {
        cases: &["max_retries below nothing", "max_retries with a fraction"],
        stock: "makes something of it",
        s3tate: "refuses",
        reason: "no number of attempts is meant by it",
    },
];

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
    page + "\n" + NOT_COMPARED
}
