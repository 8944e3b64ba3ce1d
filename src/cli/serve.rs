//! `lanebench serve`: the mock Responses API server alone.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::net::TcpListener;

use super::command::complain;
use super::exit::Exit;
use super::files::{self, FilesError};
use super::run::refuse;
use super::serve_log::LogWriter;
use crate::backend::{SwitchSet, Switches};
use crate::check::ClientVerdict;
use crate::clock::{Clock, Pace, TimeScale, run};
use crate::mock::{Front, FrontOptions, MockOptions, SessionVerdict, WebhookTarget};
use crate::report::{Paint, client_text, fails, render_all};
use crate::rng::Seed;
use crate::scenario::{Builtin, Diagnostics, ServicePlan, Sources, nearest, quoted_list};
use crate::wire::Secret;

/// The arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = about_profiles())]
pub(super) struct Serve {
    /// The port to listen on; 0 takes a free one and prints it
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on; only this machine can reach the default
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    host: IpAddr,
    /// Listen on an address that other machines can reach: whoever reaches it controls the server
    #[arg(long)]
    public: bool,
    /// The key that clients have to send; with `:NAME` behind it, a request belongs to the session NAME
    #[arg(long, default_value = "sk-lanebench", value_name = "KEY")]
    api_key: String,
    /// Fixes ids, texts and durations
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to send webhooks, as http://host:port/path
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Signs webhooks
    #[arg(long, default_value = WEBHOOK_SECRET, value_name = "SECRET")]
    webhook_secret: String,
    /// Behave as this built-in profile, see below
    #[arg(long, value_name = "NAME", default_value = "healthy", value_parser = profile)]
    profile: &'static Builtin,
    /// Print a built-in profile, to be edited and given to `--scenario`, and end
    #[arg(long, value_name = "NAME", value_parser = profile, exclusive = true)]
    print_profile: Option<&'static Builtin>,
    /// Behave as this service file, or as the `backend` and `faults` of this scenario, say
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    scenario: Option<PathBuf>,
    /// Where the contract leaves a choice, which reading to play, as name=reading; may be given several times
    #[arg(long = "switch", value_name = "NAME=READING")]
    switches: Vec<String>,
    /// How many times as fast as real time the service works
    #[arg(long, default_value_t = TimeScale::ONE, value_name = "FACTOR", conflicts_with = "clock")]
    time_scale: TimeScale,
    /// How many ended responses can be read; of more, and of more than 64 MiB of requests, those that would expire first
    /// are forgotten
    #[arg(long, default_value_t = 4_096, value_name = "COUNT")]
    kept_max: u32,
    /// Whether time goes by itself, or stands still until the control API moves it on
    #[arg(long, value_enum, default_value_t = ClockKind::Real)]
    clock: ClockKind,
    /// Write a line of JSON for each request that is over to this file; `-` is stdout
    #[arg(long, value_name = "PATH")]
    log: Option<PathBuf>,
    /// The sessions that there may be at a time
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sessions: u32,
    /// What all sessions together keep of requests, responses, records and loaded scenarios, in MiB. Beyond that the
    /// sessions that keep the most forget what is oldest of their record and of their ended responses. Half is for responses
    /// in progress, conversations and scenarios, and an equal part of the other half for those of each session; a request
    /// for more is refused with 429
    #[arg(long, default_value_t = 256, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    kept_mib: u64,
    /// Requests, responses and webhooks that the record of each session lists, of each sort
    #[arg(long, default_value_t = 2_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    record_max: u32,
    /// Judge the clients when the server ends: told waits, back-off, storms, polls, double creation and more
    #[arg(long)]
    verdict: bool,
}

/// What moves the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClockKind {
    /// It goes by itself
    Real,
    /// POST /_lanebench/advance moves it on
    Manual,
}

fn about_profiles() -> String {
    let lines = Builtin::ALL
        .iter()
        .map(|one| format!("  {:<13} {}\n", one.name, one.does));
    format!("Profiles:\n{}\n{ABOUT_SCRIPTS}", lines.collect::<String>())
}

/// What a script can say, for whoever writes one.
const ABOUT_SCRIPTS: &str = "\
Steps of a script, in service files and scenarios (`lanebench schema scenario` has their keys):
  message, refusal, reasoning, compaction
      text with annotations, speech or a phase; summaries; a packed context
  call
      a function of the client
  tool: custom, computer, local_shell, shell, apply_patch, tool_search
      tools that the client runs; shell and tool_search also by the service
  tool: web_search, web_page, file_search, code_interpreter, image_generation
      tools that the service runs
  tool: mcp_list_tools, mcp_call
      tools of an MCP server, with approval where the request demands it
  Each tool ends `completed`, `failed` or `incomplete`; requests see more with `include`.
