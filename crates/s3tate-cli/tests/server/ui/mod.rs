//! The web UI by raw requests.

mod locks;
mod pages;
mod sessions;

use crate::raw::Reply;
use crate::stage::{Server, token_of};

/// A browser, as far as it is needed: a cookie, and forms that are sent from our own pages.
pub(crate) struct Visitor<'s> {
    server: &'s Server,
    cookie: String,
}

pub(crate) const BROWSER: &str = "Accept: text/html,application/xhtml+xml\r\nSec-Fetch-Site: same-origin\r\n";
pub(crate) const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn sign_in(server: &Server, token: &str) -> Reply {
    let form = format!("token={token}");
    server.send("POST", "/ui/login", &format!("{BROWSER}{FORM}"), form.as_bytes())
}

/// The cookie that an answer sets, as it is sent back.
fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").expect("a cookie");
    set.split(';').next().expect("name and value").to_owned()
}

/// The text of a page.
fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.clone()).expect("UTF-8")
}

/// The mark in the first form of a page.
fn mark(page: &Reply) -> String {
    let page = text(page);
    let (_, rest) = page.split_once("name=\"mark\" value=\"").expect("a form with a mark");
    rest.split('"').next().expect("its value").to_owned()
}

impl<'s> Visitor<'s> {
    pub(crate) fn new(server: &'s Server, who: &str) -> Self {
        let reply = sign_in(server, token_of(who)).is(303);
        Self { server, cookie: cookie(&reply) }
    }

    fn get(&self, path: &str) -> Reply {
        self.server.send("GET", path, &format!("{BROWSER}Cookie: {}\r\n", self.cookie), b"")
    }

    /// Sends the form of a page, filled in like this.
    pub(crate) fn sends(&self, path: &str, page: &str, form: &[(&str, &str)]) -> Reply {
        let own = mark(&self.get(page).is(200));
        self.post(path, &[&[("mark", own.as_str())], form].concat())
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.post_with(path, BROWSER, form)
    }

    fn post_with(&self, path: &str, headers: &str, form: &[(&str, &str)]) -> Reply {
        let pairs: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let headers = format!("{headers}{FORM}Cookie: {}\r\n", self.cookie);
        self.server.send("POST", path, &headers, pairs.join("&").as_bytes())
    }
}

fn encoded(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}

fn encoded_path(key: &str) -> String {
    key.split('/').map(encoded).collect::<Vec<_>>().join("/")
}
