//! The JSON face of the create request on the server's side: what it reads, refuses and repeats.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::details::LOGPROBS;
use super::echo::{Echo, Metadata, Obfuscation};
use super::json_out::{is_plain, key};
use super::read::{ORIGIN_KEYS, Word, origin_of};
use super::request_field::{FieldSet, Unlisted, field_set, fill_with_body, metadata, type_name};
use super::request_field::{boolean, decimal, fields, integer, list, short_text, text, word};
use super::request_input::{pair, read_input};
use super::request_options::{check_cache, check_prompt, check_window, compact_threshold};
use super::request_text::{echo_text, read_schema};
use super::request_tool::read_tools;
use super::{
    ApiError, Create, Details, Origin, Overflow, ResponseId, ServerRule, Summaries, ToolDeclaration,
    json_text,
};

/// Reads the body of `POST /v1/responses`.
///
/// Everything that can be refused before a run exists is refused here, except what needs the state of the service:
/// whether the model and the parent exist, and which calls are open.
///
/// # Errors
/// The 400 of the contract, with the parameter at fault.
pub fn parse_create(body: &[u8]) -> Result<(Create, Echo), ApiError> {
    let mut request = CreateFields::default();
    fill_with_body(body, &mut request)?;
    let model = check_required(&request)?;
    check_limits(&request)?;
    check_words(&request)?;
    let (origin, metadata) = read_metadata(request.metadata)?;
    let stream = flag(request.stream, "stream", Given::No)?;
    let obfuscation = read_obfuscation(&request, stream)?;
    let mut pairs = DRAFT.take();
    pairs.clear();
    let (tools, servers) = echo_request(&request, &model, &mut pairs)?;
    let details = Details {
        // The scripts of our own jobs decide what is shown of their reasoning.
        summaries: match origin {
            Some(_) => Summaries::Shown,
            None => read_summaries(request.reasoning)?,
        },
        ..read_details(&request, servers)?
    };
    let cap = request.max_output_tokens;
    let create = Create {
        model,
        origin,
        background: flag(request.background, "background", Given::No)?,
        stream,
        store: flag(request.store, "store", Given::Yes)?,
        previous: optional_text(request.previous_response_id, "previous_response_id")?
            .map(|id| ResponseId(id.into())),
        input: request.input.map(read_input).transpose()?.unwrap_or_default(),
        tools: match tools.is_empty() {
            true => Arc::default(),
            false => tools.into(),
        },
        max_output_tokens: cap
            .map(|raw| integer(raw, format_args!("max_output_tokens"), 16, u32::MAX))
            .transpose()?,
        tier: details.service_tier.clone(),
        request: None,
    };
    if create.input.is_empty() && !has_context(&request) {
        return Err(ApiError::empty_array("input"));
    }
    let echo = Echo::new(&pairs, metadata, obfuscation, details);
    if pairs.capacity() <= DRAFT_MAX {
        DRAFT.set(pairs);
    }
    Ok((create, echo))
}

/// The longest draft whose room is used again.
const DRAFT_MAX: usize = 64 << 10;

/// The longest name of a model that is kept for the next request.
const MODEL_MAX: usize = 256;

thread_local! {
    /// Where what is repeated of a request is written before it is kept.
    static DRAFT: RefCell<String> = RefCell::default();
    /// The model of the last request.
    static MODEL: RefCell<Arc<str>> = RefCell::default();
}

/// The name of a model, kept once for requests that come one after the other and name the same.
fn model_name(raw: &RawValue) -> Result<Arc<str>, ApiError> {
    let name = match serde_json::from_str(raw.get()) {
        Ok(Word(name)) if name.len() <= MODEL_MAX => name,
        _ => return text(raw, format_args!("model")),
    };
    Ok(MODEL.with_borrow_mut(|last| {
        if **last != *name {
            *last = name.into();
        }
        Arc::clone(last)
    }))
}

/// An endpoint that takes a part of a create request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /v1/responses/input_tokens`.
    InputTokens,
    /// `POST /v1/responses/compact`.
    Compact,
}

