//! The endpoints beside the life of a response: from method, path, query and body to what is asked.

use std::sync::Arc;

use http::{Method, Uri};

use super::paths::{Route, word};
use crate::wire::{
    ApiError, Endpoint, Order, Page, RangeEnd, ResponseId, Side, Talk, check_include, parse_items,
    parse_metadata, parse_new_conversation, parse_subset,
};

/// The pairs of a query, in order.
pub(super) type Pairs = Vec<(String, String)>;

/// What is asked; `None` if the service has no such thing.
pub(super) fn read_side(
    route: Route,
    method: &Method,
    uri: &Uri,
    body: &[u8],
) -> Option<Result<Side, ApiError>> {
    let word = |place| word(uri.path(), place).map(Arc::<str>::from);
    let talk = |talk: Talk| Ok(Side::Conversation(talk));
    // Whoever asks for a head asks for that of a GET.
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    let id = match route {
        Route::InputTokens | Route::Compact | Route::Models | Route::Conversations => Arc::from(""),
        _ => word(1)?,
    };
    Some(match (route, method) {
        (Route::InputItems, "GET") => read_page(uri).map(|page| Side::InputItems {
            id: ResponseId(id.into()),
            page,
        }),
        (Route::InputTokens, "POST") => subset(body, Endpoint::InputTokens).map(Side::InputTokens),
        (Route::Compact, "POST") => subset(body, Endpoint::Compact).map(Side::Compact),
        (Route::Models, "GET") => Ok(Side::Models),
        (Route::Model, "GET") => Ok(Side::Model(id)),
        (Route::Conversations, "POST") => parse_new_conversation(body)
            .map(|(metadata, items)| Side::Conversation(Talk::Make { metadata, items })),
        (Route::Conversation, "GET") => talk(Talk::Read(id)),
        (Route::Conversation, "POST") => {
            parse_metadata(body).map(|metadata| Side::Conversation(Talk::Change { id, metadata }))
        }
        (Route::Conversation, "DELETE") => talk(Talk::Drop(id)),
        (Route::ConversationItems, "GET") => {
            read_page(uri).map(|page| Side::Conversation(Talk::ListItems { id, page }))
        }
        (Route::ConversationItems, "POST") => {
            parse_items(body).map(|items| Side::Conversation(Talk::AddItems { id, items }))
        }
        (Route::ConversationItem, "GET") => talk(Talk::ReadItem { id, item: word(3)? }),
        (Route::ConversationItem, "DELETE") => talk(Talk::DropItem { id, item: word(3)? }),
        _ => return None,
    })
}

fn subset(body: &[u8], endpoint: Endpoint) -> Result<Arc<crate::wire::Create>, ApiError> {
    let (mut create, echo) = parse_subset(body, endpoint)?;
    create.request = Some(echo);
    Ok(Arc::new(create))
}

/// The pairs of a query.
pub(super) fn pairs_of(uri: &Uri) -> Pairs {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The words of every `include` and `include[]`, each checked.
pub(super) fn includes_of(pairs: &Pairs) -> Result<Arc<[Arc<str>]>, ApiError> {
    let names = ["include[]", "include"];
    let asked = pairs.iter().filter(|(name, _)| names.contains(&name.as_str()));
    let checked = asked.enumerate().map(|(place, (_, word))| {
        check_include(word, place)?;
        Ok(Arc::from(word.as_str()))
    });
    checked.collect()
}

/// Reads `limit`, `order`, `after` and `include[]`.
fn read_page(uri: &Uri) -> Result<Page, ApiError> {
    let pairs = pairs_of(uri);
    includes_of(&pairs)?;
    let value = |name: &str| {
        let found = pairs.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    let limit = match value("limit") {
        None => 20,
        Some(text) => read_limit(text)?,
    };
    let order = match value("order") {
        None | Some("desc") => Order::Descending,
        Some("asc") => Order::Ascending,
        Some(other) => return Err(ApiError::invalid_value("order", other, &["asc", "desc"])),
    };
    let after = value("after").map(Arc::from);
    Ok(Page { limit, order, after })
}

fn read_limit(text: &str) -> Result<u32, ApiError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::invalid_type("limit", "an integer", "a string"));
    }
    match text.parse::<i64>().unwrap_or(i64::MAX) {
        ..1 => Err(ApiError::out_of_range(
            "limit",
            "integer",
            RangeEnd::Min("1"),
            text,
        )),
        101.. => Err(ApiError::out_of_range(
            "limit",
            "integer",
            RangeEnd::Max("100"),
            text,
        )),
        limit => Ok(u32::try_from(limit).unwrap_or(100)),
    }
}
