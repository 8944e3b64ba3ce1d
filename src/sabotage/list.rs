//! The list of sabotages.

use std::sync::Arc;

use super::records::Records;
use super::router::{Misroute, WrongRouter};
use super::saboteur::Saboteur;
use super::traffic::Traffic;
use super::{approval, cancellation, completion, retry, routing, status, timeout, visibility};
use crate::check::Id;
use crate::job::Router;
use crate::sinks::Gate;

/// A deliberately wrong variant.
#[derive(Debug, Clone, Copy)]
pub struct Sabotage {
    /// Its id, in words.
    pub name: &'static str,
    /// What it does, in one line.
    pub what: &'static str,
    /// The invariant that has to fire first.
    pub breaks: Id,
    pub(super) wrong: Wrong,
}

/// Where a sabotage reaches in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wrong {
    /// Between the parts of a world.
    Traffic(Traffic),
    /// Between the parts of a world, whose sinks stand open.
    OpenSinks(Traffic),
    /// In front of the router.
    Route(Misroute),
    /// In the records, at the end of the run: where no traffic could show it.
    Records(fn(&mut Records<'_>)),
}

/// Every sabotage, by the groups of what they break.
pub fn sabotages() -> impl Iterator<Item = &'static Sabotage> {
    let groups: [&'static [Sabotage]; 8] = [
        status::LIST,
        retry::LIST,
        timeout::LIST,
        completion::LIST,
        cancellation::LIST,
        approval::LIST,
        visibility::LIST,
        routing::LIST,
    ];
    groups.into_iter().flatten()
}

/// The sabotage of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Sabotage> {
    sabotages().find(|sabotage| sabotage.name == name)
}

impl Sabotage {
    /// The router of a sabotaged world.
    #[must_use]
    pub fn router(&self, honest: Arc<dyn Router>) -> Arc<dyn Router> {
        match self.wrong {
            Wrong::Route(misroute) => Arc::new(WrongRouter::new(honest, misroute)),
            Wrong::Traffic(_) | Wrong::OpenSinks(_) | Wrong::Records(_) => honest,
        }
    }

    /// The gate of the sinks of a sabotaged world.
    #[must_use]
    pub fn gate(&self, honest: Gate) -> Gate {
        match self.wrong {
            Wrong::OpenSinks(_) => |_| Ok(()),
            Wrong::Traffic(_) | Wrong::Route(_) | Wrong::Records(_) => honest,
        }
    }

    /// The seams of a sabotaged world.
    #[must_use]
    pub const fn seams(&self) -> Saboteur {
        Saboteur::new(self.wrong)
    }
}

/// A sabotage of the records.
pub(super) const fn records(
    name: &'static str,
    breaks: Id,
    what: &'static str,
    edit: fn(&mut Records<'_>),
) -> Sabotage {
    Sabotage {
        name,
        what,
        breaks,
        wrong: Wrong::Records(edit),
    }
}

/// A sabotage of the traffic.
pub(super) const fn traffic(
    name: &'static str,
    breaks: Id,
    what: &'static str,
    traffic: Traffic,
) -> Sabotage {
    Sabotage {
        name,
        what,
        breaks,
        wrong: Wrong::Traffic(traffic),
    }
}

/// A sabotage of the traffic, with sinks that let everything land.
pub(super) const fn open_sinks(
    name: &'static str,
    breaks: Id,
    what: &'static str,
    traffic: Traffic,
) -> Sabotage {
    Sabotage {
        name,
        what,
        breaks,
        wrong: Wrong::OpenSinks(traffic),
    }
}

/// A sabotage of the router.
pub(super) const fn route(
    name: &'static str,
    breaks: Id,
    what: &'static str,
    misroute: Misroute,
) -> Sabotage {
    Sabotage {
        name,
        what,
        breaks,
        wrong: Wrong::Route(misroute),
    }
}
