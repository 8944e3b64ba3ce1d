//! The page of a study and its plots: numbers, escaping, form, and labels that do not run into each other.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use lanebench::report::{CompareKind, CompareReport, Paint, compare_figures};
use lanebench::sim::compare::{Comparison, Findings};
use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use regex::Regex;
use serde_json::Value;

use super::{SMALL, played, small};
use crate::support::{check_golden, repo};

const USUAL: &str = "replications: { min: 4, max: 8, half_width: 10%, round: 2 }";
const FEW: &str = "replications: { min: 2, max: 2, half_width: 10% }";

/// The page, the JSON report and the figures of a comparison.
fn written(comparison: &Comparison) -> (String, String, Vec<(String, String)>) {
    let study = played(comparison);
    let findings = Findings::of(comparison, &study);
    let report = CompareReport {
        comparison,
        study: &study,
        findings: &findings,
    };
    let render = |kind: CompareKind| kind.render(&report, Paint::Plain);
    (
        render(CompareKind::Html),
        render(CompareKind::Json),
        compare_figures(&report),
    )
}

/// The small comparison with nine strategies, some of them with the longest names there are.
fn crowded() -> Comparison {
    small(&[
        (USUAL, FEW),
        (
            "  oracle: { oracle: { over: 60s } }\n",
            "  oracle: { oracle: { over: 60s } }\n  WWWWWWWWWWWWWWWWWWWWWWWW: all_background\n  \
             another-name-of-24-signs: all_approval\n  hand-over: { hand_over: { after: 20s } }\n",
        ),
    ])
}

#[test]
fn the_page_of_two_strategies_is_as_it_was() {
    let comparison = small(&[
        (USUAL, FEW),
        (
            "  product-first: { policy: ../../../scenarios/policies/product-first.yaml }\n",
            "",
        ),
        ("  coin: { random: { interactive: 50% } }\n", ""),
        ("  spill: { spill: { above: 75% } }\n", ""),
        ("  oracle: { oracle: { over: 60s } }\n", ""),
        ("  - { strategy: coin, metric: live_wait, at_most: 30s }\n", ""),
        (
            "metrics: [live_wait, live_wait_p95, abandonment, cost, fairness]",
            "metrics: [live_wait, cost]",
        ),
    ]);
    let (page, _, _) = written(&comparison);
    check_golden(&repo("tests/golden/compare/page.html"), &page);
}

/// What is wrong with the numbers of a page, and how many there are.
fn numbers(page: &str, json: &Value) -> (usize, Vec<String>) {
    let shape = Regex::new(r#"<data value="([^"]*)" data-at="([^"]*)">([^<]*)</data>"#).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for found in shape.captures_iter(page) {
        count += 1;
        let (value, at, text) = (&found[1], &found[2], &found[3]);
        let value: f64 = value.parse().unwrap();
        let small = text.strip_prefix("&lt; ");
        let said: f64 = small.unwrap_or(text).replace(',', "").parse().unwrap();
        let known = json.pointer(at).and_then(Value::as_f64);
        // Readers of JSON may be off by a last digit; what is written for people has four digits.
        let same = known.is_some_and(|known| (known - value).abs() <= 1e-12 * value.abs());
        let close = match small {
            Some(_) => (0.0..said).contains(&value),
            None => (said - value).abs() <= 5.1e-4 * value.abs() + 5.1e-5,
        };
        if !same || !close {
            wrong.push(format!("{}: {known:?} in the report", &found[0]));
        }
    }
    (count, wrong)
}

#[test]
fn every_number_of_the_page_stands_in_the_json_report() {
    let (page, json, _) = written(&small(&[]));
    let mut json: Value = serde_json::from_str(&json).unwrap();
    let (count, wrong) = numbers(&page, &json);
    assert!(count > 300 && wrong.is_empty(), "{count}: {wrong:#?}");
    // A number outside of a table is in no cell; cells of tables hold marked numbers and words alone.
    let bare = Regex::new(r"<td[^>]*>[-+]?[0-9.,]+</td>").unwrap();
    assert!(bare.find(&page).is_none());
    *json.pointer_mut("/strategies/2/metrics/1/mean").unwrap() = 7.5.into();
    assert_eq!(numbers(&page, &json).1.len(), 1);
}

#[test]
fn text_of_strangers_stays_text() {
    let title = r#"comparison: 'a "quoted" <script>alert(1)</script> & more'"#;
    let hypothesis = r#"hypothesis: '</style><img src=x onerror="alert(2)">'"#;
    let comparison = small(&[
        (USUAL, FEW),
        ("comparison: a little of everything", title),
        ("hypothesis: three lanes beat one", hypothesis),
    ]);
    let (page, _, figures) = written(&comparison);
    let texts = figures.iter().map(|(_, text)| text).chain([&page]);
    for text in texts {
        for forbidden in ["<script", "<img", "onerror=\"", "<link", "http://", "https://"] {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains(forbidden), "{forbidden}");
        }
    }
    let escaped = "a &quot;quoted&quot; &lt;script&gt;alert(1)&lt;/script&gt; &amp; more";
    assert_eq!(page.matches(escaped).count(), 2);
}

/// Reads XML to its end.
fn well_formed(text: &str) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    let attributes = |tag: &BytesStart<'_>| {
        let mut each = tag.attributes();
        each.try_for_each(|one| one.map(drop).map_err(|error| error.to_string()))
    };
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) | Event::Empty(tag) => attributes(&tag)?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// What a reader of the page gets who saves the plot of this name.
fn saved(page: &str, name: &str) -> String {
    let link = format!("download=\"{name}\" href=\"data:image/svg+xml,");
    let rest = page.split(&link).nth(1).unwrap();
    let address = rest.split('"').next().unwrap().replace("&amp;", "&");
    percent_decode_str(&address).decode_utf8().unwrap().into_owned()
}

