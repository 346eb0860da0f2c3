//! The server: what its requests share, and its life from the listener to the last answer.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use s3tate::history::Deletion;
use s3tate::{Backend, Door, Env, Error, Result};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::accept;
use crate::answer::Refusal;
use crate::audit::Audit;
use crate::auth::{Action, Authenticator, Decision, Identity, Unknown, decide, pattern};
use crate::config::{self, Rule, Serving, Settings, Timeouts};
use crate::guard;
use crate::incident::Incidents;
use crate::limits::{self, Limits};
use crate::metrics::Metrics;
use crate::reload::{self, Reloader};
use crate::routes::Readiness;
use crate::tls;
use crate::trace::Methods;
use crate::ui::Ui;

/// How long the ID of a released lock is remembered, to refuse a late copy of its request.
const RELEASED: Duration = Duration::from_mins(10);
/// How many connections of probes are served at a time.
const MOST_PROBES: usize = 64;
/// How many of those are remembered.
const MOST_RELEASED: usize = 10_000;

/// A state server over one backend.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    probes: Option<TcpListener>,
}

/// What all requests share. Nothing in it is needed by the next process.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) backend: Backend,
    pub(crate) settings: Serving,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    /// Connections that may yet be accepted.
    pub(crate) connections: Arc<Semaphore>,
    /// The same for those of probes.
    pub(crate) probes: Arc<Semaphore>,
    pub(crate) metrics: Metrics,
    pub(crate) incidents: Incidents,
    pub(crate) audit: Option<Audit>,
    pub(crate) draining: AtomicBool,
    pub(crate) traced_methods: Methods,
    pub(crate) ui: Ui,
    pub(crate) readiness: Readiness,
    pub(crate) tls: Option<tls::Acceptor>,
    /// The audit log as it was set.
    audited_by: Option<config::Audit>,
    /// The limits as they were set.
    limited_by: config::Limits,
    policy: RwLock<Arc<Policy>>,
    released: Mutex<VecDeque<(tokio::time::Instant, String, String)>>,
}

/// Who is let in, and what they may do: may be replaced while the server serves.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) rules: Vec<Rule>,
    new_states: Vec<String>,
    pub(crate) authenticator: Authenticator,
}

impl Policy {
    /// What `before` has learnt of issuers and tokens goes on to hold.
    ///
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: the roots that issuers are known by can't be used.
    pub(crate) fn new(settings: &Settings, env: &Env, before: Option<&Self>) -> Result<Self> {
        let before = before.map(|policy| &policy.authenticator);
        let (tokens, issuers) = (settings.tokens.clone(), settings.issuers.clone());
        Ok(Self {
            rules: settings.rules.clone(),
            new_states: settings.server.new_states.clone(),
            authenticator: Authenticator::new(tokens, issuers, env.clone(), before)?,
        })
    }
}

impl Server {
    /// Prepares a server, inside of a runtime; nothing is sent yet. `settings.backend` is not looked at: the backend is given.
    ///
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: the backend has nothing to lock with, or a certificate can't be used.
    /// [`s3tate::ErrorKind::Unavailable`], [`s3tate::ErrorKind::Corrupt`]: the audit log can't be gone on with.
    pub fn new(settings: Settings, backend: Backend) -> Result<Self> {
        if !backend.config().locks() {
            return Err(Error::invalid("the backend has nothing to lock with; nothing was started")
                .hint("set `dynamodb_table`, or `use_lockfile = true`, in `[backend]`"));
        }
        let tls = settings.tls.as_ref().map(tls::Acceptor::new).transpose()?;
        let policy = Policy::new(&settings, backend.env(), None)?;
        let traced_methods = Methods::new(backend.env());
        let audit = settings.audit.clone().map(|audit| Audit::new(audit, &backend)).transpose()?;
        let ui = Ui::new(&settings.server, tls.is_some())?;
        let app = App {
            backend,
            settings: settings.server,
            timeouts: settings.timeouts,
            connections: Arc::new(Semaphore::new(
                settings.limits.connections.clamp(1, Semaphore::MAX_PERMITS),
            )),
            probes: Arc::new(Semaphore::new(MOST_PROBES)),
            limits: Limits::new(&settings.limits),
            metrics: Metrics::new(),
            incidents: Incidents::default(),
            audited_by: settings.audit,
            audit,
            draining: AtomicBool::new(false),
            traced_methods,
            ui,
            readiness: Readiness::default(),
            limited_by: settings.limits,
            tls,
            policy: RwLock::new(Arc::new(policy)),
            released: Mutex::default(),
        };
        if let Some(tls) = &app.tls {
            tls.tell_expiry(&app);
        }
        Ok(Self { app: Arc::new(app), probes: None })
    }

