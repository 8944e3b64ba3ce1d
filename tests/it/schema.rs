//! The JSON Schemas against the decoders: what the program takes they take, and what it does not know they refuse.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use lanebench::policy::{Policy, decode_policy};
use lanebench::report::{Paint, SchemaKind, render_all};
use lanebench::rng::{Purpose, Seed};
use lanebench::scenario::{Diagnostics, Scenario, ServicePlan, Sources, decode_kinds, read};
use lanebench::sim::compare::Sweep;
use regex::Regex;
use serde_json::Value;

use crate::scenario::from_disk;
use crate::support::{repo, yaml_files};

/// The schemas use few words of JSON Schema, and this reads exactly those; any other word is an error of the test.
/// A complete validator would bring some forty crates into every build of the tests.
pub(crate) struct Validator {
    schema: Value,
    patterns: BTreeMap<String, Regex>,
}

fn validator(kind: SchemaKind) -> Validator {
    Validator::of(serde_json::from_str(&kind.schema()).unwrap())
}

/// Every pattern in a schema, made ready once.
fn compile(schema: &Value, patterns: &mut BTreeMap<String, Regex>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(pattern)) = map.get("pattern") {
                patterns.insert(pattern.clone(), Regex::new(pattern).unwrap());
            }
            map.values().for_each(|value| compile(value, patterns));
        }
        Value::Array(list) => list.iter().for_each(|value| compile(value, patterns)),
        _ => {}
    }
}

impl Validator {
    /// Of a document whose schemas refer to each other.
    pub(crate) fn of(schema: Value) -> Self {
        let mut patterns = BTreeMap::new();
        compile(&schema, &mut patterns);
        Self { schema, patterns }
    }

    /// What one schema of the document has against a value.
    pub(crate) fn complaints_of(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut said = Vec::new();
        self.check(schema, value, "", &mut said);
        said
    }

    fn is_valid(&self, value: &Value) -> bool {
        self.complaints(value).is_empty()
    }

    fn complaints(&self, value: &Value) -> Vec<String> {
        let mut said = Vec::new();
        self.check(&self.schema, value, "", &mut said);
        said
    }

    fn holds(&self, schema: &Value, value: &Value) -> bool {
        let mut said = Vec::new();
        self.check(schema, value, "", &mut said);
        said.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, way: &str, said: &mut Vec<String>) {
        for (word, wanted) in schema.as_object().unwrap() {
            if !self.word(schema, word, wanted, value, way, said) {
                said.push(format!("{way}: {value} is not as `{word}` wants: {wanted}"));
            }
        }
    }

    /// Whether one word of a schema holds; what lies deeper is said by itself.
    fn word(
        &self,
        schema: &Value,
        word: &str,
        wanted: &Value,
        value: &Value,
        way: &str,
        said: &mut Vec<String>,
    ) -> bool {
        let count = |wanted: &Value| usize::try_from(wanted.as_u64().unwrap()).unwrap();
        let held = |list: &Value| {
            let list = list.as_array().unwrap().iter();
            list.filter(|one| self.holds(one, value)).count()
        };
        let map = value.as_object();
        match word {
            "$schema" | "title" | "$defs" | "description" | "examples" => true,
            "$ref" => {
                let target = self
                    .schema
                    .pointer(wanted.as_str().unwrap().strip_prefix('#').unwrap());
                self.check(target.unwrap(), value, way, said);
                true
            }
            "type" => match wanted {
                Value::Array(all) => all.iter().any(|one| is_of(one.as_str().unwrap(), value)),
                one => is_of(one.as_str().unwrap(), value),
            },
            "const" => wanted == value,
            "enum" => wanted.as_array().unwrap().contains(value),
            "pattern" => value
                .as_str()
                .is_none_or(|text| self.patterns[wanted.as_str().unwrap()].is_match(text)),
            "maxLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() <= count(wanted)),
            "minimum" => value
                .as_f64()
                .is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => value
                .as_f64()
                .is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "anyOf" => held(wanted) > 0,
            "oneOf" => held(wanted) == 1,
            "allOf" => held(wanted) == wanted.as_array().unwrap().len(),
            "not" => !self.holds(wanted, value),
            "minItems" => value.as_array().is_none_or(|items| items.len() >= count(wanted)),
            "minProperties" => map.is_none_or(|map| map.len() >= count(wanted)),
            "maxProperties" => map.is_none_or(|map| map.len() <= count(wanted)),
            "required" => map.is_none_or(|map| {
                let mut keys = wanted.as_array().unwrap().iter();
                keys.all(|key| map.contains_key(key.as_str().unwrap()))
            }),
            "dependentRequired" => map.is_none_or(|map| {
                let mut pairs = wanted
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(key, _)| map.contains_key(*key));
                let has = |key: &Value| map.contains_key(key.as_str().unwrap());
                pairs.all(|(_, needed)| needed.as_array().unwrap().iter().all(has))
            }),
            "propertyNames" => map.is_none_or(|map| {
                map.keys()
                    .all(|key| self.holds(wanted, &Value::from(key.as_str())))
            }),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(wanted, item, &format!("{way}/{index}"), said);
                }
                true
            }
            "properties" => {
                for (key, one) in wanted.as_object().unwrap() {
                    if let Some(value) = map.and_then(|map| map.get(key)) {
                        self.check(one, value, &format!("{way}/{key}"), said);
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let strange = |key: &&String| known.is_none_or(|known| !known.contains_key(*key));
                for key in map.into_iter().flat_map(|map| map.keys()).filter(strange) {
                    match wanted {
                        Value::Bool(false) => said.push(format!("{way}: no key `{key}`")),
                        other => self.check(other, &value[key], &format!("{way}/{key}"), said),
                    }
                }
                true
            }
            other => panic!("the test does not know the word `{other}` of JSON Schema"),
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("no type of JSON is called `{other}`"),
    }
}

