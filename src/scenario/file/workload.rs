//! Workloads: tasks out of a CSV file, one a row.
//!
//! | key of `tasks` | value | default |
//! |---|---|---|
//! | `from` | the file, relative to the one it stands in | required |
//! | `columns` | `at: { timestamp: COLUMN }`, relative to the first row, or `at: { seconds: COLUMN }` | required |
//! | | `answer_tokens: COLUMN`: the length of the last message, at fifty tokens a second | as the kind's script |
//! | | `prompt_tokens: COLUMN`: the length of the prompt | as the kind |
//! | | `attributes: { NAME: COLUMN }`: what a policy decides by; an empty field is unknown | as the kind |
//! | `kind` | one for all, or by a column: `{ by: COLUMN, cases: [{ up_to: 2000, kind: A }, { kind: B }] }` | required |
//! | `rows` | only the first so many | all |
//! | `id` | the ids are `ID-1`, `ID-2`, ... | `row` |
//! | `attributes`, `requester`, everything of the plan | as of single tasks | |
//!
//! The file has a line of column names, commas between the fields, and quotes as RFC 4180 has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::{Script, Step, StepWork};
use crate::job::TaskSpec;
use crate::policy::{self, AttributeId, Given, Policy, Source, Vocabulary};
use crate::scenario::decode::{MapReader, integer, keyed, map, non_empty, spanned, string, variant};
use crate::scenario::kinds::value::{name, spanned_name};
use crate::scenario::kinds::{Kind, Whole, defaults};
use crate::scenario::{
    Diagnostic, Diagnostics, Key, Node, NodeKind, Resolver, Sources, Spanned, quoted, suggest,
};
use crate::units::SimTime;
use crate::wire::InputItem;

use super::model::ScenarioTask;
use super::rows::{Row, Rows};
use super::tasks::{Carried, Common, TASKS_MAX, TaskReader, made};
use super::timestamp;
use super::world::arrives_in_time;

/// A workload as it is declared.
struct Draft {
    from: Spanned<String>,
    columns: Declared,
    kind: KindBy,
    rows: u32,
    id: Arc<str>,
}

/// The columns as they are declared.
struct Declared {
    at: At,
    answer_tokens: Option<Spanned<String>>,
    prompt_tokens: Option<Spanned<String>>,
    attributes: Vec<(AttributeId, Spanned<String>)>,
}

/// The column that says when a task arrives.
#[derive(Debug, Clone)]
enum At {
    Timestamp(Spanned<String>),
    Seconds(Spanned<String>),
}

impl At {
    const fn column(&self) -> &Spanned<String> {
        match self {
            Self::Timestamp(column) | Self::Seconds(column) => column,
        }
    }
}

/// How the kind of a row is found.
#[derive(Debug, Clone)]
enum KindBy {
    One(Spanned<Arc<str>>),
    Column {
        column: Spanned<String>,
        cases: Vec<Case>,
    },
}

impl KindBy {
    fn kinds(&self) -> Vec<&Spanned<Arc<str>>> {
        match self {
            Self::One(kind) => vec![kind],
            Self::Column { cases, .. } => cases.iter().map(|case| &case.kind).collect(),
        }
    }
}

/// Rows up to a number are of a kind.
#[derive(Debug, Clone)]
struct Case {
    up_to: Option<u64>,
    kind: Spanned<Arc<str>>,
}

/// Prompts of a workload are no longer than this together.
const PROMPT_BYTES_MAX: u64 = 64 << 20;

/// What the columns are, by their places.
struct Columns {
    at: usize,
    answer_tokens: Option<usize>,
    prompt_tokens: Option<usize>,
    attributes: Vec<(AttributeId, usize)>,
    kind: Option<usize>,
}

/// Whether `tasks` is a workload.
pub(super) fn is_workload(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Map(_))
}

/// The tasks of one kind in a workload.
struct Sort<'a> {
    kind: &'a Kind,
    common: Common,
    carried: Carried,
    attributes: policy::Task,
}

impl<'a> TaskReader<'a> {
    /// Reads a workload; if something about it is wrong, its ids stay unknown.
    pub(super) fn workload(
        &mut self,
        node: &Node,
        resolver: &mut dyn Resolver,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) {
        if self.read_workload(node, resolver, sources, out).is_none() {
            self.names.whole = Whole::No;
        }
    }

