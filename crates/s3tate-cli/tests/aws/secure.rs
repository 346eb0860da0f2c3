//! HTTPS: whom s3tate trusts, and through which proxy it goes.

use s3tate_testkit::{Client, ConnectProxy, Endpoint, Finished, Kind, TlsFront, Workdir};

/// An endpoint behind TLS with a private CA, and a proxy that may stand before it.
struct Scene {
    endpoint: Endpoint,
    front: TlsFront,
    proxy: ConnectProxy,
    workdir: Workdir,
}

impl Scene {
    fn new() -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        endpoint.store().put("k", "{\"version\": 4}");
        let front = TlsFront::start(endpoint.url());
        let workdir = Workdir::new();
        workdir.write("ca.pem", front.ca());
        Self { front, endpoint, proxy: ConnectProxy::new(), workdir }
    }

    /// Runs `state pull` over HTTPS.
    fn pull(&self, options: &[&str], variables: &[(&str, &str)]) -> Finished {
        let url = format!("-state=s3://{}/k", self.endpoint.store().bucket());
        let options: Vec<_> = options
            .iter()
            .map(|option| format!("-backend-config={}", option.replace("PROXY", self.proxy.url())))
            .collect();
        let mut args = vec!["state", "pull", &url, "-backend-config=max_retries=1"];
        args.extend(options.iter().map(String::as_str));
        let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &self.endpoint);
        let client = client.env("AWS_ENDPOINT_URL", self.front.url());
        let client = variables
            .iter()
            .fold(client, |client, (name, value)| client.env(name, value.replace("PROXY", self.proxy.url())));
        client.run(&self.workdir, &args)
    }

    /// Runs `state pull` at a host that only the proxy knows.
    fn pull_far(&self, options: &[&str]) -> Finished {
        let options = [options, &["use_path_style=true"]].concat();
        self.pull(&options, &[("AWS_ENDPOINT_URL", &self.front.far_url())])
    }

    fn target(&self) -> String {
        self.front.far_url().trim_start_matches("https://").to_owned()
    }
}

#[test]
fn a_private_ca_is_trusted_only_where_it_is_named() {
    let scene = Scene::new();
    let _refused = scene.pull(&[], &[]).exits(1).says(&["certificate"]);
    assert_eq!(scene.front.connections(), 0);
    let pulled = scene.pull(&["custom_ca_bundle=ca.pem"], &[]).succeeds();
    assert_eq!(pulled.stdout(), b"{\"version\": 4}");
    assert_eq!(pulled.stderr_text(), "");
    let _pulled = scene.pull(&[], &[("AWS_CA_BUNDLE", "ca.pem")]).succeeds();
    let _missing = scene.pull(&["custom_ca_bundle=none.pem"], &[]).exits(2).says(&["none.pem"]);
}

#[test]
fn insecure_trusts_anybody_and_says_so() {
    let scene = Scene::new();
    let pulled = scene.pull(&["insecure=true"], &[]).succeeds().says(&["warning:", "`insecure`"]);
    assert_eq!(pulled.stdout(), b"{\"version\": 4}");
    assert_eq!(scene.front.connections(), 1);
}

#[test]
fn a_proxy_is_asked_for_the_endpoint() {
    let scene = Scene::new();
    for options in
        [&["https_proxy=PROXY", "custom_ca_bundle=ca.pem"][..], &["https_proxy=PROXY", "insecure=true"]]
    {
        let pulled = scene.pull_far(options).succeeds();
        assert_eq!(pulled.stdout(), b"{\"version\": 4}");
        assert_eq!(scene.proxy.take(), [scene.target()], "{options:?}");
    }
    let fallback = scene.pull_far(&["http_proxy=PROXY", "insecure=true"]).succeeds();
    let _warned = fallback.says(&["`http_proxy` is set without `https_proxy`"]);
    assert_eq!(scene.proxy.take(), [scene.target()]);
}

#[test]
fn some_hosts_are_reached_past_the_proxy() {
    let scene = Scene::new();
    for trust in ["custom_ca_bundle=ca.pem", "insecure=true"] {
        let unknown = scene.pull_far(&["https_proxy=PROXY", "no_proxy=s3tate.test", trust]);
        let _unknown = unknown.exits(1);
        let _pulled = scene.pull(&["https_proxy=", trust], &[("HTTPS_PROXY", "PROXY")]).succeeds();
        // As in Go, no proxy is ever asked for the machine itself, whoever names it.
        let _pulled = scene.pull(&[trust], &[("HTTPS_PROXY", "PROXY")]).succeeds();
        let _pulled = scene.pull(&["https_proxy=PROXY", trust], &[]).succeeds();
        assert_eq!(scene.proxy.take(), [""; 0], "{trust}");
    }
    let proxied = scene.pull(
        &["custom_ca_bundle=ca.pem"],
        &[("HTTPS_PROXY", "PROXY"), ("AWS_ENDPOINT_URL", "https://s3tate.invalid")],
    );
    let _unreachable = proxied.exits(1);
    assert!(scene.proxy.take()[0].ends_with("s3tate.invalid:443"));
}
