//! Who is let in: tokens of issuers, client certificates, and credentials that end.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use rcgen::{CertifiedIssuer, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use s3tate_server::auth::token;
use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Workdir, require};
use serde_json::{Value, json};

use crate::certificates::{authority, issued};
use crate::raw::Reply;
use crate::stage::{Stage, document, lock_info};

/// A key that tokens are signed by.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        Self(
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random)
                .expect("it is read"),
        )
    }

    fn jwk(&self, id: &str) -> Value {
        let point = self.0.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": id, "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..]) })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).expect("it signs");
        format!("{message}.{}", B64.encode(signature.as_ref()))
    }
}

fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()))
}

/// An issuer on this machine: its answers by path, and how often it was asked.
struct Issuer {
    url: String,
    answers: Arc<Mutex<BTreeMap<String, Value>>>,
    asked: Arc<Mutex<usize>>,
}

impl Issuer {
    fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let (answers, asked) =
            (Arc::<Mutex<BTreeMap<String, Value>>>::default(), Arc::<Mutex<usize>>::default());
        let issuer = Self { url: url.clone(), answers: Arc::clone(&answers), asked: Arc::clone(&asked) };
        issuer.tell(
            "/.well-known/openid-configuration",
            json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }),
        );
        issuer.tell("/keys", json!({ "keys": keys }));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *asked.lock().expect("nobody panics here") += 1;
                serve(stream, &answers);
            }
        });
        issuer
    }

    fn tell(&self, path: &str, answer: Value) {
        self.answers.lock().expect("nobody panics here").insert(path.to_owned(), answer);
    }

    /// From now on it has no answer.
    fn fall_silent(&self) {
        self.answers.lock().expect("nobody panics here").clear();
    }

    fn stage(&self, more: &str) -> Stage {
        Stage::with(&format!(
            "{more}\n[[issuer]]\nname = \"ci\"\nurl = \"{}\"\naudience = \"s3tate\"\n\
             [[rule]]\nwho = [\"oidc:ci:*\"]\nclaims = {{ repository = \"acme/*\" }}\npath = [\"app/**\"]\nallow = [\"write\"]\n",
            self.url
        ))
    }

    fn claims(&self, ends_in: i64) -> Value {
        json!({
            "iss": self.url, "aud": "s3tate", "sub": "repo:acme/infra", "repository": "acme/infra",
            "exp": jiff::Timestamp::now().as_second() + ends_in, "iat": jiff::Timestamp::now().as_second() - 10,
        })
    }
}

fn serve(mut stream: TcpStream, answers: &Mutex<BTreeMap<String, Value>>) {
    let mut request = [0; 4096];
    let length = stream.read(&mut request).unwrap_or_default();
    let text = String::from_utf8_lossy(&request[..length]).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default();
    let answer = answers.lock().expect("nobody panics here").get(path).map(Value::to_string);
    let (status, body) = answer.map_or(("503 Away", String::new()), |answer| ("200 OK", answer));
    let length = body.len();
    drop(write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"));
}

fn ask(stage: &Stage, secret: &str, method: &str, path: &str, body: &[u8]) -> Reply {
    stage.server.send(method, path, &crate::stage::authorization(secret), body)
}

fn es256(id: &str) -> Value {
    json!({ "alg": "ES256", "typ": "JWT", "kid": id })
}

/// Check C63: signature, issuer, audience and claims right.
/// Check C66: keys that are known serve on while the issuer is away.
#[test]
fn a_signed_token_is_let_in() {
    let key = Key::new();
    let issuer = Issuer::start(&[key.jwk("k1")]);
    let stage = issuer.stage("");
    let token = key.sign(&es256("k1"), &issuer.claims(300));
    let _in = ask(&stage, &token, "GET", "/state/app/a", b"").is(404);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let _in = stage.server.send("GET", "/state/app/a", &bearer, b"").is(404);
    let asked = *issuer.asked.lock().expect("nobody panics here");
    assert_eq!(asked, 2, "its configuration and its keys, once");
    issuer.fall_silent();
    let _in = ask(&stage, &token, "GET", "/state/app/a", b"").is(404);
    let _outside = ask(&stage, &token, "GET", "/state/out/a", b"").is(403);
    let mut claims = issuer.claims(300);
    claims["repository"] = "evil/infra".into();
    let _unfit = ask(&stage, &key.sign(&es256("k1"), &claims), "GET", "/state/app/a", b"").is(403);
}

/// While an issuer that is slow is asked for a key that isn't known, those that are known serve on.
#[test]
fn nobody_with_a_known_key_waits_for_a_slow_issuer() {
    let key = Key::new();
    let issuer = Issuer::start(&[key.jwk("k1")]);
    let stage = issuer.stage("");
    let token = key.sign(&es256("k1"), &issuer.claims(300));
    let _in = ask(&stage, &token, "GET", "/state/app/a", b"").is(404);
    let asked = || *issuer.asked.lock().expect("nobody panics here");
    let before = asked();
    let silence = issuer.answers.lock().expect("nobody panics here");
    let unknown = key.sign(&es256("k2"), &issuer.claims(300));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ask(&stage, &unknown, "GET", "/state/app/a", b"").is(401));
        s3tate_testkit::wait_for("the question", std::time::Duration::from_mins(1), || {
            (asked() > before).then_some(())
        });
        let _in = ask(&stage, &token, "GET", "/state/app/a", b"").is(404);
        assert!(!waiting.is_finished(), "it was answered meanwhile");
        drop(silence);
        let _unknown = waiting.join().expect("an answer");
    });
}

