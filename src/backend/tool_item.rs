//! What the items and events of tools show.

use std::sync::Arc;

use serde_json::{Value, json};

use super::item::Draft;
use super::tool::{ComputerActs, SearchedBy, ShellEnd, ShellPrinted};
use super::words::encrypted;
use super::{PatchOperation, Tool, ToolEnd, ToolStep};
use crate::wire::{Details, Event, IdText, Item, ItemStatus, Shown};

/// How far the item of a tool has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// It is said that there will be one.
    Begun,
    /// The tool runs.
    Running,
    /// It has ended.
    Ended,
}

impl Tool {
    /// The status of an item whose tool runs.
    const fn running_word(&self) -> &'static str {
        match self {
            Self::WebSearch { .. } | Self::WebPage { .. } | Self::FileSearch { .. } => "searching",
            Self::CodeInterpreter { .. } => "interpreting",
            Self::ImageGeneration { .. } => "generating",
            _ => "in_progress",
        }
    }

    /// What the item shows beside its id and type.
    fn fields(&self, draft: &Draft, moment: Moment, end: ToolEnd, details: Option<&Details>) -> Value {
        let begun = moment != Moment::Ended;
        let word = match moment {
            Moment::Begun => "in_progress",
            Moment::Running => self.running_word(),
            Moment::Ended => end.word(),
        };
        let whole = |value: Value, empty: Value| if begun { empty } else { value };
        let included = |what: &str, value: Value| {
            let asked = details.is_some_and(|details| details.includes(what));
            if asked && !begun { value } else { Value::Null }
        };
        let call_id = super::item::call_id(&draft.id.text());
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
            // Whoever searches by themselves needs no id to be answered under.
            Self::ToolSearch { arguments, by, .. } => json!({"status": word,
                "call_id": (*by == SearchedBy::Client).then_some(&*call_id),
                "execution": if *by == SearchedBy::Client { "client" } else { "server" },
                "arguments": whole(serde_json::from_str(arguments).unwrap_or_default(), json!({}))}),
            Self::ToolSearchOutput { tools } => {
                let tool = |name: &Arc<str>| {
                    json!({"type": "function", "name": &**name, "description": null, "defer_loading": true,
                    "parameters": {"type": "object", "properties": {}}, "strict": true})
                };
                let found: Value = tools.iter().map(tool).collect();
                json!({"status": word, "execution": "server", "tools": found, "call_id": null})
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
            Self::CodeInterpreter { code, logs, images } => {
                let drawn = images.iter().map(|url| json!({"type": "image", "url": &**url}));
                let printed = std::iter::once(json!({"type": "logs", "logs": &**logs}));
                let outputs = included("code_interpreter_call.outputs", printed.chain(drawn).collect());
                // The code is written before it runs.
                let code = if moment == Moment::Begun { "" } else { code };
                json!({"status": word, "container_id": "cntr_1", "code": code,
                    "outputs": whole(outputs, json!([]))})
            }
            Self::ImageGeneration { .. } if begun || end != ToolEnd::Completed => {
                json!({"status": word, "result": null})
            }
            Self::ImageGeneration { prompt, image, .. } => json!({"status": word, "result": &**image,
                "revised_prompt": &**prompt, "size": "1024x1024", "quality": "auto", "background": "auto",
                "output_format": "png"}),
            Self::Computer { acts, checks } => {
                let check = |(code, place): (&Arc<str>, usize)| json!({"id": format!("cu_sc_{place}"), "code": &**code, "message": &**code});
                let checks: Value = checks.iter().zip(1..).map(check).collect();
                let read = |act: &Arc<str>| serde_json::from_str::<Value>(act).unwrap_or_default();
                let mut item = json!({"status": word, "call_id": &*call_id, "pending_safety_checks": checks});
                match acts {
                    ComputerActs::One(act) => item["action"] = read(act),
                    ComputerActs::Several(acts) => item["actions"] = acts.iter().map(read).collect(),
                }
                item
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
                "call_id": &*super::item::call_id(draft.after.as_ref().map(IdText::text).as_deref().unwrap_or_default()),
                "output": whole(printed(output), json!([])), "max_output_length": null}),
            Self::Compaction => {
                json!({"encrypted_content": whole(encrypted(&draft.id.text()).into(), "".into())})
            }
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

fn printed(output: &ShellPrinted) -> Value {
    let outcome = match output.end {
        ShellEnd::Exit(code) => json!({"type": "exit", "exit_code": code}),
        ShellEnd::Timeout => json!({"type": "timeout"}),
    };
    json!([{"stdout": &*output.stdout, "stderr": &*output.stderr, "outcome": outcome}])
}

impl ToolStep {
    /// The item as it begins.
    pub(super) fn begun(&self, draft: &Draft) -> Item {
        self.item(draft, Moment::Begun, None)
    }

    /// The item while the tool runs.
    pub(super) fn running(&self, draft: &Draft) -> Item {
        self.item(draft, Moment::Running, None)
    }

    /// The item as it ends.
    pub(super) fn ended(&self, draft: &Draft, details: Option<&Details>) -> Item {
        self.item(draft, Moment::Ended, details)
    }

    fn item(&self, draft: &Draft, moment: Moment, details: Option<&Details>) -> Item {
        let status = match moment {
            // These have no status of their own, so nobody can tell.
            _ if matches!(self.tool, Tool::McpListTools { .. } | Tool::Compaction) => ItemStatus::Completed,
            Moment::Begun | Moment::Running => ItemStatus::InProgress,
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
        // The code is written before it runs.
        if let Tool::CodeInterpreter { code, .. } = &self.tool {
            let event = |name: &str, fields: &Value| progress(draft, name, fields);
            say(event(
                "code_interpreter_call_code.delta",
                &json!({"delta": &**code}),
            ));
            say(event(
                "code_interpreter_call_code.done",
                &json!({"code": &**code}),
            ));
            say(self.word(draft, "interpreting"));
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
            Tool::ImageGeneration {
                image,
                partial_images,
                ..
            } => {
                for place in 0..*partial_images {
                    say(event(
                        "image_generation_call.partial_image",
                        json!({"partial_image_index": place, "partial_image_b64": &**image, "size": "1024x1024",
                            "quality": "auto", "background": "auto", "output_format": "png"}),
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
                let delta = json!({"stdout": &*output.stdout, "stderr": &*output.stderr});
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
