//! The canonical form of an act, version 1: what an approver decides on and what a sink executes is the same
//! exactly when the digests are the same.
//!
//! Invariants: two texts have one canonical form only if they mean the same; layout, the order of keys and the
//! way characters are escaped never count; everything else does. What could be read in two ways is refused.
//!
//! - Objects: keys in the order of their UTF-16 code units, each key once; unknown keys count like known ones.
//! - Numbers: as written. `1` is not `1.0`, `1.0` is not `1.00`; exponents and negative zero are refused.
//! - Strings: as they are, without Unicode normalisation; lone surrogates are refused.
//! - Nothing between tokens; only `"`, `\` and control characters are escaped.
//!
//! Source of the order and of the escapes: RFC 8785. Numbers differ from it on purpose: there they go through
//! doubles, and two amounts of money could become one.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::units::hex;

/// Stands in front of everything that is digested; the version is part of it.
const DOMAIN: &str = "lanebench/act/v1";

/// How deep arrays and objects may be nested.
const DEPTH_MAX: u32 = 64;

/// Why a text has no canonical form. Places are characters of the text, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// The text ends where more has to come.
    #[error("the arguments end where {wanted} has to stand")]
    End {
        /// What is missing.
        wanted: &'static str,
    },
    /// Something else stands there.
    #[error("expected {wanted} at character {at}, found `{}`", shown(*found))]
    Unexpected {
        /// What is missing.
        wanted: &'static str,
        /// What stands there.
        found: char,
        /// Where.
        at: usize,
    },
    /// A key stands twice in one object.
    #[error("the key `{key}` stands twice in one object, again at character {at}")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it stands again.
        at: usize,
    },
    /// `NaN` or `Infinity`.
    #[error("no number at character {at}: `NaN` and `Infinity` are refused")]
    NotFinite {
        /// Where.
        at: usize,
    },
    /// A zero with a minus sign.
    #[error("a negative zero at character {at}: write `0`")]
    NegativeZero {
        /// Where.
        at: usize,
    },
    /// A number with an exponent.
    #[error("a number with an exponent at character {at}: write all of its digits")]
    Exponent {
        /// Where.
        at: usize,
    },
    /// Half of a surrogate pair.
    #[error("half of a surrogate pair at character {at}")]
    LoneSurrogate {
        /// Where.
        at: usize,
    },
    /// Arrays and objects are nested too deep.
    #[error("nested deeper than {DEPTH_MAX} at character {at}")]
    TooDeep {
        /// Where.
        at: usize,
    },
}

/// The canonical form of the arguments of an act.
///
/// # Errors
/// [`ActError`] says what cannot be read in exactly one way.
pub fn canonical(arguments: &str) -> Result<String, ActError> {
    let mut reader = Reader {
        text: arguments,
        place: 0,
        depth: 0,
    };
    let mut out = String::with_capacity(arguments.len());
    reader.value(&mut out)?;
    reader.skip_blanks();
    match reader.peek() {
        None => Ok(out),
        Some(_) => Err(reader.wanted("the end")),
    }
}

/// The digest of an act in hexadecimal: SHA-256 over the domain tag, then sink, operation and canonical arguments,
/// each behind its length in bytes (eight bytes, the highest first).
///
/// # Errors
/// [`ActError`] if the arguments have no canonical form.
pub fn digest(sink: &str, operation: &str, arguments: &str) -> Result<Arc<str>, ActError> {
    let arguments = canonical(arguments)?;
    let mut hash = Sha256::new();
    hash.update(DOMAIN.as_bytes());
    for part in [sink, operation, &arguments] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Ok(hex(&hash.finalize()).into())
}

struct Reader<'a> {
    text: &'a str,
    /// In bytes, always between two characters.
    place: usize,
    depth: u32,
}

/// A key of an object, where it stands, and its value in canonical form.
struct Entry {
    key: String,
    place: usize,
    value: String,
}

