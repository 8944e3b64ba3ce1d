//! What the parts of a run start with.

use std::sync::Arc;

use crate::backend::Script;
use crate::fault::{FaultPlan, FaultRule};
use crate::job::{Router, Setup, TaskSpec};
use crate::people::{Further, OutsideSetup, OutsideTask};
use crate::rng::Seed;
use crate::scenario::kinds::defaults;
use crate::scenario::router::PolicyRouter;
use crate::sinks::{SinkSpec, ToolSpec};
use crate::trace::LaneName;
use crate::units::JobId;

use super::model::{Scenario, ScenarioTask};

impl Scenario {
    /// The fault rules alone, by their numbers.
    #[must_use]
    pub fn fault_rules(&self) -> Arc<[FaultRule]> {
        self.faults.iter().map(|fault| fault.rule.clone()).collect()
    }

    /// The faults under a seed.
    #[must_use]
    pub fn fault_plan(&self, seed: Seed) -> FaultPlan {
        FaultPlan::new(self.fault_rules(), seed)
    }

    /// The router of its policy.
    #[must_use]
    pub fn router(&self) -> PolicyRouter {
        let tasks = self.tasks.iter().map(|task| &task.attributes);
        PolicyRouter::new(Arc::clone(&self.policy), tasks)
    }

    /// What each response does, by the number of its job.
    #[must_use]
    pub fn scripts(&self) -> Vec<Script> {
        self.tasks.iter().map(|task| task.script.clone()).collect()
    }

    /// What the job core starts with under a seed, behind the router of the policy or another one.
    #[must_use]
    pub fn core(&self, seed: Seed, router: Arc<dyn Router>) -> Setup {
        let tasks: Arc<[TaskSpec]> = self.tasks.iter().map(|task| task.task.clone()).collect();
        let lane = |name| self.lanes.get(&name).copied().unwrap_or(defaults::LANE);
        Setup {
            tasks,
            router,
            lanes: [LaneName::Interactive, LaneName::Background, LaneName::Approval].map(lane),
            shared: self.shared,
            roster: self
                .people
                .approvers
                .iter()
                .map(|approver| approver.person.clone())
                .collect(),
            seed,
            epoch: self.profile.epoch,
        }
    }

    /// What the outside world starts with under a seed.
    #[must_use]
    pub fn outside(&self, seed: Seed) -> OutsideSetup {
        let numbered = self.tasks.iter().zip((0..).map(JobId));
        let sinks = self.product.sinks.iter().map(|(name, sink)| SinkSpec {
            name: Arc::clone(name),
            class: sink.class,
            takes: sink.takes,
            version: sink.version.clone(),
        });
        let tools = self.product.tools.iter().map(|(name, tool)| ToolSpec {
            name: Arc::clone(name),
            takes: tool.takes,
            answer: tool.answer.clone(),
        });
        OutsideSetup {
            seed,
            faults: self.fault_plan(seed),
            tasks: numbered.map(|(task, job)| self.outside_task(task, job)).collect(),
            windows: None,
            further: Further::default(),
            users: self.people.users.clone(),
            approvers: self.people.approvers.clone(),
            staffs: self.people.staffs.clone(),
            operators: self.people.operators.clone(),
            changes: self.people.changes.clone(),
            sinks: sinks.collect(),
            tools: tools.collect(),
        }
    }

    fn outside_task(&self, task: &ScenarioTask, job: JobId) -> OutsideTask {
        OutsideTask {
            name: Arc::clone(&task.task.name),
            kind: Arc::clone(&task.task.kind),
            at: task.at,
            requester: task.task.requester.clone(),
            own: task.task.plan.approval.own,
            user: self.people.user(job),
            may_twin: false,
        }
    }
}
