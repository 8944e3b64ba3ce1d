//! What a create request has to pass, and how its response begins.

use std::sync::Arc;

use super::acts::Acts;
use super::answers;
use super::asks::{Answer, conversation_of, details_of};
use super::contract::BackgroundUnstored;
use super::fate::Fate;
use super::ledger::AccountNo;
use super::run::{Hold, Keep, Run, Seedling};
use super::service::limited;
use super::side::listed;
use super::turn::{Act, acts, compaction_act, list_act};
use super::{CallKey, Choice, Chosen, Output, Script, Service, name};
use crate::fault::Probe;
use crate::rng::Purpose;
use crate::units::push_with;
use crate::wire::{
    ApiError, Create, IdText, Item, Overflow, Reply, Response, ResponseId, Status, StoredItem,
};

/// What a conversation brings along.
struct Before {
    /// What its last response put out.
    asked: Arc<[Item]>,
    /// Responses so far.
    turns: u32,
    /// The script that was chosen for them.
    choice: Option<u32>,
}

impl Service {
    /// Whether one more response may be in progress: nothing but its end makes room again.
    fn check_room(&self) -> Result<(), ApiError> {
        let bounds = &self.desk.profile.contract.bounds;
        let (kept, kept_weight) = self.desk.agenda.kept();
        let open = self.runs.len().saturating_sub(kept);
        let weight = self.runs.weight().saturating_sub(kept_weight);
        if open < bounds.open_max && weight < bounds.open_bytes_max {
            return Ok(());
        }
        let message = format!(
            "There are {open} responses in progress, which keep {weight} bytes of their requests: as many as may be. \
             Wait until some have ended, or cancel them."
        );
        Err(ApiError::held_enough("too_many_responses", message))
    }

    /// What has to be so before a run is thought of.
    fn check_create(&self, create: &Create, account: AccountNo) -> Result<(), ApiError> {
        let contract = &self.desk.profile.contract;
        if !contract.models.has(&create.model) {
            return Err(self.no_model(&create.model));
        }
        let place = usize::from(account.0).checked_sub(1);
        let account = place.and_then(|place| contract.accounts.get(place));
        if account.is_some_and(|account| !account.may_use(&create.model)) {
            return Err(ApiError::model_forbidden(&create.model));
        }
        let unstored = create.background && !create.store;
        if unstored && contract.switches.background_unstored == BackgroundUnstored::Refused {
            return Err(ApiError::background_unstored());
        }
        Ok(())
    }

    /// The conversation that the request names: what its last response put out, and which turn this is.
    fn conversation_before(&mut self, create: &Create, who: AccountNo) -> Result<Option<Before>, ApiError> {
        let Some(id) = conversation_of(create) else {
            return Ok(None);
        };
        let found = self.conversations.find(id, who)?;
        if found.locked_by.is_some() {
            return Err(ApiError::conversation_locked());
        }
        let before = Before {
            asked: found.last.clone(),
            turns: found.turns,
            choice: found.choice,
        };
        self.conversations
            .check_bytes(&self.desk.profile.contract.bounds)?;
        Ok(Some(before))
    }

