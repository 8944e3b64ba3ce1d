//! The faults of a scenario.
//!
//! Each entry of `faults` says what it disturbs, when, and how; the first word is one of these.
//!
//! | target | value | faults that fit |
//! |---|---|---|
//! | `exchange` | `create`, `poll`, `stream`, `cancel`, `delete`, `other` | `delay`, `reply`, `refuse`, `reset_before`, `reset_after`, `lose_reply`, `cut_before_id`, `cut_after_id`, `stall_body`, `malformed`, `half_open`, `wrong_length`, `wrong_type`, `html_page`, `trickle`; with events also `cut_stream`, `cut_inside_event`, `cut_between_lines`, `reset_stream`, `stall_stream`, `skip_event`, `unknown_event`, `error_event` |
//! | `response` | `any` | `fail`, `incomplete`, `stuck_queued`, `stuck_in_progress`, `unknown_status`, `cancelled_by_service`, `vanish`, `slow_cancel`, `slow_admission`, `wrong_order`, `ignore_cancel`, `truncate` |
//! | `step` | its number in the turn, from 1 | `delay` |
//! | `webhook` | `any` | `lose_webhook`, `late_webhook`, `repeat_webhook`, `overtaken_webhook`, `stale_webhook`, `future_webhook`, `forged_webhook`, `two_signatures` |
//! | `tool` | its name, or `any` | `fail_tool`, `hang`, `slow` |
//! | `sink` | its name, or `any` | `fail_tool`, `hang`, `hang_before`, `refuse_for_good`, `slow` |
//!
//! | key | when |
//! |---|---|
//! | `tasks` | only in these tasks |
//! | `attempts`, `turns` | only in these, a number or a range such as `1-2` |
//! | `nth` | only the so-manieth of its kind in its job, from 1 |
//! | `within` | only between these instants of the run: `10s-40s` |
//! | `header` | only where the request shows this header: its name, or `{ name, value }`; for exchanges of strangers |
//! | `probability` | only with this probability, such as `20%`, drawn once per job and window |
//! | `window` | how long one draw holds, `1m` if nothing is said |
//! | `may_stay_unused` | a reason why the scenario passes although this fault never struck |
//!
//! | fault | value |
//! |---|---|
//! | `delay` | a law, or `{ takes: LAW, place: handling, reply or body }` |
//! | `reply` | a status, or `{ status, retry_after, retry_after_ms, retry_at, code, type, param, message, should_retry, body }`; `body` is `html` or `empty` |
//! | `cut_stream`, `cut_inside_event`, `cut_between_lines`, `reset_stream`, `stall_stream`, `skip_event`, `unknown_event` | the number of events that leave before |
//! | `error_event` | the number of events that leave before, or `{ after, code }` |
//! | `fail` | an error code, or `{ code, at_step }` |
//! | `incomplete` | `max_output_tokens`, `content_filter` or another word |
//! | `unknown_status` | the word |
//! | `cancelled_by_service` | the number of the step, from 1 |
//! | `vanish`, `slow_cancel`, `repeat_webhook` | a duration |
//! | `overtaken_webhook` | a duration: it leaves right behind the next webhook, or after so long at the latest |
//! | `late_webhook`, `slow`, `slow_admission` | a law |
//! | `trickle` | a law: how long each part of a body, or piece of an event, waits for the next |
//! | `fail_tool` | the words of the failure |
//! | all others | `true` |

use std::sync::Arc;

use crate::fault::{Fault, FaultRule, HeaderMatch, Place, Select, Share, Target};
use crate::rng::Law;
use crate::scenario::decode::{
    MapReader, boolean, duration, integer, list, list_or_one, map, parsed, probability, range, string, words,
};
use crate::scenario::kinds::value::{law, name, named, positive, spanned_name, text};
use crate::scenario::kinds::{Product, defaults};
use crate::scenario::{Diagnostic, Diagnostics, Node, NodeKind, Span, Spanned, quoted_list};
use crate::units::{AttemptNo, ExchangeKind, SimDuration, SimTime, TurnNo};
use crate::wire::{ApiError, Wait};

use super::model::{DeclaredFault, FaultUse};
use super::names::Names;
use super::world::instant;

/// What faults may name.
pub(super) struct FaultContext<'a> {
    pub(super) names: &'a Names,
    pub(super) product: &'a Product,
    /// Unix seconds at the start of the run.
    pub(super) epoch: u64,
}

/// Reads one list of faults.
pub(super) fn faults(
    context: &FaultContext<'_>,
    node: &Node,
    out: &mut Diagnostics,
) -> Option<Vec<DeclaredFault>> {
    list(|node, out| fault(context, node, out))(node, out)
}

