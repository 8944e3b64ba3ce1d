//! Carries out what the job core wants, and tells it what comes back.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use http::StatusCode;

use super::client::{Client, Fact, Limits};
use super::client_request::{Service, ServiceError};
use super::dial::Dial;
use super::journal::Journal;
use super::office::{Arrival, Departure, Office};
use super::webhook::{Receiver, WebhookCall};
use crate::clock::{Clock, Outlet, Postbox, Stepper, inbox};
use crate::job::{self, Action, Told};
use crate::people::FromCore;
use crate::sim::Seams;
use crate::units::{Exchange, JobId, SimTime};
use crate::wire::Secret;

/// What steps the office and carries its wishes away.
pub type RuntimeDriver<S, J> = Stepper<Office<S, J>, Hands>;

/// Webhooks that wait for their answer, by delivery and sending.
type OpenWebhooks = Rc<RefCell<BTreeMap<(Arc<str>, u16), WebhookCall>>>;

/// Does what the core wants: HTTP, webhooks' answers, storage, messages.
pub struct Hands {
    clock: Clock,
    postbox: Postbox<Arrival>,
    client: Client,
    webhooks: OpenWebhooks,
    results: Results,
}

impl std::fmt::Debug for Hands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hands").finish_non_exhaustive()
    }
}

/// The stored results, by job.
pub type Results = Rc<RefCell<BTreeMap<JobId, Arc<str>>>>;

/// How a runtime reaches the world.
pub struct Surroundings {
    /// Where the model service is.
    pub service: Service,
    /// How connections to it are made.
    pub dial: Rc<dyn Dial>,
    /// The secrets with which webhooks are signed.
    pub secrets: Vec<Secret>,
    /// Unix seconds at the start of the run.
    pub epoch: u64,
}

/// A runtime: its driver, which somebody has to run, and the receiver of its webhooks.
pub struct Runtime<S: Seams, J: Journal> {
    /// Steps the core.
    pub driver: RuntimeDriver<S, J>,
    /// Takes webhooks.
    pub receiver: Receiver,
    /// What was stored.
    pub results: Results,
}

impl<S: Seams, J: Journal> Runtime<S, J> {
    /// A runtime around `office`.
    ///
    /// # Errors
    /// [`ServiceError`] if the service cannot be written into a request.
    pub fn new(office: Office<S, J>, clock: Clock, surroundings: Surroundings) -> Result<Self, ServiceError> {
        let (postbox, arrivals) = inbox();
        let Surroundings {
            service,
            dial,
            secrets,
            epoch,
        } = surroundings;
        let (reports, now) = (postbox.clone(), clock.clone());
        let report = Rc::new(move |exchange: Exchange, fact: Fact| {
            reports.post(
                now.now(),
                Arrival::Desk(job::Input {
                    job: exchange.job(),
                    told: told(exchange, fact),
                }),
            );
        });
        let client = Client::new(&service, Limits::default(), dial, report)?;
        let webhooks = OpenWebhooks::default();
        let receiver = receiver(secrets, clock.clone(), epoch, postbox.clone(), webhooks.clone());
        let results = Results::default();
        let hands = Hands {
            clock: clock.clone(),
            postbox,
            client,
            webhooks,
            results: results.clone(),
        };
        Ok(Self {
            driver: Stepper::new(clock, arrivals, office, hands),
            receiver,
            results,
        })
    }
}

fn told(exchange: Exchange, fact: Fact) -> Told {
    match fact {
        Fact::Reply(reply) => Told::Reply { exchange, reply },
        Fact::Event(event) => Told::Event {
            exchange,
            event: event.into(),
        },
        Fact::StreamEnded => Told::StreamEnded { exchange },
        Fact::Broke(how) => Told::Broke { exchange, how },
    }
}

fn receiver(
    secrets: Vec<Secret>,
    clock: Clock,
    epoch: u64,
    postbox: Postbox<Arrival>,
    open: OpenWebhooks,
) -> Receiver {
    let now = clock.clone();
    let civil = Rc::new(move || epoch + now.now().ticks() / 1_000_000);
    // Services that do not number their sendings are told apart by the order in which they come.
    let unnumbered = Cell::new(0_u16);
    let take = Rc::new(move |call: WebhookCall| {
        let webhook = call.webhook.clone();
        let send = webhook.send.unwrap_or_else(|| {
            unnumbered.set(unnumbered.get().wrapping_add(1));
            unnumbered.get()
        });
        let told = Told::Webhook {
            delivery: webhook.delivery.clone(),
            send,
            response: webhook.response,
            kind: webhook.kind.word().into(),
            genuine: webhook.genuine,
        };
        open.borrow_mut().insert((webhook.delivery, send), call);
        postbox.post(
            clock.now(),
            Arrival::Desk(job::Input {
                job: JobId::NONE,
                told,
            }),
        );
    });
    Receiver::new(secrets, civil, take)
}

impl<S: Seams, J: Journal> Outlet<Office<S, J>> for Hands {
    fn release(&mut self, _: SimTime, out: &mut Vec<Departure>) {
        // What is done inside the house arrives in the next tick, as everything else does.
        let next = self.clock.now();
        for departure in out.drain(..) {
            match departure {
                Departure::Said(input) => self.postbox.post(next, Arrival::Desk(input)),
                Departure::Wanted(action) => self.carry_out(next, action),
            }
        }
    }
}

impl Hands {
    fn carry_out(&self, next: SimTime, action: Action) {
        match action {
            Action::Send { exchange, ask } => self.client.send(exchange, ask),
            Action::Abort { exchange } => self.client.abort(exchange),
            Action::AnswerWebhook { delivery, send, http } => {
                if let Some(call) = self.webhooks.borrow_mut().remove(&(delivery, send)) {
                    call.answer(StatusCode::from_u16(http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
                }
            }
            Action::Store { job, digest, content } => {
                self.results.borrow_mut().insert(job, content);
                self.postbox.post(
                    next,
                    Arrival::Desk(job::Input {
                        job,
                        told: Told::Stored { digest },
                    }),
                );
            }
            Action::Outside { job, message } => {
                self.postbox
                    .post(next, Arrival::Outside(FromCore { job, message }));
            }
        }
    }
}
