//! Tools that a script runs or asks for, with everything that their items and events show.

use std::sync::Arc;

use serde_json::{Value, json};

use super::item::Draft;
use super::words::encrypted;
use crate::wire::{Details, Event, Item, ItemStatus, Shown};

/// A step with a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolStep {
    /// The tool and what it does.
    pub tool: Tool,
    /// How its item ends.
    pub ends: ToolEnd,
}

/// How the item of a tool ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ToolEnd {
    /// Whole.
    #[default]
    Completed,
    /// Failed: the response goes on.
    Failed,
    /// Cut off.
    Incomplete,
}

/// A tool and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// A custom tool of the client, with free text as input.
    Custom {
        /// Its name.
        name: Arc<str>,
        /// What it is given.
        input: Arc<str>,
    },
    /// A search on the web.
    WebSearch {
        /// What is looked for.
        query: Arc<str>,
        /// The pages found; shown only if the request includes them.
        sources: Arc<[Arc<str>]>,
    },
    /// A page that a search on the web found is opened, or searched.
    WebPage {
        /// Its address.
        url: Arc<str>,
        /// What is looked for in it; nothing: it is only opened.
        pattern: Option<Arc<str>>,
    },
    /// A search among tools that wait to be loaded.
    ToolSearch {
        /// What is looked for, as JSON.
        arguments: Arc<str>,
        /// The functions found.
        tools: Arc<[Arc<str>]>,
    },
    /// What the search among tools found just before.
    ToolSearchOutput {
        /// The functions found.
        tools: Arc<[Arc<str>]>,
    },
    /// A search in files.
    FileSearch {
        /// What is looked for.
        queries: Arc<[Arc<str>]>,
        /// The passages found; shown only if the request includes them.
        results: Arc<[Arc<str>]>,
    },
    /// Code that the service runs.
    CodeInterpreter {
        /// The code.
        code: Arc<str>,
        /// What it printed; shown only if the request includes it.
        logs: Arc<str>,
    },
    /// An image that the service makes.
    ImageGeneration {
        /// What it shows, in the words of the model.
        prompt: Arc<str>,
        /// The image, in base64.
        image: Arc<str>,
        /// How many unfinished images come before.
        partial_images: u8,
    },
    /// An act on the client's computer.
    Computer {
        /// The act, as JSON.
        action: Arc<str>,
        /// Codes of checks that somebody has to acknowledge.
        checks: Arc<[Arc<str>]>,
    },
    /// The tools of an MCP server are listed.
    McpListTools {
        /// The server.
        server_label: Arc<str>,
        /// Its tools.
        tools: Arc<[Arc<str>]>,
    },
    /// A tool of an MCP server is called, behind an approval where the request demands one.
    McpCall {
        /// The server.
        server_label: Arc<str>,
        /// Its tool.
        name: Arc<str>,
        /// JSON text.
        arguments: Arc<str>,
        /// What it answers.
        output: Arc<str>,
    },
    /// A command on the client's machine.
    LocalShell {
        /// The command and its arguments.
        command: Arc<[Arc<str>]>,
    },
    /// Commands in a shell.
    Shell {
        /// The commands.
        commands: Arc<[Arc<str>]>,
        /// What they print, where the service runs them; otherwise the client does.
        output: Option<Arc<str>>,
    },
    /// The output of the shell that the service ran just before.
    ShellOutput {
        /// What was printed.
        output: Arc<str>,
    },
    /// What went before is packed into one opaque item.
    Compaction,
    /// A change of a file of the client.
    ApplyPatch {
        /// What happens to the file.
        operation: PatchOperation,
        /// The file.
        path: Arc<str>,
        /// The change; a deletion has none.
        diff: Arc<str>,
    },
}

/// What a patch does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchOperation {
    /// Makes it.
    Create,
    /// Changes it.
    Update,
    /// Removes it.
    Delete,
}

impl PatchOperation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create_file",
            Self::Update => "update_file",
            Self::Delete => "delete_file",
        }
    }
}

impl ToolEnd {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Completed, Self::Failed, Self::Incomplete];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
        }
    }

    const fn status(self) -> ItemStatus {
        match self {
            Self::Completed => ItemStatus::Completed,
            Self::Failed => ItemStatus::Failed,
            Self::Incomplete => ItemStatus::Incomplete,
        }
    }
}

/// Whether an item is beginning or has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Begun,
    Ended,
}

impl Tool {
    /// What the service itself puts out behind it, if anything.
    pub(super) fn followed_by(&self) -> Option<Self> {
        match self {
            Self::Shell { output, .. } => output.clone().map(|output| Self::ShellOutput { output }),
            Self::ToolSearch { tools, .. } => Some(Self::ToolSearchOutput { tools: tools.clone() }),
            _ => None,
        }
    }

