//! Proofs of policies: the shipped ones have a clean bill, every broken one is found out, and three readings agree.

use std::fs;
use std::path::Path;

use lanebench::policy::proof::{
    Bounds, Certificate, ClauseVerdict, Effort, Enumerated, FindingId, LawVerdict, Method, Naive, Plan,
    Proof, ProofError, Question, Tally, census, prove,
};
use lanebench::policy::{
    Attribute, Class, Diagrams, FindingSeverity, Lane, Policy, ProofPlaces, Reach, Space, Task,
    decode_with_places,
};
use lanebench::report::{Paint, findings_text};
use lanebench::runner::{enumerate, prove_policy};
use lanebench::scenario::{Diagnostics, Sources, read};
use proptest::prelude::*;

use super::conditions::trees;
use super::{policy, three_lane};
use crate::support::check_golden;

/// A policy with its places.
#[track_caller]
fn placed(name: &str, text: &str) -> (Policy, ProofPlaces, Sources) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, name, text.as_bytes(), &mut out).unwrap();
    let (policy, places) = decode_with_places(&tree, &mut out).unwrap_or_else(|| panic!("{name}: {out:?}"));
    (policy, places, sources)
}

#[track_caller]
fn proof_of(policy: &Policy) -> Proof {
    let bounds = Bounds {
        cases_max: 100,
        ..Bounds::default()
    };
    prove(&Plan::new(policy), &[], bounds).unwrap()
}

fn count(proof: &Proof, reach: Reach, question: Question) -> u128 {
    let at = proof
        .extents
        .iter()
        .position(|extent| extent.space.reach() == reach)
        .unwrap();
    proof.tally(at, question).unwrap().count
}

#[test]
fn the_shipped_policies_have_a_clean_bill() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/policies");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (policy, _, _) = placed(path.to_str().unwrap(), &fs::read_to_string(&path).unwrap());
        let proof = proof_of(&policy);
        let bad: Vec<_> = proof
            .findings
            .iter()
            .filter(|finding| finding.severity() != FindingSeverity::Note)
            .map(|finding| (finding.id, &finding.message))
            .collect();
        assert!(bad.is_empty(), "{}: {bad:?}", path.display());
        for (law, verdict) in &proof.laws {
            assert_eq!(*verdict, LawVerdict::Held, "{}: {}", path.display(), law.name());
        }
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn the_independent_reading_has_the_stated_counts_cell_by_cell() {
    let proof = prove_policy(&three_lane(), 2).unwrap();
    assert!(proof.laws.iter().all(|(_, verdict)| *verdict == LawVerdict::Held));
    let known = Class::ALL.map(|class| count(&proof, Reach::Known, Question::Class(class)));
    assert_eq!(known, [96, 1_152, 288, 29_280, 512, 768, 672]);
    assert_eq!(count(&proof, Reach::Known, Question::Approval), 31_744);
    assert_eq!(count(&proof, Reach::ThreeValued, Question::Possible), 14_348_907);
    assert_eq!(count(&proof, Reach::ThreeValued, Question::Approval), 14_289_858);
    let background = Question::Execution(lanebench::policy::Execution::Background);
    assert_eq!(count(&proof, Reach::ThreeValued, background), 43_740);
    assert_eq!(count(&proof, Reach::Whole, Question::Possible), 387_420_489);
    let methods: Vec<bool> = proof
        .extents
        .iter()
        .map(|extent| matches!(extent.method, Method::Enumerated { .. }))
        .collect();
    assert_eq!(
        methods,
        [false, true, true],
        "past the bound the method is symbolic and says so"
    );
}

#[test]
fn every_finding_has_a_policy_that_shows_it_with_its_exact_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad/proof");
    for id in FindingId::ALL {
        let name = format!("{}.yaml", id.word());
        let text = fs::read_to_string(folder.join(&name))
            .unwrap_or_else(|_| panic!("no policy shows {}", id.word()));
        let (policy, places, sources) = placed(&name, &text);
        let proof = proof_of(&policy);
        let found = findings_text(&proof, &places, &sources, Paint::Plain);
        check_golden(&folder.join(&name).with_extension("txt"), &found);
        let finding = proof.findings.iter().find(|finding| finding.id == id);
        let finding = finding.unwrap_or_else(|| panic!("{name} does not show it"));
        check_witness(&policy, finding.witness.as_ref());
    }
}

