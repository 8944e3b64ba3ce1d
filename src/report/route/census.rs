//! How many tasks went where, by lane, rule, kind and finding.

use serde::Serialize;

use super::rows::{push_field, summary};
use crate::policy::route::{Census, LaneCounts};
use crate::policy::{Lane, Policy};
use crate::report::json::pretty;
use crate::report::paint::{Paint, Tone};
use crate::report::text::{columns, grouped, left, line, right};

/// How wide the names are at least and at most.
const NAME: (usize, usize) = (16, 40);
/// How wide the numbers are.
const NUMBER: usize = 14;
/// Raised whenever a field changes its meaning or goes.
const VERSION: u32 = 1;

/// The census as tables.
#[must_use]
pub fn census_text(policy: &Policy, census: &Census, broken: u64, paint: Paint) -> String {
    let rules = named_rules(census);
    let names = rules.iter().chain(&census.kinds).map(|(name, _)| columns(name));
    let width = names.max().unwrap_or(0).clamp(NAME.0, NAME.1);
    let mut text = table("lane", &[("all".to_owned(), census.lanes)], width, paint);
    text.push_str(&table("rule", &rules, width, paint));
    if !census.kinds.is_empty() {
        text.push_str(&table("kind", &census.kinds, width, paint));
    }
    if !census.findings.is_empty() {
        let heading = format!(
            "{}{}  first row  rule",
            left("finding", width),
            right("tasks", NUMBER)
        );
        text.push_str(&paint.tone(Tone::Strong, &heading));
        text.push('\n');
        for ((finding, rule), count) in &census.findings {
            let rule = rule.and_then(|rule| policy.rules().get(usize::from(rule)));
            text.push_str(&format!(
                "{}{}  {}  {}\n",
                left(finding.word(), width),
                right(&grouped(count.tasks), NUMBER),
                right(&grouped(count.first_row), 9),
                rule.map_or("-".to_owned(), |rule| line(&rule.id)),
            ));
        }
        text.push('\n');
    }
    format!("{text}{}\n", summary(policy, census, broken))
}

fn named_rules(census: &Census) -> Vec<(String, LaneCounts)> {
    let mut rules = census.rules.clone();
    if census.no_rule > 0 {
        rules.push(("(no rule)".to_owned(), LaneCounts::only_refused(census.no_rule)));
    }
    rules
}

fn table(by: &str, rows: &[(String, LaneCounts)], width: usize, paint: Paint) -> String {
    let words = Lane::ALL.map(Lane::word).into_iter().chain(["refused", "all"]);
    let heading: String = words.map(|word| right(word, NUMBER)).collect();
    let mut text = paint.tone(Tone::Strong, &format!("{}{heading}", left(by, width)));
    text.push('\n');
    for (name, counts) in rows {
        let numbers = Lane::ALL.map(|lane| counts.of(lane)).into_iter();
        let numbers = numbers
            .chain([counts.refused, counts.all()])
            .map(|number| match number {
                0 => right("-", NUMBER),
                number => right(&grouped(number), NUMBER),
            });
        text.push_str(&format!(
            "{}{}\n",
            left(&line(name), width),
            numbers.collect::<String>()
        ));
    }
    text.push('\n');
    text
}

/// The census as CSV: `by`, `name`, a column for each lane, `refused`, `all`.
#[must_use]
pub fn census_csv(census: &Census) -> String {
    let mut out = Vec::new();
    let lanes = Lane::ALL.map(Lane::word).join(",");
    out.extend_from_slice(format!("by,name,{lanes},refused,all\n").as_bytes());
    let rules = named_rules(census);
    let all = [("lane", vec![("all".to_owned(), census.lanes)])];
    let all = all
        .into_iter()
        .chain([("rule", rules), ("kind", census.kinds.clone())]);
    for (by, rows) in all {
        for (name, counts) in rows {
            out.extend_from_slice(by.as_bytes());
            out.push(b',');
            push_field(&mut out, &name);
            let numbers = Lane::ALL.map(|lane| counts.of(lane)).into_iter();
            for number in numbers.chain([counts.refused, counts.all()]) {
                out.extend_from_slice(format!(",{number}").as_bytes());
            }
            out.push(b'\n');
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The census as JSON.
///
/// | field | holds |
/// |---|---|
/// | `format`, `version` | `lanebench-census`, 1 |
/// | `policy`, `policy_hash` | who decided |
/// | `broken_rows` | rows that could not be read |
/// | `census` | `lanes`, `rules[]`, `no_rule`, `kinds[]`, `findings[]` |
#[must_use]
pub fn census_json(policy: &Policy, census: &Census, broken: u64) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        format: &'static str,
        version: u32,
        policy: &'a str,
        policy_hash: String,
        #[serde(flatten)]
        rest: CensusDocument<'a>,
    }
    pretty(&Document {
        format: "lanebench-census",
        version: VERSION,
        policy: policy.name(),
        policy_hash: policy.hash().to_string(),
        rest: CensusDocument::of(census, broken),
    })
}

/// The census in the shape of the documents.
#[derive(Serialize)]
pub(super) struct CensusDocument<'a> {
    broken_rows: u64,
    census: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    lanes: Lanes,
    rules: Vec<Named<'a>>,
    no_rule: u64,
    kinds: Vec<Named<'a>>,
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Lanes {
    interactive: u64,
    background: u64,
    approval: u64,
    refused: u64,
    all: u64,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    #[serde(flatten)]
    lanes: Lanes,
}

#[derive(Serialize)]
struct Found<'a> {
    finding: &'static str,
    rule: Option<&'a str>,
    tasks: u64,
    first_row: u64,
}

impl Lanes {
    fn of(counts: &LaneCounts) -> Self {
        Self {
            interactive: counts.of(Lane::Interactive),
            background: counts.of(Lane::Background),
            approval: counts.of(Lane::Approval),
            refused: counts.refused,
            all: counts.all(),
        }
    }
}

impl<'a> CensusDocument<'a> {
    pub(super) fn of(census: &'a Census, broken_rows: u64) -> Self {
        let named = |all: &'a [(String, LaneCounts)]| {
            all.iter()
                .map(|(name, counts)| Named {
                    name,
                    lanes: Lanes::of(counts),
                })
                .collect()
        };
        let rule = |index: Option<u16>| census.rules.get(usize::from(index?)).map(|(id, _)| id.as_str());
        let findings = census.findings.iter().map(|((finding, index), count)| Found {
            finding: finding.word(),
            rule: rule(*index),
            tasks: count.tasks,
            first_row: count.first_row,
        });
        Self {
            broken_rows,
            census: Body {
                lanes: Lanes::of(&census.lanes),
                rules: named(&census.rules),
                no_rule: census.no_rule,
                kinds: named(&census.kinds),
                findings: findings.collect(),
            },
        }
    }
}
