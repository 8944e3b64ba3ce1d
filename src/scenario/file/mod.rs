//! Scenario files: from their text to everything a run needs.

mod model;

pub use model::{
    ChecklistLine, DeclaredFault, Ends, FaultUse, Invariants, Scenario, ScenarioTask, ToolBehaviour,
};
