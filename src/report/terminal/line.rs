//! A line for each scenario, under the folder it lies in.

use super::COLUMNS;
use crate::report::paint::{Paint, Tone};
use crate::report::result::RunVerdict;
use crate::report::text::{brief, columns, counted, cut, left, line, right};
use crate::report::totals::{Grade, ScenarioTotals};

/// `skipped` is the longest of the words in front.
const WORD: usize = 7;
/// The longest simulated time.
const TIME: usize = 7;
/// Longer file names are cut.
const NAME_MAX: usize = 40;
/// Between the columns.
const GAP: &str = "  ";

/// The word in front of a scenario.
pub(super) const fn word(grade: Grade) -> (&'static str, Tone) {
    match grade {
        Grade::Passed => ("ok", Tone::Good),
        Grade::Skipped => ("skipped", Tone::Doubtful),
        Grade::Broken => ("broken", Tone::Bad),
        Grade::Failed => ("FAILED", Tone::Bad),
    }
}

/// How wide the columns are.
struct Layout {
    name: usize,
    title: usize,
}

impl Layout {
    fn of(scenarios: &[ScenarioTotals<'_>]) -> Self {
        let width = |part: &str| columns(&cut(&line(part), COLUMNS));
        let names = scenarios.iter().map(|scenario| width(scenario.place().1));
        let name = names.max().unwrap_or(0).min(NAME_MAX);
        let left = COLUMNS - name - WORD - TIME - 4 * GAP.len();
        let titles = scenarios.iter().map(|scenario| width(&title(scenario)));
        Self {
            name,
            title: titles.max().unwrap_or(0).min(left),
        }
    }
}

/// All scenarios in their order, with a heading wherever the folder changes.
pub(super) fn lines(scenarios: &[ScenarioTotals<'_>], paint: Paint) -> String {
    let layout = Layout::of(scenarios);
    let mut out = String::new();
    let mut folder = None;
    for scenario in scenarios {
        let (place, name) = scenario.place();
        if folder != Some(place) {
            folder = Some(place);
            let heading = cut(&line(place), COLUMNS);
            out.push_str(&paint.tone(Tone::Strong, &heading));
            out.push('\n');
        }
        out.push_str(&scenario_line(scenario, name, &layout, paint));
        out.push('\n');
        if let Some(reason) = skipped(scenario) {
            let indent = " ".repeat(2 * GAP.len() + WORD);
            let reason = cut(&line(reason), COLUMNS - indent.len());
            out.push_str(&paint.tone(Tone::Faint, &format!("{indent}{reason}")));
            out.push('\n');
        }
    }
    out
}

fn scenario_line(scenario: &ScenarioTotals<'_>, name: &str, layout: &Layout, paint: Paint) -> String {
    let (word, tone) = word(scenario.grade);
    let cells = [
        paint.tone(tone, &left(word, WORD)),
        left(&line(name), layout.name),
        left(&title(scenario), layout.title),
        paint.tone(Tone::Faint, &right(&time(scenario), TIME)),
    ];
    format!("{GAP}{}", cells.join(GAP)).trim_end().to_owned()
}

/// What the scenario shows; of several runs how many there were, which is not cut.
fn title(scenario: &ScenarioTotals<'_>) -> String {
    match scenario.runs.len() as u64 {
        0 | 1 => line(scenario.title),
        runs => format!("({}) {}", counted(runs, "seed"), line(scenario.title)),
    }
}

/// The simulated time of all its runs; a scenario of which nothing was played has none.
fn time(scenario: &ScenarioTotals<'_>) -> String {
    match scenario.grade {
        Grade::Skipped | Grade::Broken if scenario.ticks == 0 => String::new(),
        _ => brief(scenario.ticks),
    }
}

/// Why a scenario was skipped: the reason of its first run that was.
fn skipped<'a>(scenario: &ScenarioTotals<'a>) -> Option<&'a str> {
    scenario.runs.iter().find_map(|run| match &run.verdict {
        RunVerdict::Skipped(reason) if scenario.grade == Grade::Skipped => Some(&**reason),
        _ => None,
    })
}
