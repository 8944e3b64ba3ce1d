//! What strangers ask beside the life of a response: lists, counts, models and conversations.

use std::sync::Arc;

use super::{Create, ResponseId};

/// What a client asks beside the life of a response. Our own runtime never does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// The input of a response.
    InputItems {
        /// The response.
        id: ResponseId,
        /// Which of them.
        page: Page,
    },
    /// How many tokens an input has.
    InputTokens(Arc<Create>),
    /// An input in fewer tokens.
    Compact(Arc<Create>),
    /// The models.
    Models,
    /// One model.
    Model(Arc<str>),
    /// Something about conversations.
    Conversation(Talk),
}

/// What a client asks about conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Talk {
    /// Make a conversation.
    Make {
        /// Its metadata, as JSON.
        metadata: Arc<str>,
        /// Its first items.
        items: Arc<[StoredItem]>,
    },
    /// Read a conversation.
    Read(Arc<str>),
    /// Change the metadata of a conversation.
    Change {
        /// The conversation.
        id: Arc<str>,
        /// Its new metadata, as JSON.
        metadata: Arc<str>,
    },
    /// Remove a conversation.
    Drop(Arc<str>),
    /// Add items to a conversation.
    AddItems {
        /// The conversation.
        id: Arc<str>,
        /// What is added.
        items: Arc<[StoredItem]>,
    },
    /// The items of a conversation.
    ListItems {
        /// The conversation.
        id: Arc<str>,
        /// Which of them.
        page: Page,
    },
    /// One item of a conversation.
    ReadItem {
        /// The conversation.
        id: Arc<str>,
        /// The item.
        item: Arc<str>,
    },
    /// Remove one item of a conversation.
    DropItem {
        /// The conversation.
        id: Arc<str>,
        /// The item.
        item: Arc<str>,
    },
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many at most, from 1 to 100.
    pub limit: u32,
    /// From which end.
    pub order: Order,
    /// Only what stands behind this item.
    pub after: Option<Arc<str>>,
}

/// From which end a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// An item as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StoredItem {
    /// Its id; empty while it has none.
    pub id: Arc<str>,
    /// The whole of it, as JSON.
    pub json: Arc<str>,
}

/// Renders a page of `items`, which stand in the order in which they came.
///
/// - returns: the list object; `None` if the item to begin behind is not there.
#[must_use]
pub fn render_page(items: &[StoredItem], page: &Page) -> Option<Arc<str>> {
    let ordered: Vec<&StoredItem> = match page.order {
        Order::Ascending => items.iter().collect(),
        Order::Descending => items.iter().rev().collect(),
    };
    let start = match &page.after {
        None => 0,
        Some(after) => ordered.iter().position(|item| item.id == *after)? + 1,
    };
    let rest = &ordered[start..];
    let shown = &rest[..rest.len().min(page.limit as usize)];
    let data: Vec<&str> = shown.iter().map(|item| &*item.json).collect();
    let id = |item: Option<&&StoredItem>| item.map_or("null".to_owned(), |item| json_text(&item.id));
    let list = format!(
        "{{\"object\":\"list\",\"data\":[{}],\"first_id\":{},\"last_id\":{},\"has_more\":{}}}",
        data.join(","),
        id(shown.first()),
        id(shown.last()),
        rest.len() > shown.len(),
    );
    Some(list.into())
}

/// A text as JSON.
#[must_use]
pub fn json_text(text: &str) -> String {
    // A text is always JSON.
    serde_json::to_string(text).unwrap_or_default()
}
