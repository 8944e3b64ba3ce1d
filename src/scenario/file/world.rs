//! Lanes, the model service, and where a run is cut off.
//!
//! | key of a lane | value | default |
//! |---|---|---|
//! | `capacity` | jobs that may hold a place at once | 100 |
//! | `waiting` | jobs that may wait for one | 10000 |
//! | `budget` | retries that may be paid from the start | 100 |
//! | `jobs_per_retry` | admitted jobs that pay for one more retry; 0: none are added | 10 |
//!
//! | key of `shared`, beside the lanes | value | default |
//! |---|---|---|
//! | `capacity` | jobs that may hold a place at once, in whatever lane | required |
//! | `order` | the lane that gets a place first, the second, the third | `[interactive, approval, background]` |
//!
//! | key of `backend` | value | default |
//! |---|---|---|
//! | `latency` | how long any exchange takes, a law | `50ms` |
//! | `limiter` | `{ burst: 5, refill: 1s }`: a rate limit that all creates share; or `none` | `none` |
//! | `retention` | how long an ended response can be read | `10m` |
//! | `resume_window` | how long after its creation a stream can be resumed; `{ of_event: 10m }`: a cursor, while the event behind it is no older; `none`: always | `5m` |
//! | `streaming` | how streams behave where the contract leaves it open, see below | |
//! | `webhook` | how long after its end a response's webhook leaves, a law; or `none` | `200ms` where a task follows by webhook, otherwise `none` |
//! | `webhook_retries` | the gaps between sendings that are not answered | `[5s, 30s, 2m, 10m]` |
//! | `tokens_per_delta` | tokens per event of a streamed text | 16 |
//! | `tier` | the service tier served where none is asked for | `default` |
//! | `tiers` | by name, how a tier differs: `{ queued, takes, limiter }`: background responses stay queued by this law longer, steps take so many times as long, and it has a rate limit of its own | none differs |
//! | `epoch` | Unix seconds at the start of the run | 1767225600 |
//! | `switches`, `models`, `accounts` and more | how it reads its contract: see [`super::contract`] | |
//! | `script` | the script of every task that has none of its own | that of the kind |
//!
//! | key of `streaming` | value | default |
//! |---|---|---|
//! | `keepalive` | a reader gets a `keepalive` behind so much silence; or `none` | `none` |
//! | `padding` | which streams pad their deltas: `foreground` or `every` | `foreground` |
//! | `gaps` | how likely numbers are left out before an event, such as `10%`; or `none` | `none` |
//! | `failed` | how a failed stream ends: `both`, `failed_only` or `error_only` | `both` |
//! | `error` | how an `error` event is written: `nested` or `flat` | `nested` |
//! | `cancelled` | how a cancelled stream ends: `failed` or `silent` | `failed` |

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::{
    CancelledEnd, FailedEnd, Limiter, Padding, Profile, ResumeWindow, Streaming, TIERS, TierSpec,
};
use crate::job::{LaneSpec, SharedCapacity};
use crate::rng::Law;
use crate::scenario::decode::{decimal, duration, integer, keyed, list, map, probability, words};
use crate::scenario::kinds::value::{law, name, named, positive};
use crate::scenario::kinds::{ScriptDraft, defaults, script};
use crate::scenario::{Diagnostic, Diagnostics, Key, Node, NodeKind, Span, quoted, suggest};
use crate::trace::LaneName;
use crate::units::{SimDuration, SimTime};
use crate::wire::ErrorShape;

use super::model::Ends;

/// What each lane allows, and what they share.
pub(super) type Lanes = (BTreeMap<LaneName, LaneSpec>, Option<SharedCapacity>);

/// Reads `lanes`; a lane that is not there has what is usual.
pub(super) fn lanes(node: Option<&Node>, out: &mut Diagnostics) -> Option<Lanes> {
    let usual = || LaneName::ALL.iter().map(|lane| (*lane, defaults::LANE)).collect();
    let Some(node) = node else {
        return Some((usual(), None));
    };
    let mut keys = map(node, out)?;
    let found = LaneName::ALL
        .iter()
        .map(|name| (*name, keys.or(name.word(), defaults::LANE, lane)));
    let found: Vec<(LaneName, Option<LaneSpec>)> = found.collect();
    let shared = keys.optional("shared", shared);
    keys.finish();
    let lanes: Option<_> = found
        .into_iter()
        .map(|(name, lane)| lane.map(|lane| (name, lane)))
        .collect();
    Some((lanes?, shared?))
}

