//! Judging a client by the rules.

use std::collections::{BTreeMap, BTreeSet};

use super::exchange::{ClientAsk, ClientExchange};
use super::rule::ClientRule;
use crate::units::{SimDuration, SimTime};
use crate::wire::{ResponseId, Status};

/// What is said about one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientJudgement {
    /// The rule.
    pub rule: ClientRule,
    /// What was found out.
    pub verdict: ClientVerdict,
}

/// What was found out about a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientVerdict {
    /// It held wherever it was put to the test.
    Held {
        /// How often.
        exercised: u64,
    },
    /// Nothing put it to the test. This is no pass.
    NotExercised,
    /// It was broken.
    Broken {
        /// Each time, in the order in which they showed.
        findings: Vec<ClientFinding>,
    },
}

/// One time that a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFinding {
    /// What happened, in one line.
    pub what: String,
    /// The requests that show it, by their numbers.
    pub requests: Vec<u64>,
}

/// Judges a client by every rule.
///
/// - `exchanges`: in the order of arrival.
/// - `now`: until when nothing else happened; decides what counts as abandoned.
/// - returns: one judgement a rule, in the order of [`ClientRule::ALL`].
///
/// ```
/// use lanebench::check::{ClientAnswer, ClientAsk, ClientExchange, ClientVerdict, End, judge_client};
/// use lanebench::units::{SimDuration, SimTime};
///
/// let create = |no, at, http| ClientExchange {
///     no,
///     at: SimTime::START + SimDuration::from_millis(at),
///     ask: ClientAsk::Create { fingerprint: 7 },
///     outputs: Vec::new(),
///     end: End::Answered(ClientAnswer {
///         at: SimTime::START + SimDuration::from_millis(at),
///         http,
///         wait: (http == 429).then_some(SimDuration::from_secs(7)),
///         ..ClientAnswer::default()
///     }),
/// };
/// let hasty = [create(1, 0, 429), create(2, 500, 200)];
/// let judged = judge_client(&hasty, SimTime::from_ticks(1_000_000));
/// assert!(matches!(&judged[0].verdict, ClientVerdict::Broken { findings } if findings[0].requests == [1, 2]));
/// ```
#[must_use]
pub fn judge_client(exchanges: &[ClientExchange], now: SimTime) -> Vec<ClientJudgement> {
    let mut bench = Bench::default();
    for chain in chains(exchanges) {
        judge_retries(&chain, &mut bench);
    }
    judge_storm(exchanges, &mut bench);
    judge_reads(exchanges, now, &mut bench);
    judge_creates(exchanges, &mut bench);
    judge_outputs(exchanges, &mut bench);
    ClientRule::ALL
        .into_iter()
        .map(|rule| ClientJudgement {
            rule,
            verdict: bench.verdict(rule),
        })
        .collect()
}

/// What was found so far.
#[derive(Default)]
struct Bench {
    exercised: BTreeMap<ClientRule, u64>,
    findings: BTreeMap<ClientRule, Vec<ClientFinding>>,
}

/// Whether a rule was kept in one place, or how it was not.
type Kept = Result<(), ClientFinding>;

impl Bench {
    fn note(&mut self, rule: ClientRule, kept: Kept) {
        *self.exercised.entry(rule).or_default() += 1;
        if let Err(finding) = kept {
            self.findings.entry(rule).or_default().push(finding);
        }
    }

    fn verdict(&mut self, rule: ClientRule) -> ClientVerdict {
        match (self.findings.remove(&rule), self.exercised.get(&rule)) {
            (Some(findings), _) => ClientVerdict::Broken { findings },
            (None, Some(&exercised)) => ClientVerdict::Held { exercised },
            (None, None) => ClientVerdict::NotExercised,
        }
    }
}

fn kept(holds: bool, requests: &[u64], what: impl FnOnce() -> String) -> Kept {
    match holds {
        true => Ok(()),
        false => Err(ClientFinding {
            what: what(),
            requests: requests.to_vec(),
        }),
    }
}

/// A failed exchange and everything of the same ask behind it, up to the first that did not fail.
type Chain<'a> = Vec<&'a ClientExchange>;

/// All chains of an ask and its retries; an ask that was never tried again is none.
///
/// A request that arrived before the one in front of it ended belongs to somebody else who asks the same.
fn chains(exchanges: &[ClientExchange]) -> Vec<Chain<'_>> {
    let mut open: BTreeMap<&ClientAsk, Chain<'_>> = BTreeMap::new();
    let mut done = Vec::new();
    for exchange in exchanges {
        let chain = open.entry(&exchange.ask).or_default();
        let follows = chain
            .last()
            .is_some_and(|last| last.failed() && last.ended().is_some_and(|ended| ended <= exchange.at));
        if !follows && !chain.is_empty() {
            done.push(std::mem::take(chain));
        }
        chain.push(exchange);
    }
    done.extend(open.into_values());
    done.retain(|chain| chain.len() > 1 || chain[0].is_final());
    done.sort_by_key(|chain| chain[0].no);
    done
}

