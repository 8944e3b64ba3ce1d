//! What the columns of a table mean.

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder};

use crate::policy::attribute::{Attribute, Truth};
use crate::policy::task::{AttributeId, Given, Value};
use crate::policy::{Source, Vocabulary};
use crate::scenario::{Diagnostic, Diagnostics, SourceId, Span, quoted, suggest};

use super::cells::cell;
use super::tail::ROW_BYTES_MAX;

/// The column that says all effects at once.
pub(super) const EFFECTS: &str = "effects";
const ID: &str = "id";
const KIND: &str = "kind";

/// How a user maps the columns of a table; what is not said is found by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnPlan {
    /// The column that names the task; without it the column `id`, if there is one.
    pub id: Option<String>,
    /// The column that names the kind; without it the column `kind`, if there is one.
    pub kind: Option<String>,
    /// Attributes, or `effects`, whose column is called otherwise: attribute and column.
    pub renamed: Vec<(String, String)>,
    /// Columns that are passed over.
    pub ignored: Vec<String>,
}

/// The plans for routing one table by two policies: a column that only one of them knows is passed over for the
/// other.
///
/// # Errors
/// Whatever the input says.
pub fn common_plans(
    plan: &ColumnPlan,
    input: impl Read,
    vocabularies: [&Vocabulary; 2],
) -> io::Result<[ColumnPlan; 2]> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .from_reader(input.take(ROW_BYTES_MAX));
    let mut header = ByteRecord::new();
    reader.read_byte_record(&mut header)?;
    let names = header.iter().map(|name| {
        let name = String::from_utf8_lossy(name);
        name.trim_start_matches('\u{feff}').trim().to_owned()
    });
    let names: Vec<String> = names.collect();
    Ok([0, 1].map(|own| plan.without_strangers(&names, vocabularies[own], vocabularies[1 - own])))
}

impl ColumnPlan {
    /// This plan with the columns ignored that `other` knows and `own` does not.
    fn without_strangers(&self, names: &[String], own: &Vocabulary, other: &Vocabulary) -> Self {
        let is_stranger =
            |attribute: &str| own.attribute(attribute).is_none() && other.attribute(attribute).is_some();
        let mut plan = self.clone();
        let strangers = self
            .renamed
            .iter()
            .filter(|(attribute, _)| is_stranger(attribute));
        plan.ignored.extend(strangers.map(|(_, column)| column.clone()));
        plan.renamed.retain(|(attribute, _)| !is_stranger(attribute));
        plan.ignored
            .extend(names.iter().filter(|name| is_stranger(name)).cloned());
        plan
    }
}

/// What one column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Id,
    Kind,
    Ignored,
    Attribute(AttributeId),
    Effects,
}

/// The columns of one table.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) id: Option<usize>,
    pub(super) kind: Option<usize>,
    /// The columns that say something about the task itself.
    pub(super) given: Vec<(usize, Meaning)>,
}

/// Whether the kinds are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    Known,
    Absent,
}

struct Reader<'a> {
    plan: &'a ColumnPlan,
    vocabulary: &'a Vocabulary,
    names: Vec<String>,
    line: &'a str,
    source: SourceId,
    out: &'a mut Diagnostics,
}

impl Columns {
    /// Reads the first line, which stands in `source`; every mistake goes to `out`.
    pub(super) fn read(
        header: &ByteRecord,
        (source, line): (SourceId, &str),
        (plan, vocabulary): (&ColumnPlan, &Vocabulary),
        registry: Registry,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let before = out.errors();
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_owned())
            .collect();
        let mut reader = Reader {
            plan,
            vocabulary,
            names,
            line,
            source,
            out,
        };
        reader.check_plan();
        let meanings = reader.meanings();
        reader.check_twice(&meanings);
        let place = |wanted: Meaning| meanings.iter().position(|meaning| *meaning == wanted);
        let (id, kind) = (place(Meaning::Id), place(Meaning::Kind));
        if registry == Registry::Known && kind.is_none() {
            let error = Diagnostic::error("no column says of which kind a task is");
            let error = error.at(span(source, 0..line.len()), "");
            reader
                .out
                .push(error.help("`--kind COLUMN` names the column; the kinds are those of `--kinds`"));
        }
        let given = meanings.iter().copied().enumerate().filter(|(_, meaning)| {
            matches!(meaning, Meaning::Attribute(_) | Meaning::Effects)
                || (*meaning == Meaning::Kind && registry == Registry::Known)
        });
        let mut given: Vec<_> = given.collect();
        // What the kind says comes first, so that the row can say otherwise.
        given.sort_by_key(|(_, meaning)| *meaning != Meaning::Kind);
        if given.is_empty() && reader.out.errors() == before {
            let error = Diagnostic::error("no column is an attribute");
            let error = error.at(span(source, 0..line.len()), "");
            let help = suggest("", "attributes", &vocabulary.attribute_names());
            reader.out.push(error.help(help));
        }
        let names = reader.names;
        (out.errors() == before).then_some(Self {
            names,
            id,
            kind,
            given,
        })
    }
}