    fn read_workload(
        &mut self,
        node: &Node,
        resolver: &mut dyn Resolver,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<()> {
        let mut keys = map(node, out)?;
        let vocabulary = self.policy.map(Policy::vocabulary);
        let draft = draft(vocabulary, &mut keys);
        // Asked for here so that they count as known; each kind changes its own work by them below.
        let common = self.common(&mut keys, None);
        keys.finish();
        let draft = draft?;
        let sorts = self.sorts(&draft, node, out);
        let rows = Rows::open(&draft.from, draft.rows, resolver, sources, out)?;
        let columns = columns(&draft, &rows, out)?;
        self.room(rows.count(), draft.from.span, out)?;
        let (sorts, vocabulary, _) = (sorts?, vocabulary?, common?);
        let first = self.next - rows.count();
        let mut clock = Clock::default();
        let mut prompts = PROMPT_BYTES_MAX;
        for (row, number) in rows.iter().zip(first..) {
            let task = task((&draft, &columns), vocabulary, &row, &sorts, &mut clock, out)?;
            prompts = room_for(&task, prompts, &draft, out)?;
            arrives_in_time(task.at, self.ends, row.span(), out);
            let id = Spanned::new(Arc::clone(&task.task.name), row.span());
            self.names.add(&id, number..number + 1, out);
            self.tasks.push(task);
        }
        Some(())
    }

    /// Everything that the rows of each kind have in common.
    fn sorts(
        &mut self,
        draft: &Draft,
        node: &Node,
        out: &mut Diagnostics,
    ) -> Option<BTreeMap<Arc<str>, Sort<'a>>> {
        let mut all = Some(BTreeMap::new());
        for name in draft.kind.kinds() {
            let sort = self.kind(name, out).and_then(|kind| {
                let mut keys = map(node, out)?;
                let common = self.common(&mut keys, Some(kind))?;
                let (carried, attributes) = self.carried(kind, &common, out)?;
                Some(Sort {
                    kind,
                    common,
                    carried,
                    attributes,
                })
            });
            match (sort, &mut all) {
                (Some(sort), Some(list)) => drop(list.insert(Arc::clone(&name.value), sort)),
                (None, _) | (_, None) => all = None,
            }
        }
        all
    }
}

/// Reads what is declared.
fn draft(vocabulary: Option<&Vocabulary>, keys: &mut MapReader<'_, '_>) -> Option<Draft> {
    let from = keys.required("from", spanned(string));
    let columns = keys.required("columns", |node, out| declared(vocabulary, node, out));
    let kind = keys.required("kind", kind_by);
    let rows = keys.or("rows", TASKS_MAX, integer(1..=TASKS_MAX));
    let id = keys.or("id", Arc::from("row"), name);
    Some(Draft {
        from: from?,
        columns: columns?,
        kind: kind?,
        rows: rows?,
        id: id?,
    })
}

fn declared(vocabulary: Option<&Vocabulary>, node: &Node, out: &mut Diagnostics) -> Option<Declared> {
    let mut keys = map(node, out)?;
    let at = keys.required("at", at);
    let answer_tokens = keys.optional("answer_tokens", spanned(string));
    let prompt_tokens = keys.optional("prompt_tokens", spanned(string));
    let attributes = keys.or("attributes", Vec::new(), |node, out| {
        keyed(|key, node, out| attribute(vocabulary, key, node, out))(node, out)
    });
    keys.finish();
    Some(Declared {
        at: at?,
        answer_tokens: answer_tokens?,
        prompt_tokens: prompt_tokens?,
        attributes: attributes?,
    })
}

fn at(node: &Node, out: &mut Diagnostics) -> Option<At> {
    let case = variant("column of arrivals", &["timestamp", "seconds"], node, out)?;
    let column = case.value(spanned(string), out)?;
    Some(match case.name {
        "timestamp" => At::Timestamp(column),
        _ => At::Seconds(column),
    })
}

/// An attribute with its column; without a policy nobody knows the attributes.
fn attribute(
    vocabulary: Option<&Vocabulary>,
    key: &Key,
    node: &Node,
    out: &mut Diagnostics,
) -> Option<(AttributeId, Spanned<String>)> {
    let vocabulary = vocabulary?;
    let found = vocabulary.attribute(&key.text);
    if found.is_none() {
        let error = Diagnostic::error(format!("unknown attribute {}", quoted(&key.text)));
        let help = suggest(&key.text, "known attributes", &vocabulary.attribute_names());
        out.push(error.at(key.span, "").help(help));
    }
    let column = spanned(string)(node, out);
    Some((found?, column?))
}

