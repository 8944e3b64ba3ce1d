//! Sweeps: a comparison at several values of one thing that its file says.
//!
//! | key of `sweep` | value | default |
//! |---|---|---|
//! | `vary` | `load`, or the path of a value of the file, such as `workload.arrivals.poisson.every` or `people.1.user.leaves_after.lognormal.p50`: keys and the numbers of items, from 1, with points between them | required |
//! | `over` | at least two values, in the order in which they are shown | required |
//!
//! `load` is how much comes: the same arrivals so many times as fast, such as `1.5` or `150%`; a daily profile keeps its
//! hours, and bursts their lengths. Whatever else is varied is put in the place of what stands in the file, so that a value
//! that cannot stand there is a mistake at its own place.
//!
//! Every point is a comparison of its own with the seeds of all others: all points meet the same luck.

use std::sync::Arc;

use super::feed::LOAD;
use super::part::{Kept, PartError};
use super::plan::Comparison;
use crate::scenario::decode::{decimal, duration, map, non_empty, probability, scalar, spanned, string};
use crate::scenario::{
    Diagnostic, Diagnostics, Node, NodeKind, Resolver, Sources, Span, quoted, read, suggest,
};

/// No sweep has more points.
const POINTS_MAX: usize = 64;
/// What is laid down once for all points.
const LAID_DOWN: [&str; 10] = [
    "comparison",
    "hypothesis",
    "metric",
    "indifference",
    "alpha",
    "reference",
    "metrics",
    "replications",
    "gates",
    "sweep",
];

/// What a comparison file says: one comparison, or one for each value of what is varied.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// What is varied; none of a single comparison.
    pub varied: Option<Varied>,
    /// The comparisons, at least one, in the order of the values.
    pub points: Vec<Comparison>,
}

/// What is varied, and over what.
#[derive(Debug, Clone, PartialEq)]
pub struct Varied {
    /// `load`, or the path of a value.
    pub what: Arc<str>,
    /// How its values lie on an axis.
    pub scale: Scale,
    /// The values in the order written.
    pub values: Vec<Value>,
}

/// How values lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Numbers or shares, in even steps.
    Numbers,
    /// Lengths of time, by their logarithm.
    Lengths,
    /// Words, one beside the other.
    Words,
}

/// A value of what is varied.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// As it is written.
    pub word: Arc<str>,
    /// Where it lies on the axis: the number, the share of 1, the seconds, or its place from 1.
    pub x: f64,
}

impl Sweep {
    /// Reads the comparison file `bytes`, called `name`, and every file it names.
    ///
    /// What is broken goes to `out`; then there is nothing.
    pub fn load(
        name: &str,
        bytes: &[u8],
        resolver: &mut dyn Resolver,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let before = out.errors();
        let root = read(sources, name, bytes, out)?;
        let draft = entry(&root, "sweep").map(|node| draft(&root, node, out));
        let written = Comparison::decode((name, &root, 1.0), resolver, sources, out);
        let Some(draft) = draft else {
            return Some(Self {
                varied: None,
                points: vec![written?],
            });
        };
        let (written, draft) = (written?, draft?);
        let mut points = Vec::new();
        for (value, place) in draft.values.iter().zip(0..) {
            let (tree, load) = match &draft.target {
                Target::Load => (root.clone(), draft.loads[place]),
                Target::Path(path) => (with(&root, path, value), 1.0),
            };
            let point = Comparison::decode((name, &tree, load), resolver, sources, out);
            points.extend(point.map(|point| Comparison {
                point: u32::try_from(place).unwrap_or(u32::MAX),
                // Whatever stands behind the points, the files are the same.
                digest: Arc::clone(&written.digest),
                ..point
            }));
        }
        (out.errors() == before).then_some(Self {
            varied: Some(draft.varied),
            points,
        })
    }

    /// The first line of a part of it.
    #[must_use]
    pub fn part_header(&self) -> String {
        self.points
            .first()
            .map(Comparison::part_header)
            .unwrap_or_default()
    }

    /// Takes the replications of all points out of a part, as [`Comparison::read_part`] does for one.
    ///
    /// # Errors
    /// [`PartError`] if it is no part of this file.
    pub fn read_part(&self, text: &str, kept: &mut [Kept]) -> Result<usize, PartError> {
        let mut whole = 0;
        for (point, kept) in self.points.iter().zip(kept) {
            whole = point.read_part(text, kept)?;
        }
        Ok(whole)
    }

