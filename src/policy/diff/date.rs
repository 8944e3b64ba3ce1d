//! Days of the calendar, as waivers write them.

use std::fmt;
use std::str::FromStr;

use crate::wire::{civil_from_days, days_from_civil};

/// A day, written `2027-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Days since 1970-01-01.
    days: i64,
}

/// A text that is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a day is written `YYYY-MM-DD`, for example `2027-01-31`")]
pub struct DateError;

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let digits = |range: std::ops::Range<usize>| {
            let part = text
                .get(range)
                .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            part.and_then(|part| part.parse::<i64>().ok()).ok_or(DateError)
        };
        if text.len() != 10 || text.get(4..5) != Some("-") || text.get(7..8) != Some("-") {
            return Err(DateError);
        }
        let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
        let days = days_from_civil(year, month, day);
        match civil_from_days(days) == (year, month, day) {
            true => Ok(Self { days }),
            false => Err(DateError),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.days);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_are_real_and_written_in_full() {
        let day: Date = "2028-02-29"
            .parse()
            .unwrap_or_else(|_| unreachable!("a leap year"));
        assert_eq!(day.to_string(), "2028-02-29");
        assert!("2028-03-01".parse::<Date>().is_ok_and(|next| next > day));
        for wrong in [
            "2027-02-29",
            "2027-2-01",
            "27-02-01",
            "2027/02/01",
            "2027-13-01",
            "tomorrow",
            "",
            "２０27-01",
        ] {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
    }
}
