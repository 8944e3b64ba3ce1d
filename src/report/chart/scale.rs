//! Scales: where a value lies on an axis, and which values are written there.

/// An axis.
#[derive(Debug, Clone)]
pub(in crate::report) struct Axis {
    /// What is measured.
    pub(in crate::report) label: String,
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
}

/// How long an axis is at least, in units of the figure: its words must not run into each other.
const WIDE: f64 = 400.0;

/// Lengths that are written on an axis, in the order in which they are tried: seconds and words.
const LENGTHS: [(f64, &str); 34] = [
    (1.0, "1 s"),
    (60.0, "1 min"),
    (3_600.0, "1 h"),
    (0.001, "1 ms"),
    (86_400.0, "1 d"),
    (0.1, "100 ms"),
    (10.0, "10 s"),
    (600.0, "10 min"),
    (36_000.0, "10 h"),
    (0.01, "10 ms"),
    (864_000.0, "10 d"),
    (5.0, "5 s"),
    (2.0, "2 s"),
    (30.0, "30 s"),
    (20.0, "20 s"),
    (300.0, "5 min"),
    (120.0, "2 min"),
    (1_800.0, "30 min"),
    (1_200.0, "20 min"),
    (7_200.0, "2 h"),
    (18_000.0, "5 h"),
    (43_200.0, "12 h"),
    (0.5, "500 ms"),
    (0.2, "200 ms"),
    (0.05, "50 ms"),
    (0.02, "20 ms"),
    (0.005, "5 ms"),
    (0.002, "2 ms"),
    (172_800.0, "2 d"),
    (432_000.0, "5 d"),
    (3.0, "3 s"),
    (4.0, "4 s"),
    (7.0, "7 s"),
    (0.000_001, "1 µs"),
];

impl Axis {
    /// Lengths of time in seconds, on a logarithmic scale.
    pub(in crate::report) fn lengths(label: &str, low: f64, high: f64) -> Self {
        let (low, high) = (low.max(1e-6), high.max(1e-6));
        let room = if high / low < 1.2 { 1.5 } else { 1.08 };
        let mut axis = Self {
            label: label.to_owned(),
            low: low / room,
            high: high * room,
            logarithmic: true,
            ticks: Vec::new(),
        };
        for (seconds, word) in LENGTHS {
            axis.tick(seconds, word.to_owned());
        }
        axis.sort();
        axis
    }

    /// Shares from all down to `least`, on a logarithmic scale.
    pub(in crate::report) fn tail(label: &str, least: f64) -> Self {
        let decades = libm::ceil(-libm::log10(least.clamp(1e-9, 0.1)) - 1e-9);
        #[expect(clippy::cast_possible_truncation, reason = "between 1 and 9")]
        let decades = decades as i32;
        let words = (0..=decades).map(|decade| (10_f64.powi(-decade), share(10_f64.powi(-decade))));
        Self {
            label: label.to_owned(),
            low: 10_f64.powi(-decades),
            high: 1.0,
            logarithmic: true,
            ticks: words.collect(),
        }
    }

    /// Shares from nothing to all.
    pub(in crate::report) fn shares(label: &str) -> Self {
        let ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
        Self {
            label: label.to_owned(),
            low: 0.0,
            high: 1.0,
            logarithmic: false,
            ticks: ticks.map(|value| (value, share(value))).to_vec(),
        }
    }

    /// Numbers, on a linear scale, with round ones at the ends.
    pub(in crate::report) fn numbers(label: &str, low: f64, high: f64) -> Self {
        let size = low.abs().max(high.abs());
        let room = match size > 0.0 {
            true => (high - low).max(1e-3 * size),
            false => 1.0,
        };
        let step = step(room / 4.0);
        let (first, last) = (libm::floor(low / step + 1e-9), libm::ceil(high / step - 1e-9));
        let last = if last <= first { first + 1.0 } else { last };
        #[expect(clippy::cast_possible_truncation, reason = "a handful of steps")]
        let steps = (last - first) as u32;
        Self {
            label: label.to_owned(),
            low: first * step,
            high: last * step,
            logarithmic: false,
            ticks: (0..=steps)
                .map(|number| {
                    let value = (first + f64::from(number)) * step;
                    (value, plain(value, step))
                })
                .collect(),
        }
    }

    /// The same for what cannot lie outside of a range: neither does the axis, whatever intervals reach to.
    pub(in crate::report) fn numbers_in(label: &str, low: f64, high: f64, (least, most): (f64, f64)) -> Self {
        let mut axis = Self::numbers(label, low.clamp(least, most), high.clamp(least, most));
        let slack = 1e-9 * (axis.high - axis.low);
        if axis.high > most + slack {
            // All of it lies at the upper end.
            axis = Self::numbers(label, most - (axis.high - axis.low), most);
        }
        axis.ticks
            .retain(|(value, _)| (least - slack..=most + slack).contains(value));
        (axis.low, axis.high) = (axis.low.max(least), axis.high.min(most));
        axis
    }

