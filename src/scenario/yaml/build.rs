//! From the parser's events to a tree, within a budget.

use std::collections::BTreeMap;

use saphyr_parser::{Event, ScalarStyle, ScanError, Tag};

use super::cause::plain_words;
use super::text::Text;
use super::tree::{Entry, Key, Node, NodeKind, Scalar, Style};
use crate::scenario::diagnostic::{Diagnostic, Diagnostics, quoted};
use crate::scenario::source::Span;

/// Lists and maps are nested at most this deep, aliases followed.
pub const DEPTH_MAX: usize = 64;
/// A file has at most this many nodes, aliases and anchored copies counted.
pub const NODES_MAX: usize = 250_000;
/// The texts of a file have at most this many bytes together, aliases and anchored copies counted.
pub const TEXT_MAX: usize = 8 << 20;

/// A reason to stop reading; boxed, since it is rare and large.
pub(super) type Stop = Box<Diagnostic>;

/// How much a node costs.
#[derive(Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    text: usize,
    depth: usize,
}

impl Weight {
    const fn of_text(text: &str) -> Self {
        Self {
            nodes: 1,
            text: text.len(),
            depth: 0,
        }
    }

    fn add(&mut self, part: Self) {
        self.nodes += part.nodes;
        self.text += part.text;
        self.depth = self.depth.max(part.depth + 1);
    }
}

/// A list or map that is not complete yet.
struct Frame {
    /// The first character of the list or map itself.
    start: u32,
    flow: Flow,
    anchor: usize,
    tagged: Tagged,
    weight: Weight,
    content: Content,
}

/// Whether a list or map stands in brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Brackets,
    Lines,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tagged {
    Yes,
    No,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: BTreeMap<String, Span>,
        key: Option<Key>,
    },
}

struct Anchored {
    kind: NodeKind,
    weight: Weight,
}

/// Puts nodes together. Invariant: what is in the tree and what is kept for aliases has been paid for.
pub(super) struct Builder<'t, 'o> {
    text: &'t Text<'t>,
    out: &'o mut Diagnostics,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Anchored>,
    spent: Weight,
    root: Option<Node>,
}

impl<'t, 'o> Builder<'t, 'o> {
    pub(super) const fn new(text: &'t Text<'t>, out: &'o mut Diagnostics) -> Self {
        let spent = Weight {
            nodes: 0,
            text: 0,
            depth: 0,
        };
        Self {
            text,
            out,
            stack: Vec::new(),
            anchors: BTreeMap::new(),
            spent,
            root: None,
        }
    }

    pub(super) fn finish(self) -> Option<Node> {
        self.root
    }

