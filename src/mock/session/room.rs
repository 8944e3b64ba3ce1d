//! A session as it runs: its service, its server, its record.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use super::bell::{Bell, Bells};
use super::observed::Observed;
use super::record::{LineSink, Record};
use super::sight::Sight;
use super::tally::Tally;
use crate::backend::{Bounds, Choice, Profile, Service, Setup, SwitchSet};
use crate::clock::{Clock, Pace, Stepper};
use crate::mock::server::{Carrier, Mock, MockOptions, Session};
use crate::mock::stock::Stock;
use crate::rng::{Law, Seed};
use crate::scenario::ServicePlan;
use crate::trace::Notes;
use crate::units::SimDuration;

/// The session of whoever names none.
pub(in crate::mock) const DEFAULT: &str = "default";

/// A session that runs.
#[derive(Debug)]
pub(in crate::mock) struct Room {
    pub(in crate::mock) mock: Mock,
    pub(in crate::mock) record: Arc<Record>,
    pub(in crate::mock) clock: Clock,
    pub(in crate::mock) setup: Arc<RoomSetup>,
    /// The Unix second in which its time began.
    pub(in crate::mock) epoch: u64,
    driver: AbortHandle,
    over: watch::Sender<bool>,
    /// The same for whoever looks at each of its requests.
    ended: AtomicBool,
    /// Those of the connections that visited it.
    bells: Bells,
}

/// What a session is made of.
#[derive(Debug)]
pub(in crate::mock) struct RoomSetup {
    pub(in crate::mock) plan: ServicePlan,
    /// The text that the plan was read from, if there is one.
    pub(in crate::mock) text: Option<Arc<str>>,
}

/// How long after its end a webhook leaves where nothing is said.
const WEBHOOK: Law = Law::Constant(SimDuration::from_millis(50));

/// What all sessions share.
pub(in crate::mock) struct Common<'a> {
    pub(in crate::mock) options: &'a MockOptions,
    pub(in crate::mock) sink: Option<&'a LineSink>,
    pub(in crate::mock) kept: usize,
    pub(in crate::mock) stored_max: u32,
    pub(in crate::mock) stored_bytes_max: u64,
    pub(in crate::mock) bounds: Bounds,
    /// What the server was started with, which all sessions share.
    pub(in crate::mock) base: &'a Arc<RoomSetup>,
    pub(in crate::mock) switches: &'a SwitchSet,
    pub(in crate::mock) bodies: &'a Arc<Semaphore>,
    pub(in crate::mock) stock: &'a Arc<Stock>,
    pub(in crate::mock) tally: &'a Arc<Tally>,
}