#[test]
fn every_plot_is_a_file_of_its_own() {
    let (page, _, figures) = written(&crowded());
    let names: BTreeSet<&str> = figures.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.len() == figures.len() && names.len() > 12, "{names:?}");
    for wanted in [
        "live-wait-distribution.svg",
        "live-wait-tail.svg",
        "result-time-tail.svg",
        "difference-goodput.svg",
        "front-cost.svg",
        "buckets.svg",
        "abandonment-over-time.svg",
        "approver-load.svg",
    ] {
        assert!(names.contains(wanted), "{wanted} is not among {names:?}");
    }
    for (name, text) in &figures {
        assert_eq!(well_formed(text), Ok(()), "{name}");
        for part in ["role=\"img\"", "<title ", "<desc ", "prefers-color-scheme:dark"] {
            assert!(text.contains(part), "{name}: {part}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"), "{name}");
        assert_eq!(&saved(&page, name), text, "{name}");
    }
    assert!(well_formed("<svg><g></svg>").is_err());
    let ids = Regex::new(r#" id="([^"]*)""#).unwrap();
    let mut seen = BTreeSet::new();
    for id in ids.captures_iter(&page) {
        assert!(seen.insert(id[1].to_owned()), "{} is there twice", &id[1]);
    }
}

/// A label: where it begins and ends, its line, what it says.
type Label = (f64, f64, String, String);

fn labels(svg: &str) -> Vec<Label> {
    let text = Regex::new(r#"<text([^>]*)>([^<]*)</text>"#).unwrap();
    let part = |tag: &str, name: &str| {
        let shape = Regex::new(&format!(r#" {name}="([^"]*)""#)).unwrap();
        shape.captures(tag).map(|found| found[1].to_owned())
    };
    text.captures_iter(svg)
        .map(|found| {
            let tag = &found[1];
            let words = found[2].replace("&amp;", "&");
            let x: f64 = part(tag, "x").unwrap().parse().unwrap();
            let wide = words.chars().count() as f64 * 6.2;
            let from = match part(tag, "text-anchor").as_deref() {
                Some("end") => x - wide,
                Some("middle") => x - wide / 2.0,
                _ => x,
            };
            (from, from + wide, part(tag, "y").unwrap(), words)
        })
        .collect()
}

fn overlaps(svg: &str) -> Vec<String> {
    let all = labels(svg);
    let mut found = Vec::new();
    for (number, one) in all.iter().enumerate() {
        for other in &all[..number] {
            if one.2 == other.2 && one.0 < other.1 && other.0 < one.1 {
                found.push(format!("{} and {}", one.3, other.3));
            }
        }
    }
    found
}

#[test]
fn labels_do_not_run_into_each_other() {
    let (_, _, figures) = written(&crowded());
    let mut elided = 0;
    for (name, text) in &figures {
        assert!(labels(text).len() > 8, "{name}");
        assert_eq!(overlaps(text), Vec::<String>::new(), "{name}");
        elided += text.matches('…').count();
    }
    assert!(elided > 10);
    let twice = r#"<text x="1" y="2">one</text><text x="9" y="2">two</text>"#;
    assert_eq!(overlaps(twice).len(), 1);
}

#[test]
fn curves_end_below_one_where_tasks_never_got_there() {
    let (_, json, _) = written(&small(&[(USUAL, FEW)]));
    let json: Value = serde_json::from_str(&json).unwrap();
    let mut never = 0;
    for strategy in json["strategies"].as_array().unwrap() {
        let spread = &strategy["shapes"]["result_times"];
        let bins = spread["bins"].as_array().unwrap();
        let within: u64 = bins.iter().map(|bin| bin[1].as_u64().unwrap()).sum();
        let without = spread["without"].as_u64().unwrap();
        assert_eq!(within + without, spread["tasks"].as_u64().unwrap());
        assert_eq!(spread["tasks"], json["tasks"]);
        let edges: Vec<f64> = bins.iter().map(|bin| bin[0].as_f64().unwrap()).collect();
        assert!(edges.is_sorted());
        let useful = |word: &str| strategy["buckets"][word].as_u64().unwrap();
        assert_eq!(within, useful("in_time") + useful("late"));
        never += without;
    }
    assert!(never > 0);
}

#[test]
fn the_command_writes_a_page_and_a_folder_of_plots() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("plots-of-a-study");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let inside = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let said = |reports: &[String]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanebench"));
        command
            .current_dir(repo(""))
            .args(["compare", SMALL])
            .stdin(Stdio::null());
        for report in reports {
            command.args(["--report", report]);
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let page = inside("page.html");
    let reports = [format!("html={page}"), format!("svg={}", inside("new/plots/"))];
    let (_, stderr) = said(&reports);
    assert_eq!(stderr, "");
    let (text, _, figures) = written(&small(&[]));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), text);
    for (name, svg) in figures {
        let file = inside(&format!("new/plots/{name}"));
        assert_eq!(std::fs::read_to_string(file).unwrap(), svg);
    }
    // A file stands where the folder should be made.
    let (code, stderr) = said(&[format!("svg={page}")]);
    assert_eq!(code, Some(3));
    assert!(stderr.contains("page.html` cannot be made"), "{stderr}");
    let (code, stderr) = said(&["svgs=plots".to_owned()]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("did you mean `svg`?"), "{stderr}");
}
