//! Words of the model that show more than plain text does: refusals, annotations, speech, and what it thinks.

use std::sync::Arc;

use serde_json::{Value, json};

use super::item::{Draft, say_delta, text_done, tokens_of};
use super::logprobs::logprobs;
use super::tool_item::progress;
use crate::wire::{Event, Item, ItemStatus, Phase, Shown};

/// Words of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// A message with more than text.
    Message {
        /// How many tokens.
        tokens: u32,
        /// What its text refers to, in the order in which it comes up.
        annotations: Arc<[Annotation]>,
        /// The same words spoken, in base64.
        audio: Option<Arc<str>>,
        /// What it is to the answer, where the model says so.
        phase: Option<Phase>,
    },
    /// A message that declines.
    Refusal {
        /// How many tokens.
        tokens: u32,
    },
    /// Reasoning that is shown.
    Reasoning {
        /// The parts of its summary.
        summary: Arc<[Arc<str>]>,
        /// Its own words, as open models show them.
        text: Option<Arc<str>>,
    },
}

/// What a place in a text refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Annotation {
    /// A page, as found by a search on the web.
    Url {
        /// Its address.
        url: Arc<str>,
        /// Its title.
        title: Arc<str>,
    },
    /// A file, as found by a search in files.
    File {
        /// The file.
        file_id: Arc<str>,
        /// Its name.
        filename: Arc<str>,
    },
    /// A file that code left in its container.
    ContainerFile {
        /// The container.
        container_id: Arc<str>,
        /// The file.
        file_id: Arc<str>,
        /// Its name.
        filename: Arc<str>,
    },
    /// A file that can be fetched.
    FilePath {
        /// The file.
        file_id: Arc<str>,
    },
}

impl Annotation {
    /// As it is written about the characters from `start` to `end`.
    fn json(&self, start: usize, end: usize) -> Value {
        match self {
            Self::Url { url, title } => json!({"type": "url_citation", "url": &**url, "title": &**title,
                "start_index": start, "end_index": end}),
            Self::File { file_id, filename } => json!({"type": "file_citation", "file_id": &**file_id,
                "filename": &**filename, "index": end}),
            Self::ContainerFile {
                container_id,
                file_id,
                filename,
            } => json!({"type": "container_file_citation", "container_id": &**container_id,
                "file_id": &**file_id, "filename": &**filename, "start_index": start, "end_index": end}),
            Self::FilePath { file_id } => json!({"type": "file_path", "file_id": &**file_id, "index": end}),
        }
    }
}

/// A stretch of reasoning: a part of its summary, or its own words.
#[derive(Clone, Copy)]
enum Section {
    Summary(usize),
    Text,
}

/// Tokens of a stretch of reasoning of which less is shown.
pub(super) const REASONING_TOKENS: u32 = 64;

impl Words {
    /// How many tokens it says; none if it only thinks.
    #[must_use]
    pub const fn said(&self) -> Option<u32> {
        match self {
            Self::Message { tokens, .. } | Self::Refusal { tokens } => Some(*tokens),
            Self::Reasoning { .. } => None,
        }
    }

    /// The same with another length of what it says.
    #[must_use]
    pub fn saying(&self, said: u32) -> Self {
        let mut other = self.clone();
        match &mut other {
            Self::Message { tokens, .. } | Self::Refusal { tokens } => *tokens = said,
            Self::Reasoning { .. } => {}
        }
        other
    }

    /// The same without its summary, which nobody asked for.
    pub(super) fn unsummed(&self) -> Self {
        match self {
            Self::Reasoning { text, .. } => Self::Reasoning {
                summary: Arc::from([]),
                text: text.clone(),
            },
            Self::Message { .. } | Self::Refusal { .. } => self.clone(),
        }
    }