/// A file as JSON; none if it is no YAML that serde_yaml reads, or says a key twice.
fn json_of(text: &str) -> Option<Value> {
    let value: serde_yaml::Value = serde_yaml::from_str(text).ok()?;
    serde_json::to_value(value).ok()
}

fn three_lane() -> Policy {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let bytes = std::fs::read(repo("scenarios/policies/three-lane.yaml")).unwrap();
    let tree = read(&mut sources, "three-lane.yaml", &bytes, &mut out).unwrap();
    decode_policy(&tree, &mut out).unwrap()
}

/// Everything that the program says against a file.
fn mistakes(kind: SchemaKind, name: &str, text: &str) -> String {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    if kind == SchemaKind::Scenario {
        Scenario::load(name, text.as_bytes(), &mut from_disk, &mut sources, &mut out);
        return render_all(&out, &sources, Paint::Plain);
    }
    if kind == SchemaKind::Comparison {
        Sweep::load(name, text.as_bytes(), &mut from_disk, &mut sources, &mut out);
        return render_all(&out, &sources, Paint::Plain);
    }
    if kind == SchemaKind::Service {
        ServicePlan::read(name, text.as_bytes(), &mut sources, &mut out);
        return render_all(&out, &sources, Paint::Plain);
    }
    if let Some(tree) = read(&mut sources, name, text.as_bytes(), &mut out) {
        let policy = three_lane();
        match kind {
            SchemaKind::Policy => drop(decode_policy(&tree, &mut out)),
            SchemaKind::Kinds => drop(decode_kinds(policy.vocabulary(), &tree, &mut out)),
            SchemaKind::Waiver => {
                drop(lanebench::policy::diff::decode_waiver(
                    &policy, &policy, &tree, &mut out,
                ));
            }
            SchemaKind::Scenario | SchemaKind::Comparison | SchemaKind::Service => unreachable!("read above"),
            SchemaKind::Control => unreachable!("no file is written in it"),
        }
    }
    render_all(&out, &sources, Paint::Plain)
}