impl Endpoint {
    const fn takes(self) -> &'static [&'static str] {
        match self {
            Self::InputTokens => &[
                "model",
                "input",
                "instructions",
                "previous_response_id",
                "conversation",
                "tools",
                "tool_choice",
                "parallel_tool_calls",
                "text",
                "reasoning",
                "truncation",
                PERSONALITY,
            ],
            Self::Compact => &[
                "model",
                "input",
                "previous_response_id",
                "instructions",
                "prompt_cache_key",
                "prompt_cache_retention",
                "prompt_cache_options",
                "service_tier",
            ],
        }
    }
}

/// Reads the body of an endpoint that takes a part of a create request.
///
/// # Errors
/// As [`parse_create`]; a field that this endpoint does not take is an unknown one.
pub fn parse_subset(body: &[u8], endpoint: Endpoint) -> Result<(Create, Echo), ApiError> {
    let fields: std::collections::BTreeMap<String, serde::de::IgnoredAny> =
        serde_json::from_slice(body).map_err(ApiError::not_json)?;
    let known = |name: &str| endpoint.takes().contains(&name);
    if let Some(unknown) = fields.keys().find(|name| !known(name)) {
        return Err(ApiError::unknown_parameter(unknown));
    }
    match fields.contains_key(PERSONALITY) {
        true => parse_create(&without_personality(body)?),
        false => parse_create(body),
    }
}

/// A style of the model's own: only counts take it, and nobody decides by it.
const PERSONALITY: &str = "personality";

/// The body of a count without its style, which is checked.
fn without_personality(body: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut fields: std::collections::BTreeMap<String, Box<RawValue>> =
        serde_json::from_slice(body).map_err(ApiError::not_json)?;
    if let Some(raw) = fields.remove(PERSONALITY) {
        short_text(&raw, format_args!("{PERSONALITY}"), 64)?;
    }
    serde_json::to_vec(&fields).map_err(ApiError::not_json)
}

fn read_details(request: &CreateFields<'_>, servers: Vec<ServerRule>) -> Result<Details, ApiError> {
    let tier = optional_text(request.service_tier, "service_tier")?;
    let truncation = optional_text(request.truncation, "truncation")?;
    let mut include = Vec::new();
    if let Some(raw) = request.include {
        for (at, raw) in list(raw, format_args!("include"))?.into_iter().enumerate() {
            include.push(word(raw, format_args!("include[{at}]"), &INCLUDES)?);
        }
    }
    Ok(Details {
        schema: read_schema(request.text)?,
        input: request
            .input
            .filter(|raw| type_name(raw) == "an array")
            .map(|raw| raw.get().into()),
        conversation: request
            .conversation
            .map(|raw| text(conversation_id(raw)?, format_args!("conversation")))
            .transpose()?,
        max_tool_calls: request
            .max_tool_calls
            .map(|raw| integer(raw, format_args!("max_tool_calls"), 0, u32::MAX))
            .transpose()?,
        service_tier: tier.filter(|tier| **tier != *"auto"),
        overflow: match truncation.as_deref() {
            Some("auto") => Overflow::Cut,
            _ => Overflow::Refused,
        },
        top_logprobs: read_top_logprobs(request)?,
        compact_threshold: request
            .context_management
            .map(compact_threshold)
            .transpose()?
            .flatten(),
        include,
        servers,
        summaries: Summaries::Hidden,
    })
}

/// How many likely tokens are to stand beside each token.
fn read_top_logprobs(request: &CreateFields<'_>) -> Result<u8, ApiError> {
    let Some(raw) = request.top_logprobs else {
        return Ok(0);
    };
    let wanted = integer(raw, format_args!("top_logprobs"), 0, 20)?;
    Ok(u8::try_from(wanted).unwrap_or(20))
}

/// Whether a request asks for summaries of reasoning.
fn read_summaries(raw: Option<&RawValue>) -> Result<Summaries, ApiError> {
    let Some(raw) = raw else {
        return Ok(Summaries::Hidden);
    };
    let reasoning: ReasoningFields<'_> = fields(raw, format_args!("reasoning"), Unlisted::Refuse)?;
    Ok(match reasoning.summary.or(reasoning.generate_summary) {
        Some(_) => Summaries::Shown,
        None => Summaries::Hidden,
    })
}

/// What an absent boolean counts as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    No,
    Yes,
}

fn flag(raw: Option<&RawValue>, name: &str, default: Given) -> Result<bool, ApiError> {
    raw.map_or(Ok(default == Given::Yes), |raw| {
        boolean(raw, format_args!("{name}"))
    })
}

