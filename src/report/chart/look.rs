//! How series look: a colour, a dash and a marker each, in light and in dark.

use maud::{Markup, html};

/// Okabe and Ito's colours, which people with any colour vision tell apart, without the yellow that is lost on white.
/// Those that are dim on a dark ground are lighter there.
const COLOURS: [(&str, &str); 8] = [
    ("#0072b2", "#3d9bd6"),
    ("#d55e00", "#f0803c"),
    ("#009e73", "#22b98e"),
    ("#cc79a7", "#d993b8"),
    ("#e69f00", "#e69f00"),
    ("#56b4e9", "#8fd0f5"),
    ("#1b1d20", "#eceef0"),
    ("#8a8f96", "#9aa0a8"),
];
const DASHES: [&str; 6] = ["", "8 3", "2 2.5", "9 3 2 3", "5 2 1 2 1 2", "14 4"];

/// What the parts of a figure are called, with their colours in light and in dark.
const PARTS: [(&str, &str, &str, &str); 7] = [
    (".ground", "fill", "#ffffff", "#16181b"),
    ("text", "fill", "#1b1d20", "#eceef0"),
    ("text.soft", "fill", "#565c64", "#a9afb7"),
    (".grid", "stroke", "#e2e5e9", "#31353b"),
    (".axis", "stroke", "#767c85", "#8b929b"),
    (".zone", "fill", "#eef0f3", "#24282d"),
    (".edge", "stroke", "#ffffff", "#16181b"),
];

/// The style of all figures, for a page or a file.
pub(in crate::report) fn style() -> String {
    let mut text = String::from(
        ".chart text{font:12px system-ui,-apple-system,\"Segoe UI\",sans-serif}\
         .chart .head{font-size:13px;font-weight:600}\
         .chart .line{fill:none;stroke-width:1.9;stroke-linejoin:round}\
         .chart .thin{fill:none;stroke-width:1.3}",
    );
    text.push_str(&rules(|light, _| light));
    text.push_str("@media (prefers-color-scheme:dark){");
    text.push_str(&rules(|_, dark| dark));
    text.push('}');
    text
}

fn rules(pick: impl Fn(&'static str, &'static str) -> &'static str) -> String {
    let mut text = String::new();
    for (part, what, light, dark) in PARTS {
        text.push_str(&format!(".chart {part}{{{what}:{}}}", pick(light, dark)));
    }
    for (place, (light, dark)) in COLOURS.iter().enumerate() {
        let colour = pick(light, dark);
        text.push_str(&format!(
            ".chart .c{place}{{stroke:{colour}}}.chart .f{place}{{fill:{colour}}}"
        ));
    }
    text
}

/// A coordinate with one decimal, without one that is nothing.
pub(super) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    match text {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

/// The class of strokes in the colour of a series.
pub(super) fn stroke(series: usize) -> String {
    format!("c{}", series % COLOURS.len())
}

/// The class of areas in the colour of a series.
pub(super) fn fill(series: usize) -> String {
    format!("f{}", series % COLOURS.len())
}

/// Whether a series shares its colour with an earlier one.
pub(super) const fn is_hatched(series: usize) -> bool {
    series >= COLOURS.len()
}

/// The dash of a series; none if its line is whole.
pub(super) fn dash(series: usize) -> Option<&'static str> {
    Some(DASHES[series % DASHES.len()]).filter(|dash| !dash.is_empty())
}

/// The marker of a series around a place.
pub(super) fn marker(series: usize, x: f64, y: f64) -> Markup {
    sized(series, (x, y), 1.0)
}

/// The marker of a series as an outline around `inner` others in the same place.
pub(super) fn ring(series: usize, place: (f64, f64), inner: usize) -> Markup {
    sized(series, place, 1.0 + 0.55 * inner as f64)
}

fn sized(series: usize, (x, y): (f64, f64), scale: f64) -> Markup {
    let at = |dx: f64, dy: f64| format!("{} {}", px(x + scale * dx), px(y + scale * dy));
    let class = match scale > 1.0 {
        true => format!("line {}", stroke(series)),
        false => format!("{} edge", fill(series)),
    };
    let path = |corners: &[(f64, f64)]| {
        let corners: Vec<String> = corners.iter().map(|(dx, dy)| at(*dx, *dy)).collect();
        format!("M{}Z", corners.join("L"))
    };
    let shape = match series % 7 {
        0 => {
            return html! { circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(4.0 * scale)) {} };
        }
        1 => path(&[(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)]),
        2 => path(&[(0.0, -4.8), (4.6, 3.6), (-4.6, 3.6)]),
        3 => path(&[(0.0, -5.2), (5.2, 0.0), (0.0, 5.2), (-5.2, 0.0)]),
        4 => path(&[(0.0, 4.8), (4.6, -3.6), (-4.6, -3.6)]),
        5 => {
            let d = format!(
                "M{}L{}M{}L{}",
                at(-3.8, -3.8),
                at(3.8, 3.8),
                at(-3.8, 3.8),
                at(3.8, -3.8)
            );
            return html! { path class={ "line " (stroke(series)) } d=(d) {} };
        }
        _ => {
            let d = format!(
                "M{}L{}M{}L{}",
                at(-4.8, 0.0),
                at(4.8, 0.0),
                at(0.0, -4.8),
                at(0.0, 4.8)
            );
            return html! { path class={ "line " (stroke(series)) } d=(d) {} };
        }
    };
    html! { path class=(class) d=(shape) {} }
}
