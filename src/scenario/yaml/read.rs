//! From text to tree.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use super::bytes::accept;
use super::cause::plain_words;
use super::tree::{Entry, Key, Node, NodeKind, Scalar, Style};
use crate::scenario::diagnostic::{Diagnostic, Diagnostics, quoted};
use crate::scenario::source::{SourceId, Sources, Span};

/// Lists and maps are nested at most this deep, aliases followed.
pub const DEPTH_MAX: usize = 64;
/// A file has at most this many nodes, aliases and anchored copies counted.
pub const NODES_MAX: usize = 250_000;
/// The texts of a file have at most this many bytes together, aliases and anchored copies counted.
pub const TEXT_MAX: usize = 8 << 20;

/// Reads a file: bytes into a tree, complaints into `out`.
///
/// The text is kept in `sources` under `name` in any case, so that complaints can show it. A tree comes back
/// even if keys were there twice or tags were used, so that a decoder can go on and find further mistakes;
/// whether the file is sound is told by [`Diagnostics::has_errors`]. Nothing comes back if the YAML is broken.
///
/// ```
/// use lanebench::scenario::{Diagnostics, Sources, read};
/// let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
/// let tree = read(&mut sources, "one.yaml", b"lane: background\n", &mut out);
/// assert!(tree.is_some() && out.is_empty());
/// ```
pub fn read(sources: &mut Sources, name: &str, bytes: &[u8], out: &mut Diagnostics) -> Option<Node> {
    let source = match accept(sources, name, bytes) {
        Ok(source) => source,
        Err(diagnostic) => {
            out.push(diagnostic);
            return None;
        }
    };
    let text = sources.get(source).text();
    let mut builder = Builder::new(Text::new(source, text), out);
    if let Err(diagnostic) = builder.run() {
        out.push(*diagnostic);
        return None;
    }
    builder.finish(name)
}

/// A reason to stop reading; boxed, since it is rare and large.
type Stop = Box<Diagnostic>;

fn stop(diagnostic: Diagnostic) -> Stop {
    Box::new(diagnostic)
}

/// The text with the byte offset of every character: the parser counts characters.
struct Text<'t> {
    source: SourceId,
    text: &'t str,
    offsets: Option<Vec<u32>>,
}

impl<'t> Text<'t> {
    fn new(source: SourceId, text: &'t str) -> Self {
        let offset = |(at, _): (usize, char)| u32::try_from(at).unwrap_or(u32::MAX);
        let offsets = (!text.is_ascii()).then(|| text.char_indices().map(offset).collect());
        Self {
            source,
            text,
            offsets,
        }
    }

    fn end(&self) -> u32 {
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    fn offset(&self, mark: &Marker) -> u32 {
        match &self.offsets {
            Some(offsets) => offsets.get(mark.index()).copied().unwrap_or(self.end()),
            None => u32::try_from(mark.index()).map_or(self.end(), |index| index.min(self.end())),
        }
    }

    /// The stretch between two marks, without the blanks at its end.
    fn span(&self, span: saphyr_parser::Span) -> Span {
        let (start, end) = (self.offset(&span.start), self.offset(&span.end));
        let end = end.max(start);
        let shown = self.text[start as usize..end as usize].trim_end().len();
        Span {
            source: self.source,
            start,
            end: start + u32::try_from(shown).unwrap_or_default(),
        }
    }

    /// The character at an offset; the last visible one where the offset is past it.
    fn character(&self, offset: u32) -> Span {
        let visible = self.text.trim_end();
        let at = (offset as usize).min(visible.len());
        let start = match visible[at..].chars().next() {
            Some(_) => at,
            None => visible.char_indices().next_back().map_or(0, |(last, _)| last),
        };
        let width = self.text[start..].chars().next().map_or(0, char::len_utf8);
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            source: self.source,
            start: offset(start),
            end: offset(start + width),
        }
    }

    fn starts_with(&self, span: Span, first: [char; 2]) -> bool {
        self.text[span.start as usize..].starts_with(first)
    }
}

/// How much a node costs.
#[derive(Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    text: usize,
    depth: usize,
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.nodes += other.nodes;
        self.text += other.text;
        self.depth = self.depth.max(other.depth + 1);
    }
}

/// A list or map that is not complete yet.
struct Frame {
    start: Span,
    anchor: usize,
    flow: bool,
    tagged: bool,
    weight: Weight,
    content: Content,
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
    node: Node,
    weight: Weight,
}

struct Builder<'t, 'o> {
    text: Text<'t>,
    out: &'o mut Diagnostics,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Anchored>,
    open_anchors: BTreeSet<usize>,
    spent: Weight,
    documents: usize,
    root: Option<Node>,
}