const TARGETS: [&str; 6] = ["exchange", "response", "step", "webhook", "tool", "sink"];

fn fault(context: &FaultContext<'_>, node: &Node, out: &mut Diagnostics) -> Option<DeclaredFault> {
    let mut keys = map(node, out)?;
    let target = keys.one_of(&TARGETS);
    let span = target.map(|(key, node)| keys.key_span(key).to(node.mark()));
    let target = target.and_then(|(key, node)| target_of(context, key, node, keys.out()));
    let select = select(context, &mut keys);
    only_exchanges(target.as_ref(), &mut keys);
    let what = what(context, target.as_ref(), &mut keys);
    let usage = keys.optional("may_stay_unused", |node, out| {
        string(node, out).map(|reason| Spanned::new(reason, node.mark()))
    });
    keys.finish();
    let (target, (fault, word)) = (target?, what?);
    if !fitting(&target).contains(&fault.word()) {
        out.push(misfit(&target, &fault, word));
        return None;
    }
    Some(DeclaredFault {
        rule: FaultRule {
            target,
            select: select?,
            fault,
        },
        span: span?,
        usage: usage?.map_or(FaultUse::Required, FaultUse::MayStayUnused),
    })
}

/// The word for every tool, every sink, every response.
const ANY: &str = "any";

pub(super) fn target_of(
    context: &FaultContext<'_>,
    key: &str,
    node: &Node,
    out: &mut Diagnostics,
) -> Option<Target> {
    let kinds = named("exchange", &ExchangeKind::ALL, ExchangeKind::word);
    match key {
        "exchange" => kinds(node, out).map(Target::Exchange),
        "response" => words("response", &[(ANY, Target::Response)])(node, out),
        "webhook" => words("webhook", &[(ANY, Target::Webhook)])(node, out),
        "step" => step_number(node, out).map(Target::Step),
        _ if node.text() == Some(ANY) && key == "tool" => Some(Target::Tool(None)),
        _ if node.text() == Some(ANY) => Some(Target::Sink(None)),
        "tool" => {
            let tool = spanned_name(node, out)?;
            context.product.known_tool(&tool, out)?;
            Some(Target::Tool(Some(tool.value)))
        }
        _ => {
            let sink = spanned_name(node, out)?;
            context.product.known_sink(&sink, out)?;
            Some(Target::Sink(Some(sink.value)))
        }
    }
}

/// Steps are counted from 1 by people and from 0 inside.
fn step_number(node: &Node, out: &mut Diagnostics) -> Option<u16> {
    integer(1..=u16::MAX)(node, out).map(|number| number - 1)
}

fn select(context: &FaultContext<'_>, keys: &mut MapReader<'_, '_>) -> Option<Select> {
    let jobs = keys.optional("tasks", |node, out| {
        let ids = list_or_one(spanned_name)(node, out)?;
        let jobs: Vec<_> = ids.iter().map(|id| context.names.jobs(id, out)).collect();
        Some(jobs.into_iter().collect::<Option<Vec<_>>>()?.concat())
    });
    let small = || range(1..=u32::from(u16::MAX));
    let attempts = keys.optional("attempts", small());
    let turns = keys.optional("turns", small());
    let nth = keys.optional("nth", range(1..=u32::MAX));
    let within = keys.optional("within", within);
    let header = keys.optional("header", header);
    let probability = keys.optional("probability", probability);
    let window = keys.optional("window", positive);
    if let (Some(None), Some(Some(_))) = (&probability, &window) {
        let span = keys.key_span("window");
        let error = Diagnostic::error("`window` needs a `probability`");
        keys.out().push(
            error
                .at(span, "")
                .help("a window is how long one draw of the probability holds"),
        );
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range ends at `u16::MAX`")]
    let number = |number: &u32| *number as u16;
    let window = window?.unwrap_or(defaults::FAULT_WINDOW);
    Some(Select {
        jobs: jobs?,
        attempts: attempts?.map(|range| (AttemptNo(number(range.start())), AttemptNo(number(range.end())))),
        turns: turns?.map(|range| (TurnNo(number(range.start())), TurnNo(number(range.end())))),
        nth: nth?.map(|range| (*range.start(), *range.end())),
        within: within?,
        header: header?,
        share: probability?.map(|probability| Share { probability, window }),
    })
}

/// Headers that any client sends: a rule about one would not tell requests apart.
const USUAL_HEADERS: [&str; 7] = [
    "accept",
    "authorization",
    "content-length",
    "content-type",
    "host",
    "user-agent",
    "x-lanebench-exchange",
];

/// A name, or `{ name, value }`.
pub(super) fn header(node: &Node, out: &mut Diagnostics) -> Option<HeaderMatch> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        return header_name(node, out).map(|name| HeaderMatch { name, value: None });
    }
    let mut keys = map(node, out)?;
    let name = keys.required("name", header_name);
    let value = keys.optional("value", text);
    keys.finish();
    Some(HeaderMatch {
        name: name?,
        value: value?,
    })
}

