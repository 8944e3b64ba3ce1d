//! A table of tasks, read row by row.

use std::collections::HashMap;
use std::io::{self, Read};

use csv::{ByteRecord, Position, ReaderBuilder};
use foldhash::fast::FixedState;

use crate::policy::attribute::Source;
use crate::policy::checked::Policy;
use crate::policy::decide::Decision;
use crate::policy::explain::literal_help;
use crate::policy::task::{AttributeId, Given, Task};
use crate::scenario::{Diagnostic, Diagnostics, Kinds, Sources, quoted, suggest};

use super::cells::{cell, leading_breaks};
use super::census::{Census, Count, KindCounter};
use super::columns::{ColumnPlan, Columns, Meaning, Registry, effects, read_effects, span};
use super::tail::{ROW_BYTES_MAX, RowTooLong, Tail};

/// So many patterns of rows are remembered; what is not remembered is decided anew.
const PATTERNS_MAX: usize = 1 << 16;
/// After so many rows it is seen whether remembering is of use: if fewer than one in four is met again, it is not.
const TRIAL_ROWS: u32 = 1 << 17;
/// Longer rows are not remembered.
const PATTERN_BYTES_MAX: usize = 1 << 10;
/// How much is read at a time.
const BUFFER_BYTES: usize = 256 << 10;
/// Of a broken row no more than this is kept for showing.
const SHOWN_BYTES_MAX: usize = 64 << 10;

/// A table of tasks with the policy that routes them.
pub struct Table<'p, R> {
    policy: &'p Policy,
    kinds: Option<&'p Kinds>,
    columns: Columns,
    name: String,
    reader: csv::Reader<Tail<R>>,
    record: ByteRecord,
    number: u64,
    key: Vec<u8>,
    patterns: HashMap<Box<[u8]>, usize, FixedState>,
    /// How many of so many rows were met again; none once nothing is remembered any more.
    met: Option<(u32, u32)>,
    places: HashMap<Decision, usize, FixedState>,
    decided: Vec<Decided>,
    by_kind: KindCounter,
    render: &'p dyn Fn(&Decision) -> Vec<u8>,
}

/// A decision with its text, and how many tasks got it.
struct Decided {
    decision: Decision,
    text: Vec<u8>,
    count: Count,
}

/// What comes next in a table.
pub enum Next<'t> {
    /// A task and its decision.
    Row(Row<'t>),
    /// A row that is broken; it was reported.
    Broken,
    /// Nothing.
    End,
}

/// One task with its decision.
#[derive(Debug, Clone, Copy)]
pub struct Row<'t> {
    /// Its number, from 1; broken rows are counted too.
    pub number: u64,
    /// Its name, if there is a column for it.
    pub id: Option<&'t str>,
    /// Its kind, if there is a column for it.
    pub kind: Option<&'t str>,
    /// Where it goes.
    pub decision: &'t Decision,
    /// What the table's renderer made of the decision.
    pub text: &'t [u8],
}

