//! Lane policies: attributes, conditions, rules, and the decision with its reasons.
//!
//! Invariants: a decision depends on the policy and the task alone; an unknown attribute never matches a rule and
//! never avoids the boundary; the boundary is settled before the execution.

mod attribute;
mod checked;
mod compiled;
mod condition;
mod decide;
pub mod diff;
mod draft;
mod edit;
mod explain;
mod file;
mod finding;
mod given;
mod hash;
mod intention;
mod lane;
mod literal;
mod note;
mod parse;
mod places;
pub mod proof;
mod proof_places;
mod reading;
pub mod route;
mod space;
mod task;
mod vocabulary;
mod witness;

pub use attribute::{Attribute, AttributeSet, Flag, Source, Truth};
pub use checked::{Assumption, Fact, Policy, Rule};
pub use condition::{Comparison, Condition};
pub use decide::{Decision, Refusal, Route};
pub use draft::{
    Answer, AssumptionDraft, Draft, DraftMistake, DraftPart, IntentionDraft, PolicyError, RuleDraft,
    WordError,
};
pub use edit::{Edit, EditSort};
pub use file::{condition_of, decode_policy, decode_with_places};
pub use finding::{Finding, FindingSeverity, Findings};
pub use given::decode_attributes;
pub use hash::{PolicyHash, PolicyHashError};
pub use intention::Intention;
pub use lane::{Boundary, Execution, Lane};
pub use literal::LiteralError;
pub use note::{AttributeNote, DecisionNote, RuleNote};
pub use parse::{ConditionError, Misread, read_condition};
pub use places::Places;
pub use proof_places::ProofPlaces;
pub use reading::{Class, Gates, Permitted};
pub use space::{
    Algebra, Axis, AxisValue, Bitmaps, Bits, Cell, Classes, Diagrams, Eyes, Pair, Pin, Reach, Set, Space,
    Table,
};
pub use task::{AttributeId, Given, NumberId, Task, Value};
pub use vocabulary::{AttributeType, NameError, NumberKind, Unit, Vocabulary};
pub use witness::{EditCount, Observed, Witness, WitnessError, WitnessSuite};
