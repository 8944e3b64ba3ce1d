//! What each kind of request does.

use super::answers;
use super::call::{Call, Reading, Stage};
use super::fate::Fate;
use super::run::{Hold, Keep, Run, Seedling};
use super::service::limited;
use super::slots::Handle;
use super::turn::acts;
use super::{Auth, CallKey, Service, name};
use crate::rng::Purpose;
use crate::wire::{ApiError, Ask, Create, Reply, Response, ResponseId, Status, StreamRefusal};

/// What follows from a request.
enum Answer {
    /// A reply.
    Now(Reply),
    /// A stream of a response's events, from this number on.
    Stream(Handle, u64),
    /// A reply when a foreground response has ended.
    Later(Handle),
}

impl Service {
    /// Handles a request: the content of its reply is fixed here.
    pub(super) fn handle(
        &mut self,
        key: CallKey,
        strike: Option<u32>,
        auth: Auth,
        ask: Result<Ask, ApiError>,
    ) {
        match self.answer(key, auth, ask) {
            Ok(Answer::Now(reply)) => self.reply(key, strike, reply),
            Err(error) => self.reply(key, strike, Reply::Error(error)),
            Ok(Answer::Stream(run, next)) => {
                let reading = Reading { run, next, sent: 0 };
                let stage = Stage::Leaving {
                    reply: Reply::StreamOpen,
                    stream: Some(reading),
                };
                self.bind(run, |service| service.plan_leave(Call { key, strike, stage }));
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

    fn answer(&mut self, key: CallKey, auth: Auth, ask: Result<Ask, ApiError>) -> Result<Answer, ApiError> {
        match auth {
            Auth::Granted => {}
            Auth::Missing => return Err(ApiError::missing_authentication()),
            Auth::Wrong { shown } => return Err(ApiError::invalid_api_key(&shown)),
        }
        match ask? {
            Ask::Create(create) => self.create(key, &create),
            Ask::Poll(id) => {
                let run = self.visible(&id)?;
                Ok(Answer::Now(Reply::Response(run.object.clone())))
            }
            Ask::Stream { id, after } => self.stream(&id, after),
            Ask::Cancel(id) => self.cancel(&id),
            Ask::Delete(id) => self.delete(&id),
        }
    }

    fn visible(&self, id: &ResponseId) -> Result<&Run, ApiError> {
        self.runs
            .visible(id)
            .ok_or_else(|| ApiError::response_not_found(id))
    }

    fn create(&mut self, key: CallKey, create: &Create) -> Result<Answer, ApiError> {
        self.admit(&key)?;
        let parent = match &create.previous {
            None => None,
            Some(id) => {
                let run = self.runs.visible(id);
                Some(run.ok_or_else(|| ApiError::previous_response_not_found(id))?)
            }
        };
        let answers = answers::read(create, parent.map(|parent| &*parent.object), &self.runs)?;
        let turn = turn_of(create, parent);
        let inherited = parent.map_or(0, |parent| parent.usage.input.saturating_add(parent.usage.output));
        let input_tokens = answers::input_tokens(create).saturating_add(inherited);
        let job = create.origin.map_or(key.exchange.job, |origin| origin.job);
        let mut acts = acts(self.desk.script(job), turn, answers);
        let probe = name::probe(key.exchange, self.desk.now);
        let fate = Fate::of(&self.desk.plan, probe, &mut acts, create.max_output_tokens);
        let (id, bits) = self.fresh_id(&key);
        let seedling = Seedling {
            key,
            turn,
            parent: create.previous.clone(),
            hold: hold_of(create),
            streamed: create.stream,
            object: self.object(id, create),
            bits,
            acts,
            fate,
            input_tokens,
        };
        Ok(self.sow(seedling))
    }

    fn sow(&mut self, seedling: Seedling) -> Answer {
        let now = self.desk.now;
        let streamed = seedling.streamed;
        let handle = self.runs.insert(|me| Run::new(seedling, me, now));
        let Some(run) = self.runs.get_mut(handle) else {
            unreachable!("the response was just taken in");
        };
        run.start(&mut self.desk);
        match run.hold {
            _ if streamed => Answer::Stream(handle, 0),
            Hold::Background(_) => Answer::Now(Reply::Response(run.object.clone())),
            Hold::Foreground { .. } => Answer::Later(handle),
        }
    }

    fn admit(&mut self, key: &CallKey) -> Result<(), ApiError> {
        let Some(bucket) = &mut self.bucket else {
            return Ok(());
        };
        bucket.take(self.desk.now).map_err(|room_in| {
            let (error, note) = limited(key.exchange, room_in);
            self.desk.note(key.exchange.job, || note);
            error
        })
    }

    /// The id that belongs to `key`; where a key was used twice, the next one that is free.
    fn fresh_id(&self, key: &CallKey) -> (ResponseId, u64) {
        let (entity, index) = (name::call_entity(key), name::call_index(key.exchange));
        let mut again = 0;
        loop {
            let bits = self.desk.seed.bits(Purpose::Id, entity, index | (again << 48));
            let id = ResponseId(name::id("resp_", bits));
            if !self.runs.is_taken(&id) {
                return (id, bits);
            }
            again += 1;
        }
    }

    fn object(&self, id: ResponseId, create: &Create) -> Response {
        Response {
            id,
            status: if create.background {
                Status::Queued
            } else {
                Status::InProgress
            },
            created_at: self.desk.unix(),
            completed_at: None,
            background: create.background,
            origin: create.origin,
            output: self.desk.no_output.clone(),
            error: None,
            incomplete: None,
            usage: None,
            service_tier: self.desk.tier_open.clone(),
        }
    }

    fn stream(&self, id: &ResponseId, after: Option<u64>) -> Result<Answer, ApiError> {
        let run = self.visible(id)?;
        let age = self.desk.now.since(run.created);
        let refusal = if !run.is_background() {
            Some(StreamRefusal::NotBackground)
        } else if run.log.is_none() {
            Some(StreamRefusal::NotStreamed)
        } else {
            (age > self.desk.profile.resume_window).then_some(StreamRefusal::TooOld)
        };
        match refusal {
            Some(why) => Err(ApiError::not_streamable(why)),
            None => Ok(Answer::Stream(
                run.me,
                after.map_or(0, |after| after.saturating_add(1)),
            )),
        }
    }

    fn cancel(&mut self, id: &ResponseId) -> Result<Answer, ApiError> {
        let run = self.visible(id)?;
        if !run.is_background() {
            return Err(ApiError::not_cancellable_synchronous());
        }
        let handle = run.me;
        match &run.object.status {
            Status::Queued | Status::InProgress => {
                if let Some(run) = self.runs.get_mut(handle) {
                    run.cancel(&mut self.desk);
                }
                self.settle(handle);
            }
            Status::Cancelled => {}
            ended @ (Status::Completed | Status::Failed | Status::Incomplete | Status::Unknown(_)) => {
                return Err(ApiError::not_cancellable(ended));
            }
        }
        let run = self.visible(id)?;
        Ok(Answer::Now(Reply::Response(run.object.clone())))
    }

    fn delete(&mut self, id: &ResponseId) -> Result<Answer, ApiError> {
        let run = self.visible(id)?;
        if !run.is_ended() {
            return Err(ApiError::not_deletable_in_flight());
        }
        self.drop_run(run.me, "deleted");
        Ok(Answer::Now(Reply::Deleted))
    }
}

/// The turn that a create request begins: as it says, or one behind the turn before.
fn turn_of(create: &Create, parent: Option<&Run>) -> u32 {
    match create.origin {
        Some(origin) => u32::from(origin.turn.0),
        None => parent.map_or(1, |parent| parent.turn.saturating_add(1)),
    }
}

const fn hold_of(create: &Create) -> Hold {
    let keep = if create.store {
        Keep::Stored
    } else {
        Keep::Unstored
    };
    if create.background {
        Hold::Background(keep)
    } else {
        Hold::Foreground { keep, patron: None }
    }
}
