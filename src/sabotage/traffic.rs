//! Wrong traffic between the parts of a world.

use std::sync::Arc;

use crate::backend::Genuine;
use crate::job::{Action, ApprovalRequest, Grant, Input, ToOutside, Told};
use crate::people::FromCore;
use crate::units::{ExchangeKind, SimTime};
use crate::wire::{Ask, Item, Reply, Response, Status};

/// A way in which traffic is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    /// The wait of a 429 never reaches the core.
    ForgetRetryAfter,
    /// A failure for good looks like one that may pass.
    ExcusePermanentFailure,
    /// The first create never leaves.
    LoseCreate,
    /// No cancel ever leaves.
    LoseCancels,
    /// Nobody hears that a user wants to cancel.
    IgnoreCancel,
    /// Effects are applied while people are still being asked.
    ApplyBeforeApproval,
    /// Effects are run like tools.
    RunEffectsAsTools,
    /// Effects are sent to their sink twice.
    ApplyTwice,
    /// Approvers see other arguments than will be executed.
    ShowOtherActs,
    /// Output that was cut short looks whole.
    CallItComplete,
    /// An unknown wire status looks like a completion.
    GuessStatus,
    /// Calls of the model are overlooked.
    OverlookCalls,
    /// Webhooks are believed without a look at their signature.
    BelieveWebhooks,
    /// An event of a stream is lost on its way to the core.
    LoseStreamEvent,
}

/// What a wrong way has to remember.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    done: u32,
}

impl Memory {
    pub(super) const fn new() -> Self {
        Self { done: 0 }
    }

    /// Whether this is the first time.
    const fn first(&mut self) -> bool {
        self.done += 1;
        self.done == 1
    }
}

impl Traffic {
    pub(super) fn told(self, memory: &mut Memory, batch: &mut Vec<Input>) {
        match self {
            Self::IgnoreCancel => batch.retain(|input| !matches!(input.told, Told::CancelAsked { .. })),
            Self::LoseStreamEvent => batch.retain(
                |input| !matches!(&input.told, Told::Event { event, .. } if event.seq == 7 && memory.first()),
            ),
            _ => batch.iter_mut().for_each(|input| self.twist(&mut input.told)),
        }
    }

    fn twist(self, told: &mut Told) {
        match (self, told) {
            (
                Self::ForgetRetryAfter,
                Told::Reply {
                    reply: Reply::Error(error),
                    ..
                },
            ) if error.http == 429 => {
                error.wait = None;
                error.code = Some("rate_limit_exceeded".into());
            }
            (Self::BelieveWebhooks, Told::Webhook { genuine, .. }) => *genuine = Genuine::Valid,
            (
                _,
                Told::Reply {
                    reply: Reply::Response(response),
                    ..
                },
            ) => self.misread(Arc::make_mut(response)),
            _ => {}
        }
    }

    fn misread(self, response: &mut Response) {
        match (self, &response.status) {
            (Self::ExcusePermanentFailure, Status::Failed) => {
                if let Some(error) = &mut response.error {
                    error.code = "server_error".into();
                }
            }
            (Self::CallItComplete, Status::Incomplete) => {
                response.status = Status::Completed;
                response.output = response.output.iter().cloned().map(whole).collect();
            }
            (Self::GuessStatus, Status::Unknown(_)) => {
                response.status = Status::Completed;
                response.output = response.output.iter().cloned().map(whole).collect();
            }
            (Self::OverlookCalls, Status::Completed) => {
                let words = response
                    .output
                    .iter()
                    .filter(|item| !matches!(item, Item::FunctionCall { .. }));
                let mut words: Vec<Item> = words.cloned().collect();
                if !words.iter().any(|item| matches!(item, Item::Message { .. })) {
                    words.push(Item::Message {
                        id: "msg_made_up".into(),
                        text: "done".into(),
                        status: crate::wire::ItemStatus::Completed,
                        phase: None,
                        shown: crate::wire::Shown::default(),
                    });
                }
                response.output = words.into();
            }
            _ => {}
        }
    }

    pub(super) fn wanted(self, memory: &mut Memory, actions: &mut Vec<Action>) {
        let kind = |action: &Action| match action {
            Action::Send { exchange, .. } => Some(exchange.kind()),
            _ => None,
        };
        match self {
            Self::LoseCreate => {
                actions.retain(|action| kind(action) != Some(ExchangeKind::Create) || !memory.first())
            }
            Self::LoseCancels => actions.retain(|action| {
                !matches!(
                    action,
                    Action::Send {
                        ask: Ask::Cancel(_),
                        ..
                    }
                )
            }),
            Self::ApplyBeforeApproval | Self::RunEffectsAsTools => self.act_at_once(actions),
            _ => {}
        }
    }

    /// Does what people are only being asked about.
    fn act_at_once(self, actions: &mut Vec<Action>) {
        let asked: Vec<Arc<ApprovalRequest>> = actions
            .iter()
            .filter_map(|action| match action {
                Action::Outside {
                    message: ToOutside::AskApproval(request),
                    ..
                } => Some(request.clone()),
                _ => None,
            })
            .collect();
        for request in asked {
            for act in &request.acts {
                let message = match self {
                    Self::RunEffectsAsTools => ToOutside::RunTool {
                        call: act.call.clone(),
                        run: 1,
                        tool: act.operation.clone(),
                        arguments: act.arguments.clone(),
                    },
                    _ => ToOutside::Apply {
                        act: act.clone().into(),
                        key: format!("forged.{}", act.call).into(),
                        run: 1,
                        grant: Box::new(Grant {
                            id: format!("{}.forged", request.id).into(),
                            approval: request.id.clone(),
                            digest: act.digest.clone(),
                            expires: SimTime::NEVER,
                        }),
                    },
                };
                actions.push(Action::Outside {
                    job: request.job,
                    message,
                });
            }
        }
    }

    pub(super) fn shown(self, batch: &mut Vec<FromCore>) {
        match self {
            Self::ApplyTwice => {
                let applied = batch
                    .iter()
                    .filter(|said| matches!(said.message, ToOutside::Apply { .. }));
                let again: Vec<FromCore> = applied.cloned().collect();
                batch.extend(again);
            }
            Self::ShowOtherActs => {
                for said in batch {
                    if let ToOutside::AskApproval(request) = &mut said.message {
                        for act in &mut Arc::make_mut(request).acts {
                            act.arguments = r#"{"harmless":true}"#.into();
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// The item as if nothing of it were missing.
fn whole(mut item: Item) -> Item {
    if let Item::Message { status, .. } | Item::FunctionCall { status, .. } = &mut item {
        *status = crate::wire::ItemStatus::Completed;
    }
    item
}
