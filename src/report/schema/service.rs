//! The model service of a scenario: how it behaves and how it reads its contract.

use serde_json::{Value, json};

use super::plan::script;
use super::value::{any, integer, list, object, of, words};
use crate::backend::{McpError, SearchedBy, Switches, TIERS};

/// The schema of `backend`.
pub(super) fn backend() -> Value {
    let limiter = object(
        &[("burst", integer(1, 1_000_000)), ("refill", of("duration"))],
        &["burst", "refill"],
    );
    let tier = object(
        &[
            ("queued", of("law")),
            (
                "takes",
                json!({ "type": "number", "minimum": 0.01, "maximum": 1_000 }),
            ),
            ("limiter", any(&[words(["none"]), limiter.clone()])),
        ],
        &[],
    );
    let mut tiers = json!({ "type": "object", "additionalProperties": tier });
    tiers["propertyNames"] = words(TIERS);
    let mut keys = vec![
        ("latency", of("law")),
        ("limiter", any(&[words(["none"]), limiter])),
        ("retention", of("duration")),
        (
            "resume_window",
            any(&[
                words(["none"]),
                of("duration"),
                object(&[("of_event", of("duration"))], &["of_event"]),
            ]),
        ),
        ("streaming", streaming()),
        ("webhook", any(&[words(["none"]), of("law")])),
        ("webhook_retries", list(&of("duration"), 0)),
        ("tokens_per_delta", integer(1, 100_000)),
        ("tier", of("name")),
        ("tiers", tiers),
        ("epoch", integer(0, 253_402_300_799)),
        ("script", script()),
    ];
    keys.extend(contract());
    object(&keys, &[])
}

fn streaming() -> Value {
    object(
        &[
            ("keepalive", any(&[words(["none"]), of("duration")])),
            ("padding", words(["foreground", "every"])),
            ("gaps", any(&[words(["none"]), of("probability")])),
            ("failed", words(["both", "failed_only", "error_only"])),
            ("error", words(["nested", "flat"])),
            ("cancelled", words(["failed", "silent"])),
        ],
        &[],
    )
}

/// How the service reads its contract, and its accounts.
fn contract() -> Vec<(&'static str, Value)> {
    let switches = Switches::words().map(|(name, readings)| (name, words(readings)));
    let tokens = || any(&[words(["none"]), of("tokens")]);
    let rates = object(
        &[
            ("requests", integer(1, 100_000_000)),
            ("tokens", integer(1, 4_000_000_000)),
        ],
        &[],
    );
    let models = list(&of("text"), 0);
    let account = object(
        &[
            ("key", of("text")),
            ("organization", of("text")),
            ("project", of("text")),
            ("models", models.clone()),
            ("rates", rates.clone()),
            ("quota", of("tokens")),
        ],
        &["key"],
    );
    vec![
        ("switches", object(&switches, &[])),
        ("models", any(&[words(["any", "usual"]), models])),
        ("context_window", tokens()),
        ("unstored_kept", of("duration")),
        (
            "kept_max",
            any(&[words(["none"]), integer(0, u64::from(u32::MAX))]),
        ),
        ("rates", rates),
        ("quota", tokens()),
        ("accounts", list(&account, 1)),
    ]
}

/// One act of a computer, or several.
fn computer() -> Value {
    let mut computer = object(
        &[
            ("action", of("arguments")),
            ("actions", list(&of("arguments"), 1)),
            ("checks", list(&of("text"), 0)),
        ],
        &[],
    );
    computer["oneOf"] = json!([{ "required": ["action"] }, { "required": ["actions"] }]);
    computer
}

/// A step with a tool and everything that its item shows.
pub(super) fn tool() -> Value {
    let texts = || list(&of("text"), 0);
    let text = || of("text");
    let tools = [
        (
            "custom",
            object(&[("name", text()), ("input", text())], &["name"]),
        ),
        (
            "web_search",
            object(&[("query", text()), ("sources", texts())], &["query"]),
        ),
        ("web_page", object(&[("url", text()), ("find", text())], &["url"])),
        (
            "tool_search",
            object(
                &[
                    ("arguments", of("arguments")),
                    ("tools", texts()),
                    ("by", words(SearchedBy::ALL.map(SearchedBy::word))),
                ],
                &[],
            ),
        ),
        (
            "file_search",
            object(&[("queries", texts()), ("results", texts())], &[]),
        ),
        (
            "code_interpreter",
            object(
                &[("code", text()), ("logs", text()), ("images", texts())],
                &["code"],
            ),
        ),
        (
            "image_generation",
            object(
                &[
                    ("prompt", text()),
                    ("image", text()),
                    ("partial_images", integer(0, 3)),
                ],
                &["image"],
            ),
        ),
        ("computer", computer()),
        (
            "mcp_list_tools",
            object(&[("server", text()), ("tools", texts())], &["server"]),
        ),
        (
            "mcp_call",
            object(
                &[
                    ("server", text()),
                    ("tool", text()),
                    ("arguments", of("arguments")),
                    ("output", text()),
                    ("error", words(McpError::ALL.map(McpError::word))),
                ],
                &["server", "tool"],
            ),
        ),
        ("local_shell", object(&[("command", texts())], &[])),
        (
            "shell",
            object(
                &[
                    ("commands", texts()),
                    ("output", text()),
                    ("stderr", text()),
                    ("exit", any(&[words(["timeout"]), integer(0, 255)])),
                ],
                &[],
            ),
        ),
        (
            "apply_patch",
            object(
                &[
                    ("operation", words(["create_file", "update_file", "delete_file"])),
                    ("path", text()),
                    ("diff", text()),
                ],
                &["operation", "path"],
            ),
        ),
    ];
    let one_of: Vec<Value> = tools
        .iter()
        .map(|(tool, _)| json!({ "required": [tool] }))
        .collect();
    let mut keys = tools.to_vec();
    keys.push(("takes", of("law")));
    keys.push(("ends", words(["completed", "failed", "incomplete"])));
    let mut step = object(&keys, &[]);
    step["oneOf"] = one_of.into();
    step
}
