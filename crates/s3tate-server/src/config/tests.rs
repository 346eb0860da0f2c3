use super::*;

fn parse(text: &str) -> Result<Settings> {
    Settings::parse(Path::new("/etc/s3tate/serve.toml"), text)
}

/// The message, and the line it points to.
fn refused(text: &str) -> (String, usize) {
    let error = parse(text).unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    let why = problem.why.clone().unwrap_or_default();
    (format!("{} {why}", problem.message), problem.place.as_ref().unwrap().line())
}

#[test]
fn everything_has_a_default() {
    let settings = parse("").unwrap();
    assert_eq!(settings.server.body_limit, Size(256 << 20));
    assert_eq!(settings.server.force_unlock, ForceUnlock::BreakLock);
    assert!(settings.backend.is_none() && settings.rules.is_empty());
}

#[test]
fn a_whole_file_is_read() {
    let text = r#"
[server]
listen = "[::]:8443"
body_limit = "64MiB"
unlocked_writes = "deny"
force_unlock = "owner"
grace = "1h30m"

[backend]
bucket = "acme"
region = "eu-west-1"
dynamodb_table = "locks"
max_retries = 3

[tls]
certificate = "cert.pem"
key = "/keys/key.pem"

[[issuer]]
name = "github"
url = "https://token.actions.githubusercontent.com"
audience = "s3tate"

[[rule]]
who = ["oidc:github:*"]
claims = { repository = "acme/*" }
path = ["apps/**"]
allow = ["plan", "break-lock"]
"#;
    let settings = parse(text).unwrap();
    assert_eq!(settings.server.body_limit, Size(64 << 20));
    assert_eq!(settings.server.grace, Duration::from_mins(90));
    let tls = settings.tls.unwrap();
    assert_eq!((tls.certificate, tls.key), ("/etc/s3tate/cert.pem".into(), "/keys/key.pem".into()));
    let backend = settings.backend.unwrap();
    assert_eq!(backend.get("bucket").and_then(|value| value.as_str()), Some("acme"));
    assert_eq!(settings.rules[0].allow, [Permission::Plan, Permission::BreakLock]);
    assert_eq!(settings.issuers[0].principal, "sub");
}

#[test]
fn problems_name_their_line_and_what_is_allowed() {
    let (said, line) = refused("[server]\nlisten = \"127.0.0.1:1\"\nforce_unlock = \"maybe\"\n");
    assert!(said.contains("break-lock") && said.contains("owner"), "{said}");
    assert_eq!(line, 3);
    let (said, line) = refused("[server]\nbody_limt = 1\n");
    assert!(said.contains("body_limt") && said.contains("body_limit"), "{said}");
    assert_eq!(line, 2);
    let (said, line) = refused("[[rule]]\nwho = [\"*\"]\npath = [\"a/**\"]\nallow = [\"everything\"]\n");
    assert!(said.contains("everything") && said.contains("break-lock"), "{said}");
    assert_eq!(line, 4);
    let (said, line) = refused("\n[backend]\nbuckt = \"b\"\n");
    assert!(said.contains("buckt"), "{said}");
    assert_eq!(line, 3);
    let (said, line) = refused("[backend]\nbucket = \"b\"\nkey = \"k\"\n");
    assert!(said.contains("`key` can't be set here"), "{said}");
    assert_eq!(line, 3);
    let (said, _) = refused("[[token]]\nname = \"ci\"\nhash = \"secret\"\n");
    assert!(said.contains("argon2id"), "{said}");
    let (said, _) = refused("[[issuer]]\nname = \"x\"\nurl = \"http://evil.example\"\naudience = \"a\"\n");
    assert!(said.contains("https"), "{said}");
    let (said, line) = refused("[server]\ngrace = \"soon\"\n");
    assert!(said.contains("12h"), "{said}");
    assert_eq!(line, 2);
}

#[test]
fn the_text_of_a_hash_is_not_repeated() {
    let error = parse("[[token]]\nname = \"ci\"\nhash = \"s3t_ci_secret\"\n").unwrap_err();
    assert!(!error.to_string().contains("s3t_ci_secret"), "{error}");
}
