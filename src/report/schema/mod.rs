//! JSON Schemas of the files that users write, for editors.
//!
//! A schema sees the shape of a file: keys, types, words and patterns. What depends on other files (names of tasks, of
//! tools, of attributes that a policy declares) is left to the program itself.
//!
//! Invariant: a file that the program takes is taken by its schema; a key that the program does not know is refused by
//! both, except among names that users choose.

mod analysed;
mod comparison;
mod control;
mod expectation;
mod plan;
mod scenario;
mod service;
mod value;

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::json::pretty;
use crate::scenario::{nearest, quoted_list};

/// A format that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaKind {
    /// Lane policies.
    Policy,
    /// The registry of kinds.
    Kinds,
    /// Scenarios.
    Scenario,
    /// Comparisons of strategies.
    Comparison,
    /// Waivers of a loosened boundary.
    Waiver,
    /// How the model service behaves when it stands alone.
    Service,
    /// The control API of the service that stands alone: an OpenAPI document.
    Control,
}

impl SchemaKind {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Policy,
        Self::Kinds,
        Self::Scenario,
        Self::Comparison,
        Self::Waiver,
        Self::Service,
        Self::Control,
    ];

    /// The word used on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Kinds => "kinds",
            Self::Scenario => "scenario",
            Self::Comparison => "comparison",
            Self::Waiver => "waiver",
            Self::Service => "service",
            Self::Control => "control",
        }
    }

    /// The schema, by JSON Schema 2020-12; of the control API, the document by OpenAPI 3.1.
    #[must_use]
    pub fn schema(self) -> String {
        let (title, body) = match self {
            Self::Policy => ("Lane policy of Lanebench", analysed::policy()),
            Self::Kinds => ("Registry of kinds of Lanebench", plan::kinds()),
            Self::Scenario => ("Scenario of Lanebench", scenario::scenario()),
            Self::Comparison => ("Comparison of Lanebench", comparison::comparison()),
            Self::Waiver => ("Waiver of Lanebench", analysed::waiver()),
            Self::Service => ("Service file of Lanebench", scenario::service()),
            Self::Control => return pretty(&control::control()),
        };
        let mut document = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": title,
            "$defs": value::definitions(),
        });
        if let (Value::Object(document), Value::Object(body)) = (&mut document, body) {
            document.extend(body);
        }
        pretty(&document)
    }
}

impl fmt::Display for SchemaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names no format with a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{word}`{}; formats: {}", meant(*.nearest), quoted_list(words()))]
pub struct SchemaKindError {
    /// What was written.
    word: String,
    /// What was most likely meant.
    nearest: Option<&'static str>,
}

impl FromStr for SchemaKind {
    type Err = SchemaKindError;

    fn from_str(word: &str) -> Result<Self, SchemaKindError> {
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| SchemaKindError {
            word: word.to_owned(),
            nearest: nearest(word, words()),
        })
    }
}

fn words() -> impl Iterator<Item = &'static str> {
    SchemaKind::ALL.into_iter().map(SchemaKind::word)
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}
