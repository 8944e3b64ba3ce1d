//! The tools of a create request.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::json_out::key;
use super::request_field::{
    FieldSet, Unlisted, boolean, compact, field_set, fields, integer, list, text, tool_name, type_name, word,
};
use super::request_input::pair;
use super::{ApiError, ApprovalRule, ServerRule, ToolDeclaration};

/// Tools that a request may offer.
const TOOLS: [&str; 18] = [
    "function",
    "mcp",
    "file_search",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "code_interpreter",
    "image_generation",
    "computer",
    "computer_use_preview",
    "local_shell",
    "shell",
    "apply_patch",
    "custom",
    "tool_search",
    "namespace",
    "programmatic_tool_calling",
];

field_set! {
    /// The fields of a tool that matter here or are repeated in the reply.
    ToolFields {
        kind = "type",
        name = "name",
        description = "description",
        parameters = "parameters",
        strict = "strict",
        server_label = "server_label",
        server_url = "server_url",
        connector_id = "connector_id",
        tunnel_id = "tunnel_id",
        server_description = "server_description",
        allowed_tools = "allowed_tools",
        require_approval = "require_approval",
        vector_store_ids = "vector_store_ids",
        max_num_results = "max_num_results",
        ranking_options = "ranking_options",
        filters = "filters",
        search_context_size = "search_context_size",
        user_location = "user_location",
        container = "container",
        partial_images = "partial_images",
        environment = "environment",
        display_width = "display_width",
        display_height = "display_height",
        format = "format",
    }
}

field_set! {
    /// The fields of a `require_approval` in full form.
    RuleFields {
        always = "always",
        never = "never",
    }
}

field_set! {
    /// The fields of a list of tools in full form.
    NameFields {
        tool_names = "tool_names",
    }
}

/// Reads `tools` and writes their echo, with defaults filled in and secrets left out.
pub(super) fn read_tools(
    raw: &RawValue,
    echo: &mut String,
) -> Result<(Vec<ToolDeclaration>, Vec<ServerRule>), ApiError> {
    echo.push('[');
    let (mut tools, mut servers) = (Vec::new(), Vec::new());
    for (at, raw) in list(raw, format_args!("tools"))?.into_iter().enumerate() {
        if at > 0 {
            echo.push(',');
        }
        tools.push(read_tool(raw, at, echo, &mut servers)?);
    }
    echo.push(']');
    Ok((tools, servers))
}

fn read_tool(
    raw: &RawValue,
    at: usize,
    echo: &mut String,
    servers: &mut Vec<ServerRule>,
) -> Result<ToolDeclaration, ApiError> {
    let tool: ToolFields<'_> = fields(raw, format_args!("tools[{at}]"), Unlisted::Pass)?;
    let kind = tool
        .kind
        .ok_or_else(|| ApiError::missing_parameter(&format!("tools[{at}].type")))?;
    let kind = word(kind, format_args!("tools[{at}].type"), &TOOLS)?;
    match &*kind {
        "function" => read_function(&tool, at, echo),
        "mcp" => {
            let (tool, rule) = read_server(&tool, at, echo)?;
            servers.push(rule);
            Ok(tool)
        }
        _ => {
            check_hosted(&kind, &tool, at)?;
            echo_hosted(&kind, raw, &tool, echo);
            Ok(ToolDeclaration::Hosted { tool: kind })
        }
    }
}

fn read_function(tool: &ToolFields<'_>, at: usize, echo: &mut String) -> Result<ToolDeclaration, ApiError> {
    let raw = tool
        .name
        .ok_or_else(|| ApiError::missing_parameter(&format!("tools[{at}].name")))?;
    let name = tool_name(raw, format_args!("tools[{at}].name"), 128)?;
    if let Some(strict) = tool.strict {
        boolean(strict, format_args!("tools[{at}].strict"))?;
    }
    echo.push_str("{\"type\":\"function\"");
    pair(echo, key!("description"), tool.description, "null");
    pair(echo, key!("name"), Some(raw), "null");
    pair(echo, key!("parameters"), tool.parameters, "null");
    pair(echo, key!("strict"), tool.strict, "true");
    echo.push('}');
    Ok(ToolDeclaration::Function { name })
}

fn read_server(
    tool: &ToolFields<'_>,
    at: usize,
    echo: &mut String,
) -> Result<(ToolDeclaration, ServerRule), ApiError> {
    let missing = |name: &str| ApiError::missing_parameter(&format!("tools[{at}].{name}"));
    let raw = tool.server_label.ok_or_else(|| missing("server_label"))?;
    let server_label = text(raw, format_args!("tools[{at}].server_label"))?;
    tool.server_url
        .or(tool.connector_id)
        .or(tool.tunnel_id)
        .ok_or_else(|| missing("server_url"))?;
    let rule = ServerRule {
        server_label: server_label.clone(),
        approval: approval_rule(tool.require_approval, at)?,
        allowed: tool
            .allowed_tools
            .map(|raw| tool_names(raw, format_args!("tools[{at}].allowed_tools")))
            .transpose()?,
    };
    echo.push_str("{\"type\":\"mcp\"");
    pair(echo, key!("allowed_tools"), tool.allowed_tools, "null");
    echo.push_str(",\"headers\":null");
    pair(
        echo,
        key!("require_approval"),
        tool.require_approval,
        "\"always\"",
    );
    pair(echo, key!("server_label"), Some(raw), "null");
    for (key, value) in [
        (key!("server_description"), tool.server_description),
        (key!("server_url"), tool.server_url),
        (key!("connector_id"), tool.connector_id),
        (key!("tunnel_id"), tool.tunnel_id),
    ] {
        if value.is_some() {
            pair(echo, key, value, "null");
        }
    }
    echo.push('}');
    Ok((ToolDeclaration::Mcp { server_label }, rule))
}

