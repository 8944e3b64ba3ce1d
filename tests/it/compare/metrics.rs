//! Metrics: their table, their buckets, and that nothing is lost between tasks and numbers.

use lanebench::report::metrics_text;
use lanebench::rng::Seed;
use lanebench::sim::metric::{Bucket, Metric};

use super::small;

#[test]
fn every_metric_has_a_word_and_a_definition_of_its_own() {
    let text = metrics_text();
    for (place, metric) in Metric::ALL.iter().enumerate() {
        assert_eq!(*metric as usize, place);
        assert!(
            text.contains(&format!("{} (", metric.word())),
            "{}",
            metric.word()
        );
        let twins = Metric::ALL.iter().filter(|other| other.word() == metric.word());
        assert_eq!(twins.count(), 1);
        assert!(metric.definition().len() > 20);
    }
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn every_task_lies_in_exactly_one_bucket() {
    let comparison = small(&[]);
    for seed in 1..=5 {
        let stage = comparison.stage(Seed(seed));
        for named in &comparison.strategies {
            let outcome = comparison.play(&stage, named);
            assert_eq!(outcome.broken, None, "{}", named.name);
            let measures = &outcome.measures;
            assert!(measures.conserves() && measures.tasks > 20, "{measures:?}");
            let shares: f64 = Bucket::ALL
                .iter()
                .map(|bucket| measures.value(Metric::of(*bucket)).unwrap())
                .sum();
            assert!((shares - 1.0).abs() < 1e-12, "{shares}");
            let value = |metric| measures.value(metric).unwrap();
            assert!(value(Metric::Goodput) <= value(Metric::InTime));
            assert_eq!(value(Metric::UnsafeReleases), 0.0);
            assert_eq!(value(Metric::Ungated), 0.0);
            assert!(value(Metric::LiveWaitP50) <= value(Metric::LiveWaitP95));
            assert!(value(Metric::LiveWaitP95) <= value(Metric::LiveWaitP99));
        }
    }
}
