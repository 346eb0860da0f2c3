//! What a `backend "http"` is configured with: block, cache, variables, or the fragment of an address.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::secret::Secret;
use crate::config::value::Value;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::names::WorkspaceName;

/// What stands for a workspace's name in an address.
const PLACEHOLDER: &str = "{workspace}";
/// What a path may hold besides letters and digits.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The attributes, and the variables that stand in for those that are left out. Source: Terraform 1.11.
const ATTRIBUTES: [(&str, Option<&str>); 16] = [
    ("address", Some("TF_HTTP_ADDRESS")),
    ("update_method", Some("TF_HTTP_UPDATE_METHOD")),
    ("lock_address", Some("TF_HTTP_LOCK_ADDRESS")),
    ("lock_method", Some("TF_HTTP_LOCK_METHOD")),
    ("unlock_address", Some("TF_HTTP_UNLOCK_ADDRESS")),
    ("unlock_method", Some("TF_HTTP_UNLOCK_METHOD")),
    ("username", Some("TF_HTTP_USERNAME")),
    ("password", Some("TF_HTTP_PASSWORD")),
    ("skip_cert_verification", None),
    ("retry_max", Some("TF_HTTP_RETRY_MAX")),
    ("retry_wait_min", Some("TF_HTTP_RETRY_WAIT_MIN")),
    ("retry_wait_max", Some("TF_HTTP_RETRY_WAIT_MAX")),
    ("client_ca_certificate_pem", Some("TF_HTTP_CLIENT_CA_CERTIFICATE_PEM")),
    ("client_certificate_pem", Some("TF_HTTP_CLIENT_CERTIFICATE_PEM")),
    ("client_private_key_pem", Some("TF_HTTP_CLIENT_PRIVATE_KEY_PEM")),
    ("headers", None),
];

/// Variables that say where one backend's state is. They hold for an address that is given otherwise only where they name
/// the same one: source and destination may both be state servers.
const OF_ONE_BACKEND: [&str; 6] =
    ["address", "update_method", "lock_address", "lock_method", "unlock_address", "unlock_method"];

/// A `backend "http"`, its addresses still with the placeholder.
#[derive(Debug, Clone)]
pub(crate) struct HttpSettings {
    pub(super) address: String,
    pub(super) update_method: String,
    pub(super) lock: Option<Door>,
    pub(super) unlock: Option<Door>,
    pub(super) username: Option<String>,
    pub(super) password: Secret,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) retries: Retries,
    pub(super) tls: Tls,
}

/// A method and where it goes.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub(super) method: String,
    pub(super) address: String,
}

/// How often and how long after a failure a request is sent again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retries {
    pub(super) most: u32,
    pub(super) first_pause: Duration,
    pub(super) longest_pause: Duration,
}

/// Whom to trust, and who we are.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub(super) any_certificate: bool,
    pub(super) ca_pem: Option<String>,
    pub(super) certificate_pem: Option<String>,
    pub(super) key_pem: Option<Secret>,
}

/// Arguments by name.
pub(crate) type Given = BTreeMap<String, Value>;

