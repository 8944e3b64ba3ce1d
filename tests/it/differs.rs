//! Where the wire is documented to differ from what strangers say it is: one table, `tests/differs.json`, read by the tests
//! here and by those of the SDKs for Python and Node. Each row names who needs it, and has to be needed by each of them.
//!
//! - `where`: fields that an object has, anywhere in a body or event. `null` stands for null, `{}` for any object, and
//!   `{"absent": true}` for a field that is not there.
//! - `settle`: how the difference is taken away, by one of `put` (fields), `copy` (field from field), `lift` (the fields of
//!   an object that are not there yet), `drop` (fields), `without` (a list's entries of a type) and `skip` (the whole).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::support::repo;

/// Everybody who reads the table.
const READERS: [&str; 4] = ["description", "async-openai", "python", "node"];

/// The rows of one reader, and which of them were needed so far.
pub(crate) struct Differs {
    reader: &'static str,
    rows: Vec<Value>,
    needed: BTreeSet<String>,
}

/// The whole table.
fn table() -> Vec<Value> {
    serde_json::from_str(&std::fs::read_to_string(repo("tests/differs.json")).unwrap()).unwrap()
}

fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

impl Differs {
    pub(crate) fn of(reader: &'static str) -> Self {
        assert!(READERS.contains(&reader), "{reader}");
        let mut rows = table();
        rows.retain(|row| words(&row["readers"]).contains(&reader));
        let needed = BTreeSet::new();
        Self { reader, rows, needed }
    }

    /// Takes every difference away; what is left of a value that is skipped is null.
    pub(crate) fn settle(&mut self, value: &mut Value) {
        for row in &self.rows {
            let fits = |fields: &Map<String, Value>| fits(&row["where"], fields);
            if walk(value, &fits, &row["settle"]) {
                self.needed.insert(row["what"].to_string());
            }
        }
    }

    /// Every row was needed.
    #[track_caller]
    pub(crate) fn all_needed(&self) {
        let idle = self
            .rows
            .iter()
            .filter(|row| !self.needed.contains(&row["what"].to_string()));
        let idle: Vec<String> = idle
            .map(|row| format!("{}: {}", row["what"], row["why"]))
            .collect();
        assert!(
            idle.is_empty(),
            "documented, but nothing differs for {}: {idle:#?}",
            self.reader
        );
    }
}

fn fits(pattern: &Value, fields: &Map<String, Value>) -> bool {
    let mut wanted = pattern.as_object().unwrap().iter();
    wanted.all(|(key, wanted)| match (wanted, fields.get(key)) {
        (Value::Object(any), found) if any.contains_key("absent") => found.is_none(),
        (Value::Object(_), found) => found.is_some_and(Value::is_object),
        (wanted, found) => found == Some(wanted),
    })
}

/// Settles wherever it fits.
fn walk(value: &mut Value, fits: &impl Fn(&Map<String, Value>) -> bool, how: &Value) -> bool {
    let mut found = value.as_object().is_some_and(fits);
    if found {
        settle(value, how);
    }
    let inner: Vec<&mut Value> = match value {
        Value::Object(fields) => fields.values_mut().collect(),
        Value::Array(entries) => entries.iter_mut().collect(),
        _ => Vec::new(),
    };
    for value in inner {
        found |= walk(value, fits, how);
    }
    found
}

fn settle(value: &mut Value, how: &Value) {
    let how = how.as_object().unwrap();
    assert_eq!(how.len(), 1, "a row settles in one way: {how:?}");
    let (way, what) = how.iter().next().unwrap();
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    match way.as_str() {
        "put" => fields.extend(what.as_object().unwrap().clone()),
        "copy" => {
            for (to, from) in what.as_object().unwrap() {
                fields.insert(to.clone(), fields[from.as_str().unwrap()].clone());
            }
        }
        "lift" => {
            let lifted = fields.remove(what.as_str().unwrap());
            for (key, field) in lifted.as_ref().and_then(Value::as_object).into_iter().flatten() {
                fields.entry(key.clone()).or_insert_with(|| field.clone());
            }
        }
        "drop" => words(what).into_iter().for_each(|key| drop(fields.remove(key))),
        "without" => {
            for (list, kind) in what.as_object().unwrap() {
                fields[list]
                    .as_array_mut()
                    .unwrap()
                    .retain(|entry| entry["type"] != *kind);
            }
        }
        "skip" => *value = Value::Null,
        other => panic!("nobody settles by `{other}`"),
    }
}

#[test]
fn every_row_of_the_table_says_who_needs_it_and_why() {
    let mut names = BTreeSet::new();
    for row in table() {
        let mut keys: Vec<&String> = row.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["readers", "settle", "what", "where", "why"], "{row}");
        assert!(names.insert(row["what"].to_string()), "twice: {}", row["what"]);
        let readers = words(&row["readers"]);
        assert!(
            !readers.is_empty() && readers.iter().all(|reader| READERS.contains(reader)),
            "{row}"
        );
        assert!(
            row["why"].as_str().unwrap().ends_with(')'),
            "no section of the contract: {row}"
        );
    }
}

#[test]
#[should_panic(expected = "documented, but nothing differs for description")]
fn a_row_that_nobody_needs_any_more_fails() {
    let mut differs = Differs::of("description");
    differs.settle(&mut serde_json::json!({"type": "keepalive", "sequence_number": 1}));
    differs.all_needed();
}