    /// Ends the warm-ups where those of replications that were kept have ended: pilots were played before them.
    pub fn settle_as_kept(&mut self, kept: &[Kept]) {
        for (point, kept) in self.points.iter_mut().zip(kept) {
            let cut = kept.values().next().and_then(|one| one.cut.clone());
            if let Some(cut) = cut.filter(|_| point.pilots() > 0) {
                point.settle_as(cut);
            }
        }
    }

    /// Every replication that may be played, point by point: of which point, and its place.
    pub fn places(&self) -> impl Iterator<Item = (usize, u32)> {
        let each = self.points.iter().enumerate();
        each.flat_map(|(point, comparison)| (0..comparison.repeats.most).map(move |place| (point, place)))
    }
}

/// A sweep as it is written.
struct Draft {
    varied: Varied,
    target: Target,
    values: Vec<Node>,
    /// Of `load` alone.
    loads: Vec<f64>,
}

enum Target {
    Load,
    Path(Vec<String>),
}

fn draft(root: &Node, node: &Node, out: &mut Diagnostics) -> Option<Draft> {
    let mut keys = map(node, out)?;
    let vary = keys.required("vary", |node, out| Some((node, spanned(string)(node, out)?)));
    let over = keys.required("over", |node, out| {
        let texts = non_empty(|node, out| Some(scalar(node, "a value", out)?.text.clone()))(node, out)?;
        let NodeKind::List(items) = &node.kind else {
            return None;
        };
        Some((node.mark(), items.clone(), texts))
    });
    keys.finish();
    let (vary, over) = (vary?, over?);
    let is_load = vary.1.value == "load";
    let target = match is_load {
        true => Some(Target::Load),
        false => path(root, vary.0, &vary.1.value, out).map(Target::Path),
    };
    let (list, values, texts) = over;
    let loads: Vec<Option<f64>> = match is_load {
        true => values.iter().map(|node| load(node, out)).collect(),
        false => Vec::new(),
    };
    let enough = enough(list, &values, &texts, out);
    let (scale, places) = match is_load {
        true => (
            Scale::Numbers,
            loads.iter().map(|load| load.unwrap_or(1.0)).collect(),
        ),
        false => scale(&values),
    };
    enough?;
    let pairs = texts.iter().zip(places);
    Some(Draft {
        varied: Varied {
            what: Arc::from(vary.1.value.as_str()),
            scale,
            values: pairs
                .map(|(text, x)| Value {
                    word: Arc::from(text.as_str()),
                    x,
                })
                .collect(),
        },
        target: target?,
        loads: loads.into_iter().collect::<Option<_>>()?,
        values,
    })
}

/// Whether there are values to be compared, each once.
fn enough(list: Span, values: &[Node], texts: &[String], out: &mut Diagnostics) -> Option<()> {
    if !(2..=POINTS_MAX).contains(&values.len()) {
        let error = Diagnostic::error(format!("a sweep over {} values", values.len()));
        let help = format!("write from 2 to {POINTS_MAX} values");
        out.push(error.at(list, "").help(help));
        return None;
    }
    let mut fine = Some(());
    for (place, (node, text)) in values.iter().zip(texts).enumerate() {
        if let Some(first) = texts[..place].iter().position(|other| other == text) {
            let error = Diagnostic::error(format!("{} is there twice", quoted(text)));
            out.push(
                error
                    .at(node.mark(), "")
                    .at(values[first].mark(), "the first time"),
            );
            fine = None;
        }
    }
    fine
}

/// How many times as fast tasks come.
fn load(node: &Node, out: &mut Diagnostics) -> Option<f64> {
    let text = node.text().unwrap_or_default();
    let number = match text.strip_suffix('%') {
        Some(hundredths) => hundredths.trim_end().parse().map(|number: f64| number / 100.0),
        None => text.parse(),
    };
    let found = number.ok().filter(|load| LOAD.contains(load));
    if found.is_none() {
        let error = Diagnostic::error(format!("{} is no load", node.describe()));
        let help = "write how many times as much comes, from `1%` to `100`, such as `1.5` or `150%`";
        out.push(error.at(node.mark(), "").help(help));
    }
    found
}