";

fn profile(name: &str) -> Result<&'static Builtin, String> {
    Builtin::find(name).ok_or_else(|| match nearest(name, Builtin::names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("profiles: {}", quoted_list(Builtin::names())),
    })
}

/// The secret that a receiver on the same machine may count on.
const WEBHOOK_SECRET: &str = "whsec_bGFuZWJlbmNoLXdlYmhvb2stc2VjcmV0LTAwMDE=";

/// How long replies in progress may take after a signal before they are broken off.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until a signal comes.
pub(super) fn serve(args: &Serve) -> Exit {
    if let Some(profile) = args.print_profile {
        return print(profile.text);
    }
    match prepared(args) {
        Ok((plan, text, options, switches)) => serve_as(args, plan, text, options, switches),
        Err(exit) => exit,
    }
}

type Prepared = (ServicePlan, Option<Arc<str>>, MockOptions, SwitchSet);

/// Everything that can be wrong with the arguments is found here.
fn prepared(args: &Serve) -> Result<Prepared, Exit> {
    if !args.host.is_loopback() && !args.public {
        complain(
            format_args!(
                "other machines can reach {}, and whoever does controls the server",
                args.host
            ),
            "leave `--host` out, or say `--public` if that is meant",
        );
        return Err(Exit::Input);
    }
    let options = options(args)?;
    let (plan, text) = match &args.scenario {
        Some(file) => from_file(file).map_err(|error| refuse(&error))?,
        None => (args.profile.plan(), Some(args.profile.text.into())),
    };
    Ok((plan, text, options, switches(args)?))
}

/// Reads a service file, or a scenario with everything that it names.
fn from_file(file: &Path) -> Result<(ServicePlan, Option<Arc<str>>), FilesError> {
    let bytes = files::read(file)?;
    let plan = match files::names_key(&bytes, "policy") {
        true => files::load(&[file.to_path_buf()], Paint::Plain)?
            .first()
            .map(|loaded| ServicePlan::of(&loaded.scenario)),
        false => {
            let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
            let plan = ServicePlan::read(&files::shown(file), &bytes, &mut sources, &mut out);
            match plan {
                Some(plan) if !out.has_errors() => Some(plan),
                _ => return Err(FilesError::Wrong(render_all(&out, &sources, Paint::Plain))),
            }
        }
    };
    let text = String::from_utf8_lossy(&bytes).into();
    let plan = plan.ok_or_else(|| FilesError::Empty(files::shown(file)))?;
    Ok((plan, Some(text)))
}

/// What is said about the contract on the command line.
fn switches(args: &Serve) -> Result<SwitchSet, Exit> {
    let mut switches = SwitchSet::default();
    for switch in &args.switches {
        if let Err(error) = switches.add(switch) {
            complain(
                &error,
                &format!("the switches are {}", Switches::NAMES.join(", ")),
            );
            return Err(Exit::Input);
        }
    }
    Ok(switches)
}

fn options(args: &Serve) -> Result<MockOptions, Exit> {
    let wrong = |error: &dyn Display, argument: &str| {
        complain(error, &format!("see `{argument}` in `lanebench serve --help`"));
        Exit::Input
    };
    if args.api_key.trim().is_empty() {
        return Err(wrong(&"the API key is empty", "--api-key"));
    }
    let secret = Secret::new(&args.webhook_secret).map_err(|error| wrong(&error, "--webhook-secret"))?;
    let webhook = args.webhook_url.as_deref();
    let webhook = webhook
        .map(|url| WebhookTarget::tcp(url, secret))
        .transpose()
        .map_err(|error| wrong(&error, "--webhook-url"))?;
    Ok(MockOptions {
        api_key: args.api_key.trim().into(),
        seed: Seed(args.seed),
        webhook,
        ..MockOptions::default()
    })
}

