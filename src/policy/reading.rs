//! The independent reading of the three-lane model that every decision is held against: the three gates, the seven
//! classes of tasks, and which executions each permits.
//!
//! It knows nothing of the policy that decides, except whether the effects stand behind the approval boundary.

use serde::{Deserialize, Serialize};

use super::attribute::{Attribute, AttributeSet, Flag, Truth, mask_of};
use super::compiled::Known;
use super::lane::Execution;

/// The three conditions for background work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gates {
    /// The result has value after the session, and its effects are fenced.
    pub outlives_session: Truth,
    /// The work takes several steps or may be slow, or waits for a reviewer.
    pub several_steps_or_slow: Truth,
    /// The product can show status and retries and hand out the result.
    pub product_can_show: Truth,
}

impl Gates {
    /// All three.
    #[must_use]
    pub const fn all(self) -> Truth {
        self.outlives_session
            .and(self.several_steps_or_slow)
            .and(self.product_can_show)
    }

    /// Whether at least one is unknown.
    #[must_use]
    pub const fn any_unknown(self) -> bool {
        self.outlives_session.is_unknown()
            || self.several_steps_or_slow.is_unknown()
            || self.product_can_show.is_unknown()
    }
}

/// A class of tasks. Classes exclude each other, and every fully known task is in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// All gates hold and nothing speaks for staying: background.
    D1,
    /// All gates hold, and the user steers or converses: contested.
    D2,
    /// All gates hold, and the work is merely short or fast: contested.
    D3,
    /// A gate fails and something speaks for staying: interactive.
    D4,
    /// A single quick step without any reason for either lane.
    D5,
    /// Long work whose result nobody wants later, or whose effects are not fenced: debt.
    D6,
    /// Work for the background that the product cannot show: a capability gap.
    D7,
}

impl Class {
    /// Every class, in canonical order.
    pub const ALL: [Self; 7] = [
        Self::D1,
        Self::D2,
        Self::D3,
        Self::D4,
        Self::D5,
        Self::D6,
        Self::D7,
    ];

    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::D1 => "D1",
            Self::D2 => "D2",
            Self::D3 => "D3",
            Self::D4 => "D4",
            Self::D5 => "D5",
            Self::D6 => "D6",
            Self::D7 => "D7",
        }
    }

    /// Whether a policy may decide either way and has to say why.
    #[must_use]
    pub const fn is_contested(self) -> bool {
        matches!(self, Self::D2 | Self::D3)
    }

    /// The execution that the reading prefers.
    #[must_use]
    pub const fn preferred(self) -> Execution {
        match self {
            Self::D1 | Self::D3 => Execution::Background,
            Self::D2 | Self::D4 | Self::D5 | Self::D6 | Self::D7 => Execution::Interactive,
        }
    }
}

/// What may be done with a task: the intersection over everything that its unknown attributes could be.
///
/// Invariant: at least one execution is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permitted {
    interactive: bool,
    background: bool,
    refusal: bool,
}

impl Permitted {
    /// Whether this execution is permitted.
    #[must_use]
    pub const fn contains(self, execution: Execution) -> bool {
        match execution {
            Execution::Interactive => self.interactive,
            Execution::Background => self.background,
        }
    }

    /// Whether refusing the task is an alternative: long work that has no healthy lane.
    #[must_use]
    pub const fn refusal(self) -> bool {
        self.refusal
    }

    /// The permitted executions, in canonical order.
    pub fn executions(self) -> impl Iterator<Item = Execution> {
        Execution::ALL
            .into_iter()
            .filter(move |execution| self.contains(*execution))
    }
}

/// What the reading says about a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Reading {
    pub(super) gates: Gates,
    pub(super) class: Option<Class>,
    pub(super) permitted: Permitted,
    pub(super) missing: AttributeSet,
    pub(super) ask: AttributeSet,
}

