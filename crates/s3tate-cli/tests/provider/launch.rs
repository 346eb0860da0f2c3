//! Start, encryption, signals and end of the process.

use std::path::Path;
use std::sync::Arc;

use s3tate_provider::proto::health::HealthCheckRequest;
use s3tate_provider::proto::health::health_client::HealthClient;
use s3tate_provider::proto::plugin::grpc_stdio_client::GrpcStdioClient;
use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Client, Endpoint, Gate, Kind, Locking, Spoil, Workdir, require, wait_for};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tonic::Code;
use tonic::client::Grpc;

use crate::peer::Peer;
use crate::raw::{LIMIT, Raw, announced, object, provider, read, remote_state};
use crate::stage::{KEY, REQUIRED, Stage, data, executable, fixture};

/// How an HTTP/2 client begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

fn endpoint() -> Endpoint {
    Endpoint::start(Kind::Embedded).expect("it is part of this project")
}

/// Check H1: a person is told what this is, and nothing is served.
#[test]
fn a_person_is_told_that_this_is_a_provider() {
    let client = Client::new(executable(), &endpoint());
    let told =
        client.run(&Workdir::new(), &[]).exits(1).says(&["this is a provider", "s3tate provider install"]);
    assert!(told.stdout().is_empty(), "{told}");
}

/// Check H2: a line of six fields, the last one empty, and an address that takes connections.
#[test]
fn without_a_certificate_the_last_field_is_empty() {
    let raw = Raw::start(&endpoint());
    let [system, protocol, network, _, flavour, certificate] = &*raw.handshake else {
        panic!("{:?}", raw.handshake)
    };
    assert_eq!([system, protocol, flavour, certificate], ["1", "6", "grpc", ""]);
    assert_eq!(network, if cfg!(unix) { "unix" } else { "tcp" });
    assert_eq!(raw.running.stdout_so_far().lines().count(), 1);
}

/// What comes of a TLS handshake with a provider that was given the client's certificate, and of a first frame after it.
async fn met(peer: Peer, handshake: &[String]) -> std::io::Result<Option<Vec<u8>>> {
    let stream = UnixStream::connect(&handshake[3]).await?;
    let connector = TlsConnector::from(Arc::new(peer.config(&handshake[5])));
    let name = "localhost".try_into().expect("a name");
    let mut stream = connector.connect(name, stream).await?;
    let chosen = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    stream.write_all(PREFACE).await?;
    // With TLS 1.3 a client learns only by reading that it was refused.
    stream.read_u8().await?;
    Ok(chosen)
}

