//! Dates as HTTP writes them.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAY_SECS: i64 = 86_400;
/// The last second of the year 9999: the form has four digits for the year.
const LAST: i64 = 253_402_300_799;

/// Writes Unix seconds as an IMF-fixdate, for example `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// What lies outside the years 1970 to 9999 is written as the nearest second inside.
#[must_use]
pub fn format_http_date(unix_secs: i64) -> String {
    let secs = unix_secs.clamp(0, LAST);
    let (days, rest) = (secs / DAY_SECS, secs % DAY_SECS);
    let (year, month, day) = civil_from_days(days);
    let weekday = DAYS[usize::try_from(days % 7).unwrap_or(0)];
    let month = MONTHS[usize::try_from(month - 1).unwrap_or(0)];
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads an IMF-fixdate as Unix seconds; `None` for any other text, and for a wrong day of the week.
///
/// Source: RFC 9110, section 5.6.7. The two obsolete forms are not read.
#[must_use]
pub fn parse_http_date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 29 || !text.is_ascii() || !text.ends_with(" GMT") {
        return None;
    }
    let separators = [
        (3, b','),
        (4, b' '),
        (7, b' '),
        (11, b' '),
        (16, b' '),
        (19, b':'),
        (22, b':'),
    ];
    if separators.iter().any(|(at, byte)| bytes[*at] != *byte) {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == &text[8..11])?;
    let month = i64::try_from(month).ok()? + 1;
    let (day, year) = (number(&text[5..7])?, number(&text[12..16])?);
    let (hour, minute, second) = (
        number(&text[17..19])?,
        number(&text[20..22])?,
        number(&text[23..25])?,
    );
    let days = days_from_civil(year, month, day);
    let real = year >= 1970 && civil_from_days(days) == (year, month, day);
    if !real || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let weekday = DAYS[usize::try_from(days % 7).ok()?];
    (weekday == &text[..3]).then_some(days * DAY_SECS + hour * 3600 + minute * 60 + second)
}

fn number(digits: &str) -> Option<i64> {
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

/// Days since 1970-01-01 of a date in the Gregorian calendar.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date, as year, month and day, that lies `days` after 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
