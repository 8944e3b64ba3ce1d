//! The attributes every policy knows, their three values, and where a value comes from.

use serde::{Deserialize, Serialize};

/// A three-valued truth. `Unknown` means that nobody said; it is not `False`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// Known not to hold.
    False,
    /// Known to hold.
    True,
    /// Nobody said.
    #[default]
    Unknown,
}

impl Truth {
    /// The word used in files and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::True => "true",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is known to hold.
    #[must_use]
    pub const fn is_true(self) -> bool {
        matches!(self, Self::True)
    }

    /// Whether it is known not to hold.
    #[must_use]
    pub const fn is_false(self) -> bool {
        matches!(self, Self::False)
    }

    /// Whether nobody said.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Both hold: false as soon as one is false.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, Self::True) => Self::True,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }

    /// At least one holds: true as soon as one is true.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::False, Self::False) => Self::False,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }

    /// The contrary; unknown stays unknown.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// Where the value of an attribute comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Somebody wrote it down.
    #[default]
    Declared,
    /// It was observed.
    Measured,
    /// A model or a rule of thumb guessed it.
    Predicted,
}

impl Source {
    /// Every source, in canonical order.
    pub const ALL: [Self; 3] = [Self::Declared, Self::Measured, Self::Predicted];

    /// The word used in files and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Measured => "measured",
            Self::Predicted => "predicted",
        }
    }
}

/// The built-in attributes. Their order fixes their bit in a [`Task`](super::Task).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Attribute {
    /// The user is actively steering the result.
    UserSteering,
    /// The answer is short and comes within the time a user is ready to wait.
    AnswerShortWithinWait,
    /// The tools are few and fast.
    ToolsNarrowFast,
    /// The value lies in the conversation itself.
    ConversationalValuePrimary,
    /// The result still has value when the session is over.
    ValueAfterSession,
    /// The work takes several steps or calls tools that may be slow.
    MultiStepOrSlow,
    /// The product can show where a job stands.
    CanShowStatus,
    /// The product can show what happens about a retry.
    CanShowRetry,
    /// The product can hand out the final result later.
    CanRetrieveResult,
    /// Somebody reviews the result before it is delivered.
    ReviewBeforeDelivery,
    /// Sends a message that a customer sees.
    CustomerComm,
    /// Changes records.
    RecordChange,
    /// Triggers a purchase or a credit.
    PurchaseOrCredit,
    /// Writes into a production system.
    ProdWrite,
    /// Publishes without a human sanity check.
    PublishUnchecked,
    /// Changes state in a way that no listed effect names.
    ChangesState,
    /// Spends money in a way that no listed effect names.
    SpendsMoney,
    /// Affects customers in a way that no listed effect names.
    AffectsCustomers,
}

impl Attribute {
    /// Every built-in attribute, in canonical order.
    pub const ALL: [Self; 18] = [
        Self::UserSteering,
        Self::AnswerShortWithinWait,
        Self::ToolsNarrowFast,
        Self::ConversationalValuePrimary,
        Self::ValueAfterSession,
        Self::MultiStepOrSlow,
        Self::CanShowStatus,
        Self::CanShowRetry,
        Self::CanRetrieveResult,
        Self::ReviewBeforeDelivery,
        Self::CustomerComm,
        Self::RecordChange,
        Self::PurchaseOrCredit,
        Self::ProdWrite,
        Self::PublishUnchecked,
        Self::ChangesState,
        Self::SpendsMoney,
        Self::AffectsCustomers,
    ];

    /// The five listed effects.
    pub const EFFECTS: [Self; 5] = [
        Self::CustomerComm,
        Self::RecordChange,
        Self::PurchaseOrCredit,
        Self::ProdWrite,
        Self::PublishUnchecked,
    ];

    /// The flags that imply approval even if no listed effect matches.
    pub const UMBRELLAS: [Self; 3] = [Self::ChangesState, Self::SpendsMoney, Self::AffectsCustomers];

    /// What the product has to be able to do before work may leave the session.
    pub const CAPABILITIES: [Self; 3] = [Self::CanShowStatus, Self::CanShowRetry, Self::CanRetrieveResult];

