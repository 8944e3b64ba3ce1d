//! Reads what is expected of single tasks.

use std::sync::Arc;

use super::want::{
    ApprovalEnd, ApprovalWant, Count, EffectWant, End, RequestSort, ResultWant, ViewWant, Want, YesNo,
};
use crate::job::{ALTERNATIVES, TRANSITIONS};
use crate::policy::Policy;
use crate::scenario::decode::{
    MapReader, boolean, duration, integer, list, list_or_one, map, non_empty, range, spanned, words,
};
use crate::scenario::kinds::Product;
use crate::scenario::kinds::value::{arguments, named, spanned_name, text};
use crate::scenario::{Diagnostic, Diagnostics, Node, NodeKind, Spanned, quoted, suggest};
use crate::trace::{
    Audience, Boundary, Execution, LaneName, LimitName, Liveness, StateName, StopReason, Verb,
};

/// What expectations may name.
pub(in crate::scenario) struct ExpectContext<'a> {
    /// The policy, if it could be read.
    pub(in crate::scenario) policy: Option<&'a Policy>,
    /// The sinks and tools.
    pub(in crate::scenario) product: &'a Product,
}

/// Asks a map for wishes and keeps those that are there.
struct Wishes<'n, 'o> {
    keys: MapReader<'n, 'o>,
    found: Option<Vec<Spanned<Want>>>,
}

impl Wishes<'_, '_> {
    /// One key with one wish.
    fn one(&mut self, key: &'static str, read: impl FnOnce(&Node, &mut Diagnostics) -> Option<Want>) {
        self.many(key, |node, out| {
            read(node, out).map(|want| vec![Spanned::new(want, node.mark())])
        });
    }

    /// One key with several wishes.
    fn many(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Node, &mut Diagnostics) -> Option<Vec<Spanned<Want>>>,
    ) {
        let wishes = self.keys.or(key, Vec::new(), read);
        match (wishes, &mut self.found) {
            (Some(wishes), Some(found)) => found.extend(wishes),
            (None, _) => self.found = None,
            (Some(_), None) => {}
        }
    }
}

/// The most that a count can be.
const COUNT_MAX: u32 = 1_000_000;

fn count(node: &Node, out: &mut Diagnostics) -> Option<Count> {
    range(0..=COUNT_MAX)(node, out)
}

fn yes_no(node: &Node, out: &mut Diagnostics) -> Option<YesNo> {
    boolean(node, out).map(YesNo::from)
}

pub(super) fn state(node: &Node, out: &mut Diagnostics) -> Option<StateName> {
    named("state", StateName::ALL, StateName::word)(node, out)
}

/// Reads the wishes about one task.
pub(super) fn wants(
    context: &ExpectContext<'_>,
    node: &Node,
    out: &mut Diagnostics,
) -> Option<Vec<Spanned<Want>>> {
    let mut wishes = Wishes {
        keys: map(node, out)?,
        found: Some(Vec::new()),
    };
    about_routing(context, &mut wishes);
    about_the_way(&mut wishes);
    about_the_wire(&mut wishes);
    about_people(context, &mut wishes);
    about_the_end(&mut wishes);
    let Wishes { keys, found } = wishes;
    keys.finish();
    let found = found?;
    can_hold(&found, out);
    Some(found)
}

fn about_routing(context: &ExpectContext<'_>, wishes: &mut Wishes<'_, '_>) {
    wishes.one("lane", |node, out| {
        named("lane", LaneName::ALL, LaneName::word)(node, out).map(Want::Lane)
    });
    wishes.one("execution", |node, out| {
        named("execution", Execution::ALL, Execution::word)(node, out).map(Want::Execution)
    });
    wishes.one("boundary", |node, out| {
        named("boundary", Boundary::ALL, Boundary::word)(node, out).map(Want::Boundary)
    });
    wishes.one("rule", |node, out| rule(context, node, out).map(Want::Rule));
    wishes.one("refused_because", |node, out| {
        text(node, out).map(Want::RefusedBecause)
    });
    wishes.one("handed_over", |node, out| yes_no(node, out).map(Want::HandedOver));
}

fn about_the_way(wishes: &mut Wishes<'_, '_>) {
    wishes.one("attempts", |node, out| count(node, out).map(Want::Attempts));
    wishes.one("charged", |node, out| count(node, out).map(Want::Charged));
    wishes.one("turns", |node, out| count(node, out).map(Want::Turns));
    wishes.one("states", |node, out| {
        let states = non_empty(spanned(state))(node, out)?;
        is_a_way(&states, out)?;
        Some(Want::States(states))
    });
    wishes.one("passes_through", |node, out| {
        non_empty(spanned(state))(node, out).map(Want::PassesThrough)
    });
    wishes.one("never", |node, out| {
        non_empty(spanned(state))(node, out).map(Want::Never)
    });
    wishes.one("limits_fired", |node, out| {
        let limit = named("limit", LimitName::ALL, LimitName::word);
        list(spanned(limit))(node, out).map(Want::LimitsFired)
    });
    wishes.one("stopped_because", |node, out| {
        named("reason", StopReason::ALL, StopReason::word)(node, out).map(Want::StoppedBecause)
    });
    wishes.one("cancel_too_late", |node, out| {
        yes_no(node, out).map(Want::CancelTooLate)
    });
}

