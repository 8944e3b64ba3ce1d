//! Decisions about tables of tasks: rows, census, and the account of one task.

mod census;
mod findings;
mod rows;
mod why;

pub use census::{census_csv, census_json, census_text};
pub use findings::{finding_title, route_analysis};
pub use rows::{RouteFormat, RouteRows, RouteShape};
pub use why::{Account, why_json, why_text};