/// How values lie on an axis: as what all of them are.
fn scale(values: &[Node]) -> (Scale, Vec<f64>) {
    let all = |read: &dyn Fn(&Node, &mut Diagnostics) -> Option<f64>| -> Option<Vec<f64>> {
        // What they are not is no mistake.
        let mut unheard = Diagnostics::new();
        values.iter().map(|node| read(node, &mut unheard)).collect()
    };
    let seconds = |node: &Node, out: &mut Diagnostics| Some(duration(node, out)?.as_secs_f64());
    let share = |node: &Node, out: &mut Diagnostics| Some(probability(node, out)?.value());
    if let Some(places) = all(&decimal(-1e12..=1e12)).or_else(|| all(&share)) {
        return (Scale::Numbers, places);
    }
    match all(&seconds) {
        Some(places) if places.iter().all(|place| *place > 0.0) => (Scale::Lengths, places),
        Some(places) => (Scale::Numbers, places),
        None => (
            Scale::Words,
            (1..=values.len()).map(|place| place as f64).collect(),
        ),
    }
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.kind {
        NodeKind::Map(entries) => {
            let found = entries.iter().find(|entry| entry.key.text == key);
            found.map(|entry| &entry.value)
        }
        NodeKind::Scalar(_) | NodeKind::List(_) | NodeKind::Null | NodeKind::Broken => None,
    }
}

/// The place of an item that is counted from 1.
fn item(step: &str, items: usize) -> Option<usize> {
    let number: usize = step.parse().ok()?;
    number.checked_sub(1).filter(|place| *place < items)
}

/// The steps to a value of the file; one that leads nowhere is reported at its place.
fn path(root: &Node, written: &Node, text: &str, out: &mut Diagnostics) -> Option<Vec<String>> {
    let steps: Vec<String> = text.split('.').map(str::to_owned).collect();
    let mut node = root;
    let mut from = 0;
    for (place, step) in steps.iter().enumerate() {
        let span = written.within(from..from + step.len());
        from += step.len() + 1;
        let laid_down = place == 0 && LAID_DOWN.contains(&step.as_str());
        let found = match &node.kind {
            NodeKind::Map(_) => entry(node, step).filter(|_| !laid_down),
            NodeKind::List(items) => item(step, items.len()).map(|place| &items[place]),
            NodeKind::Scalar(_) | NodeKind::Null | NodeKind::Broken => None,
        };
        let Some(found) = found else {
            out.push(astray(node, (step, span), laid_down));
            return None;
        };
        node = found;
    }
    if !matches!(node.kind, NodeKind::Scalar(_)) {
        let error = Diagnostic::error(format!("{} is {}", quoted(text), node.describe()));
        let help = "lead the path to a single value";
        out.push(error.at(written.mark(), "").at(node.mark(), "this").help(help));
        return None;
    }
    Some(steps)
}

/// What is said of a step that leads nowhere.
fn astray(node: &Node, (step, span): (&str, Span), laid_down: bool) -> Diagnostic {
    if laid_down {
        let error = Diagnostic::error(format!("{} cannot be varied", quoted(step)));
        let help = "it is laid down once for all points: vary the world, its tasks or a strategy";
        return error.at(span, "").help(help);
    }
    let error = Diagnostic::error(format!("there is no {} to be varied", quoted(step)));
    let help = match &node.kind {
        NodeKind::Map(entries) => {
            let known: Vec<&str> = entries.iter().map(|entry| entry.key.text.as_str()).collect();
            let hint = suggest(step, "what stands there", &known);
            format!("{hint}; what is not written has to be written before it can be varied")
        }
        NodeKind::List(items) => format!("items are counted from 1, and there are {}", items.len()),
        NodeKind::Scalar(_) | NodeKind::Null | NodeKind::Broken => {
            format!("nothing lies below {}: end the path there", node.describe())
        }
    };
    error.at(span, "").help(help)
}

/// The file with another value at the end of a path.
fn with(root: &Node, path: &[String], value: &Node) -> Node {
    let Some((step, rest)) = path.split_first() else {
        return Node {
            // What is underlined is the value, and what introduces it is its own place.
            header: value.span,
            ..value.clone()
        };
    };
    let mut changed = root.clone();
    match &mut changed.kind {
        NodeKind::Map(entries) => {
            for entry in entries.iter_mut().filter(|entry| entry.key.text == *step) {
                entry.value = with(&entry.value, rest, value);
            }
        }
        NodeKind::List(items) => {
            if let Some(place) = item(step, items.len()) {
                items[place] = with(&items[place], rest, value);
            }
        }
        NodeKind::Scalar(_) | NodeKind::Null | NodeKind::Broken => {}
    }
    changed
}
