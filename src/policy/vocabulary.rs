//! The names a policy's conditions may use: the built-in attributes and what the policy declares itself.

use super::attribute::{Attribute, Flag, Truth};
use super::literal::{LiteralError, read_literal, write_literal};
use super::task::{AttributeId, NumberId, Value};

/// What kind of value a declared attribute has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AttributeType {
    /// True or false.
    Bool,
    /// An integer with a unit.
    Integer(Unit),
    /// One of these words.
    Words(Vec<String>),
}

/// What an integer attribute counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A length of time, kept in ticks.
    Duration,
    /// Tokens of a model.
    Tokens,
    /// Things.
    Count,
    /// Money in minor units of whatever currency the product uses.
    Money,
}

impl Unit {
    /// Every unit, in canonical order.
    pub const ALL: [Self; 4] = [Self::Duration, Self::Tokens, Self::Count, Self::Money];

    /// The word used in `attributes:`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Tokens => "tokens",
            Self::Count => "count",
            Self::Money => "money",
        }
    }
}

/// The values a number can take: integers of a unit, or words by index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// Integers.
    Integer(Unit),
    /// Words; the value is the index.
    Words(Vec<String>),
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Something true or false.
    Flag(Flag),
    /// Something to compare.
    Number(NumberId),
}

/// Why a name cannot be declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It does not look like a name.
    #[error("a name is lower-case letters, digits and `_`, and begins with a letter")]
    Shape,
    /// It means something in the language of conditions.
    #[error("the name is a word of the language of conditions")]
    Reserved,
    /// Somebody has it already.
    #[error("the name is taken already")]
    Taken,
    /// There are too many names.
    #[error(
        "too many names: a policy declares at most {} true-or-false attributes and facts together",
        Flag::DECLARABLE
    )]
    TooManyFlags,
    /// There are too many attributes to compare.
    #[error(
        "too many attributes: a policy declares at most {} integers and words",
        Vocabulary::NUMBERS_MAX
    )]
    TooManyNumbers,
}

/// Words that no attribute or fact can be called.
pub(super) const RESERVED: [&str; 11] = [
    "and",
    "or",
    "not",
    "true",
    "false",
    "unknown",
    "always",
    "never",
    "effects",
    "any_effect",
    "effects_fenced",
];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Declared {
    name: String,
    flag: Flag,
    sort: FlagSort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FlagSort {
    Attribute,
    Fact,
}

/// The names of one policy. Attributes are declared before facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    flags: Vec<Declared>,
    numbers: Vec<(String, NumberKind)>,
}

impl Vocabulary {
    /// More integers and words than this no policy declares.
    pub const NUMBERS_MAX: usize = 64;

    /// The built-in attributes alone.
    #[must_use]
    pub const fn built_in() -> Self {
        Self {
            flags: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Declares an attribute.
    ///
    /// # Errors
    /// [`NameError`] if the name cannot be used or there are too many.
    pub fn declare(&mut self, name: &str, attribute: AttributeType) -> Result<AttributeId, NameError> {
        let kind = match attribute {
            AttributeType::Bool => {
                return self
                    .declare_flag(name, FlagSort::Attribute)
                    .map(AttributeId::Flag);
            }
            AttributeType::Integer(unit) => NumberKind::Integer(unit),
            AttributeType::Words(words) => NumberKind::Words(words),
        };
        self.check_name(name)?;
        if self.numbers.len() >= Self::NUMBERS_MAX {
            return Err(NameError::TooManyNumbers);
        }
        let id = u8::try_from(self.numbers.len()).map_err(|_| NameError::TooManyNumbers)?;
        self.numbers.push((name.to_owned(), kind));
        Ok(AttributeId::Number(NumberId(id)))
    }

    pub(super) fn declare_fact(&mut self, name: &str) -> Result<Flag, NameError> {
        self.declare_flag(name, FlagSort::Fact)
    }

    fn declare_flag(&mut self, name: &str, sort: FlagSort) -> Result<Flag, NameError> {
        self.check_name(name)?;
        let flag = Flag::declared(self.flags.len()).ok_or(NameError::TooManyFlags)?;
        self.flags.push(Declared {
            name: name.to_owned(),
            flag,
            sort,
        });
        Ok(flag)
    }

    fn check_name(&self, name: &str) -> Result<(), NameError> {
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(letters) {
            return Err(NameError::Shape);
        }
        if RESERVED.contains(&name) {
            return Err(NameError::Reserved);
        }
        if self.meaning(name).is_some() {
            Err(NameError::Taken)
        } else {
            Ok(())
        }
    }

    /// What a name in a condition stands for.
    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        match name {
            "any_effect" => return Some(Meaning::Flag(Flag::ANY_EFFECT)),
            "effects_fenced" => return Some(Meaning::Flag(Flag::EFFECTS_FENCED)),
            _ => {}
        }
        if let Some(attribute) = Attribute::named(name) {
            return Some(Meaning::Flag(attribute.flag()));
        }
        if let Some(declared) = self.flags.iter().find(|declared| declared.name == name) {
            return Some(Meaning::Flag(declared.flag));
        }
        let index = self.numbers.iter().position(|(known, _)| known == name)?;
        u8::try_from(index)
            .ok()
            .map(|index| Meaning::Number(NumberId(index)))
    }

    /// The attribute of that name; facts and derived names are none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<AttributeId> {
        match self.meaning(name)? {
            Meaning::Flag(flag) => self.is_attribute(flag).then_some(AttributeId::Flag(flag)),
            Meaning::Number(id) => Some(AttributeId::Number(id)),
        }
    }