    /// How its item's id begins.
    pub(super) const fn prefix(&self) -> &'static str {
        match self {
            Self::Message { .. } | Self::Refusal { .. } => "msg_",
            Self::Reasoning { .. } => "rs_",
        }
    }

    /// What it costs, and how much of that is reasoning.
    pub(super) fn cost(&self) -> (u32, u32) {
        match self {
            Self::Message { tokens, .. } | Self::Refusal { tokens } => (*tokens, 0),
            Self::Reasoning { .. } => {
                let thought = REASONING_TOKENS.max(tokens_of(self.thought().len()));
                (thought, thought)
            }
        }
    }

    /// Everything that reasoning shows, one section behind the other.
    pub(super) fn thought(&self) -> String {
        self.sections().map(|(_, text)| &**text).collect()
    }

    fn sections(&self) -> impl Iterator<Item = (Section, &Arc<str>)> {
        let (summary, text) = match self {
            Self::Reasoning { summary, text } => (&**summary, text.as_ref()),
            Self::Message { .. } | Self::Refusal { .. } => (&[] as &[Arc<str>], None),
        };
        let summary = summary.iter().zip(0..);
        summary
            .map(|(text, place)| (Section::Summary(place), text))
            .chain(text.map(|text| (Section::Text, text)))
    }

    /// The item when `sent` pieces of its words have appeared.
    pub(super) fn item(&self, draft: &Draft, sent: u32, status: ItemStatus) -> Item {
        let id = draft.id.clone();
        let end = draft.end(sent);
        match self {
            Self::Reasoning { .. } => Item::Reasoning {
                id,
                shown: self.thought_of(end),
            },
            Self::Message { .. } | Self::Refusal { .. } => {
                let text: Arc<str> = match end == draft.text.len() {
                    true => draft.text.clone(),
                    false => draft.text[..end].into(),
                };
                let begun = status == ItemStatus::InProgress && text.is_empty();
                let shown = match begun {
                    true => Shown::default(),
                    false => self.part(draft, &text, sent),
                };
                let phase = match self {
                    Self::Message { phase, .. } => *phase,
                    Self::Refusal { .. } | Self::Reasoning { .. } => None,
                };
                Item::Message {
                    id,
                    text,
                    status,
                    phase,
                    shown,
                }
            }
        }
    }

    /// The item whole.
    pub(super) fn whole(&self, draft: &Draft, status: ItemStatus) -> Item {
        self.item(draft, draft.parts, status)
    }

    /// What reasoning shows when so many bytes of it have appeared.
    fn thought_of(&self, end: usize) -> Shown {
        let (mut summary, mut content, mut from) = (Vec::new(), Vec::new(), 0);
        for (section, text) in self.sections() {
            let seen = &text[..end.saturating_sub(from).min(text.len())];
            from += text.len();
            match section {
                _ if seen.is_empty() => {}
                Section::Summary(_) => summary.push(json!({"type": "summary_text", "text": seen})),
                Section::Text => content.push(json!({"type": "reasoning_text", "text": seen})),
            }
        }
        let shown = Shown::of(&json!({"summary": summary}));
        match content.is_empty() {
            true => shown,
            false => shown.with("content", &content.into()),
        }
    }

    /// The content part of a message.
    fn part(&self, draft: &Draft, text: &str, sent: u32) -> Shown {
        match self {
            Self::Refusal { .. } => Shown::of(&json!({"type": "refusal", "refusal": text})),
            Self::Message { .. } | Self::Reasoning { .. } => {
                let seen = self.annotated(draft).filter(|(piece, _)| *piece <= sent);
                let annotations: Vec<Value> = seen.map(|(_, annotation)| annotation).collect();
                let probabilities = match draft.logprobs {
                    Some(wanted) => logprobs(&draft.id.text(), &draft.text, 0..text.len(), wanted),
                    None => json!([]),
                };
                Shown::of(&json!({"type": "output_text", "annotations": annotations,
                    "logprobs": probabilities, "text": text}))
            }
        }
    }

    /// The annotations, each with the piece of the text behind which it comes.
    fn annotated(&self, draft: &Draft) -> impl Iterator<Item = (u32, Value)> {
        let annotations = match self {
            Self::Message { annotations, .. } => &**annotations,
            Self::Refusal { .. } | Self::Reasoning { .. } => &[],
        };
        let count = annotations.len() as u64 + 1;
        annotations.iter().zip(1_u64..).map(move |(annotation, place)| {
            let piece = u64::from(draft.parts) * place / count;
            let piece = u32::try_from(piece).unwrap_or(draft.parts).max(1);
            let characters = |part: u32| draft.text[..draft.end(part)].chars().count();
            (piece, annotation.json(characters(piece - 1), characters(piece)))
        })
    }

    /// The events when it begins, behind the item.
    pub(super) fn begin_events(&self, draft: &Draft, say: &mut impl FnMut(Event)) {
        let shown = match self {
            Self::Reasoning { .. } => return,
            Self::Message { .. } => Shown::default(),
            Self::Refusal { .. } => self.part(draft, "", 0),
        };
        say(part_added(draft, shown));
    }

    /// The events of one piece of its words, counted from 1.
    pub(super) fn piece_events(&self, draft: &Draft, piece: u32, say: &mut impl FnMut(Event)) {
        let bytes = draft.piece(piece);
        match self {
            Self::Reasoning { .. } => self.thought_events(draft, bytes, say),
            Self::Refusal { .. } => {
                let fields = json!({"content_index": 0, "delta": &draft.text[bytes]});
                say(progress(draft, "refusal.delta", &fields));
            }
            Self::Message { .. } => {
                say_delta(draft, bytes, say);
                let due = self.annotated(draft).zip(0..);
                for ((_, annotation), place) in due.filter(|((due, _), _)| *due == piece) {
                    let fields =
                        json!({"content_index": 0, "annotation_index": place, "annotation": annotation});
                    say(progress(draft, "output_text.annotation.added", &fields));
                }
            }
        }
    }

    /// The events of the sections that these bytes of a thought begin, go on with and end.
    fn thought_events(&self, draft: &Draft, bytes: std::ops::Range<usize>, say: &mut impl FnMut(Event)) {
        let mut from = 0;
        for (section, text) in self.sections() {
            let (start, end) = (from, from + text.len());
            from = end;
            let (first, last) = (bytes.start.max(start), bytes.end.min(end));
            if first >= last {
                continue;
            }
            if first == start {
                say(section.begins(draft));
            }
            say(section.goes_on(draft, &text[first - start..last - start]));
            if last == end {
                section.ends(draft, text, say);
            }
        }
    }

    /// The events when it ends, between its last piece and the end of its item.
    pub(super) fn end_events(&self, draft: &Draft, say: &mut impl FnMut(Event)) {
        let text = &draft.text;
        match self {
            Self::Reasoning { .. } => return,
            Self::Refusal { .. } => {
                let fields = json!({"content_index": 0, "refusal": &**text});
                say(progress(draft, "refusal.done", &fields));
            }
            Self::Message { audio, .. } => {
                if let Some(audio) = audio {
                    speech(draft, audio, say);
                }
                say(text_done(draft));
            }
        }
        let shown = self.part(draft, text, draft.parts);
        say(part_done(draft, text, shown));
    }
}