impl<'t, 'o> Builder<'t, 'o> {
    fn new(text: Text<'t>, out: &'o mut Diagnostics) -> Self {
        Self {
            text,
            out,
            stack: Vec::new(),
            anchors: BTreeMap::new(),
            open_anchors: BTreeSet::new(),
            spent: Weight::default(),
            documents: 0,
            root: None,
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        let mut parser = Parser::new_from_str(self.text.text);
        while let Some(step) = parser.next_event() {
            let (event, span) = step.map_err(|error| self.broken(&error))?;
            let span = self.text.span(span);
            if matches!(event, Event::DocumentStart(_)) && self.second_document(span) {
                return Ok(());
            }
            self.take(event, span)?;
        }
        Ok(())
    }

    fn finish(self, name: &str) -> Option<Node> {
        let empty = self.root.as_ref().is_none_or(|node| node.kind == NodeKind::Null);
        if empty && !self.out.has_errors() {
            let what = if self.text.text.trim().is_empty() {
                "is empty"
            } else {
                "holds nothing but comments"
            };
            let span = Span {
                source: self.text.source,
                start: 0,
                end: 0,
            };
            let help = "a file holds one map of keys and values";
            self.out.push(
                Diagnostic::error(format!("{} {what}", quoted(name)))
                    .at(span, "")
                    .help(help),
            );
        }
        self.root.filter(|_| !empty)
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), span)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::SequenceStart(anchor, tag) => {
                let flow = self.text.starts_with(span, ['[', '[']);
                self.open(Content::List(Vec::new()), flow, anchor, tag.as_deref(), span)
            }
            Event::MappingStart(anchor, tag) => {
                let flow = self.text.starts_with(span, ['{', '{']);
                let content = Content::Map {
                    entries: Vec::new(),
                    seen: BTreeMap::new(),
                    key: None,
                };
                self.open(content, flow, anchor, tag.as_deref(), span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn second_document(&mut self, span: Span) -> bool {
        self.documents += 1;
        if self.documents == 2 {
            let error = Diagnostic::error("a second document in one file")
                .at(span, "begins here")
                .help("put each document into a file of its own");
            self.out.push(error);
        }
        self.documents > 1
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Stop> {
        let plain = style == ScalarStyle::Plain;
        if self.awaits_key() && anchor == 0 && tag.is_none() {
            return self.key(text, plain, span);
        }
        self.no_key_here(span)?;
        let kind = match text {
            _ if self.tagged(tag, span) => NodeKind::Broken,
            "" | "~" | "null" | "Null" | "NULL" if plain => NodeKind::Null,
            _ => NodeKind::Scalar(self.spelled(text, if plain { Style::Plain } else { Style::Quoted }, span)),
        };
        let place = match self.pending_key() {
            Some(key) if kind == NodeKind::Null && span.start == span.end => key,
            _ => span,
        };
        let node = Node {
            span: place,
            header: self.pending_key().unwrap_or(place),
            kind,
        };
        self.add(
            node,
            anchor,
            Weight {
                nodes: 1,
                text: text.len(),
                depth: 0,
            },
        )
    }

    /// The scalar, with the place of its text if the file has it letter by letter.
    fn spelled(&self, text: &str, style: Style, span: Span) -> Scalar {
        let start =
            span.start + u32::from(self.text.starts_with(span, ['"', '\'']) && style == Style::Quoted);
        let verbatim = self.text.text[start as usize..]
            .starts_with(text)
            .then_some(start);
        Scalar::new(text.to_owned(), style, verbatim)
    }

    fn key(&mut self, text: &str, plain: bool, span: Span) -> Result<(), Stop> {
        if plain && text == "<<" {
            let help = "write the keys out, or use an alias for a whole value";
            return Err(stop(
                Diagnostic::error("merge keys are not supported")
                    .at(span, "")
                    .help(help),
            ));
        }
        if plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            let span = if span.start == span.end {
                self.text.character(span.start)
            } else {
                span
            };
            return Err(stop(
                Diagnostic::error("a key is missing").at(span, "expected `key: value`"),
            ));
        }
        self.charge(
            Weight {
                nodes: 1,
                text: text.len(),
                depth: 0,
            },
            span,
        )?;
        if let Some(Frame {
            content: Content::Map { key, .. },
            weight,
            ..
        }) = self.stack.last_mut()
        {
            (weight.nodes, weight.text) = (weight.nodes + 1, weight.text + text.len());
            *key = Some(Key {
                span,
                text: text.to_owned(),
            });
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        self.no_key_here(span)?;
        if self.open_anchors.contains(&anchor) {
            return Err(stop(
                Diagnostic::error("an alias inside the value it stands for").at(span, "never ends"),
            ));
        }
        let header = self.pending_key().unwrap_or(span);
        let (kind, weight) = match self.anchors.get(&anchor) {
            Some(anchored) => (&anchored.node.kind, anchored.weight),
            None => (&NodeKind::Broken, Weight::default()),
        };
        // Paid before it is copied.
        let kind = if self.affordable(weight) {
            kind.clone()
        } else {
            NodeKind::Broken
        };
        self.add(Node { span, header, kind }, 0, weight)
    }

    fn open(
        &mut self,
        content: Content,
        flow: bool,
        anchor: usize,
        tag: Option<&Tag>,
        start: Span,
    ) -> Result<(), Stop> {
        self.no_key_here(start)?;
        if self.stack.len() >= DEPTH_MAX {
            return Err(self.too_deep(start));
        }
        if anchor != 0 {
            self.open_anchors.insert(anchor);
        }
        let tagged = self.tagged(tag, start);
        let weight = Weight {
            nodes: 1,
            text: 0,
            depth: 0,
        };
        self.charge(weight, start)?;
        self.stack.push(Frame {
            start,
            anchor,
            flow,
            tagged,
            weight,
            content,
        });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), Stop> {
        let Some(Frame {
            start,
            anchor,
            flow,
            tagged,
            weight,
            content,
        }) = self.stack.pop()
        else {
            return Ok(());
        };
        let last = match &content {
            Content::List(items) => items.last().map(|node| node.span),
            Content::Map { entries, .. } => entries.last().map(|entry| entry.key.span.to(entry.value.span)),
        };
        let span = if flow {
            start.to(end)
        } else {
            last.map_or(start, |last| start.to(last))
        };
        let first = match &content {
            Content::Map { entries, .. } if !flow => entries.first().map_or(start, |entry| entry.key.span),
            _ => Span {
                end: start.end.max(start.start + 1).min(self.text.end()),
                ..start
            },
        };
        let kind = match content {
            _ if tagged => NodeKind::Broken,
            Content::List(items) => NodeKind::List(items),
            Content::Map { entries, .. } => NodeKind::Map(entries),
        };
        self.open_anchors.remove(&anchor);
        let header = self.pending_key().unwrap_or(first);
        // What is inside was paid for when it came; the anchored copy is not.
        self.attach(Node { span, header, kind }, anchor, weight)
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
                    node: node.clone(),
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

    fn affordable(&self, weight: Weight) -> bool {
        self.spent.nodes + weight.nodes <= NODES_MAX && self.spent.text + weight.text <= TEXT_MAX
    }

    fn charge(&mut self, weight: Weight, span: Span) -> Result<(), Stop> {
        if !self.affordable(weight) {
            let message =
                format!("more than {NODES_MAX} values or {TEXT_MAX} bytes of text, aliases followed");
            let help = "aliases multiply what they stand for; write less, or split the file";
            return Err(stop(
                Diagnostic::error(message)
                    .at(span, "over the limit here")
                    .help(help),
            ));
        }
        self.spent.add(weight);
        Ok(())
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
        match self.stack.last() {
            Some(Frame {
                content: Content::Map { key: Some(key), .. },
                ..
            }) => Some(key.span),
            _ => None,
        }
    }

    fn no_key_here(&self, span: Span) -> Result<(), Stop> {
        if !self.awaits_key() {
            return Ok(());
        }
        let help = "lists, maps, aliases, anchors and tags cannot be keys";
        Err(stop(
            Diagnostic::error("a key has to be a plain word")
                .at(self.text.character(span.start), "")
                .help(help),
        ))
    }

    fn tagged(&mut self, tag: Option<&Tag>, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        let name = if tag.is_yaml_core_schema() {
            format!("!!{}", tag.suffix)
        } else {
            tag.to_string()
        };
        let help = if name == "!!str" {
            "put the text into quotes instead"
        } else {
            "remove the tag; a case with a value is written `case: value`"
        };
        let error = Diagnostic::error(format!("tags such as {} are not used", quoted(&name)));
        self.out.push(error.at(span, "carries a tag").help(help));
        true
    }

    fn too_deep(&self, span: Span) -> Stop {
        let message = format!("lists and maps are nested more than {DEPTH_MAX} deep");
        stop(Diagnostic::error(message).at(self.text.character(span.start), "one level too many"))
    }

    /// The parser's complaint, with the bracket that is still open, if any.
    fn broken(&self, error: &ScanError) -> Stop {
        let cause = plain_words(error.info());
        let at = self.text.character(self.text.offset(error.marker()));
        let diagnostic = Diagnostic::error(format!("broken YAML: {}", cause.what)).at(at, "");
        let open = self.stack.iter().rev().find(|frame| frame.flow);
        let diagnostic = match open {
            Some(frame) => diagnostic.at(self.text.character(frame.start.start), "opened here"),
            None => diagnostic,
        };
        stop(diagnostic.maybe_help(cause.help.map(str::to_owned)))
    }
}

fn twice(key: &Key, first: Span) -> Diagnostic {
    Diagnostic::error(format!("the key {} is there twice", quoted(&key.text)))
        .at(key.span, "again here")
        .at(first, "first here")
        .help("remove one of them")
}