fn shared(node: &Node, out: &mut Diagnostics) -> Option<SharedCapacity> {
    let usual = vec![LaneName::Interactive, LaneName::Approval, LaneName::Background];
    let mut keys = map(node, out)?;
    let capacity = keys.required("capacity", integer(1..=1_000_000));
    let order = keys.or("order", usual, order);
    keys.finish();
    Some(SharedCapacity {
        capacity: capacity?,
        order: <[LaneName; 3]>::try_from(order?).ok()?,
    })
}

/// Every lane, once.
fn order(node: &Node, out: &mut Diagnostics) -> Option<Vec<LaneName>> {
    let order = list(named("lane", LaneName::ALL, LaneName::word))(node, out)?;
    let each = LaneName::ALL.iter().all(|lane| order.contains(lane));
    if !each || order.len() != LaneName::ALL.len() {
        let error = Diagnostic::error("the order names every lane once");
        out.push(
            error
                .at(node.header, "")
                .help("for example `[interactive, approval, background]`"),
        );
        return None;
    }
    Some(order)
}

fn lane(node: &Node, out: &mut Diagnostics) -> Option<LaneSpec> {
    let usual = defaults::LANE;
    let mut keys = map(node, out)?;
    let capacity = keys.or("capacity", usual.capacity, integer(1..=1_000_000));
    let waiting = keys.or("waiting", usual.waiting, integer(0..=1_000_000));
    let budget = keys.or("budget", usual.budget, integer(0..=1_000_000));
    let jobs_per_retry = keys.or("jobs_per_retry", usual.jobs_per_retry, integer(0..=1_000_000));
    keys.finish();
    Some(LaneSpec {
        capacity: capacity?,
        waiting: waiting?,
        budget: budget?,
        jobs_per_retry: jobs_per_retry?,
    })
}

/// The model service as a scenario states it.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    /// Its profile; the webhook is settled once the tasks are known.
    pub(super) profile: Profile,
    /// What is said about webhooks.
    pub(super) webhook: Webhook,
    /// The script of the tasks that have none of their own.
    pub(super) script: Option<ScriptDraft>,
}

/// What is said about webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Webhook {
    /// Nothing: they are sent if a task follows by them.
    Unsaid,
    /// There are none.
    None,
    /// They leave so long after the end.
    After(Law),
}

/// Reads `backend`.
pub(super) fn backend(node: Option<&Node>, out: &mut Diagnostics) -> Option<Backend> {
    let usual = defaults::profile();
    let Some(node) = node else {
        return Some(Backend {
            profile: usual,
            webhook: Webhook::Unsaid,
            script: None,
        });
    };
    let mut keys = map(node, out)?;
    let latency = keys.or("latency", usual.latency, law);
    let limiter = keys.or("limiter", usual.limiter, limiter);
    let retention = keys.or("retention", usual.retention, duration);
    let resume_window = keys.or("resume_window", usual.resume_window, resume_window);
    let streaming = keys.or("streaming", usual.streaming, streaming);
    let webhook = keys.or("webhook", Webhook::Unsaid, webhook);
    let retries = keys.optional("webhook_retries", list(positive));
    let tokens_per_delta = keys.or("tokens_per_delta", usual.tokens_per_delta, integer(1..=100_000));
    let tier = keys.or("tier", usual.tier, name);
    let tiers = keys.or("tiers", Vec::new(), keyed(tier_spec));
    let epoch = keys.or("epoch", usual.epoch, integer(0..=253_402_300_799));
    let script = keys.optional("script", script);
    let contract = super::contract::contract(&mut keys);
    keys.finish();
    let script = script?;
    let profile = Profile {
        latency: latency?,
        limiter: limiter?,
        retention: retention?,
        resume_window: resume_window?,
        streaming: streaming?,
        webhook: None,
        webhook_retries: retries?.map_or(usual.webhook_retries, Into::into),
        tokens_per_delta: tokens_per_delta?,
        tier: tier?,
        tiers: tiers?.into(),
        epoch: epoch?,
        contract: contract?,
        script: script.as_ref().map_or(usual.script, |draft| draft.script.clone()),
        choices: usual.choices,
    };
    Some(Backend {
        profile,
        webhook: webhook?,
        script,
    })
}

/// The word for something that is not there.
const NONE: &str = "none";

/// A duration, `{ of_event: DURATION }`, or `none`.
fn resume_window(node: &Node, out: &mut Diagnostics) -> Option<ResumeWindow> {
    if node.text() == Some(NONE) {
        return Some(ResumeWindow::Open);
    }
    if !matches!(node.kind, NodeKind::Map(_)) {
        return duration(node, out).map(ResumeWindow::OfResponse);
    }
    let mut keys = map(node, out)?;
    let window = keys.required("of_event", duration);
    keys.finish();
    window.map(ResumeWindow::OfEvent)
}

