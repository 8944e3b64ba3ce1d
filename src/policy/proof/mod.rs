//! The proof of a policy: questions asked of its whole decision space, the findings that follow, the laws of routing
//! with their verdicts, and a certificate that an independent interpreter checks again.
//!
//! - [`Plan`] lists the [`Question`]s that a policy raises; [`Plan::answer`] answers them with any [`Algebra`].
//! - [`prove`] turns the answers into a [`Proof`].
//! - [`Naive`] reads the written conditions cell by cell, splitting cases only; it shares no evaluation with the rest.
//!
//! [`Algebra`]: super::space::Algebra

mod answer;
mod census;
mod certificate;
mod clause;
mod findings;
mod issue;
mod law;
mod naive;
mod prove;
mod question;
mod site;
mod tally;

pub use census::{Census, KindRow, census};
pub use certificate::{Certificate, CertificateError, Effort, Mismatch, Verified};
pub use clause::{Clause, ClauseVerdict, clauses};
pub use issue::{FindingId, PolicyFinding, Subject, Witness};
pub use law::{Law, LawVerdict};
pub use naive::{Naive, Need};
pub use prove::{Agreement, Bounds, CELLS_MAX, Enumerated, Extent, Method, Proof, ProofError, prove};
pub use question::{Plan, Question};
pub use site::{Site, SiteOwner};
pub use tally::Tally;
