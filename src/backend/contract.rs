//! What the contract leaves open, and what an account of the service may be set to.
//!
//! Where evidence about the real service conflicts, both readings can be played; the first of each pair is the
//! default, and a client has to survive both.

use std::sync::Arc;

use crate::units::SimDuration;

/// Declares the readings of a point that the contract leaves open.
macro_rules! readings {
    ($($(#[$doc:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident = $first_word:literal,
        $(#[$second_doc:meta])* $second:ident = $second_word:literal $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $(#[$second_doc])*
            $second,
        }

        impl $name {
            /// Both readings.
            pub const ALL: [Self; 2] = [Self::$first, Self::$second];

            /// The word in scenarios.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    Self::$second => $second_word,
                }
            }
        }
    )*};
}

readings! {
    /// A background request with `store: false`.
    BackgroundUnstored {
        /// Runs, and can be read for a while after its end.
        Kept = "kept",
        /// Is refused.
        Refused = "refused",
    }
    /// Cancelling a completed background response.
    CancelCompleted {
        /// Is refused.
        Refused = "refused",
        /// Gives the response, unchanged.
        Unchanged = "unchanged",
    }
    /// A cancel that meets a run.
    CancelRace {
        /// The response stays cancelled.
        CancelWins = "cancel_wins",
        /// The reply says cancelled, and later the response is completed.
        ModelWins = "model_wins",
    }
    /// The output of a cancelled response.
    CancelOutput {
        /// What there was so far.
        Kept = "kept",
        /// Nothing.
        Cleared = "cleared",
    }
    /// The status of the error about an unknown model.
    ModelMissing {
        /// 400.
        BadRequest = "bad_request",
        /// 404, as on older endpoints.
        NotFound = "not_found",
    }
    /// `object` of a deletion.
    DeleteObject {
        /// `response.deleted`.
        Deleted = "response.deleted",
        /// `response`.
        Response = "response",
    }
    /// Reading a response that was deleted.
    GetAfterDelete {
        /// 404, as for any unknown one.
        NotFound = "not_found",
        /// 400.
        BadRequest = "bad_request",
    }
    /// Deleting a response that still runs.
    DeleteInFlight {
        /// Is refused.
        Refused = "refused",
        /// Stops the run and deletes it.
        Stops = "stops",
    }
    /// `usage` of a failed or cancelled response; an incomplete one always has it.
    EndedUsage {
        /// Null.
        Absent = "absent",
        /// What was used so far.
        Shown = "shown",
    }
    /// What closes behind the last event of a stream.
    StreamClose {
        /// The body; the connection stays for the next request.
        Body = "body",
        /// The connection, as the head of the stream says.
        Connection = "connection",
    }
    /// What a network in front of the service adds to the head of a reply: `cf-ray`, `alt-svc`,
    /// `strict-transport-security`.
    EdgeHeaders {
        /// Nothing.
        Absent = "absent",
        /// All of it.
        Sent = "sent",
    }
    /// `x-request-id`.
    RequestIds {
        /// Every reply has one.
        Sent = "sent",
        /// None has, as behind some proxies.
        Dropped = "dropped",
    }
}

/// The readings that a service plays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switches {
    /// `bg_store_false`.
    pub background_unstored: BackgroundUnstored,
    /// `cancel_completed`.
    pub cancel_completed: CancelCompleted,
    /// `cancel_race`.
    pub cancel_race: CancelRace,
    /// `cancel_output`.
    pub cancel_output: CancelOutput,
    /// `model_missing`.
    pub model_missing: ModelMissing,
    /// `delete_object`.
    pub delete_object: DeleteObject,
    /// `get_after_delete`.
    pub get_after_delete: GetAfterDelete,
    /// `delete_in_flight`.
    pub delete_in_flight: DeleteInFlight,
    /// `ended_usage`.
    pub ended_usage: EndedUsage,
    /// `stream_close`.
    pub stream_close: StreamClose,
    /// `edge_headers`.
    pub edge: EdgeHeaders,
    /// `request_id_header`.
    pub request_ids: RequestIds,
}

