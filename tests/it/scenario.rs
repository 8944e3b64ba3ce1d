//! Kinds and scenario files: what is read, and what is said about what cannot be.

use std::path::PathBuf;

use lanebench::backend::StepWork;
use lanebench::fault::{Fault, Target};
use lanebench::job::{Follow, HandOver, Routed, Router, SinkClass, ToolAct};
use lanebench::people::{Behaviour, When};
use lanebench::policy::{Attribute, Policy, Truth, decode_policy};
use lanebench::report::{Paint, render_all};
use lanebench::rng::{Law, Seed};
use lanebench::scenario::{
    Diagnostics, InMemory, Kinds, Loaded, ResolveError, Scenario, ServicePlan, Sources, Want, decode_kinds,
    join, read,
};
use lanebench::trace::{Execution, LaneName};
use lanebench::units::{JobId, SimDuration, SimTime};
use lanebench::wire::{InputItem, Wait};
use proptest::prelude::*;

use crate::support::{check_golden, repo, yaml_files};

/// Opens the files of the repository.
pub(crate) fn from_disk(from: &str, path: &str) -> Result<Loaded, ResolveError> {
    let name = join(from, path);
    match std::fs::read(repo(&name)) {
        Ok(bytes) => Ok(Loaded { name, bytes }),
        Err(_) => Err(ResolveError::Missing { name }),
    }
}

/// A scenario of the repository, and what there is to say about it.
fn load(name: &str) -> (Option<Scenario>, String) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let bytes = std::fs::read(repo(name)).unwrap();
    let scenario = Scenario::load(name, &bytes, &mut from_disk, &mut sources, &mut out);
    assert_eq!(
        scenario.is_none(),
        out.has_errors(),
        "{name}: neither a scenario nor a reason, or both"
    );
    (scenario, render_all(&out, &sources, Paint::Plain))
}

#[track_caller]
fn loaded(name: &str) -> Scenario {
    let (scenario, text) = load(name);
    assert!(text.is_empty(), "{text}");
    scenario.unwrap()
}

fn three_lane() -> Policy {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let bytes = std::fs::read(repo("scenarios/policies/three-lane.yaml")).unwrap();
    let node = read(&mut sources, "three-lane.yaml", &bytes, &mut out).unwrap();
    decode_policy(&node, &mut out).unwrap()
}

fn kinds(name: &str, bytes: &[u8]) -> (Option<Kinds>, String) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let policy = three_lane();
    let node = read(&mut sources, name, bytes, &mut out);
    let before = out.errors();
    let kinds = node.and_then(|node| decode_kinds(policy.vocabulary(), &node, &mut out));
    assert!(
        kinds.is_some() == (out.errors() == before) || before > 0,
        "{name}: neither kinds nor a reason, or both"
    );
    (kinds, render_all(&out, &sources, Paint::Plain))
}

/// Kinds that are written here.
#[track_caller]
fn kinds_of(text: &str) -> Kinds {
    let (kinds, said) = kinds("kinds.yaml", text.as_bytes());
    assert!(said.is_empty(), "{said}");
    kinds.unwrap()
}

/// A scenario that is written here, with the shipped policy and kinds.
#[track_caller]
fn written(text: &str) -> Scenario {
    let (scenario, said) = tried(text.as_bytes(), &mut files());
    assert!(said.is_empty(), "{said}");
    scenario.unwrap()
}

fn files() -> InMemory {
    let shipped = |name: &str| std::fs::read(repo(name)).unwrap();
    InMemory::default()
        .with("policy.yaml", shipped("scenarios/policies/three-lane.yaml"))
        .with("kinds.yaml", shipped("scenarios/kinds.yaml"))
}

fn tried(bytes: &[u8], files: &mut InMemory) -> (Option<Scenario>, String) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let scenario = Scenario::load("s.yaml", bytes, files, &mut sources, &mut out);
    assert_eq!(
        scenario.is_none(),
        out.has_errors(),
        "neither a scenario nor a reason, or both"
    );
    (scenario, render_all(&out, &sources, Paint::Plain))
}

