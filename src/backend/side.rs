//! What the endpoints beside the life of a response do.

use std::sync::Arc;

use super::conversations::{Conversation, missing};
use super::ledger::AccountNo;
use super::run::Run;
use super::{CallKey, Service, answers, name};
use crate::rng::Purpose;
use crate::wire::{
    ApiError, Create, InputItem, Order, Page, ResponseId, Side, StoredItem, Talk, json_text, render_page,
    stored_items, stored_text,
};

/// Where the numbers of input items begin among the draws of ids of a run.
const INPUTS: u64 = 1 << 33;

/// What a compaction leaves of the tokens that it read.
const COMPACTED: u32 = 8;

impl Service {
    /// Answers with a body.
    pub(super) fn side(&mut self, key: &CallKey, who: AccountNo, side: &Side) -> Result<Arc<str>, ApiError> {
        match side {
            Side::InputItems { id, page } => self.input_items(id, who, page),
            Side::InputTokens(create) => {
                let tokens = self.tokens_of(create, who)?;
                Ok(format!("{{\"object\":\"response.input_tokens\",\"input_tokens\":{tokens}}}").into())
            }
            Side::Compact(create) => self.compact(key, create, who),
            Side::Models => {
                let models = self.desk.profile.contract.models.names();
                let models: Vec<String> = models.into_iter().map(render_model).collect();
                Ok(format!("{{\"object\":\"list\",\"data\":[{}]}}", models.join(",")).into())
            }
            Side::Model(name) => {
                let models = self.desk.profile.contract.models.names();
                let found = models.into_iter().find(|known| **known == **name);
                let missing = || ApiError {
                    http: 404,
                    ..ApiError::model_not_found(name)
                };
                found.map(|name| render_model(name).into()).ok_or_else(missing)
            }
            Side::Conversation(talk) => self.conversation(key, who, talk),
        }
    }

    fn input_items(&self, id: &ResponseId, who: AccountNo, page: &Page) -> Result<Arc<str>, ApiError> {
        let run = self.visible(id, who)?;
        render_page(&self.items_of(run), page).ok_or_else(|| missing(page))
    }

    /// The input of a run as it is listed.
    pub(super) fn items_of(&self, run: &Run) -> Vec<StoredItem> {
        let Some(create) = &run.asked else {
            return Vec::new();
        };
        let id = |place: u64| name::id("msg_", self.desk.seed.bits(Purpose::Id, run.bits, INPUTS + place));
        listed(create)
            .into_iter()
            .zip(0_u64..)
            .map(|(item, place)| item.named(|| id(place)))
            .collect()
    }

    /// The tokens that a request would read.
    fn tokens_of(&mut self, create: &Create, who: AccountNo) -> Result<u32, ApiError> {
        if !self.desk.profile.contract.models.has(&create.model) {
            return Err(self.no_model(&create.model));
        }
        if let Some(id) = super::asks::conversation_of(create) {
            self.conversations.find(id, who)?;
        }
        let parent = self.parent(create, who)?;
        let inherited = parent.map_or(0, |parent| parent.usage.input.saturating_add(parent.usage.output));
        Ok(answers::input_tokens(create).saturating_add(inherited))
    }

    /// User messages stay, everything else goes into one item that only the service can read.
    fn compact(&mut self, key: &CallKey, create: &Create, who: AccountNo) -> Result<Arc<str>, ApiError> {
        let tokens = self.tokens_of(create, who)?;
        let bits = self.desk.seed.bits(
            Purpose::Id,
            name::call_entity(key),
            name::call_index(key.exchange) | (1 << 50),
        );
        let mut items = Vec::new();
        let mut next = create.previous.clone();
        let mut chain = Vec::new();
        while let Some(run) = next.and_then(|id| self.runs.visible(&id)) {
            chain.push(self.items_of(run));
            next = run.parent.clone();
        }
        items.extend(chain.into_iter().rev().flatten());
        let own = listed(create).into_iter().zip(0_u64..);
        items.extend(own.map(|(item, place)| {
            item.named(|| name::id("msg_", self.desk.seed.bits(Purpose::Id, bits, INPUTS + place)))
        }));
        let mut output: Vec<String> = items
            .iter()
            .filter(|item| item.is_of_user())
            .map(|item| item.json.to_string())
            .collect();
        output.push(format!(
            "{{\"type\":\"compaction\",\"id\":\"{}\",\"encrypted_content\":\"gAAAAB{bits:016x}\"}}",
            name::id("cmp_", bits),
        ));
        let left = tokens / COMPACTED + 1;
        Ok(format!(
            "{{\"id\":\"{}\",\"object\":\"response.compaction\",\"created_at\":{},\"output\":[{}],\"usage\":\
             {{\"input_tokens\":{tokens},\"input_tokens_details\":{{\"cached_tokens\":0,\"cache_write_tokens\":0}},\
             \"output_tokens\":{left},\"output_tokens_details\":{{\"reasoning_tokens\":0}},\"total_tokens\":{}}}}}",
            name::id("resp_", bits),
            self.desk.unix(),
            output.join(","),
            u64::from(tokens) + u64::from(left),
        )
        .into())
    }