fn kind_by(node: &Node, out: &mut Diagnostics) -> Option<KindBy> {
    if !is_workload(node) {
        return spanned_name(node, out).map(KindBy::One);
    }
    let mut keys = map(node, out)?;
    let column = keys.required("by", spanned(string));
    let cases = keys.required("cases", |node, out| {
        let cases = non_empty(case)(node, out)?;
        covers_all(&cases, node, out).then_some(cases)
    });
    keys.finish();
    Some(KindBy::Column {
        column: column?,
        cases: cases?,
    })
}

fn case(node: &Node, out: &mut Diagnostics) -> Option<Case> {
    let mut keys = map(node, out)?;
    let up_to = keys.optional("up_to", integer(0..=u64::MAX));
    let kind = keys.required("kind", spanned_name);
    keys.finish();
    Some(Case {
        up_to: up_to?,
        kind: kind?,
    })
}

/// Whether the cases rise and the last one, and no other, takes all that is left; otherwise that is reported.
fn covers_all(cases: &[Case], node: &Node, out: &mut Diagnostics) -> bool {
    let bounds: Vec<Option<u64>> = cases.iter().map(|case| case.up_to).collect();
    let rising = bounds.is_sorted_by(|low, high| match (low, high) {
        (Some(low), Some(high)) => low < high,
        (Some(_), None) => true,
        (None, _) => false,
    });
    if rising && bounds.last() == Some(&None) {
        return true;
    }
    let error = Diagnostic::error("the cases do not cover every number once");
    let help = "write rising `up_to`, and a last case without it for all that is left";
    out.push(error.at(node.mark(), "").help(help));
    false
}

fn columns(draft: &Draft, rows: &Rows, out: &mut Diagnostics) -> Option<Columns> {
    let mut optional = |column: &Option<Spanned<String>>| match column {
        Some(column) => rows.column(column, out).map(Some),
        None => Some(None),
    };
    let answer_tokens = optional(&draft.columns.answer_tokens);
    let prompt_tokens = optional(&draft.columns.prompt_tokens);
    let at = rows.column(draft.columns.at.column(), out);
    let attributes: Vec<_> = draft
        .columns
        .attributes
        .iter()
        .map(|(attribute, column)| rows.column(column, out).map(|column| (*attribute, column)))
        .collect();
    let kind = match &draft.kind {
        KindBy::One(_) => Some(None),
        KindBy::Column { column, .. } => rows.column(column, out).map(Some),
    };
    Some(Columns {
        at: at?,
        answer_tokens: answer_tokens?,
        prompt_tokens: prompt_tokens?,
        attributes: attributes.into_iter().collect::<Option<_>>()?,
        kind: kind?,
    })
}

/// The task of a row.
fn task(
    (draft, columns): (&Draft, &Columns),
    vocabulary: &Vocabulary,
    row: &Row<'_>,
    sorts: &BTreeMap<Arc<str>, Sort<'_>>,
    clock: &mut Clock,
    out: &mut Diagnostics,
) -> Option<ScenarioTask> {
    let at = clock.arrival(draft, columns, row, out)?;
    let sort = sorts.get(&kind_of(draft, columns, row, out)?)?;
    let mut carried = sort.carried.clone();
    if let Some(column) = columns.answer_tokens {
        carried.script = answering(&carried.script, row.tokens(column, out)?);
    }
    if let Some(column) = columns.prompt_tokens {
        carried.input = TaskSpec::asking("row ".repeat(row.tokens(column, out)? as usize));
    }
    let mut attributes = sort.attributes.clone();
    for (attribute, column) in &columns.attributes {
        attributes.set(given((vocabulary, *attribute), *column, row, out)?);
    }
    let id = Arc::from(format!("{}-{}", draft.id, row.number()));
    Some(made(
        row.span(),
        (id, at),
        sort.kind,
        &sort.common,
        carried,
        attributes,
    ))
}

/// The value of an attribute in a row; the trace of a product says what was measured.
fn given(
    (vocabulary, attribute): (&Vocabulary, AttributeId),
    column: usize,
    row: &Row<'_>,
    out: &mut Diagnostics,
) -> Option<Given> {
    let text = match row.field(column) {
        "" => "unknown",
        text => text,
    };
    match vocabulary.read_value(attribute, text) {
        Ok(value) => Some(Given {
            attribute,
            value,
            source: Source::Measured,
        }),
        Err(cause) => {
            let message = format!("{} is no value of `{}`", quoted(text), vocabulary.name(attribute));
            out.push(Diagnostic::error(message).at(row.place(column), cause.to_string()));
            None
        }
    }
}