    // Where it is inlined, every look at a response pays for its room on the stack.
    #[inline(never)]
    pub(super) fn create(
        &mut self,
        key: CallKey,
        account: AccountNo,
        create: &Arc<Create>,
    ) -> Result<Answer, ApiError> {
        self.admit(&key, create)?;
        self.check_room()?;
        self.check_create(create, account)?;
        let who = self.ledger.project(account);
        let conversation = self.conversation_before(create, who)?;
        let parent = self.parent(create, who)?;
        let asked: &[Item] = match (&conversation, parent) {
            (Some(before), _) => &before.asked,
            (None, Some(parent)) => &parent.object.output,
            (None, None) => &[],
        };
        self.check_references(create)?;
        let answers = answers::read(create, asked, &self.runs)?;
        let turn = match &conversation {
            Some(before) => before.turns.saturating_add(1),
            None => turn_of(create, parent),
        };
        let followed = parent.map(|parent| parent.choice);
        let inherited = parent.map_or(0, |parent| parent.usage.input.saturating_add(parent.usage.output));
        let input_tokens = self.fitting(create, answers::input_tokens(create).saturating_add(inherited))?;
        self.admit_account(&key, account, create, input_tokens)?;
        let job = create.origin.map_or(key.exchange.job(), |origin| origin.job);
        let pins = self.unpin(&key);
        // What follows on another turn goes on with its script.
        let choice = match (&conversation, followed) {
            (Some(before), _) if before.turns > 0 => before.choice,
            (None, Some(choice)) => choice,
            _ => self.chosen(create, pins.as_deref().unwrap_or_default()),
        };
        let script = self.desk.script_of(job, choice);
        let mut acts = acts(script, turn, answers, details_of(create));
        self.list_tools(create, script, &mut acts);
        compact_beyond(create, input_tokens, &mut acts);
        let probe = Probe {
            marks: pins.as_deref().unwrap_or_default(),
            ..name::probe(key.exchange, self.desk.now)
        };
        let mut fate = Fate::of(&self.desk.plan, probe, &mut acts, create.max_output_tokens);
        if self.ledger.is_spent(account) {
            fate.run_dry();
        }
        let (id, bits) = self.fresh_id(&key);
        let seedling = Seedling {
            key,
            turn,
            parent: create.previous.clone(),
            owner: who,
            account,
            asked: create.request.is_some().then(|| Arc::clone(create)),
            tier: create.tier.clone(),
            hold: hold_of(create),
            streamed: create.stream,
            object: Arc::new(self.object(id, create)),
            bits,
            acts,
            fate: self.desk.keep_fate(fate),
            choice,
            pins,
            input_tokens,
        };
        Ok(self.sow(seedling))
    }

    /// The script that is chosen for a stranger, if one fits; our own jobs bring theirs.
    fn chosen(&self, create: &Create, marks: &[u32]) -> Option<u32> {
        let choices = &self.desk.profile.choices;
        if choices.is_empty() || create.origin.is_some() {
            return None;
        }
        match Choice::find(choices, create, marks) {
            Some(Chosen::This(choice)) => Some(choice),
            Some(Chosen::Nearest { .. }) | None => None,
        }
    }

    /// The tokens of an input, as many as the model can read.
    fn fitting(&self, create: &Create, tokens: u32) -> Result<u32, ApiError> {
        let window = self.desk.profile.contract.context_window.unwrap_or(u32::MAX);
        let overflow = details_of(create).map_or(Overflow::Refused, |details| details.overflow);
        match overflow {
            Overflow::Refused if tokens > window => Err(ApiError::context_length_exceeded()),
            Overflow::Refused | Overflow::Cut => Ok(tokens.min(window)),
        }
    }

    /// Takes room in the rates of the account. A foreground request without money is refused; others fail later.
    fn admit_account(
        &mut self,
        key: &CallKey,
        account: AccountNo,
        create: &Create,
        input_tokens: u32,
    ) -> Result<(), ApiError> {
        let spent = self.ledger.is_spent(account) && !create.background && !create.stream;
        let tokens = input_tokens.saturating_add(create.max_output_tokens.unwrap_or(0));
        let taken = match spent {
            true => Err((ApiError::quota_exhausted(), None)),
            false => self
                .ledger
                .take(account, tokens, self.desk.now)
                .map_err(|(error, room_in)| (error, Some(room_in))),
        };
        let heading = self.ledger.heading(account, self.desk.now);
        if !heading.is_empty() {
            self.headings.entry(*key).or_default().extend(heading);
        }
        taken.map_err(|(error, room_in)| {
            if let Some(room_in) = room_in {
                let (exchange, job) = (key.exchange, key.exchange.job());
                self.desk
                    .note(job, || crate::trace::BackendEvent::Limited { exchange, room_in });
            }
            error
        })
    }

    /// Items that the input refers to are stored.
    fn check_references(&self, create: &Create) -> Result<(), ApiError> {
        for id in answers::references(create) {
            let known = self.runs.put_out(id).is_some()
                || self.conversations.has_item(id)
                || self.runs.is_asked(id, |run| self.items_of(run));
            if !known {
                return Err(ApiError::item_not_found(id));
            }
        }
        Ok(())
    }

