//! One wish against one task's story.

use std::fmt::Display;
use std::sync::Arc;

use super::story::{Spot, Story};
use crate::job;
use crate::scenario::{ApprovalEnd, ApprovalWant, EffectWant, End, ResultWant, ViewWant, Want, YesNo};
use crate::trace::{Audience, View};
use crate::units::SimTime;

/// Why a wish is not met.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) expected: String,
    pub(super) actual: String,
    pub(super) spot: Option<Spot>,
}

fn miss(expected: impl Display, actual: impl Display, spot: Option<Spot>) -> Option<Miss> {
    Some(Miss {
        expected: expected.to_string(),
        actual: actual.to_string(),
        spot,
    })
}

/// `found` against a wish for exactly `wanted`.
fn same<T: PartialEq + Display>(wanted: &T, found: Option<(T, Spot)>) -> Option<Miss> {
    match found {
        Some((found, _)) if found == *wanted => None,
        Some((found, spot)) => miss(wanted, found, Some(spot)),
        None => miss(wanted, "nothing of the kind", None),
    }
}

fn counted(range: &std::ops::RangeInclusive<u32>, found: u32) -> Option<Miss> {
    (!range.contains(&found)).then(|| Miss {
        expected: bounds(range),
        actual: found.to_string(),
        spot: None,
    })
}

pub(super) fn bounds(range: &std::ops::RangeInclusive<u32>) -> String {
    match (range.start(), range.end()) {
        (low, high) if low == high => low.to_string(),
        (low, &u32::MAX) => format!("at least {low}"),
        (low, high) => format!("{low} to {high}"),
    }
}

fn yes_no(wanted: YesNo, found: Option<Spot>) -> Option<Miss> {
    match (wanted, found) {
        (YesNo::Yes, Some(_)) | (YesNo::No, None) => None,
        (YesNo::Yes, None) => miss("true", "false: it never happened", None),
        (YesNo::No, Some(spot)) => miss("false", "true", Some(spot)),
    }
}

fn listed<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", words.join(", "))
}

/// Why `want` is not met by this story; nothing if it is.
pub(super) fn unmet(want: &Want, story: &Story<'_>) -> Option<Miss> {
    let decided =
        |word: fn(&crate::trace::Decided) -> Arc<str>| story.decided.map(|(d, spot)| (word(d), spot));
    match want {
        Want::Lane(lane) => same(&Arc::from(lane.word()), decided(|d| d.lane.word().into())),
        Want::Execution(execution) => same(
            &Arc::from(execution.word()),
            decided(|d| d.execution.word().into()),
        ),
        Want::Boundary(boundary) => same(&Arc::from(boundary.word()), decided(|d| d.boundary.word().into())),
        Want::Rule(rule) => same(rule, decided(|d| d.rule.clone())),
        Want::RefusedBecause(words) => refused_because(words, story),
        Want::Outcome(end) => outcome(*end, story),
        Want::Attempts(range) => counted(range, story.attempts),
        Want::Charged(range) => counted(range, story.charged),
        Want::Turns(range) => counted(range, story.turns),
        Want::States(_) | Want::PassesThrough(_) | Want::Never(_) => states(want, story),
        Want::NotBefore(_) | Want::Within(_) => in_time(want, story),
        Want::Effects(effects) => landed(effects.iter().map(|effect| &effect.value), story),
        Want::Approvals(approvals) => approvals_ended(approvals, story),
        Want::Requests(sort, range) => counted(range, story.requests[*sort as usize]),
        Want::Webhooks(range) => counted(range, story.webhooks),
        Want::Orphans(range) => counted(range, story.orphans),
        Want::Shown(view) => shown(view, story),
        Want::NotShown(view) => not_shown(view, story),
        Want::Cause(code) => same(code, story.cause.map(|(cause, spot)| (cause.code.clone(), spot))),
        Want::StoppedBecause(reason) => same(reason, story.stopped),
        Want::LimitsFired(limits) => {
            let fits = limits
                .iter()
                .map(|limit| limit.value)
                .eq(story.limits.iter().map(|(limit, _)| *limit));
            let actual = || {
                listed(
                    story
                        .limits
                        .iter()
                        .map(|(limit, (at, _))| format!("{limit} at {at}")),
                )
            };
            if fits {
                None
            } else {
                miss(listed(limits.iter().map(|limit| limit.value)), actual(), None)
            }
        }
        Want::HandedOver(wanted) => yes_no(*wanted, story.handed_over),
        Want::CancelTooLate(wanted) => yes_no(*wanted, story.cancel_too_late),
        Want::Result(wanted) => result(*wanted, story),
        Want::Retrieved(wanted) => yes_no(*wanted, story.retrieved),
    }
}

