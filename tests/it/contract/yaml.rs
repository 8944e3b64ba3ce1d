//! Services that are described in YAML, as users describe them.

use lanebench::scenario::{Diagnostics, Scenario, Sources};

use crate::scenario::from_disk;
use crate::support::repo;

use super::bench::Stage;

/// A stage on which the service of a scenario file plays.
#[track_caller]
pub(super) fn stage_of(name: &str) -> Stage {
    loaded(name, &std::fs::read(repo(name)).unwrap())
}

/// A stage on which a service plays that is quick, as every test here has it, and of which `backend` says more, or
/// something else: lines of YAML.
#[track_caller]
pub(super) fn stage(backend: &str) -> Stage {
    let key = |line: &str| line.split_once(':').map(|(key, _)| format!("{key}:"));
    let said = |line: &str| {
        key(line).is_some_and(|key| backend.lines().any(|own| own.starts_with(key.trim_start())))
    };
    let usual = USUAL
        .lines()
        .filter(|line| !line.starts_with("  ") || !said(line));
    let mut text = String::new();
    for line in usual
        .map(str::to_owned)
        .chain(backend.lines().map(|line| format!("  {line}")))
    {
        text.push_str(&line);
        text.push('\n');
    }
    loaded("tests/it/a-service.yaml", text.as_bytes())
}

/// The seconds at the start, the script and the latency of every other service of these tests.
const USUAL: &str = "\
scenario: a service as a test has it
shows: [status]
policy: ../../scenarios/policies/three-lane.yaml
kinds: ../../scenarios/kinds.yaml
tasks: [{ id: unused, kind: short_answer }]
backend:
  epoch: 1786000000
  latency: 10ms
  retention: 1h
  tokens_per_delta: 1
  script: { queued: 1s, steps: [{ reasoning: 2s }, { message: { tokens: 6 tokens, takes: 4s } }] }
";

#[track_caller]
fn loaded(name: &str, bytes: &[u8]) -> Stage {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let scenario = Scenario::load(name, bytes, &mut from_disk, &mut sources, &mut out);
    let scenario = scenario.unwrap_or_else(|| panic!("{name} does not load: {out:?}"));
    let mut stage = Stage::of(&[]);
    stage.profile = scenario.profile.clone();
    stage.rules = scenario.fault_plan(stage.seed).rules().to_vec();
    stage.options = stage.options.of(&stage.profile.contract);
    let streaming = stage.profile.streaming;
    stage.streams(streaming)
}
