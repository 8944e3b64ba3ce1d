//! The paths that the service has: which route a request takes, and what one that takes none may have meant.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::scenario::nearest;

/// A route of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Responses,
    InputTokens,
    Compact,
    Response,
    Cancel,
    InputItems,
    Models,
    Model,
    Conversations,
    Conversation,
    ConversationItems,
    ConversationItem,
}

/// The route of what the service does not have.
pub(super) const NOWHERE: &str = "none";

impl Route {
    const ALL: [Self; 12] = [
        Self::Responses,
        Self::Response,
        Self::Cancel,
        Self::InputItems,
        Self::InputTokens,
        Self::Compact,
        Self::Models,
        Self::Model,
        Self::Conversations,
        Self::Conversation,
        Self::ConversationItems,
        Self::ConversationItem,
    ];

    /// The route of a path.
    pub(super) fn of(path: &str) -> Option<Self> {
        let mut words = path.strip_prefix("/v1/")?.split('/');
        Some(match (words.next()?, words.next(), words.next(), words.next()) {
            _ if words.next().is_some() => return None,
            ("responses", None, ..) => Self::Responses,
            ("responses", Some("input_tokens"), None, _) => Self::InputTokens,
            ("responses", Some("compact"), None, _) => Self::Compact,
            ("models", None, ..) => Self::Models,
            ("conversations", None, ..) => Self::Conversations,
            (_, Some(""), ..) | (_, _, _, Some("")) => return None,
            ("responses", Some(_), None, _) => Self::Response,
            ("responses", Some(_), Some("cancel"), None) => Self::Cancel,
            ("responses", Some(_), Some("input_items"), None) => Self::InputItems,
            ("models", Some(_), None, _) => Self::Model,
            ("conversations", Some(_), None, _) => Self::Conversation,
            ("conversations", Some(_), Some("items"), None) => Self::ConversationItems,
            ("conversations", Some(_), Some("items"), Some(_)) => Self::ConversationItem,
            _ => return None,
        })
    }

    /// Its path, where a word in braces stands for any other.
    pub(super) const fn pattern(self) -> &'static str {
        match self {
            Self::Responses => "/v1/responses",
            Self::InputTokens => "/v1/responses/input_tokens",
            Self::Compact => "/v1/responses/compact",
            Self::Response => "/v1/responses/{id}",
            Self::Cancel => "/v1/responses/{id}/cancel",
            Self::InputItems => "/v1/responses/{id}/input_items",
            Self::Models => "/v1/models",
            Self::Model => "/v1/models/{id}",
            Self::Conversations => "/v1/conversations",
            Self::Conversation => "/v1/conversations/{id}",
            Self::ConversationItems => "/v1/conversations/{id}/items",
            Self::ConversationItem => "/v1/conversations/{id}/items/{item}",
        }
    }

    /// The methods that it takes; whoever may GET may ask for the head alone.
    pub(super) const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Responses | Self::InputTokens | Self::Compact | Self::Cancel | Self::Conversations => {
                &["POST"]
            }
            Self::InputItems | Self::Models | Self::Model => &["GET"],
            Self::Response | Self::ConversationItem => &["GET", "DELETE"],
            Self::Conversation => &["GET", "POST", "DELETE"],
            Self::ConversationItems => &["GET", "POST"],
        }
    }

    /// Whether it takes a method.
    pub(super) fn takes(self, method: &str) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        self.methods().contains(&method)
    }
}

/// Every operation that the service has: a method and a path, where a word in braces stands for any other.
pub fn operations() -> impl Iterator<Item = String> {
    let of_route = |route: Route| {
        let methods = route.methods().iter();
        methods.map(move |method| format!("{method} {}", route.pattern()))
    };
    Route::ALL.into_iter().flat_map(of_route)
}

/// The word of this number in a path, from 0 behind the version; none if it is no text.
pub(super) fn word(path: &str, place: usize) -> Option<Cow<'_, str>> {
    let word = path.split('/').nth(place + 2)?;
    percent_decode_str(word).decode_utf8().ok()
}

/// What the sender of a request may have meant that takes no route.
pub(super) fn hint_for(method: &str, path: &str) -> Option<String> {
    if let Some(route) = Route::of(path) {
        let (pattern, methods) = (route.pattern(), route.methods().join(", "));
        return (!route.takes(method)).then(|| format!("{pattern} takes {methods}, not {method}"));
    }
    let tidy = path.trim_end_matches('/');
    let versioned = format!("/v1{tidy}");
    for candidate in [tidy, &versioned] {
        if let Some(route) = Route::of(candidate) {
            return Some(format!(
                "did you mean {} {candidate}?",
                route.methods().join(" or ")
            ));
        }
    }
    if path.starts_with("/v1/v1/") {
        return Some("the base URL ends in /v1, and the path begins with it once more".to_owned());
    }
    // The nearest pattern, where every word that stands for an id is taken from the path.
    let filled = Route::ALL.map(|route| (filled(route.pattern(), tidy), route));
    let meant = nearest(tidy, filled.iter().map(|(path, _)| path.as_str()))?;
    let (_, route) = filled.iter().find(|(path, _)| path == meant)?;
    Some(format!("did you mean {} {meant}?", route.methods().join(" or ")))
}

fn filled(pattern: &str, path: &str) -> String {
    let mut parts = path.split('/');
    let words = pattern.split('/').map(|word| match parts.next() {
        Some(part) if word.starts_with('{') && !part.is_empty() => part,
        _ => word,
    });
    words.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_found_by_method_and_path() {
        for route in Route::ALL {
            let path = route.pattern().replace("{id}", "x_1").replace("{item}", "msg_1");
            assert_eq!(Route::of(&path), Some(route), "{path}");
            assert_eq!(Route::of(&format!("{path}/")), None, "{path}/");
            assert_eq!(Route::of(&path[3..]), None, "{}", &path[3..]);
            assert!(!route.takes("PATCH"), "{path}");
            assert_eq!(route.takes("HEAD"), route.takes("GET"), "{path}");
        }
        for path in [
            "/v1/responses//cancel",
            "/v1/responses/x/y",
            "/v1/conversations/x/items/y/z",
            "/v1/",
            "",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }

    #[test]
    fn words_are_decoded() {
        assert_eq!(word("/v1/responses/a%20b/cancel", 1).as_deref(), Some("a b"));
        assert_eq!(word("/v1/responses/%ff", 1), None);
        assert_eq!(word("/v1/responses", 1), None);
    }

    #[test]
    fn strays_are_told_the_nearest_route() {
        for (method, path, hint) in [
            ("GET", "/v1/responses", "/v1/responses takes POST, not GET"),
            (
                "GET",
                "/v1/responses/compact",
                "/v1/responses/compact takes POST, not GET",
            ),
            ("POST", "/responses", "did you mean POST /v1/responses?"),
            ("POST", "/v1/responses/", "did you mean POST /v1/responses?"),
            ("POST", "/v1/reponses", "did you mean POST /v1/responses?"),
            (
                "POST",
                "/v1/responses/r1/cancle",
                "did you mean POST /v1/responses/r1/cancel?",
            ),
            (
                "POST",
                "/v1/v1/responses",
                "the base URL ends in /v1, and the path begins with it once more",
            ),
        ] {
            assert_eq!(hint_for(method, path).as_deref(), Some(hint), "{method} {path}");
        }
        assert_eq!(hint_for("GET", "/favicon.ico"), None);
        assert_eq!(hint_for("GET", "/v1/responses/%ff"), None);
    }
}