    /// These values and no others, each with its own word, on a linear or a logarithmic scale.
    pub(in crate::report) fn written(label: &str, values: &[(f64, &str)], logarithmic: bool) -> Self {
        let (low, high) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (value, _)| {
                (low.min(*value), high.max(*value))
            });
        let wide = if high > low {
            high - low
        } else {
            high.abs().max(1.0)
        };
        let room = libm::pow((high / low).max(1.1), 0.04);
        let (low, high) = match logarithmic {
            true => (low / room, high * room),
            false => (low - 0.04 * wide, high + 0.04 * wide),
        };
        let mut axis = Self {
            label: label.to_owned(),
            low,
            high,
            logarithmic,
            ticks: Vec::new(),
        };
        // The ends first: what runs into them is left out.
        let ends = values.first().into_iter().chain(values.last());
        for (value, word) in ends.chain(values) {
            axis.tick(*value, (*word).to_owned());
        }
        axis.sort();
        axis
    }

    /// Where a value lies, from 0 at the low end to 1 at the high one; what lies outside is moved to the end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = match self.logarithmic {
            true => libm::log(value.max(1e-12) / self.low) / libm::log(self.high / self.low),
            false => (value - self.low) / (self.high - self.low),
        };
        place.clamp(0.0, 1.0)
    }

    /// What is written on the axis.
    pub(super) fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// Writes a value on the axis, if it lies there and its word does not run into another one.
    fn tick(&mut self, value: f64, word: String) {
        if value < self.low || value > self.high {
            return;
        }
        let reach = |word: &str| 3.5 * word.chars().count() as f64;
        let at = self.place(value) * WIDE;
        let free = self
            .ticks
            .iter()
            .all(|(other, said)| (self.place(*other) * WIDE - at).abs() >= reach(&word) + reach(said) + 9.0);
        if free {
            self.ticks.push((value, word));
        }
    }

    fn sort(&mut self) {
        self.ticks.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `wanted`.
fn step(wanted: f64) -> f64 {
    let decade = libm::pow(10.0, libm::floor(libm::log10(wanted)));
    let times = [1.0, 2.0, 5.0, 10.0];
    let found = times
        .into_iter()
        .find(|times| times * decade >= wanted * (1.0 - 1e-9));
    found.unwrap_or(10.0) * decade
}

/// A number on an axis, with the decimals that its steps need.
fn plain(value: f64, step: f64) -> String {
    let decimals = libm::ceil(-libm::log10(step) - 1e-9).clamp(0.0, 9.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 9"
    )]
    let decimals = decimals as usize;
    let text = format!("{value:.decimals$}");
    match text.trim_start_matches(['-', '0', '.']).is_empty() {
        true => "0".to_owned(),
        false => text,
    }
}

fn share(share: f64) -> String {
    let text = format!("{:.7}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::Axis;

    fn words(axis: &Axis) -> String {
        let words: Vec<&str> = axis.ticks().iter().map(|(_, word)| word.as_str()).collect();
        words.join(", ")
    }

    #[test]
    fn axes_say_round_values() {
        assert_eq!(words(&Axis::numbers("", 0.0, 1.0)), "0, 0.5, 1.0");
        assert_eq!(
            words(&Axis::numbers("", -0.73, 0.01)),
            "-0.8, -0.6, -0.4, -0.2, 0, 0.2"
        );
        assert_eq!(
            words(&Axis::numbers("", 0.0008, 0.0034)),
            "0, 0.001, 0.002, 0.003, 0.004"
        );
        assert_eq!(words(&Axis::tail("", 0.002)), "100 %, 10 %, 1 %, 0.1 %");
        assert_eq!(words(&Axis::lengths("", 2.4, 4.8)), "3 s, 4 s, 5 s");
        assert_eq!(
            words(&Axis::lengths("", 0.3, 7_300.0)),
            "1 s, 3 s, 10 s, 1 min, 10 min, 1 h"
        );
    }

    #[test]
    fn axes_of_shares_stay_between_nothing_and_all() {
        for (low, high) in [
            (-0.3, 1.2),
            (1.0, 1.0),
            (0.0, 0.0),
            (0.93, 1.04),
            (0.7, 1.0),
            (-0.2, -0.1),
        ] {
            let axis = Axis::numbers_in("", low, high, (0.0, 1.0));
            assert!(
                axis.low >= 0.0 && axis.high <= 1.0 && axis.low < axis.high,
                "{axis:?}"
            );
            assert!(axis.ticks().len() > 1 && axis.ticks().len() < 12, "{axis:?}");
            assert!(
                axis.ticks().iter().all(|(value, _)| (0.0..=1.0).contains(value)),
                "{axis:?}"
            );
            // What reaches further is drawn to the end.
            assert_eq!((axis.place(-0.3), axis.place(1.2)), (0.0, 1.0));
        }
        let free = Axis::numbers("", -0.3, 1.2);
        assert!(free.low < 0.0 && free.high > 1.0);
        assert_eq!(
            words(&Axis::numbers_in("", -0.3, 1.2, (0.0, f64::INFINITY))),
            "0, 0.5, 1.0, 1.5"
        );
    }

    #[test]
    fn values_without_any_width_have_an_axis() {
        for value in [0.0, 5.0, -1e-7, 1e9] {
            let axis = Axis::numbers("", value, value);
            assert!(axis.low < axis.high && axis.ticks().len() < 12, "{axis:?}");
            assert!(Axis::lengths("", value, value).place(value).is_finite());
        }
    }
}