impl Reader<'_> {
    /// Reports what the plan names and nobody has.
    fn check_plan(&mut self) {
        for (attribute, _) in &self.plan.renamed {
            if attribute != EFFECTS && self.vocabulary.attribute(attribute).is_none() {
                let known = attributes(self.vocabulary);
                let error = Diagnostic::error(format!("unknown attribute {}", quoted(attribute)));
                self.out.push(error.note("named by `--column`").help(suggest(
                    attribute,
                    "attributes",
                    &known,
                )));
            }
        }
        let plan = self.plan;
        let named = [("--id", plan.id.as_ref()), ("--kind", plan.kind.as_ref())];
        let named = named.into_iter().filter_map(|(flag, name)| Some((flag, name?)));
        let renamed = plan.renamed.iter().map(|(_, column)| ("--column", column));
        let ignored = plan.ignored.iter().map(|column| ("--ignore", column));
        for (flag, column) in named.chain(renamed).chain(ignored) {
            if !self.names.contains(column) {
                let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
                let error = Diagnostic::error(format!("there is no column {}", quoted(column)));
                let error = error.at(span(self.source, 0..self.line.len()), "the columns of the table");
                self.out
                    .push(error.note(format!("named by `{flag}`")).help(suggest(
                        column,
                        "columns of the table",
                        &names,
                    )));
            }
        }
    }

    fn meanings(&mut self) -> Vec<Meaning> {
        let mut meanings = Vec::new();
        for index in 0..self.names.len() {
            let name = self.names[index].clone();
            meanings.push(self.meaning(index, &name).unwrap_or(Meaning::Ignored));
        }
        meanings
    }

    /// What a column says; an unknown one is reported.
    fn meaning(&mut self, index: usize, name: &str) -> Option<Meaning> {
        let plan = self.plan;
        if plan.ignored.iter().any(|ignored| ignored == name) {
            return Some(Meaning::Ignored);
        }
        if let Some((attribute, _)) = plan.renamed.iter().find(|(_, column)| column == name) {
            return self.attribute(attribute);
        }
        let is = |named: &Option<String>, usual: &str| match named {
            Some(named) => named == name,
            None => usual == name && self.vocabulary.attribute(usual).is_none(),
        };
        if is(&plan.id, ID) {
            return Some(Meaning::Id);
        }
        if is(&plan.kind, KIND) {
            return Some(Meaning::Kind);
        }
        if let Some(meaning) = self.attribute(name) {
            return Some(meaning);
        }
        let error = Diagnostic::error(format!("the column {} is no attribute", quoted(name)));
        let place = span(self.source, cell(self.line, index));
        self.out.push(error.at(place, "").help(format!(
            "{}; `--column ATTRIBUTE=COLUMN` maps a column, `--ignore COLUMN` passes over it",
            suggest(name, "attributes", &attributes(self.vocabulary))
        )));
        None
    }

    fn attribute(&self, name: &str) -> Option<Meaning> {
        if name == EFFECTS {
            return Some(Meaning::Effects);
        }
        self.vocabulary.attribute(name).map(Meaning::Attribute)
    }

    /// Reports what two columns say.
    fn check_twice(&mut self, meanings: &[Meaning]) {
        for (index, meaning) in meanings.iter().enumerate() {
            let same = |other: &Meaning| match (*meaning, *other) {
                (Meaning::Ignored, _) | (_, Meaning::Ignored) => false,
                (Meaning::Attribute(AttributeId::Flag(flag)), Meaning::Effects)
                | (Meaning::Effects, Meaning::Attribute(AttributeId::Flag(flag))) => {
                    effects().any(|effect| effect.flag() == flag)
                }
                (one, other) => one == other,
            };
            if let Some(first) = meanings[..index].iter().position(same) {
                let error =
                    Diagnostic::error(format!("the column {} says it again", quoted(&self.names[index])));
                let first_name = &self.names[first];
                let (second, first) = (cell(self.line, index), cell(self.line, first));
                let error = error.at(span(self.source, second), "the second one");
                self.out
                    .push(error.at(span(self.source, first), "the first one").help(
                        match first_name == &self.names[index] {
                            true => "leave one of them out",
                            false => "`--ignore COLUMN` passes over one of them",
                        },
                    ));
            }
        }
    }
}

fn attributes(vocabulary: &Vocabulary) -> Vec<&str> {
    vocabulary
        .attribute_names()
        .into_iter()
        .chain([EFFECTS])
        .collect()
}

/// The effects and the umbrella flags.
pub(super) fn effects() -> impl Iterator<Item = Attribute> {
    Attribute::EFFECTS.into_iter().chain(Attribute::UMBRELLAS)
}

/// The effects of a cell: `none`, `unknown`, or names with blanks between them. The error is the word that is wrong.
pub(super) fn read_effects(text: &str) -> Result<Vec<Given>, &str> {
    let named = |word: &str| effects().find(|effect| effect.word() == word);
    let all = |truth: &dyn Fn(Attribute) -> Truth| {
        effects()
            .map(|effect| Given {
                attribute: AttributeId::from(effect),
                value: Value::Truth(truth(effect)),
                source: Source::Declared,
            })
            .collect()
    };
    match text {
        "none" => return Ok(all(&|_| Truth::False)),
        "unknown" => return Ok(all(&|_| Truth::Unknown)),
        _ => {}
    }
    let listed: Result<Vec<Attribute>, &str> = text
        .split_whitespace()
        .map(|word| named(word).ok_or(word))
        .collect();
    let listed = listed?;
    Ok(all(&|effect| listed.contains(&effect).into()))
}

/// A stretch of a text.
pub(super) fn span(source: SourceId, range: std::ops::Range<usize>) -> Span {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        source,
        start: place(range.start),
        end: place(range.end),
    }
}
