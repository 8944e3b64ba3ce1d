//! Reads `expect`: single tasks by their ids, all tasks, and kinds.

use std::sync::Arc;

use super::group::{Amount, GroupExpectation, GroupWant, Who};
use super::read::{ExpectContext, ends, wants};
use super::want::{End, TaskExpectation};
use crate::scenario::decode::{map, mismatch, parsed};
use crate::scenario::{Diagnostic, Diagnostics, Entry, Key, Node, NodeKind, Span, Spanned, quoted, suggest};
use crate::trace::LaneName;
use crate::units::{JobId, Probability};

/// What a scenario expects, as far as it was read.
#[derive(Debug, Clone, Default)]
pub(in crate::scenario) struct Expected {
    /// Of single tasks.
    pub(in crate::scenario) tasks: Vec<TaskExpectation>,
    /// Of groups.
    pub(in crate::scenario) groups: Vec<GroupExpectation>,
}

/// How ids and kinds are looked up; an unknown one is reported there.
pub(in crate::scenario) trait Lookup {
    /// The jobs of an id.
    fn jobs(&self, id: &Spanned<Arc<str>>, out: &mut Diagnostics) -> Option<Vec<JobId>>;
    /// The names of the kinds that tasks of the scenario have, if all tasks could be read.
    fn kinds(&self) -> Option<Vec<&str>>;
}

/// Reads one map of expectations.
pub(in crate::scenario) fn expect(
    context: &ExpectContext<'_>,
    lookup: &dyn Lookup,
    node: &Node,
    into: &mut Expected,
    out: &mut Diagnostics,
) {
    let NodeKind::Map(entries) = &node.kind else {
        mismatch(node, "a map from tasks to what is expected of them", out);
        return;
    };
    for Entry { key, value } in entries {
        match key.text.as_str() {
            "all" => into.groups.extend(group(context, Who::All, key, value, out)),
            "kinds" => kinds(context, lookup, value, into, out),
            _ => task(context, lookup, key, value, into, out),
        }
    }
}

fn shared(key: &Key) -> Spanned<Arc<str>> {
    Spanned::new(Arc::from(key.text.as_str()), key.span)
}

fn task(
    context: &ExpectContext<'_>,
    lookup: &dyn Lookup,
    key: &Key,
    node: &Node,
    into: &mut Expected,
    out: &mut Diagnostics,
) {
    let task = shared(key);
    let jobs = lookup.jobs(&task, out);
    let wants = wants(context, node, out);
    let (Some(jobs), Some(wants)) = (jobs, wants) else {
        return;
    };
    into.tasks.extend(jobs.into_iter().map(|job| TaskExpectation {
        job,
        task: task.clone(),
        wants: wants.clone(),
    }));
}

fn kinds(
    context: &ExpectContext<'_>,
    lookup: &dyn Lookup,
    node: &Node,
    into: &mut Expected,
    out: &mut Diagnostics,
) {
    let NodeKind::Map(entries) = &node.kind else {
        mismatch(node, "a map from kinds to what is expected of their tasks", out);
        return;
    };
    for Entry { key, value } in entries {
        if let Some(known) = lookup.kinds().filter(|known| !known.contains(&key.text.as_str())) {
            let error = Diagnostic::error(format!("no task is of kind {}", quoted(&key.text)));
            out.push(
                error
                    .at(key.span, "")
                    .help(suggest(&key.text, "kinds of the tasks", &known)),
            );
        }
        let who = Who::Kind(Arc::from(key.text.as_str()));
        into.groups.extend(group(context, who, key, value, out));
    }
}

fn group(
    context: &ExpectContext<'_>,
    who: Who,
    key: &Key,
    node: &Node,
    out: &mut Diagnostics,
) -> Option<GroupExpectation> {
    let mut keys = map(node, out)?;
    let single = [
        keys.optional("tasks", |node, out| placed(node, GroupWant::Tasks, out)),
        keys.optional("handed_over", |node, out| {
            placed(node, GroupWant::HandedOver, out)
        }),
        keys.optional("effects", |node, out| placed(node, GroupWant::Effects, out)),
        keys.optional("creates", |node, out| placed(node, GroupWant::Creates, out)),
    ];
    let outcomes = keys.or("outcome", Vec::new(), |node, out| {
        counted("outcome", &ends(), End::word, GroupWant::Outcome, node, out)
    });
    let lanes = keys.or("lane", Vec::new(), |node, out| {
        counted("lane", LaneName::ALL, LaneName::word, GroupWant::Lane, node, out)
    });
    let each = keys.or("each", Vec::new(), |node, out| wants(context, node, out));
    keys.finish();
    let single: Vec<Option<Spanned<GroupWant>>> = single.into_iter().collect::<Option<_>>()?;
    let wants = single.into_iter().flatten().chain(outcomes?).chain(lanes?);
    Some(GroupExpectation {
        who,
        span: key.span,
        wants: wants.collect(),
        each: each?,
    })
}

