//! The errors of the contract, one constructor each, so that every text stands in one place.

use std::fmt::Display;
use std::sync::Arc;

use super::json_error::NO_BODY;
use super::{ApiError, ResponseId, Status, Wait};

/// Why a stream is not replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamRefusal {
    /// Created without `stream: true`.
    NotStreamed,
    /// Created without `background: true`.
    NotBackground,
    /// The window for resuming is over.
    TooOld,
}

impl ApiError {
    /// An error with status 400 and type `invalid_request_error`.
    #[must_use]
    pub fn invalid(code: Option<&str>, param: Option<&str>, message: impl Into<Arc<str>>) -> Self {
        Self::plain(400, "invalid_request_error", code, param, message)
    }

    /// An error without headers that matter.
    #[must_use]
    pub fn plain(
        http: u16,
        kind: &str,
        code: Option<&str>,
        param: Option<&str>,
        message: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            http,
            kind: kind.into(),
            code: code.map(Arc::from),
            param: param.map(Arc::from),
            message: message.into(),
            wait: None,
            should_retry: None,
        }
    }

    /// The same error with a wait.
    #[must_use]
    pub fn with_wait(self, wait: Wait) -> Self {
        Self {
            wait: Some(wait),
            ..self
        }
    }

    /// The same error with `x-should-retry`.
    #[must_use]
    pub fn with_should_retry(self, should_retry: bool) -> Self {
        Self {
            should_retry: Some(should_retry),
            ..self
        }
    }

    /// The body is no JSON object.
    #[must_use]
    pub fn not_json(what: impl Display) -> Self {
        Self::invalid(
            None,
            None,
            format!("We could not parse the JSON body of your request: {what}."),
        )
    }

    /// A parameter that the endpoint does not know.
    #[must_use]
    pub fn unknown_parameter(param: &str) -> Self {
        Self::invalid(
            Some("unknown_parameter"),
            Some(param),
            format!("Unknown parameter: '{param}'."),
        )
    }

    /// A parameter is missing.
    #[must_use]
    pub fn missing_parameter(param: &str) -> Self {
        let message = format!("Missing required parameter: '{param}'.");
        Self::invalid(Some("missing_required_parameter"), Some(param), message)
    }

    /// A parameter has the wrong JSON type; both types come with their article.
    #[must_use]
    pub fn invalid_type(param: &str, expected: &str, got: &str) -> Self {
        let message = format!("Invalid type for '{param}': expected {expected}, but got {got} instead.");
        Self::invalid(Some("invalid_type"), Some(param), message)
    }

    /// A word outside its list.
    #[must_use]
    pub fn invalid_value(param: &str, got: &str, supported: &[&str]) -> Self {
        let message = format!(
            "Invalid value: '{got}'. Supported values are: {}.",
            listed(supported)
        );
        Self::invalid(Some("invalid_value"), Some(param), message)
    }

    /// A number outside its range: `number` is `integer` or `decimal`, `limit` the end that was passed.
    #[must_use]
    pub fn out_of_range(param: &str, number: &str, limit: RangeEnd<'_>, got: &str) -> Self {
        let (code, side, sign, bound) = match limit {
            RangeEnd::Min(bound) => ("below_min", "below minimum", ">=", bound),
            RangeEnd::Max(bound) => ("above_max", "above maximum", "<=", bound),
        };
        let message = format!(
            "Invalid '{param}': {number} {side} value. Expected a value {sign} {bound}, but got {got} instead."
        );
        Self::invalid(Some(&format!("{number}_{code}_value")), Some(param), message)
    }

    /// A text over its maximum length, both in characters.
    #[must_use]
    pub fn string_too_long(param: &str, max: usize, got: usize) -> Self {
        let message = format!(
            "Invalid '{param}': string too long. Expected a string with maximum length {max}, \
             but got a string with length {got} instead."
        );
        Self::invalid(Some("string_above_max_length"), Some(param), message)
    }

    /// A map with too many entries.
    #[must_use]
    pub fn too_many_properties(param: &str, max: usize, got: usize) -> Self {
        let message = format!(
            "Invalid '{param}': too many properties. Expected an object with at most {max} properties, \
             but got an object with {got} properties instead."
        );
        Self::invalid(Some("object_above_max_properties"), Some(param), message)
    }

    /// An empty text where at least one letter has to stand.
    #[must_use]
    pub fn empty_string(param: &str) -> Self {
        Self::invalid(
            Some("empty_string"),
            Some(param),
            format!(
                "Invalid '{param}': empty string. Expected a string with minimum length 1, but got an empty \
                 string instead."
            ),
        )
    }

    /// An empty list where at least one entry has to stand.
    #[must_use]
    pub fn empty_array(param: &str) -> Self {
        let message = format!(
            "Invalid '{param}': empty array. Expected an array with minimum length 1, \
             but got an empty array instead."
        );
        Self::invalid(Some("empty_array"), Some(param), message)
    }

    /// A list with too many entries.
    #[must_use]
    pub fn array_too_long(param: &str, max: usize, got: usize) -> Self {
        let message = format!(
            "Invalid '{param}': array too long. Expected an array with maximum length {max}, \
             but got an array with length {got} instead."
        );
        Self::invalid(Some("array_above_max_length"), Some(param), message)
    }

    /// The parent is named in two ways.
    #[must_use]
    pub fn two_parents() -> Self {
        let message = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. \
                       Provide only one of them.";
        Self::invalid(None, Some("previous_response_id"), message)
    }

    /// The model does not exist; 400 on this endpoint.
    #[must_use]
    pub fn model_not_found(model: &str) -> Self {
        let message = format!("The requested model '{model}' does not exist.");
        Self::invalid(Some("model_not_found"), Some("model"), message)
    }

    /// The account may not use the model.
    #[must_use]
    pub fn model_forbidden(model: &str) -> Self {
        let message = format!("Project does not have access to model `{model}`.");
        Self::plain(
            403,
            "invalid_request_error",
            Some("model_not_found"),
            None,
            message,
        )
    }

    /// The parent does not exist.
    #[must_use]
    pub fn previous_response_not_found(id: &ResponseId) -> Self {
        let message = format!("Previous response with id '{id}' not found.");
        Self::invalid(
            Some("previous_response_not_found"),
            Some("previous_response_id"),
            message,
        )
    }

    /// A function call of the turn before was left without its output.
    #[must_use]
    pub fn no_tool_output(call_id: &str) -> Self {
        let message = format!("No tool output found for function call {call_id}.");
        Self::invalid(None, Some("input"), message)
    }

    /// An output answers a function call that nobody made.
    #[must_use]
    pub fn no_tool_call(call_id: &str) -> Self {
        let message = format!("No tool call found for function call output with call_id {call_id}.");
        Self::invalid(None, Some("input"), message)
    }

    /// An answer names an approval request that does not exist.
    #[must_use]
    pub fn no_approval_request(approval_request_id: &str) -> Self {
        let message = format!("No approval request found with id {approval_request_id}.");
        Self::invalid(None, Some("input"), message)
    }

    /// An approval request of the turn before was left without its answer.
    #[must_use]
    pub fn no_approval_response(approval_request_id: &str) -> Self {
        let message = format!("No approval response found for approval request {approval_request_id}.");
        Self::invalid(None, Some("input"), message)
    }

    /// An item that the conversation already holds was sent again.
    #[must_use]
    pub fn duplicate_item(id: &str) -> Self {
        let message = format!(
            "Duplicate item found with id {id}. Remove duplicate items from your input and try again."
        );
        Self::invalid(None, Some("input"), message)
    }

    /// Background without storage, under the strict reading of the contract.
    #[must_use]
    pub fn background_unstored() -> Self {
        let message = "Unsupported parameter: 'background' requires 'store' to be true.";
        Self::invalid(Some("unsupported_parameter"), Some("background"), message)
    }

    /// An item that is referred to is not stored.
    #[must_use]
    pub fn item_not_found(id: &str) -> Self {
        let message = format!(
            "Item with id '{id}' not found. Items are not persisted when `store` is set to false. \
             Try again with `store` set to true, or remove this item from your input."
        );
        Self::plain(404, "invalid_request_error", None, Some("input"), message)
    }

    /// A reasoning item came without the item that it led to.
    #[must_use]
    pub fn orphan_reasoning(id: &str) -> Self {
        let message =
            format!("Item '{id}' of type 'reasoning' was provided without its required following item.");
        Self::invalid(None, Some("input"), message)
    }

    /// An item came without the reasoning that led to it.
    #[must_use]
    pub fn without_reasoning(id: &str, kind: &str, reasoning: &str) -> Self {
        let message = format!(
            "Item '{id}' of type '{kind}' was provided without its required 'reasoning' item: '{reasoning}'."
        );
        Self::invalid(None, Some("input"), message)
    }

    /// The output of a computer call leaves a safety check of it unacknowledged.
    #[must_use]
    pub fn check_not_acknowledged(call_id: &str, check: &str) -> Self {
        let message =
            format!("The pending safety check '{check}' of computer call '{call_id}' was not acknowledged.");
        Self::invalid(None, Some("input"), message)
    }

    /// Something stands behind a `compaction_trigger`.
    #[must_use]
    pub fn trigger_not_last(at: usize) -> Self {
        let message = "A 'compaction_trigger' must be the last item of the input.";
        Self::invalid(Some("invalid_value"), Some(&format!("input[{at}]")), message)
    }

    /// The input is longer than the model can read.
    #[must_use]
    pub fn context_length_exceeded() -> Self {
        let message =
            "Your input exceeds the context window of this model. Please adjust your input and try again.";
        Self::invalid(Some("context_length_exceeded"), Some("input"), message)
    }

    /// A list does not hold the item to begin behind, or a conversation not the one asked for.
    #[must_use]
    pub fn no_such_item(id: &str) -> Self {
        let message = format!("Item with id '{id}' not found.");
        Self::plain(404, "invalid_request_error", None, None, message)
    }

    /// No such conversation.
    #[must_use]
    pub fn conversation_not_found(id: &str) -> Self {
        let message = format!("Conversation with id '{id}' not found.");
        Self::plain(404, "invalid_request_error", None, None, message)
    }

    /// No such response, or no longer.
    #[must_use]
    pub fn response_not_found(id: &ResponseId) -> Self {
        let message = format!("Response with id '{id}' not found.");
        Self::plain(404, "invalid_request_error", None, None, message)
    }

    /// A path that the service does not have.
    #[must_use]
    pub fn invalid_url(method: &str, path: &str) -> Self {
        let message = format!("Invalid URL ({method} {path})");
        Self::plain(404, "invalid_request_error", None, None, message)
    }

    /// The key is not right. Only its ends are shown.
    #[must_use]
    pub fn invalid_api_key(key: &str) -> Self {
        let letters: Vec<char> = key.chars().collect();
        let shown: String = match letters.as_slice() {
            [start @ .., _, _] if letters.len() > 8 => start[..5]
                .iter()
                .chain(&['*'; 3])
                .chain(&letters[letters.len() - 2..])
                .collect(),
            _ => "***".to_owned(),
        };
        let message = format!("Incorrect API key provided: {shown}.");
        Self::plain(
            401,
            "invalid_request_error",
            Some("invalid_api_key"),
            None,
            message,
        )
    }

    /// There is no key.
    #[must_use]
    pub fn missing_authentication() -> Self {
        let message = "Missing bearer or basic authentication in header";
        Self::plain(401, "invalid_request_error", None, None, message)
    }

    /// A response that has ended, or never was in background, is not cancelled.
    #[must_use]
    pub fn not_cancellable(status: &Status) -> Self {
        let message = match status {
            Status::Completed => "Cannot cancel a completed response.",
            Status::Failed => "Cannot cancel a failed response.",
            Status::Incomplete | Status::Cancelled | Status::Unknown(_) => {
                "Cannot cancel a response in terminal state."
            }
            Status::Queued | Status::InProgress => "Cannot cancel a synchronous response.",
        };
        Self::invalid(None, None, message)
    }

    /// A finished response that never was in background is not cancelled.
    #[must_use]
    pub fn not_cancellable_synchronous() -> Self {
        Self::invalid(None, None, "Cannot cancel a synchronous response.")
    }

    /// A response that still runs is not deleted.
    #[must_use]
    pub fn not_deletable_in_flight() -> Self {
        Self::invalid(None, None, "Cannot delete an in-flight response.")
    }

    /// A response is not streamed again.
    #[must_use]
    pub fn not_streamable(why: StreamRefusal) -> Self {
        let (param, message) = match why {
            StreamRefusal::NotStreamed => (
                None,
                "This response cannot be streamed because it was not created with stream=true.",
            ),
            StreamRefusal::NotBackground => (
                Some("stream"),
                "This response cannot be streamed because it was not created with background=true.",
            ),
            StreamRefusal::TooOld => (
                None,
                "This response can no longer be streamed because it is more than 5 minutes old.",
            ),
        };
        Self::invalid(None, param, message)
    }

    /// Two runs at once on one conversation; retryable although it is a 400.
    #[must_use]
    pub fn conversation_locked() -> Self {
        let message = "Another process is currently operating on this conversation. \
                       Please retry in a few seconds.";
        Self::invalid(Some("conversation_locked"), Some("conversation"), message)
    }

    /// An MCP server could not be reached while its tools were listed.
    #[must_use]
    pub fn mcp_unreachable(server_label: &str) -> Self {
        let message = format!(
            "Error retrieving tool list from MCP server: '{server_label}'. \
             Http status code: 424 (Failed Dependency)"
        );
        Self::plain(
            424,
            "external_connector_error",
            Some("http_error"),
            Some("tools"),
            message,
        )
    }

    /// Too many requests or tokens; waiting helps.
    #[must_use]
    pub fn rate_limited(wait: Option<Wait>) -> Self {
        let message = match wait {
            Some(Wait::Seconds(secs)) => format!("Rate limit reached. Please try again in {secs}s."),
            Some(Wait::Millis(millis)) => format!("Rate limit reached. Please try again in {millis}ms."),
            Some(Wait::Date(_)) | None => "Rate limit reached.".to_owned(),
        };
        Self {
            wait,
            ..Self::plain(
                429,
                "rate_limit_error",
                Some("rate_limit_exceeded"),
                None,
                message,
            )
        }
    }

    /// Traffic grew too fast; the service wants it lowered for minutes.
    #[must_use]
    pub fn slow_down() -> Self {
        Self::plain(429, "rate_limit_error", Some("slow_down"), None, "Slow down.")
    }

    /// The account has no money left; waiting does not help.
    #[must_use]
    pub fn quota_exhausted() -> Self {
        let message = "You exceeded your current quota, please check your plan and billing details.";
        Self::plain(
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
            None,
            message,
        )
    }

    /// The service broke.
    #[must_use]
    pub fn server_error() -> Self {
        let message = "An error occurred while processing your request. You can retry your request.";
        Self::plain(500, "server_error", Some("server_error"), None, message)
    }

    /// The service has too much to do.
    #[must_use]
    pub fn overloaded() -> Self {
        let message = "The server is currently overloaded. Please try again later.";
        Self::plain(
            503,
            "service_unavailable_error",
            Some("server_is_overloaded"),
            None,
            message,
        )
    }

    /// The error of a server that holds as much as it may of something, which no client library tries again.
    #[must_use]
    pub fn held_enough(code: &str, message: String) -> Self {
        Self::plain(429, "lanebench_error", Some(code), None, message).with_should_retry(false)
    }

    /// An error without a body.
    #[must_use]
    pub fn without_body(http: u16) -> Self {
        Self::plain(http, "", None, None, NO_BODY)
    }

    /// A blob of reasoning or of a compaction is not one of the service, or damaged.
    #[must_use]
    pub fn invalid_encrypted_content(kind: &str) -> Self {
        let message = format!("The encrypted content of an item of type '{kind}' could not be verified.");
        Self::invalid(Some("invalid_encrypted_content"), None, message)
    }

    /// The service is not offered where the client is.
    #[must_use]
    pub fn region_forbidden() -> Self {
        let code = Some("unsupported_country_region_territory");
        let message = "Country, region, or territory not supported.";
        Self::plain(403, "request_forbidden", code, None, message)
    }

    /// An error of any status, as far as the contract has a form for it.
    #[must_use]
    pub fn of_status(http: u16) -> Self {
        match http {
            401 => Self::missing_authentication(),
            403 => Self::region_forbidden(),
            424 => Self::mcp_unreachable("mcp"),
            429 => Self::rate_limited(None),
            503 => Self::overloaded(),
            500.. => Self {
                http,
                ..Self::server_error()
            },
            _ => Self {
                http,
                ..Self::invalid(None, None, format!("Request failed with status {http}."))
            },
        }
    }
}

/// The end of a range that a number passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeEnd<'a> {
    /// The smallest number allowed.
    Min(&'a str),
    /// The largest number allowed.
    Max(&'a str),
}

/// `'a', 'b', and 'c'`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => format!("'{only}'"),
        [first, second] => format!("'{first}' and '{second}'"),
        [start @ .., last] => {
            let start: Vec<String> = start.iter().map(|word| format!("'{word}'")).collect();
            format!("{}, and '{last}'", start.join(", "))
        }
    }
}
