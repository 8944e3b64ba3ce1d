//! Conversations: items that outlive the responses that made them.

use std::collections::BTreeMap;
use std::sync::Arc;

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
pub(super) struct Conversations(BTreeMap<Arc<str>, Conversation>);

impl Conversations {
    pub(super) fn insert(&mut self, id: Arc<str>, conversation: Conversation) {
        self.0.insert(id, conversation);
    }

    /// The conversation of this id, whosever it is.
    pub(super) fn get(&self, id: &str) -> Option<&Conversation> {
        self.0.get(id)
    }

    /// The conversation of this id.
    ///
    /// # Errors
    /// 404 if there is none, or it belongs to another project.
    pub(super) fn find(&mut self, id: &str, owner: AccountNo) -> Result<&mut Conversation, ApiError> {
        let found = self.0.get_mut(id).filter(|found| found.owner == owner);
        found.ok_or_else(|| ApiError::conversation_not_found(id))
    }

    /// Whether one has this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// The conversation of this id, whoever owns it.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Conversation> {
        self.0.get_mut(id)
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Whether some conversation holds an item of this id.
    pub(super) fn has_item(&self, item: &str) -> bool {
        self.0
            .values()
            .any(|conversation| conversation.items.iter().any(|own| *own.id == *item))
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