fn placed(
    node: &Node,
    want: impl Fn(Amount) -> GroupWant,
    out: &mut Diagnostics,
) -> Option<Spanned<GroupWant>> {
    amount(node, out).map(|amount| Spanned::new(want(amount), node.mark()))
}

/// A map from words to amounts.
fn counted<T: Copy>(
    noun: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str + Copy,
    want: impl Fn(T, Amount) -> GroupWant,
    node: &Node,
    out: &mut Diagnostics,
) -> Option<Vec<Spanned<GroupWant>>> {
    let NodeKind::Map(entries) = &node.kind else {
        mismatch(node, &format!("a map from {noun} to amount"), out);
        return None;
    };
    let read = |entry: &Entry, out: &mut Diagnostics| {
        let word = known(noun, all, name, &entry.key.text, entry.key.span, out);
        let amount = amount(&entry.value, out);
        Some(Spanned::new(want(word?, amount?), entry.value.mark()))
    };
    let wants: Vec<_> = entries.iter().map(|entry| read(entry, out)).collect();
    wants.into_iter().collect()
}

fn known<T: Copy>(
    noun: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
    word: &str,
    span: Span,
    out: &mut Diagnostics,
) -> Option<T> {
    let found = all.iter().copied().find(|one| name(*one) == word);
    if found.is_none() {
        let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        let error = Diagnostic::error(format!("unknown {noun} {}", quoted(word)));
        out.push(error.at(span, "").help(suggest(word, "possible", &names)));
    }
    found
}

fn amount(node: &Node, out: &mut Diagnostics) -> Option<Amount> {
    parsed("an amount", |text| {
        read_amount(text).ok_or("write a number, a range such as `480-500`, a share such as `95%-100%`, or `at least` or `at most` with one")
    })(node, out)
}

fn read_amount(text: &str) -> Option<Amount> {
    let (low, high) = match text.strip_prefix("at least ") {
        Some(low) => (Some(low), None),
        None => match text.strip_prefix("at most ") {
            Some(high) => (None, Some(high)),
            None => {
                let (low, high) = text.split_once('-').unwrap_or((text, text));
                (Some(low), Some(high))
            }
        },
    };
    let is_share = |bound: Option<&str>| bound.is_none_or(|bound| bound.trim().ends_with('%'));
    if is_share(low) && is_share(high) {
        let low = low.map_or(Probability::new(0.0).ok(), share)?;
        let high = high.map_or(Some(Probability::ONE), share)?;
        return (low <= high).then_some(Amount::Share { low, high });
    }
    let low = low.map_or(Some(0), |low| low.trim().parse().ok())?;
    let high = high.map_or(Some(u32::MAX), |high| high.trim().parse().ok())?;
    (low <= high).then_some(Amount::Count(low..=high))
}

/// Per cent, with at most four decimals.
fn share(text: &str) -> Option<Probability> {
    let number = text.trim().strip_suffix('%')?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = plain.then(|| number.parse().ok())??;
    Probability::new(value / 100.0).ok()
}

#[cfg(test)]
mod tests {
    use super::read_amount;

    #[test]
    fn amounts_cover_what_they_say() {
        for (text, found, tasks, covered) in [
            ("5", 5, 9, true),
            ("5", 4, 9, false),
            ("3-5", 3, 9, true),
            ("3-5", 6, 9, false),
            ("at least 3", 2, 9, false),
            ("at most 3", 3, 9, true),
            ("95%-100%", 19, 20, true),
            ("95%-100%", 18, 20, false),
            ("at most 33.3334%", 1, 3, true),
            ("at least 33.3334%", 1, 3, false),
            ("100%", 0, 0, false),
            ("at least 0%", 0, 0, false),
        ] {
            let amount = read_amount(text);
            assert_eq!(
                amount.map(|amount| amount.covers(found, tasks)),
                Some(covered),
                "`{text}`"
            );
        }
        for text in [
            "",
            "x",
            "-1",
            "5-3",
            "50%-40%",
            "101%",
            "at least",
            "5-6%",
            "1e2%",
            "at least -3",
        ] {
            assert_eq!(read_amount(text), None, "`{text}`");
        }
    }
}