    /// The word used in files and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UserSteering => "user_steering",
            Self::AnswerShortWithinWait => "answer_short_within_wait",
            Self::ToolsNarrowFast => "tools_narrow_fast",
            Self::ConversationalValuePrimary => "conversational_value_primary",
            Self::ValueAfterSession => "value_after_session",
            Self::MultiStepOrSlow => "multi_step_or_slow",
            Self::CanShowStatus => "can_show_status",
            Self::CanShowRetry => "can_show_retry",
            Self::CanRetrieveResult => "can_retrieve_result",
            Self::ReviewBeforeDelivery => "review_before_delivery",
            Self::CustomerComm => "customer_comm",
            Self::RecordChange => "record_change",
            Self::PurchaseOrCredit => "purchase_or_credit",
            Self::ProdWrite => "prod_write",
            Self::PublishUnchecked => "publish_unchecked",
            Self::ChangesState => "changes_state",
            Self::SpendsMoney => "spends_money",
            Self::AffectsCustomers => "affects_customers",
        }
    }

    /// The built-in attribute of that name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.word() == word)
    }

    /// Its bit in the masks of a task.
    #[must_use]
    pub const fn flag(self) -> Flag {
        Flag(self as u8)
    }
}

/// The place of a true-or-false name in the masks of a task: a built-in attribute, a derived name, an attribute
/// that the policy declares, or one of its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flag(u8);

impl Flag {
    /// Some effect or umbrella flag; derived from the task.
    pub const ANY_EFFECT: Self = Self(18);
    /// No effect, or one behind the approval boundary; derived once the boundary is decided.
    pub const EFFECTS_FENCED: Self = Self(19);
    /// How many flags a policy can declare itself, attributes and facts together.
    pub const DECLARABLE: usize = 64 - Self::FIRST_DECLARED as usize;

    const FIRST_DECLARED: u8 = 20;

    /// The flag of the `index`-th name that a policy declares; none if there are too many.
    #[must_use]
    pub(super) fn declared(index: usize) -> Option<Self> {
        let index = u8::try_from(index).ok()?;
        (usize::from(index) < Self::DECLARABLE).then(|| Self(Self::FIRST_DECLARED + index))
    }

    /// The flags whose bits are set in a mask.
    pub(super) fn in_mask(mask: u64) -> impl Iterator<Item = Self> {
        (0..64).map(Self).filter(move |flag| flag.mask() & mask != 0)
    }

    /// Which of the declared names this is; none for built-in and derived ones.
    #[must_use]
    pub(super) fn declared_index(self) -> Option<usize> {
        self.0.checked_sub(Self::FIRST_DECLARED).map(usize::from)
    }

    /// The built-in attribute behind it, if it is one.
    #[must_use]
    pub fn built_in(self) -> Option<Attribute> {
        Attribute::ALL.get(usize::from(self.0)).copied()
    }

    /// Its place among all flags.
    #[must_use]
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    /// Its bit.
    #[must_use]
    pub(super) const fn mask(self) -> u64 {
        1 << self.0
    }
}

/// The bits of a list of built-in attributes.
pub(super) const fn mask_of(attributes: &[Attribute]) -> u64 {
    let mut mask = 0;
    let mut index = 0;
    while index < attributes.len() {
        mask |= attributes[index].flag().mask();
        index += 1;
    }
    mask
}

/// A set of built-in attributes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AttributeSet(u64);

impl AttributeSet {
    pub(super) const fn from_mask(mask: u64) -> Self {
        Self(mask)
    }

    /// Whether `attribute` is in it.
    #[must_use]
    pub const fn contains(self, attribute: Attribute) -> bool {
        self.0 & attribute.flag().mask() != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it, in canonical order.
    pub fn iter(self) -> impl Iterator<Item = Attribute> {
        Attribute::ALL
            .into_iter()
            .filter(move |attribute| self.contains(*attribute))
    }
}

#[cfg(test)]
mod tests {
    use super::{Attribute, Flag};

    #[test]
    fn the_order_of_attributes_is_the_order_of_their_bits() {
        for (index, attribute) in Attribute::ALL.into_iter().enumerate() {
            assert_eq!(attribute.flag().mask(), 1 << index, "{}", attribute.word());
            assert_eq!(attribute.flag().built_in(), Some(attribute));
            assert_eq!(Attribute::named(attribute.word()), Some(attribute));
        }
        assert_eq!(Flag::ANY_EFFECT.built_in(), None);
    }

    #[test]
    fn a_policy_can_declare_44_flags_and_not_one_more() {
        assert_eq!(
            Flag::declared(Flag::DECLARABLE - 1).map(Flag::mask),
            Some(1 << 63)
        );
        assert_eq!(Flag::declared(Flag::DECLARABLE), None);
    }
}
