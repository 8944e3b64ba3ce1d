//! Scenario files: from their text to everything a run needs. The keys stand in the tables of the parts.

mod contract;
mod faults;
mod load;
mod model;
mod names;
mod parts;
mod people;
mod ready;
mod rows;
mod tasks;
mod timestamp;
mod workload;
mod world;

pub use model::{ChecklistLine, DeclaredFault, Ends, FaultUse, Invariants, Scenario, ScenarioTask};
pub use people::People;