fn header_name(node: &Node, out: &mut Diagnostics) -> Option<Arc<str>> {
    let name = |text: &str| {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let name = text.to_ascii_lowercase();
        match name.as_str() {
            "" => Err("write the name of a header, such as `x-fault`".to_owned()),
            name if !name.bytes().all(is_token) => Err("a name has letters, digits and `-` only".to_owned()),
            name if USUAL_HEADERS.contains(&name) => {
                Err("any client sends it, so it tells no requests apart".to_owned())
            }
            name => Ok(name.into()),
        }
    };
    parsed("the name of a header", name)(node, out)
}

/// Only requests show headers.
pub(super) fn only_exchanges(target: Option<&Target>, keys: &mut MapReader<'_, '_>) {
    let about_requests = target.is_none_or(|target| matches!(target, Target::Exchange(_)));
    if !about_requests && keys.node("header").is_some() {
        let span = keys.key_span("header");
        let error = Diagnostic::error("`header` needs an `exchange`");
        keys.out()
            .push(error.at(span, "").help("only requests show headers"));
    }
}

/// Two instants of the run: `10s-40s`.
fn within(node: &Node, out: &mut Diagnostics) -> Option<(SimTime, SimTime)> {
    let both = |text: &str| {
        let (from, to) = text
            .split_once('-')
            .ok_or_else(|| "write the first and the last instant: `10s-40s`".to_owned())?;
        let instant = |text: &str| {
            text.trim()
                .parse::<SimDuration>()
                .map(instant)
                .map_err(|cause| cause.to_string())
        };
        let (from, to) = (instant(from)?, instant(to)?);
        if to < from {
            return Err("the last instant is before the first".to_owned());
        }
        Ok((from, to))
    };
    parsed("a stretch of time", both)(node, out)
}

/// Reads the one fault of an entry.
pub(super) fn what(
    context: &FaultContext<'_>,
    target: Option<&Target>,
    keys: &mut MapReader<'_, '_>,
) -> Option<(Fault, Span)> {
    if Fault::WORDS.iter().all(|word| keys.node(word).is_none()) {
        let span = keys.header();
        let fitting = target.map_or(&Fault::WORDS[..], fitting);
        let help = format!("faults that fit: {}", quoted_list(fitting.iter().copied()));
        let error = Diagnostic::error("the entry does not say what goes wrong");
        keys.out().push(error.at(span, "").help(help));
        return None;
    }
    let (word, node) = keys.one_of(&Fault::WORDS)?;
    let span = keys.key_span(word);
    let fault = read(context, word, node, keys.out())?;
    Some((fault, span))
}

