//! What each kind of request does.

use std::sync::Arc;

use super::call::{Asked, Call, Reading, Request, Stage};
use super::contract::{
    CancelCompleted, CancelRace, DeleteInFlight, DeleteObject, GetAfterDelete, ModelMissing,
};
use super::ledger::AccountNo;
use super::run::{Hold, Run};
use super::slots::Handle;
use super::{Auth, CallKey, ResumeWindow, Service};
use crate::units::SimDuration;
use crate::wire::{
    ApiError, Ask, Create, Details, Reply, Response, ResponseId, Status, StoredItem, StreamRefusal, json_text,
};

/// What follows from a request.
pub(super) enum Answer {
    /// A reply.
    Now(Reply),
    /// A reply, when a response is admitted.
    Admitted(Reply, SimDuration),
    /// A stream of a response's events, from this number on.
    Stream(Handle, u64),
    /// A reply when a foreground response has ended.
    Later(Handle),
}

impl Service {
    /// Handles a request: the content of its reply is fixed here.
    pub(super) fn handle(&mut self, key: CallKey, strike: Option<u32>, request: Request<'_>) {
        if let Some(object) = self.looked_at(&key, request) {
            return self.reply(key, strike, || Reply::Response(object));
        }
        self.handle_other(key, strike, request);
    }

    /// The same for all that is no such look.
    #[inline(never)]
    fn handle_other(&mut self, key: CallKey, strike: Option<u32>, request: Request<'_>) {
        let answer = self.answer(key, request);
        self.unpin(&key);
        match answer {
            Ok(Answer::Now(reply)) => self.plan_reply(key, strike, SimDuration::ZERO, || reply),
            Ok(Answer::Admitted(reply, later)) => self.plan_reply(key, strike, later, || reply),
            Err(error) => self.plan_reply(key, strike, SimDuration::ZERO, || Reply::Error(error.into())),
            Ok(Answer::Stream(run, next)) => {
                let reading = Reading {
                    run,
                    next,
                    sent: 0,
                    piece: 0,
                };
                self.bind(run, |service| {
                    service.plan_leave(key, strike, SimDuration::ZERO, || Stage::Leaving {
                        reply: Reply::StreamOpen,
                        stream: Some(Box::new(reading)),
                        parts: 0,
                    })
                });
            }
            Ok(Answer::Later(run)) => {
                let stage = Stage::Waiting { run };
                self.bind(run, |service| service.calls.insert(Call { key, strike, stage }));
            }
        }
    }

    /// Binds a foreground response to the call that made it.
    fn bind(&mut self, run: Handle, call: impl FnOnce(&mut Self) -> Handle) {
        let call = call(self);
        if let Some(Hold::Foreground { patron, .. }) = self.runs.get_mut(run).map(|run| &mut run.hold) {
            *patron = Some(call);
        }
    }

    /// What nearly all requests ask: how the latest response of a job stands. Whatever else is asked, [`Self::answer`] knows.
    #[inline]
    fn looked_at(&self, key: &CallKey, request: Request<'_>) -> Option<Arc<Response>> {
        let (Auth::Granted, Ok(Asked::Main(Ask::Poll(id)))) = (request.auth, request.ask) else {
            return None;
        };
        let run = self.runs.latest(key.exchange.job())?;
        let is_seen =
            run.object.id == *id && run.is_visible() && run.owner == self.ledger.project(AccountNo(0));
        is_seen.then(|| run.object.clone())
    }

    fn answer(&mut self, key: CallKey, request: Request<'_>) -> Result<Answer, ApiError> {
        let account = match request.auth {
            Auth::Granted => AccountNo(0),
            Auth::Account(number) => AccountNo(*number),
            Auth::Missing => return Err(ApiError::missing_authentication()),
            Auth::Wrong { shown } => return Err(ApiError::invalid_api_key(shown)),
        };
        self.head(&key, account);
        let who = self.ledger.project(account);
        let ask = match request.ask {
            Ok(ask) => ask,
            Err(error) => return Err(error.clone()),
        };
        match ask {
            Asked::Main(Ask::Create(create)) => self.create(key, account, create),
            Asked::Main(Ask::Poll(id)) => {
                let run = self.visible(id, who)?;
                Ok(Answer::Now(Reply::Response(run.object.clone())))
            }
            Asked::Main(Ask::Included { id, include }) => {
                let run = self.visible(id, who)?;
                Ok(Answer::Now(Reply::Response(run.including(include))))
            }
            Asked::Main(Ask::Stream { id, after }) => self.stream(id, *after, who),
            Asked::Main(Ask::Cancel(id)) => self.cancel(id, who),
            Asked::Main(Ask::Delete(id)) => self.delete(id, who),
            Asked::Side(side) => {
                let document = self.side(&key, who, side)?;
                Ok(Answer::Now(Reply::Document(document)))
            }
        }
    }

