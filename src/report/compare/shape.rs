//! The shapes of runs as JSON: each one on a line of its own.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::sim::metric::{Shapes, Spread};

/// The quantiles that are said of a spread.
pub(super) const QUANTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p999", 0.999),
];

/// The shapes, each as JSON without line breaks.
#[derive(Serialize)]
pub(super) struct ShapeRows {
    live_waits: Box<RawValue>,
    result_times: Box<RawValue>,
    course: Box<RawValue>,
}

impl ShapeRows {
    pub(super) fn of(shapes: &Shapes) -> Self {
        let slots = shapes.course.slots.iter();
        let slots: Vec<[u64; 3]> = slots
            .map(|slot| [slot.submitted, slot.forsaken, slot.asked])
            .collect();
        Self {
            live_waits: raw(&SpreadRow::of(&shapes.live_waits)),
            result_times: raw(&SpreadRow::of(&shapes.result_times)),
            course: raw(&slots),
        }
    }
}

#[derive(Serialize)]
struct SpreadRow {
    tasks: u64,
    without: u64,
    p50: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
    bins: Vec<(f64, u64)>,
}

impl SpreadRow {
    fn of(spread: &Spread) -> Self {
        let [p50, p90, p95, p99, p999] =
            QUANTILES.map(|(_, share)| Some(spread.quantile(share)?.as_secs_f64()));
        Self {
            tasks: spread.count(),
            without: spread.without(),
            p50,
            p90,
            p95,
            p99,
            p999,
            bins: spread
                .bins()
                .map(|(edge, count)| (edge.as_secs_f64(), count))
                .collect(),
        }
    }
}

fn raw(value: &impl Serialize) -> Box<RawValue> {
    let raw = serde_json::value::to_raw_value(value);
    #[expect(clippy::expect_used, reason = "text keys, and numbers that are finite")]
    raw.expect("JSON in memory")
}
