//! The strategies of a comparison file.
//!
//! `strategies` is a map of names; each value is a word, or a map of one key.
//!
//! What each does, is shown and takes stands in the [table](super::table), which `lanebench compare --strategies` prints.
//!
//! Every built-in strategy keeps the approval boundary of the policy of the comparison, or a stricter one.

use std::sync::Arc;

use super::file::positive;
use super::table::{EXPLORE, WITHOUT, WORDS};
use crate::backend::TIERS;
use crate::scenario::decode::{
    decimal, duration, integer, map, mismatch, non_empty, probability, spanned, string, variant, words,
};
use crate::scenario::{Diagnostic, Diagnostics, Node, NodeKind, Span, Spanned, law, quoted, suggest};
use crate::sim::strategy::{Bandit, Builtin, Strategy};
use crate::units::{Probability, SimDuration};

/// The strategies as they are written.
#[derive(Debug)]
pub(super) struct Drafts {
    pub(super) list: Vec<Draft>,
    /// Whether all of them could be read.
    pub(super) whole: bool,
}

/// A strategy as it is written.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: Arc<str>,
    pub(super) span: Span,
    pub(super) strategy: Arc<dyn Strategy>,
    pub(super) policy: Option<Spanned<String>>,
    pub(super) program: Option<Arc<[String]>>,
    pub(super) predictor: Option<f64>,
    pub(super) wait: Option<SimDuration>,
    pub(super) hedge: Option<SimDuration>,
    pub(super) windows: Option<SimDuration>,
    /// The service tiers that it names.
    pub(super) tiers: Vec<&'static str>,
    /// What is risky, as it is written, and how many have to approve it.
    pub(super) risks: Vec<(Node, u16)>,
}

/// Names are shown in columns of this width.
const NAME_MAX: usize = 24;

/// Reads `strategies`.
pub(super) fn drafts(node: &Node, out: &mut Diagnostics) -> Option<Drafts> {
    let NodeKind::Map(entries) = &node.kind else {
        mismatch(node, "a map of strategies", out);
        return None;
    };
    if entries.len() < 2 {
        let error = Diagnostic::error("there is nothing to compare");
        out.push(error.at(node.header, "").help("name at least two strategies"));
        return None;
    }
    let mut drafts = Drafts {
        list: Vec::new(),
        whole: true,
    };
    for entry in entries {
        let name = entry.key.text.as_str();
        if name.chars().count() > NAME_MAX
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        {
            let error = Diagnostic::error(format!("{} is no name of a strategy", quoted(name)));
            let help =
                format!("a name has letters, digits, `_`, `-` and `.`, and {NAME_MAX} characters at most");
            out.push(error.at(entry.key.span, "").help(help));
            drafts.whole = false;
            continue;
        }
        match draft(&entry.value, out) {
            Some(read) => drafts.list.push(Draft {
                name: Arc::from(name),
                span: entry.key.span,
                ..read
            }),
            None => drafts.whole = false,
        }
    }
    Some(drafts)
}

/// The word of a strategy that there is not.
fn unknown(node: &Node) -> Option<(&str, Span)> {
    let (word, span) = match &node.kind {
        NodeKind::Scalar(scalar) => (&scalar.text, node.span),
        NodeKind::Map(entries) => match entries.as_slice() {
            [entry] => (&entry.key.text, entry.key.span),
            _ => return None,
        },
        _ => return None,
    };
    (!WORDS.contains(&word.as_str())).then_some((word, span))
}

fn draft(node: &Node, out: &mut Diagnostics) -> Option<Draft> {
    if let Some((word, span)) = unknown(node) {
        let error = Diagnostic::error(format!("unknown strategy {}", quoted(word)));
        let help = format!(
            "{}; `lanebench compare --strategies` says what each does",
            suggest(word, "possible", &WORDS)
        );
        out.push(error.at(span, "").help(help));
        return None;
    }
    let case = variant("strategy", &WORDS, node, out)?;
    let mut draft = Draft {
        name: Arc::from(""),
        span: case.span,
        strategy: Arc::new(Builtin::Policy),
        policy: None,
        program: None,
        predictor: None,
        wait: None,
        hedge: None,
        windows: None,
        tiers: Vec::new(),
        risks: Vec::new(),
    };
    let builtin = match case.name {
        "policy" => {
            draft.policy = case.optional(spanned(string), out)?;
            Builtin::Policy
        }
        "program" => {
            let words = case.value(non_empty(string), out)?;
            draft.program = Some(words.into());
            Builtin::Policy
        }
        "risk_tiers" => {
            draft.risks = case.value(non_empty(risk), out)?;
            Builtin::Policy
        }
        "all_interactive" => case.bare(Builtin::AllInteractive, out)?,
        "all_background" => case.bare(Builtin::AllBackground, out)?,
        "all_approval" => case.bare(Builtin::AllApproval, out)?,
        "bandit" => {
            let explore = case.value(explores, out)?;
            draft.strategy = Arc::new(Bandit::new(explore));
            return Some(draft);
        }
        _ => case.value(|node, out| with_keys(case.name, node, &mut draft, out), out)?,
    };
    draft.strategy = Arc::new(builtin);
    Some(draft)
}