/// Every shipped file with its format.
fn shipped() -> Vec<(SchemaKind, PathBuf)> {
    let mut all: Vec<_> = yaml_files("scenarios/policies")
        .into_iter()
        .map(|path| (SchemaKind::Policy, path))
        .collect();
    let registries = yaml_files("scenarios").into_iter();
    all.extend(registries.map(|path| (SchemaKind::Kinds, path)));
    let profiles = yaml_files("scenarios/profiles").into_iter();
    all.extend(profiles.map(|path| (SchemaKind::Service, path)));
    let comparisons = yaml_files("scenarios/comparisons").into_iter();
    all.extend(comparisons.map(|path| (SchemaKind::Comparison, path)));
    all.push((SchemaKind::Waiver, repo("tests/golden/diff/waiver.yaml")));
    let mut folders: Vec<PathBuf> = std::fs::read_dir(repo("scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders.push(repo("tests/sdk"));
    for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let kind_of = |path: &Path| {
            let is_yaml = path.extension().is_some_and(|end| end == "yaml");
            let text = is_yaml.then(|| std::fs::read_to_string(path).unwrap())?;
            let begins = |key: &str| text.lines().any(|line| line.starts_with(key));
            match begins("scenario:") {
                true => Some(SchemaKind::Scenario),
                false => begins("service:").then_some(SchemaKind::Service),
            }
        };
        let named = files.into_iter().filter_map(|path| Some((kind_of(&path)?, path)));
        all.extend(named.filter(|found| !all.contains(found)).collect::<Vec<_>>());
    }
    assert!(all.len() > 100, "{}", all.len());
    all
}

#[test]
fn every_shipped_file_is_taken_by_its_schema() {
    let validators = SchemaKind::ALL.map(|kind| (kind, validator(kind)));
    for (kind, path) in shipped() {
        let value = json_of(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (_, validator) = validators.iter().find(|(known, _)| *known == kind).unwrap();
        let said = validator.complaints(&value);
        assert!(said.is_empty(), "{}: {said:#?}", path.display());
    }
}

#[test]
fn a_broken_file_is_refused_where_its_shape_is_wrong() {
    let mut refused = 0;
    let written = SchemaKind::ALL
        .into_iter()
        .filter(|kind| *kind != SchemaKind::Control);
    for kind in written {
        let validator = validator(kind);
        for path in yaml_files(&format!("tests/bad/{}", kind.word())) {
            let text = std::fs::read_to_string(path.with_extension("err")).unwrap();
            // What an editor can see: keys, types and missing parts; names and other files are beyond it.
            let shape = ["unknown key", ", found a ", "a value is missing"];
            if !shape.iter().any(|words| text.contains(words)) {
                continue;
            }
            let Some(value) = std::fs::read_to_string(&path)
                .ok()
                .and_then(|text| json_of(&text))
            else {
                continue;
            };
            refused += 1;
            assert!(!validator.is_valid(&value), "{} is taken", path.display());
        }
    }
    assert!(refused >= 11, "only {refused} files have a wrong shape");
}

/// The ways to all maps of a value.
fn maps(value: &Value, way: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.push(way.to_owned());
            for (key, value) in map {
                maps(
                    value,
                    &format!("{way}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                maps(value, &format!("{way}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn a_key_that_the_program_does_not_know_is_refused_by_the_schema_as_well() {
    const STRANGER: &str = "zz_stranger";
    let validators = SchemaKind::ALL.map(|kind| (kind, validator(kind)));
    let (mut known_to_both, mut unknown_to_both) = (0, 0);
    for (number, (kind, path)) in shipped().into_iter().enumerate() {
        let value = json_of(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let mut ways = Vec::new();
        maps(&value, "", &mut ways);
        let (_, validator) = validators.iter().find(|(known, _)| *known == kind).unwrap();
        // All maps of the small formats; of scenarios a few each, for there are many.
        let tries = if kind == SchemaKind::Scenario {
            3
        } else {
            ways.len() as u64
        };
        for draw in 0..tries {
            let index = match kind {
                SchemaKind::Scenario => Seed(5).bits(Purpose::Text, number as u64, draw) % ways.len() as u64,
                _ => draw,
            };
            let way = &ways[usize::try_from(index).unwrap()];
            let mut changed = value.clone();
            let map = changed.pointer_mut(way).unwrap().as_object_mut().unwrap();
            map.insert(STRANGER.to_owned(), Value::from("zz"));
            let name = path.strip_prefix(repo("")).unwrap().to_str().unwrap();
            let text = serde_yaml::to_string(&changed).unwrap();
            let said = mistakes(kind, name, &text);
            let refused = said.contains(&format!("unknown key `{STRANGER}`"))
                || said.contains("expected one key that names");
            if refused {
                unknown_to_both += 1;
                assert!(
                    !validator.is_valid(&changed),
                    "{name}: the schema takes a key at `{way}`\n{said}"
                );
            } else {
                known_to_both += 1;
            }
        }
    }
    assert!(
        unknown_to_both > 150 && known_to_both > 10,
        "{unknown_to_both} and {known_to_both}"
    );
}

#[test]
fn the_reader_of_schemas_refuses_what_they_refuse() {
    let scenario = validator(SchemaKind::Scenario);
    let text = std::fs::read_to_string(repo("scenarios/retry/rate-limited-create.yaml")).unwrap();
    let good = json_of(&text).unwrap();
    assert!(scenario.is_valid(&good));
    for (way, wrong) in [
        ("/scenario", Value::from("x".repeat(121))),
        ("/shows", Value::from(Vec::<String>::new())),
        ("/shows/0", Value::from("retries")),
        ("/tasks/0/id", Value::from("two words")),
        ("/faults/0/nth", Value::from("first")),
        ("/faults/0/reply/status", Value::from(200)),
        ("/people/0", Value::from("user")),
        ("/expect/report/within", Value::from("15 minutes")),
        ("/expect/report/states/0", Value::from("begun")),
        ("/invariants", Value::Null),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(way).unwrap() = wrong;
        assert!(!scenario.is_valid(&changed), "{way}");
    }
    for key in ["shows", "policy"] {
        let mut changed = good.clone();
        changed.as_object_mut().unwrap().remove(key);
        assert!(!scenario.is_valid(&changed), "without `{key}`");
    }
}

#[test]
fn a_schema_is_printed_and_an_unknown_one_is_not() {
    for kind in SchemaKind::ALL {
        let output = Command::new(env!("CARGO_BIN_EXE_lanebench"))
            .args(["schema", kind.word()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), kind.schema());
    }
    let output = Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .args(["schema", "polcy"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("did you mean `policy`?"), "{said}");
}