impl<'p, R: Read> Table<'p, R> {
    /// Opens a table: reads the line of names. `name` is what the user calls the table; `render` makes the text of a
    /// decision once for all rows that get it. None if the columns are wrong; that was reported.
    ///
    /// # Errors
    /// Whatever the input says.
    pub fn open(
        (policy, kinds): (&'p Policy, Option<&'p Kinds>),
        plan: &ColumnPlan,
        (name, input): (&str, R),
        render: &'p dyn Fn(&Decision) -> Vec<u8>,
        (sources, out): (&mut Sources, &mut Diagnostics),
    ) -> io::Result<Option<Self>> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Tail::new(input));
        let mut header = ByteRecord::new();
        let found = match reader.read_byte_record(&mut header) {
            Ok(found) => found,
            Err(error) => return refuse_header(io_error(error), out),
        };
        if !found {
            let error = Diagnostic::error(format!("{} is empty", quoted(name)));
            out.push(error.help("the first line names the columns, the rows follow"));
            return Ok(None);
        }
        let (line, first) = raw_row(&reader, &header);
        let source = sources.add_part(name, line.clone(), first);
        let registry = if kinds.is_some() {
            Registry::Known
        } else {
            Registry::Absent
        };
        let places = (source, line.as_str());
        let columns = Columns::read(&header, places, (plan, policy.vocabulary()), registry, out);
        reader.get_mut().row_taken();
        Ok(columns.map(|columns| Self {
            policy,
            kinds,
            columns,
            name: name.to_owned(),
            reader,
            record: header,
            number: 0,
            key: Vec::new(),
            patterns: HashMap::default(),
            met: Some((0, 0)),
            places: HashMap::default(),
            decided: Vec::new(),
            by_kind: KindCounter::default(),
            render,
        }))
    }

    /// Whether a column names the tasks.
    #[must_use]
    pub const fn has_ids(&self) -> bool {
        self.columns.id.is_some()
    }

    /// Whether a column names the kinds.
    #[must_use]
    pub const fn has_kinds(&self) -> bool {
        self.columns.kind.is_some()
    }

    /// Takes the next row; a broken one is reported with its text and its place.
    ///
    /// # Errors
    /// Whatever the input says.
    pub fn next(&mut self, sources: &mut Sources, out: &mut Diagnostics) -> io::Result<Next<'_>> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(Next::End),
            Err(error) => return self.refuse_rest(io_error(error), sources, out),
        }
        self.reader.get_mut().row_taken();
        self.number += 1;
        let Some(place) = self.place(sources, out) else {
            return Ok(Next::Broken);
        };
        let words = [self.columns.id, self.columns.kind].map(|column| word(&self.record, column).ok());
        if let Some(broken) = words.iter().position(Option::is_none) {
            let column = [self.columns.id, self.columns.kind][broken].unwrap_or_default();
            let wrong = Wrong::cell(column, "the cell is not UTF-8", "save the table as UTF-8");
            self.complain(sources, out, wrong);
            return Ok(Next::Broken);
        }
        let id = word(&self.record, self.columns.id).unwrap_or_default();
        let kind = word(&self.record, self.columns.kind).unwrap_or_default();
        let decided = &mut self.decided[place];
        if decided.count.tasks == 0 {
            decided.count.first_row = self.number;
        }
        decided.count.tasks += 1;
        if let Some(kind) = kind {
            self.by_kind.add(kind.as_bytes(), decided.decision.lane());
        }
        Ok(Next::Row(Row {
            number: self.number,
            id,
            kind,
            decision: &decided.decision,
            text: &decided.text,
        }))
    }

    /// The task of the row that was taken last; none if it is broken.
    #[must_use]
    pub fn task(&self) -> Option<Task> {
        self.read_task().ok()
    }

    /// How many tasks went where, so far.
    #[must_use]
    pub fn census(&self) -> Census {
        let rules = self.policy.rules().iter().map(|rule| rule.id.clone()).collect();
        let mut census = Census::new(rules);
        for decided in &self.decided {
            census.add(&decided.decision, decided.count);
        }
        census.kinds = self.by_kind.sorted();
        census
    }

    /// The place of the decision about the row in `decided`; none if the row is broken.
    fn place(&mut self, sources: &mut Sources, out: &mut Diagnostics) -> Option<usize> {
        if self.record.len() != self.columns.names.len() {
            let (expected, found) = (self.columns.names.len(), self.record.len());
            let wrong = Wrong::whole(
                format!("a row of {found} fields where the first line has {expected}"),
                "a comma inside a field needs quotes around the field",
            );
            self.complain(sources, out, wrong);
            return None;
        }
        if let Some(place) = self.recall() {
            return Some(place);
        }
        let task = match self.read_task() {
            Ok(task) => task,
            Err(wrong) => {
                for one in wrong {
                    self.complain(sources, out, one);
                }
                return None;
            }
        };
        let place = self.remember(self.policy.decide(&task));
        let room = self.patterns.len() < PATTERNS_MAX && self.key.len() <= PATTERN_BYTES_MAX;
        if self.met.is_some() && room {
            self.patterns.insert(self.key.as_slice().into(), place);
        }
        Some(place)
    }

    /// The place of the decision about a row that says the same, if one is remembered.
    fn recall(&mut self) -> Option<usize> {
        let (met, of) = self.met.as_mut()?;
        if *of == TRIAL_ROWS {
            if *met < TRIAL_ROWS / 4 {
                self.met = None;
                self.patterns = HashMap::default();
                return None;
            }
            (*met, *of) = (0, 0);
        }
        *of += 1;
        self.key.clear();
        for (column, _) in &self.columns.given {
            let field = self.record.get(*column).unwrap_or_default();
            self.key.extend_from_slice(field);
            // What is no byte of UTF-8 cannot stand in a field that is understood.
            self.key.push(0xff);
        }
        let place = self.patterns.get(self.key.as_slice()).copied();
        *met += u32::from(place.is_some());
        place
    }

    fn remember(&mut self, decision: Decision) -> usize {
        *self.places.entry(decision).or_insert_with(|| {
            self.decided.push(Decided {
                decision,
                text: (self.render)(&decision),
                count: Count::default(),
            });
            self.decided.len() - 1
        })
    }

    /// The task that the row describes, or everything that is wrong with it.
    fn read_task(&self) -> Result<Task, Vec<Wrong>> {
        let (mut task, mut wrong) = (Task::new(), Vec::new());
        for (column, meaning) in &self.columns.given {
            let field = self.record.get(*column).unwrap_or_default();
            let Ok(text) = std::str::from_utf8(field).map(str::trim) else {
                wrong.push(Wrong::cell(
                    *column,
                    "the cell is not UTF-8",
                    "save the table as UTF-8",
                ));
                continue;
            };
            if let Err(one) = self.read_cell(&mut task, *column, (*meaning, text)) {
                wrong.push(one);
            }
        }
        if wrong.is_empty() { Ok(task) } else { Err(wrong) }
    }

    fn read_cell(
        &self,
        task: &mut Task,
        column: usize,
        (meaning, text): (Meaning, &str),
    ) -> Result<(), Wrong> {
        match meaning {
            Meaning::Id | Meaning::Ignored => {}
            Meaning::Kind => *task = self.kind(column, text)?,
            // Nothing is said, so the kind's word stands.
            Meaning::Attribute(_) | Meaning::Effects if text.is_empty() => {}
            Meaning::Effects => {
                let given = read_effects(text).map_err(|word| {
                    let known: Vec<&str> = effects().map(|effect| effect.word()).collect();
                    Wrong {
                        column: Some(column),
                        message: format!("unknown effect {}", quoted(word)),
                        label: String::new(),
                        help: Some(format!(
                            "`none`, `unknown`, or names with blanks between them; {}",
                            suggest(word, "effects", &known)
                        )),
                    }
                })?;
                task.set_all(&given);
            }
            Meaning::Attribute(attribute) => self.read_attribute(task, column, (attribute, text))?,
        }
        Ok(())
    }

    fn read_attribute(
        &self,
        task: &mut Task,
        column: usize,
        (attribute, text): (AttributeId, &str),
    ) -> Result<(), Wrong> {
        let vocabulary = self.policy.vocabulary();
        match vocabulary.read_value(attribute, text) {
            Ok(value) => task.set(Given {
                attribute,
                value,
                source: Source::Declared,
            }),
            Err(error) => {
                let name = vocabulary.name(attribute);
                return Err(Wrong {
                    column: Some(column),
                    message: format!("{} is no value of `{name}`", quoted(text)),
                    label: error.to_string(),
                    help: literal_help(&error),
                });
            }
        }
        Ok(())
    }

    /// What holds for every task of a kind.
    fn kind(&self, column: usize, name: &str) -> Result<Task, Wrong> {
        let kinds = self.kinds.map(|kinds| &kinds.kinds);
        if let Some(kind) = kinds.and_then(|kinds| kinds.get(name)) {
            return Ok(kind.attributes.clone());
        }
        let known: Vec<&str> = kinds.into_iter().flatten().map(|(name, _)| &**name).collect();
        Err(Wrong {
            column: Some(column),
            message: format!("unknown kind {}", quoted(name)),
            label: String::new(),
            help: Some(suggest(name, "kinds", &known)),
        })
    }

    /// Reports a broken row; once nobody reads more, it is only counted.
    fn complain(&self, sources: &mut Sources, out: &mut Diagnostics, wrong: Wrong) {
        let mut error = Diagnostic::error(wrong.message).maybe_help(wrong.help);
        if out.iter().count() < Diagnostics::MAX {
            let (line, first) = raw_row(&self.reader, &self.record);
            let range = wrong.column.map_or(0..line.len(), |column| cell(&line, column));
            let source = sources.add_part(self.name.clone(), line, first);
            error = error.at(span(source, range), wrong.label);
        } else {
            error = error.note(format!("row {}", self.number));
        }
        out.push(error);
    }

    /// A row that does not end takes the rest of the table with it.
    fn refuse_rest(
        &mut self,
        error: io::Error,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> io::Result<Next<'_>> {
        if !RowTooLong::is(&error) {
            return Err(error);
        }
        self.number += 1;
        let wrong = Wrong::whole(
            format!("the row is longer than {ROW_BYTES_MAX} bytes, so the rest of the table was not read"),
            "most likely a quote is never closed",
        );
        self.complain(sources, out, wrong);
        Ok(Next::End)
    }
}

