//! Logins of IAM Identity Center whose token has ended.

use s3tate_testkit::tools::Missing;
use s3tate_testkit::{Client, Endpoint, Identities, Recorder, Workdir, require};

/// Sha-1 of the session's name: the name of what `aws sso login` leaves.
const LOGIN: &str = "../home/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const CONFIG: &str = "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = reader\n\
                      [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://sso.example/start\n";

struct Scene {
    identities: Identities,
    recorder: Recorder,
    workdir: Workdir,
}

impl Scene {
    fn new(login: impl Fn(&Identities) -> String) -> Self {
        let identities = Identities::new();
        let workdir = Workdir::new();
        workdir.write("../home/.aws/config", CONFIG);
        workdir.write(LOGIN, login(&identities));
        Self { recorder: Recorder::start(identities.url()), identities, workdir }
    }

    fn bare(client: Client) -> Client {
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].into_iter().fold(client, Client::without)
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::at(self.recorder.url(), ("", ""), "states", "locks")
    }

    /// The paths that s3tate asked for, and its exit code.
    fn whoami(&self) -> (Option<i32>, Vec<String>) {
        let client = Self::bare(Client::new(env!("CARGO_BIN_EXE_s3tate"), &self.endpoint()));
        let finished = client.run(&self.workdir, &["whoami", "-json", "-state=s3://states/k"]);
        if finished.code() == Some(0) {
            assert_eq!(finished.json()["access_key_id"], "sso");
        }
        (finished.code(), self.paths())
    }

    fn aws(&self) -> Result<Vec<String>, Missing> {
        let client = Self::bare(Client::aws(&self.endpoint())?);
        let caller = client.run(&self.workdir, &["sts", "get-caller-identity"]).succeeds().json();
        assert_eq!(caller["Arn"], Identities::arn("sso"));
        Ok(self.paths())
    }

    fn paths(&self) -> Vec<String> {
        let path = |target: &str| target.split('?').next().unwrap_or_default().to_owned();
        self.recorder.take().iter().map(|request| path(&request.target)).collect()
    }
}

#[test]
fn a_login_that_has_ended_is_refreshed_once_and_kept() {
    let scene = Scene::new(Identities::ended_login);
    assert_eq!(
        scene.whoami(),
        (Some(0), ["/token", "/federation/credentials", "/"].map(str::to_owned).to_vec())
    );
    let kept = String::from_utf8(scene.workdir.read(LOGIN).expect("it is still there")).expect("text");
    assert!(!kept.contains("ended-token") && kept.contains("refreshToken"), "{kept}");
    assert_eq!(scene.whoami().1, ["/federation/credentials", "/"]);
}

#[test]
fn the_aws_cli_refreshes_the_same_login_alike() {
    let asked = require!(Scene::new(Identities::ended_login).aws());
    assert_eq!(asked, Scene::new(Identities::ended_login).whoami().1);
}

#[test]
fn a_login_that_cannot_be_refreshed_asks_for_another() {
    let scene = Scene::new(|identities| identities.ended_login().replace("refreshToken", "nothing"));
    let (code, asked) = scene.whoami();
    assert_eq!((code, asked), (Some(1), Vec::new()));
    drop(scene.identities);
}

#[test]
fn the_attribute_names_where_identity_center_is() {
    let scene = Scene::new(Identities::login);
    let center = Recorder::start(scene.identities.url());
    let option = format!("-backend-config=endpoints={{sso=\"{}\"}}", center.url());
    let client = Scene::bare(Client::new(env!("CARGO_BIN_EXE_s3tate"), &scene.endpoint()));
    let _found = client.run(&scene.workdir, &["whoami", "-state=s3://states/k", &option]).succeeds();
    assert_eq!(scene.paths(), ["/"], "STS alone is where everything else is");
    assert!(center.take()[0].target.starts_with("/federation/credentials"));
}