/// The task of a finding is read back from what would be pasted, and answered as the finding says.
#[track_caller]
fn check_witness(policy: &Policy, witness: Option<&lanebench::policy::proof::Witness>) {
    let Some(witness) = witness else {
        return;
    };
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let said = witness.task.split_once("attributes: ");
    let attributes = said.map_or("{}", |(_, said)| said.strip_suffix(" }").unwrap());
    let tree = read(&mut sources, "task.yaml", attributes.as_bytes(), &mut out).unwrap();
    let given = lanebench::policy::decode_attributes(policy.vocabulary(), &tree, &mut out).unwrap();
    let mut task = Task::new();
    task.set_all(&given);
    let decision = policy.decide(&task);
    let execution = decision
        .execution()
        .map_or("refused", |execution| execution.word());
    assert!(witness.answer.starts_with(execution), "{witness:?}");
    assert!(witness.answer.ends_with(decision.boundary.word()), "{witness:?}");
}

#[test]
fn laws_are_broken_by_their_findings_alone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad/proof");
    for (name, broken) in [
        ("gap", vec!["RO-01"]),
        ("gate-false", vec!["RO-02", "RO-03", "RO-06"]),
        ("unsafe-cell", vec!["RO-02", "RO-03", "RO-04", "RO-06"]),
        ("boundary-lost", vec!["RO-02", "RO-03", "RO-04", "RO-05"]),
        ("unknown-widens", vec!["RO-02", "RO-03", "RO-06"]),
        ("contested-without-reason", vec!["RO-07"]),
        ("vacuous-condition", vec!["RO-11"]),
        ("stale-intention", vec![]),
        ("default-reliance", vec![]),
    ] {
        let text = fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
        let proof = proof_of(&placed(name, &text).0);
        let found: Vec<_> = proof
            .laws
            .iter()
            .filter(|(_, verdict)| *verdict == LawVerdict::Broken)
            .map(|(law, _)| law.name())
            .collect();
        assert_eq!(found, broken, "{name}");
    }
}

#[test]
fn a_clause_out_of_scope_is_not_forgotten_but_named() {
    let forgetful = include_str!("../../bad/proof/forgotten-clause.yaml");
    let scoped = format!("{forgetful}out_of_scope:\n  S1c: no result of this product is reviewed\n");
    let verdict = |text: &str| {
        let proof = proof_of(&policy(text));
        let found = proof.clauses.iter().find(|(clause, _)| clause.name == "S1c");
        found.unwrap().1.clone()
    };
    assert_eq!(verdict(forgetful), ClauseVerdict::Forgotten);
    assert_eq!(
        verdict(&scoped),
        ClauseVerdict::OutOfScope("no result of this product is reviewed".to_owned())
    );
    assert_ne!(policy(forgetful).hash(), policy(&scoped).hash());
}

#[test]
fn what_is_marked_intentional_breaks_no_law_and_its_certificate_says_so() {
    let text = include_str!("../../bad/proof/dead-rule.yaml");
    let marked =
        format!("{text}intentional:\n  - dead-rule: slow-and-quick\n    because: it waits for the summer\n");
    let law = |proof: &Proof| {
        proof
            .laws
            .iter()
            .find(|(law, _)| law.name() == "RO-11")
            .unwrap()
            .1
    };
    let (before, after) = (proof_of(&policy(text)), proof_of(&policy(&marked)));
    assert_eq!(
        (law(&before), law(&after)),
        (LawVerdict::Broken, LawVerdict::Held)
    );
    let dead = |proof: &Proof| {
        let dead = proof
            .findings
            .iter()
            .find(|finding| finding.id == FindingId::DeadRule);
        dead.map(|finding| (finding.severity(), finding.intended.clone()))
    };
    assert_eq!(dead(&before), Some((FindingSeverity::Untidy, None)));
    let because = Some("it waits for the summer".to_owned());
    assert_eq!(dead(&after), Some((FindingSeverity::Note, because)));
    assert_ne!(before.hash, after.hash);

    let policy = policy(&marked);
    let certificate = Certificate::of(&after, |_| None);
    assert_eq!(certificate.verify(&policy, EFFORT).mismatches, []);
    let mut changed = certificate.clone();
    let dead = changed
        .findings
        .iter_mut()
        .find(|note| note.id == FindingId::DeadRule);
    dead.unwrap().severity = FindingSeverity::Untidy;
    assert!(!changed.verify(&policy, EFFORT).mismatches.is_empty());

    // A mark is for exactly one finding: the rule that is dead is none that is shadowed.
    let wrong = marked.replace("dead-rule: slow", "shadowed-rule: slow");
    let proof = proof_of(&super::policy(&wrong));
    let ids: Vec<_> = proof.findings.iter().map(|finding| finding.id).collect();
    assert!(
        ids.contains(&FindingId::DeadRule) && ids.contains(&FindingId::StaleIntention),
        "{ids:?}"
    );
}

