//! Tools that a script runs or asks for.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::wire::ItemStatus;

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
        /// The functions found, where the service looks.
        tools: Arc<[Arc<str>]>,
        /// Who looks.
        by: SearchedBy,
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
        /// Addresses of the images that it drew; shown only if the request includes them.
        images: Arc<[Arc<str>]>,
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
        /// The act or acts.
        acts: ComputerActs,
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
        /// What it answers; of a call that fails, why.
        output: Arc<str>,
        /// What kind of failure it is, if it fails.
        error: McpError,
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
        output: Option<ShellPrinted>,
    },
    /// The output of the shell that the service ran just before.
    ShellOutput {
        /// What was printed.
        output: ShellPrinted,
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

/// Who looks among tools that wait to be loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchedBy {
    /// The service.
    #[default]
    Service,
    /// The client, which has to answer.
    Client,
}

impl SearchedBy {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Service, Self::Client];

    /// The word in scripts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Client => "client",
        }
    }
}

/// Acts on the client's computer, each as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComputerActs {
    /// One, as models of old have it.
    One(Arc<str>),
    /// Several at once.
    Several(Arc<[Arc<str>]>),
}

/// What a shell of the service prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellPrinted {
    /// To where results go.
    pub stdout: Arc<str>,
    /// To where complaints go.
    pub stderr: Arc<str>,
    /// How the commands end.
    pub end: ShellEnd,
}

/// How the commands of a shell end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellEnd {
    /// With this code.
    Exit(u8),
    /// Not in time.
    Timeout,
}

/// What kind of failure the call of an MCP tool met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum McpError {
    /// The server answered with an HTTP error.
    #[default]
    Http,
    /// The server did not keep to the protocol.
    Protocol,
    /// The tool itself failed.
    Execution,
}

impl McpError {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Http, Self::Protocol, Self::Execution];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http_error",
            Self::Protocol => "mcp_protocol_error",
            Self::Execution => "mcp_tool_execution_error",
        }
    }

    /// The error as the item shows it.
    pub(super) fn json(self, message: &str) -> Value {
        match self {
            Self::Http => json!({"type": self.word(), "code": 500, "message": message}),
            Self::Protocol => json!({"type": self.word(), "code": -32603, "message": message}),
            Self::Execution => {
                json!({"type": self.word(), "content": [{"type": "text", "text": message}]})
            }
        }
    }
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

    /// The status of its item.
    pub(super) const fn status(self) -> ItemStatus {
        match self {
            Self::Completed => ItemStatus::Completed,
            Self::Failed => ItemStatus::Failed,
            Self::Incomplete => ItemStatus::Incomplete,
        }
    }
}

impl Tool {
    /// What the service itself puts out behind it, if anything.
    pub(super) fn followed_by(&self) -> Option<Self> {
        match self {
            Self::Shell { output, .. } => output.clone().map(|output| Self::ShellOutput { output }),
            Self::ToolSearch {
                tools,
                by: SearchedBy::Service,
                ..
            } => Some(Self::ToolSearchOutput { tools: tools.clone() }),
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
            Self::ToolSearch { by, .. } => matches!(by, SearchedBy::Client),
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
            Self::Computer { acts, .. } => match acts {
                ComputerActs::One(action) => action.len(),
                ComputerActs::Several(actions) => actions.iter().map(|action| action.len()).sum(),
            },
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
}