const HEAD: &str = "scenario: a test\nshows: [retry]\npolicy: policy.yaml\nkinds: kinds.yaml\n";

/// Every scenario of the repository, by its path.
pub(crate) fn shipped() -> Vec<String> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(repo("scenarios")).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        if !folder.file_type().unwrap().is_dir()
            || matches!(
                name.as_str(),
                "policies" | "workloads" | "comparisons" | "profiles"
            )
        {
            continue;
        }
        let files: Vec<PathBuf> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        let yaml = files
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "yaml"));
        found.extend(
            yaml.map(|path| format!("scenarios/{name}/{}", path.file_name().unwrap().to_string_lossy())),
        );
    }
    found.sort();
    assert!(found.len() >= 8, "only {found:?}");
    found
}

#[test]
fn every_bad_scenario_gives_its_exact_text() {
    let files = yaml_files("tests/bad/scenario");
    assert!(files.len() >= 25, "only {} bad scenarios", files.len());
    for path in files {
        let name = format!(
            "tests/bad/scenario/{}",
            path.file_name().unwrap().to_string_lossy()
        );
        let (scenario, text) = load(&name);
        assert!(scenario.is_none(), "{name} loads");
        check_golden(&repo(&name).with_extension("err"), &text);
    }
}

#[test]
fn every_bad_registry_of_kinds_gives_its_exact_text() {
    for path in yaml_files("tests/bad/kinds") {
        let name = format!("tests/bad/kinds/{}", path.file_name().unwrap().to_string_lossy());
        let (found, text) = kinds(&name, &std::fs::read(&path).unwrap());
        assert!(found.is_none(), "{name} loads");
        check_golden(&path.with_extension("err"), &text);
    }
}

#[test]
fn every_bad_service_file_gives_its_exact_text() {
    let files = yaml_files("tests/bad/service");
    assert!(files.len() >= 3, "only {} bad service files", files.len());
    for path in files {
        let name = format!(
            "tests/bad/service/{}",
            path.file_name().unwrap().to_string_lossy()
        );
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let plan = ServicePlan::read(&name, &std::fs::read(&path).unwrap(), &mut sources, &mut out);
        assert!(plan.is_none(), "{name} is taken");
        check_golden(
            &path.with_extension("err"),
            &render_all(&out, &sources, Paint::Plain),
        );
    }
}

#[test]
fn every_shipped_scenario_loads_without_a_word() {
    for name in shipped() {
        let scenario = loaded(&name);
        assert!(!scenario.tasks.is_empty(), "{name}");
        assert!(
            scenario
                .reads
                .iter()
                .any(|read| read.starts_with("scenarios/") && read.ends_with("kinds.yaml")),
            "{name}: {:?}",
            scenario.reads
        );
        assert_eq!(scenario.scripts().len(), scenario.tasks.len());
    }
}

#[test]
fn the_scenario_of_the_design_means_what_it_says() {
    let scenario = loaded("scenarios/retry/rate-limited-create.yaml");
    let rule = &scenario.faults[0].rule;
    assert_eq!(
        rule.target,
        Target::Exchange(lanebench::units::ExchangeKind::Create)
    );
    assert_eq!(rule.select.nth, Some((1, 2)));
    let Fault::Reply(error) = &rule.fault else {
        panic!("{rule:?}")
    };
    assert_eq!((error.http, error.wait), (429, Some(Wait::Seconds(7))));
    assert_eq!(error.code.as_deref(), Some("rate_limit_exceeded"));
    let keys: Vec<&str> = scenario.expect[0]
        .wants
        .iter()
        .map(|want| want.value.key())
        .collect();
    let written = [
        "lane",
        "attempts",
        "charged",
        "states",
        "creates",
        "effects",
        "shown",
        "outcome",
        "not_before",
        "within",
    ];
    assert_eq!(keys, written);
    assert!(matches!(
        scenario.outside(Seed(1)).users[0].leaves_after,
        Some(Law::Constant(_))
    ));
}