pub(super) fn optional_text(raw: Option<&RawValue>, name: &str) -> Result<Option<Arc<str>>, ApiError> {
    raw.map(|raw| text(raw, format_args!("{name}"))).transpose()
}

/// Whether something other than `input` tells the model what to do.
const fn has_context(request: &CreateFields<'_>) -> bool {
    request.previous_response_id.is_some() || request.conversation.is_some() || request.prompt.is_some()
}

/// The model, once it is clear that nothing is missing and no two fields exclude each other.
fn check_required(request: &CreateFields<'_>) -> Result<Arc<str>, ApiError> {
    let model = match request.model {
        Some(raw) => model_name(raw)?,
        None => return Err(ApiError::missing_parameter("model")),
    };
    if request.input.is_none() && !has_context(request) {
        return Err(ApiError::missing_parameter("input"));
    }
    if request.previous_response_id.is_some() && request.conversation.is_some() {
        return Err(ApiError::two_parents());
    }
    Ok(model)
}

fn check_limits(request: &CreateFields<'_>) -> Result<(), ApiError> {
    if let Some(raw) = request.temperature {
        decimal(raw, format_args!("temperature"), 2)?;
    }
    if let Some(raw) = request.top_p {
        decimal(raw, format_args!("top_p"), 1)?;
    }
    if let Some(raw) = request.top_logprobs {
        integer(raw, format_args!("top_logprobs"), 0, 20)?;
    }
    if let Some(raw) = request.max_tool_calls {
        integer(raw, format_args!("max_tool_calls"), 0, u32::MAX)?;
    }
    flag(request.parallel_tool_calls, "parallel_tool_calls", Given::Yes)?;
    optional_text(request.instructions, "instructions")?;
    optional_text(request.user, "user")?;
    for (raw, name) in [
        (request.prompt_cache_key, "prompt_cache_key"),
        (request.safety_identifier, "safety_identifier"),
    ] {
        raw.map(|raw| short_text(raw, format_args!("{name}"), 64))
            .transpose()?;
    }
    for (raw, name) in [
        (request.moderation, "moderation"),
        (request.access_programs, "access_programs"),
        (request.image, "image"),
    ] {
        raw.map(|raw| object(raw, name)).transpose()?;
    }
    check_prompt(request.prompt)?;
    check_cache(request.prompt_cache_options)?;
    check_window(request.background_options)
}

fn object(raw: &RawValue, name: &str) -> Result<(), ApiError> {
    match type_name(raw) {
        "an object" => Ok(()),
        other => Err(ApiError::invalid_type(name, "an object", other)),
    }
}

fn check_words(request: &CreateFields<'_>) -> Result<(), ApiError> {
    for (raw, name, words) in [
        (request.truncation, "truncation", &["auto", "disabled"][..]),
        (request.service_tier, "service_tier", &SERVICE_TIERS),
        (
            request.prompt_cache_retention,
            "prompt_cache_retention",
            &["in_memory", "in-memory", "24h"],
        ),
    ] {
        raw.map(|raw| word(raw, format_args!("{name}"), words))
            .transpose()?;
    }
    match request.tool_choice {
        Some(raw) if type_name(raw) == "an object" => check_choice(raw),
        Some(raw) => word(raw, format_args!("tool_choice"), &CHOICES).map(drop),
        None => Ok(()),
    }
}

/// The origin, and the metadata without it.
fn read_metadata(raw: Option<&RawValue>) -> Result<(Option<Origin>, Metadata), ApiError> {
    let mut pairs = raw.map(metadata).transpose()?.unwrap_or_default();
    let value = |key: &str| {
        pairs
            .iter()
            .find(|(name, _)| &**name == key)
            .map(|(_, value)| &**value)
    };
    let origin = origin_of(ORIGIN_KEYS.map(value));
    if origin.is_some() {
        pairs.retain(|(name, _)| !ORIGIN_KEYS.contains(&&**name));
    }
    Ok((origin, pairs))
}

