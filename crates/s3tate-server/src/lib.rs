//! The state server: `backend "http"` of stock clients, on the storage and the locks that all other doors use.
//!
//! [`Server::serve`] is handed a listener, [`Settings`] and a backend; nothing in it prints or exits. No state lives in the
//! process: any number of them may serve the same bucket and table.
//!
//! | module | what it does |
//! | --- | --- |
//! | `config` | the TOML file: settings with defaults, problems with their lines |
//! | `checkup` | a configuration looked at before it is used |
//! | `accept`, `tls` | connections, TLS with client certificates, the way to the end |
//! | `limits`, `patience` | how often, and how slowly, somebody may ask |
//! | `reload` | what may change while it serves |
//! | `request`, `dispatch` | what a request is about; from its head to its answer, its log line and its counters |
//! | `head` | heads that two readers could take for different things |
//! | `auth` | who asks (`token`, `oidc`, `certificate`), and whether they may: [`auth::decide`] |
//! | `address` | which state a path names |
//! | `openapi` | what can be asked for, as an OpenAPI document |
//! | `routes` | one file for each thing that can be asked for |
//! | `body`, `document` | bodies spooled and hashed; what a state document says of itself |
//! | [`audit`] | what was tried and what came of it, in lines that hold on to each other; [`audit::verify`] |
//! | `run` | the page of the CI run that a token was made for |
//! | `guard` | what may be written over what, under which lock: the decision tables as pure functions |
//! | `incident` | the inside of refused requests, and the rescued bytes of refused writes |
//! | `trace` | spans of requests, as OpenTelemetry names them |
//! | `ui` | pages for people: one file each, sessions, and what guards them |
//! | `metrics` | counters with bounded labels |

mod accept;
mod address;
mod answer;
pub mod audit;
pub mod auth;
mod body;
pub mod checkup;
pub mod client;
pub mod config;
mod dispatch;
mod document;
mod guard;
mod head;
mod incident;
mod limits;
mod metrics;
pub mod openapi;
mod patience;
mod reload;
mod request;
mod routes;
mod run;
mod server;
mod tls;
mod trace;
mod ui;

pub use config::Settings;
pub use reload::Reloader;
pub use server::Server;
