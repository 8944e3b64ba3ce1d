//! `lanebench serve`: the mock Responses API server alone.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use tokio::net::TcpListener;

use super::command::complain;
use super::exit::Exit;
use super::files;
use super::run::refuse;
use crate::backend::{
    Contract, Input, Output, Profile, Script, Service, Setup, Step, StepWork, Streaming, Switches,
};
use crate::check::{ClientLog, ClientVerdict, judge_client};
use crate::clock::{Clock, Core, Pace, TimeScale, run};
use crate::fault::FaultPlan;
use crate::mock::{Mock, MockOptions, Watch, Watched, WebhookTarget, accept};
use crate::report::{Paint, client_text, fails};
use crate::rng::{Law, Seed};
use crate::scenario::Scenario;
use crate::trace::Notes;
use crate::units::SimDuration;
use crate::wire::Secret;

/// The arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The port to listen on; 0 takes a free one and prints it
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on; only this machine can reach the default
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    host: IpAddr,
    /// The key that clients have to send
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
    /// Behave as the `backend` and `faults` of this scenario say
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Where the contract leaves a choice, which reading to play, as name=reading; may be given several times
    #[arg(long = "switch", value_name = "NAME=READING")]
    switches: Vec<String>,
    /// How many times as fast as real time the service works
    #[arg(long, default_value_t = TimeScale::ONE, value_name = "FACTOR")]
    time_scale: TimeScale,
    /// How many ended responses can be read; of more, and of more than 64 MiB of requests, those that would expire first
    /// are forgotten
    #[arg(long, default_value_t = 4_096, value_name = "COUNT")]
    kept_max: u32,
    /// Judge the clients when the server ends: told waits, back-off, storms, polls, double creation and more
    #[arg(long)]
    verdict: bool,
}

/// The secret that a receiver on the same machine may count on.
const WEBHOOK_SECRET: &str = "whsec_bGFuZWJlbmNoLXdlYmhvb2stc2VjcmV0LTAwMDE=";

/// What ended responses keep of their requests, in all.
const KEPT_BYTES_MAX: u64 = 64 << 20;

/// Requests that the log holds, some 3 MB.
const SEEN_MAX: usize = 16_384;

/// How long replies in progress may take after a signal before they are broken off.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until a signal comes.
pub(super) fn serve(args: &Serve) -> Exit {
    let options = match options(args) {
        Ok(options) => options,
        Err(exit) => return exit,
    };
    let address = SocketAddr::new(args.host, args.port);
    let mut setup = setup(Seed(args.seed), options.webhook.is_some());
    if let Some(file) = &args.scenario {
        match files::load(std::slice::from_ref(file), Paint::Plain) {
            Ok(loaded) => loaded.iter().for_each(|one| behave(&mut setup, &one.scenario)),
            Err(error) => return refuse(&error),
        }
    }
    for switch in &args.switches {
        if let Err(error) = setup.profile.contract.switches.parse(switch) {
            complain(
                &error,
                &format!("the switches are {}", Switches::NAMES.join(", ")),
            );
            return Exit::Input;
        }
    }
    let contract = &mut setup.profile.contract;
    contract.kept_max = contract.kept_max.min(args.kept_max);
    contract.kept_bytes_max = KEPT_BYTES_MAX;
    let mut options = options.of(contract);
    options.seen_max = SEEN_MAX;
    options.streaming = setup.profile.streaming;
    options.headers = setup.plan.header_rules();
    let played = run(Pace::Real(args.time_scale), |clock| async move {
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) => return refuse_address(address, &error),
        };
        let (epoch, service) = (setup.profile.epoch, Service::new(setup));
        if !args.verdict {
            return listen(&listener, service, clock, options).await;
        }
        let watched = Watched::new(service, ClientLog::new(WATCHED_MAX, epoch));
        let watch = watched.watch();
        match listen(&listener, watched, clock.clone(), options).await {
            Exit::Held => pronounce(&watch, &clock),
            failed => failed,
        }
    });
    played.unwrap_or_else(|error| {
        complain(
            format_args!("the runtime does not start: {error}"),
            "free some file descriptors and try again",
        );
        Exit::Machine
    })
}