/// A session in the web UI knows of a token's claims what rules ask for, ends with it, and begins anew when rules ask for
/// others.
#[test]
fn a_session_is_as_good_as_the_token_that_began_it() {
    let key = Key::new();
    let issuer = Issuer::start(&[key.jwk("k1")]);
    let files = Workdir::new();
    files.write("session.key", "0123456789abcdef0123456789abcdef");
    let line = format!("session_key = \"{}\"", files.path().join("session.key").display());
    let mut stage = issuer.stage(&line);
    let begin = |stage: &Stage, claims: &Value| {
        let form = format!("token={}", key.sign(&es256("k1"), claims));
        let reply = stage.server.send("POST", "/ui/login", "Accept: text/html\r\n", form.as_bytes()).is(303);
        let cookie = reply.header("set-cookie").and_then(|set| set.split(';').next()).expect("a cookie");
        format!("Accept: text/html\r\nCookie: {cookie}\r\n")
    };
    let get = |stage: &Stage, headers: &str, path: &str| stage.server.send("GET", path, headers, b"").status;
    let mut claims = issuer.claims(300);
    claims["groups"] = "x".repeat(4000).into();
    let session = begin(&stage, &claims);
    assert!(session.len() < 1000, "what no rule asks for isn't kept: {session}");
    assert_eq!(get(&stage, &session, "/ui/state/app/a"), 200);
    assert_eq!(get(&stage, &session, "/ui/state/out/a"), 403);
    claims["repository"] = "evil/infra".into();
    let unfit = begin(&stage, &claims);
    assert_eq!(get(&stage, &unfit, "/ui/state/app/a"), 403);
    let ending = begin(&stage, &issuer.claims(-30));
    assert_eq!(get(&stage, &ending, "/ui/state/app/a"), 303, "the token has ended");
    stage.reconfigure(|text| text.replace("claims = {", "claims = { ref = \"*\","));
    stage.restart();
    assert_eq!(
        get(&stage, &session, "/ui/state/app/a"),
        303,
        "a rule asks for what the session doesn't know"
    );
}

/// What a CI system's token says of its run is kept with what the run wrote, and so is a name of any characters.
#[test]
fn versions_tell_the_run_that_wrote_them() {
    let key = Key::new();
    let issuer = Issuer::start(&[key.jwk("k1")]);
    let stage = issuer.stage("[audit]\nfile = \"audit.jsonl\"");
    let mut claims = issuer.claims(300);
    claims["sub"] = "repo:acme/infra:job Größe 100%".into();
    claims["server_url"] = "https://git.acme.example".into();
    claims["run_id"] = 77.into();
    let token = key.sign(&es256("k1"), &claims);
    let _written = ask(&stage, &token, "POST", "/state/app/a", &crate::stage::document(1, "l", "x")).is(200);
    let told = crate::history::history(&stage, "app/a");
    assert_eq!(told[0]["who"], "oidc:ci:repo:acme/infra:job Größe 100%");
    assert_eq!(told[0]["run"], "https://git.acme.example/acme/infra/actions/runs/77");
    let log = String::from_utf8(stage.workdir.read("audit.jsonl").expect("a log")).expect("text");
    let last: Value = serde_json::from_str(log.lines().last().expect("a line")).expect("an object");
    assert_eq!((&last["actor"]["method"], &last["actor"]["claims"]["run_id"]), (&json!("oidc"), &json!(77)));
    assert_eq!(last["actor"]["claims"]["repository"], "acme/infra");
    for part in token.split('.') {
        assert!(!log.contains(part), "no part of a token is told");
    }
}