    fn is_attribute(&self, flag: Flag) -> bool {
        let declared = flag.declared_index().and_then(|index| self.flags.get(index));
        flag.built_in().is_some() || declared.is_some_and(|declared| declared.sort == FlagSort::Attribute)
    }

    /// The bits of all true-or-false attributes: what a task may say.
    pub(super) fn attribute_mask(&self) -> u64 {
        let declared = self
            .flags
            .iter()
            .filter(|declared| declared.sort == FlagSort::Attribute);
        let built_in = super::attribute::mask_of(&Attribute::ALL);
        declared.fold(built_in, |mask, declared| mask | declared.flag.mask())
    }

    /// Every attribute, built-in ones first.
    pub fn attributes(&self) -> impl Iterator<Item = AttributeId> {
        let built_in = Attribute::ALL.into_iter().map(AttributeId::from);
        let flags = self
            .flags
            .iter()
            .filter(|declared| declared.sort == FlagSort::Attribute);
        let numbers = (0..self.numbers.len()).filter_map(|index| u8::try_from(index).ok());
        built_in
            .chain(flags.map(|declared| AttributeId::Flag(declared.flag)))
            .chain(numbers.map(|index| AttributeId::Number(NumberId(index))))
    }

    /// The names of all attributes, built-in ones first.
    #[must_use]
    pub fn attribute_names(&self) -> Vec<&str> {
        self.attributes().map(|attribute| self.name(attribute)).collect()
    }

    /// Everything that a condition may name.
    #[must_use]
    pub fn condition_names(&self) -> Vec<&str> {
        let facts = self
            .flags
            .iter()
            .filter(|declared| declared.sort == FlagSort::Fact);
        let facts = facts.map(|declared| declared.name.as_str());
        self.attribute_names()
            .into_iter()
            .chain(facts)
            .chain(["any_effect", "effects_fenced"])
            .collect()
    }

    /// The name of an attribute.
    #[must_use]
    pub fn name(&self, attribute: AttributeId) -> &str {
        match attribute {
            AttributeId::Flag(flag) => self.flag_name(flag),
            AttributeId::Number(id) => self.numbers.get(usize::from(id.0)).map_or("", |(name, _)| name),
        }
    }

    /// The name of anything true or false: an attribute, a fact or a derived name.
    #[must_use]
    pub fn flag_name(&self, flag: Flag) -> &str {
        match flag {
            Flag::ANY_EFFECT => "any_effect",
            Flag::EFFECTS_FENCED => "effects_fenced",
            _ => match (flag.built_in(), flag.declared_index()) {
                (Some(attribute), _) => attribute.word(),
                (None, Some(index)) => self.flags.get(index).map_or("", |declared| &declared.name),
                (None, None) => "",
            },
        }
    }

    /// What the values of a number are; none if the number belongs to another vocabulary.
    #[must_use]
    pub fn kind(&self, number: NumberId) -> Option<&NumberKind> {
        self.numbers.get(usize::from(number.0)).map(|(_, kind)| kind)
    }

    /// Reads a value as it stands in a file: `true`, `unknown`, `40s`, `8000 tokens`, `enterprise`.
    ///
    /// # Errors
    /// [`LiteralError`] if the text is no value of this attribute.
    pub fn read_value(&self, attribute: AttributeId, text: &str) -> Result<Value, LiteralError> {
        match (attribute, text) {
            (AttributeId::Flag(_), "true") => Ok(Value::Truth(Truth::True)),
            (AttributeId::Flag(_), "false") => Ok(Value::Truth(Truth::False)),
            (AttributeId::Flag(_), "unknown") => Ok(Value::Truth(Truth::Unknown)),
            (AttributeId::Flag(_), _) => Err(LiteralError::Truth),
            (AttributeId::Number(_), "unknown") => Ok(Value::Number(None)),
            (AttributeId::Number(id), _) => match self.kind(id) {
                Some(kind) => read_literal(kind, text).map(|number| Value::Number(Some(number))),
                None => Ok(Value::Number(None)),
            },
        }
    }

    /// Writes a value as [`read_value`](Self::read_value) reads it.
    #[must_use]
    pub fn write_value(&self, attribute: AttributeId, value: Value) -> String {
        match (attribute, value) {
            (_, Value::Truth(truth)) => truth.word().to_owned(),
            (AttributeId::Number(id), Value::Number(Some(number))) => self.write_number(id, number),
            (_, Value::Number(_)) => Truth::Unknown.word().to_owned(),
        }
    }

    pub(super) fn write_number(&self, id: NumberId, number: u64) -> String {
        self.kind(id)
            .map_or_else(|| number.to_string(), |kind| write_literal(kind, number))
    }

    /// The declared attributes with their types, sorted by name.
    pub(super) fn declared_types(&self) -> Vec<(&str, String)> {
        let flags = self
            .flags
            .iter()
            .filter(|declared| declared.sort == FlagSort::Attribute);
        let flags = flags.map(|declared| (declared.name.as_str(), "bool".to_owned()));
        let numbers = self
            .numbers
            .iter()
            .map(|(name, kind)| (name.as_str(), type_text(kind)));
        let mut all: Vec<_> = flags.chain(numbers).collect();
        all.sort();
        all
    }
}

fn type_text(kind: &NumberKind) -> String {
    match kind {
        NumberKind::Integer(unit) => unit.word().to_owned(),
        NumberKind::Words(words) => {
            let mut sorted: Vec<&str> = words.iter().map(String::as_str).collect();
            sorted.sort_unstable();
            format!("[{}]", sorted.join(", "))
        }
    }
}