impl Section {
    fn begins(self, draft: &Draft) -> Event {
        match self {
            Self::Summary(place) => summary(draft, "part.added", place, "part", &summary_text("")),
            Self::Text => part_added(draft, Shown::of(&json!({"type": "reasoning_text", "text": ""}))),
        }
    }

    fn goes_on(self, draft: &Draft, delta: &str) -> Event {
        match self {
            Self::Summary(place) => summary(draft, "text.delta", place, "delta", &delta.into()),
            Self::Text => {
                let fields = json!({"content_index": 0, "delta": delta});
                progress(draft, "reasoning_text.delta", &fields)
            }
        }
    }

    fn ends(self, draft: &Draft, text: &Arc<str>, say: &mut impl FnMut(Event)) {
        match self {
            Self::Summary(place) => {
                say(summary(draft, "text.done", place, "text", &(&**text).into()));
                say(summary(draft, "part.done", place, "part", &summary_text(text)));
            }
            Self::Text => {
                let fields = json!({"content_index": 0, "text": &**text});
                say(progress(draft, "reasoning_text.done", &fields));
                let part = json!({"type": "reasoning_text", "text": &**text});
                say(part_done(draft, text, Shown::of(&part)));
            }
        }
    }
}

fn summary_text(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}

fn summary(draft: &Draft, what: &str, place: usize, key: &str, value: &Value) -> Event {
    let fields = json!({"summary_index": place, key: value});
    progress(draft, &format!("reasoning_summary_{what}"), &fields)
}