/// Check H3: who holds the key of the client's certificate is let in, and HTTP/2 is chosen.
/// Check H4: nobody else is.
#[test]
fn only_the_client_itself_is_let_in() {
    let workdir = Workdir::new();
    let with_certificate = provider(&endpoint()).env("PLUGIN_CLIENT_CERT", Peer::expected());
    let (running, handshake) = announced(with_certificate.command(&workdir, &[]));
    assert!(!handshake[5].contains('=') && handshake[5].len() > 50, "{handshake:?}");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = runtime.block_on(met(Peer::Client, &handshake)).expect("the client is let in");
    assert_eq!(client.as_deref(), Some(&b"h2"[..]));
    for peer in [Peer::Stranger, Peer::Impostor, Peer::Nobody] {
        let refused = runtime.block_on(met(peer, &handshake));
        assert!(refused.is_err(), "{peer:?} was let in");
    }
    let plain = runtime.block_on(async {
        let mut stream = UnixStream::connect(&handshake[3]).await.expect("a connection");
        stream.write_all(PREFACE).await.expect("it can be sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.map(|_| answer)
    });
    // At most a TLS alert (21) comes back, never a frame of HTTP/2.
    assert!(plain.is_err() || plain.is_ok_and(|answer| answer.first().is_none_or(|first| *first == 21)));
    let again = runtime.block_on(met(Peer::Client, &handshake));
    assert!(again.is_ok(), "others don't keep the client out");
    drop(running);
}

/// Check H5: what is no certificate is an error, and nothing is served in its stead.
#[test]
fn a_certificate_that_is_none_is_refused() {
    for garbage in ["garbage", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let client = provider(&endpoint()).env("PLUGIN_CLIENT_CERT", garbage);
        let refused = client.run(&Workdir::new(), &[]).exits(1).says(&["PLUGIN_CLIENT_CERT"]);
        assert!(refused.stdout().is_empty(), "{refused}");
    }
}

/// Check H6: the socket is where the client wants it, and gone afterwards.
/// Check H7: the process ends at the client's word, after its answer.
#[test]
fn the_socket_is_where_it_is_wanted_and_gone_at_the_end() {
    let sockets = Workdir::new();
    let directory = sockets.path().display().to_string();
    let raw = Raw::start_as(&provider(&endpoint()).env("PLUGIN_UNIX_SOCKET_DIR", &directory));
    let socket = raw.handshake[3].clone();
    assert!(socket.starts_with(&directory) && Path::new(&socket).exists(), "{socket}");
    // Streams that stay open don't keep it alive.
    let mut stdio = GrpcStdioClient::new(raw.channel());
    let stream = raw.runtime.block_on(stdio.stream_stdio(())).expect("it opens");
    raw.shut_down();
    let Raw { running, .. } = raw;
    let _ended = running.finish().succeeds();
    assert!(!Path::new(&socket).exists(), "{socket} is left behind");
    drop(stream);
}

/// Check H8: signals of a terminal don't cut off a call that is under way.
#[test]
fn signals_are_left_to_the_client() {
    let endpoint = endpoint();
    endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
    let (proxied, gate) = Gate::before(&endpoint);
    gate.spoil(&format!("GET /{}/{KEY}", endpoint.store().bucket()), Spoil::Hold, 1);
    let raw = Raw::start(&proxied);
    let reading =
        raw.runtime.spawn(read(raw.provider(), "s3tate_remote_state", remote_state(&endpoint, KEY)));
    gate.wait();
    for signal in ["INT", "TERM"] {
        raw.running.signal(signal);
    }
    gate.open();
    let (state, diagnostics) = raw.runtime.block_on(reading).expect("no panic");
    assert!(state.is_some() && diagnostics.is_empty(), "{diagnostics:?}");
}

/// Check H9: where a socket's path would be too long, the provider listens on TCP.
#[test]
fn a_long_temporary_directory_is_no_obstacle() {
    let directory = Workdir::new();
    directory.write(&format!("{}/x", "d".repeat(150)), "");
    let long = directory.path().join("d".repeat(150)).display().to_string();
    let raw = Raw::start_as(&provider(&endpoint()).env("TMPDIR", long));
    assert_eq!(raw.handshake[2], "tcp");
    assert!(raw.configure(&object([])).is_empty());
}

/// Check H10: a provider whose client was killed ends by itself.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_client_leaves_no_provider_behind() {
    let (endpoint, workdir) = (endpoint(), Workdir::new());
    // A shell stands for the client. It says what its child's number is, and is killed.
    let shell = provider(&endpoint).env("PROVIDER", executable().display().to_string());
    let shell = shell.program("/bin/sh");
    let running = shell.command(&workdir, &["-c", "\"$PROVIDER\" & echo $! > pid; wait"]).start();
    wait_for("the handshake", LIMIT, || running.stdout_so_far().contains("|grpc|").then_some(()));
    let pid = String::from_utf8(workdir.read("pid").expect("the shell wrote it")).expect("a number");
    assert!(runs(pid.trim()));
    let socket = running.stdout_so_far().split('|').nth(3).expect("an address").to_owned();
    running.signal("KILL");
    wait_for("the end of the provider", LIMIT, || (!runs(pid.trim())).then_some(()));
    assert!(!Path::new(&socket).exists(), "{socket} is left behind");
}