impl HttpSettings {
    /// Reads an address with other attributes behind a `#`: `https://HOST/PATH#lock_address=…&lock_method=POST`.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub(crate) fn at(url: &str, env: &Env) -> Result<Self> {
        let (address, fragment) = url.split_once('#').unwrap_or((url, ""));
        let mut given = Given::from([("address".to_owned(), Value::String(address.to_owned()))]);
        for pair in fragment.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                Error::invalid(format!("`{pair}` behind the `#` of an address has no `=`; nothing was done"))
                    .hint("write `https://HOST/PATH#lock_address=URL&unlock_address=URL`")
            })?;
            let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
            given.insert(name.to_owned(), Value::String(value));
        }
        Self::new(&given, env)
    }

    /// Checks arguments, and fills in what the environment gives.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: an unknown argument, no address, or a value out of its range.
    pub(crate) fn new(given: &Given, env: &Env) -> Result<Self> {
        if let Some(unknown) = given.keys().find(|name| !ATTRIBUTES.iter().any(|(known, _)| known == name)) {
            return Err(Error::invalid(format!(
                "backend \"http\" has no argument `{unknown}`; nothing was done"
            )));
        }
        let reader = Reader { given, env };
        let address = reader.address("address")?.ok_or_else(|| {
            Error::invalid("the backend \"http\" has no `address`; nothing was done")
                .hint("set it in the block, or TF_HTTP_ADDRESS")
        })?;
        let door = |name, method, default: &str| -> Result<Option<Door>> {
            let method = reader.text(method).unwrap_or_else(|| default.to_owned());
            Ok(reader.address(name)?.map(|address| Door { method, address }))
        };
        let (lock, unlock) = (
            door("lock_address", "lock_method", "LOCK")?,
            door("unlock_address", "unlock_method", "UNLOCK")?,
        );
        if lock.is_some() && unlock.is_none() {
            return Err(Error::invalid(
                "`lock_address` is set without `unlock_address`: the lock would stay",
            )
            .hint("set both, or neither"));
        }
        let seconds =
            |name, default| Ok::<_, Error>(Duration::from_secs(reader.number(name)?.unwrap_or(default)));
        Ok(Self {
            address,
            update_method: reader.text("update_method").unwrap_or_else(|| "POST".to_owned()),
            lock,
            unlock,
            username: reader.text("username"),
            password: Secret::new(reader.text("password").unwrap_or_default()),
            headers: reader.headers(),
            retries: Retries {
                most: u32::try_from(reader.number("retry_max")?.unwrap_or(2)).unwrap_or(u32::MAX),
                first_pause: seconds("retry_wait_min", 1)?,
                longest_pause: seconds("retry_wait_max", 30)?,
            },
            tls: Tls {
                any_certificate: reader.text("skip_cert_verification").is_some_and(|text| text == "true"),
                ca_pem: reader.text("client_ca_certificate_pem"),
                certificate_pem: reader.text("client_certificate_pem"),
                key_pem: reader.text("client_private_key_pem").map(Secret::new),
            },
        })
    }

    /// Whether each workspace has an address of its own.
    pub(crate) fn has_workspaces(&self) -> bool {
        self.address.contains(PLACEHOLDER)
    }

    /// The backend of one workspace.
    pub(super) fn of_workspace(&self, name: &WorkspaceName) -> Self {
        let door = |door: &Door| Door { address: filled(&door.address, name), ..door.clone() };
        Self {
            address: filled(&self.address, name),
            lock: self.lock.as_ref().map(door),
            unlock: self.unlock.as_ref().map(door),
            ..self.clone()
        }
    }

    /// The block that names this backend, without credentials.
    pub(crate) fn block(&self) -> String {
        let mut lines = vec![("address", self.address.clone())];
        let mut set = |name, value: &str, default: &str| {
            if value != default {
                lines.push((name, value.to_owned()));
            }
        };
        set("update_method", &self.update_method, "POST");
        for (door, address, method, default) in [
            (&self.lock, "lock_address", "lock_method", "LOCK"),
            (&self.unlock, "unlock_address", "unlock_method", "UNLOCK"),
        ] {
            let Some(door) = door else { continue };
            set(address, &door.address, "");
            set(method, &door.method, default);
        }
        let lines: String = lines
            .iter()
            .flat_map(|(name, value)| ["    ", name, " = ", &format!("{value:?}"), "\n"].map(str::to_owned))
            .collect();
        format!("terraform {{\n  backend \"http\" {{\n{lines}  }}\n}}\n")
    }

    /// Whether there are credentials, which the block leaves out.
    pub(crate) fn has_credentials(&self) -> bool {
        self.username.is_some() || self.tls.key_pem.is_some() || !self.headers.is_empty()
    }

    /// The address without what may be secret.
    pub(crate) fn shown(&self) -> String {
        shown(&self.address)
    }
}

/// An address without user, password and query.
pub(super) fn shown(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}{}", path.map(|path| format!("/{path}")).unwrap_or_default())
        }
        None => address.to_owned(),
    }
}

fn filled(address: &str, name: &WorkspaceName) -> String {
    address.replace(PLACEHOLDER, &utf8_percent_encode(name.as_str(), IN_PATH).to_string())
}