fn read(context: &FaultContext<'_>, word: &str, node: &Node, out: &mut Diagnostics) -> Option<Fault> {
    let plain = |fault: Fault, out: &mut Diagnostics| words("value", &[("true", fault)])(node, out);
    let events = |out: &mut Diagnostics| integer(0..=u32::MAX)(node, out);
    match word {
        "delay" => delay(node, out),
        "reply" => reply(context, node, out).map(Fault::Reply),
        "refuse" => plain(Fault::Refuse, out),
        "reset_before" => plain(Fault::ResetBefore, out),
        "reset_after" => plain(Fault::ResetAfter, out),
        "lose_reply" => plain(Fault::LoseReply, out),
        "cut_before_id" => plain(Fault::CutBeforeId, out),
        "cut_after_id" => plain(Fault::CutAfterId, out),
        "stall_body" => plain(Fault::StallBody, out),
        "malformed" => plain(Fault::Malformed, out),
        "half_open" => plain(Fault::HalfOpen, out),
        "wrong_length" => plain(Fault::WrongLength, out),
        "wrong_type" => plain(Fault::WrongType, out),
        "html_page" => plain(Fault::HtmlPage, out),
        "trickle" => law(node, out).map(|pause| Fault::Trickle { pause }),
        "cut_between_lines" => events(out).map(|after| Fault::CutBetweenLines { after }),
        "reset_stream" => events(out).map(|after| Fault::ResetStream { after }),
        "slow_admission" => law(node, out).map(|law| Fault::SlowAdmission { law }),
        "wrong_order" => plain(Fault::WrongOrder, out),
        "ignore_cancel" => plain(Fault::IgnoreCancel, out),
        "truncate" => plain(Fault::Truncate, out),
        "future_webhook" => plain(Fault::FutureWebhook, out),
        "two_signatures" => plain(Fault::TwoSignatures, out),
        "cut_stream" => events(out).map(|after| Fault::CutStream { after }),
        "cut_inside_event" => events(out).map(|after| Fault::CutInsideEvent { after }),
        "stall_stream" => events(out).map(|after| Fault::StallStream { after }),
        "skip_event" => events(out).map(|after| Fault::SkipEvent { after }),
        "unknown_event" => events(out).map(|after| Fault::UnknownEvent { after }),
        "error_event" => error_event(node, out),
        "fail" => fail(node, out),
        "incomplete" => name(node, out).map(|reason| Fault::Incomplete { reason }),
        "stuck_queued" => plain(Fault::StuckQueued, out),
        "stuck_in_progress" => plain(Fault::StuckInProgress, out),
        "unknown_status" => name(node, out).map(|word| Fault::UnknownStatus { word }),
        "cancelled_by_service" => step_number(node, out).map(|at_step| Fault::CancelledByService { at_step }),
        "vanish" => duration(node, out).map(|after| Fault::Vanish { after }),
        "slow_cancel" => positive(node, out).map(|lag| Fault::SlowCancel { lag }),
        "lose_webhook" => plain(Fault::LoseWebhook, out),
        "late_webhook" => law(node, out).map(|law| Fault::LateWebhook { law }),
        "repeat_webhook" => duration(node, out).map(|gap| Fault::RepeatWebhook { gap }),
        "overtaken_webhook" => positive(node, out).map(|limit| Fault::OvertakenWebhook { limit }),
        "stale_webhook" => plain(Fault::StaleWebhook, out),
        "forged_webhook" => plain(Fault::ForgedWebhook, out),
        "fail_tool" => text(node, out).map(|message| Fault::FailTool { message }),
        "hang" => plain(Fault::Hang, out),
        "hang_before" => plain(Fault::HangBefore, out),
        "refuse_for_good" => plain(Fault::RefuseForGood, out),
        _ => law(node, out).map(|law| Fault::Slow { law }),
    }
}

fn delay(node: &Node, out: &mut Diagnostics) -> Option<Fault> {
    let places = [
        ("handling", Place::Handling),
        ("reply", Place::Reply),
        ("body", Place::Body),
    ];
    let is_full = matches!(&node.kind, NodeKind::Map(entries) if entries.iter().any(|entry| entry.key.text == "takes" || entry.key.text == "place"));
    if !is_full {
        return law(node, out).map(|law| Fault::Delay {
            place: Place::Reply,
            law,
        });
    }
    let mut keys = map(node, out)?;
    let takes: Option<Law> = keys.required("takes", law);
    let place = keys.or("place", Place::Reply, words("place", &places));
    keys.finish();
    Some(Fault::Delay {
        place: place?,
        law: takes?,
    })
}

/// The error that goes out: what is not said is as the contract has it for the status.
fn reply(context: &FaultContext<'_>, node: &Node, out: &mut Diagnostics) -> Option<ApiError> {
    // Numbers that no standard knows can be sent all the same.
    let status = integer(300..=999);
    if !matches!(node.kind, NodeKind::Map(_)) {
        return status(node, out).map(ApiError::of_status);
    }
    let mut keys = map(node, out)?;
    let status = keys.required("status", status);
    let retry_after = keys.optional("retry_after", duration);
    let retry_after_ms = keys.optional("retry_after_ms", duration);
    let retry_at = keys.optional("retry_at", duration);
    exclude(&mut keys, &["retry_after", "retry_after_ms", "retry_at"]);
    exclude(&mut keys, &["body", "code"]);
    exclude(&mut keys, &["body", "type"]);
    exclude(&mut keys, &["body", "message"]);
    exclude(&mut keys, &["body", "param"]);
    let body = keys.optional(
        "body",
        words("body", &[("html", Foreign::Html), ("empty", Foreign::Empty)]),
    );
    let code = keys.optional("code", text);
    let kind = keys.optional("type", text);
    let message = keys.optional("message", text);
    let param = keys.optional("param", text);
    let should_retry = keys.optional("should_retry", boolean);
    keys.finish();
    let (status, code) = (status?, code?);
    let usual = match body? {
        None => ApiError::of_status(status),
        Some(Foreign::Html) => ApiError::page(status),
        Some(Foreign::Empty) => ApiError::without_body(status),
    };
    let told = retry_after?
        .map(wait)
        .or(retry_after_ms?.map(millis))
        .or(retry_at?.map(|at| date(context.epoch, at)));
    let usual = match usual.http {
        429 if !usual.kind.is_empty() && code.as_deref().is_none_or(|code| code == "rate_limit_exceeded") => {
            ApiError::rate_limited(told)
        }
        _ => usual,
    };
    Some(ApiError {
        code: code.or(usual.code),
        kind: kind?.unwrap_or(usual.kind),
        message: message?.unwrap_or(usual.message),
        param: param?.or(usual.param),
        wait: told,
        should_retry: should_retry?,
        ..usual
    })
}