fn read_obfuscation(request: &CreateFields<'_>, stream: bool) -> Result<Obfuscation, ApiError> {
    let Some(raw) = request.stream_options else {
        return Ok(Obfuscation::Wanted);
    };
    let options: StreamOptionFields<'_> = fields(raw, format_args!("stream_options"), Unlisted::Refuse)?;
    if !stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(ApiError::invalid(None, Some("stream_options"), message));
    }
    let wanted = flag(
        options.include_obfuscation,
        "stream_options.include_obfuscation",
        Given::Yes,
    )?;
    Ok(if wanted {
        Obfuscation::Wanted
    } else {
        Obfuscation::Refused
    })
}

/// Writes what every rendering of the response repeats, and reads the tools on the way.
fn echo_request(
    request: &CreateFields<'_>,
    model: &str,
    out: &mut String,
) -> Result<(Vec<ToolDeclaration>, Vec<ServerRule>), ApiError> {
    out.push_str("\"frequency_penalty\":0.0,\"presence_penalty\":0.0");
    write_model(model, out);
    pair(out, key!("instructions"), request.instructions, "null");
    pair(out, key!("max_output_tokens"), request.max_output_tokens, "null");
    pair(out, key!("max_tool_calls"), request.max_tool_calls, "null");
    pair(
        out,
        key!("parallel_tool_calls"),
        request.parallel_tool_calls,
        "true",
    );
    pair(
        out,
        key!("previous_response_id"),
        request.previous_response_id,
        "null",
    );
    pair(out, key!("prompt_cache_key"), request.prompt_cache_key, "null");
    pair(
        out,
        key!("prompt_cache_retention"),
        request.prompt_cache_retention,
        "null",
    );
    pair(out, key!("safety_identifier"), request.safety_identifier, "null");
    pair(out, key!("store"), request.store, "true");
    pair(out, key!("temperature"), request.temperature, "1.0");
    pair(out, key!("tool_choice"), request.tool_choice, "\"auto\"");
    pair(out, key!("top_logprobs"), request.top_logprobs, "0");
    pair(out, key!("top_p"), request.top_p, "1.0");
    pair(out, key!("truncation"), request.truncation, "\"disabled\"");
    pair(out, key!("user"), request.user, "null");
    echo_reasoning(request.reasoning, out)?;
    echo_text(request.text, out)?;
    if let Some(raw) = request.conversation {
        echo_conversation(raw, out)?;
    }
    out.push_str(",\"tools\":");
    match request.tools {
        Some(raw) => read_tools(raw, out),
        None => {
            out.push_str("[]");
            Ok((Vec::new(), Vec::new()))
        }
    }
}