    /// The tools of an MCP server are listed when a stranger first names it; the scripts of our own jobs say when.
    fn list_tools(&self, create: &Create, script: &Script, acts: &mut Acts) {
        let Some(details) = details_of(create).filter(|_| create.origin.is_none()) else {
            return;
        };
        if details.servers.is_empty() {
            return;
        }
        let acts = acts.made();
        let unlisted = details.servers.iter().filter(|server| {
            let label = &server.server_label;
            !acts.iter().any(|act| act.work.lists(label)) && !self.has_listed(create, label)
        });
        let lists: Vec<Act> = unlisted
            .zip(0_u64..)
            .map(|(server, place)| list_act(script, server, place))
            .collect();
        acts.splice(0..0, lists);
    }

    /// Whether the tools of a server stand in what the response reads.
    fn has_listed(&self, create: &Create, label: &str) -> bool {
        let is_list = |item: &StoredItem| item.lists_tools_of(label);
        let mut next = create.previous.as_ref();
        while let Some(run) = next.and_then(|id| self.runs.visible(id)) {
            if run
                .object
                .output
                .iter()
                .map(StoredItem::of_output)
                .any(|item| is_list(&item))
            {
                return true;
            }
            next = run.parent.as_ref();
        }
        let talk = conversation_of(create).and_then(|id| self.conversations.get(id));
        talk.is_some_and(|talk| talk.items.iter().any(is_list)) || listed(create).iter().any(is_list)
    }

    fn sow(&mut self, seedling: Seedling) -> Answer {
        let streamed = seedling.streamed;
        let desk = &self.desk;
        let handle = self.runs.insert(|me| Run::new(seedling, me, desk));
        let Some(run) = self.runs.get_mut(handle) else {
            unreachable!("the response was just taken in");
        };
        let (call, response) = (run.key, run.object.id.clone());
        push_with(&mut self.desk.out, || Output::Made { call, response });
        self.desk.serves(run.job(), handle);
        run.start(&mut self.desk);
        run.stamp(&self.desk);
        let conversation = run.asked.as_ref().and_then(|asked| conversation_of(asked));
        if let Some(found) = conversation.and_then(|id| self.conversations.get_mut(id)) {
            found.locked_by = Some(handle);
        }
        match run.hold {
            _ if streamed => Answer::Stream(handle, 0),
            Hold::Background(_) => {
                let reply = Reply::Response(run.object.clone());
                match run.fate.admission {
                    None => Answer::Now(reply),
                    Some((law, rule)) => Answer::Admitted(reply, run.admission(&self.desk, law, rule)),
                }
            }
            Hold::Foreground { .. } => Answer::Later(handle),
        }
    }

    /// Takes room in the rate limit of all requests, and in that of the tier.
    fn admit(&mut self, key: &CallKey, create: &Create) -> Result<(), ApiError> {
        let tier = create.tier.as_ref().unwrap_or(&self.desk.profile.tier);
        let mut own = self.tier_buckets.iter_mut();
        let own = own.find(|(name, _)| name == tier).map(|(_, bucket)| bucket);
        let now = self.desk.now;
        let refused = self
            .bucket
            .iter_mut()
            .chain(own)
            .find_map(|bucket| bucket.take(now).err());
        let Some(room_in) = refused else {
            return Ok(());
        };
        let (error, note) = limited(key.exchange, room_in);
        self.desk.note(key.exchange.job(), || note);
        Err(error)
    }

    /// The id that belongs to `key`; where a key was used twice, the next one that is free.
    fn fresh_id(&self, key: &CallKey) -> (ResponseId, u64) {
        let (entity, index) = (name::call_entity(key), name::call_index(key.exchange));
        let mut again = 0;
        loop {
            let bits = self.desk.seed.bits(Purpose::Id, entity, index | (again << 48));
            let id = ResponseId(IdText::made(bits));
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
}

/// A context that has grown beyond what the request allows is packed behind everything else.
fn compact_beyond(create: &Create, input_tokens: u32, acts: &mut Acts) {
    let threshold = details_of(create).and_then(|details| details.compact_threshold);
    if threshold.is_some_and(|threshold| input_tokens > threshold) {
        acts.made().push(compaction_act());
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