/// Why a switch cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// There is no such switch.
    #[error("unknown switch `{name}`")]
    Name {
        /// The name.
        name: String,
    },
    /// The switch has no such reading.
    #[error("the switch `{name}` has no reading `{word}`: possible are `{}` and `{}`", words[0], words[1])]
    Word {
        /// The name.
        name: &'static str,
        /// The word.
        word: String,
        /// The readings that it has.
        words: [&'static str; 2],
    },
    /// The text has another form.
    #[error("expected `name=reading`, found `{text}`")]
    Form {
        /// The text.
        text: String,
    },
}

impl Switches {
    /// Sets one switch, written `name=reading`.
    ///
    /// # Errors
    /// [`SwitchError`] if there is no such switch or reading.
    pub fn parse(&mut self, text: &str) -> Result<(), SwitchError> {
        let form = || SwitchError::Form {
            text: text.to_owned(),
        };
        let (name, word) = text.split_once('=').ok_or_else(form)?;
        self.set(name.trim(), word.trim())
    }
}

/// Some switches, each set to a reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SwitchSet(Vec<String>);

impl SwitchSet {
    /// Adds one, written `name=reading`; what is added last counts.
    ///
    /// # Errors
    /// [`SwitchError`] if there is no such switch or reading.
    pub fn add(&mut self, text: &str) -> Result<(), SwitchError> {
        Switches::default().parse(text)?;
        self.0.push(text.to_owned());
        Ok(())
    }

    /// Sets them.
    pub fn apply(&self, switches: &mut Switches) {
        for text in &self.0 {
            let set = switches.parse(text);
            debug_assert!(set.is_ok(), "looked at when it was added");
        }
    }
}

/// Declares the names under which the switches are set.
macro_rules! names {
    ($count:literal: $($name:literal => $field:ident: $reading:ident,)*) => {
        impl Switches {
            /// The names of all switches.
            pub const NAMES: [&str; $count] = [$($name),*];

            /// Sets one switch by its name to a reading by its word.
            ///
            /// # Errors
            /// [`SwitchError`] if there is no such switch or reading.
            pub fn set(&mut self, name: &str, word: &str) -> Result<(), SwitchError> {
                match name {
                    $($name => {
                        let found = $reading::ALL.into_iter().find(|reading| reading.word() == word);
                        self.$field = found.ok_or_else(|| SwitchError::Word {
                            name: $name,
                            word: word.to_owned(),
                            words: $reading::ALL.map($reading::word),
                        })?;
                    })*
                    _ => return Err(SwitchError::Name { name: name.to_owned() }),
                }
                Ok(())
            }

            /// The names of all switches, each with the words of its readings, the default first.
            #[must_use]
            pub fn words() -> [(&'static str, [&'static str; 2]); $count] {
                [$(($name, $reading::ALL.map($reading::word))),*]
            }
        }
    };
}

names! { 12:
    "bg_store_false" => background_unstored: BackgroundUnstored,
    "cancel_completed" => cancel_completed: CancelCompleted,
    "cancel_race" => cancel_race: CancelRace,
    "cancel_output" => cancel_output: CancelOutput,
    "model_missing" => model_missing: ModelMissing,
    "delete_object" => delete_object: DeleteObject,
    "get_after_delete" => get_after_delete: GetAfterDelete,
    "delete_in_flight" => delete_in_flight: DeleteInFlight,
    "ended_usage" => ended_usage: EndedUsage,
    "stream_close" => stream_close: StreamClose,
    "edge_headers" => edge: EdgeHeaders,
    "request_id_header" => request_ids: RequestIds,
}

/// Which models there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Models {
    /// Whatever is asked for.
    #[default]
    Any,
    /// Whatever is called like a model of the real service.
    Usual,
    /// These.
    Listed(Arc<[Arc<str>]>),
}

