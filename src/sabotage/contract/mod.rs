//! Mock servers that break one statement of the contract each, to show that the check of that statement can fail.
//!
//! A breach reaches in at a public seam of the server: the request before it arrives, what the backend core is told
//! or says, or the bytes of a reply. Nothing else of the server changes.

mod background;
mod basics;
mod faults;
mod parents;
mod seam;
mod streams;
mod tools;
mod webhooks;

pub use seam::{Asked, Breached, Given};

use seam::Wrong;

/// A mock server that breaks one statement of the contract.
#[derive(Debug, Clone, Copy)]
pub struct Breach {
    /// Its id, in words.
    pub name: &'static str,
    /// What it does, in one line.
    pub what: &'static str,
    /// The statement that it breaks.
    pub breaks: u8,
    /// Statements that cannot hold without it, and fail too.
    pub also: &'static [u8],
    wrong: Wrong,
}

/// Every breach, in the order of the statements.
pub fn breaches() -> impl Iterator<Item = &'static Breach> {
    let groups: [&'static [Breach]; 7] = [
        basics::LIST,
        background::LIST,
        streams::LIST,
        webhooks::LIST,
        parents::LIST,
        faults::LIST,
        tools::LIST,
    ];
    groups.into_iter().flatten()
}

/// A breach at this seam.
const fn breach(
    breaks: u8,
    also: &'static [u8],
    name: &'static str,
    what: &'static str,
    wrong: Wrong,
) -> Breach {
    Breach {
        name,
        what,
        breaks,
        also,
        wrong,
    }
}