fn about_the_wire(wishes: &mut Wishes<'_, '_>) {
    for sort in RequestSort::ALL {
        wishes.one(sort.key(), |node, out| {
            count(node, out).map(|count| Want::Requests(sort, count))
        });
    }
    wishes.one("webhooks", |node, out| count(node, out).map(Want::Webhooks));
    wishes.one("orphans", |node, out| count(node, out).map(Want::Orphans));
}

fn about_people(context: &ExpectContext<'_>, wishes: &mut Wishes<'_, '_>) {
    wishes.one("effects", |node, out| {
        list(spanned(|node, out| effect(context, node, out)))(node, out).map(Want::Effects)
    });
    wishes.one("approvals", |node, out| approvals(node, out).map(Want::Approvals));
    wishes.many("shown", |node, out| views(node, Want::Shown, out));
    wishes.many("not_shown", |node, out| views(node, Want::NotShown, out));
    wishes.one("retrieved", |node, out| yes_no(node, out).map(Want::Retrieved));
}

fn about_the_end(wishes: &mut Wishes<'_, '_>) {
    let results = [ResultWant::Whole, ResultWant::Partial, ResultWant::Nothing];
    wishes.one("outcome", |node, out| outcome(node, out).map(Want::Outcome));
    wishes.one("not_before", |node, out| duration(node, out).map(Want::NotBefore));
    wishes.one("within", |node, out| duration(node, out).map(Want::Within));
    wishes.one("cause", |node, out| text(node, out).map(Want::Cause));
    wishes.one("result", |node, out| {
        named("result", &results, ResultWant::word)(node, out).map(Want::Result)
    });
}

/// The terminal states, being parked, and never having become a job.
pub(super) fn outcome(node: &Node, out: &mut Diagnostics) -> Option<End> {
    named("outcome", &ends(), End::word)(node, out)
}

/// Every way in which a task can stand at the end.
pub(super) fn ends() -> Vec<End> {
    let states = StateName::ALL.iter().copied();
    let lasting = states.filter(|state| state.is_terminal() || *state == StateName::NeedsIntervention);
    lasting.map(End::At).chain([End::Refused]).collect()
}

fn rule(context: &ExpectContext<'_>, node: &Node, out: &mut Diagnostics) -> Option<Arc<str>> {
    let rule = text(node, out)?;
    let known: Vec<&str> = context
        .policy?
        .rules()
        .iter()
        .map(|rule| rule.id.as_str())
        .collect();
    if !known.contains(&&*rule) {
        let error = Diagnostic::error(format!("unknown rule {}", quoted(&rule)));
        out.push(
            error
                .at(node.mark(), "")
                .help(suggest(&rule, "rules of the policy", &known)),
        );
        return None;
    }
    Some(rule)
}

fn effect(context: &ExpectContext<'_>, node: &Node, out: &mut Diagnostics) -> Option<EffectWant> {
    let mut keys = map(node, out)?;
    let sink = keys.required("sink", spanned_name);
    let operation = keys.optional("operation", text);
    let arguments = keys.optional("arguments", arguments);
    if let (Some(None), Some(Some(_))) = (&operation, &arguments) {
        let span = keys.key_span("arguments");
        let error = Diagnostic::error("`arguments` need an `operation`");
        keys.out().push(
            error
                .at(span, "")
                .help("name the tool that they are given to: `operation: ...`"),
        );
    }
    keys.finish();
    let sink = sink?;
    context.product.known_sink(&sink, out)?;
    Some(EffectWant {
        sink: sink.value,
        operation: operation?,
        arguments: arguments?,
    })
}

fn approvals(node: &Node, out: &mut Diagnostics) -> Option<ApprovalWant> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        return count(node, out).map(|asked| ApprovalWant {
            asked: Some(asked),
            ended: Vec::new(),
        });
    }
    let mut keys = map(node, out)?;
    let asked = keys.optional("asked", count);
    let ended: Vec<_> = ApprovalEnd::ALL
        .into_iter()
        .map(|end| (end, keys.optional(end.word(), spanned(count))))
        .collect();
    keys.finish();
    let ended = ended
        .into_iter()
        .map(|(end, count)| count.map(|count| (end, count)));
    let ended: Vec<_> = ended.collect::<Option<_>>()?;
    Some(ApprovalWant {
        asked: asked?,
        ended: ended
            .into_iter()
            .filter_map(|(end, count)| count.map(|count| (end, count)))
            .collect(),
    })
}