fn part_added(draft: &Draft, shown: Shown) -> Event {
    Event::PartAdded {
        output: draft.output,
        item_id: draft.id.clone(),
        shown,
    }
}

fn part_done(draft: &Draft, text: &Arc<str>, shown: Shown) -> Event {
    Event::PartDone {
        output: draft.output,
        item_id: draft.id.clone(),
        text: text.clone(),
        shown,
    }
}

/// The events of a message that is spoken too; they name the response alone.
fn speech(draft: &Draft, audio: &str, say: &mut impl FnMut(Event)) {
    let response = &*draft.response.0.text();
    let mut about = |name: &str, fields: Value| {
        let Event::Progress { name, shown, .. } = progress(draft, name, &fields) else {
            return;
        };
        say(Event::Progress {
            name,
            output: 0,
            item_id: "".into(),
            shown,
        });
    };
    about("audio.delta", json!({"response_id": response, "delta": audio}));
    about("audio.done", json!({"response_id": response}));
    about(
        "audio.transcript.delta",
        json!({"response_id": response, "delta": &*draft.text}),
    );
    about("audio.transcript.done", json!({"response_id": response}));
}

/// A blob that stands for the state of an item, as whoever keeps nothing sends it back.
pub(super) fn encrypted(item: &str) -> String {
    let digits = item.split_once('_').map_or(item, |(_, digits)| digits);
    format!("gAAAAB{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ResponseId;

    fn draft(text: &str, parts: u32) -> Draft {
        Draft {
            id: "it_1".into(),
            output: 3,
            text: text.into(),
            after: None,
            parts,
            response: ResponseId("resp_1".into()),
            logprobs: None,
        }
    }

    fn names(words: &Words, draft: &Draft) -> Vec<String> {
        let mut names = Vec::new();
        let mut say = |event: Event| names.push(event.name().trim_start_matches("response.").to_owned());
        words.begin_events(draft, &mut say);
        (1..=draft.parts).for_each(|piece| words.piece_events(draft, piece, &mut say));
        words.end_events(draft, &mut say);
        names
    }

    #[test]
    fn a_piece_that_ends_one_section_begins_the_next() {
        let words = Words::Reasoning {
            summary: [Arc::from("abc"), Arc::from("defg")].into(),
            text: Some("hi".into()),
        };
        let summary = ["part.added", "text.delta", "text.done", "part.done"];
        let summary = summary.map(|what| format!("reasoning_summary_{what}"));
        let text = [
            "content_part.added",
            "reasoning_text.delta",
            "reasoning_text.done",
            "content_part.done",
        ];
        let whole: Vec<String> = [summary.clone(), summary, text.map(str::to_owned)].concat();
        assert_eq!(names(&words, &draft(&words.thought(), 1)), whole);
        let deltas = |parts| {
            let all = names(&words, &draft(&words.thought(), parts));
            all.iter().filter(|name| name.ends_with("delta")).count()
        };
        assert_eq!((deltas(2), deltas(9)), (4, 9));
    }

    #[test]
    fn annotations_come_behind_the_words_that_they_are_about() {
        let page = |title: &str| Annotation::Url {
            url: "https://a.test/".into(),
            title: title.into(),
        };
        let words = Words::Message {
            tokens: 4,
            annotations: [page("one"), page("two")].into(),
            audio: None,
            phase: None,
        };
        let draft = draft("äbcdefgh", 4);
        let [delta, annotation] = ["output_text.delta", "output_text.annotation.added"];
        let expected = [
            "content_part.added",
            delta,
            annotation,
            delta,
            annotation,
            delta,
            delta,
            "output_text.done",
            "content_part.done",
        ];
        assert_eq!(names(&words, &draft), expected);
        let places: Vec<(u32, Value)> = words.annotated(&draft).collect();
        assert_eq!(
            (
                places[1].0,
                &places[1].1["start_index"],
                &places[1].1["end_index"]
            ),
            (2, &json!(1), &json!(3))
        );
        assert_eq!(
            words.annotated(&draft).filter(|(piece, _)| *piece <= 1).count(),
            1
        );
    }
}