#[test]
fn every_shipped_kind_says_every_attribute() {
    let text = std::fs::read(repo("scenarios/kinds.yaml")).unwrap();
    let (kinds, said) = kinds("kinds.yaml", &text);
    assert!(said.is_empty(), "{said}");
    for kind in kinds.unwrap().kinds.values() {
        for attribute in Attribute::ALL {
            assert_ne!(
                kind.attributes.truth(attribute),
                Truth::Unknown,
                "{} of {}",
                attribute.word(),
                kind.name
            );
        }
    }
}

#[test]
fn the_router_places_every_shipped_kind_as_the_policy_decides() {
    let scenario = loaded("scenarios/routing/examples-of-the-text.yaml");
    let router = scenario.router();
    for (job, task) in scenario.tasks.iter().enumerate() {
        let Routed::Placed(placement, decided) = router.route(JobId(u32::try_from(job).unwrap())) else {
            panic!("{} is refused", task.task.name)
        };
        let expected = &scenario
            .expect
            .iter()
            .find(|expect| *expect.task.value == *task.task.name)
            .unwrap()
            .wants;
        assert!(
            expected
                .iter()
                .any(|want| want.value == Want::Lane(placement.lane)),
            "{}",
            task.task.name
        );
        assert_eq!(decided.attributes["can_show_status"].as_ref(), "true (declared)");
        let leaves = placement.execution == Execution::Interactive && decided.background_permitted;
        assert_eq!(placement.hand_over == HandOver::Permitted, leaves);
    }
    let Routed::Placed(placement, _) = router.route(JobId(9_999)) else {
        panic!("an unknown task is refused")
    };
    assert_eq!(placement.lane, LaneName::Approval);
}

#[test]
fn a_kind_can_be_three_lines() {
    let kinds = kinds_of("kinds:\n  chat:\n    description: Talk.\n");
    let ready = kinds.ready(&kinds.kinds["chat"]).unwrap();
    assert_eq!(&*ready.prompt, "Talk.");
    assert_eq!(ready.plan.retry.attempts, 3);
    assert_eq!(ready.plan.follow, Follow::Poll);
    assert_eq!(ready.script.steps.len(), 1);
}

