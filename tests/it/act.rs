//! The canonical form of an act.

use proptest::prelude::*;
use serde::Deserialize;

use lanebench::job::{canonical, digest};

use crate::support::repo;

/// One line of `tests/golden/acts.json`; the digests there come from another implementation.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Good {
        name: String,
        sink: String,
        operation: String,
        arguments: String,
        canonical: String,
        digest: String,
    },
    Bad {
        name: String,
        arguments: String,
        error: String,
    },
}

#[test]
fn the_vectors_hold() {
    let text = std::fs::read_to_string(repo("tests/golden/acts.json")).unwrap();
    let vectors: Vec<Vector> = serde_json::from_str(&text).unwrap();
    assert!(vectors.len() > 50);
    for vector in vectors {
        match vector {
            Vector::Good {
                name,
                sink,
                operation,
                arguments,
                canonical: expected,
                digest: hash,
            } => {
                assert_eq!(canonical(&arguments).unwrap(), expected, "{name}");
                assert_eq!(&*digest(&sink, &operation, &arguments).unwrap(), hash, "{name}");
            }
            Vector::Bad {
                name,
                arguments,
                error,
            } => {
                assert_eq!(canonical(&arguments).unwrap_err().to_string(), error, "{name}");
                assert!(digest("mail", "send", &arguments).is_err(), "{name}");
            }
        }
    }
}

#[test]
fn sixty_four_levels_are_read() {
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert_eq!(canonical(&deep).unwrap(), deep);
}

/// What a JSON text means, as far as an act is concerned.
#[derive(Debug, Clone, PartialEq)]
enum Meaning {
    Word(&'static str),
    Number(String),
    Text(String),
    List(Vec<Meaning>),
    Object(Vec<(String, Meaning)>),
}

fn meaning() -> impl Strategy<Value = Meaning> {
    let leaf = prop_oneof![
        prop_oneof![Just("true"), Just("false"), Just("null")].prop_map(Meaning::Word),
        "-?[1-9][0-9]{0,20}(\\.[0-9]{1,6})?|0".prop_map(Meaning::Number),
        any::<String>().prop_map(Meaning::Text),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let entries = prop::collection::btree_map(any::<String>(), inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Meaning::List),
            entries.prop_map(|entries| Meaning::Object(entries.into_iter().collect())),
        ]
    })
}

/// Writes a meaning in one of its many ways; `ways` decides, again and again from the front.
struct Writer<'a> {
    ways: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    out: String,
}

impl Writer<'_> {
    fn write(ways: &[u8], meaning: &Meaning) -> String {
        let mut writer = Writer {
            ways: ways.iter().cycle(),
            out: String::new(),
        };
        writer.value(meaning);
        writer.out
    }

    fn way(&mut self) -> usize {
        usize::from(*self.ways.next().unwrap())
    }

    fn blank(&mut self) {
        let blank = ["", " ", "\n", "\t\r", "  ", ""][self.way() % 6];
        self.out.push_str(blank);
    }

    fn value(&mut self, meaning: &Meaning) {
        self.blank();
        match meaning {
            Meaning::Word(word) => self.out.push_str(word),
            Meaning::Number(number) => self.out.push_str(number),
            Meaning::Text(text) => self.text(text),
            Meaning::List(items) => self.list(items),
            Meaning::Object(entries) => self.object(entries),
        }
        self.blank();
    }

    fn list(&mut self, items: &[Meaning]) {
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.value(item);
        }
        self.blank();
        self.out.push(']');
    }

    fn object(&mut self, entries: &[(String, Meaning)]) {
        let mut entries: Vec<_> = entries.iter().collect();
        let turn = self.way() % entries.len().max(1);
        entries.rotate_left(turn);
        self.out.push('{');
        for (index, (key, value)) in entries.into_iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.blank();
            self.text(key);
            self.blank();
            self.out.push(':');
            self.value(value);
        }
        self.blank();
        self.out.push('}');
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            let must = matches!(character, '"' | '\\' | '\0'..'\u{20}');
            match self.way() % 3 {
                0 if !must => self.out.push(character),
                1 if character == '/' => self.out.push_str("\\/"),
                way => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        let unit = if way == 2 {
                            format!("\\u{unit:04X}")
                        } else {
                            format!("\\u{unit:04x}")
                        };
                        self.out.push_str(&unit);
                    }
                }
            }
        }
        self.out.push('"');
    }
}

proptest! {
    #[test]
    fn layout_order_and_escapes_do_not_count(
        meaning in meaning(),
        one in prop::collection::vec(any::<u8>(), 1..40),
        other in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let (one, other) = (Writer::write(&one, &meaning), Writer::write(&other, &meaning));
        prop_assert_eq!(canonical(&one).unwrap(), canonical(&other).unwrap());
        prop_assert_eq!(digest("s", "o", &one).unwrap(), digest("s", "o", &other).unwrap());
    }

    #[test]
    fn everything_else_counts(one in meaning(), other in meaning(), ways in prop::collection::vec(any::<u8>(), 1..40)) {
        let same = one == other;
        let (one, other) = (Writer::write(&ways, &one), Writer::write(&ways, &other));
        prop_assert_eq!(canonical(&one).unwrap() == canonical(&other).unwrap(), same);
    }

    #[test]
    fn one_changed_leaf_counts(meaning in meaning(), steps in prop::collection::vec(any::<u8>(), 1..8)) {
        let mut changed = meaning.clone();
        change(&mut changed, &steps);
        let (before, after) = (Writer::write(&[0], &meaning), Writer::write(&[0], &changed));
        prop_assert_ne!(digest("s", "o", &before).unwrap(), digest("s", "o", &after).unwrap());
    }

    #[test]
    fn a_canonical_form_is_its_own_and_means_the_same(meaning in meaning(), ways in prop::collection::vec(any::<u8>(), 1..40)) {
        let text = Writer::write(&ways, &meaning);
        let form = canonical(&text).unwrap();
        prop_assert_eq!(&canonical(&form).unwrap(), &form);
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        prop_assert_eq!(read(&form), read(&text));
    }

    #[test]
    fn what_is_accepted_is_json(text in "[\\[\\]{}:,\"\\\\ntruefals0-9eE.+\\- \u{e9}\u{1f600}]{0,24}|.*") {
        if let Ok(form) = canonical(&text) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&form).is_ok(), "{}", form);
        }
    }
}

/// Goes down by `steps` and changes what it comes to.
fn change(meaning: &mut Meaning, steps: &[u8]) {
    let (step, rest) = steps
        .split_first()
        .map_or((0, steps), |(step, rest)| (usize::from(*step), rest));
    match meaning {
        Meaning::List(items) if !items.is_empty() && !rest.is_empty() => {
            let place = step % items.len();
            change(&mut items[place], rest);
        }
        Meaning::Object(entries) if !entries.is_empty() && !rest.is_empty() => {
            let place = step % entries.len();
            change(&mut entries[place].1, rest);
        }
        Meaning::List(items) => items.push(Meaning::Word("null")),
        Meaning::Object(entries) => {
            let longer = entries.iter().map(|(key, _)| key.as_str()).collect::<String>() + "+";
            entries.push((longer, Meaning::Word("null")));
        }
        Meaning::Word(word) => *word = if *word == "true" { "false" } else { "true" },
        Meaning::Number(number) => number.push_str(if number.contains('.') { "0" } else { ".0" }),
        Meaning::Text(text) => text.push(' '),
    }
}