/// Retries beyond which an ask counts as retried without end.
const RETRIES_MAX: usize = 10;

/// Gaps that have to be there before their shape is judged: fewer may look even by chance.
const SHAPE_MIN: usize = 4;

fn judge_retries(chain: &Chain<'_>, bench: &mut Bench) {
    for pair in chain.windows(2) {
        let [first, next] = pair else { continue };
        let told = first.answer().and_then(|answer| answer.wait);
        if let (Some(wait), Some(ended)) = (told, first.ended()) {
            let gap = next.at.since(ended);
            let holds = gap >= wait;
            bench.note(
                ClientRule::ToldWait,
                kept(holds, &[first.no, next.no], || {
                    format!("told to wait {wait}, it asked again after {gap}")
                }),
            );
        }
    }
    for (place, exchange) in chain.iter().enumerate().filter(|(_, one)| one.is_final()) {
        let again = chain.get(place + 1);
        let requests: Vec<u64> = [Some(exchange), again]
            .into_iter()
            .flatten()
            .map(|one| one.no)
            .collect();
        let http = exchange.answer().map_or(0, |answer| answer.http);
        bench.note(
            ClientRule::Final,
            kept(again.is_none(), &requests, || {
                format!("refused for good with {http}, it asked again")
            }),
        );
    }
    if chain.len() < 2 {
        return;
    }
    let numbers: Vec<u64> = chain.iter().map(|one| one.no).collect();
    let retries = chain.len() - 1;
    bench.note(
        ClientRule::Bounded,
        kept(retries <= RETRIES_MAX, &numbers, || {
            format!("it asked the same {retries} times again")
        }),
    );
    judge_shape(chain, &numbers, bench);
}

/// Judges the gaps that the client chose by itself.
fn judge_shape(chain: &Chain<'_>, numbers: &[u64], bench: &mut Bench) {
    let own = |pair: &[&ClientExchange]| match pair {
        [first, next] if first.answer().is_none_or(|answer| answer.wait.is_none()) => {
            first.ended().map(|ended| next.at.since(ended).ticks())
        }
        _ => None,
    };
    let gaps: Vec<u64> = chain.windows(2).filter_map(own).collect();
    if gaps.len() < SHAPE_MIN {
        return;
    }
    let least = gaps.iter().min().copied().unwrap_or_default();
    let most = gaps.iter().max().copied().unwrap_or_default();
    // With growth or jitter the longest of four gaps is well above the shortest.
    let holds = most > least.saturating_add(least / 2);
    bench.note(
        ClientRule::BackOff,
        kept(holds, numbers, || {
            let [least, most] = [least, most].map(SimDuration::from_ticks);
            format!("{} retries all came {least} to {most} apart", gaps.len())
        }),
    );
}

/// The most retries in a second.
const STORM_MAX: usize = 10;

fn judge_storm(exchanges: &[ClientExchange], bench: &mut Bench) {
    let mut retries: Vec<&ClientExchange> = chains(exchanges)
        .iter()
        .flat_map(|chain| chain[1..].to_vec())
        .collect();
    retries.sort_by_key(|one| one.no);
    if retries.is_empty() {
        return;
    }
    let mut first = 0;
    let mut worst: &[&ClientExchange] = &[];
    for last in 0..retries.len() {
        while retries[last].at.since(retries[first].at) >= SimDuration::from_secs(1) {
            first += 1;
        }
        if last + 1 - first > worst.len() {
            worst = &retries[first..=last];
        }
    }
    let numbers: Vec<u64> = worst.iter().map(|one| one.no).collect();
    bench.note(
        ClientRule::Storm,
        kept(worst.len() <= STORM_MAX, &numbers, || {
            format!("{} retries came within one second", worst.len())
        }),
    );
}

/// The shortest distance between two polls.
const POLL_DISTANCE: SimDuration = SimDuration::from_millis(500);

/// How long an open response may go without being followed before it counts as abandoned: four times the longest
/// wait between polls that is usual.
const ABANDONED_AFTER: SimDuration = SimDuration::from_secs(60);