    /// Answers `/metrics`, `/healthz` and `/readyz` on this listener besides, and counters nowhere else.
    #[must_use]
    pub fn probed_on(mut self, listener: TcpListener) -> Self {
        self.probes = Some(listener);
        self
    }

    /// By which it is given other settings while it serves.
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::clone(&self.app))
    }

    /// Serves until `stop` comes to its end, then finishes the requests under way within the time that the settings give.
    ///
    /// The listener of probes stays until then. Readiness ends with `stop`. Writes that have begun come to their end whatever their clients do.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = accept::serve(Arc::clone(&self.app), listener, self.probes, stop) => {}
            () = reload::watch(&self.app) => {}
        }
        self.app.backend.keeper().settled().await;
    }
}

impl App {
    pub(crate) fn env(&self) -> &Env {
        self.backend.env()
    }

    /// Who is let in, and what they may do, as it holds now.
    pub(crate) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_policy(&self, policy: Policy) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
    }

    /// The tables that differ from those that the server was started with, and can't be taken over.
    pub(crate) fn changed(&self, settings: &Settings) -> Vec<&'static str> {
        let server = Serving { new_states: self.settings.new_states.clone(), ..settings.server.clone() };
        let tables = [
            ("server", server != self.settings),
            ("limits", settings.limits != self.limited_by),
            ("timeouts", settings.timeouts != self.timeouts),
            // Without a table a log may be on by itself.
            ("audit", settings.audit.is_some() && settings.audit != self.audited_by),
        ];
        tables.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
    }

    pub(crate) fn temp_dir(&self) -> PathBuf {
        self.env().temp_dir()
    }

    pub(crate) fn new_id(&self) -> String {
        self.env().random_id().unwrap_or_else(|_| "none".to_owned())
    }

    /// Counts a request as under way until the result is dropped.
    pub(crate) fn in_flight(self: &Arc<Self>) -> InFlight {
        self.metrics.in_flight.inc();
        InFlight(Arc::clone(self))
    }

    /// The state with this key, for requests of others.
    pub(crate) fn door(&self, key: &str) -> Door {
        self.backend.state_at(key).door()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn decide(&self, identity: &Identity, key: &str, action: Action) -> Decision {
        decide(&self.policy().rules, identity, key, action)
    }

    /// Who asks.
    ///
    /// # Errors
    /// 401, the same for all reasons; 429 for a source that failed too often.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        certificate: Option<&Identity>,
        client: IpAddr,
    ) -> Result<Identity, Refusal> {
        let source = limits::source(client);
        let suspect = self.limits.failures.empty(&source, self.env().instant());
        let reason = match self.policy().authenticator.identify(headers, certificate, suspect.is_some()).await
        {
            Ok(identity) => {
                let result = if identity.expired.is_some() { "expired" } else { "ok" };
                self.metrics.attempt(identity.method.as_str(), result);
                return Ok(identity);
            }
            Err(Unknown::Refused(reason)) => reason,
            Err(Unknown::Nobody) => "none",
            Err(Unknown::Suspect) => "limited",
        };
        self.metrics.attempt("any", reason);
        match suspect.map_or_else(|| self.limits.failures.take(&source, self.env().instant()), Err) {
            Ok(()) => Err(unauthorized(reason)),
            Err(wait) => {
                self.metrics.limited("source");
                Err(Refusal::limited(wait, "too many requests from here showed no valid credential"))
            }
        }
    }

    /// Counts a request of somebody's.
    ///
    /// # Errors
    /// 429: there were too many.
    pub(crate) fn count(&self, identity: &Identity) -> Result<(), Refusal> {
        self.limits
            .requests
            .take(&identity.name, self.env().instant())
            .map_err(|wait| Refusal::limited(wait, "there were too many requests of yours; nothing was done"))
    }

    /// Refuses what would begin a state that is not to be: a mistyped address is no empty state.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn may_begin(&self, key: &str) -> Result<(), Refusal> {
        if self.policy().new_states.iter().any(|pattern| pattern::covers(pattern, key)) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "undeclared",
            "there is no such state, and `new_states` of the server does not let it be begun: the address may be mistyped",
        ))
    }

    /// How the state at `key` came to be missing, where it was deleted and the versions can be listed.
    pub(crate) async fn deletion(&self, key: &str) -> Option<Deletion> {
        self.backend.state_at(key).deletion().await.unwrap_or_else(|error| {
            tracing::debug!(%error, "whether the state was deleted can't be told");
            None
        })
    }

    /// The same for a state of which nobody has looked yet whether it is there.
    ///
    /// # Errors
    /// 403; failures of the store.
    pub(crate) async fn exists_or_may_begin(&self, key: &str) -> Result<(), Refusal> {
        match self.may_begin(key) {
            Err(refusal) if self.backend.state_at(key).info().await?.is_none() => Err(refusal),
            _ => Ok(()),
        }
    }

    /// Whether somebody may do something with the state at `key`.
    ///
    /// # Errors
    /// 401 for a credential that has ended, 403 otherwise.
    pub(crate) fn allow(&self, identity: &Identity, key: &str, action: Action) -> Result<(), Refusal> {
        if identity.expired.is_some() {
            return Err(unauthorized("expired"));
        }
        self.permit(identity, key, action)
    }

    fn permit(&self, identity: &Identity, key: &str, action: Action) -> Result<(), Refusal> {
        let decision = self.decide(identity, key, action);
        if decision.allowed {
            return Ok(());
        }
        let detail = match action {
            Action::Lock => "you may not lock this state; to read it, use `-lock=false`".to_owned(),
            action => format!("this needs the permission `{action}` for this state"),
        };
        Err(Refusal::new(StatusCode::FORBIDDEN, "denied", detail))
    }

    /// The same for what finishes work under a lock: a credential that ended since the lock was taken is still good for
    /// it, for as long as the grace lasts.
    ///
    /// # Errors
    /// As [`App::allow`]; failures of the store.
    pub(crate) async fn allow_finishing(
        &self,
        identity: &Identity,
        key: &str,
        action: Action,
        lock: Option<&str>,
    ) -> Result<(), Refusal> {
        let Some(expired) = identity.expired else { return self.permit(identity, key, action) };
        let over = self.env().now().duration_since(expired);
        let within = over.as_secs() >= 0 && over.unsigned_abs() <= self.settings.grace;
        let (true, Some(lock)) = (within, lock) else { return Err(unauthorized("expired")) };
        let holders = self.door(key).holders().await?;
        let theirs = holders
            .iter()
            .filter_map(|holder| holder.info.as_ref())
            .any(|info| info.id == lock && guard::taken_by(info).as_deref() == Some(identity.name.as_str()));
        if theirs { self.permit(identity, key, action) } else { Err(unauthorized("expired")) }
    }

    /// Remembers that a lock was released through this process.
    pub(crate) fn remember_release(&self, key: &str, id: &str) {
        let now = self.env().instant();
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        while released.front().is_some_and(|(at, ..)| now.duration_since(*at) > RELEASED)
            || released.len() >= MOST_RELEASED
        {
            released.pop_front();
        }
        released.push_back((now, key.to_owned(), id.to_owned()));
    }

    /// Whether a lock with this ID was released a short time ago.
    pub(crate) fn was_released(&self, key: &str, id: &str) -> bool {
        let now = self.env().instant();
        let released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        released.iter().any(|(at, of, was)| of == key && was == id && now.duration_since(*at) <= RELEASED)
    }
}

fn unauthorized(reason: &'static str) -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        reason,
        "show a valid credential: as the password of Basic, or as Bearer",
    )
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<App>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.metrics.in_flight.dec();
    }
}