fn options(args: &Serve) -> Result<MockOptions, Exit> {
    let wrong = |error: &dyn std::fmt::Display, argument: &str| {
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

async fn listen<C>(listener: &TcpListener, service: C, clock: Clock, options: MockOptions) -> Exit
where
    C: Core<Input = Input, Output = Output> + Send + 'static,
{
    let signals = Signals::new();
    let (mut signals, address) = match (signals, listener.local_addr()) {
        (Ok(signals), Ok(address)) => (signals, address),
        (Err(error), _) | (_, Err(error)) => {
            complain(format_args!("cannot serve: {error}"), "try again");
            return Exit::Machine;
        }
    };
    let (mock, driver) = Mock::new(service, clock, options);
    tokio::spawn(driver.run());
    announce(address);
    tokio::select! {
        biased;
        () = signals.next() => {}
        never = accept(&mock, listener) => match never {},
    }
    mock.stop();
    tokio::select! {
        biased;
        () = mock.drained() => {}
        () = signals.next() => {}
        () = tokio::time::sleep(GRACE) => {}
    }
    Exit::Held
}

/// Requests whose clients are judged; beyond that the oldest do not count.
const WATCHED_MAX: usize = 65_536;

/// Says what the clients did right and wrong.
fn pronounce(watch: &Watch, clock: &Clock) -> Exit {
    let (exchanges, seen) = {
        let log = watch.log();
        (log.iter().cloned().collect::<Vec<_>>(), log.seen())
    };
    let judged = judge_client(&exchanges, clock.now());
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(client_text(&judged, seen).as_bytes());
    if let Err(error) = written.and_then(|()| stdout.flush()) {
        complain(
            format_args!("cannot write the verdict: {error}"),
            "keep stdout open until the server has ended",
        );
        return Exit::Machine;
    }
    match judged
        .iter()
        .all(|one| one.verdict == ClientVerdict::NotExercised)
    {
        true => Exit::Undecided,
        false if judged.iter().any(fails) => Exit::Failed,
        false => Exit::Held,
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

/// Takes over how a scenario's service behaves. Civil time stays real, and webhooks go where the arguments say.
fn behave(setup: &mut Setup, scenario: &Scenario) {
    let webhook = setup
        .profile
        .webhook
        .map(|quick| scenario.profile.webhook.unwrap_or(quick));
    setup.profile = Profile {
        epoch: setup.profile.epoch,
        webhook,
        ..scenario.profile.clone()
    };
    setup.plan = scenario.fault_plan(setup.seed);
}

/// A service that behaves like a quick and healthy one: a short queue, some reasoning, then a few sentences.
fn setup(seed: Seed, webhooks: bool) -> Setup {
    let millis = |millis| Law::Constant(SimDuration::from_millis(millis));
    let step = |work, takes| Step { work, takes };
    let steps = [
        step(StepWork::Reasoning, millis(400)),
        step(StepWork::Message { tokens: 60 }, millis(1_200)),
    ];
    let retries = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000];
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let profile = Profile {
        latency: millis(20),
        limiter: None,
        retention: SimDuration::from_secs(30 * 24 * 3600),
        resume_window: SimDuration::from_secs(300),
        streaming: Streaming::default(),
        webhook: webhooks.then(|| millis(50)),
        webhook_retries: retries.map(SimDuration::from_secs).into(),
        tokens_per_delta: 4,
        tier: Arc::from("default"),
        contract: Contract::default(),
        epoch: now.map_or(0, |gone| gone.as_secs()),
        script: Script {
            queued: millis(300),
            steps: steps.into(),
        },
    };
    Setup {
        profile,
        scripts: Arc::from([]),
        plan: FaultPlan::none(),
        seed,
        notes: Notes::off(),
    }
}
