//! The JSON face of the create request on the client's side: what it writes.

use std::sync::Arc;

use serde::Serialize;

use super::echo::MetadataOut;
use super::json_out::put;
use super::{Create, InputItem, ResponseId, ToolDeclaration};

/// What a client sends beside what anybody decides by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientFields {
    /// System text; not inherited from the turn before, so it goes along with every request.
    pub instructions: Option<Arc<str>>,
    /// Further metadata.
    pub metadata: Vec<(Arc<str>, Arc<str>)>,
    /// Where MCP servers are reached; a label that is not here gets an address that nobody has.
    pub servers: Vec<McpServer>,
}

/// Where an MCP server is reached. The service keeps no secrets, so they go along with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpServer {
    /// The label in the tool's declaration.
    pub server_label: Arc<str>,
    /// Its address.
    pub server_url: Arc<str>,
    /// What opens it.
    pub authorization: Option<Arc<str>>,
}

/// Appends the body of `POST /v1/responses`.
pub fn render_create(create: &Create, extra: &ClientFields, out: &mut Vec<u8>) {
    put(
        out,
        &CreateOut {
            model: &create.model,
            background: create.background,
            store: create.store,
            stream: create.stream,
            metadata: MetadataOut {
                origin: create.origin,
                rest: &extra.metadata,
            },
            max_output_tokens: create.max_output_tokens,
            service_tier: create.tier.as_deref(),
            previous_response_id: create.previous.as_ref(),
            instructions: extra.instructions.as_deref(),
            tools: create.tools.iter().map(|tool| ToolOut::of(tool, extra)).collect(),
            input: create.input.iter().map(InputOut::of).collect(),
        },
    );
}

#[derive(Serialize)]
struct CreateOut<'a> {
    model: &'a str,
    background: bool,
    store: bool,
    stream: bool,
    metadata: MetadataOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_response_id: Option<&'a ResponseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    input: Vec<InputOut<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum InputOut<'a> {
    Message {
        role: &'static str,
        content: &'a str,
    },
    FunctionCallOutput {
        r#type: &'static str,
        call_id: &'a str,
        output: &'a str,
    },
    McpApprovalResponse {
        r#type: &'static str,
        approval_request_id: &'a str,
        approve: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    Replayed {
        r#type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<[u8; 0]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        call_id: Option<&'a str>,
    },
}

impl<'a> InputOut<'a> {
    fn of(item: &'a InputItem) -> Self {
        match item {
            InputItem::Message { text } => Self::Message {
                role: "user",
                content: text,
            },
            InputItem::FunctionCallOutput { call_id, output } => Self::FunctionCallOutput {
                r#type: "function_call_output",
                call_id,
                output,
            },
            InputItem::McpApprovalResponse {
                approval_request_id,
                approve,
                reason,
            } => Self::McpApprovalResponse {
                r#type: "mcp_approval_response",
                approval_request_id,
                approve: *approve,
                reason: reason.as_deref(),
            },
            InputItem::Replayed { kind, id, call_id } => {
                let message = &**kind == "message";
                Self::Replayed {
                    r#type: kind,
                    role: message.then_some("assistant"),
                    content: message.then_some([]),
                    id: id.as_deref(),
                    call_id: call_id.as_deref(),
                }
            }
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolOut<'a> {
    Function {
        r#type: &'static str,
        name: &'a str,
        parameters: AnyObject,
        strict: bool,
    },
    Mcp {
        r#type: &'static str,
        server_label: &'a str,
        server_url: &'a str,
        require_approval: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        authorization: Option<&'a str>,
    },
    Hosted {
        r#type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        vector_store_ids: Option<[&'static str; 1]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        container: Option<AutoContainer>,
    },
}

/// The JSON schema of any object.
#[derive(Serialize)]
struct AnyObject {
    r#type: &'static str,
}

#[derive(Serialize)]
struct AutoContainer {
    r#type: &'static str,
}

impl<'a> ToolOut<'a> {
    fn of(tool: &'a ToolDeclaration, extra: &'a ClientFields) -> Self {
        match tool {
            ToolDeclaration::Function { name } => {
                let parameters = AnyObject { r#type: "object" };
                Self::Function {
                    r#type: "function",
                    name,
                    parameters,
                    strict: false,
                }
            }
            ToolDeclaration::Mcp { server_label } => {
                let server = extra
                    .servers
                    .iter()
                    .find(|server| server.server_label == *server_label);
                Self::Mcp {
                    r#type: "mcp",
                    server_label,
                    server_url: server.map_or("https://mcp.invalid/", |server| &server.server_url),
                    require_approval: "always",
                    authorization: server.and_then(|server| server.authorization.as_deref()),
                }
            }
            ToolDeclaration::Hosted { tool } => Self::Hosted {
                r#type: tool,
                vector_store_ids: (&**tool == "file_search").then_some(["vs_1"]),
                container: (&**tool == "code_interpreter").then_some(AutoContainer { r#type: "auto" }),
            },
        }
    }
}
