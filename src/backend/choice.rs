//! Which script answers a request of a stranger.

use std::fmt;
use std::sync::Arc;

use super::Script;
use super::contract::is_model;
use crate::fault::HeaderMatch;
use crate::wire::{Create, Echo, InputItem};

/// A script for requests that look like this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What they look like.
    pub when: Looks,
    /// What they are answered with.
    pub script: Script,
}

/// What a request has to look like; what is absent does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looks {
    /// The model that it asks for.
    pub model: Option<Arc<str>>,
    /// What stands somewhere in the texts of its input.
    pub input: Option<Arc<str>>,
    /// What stands in its metadata.
    pub metadata: Vec<MetadataMatch>,
    /// A header that it shows.
    pub header: Option<HeaderMatch>,
}

/// A key that the metadata of a request have to have, and its value if that counts.
pub type MetadataMatch = (Arc<str>, Option<Arc<str>>);

/// The marks of requests that show the header of a choice begin here; those of fault rules stay below.
const MARKS: u32 = 1 << 31;

/// What is found for a request among the choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// The choice of this number, from 0.
    This(u32),
    /// None fits; the one that came nearest, and what kept it.
    Nearest {
        /// Its number, from 0.
        choice: u32,
        /// What kept it, one line each.
        kept_by: Vec<String>,
    },
}

impl Choice {
    /// The headers that choices look at, by the mark of a request that shows one.
    pub fn headers(choices: &[Self]) -> impl Iterator<Item = (u32, HeaderMatch)> + '_ {
        let numbered = choices.iter().zip(0_u32..);
        numbered.filter_map(|(choice, place)| Some((MARKS | place, choice.when.header.clone()?)))
    }

    /// The first choice that fits a request, or the nearest; none where there are no choices.
    ///
    /// - `marks`: what the request is marked with.
    #[must_use]
    pub fn find(choices: &[Self], create: &Create, marks: &[u32]) -> Option<Chosen> {
        let mut nearest: Option<(u32, Vec<String>)> = None;
        for (choice, place) in choices.iter().zip(0_u32..) {
            let kept_by = choice.when.kept_by(create, marks.contains(&(MARKS | place)));
            if kept_by.is_empty() {
                return Some(Chosen::This(place));
            }
            let nearer = |(_, least): &(u32, Vec<String>)| kept_by.len() < least.len();
            if nearest.as_ref().is_none_or(nearer) {
                nearest = Some((place, kept_by));
            }
        }
        nearest.map(|(choice, kept_by)| Chosen::Nearest { choice, kept_by })
    }
}

/// Those marks that are about choices.
pub(super) fn of_choices(marks: &[u32]) -> impl Iterator<Item = u32> + '_ {
    marks.iter().copied().filter(|mark| *mark >= MARKS)
}

impl Looks {
    /// Why a request does not look like this, one line each.
    fn kept_by(&self, create: &Create, shows_header: bool) -> Vec<String> {
        let mut kept_by = Vec::new();
        if let Some(model) = self
            .model
            .as_ref()
            .filter(|model| !is_model(model, &create.model))
        {
            kept_by.push(format!("`model: {model}`, and this asks for `{}`", create.model));
        }
        if let Some(text) = &self.input
            && !texts(create).any(|found| found.contains(&**text))
        {
            kept_by.push(format!("`input: {text}`, which stands nowhere in its input"));
        }
        let metadata = create.request.as_ref().map_or(&[][..], Echo::metadata);
        for (key, value) in &self.metadata {
            match metadata.iter().find(|(known, _)| known == key) {
                None => kept_by.push(format!("`metadata: {key}`, which it does not have")),
                Some((_, found)) if value.as_ref().is_some_and(|value| value != found) => {
                    let wanted = value.as_deref().unwrap_or_default();
                    kept_by.push(format!(
                        "`metadata: {{ {key}: {wanted} }}`, and this has `{found}`"
                    ));
                }
                Some(_) => {}
            }
        }
        if let Some(header) = self.header.as_ref().filter(|_| !shows_header) {
            kept_by.push(match &header.value {
                Some(value) => format!(
                    "`header: {{ name: {}, value: {value} }}`, which it does not show",
                    header.name
                ),
                None => format!("`header: {}`, which it does not show", header.name),
            });
        }
        kept_by
    }
}

/// The texts of an input.
fn texts(create: &Create) -> impl Iterator<Item = &str> {
    create.input.iter().filter_map(|item| match item {
        InputItem::Message { text } => Some(&**text),
        InputItem::FunctionCallOutput { output, .. } => Some(&**output),
        InputItem::McpApprovalResponse { .. } | InputItem::Replayed { .. } => None,
    })
}

impl fmt::Display for Looks {
    /// What it looks at, without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            self.model.as_ref().map(|_| "model"),
            self.input.as_ref().map(|_| "input"),
            (!self.metadata.is_empty()).then_some("metadata"),
            self.header.as_ref().map(|_| "header"),
        ];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        write!(f, "when: {}", words.join(", "))
    }
}
