//! Chromium without a window, by its own protocol over a pipe: what tests see and do as a person with a keyboard would.
//!
//! Some ten commands are needed; the crates that speak the whole protocol bring a hundred others and every one of its
//! thousand types.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3tate_testkit::Workdir;
use s3tate_testkit::tools::{Missing, Tool, find};
use serde_json::{Value, json};

/// How long the browser may take for anything.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often Tab is pressed at most before something has to be reached.
const MOST_TABS: usize = 80;

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What happened in the page, as it was told.
    events: Vec<Value>,
    _profile: Workdir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Browser {
    pub(crate) fn start() -> Result<Self, Missing> {
        let program = find(Tool::Chromium)?;
        let profile = Workdir::new();
        let mut child = Command::new("sh")
            // The browser speaks by descriptors 3 and 4.
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("HOME", profile.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the browser starts");
        let commands = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let (told, messages) = channel();
        std::thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("the browser speaks JSON");
                if told.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser =
            Self { child, commands, messages, session: None, last: 0, events: Vec::new(), _profile: profile };
        browser.open();
        Ok(browser)
    }

    fn open(&mut self) {
        let target = self.call("Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = self.call("Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// One command; what is told meanwhile is kept.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).expect("the browser listens");
        loop {
            let mut message = self.next(method);
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn next(&self, waiting_for: &str) -> Value {
        self.messages.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no answer to {waiting_for}"))
    }

    /// Does something that leads to another page, and waits until that is loaded.
    fn load(&mut self, what: &str, act: impl FnOnce(&mut Self)) {
        let loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        let before = self.events.len();
        act(self);
        while !self.events[before..].iter().any(loaded) {
            let message = self.next(what);
            self.events.push(message);
        }
    }

    pub(crate) fn go(&mut self, url: &str) {
        self.load(url, |browser| drop(browser.call("Page.navigate", &json!({ "url": url }))));
    }

    /// What an expression in the page comes to.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// The text that a person sees.
    pub(crate) fn text(&mut self) -> String {
        self.value("document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Where the page is, without the server's address.
    pub(crate) fn path(&mut self) -> String {
        self.value("location.pathname + location.search").as_str().unwrap_or_default().to_owned()
    }

    /// Presses a key: its name, code and the text that it types.
    fn press(&mut self, key: &str, code: u64, text: &str) {
        let kind = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        let down =
            json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        self.call("Input.dispatchKeyEvent", &down);
        self.call(
            "Input.dispatchKeyEvent",
            &json!({ "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code }),
        );
    }

    /// Goes on by Tab until what is focused fits a selector and has this text, and checks that the focus can be seen.
    #[track_caller]
    pub(crate) fn tab_to(&mut self, selector: &str, text: &str) {
        let described = "[document.activeElement.innerText ?? '', document.activeElement.outerHTML.slice(0, 200)].join(' ')";
        let reached = format!(
            "document.activeElement.matches({selector:?}) && document.activeElement.textContent.includes({text:?})"
        );
        let mut passed = Vec::new();
        for _ in 0..MOST_TABS {
            self.press("Tab", 9, "");
            if self.value(&reached) == true {
                let seen = self.value("getComputedStyle(document.activeElement).outlineStyle");
                assert_ne!(seen, "none", "the focus on {selector} can't be seen");
                return;
            }
            passed.push(self.value(described).to_string());
        }
        panic!("{selector} with {text:?} can't be reached; passed {}", passed.join("\n"));
    }

    pub(crate) fn enter(&mut self) {
        self.load("Enter", |browser| browser.press("Enter", 13, "\r"));
    }

    pub(crate) fn space(&mut self) {
        self.press(" ", 32, " ");
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// As somebody sees it who prefers this, on a screen of this width.
    pub(crate) fn look(&mut self, scheme: &str, width: u64) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &features);
        let screen = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// Keeps a picture of the whole page, which must not be wider than the screen.
    #[track_caller]
    pub(crate) fn picture(&mut self, name: &str) {
        let wide = self.value("[document.documentElement.scrollWidth, innerWidth]");
        assert!(wide[0].as_u64() <= wide[1].as_u64(), "{name} is wider than the screen: {wide}");
        let size = self.call("Page.getLayoutMetrics", &json!({}))["cssContentSize"].take();
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let asked = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let taken = self.call("Page.captureScreenshot", &asked);
        let bytes = STANDARD.decode(taken["data"].as_str().expect("a picture")).expect("base64");
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/ui-screenshots");
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(directory.join(format!("{name}.png")), bytes).expect("the picture is written");
    }

    /// What a page makes hard for those who see little, or not at all.
    pub(crate) fn hardships(&mut self) -> Value {
        self.value(include_str!("hardships.js"))
    }

    /// What the browser complained about: errors, warnings, and what pages wrote to its console.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let told = |event: &&Value| {
            let level = event["params"]["entry"]["level"].as_str().unwrap_or_default();
            match event["method"].as_str().unwrap_or_default() {
                "Log.entryAdded" => matches!(level, "error" | "warning"),
                "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Network.loadingFailed" => true,
                _ => false,
            }
        };
        self.events.iter().filter(told).map(ToString::to_string).collect()
    }

    /// All that was asked for, by its address.
    pub(crate) fn requests(&self) -> Vec<String> {
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.filter_map(|event| event["params"]["request"]["url"].as_str().map(str::to_owned)).collect()
    }
}
