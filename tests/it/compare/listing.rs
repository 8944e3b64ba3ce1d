//! The table of strategies: what it says is what files may say, and what strategies look at.

use std::collections::BTreeSet;

use lanebench::job::LaneSeen;
use lanebench::report::strategies_text;
use lanebench::sim::compare::{Comparison, Named, STRATEGIES, Sees, StrategyRow};
use lanebench::sim::strategy::{Choice, Sight};
use lanebench::units::SimDuration;
use serde_json::Value;

use super::strategies::world;
use super::{read, said, text_of};

fn text_with(written: &str) -> String {
    let text = text_of(super::SMALL);
    let strategy = if written.contains(':') {
        format!("{{ {written} }}")
    } else {
        written.to_owned()
    };
    let text = text.replace(
        "coin: { random: { interactive: 50% } }",
        &format!("coin: {strategy}"),
    );
    // Where tokens have prices, so have the tiers that are named.
    text.replace("  default: { input: 1.25, output: 10 }\n", "  default: { input: 1.25, output: 10 }\n  flex: { input: 1, output: 5 }\n  priority: { input: 2, output: 20 }\n")
}

#[test]
fn what_the_table_writes_is_read_and_what_it_needs_is_missed() {
    for row in &STRATEGIES {
        let (comparison, complaint) = read(super::SMALL, &text_with(row.written));
        let comparison = comparison.unwrap_or_else(|| panic!("{}: {complaint}", row.word));
        assert_eq!(
            comparison.strategies[3].strategy.is_oracle(),
            row.is_oracle,
            "{}",
            row.word
        );
        for parameter in row.parameters {
            let without = without(row, parameter.name);
            let (left, complaint) = read(super::SMALL, &text_with(&without));
            assert_eq!(
                left.is_some(),
                parameter.usual.is_some(),
                "{without}: {complaint}"
            );
            if parameter.usual.is_none() {
                assert!(
                    complaint.contains(&format!("`{}`", parameter.name)),
                    "{complaint}"
                );
            }
        }
    }
}

/// How a strategy is written without one of its parameters.
fn without(row: &StrategyRow, name: &str) -> String {
    let (before, rest) = row.written.split_once('{').unwrap();
    let (inside, after) = rest.rsplit_once('}').unwrap();
    let left: Vec<&str> = inside
        .split(',')
        .map(str::trim)
        .filter(|part| !part.starts_with(&format!("{name}:")))
        .collect();
    format!("{before}{{ {} }}{after}", left.join(", "))
}

#[test]
fn the_schema_has_the_same_strategies_and_parameters() {
    let (code, stdout, _) = said(&["schema", "comparison"]);
    let schema: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, Some(0));
    let strategy = &schema["properties"]["strategies"]["additionalProperties"]["anyOf"][1]["properties"];
    let keys = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
    let words: BTreeSet<String> = STRATEGIES.iter().map(|row| row.word.to_owned()).collect();
    assert_eq!(keys(strategy), words);
    for row in STRATEGIES.iter().filter(|row| !row.parameters.is_empty()) {
        let of = &strategy[row.word];
        let of = if of["items"].is_object() { &of["items"] } else { of };
        let parameters: BTreeSet<String> = row.parameters.iter().map(|one| one.name.to_owned()).collect();
        assert_eq!(keys(&of["properties"]), parameters, "{}", row.word);
    }
}

/// A strategy asked about every sort of task in a few worlds; each answer is told apart by what of the world is pinned.
fn choices(comparison: &Comparison, named: &Named, varied: Sees) -> BTreeSet<String> {
    let lane = |active, waiting| LaneSeen {
        capacity: 10,
        active,
        waiting,
    };
    let lanes = [lane(0, 0), lane(5, 0), lane(10, 60), lane(10, 500)];
    let lengths = [1, 300, 40_000].map(SimDuration::from_secs);
    let mut all = BTreeSet::new();
    for (sort, routes) in named.routes.iter().enumerate() {
        let decision = comparison.strategies[0].policy.decide(&routes.attributes);
        let ask = |chance: f64, lane: LaneSeen, target: SimDuration, predicted: SimDuration| {
            let choice = named.strategy.choose(&Sight {
                kind: &routes.kind,
                attributes: &routes.attributes,
                declared: &[],
                decision: &decision,
                predicted: named.predictor.map(|_| predicted),
                target: Some(target),
                chance,
                tenant: None,
                lanes: [lane; 3],
            });
            match choice {
                // A learner numbers its contexts as it meets them.
                Choice::Drawn { arm, .. } => format!("{arm:?}"),
                choice => format!("{choice:?}"),
            }
        };
        // Everything but what is varied stands still at each of its values.
        for chance in [0.05, 0.5, 0.95] {
            for lane in lanes {
                for target in lengths {
                    for predicted in lengths {
                        let pinned = match varied {
                            Sees::Coin => format!("{lane:?} {target} {predicted}"),
                            Sees::Lanes => format!("{chance} {target} {predicted}"),
                            Sees::Target => format!("{chance} {lane:?} {predicted}"),
                            _ => format!("{chance} {lane:?} {target}"),
                        };
                        all.insert(format!(
                            "{sort} {pinned} => {}",
                            ask(chance, lane, target, predicted)
                        ));
                    }
                }
            }
        }
    }
    all
}

#[test]
fn strategies_look_at_what_the_table_says_and_at_nothing_else() {
    for row in STRATEGIES.iter().filter(|row| row.word != "program") {
        let strategy = if row.written.contains(':') {
            format!("{{ {} }}", row.written)
        } else {
            row.written.to_owned()
        };
        let strategy = strategy.replace(
            "over: 20s, service",
            "over: { exponential: { mean: 200s } }, service",
        );
        let comparison = world(&[
            ("prices: { default: { input: 1.25, output: 10 } }\n", ""),
            ("other: policy", &format!("other: {strategy}")),
        ]);
        let named = &comparison.strategies[1];
        for sees in [Sees::Coin, Sees::Lanes, Sees::Target, Sees::Prediction] {
            let all = choices(&comparison, named, sees);
            let pinned: BTreeSet<&str> = all.iter().map(|one| one.split_once(" => ").unwrap().0).collect();
            let looks = all.len() > pinned.len();
            let future = sees == Sees::Prediction && row.sees.contains(&Sees::Future);
            // A learner that knows nothing yet tells lanes apart, and answers the same in all.
            let learner = sees == Sees::Lanes && row.sees.contains(&Sees::OwnOutcomes);
            let expected = (row.sees.contains(&sees) || future) && !learner;
            assert_eq!(looks, expected, "{}: {sees:?}", row.word);
        }
        assert_eq!(row.is_oracle, row.sees.contains(&Sees::Future));
        assert_eq!(named.strategy.learns(), row.sees.contains(&Sees::OwnOutcomes));
    }
}

#[test]
fn the_program_lists_its_strategies() {
    let (code, stdout, stderr) = said(&["compare", "--strategies"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(stdout, strategies_text());
    for row in STRATEGIES {
        let mark = if row.is_oracle { " (oracle" } else { "\n" };
        assert!(stdout.contains(&format!("\n{}{mark}", row.word)), "{}", row.word);
        assert!(
            row.parameters
                .iter()
                .all(|parameter| stdout.contains(parameter.name))
        );
    }
    assert!(stdout.lines().all(|line| line.chars().count() <= 100), "{stdout}");
}