#[test]
fn a_literal_marked_intentional_is_meant_wherever_it_stands_in_its_condition() {
    let text = include_str!("../../bad/proof/vacuous-condition.yaml");
    let of = |text: &str, severity| {
        let proof = proof_of(&policy(text));
        let vacuous = proof
            .findings
            .iter()
            .filter(|finding| finding.id == FindingId::VacuousCondition);
        vacuous.filter(|finding| finding.severity() == severity).count()
    };
    let before = of(text, FindingSeverity::Untidy);
    assert!(before > 0);
    let marks = "intentional:\n  - { vacuous-condition: tools_narrow_fast, of: steered, because: for the reader }\n  \
                 - { vacuous-condition: user_steering, of: steered, because: for the reader }\n";
    let marked = format!("{text}{marks}");
    assert_eq!(of(&marked, FindingSeverity::Untidy), 0);
    assert_eq!(of(&marked, FindingSeverity::Note), before);
}

/// Enough for what is known, and too little for the rest.
const EFFORT: Effort = Effort {
    each: 400,
    all: u64::MAX,
};

/// A change to a certificate.
type Change<'c> = &'c dyn Fn(&mut Certificate);

#[test]
fn a_certificate_is_verified_and_every_change_to_it_is_found_out() {
    let policy = three_lane();
    let certificate = Certificate::of(&proof_of(&policy), |_| None);
    let read = Certificate::read(&certificate.write()).unwrap();
    assert_eq!(read, certificate);
    let failed = |change: Change<'_>| {
        let mut changed = certificate.clone();
        change(&mut changed);
        changed.verify(&policy, EFFORT).mismatches
    };
    assert_eq!(failed(&|_| {}), []);
    let little = certificate.verify(
        &policy,
        Effort {
            each: 400,
            all: 1_000,
        },
    );
    let much = certificate.verify(&policy, EFFORT);
    assert!(little.counts < much.counts && little.unsettled.len() > much.unsettled.len());
    assert_eq!(little.mismatches, []);
    let last = certificate.spaces.len() - 1;
    let changes: [(&str, Change<'_>); 9] = [
        ("count", &|c| c.spaces[last].answers[1].count.push('0')),
        ("least", &|c| c.spaces[last].answers[5].least = Some(vec![0; 15])),
        ("no least", &|c| c.spaces[last].answers[1].least = None),
        ("question", &|c| {
            c.spaces[last].answers.pop();
        }),
        ("values", &|c| c.spaces[last].attributes[0].1.reverse()),
        ("law", &|c| c.laws[0].verdict = LawVerdict::Broken),
        ("laws", &|c| {
            c.laws.pop();
        }),
        ("version", &|c| c.lanebench_certificate += 1),
        ("space", &|c| {
            c.spaces.remove(1);
        }),
    ];
    for (name, change) in changes {
        assert_eq!(failed(change).len(), 1, "{name}");
    }
    let other = super::policy(&super::THREE_LANE.replace("user_steering or ", ""));
    assert_eq!(
        certificate.verify(&other, EFFORT).mismatches.len(),
        1,
        "another policy"
    );
}

#[test]
fn a_proof_that_meets_its_bound_is_none() {
    let bounds = Bounds {
        nodes_max: 30,
        cases_max: 100,
    };
    let error = prove(&Plan::new(&three_lane()), &[], bounds).unwrap_err();
    assert_eq!(error, ProofError::Exhausted { nodes_max: 30 });
}

