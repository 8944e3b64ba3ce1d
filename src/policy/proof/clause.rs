//! The clauses of the source text: which of them a policy decides, and which it forgets.
//!
//! A clause names tasks and where they belong. A policy decides it if on some such task of which everything built-in is
//! known it answers as the clause says, whatever its own attributes are; it forgets it if on none.

use crate::policy::attribute::Attribute;
use crate::policy::attribute::Attribute::{
    AffectsCustomers, AnswerShortWithinWait, CanRetrieveResult, CanShowRetry, CanShowStatus, ChangesState,
    ConversationalValuePrimary, CustomerComm, MultiStepOrSlow, ProdWrite, PublishUnchecked, PurchaseOrCredit,
    RecordChange, ReviewBeforeDelivery, SpendsMoney, ToolsNarrowFast, UserSteering, ValueAfterSession,
};
use crate::policy::checked::Policy;
use crate::policy::space::{Algebra, AxisValue, Diagrams, Space, Table};

/// Where the tasks of a clause belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belongs {
    Background,
    Interactive,
    Approval,
}

/// A clause: its name, its words, the attributes that hold on its tasks (no other does), and where those belong.
#[derive(Debug, Clone, Copy)]
pub struct Clause {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub sentence: &'static str,
    tasks: &'static [&'static [Attribute]],
    belongs: Belongs,
}

/// What a policy does about a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClauseVerdict {
    /// It answers as the clause says.
    Decided,
    /// It says that the clause does not concern it, and why.
    OutOfScope(String),
    /// It answers otherwise.
    Forgotten,
}

impl ClauseVerdict {
    /// The word used in reports.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::OutOfScope(_) => "out_of_scope",
            Self::Forgotten => "forgotten",
        }
    }
}

const fn clause(
    name: &'static str,
    sentence: &'static str,
    tasks: &'static [&'static [Attribute]],
    belongs: Belongs,
) -> Clause {
    Clause {
        name,
        sentence,
        tasks,
        belongs,
    }
}

const LONG: &[Attribute] = &[
    ValueAfterSession,
    MultiStepOrSlow,
    CanShowStatus,
    CanShowRetry,
    CanRetrieveResult,
];
const REVIEWED: &[Attribute] = &[
    ValueAfterSession,
    ReviewBeforeDelivery,
    CanShowStatus,
    CanShowRetry,
    CanRetrieveResult,
];
const DRAFT: &[Attribute] = &[
    ValueAfterSession,
    ReviewBeforeDelivery,
    CustomerComm,
    CanShowStatus,
    CanShowRetry,
    CanRetrieveResult,
];
const WORTHLESS_LATER: &[Attribute] = &[MultiStepOrSlow, CanShowStatus, CanShowRetry, CanRetrieveResult];
const SINGLE_STEP: &[Attribute] = &[ValueAfterSession, CanShowStatus, CanShowRetry, CanRetrieveResult];
const NO_STATUS: &[Attribute] = &[
    ValueAfterSession,
    MultiStepOrSlow,
    CanShowRetry,
    CanRetrieveResult,
];
const NO_RETRY: &[Attribute] = &[
    ValueAfterSession,
    MultiStepOrSlow,
    CanShowStatus,
    CanRetrieveResult,
];
const NO_RESULT: &[Attribute] = &[ValueAfterSession, MultiStepOrSlow, CanShowStatus, CanShowRetry];

use Belongs::{Approval, Background, Interactive};