fn refused_because(words: &Arc<str>, story: &Story<'_>) -> Option<Miss> {
    match story.refused {
        Some((reason, _)) if reason == words => None,
        Some((reason, spot)) => miss(words, reason, Some(spot)),
        None => miss(words, "it was not refused", None),
    }
}

fn outcome(wanted: End, story: &Story<'_>) -> Option<Miss> {
    match story.end() {
        Some((end, _)) if end == wanted => None,
        Some((end, spot)) => {
            let how = match end {
                End::At(state) if state.is_terminal() => "ended as",
                End::At(_) => "stands in",
                End::Refused => "was",
            };
            let cause = story
                .cause
                .map(|(cause, _)| format!(" ({})", cause.code))
                .unwrap_or_default();
            miss(
                wanted.word(),
                format!("{how} `{}`{cause} at {}", end.word(), spot.0),
                Some(spot),
            )
        }
        None => miss(wanted.word(), "it was never submitted", None),
    }
}

fn result(wanted: ResultWant, story: &Story<'_>) -> Option<Miss> {
    let (found, spot) = match story.result {
        None => (ResultWant::Nothing, None),
        Some((true, spot)) => (ResultWant::Partial, Some(spot)),
        Some((false, spot)) => (ResultWant::Whole, Some(spot)),
    };
    if found == wanted {
        None
    } else {
        miss(wanted.word(), found.word(), spot)
    }
}

fn states(want: &Want, story: &Story<'_>) -> Option<Miss> {
    let went = || listed(story.states.iter().map(|(state, _)| state));
    match want {
        Want::States(wanted) => {
            let wanted = || wanted.iter().map(|state| state.value);
            let differs = wanted()
                .zip(&story.states)
                .find(|(wanted, (state, _))| wanted != state);
            let spot = differs.map(|(_, (_, spot))| *spot);
            let fits = wanted().eq(story.states.iter().map(|(state, _)| *state));
            if fits {
                None
            } else {
                miss(listed(wanted()), went(), spot)
            }
        }
        Want::PassesThrough(wanted) => {
            let mut left = story.states.iter().map(|(state, _)| *state);
            let missing = wanted
                .iter()
                .map(|state| state.value)
                .find(|state| !left.any(|found| found == *state));
            missing.and_then(|state| miss(format!("`{state}` in its place"), went(), None))
        }
        Want::Never(unwanted) => {
            let bad = story
                .states
                .iter()
                .find(|(state, _)| unwanted.iter().any(|one| one.value == *state));
            bad.and_then(|(state, spot)| {
                miss(
                    format!("never `{state}`"),
                    format!("`{state}` at {}", spot.0),
                    Some(*spot),
                )
            })
        }
        _ => None,
    }
}

fn in_time(want: &Want, story: &Story<'_>) -> Option<Miss> {
    let Some(arrived) = story.arrived else {
        return miss("an end in time", "it was never submitted", None);
    };
    let Some((end, spot)) = story.end() else {
        return miss("an end in time", "it never ended", None);
    };
    let resting = matches!(end, End::Refused)
        || matches!(end, End::At(state) if state.is_terminal() || state == crate::trace::StateName::NeedsIntervention);
    if !resting {
        return miss(
            "an end in time",
            format!("it stands in `{}`", end.word()),
            Some(spot),
        );
    }
    let took = spot.0.since(arrived);
    let actual = format!("`{}` after {took}", end.word());
    match want {
        Want::NotBefore(least) if took < *least => miss(format!("not before {least}"), actual, Some(spot)),
        Want::Within(most) if took > *most => miss(format!("within {most}"), actual, Some(spot)),
        _ => None,
    }
}

/// The wished effects and those in the ledgers, matched one to one.
fn landed<'w>(wanted: impl Iterator<Item = &'w EffectWant>, story: &Story<'_>) -> Option<Miss> {
    let mut left: Vec<_> = story.effects.iter().collect();
    let mut missing = Vec::new();
    for want in wanted {
        match left.iter().position(|(sink, digest, _)| fits(want, sink, digest)) {
            Some(place) => {
                left.remove(place);
            }
            None => missing.push(want),
        }
    }
    if missing.is_empty() && left.is_empty() {
        return None;
    }
    let extra = left
        .iter()
        .map(|(sink, digest, (at, _))| format!("{sink} at {at} ({})", short(digest)));
    let expected = match missing.is_empty() {
        true => "no further effect".to_owned(),
        false => format!("an effect at {}", listed(missing.iter().map(|want| &want.sink))),
    };
    let actual = match left.is_empty() {
        true => format!("{} landed in all", story.effects.len()),
        false => format!("unexpected {}", listed(extra)),
    };
    miss(expected, actual, left.first().map(|(_, _, spot)| *spot))
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn fits(want: &EffectWant, sink: &str, digest: &str) -> bool {
    if *want.sink != *sink {
        return false;
    }
    match (&want.operation, &want.arguments) {
        (Some(operation), Some(arguments)) => {
            job::digest(sink, operation, arguments).is_ok_and(|wanted| *wanted == *digest)
        }
        _ => true,
    }
}

