//! Steps in which the model says or shows something.
//!
//! | step | keys |
//! |---|---|
//! | `message` | `tokens`, `takes`; `annotations`, a list; `audio`, the same words spoken, in base64; `phase`, `commentary` or `final_answer` |
//! | `refusal` | `tokens`, `takes` |
//! | `reasoning` | `takes`; `summary`, its parts, which strangers see if they ask for `reasoning.summary`; `text`, its own words |
//!
//! | annotation | keys |
//! |---|---|
//! | `url_citation` | `url`, `title` |
//! | `file_citation` | `file_id`, `filename` |
//! | `container_file_citation` | `container_id`, `file_id`, `filename` |
//! | `file_path` | `file_id` |
//!
//! Annotations come evenly between the pieces of the text, each about the piece in front of it; parts of a summary and the
//! text behind them appear evenly over the step.

use std::sync::Arc;

use super::defaults;
use super::value::{filled, law, named, text};
use crate::backend::{Annotation, Step, StepWork, Words};
use crate::rng::Law;
use crate::scenario::decode::{MapReader, list, map, quantity, variant};
use crate::scenario::{Diagnostics, Node, NodeKind};
use crate::wire::Phase;

/// Longer messages are refused.
const TOKENS_MAX: u32 = 1_000_000;

/// Reads a message.
pub(super) fn message(node: &Node, out: &mut Diagnostics) -> Option<Step> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        return tokens(node, out).map(|tokens| spoken(StepWork::Message { tokens }, tokens, None));
    }
    let mut keys = map(node, out)?;
    let length = length(&mut keys);
    let annotations = keys.or("annotations", Vec::new(), list(annotation));
    let audio = keys.optional("audio", filled);
    let phase = keys.optional("phase", named("phase", &Phase::ALL, Phase::word));
    keys.finish();
    let ((tokens, takes), annotations, audio, phase) = (length?, annotations?, audio?, phase?);
    let work = match annotations.is_empty() && audio.is_none() && phase.is_none() {
        true => StepWork::Message { tokens },
        false => StepWork::Words(Arc::new(Words::Message {
            tokens,
            annotations: annotations.into(),
            audio,
            phase,
        })),
    };
    Some(spoken(work, tokens, takes))
}

/// Reads a message that declines.
pub(super) fn refusal(node: &Node, out: &mut Diagnostics) -> Option<Step> {
    let (tokens, takes) = match node.kind {
        NodeKind::Map(_) => {
            let mut keys = map(node, out)?;
            let length = length(&mut keys);
            keys.finish();
            length?
        }
        _ => (tokens(node, out)?, None),
    };
    let work = StepWork::Words(Arc::new(Words::Refusal { tokens }));
    Some(spoken(work, tokens, takes))
}

/// Reads reasoning; what shows nothing is a law alone.
pub(super) fn reasoning(node: &Node, out: &mut Diagnostics) -> Option<Step> {
    if !says_more(node) {
        let takes = law(node, out)?;
        let work = StepWork::Reasoning;
        return Some(Step { work, takes });
    }
    let mut keys = map(node, out)?;
    let takes = keys.required("takes", law);
    let summary = keys.or("summary", Vec::new(), list(filled));
    let text = keys.optional("text", filled);
    keys.finish();
    let (takes, summary, text) = (takes?, summary?, text?);
    let work = match summary.is_empty() && text.is_none() {
        true => StepWork::Reasoning,
        false => StepWork::Words(Arc::new(Words::Reasoning {
            summary: summary.into(),
            text,
        })),
    };
    Some(Step { work, takes })
}

/// Whether the map says more than a law does.
fn says_more(node: &Node) -> bool {
    let NodeKind::Map(entries) = &node.kind else {
        return false;
    };
    let own = ["takes", "summary", "text"];
    entries.iter().any(|entry| own.contains(&entry.key.text.as_str()))
}

/// How many tokens, and how long they take if that is said.
fn length(keys: &mut MapReader<'_, '_>) -> Option<(u32, Option<Law>)> {
    let (count, takes) = (keys.required("tokens", tokens), keys.optional("takes", law));
    Some((count?, takes?))
}

fn tokens(node: &Node, out: &mut Diagnostics) -> Option<u32> {
    quantity("tokens", 0..=TOKENS_MAX)(node, out)
}

fn spoken(work: StepWork, tokens: u32, takes: Option<Law>) -> Step {
    let takes = takes.unwrap_or_else(|| defaults::message_takes(tokens));
    Step { work, takes }
}

const ANNOTATIONS: [&str; 4] = [
    "url_citation",
    "file_citation",
    "container_file_citation",
    "file_path",
];

fn annotation(node: &Node, out: &mut Diagnostics) -> Option<Annotation> {
    let case = variant("annotation", &ANNOTATIONS, node, out)?;
    let name = case.name;
    case.value(
        |node, out| {
            let mut keys = map(node, out)?;
            let found = annotation_of(name, &mut keys);
            keys.finish();
            found
        },
        out,
    )
}

fn annotation_of(name: &str, keys: &mut MapReader<'_, '_>) -> Option<Annotation> {
    if name == "url_citation" {
        let (url, title) = (keys.required("url", text), keys.required("title", text));
        return Some(Annotation::Url {
            url: url?,
            title: title?,
        });
    }
    if name == "file_path" {
        let file_id = keys.required("file_id", text)?;
        return Some(Annotation::FilePath { file_id });
    }
    let container_id = match name {
        "container_file_citation" => keys.required("container_id", text).map(Some),
        _ => Some(None),
    };
    let (file_id, filename) = (keys.required("file_id", text), keys.required("filename", text));
    let (container_id, file_id, filename) = (container_id?, file_id?, filename?);
    Some(match container_id {
        Some(container_id) => Annotation::ContainerFile {
            container_id,
            file_id,
            filename,
        },
        None => Annotation::File { file_id, filename },
    })
}