fn views(node: &Node, want: impl Fn(ViewWant) -> Want, out: &mut Diagnostics) -> Option<Vec<Spanned<Want>>> {
    let views =
        list_or_one(|node, out| view(node, out).map(|view| Spanned::new(view, node.header)))(node, out)?;
    Some(views.into_iter().map(|view| view.map(&want)).collect())
}

fn view(node: &Node, out: &mut Diagnostics) -> Option<ViewWant> {
    let audiences = [("user", Audience::User), ("operator", Audience::Operator)];
    let mut keys = map(node, out)?;
    let to = keys.required("to", words("audience", &audiences));
    let state = keys.optional("state", state);
    let liveness = keys.optional("liveness", words("verdict", &LIVENESS));
    let found_words = keys.optional("words", text);
    let cause = keys.optional("cause", text);
    let attempt = keys.optional("attempt", integer(0..=u16::MAX));
    let verbs = keys.optional("verbs", list(named("verb", Verb::ALL, Verb::word)));
    let at = keys.optional("at", duration);
    let by = keys.optional("by", duration);
    let not_before = keys.optional("not_before", duration);
    let has = |keys: &mut MapReader<'_, '_>, key| keys.node(key).is_some();
    if has(&mut keys, "at") && (has(&mut keys, "by") || has(&mut keys, "not_before")) {
        let span = keys.key_span("at");
        let error = Diagnostic::error("`at` excludes `by` and `not_before`");
        keys.out().push(
            error
                .at(span, "")
                .help("`at` is about one instant, the others about a stretch of time"),
        );
    }
    keys.finish();
    Some(ViewWant {
        to: to?,
        state: state?,
        liveness: liveness?,
        words: found_words?,
        cause: cause?,
        attempt: attempt?,
        verbs: verbs?,
        at: at?,
        by: by?,
        not_before: not_before?,
    })
}

const LIVENESS: [(&str, Liveness); 6] = [
    ("fresh", Liveness::Fresh),
    ("quiet", Liveness::Quiet),
    ("stalled", Liveness::Stalled),
    ("status_unknown", Liveness::StatusUnknown),
    ("lost", Liveness::Lost),
    ("resting", Liveness::Resting),
];

/// Reports the first move of an exact sequence that no job makes.
fn is_a_way(states: &[Spanned<StateName>], out: &mut Diagnostics) -> Option<()> {
    let legal = |from: Option<StateName>, to| {
        let mut moves = TRANSITIONS.iter().chain(ALTERNATIVES);
        moves.any(|(known, _, next)| (*known, *next) == (from, to))
    };
    let mut from = None;
    for state in states {
        if !legal(from, state.value) {
            let message = match from {
                None => format!("no job begins as `{}`", state.value),
                Some(from) => format!("no job moves from `{from}` to `{}`", state.value),
            };
            let next: Vec<&str> = StateName::ALL
                .iter()
                .filter(|to| legal(from, **to))
                .map(|to| to.word())
                .collect();
            let help = suggest("", "what can stand here", &next);
            out.push(Diagnostic::error(message).at(state.span, "").help(help));
            return None;
        }
        from = Some(state.value);
    }
    Some(())
}

/// Reports wishes that cannot hold together.
fn can_hold(wants: &[Spanned<Want>], out: &mut Diagnostics) {
    let earliest = wants.iter().find_map(|want| match want.value {
        Want::NotBefore(length) => Some((length, want.span)),
        _ => None,
    });
    let latest = wants.iter().find_map(|want| match want.value {
        Want::Within(length) => Some((length, want.span)),
        _ => None,
    });
    if let (Some((earliest, first)), Some((latest, second))) = (earliest, latest)
        && latest < earliest
    {
        let error = Diagnostic::error("`within` ends before `not_before`");
        out.push(
            error
                .at(second, "")
                .at(first, "the other")
                .help("no task can meet both"),
        );
    }
    let last = wants.iter().find_map(|want| match &want.value {
        Want::States(states) => states.last(),
        _ => None,
    });
    let outcome = wants.iter().find_map(|want| match want.value {
        Want::Outcome(end) => Some((end, want.span)),
        _ => None,
    });
    if let (Some(last), Some((end, span))) = (last, outcome)
        && End::At(last.value) != end
    {
        let error = Diagnostic::error(format!("`states` does not end as `{}`", end.word()));
        out.push(
            error
                .at(last.span, "")
                .at(span, "wanted as the outcome")
                .help("no task can meet both"),
        );
    }
}