    fn conversation(&mut self, key: &CallKey, who: AccountNo, talk: &Talk) -> Result<Arc<str>, ApiError> {
        let bits = self.desk.seed.bits(
            Purpose::Id,
            name::call_entity(key),
            name::call_index(key.exchange),
        );
        let seed = self.desk.seed;
        let named = |items: &[StoredItem]| -> Vec<StoredItem> {
            let id = |place: u64| name::id("msg_", seed.bits(Purpose::Id, bits, INPUTS + place));
            let items = items.iter().cloned().zip(0_u64..);
            items.map(|(item, place)| item.named(|| id(place))).collect()
        };
        match talk {
            Talk::Make { metadata, items } => {
                let bounds = &self.desk.profile.contract.bounds;
                self.conversations.check_count(bounds)?;
                self.conversations.check_bytes(bounds)?;
                let mut id = name::id("conv_", bits);
                let mut again = 0;
                while self.conversations.has(&id) {
                    again += 1;
                    id = name::id("conv_", seed.bits(Purpose::Id, bits, again));
                }
                let made = Conversation {
                    owner: who,
                    created_at: self.desk.unix(),
                    metadata: metadata.clone(),
                    items: named(items),
                    locked_by: None,
                    last: self.desk.no_output.clone(),
                    turns: 0,
                    choice: None,
                };
                let object = made.render(&id);
                self.conversations.insert(id, made);
                Ok(object)
            }
            Talk::Read(id) => Ok(self.conversations.find(id, who)?.render(id)),
            Talk::Change { id, metadata } => {
                let found = self.conversations.find(id, who)?;
                found.metadata = metadata.clone();
                Ok(found.render(id))
            }
            Talk::Drop(id) => {
                self.conversations.find(id, who)?;
                self.conversations.remove(id);
                let id = json_text(id);
                Ok(format!("{{\"id\":{id},\"object\":\"conversation.deleted\",\"deleted\":true}}").into())
            }
            Talk::AddItems { id, items } => {
                self.conversations.find(id, who)?;
                self.conversations
                    .check_bytes(&self.desk.profile.contract.bounds)?;
                let added = named(items);
                let page = Page {
                    limit: 100,
                    order: Order::Ascending,
                    after: None,
                };
                let list = render_page(&added, &page).ok_or_else(|| missing(&page));
                self.conversations.add(id, added);
                list
            }
            Talk::ListItems { id, page } => self.conversations.find(id, who)?.page(page),
            Talk::ReadItem { id, item } => {
                let found = self.conversations.find(id, who)?;
                found.item(item).map(|item| item.json.clone())
            }
            Talk::DropItem { id, item } => {
                let found = self.conversations.find(id, who)?;
                found.item(item)?;
                let shown = found.render(id);
                self.conversations.drop_item(id, item);
                Ok(shown)
            }
        }
    }
}

/// The input of a request as it is listed, without ids of our own.
pub(super) fn listed(create: &Create) -> Vec<StoredItem> {
    let raw = create
        .request
        .as_ref()
        .and_then(|echo| echo.details().input.as_deref());
    match (raw, &create.input[..]) {
        (Some(raw), _) => stored_items(raw),
        (None, [InputItem::Message { text }]) => vec![stored_text(text)],
        (None, _) => Vec::new(),
    }
}

fn render_model(name: &str) -> String {
    let name = json_text(name);
    format!("{{\"id\":{name},\"object\":\"model\",\"created\":1780000000,\"owned_by\":\"openai\"}}")
}
