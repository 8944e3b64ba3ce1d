//! The worlds with real transports: the runtime and the mock server, joined in memory under virtual time or over TCP
//! under real time. The same code plays both.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::backend::Service;
use crate::clock::{self, Clock, Pace, Stepped};
use crate::fault::FaultPlan;
use crate::mock::{self, ByteStream, Mock, MockDriver, MockOptions, Pipe, WebhookTarget};
use crate::runtime::{
    self, Admission, Dial, Dialling, MemoryJournal, Office, Receiver, Runtime, RuntimeDriver, Surroundings,
    TcpDial,
};
use crate::sim::{Blueprint, Caps, Ending, Played, Recording, Seams, refused};
use crate::trace::Trace;
use crate::units::{Exchange, SimDuration, SimTime};
use crate::wire::{ClientFields, Secret};

/// How the parts of a world are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Connections in memory under virtual time.
    Memory,
    /// TCP on loopback under real time, at this pace.
    Tcp(clock::TimeScale),
}

/// The key that our runtime shows and the mock server wants.
const API_KEY: &str = "sk-lanebench";
/// The secret of the webhooks between our own parts; it guards nothing.
const WEBHOOK_SECRET: &str = "whsec_bGFuZWJlbmNoLXdlYmhvb2stc2VjcmV0LTE=";

/// Why a world could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The operating system refused a resource.
    #[error("the world could not be set up")]
    Io(#[from] io::Error),
    /// The parts could not be introduced to each other.
    #[error("the world could not be wired up: {0}")]
    Wiring(String),
}

/// Plays a blueprint over HTTP.
///
/// # Errors
/// [`WorldError`] if the machine refuses what the world needs.
pub fn play_over_http<S: Seams + 'static>(
    blueprint: &Blueprint,
    link: Link,
    seams: S,
    recording: Recording,
) -> Result<(Played, S), WorldError> {
    let pace = match link {
        Link::Memory => Pace::Virtual,
        Link::Tcp(scale) => Pace::Real(scale),
    };
    clock::run(pace, |clock| async move {
        LocalSet::new()
            .run_until(play(blueprint, link, clock, seams, recording))
            .await
    })?
}

type CoreDriver<S> = RuntimeDriver<S, MemoryJournal>;

