//! Wrong routers.

use std::sync::Arc;

use crate::job::{HandOver, Placement, Routed, Router};
use crate::trace::{Boundary, Decided, Execution, LaneName};
use crate::units::JobId;

/// A way in which a router is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misroute {
    /// Effects pass without approval.
    NoBoundary,
    /// Everything goes to the background, whatever the gates say.
    AllBackground,
    /// Interactive work that may be handed over is placed as if it might not.
    NoHandOver,
}

/// The router it wraps, with its answers twisted.
#[derive(Debug)]
pub(super) struct WrongRouter {
    honest: Arc<dyn Router>,
    misroute: Misroute,
}

impl WrongRouter {
    pub(super) const fn new(honest: Arc<dyn Router>, misroute: Misroute) -> Self {
        Self { honest, misroute }
    }
}

impl Router for WrongRouter {
    fn route(&self, task: JobId) -> Routed {
        match self.honest.route(task) {
            Routed::Placed(placement, decided) => {
                let (placement, decided) = self.misroute.twist(placement, (*decided).clone());
                Routed::Placed(placement, Arc::new(decided))
            }
            refused @ Routed::Refused(_) => refused,
        }
    }
}

impl Misroute {
    fn twist(self, mut placement: Placement, mut decided: Decided) -> (Placement, Decided) {
        match self {
            Self::NoBoundary => {
                (placement.boundary, decided.boundary) = (Boundary::None, Boundary::None);
            }
            Self::AllBackground => {
                (placement.execution, decided.execution) = (Execution::Background, Execution::Background);
            }
            Self::NoHandOver => placement.hand_over = HandOver::Forbidden,
        }
        let lane = match (decided.boundary, decided.execution) {
            (Boundary::Approval, _) => LaneName::Approval,
            (Boundary::None, Execution::Background) => LaneName::Background,
            (Boundary::None, Execution::Interactive) => LaneName::Interactive,
        };
        (placement.lane, decided.lane) = (lane, lane);
        (placement, decided)
    }
}