/// The dated snapshot that stands behind a model's name.
fn write_model(model: &str, out: &mut String) {
    let dated = model.len() > 11 && {
        let date = &model.as_bytes()[model.len() - 11..];
        date.iter().enumerate().all(|(at, byte)| match at {
            0 | 5 | 8 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    };
    let snapshot = match model {
        _ if dated => "",
        "gpt-4o" => "-2024-08-06",
        _ => "-2025-08-07",
    };
    out.push_str(",\"model\":\"");
    match is_plain(model.as_bytes()) {
        true => out.push_str(model),
        false => {
            let name = json_text(model);
            out.push_str(&name[1..name.len() - 1]);
        }
    }
    out.push_str(snapshot);
    out.push('"');
}

fn echo_reasoning(raw: Option<&RawValue>, out: &mut String) -> Result<(), ApiError> {
    let reasoning: ReasoningFields<'_> = match raw {
        Some(raw) => fields(raw, format_args!("reasoning"), Unlisted::Refuse)?,
        None => ReasoningFields::default(),
    };
    for (raw, name, words) in [
        (reasoning.effort, "effort", &EFFORTS[..]),
        (reasoning.summary, "summary", &SUMMARIES),
        (reasoning.generate_summary, "generate_summary", &SUMMARIES),
        (
            reasoning.context,
            "context",
            &["auto", "current_turn", "all_turns"],
        ),
        (reasoning.mode, "mode", &["standard", "pro"]),
    ] {
        raw.map(|raw| word(raw, format_args!("reasoning.{name}"), words))
            .transpose()?;
    }
    out.push_str(",\"reasoning\":{\"generate_summary\":null");
    pair(out, key!("effort"), reasoning.effort, "\"medium\"");
    pair(
        out,
        key!("summary"),
        reasoning.summary.or(reasoning.generate_summary),
        "null",
    );
    out.push('}');
    Ok(())
}

/// A choice of one tool, or of some.
fn check_choice(raw: &RawValue) -> Result<(), ApiError> {
    let choice: ChoiceFields<'_> = fields(raw, format_args!("tool_choice"), Unlisted::Pass)?;
    let missing = |name: &str| ApiError::missing_parameter(&format!("tool_choice.{name}"));
    let kind = choice.kind.ok_or_else(|| missing("type"))?;
    let kind = word(kind, format_args!("tool_choice.type"), &CHOSEN)?;
    let (needed, name) = match &*kind {
        "function" | "custom" => (choice.name, "name"),
        "mcp" => (choice.server_label, "server_label"),
        "allowed_tools" => (choice.tools.and(choice.mode), "tools"),
        _ => return Ok(()),
    };
    needed.map(drop).ok_or_else(|| missing(name))
}

/// A conversation is named by its id, bare or in an object.
fn conversation_id(raw: &RawValue) -> Result<&RawValue, ApiError> {
    if type_name(raw) == "a string" {
        return Ok(raw);
    }
    let named: ConversationFields<'_> = fields(raw, format_args!("conversation"), Unlisted::Pass)?;
    named
        .id
        .ok_or_else(|| ApiError::missing_parameter("conversation.id"))
}

/// The echo of a conversation has the object.
fn echo_conversation(raw: &RawValue, out: &mut String) -> Result<(), ApiError> {
    let id = conversation_id(raw)?;
    text(id, format_args!("conversation"))?;
    out.push_str(",\"conversation\":{\"id\":");
    out.push_str(id.get());
    out.push('}');
    Ok(())
}

field_set! {
    /// Every field of a create request.
    CreateFields {
        model = "model",
        input = "input",
        instructions = "instructions",
        background = "background",
        background_options = "background_options",
        store = "store",
        stream = "stream",
        stream_options = "stream_options",
        metadata = "metadata",
        max_output_tokens = "max_output_tokens",
        max_tool_calls = "max_tool_calls",
        parallel_tool_calls = "parallel_tool_calls",
        previous_response_id = "previous_response_id",
        conversation = "conversation",
        tools = "tools",
        tool_choice = "tool_choice",
        text = "text",
        reasoning = "reasoning",
        include = "include",
        temperature = "temperature",
        top_p = "top_p",
        top_logprobs = "top_logprobs",
        truncation = "truncation",
        service_tier = "service_tier",
        prompt = "prompt",
        prompt_cache_key = "prompt_cache_key",
        prompt_cache_retention = "prompt_cache_retention",
        prompt_cache_options = "prompt_cache_options",
        safety_identifier = "safety_identifier",
        user = "user",
        context_management = "context_management",
        moderation = "moderation",
        access_programs = "access_programs",
        image = "image",
    }
}

field_set! {
    /// The fields of `reasoning`.
    ReasoningFields {
        effort = "effort",
        summary = "summary",
        context = "context",
        mode = "mode",
        generate_summary = "generate_summary",
    }
}

field_set! {
    /// The fields of `stream_options`.
    StreamOptionFields {
        include_obfuscation = "include_obfuscation",
    }
}

field_set! {
    /// The fields of a `conversation` in full form.
    ConversationFields {
        id = "id",
    }
}

field_set! {
    /// The fields of a `tool_choice` in full form.
    ChoiceFields {
        kind = "type",
        name = "name",
        server_label = "server_label",
        mode = "mode",
        tools = "tools",
    }
}

/// Types of a `tool_choice` in full form.
const CHOSEN: [&str; 14] = [
    "function",
    "custom",
    "mcp",
    "allowed_tools",
    "file_search",
    "web_search",
    "web_search_preview",
    "computer",
    "computer_use_preview",
    "image_generation",
    "code_interpreter",
    "shell",
    "apply_patch",
    "programmatic_tool_calling",
];

const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const SUMMARIES: [&str; 3] = ["auto", "concise", "detailed"];
/// The service tiers that a create may name.
pub const SERVICE_TIERS: [&str; 7] = [
    "auto",
    "default",
    "flex",
    "scale",
    "priority",
    "fast",
    "ultrafast",
];
const CHOICES: [&str; 3] = ["none", "auto", "required"];
/// What a response can be asked to show beside its usual fields.
pub(super) const INCLUDES: [&str; 8] = [
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    LOGPROBS,
];