async fn play<S: Seams + 'static>(
    blueprint: &Blueprint,
    link: Link,
    clock: Clock,
    seams: S,
    recording: Recording,
) -> Result<(Played, S), WorldError> {
    let secret = Secret::new(WEBHOOK_SECRET).map_err(|error| WorldError::Wiring(error.to_string()))?;
    let (target, connections) = webhook_path(link, &secret).await?;
    let options = MockOptions {
        api_key: API_KEY.into(),
        seed: blueprint.seed,
        webhook: Some(target),
        streaming: blueprint.profile.streaming,
        headers: blueprint.plan.header_rules(),
        seen_max: 1024,
        ..MockOptions::default()
    };
    let options = options.of(&blueprint.profile.contract);
    let (mock, service) = Mock::new(blueprint.service(recording), clock.clone(), options);
    let (dial, authority) = dial(link, &mock, &blueprint.plan, clock.clone()).await?;
    let office = Office::new(
        blueprint.desk(recording),
        blueprint.outside(recording),
        MemoryJournal::default(),
        seams,
    );
    let surroundings = Surroundings {
        service: runtime::Service {
            authority,
            base: "/v1".to_owned(),
            key: API_KEY.to_owned(),
            fields: ClientFields::default(),
        },
        dial,
        secrets: vec![secret],
        epoch: blueprint.desk.epoch,
    };
    let Runtime { driver, receiver, .. } = Runtime::new(office, clock.clone(), surroundings)
        .map_err(|error| WorldError::Wiring(error.to_string()))?;
    tokio::task::spawn_local(receive(receiver, connections));
    let world = World {
        clock,
        link,
        caps: blueprint.caps,
        core: driver,
        service,
        answered: Answered::No,
        steps: 0,
        end: SimTime::START,
    };
    // A task of its own is woken by what it waits for; here it would be looked after with every task of the world.
    match tokio::task::spawn_local(world.play()).await {
        Ok(played) => Ok(played),
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}

/// Connections on which webhooks come.
type WebhookConnections = mpsc::UnboundedReceiver<runtime::Stream>;

async fn receive(receiver: Receiver, mut connections: WebhookConnections) {
    while let Some(stream) = connections.recv().await {
        let receiver = receiver.clone();
        tokio::task::spawn_local(async move { receiver.serve_connection(stream).await });
    }
}

/// The way of webhooks from the service to the runtime.
async fn webhook_path(
    link: Link,
    secret: &Secret,
) -> Result<(WebhookTarget, WebhookConnections), WorldError> {
    let (streams, connections) = mpsc::unbounded_channel::<runtime::Stream>();
    match link {
        Link::Memory => {
            let (pipes, mut arriving) = mpsc::unbounded_channel::<Pipe>();
            tokio::task::spawn_local(async move {
                while let Some(pipe) = arriving.recv().await {
                    if streams.send(Box::new(pipe)).is_err() {
                        return;
                    }
                }
            });
            let dial: mock::Dial = Arc::new(move || {
                let (near, far) = mock::pipe();
                let taken = pipes
                    .send(far)
                    .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused));
                Box::pin(async move { taken.map(|()| Box::new(near) as Box<dyn ByteStream>) })
            });
            Ok((WebhookTarget::new(dial, "/webhooks", secret.clone()), connections))
        }
        Link::Tcp(_) => {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let url = format!("http://{}/webhooks", listener.local_addr()?);
            tokio::task::spawn_local(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    if streams.send(Box::new(stream)).is_err() {
                        return;
                    }
                }
            });
            let target = WebhookTarget::tcp(&url, secret.clone());
            Ok((
                target.map_err(|error| WorldError::Wiring(error.to_string()))?,
                connections,
            ))
        }
    }
}

/// The way of requests from the runtime to the service.
async fn dial(
    link: Link,
    mock: &Mock,
    plan: &FaultPlan,
    clock: Clock,
) -> Result<(Rc<dyn Dial>, String), WorldError> {
    let gate = Gate {
        mock: mock.clone(),
        plan: plan.clone(),
        clock,
    };
    match link {
        Link::Memory => Ok((Rc::new(MemoryDial(gate)), "mock.internal".to_owned())),
        Link::Tcp(_) => {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let address = listener.local_addr()?.to_string();
            let mock = mock.clone();
            tokio::task::spawn_local(async move { mock::accept(&mock, &listener).await });
            Ok((
                Rc::new(GatedTcp {
                    gate,
                    tcp: TcpDial::new(address.clone()),
                }),
                address,
            ))
        }
    }
}

/// Refuses the exchanges that the fault plan refuses.
struct Gate {
    mock: Mock,
    plan: FaultPlan,
    clock: Clock,
}

impl Gate {
    fn admit(&self, exchange: Exchange) -> Admission {
        match refused(&self.plan, exchange, self.clock.now()) {
            Some(rule) => {
                self.mock.refused(exchange, rule);
                Admission::Refused
            }
            None => Admission::Open,
        }
    }
}

struct MemoryDial(Gate);

impl Dial for MemoryDial {
    fn admit(&self, exchange: Exchange) -> Admission {
        self.0.admit(exchange)
    }

    fn connect(&self, _: Exchange) -> Dialling<'_> {
        let pipe = self.0.mock.connect();
        Box::pin(async move { Ok(Box::new(pipe) as runtime::Stream) })
    }
}

struct GatedTcp {
    gate: Gate,
    tcp: TcpDial,
}

impl Dial for GatedTcp {
    fn admit(&self, exchange: Exchange) -> Admission {
        self.gate.admit(exchange)
    }

