//! Plots as SVG, made of lines, dots and words alone.

use std::fmt::Write;

use super::number::number;

/// The colours of strategies, in their order; with more of them they begin anew, dashed.
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f", "#000000",
];

/// A plot under way.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    width: f64,
    height: f64,
    body: String,
}

/// From values to places: linear, or by logarithms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From the least and the most of these values, with some room, to a stretch of the plot.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            return None;
        }
        let room = match high > low {
            true => 0.05 * (high - low),
            false => (0.05 * high.abs()).max(1e-6),
        };
        Some(Self {
            low: low - room,
            high: high + room,
            from,
            to,
        })
    }

    /// From a stretch to another.
    pub(super) const fn of((low, high): (f64, f64), from: f64, to: f64) -> Self {
        Self { low, high, from, to }
    }

    /// Where a value stands.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round values along it.
    fn ticks(&self) -> Vec<f64> {
        let rough = (self.high - self.low) / 5.0;
        let size = libm::pow(10.0, libm::floor(libm::log10(rough)));
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|times| times * size)
            .find(|step| *step >= rough)
            .unwrap_or(size);
        let first = libm::ceil(self.low / step);
        (0..12)
            .map(|more| (first + f64::from(more)) * step)
            .take_while(|value| *value <= self.high)
            .collect()
    }
}

/// Text inside of SVG and HTML.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A number beside an axis, without the zeros at its end.
fn tick_text(tick: f64) -> String {
    let text = number(tick);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// The colour of a strategy, and its dashes.
pub(super) fn stroke(place: usize) -> String {
    let dashes = match place / COLOURS.len() {
        0 => "",
        _ => " stroke-dasharray=\"6 3\"",
    };
    format!("stroke=\"{}\"{dashes}", colour(place))
}

/// The colour of a strategy.
pub(super) const fn colour(place: usize) -> &'static str {
    COLOURS[place % COLOURS.len()]
}

impl Plot {
    /// An empty one.
    pub(super) const fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a text does not fail.
        let _ = self.body.write_fmt(element);
        self.body.push('\n');
    }

    /// A straight line.
    pub(super) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), style: &str) {
        self.push(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>"
        ));
    }

    /// A line through many places.
    pub(super) fn path(&mut self, places: &[(f64, f64)], style: &str) {
        let points: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        self.push(format_args!(
            "<polyline points=\"{points}\" fill=\"none\" {style}/>"
        ));
    }

    /// A dot.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), style: &str) {
        self.push(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" {style}/>"
        ));
    }

    /// A bar.
    pub(super) fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str, title: &str) {
        let title = escape(title);
        self.push(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"><title>{title}</title></rect>"
        ));
    }

    /// Words; `anchor` is `start`, `middle` or `end`.
    pub(super) fn words(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        let text = escape(text);
        self.push(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// An axis below the plot, with light lines up to `top`.
    pub(super) fn below(&mut self, scale: &Scale, (top, bottom): (f64, f64), title: &str) {
        for tick in scale.ticks() {
            let x = scale.at(tick);
            self.line((x, top), (x, bottom), "stroke=\"#dddddd\"");
            self.words((x, bottom + 15.0), "middle", &tick_text(tick));
        }
        self.line((scale.from, bottom), (scale.to, bottom), "stroke=\"#444444\"");
        self.words((0.5 * (scale.from + scale.to), bottom + 32.0), "middle", title);
    }

    /// An axis beside the plot, with light lines to `right`.
    pub(super) fn beside(&mut self, scale: &Scale, (left, right): (f64, f64), title: &str) {
        for tick in scale.ticks() {
            let y = scale.at(tick);
            self.line((left, y), (right, y), "stroke=\"#dddddd\"");
            self.words((left - 6.0, y + 4.0), "end", &tick_text(tick));
        }
        self.line((left, scale.from), (left, scale.to), "stroke=\"#444444\"");
        self.words((left, scale.to.min(scale.from) - 8.0), "start", title);
    }

    /// An axis beside the plot, of logarithms: a line and a length of time for each power of ten of seconds.
    pub(super) fn beside_powers(&mut self, scale: &Scale, (left, right): (f64, f64)) {
        const POWERS: [(f64, &str); 9] = [
            (-3.0, "1 ms"),
            (-2.0, "10 ms"),
            (-1.0, "0.1 s"),
            (0.0, "1 s"),
            (1.0, "10 s"),
            (2.0, "100 s"),
            (3.0, "1000 s"),
            (4.0, "10000 s"),
            (5.0, "100000 s"),
        ];
        for (power, word) in POWERS {
            if (scale.low..=scale.high).contains(&power) {
                let y = scale.at(power);
                self.line((left, y), (right, y), "stroke=\"#dddddd\"");
                self.words((left - 6.0, y + 4.0), "end", word);
            }
        }
        self.line((left, scale.from), (left, scale.to), "stroke=\"#444444\"");
    }

    /// The whole drawing.
    pub(super) fn finish(self) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Scale, escape};

    #[test]
    fn scales_have_round_ticks_inside() {
        let scale = Scale::over([0.13, 0.87], 0.0, 100.0).unwrap();
        let ticks: Vec<String> = scale.ticks().iter().map(|tick| format!("{tick:.1}")).collect();
        assert_eq!(ticks, ["0.2", "0.4", "0.6", "0.8"]);
        assert!(scale.at(0.5) > 49.9 && scale.at(0.5) < 50.1);
        assert!(Scale::over([f64::NAN], 0.0, 1.0).is_none());
        // One value alone has room on both sides.
        let alone = Scale::over([2.0, 2.0], 0.0, 100.0).unwrap();
        assert!((alone.at(2.0) - 50.0).abs() < 1e-9 && !alone.ticks().is_empty());
    }

    #[test]
    fn text_is_no_markup() {
        assert_eq!(
            escape("<b a=\"1\">&\u{7}"),
            "&lt;b a=&quot;1&quot;&gt;&amp;\u{fffd}"
        );
    }
}