struct Reader<'a> {
    given: &'a Given,
    env: &'a Env,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<String> {
        match self.given.get(name) {
            Some(Value::String(text) | Value::Number(text)) => Some(text.clone()),
            Some(Value::Bool(flag)) => Some(flag.to_string()),
            Some(Value::Null | Value::List(_) | Value::Map(_)) | None => self.variable(name),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        let variable = ATTRIBUTES.iter().find(|(known, _)| *known == name)?.1?;
        let given = self.given.get("address").and_then(Value::as_str);
        let of_another = OF_ONE_BACKEND.contains(&name)
            && given
                .is_some_and(|address| self.env.var("TF_HTTP_ADDRESS").is_some_and(|other| other != address));
        self.env.var(variable).filter(|_| !of_another).map(str::to_owned)
    }

    fn address(&self, name: &str) -> Result<Option<String>> {
        let Some(address) = self.text(name) else { return Ok(None) };
        let uri = address.replace(PLACEHOLDER, "x").parse::<http::Uri>();
        let known = uri.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
        if known {
            return Ok(Some(address));
        }
        Err(Error::invalid(format!("`{name}` of the backend \"http\" must be an HTTP or HTTPS address"))
            .fact("address", shown(&address)))
    }

    fn number(&self, name: &str) -> Result<Option<u64>> {
        let parse = |text: String| {
            let number = text.parse::<i64>().map(|number| u64::try_from(number).unwrap_or_default());
            number.map_err(|_| Error::invalid(format!("`{name}` of the backend \"http\" must be a number")))
        };
        self.text(name).map(parse).transpose()
    }

    fn headers(&self) -> BTreeMap<String, String> {
        match self.given.get("headers") {
            Some(Value::Map(headers)) => headers
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            _ => BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(vars: &[(&str, &str)]) -> Env {
        Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), "u", "h")
    }

    #[test]
    fn the_fragment_holds_the_other_attributes() {
        let url = "https://h/s/{workspace}?ref=main#lock_address=https://h/l/{workspace}&lock_method=POST\
            &unlock_address=https://h/l/{workspace}&unlock_method=DELETE";
        let settings = HttpSettings::at(url, &env(&[])).unwrap();
        let settings = settings.of_workspace(&WorkspaceName::new("a+b").unwrap());
        assert_eq!(settings.address, "https://h/s/a%2Bb?ref=main");
        let lock = settings.lock.unwrap();
        assert_eq!((lock.method.as_str(), lock.address.as_str()), ("POST", "https://h/l/a%2Bb"));
        assert_eq!(settings.unlock.unwrap().method, "DELETE");
    }

    #[test]
    fn variables_that_name_another_backend_say_nothing_about_this_one() {
        let vars = [
            ("TF_HTTP_ADDRESS", "https://h/one"),
            ("TF_HTTP_LOCK_ADDRESS", "https://h/one/lock"),
            ("TF_HTTP_UNLOCK_ADDRESS", "https://h/one/lock"),
            ("TF_HTTP_USERNAME", "dana"),
        ];
        let two = HttpSettings::at("https://h/two", &env(&vars)).unwrap();
        assert!(two.lock.is_none());
        assert_eq!(two.username.as_deref(), Some("dana"));
        let one = HttpSettings::at("https://h/one", &env(&vars)).unwrap();
        assert_eq!(one.lock.unwrap().address, "https://h/one/lock");
        assert_eq!(HttpSettings::new(&Given::new(), &env(&vars)).unwrap().address, "https://h/one");
    }

    #[test]
    fn mistakes_are_told() {
        for url in [
            "ftp://h/s",
            "https://h/s#lock_adress=https://h",
            "https://h/s#lock_address=h",
            "https://h/s#lock_address=https://h/s",
            "http://h#retry_max=x",
        ] {
            assert!(HttpSettings::at(url, &env(&[])).is_err(), "{url}");
        }
    }

    #[test]
    fn what_is_shown_has_no_secret() {
        assert_eq!(shown("https://u:hush@h:1/a/b?token=hush"), "https://h:1/a/b");
    }
}