    /// The item's type on the wire, and how its id begins.
    pub(super) const fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Custom { .. } => ("custom_tool_call", "ctc_"),
            Self::WebSearch { .. } | Self::WebPage { .. } => ("web_search_call", "ws_"),
            Self::ToolSearch { .. } => ("tool_search_call", "tsc_"),
            Self::ToolSearchOutput { .. } => ("tool_search_output", "tso_"),
            Self::FileSearch { .. } => ("file_search_call", "fs_"),
            Self::CodeInterpreter { .. } => ("code_interpreter_call", "ci_"),
            Self::ImageGeneration { .. } => ("image_generation_call", "ig_"),
            Self::Computer { .. } => ("computer_call", "cu_"),
            Self::McpListTools { .. } => ("mcp_list_tools", "mcpl_"),
            Self::McpCall { .. } => ("mcp_call", "mcp_"),
            Self::LocalShell { .. } => ("local_shell_call", "lsh_"),
            Self::Shell { .. } => ("shell_call", "sh_"),
            Self::ShellOutput { .. } => ("shell_call_output", "sho_"),
            Self::Compaction => ("compaction", "cmp_"),
            Self::ApplyPatch { .. } => ("apply_patch_call", "apc_"),
        }
    }

    /// Whether the client has to answer it.
    pub(super) const fn asks_client(&self) -> bool {
        match self {
            Self::Custom { .. }
            | Self::Computer { .. }
            | Self::LocalShell { .. }
            | Self::ApplyPatch { .. } => true,
            Self::Shell { output, .. } => output.is_none(),
            _ => false,
        }
    }

    /// Whether it counts against `max_tool_calls`.
    pub(super) const fn is_built_in(&self) -> bool {
        matches!(
            self,
            Self::WebSearch { .. }
                | Self::WebPage { .. }
                | Self::FileSearch { .. }
                | Self::CodeInterpreter { .. }
                | Self::ImageGeneration { .. }
                | Self::McpCall { .. }
        )
    }

    /// The texts that the model writes for it.
    pub(super) fn written(&self) -> usize {
        match self {
            Self::Custom { name, input } => name.len() + input.len(),
            Self::CodeInterpreter { code, .. } => code.len(),
            Self::ImageGeneration { prompt, .. } => prompt.len(),
            Self::Computer { action, .. } => action.len(),
            Self::McpCall { name, arguments, .. } => name.len() + arguments.len(),
            Self::LocalShell { command } => command.iter().map(|word| word.len()).sum(),
            Self::Shell { commands, .. } => commands.iter().map(|command| command.len()).sum(),
            Self::ApplyPatch { path, diff, .. } => path.len() + diff.len(),
            Self::WebSearch { query, .. } => query.len(),
            Self::FileSearch { queries, .. } => queries.iter().map(|query| query.len()).sum(),
            Self::WebPage { url, pattern } => url.len() + pattern.as_ref().map_or(0, |pattern| pattern.len()),
            Self::ToolSearch { arguments, .. } => arguments.len(),
            Self::McpListTools { .. }
            | Self::ShellOutput { .. }
            | Self::ToolSearchOutput { .. }
            | Self::Compaction => 0,
        }
    }

    /// What the item shows beside its id and type.
    fn fields(&self, draft: &Draft, moment: Moment, end: ToolEnd, details: Option<&Details>) -> Value {
        let begun = moment == Moment::Begun;
        let word = if begun { "in_progress" } else { end.word() };
        let whole = |value: Value, empty: Value| if begun { empty } else { value };
        let included = |what: &str, value: Value| {
            let asked = details.is_some_and(|details| details.includes(what));
            if asked && !begun { value } else { Value::Null }
        };
        let call_id = super::item::call_id(&draft.id);
        match self {
            Self::Custom { name, input } => json!({"status": word, "call_id": &*call_id, "name": &**name,
                "input": whole((&**input).into(), "".into())}),
            Self::WebSearch { .. } | Self::WebPage { .. } if begun => json!({"status": word}),
            Self::WebPage { url, pattern } => {
                let action = match pattern {
                    None => json!({"type": "open_page", "url": &**url}),
                    Some(pattern) => json!({"type": "find_in_page", "url": &**url, "pattern": &**pattern}),
                };
                json!({"status": word, "action": action})
            }
            Self::ToolSearch { arguments, .. } => json!({"status": word, "call_id": &*call_id,
                "execution": "server",
                "arguments": whole(serde_json::from_str(arguments).unwrap_or_default(), json!({}))}),
            Self::ToolSearchOutput { tools } => {
                let tool = |name: &Arc<str>| {
                    json!({"type": "function", "name": &**name, "description": null,
                    "parameters": {"type": "object", "properties": {}}, "strict": true})
                };
                let found: Value = tools.iter().map(tool).collect();
                json!({"status": word, "execution": "server", "tools": whole(found, json!([])),
                    "call_id": &*super::item::call_id(draft.after.as_deref().unwrap_or_default())})
            }
            Self::WebSearch { query, sources } => {
                let mut action = json!({"type": "search", "query": &**query, "queries": [&**query]});
                if details.is_some_and(|details| details.includes("web_search_call.action.sources")) {
                    let page = |url: &Arc<str>| json!({"type": "url", "url": &**url});
                    action["sources"] = sources.iter().map(page).collect();
                }
                json!({"status": word, "action": action})
            }
            Self::FileSearch { queries, results } => {
                let passage = |(text, place): (&Arc<str>, usize)| {
                    json!({"file_id": format!("file_{place}"), "filename": format!("{place}.txt"), "score": 0.9,
                        "text": &**text, "attributes": {}})
                };
                let found: Value = results.iter().zip(1..).map(passage).collect();
                json!({"status": word, "queries": whole(texts(queries), json!([])),
                    "results": included("file_search_call.results", found)})
            }
            Self::CodeInterpreter { code, logs } => {
                let printed = json!([{"type": "logs", "logs": &**logs}]);
                let outputs = included("code_interpreter_call.outputs", printed);
                json!({"status": word, "container_id": "cntr_1", "code": whole((&**code).into(), "".into()),
                    "outputs": whole(outputs, json!([]))})
            }
            Self::ImageGeneration { .. } if begun || end != ToolEnd::Completed => {
                json!({"status": word, "result": null})
            }
            Self::ImageGeneration { prompt, image, .. } => json!({"status": word, "result": &**image,
                "revised_prompt": &**prompt, "size": "1024x1024", "quality": "auto", "background": "auto",
                "output_format": "png"}),
            Self::Computer { action, checks } => {
                let check = |(code, place): (&Arc<str>, usize)| json!({"id": format!("cu_sc_{place}"), "code": &**code, "message": &**code});
                let checks: Value = checks.iter().zip(1..).map(check).collect();
                json!({"status": word, "call_id": &*call_id,
                    "action": serde_json::from_str::<Value>(action).unwrap_or_default(),
                    "pending_safety_checks": checks})
            }
            Self::McpListTools { server_label, tools } => {
                let tool = |name: &Arc<str>| {
                    json!({"name": &**name, "description": null, "input_schema": {"type": "object"},
                        "annotations": null})
                };
                let listed: Value = tools.iter().map(tool).collect();
                let failed = end == ToolEnd::Failed && !begun;
                let error = if failed {
                    "the server cannot be reached".into()
                } else {
                    Value::Null
                };
                let listed = if failed {
                    json!([])
                } else {
                    whole(listed, json!([]))
                };
                json!({"server_label": &**server_label, "tools": listed, "error": error})
            }
            Self::McpCall { .. } => Value::Null,
            Self::LocalShell { command } => {
                json!({"status": word, "call_id": &*call_id, "action": {"type": "exec",
                "command": whole(texts(command), json!([])), "env": {}, "timeout_ms": null,
                "working_directory": null, "user": null}})
            }
            Self::Shell { commands, output } => json!({"status": word, "call_id": &*call_id,
                "action": {"commands": whole(texts(commands), json!([])), "timeout_ms": null,
                    "max_output_length": null},
                "environment": output.as_ref().map_or(json!({"type": "local"}),
                    |_| json!({"type": "container_reference", "container_id": "cntr_1"}))}),
            Self::ShellOutput { output } => json!({"status": word,
                "call_id": &*super::item::call_id(draft.after.as_deref().unwrap_or_default()),
                "output": whole(printed(output), json!([])), "max_output_length": null}),
            Self::Compaction => json!({"encrypted_content": whole(encrypted(&draft.id).into(), "".into())}),
            Self::ApplyPatch {
                operation,
                path,
                diff,
            } => {
                let mut change = json!({"type": operation.word(), "path": &**path});
                if *operation != PatchOperation::Delete {
                    change["diff"] = whole((&**diff).into(), "".into());
                }
                json!({"status": word, "call_id": &*call_id, "operation": change})
            }
        }
    }
}