    fn connect(&self, exchange: Exchange) -> Dialling<'_> {
        self.tcp.connect(exchange)
    }
}

/// Both drivers and what ends them.
struct World<S: Seams> {
    clock: Clock,
    link: Link,
    caps: Caps,
    core: CoreDriver<S>,
    service: MockDriver<Service>,
    answered: Answered,
    steps: u64,
    end: SimTime,
}

/// Whether the last step gave answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Yes,
    No,
}

impl<S: Seams> World<S> {
    async fn play(mut self) -> (Played, S) {
        let ending = loop {
            let deadline = [self.core.next_due(), self.service.next_due()]
                .into_iter()
                .flatten()
                .min();
            if deadline.is_some_and(|at| at > self.caps.time) {
                break Ending::TimeCap;
            }
            if self.steps >= self.caps.steps {
                break Ending::StepCap;
            }
            let stepped = match self.link {
                Link::Memory => self.step_in_silence().await,
                Link::Tcp(_) => self.step_with_grace(deadline).await,
            };
            let Some(stepped) = stepped else {
                break Ending::Quiet;
            };
            self.steps += 1;
            self.end = self.end.max(stepped.at);
        };
        self.finish(ending)
    }

    /// The next step in virtual time; none if nothing is due and nothing comes. Whatever is on a wire lands in its
    /// tick. The world holds one timer, for the step that is due first.
    async fn step_in_silence(&mut self) -> Option<Stepped> {
        const GRACE: SimDuration = SimDuration::from_ticks(3);
        loop {
            let now = self.clock.now();
            let stepped = self.core.step_if_over(now);
            if let Some(stepped) = stepped.or_else(|| self.service.step_if_over(now)) {
                if stepped.outputs > 0 {
                    self.answered = Answered::Yes;
                }
                return Some(stepped);
            }
            let over = self.core.over_at().min(self.service.over_at());
            // What was answered mostly comes to somebody in this very tick, and no step is due before it is over. So
            // nobody need be woken by it.
            let answered = std::mem::replace(&mut self.answered, Answered::No);
            if answered == Answered::Yes || over == now.next() {
                self.clock.sleep_until(now.next()).await;
                continue;
            }
            let until = if over == SimTime::NEVER { now + GRACE } else { over };
            let silent = tokio::select! {
                biased;
                () = self.core.first_input() => false,
                () = self.service.first_input() => false,
                () = self.clock.sleep_until(until) => over == SimTime::NEVER,
            };
            self.core.stop_listening();
            self.service.stop_listening();
            if silent {
                return None;
            }
        }
    }

    /// The next step in real time; none if nothing is due at `deadline` and nothing comes for a moment, as real sockets
    /// need one.
    async fn step_with_grace(&mut self, deadline: Option<SimTime>) -> Option<Stepped> {
        const GRACE: SimDuration = SimDuration::from_millis(200);
        let silence = match deadline {
            Some(_) => SimTime::NEVER,
            None => self.clock.now() + GRACE,
        };
        tokio::select! {
            biased;
            stepped = self.core.step() => Some(stepped),
            stepped = self.service.step() => Some(stepped),
            () = self.clock.sleep_until(silence) => None,
        }
    }

    fn finish(self, ending: Ending) -> (Played, S) {
        let (mut service, _) = self.service.into_parts();
        let (office, _) = self.core.into_parts();
        let (mut desk, mut outside_world, journal, mut seams) = office.into_parts();
        let (mut outside, mut core) = (outside_world.notes_mut().take(), desk.take_notes());
        let mut service = service.take_notes();
        seams.recorded(&mut outside, &mut core, &mut service);
        let stuck = if ending == Ending::Quiet {
            desk.stuck()
        } else {
            Vec::new()
        };
        let trace = Trace::join(outside, core, service);
        let played = Played {
            trace,
            log: journal.batches,
            ending,
            steps: self.steps,
            end: self.end,
            stuck,
        };
        (played, seams)
    }
}
