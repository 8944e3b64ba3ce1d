//! Plays statements, honest and breached.

use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;

use lanebench::clock::Pace;
use lanebench::sabotage::contract::{Breach, breaches};
use lanebench::units::SimDuration;

use super::bench::Bench;
use super::{background, basics, faults, parents, streams, tools, webhooks};

/// What a statement found: nothing, or what does not hold.
pub(super) type Verdict = Result<(), String>;

/// A check in progress.
pub(super) type Checking<'a> = Pin<Box<dyn Future<Output = Verdict> + 'a>>;

/// A statement of the contract.
#[derive(Clone, Copy)]
pub(super) struct Statement {
    pub(super) number: u8,
    pub(super) name: &'static str,
    pub(super) check: for<'a> fn(&'a Bench) -> Checking<'a>,
}

/// Declares the statements of a file: a list for the table and one test for each.
macro_rules! statements {
    ($($number:literal $name:ident),* $(,)?) => {
        pub(super) const LIST: &[$crate::contract::table::Statement] = &[$(
            $crate::contract::table::Statement {
                number: $number,
                name: stringify!($name),
                check: |bench| Box::pin($name(bench)),
            },
        )*];

        mod named {
            $(
                #[test]
                fn $name() {
                    $crate::contract::table::judge($number);
                }
            )*
        }
    };
}
pub(super) use statements;

/// Every statement.
fn all() -> impl Iterator<Item = &'static Statement> {
    let groups: [&'static [Statement]; 7] = [
        basics::LIST,
        background::LIST,
        streams::LIST,
        webhooks::LIST,
        parents::LIST,
        faults::LIST,
        tools::LIST,
    ];
    groups.into_iter().flatten()
}

/// The statement holds, and each of its breaches breaks it and nothing that the breach does not list.
#[track_caller]
pub(super) fn judge(number: u8) {
    let statement = all().find(|one| one.number == number).unwrap();
    if let Err(why) = play(statement, None) {
        panic!("{} does not hold: {why}", statement.name);
    }
    let mut shown = 0;
    for breach in breaches().filter(|breach| breach.breaks == number) {
        shown += 1;
        judge_breach(breach);
    }
    assert!(shown > 0, "no breach shows that {} can fail", statement.name);
}

#[track_caller]
fn judge_breach(breach: &'static Breach) {
    let mut wrong = String::new();
    for statement in all() {
        let expected = statement.number == breach.breaks || breach.also.contains(&statement.number);
        let verdict = play(statement, Some(breach));
        match verdict {
            Ok(()) if expected => writeln!(wrong, "{} holds", statement.name).unwrap(),
            Err(why) if !expected => writeln!(wrong, "{} fails: {why}", statement.name).unwrap(),
            Ok(()) | Err(_) => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "under `{}` ({}):\n{wrong}",
        breach.name,
        breach.what
    );
}

/// Longer than any check waits: ten simulated hours.
const PATIENCE: SimDuration = SimDuration::from_millis(36_000_000);

fn play(statement: &Statement, breach: Option<&'static Breach>) -> Verdict {
    let played = lanebench::clock::run(Pace::Virtual, |clock| async move {
        let bench = Bench::new(clock.clone(), breach);
        tokio::select! {
            biased;
            checked = (statement.check)(&bench) => checked,
            () = clock.sleep_until(clock.now() + PATIENCE) => {
                Err("the check waits for something that never comes".to_owned())
            }
        }
    });
    played.unwrap()
}

#[test]
fn every_statement_is_there_once_and_no_breach_is_without_its_statement() {
    let mut numbers: Vec<u8> = all().map(|one| one.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=58).collect::<Vec<u8>>());
    for statement in all() {
        let prefix = format!("s{:02}_", statement.number);
        assert!(statement.name.starts_with(&prefix), "{}", statement.name);
    }
    for breach in breaches() {
        let known = |number: &u8| numbers.contains(number);
        assert!(
            known(&breach.breaks) && breach.also.iter().all(known),
            "{}",
            breach.name
        );
    }
}