impl Reader<'_> {
    fn value(&mut self, out: &mut String) -> Result<(), ActError> {
        const WANTED: &str = "a value";
        self.skip_blanks();
        match self.peek() {
            Some('{') => self.nested(out, Self::object),
            Some('[') => self.nested(out, Self::array),
            Some('"') => {
                write_string(&self.string(WANTED)?, out);
                Ok(())
            }
            Some('-' | '0'..='9') => self.number(out),
            Some('N' | 'I') => Err(ActError::NotFinite {
                at: self.at(self.place),
            }),
            Some(_) => self.word(out),
            None => Err(ActError::End { wanted: WANTED }),
        }
    }

    fn nested(
        &mut self,
        out: &mut String,
        read: fn(&mut Self, &mut String) -> Result<(), ActError>,
    ) -> Result<(), ActError> {
        if self.depth == DEPTH_MAX {
            return Err(ActError::TooDeep {
                at: self.at(self.place),
            });
        }
        self.depth += 1;
        read(self, out)?;
        self.depth -= 1;
        Ok(())
    }

    fn object(&mut self, out: &mut String) -> Result<(), ActError> {
        self.place += 1;
        let mut entries = Vec::new();
        self.skip_blanks();
        if !self.take('}') {
            loop {
                entries.push(self.entry()?);
                self.skip_blanks();
                if self.take('}') {
                    break;
                }
                self.need(',', "`,` or `}`")?;
            }
        }
        self.write_object(entries, out)
    }

    fn entry(&mut self) -> Result<Entry, ActError> {
        self.skip_blanks();
        let place = self.place;
        let key = self.string("a key")?;
        self.skip_blanks();
        self.need(':', "`:`")?;
        let mut value = String::new();
        self.value(&mut value)?;
        Ok(Entry { key, place, value })
    }

    fn write_object(&self, mut entries: Vec<Entry>, out: &mut String) -> Result<(), ActError> {
        // The sort is stable, so of two equal keys the later one is named.
        entries.sort_by(|a, b| a.key.encode_utf16().cmp(b.key.encode_utf16()));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].key == pair[1].key) {
            return Err(ActError::DuplicateKey {
                key: pair[1].key.clone(),
                at: self.at(pair[1].place),
            });
        }
        out.push('{');
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_string(&entry.key, out);
            out.push(':');
            out.push_str(&entry.value);
        }
        out.push('}');
        Ok(())
    }

    fn array(&mut self, out: &mut String) -> Result<(), ActError> {
        self.place += 1;
        out.push('[');
        self.skip_blanks();
        if !self.take(']') {
            loop {
                self.value(out)?;
                self.skip_blanks();
                if self.take(']') {
                    break;
                }
                self.need(',', "`,` or `]`")?;
                out.push(',');
            }
        }
        out.push(']');
        Ok(())
    }

    fn word(&mut self, out: &mut String) -> Result<(), ActError> {
        let rest = &self.text[self.place..];
        let Some(word) = ["true", "false", "null"]
            .into_iter()
            .find(|word| rest.starts_with(word))
        else {
            return Err(self.wanted("a value"));
        };
        self.place += word.len();
        out.push_str(word);
        Ok(())
    }

    fn number(&mut self, out: &mut String) -> Result<(), ActError> {
        let start = self.place;
        let minus = self.take('-');
        if self.peek() == Some('I') {
            return Err(ActError::NotFinite { at: self.at(start) });
        }
        if !self.take('0') {
            self.digits()?;
        }
        if self.take('.') {
            self.digits()?;
        }
        match self.peek() {
            Some('e' | 'E') => return Err(ActError::Exponent { at: self.at(start) }),
            Some('0'..='9') => return Err(self.wanted("no digit behind a leading zero")),
            _ => {}
        }
        let number = &self.text[start..self.place];
        if minus && number.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.')) {
            return Err(ActError::NegativeZero { at: self.at(start) });
        }
        out.push_str(number);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ActError> {
        let rest = &self.text[self.place..];
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        if len == 0 {
            return Err(self.wanted("a digit"));
        }
        self.place += len;
        Ok(())
    }

    fn string(&mut self, wanted: &'static str) -> Result<String, ActError> {
        self.need('"', wanted)?;
        let mut string = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.place += 1;
                    return Ok(string);
                }
                Some('\\') => string.push(self.escape()?),
                Some(plain) if plain >= ' ' => {
                    self.place += plain.len_utf8();
                    string.push(plain);
                }
                _ => return Err(self.wanted("a character of a string or `\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ActError> {
        let start = self.place;
        self.place += 1;
        let plain = match self.peek() {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode(start),
            _ => return Err(self.wanted("an escape")),
        };
        self.place += 1;
        Ok(plain)
    }

    fn unicode(&mut self, start: usize) -> Result<char, ActError> {
        let mut units = vec![self.unit()?];
        if (0xD800..0xDC00).contains(&units[0]) && self.text[self.place..].starts_with("\\u") {
            self.place += 1;
            units.push(self.unit()?);
        }
        match String::from_utf16(&units).ok().and_then(|pair| one_char(&pair)) {
            Some(character) => Ok(character),
            None => Err(ActError::LoneSurrogate { at: self.at(start) }),
        }
    }

    /// Reads `u` and its four digits.
    fn unit(&mut self) -> Result<u16, ActError> {
        self.place += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) else {
                return Err(self.wanted("four hexadecimal digits"));
            };
            self.place += 1;
            unit = unit * 16 + digit;
        }
        // Four hexadecimal digits always fit.
        Ok(u16::try_from(unit).unwrap_or(u16::MAX))
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.place..];
        self.place += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.place..].chars().next()
    }

    fn take(&mut self, ascii: char) -> bool {
        let there = self.peek() == Some(ascii);
        self.place += usize::from(there);
        there
    }

    fn need(&mut self, ascii: char, wanted: &'static str) -> Result<(), ActError> {
        if self.take(ascii) {
            Ok(())
        } else {
            Err(self.wanted(wanted))
        }
    }

    fn wanted(&self, wanted: &'static str) -> ActError {
        match self.peek() {
            Some(found) => ActError::Unexpected {
                wanted,
                found,
                at: self.at(self.place),
            },
            None => ActError::End { wanted },
        }
    }

    fn at(&self, place: usize) -> usize {
        self.text[..place].chars().count() + 1
    }
}

/// A character as an error names it: as it is, unless nobody could see it.
fn shown(character: char) -> String {
    match character {
        '"' | '\'' | '\\' => character.to_string(),
        other => other.escape_debug().to_string(),
    }
}

fn one_char(text: &str) -> Option<char> {
    let mut characters = text.chars();
    let first = characters.next()?;
    characters.next().is_none().then_some(first)
}

fn write_string(string: &str, out: &mut String) {
    out.push('"');
    for character in string.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}
