//! Steps with a tool and everything that its item shows.
//!
//! | key | value |
//! |---|---|
//! | `custom` | `{ name, input }` |
//! | `web_search` | `{ query, sources }` |
//! | `web_page` | `{ url, find }`: a page is opened, or searched |
//! | `tool_search` | `{ arguments, tools, by }`, the functions found by the service; `by: client` lets the client look |
//! | `file_search` | `{ queries, results }` |
//! | `code_interpreter` | `{ code, logs, images }`, images by their addresses |
//! | `image_generation` | `{ prompt, image, partial_images }`, the image in base64 |
//! | `computer` | `{ action, checks }`, or `actions`, a list |
//! | `mcp_list_tools` | `{ server, tools }` |
//! | `mcp_call` | `{ server, tool, arguments, output, error }`, behind an approval where the request demands one; with `ends: failed` the output is the reason, and `error` its kind: `http_error`, `mcp_protocol_error` or `mcp_tool_execution_error` |
//! | `local_shell` | `{ command }` |
//! | `shell` | `{ commands, output, stderr, exit }`; with one of the last three the service runs them itself, and `exit` is a code or `timeout` |
//! | `apply_patch` | `{ operation, path, diff }`: `create_file`, `update_file` or `delete_file` |
//!
//! Beside it stand `takes`, a law (`500ms`), and `ends`: `completed`, `failed` or `incomplete`. A turn ends behind the
//! tools that the client runs: `custom`, `computer`, `local_shell`, `apply_patch`, a `shell` without output, and a
//! `tool_search` by the client.

use std::sync::Arc;

use super::defaults;
use super::value::{arguments, law, named, text};
use crate::backend::{
    ComputerActs, McpError, PatchOperation, SearchedBy, ShellEnd, ShellPrinted, Step, StepWork, Tool,
    ToolEnd, ToolStep,
};
use crate::scenario::decode::{MapReader, integer, list, map, non_empty};
use crate::scenario::{Diagnostics, Node};

const TOOLS: [&str; 13] = [
    "custom",
    "web_search",
    "web_page",
    "tool_search",
    "file_search",
    "code_interpreter",
    "image_generation",
    "computer",
    "mcp_list_tools",
    "mcp_call",
    "local_shell",
    "shell",
    "apply_patch",
];

/// Reads a step with a tool.
pub(super) fn tool(node: &Node, out: &mut Diagnostics) -> Option<Step> {
    let mut keys = map(node, out)?;
    let used = keys.one_of(&TOOLS);
    let takes = keys.or("takes", defaults::CALL_TAKES, law);
    let ends = keys.or(
        "ends",
        ToolEnd::Completed,
        named("end", &ToolEnd::ALL, ToolEnd::word),
    );
    let made = used.and_then(|(name, node)| {
        let mut keys = map(node, keys.out())?;
        let made = fields(name, &mut keys);
        keys.finish();
        made
    });
    keys.finish();
    let (tool, takes, ends) = (made?, takes?, ends?);
    let work = StepWork::Tool(Arc::new(ToolStep { tool, ends }));
    Some(Step { work, takes })
}