const CAPABILITIES: u64 = mask_of(&Attribute::CAPABILITIES);
const EFFECTS: u64 = mask_of(&Attribute::EFFECTS) | mask_of(&Attribute::UMBRELLAS);
const SLOWNESS: u64 = mask_of(&[Attribute::MultiStepOrSlow, Attribute::ReviewBeforeDelivery]);
const VALUE: u64 = mask_of(&[Attribute::ValueAfterSession]);

/// Reads a task; `known` has to know already whether the effects are fenced.
pub(super) fn read(known: &Known<'_>) -> Reading {
    let of = |attribute: Attribute| known.truth(attribute.flag());
    let show = of(Attribute::CanShowStatus).and(of(Attribute::CanShowRetry));
    let gates = Gates {
        outlives_session: of(Attribute::ValueAfterSession).and(known.truth(Flag::EFFECTS_FENCED)),
        several_steps_or_slow: of(Attribute::MultiStepOrSlow).or(of(Attribute::ReviewBeforeDelivery)),
        product_can_show: show.and(of(Attribute::CanRetrieveResult)),
    };
    let pull = of(Attribute::UserSteering).or(of(Attribute::ConversationalValuePrimary));
    let brief = of(Attribute::AnswerShortWithinWait).or(of(Attribute::ToolsNarrowFast));
    Reading {
        gates,
        class: class(gates, pull, brief),
        permitted: permitted(gates, pull.or(brief)),
        missing: AttributeSet::from_mask(known.false_of(CAPABILITIES)),
        ask: AttributeSet::from_mask(ask(known, gates)),
    }
}

/// The class whose condition is known to hold; none while what is unknown could decide between several.
fn class(gates: Gates, pull: Truth, brief: Truth) -> Option<Class> {
    let all = gates.all();
    let keep = pull.or(brief);
    let long = gates.several_steps_or_slow;
    match (all, keep, long) {
        (Truth::True, Truth::False, _) => Some(Class::D1),
        (Truth::True, _, _) if pull.is_true() => Some(Class::D2),
        (Truth::True, _, _) if pull.is_false() && brief.is_true() => Some(Class::D3),
        (Truth::False, Truth::True, _) => Some(Class::D4),
        (Truth::False, Truth::False, Truth::False) => Some(Class::D5),
        (Truth::False, Truth::False, Truth::True) => match (gates.outlives_session, gates.product_can_show) {
            (Truth::False, _) => Some(Class::D6),
            (Truth::True, Truth::False) => Some(Class::D7),
            (Truth::True | Truth::Unknown, _) => None,
        },
        (Truth::True | Truth::False | Truth::Unknown, _, _) => None,
    }
}

/// The intersection over all completions. The gates and what speaks for staying share no attribute, so the
/// completions of both are independent: background is out as soon as a gate can fail, interactive as soon as all
/// gates can hold while nothing speaks for staying.
fn permitted(gates: Gates, keep: Truth) -> Permitted {
    let all = gates.all();
    let background = all.is_true();
    let interactive = !background || keep.is_true();
    let homeless = gates.outlives_session.and(gates.product_can_show).is_false();
    let refusal = keep.is_false() && gates.several_steps_or_slow.is_true() && homeless;
    Permitted {
        interactive,
        background,
        refusal,
    }
}

/// The unknown attributes that leave a gate unknown.
fn ask(known: &Known<'_>, gates: Gates) -> u64 {
    let fenced = known.truth(Flag::EFFECTS_FENCED);
    let outlives = if fenced.is_unknown() {
        VALUE | EFFECTS
    } else {
        VALUE
    };
    let parts = [
        (gates.outlives_session, outlives),
        (gates.several_steps_or_slow, SLOWNESS),
        (gates.product_can_show, CAPABILITIES),
    ];
    let unknown = parts.into_iter().filter(|(gate, _)| gate.is_unknown());
    unknown.fold(0, |mask, (_, attributes)| mask | known.unknown_of(attributes))
}
