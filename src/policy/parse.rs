//! Reads conditions: `a and (b or c)`, `not a`, `expected_duration > 30s`.
//!
//! A name that is not known is reported and reading goes on; a mistake in the shape ends it. `and` and `or` beside
//! each other need parentheses, since a reviewer should not have to know which binds stronger.

use std::ops::Range;

use super::condition::{Comparison, Condition};
use super::literal::{LiteralError, read_literal};
use super::task::NumberId;
use super::vocabulary::{Meaning, NumberKind, Unit, Vocabulary};

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// There is nothing.
    #[error("the condition is empty")]
    Empty,
    /// Nobody reads a condition of that length.
    #[error("the condition is longer than {} characters", Limits::LENGTH_MAX)]
    TooLong,
    /// Parentheses or `not` in each other without end.
    #[error("the condition is nested more than {} deep", Limits::DEPTH_MAX)]
    TooDeep,
    /// A character that means nothing here.
    #[error("unexpected `{text}` in a condition")]
    Character {
        /// As written.
        text: String,
    },
    /// Another word was expected.
    #[error("expected {wanted}, found {found}")]
    Expected {
        /// What could stand here.
        wanted: &'static str,
        /// What does.
        found: String,
    },
    /// A parenthesis that is never closed.
    #[error("this parenthesis is never closed")]
    Open,
    /// `a and b or c`.
    #[error("`and` and `or` are mixed without parentheses")]
    Mixed,
    /// Nobody declared the name.
    #[error("unknown attribute or fact `{name}`")]
    Unknown {
        /// As written.
        name: String,
        /// What could have been meant.
        known: Vec<String>,
    },
    /// `expected_duration and ...`.
    #[error("`{name}` is no condition by itself: it has to be compared")]
    NotCompared {
        /// The attribute.
        name: String,
        /// A comparison that would do.
        example: String,
    },
    /// `user_steering == true`.
    #[error("`{name}` is true or false and is not compared")]
    Compared {
        /// The attribute or fact.
        name: String,
    },
    /// `a < b`.
    #[error("an attribute is compared with a literal, not with another attribute")]
    AttributeAgainstAttribute {
        /// The attribute on the right.
        name: String,
    },
    /// `plan < enterprise`.
    #[error("the words of `{name}` have no order: only `==` and `!=` compare them")]
    Unordered {
        /// The attribute.
        name: String,
    },
    /// The literal does not fit the attribute.
    #[error(transparent)]
    Literal(#[from] LiteralError),
}

/// A mistake and the bytes of the condition that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// What is wrong.
    pub error: ConditionError,
    /// Where in the text of the condition.
    pub range: Range<usize>,
}

/// Bounds on what is read.
struct Limits;

impl Limits {
    const LENGTH_MAX: usize = 4096;
    const DEPTH_MAX: usize = 32;
}

/// Reads a condition with the names of `vocabulary`.
///
/// # Errors
/// Every unknown name, and the first mistake in the shape.
pub fn read_condition(text: &str, vocabulary: &Vocabulary) -> Result<Condition, Vec<Misread>> {
    let whole = 0..text.len();
    if text.len() > Limits::LENGTH_MAX {
        return Err(vec![Misread {
            error: ConditionError::TooLong,
            range: whole,
        }]);
    }
    let tokens = scan(text).map_err(|misread| vec![misread])?;
    if tokens.is_empty() {
        return Err(vec![Misread {
            error: ConditionError::Empty,
            range: whole,
        }]);
    }
    let mut reader = Reader {
        text,
        tokens: &tokens,
        at: 0,
        depth: 0,
        vocabulary,
        mistakes: Vec::new(),
    };
    match reader.whole() {
        Ok(condition) if reader.mistakes.is_empty() => Ok(condition),
        Ok(_) => Err(reader.mistakes),
        Err(misread) => {
            reader.mistakes.push(misread);
            Err(reader.mistakes)
        }
    }
}

/// The bytes of each literal of a condition that can be read, in the order of writing, without a `not` before it.
pub(super) fn literal_ranges(text: &str) -> Vec<Range<usize>> {
    let tokens = scan(text).unwrap_or_default();
    let word = |token: &Token| &text[token.range.clone()];
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let keyword = matches!(word(token), "and" | "or" | "not" | "always" | "never");
        if token.kind != TokenKind::Word || keyword {
            continue;
        }
        let mut range = token.range.clone();
        if matches!(
            tokens.get(at).map(|token| token.kind),
            Some(TokenKind::Compare(_))
        ) {
            let number = tokens
                .get(at + 1)
                .is_some_and(|token| token.kind == TokenKind::Number);
            at += 2;
            let unit = tokens.get(at).is_some_and(|next| {
                number && next.kind == TokenKind::Word && !matches!(word(next), "and" | "or" | "not")
            });
            at += usize::from(unit);
            range.end = tokens.get(at - 1).map_or(range.end, |last| last.range.end);
        }
        ranges.push(range);
    }
    ranges
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    Word,
    Number,
    Compare(Comparison),
    Open,
    Close,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    kind: TokenKind,
    range: Range<usize>,
}