/// Where tokens have prices, those of every tier that a strategy names: it would look cheap otherwise.
pub(super) fn check_prices(drafts: &Drafts, priced: &[&str], out: &mut Diagnostics) {
    for draft in &drafts.list {
        let unpriced = draft.tiers.iter().find(|tier| !priced.contains(tier));
        if let (Some(tier), false) = (unpriced, priced.is_empty()) {
            let error = Diagnostic::error(format!("the service tier {} has no price", quoted(tier)));
            let help = "name it under `prices`: what has no price costs nothing there, and would look cheap";
            out.push(error.at(draft.span, "asks for it").help(help));
        }
    }
}

fn tier_word(
    table: &[(&'static str, &'static str)],
) -> impl Fn(&Node, &mut Diagnostics) -> Option<&'static str> {
    move |node, out| words("service tier", table)(node, out)
}

fn risk(node: &Node, out: &mut Diagnostics) -> Option<(Node, u16)> {
    let mut keys = map(node, out)?;
    let when = keys.required("when", |node: &Node, _: &mut Diagnostics| Some(node.clone()));
    let quorum = keys.required("quorum", integer(1..=100));
    keys.finish();
    when.zip(quorum)
}

/// The share of its choices that a learner leaves to chance: without one, nothing could be said of what it did not choose.
fn explores(node: &Node, out: &mut Diagnostics) -> Option<Probability> {
    let mut keys = map(node, out)?;
    let explore = keys.or("explore", EXPLORE, |node, out| {
        let share = probability(node, out)?;
        if share > Probability::ZERO {
            return Some(share);
        }
        let error = Diagnostic::error("a learner that leaves nothing to chance learns nothing");
        out.push(
            error
                .at(node.mark(), "")
                .help("write a share above 0, such as `10%`"),
        );
        None
    });
    keys.finish();
    explore
}

fn with_keys(name: &str, node: &Node, draft: &mut Draft, out: &mut Diagnostics) -> Option<Builtin> {
    let mut keys = map(node, out)?;
    let builtin = match name {
        "random" => keys
            .required("interactive", probability)
            .map(|interactive| Builtin::Random { interactive }),
        "hand_over" => {
            draft.wait = keys.required("after", duration);
            draft.wait.map(|_| Builtin::HandOver)
        }
        "predicted_duration" => {
            let over = keys.required("over", duration);
            draft.predictor = keys.required("error", decimal(0.0..=10.0));
            draft
                .predictor
                .and(over)
                .map(|over| Builtin::PredictedDuration { over })
        }
        "spill" => keys
            .required("above", probability)
            .map(|above| Builtin::Spill { above }),
        "quoted_wait" => {
            let (over, service) = (keys.required("over", law), keys.required("service", duration));
            over.zip(service)
                .map(|(over, service)| Builtin::QuotedWait { over, service })
        }
        "approval_windows" => {
            draft.windows = keys.required("every", positive);
            draft.windows.map(|_| Builtin::Policy)
        }
        "edf" => {
            draft.predictor = keys.required("error", decimal(0.0..=10.0));
            let without = keys.or("without", WITHOUT, positive);
            draft
                .predictor
                .and(without)
                .map(|without| Builtin::Edf { without })
        }
        "tiers" => {
            let table = TIERS.map(|tier| (tier, tier));
            let [interactive, background, approval] =
                ["interactive", "background", "approval"].map(|lane| keys.optional(lane, tier_word(&table)));
            let tiers = [interactive?, background?, approval?];
            if tiers.iter().all(Option::is_none) {
                let error = Diagnostic::error("no lane has a tier");
                let header = keys.header();
                let help = "name one for a lane at least, such as `background: flex`";
                keys.out().push(error.at(header, "").help(help));
                return None;
            }
            draft.tiers = tiers.iter().copied().flatten().collect();
            Some(Builtin::Tiers(tiers))
        }
        "hedged" => {
            draft.hedge = keys.required("after", positive);
            draft.hedge.map(|_| Builtin::Policy)
        }
        "shed" => keys
            .required("waiting", integer(0..=1_000_000))
            .map(|waiting| Builtin::Shed { waiting }),
        _ => {
            draft.predictor = Some(0.0);
            keys.required("over", duration)
                .map(|over| Builtin::Oracle { over })
        }
    };
    keys.finish();
    builtin
}