/// What a client knows about a response.
#[derive(Default)]
struct Known<'a> {
    /// The last poll, with what it showed.
    polled: Option<&'a ClientExchange>,
    /// The exchange that showed the end.
    end: Option<u64>,
    /// Polls behind that one.
    after_end: Vec<u64>,
    /// The last request about it.
    touched: Option<(u64, SimTime)>,
    /// Whether the client asked for its end, or lets the service forget it.
    let_go: bool,
    /// Whether it was shown as open and runs on without a connection.
    open: bool,
}

fn judge_reads(exchanges: &[ClientExchange], now: SimTime, bench: &mut Bench) {
    let mut known: BTreeMap<&ResponseId, Known<'_>> = BTreeMap::new();
    for exchange in exchanges {
        let Some(id) = exchange.ask.response().or_else(|| exchange.made()) else {
            continue;
        };
        let one = known.entry(id).or_default();
        if matches!(exchange.ask, ClientAsk::Poll(_)) {
            judge_poll(exchange, one, bench);
        }
        let shown = exchange.answer().and_then(|answer| answer.status.as_ref());
        match shown.map(Status::is_open) {
            Some(true) => one.open = one.end.is_none(),
            Some(false) => {
                one.open = false;
                one.end = one.end.or(Some(exchange.no));
            }
            None => {}
        }
        one.let_go |= matches!(exchange.ask, ClientAsk::Cancel(_) | ClientAsk::Delete(_));
        // Whoever still waits for a reply follows the response all the time.
        one.touched = Some((exchange.no, exchange.ended().unwrap_or(now)));
    }
    for (id, one) in known {
        if let Some(end) = one.end {
            let mut requests = vec![end];
            requests.extend(&one.after_end);
            bench.note(
                ClientRule::PollAfterEnd,
                kept(one.after_end.len() <= 1, &requests, || {
                    format!("{id} had ended and was polled {} times more", one.after_end.len())
                }),
            );
        }
        if let Some((no, at)) = one.touched
            && (one.open || one.let_go)
        {
            let gone = now.since(at);
            bench.note(
                ClientRule::Abandon,
                kept(one.let_go || gone <= ABANDONED_AFTER, &[no], || {
                    format!("{id} was open when last seen, and nobody asked for it for {gone}")
                }),
            );
        }
    }
}

fn judge_poll<'a>(exchange: &'a ClientExchange, one: &mut Known<'a>, bench: &mut Bench) {
    if one.end.is_some() {
        one.after_end.push(exchange.no);
    } else if let Some(last) = one.polled
        && last.answer().is_some_and(|answer| answer.http < 400)
    {
        let gap = exchange.at.since(last.at);
        bench.note(
            ClientRule::PollDistance,
            kept(gap >= POLL_DISTANCE, &[last.no, exchange.no], || {
                format!("two polls of an open response were {gap} apart")
            }),
        );
    }
    one.polled = Some(exchange);
}

/// Creates with the same body, one behind the other, count as one ask: the first one broke or failed, and yet made a
/// response.
fn judge_creates(exchanges: &[ClientExchange], bench: &mut Bench) {
    let creates = |chain: &Chain<'_>| matches!(chain[0].ask, ClientAsk::Create { .. });
    for chain in chains(exchanges)
        .iter()
        .filter(|chain| creates(chain) && chain.len() > 1)
    {
        let made: Vec<&ClientExchange> = chain.iter().copied().filter(|one| one.made().is_some()).collect();
        let numbers: Vec<u64> = made.iter().map(|one| one.no).collect();
        bench.note(
            ClientRule::OneResponse,
            kept(made.len() <= 1, &numbers, || {
                let ids: BTreeSet<String> = made
                    .iter()
                    .filter_map(|one| one.made())
                    .map(ToString::to_string)
                    .collect();
                let ids: Vec<String> = ids.into_iter().collect();
                format!("one ask made {} responses: {}", made.len(), ids.join(", "))
            }),
        );
    }
}

fn judge_outputs(exchanges: &[ClientExchange], bench: &mut Bench) {
    for (place, exchange) in exchanges.iter().enumerate() {
        let calls = exchange.answer().map_or(&[][..], |answer| &answer.cut_calls);
        for call in calls {
            let answers = |later: &&ClientExchange| later.outputs.contains(call);
            let executed = exchanges[place + 1..].iter().find(answers);
            let requests: Vec<u64> = [Some(exchange), executed]
                .into_iter()
                .flatten()
                .map(|one| one.no)
                .collect();
            bench.note(
                ClientRule::CutCall,
                kept(executed.is_none(), &requests, || {
                    format!("the output of {call} was sent, whose arguments had been cut off")
                }),
            );
        }
    }
}