    pub(super) fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), span)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::SequenceStart(anchor, tag) => {
                self.open(Content::List(Vec::new()), '[', anchor, tag.as_deref(), span)
            }
            Event::MappingStart(anchor, tag) => {
                let content = Content::Map {
                    entries: Vec::new(),
                    seen: BTreeMap::new(),
                    key: None,
                };
                self.open(content, '{', anchor, tag.as_deref(), span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    pub(super) fn second_document(&mut self, span: Span) {
        let at = if span.start == span.end {
            self.text.character(span.start)
        } else {
            span
        };
        let error = Diagnostic::error("a second document in one file").at(at, "begins here");
        self.out
            .push(error.help("put each document into a file of its own"));
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Stop> {
        let style = if style == ScalarStyle::Plain {
            Style::Plain
        } else {
            Style::Quoted
        };
        let own = self.text.scalar(span);
        if self.awaits_key() && anchor == 0 && tag.is_none() {
            return self.key(text, style, own);
        }
        self.no_key_here(span)?;
        let kind = match (self.tagged(tag, span), style) {
            (Tagged::Yes, _) => NodeKind::Broken,
            (Tagged::No, Style::Plain) if is_null(text) => NodeKind::Null,
            _ => NodeKind::Scalar(self.spelled(text, style, own)),
        };
        // Nothing at all is shown as the key or the dash in front of it.
        let empty = style == Style::Plain && text.is_empty();
        let place = if empty {
            self.pending_key().unwrap_or(self.text.before(span.start))
        } else {
            own
        };
        let node = Node {
            span: place,
            header: self.pending_key().unwrap_or(place),
            kind,
        };
        self.add(node, anchor, Weight::of_text(text))
    }

    /// The scalar, with the place of its text if the file has it letter by letter.
    fn spelled(&self, text: &str, style: Style, own: Span) -> Scalar {
        let quoted =
            style == Style::Quoted && ['"', '\''].iter().any(|q| self.text.starts_with(own.start, *q));
        let start = own.start + u32::from(quoted);
        let here = self
            .text
            .text
            .get(start as usize..own.end as usize)
            .unwrap_or_default();
        Scalar::new(text.to_owned(), style, here.starts_with(text).then_some(start))
    }

    fn key(&mut self, text: &str, style: Style, own: Span) -> Result<(), Stop> {
        if style == Style::Plain && text == "<<" {
            let error = Diagnostic::error("merge keys are not supported").at(own, "");
            return Err(Box::new(
                error.help("write the keys out, or use an alias for a whole value"),
            ));
        }
        if style == Style::Plain && is_null(text) {
            let at = if own.start == own.end {
                self.text.character(own.start)
            } else {
                own
            };
            return Err(Box::new(
                Diagnostic::error("a key is missing").at(at, "expected `key: value`"),
            ));
        }
        let cost = Weight::of_text(text);
        self.charge(cost, own)?;
        if let Some(Frame {
            content: Content::Map { key, .. },
            weight,
            ..
        }) = self.stack.last_mut()
        {
            weight.add(cost);
            *key = Some(Key {
                span: own,
                text: text.to_owned(),
            });
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        self.no_key_here(span)?;
        // The parser knows the anchor, so one that is not kept yet is still open around us.
        let Some(Anchored { weight, .. }) = self.anchors.get(&anchor) else {
            let error = Diagnostic::error("an alias inside the value it stands for");
            return Err(Box::new(error.at(span, "never ends")));
        };
        let weight = *weight;
        self.afford(weight, span)?;
        let kind = self
            .anchors
            .get(&anchor)
            .map_or(NodeKind::Broken, |anchored| anchored.kind.clone());
        let header = self.pending_key().unwrap_or(span);
        self.add(Node { span, header, kind }, 0, weight)
    }

    fn open(
        &mut self,
        content: Content,
        bracket: char,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Stop> {
        self.no_key_here(span)?;
        if self.stack.len() >= DEPTH_MAX {
            return Err(self.too_deep(span));
        }
        let start = self.text.behind_properties(span.start);
        let flow = if self.text.starts_with(start, bracket) {
            Flow::Brackets
        } else {
            Flow::Lines
        };
        let tagged = self.tagged(tag, span);
        let weight = Weight {
            nodes: 1,
            ..Weight::default()
        };
        self.charge(weight, span)?;
        self.stack.push(Frame {
            start,
            flow,
            anchor,
            tagged,
            weight,
            content,
        });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), Stop> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let first = self.text.character(frame.start);
        let (first, last) = match &frame.content {
            _ if frame.flow == Flow::Brackets => (first, end),
            Content::List(items) => (first, items.last().map_or(first, |node| node.span)),
            Content::Map { entries, .. } => match (entries.first(), entries.last()) {
                (Some(Entry { key, .. }), Some(last)) => (key.span, last.key.span.to(last.value.span)),
                _ => (first, first),
            },
        };
        let kind = match frame.content {
            _ if frame.tagged == Tagged::Yes => NodeKind::Broken,
            Content::List(items) => NodeKind::List(items),
            Content::Map { entries, .. } => NodeKind::Map(entries),
        };
        let node = Node {
            span: first.to(last),
            header: self.pending_key().unwrap_or(first),
            kind,
        };
        // What is inside was paid for when it came.
        self.attach(node, frame.anchor, frame.weight)
    }

    /// Pays for a node and puts it in its place.
    fn add(&mut self, node: Node, anchor: usize, weight: Weight) -> Result<(), Stop> {
        if self.stack.len() + weight.depth > DEPTH_MAX {
            return Err(self.too_deep(node.span));
        }
        self.charge(weight, node.span)?;
        self.attach(node, anchor, weight)
    }

    fn attach(&mut self, node: Node, anchor: usize, weight: Weight) -> Result<(), Stop> {
        if anchor != 0 {
            self.charge(weight, node.span)?;
            self.anchors.insert(
                anchor,
                Anchored {
                    kind: node.kind.clone(),
                    weight,
                },
            );
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        frame.weight.add(weight);
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, seen, key } => {
                let Some(key) = key.take() else { return Ok(()) };
                match seen.get(&key.text) {
                    Some(first) => self.out.push(twice(&key, *first)),
                    None => {
                        seen.insert(key.text.clone(), key.span);
                        entries.push(Entry { key, value: node });
                    }
                }
            }
        }
        Ok(())
    }

    fn charge(&mut self, cost: Weight, span: Span) -> Result<(), Stop> {
        self.afford(cost, span)?;
        self.spent.add(cost);
        Ok(())
    }

    fn afford(&self, cost: Weight, span: Span) -> Result<(), Stop> {
        if self.spent.nodes + cost.nodes <= NODES_MAX && self.spent.text + cost.text <= TEXT_MAX {
            return Ok(());
        }
        let message = format!("more than {NODES_MAX} values or {TEXT_MAX} bytes of text, aliases followed");
        let help = "aliases multiply what they stand for; write less, or split the file";
        Err(Box::new(
            Diagnostic::error(message)
                .at(span, "over the limit here")
                .help(help),
        ))
    }

    fn awaits_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Frame {
                content: Content::Map { key: None, .. },
                ..
            })
        )
    }

    fn pending_key(&self) -> Option<Span> {
        match &self.stack.last()?.content {
            Content::Map { key, .. } => key.as_ref().map(|key| key.span),
            Content::List(_) => None,
        }
    }

    fn no_key_here(&self, span: Span) -> Result<(), Stop> {
        if !self.awaits_key() {
            return Ok(());
        }
        let help = "lists, maps, aliases, anchors and tags cannot be keys";
        let error = Diagnostic::error("a key has to be a plain word");
        Err(Box::new(error.at(self.text.character(span.start), "").help(help)))
    }

    fn tagged(&mut self, tag: Option<&Tag>, span: Span) -> Tagged {
        let Some(tag) = tag else { return Tagged::No };
        let (name, help) = match tag.suffix.as_str() {
            "str" if tag.is_yaml_core_schema() => ("!!str".to_owned(), "put the text into quotes instead"),
            suffix if tag.is_yaml_core_schema() => (format!("!!{suffix}"), "remove the tag"),
            suffix => (
                format!("!{suffix}"),
                "remove the tag; a case with a value is written `case: value`",
            ),
        };
        let error = Diagnostic::error(format!("tags such as {} are not used", quoted(&name)));
        self.out.push(error.at(self.text.first_word(span), "").help(help));
        Tagged::Yes
    }

    fn too_deep(&self, span: Span) -> Stop {
        let message = format!("lists and maps are nested more than {DEPTH_MAX} deep");
        Box::new(Diagnostic::error(message).at(self.text.character(span.start), "one level too many"))
    }

    /// The parser's complaint in plain words, with the bracket that is still open, if any.
    pub(super) fn broken(&self, error: &ScanError) -> Stop {
        let at = self.text.offset(error.marker());
        let here = self.text.character(at);
        let open = self.stack.iter().rev().find(|frame| frame.flow == Flow::Brackets);
        let unclosed = open.filter(|frame| self.text.is_end(at) || self.text.breaks(frame.start, here.start));
        if let Some(tab) = self.text.tab_near(at) {
            let error = Diagnostic::error("broken YAML: a tab where only spaces may stand").at(tab, "");
            return Box::new(error.help("indent with spaces"));
        }
        if let Some(frame) = unclosed {
            let (what, close) = match frame.content {
                Content::List(_) => ("a list", ']'),
                Content::Map { .. } => ("a map", '}'),
            };
            let error = Diagnostic::error(format!("broken YAML: {what} in brackets is not closed"));
            let opened = self.text.character(frame.start);
            let error = error
                .at(here, format!("expected `,` or `{close}`"))
                .at(opened, "opened here");
            return Box::new(error);
        }
        let cause = plain_words(error.info());
        let error = Diagnostic::error(format!("broken YAML: {}", cause.what)).at(here, "");
        Box::new(error.maybe_help(cause.help.map(str::to_owned)))
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn twice(key: &Key, first: Span) -> Diagnostic {
    Diagnostic::error(format!("the key {} is there twice", quoted(&key.text)))
        .at(key.span, "again here")
        .at(first, "first here")
        .help("remove one of them")
}