/// Which tools of a server have to be approved.
fn approval_rule(raw: Option<&RawValue>, at: usize) -> Result<ApprovalRule, ApiError> {
    let Some(raw) = raw else {
        return Ok(ApprovalRule::Always);
    };
    let path = format!("tools[{at}].require_approval");
    if type_name(raw) == "a string" {
        let word = word(raw, format_args!("{path}"), &["always", "never"])?;
        return Ok(match &*word {
            "never" => ApprovalRule::Never,
            _ => ApprovalRule::Always,
        });
    }
    let rule: RuleFields<'_> = fields(raw, format_args!("{path}"), Unlisted::Refuse)?;
    match (rule.never, rule.always) {
        (Some(never), _) => tool_names(never, format_args!("{path}.never")).map(ApprovalRule::Except),
        (None, Some(always)) => tool_names(always, format_args!("{path}.always")).map(ApprovalRule::Only),
        (None, None) => Ok(ApprovalRule::Always),
    }
}

/// Names of tools: a list, or an object with one.
fn tool_names(raw: &RawValue, path: std::fmt::Arguments<'_>) -> Result<Vec<Arc<str>>, ApiError> {
    let names = match type_name(raw) {
        "an array" => Some(raw),
        _ => fields::<NameFields<'_>>(raw, path, Unlisted::Pass)?.tool_names,
    };
    let Some(names) = names else {
        return Ok(Vec::new());
    };
    list(names, path)?
        .into_iter()
        .map(|name| text(name, path))
        .collect()
}

/// Checks what a tool that the service runs, or a client without a declared form, cannot do without.
fn check_hosted(kind: &str, tool: &ToolFields<'_>, at: usize) -> Result<(), ApiError> {
    let needed = |value: Option<&RawValue>, name: &str| {
        value
            .map(drop)
            .ok_or_else(|| ApiError::missing_parameter(&format!("tools[{at}].{name}")))
    };
    let between = |raw: Option<&RawValue>, name: &str, min, max| {
        raw.map(|raw| integer(raw, format_args!("tools[{at}].{name}"), min, max))
            .transpose()
            .map(drop)
    };
    match kind {
        "custom" => needed(tool.name, "name"),
        "file_search" => {
            needed(tool.vector_store_ids, "vector_store_ids")?;
            between(tool.max_num_results, "max_num_results", 1, 50)
        }
        "code_interpreter" => needed(tool.container, "container"),
        "image_generation" => between(tool.partial_images, "partial_images", 0, 3),
        "computer_use_preview" => {
            needed(tool.environment, "environment")?;
            needed(tool.display_width, "display_width")?;
            needed(tool.display_height, "display_height")
        }
        _ => {
            if let Some(raw) = tool.search_context_size {
                let path = format_args!("tools[{at}].search_context_size");
                word(raw, path, &["low", "medium", "high"])?;
            }
            Ok(())
        }
    }
}

/// The echo of a hosted tool: as it came, with the defaults of its kind behind it.
fn echo_hosted(kind: &str, raw: &RawValue, tool: &ToolFields<'_>, echo: &mut String) {
    compact(raw, echo);
    let defaults: &[(&str, Option<&RawValue>, &str)] = match kind {
        "web_search" | "web_search_2025_08_26" => &[
            ("filters", tool.filters, "null"),
            ("search_context_size", tool.search_context_size, "\"medium\""),
            ("user_location", tool.user_location, "null"),
        ],
        "web_search_preview" | "web_search_preview_2025_03_11" => &[
            ("search_context_size", tool.search_context_size, "\"medium\""),
            ("user_location", tool.user_location, "null"),
        ],
        "file_search" => &[
            ("filters", tool.filters, "null"),
            ("max_num_results", tool.max_num_results, "20"),
            (
                "ranking_options",
                tool.ranking_options,
                "{\"ranker\":\"auto\",\"score_threshold\":0.0}",
            ),
        ],
        "custom" => &[("format", tool.format, "{\"type\":\"text\"}")],
        _ => &[],
    };
    for (name, _, default) in defaults.iter().filter(|(_, given, _)| given.is_none()) {
        // A field that came as `null` stands there already.
        if !raw.get().contains(&format!("\"{name}\"")) {
            echo.pop();
            pair(echo, &format!(",\"{name}\":"), None, default);
            echo.push('}');
        }
    }
}
