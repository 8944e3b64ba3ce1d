//! Numbers of metrics, written for people.

use crate::sim::metric::Unit;

/// A number with as many digits as its size deserves: four that count, and never more than six decimals.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match () {
        () if !value.is_finite() => return "-".to_owned(),
        () if size >= 1_000.0 => 0,
        () if size >= 100.0 => 1,
        () if size >= 10.0 => 2,
        () if size >= 1.0 => 3,
        () if size >= 0.01 || size == 0.0 => 4,
        () => 6,
    };
    let text = format!("{value:.decimals$}");
    // What rounds to nothing has no sign.
    match text
        .trim_start_matches('-')
        .chars()
        .all(|c| matches!(c, '0' | '.'))
    {
        true => text.trim_start_matches('-').to_owned(),
        false => text,
    }
}

/// A difference, with its sign.
pub(super) fn signed(value: f64) -> String {
    let text = number(value);
    match text.starts_with('-') || value <= 0.0 {
        true => text,
        false => format!("+{text}"),
    }
}

/// What a metric is measured in, behind its name.
pub(super) const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "seconds",
        Unit::Share => "share",
        Unit::Count => "count",
        Unit::PerTask => "a task",
        Unit::PerHour => "an hour",
        Unit::Money => "cost a task",
        Unit::Index => "index",
    }
}

#[cfg(test)]
mod tests {
    use super::{number, signed};

    #[test]
    fn numbers_have_the_digits_that_count() {
        let cases = [
            (0.0, "0.0000"),
            (0.93124, "0.9312"),
            (12.3456, "12.35"),
            (123.456, "123.5"),
            (12_345.6, "12346"),
            (0.000_123, "0.000123"),
            (-0.000_000_1, "0.000000"),
            (f64::INFINITY, "-"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
        assert_eq!(
            [signed(0.5), signed(-0.5), signed(0.0)],
            ["+0.5000", "-0.5000", "0.0000"]
        );
    }
}
