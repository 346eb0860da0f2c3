//! `s3tate serve`

mod check;
mod embedded;
mod instructions;
mod probe;
mod token;
mod verify;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use s3tate::config::BackendConfig;
use s3tate::{Backend, Env, Error, ErrorKind, Result};
use s3tate_server::config::Audit;
use s3tate_server::{Reloader, Server, Settings};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::context::Context;
use crate::signals::{Hangup, Stop};
use crate::{child, ui};

use embedded::Embedded;
use instructions::Address;

/// Where everything is kept, unless something else is said.
const DATA: &str = "s3tate-data";
/// The audit log in it.
const AUDIT: &str = "audit.jsonl";

/// Run the state server: `backend "http"` for stock Terraform and OpenTofu, with the same locks as `backend "s3"`.
///
/// Without a configuration it keeps everything in `./s3tate-data`, makes a token, and prints what to paste.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Serve {
    #[command(subcommand)]
    command: Option<Other>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
struct Options {
    /// TOML file with backend, tokens, issuers and rules.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one. Default: the configuration's, or 127.0.0.1:4561.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Directory that everything is kept in where the configuration names no backend; made if missing.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// Replace the token that was made at the first start.
    #[arg(long)]
    new_token: bool,
    /// The state that the printed addresses name.
    #[arg(long, value_name = "NAME", default_value = "my/state")]
    name: String,
    /// Run this command with the variables set, pass on its exit code and stop; must come last.
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true)]
    exec: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
enum Other {
    Token(token::NewToken),
    Check(check::Check),
    Probe(probe::Probe),
    Verify(verify::Verify),
}

impl Serve {
    /// Whether it tells of each request: not while another command speaks.
    pub(crate) fn tells(&self) -> bool {
        self.command.is_none() && self.options.exec.is_empty()
    }
}

pub(crate) async fn run(context: &Context, args: Serve) -> Result<ExitCode> {
    match args.command {
        Some(Other::Token(args)) => token::run(&args),
        Some(Other::Probe(args)) => probe::run(&args).await,
        Some(Other::Check(args)) => check::run(&args, &context.env).await,
        Some(Other::Verify(args)) => verify::run(&context.env, &args).await,
        None => start(&context.env, args.options).await,
    }
}

async fn start(env: &Env, options: Options) -> Result<ExitCode> {
    let mut settings = options.config.as_deref().map_or_else(|| Ok(Settings::default()), Settings::read)?;
    let stop = Stop::listen()?;
    let arguments = settings.backend.take();
    let (backend, embedded) = if let Some(arguments) = &arguments {
        (Backend::new(BackendConfig::new(arguments, env)?, env.clone())?, None)
    } else {
        let embedded = Embedded::start(&options.data).await?;
        let file = Some(options.data.join(AUDIT));
        settings.audit.get_or_insert_with(|| Audit { file, ..Audit::default() });
        (embedded.backend(env)?, Some(embedded))
    };
    let served = serve(&options, settings, backend, stop).await;
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    served
}

async fn serve(
    options: &Options,
    mut settings: Settings,
    backend: Backend,
    mut stop: Stop,
) -> Result<ExitCode> {
    let token = own_token(options, &mut settings)?;
    let listen = options.listen.unwrap_or(settings.server.listen);
    let (listener, listening) = bind(listen).await?;
    let probes = match settings.server.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let address = Address::new(&settings, listening, &options.name, token);
    warn(&settings, listening);
    for warning in &backend.config().warnings {
        ui::warn(warning);
    }
    let mut server = Server::new(settings, backend)?;
    if let Some((listener, listening)) = probes {
        ui::say(&format!("counters and health on http://{listening}"));
        server = server.probed_on(listener);
    }
    if let Some(path) = options.config.clone() {
        let hangup = Hangup::listen()?;
        drop(tokio::spawn(reload(path, server.reloader(), hangup)));
    }
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(listener, async move { drop(ended.await) }));
    let code = match options.exec.split_first() {
        Some((program, rest)) => {
            let mut child = child::start(program, rest, address.variables())?;
            child::finish(&mut child, &mut stop).await.map(ExitCode::from)
        }
        None => wait(&address, options, &mut stop).await,
    };
    drop(end);
    tokio::select! {
        _ = serving => {}
        _ = stop.wait() => ui::warn("stopped at once; requests under way were cut off"),
    }
    code
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let refused = |cause| {
        Error::new(ErrorKind::Unavailable, format!("can't listen on {address}; nothing was started"))
            .with_source(cause)
            .hint("another program may have the port: choose another one, or 0 for a free one")
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let listening = listener.local_addr().map_err(refused)?;
    Ok((listener, listening))
}

/// Reads the configuration anew with each SIGHUP. A bad one changes nothing.
async fn reload(path: PathBuf, reloader: Reloader, mut hangup: Hangup) {
    loop {
        hangup.wait().await;
        let settings =
            Settings::read(&path).and_then(|settings| lets_somebody_in(&settings).map(|()| settings));
        let reloaded = match settings {
            Ok(settings) => reloader.reload(&settings),
            Err(error) => {
                reloader.refused();
                Err(error)
            }
        };
        match reloaded {
            Ok(later) if later.is_empty() => ui::say("the configuration was read anew"),
            Ok(later) => ui::warn(&format!(
                "the configuration was read anew, but `[{}]` takes effect with the next start",
                later.join("]`, `[")
            )),
            Err(error) => {
                ui::fail(&error);
                ui::warn("the configuration could not be taken over: what was in use stays so");
            }
        }
    }
}

async fn wait(address: &Address, options: &Options, stop: &mut Stop) -> Result<ExitCode> {
    ui::data(address.instructions(options.config.is_none()))?;
    ui::say(&format!("the web UI is at {}/: sign in with the token", address.base()));
    ui::say(&format!("serving on {}; Ctrl-C stops", address.base()));
    stop.wait().await;
    ui::say("stopping: requests under way are finished");
    Ok(ExitCode::SUCCESS)
}

/// The token of a server without a configuration, where it can be told.
fn own_token(options: &Options, settings: &mut Settings) -> Result<Option<String>> {
    if options.config.is_none() {
        return token::of_directory(&options.data, options.new_token, !options.exec.is_empty(), settings);
    }
    lets_somebody_in(settings)?;
    if options.exec.is_empty() { Ok(None) } else { token::passing(settings).map(Some) }
}

fn lets_somebody_in(settings: &Settings) -> Result<()> {
    let tls = settings.tls.as_ref();
    if settings.tokens.is_empty()
        && settings.issuers.is_empty()
        && tls.is_none_or(|tls| tls.client_ca.is_none())
    {
        return Err(Error::invalid("the configuration lets nobody in; nothing was started").hint(
            "`s3tate serve token -name NAME` makes a token and prints the lines to add, a rule for it included",
        ));
    }
    Ok(())
}

fn warn(settings: &Settings, listening: SocketAddr) {
    if settings.tls.is_none() && !listening.ip().is_loopback() {
        ui::warn(&format!(
            "listening on {listening} without TLS: credentials and states travel in clear, unless a proxy before it sees to that"
        ));
    }
    if settings.rules.is_empty() {
        ui::warn("the configuration has no rule, so nobody may do anything");
    }
}
