//! The table of strategies: what a comparison file may name, what each does, what it is shown, and what it takes.
//!
//! The words that a file is read by, the listing of `lanebench compare --strategies` and the errors come out of this table; a
//! test holds what each strategy says it is shown against what it really looks at.

use crate::units::{Probability, SimDuration};

/// What a strategy may be shown of a task and of the world, beside what everybody sees: what is declared of the task (its kind,
/// attributes and tenant), and what the policy says about it. Nobody is shown what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sees {
    /// A number of each task's own, to toss coins with.
    Coin,
    /// How full the lanes are.
    Lanes,
    /// The declared target of the result.
    Target,
    /// How long the work will take, off by a declared error.
    Prediction,
    /// What came of its own choices, as soon as the runtime knows.
    OwnOutcomes,
    /// Whether a user has output on view yet.
    Output,
    /// How long the work will take, exactly: what nobody can know.
    Future,
}

impl Sees {
    /// In plain words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Coin => "a coin of each task's own",
            Self::Lanes => "how full the lanes are",
            Self::Target => "the target of the result",
            Self::Prediction => "a prediction that is off by the declared error",
            Self::OwnOutcomes => "what came of its own choices, when the runtime knows",
            Self::Output => "whether a user has output on view",
            Self::Future => "the future: how long the work will take",
        }
    }
}

/// A parameter of a strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its key.
    pub name: &'static str,
    /// What may stand there, and what it means.
    pub means: &'static str,
    /// What it is where it is left out; none: it is required.
    pub usual: Option<&'static str>,
}

/// A strategy that a comparison file may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrategyRow {
    /// Its word.
    pub word: &'static str,
    /// How it is written.
    pub written: &'static str,
    /// What it does.
    pub does: &'static str,
    /// What it is shown beside what everybody is.
    pub sees: &'static [Sees],
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// Whether it is shown the future: marked in every report, and no candidate for the best.
    pub is_oracle: bool,
}

const fn row(word: &'static str, written: &'static str, does: &'static str) -> StrategyRow {
    StrategyRow {
        word,
        written,
        does,
        sees: &[],
        parameters: &[],
        is_oracle: false,
    }
}

impl StrategyRow {
    const fn seeing(self, sees: &'static [Sees]) -> Self {
        Self { sees, ..self }
    }