/// A new key is found when a token names it, and unknown names don't make the issuer be asked again and again.
#[test]
fn keys_are_rotated() {
    let (old, new) = (Key::new(), Key::new());
    let issuer = Issuer::start(&[old.jwk("k1")]);
    let stage = issuer.stage("");
    let _in = ask(&stage, &old.sign(&es256("k1"), &issuer.claims(300)), "GET", "/state/app/a", b"").is(404);
    issuer.tell("/keys", json!({ "keys": [new.jwk("k2")] }));
    let _in = ask(&stage, &new.sign(&es256("k2"), &issuer.claims(300)), "GET", "/state/app/a", b"").is(404);
    let _gone = ask(&stage, &old.sign(&es256("k1"), &issuer.claims(300)), "GET", "/state/app/a", b"").is(401);
    let asked = *issuer.asked.lock().expect("nobody panics here");
    for number in 0..5 {
        let unknown = new.sign(&es256(&format!("x{number}")), &issuer.claims(300));
        let _unknown = ask(&stage, &unknown, "GET", "/state/app/a", b"").is(401);
    }
    assert_eq!(*issuer.asked.lock().expect("nobody panics here"), asked);
}

/// Check C64: what is wrong about a token keeps it out, one thing at a time.
#[test]
fn wrong_tokens_are_kept_out() {
    let (key, other) = (Key::new(), Key::new());
    let issuer = Issuer::start(&[key.jwk("k1")]);
    let stage = issuer.stage("");
    let right = issuer.claims(300);
    let with = |name: &str, value: Value| {
        let mut claims = issuer.claims(300);
        claims[name] = value;
        key.sign(&es256("k1"), &claims)
    };
    let without = |name: &str| {
        let mut claims = issuer.claims(300);
        claims.as_object_mut().expect("an object").remove(name);
        key.sign(&es256("k1"), &claims)
    };
    let hmac = |secret: &[u8]| {
        let message = message(&json!({ "alg": "HS256", "kid": "k1" }), &right);
        let tag =
            ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", B64.encode(tag.as_ref()))
    };
    let _right = ask(&stage, &key.sign(&es256("k1"), &right), "GET", "/state/app/a", b"").is(404);
    let later = jiff::Timestamp::now().as_second() + 600;
    let wrong = [
        ("audience", with("aud", "others".into())),
        ("no audience", without("aud")),
        ("issuer", with("iss", "https://evil.example".into())),
        ("no issuer", without("iss")),
        ("ended", key.sign(&es256("k1"), &issuer.claims(-600))),
        ("no end", without("exp")),
        ("an end that is no number", with("exp", "9999999999".into())),
        ("not yet", with("nbf", later.into())),
        ("a beginning that is no number", with("nbf", "soon".into())),
        ("issued later", with("iat", later.into())),
        ("no principal", without("sub")),
        ("unknown key", key.sign(&es256("k9"), &right)),
        ("no key", key.sign(&json!({ "alg": "ES256" }), &right)),
        ("another's signature", other.sign(&es256("k1"), &right)),
        (
            "a key of its own",
            other.sign(&json!({ "alg": "ES256", "kid": "k1", "jwk": other.jwk("k1") }), &right),
        ),
        ("none", format!("{}.", message(&json!({ "alg": "none", "kid": "k1" }), &right))),
        ("the public key as a secret", hmac(key.0.public_key().as_ref())),
        ("the key's text as a secret", hmac(key.jwk("k1").to_string().as_bytes())),
        ("another algorithm", key.sign(&json!({ "alg": "RS256", "kid": "k1" }), &right)),
        ("an algorithm nobody knows", key.sign(&json!({ "alg": "XX256", "kid": "k1" }), &right)),
        (
            "critical extensions",
            key.sign(&json!({ "alg": "ES256", "kid": "k1", "crit": ["x"], "x": 1 }), &right),
        ),
        ("no signature", message(&es256("k1"), &right)),
    ];
    for (what, token) in wrong {
        let reply = ask(&stage, &token, "GET", "/state/app/a", b"");
        assert_eq!(reply.status, 401, "{what}");
    }
}