/// The clauses, in the order of the source text.
const CLAUSES: [Clause; 24] = [
    clause(
        "S1a",
        "work that can finish after the session goes to the background",
        &[LONG],
        Background,
    ),
    clause(
        "S1b",
        "longer tool chains go to the background",
        &[LONG],
        Background,
    ),
    clause(
        "S1c",
        "what is reviewed before delivery goes to the background",
        &[REVIEWED],
        Background,
    ),
    clause(
        "S4a-d",
        "long analysis, reports, research and jobs go to the background",
        &[LONG],
        Background,
    ),
    clause(
        "S4e",
        "a flow that drafts first publishes after review",
        &[DRAFT],
        Approval,
    ),
    clause(
        "S5a",
        "interactive while the user steers the result",
        &[&[UserSteering]],
        Interactive,
    ),
    clause(
        "S5b",
        "interactive when the answer is short",
        &[&[AnswerShortWithinWait]],
        Interactive,
    ),
    clause(
        "S5c",
        "interactive when the tools are narrow and fast",
        &[&[ToolsNarrowFast]],
        Interactive,
    ),
    clause(
        "S5d",
        "interactive when the conversation is the value",
        &[&[ConversationalValuePrimary]],
        Interactive,
    ),
    clause(
        "S6",
        "nothing goes to the background for elegance alone",
        &[&[]],
        Interactive,
    ),
    clause(
        "S8-state",
        "what changes state needs approval",
        &[&[ChangesState]],
        Approval,
    ),
    clause(
        "S8-money",
        "what spends money needs approval",
        &[&[SpendsMoney]],
        Approval,
    ),
    clause(
        "S8-customers",
        "what affects customers needs approval",
        &[&[AffectsCustomers]],
        Approval,
    ),
    clause(
        "S10a",
        "communication that customers see needs approval",
        &[&[CustomerComm]],
        Approval,
    ),
    clause(
        "S10b",
        "changed records need approval",
        &[&[RecordChange]],
        Approval,
    ),
    clause(
        "S10c",
        "purchases and credits need approval",
        &[&[PurchaseOrCredit]],
        Approval,
    ),
    clause(
        "S10d",
        "writes into production need approval",
        &[&[ProdWrite]],
        Approval,
    ),
    clause(
        "S10e",
        "publishing without a human check needs approval",
        &[&[PublishUnchecked]],
        Approval,
    ),
    clause(
        "S12a",
        "background only if the result keeps its value",
        &[WORTHLESS_LATER],
        Interactive,
    ),
    clause(
        "S12b",
        "background only for several steps or slow tools",
        &[SINGLE_STEP],
        Interactive,
    ),
    clause(
        "S12c-status",
        "background only if the product can show status",
        &[NO_STATUS],
        Interactive,
    ),
    clause(
        "S12c-retry",
        "background only if the product can show retries",
        &[NO_RETRY],
        Interactive,
    ),
    clause(
        "S12c-result",
        "background only if the product can hand out the result",
        &[NO_RESULT],
        Interactive,
    ),
    clause(
        "S14c",
        "no background task writes without review",
        &[DRAFT],
        Approval,
    ),
];

impl Clause {
    /// Every clause, in the order of the source text.
    pub const ALL: &'static [Self] = &CLAUSES;
}

/// What the policy does about every clause, in the order of the source text. None if the bound on memory was met.
#[must_use]
pub fn clauses(
    policy: &Policy,
    space: &Space,
    diagrams: &mut Diagrams,
) -> Option<Vec<(Clause, ClauseVerdict)>> {
    let table = Table::read(space, 0, policy, None, diagrams);
    let verdicts = CLAUSES.into_iter().map(|clause| {
        let declared = policy.out_of_scope().iter().find(|(name, _)| name == clause.name);
        let verdict = match declared {
            Some((_, because)) => ClauseVerdict::OutOfScope(because.clone()),
            None if decides(&clause, &table, space, diagrams) => ClauseVerdict::Decided,
            None => ClauseVerdict::Forgotten,
        };
        (clause, verdict)
    });
    let verdicts = verdicts.collect();
    (!diagrams.exhausted()).then_some(verdicts)
}

fn decides(
    clause: &Clause,
    table: &Table<crate::policy::space::Set>,
    space: &Space,
    diagrams: &mut Diagrams,
) -> bool {
    let answered = match clause.belongs {
        Background => table.background,
        // Long work without a healthy lane may be refused instead.
        Interactive => {
            let refused = diagrams.and(&table.refused, &table.classes.permits_refusal);
            diagrams.or(&table.interactive, &refused)
        }
        Approval => table.approval,
    };
    clause.tasks.iter().all(|holds| {
        let mut tasks = diagrams.minus(&answered, &table.impossible);
        for (axis, own) in space.axes().iter().enumerate() {
            let values = own.values().iter();
            let places: Vec<bool> = match own.built_in() {
                Some(attribute) => {
                    let wanted = AxisValue::Truth(holds.contains(&attribute));
                    values.map(|value| *value == wanted).collect()
                }
                None => values.map(|value| *value != AxisValue::Unknown).collect(),
            };
            let having = diagrams.having(axis, &places);
            tasks = diagrams.and(&tasks, &having);
        }
        !diagrams.is_empty(&tasks)
    })
}