fn kind_of(draft: &Draft, columns: &Columns, row: &Row<'_>, out: &mut Diagnostics) -> Option<Arc<str>> {
    let (cases, column) = match (&draft.kind, columns.kind) {
        (KindBy::Column { cases, .. }, Some(column)) => (cases, column),
        (KindBy::One(kind), _) => return Some(Arc::clone(&kind.value)),
        (KindBy::Column { .. }, None) => return None,
    };
    let number = row.number_in(column, u64::MAX, out)?;
    let case = cases
        .iter()
        .find(|case| case.up_to.is_none_or(|bound| number <= bound))?;
    Some(Arc::clone(&case.kind.value))
}

/// The script with another length of its last message.
fn answering(script: &Script, tokens: u32) -> Script {
    let mut steps: Vec<Step> = script.steps.to_vec();
    let last = steps.iter_mut().rev().find(|step| step.work.said().is_some());
    if let Some(step) = last {
        let work = match &step.work {
            StepWork::Words(words) => StepWork::Words(Arc::new(words.saying(tokens))),
            _ => StepWork::Message { tokens },
        };
        *step = Step {
            work,
            takes: defaults::message_takes(tokens),
        };
    }
    Script {
        queued: script.queued,
        steps: steps.into(),
    }
}

/// What room for prompts is left behind this task; too much is reported.
fn room_for(task: &ScenarioTask, left: u64, draft: &Draft, out: &mut Diagnostics) -> Option<u64> {
    let column = draft.columns.prompt_tokens.as_ref();
    let Some(column) = column else { return Some(left) };
    let len = |item: &InputItem| match item {
        InputItem::Message { text } => text.len(),
        InputItem::FunctionCallOutput { .. }
        | InputItem::McpApprovalResponse { .. }
        | InputItem::Replayed { .. } => 0,
    };
    let after = left.checked_sub(task.task.input.iter().map(len).sum::<usize>() as u64);
    if after.is_none() {
        let error = Diagnostic::error(format!(
            "the prompts of the workload are longer than {} MiB together",
            PROMPT_BYTES_MAX >> 20
        ));
        out.push(
            error
                .at(column.span, "")
                .help("take fewer `rows`, or leave `prompt_tokens` out"),
        );
    }
    after
}

/// Turns what the column of arrivals says into instants of the run.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    /// The timestamp of the first row, in microseconds.
    first: Option<i64>,
}

impl Clock {
    fn arrival(
        &mut self,
        draft: &Draft,
        columns: &Columns,
        row: &Row<'_>,
        out: &mut Diagnostics,
    ) -> Option<SimTime> {
        let text = row.field(columns.at);
        let (found, expected) = match draft.columns.at {
            At::Timestamp(_) => (
                self.since_first(text),
                "a timestamp such as `2023-11-16 18:17:03.979`",
            ),
            At::Seconds(_) => (
                seconds(text).ok_or(Late::Unreadable),
                "a number of seconds such as `12.5`",
            ),
        };
        let message = match found {
            Ok(at) if at < SimTime::CAP => return Some(at),
            Ok(_) => "the row lies beyond the 180 days of simulated time".to_owned(),
            Err(Late::BeforeFirst) => "the row lies before the first one".to_owned(),
            Err(Late::Unreadable) => format!("expected {expected}, found {}", quoted(text)),
        };
        out.push(Diagnostic::error(message).at(row.place(columns.at), ""));
        None
    }

    fn since_first(&mut self, text: &str) -> Result<SimTime, Late> {
        let stamp = timestamp::micros(text).ok_or(Late::Unreadable)?;
        let first = *self.first.get_or_insert(stamp);
        let ticks = u64::try_from(stamp - first).map_err(|_| Late::BeforeFirst)?;
        Ok(SimTime::from_ticks(ticks))
    }
}

/// Why a row has no instant.
enum Late {
    Unreadable,
    BeforeFirst,
}

fn seconds(text: &str) -> Option<SimTime> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let ticks = timestamp::digits(whole)?
        .checked_mul(1_000_000)?
        .checked_add(timestamp::fraction(part)?)?;
    u64::try_from(ticks).ok().map(SimTime::from_ticks)
}