    /// Replies to an account name it.
    fn head(&mut self, key: &CallKey, account: AccountNo) {
        let place = usize::from(account.0).checked_sub(1);
        let account = place.and_then(|place| self.desk.profile.contract.accounts.get(place));
        let Some(account) = account else { return };
        let names = [
            ("openai-organization", &account.organization),
            ("openai-project", &account.project),
        ];
        let fields = names
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)));
        self.headings.entry(*key).or_default().extend(fields);
    }

    /// The response that a client of this project can read.
    pub(super) fn visible(&self, id: &ResponseId, who: AccountNo) -> Result<&Run, ApiError> {
        let found = self.runs.visible(id).filter(|run| run.owner == who);
        found.ok_or_else(|| {
            let error = ApiError::response_not_found(id);
            let refused = self.desk.profile.contract.switches.get_after_delete == GetAfterDelete::BadRequest;
            match refused && self.runs.was_deleted(id) {
                true => ApiError { http: 400, ..error },
                false => error,
            }
        })
    }

    /// The response of the turn before, if the request names one.
    pub(super) fn parent(&self, create: &Create, who: AccountNo) -> Result<Option<&Run>, ApiError> {
        let Some(id) = &create.previous else {
            return Ok(None);
        };
        let found = self.runs.visible(id).filter(|run| run.owner == who);
        found
            .map(Some)
            .ok_or_else(|| ApiError::previous_response_not_found(id))
    }

    /// The error about a model that is not there.
    pub(super) fn no_model(&self, model: &str) -> ApiError {
        let error = ApiError::model_not_found(model);
        match self.desk.profile.contract.switches.model_missing {
            ModelMissing::BadRequest => error,
            ModelMissing::NotFound => ApiError { http: 404, ..error },
        }
    }

    fn stream(&self, id: &ResponseId, after: Option<u64>, who: AccountNo) -> Result<Answer, ApiError> {
        let run = self.visible(id, who)?;
        let next = after.map_or(0, |after| after.saturating_add(1));
        let refusal = if !run.is_background() {
            Some(StreamRefusal::NotBackground)
        } else if run.log.is_none() {
            Some(StreamRefusal::NotStreamed)
        } else {
            self.is_too_old(run, next).then_some(StreamRefusal::TooOld)
        };
        match refusal {
            Some(why) => Err(ApiError::not_streamable(why)),
            None => Ok(Answer::Stream(run.me, next)),
        }
    }

    /// Whether the events of a response from this number on can be read no more.
    fn is_too_old(&self, run: &Run, next: u64) -> bool {
        let since = |instant| self.desk.now.since(instant);
        match self.desk.profile.resume_window {
            ResumeWindow::Open => false,
            ResumeWindow::OfResponse(window) => since(run.created) > window,
            ResumeWindow::OfEvent(window) => {
                let instant = run.log.as_ref().and_then(|log| log.instant(next));
                instant.is_some_and(|instant| since(instant) > window)
            }
        }
    }

    fn cancel(&mut self, id: &ResponseId, who: AccountNo) -> Result<Answer, ApiError> {
        let switches = self.desk.profile.contract.switches;
        let run = self.visible(id, who)?;
        if !run.is_background() {
            return Err(ApiError::not_cancellable_synchronous());
        }
        let handle = run.me;
        match &run.object.status {
            Status::Queued | Status::InProgress if switches.cancel_race == CancelRace::ModelWins => {
                let said = Response {
                    status: Status::Cancelled,
                    ..Response::clone(&run.object)
                };
                return Ok(Answer::Now(Reply::Response(Arc::new(said))));
            }
            Status::Queued | Status::InProgress => {
                if let Some(run) = self.runs.get_mut(handle) {
                    run.cancel(&mut self.desk);
                }
                self.settle(handle);
            }
            Status::Cancelled => {}
            Status::Completed if switches.cancel_completed == CancelCompleted::Unchanged => {}
            ended @ (Status::Completed | Status::Failed | Status::Incomplete | Status::Unknown(_)) => {
                return Err(ApiError::not_cancellable(ended));
            }
        }
        let run = self.visible(id, who)?;
        let object = run.told_cancelled().unwrap_or_else(|| run.object.clone());
        Ok(Answer::Now(Reply::Response(object)))
    }

    fn delete(&mut self, id: &ResponseId, who: AccountNo) -> Result<Answer, ApiError> {
        let switches = self.desk.profile.contract.switches;
        let run = self.visible(id, who)?;
        let handle = run.me;
        if !run.is_ended() {
            if switches.delete_in_flight == DeleteInFlight::Refused {
                return Err(ApiError::not_deletable_in_flight());
            }
            if let Some(run) = self.runs.get_mut(handle) {
                run.end_cancelled(&mut self.desk);
            }
            self.settle(handle);
        }
        self.drop_run(handle, "deleted");
        Ok(Answer::Now(match switches.delete_object {
            DeleteObject::Deleted => Reply::Deleted,
            DeleteObject::Response => {
                let id = json_text(&id.0.text());
                Reply::Document(format!("{{\"id\":{id},\"object\":\"response\",\"deleted\":true}}").into())
            }
        }))
    }

    /// The conversation of a response that has ended is free again, and longer if the response completed.
    pub(super) fn release_conversation(&mut self, handle: Handle) {
        let Some(run) = self.runs.get(handle) else { return };
        let Some(asked) = run.asked.clone() else { return };
        let Some(id) = conversation_of(&asked) else {
            return;
        };
        let (completed, choice) = (run.object.status == Status::Completed, run.choice);
        let output = run.object.output.clone();
        let mut items = self.items_of(run);
        items.extend(output.iter().map(StoredItem::of_output));
        let Some(found) = self.conversations.get_mut(id) else {
            return;
        };
        if found.locked_by == Some(handle) {
            found.locked_by = None;
        }
        if completed {
            found.last = output;
            found.turns = found.turns.saturating_add(1);
            found.choice = choice;
            self.conversations.add(id, items);
        }
    }
}

/// What a request says beside what our own runtime ever says.
pub(super) fn details_of(create: &Create) -> Option<&Details> {
    create.request.as_ref().map(crate::wire::Echo::details)
}

/// The conversation that a request names.
pub(super) fn conversation_of(create: &Create) -> Option<&str> {
    details_of(create)?.conversation.as_deref()
}
