//! The part of a Response object that repeats the request.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use foldhash::quality::FixedState;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::read::ORIGIN_KEYS;
use super::{Details, Origin};

/// Whether delta events carry random padding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obfuscation {
    /// The default of the service for foreground streams.
    #[default]
    Wanted,
    /// `stream_options.include_obfuscation: false`.
    Refused,
}

/// What every rendering of a response repeats from its request: model, tools, instructions, metadata and so on.
///
/// Written as JSON once, when the request is read, so that each rendering only copies it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Echo(Arc<Body>);

/// The entries of a map of metadata, in the order in which they came.
pub(super) type Metadata = Vec<(Arc<str>, Arc<str>)>;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Body {
    /// `"key":value` pairs with commas between them, without line breaks.
    pairs: Pairs,
    /// The metadata without the keys that carry an [`Origin`].
    metadata: Metadata,
    obfuscation: Obfuscation,
    details: Details,
}

impl Echo {
    pub(super) fn new(pairs: &str, metadata: Metadata, obfuscation: Obfuscation, details: Details) -> Self {
        Self(Arc::new(Body {
            pairs: shared(pairs),
            metadata,
            obfuscation,
            details,
        }))
    }

    /// What the request says beside what our own runtime ever says.
    #[must_use]
    pub fn details(&self) -> &Details {
        &self.0.details
    }

    /// Whether the request wants padding on its delta events.
    #[must_use]
    pub fn obfuscation(&self) -> Obfuscation {
        self.0.obfuscation
    }

    /// The metadata of the request, without the keys that carry an [`Origin`].
    #[must_use]
    pub fn metadata(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.0.metadata
    }

    /// How many bytes are kept for it, roughly: what it repeats, and the input as it came and as it was read.
    #[must_use]
    pub fn weight(&self) -> usize {
        let input = self.0.details.input.as_ref().map_or(0, |input| input.len());
        self.length() + 2 * input
    }

    /// The bytes of the rest of the object that repeats the request.
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.pairs.text.len()
    }

    /// The rest of the object: `"key":value` pairs with commas between them.
    pub(super) fn pairs(&self) -> &str {
        &self.0.pairs.text
    }
}

/// A long text that is hashed once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pairs {
    text: Arc<str>,
    hash: u64,
}

impl From<&str> for Pairs {
    fn from(text: &str) -> Self {
        Self {
            hash: FixedState::default().hash_one(text),
            text: text.into(),
        }
    }
}

impl Hash for Pairs {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

thread_local! {
    /// The pairs of the last request.
    static LAST: RefCell<Pairs> = RefCell::new("".into());
}

/// The pairs, kept once for requests that come one after the other and say the same, as most clients' do.
fn shared(pairs: &str) -> Pairs {
    LAST.with_borrow_mut(|last| {
        if *last.text != *pairs {
            *last = pairs.into();
        }
        last.clone()
    })
}

/// A map of metadata: the origin, then the rest.
pub(super) struct MetadataOut<'a> {
    pub(super) origin: Option<Origin>,
    pub(super) rest: &'a [(Arc<str>, Arc<str>)],
}

impl Serialize for MetadataOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(Origin { job, attempt, turn }) = self.origin {
            let numbers = [job.0, u32::from(attempt.0), u32::from(turn.0)];
            for (key, number) in ORIGIN_KEYS.into_iter().zip(numbers) {
                map.serialize_entry(key, &Digits(number))?;
            }
        }
        for (key, value) in self.rest {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// A number, written as text.
struct Digits(u32);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