fn scan(text: &str) -> Result<Vec<Token>, Misread> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (kind, length) = token(&text[at..], first).ok_or_else(|| stray(text, at))?;
        tokens.push(Token {
            kind,
            range: at..at + length,
        });
        at += length;
    }
    Ok(tokens)
}

/// The token at the start of `rest`, with its length in bytes.
fn token(rest: &str, first: char) -> Option<(TokenKind, usize)> {
    let until = |stops: fn(char) -> bool| rest.find(stops).unwrap_or(rest.len());
    match first {
        '(' => Some((TokenKind::Open, 1)),
        ')' => Some((TokenKind::Close, 1)),
        'a'..='z' | 'A'..='Z' | '_' => Some((
            TokenKind::Word,
            until(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '-'),
        )),
        '0'..='9' | '-' => {
            let number = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.' && c != '-';
            Some((TokenKind::Number, until(number)))
        }
        _ => {
            let comparison = Comparison::ALL
                .into_iter()
                .find(|one| rest.starts_with(one.symbol()))?;
            Some((TokenKind::Compare(comparison), comparison.symbol().len()))
        }
    }
}

fn stray(text: &str, at: usize) -> Misread {
    let rest = &text[at..];
    let doubled = ["&&", "||"].into_iter().find(|symbol| rest.starts_with(symbol));
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let length = doubled.map_or(first, str::len);
    let error = ConditionError::Character {
        text: rest[..length].to_owned(),
    };
    Misread {
        error,
        range: at..at + length,
    }
}

struct Reader<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    vocabulary: &'t Vocabulary,
    mistakes: Vec<Misread>,
}

type Read = Result<Condition, Misread>;

impl<'t> Reader<'t> {
    fn whole(&mut self) -> Read {
        let condition = self.joined()?;
        match self.peek() {
            None => Ok(condition),
            Some(_) => Err(self.expected("`and`, `or` or the end")),
        }
    }

    /// Parts joined by `and`, or parts joined by `or`.
    fn joined(&mut self) -> Read {
        let first = self.negated()?;
        let Some(joint) = self.joint() else {
            return Ok(first);
        };
        let mut parts = vec![first];
        while let Some(next) = self.joint() {
            if next != joint {
                return Err(self.misread(ConditionError::Mixed));
            }
            self.at += 1;
            parts.push(self.negated()?);
        }
        Ok(if joint == "and" {
            Condition::And(parts)
        } else {
            Condition::Or(parts)
        })
    }