/// The text of a cell, if there is such a column.
fn word(record: &ByteRecord, column: Option<usize>) -> Result<Option<&str>, std::str::Utf8Error> {
    let field = column.and_then(|column| record.get(column));
    field
        .map(|field| std::str::from_utf8(field).map(str::trim))
        .transpose()
}

/// What the input said; a reader that takes rows of any length as bytes has nothing of its own to say.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn refuse_header<T>(error: io::Error, out: &mut Diagnostics) -> io::Result<Option<T>> {
    if !RowTooLong::is(&error) {
        return Err(error);
    }
    let message = format!("the line of names is longer than {ROW_BYTES_MAX} bytes");
    out.push(Diagnostic::error(message).help("most likely this is no CSV, or a quote is never closed"));
    Ok(None)
}

/// What is wrong with a row.
struct Wrong {
    /// The column; none if it is the whole row.
    column: Option<usize>,
    message: String,
    label: String,
    help: Option<String>,
}

impl Wrong {
    fn whole(message: impl Into<String>, help: &str) -> Self {
        Self {
            column: None,
            message: message.into(),
            label: String::new(),
            help: Some(help.to_owned()),
        }
    }

    fn cell(column: usize, message: &str, help: &str) -> Self {
        Self {
            column: Some(column),
            ..Self::whole(message, help)
        }
    }
}

/// The text of a row as it stands in the table, and the line on which it begins.
fn raw_row<R: Read>(reader: &csv::Reader<Tail<R>>, record: &ByteRecord) -> (String, usize) {
    let start = record.position().map_or(0, Position::byte);
    let line = record.position().map_or(1, Position::line);
    let end = match reader.position().byte() {
        end if end > start => end,
        _ => reader.get_ref().end(),
    };
    let bytes = reader.get_ref().bytes(start, end);
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES_MAX)]);
    let text = text.trim_start_matches('\u{feff}');
    let (breaks, lines) = leading_breaks(text);
    let row = text[breaks..].trim_end_matches(['\r', '\n']);
    (row.to_owned(), usize::try_from(line).unwrap_or(1) + lines)
}