/// A value, or none.
fn or_none<T>(
    read: impl Fn(&Node, &mut Diagnostics) -> Option<T>,
) -> impl Fn(&Node, &mut Diagnostics) -> Option<Option<T>> {
    move |node, out| match node.text() {
        Some(NONE) => Some(None),
        _ => read(node, out).map(Some),
    }
}

fn streaming(node: &Node, out: &mut Diagnostics) -> Option<Streaming> {
    let usual = Streaming::default();
    let padding = [("foreground", Padding::Foreground), ("every", Padding::Every)];
    let failed = [
        ("both", FailedEnd::Both),
        ("failed_only", FailedEnd::FailedOnly),
        ("error_only", FailedEnd::ErrorOnly),
    ];
    let error = [("nested", ErrorShape::Nested), ("flat", ErrorShape::Flat)];
    let cancelled = [("failed", CancelledEnd::Failed), ("silent", CancelledEnd::Silent)];
    let mut keys = map(node, out)?;
    let keepalive = keys.or("keepalive", usual.keepalive, or_none(positive));
    let padding = keys.or("padding", usual.padding, words("padding", &padding));
    let gaps = keys.or("gaps", usual.gaps, or_none(probability));
    let failed = keys.or("failed", usual.failed, words("end of a failed stream", &failed));
    let error = keys.or("error", usual.error, words("form of an error event", &error));
    let cancelled = keys.or(
        "cancelled",
        usual.cancelled,
        words("end of a cancelled stream", &cancelled),
    );
    keys.finish();
    Some(Streaming {
        keepalive: keepalive?,
        padding: padding?,
        gaps: gaps?,
        failed: failed?,
        error: error?,
        cancelled: cancelled?,
    })
}

fn limiter(node: &Node, out: &mut Diagnostics) -> Option<Option<Limiter>> {
    if node.text() == Some(NONE) {
        return Some(None);
    }
    let mut keys = map(node, out)?;
    let burst = keys.required("burst", integer(1..=1_000_000));
    let refill = keys.required("refill", positive);
    keys.finish();
    Some(Some(Limiter {
        burst: burst?,
        refill: refill?,
    }))
}

fn tier_spec(key: &Key, node: &Node, out: &mut Diagnostics) -> Option<(Arc<str>, TierSpec)> {
    let mut keys = map(node, out)?;
    let queued = keys.or("queued", Law::ZERO, law);
    let takes = keys.or("takes", 1.0, decimal(0.01..=1_000.0));
    let limiter = keys.or("limiter", None, limiter);
    keys.finish();
    if !TIERS.contains(&key.text.as_str()) {
        let error = Diagnostic::error(format!("unknown service tier {}", quoted(&key.text)));
        out.push(error.at(key.span, "").help(suggest(&key.text, "tiers", &TIERS)));
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded above"
    )]
    let takes = libm::round(takes? * 1_000.0) as u32;
    let spec = TierSpec {
        queued: queued?,
        takes,
        limiter: limiter?,
    };
    Some((Arc::from(key.text.as_str()), spec))
}

fn webhook(node: &Node, out: &mut Diagnostics) -> Option<Webhook> {
    match node.text() {
        Some(NONE) => Some(Webhook::None),
        _ => law(node, out).map(Webhook::After),
    }
}

/// Reads `ends`: `{ at: 2h, steps: 100000 }`.
pub(super) fn ends(node: &Node, out: &mut Diagnostics) -> Option<Ends> {
    let usual = defaults::ENDS;
    let mut keys = map(node, out)?;
    let at = keys.or("at", usual.at, |node, out| positive(node, out).map(instant));
    let steps = keys.or("steps", usual.steps, integer(1..=10_000_000_000));
    keys.finish();
    Some(Ends {
        at: at?,
        steps: steps?,
    })
}

/// The instant that is so long after the start of the run.
pub(super) fn instant(length: SimDuration) -> SimTime {
    SimTime::START + length
}

/// Reports a task that arrives when the run is over already.
pub(super) fn arrives_in_time(at: SimTime, ends: Ends, span: Span, out: &mut Diagnostics) {
    if at >= ends.at {
        let error = Diagnostic::error("the task never starts");
        let label = format!(
            "arrives at {}, the run ends at {}",
            at.since(SimTime::START),
            ends.at.since(SimTime::START)
        );
        out.push(
            error
                .at(span, label)
                .help("let it arrive earlier, or move `ends: { at: ... }`"),
        );
    }
}
