//! Timestamps of traces: `2023-11-16 18:17:03.9799600`, with `T`, `Z` and an offset such as `+00:00` where they are
//! written.

use crate::wire::{civil_from_days, days_from_civil};

/// Microseconds since 1970; what is finer is cut off.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once([' ', 'T'])?;
    let (time, offset) = match time.find(['+', '-']) {
        Some(at) => (&time[..at], offset(&time[at..])?),
        None => (time, 0),
    };
    let [year, month, day] = numbers(date, '-')?;
    let (clock, part) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(clock, ':')?;
    let days = days_from_civil(year, month, day);
    let real = (1..=9_999).contains(&year) && civil_from_days(days) == (year, month, day);
    if !real || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(((days * 24 + hour) * 60 + minute - offset) * 60_000_000 + second * 1_000_000 + fraction(part)?)
}

/// An offset such as `+01:00`, in minutes.
fn offset(text: &str) -> Option<i64> {
    let (hours, minutes) = text[1..].split_once(':')?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    let sound = hours <= 14 && minutes <= 59;
    let offset = hours * 60 + minutes;
    sound.then_some(if text.starts_with('-') { -offset } else { offset })
}

/// Three numbers of at most four digits with `separator` between them.
fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text
        .split(separator)
        .map(|part| digits(part).filter(|_| part.len() <= 4));
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// A whole number of digits alone, of at most 15 of them.
pub(super) fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// The digits behind a decimal point as millionths; what is finer is cut off.
pub(super) fn fraction(text: &str) -> Option<i64> {
    digits(text.get(..15.min(text.len()))?)?;
    let cut: String = text.chars().chain("000000".chars()).take(6).collect();
    digits(&cut)
}

#[cfg(test)]
mod tests {
    use super::{fraction, micros};

    #[test]
    fn timestamps_are_read_to_the_microsecond() {
        assert_eq!(micros("1970-01-01 00:00:00"), Some(0));
        assert_eq!(micros("1970-01-02T00:00:00.5Z"), Some(86_400_500_000));
        assert_eq!(micros("2023-11-16 18:17:03.9799600"), Some(1_700_158_623_979_960));
        assert_eq!(micros("1970-01-01 01:00:00.5+01:00"), Some(500_000));
        for wrong in [
            "",
            "1970-01-01 01:00:00+0100",
            "1970-01-01 01:00:00+15:00",
            "2023-11-16",
            "2023-02-30 00:00:00",
            "2023-11-16 24:00:00",
            "x-11-16 00:00:00",
            "2023-11-16 00:00:00.",
            "2023-11-16 00:00:00.é",
            "99999-01-01 00:00:00",
        ] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn fractions_are_cut_behind_six_digits() {
        assert_eq!(fraction("5"), Some(500_000));
        assert_eq!(fraction("1234567"), Some(123_456));
        assert_eq!(fraction(""), None);
    }
}