    fn joint(&self) -> Option<&'t str> {
        self.peek()
            .map(|token| self.text_of(token))
            .filter(|word| matches!(*word, "and" | "or"))
    }

    fn negated(&mut self) -> Read {
        if self.peek().is_some_and(|token| self.text_of(token) == "not") {
            self.deeper()?;
            self.at += 1;
            let inner = self.negated()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Read {
        const WANTED: &str = "an attribute, a fact, `not` or `(`";
        match self.peek().map(|token| token.kind) {
            Some(TokenKind::Open) => self.parenthesis(),
            Some(TokenKind::Word) => self.named(WANTED),
            Some(TokenKind::Number | TokenKind::Compare(_) | TokenKind::Close) | None => {
                Err(self.expected(WANTED))
            }
        }
    }

    fn parenthesis(&mut self) -> Read {
        self.deeper()?;
        let open = self.misread(ConditionError::Open);
        self.at += 1;
        let inner = self.joined()?;
        match self.peek().map(|token| token.kind) {
            Some(TokenKind::Close) => {
                self.at += 1;
                self.depth -= 1;
                Ok(inner)
            }
            Some(_) => Err(self.expected("`and`, `or` or `)`")),
            None => Err(open),
        }
    }

    fn named(&mut self, wanted: &'static str) -> Read {
        let name = self.peek().map_or("", |token| self.text_of(token));
        match name {
            "and" | "or" => return Err(self.expected(wanted)),
            "always" | "never" => {
                self.at += 1;
                return Ok(if name == "always" {
                    Condition::Always
                } else {
                    Condition::Never
                });
            }
            _ => {}
        }
        let place = self.at;
        self.at += 1;
        match self.vocabulary.meaning(name) {
            Some(Meaning::Flag(flag)) => {
                self.refuse_comparison(name)?;
                Ok(Condition::Is(flag))
            }
            Some(Meaning::Number(number)) => self.comparison(name, number, place),
            None => {
                self.report_unknown(name, place);
                self.skip_comparison();
                Ok(Condition::Never)
            }
        }
    }

    fn refuse_comparison(&mut self, name: &str) -> Result<(), Misread> {
        match self.peek().map(|token| token.kind) {
            Some(TokenKind::Compare(_)) => Err(self.misread(ConditionError::Compared {
                name: name.to_owned(),
            })),
            _ => Ok(()),
        }
    }

    /// After an unknown name, so that the rest is still read.
    fn skip_comparison(&mut self) {
        if matches!(self.peek().map(|token| token.kind), Some(TokenKind::Compare(_))) {
            self.at += 1;
            let _ = self.literal_range();
        }
    }

    fn comparison(&mut self, name: &str, number: NumberId, place: usize) -> Read {
        let Some(TokenKind::Compare(comparison)) = self.peek().map(|token| token.kind) else {
            let example = self.example(name, number);
            let error = ConditionError::NotCompared {
                name: name.to_owned(),
                example,
            };
            self.mistakes.push(Misread {
                error,
                range: self.tokens[place].range.clone(),
            });
            return Ok(Condition::Never);
        };
        let Some(kind) = self.vocabulary.kind(number) else {
            return Ok(Condition::Never);
        };
        let words = matches!(kind, NumberKind::Words(_));
        if words && !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            let error = ConditionError::Unordered {
                name: name.to_owned(),
            };
            let misread = self.misread(error);
            self.mistakes.push(misread);
        }
        self.at += 1;
        let Some(range) = self.literal_range() else {
            return Err(self.expected("a literal"));
        };
        let literal = self.literal(kind, range);
        Ok(Condition::Compare {
            number,
            comparison,
            literal,
        })
    }

    /// The bytes of the literal here: a number with or without a unit behind it, or a word.
    fn literal_range(&mut self) -> Option<Range<usize>> {
        let token = self.peek()?;
        let number = match token.kind {
            TokenKind::Number => true,
            TokenKind::Word => false,
            TokenKind::Compare(_) | TokenKind::Open | TokenKind::Close => return None,
        };
        let mut range = token.range.clone();
        self.at += 1;
        let unit = self.peek().filter(|next| number && next.kind == TokenKind::Word);
        if let Some(unit) = unit.filter(|unit| !matches!(self.text_of(unit), "and" | "or" | "not")) {
            range.end = unit.range.end;
            self.at += 1;
        }
        Some(range)
    }

    /// The value of the literal; a mistake is reported and gives zero, which is then never used.
    fn literal(&mut self, kind: &NumberKind, range: Range<usize>) -> u64 {
        let text = &self.text[range.clone()];
        let error = match read_literal(kind, text) {
            Ok(value) => return value,
            Err(error) => error,
        };
        let error = match self.vocabulary.meaning(text) {
            Some(_) => ConditionError::AttributeAgainstAttribute {
                name: text.to_owned(),
            },
            None => ConditionError::Literal(error),
        };
        self.mistakes.push(Misread { error, range });
        0
    }

    fn example(&self, name: &str, number: NumberId) -> String {
        match self.vocabulary.kind(number) {
            Some(NumberKind::Words(words)) => {
                format!("{name} == {}", words.first().map_or("", String::as_str))
            }
            Some(NumberKind::Integer(Unit::Duration)) => format!("{name} > 30s"),
            Some(NumberKind::Integer(Unit::Tokens | Unit::Count | Unit::Money)) | None => {
                format!("{name} > 100")
            }
        }
    }

    fn report_unknown(&mut self, name: &str, place: usize) {
        let known = self
            .vocabulary
            .condition_names()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let error = ConditionError::Unknown {
            name: name.to_owned(),
            known,
        };
        self.mistakes.push(Misread {
            error,
            range: self.tokens[place].range.clone(),
        });
    }

    fn deeper(&mut self) -> Result<(), Misread> {
        self.depth += 1;
        if self.depth > Limits::DEPTH_MAX {
            Err(self.misread(ConditionError::TooDeep))
        } else {
            Ok(())
        }
    }

    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn text_of(&self, token: &Token) -> &'t str {
        &self.text[token.range.clone()]
    }

    fn expected(&self, wanted: &'static str) -> Misread {
        let found = self
            .peek()
            .map_or("the end".to_owned(), |token| format!("`{}`", self.text_of(token)));
        self.misread(ConditionError::Expected { wanted, found })
    }

    /// A mistake at the token here, or at the end.
    fn misread(&self, error: ConditionError) -> Misread {
        let end = self.text.trim_end().len();
        Misread {
            error,
            range: self.peek().map_or(end..end, |token| token.range.clone()),
        }
    }
}
