//! The strategies of a comparison file.
//!
//! `strategies` is a map of names; each value is a word, or a map of one key.
//!
//! Every strategy sees what is declared of a task (its kind, attributes, tenant), what the policy says about it, and a number
//! for coins. Beside that, `spill`, `quoted_wait`, `shed` and `program` see how full the lanes are; `predicted_duration` and
//! `edf` see a prediction that is off by the declared error, and `edf` the declared target of the result; `hand_over` and `hedged` act on what the user is shown, and
//! when; `oracle` is shown the future, and marked. None of them sees what will happen otherwise, or what time it is.
//!
//! | strategy | what it does |
//! |---|---|
//! | `policy` | what the policy of the comparison says |
//! | `policy: FILE` | what another policy says |
//! | `all_interactive` | everything while the user waits; nothing is handed over |
//! | `all_background` | everything in the background |
//! | `all_approval` | as the policy says, everything behind the approval boundary |
//! | `random: { interactive: 50% }` | a coin for each task |
//! | `hand_over: { after: 20s }` | everything interactive; what the policy permits in the background goes on there after so long |
//! | `predicted_duration: { over: 2m, error: 0.5 }` | in the background what is permitted there and predicted to take longer; the error is the standard deviation of the logarithm of predicted over true length |
//! | `spill: { above: 90% }` | as the policy says; what is permitted in the background goes there while the interactive lane is so full |
//! | `quoted_wait: { over: 20s, service: 30s }` | the same while a place, held for `service`, would have to be waited for longer |
//! | `shed: { waiting: 50 }` | as the policy says; refused where so many wait in the lane |
//! | `hedged: { after: 8s }` | as the policy says; what users wait for and has no effects is asked for a second time after so long without output, and the first result counts |
//! | `edf: { error: 0.5, without: 1h }` | as the policy says; of those who wait in a lane, whoever has the least time left (target minus prediction) goes first; `without` a target there is so much |
//! | `tiers: { interactive: priority, background: flex }` | as the policy says, asked for on the service tier of its lane: see `backend: { tiers: ... }` and `prices` |
//! | `risk_tiers: [{ when: CONDITION, quorum: 2 }]` | as the policy says; what may be risky goes behind the approval boundary, and at least so many people have to approve it |
//! | `approval_windows: { every: 30m }` | as the policy says; approval requests are kept and put before people together, at fixed times |
//! | `program: [python3, mine.py]` | what a program answers, over JSON lines: see `runner::launch` |
//! | `oracle: { over: 2m }` | in the background what is permitted there and will take longer: it is shown the future, and marked |
//!
//! Every built-in strategy keeps the approval boundary of the policy of the comparison, or a stricter one.

use std::sync::Arc;

use super::file::positive;
use crate::backend::TIERS;
use crate::scenario::decode::{
    decimal, duration, integer, map, mismatch, non_empty, probability, spanned, string, variant, words,
};
use crate::scenario::{Diagnostic, Diagnostics, Node, NodeKind, Span, Spanned, quoted};
use crate::sim::strategy::{Builtin, Strategy};
use crate::units::SimDuration;

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

/// The words of strategies.
const WORDS: [&str; 17] = [
    "policy",
    "all_interactive",
    "all_background",
    "all_approval",
    "random",
    "hand_over",
    "predicted_duration",
    "spill",
    "quoted_wait",
    "shed",
    "hedged",
    "edf",
    "tiers",
    "risk_tiers",
    "approval_windows",
    "program",
    "oracle",
];

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

fn draft(node: &Node, out: &mut Diagnostics) -> Option<Draft> {
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

/// How much time there is for what nobody has declared a target for.
const WITHOUT: SimDuration = SimDuration::from_secs(3_600);

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
            let (over, service) = (
                keys.required("over", duration),
                keys.required("service", duration),
            );
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