impl Room {
    /// Opens a session; has to be called on the runtime.
    ///
    /// - `clock`: one of its own, at the start of time.
    /// - `epoch`: the Unix second that this is; that of the plan if there is none.
    pub(in crate::mock) fn open(
        name: &Arc<str>,
        setup: Arc<RoomSetup>,
        clock: Clock,
        epoch: Option<u64>,
        common: &Common<'_>,
    ) -> Arc<Self> {
        let plan = &setup.plan;
        let epoch = epoch.unwrap_or(plan.profile.epoch);
        let seed = match &**name {
            DEFAULT => common.options.seed,
            name => seed_of(common.options.seed, name),
        };
        let mut profile = Profile {
            epoch,
            webhook: common
                .options
                .webhook
                .as_ref()
                .map(|_| plan.webhook.unwrap_or(WEBHOOK)),
            // Where time is moved by hand, an exchange takes none.
            latency: match clock.pace() {
                Pace::Manual => Law::Constant(SimDuration::ZERO),
                Pace::Real(_) | Pace::Virtual => plan.profile.latency,
            },
            ..plan.profile.clone()
        };
        let contract = &mut profile.contract;
        contract.kept_max = contract.kept_max.min(common.stored_max);
        contract.kept_bytes_max = contract.kept_bytes_max.min(common.stored_bytes_max);
        contract.bounds = common.bounds;
        common.switches.apply(&mut contract.switches);
        let faults = plan.fault_plan(seed);
        let options = MockOptions {
            streaming: profile.streaming,
            headers: faults
                .header_rules()
                .iter()
                .cloned()
                .chain(Choice::headers(&profile.choices))
                .collect(),
            seed,
            seen_max: 0,
            ..common.options.clone().of(&profile.contract)
        };
        let choices = Arc::clone(&profile.choices);
        let sight = Sight::new(
            (faults.clone(), choices),
            epoch,
            common.kept,
            Arc::clone(common.tally),
        );
        let record = Record::new(Arc::clone(name), clock.clone(), sight, common.sink.cloned());
        let record = Arc::new(record);
        let service = Service::new(Setup {
            profile,
            scripts: Arc::from([]),
            plan: faults,
            seed,
            notes: Notes::kept(),
        });
        let loaded = match Arc::ptr_eq(&setup, common.base) {
            true => 0,
            false => setup.text.as_ref().map_or(0, |text| text.len()),
        };
        let share = common.stock.share(loaded as u64);
        let core = Observed {
            service,
            record: Arc::clone(&record),
            share: Arc::clone(&share),
        };
        let (mock, driver) = Mock::recorded(
            core,
            clock.clone(),
            options,
            Session {
                record: Arc::clone(&record),
                epoch,
                share: Arc::clone(&share),
            },
            Arc::clone(common.bodies),
        );
        share.belongs_to(&mock.0);
        let driver = tokio::spawn(drive(driver, clock.clone())).abort_handle();
        Arc::new(Self {
            mock,
            record,
            clock,
            setup,
            epoch,
            driver,
            over: watch::Sender::new(false),
            ended: AtomicBool::new(false),
            bells: Bells::default(),
        })
    }

    /// Ends it: whoever waits for a reply is told so, and streams break off.
    pub(in crate::mock) fn close(&self) {
        self.driver.abort();
        self.record.end();
        self.ended.store(true, Ordering::Release);
        self.over.send_replace(true);
        self.bells.ring();
        self.mock.0.book().hang_up();
    }

    /// Lets a bell ring when it ends.
    pub(in crate::mock) fn ring(&self, bell: &Arc<Bell>) {
        self.bells.add(bell);
    }

    /// Whether it has ended.
    pub(in crate::mock) fn is_over(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Waits until it has ended.
    pub(in crate::mock) async fn over(&self) {
        let mut over = self.over.subscribe();
        // The sender lives as long as the room, so waiting cannot fail.
        let _ = over.wait_for(|over| *over).await;
    }

    /// Waits until everything that is due by now was done. What runs on the same thread gets its turns meanwhile.
    pub(in crate::mock) async fn settle(&self) {
        loop {
            tokio::task::yield_now().await;
            let due = self.record.sight().due;
            if self.is_over() || due.is_none_or(|due| due > self.clock.now()) {
                return;
            }
        }
    }
}

/// How much time goes by without a hand: as much as an exchange takes, and not as much as anything that a script says.
const BY_ITSELF: SimDuration = SimDuration::from_millis(1);

/// Drives a session. Where time is moved by hand, what takes effect in the next ticks needs no hand: replies leave.
async fn drive(mut driver: Stepper<Observed, Carrier>, clock: Clock) {
    use crate::clock::Core;
    loop {
        driver.step().await;
        let Some(due) = driver.core().next_deadline() else {
            continue;
        };
        let left = due.since(clock.now());
        if clock.pace() == Pace::Manual && left <= BY_ITSELF {
            clock.advance(left);
        }
    }
}

/// The seed of a session with a name of its own, so that its ids are its own.
fn seed_of(seed: Seed, session: &str) -> Seed {
    use crate::rng::Purpose;
    let letters = session.bytes();
    let Seed(mut bits) = seed;
    for (letter, place) in letters.zip(0_u64..) {
        bits = Seed(bits).bits(Purpose::Id, u64::from(letter), place);
    }
    Seed(bits)
}