/// Whether a process is there and not only waits to be buried.
#[cfg(target_os = "linux")]
fn runs(pid: &str) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Check H11: each line of the log is an object as clients take it in, and none goes to standard output.
#[test]
fn logs_are_objects_a_line() {
    let endpoint = endpoint();
    endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
    let raw = Raw::start_as(&provider(&endpoint).env("TF_LOG", "TRACE"));
    assert!(raw.configure(&object([])).is_empty());
    let (state, _) = raw.read("s3tate_remote_state", &remote_state(&endpoint, KEY));
    assert!(state.is_some());
    raw.shut_down();
    let finished = raw.running.finish().succeeds();
    assert_eq!(finished.stdout_text().lines().count(), 1, "{finished}");
    let secret = &endpoint.env()["AWS_SECRET_ACCESS_KEY"];
    assert!(!finished.stderr_text().contains(secret));
    let mut lines = 0;
    for line in finished.stderr_text().lines() {
        let entry: serde_json::Value = serde_json::from_str(line).expect("a JSON object");
        assert!(entry["@message"].is_string(), "{line}");
        assert!(
            ["trace", "debug", "info", "warn", "error"].contains(&entry["@level"].as_str().expect("a text"))
        );
        let time = entry["@timestamp"].as_str().expect("a text");
        assert_eq!(time.split_once('.').expect("a fraction").1.len(), "123456Z".len(), "{line}");
        lines += 1;
    }
    assert!(lines > 1, "{finished}");
}

/// Check H12: commands attach to a provider that stays, one after the other.
#[test]
fn commands_attach_to_a_provider_that_stays() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    stage.endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
    let nowhere = Workdir::new();
    let serving = Client::new(executable(), &stage.endpoint).command(&nowhere, &["-debug"]).start();
    let line = wait_for("the variable", LIMIT, || {
        serving.stdout_so_far().split_once('\n').map(|(line, _)| line.to_owned())
    });
    let value = line.strip_prefix("export TF_REATTACH_PROVIDERS='").and_then(|line| line.strip_suffix('\''));
    let terraform = stage.terraform.clone().env("TF_REATTACH_PROVIDERS", value.expect("an export line"));
    let workdir =
        Workdir::with(&format!("{REQUIRED}{}", data("s3tate_remote_state", "n", &stage.config(KEY), "")));
    let _initialised = terraform.run(&workdir, &["init", "-input=false"]).succeeds();
    for _ in 0..2 {
        let _planned = terraform.run(&workdir, &["plan"]).succeeds().says(&["Read complete"]);
    }
    serving.signal("INT");
    let _ended = serving.finish().succeeds();
}

/// Check H13: what isn't served is answered as that.
#[test]
fn what_is_not_served_is_unimplemented() {
    let raw = Raw::start(&endpoint());
    for method in
        ["GetMetadata", "GetResourceIdentitySchemas", "PlanResourceChange", "ListResource", "Invented"]
    {
        let path = format!("/tfplugin6.Provider/{method}").parse().expect("a path");
        let code = raw.runtime.block_on(async {
            let mut client = Grpc::new(raw.channel());
            client.ready().await.expect("a connection");
            let codec = tonic_prost::ProstCodec::<(), ()>::default();
            client.unary(tonic::Request::new(()), path, codec).await.expect_err(method).code()
        });
        assert_eq!(code, Code::Unimplemented, "{method}");
    }
}

/// Check H14: the plugin says that it serves.
#[test]
fn the_plugin_says_that_it_serves() {
    let raw = Raw::start(&endpoint());
    let check = |service: &str| {
        let request = HealthCheckRequest { service: service.to_owned() };
        raw.runtime.block_on(HealthClient::new(raw.channel()).check(request))
    };
    assert_eq!(check("plugin").expect("an answer").into_inner().status, 1);
    assert_eq!(check("other").expect_err("nobody's").code(), Code::NotFound);
}