fn texts(list: &[Arc<str>]) -> Value {
    list.iter().map(|text| Value::from(&**text)).collect()
}

fn printed(output: &str) -> Value {
    json!([{"stdout": output, "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}])
}

impl ToolStep {
    /// The item as it begins.
    pub(super) fn begun(&self, draft: &Draft) -> Item {
        self.item(draft, Moment::Begun, None)
    }

    /// The item as it ends.
    pub(super) fn ended(&self, draft: &Draft, details: Option<&Details>) -> Item {
        self.item(draft, Moment::Ended, details)
    }

    fn item(&self, draft: &Draft, moment: Moment, details: Option<&Details>) -> Item {
        let status = match moment {
            // These have no status of their own, so nobody can tell.
            _ if matches!(self.tool, Tool::McpListTools { .. } | Tool::Compaction) => ItemStatus::Completed,
            Moment::Begun => ItemStatus::InProgress,
            Moment::Ended => self.ends.status(),
        };
        let shown = Shown::of(&self.tool.fields(draft, moment, self.ends, details));
        Item::Hosted {
            id: draft.id.clone(),
            tool: self.tool.names().0.into(),
            status,
            shown,
        }
    }

    /// The events between the item's beginning and its work.
    pub(super) fn begin_events(&self, draft: &Draft, say: &mut impl FnMut(Event)) {
        let words: &[&str] = match self.tool {
            Tool::WebSearch { .. } | Tool::WebPage { .. } | Tool::FileSearch { .. } => {
                &["in_progress", "searching"]
            }
            Tool::CodeInterpreter { .. } | Tool::McpListTools { .. } => &["in_progress"],
            Tool::ImageGeneration { .. } => &["in_progress", "generating"],
            Tool::Compaction => &["compacting"],
            _ => &[],
        };
        for word in words {
            say(self.word(draft, word));
        }
    }

    /// The events between the item's work and its end.
    pub(super) fn end_events(&self, draft: &Draft, say: &mut impl FnMut(Event)) {
        let event = |name: &str, fields: Value| progress(draft, name, &fields);
        match &self.tool {
            Tool::Custom { input, .. } => {
                say(event("custom_tool_call_input.delta", json!({"delta": &**input})));
                say(event("custom_tool_call_input.done", json!({"input": &**input})));
            }
            Tool::CodeInterpreter { code, .. } => {
                say(event(
                    "code_interpreter_call_code.delta",
                    json!({"delta": &**code}),
                ));
                say(event("code_interpreter_call_code.done", json!({"code": &**code})));
                say(self.word(draft, "interpreting"));
            }
            Tool::ImageGeneration {
                image,
                partial_images,
                ..
            } => {
                for place in 0..*partial_images {
                    say(event(
                        "image_generation_call.partial_image",
                        json!({"partial_image_index": place, "partial_image_b64": &**image}),
                    ));
                }
            }
            Tool::Shell { commands, .. } => {
                for (place, command) in commands.iter().enumerate() {
                    let of = |name: &str, key: &str, value: &str| {
                        let fields = json!({"command_index": place, key: value});
                        nameless(draft, name, &fields)
                    };
                    say(of("shell_call_command.added", "command", ""));
                    say(of("shell_call_command.delta", "delta", command));
                    say(of("shell_call_command.done", "command", command));
                }
            }
            Tool::ShellOutput { output } => {
                let delta = json!({"stdout": &**output, "stderr": ""});
                say(event(
                    "shell_call_output_content.delta",
                    json!({"command_index": 0, "delta": delta}),
                ));
                say(event(
                    "shell_call_output_content.done",
                    json!({"command_index": 0, "output": printed(output)}),
                ));
            }
            Tool::ApplyPatch { operation, diff, .. } if *operation != PatchOperation::Delete => {
                say(event(
                    "apply_patch_call_operation_diff.delta",
                    json!({"delta": &**diff}),
                ));
                say(event(
                    "apply_patch_call_operation_diff.done",
                    json!({"diff": &**diff}),
                ));
            }
            _ => {}
        }
        match (&self.tool, self.ends) {
            (
                Tool::WebSearch { .. }
                | Tool::WebPage { .. }
                | Tool::FileSearch { .. }
                | Tool::CodeInterpreter { .. }
                | Tool::ImageGeneration { .. }
                | Tool::McpListTools { .. },
                ToolEnd::Completed,
            ) => say(self.word(draft, "completed")),
            (Tool::McpListTools { .. }, ToolEnd::Failed) => say(self.word(draft, "failed")),
            _ => {}
        }
    }

    fn word(&self, draft: &Draft, word: &str) -> Event {
        let kind = self.tool.names().0;
        progress(draft, &format!("{kind}.{word}"), &Value::Null)
    }
}

/// An event about the item of `draft`.
pub(super) fn progress(draft: &Draft, name: &str, fields: &Value) -> Event {
    Event::Progress {
        name: format!("response.{name}").into(),
        output: draft.output,
        item_id: draft.id.clone(),
        shown: Shown::of(fields),
    }
}

/// The same without the item's id, as a few events have it.
fn nameless(draft: &Draft, name: &str, fields: &Value) -> Event {
    Event::Progress {
        name: format!("response.{name}").into(),
        output: draft.output,
        item_id: "".into(),
        shown: Shown::of(fields),
    }
}
