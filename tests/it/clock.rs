//! Clocks, and the driver that steps a core by them.

use std::cell::RefCell;
use std::rc::Rc;

use lanebench::clock::{BatchLog, Clock, Core, Inbox, Logged, Outlet, Pace, Stepper, TimeScale, inbox, run};
use lanebench::units::{SimDuration, SimTime};

const fn at(ticks: u64) -> SimTime {
    SimTime::from_ticks(ticks)
}

/// A core that notes its steps; a number it is told is the tick at which it wants to be stepped again.
#[derive(Default)]
struct Alarm {
    alarms: std::collections::BTreeSet<SimTime>,
}

impl Core for Alarm {
    type Input = u64;
    type Output = String;

    fn next_deadline(&self) -> Option<SimTime> {
        self.alarms.first().copied()
    }

    fn step(&mut self, now: SimTime, batch: &mut Vec<u64>, out: &mut Vec<String>) {
        batch.sort_unstable();
        out.push(format!("{now:?} {batch:?}").replace("SimTime", ""));
        self.alarms
            .extend(batch.drain(..).filter(|ticks| *ticks > 0).map(at));
        self.alarms = self.alarms.split_off(&now.next());
    }
}

#[derive(Clone)]
struct Notes {
    clock: Clock,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Outlet<Alarm> for Notes {
    fn release(&mut self, _: SimTime, out: &mut Vec<String>) {
        let now = self.clock.now().ticks();
        let lines = out.drain(..).map(|line| format!("{line} released {now}"));
        self.lines.borrow_mut().extend(lines);
    }
}

fn alarm(clock: Clock, inbox: Inbox<u64>) -> (Stepper<Alarm, Notes>, Rc<RefCell<Vec<String>>>) {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let notes = Notes {
        clock: clock.clone(),
        lines: Rc::clone(&lines),
    };
    (Stepper::new(clock, inbox, Alarm::default(), notes), lines)
}

#[test]
fn virtual_time_is_exact_and_reaches_the_cap() {
    run(Pace::Virtual, |clock| async move {
        assert_eq!(clock.now(), SimTime::START);
        for ticks in [1, 2, 999, 1_000, 1_001, 3_600_000_000, SimTime::CAP.ticks()] {
            clock.sleep_until(at(ticks)).await;
            assert_eq!(clock.now(), at(ticks));
        }
        clock.sleep_until(at(7)).await;
        assert_eq!(clock.now(), SimTime::CAP);
    })
    .unwrap();
}

#[test]
fn real_time_never_wakes_early_and_follows_its_scale() {
    run(Pace::Real("1000".parse().unwrap()), |clock| async move {
        let real = std::time::Instant::now();
        clock.sleep_until(at(20_000_000)).await;
        assert!(clock.now() >= at(20_000_000));
        assert!(real.elapsed() >= std::time::Duration::from_millis(19));
    })
    .unwrap();
}

#[test]
fn a_batch_is_stepped_once_its_tick_is_over() {
    run(Pace::Virtual, |clock| async move {
        let (postbox, inbox) = inbox();
        let (mut stepper, lines) = alarm(clock.clone(), inbox);
        // Two senders in one tick, in either order of arrival, and one that is due together with an alarm.
        for (ticks, values) in [(5, vec![40]), (5, vec![20]), (20, vec![0]), (21, vec![0])] {
            let (postbox, clock) = (postbox.clone(), clock.clone());
            tokio::spawn(async move {
                clock.sleep_until(at(ticks)).await;
                for value in values {
                    postbox.post(clock.now(), value);
                }
            });
        }
        for _ in 0..4 {
            stepper.step().await;
        }
        assert_eq!(
            *lines.borrow(),
            [
                "(5) [20, 40] released 6",
                "(20) [0] released 21",
                "(21) [0] released 22",
                "(40) [] released 41",
            ]
        );
    })
    .unwrap();
}

#[test]
fn an_answer_within_the_release_is_of_the_next_tick() {
    /// Feeds everything that is released back at once, as a peer without latency would.
    struct Echo(Clock, lanebench::clock::Postbox<u64>);
    impl Outlet<Alarm> for Echo {
        fn release(&mut self, _: SimTime, out: &mut Vec<String>) {
            out.clear();
            self.1.post(self.0.now(), 0);
        }
    }
    run(Pace::Virtual, |clock| async move {
        let (postbox, inbox) = inbox();
        postbox.post(clock.now(), 0);
        let mut stepper = Stepper::new(clock.clone(), inbox, Alarm::default(), Echo(clock, postbox));
        for tick in 0..100 {
            assert_eq!(stepper.step().await.at, at(tick));
        }
    })
    .unwrap();
}

#[test]
fn a_step_that_was_given_up_loses_nothing() {
    run(Pace::Virtual, |clock| async move {
        let (postbox, inbox) = inbox();
        let (mut stepper, lines) = alarm(clock.clone(), inbox);
        for _ in 0..10 {
            postbox.post(clock.now(), 0);
            tokio::select! {
                biased;
                stepped = stepper.step() => panic!("{stepped:?}"),
                () = std::future::ready(()) => {}
            }
        }
        let stepped = stepper.step().await;
        assert_eq!((stepped.at, stepped.inputs), (at(0), 10));
        assert_eq!(lines.borrow().len(), 1);
    })
    .unwrap();
}

#[test]
fn real_steps_come_at_once_rise_and_replay_from_their_log() {
    let log = BatchLog::default();
    let kept = log.clone();
    let lines = run(Pace::Real(TimeScale::ONE), |clock| async move {
        let (postbox, inbox) = inbox();
        let lines = Rc::new(RefCell::new(Vec::new()));
        let outlet = Notes {
            clock: clock.clone(),
            lines: Rc::clone(&lines),
        };
        let mut stepper = Stepper::new(clock.clone(), inbox, Alarm::default(), Logged { outlet, log });
        let mut last = None;
        for round in 0..50 {
            postbox.post(clock.now(), clock.now().ticks() + 200 * (round % 3));
            let stepped = stepper.step().await;
            assert!(last < Some(stepped.at));
            last = Some(stepped.at);
        }
        lines.take()
    })
    .unwrap();
    let (mut core, mut out) = (Alarm::default(), Vec::new());
    for (tick, mut batch) in kept.take() {
        core.step(tick, &mut batch, &mut out);
    }
    let seen: Vec<&str> = lines
        .iter()
        .map(|line| line.split(" released").next().unwrap())
        .collect();
    assert_eq!(out, seen);
    assert_eq!(out.len(), 50);
}

#[test]
fn scales_are_read_and_written() {
    for (text, shown) in [
        ("1", "1"),
        ("10", "10"),
        ("0.5", "0.5"),
        ("2.250", "2.25"),
        ("0.001", "0.001"),
    ] {
        assert_eq!(text.parse::<TimeScale>().unwrap().to_string(), shown);
    }
    for text in [
        "",
        "0",
        "0.0",
        "-1",
        "1.",
        ".5",
        "1.2345",
        "1e3",
        "4294968",
        "99999999999",
        "x",
        "1000000.001",
    ] {
        let error = text.parse::<TimeScale>().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("`{text}` is no time scale")),
            "{error}"
        );
    }
}

