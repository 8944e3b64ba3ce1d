//! A workload out of a trace of a production service, where one lies beside the repository.

use std::collections::BTreeMap;

use lanebench::check;
use lanebench::rng::Seed;
use lanebench::scenario::{Diagnostics, Scenario, Sources};
use lanebench::trace::{CoreEvent, Event, LaneName, RouterEvent};

use crate::scenario::from_disk;
use crate::suite::alike;
use crate::support::repo;

/// The code completions of the Azure LLM inference traces of 2023; whose they are, they are not shipped.
const TRACE: &str = "../shared/data/AzureLLMInferenceTrace_code.csv";

const ROWS: u32 = 500;

fn scenario() -> Scenario {
    let text = format!(
        "scenario: the requests of a production trace are routed by their size and all come to an end
shows: [lanes, completion]
policy: scenarios/policies/three-lane.yaml
kinds: scenarios/kinds.yaml
tasks:
  from: {TRACE}
  rows: {ROWS}
  id: request
  columns:
    at: {{ timestamp: TIMESTAMP }}
    prompt_tokens: ContextTokens
    answer_tokens: GeneratedTokens
  kind:
    by: ContextTokens
    cases:
      - {{ up_to: 4000, kind: short_answer }}
      - {{ kind: report_generation }}
expect:
  all:
    tasks: {ROWS}
    outcome: {{ succeeded: 100% }}
    effects: 0
    each: {{ attempts: 1, creates: 1, boundary: none }}
  kinds:
    short_answer: {{ lane: {{ interactive: 100% }} }}
    report_generation: {{ lane: {{ background: 100% }} }}
"
    );
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let scenario = Scenario::load(
        "trace.yaml",
        text.as_bytes(),
        &mut from_disk,
        &mut sources,
        &mut out,
    );
    scenario.unwrap_or_else(|| panic!("{out:#?}"))
}

/// How many rows of the file itself belong to a kind, counted without any of our reading.
fn rows_up_to(tokens: u32) -> usize {
    let text = std::fs::read_to_string(repo(TRACE)).unwrap();
    let rows = text.lines().skip(1).take(ROWS as usize);
    rows.filter(|row| row.split(',').nth(1).unwrap().parse::<u32>().unwrap() <= tokens)
        .count()
}

#[test]
fn five_hundred_requests_of_a_production_trace_play_alike_in_both_worlds() {
    if !repo(TRACE).exists() {
        println!("skipped: {TRACE} is not here");
        return;
    }
    let scenario = scenario();
    assert_eq!(scenario.tasks.len(), ROWS as usize);
    let played = alike("the trace", &scenario, Seed(1));
    let failures = check::expect(&scenario, &played.trace);
    assert!(failures.is_empty(), "{failures:#?}");
    let mut lanes = BTreeMap::<LaneName, usize>::new();
    for record in played.trace.records() {
        if let Event::Core(CoreEvent::Router(RouterEvent::Decided(decided))) = &record.event {
            *lanes.entry(decided.lane).or_default() += 1;
        }
    }
    let short = rows_up_to(4000);
    assert!(short > 0 && short < ROWS as usize, "the trace has no mixture");
    let expected = BTreeMap::from([
        (LaneName::Interactive, short),
        (LaneName::Background, ROWS as usize - short),
    ]);
    assert_eq!(lanes, expected);
}