fn serve_as(
    args: &Serve,
    plan: ServicePlan,
    text: Option<Arc<str>>,
    mock: MockOptions,
    switches: SwitchSet,
) -> Exit {
    let log = match args.log.as_deref().map(LogWriter::open).transpose() {
        Ok(log) => log,
        Err(error) => {
            complain(error, "choose another file with `--log`; `-` is stdout");
            return Exit::Machine;
        }
    };
    let options = FrontOptions {
        mock,
        sessions_max: args.sessions as usize,
        stored_max: args.kept_max,
        kept_bytes_max: args.kept_mib << 20,
        kept: args.record_max as usize,
        switches,
        log: log.as_ref().map(LogWriter::sink),
        ..FrontOptions::default()
    };
    let address = SocketAddr::new(args.host, args.port);
    let pace = match args.clock {
        ClockKind::Real => Pace::Real(args.time_scale),
        ClockKind::Manual => Pace::Manual,
    };
    let played = run(pace, |clock| async move {
        match TcpListener::bind(address).await {
            Ok(listener) => listen(&listener, plan, text, clock, options).await,
            Err(error) => Err(refuse_address(address, &error)),
        }
    });
    let verdicts = match played {
        Ok(Ok(verdicts)) => verdicts,
        Ok(Err(exit)) => return exit,
        Err(error) => {
            complain(
                format_args!("the runtime does not start: {error}"),
                "free some file descriptors and try again",
            );
            return Exit::Machine;
        }
    };
    if let Some(Err(error)) = log.map(LogWriter::finish) {
        complain(
            format_args!("the log is not whole: {error}"),
            "free some room, or choose another file with `--log`",
        );
        return Exit::Machine;
    }
    match args.verdict {
        true => pronounce(&verdicts),
        false => Exit::Held,
    }
}

fn refuse_address(address: SocketAddr, error: &io::Error) -> Exit {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        io::ErrorKind::PermissionDenied => "the port needs more rights".to_owned(),
        _ => error.to_string(),
    };
    complain(
        format_args!("cannot listen on {address}: {why}"),
        "choose another port with `--port`; 0 takes a free one",
    );
    Exit::Machine
}

async fn listen(
    listener: &TcpListener,
    plan: ServicePlan,
    text: Option<Arc<str>>,
    clock: Clock,
    options: FrontOptions,
) -> Result<Vec<SessionVerdict>, Exit> {
    let (mut signals, address) = match (Signals::new(), listener.local_addr()) {
        (Ok(signals), Ok(address)) => (signals, address),
        (Err(error), _) | (_, Err(error)) => {
            complain(format_args!("cannot serve: {error}"), "try again");
            return Err(Exit::Machine);
        }
    };
    let front = Front::new(plan, text, clock, options);
    announce(address);
    tokio::select! {
        biased;
        () = signals.next() => {}
        never = front.accept(listener) => match never {},
    }
    front.stop();
    tokio::select! {
        biased;
        () = front.drained() => {}
        () = signals.next() => {}
        () = tokio::time::sleep(GRACE) => {}
    }
    let verdicts = front.verdicts();
    front.close();
    Ok(verdicts)
}

/// Says what the clients did right and wrong.
fn pronounce(verdicts: &[SessionVerdict]) -> Exit {
    let mut text = String::new();
    for verdict in verdicts {
        if verdicts.len() > 1 {
            text.push_str(&format!("session {}: ", verdict.session));
        }
        text.push_str(&client_text(&verdict.judged, verdict.requests));
    }
    match print(&text) {
        Exit::Held => {}
        failed => return failed,
    }
    let mut judged = verdicts.iter().flat_map(|verdict| &verdict.judged);
    match judged.clone().any(fails) {
        true => Exit::Failed,
        false if judged.all(|one| one.verdict == ClientVerdict::NotExercised) => Exit::Undecided,
        false => Exit::Held,
    }
}

fn print(text: &str) -> Exit {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Exit::Held,
        Err(error) => {
            complain(
                format_args!("cannot write to stdout: {error}"),
                "keep stdout open until the server has ended",
            );
            Exit::Machine
        }
    }
}

/// Tells where the server is. It serves on even if nobody hears it: who closed stdout may know the port already.
fn announce(address: SocketAddr) {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "listening http://{address}/v1").and_then(|()| stdout.flush());
    if let Err(error) = written {
        let _ = writeln!(
            io::stderr(),
            "warning: cannot say on stdout that http://{address}/v1 listens: {error}"
        );
    }
    if !address.ip().is_loopback() {
        let _ = writeln!(
            io::stderr(),
            "warning: whoever reaches {address} controls the server; there is no password"
        );
    }
}

/// The signals that end the server.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "other systems can fail here")]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        // Without a handler for the signal there is nothing to wait for; the system ends the program.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
