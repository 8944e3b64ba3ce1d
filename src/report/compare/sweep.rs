//! Comparisons over the values of what is varied, or of one of them alone.

use serde::Serialize;

use super::data::Document;
use super::rows::sweep_csv;
use super::sweep_figures::SweepFigures;
use super::sweep_page::sweep_html;
use super::sweep_text::sweep_text;
use super::{CompareKind, CompareReport, compare_figures};
use crate::report::Paint;
use crate::report::json::pretty;
use crate::sim::compare::{Conclusion, Findings, Standing, Study, Sweep, Varied};

/// Raised whenever a field changes its meaning or goes; new fields do not raise it.
const VERSION: u32 = 1;

/// The studies of all points of a comparison file.
#[derive(Debug, Clone)]
pub struct SweepReport<'a> {
    /// What was to be compared.
    pub sweep: &'a Sweep,
    /// What was played and what it says, at each point.
    pub points: Vec<CompareReport<'a>>,
    /// What is concluded of each strategy but the reference.
    pub conclusions: Vec<Conclusion>,
    standing: Standing,
}

impl<'a> SweepReport<'a> {
    /// Of a study and its findings for each point.
    #[must_use]
    pub fn new(sweep: &'a Sweep, studies: &'a [Study], findings: &'a [Findings]) -> Self {
        let parts = sweep.points.iter().zip(studies).zip(findings);
        Self {
            sweep,
            points: parts
                .map(|((comparison, study), findings)| CompareReport {
                    comparison,
                    study,
                    findings,
                })
                .collect(),
            conclusions: sweep.conclusions(findings),
            standing: Findings::standing_of_all(findings),
        }
    }

    /// How all of it ends: as the worst point.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// The report of a kind; a comparison that varies nothing has that of its only point. The same studies give the same
    /// bytes.
    #[must_use]
    pub fn render(&self, kind: CompareKind, paint: Paint) -> String {
        match (&self.sweep.varied, kind) {
            (None, kind) => {
                let points = self.points.iter();
                points.map(|point| kind.render(point, paint)).collect()
            }
            (Some(varied), CompareKind::Human) => sweep_text(self, varied, paint),
            (Some(varied), CompareKind::Csv) => sweep_csv(varied, &self.points),
            (Some(varied), CompareKind::Json) => pretty(&SweepDocument::of(self, varied)),
            (Some(varied), CompareKind::Html) => sweep_html(self, varied),
        }
    }

    /// Every figure as a file: its name and its text.
    #[must_use]
    pub fn figures(&self) -> Vec<(String, String)> {
        match &self.sweep.varied {
            None => self.points.iter().flat_map(compare_figures).collect(),
            Some(varied) => SweepFigures::of(self, varied).files(),
        }
    }
}

/// A sweep as JSON. Every field is always there, in this order.
///
/// | field | holds |
/// |---|---|
/// | `format`, `version` | `lanebench-sweep`, 1 |
/// | `parameter` | `load`, or the path of what is varied |
/// | `standing` | that of the worst point |
/// | `conclusions[]` | by strategy: `steps[]` (null: nothing can be said), `flips[]` as `[before, after]`: values between which what is decided turns |
/// | `points[]` | `at` as written, `x` as a number, and the whole `comparison` as one that is played alone |
#[derive(Serialize)]
struct SweepDocument<'a> {
    format: &'static str,
    version: u32,
    parameter: &'a str,
    standing: &'static str,
    conclusions: Vec<ConclusionRow<'a>>,
    points: Vec<PointRow<'a>>,
}

#[derive(Serialize)]
struct PointRow<'a> {
    at: &'a str,
    x: f64,
    comparison: Document<'a>,
}

#[derive(Serialize)]
struct ConclusionRow<'a> {
    strategy: &'a str,
    steps: Vec<Option<StepRow>>,
    flips: Vec<[&'a str; 2]>,
}

#[derive(Serialize)]
struct StepRow {
    difference: f64,
    low: f64,
    high: f64,
    p: f64,
    adjusted_p: f64,
    verdict: &'static str,
}

impl<'a> SweepDocument<'a> {
    fn of(report: &SweepReport<'a>, varied: &'a Varied) -> Self {
        let conclusions = report.conclusions.iter();
        Self {
            format: "lanebench-sweep",
            version: VERSION,
            parameter: &varied.what,
            standing: report.standing.word(),
            conclusions: conclusions
                .map(|conclusion| ConclusionRow {
                    strategy: &report.sweep.points[0].strategies[conclusion.strategy].name,
                    steps: conclusion.steps.iter().map(step).collect(),
                    flips: conclusion
                        .flips
                        .iter()
                        .map(|(before, after)| [*before, *after].map(|place| &*varied.values[place].word))
                        .collect(),
                })
                .collect(),
            points: varied
                .values
                .iter()
                .zip(&report.points)
                .map(|(value, point)| PointRow {
                    at: &value.word,
                    x: value.x,
                    comparison: Document::of(point),
                })
                .collect(),
        }
    }
}

fn step(step: &Option<crate::sim::compare::Contrast>) -> Option<StepRow> {
    step.map(|contrast| StepRow {
        difference: contrast.paired.difference,
        low: contrast.paired.interval.low,
        high: contrast.paired.interval.high,
        p: contrast.p,
        adjusted_p: contrast.adjusted,
        verdict: contrast.verdict.word(),
    })
}