fn fields(name: &str, keys: &mut MapReader<'_, '_>) -> Option<Tool> {
    let empty = || Arc::<str>::from("");
    match name {
        "custom" => {
            let (name, input) = (keys.required("name", text), keys.or("input", empty(), text));
            Some(Tool::Custom {
                name: name?,
                input: input?,
            })
        }
        "web_search" => {
            let (query, sources) = (keys.required("query", text), words(keys, "sources"));
            Some(Tool::WebSearch {
                query: query?,
                sources: sources?,
            })
        }
        "web_page" => {
            let (url, pattern) = (keys.required("url", text), keys.optional("find", text));
            Some(Tool::WebPage {
                url: url?,
                pattern: pattern?,
            })
        }
        "tool_search" => {
            let arguments = keys.or("arguments", Arc::from("{}"), arguments);
            let tools = words(keys, "tools");
            let by = named("searcher", &SearchedBy::ALL, SearchedBy::word);
            let by = keys.or("by", SearchedBy::Service, by);
            Some(Tool::ToolSearch {
                arguments: arguments?,
                tools: tools?,
                by: by?,
            })
        }
        "file_search" => {
            let (queries, results) = (words(keys, "queries"), words(keys, "results"));
            Some(Tool::FileSearch {
                queries: queries?,
                results: results?,
            })
        }
        "code_interpreter" => {
            let (code, logs) = (keys.required("code", text), keys.or("logs", empty(), text));
            let images = words(keys, "images");
            Some(Tool::CodeInterpreter {
                code: code?,
                logs: logs?,
                images: images?,
            })
        }
        "image_generation" => {
            let prompt = keys.or("prompt", empty(), text);
            let image = keys.required("image", text);
            let partial_images = keys.or("partial_images", 0, integer(0..=3));
            Some(Tool::ImageGeneration {
                prompt: prompt?,
                image: image?,
                partial_images: partial_images?,
            })
        }
        "computer" => {
            let used = keys.one_of(&["action", "actions"]);
            let acts = used.and_then(|(key, node)| acts(key, node, keys.out()));
            let checks = words(keys, "checks");
            Some(Tool::Computer {
                acts: acts?,
                checks: checks?,
            })
        }
        "mcp_list_tools" => {
            let (server_label, tools) = (keys.required("server", text), words(keys, "tools"));
            Some(Tool::McpListTools {
                server_label: server_label?,
                tools: tools?,
            })
        }
        "mcp_call" => {
            let (server_label, name) = (keys.required("server", text), keys.required("tool", text));
            let arguments = keys.or("arguments", Arc::from("{}"), arguments);
            let output = keys.or("output", empty(), text);
            let error = named("failure", &McpError::ALL, McpError::word);
            let error = keys.or("error", McpError::Http, error);
            Some(Tool::McpCall {
                server_label: server_label?,
                name: name?,
                arguments: arguments?,
                output: output?,
                error: error?,
            })
        }
        "local_shell" => words(keys, "command").map(|command| Tool::LocalShell { command }),
        "shell" => {
            let (commands, output) = (words(keys, "commands"), printed(keys));
            Some(Tool::Shell {
                commands: commands?,
                output: output?,
            })
        }
        _ => {
            let operation = named("operation", &PatchOperation::ALL, PatchOperation::word);
            let operation = keys.required("operation", operation);
            let (path, diff) = (keys.required("path", text), keys.or("diff", empty(), text));
            Some(Tool::ApplyPatch {
                operation: operation?,
                path: path?,
                diff: diff?,
            })
        }
    }
}

/// What the client's computer is to do.
fn acts(key: &str, node: &Node, out: &mut Diagnostics) -> Option<ComputerActs> {
    match key {
        "action" => arguments(node, out).map(ComputerActs::One),
        _ => non_empty(arguments)(node, out).map(|acts| ComputerActs::Several(acts.into())),
    }
}

/// What a shell of the service prints; nothing is said of one that the client runs.
fn printed(keys: &mut MapReader<'_, '_>) -> Option<Option<ShellPrinted>> {
    let (stdout, stderr) = (keys.optional("output", text), keys.optional("stderr", text));
    let end = keys.optional("exit", shell_end);
    let (stdout, stderr, end) = (stdout?, stderr?, end?);
    if stdout.is_none() && stderr.is_none() && end.is_none() {
        return Some(None);
    }
    Some(Some(ShellPrinted {
        stdout: stdout.unwrap_or_else(|| "".into()),
        stderr: stderr.unwrap_or_else(|| "".into()),
        end: end.unwrap_or(ShellEnd::Exit(0)),
    }))
}

fn shell_end(node: &Node, out: &mut Diagnostics) -> Option<ShellEnd> {
    match node.text() {
        Some("timeout") => Some(ShellEnd::Timeout),
        _ => integer(0..=255)(node, out).map(ShellEnd::Exit),
    }
}

/// A list of texts, empty if it is left out.
fn words(keys: &mut MapReader<'_, '_>, key: &'static str) -> Option<Arc<[Arc<str>]>> {
    keys.or(key, Vec::new(), list(text)).map(Arc::from)
}