#[test]
fn tools_servers_and_scripts_are_looked_up() {
    let text = "
sinks:
  mail: { effect: customer_comm, class: queryable }
  crm: { effect: record_change, class: neither }
tools:
  send: { sink: mail, then: more_turns }
  look: { fails: nothing there, retries: 4 }
kinds:
  reply:
    description: Reply.
    tools: [send, look]
    mcp: { hosted: crm }
    script:
      queued: { uniform: { min: 1s, max: 3s } }
      steps:
        - web_search: { exponential: { mean: 4s } }
        - call: { tool: send, arguments: { to: [a, \"1\", 1, 1.50, true, null, { x: \"\\\"\" }] } }
        - call: { tool: nobody_has_it, unlisted: true, arguments: '{\"broken\": ' }
        - mcp: { server: hosted, tool: put, takes: 2s }
        - message: { tokens: 1 token, takes: 9s }
        - message: 0 tokens
";
    let kinds = kinds_of(text);
    let ready = kinds.ready(&kinds.kinds["reply"]).unwrap();
    let ToolAct::Effect { sink, class, .. } = &ready.plan.tools["send"].act else {
        panic!("no effect")
    };
    assert_eq!((&**sink, *class), ("mail", SinkClass::Queryable));
    assert_eq!(ready.plan.tools["look"].retries, 4);
    assert_eq!(ready.plan.mcp["hosted"].as_ref(), "crm");
    assert_eq!(
        ready.plan.hosted.iter().map(|tool| &**tool).collect::<Vec<_>>(),
        ["web_search"]
    );
    let arguments: Vec<&str> = ready
        .script
        .steps
        .iter()
        .filter_map(|step| match &step.work {
            StepWork::FunctionCall { arguments, .. } | StepWork::McpApproval { arguments, .. } => {
                Some(&**arguments)
            }
            StepWork::Reasoning
            | StepWork::Hosted(_)
            | StepWork::Tool(_)
            | StepWork::Words(_)
            | StepWork::Message { .. } => None,
        })
        .collect();
    assert_eq!(
        arguments,
        [
            "{\"to\":[\"a\",\"1\",1,1.50,true,null,{\"x\":\"\\\"\"}]}",
            "{\"broken\": ",
            "{}"
        ]
    );
}

#[test]
fn a_task_changes_what_it_says_and_keeps_the_rest() {
    let scenario = written(&format!(
        "{HEAD}
tasks:
  - id: plain
    kind: report_generation
  - id: other
    kind: report_generation
    count: 3
    every: 1m
    at: 10s
    requester: alex
    attributes: {{ can_show_status: false }}
    limits: {{ wait: 5s }}
    retry: {{ attempts: 1 }}
    script: {{ steps: [{{ message: 10 tokens }}] }}
  - id: late
    kind: report_generation
    at: 1m
    deadline_at: 3m
sinks:
  mail: {{ class: neither }}
expect:
  other-2: {{ attempts: 1 }}
  other: {{ charged: 1 }}
"
    ));
    let names: Vec<&str> = scenario.tasks.iter().map(|task| &*task.task.name).collect();
    assert_eq!(names, ["plain", "other-1", "other-2", "other-3", "late"]);
    let [plain, _, second, _, late] = &scenario.tasks[..] else {
        panic!("{names:?}")
    };
    assert_eq!(second.at, SimTime::START + SimDuration::from_secs(70));
    assert_eq!(second.attributes.truth(Attribute::CanShowStatus), Truth::False);
    assert_eq!(second.attributes.truth(Attribute::CanShowRetry), Truth::True);
    let limits = second.task.plan.limits;
    assert_eq!(
        (limits.wait, limits.attempt),
        (SimDuration::from_secs(5), plain.task.plan.limits.attempt)
    );
    assert_eq!(
        (plain.task.plan.retry.attempts, second.task.plan.retry.attempts),
        (3, 1)
    );
    assert_eq!(late.task.plan.limits.deadline, SimDuration::from_secs(120));
    assert_eq!(scenario.product.sinks["mail"].class, SinkClass::Neither);
    let jobs: Vec<u32> = scenario.expect.iter().map(|expect| expect.job.0).collect();
    assert_eq!(jobs, [2, 1, 2, 3]);
}

#[test]
fn what_is_included_is_added() {
    let mut files = files()
        .with("more.yaml", "include: again.yaml\ntasks: [{ id: b, kind: web_research }]\nlanes: { background: { capacity: 2 } }\n")
        .with("again.yaml", "tasks: [{ id: c, kind: data_job }]\nexpect: { a: { charged: 1 } }\n");
    let text = format!("{HEAD}include: [more.yaml]\ntasks: [{{ id: a, kind: short_answer }}]\n");
    let (scenario, said) = tried(text.as_bytes(), &mut files);
    assert!(said.is_empty(), "{said}");
    let scenario = scenario.unwrap();
    let names: Vec<&str> = scenario.tasks.iter().map(|task| &*task.task.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(scenario.lanes[&LaneName::Background].capacity, 2);
    assert_eq!(scenario.expect[0].job, JobId(0));
    let reads: Vec<&str> = scenario.reads.iter().map(|read| &**read).collect();
    assert_eq!(
        reads,
        ["s.yaml", "policy.yaml", "kinds.yaml", "more.yaml", "again.yaml"]
    );
    assert!(scenario.profile.webhook.is_some(), "one task follows by webhook");
}

#[test]
fn people_are_given_to_their_tasks() {
    let scenario = written(&format!(
        "{HEAD}
tasks: [{{ id: a, kind: publication }}, {{ id: b, kind: publication }}]
people:
  - user: {{ tasks: b, cancels_after: [1s, 2s], cancels: {{ at: 9s, by: mallory }} }}
  - approver: {{ name: dana, roles: [editor, approver], decides: [{{ edit: {{ act: 1, arguments: {{ page: x }} }} }}, {{ deny: no }}, ignore] }}
  - operator: {{ name: omar, answers: [{{ verb: retry, reason: it is back, times: 1 }}, {{ verb: abandon, reason: enough }}] }}
  - change: {{ at: 1m, what: a stricter policy, quorum: 2 }}
"
    ));
    let outside = scenario.outside(Seed(3));
    assert_eq!((outside.tasks[0].user, outside.tasks[1].user), (0, 1));
    let cancels = &outside.users[1].cancels;
    assert_eq!(cancels[1].when, When::After(SimDuration::from_secs(2)));
    assert_eq!(cancels[2].by.as_ref().map(|by| &*by.0), Some("mallory"));
    assert!(
        matches!(&outside.approvers[0].decides[0], Behaviour::Edit { act: 0, arguments } if &**arguments == "{\"page\":\"x\"}")
    );
    assert_eq!(outside.operators[0].answers.len(), 2);
    assert_eq!(outside.changes.len(), 1);
    assert_eq!(
        scenario
            .core(Seed(3), std::sync::Arc::new(scenario.router()))
            .roster
            .len(),
        1
    );
}

#[test]
fn a_workload_is_read_row_by_row() {
    let csv = "\u{feff}WHEN,CTX,OUT,NOTE\r\n2026-01-01 00:00:10.5000000,100,7,\"a, b\"\r\n2026-01-01T00:00:12Z,3000,9,x\r\n2026-01-02 00:00:00,1,1,y\r\n";
    let mut files = files().with("t.csv", csv).with(
        "policy.yaml",
        "policy: p\nattributes: { context_tokens: tokens }\nboundary: { approval_when: any_effect }\nrules: [{ id: all, when: always, execution: interactive }]\n",
    );
    let text = format!(
        "{HEAD}
tasks:
  from: t.csv
  rows: 2
  columns:
    at: {{ timestamp: WHEN }}
    answer_tokens: OUT
    prompt_tokens: CTX
    attributes: {{ context_tokens: CTX }}
  kind: {{ by: CTX, cases: [{{ up_to: 2000, kind: short_answer }}, {{ kind: code_job }}] }}
  retry: {{ attempts: 1 }}
"
    );
    let (scenario, said) = tried(text.as_bytes(), &mut files);
    assert!(said.is_empty(), "{said}");
    let scenario = scenario.unwrap();
    let [first, second] = &scenario.tasks[..] else {
        panic!("not two rows")
    };
    assert_eq!((&*first.task.name, &*second.task.name), ("row-1", "row-2"));
    assert_eq!(
        (&*first.task.kind, &*second.task.kind),
        ("short_answer", "code_job")
    );
    assert_eq!((first.at.ticks(), second.at.ticks()), (0, 1_500_000));
    let [InputItem::Message { text }] = &*first.task.input else {
        panic!("not one message")
    };
    assert_eq!(text.len(), 400);
    assert!(matches!(
        second.script.steps.last().unwrap().work,
        StepWork::Message { tokens: 9 }
    ));
    assert_eq!(second.task.plan.retry.attempts, 1);
    let context = scenario.policy.vocabulary().attribute("context_tokens").unwrap();
    assert!(second.attributes.given(context).is_some());
}

/// Both readers agree on every text, number and truth value of the shipped files.
#[test]
fn serde_yaml_reads_the_same_scalars_in_every_shipped_file() {
    let mut names = shipped();
    names.extend([
        "scenarios/kinds.yaml".to_owned(),
        "scenarios/policies/three-lane.yaml".to_owned(),
    ]);
    for name in names {
        let bytes = std::fs::read(repo(&name)).unwrap();
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let ours = read(&mut sources, &name, &bytes, &mut out).unwrap();
        let theirs: serde_yaml::Value = serde_yaml::from_slice(&bytes).unwrap();
        crate::yaml::check_same(&ours, &theirs, &name);
    }
}

/// One change to a text, so that most of it stays what it was.
fn mutated(text: &str, what: u8, at: usize, with: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = at % lines.len();
    match what % 6 {
        0 => drop(lines.remove(line)),
        1 => lines.insert(line, lines[line].clone()),
        2 => lines[line] = with.to_owned(),
        3 => lines[line] = format!("  {}", lines[line]),
        4 => {
            let mut words: Vec<&str> = lines[line].split(' ').collect();
            let word = at / 7 % words.len();
            words[word] = with;
            lines[line] = words.join(" ");
        }
        _ => {
            let keep = lines[line].chars().take(at / 7 % 40).collect();
            lines[line] = keep;
        }
    }
    lines.join("\n")
}

const RICH: &str = "
tasks:
  - { id: a, kind: report_generation, count: 2, every: 5s, limits: { wait: 3s } }
  - { id: b, kind: support_reply, at: 4s, approval: { quorum: 2 } }
include: []
sinks: { mail: { class: queryable } }
tools: { find_order: { takes: 1s } }
lanes: { background: { capacity: 3 } }
backend: { latency: 20ms, limiter: { burst: 3, refill: 1s }, webhook: { exponential: { mean: 2s } } }
faults:
  - { exchange: create, tasks: a, nth: 1-2, reply: { status: 503, retry_after: 1500ms } }
  - { response: any, attempts: 1, fail: { code: server_error, at_step: 2 } }
  - { tool: find_order, probability: 20%, window: 30s, fail_tool: out of order, may_stay_unused: it is rare }
people:
  - user: { leaves_after: { uniform: { min: 1s, max: 9s } } }
  - approver: { name: dana, decides: [deny, approve] }
  - change: { at: 1m, what: moved, target: { sink: records, version: \"2\" } }
seed: 7
ends: { at: 2h }
expect:
  a: { outcome: succeeded, states: [accepted, queued, dispatching, running, finalizing, succeeded] }
  all: { outcome: { succeeded: at least 1 }, each: { attempts: 1-3 } }
invariants: [RT-05]
requires: [RT-05]
";

#[test]
fn the_rich_scenario_loads() {
    let scenario = written(&format!("{HEAD}{RICH}"));
    assert_eq!(scenario.faults.len(), 3);
    assert_eq!(scenario.groups.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_change_to_a_scenario_makes_it_panic(
        changes in prop::collection::vec((any::<u8>(), any::<usize>()), 1..4),
        with in prop::sample::select(vec!["", "-", "-1s", "99999999999d", "{", "]", "[a", "a: b", "true", "0", "~", "*x", "&x", "a", "retry", "é", "1-0", "at least", "'", "\t", "- {}", "999999999999999999999", "all"]),
    ) {
        let mut text = format!("{HEAD}{RICH}");
        for (what, at) in changes {
            text = mutated(&text, what, at, with);
            if text.trim().is_empty() {
                break;
            }
        }
        tried(text.as_bytes(), &mut files());
    }

    #[test]
    fn no_change_to_the_kinds_makes_them_panic(what in any::<u8>(), at in any::<usize>(), with in "[a-z0-9:{}\\[\\], -]{0,12}") {
        let text = std::fs::read_to_string(repo("scenarios/kinds.yaml")).unwrap();
        kinds("kinds.yaml", mutated(&text, what, at, &with).as_bytes());
    }
}