#[test]
fn an_enumeration_that_says_otherwise_is_no_proof() {
    let policy = three_lane();
    let plan = Plan::new(&policy);
    let space = Space::of(&[&policy], Reach::Known);
    let mut tallies = enumerate(&plan, &space, 2);
    tallies[4].count += 1;
    let reach = Reach::Known;
    let error = prove(&plan, &[Enumerated { reach, tallies }], Bounds::default()).unwrap_err();
    assert!(
        matches!(error, ProofError::Disagreement { reach: "known", .. }),
        "{error}"
    );
}

#[test]
fn the_naive_interpreter_says_when_it_does_not_decide() {
    let policy = three_lane();
    let space = Space::of(&[&policy], Reach::Known);
    let naive = Naive::new(&policy, &space);
    assert_eq!(naive.count(Question::Approval, 3), None);
    assert_eq!(naive.count(Question::Approval, 1_000), Some(31_744));
    assert_eq!(naive.agrees(3), None);
}

#[test]
fn the_census_names_rule_and_what_is_not_supplied() {
    let policy = three_lane();
    let all = Task::new().with_all(&Attribute::ALL, false);
    let long = all.clone().with_all(
        &[
            Attribute::ValueAfterSession,
            Attribute::MultiStepOrSlow,
            Attribute::CanShowStatus,
            Attribute::CanShowRetry,
            Attribute::CanRetrieveResult,
        ],
        true,
    );
    let vague = long
        .clone()
        .with(Attribute::CanShowRetry, lanebench::policy::Truth::Unknown);
    let census = census(&policy, [("short", &all), ("long", &long), ("vague", &vague)]).unwrap();
    let rows: Vec<_> = census
        .kinds
        .iter()
        .map(|row| {
            (
                row.kind.as_str(),
                row.lane,
                row.rules.as_slice(),
                row.is_settled(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("short", Some(Lane::Interactive), &[2][..], true),
            ("long", Some(Lane::Background), &[1][..], true),
            ("vague", Some(Lane::Interactive), &[1, 2][..], false),
        ]
    );
    assert_eq!(census.kinds[2].unsupplied, ["can_show_retry"]);
    assert!(census.nobody_supplies.is_empty());
}

/// How many random policies are proven: what is quick, or what `.ci/long` asks for.
fn policies_played() -> u32 {
    let asked = std::env::var("LANEBENCH_POLICIES").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(16)
}

/// A policy of a few rules over a few attributes.
fn policies() -> impl Strategy<Value = String> {
    let answers = prop::sample::select(vec![
        "execution: interactive",
        "execution: background",
        "execution: background, because: why not",
        "refuse: no",
    ]);
    let rules = prop::collection::vec((trees(), answers), 1..4);
    (rules, trees(), trees()).prop_map(|(rules, boundary, fact)| {
        let mut text = format!(
            "policy: random\nattributes: {{ expected_duration: duration }}\n\
             boundary: {{ approval_when: 'any_effect and ({})' }}\nfacts: {{ fenced_fact: 'effects_fenced and ({})' }}\n\
             rules:\n",
            boundary.text(),
            fact.text()
        );
        for (index, (when, answer)) in rules.iter().enumerate() {
            let when = when.text();
            text.push_str(&format!("  - {{ id: r{index}, when: 'fenced_fact or ({when})', {answer} }}\n"));
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(policies_played()))]

    #[test]
    fn symbols_cells_and_the_naive_interpreter_agree_on_random_policies(text in policies()) {
        let policy = policy(&text);
        let plan = Plan::new(&policy);
        let space = Space::of(&[&policy], Reach::Known);
        let mut diagrams = Diagrams::new(&space);
        let symbolic = plan.tallies(&space, &mut diagrams).unwrap();
        let counted: Vec<Tally> = enumerate(&plan, &space, 1);
        prop_assert_eq!(&symbolic, &counted);
        let naive = Naive::new(&policy, &space);
        for (question, tally) in plan.questions().iter().zip(&symbolic) {
            if let Some(count) = naive.count(*question, 3_000) {
                prop_assert_eq!(count, tally.count, "{}", question.name(&policy));
            }
            if let Some(cell) = &tally.least {
                prop_assert!(naive.is_true(*question, cell), "{}", question.name(&policy));
            }
        }
        let agrees = naive.agrees(20_000);
        prop_assert!(!matches!(agrees, Some(Err(_))), "{agrees:?}");
    }
}
