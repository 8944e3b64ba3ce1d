//! Conversations: items that outlive the responses that made them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Bounds;
use super::ledger::AccountNo;
use super::slots::Handle;
use crate::wire::{ApiError, Item, Page, StoredItem, json_text, render_page};

/// A conversation.
#[derive(Debug, Clone)]
pub(super) struct Conversation {
    /// The project that it belongs to.
    pub(super) owner: AccountNo,
    /// Unix seconds.
    pub(super) created_at: u64,
    /// Its metadata, as JSON.
    pub(super) metadata: Arc<str>,
    /// Its items, in the order in which they came.
    pub(super) items: Vec<StoredItem>,
    /// The run that works on it.
    pub(super) locked_by: Option<Handle>,
    /// What the last response in it put out.
    pub(super) last: Arc<[Item]>,
    /// Responses so far.
    pub(super) turns: u32,
    /// The script that was chosen for them.
    pub(super) choice: Option<u32>,
}

/// All conversations.
#[derive(Debug, Clone, Default)]
pub(super) struct Conversations {
    by_id: BTreeMap<Arc<str>, Conversation>,
    /// Bytes of their items, in all.
    bytes: u64,
    /// Items of conversations that are gone, the oldest first: they can still be referred to.
    outlived: VecDeque<Arc<str>>,
}

/// Items of conversations that are gone of which is remembered that they were there.
const OUTLIVED_MAX: usize = 4_096;

fn bytes_of(items: &[StoredItem]) -> u64 {
    items.iter().map(|item| item.json.len() as u64).sum()
}

impl Conversations {
    pub(super) fn insert(&mut self, id: Arc<str>, conversation: Conversation) {
        self.bytes += bytes_of(&conversation.items);
        self.by_id.insert(id, conversation);
    }

    /// The conversation of this id, whosever it is.
    pub(super) fn get(&self, id: &str) -> Option<&Conversation> {
        self.by_id.get(id)
    }

    /// The conversation of this id.
    ///
    /// # Errors
    /// 404 if there is none, or it belongs to another project.
    pub(super) fn find(&mut self, id: &str, owner: AccountNo) -> Result<&mut Conversation, ApiError> {
        let found = self.by_id.get_mut(id).filter(|found| found.owner == owner);
        found.ok_or_else(|| ApiError::conversation_not_found(id))
    }

    /// Whether one has this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// The conversation of this id, whoever owns it.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Conversation> {
        self.by_id.get_mut(id)
    }

    pub(super) fn remove(&mut self, id: &str) {
        if let Some(gone) = self.by_id.remove(id) {
            self.bytes -= bytes_of(&gone.items);
            self.outlived.extend(gone.items.into_iter().map(|item| item.id));
            let surplus = self.outlived.len().saturating_sub(OUTLIVED_MAX);
            self.outlived.drain(..surplus);
        }
    }

    /// Adds items to one.
    pub(super) fn add(&mut self, id: &str, items: Vec<StoredItem>) {
        if let Some(found) = self.by_id.get_mut(id) {
            self.bytes += bytes_of(&items);
            found.items.extend(items);
        }
    }

    /// Takes an item out of one.
    pub(super) fn drop_item(&mut self, id: &str, item: &str) {
        if let Some(found) = self.by_id.get_mut(id) {
            self.bytes -= bytes_of(&found.items);
            found.items.retain(|own| *own.id != *item);
            self.bytes += bytes_of(&found.items);
        }
    }

    /// Bytes of their items, in all.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether one more may be made.
    ///
    /// # Errors
    /// 429 if there are as many as may be.
    pub(super) fn check_count(&self, bounds: &Bounds) -> Result<(), ApiError> {
        if self.by_id.len() < bounds.conversations_max {
            return Ok(());
        }
        let message = format!(
            "There are {} conversations, as many as may be: delete one that is not needed any more.",
            self.by_id.len()
        );
        Err(ApiError::held_enough("too_many_conversations", message))
    }

    /// Whether items may be added.
    ///
    /// # Errors
    /// 429 if those that there are take as much room as they may.
    pub(super) fn check_bytes(&self, bounds: &Bounds) -> Result<(), ApiError> {
        if self.bytes < bounds.conversation_bytes_max {
            return Ok(());
        }
        let message = format!(
            "The items of all conversations take {} bytes, as much as may be: delete one that is not needed any more.",
            self.bytes
        );
        Err(ApiError::held_enough("too_many_items", message))
    }

    /// Whether some conversation holds an item of this id, or held it when it was deleted.
    pub(super) fn has_item(&self, item: &str) -> bool {
        let holds = |conversation: &Conversation| conversation.items.iter().any(|own| *own.id == *item);
        self.by_id.values().any(holds) || self.outlived.iter().any(|id| **id == *item)
    }
}

impl Conversation {
    /// Its object.
    pub(super) fn render(&self, id: &str) -> Arc<str> {
        format!(
            "{{\"id\":{},\"object\":\"conversation\",\"created_at\":{},\"metadata\":{}}}",
            json_text(id),
            self.created_at,
            self.metadata,
        )
        .into()
    }

    /// A page of its items.
    pub(super) fn page(&self, page: &Page) -> Result<Arc<str>, ApiError> {
        render_page(&self.items, page).ok_or_else(|| missing(page))
    }

    /// The item of this id.
    pub(super) fn item(&self, item: &str) -> Result<&StoredItem, ApiError> {
        let found = self.items.iter().find(|own| *own.id == *item);
        found.ok_or_else(|| ApiError::no_such_item(item))
    }
}

/// The error about an item to begin behind that is not there.
pub(super) fn missing(page: &Page) -> ApiError {
    ApiError::no_such_item(page.after.as_deref().unwrap_or_default())
}