fn approvals_ended(wanted: &ApprovalWant, story: &Story<'_>) -> Option<Miss> {
    if let Some(range) = &wanted.asked
        && let Some(miss) = counted(range, story.asked)
    {
        return Some(Miss {
            expected: format!("{} asked", miss.expected),
            actual: format!("{} asked", miss.actual),
            ..miss
        });
    }
    let ended = |end: ApprovalEnd| story.closed.iter().filter(|(how, _)| *how == end.word()).count();
    wanted.ended.iter().find_map(|(end, range)| {
        let found = u32::try_from(ended(*end)).unwrap_or(u32::MAX);
        let miss = counted(&range.value, found)?;
        let of = |text: &str| format!("{text} {}", end.word());
        Some(Miss {
            expected: of(&miss.expected),
            actual: of(&miss.actual),
            ..miss
        })
    })
}

fn matches_view(want: &ViewWant, audience: Audience, view: &View) -> bool {
    let contains = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
    let words = |part: &Arc<str>| {
        contains(&view.headline, part)
            || view
                .what_to_do
                .as_deref()
                .is_some_and(|text| contains(text, part))
    };
    audience == want.to
        && want.state.is_none_or(|state| state == view.state)
        && want.liveness.is_none_or(|liveness| liveness == view.liveness)
        && want.words.as_ref().is_none_or(words)
        && want
            .cause
            .as_ref()
            .is_none_or(|code| view.cause.as_ref().is_some_and(|cause| cause.code == *code))
        && want.attempt.is_none_or(|attempt| attempt == view.attempt)
        && want.verbs.as_ref().is_none_or(|verbs| *verbs == view.verbs)
}

/// The first view that is what is wanted, in its window of time.
fn find_view(want: &ViewWant, story: &Story<'_>, arrived: SimTime) -> Option<Spot> {
    if let Some(at) = want.at {
        let (audience, view, spot) = story.shown_at(want.to, arrived + at)?;
        return matches_view(want, *audience, view).then_some(*spot);
    }
    let in_window = |at: SimTime| {
        want.by.is_none_or(|by| at <= arrived + by) && want.not_before.is_none_or(|from| at >= arrived + from)
    };
    let found = story
        .views
        .iter()
        .find(|(audience, view, (at, _))| in_window(*at) && matches_view(want, *audience, view));
    found.map(|(_, _, spot)| *spot)
}

fn shown(want: &ViewWant, story: &Story<'_>) -> Option<Miss> {
    let arrived = story.arrived.unwrap_or_default();
    if find_view(want, story, arrived).is_some() {
        return None;
    }
    let of = story.views.iter().filter(|(audience, _, _)| *audience == want.to);
    let what = of.map(|(_, view, (at, _))| format!("{} ({}) at {at}", view.state, view.liveness.word()));
    miss(describe(want), format!("was shown {}", listed(what)), None)
}

fn not_shown(want: &ViewWant, story: &Story<'_>) -> Option<Miss> {
    let spot = find_view(want, story, story.arrived.unwrap_or_default())?;
    miss(
        format!("never {}", describe(want)),
        format!("shown at {}", spot.0),
        Some(spot),
    )
}

fn describe(want: &ViewWant) -> String {
    let mut parts = Vec::new();
    parts.extend(want.state.map(|state| format!("state `{state}`")));
    parts.extend(want.liveness.map(|liveness| liveness.word().to_owned()));
    parts.extend(want.words.as_ref().map(|words| format!("the words `{words}`")));
    parts.extend(want.cause.as_ref().map(|cause| format!("cause `{cause}`")));
    parts.extend(want.attempt.map(|attempt| format!("attempt {attempt}")));
    parts.extend(
        want.verbs
            .as_ref()
            .map(|verbs| format!("verbs {}", listed(verbs))),
    );
    parts.extend(want.at.map(|at| format!("at {at}")));
    parts.extend(want.by.map(|by| format!("by {by}")));
    parts.extend(want.not_before.map(|from| format!("not before {from}")));
    let to = if want.to == Audience::User {
        "user"
    } else {
        "operator"
    };
    format!("a view for the {to} with {}", parts.join(", "))
}