    const fn taking(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    const fn oracle(self) -> Self {
        Self {
            is_oracle: true,
            ..self
        }
    }
}

const fn needs(name: &'static str, means: &'static str) -> Parameter {
    Parameter {
        name,
        means,
        usual: None,
    }
}

const fn takes(name: &'static str, means: &'static str, usual: &'static str) -> Parameter {
    Parameter {
        name,
        means,
        usual: Some(usual),
    }
}

const ERROR: Parameter = needs(
    "error",
    "0 to 10: the standard deviation of the logarithm of predicted over true length",
);
const OVER: Parameter = needs(
    "over",
    "a length of time: what takes longer goes to the background",
);

/// How much time there is for what nobody has declared a target for.
pub(super) const WITHOUT: SimDuration = SimDuration::from_secs(3_600);
/// How much a learner leaves to chance.
pub(super) const EXPLORE: Probability = Probability::PER_TEN;

/// Every strategy, in the order of the listing.
pub const STRATEGIES: [StrategyRow; 18] = [
    row("policy", "policy", "what the policy of the comparison says; `policy: FILE` is what another policy says"),
    row(
        "all_interactive",
        "all_interactive",
        "everything while the user waits; nothing is handed over",
    ),
    row("all_background", "all_background", "everything in the background"),
    row(
        "all_approval",
        "all_approval",
        "as the policy says, everything behind the approval boundary",
    ),
    row("random", "random: { interactive: 50% }", "a coin for each task")
        .seeing(&[Sees::Coin])
        .taking(&[needs("interactive", "how likely a task is interactive")]),
    row(
        "hand_over",
        "hand_over: { after: 20s }",
        "everything interactive; what the policy permits in the background goes on there after so long, or when its user leaves",
    )
    .taking(&[needs("after", "how long a user is kept waiting before")]),
    row(
        "predicted_duration",
        "predicted_duration: { over: 2m, error: 0.5 }",
        "in the background what is permitted there and predicted to take longer, interactive what is not",
    )
    .seeing(&[Sees::Prediction])
    .taking(&[OVER, ERROR]),
    row(
        "spill",
        "spill: { above: 90% }",
        "as the policy says; what is permitted in the background goes there while the interactive lane is so full",
    )
    .seeing(&[Sees::Lanes])
    .taking(&[needs("above", "a share of the capacity, those who wait included")]),
    row(
        "quoted_wait",
        "quoted_wait: { over: 20s, service: 30s }",
        "users are quoted the wait for a place; where the background is permitted, they choose it as soon as the quote is longer than they would wait",
    )
    .seeing(&[Sees::Lanes, Sees::Coin])
    .taking(&[
        needs("over", "a length of time, or a law of lengths out of which each user has one"),
        needs("service", "how long a place is taken to be held"),
    ]),
    row(
        "shed",
        "shed: { waiting: 50 }",
        "as the policy says; refused where so many wait in the lane",
    )
    .seeing(&[Sees::Lanes])
    .taking(&[needs("waiting", "at most so many jobs wait in a lane")]),
    row(
        "hedged",
        "hedged: { after: 8s }",
        "as the policy says; what users wait for and has no effects is asked for a second time after so long without output, and the first result counts",
    )
    .seeing(&[Sees::Output])
    .taking(&[needs("after", "how long there is no output")]),
    row(
        "edf",
        "edf: { error: 0.5, without: 1h }",
        "as the policy says; of those who wait in a lane, whoever has the least time left (target minus prediction) goes first",
    )
    .seeing(&[Sees::Target, Sees::Prediction])
    .taking(&[ERROR, takes("without", "how much time there is without a target", "1h")]),
    row(
        "tiers",
        "tiers: { interactive: priority, background: flex }",
        "as the policy says, asked for on the service tier of its lane: see `backend: { tiers: ... }` and `prices`",
    )
    .taking(&[
        takes("interactive", "the tier of that lane", "as the kind says"),
        takes("background", "the tier of that lane", "as the kind says"),
        takes("approval", "the tier of that lane", "as the kind says"),
    ]),
    row(
        "risk_tiers",
        "risk_tiers: [{ when: customer_comm, quorum: 2 }]",
        "as the policy says; what may be risky goes behind the approval boundary, and at least so many people have to approve it",
    )
    .taking(&[
        needs("when", "a condition in the names of the policy; unknown counts as risky"),
        needs("quorum", "1 to 100 people"),
    ]),
    row(
        "approval_windows",
        "approval_windows: { every: 30m }",
        "as the policy says; approval requests are kept and put before people together, at fixed times",
    )
    .taking(&[needs("every", "how long it is from window to window")]),
    row(
        "bandit",
        "bandit: { explore: 10% }",
        "learns: where the background is permitted, the lane that has done more of that kind in time while the interactive lane was as full; a share is left to chance, and every choice is written down with how likely it was (`--report choices=FILE`)",
    )
    .seeing(&[Sees::Coin, Sees::Lanes, Sees::OwnOutcomes])
    .taking(&[takes("explore", "the share of choices that chance makes, above 0", "10%")]),
    row(
        "program",
        "program: [python3, mine.py]",
        "what a program of your own answers, over JSON lines; it runs only with `--allow-programs`",
    )
    .seeing(&[Sees::Coin, Sees::Lanes, Sees::Target]),
    row(
        "oracle",
        "oracle: { over: 2m }",
        "in the background what is permitted there and will take longer",
    )
    .seeing(&[Sees::Future])
    .taking(&[OVER])
    .oracle(),
];

/// The words of all strategies.
pub(super) const WORDS: [&str; STRATEGIES.len()] = {
    let mut words = [""; STRATEGIES.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = STRATEGIES[place].word;
        place += 1;
    }
    words
};