/// How much an account may ask for in a minute; what is absent does not limit. Room comes back continuously.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Create requests.
    pub requests: Option<u32>,
    /// Tokens: those of the input, and the cap on the output.
    pub tokens: Option<u32>,
}

/// An account: its key, and what goes with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The key.
    pub key: Arc<str>,
    /// The organisation, as replies name it.
    pub organization: Option<Arc<str>>,
    /// The project: keys of one project see the same responses.
    pub project: Option<Arc<str>>,
    /// The models that it may use; all if it is absent.
    pub models: Option<Arc<[Arc<str>]>>,
    /// Its rate limits.
    pub rates: Rates,
    /// The tokens that it may use in all.
    pub quota: Option<u64>,
}

/// What a service holds of the things that go by nobody's will but their clients': whoever asks for more is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Responses in progress at most.
    pub open_max: usize,
    /// Bytes of their requests at most, in all.
    pub open_bytes_max: u64,
    /// Conversations at most.
    pub conversations_max: usize,
    /// Bytes of their items at most, in all, before the next is added.
    pub conversation_bytes_max: u64,
}

/// None.
impl Default for Bounds {
    fn default() -> Self {
        Self {
            open_max: usize::MAX,
            open_bytes_max: u64::MAX,
            conversations_max: usize::MAX,
            conversation_bytes_max: u64::MAX,
        }
    }
}

/// How the service reads its contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Where the contract leaves a choice.
    pub switches: Switches,
    /// Which models there are.
    pub models: Models,
    /// The tokens that a model can read; none: any number.
    pub context_window: Option<u32>,
    /// How long a background response with `store: false` can be read after its end.
    pub unstored_kept: SimDuration,
    /// Ended responses that are kept at most; of more, those that would expire first are forgotten.
    pub kept_max: u32,
    /// Bytes of their requests that ended responses keep at most, in all.
    pub kept_bytes_max: u64,
    /// What may be held that nothing makes room for.
    pub bounds: Bounds,
    /// The limits of whoever has no account of their own.
    pub rates: Rates,
    /// The tokens that whoever has no account of their own may use in all.
    pub quota: Option<u64>,
    /// Accounts; where there are any, no other key counts.
    pub accounts: Arc<[Account]>,
}

impl Default for Contract {
    fn default() -> Self {
        Self {
            switches: Switches::default(),
            models: Models::Any,
            context_window: None,
            unstored_kept: SimDuration::from_secs(600),
            kept_max: u32::MAX,
            kept_bytes_max: u64::MAX,
            bounds: Bounds::default(),
            rates: Rates::default(),
            quota: None,
            accounts: Arc::from([]),
        }
    }
}

/// What `GET /v1/models` lists where any model is served.
const USUAL_MODELS: [&str; 5] = ["gpt-4.1", "gpt-4o", "gpt-5", "gpt-5-mini", "o4-mini"];

/// How models of the real service begin.
const USUAL_STARTS: [&str; 7] = ["gpt-", "o1", "o3", "o4", "chatgpt-", "codex-", "computer-use-"];

impl Models {
    /// Whether there is a model of this name; a dated one goes by its name without the date too.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Usual => USUAL_STARTS.iter().any(|start| name.starts_with(start)),
            Self::Listed(names) => names.iter().any(|known| is_model(known, name)),
        }
    }

    /// The names.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Any | Self::Usual => USUAL_MODELS.to_vec(),
            Self::Listed(names) => names.iter().map(|name| &**name).collect(),
        }
    }
}

impl Account {
    /// Whether it may use this model.
    pub(super) fn may_use(&self, name: &str) -> bool {
        let Some(models) = &self.models else { return true };
        models.iter().any(|known| is_model(known, name))
    }
}

/// Whether `name` is `known`, or a dated snapshot of it.
pub(super) fn is_model(known: &str, name: &str) -> bool {
    let rest = name.strip_prefix(known);
    rest.is_some_and(|rest| {
        rest.is_empty()
            || (rest.len() == 11 && rest.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()))
    })
}
