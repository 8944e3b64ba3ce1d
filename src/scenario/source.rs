//! Texts that users wrote, places in them, and how one text names another.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// A text held by [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A stretch of a text, in bytes; `end` is exclusive and never before `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes as a range for slicing.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The stretch from the start of this one to the end of `other`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            end: other.end.max(self.end),
            ..self
        }
    }
}

/// A value together with the place where it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: change(self.value),
            span: self.span,
        }
    }

    /// The same place with the value borrowed.
    pub const fn as_ref(&self) -> Spanned<&T> {
        Spanned {
            value: &self.value,
            span: self.span,
        }
    }
}

/// One text with its name as shown to the user.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<u32>,
}

impl Source {
    /// The name as shown to the user, mostly a path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of the byte at `offset`, counted from 1.
    #[must_use]
    pub fn line_at(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).max(1)
    }

    /// The bytes of a line counted from 1, without its line break; empty past the end.
    #[must_use]
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let bound = |index: usize| {
            self.line_starts
                .get(index)
                .map_or(self.text.len(), |start| *start as usize)
        };
        let (start, end) = (bound(line.saturating_sub(1)), bound(line));
        start..start + self.text[start..end].trim_end_matches(['\n', '\r']).len()
    }

    fn column_at(&self, offset: u32) -> usize {
        let start = self.line_range(self.line_at(offset)).start;
        let end = floor_char(&self.text, offset as usize);
        self.text[start.min(end)..end].chars().count() + 1
    }
}

/// The nearest character boundary at or before `offset`.
fn floor_char(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// A place as a user counts it: line and column from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name of the text.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Writes `name:line:column`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.name, self.line, self.column)
    }
}

/// All texts of one reading: scenarios, policies, kinds and what they include.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// No texts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a text in and gives it an id.
    ///
    /// # Panics
    /// If the text is longer than 4 GiB or there are more than 2^32 texts; the limit per file is far below.
    #[expect(clippy::expect_used, reason = "the readers refuse such files long before")]
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let (name, text) = (name.into(), text.into());
        assert!(u32::try_from(text.len()).is_ok(), "a text longer than 4 GiB");
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
        let line_starts = std::iter::once(0)
            .chain(breaks.map(|(at, _)| at as u32 + 1))
            .collect();
        let id = SourceId(u32::try_from(self.list.len()).expect("fewer than 2^32 texts"));
        self.list.push(Source {
            name,
            text,
            line_starts,
        });
        id
    }

    /// The text of an id that [`add`](Self::add) of this very collection gave.
    ///
    /// # Panics
    /// If the id belongs to another collection.
    #[must_use]
    pub fn get(&self, id: SourceId) -> &Source {
        &self.list[id.0 as usize]
    }

    /// Where a stretch begins, as the user counts.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        let source = self.get(span.source);
        Place {
            name: source.name.clone(),
            line: source.line_at(span.start),
            column: source.column_at(span.start),
        }
    }

    /// The text of a stretch.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).text.get(span.range()).unwrap_or_default()
    }
}

/// The content of a file that another file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The name as shown to the user; equal files have equal names, so that cycles are seen.
    pub name: String,
    /// The bytes as they were found.
    pub bytes: Vec<u8>,
}

/// Why a named file could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such file.
    #[error("there is no file `{name}`")]
    Missing {
        /// The name that was looked for.
        name: String,
    },
    /// It is there, and cannot be read.
    #[error("cannot read `{name}`: {cause}")]
    Unreadable {
        /// The name that was looked for.
        name: String,
        /// What the system said.
        cause: String,
    },
}

/// Gets the texts that files name. Only the command line opens files; everything else asks a resolver.
pub trait Resolver {
    /// The file that the text called `from` names `path`, relative to the folder of `from`.
    ///
    /// # Errors
    /// [`ResolveError`] if there is no such file or it cannot be read.
    fn resolve(&mut self, from: &str, path: &str) -> Result<Loaded, ResolveError>;
}

/// Any function of the right shape is a resolver.
impl<F: FnMut(&str, &str) -> Result<Loaded, ResolveError>> Resolver for F {
    fn resolve(&mut self, from: &str, path: &str) -> Result<Loaded, ResolveError> {
        self(from, path)
    }
}

/// A resolver over texts in memory, by name.
#[derive(Debug, Clone, Default)]
pub struct InMemory {
    files: BTreeMap<String, Vec<u8>>,
}

impl InMemory {
    /// Adds a file; its name is taken as [`join`] writes it.
    #[must_use]
    pub fn with(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(join("", name), bytes.into());
        self
    }
}

impl Resolver for InMemory {
    fn resolve(&mut self, from: &str, path: &str) -> Result<Loaded, ResolveError> {
        let name = join(from, path);
        match self.files.get(&name) {
            Some(bytes) => Ok(Loaded {
                name,
                bytes: bytes.clone(),
            }),
            None => Err(ResolveError::Missing { name }),
        }
    }
}

/// The name of the file that the file `from` calls `path`: beside `from`, with `.` and `..` worked out.
///
/// ```
/// use lanebench::scenario::join;
/// assert_eq!(join("scenarios/retry/one.yaml", "../kinds.yaml"), "scenarios/kinds.yaml");
/// assert_eq!(join("one.yaml", "../kinds.yaml"), "../kinds.yaml");
/// assert_eq!(join("scenarios/one.yaml", "/etc/kinds.yaml"), "/etc/kinds.yaml");
/// ```
#[must_use]
pub fn join(from: &str, path: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let rooted = path.starts_with('/') || (from.starts_with('/') && !path.is_empty());
    let base = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            ("..", None) if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if rooted { format!("/{joined}") } else { joined }
}

/// The files that are being read just now, outermost first.
#[derive(Debug, Clone, Default)]
pub struct IncludeStack {
    names: Vec<String>,
}

/// Why a file may not be included here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IncludeError {
    /// The file includes itself, directly or through others.
    #[error("a file includes itself: {}", arrows(cycle))]
    Cycle {
        /// The names along the cycle; the first is also the last.
        cycle: Vec<String>,
    },
    /// Files include files too deeply.
    #[error("files include each other more than {} deep", IncludeStack::DEPTH_MAX)]
    TooDeep,
}

impl IncludeStack {
    /// No chain of files may be longer.
    pub const DEPTH_MAX: usize = 16;

    /// Begins with a file.
    ///
    /// # Errors
    /// [`IncludeError`] if the file is being read already, or the chain is too long.
    pub fn enter(&mut self, name: &str) -> Result<(), IncludeError> {
        if let Some(first) = self.names.iter().position(|open| open == name) {
            let cycle = self.names[first..]
                .iter()
                .cloned()
                .chain([name.to_owned()])
                .collect();
            return Err(IncludeError::Cycle { cycle });
        }
        if self.names.len() >= Self::DEPTH_MAX {
            return Err(IncludeError::TooDeep);
        }
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Ends with the file that was entered last.
    pub fn leave(&mut self) {
        self.names.pop();
    }
}

fn arrows(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(" -> ")
}