/// Check C65: whoever holds the lock finishes after their token has ended, and does nothing else. With static tokens, too.
#[test]
fn a_credential_that_ended_finishes_its_work() {
    let key = Key::new();
    let issuer = Issuer::start(&[key.jwk("k1")]);
    let ended = token::make("ended").expect("a token");
    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let with_grace = |grace: &str| {
        issuer.stage(&format!(
            "grace = \"{grace}\"\n[[token]]\nname = \"ended\"\nhash = \"{}\"\nexpires = \"{hour_ago}\"\n\
             [[rule]]\nwho = [\"token:ended\"]\npath = [\"app/**\"]\nallow = [\"write\"]\n",
            ended.hash
        ))
    };
    let jwt = key.sign(&es256("k1"), &issuer.claims(-3600));
    let holders = [("token%3Aended", ended.text.as_str()), ("oidc%3Aci%3Arepo%3Aacme%2Finfra", jwt.as_str())];
    for (grace, written) in [("2h", 200), ("30m", 401)] {
        let stage = with_grace(grace);
        for (holder, secret) in holders {
            let key = format!("app/{}", holder.len());
            let path = format!("/state/{key}");
            let store = stage.endpoint.store();
            let place = format!("{}/{key}", store.bucket());
            let record =
                lock_info("h").replace("\"Info\":\"\"", &format!("\"Info\":\"s3tate-server:{holder}\""));
            store.put_item(&[("LockID".to_owned(), place), ("Info".to_owned(), record)].into());
            let with_lock = format!("{path}?ID=h");
            let _finished = ask(&stage, secret, "POST", &with_lock, &document(1, "l", "x")).is(written);
            for (method, path, body) in [
                ("GET", path.as_str(), String::new()),
                ("LOCK", "/state/app/other", lock_info("k")),
                ("LOCK", path.as_str(), lock_info("h")),
                ("POST", path.as_str(), String::new()),
                ("POST", "/state/app/other?ID=h", "{\"version\":4}".to_owned()),
                ("UNLOCK", path.as_str(), String::new()),
                ("UNLOCK", path.as_str(), lock_info("k")),
            ] {
                let reply = ask(&stage, secret, method, path, body.as_bytes());
                assert_eq!(reply.status, 401, "{method} {path} {holder}");
            }
            let _released = ask(&stage, secret, "UNLOCK", &path, lock_info("h").as_bytes()).is(written);
        }
    }
}

/// Check C59: with client certificates, the right one alone comes in.
/// Check C60: without TLS nothing succeeds.
#[test]
fn client_certificates_are_identities() {
    let (ours, theirs) = (authority(), authority());
    let files = Workdir::new();
    let (certificate, key) = issued(&ours, &["127.0.0.1"], "server");
    files.write("ca.pem", ours.pem());
    files.write("cert.pem", &certificate);
    files.write("key.pem", &key);
    let at = |name: &str| files.path().join(name).display().to_string();
    let stage = Stage::with(&format!(
        "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\nclient_required = true\n\
         [[rule]]\nwho = [\"cert:cn:build\"]\npath = [\"app/**\"]\nallow = [\"write\"]\n",
        at("cert.pem"),
        at("key.pem"),
        at("ca.pem")
    ));
    let stock = require!(stage.stock(Terraform::V1_11, "admin", "app/tls"));
    let stock = stock
        .without("TF_HTTP_USERNAME")
        .env("TF_HTTP_RETRY_MAX", "0")
        .env("TF_HTTP_CLIENT_CA_CERTIFICATE_PEM", ours.pem());
    let workdir = Workdir::with("terraform {\n  backend \"http\" {}\n}\noutput \"v\" {\n  value = 1\n}\n");
    let init = ["init", "-input=false", "-reconfigure"];
    let _without = stock.run(&workdir, &init).fails();
    let with = |by: &CertifiedIssuer<'static, KeyPair>, name: &str| {
        let (certificate, key) = issued(by, &[], name);
        stock
            .clone()
            .env("TF_HTTP_CLIENT_CERTIFICATE_PEM", certificate)
            .env("TF_HTTP_CLIENT_PRIVATE_KEY_PEM", key)
    };
    let _wrong_authority = with(&theirs, "build").run(&workdir, &init).fails();
    let _wrong_name = with(&ours, "other").run(&workdir, &init).fails().says(&["invalid auth"]);
    let right = with(&ours, "build");
    let _initialised = right.run(&workdir, &init).succeeds();
    let _applied = right.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    assert!(
        stage.server.running.stderr_so_far().contains("protocol=\"2\" method=\"LOCK\""),
        "it speaks HTTP/2"
    );
    let plain = format!("http://{}/state/app/tls", stage.server.addr);
    let mangled = right
        .env("TF_HTTP_ADDRESS", &plain)
        .env("TF_HTTP_LOCK_ADDRESS", &plain)
        .env("TF_HTTP_UNLOCK_ADDRESS", &plain);
    let _plain = mangled.run(&workdir, &["apply", "-auto-approve"]).fails();
}