/// A body that is not the contract's.
#[derive(Debug, Clone, Copy)]
enum Foreign {
    Html,
    Empty,
}

/// Reports keys that stand beside each other and must not.
fn exclude(keys: &mut MapReader<'_, '_>, names: &[&'static str]) {
    let mut there = names.iter().filter(|name| keys.node(name).is_some());
    if let (Some(first), Some(second)) = (there.next(), there.next()) {
        let (other, span) = (keys.key_span(first), keys.key_span(second));
        let error = Diagnostic::error(format!("`{second}` and `{first}` exclude each other"));
        keys.out()
            .push(error.at(span, "").at(other, "the other").help("keep one of them"));
    }
}

fn millis(length: SimDuration) -> Wait {
    Wait::Millis(length.ticks().div_ceil(1_000))
}

/// Whole seconds go out as seconds, everything else as milliseconds.
fn wait(length: SimDuration) -> Wait {
    match length.ticks() {
        ticks if ticks % 1_000_000 == 0 => Wait::Seconds(ticks / 1_000_000),
        _ => millis(length),
    }
}

fn date(epoch: u64, at: SimDuration) -> Wait {
    Wait::Date(epoch + at.ticks().div_ceil(1_000_000))
}

fn error_event(node: &Node, out: &mut Diagnostics) -> Option<Fault> {
    let events = integer(0..=u32::MAX);
    let usual: Arc<str> = "server_error".into();
    if !matches!(node.kind, NodeKind::Map(_)) {
        return events(node, out).map(|after| Fault::ErrorEvent { after, code: usual });
    }
    let mut keys = map(node, out)?;
    let after = keys.required("after", events);
    let code = keys.or("code", usual, name);
    keys.finish();
    Some(Fault::ErrorEvent {
        after: after?,
        code: code?,
    })
}

fn fail(node: &Node, out: &mut Diagnostics) -> Option<Fault> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        return name(node, out).map(|code| Fault::Fail { code, at_step: 0 });
    }
    let mut keys = map(node, out)?;
    let code: Option<Arc<str>> = keys.required("code", name);
    let at_step = keys.or("at_step", 0, step_number);
    keys.finish();
    Some(Fault::Fail {
        code: code?,
        at_step: at_step?,
    })
}

/// The words of the faults that fit a target.
pub(super) const fn fitting(target: &Target) -> &'static [&'static str] {
    const WORDS: &[&str] = &Fault::WORDS;
    const STREAM: &[&str] = WORDS.split_at(23).0;
    match target {
        Target::Exchange(ExchangeKind::Create | ExchangeKind::Stream) => STREAM,
        Target::Exchange(
            ExchangeKind::Poll | ExchangeKind::Cancel | ExchangeKind::Delete | ExchangeKind::Other,
        ) => STREAM.split_at(15).0,
        Target::Response => WORDS.split_at(23).1.split_at(12).0,
        Target::Step(_) => &["delay"],
        Target::Webhook => WORDS.split_at(35).1.split_at(8).0,
        Target::Tool(_) => &["fail_tool", "hang", "slow"],
        Target::Sink(_) => &["fail_tool", "hang", "hang_before", "refuse_for_good", "slow"],
    }
}

pub(super) fn misfit(target: &Target, fault: &Fault, span: Span) -> Diagnostic {
    let noun = match target {
        Target::Exchange(kind) => format!("the exchange `{}`", kind.word()),
        Target::Response => "a response".to_owned(),
        Target::Step(_) => "a step".to_owned(),
        Target::Webhook => "a webhook".to_owned(),
        Target::Tool(_) => "a tool".to_owned(),
        Target::Sink(_) => "a sink".to_owned(),
    };
    let help = format!(
        "faults that fit: {}",
        quoted_list(fitting(target).iter().copied())
    );
    Diagnostic::error(format!("the fault `{}` does not fit {noun}", fault.word()))
        .at(span, "")
        .help(help)
}