#[test]
fn a_manual_clock_moves_when_it_is_moved_and_steps_every_deadline_on_its_way() {
    run(Pace::Manual, |clock| async move {
        let (postbox, inbox) = inbox();
        let (mut stepper, lines) = alarm(clock.clone(), inbox);
        for alarm in [3_000_000, 1_000_000, 9_000_000] {
            postbox.post(clock.now(), alarm);
        }
        assert_eq!(stepper.step().await.at, at(0));
        let hands = clock.clone();
        let later = tokio::spawn(async move { hands.sleep_until(at(5_000_000)).await });
        tokio::select! {
            biased;
            stepped = stepper.step() => panic!("{stepped:?}"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(clock.advance(SimDuration::from_secs(5)), at(5_000_000));
        assert_eq!(stepper.step().await.at, at(1_000_000));
        assert_eq!(stepper.step().await.at, at(3_000_000));
        later.await.unwrap();
        assert_eq!(stepper.next_due(), Some(at(9_000_000)));
        assert_eq!(lines.borrow().len(), 3);
    })
    .unwrap();
}

#[test]
fn a_real_clock_can_be_moved_ahead() {
    run(Pace::Real(TimeScale::ONE), |clock| async move {
        let hour = SimDuration::from_secs(3_600);
        let waits = clock.clone();
        let waiting = tokio::spawn(async move { waits.sleep_until(SimTime::START + hour).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert!(clock.advance(hour) >= SimTime::START + hour);
        waiting.await.unwrap();
    })
    .unwrap();
}

#[test]
fn nobody_moves_virtual_time() {
    run(Pace::Virtual, |clock| async move {
        assert_eq!(clock.advance(SimDuration::from_secs(5)), SimTime::START);
    })
    .unwrap();
}
