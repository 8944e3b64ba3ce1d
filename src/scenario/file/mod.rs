//! Scenario files: from their text to everything a run needs. The keys stand in the tables of the parts.

mod contract;
mod faults;
mod inject;
mod load;
mod model;
mod names;
mod parts;
mod people;
mod ready;
mod rows;
mod service;
mod setting;
mod tasks;
mod timestamp;
mod workload;
mod world;

pub(crate) use timestamp::micros as timestamp_micros;

pub use inject::{OneShot, faults_of_header};
pub use model::{ChecklistLine, DeclaredFault, Ends, FaultUse, Invariants, Scenario, ScenarioTask};
pub use people::People;
pub use service::{Builtin, ServicePlan};
pub use setting::{Portion, Setting};
