//! A moto server that asks for signatures and permissions, with users who have exactly the policies they are given.

use crate::moto::Moto;
use crate::tools::{self, Missing, Tool};
use crate::{Client, Endpoint, Workdir};

/// What the first user needs before anybody can sign: itself, its policy, its key.
const UNSIGNED_ACTIONS: usize = 3;

const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A moto server of one test, where all requests are checked.
///
/// moto checks signatures and actions, and resources of S3. It knows no resources of other services, and no conditions.
#[derive(Debug)]
pub struct Enforced {
    admin: Endpoint,
    _moto: Moto,
}

impl Enforced {
    /// Starts a server, and makes a user who may do everything.
    ///
    /// # Errors
    /// [`Missing`]: this machine has no moto or no AWS command line.
    pub fn start(bucket: &str, table: &str) -> Result<Self, Missing> {
        tools::find(Tool::Aws)?;
        let moto = Moto::start(&[("INITIAL_NO_AUTH_ACTION_COUNT", &UNSIGNED_ACTIONS.to_string())])?;
        let nobody = Endpoint::at(moto.url(), ("AKIAIOSFODNN7EXAMPLE", "nobody"), bucket, table);
        let admin = make_user(&nobody, "admin", EVERYTHING)?;
        Ok(Self { admin, _moto: moto })
    }

    /// The endpoint, bucket and table as the user who may do everything.
    pub fn admin(&self) -> &Endpoint {
        &self.admin
    }

    /// The same as a new user with this policy and no other.
    pub fn user(&self, name: &str, policy: &str) -> Endpoint {
        make_user(&self.admin, name, policy)
            .unwrap_or_else(|missing| panic!("it was there before: {missing}"))
    }
}

fn make_user(maker: &Endpoint, name: &str, policy: &str) -> Result<Endpoint, Missing> {
    let aws = Client::aws(maker)?;
    let workdir = Workdir::new();
    workdir.write("policy.json", policy);
    let iam = |command: &[&str]| {
        aws.run(&workdir, &[&["iam"], command, &["--user-name", name]].concat()).succeeds()
    };
    let _user = iam(&["create-user"]);
    let _policy =
        iam(&["put-user-policy", "--policy-name", "only", "--policy-document", "file://policy.json"]);
    let key = iam(&["create-access-key"]).json();
    let text = |member: &str| key["AccessKey"][member].as_str().expect("a key has it").to_owned();
    let (id, secret) = (text("AccessKeyId"), text("SecretAccessKey"));
    Ok(maker.with_key((&id, &secret)))
}
