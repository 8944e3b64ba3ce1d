//! Numbers, with units and limits.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::scalar::{plain, scalar, unlike};
use crate::scenario::diagnostic::{Diagnostic, Diagnostics};
use crate::scenario::yaml::Node;
use crate::units::{DurationError, Probability, SimDuration};

/// A whole number within limits: digits, with a minus sign where the limits allow it.
pub fn integer<T>(allowed: RangeInclusive<T>) -> impl Fn(&Node, &mut Diagnostics) -> Option<T>
where
    T: TryFrom<i128> + PartialOrd + Display + Copy,
{
    move |node, out| {
        let expected = "a whole number";
        let text = plain(node, expected, out)?;
        match whole(text) {
            Ok(number) => within(number, &allowed, node, out),
            Err(help) => {
                out.extend(unlike(node, expected).map(|error| error.maybe_help(help.map(str::to_owned))));
                None
            }
        }
    }
}

/// A whole number with its unit, such as `800 tokens`; `1 token` is understood too.
///
/// `unit` is the plural.
pub fn quantity<T>(unit: &str, allowed: RangeInclusive<T>) -> impl Fn(&Node, &mut Diagnostics) -> Option<T>
where
    T: TryFrom<i128> + PartialOrd + Display + Copy,
{
    move |node, out| {
        let expected = format!("a number of {unit}");
        let text = &scalar(node, &expected, out)?.text;
        let (number, found) = text.split_once(' ').unwrap_or((text, ""));
        let known = found.trim() == unit || Some(found.trim()) == unit.strip_suffix('s');
        match whole(number) {
            Ok(number) if known => within(number, &allowed, node, out),
            _ => {
                let digits: String = number.chars().take_while(char::is_ascii_digit).take(18).collect();
                let example = if digits.is_empty() {
                    "800".to_owned()
                } else {
                    digits
                };
                out.extend(
                    unlike(node, &expected).map(|error| error.help(format!("write `{example} {unit}`"))),
                );
                None
            }
        }
    }
}

/// A first and a last number, such as `1-2`; a single number stands for both.
pub fn range(
    allowed: RangeInclusive<u32>,
) -> impl Fn(&Node, &mut Diagnostics) -> Option<RangeInclusive<u32>> {
    move |node, out| {
        let expected = "a number or a range such as `1-2`";
        let text = &scalar(node, expected, out)?.text;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (Ok(first), Ok(last)) = (whole(first.trim()), whole(last.trim())) else {
            out.extend(unlike(node, expected));
            return None;
        };
        let first = within(first, &allowed, node, out)?;
        let last = within(last, &allowed, node, out)?;
        if first > last {
            let error = Diagnostic::error(format!("the range `{first}-{last}` is empty"));
            out.push(error.at(node.mark(), "").help(format!("write `{last}-{first}`")));
            return None;
        }
        Some(first..=last)
    }
}

/// A length of time with its unit, such as `250ms`, `7s` or `2m30s`; a bare `0` is understood.
pub fn duration(node: &Node, out: &mut Diagnostics) -> Option<SimDuration> {
    let text = &scalar(node, "a duration", out)?.text;
    if text == "0" {
        return Some(SimDuration::ZERO);
    }
    match text.parse() {
        Ok(duration) => Some(duration),
        Err(cause) => {
            let bare = cause == DurationError::Shape && whole(text).is_ok();
            let help = bare.then(|| format!("a duration has a unit: `{text}s` or `{text}ms`"));
            let error = Diagnostic::error(format!("expected a duration, found {}", node.describe()));
            out.push(error.at(node.mark(), cause.to_string()).maybe_help(help));
            None
        }
    }
}

/// A probability: a number from 0 to 1 with at most six decimals, or per cent such as `2.5%`.
pub fn probability(node: &Node, out: &mut Diagnostics) -> Option<Probability> {
    let expected = "a probability";
    let text = plain(node, expected, out)?;
    let (number, hundredths) = text
        .strip_suffix('%')
        .map_or((text, 1.0), |number| (number.trim_end(), 100.0));
    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let finest = if hundredths > 1.0 { 4 } else { 6 };
    let value = real(number).filter(|_| decimals <= finest);
    match value.and_then(|value| Probability::new(value / hundredths).ok()) {
        Some(probability) => Some(probability),
        None => {
            let help = "write a number from 0 to 1 with at most six decimals, or per cent such as `2.5%`";
            out.extend(unlike(node, expected).map(|error| error.help(help)));
            None
        }
    }
}

/// A decimal number within limits, without exponent.
pub fn decimal(allowed: RangeInclusive<f64>) -> impl Fn(&Node, &mut Diagnostics) -> Option<f64> {
    move |node, out| {
        let text = plain(node, "a number", out)?;
        match real(text) {
            Some(value) if allowed.contains(&value) => Some(value),
            Some(_) => outside(node, &allowed, out),
            None => {
                out.extend(unlike(node, "a number"));
                None
            }
        }
    }
}

fn within<T>(number: i128, allowed: &RangeInclusive<T>, node: &Node, out: &mut Diagnostics) -> Option<T>
where
    T: TryFrom<i128> + PartialOrd + Display + Copy,
{
    match T::try_from(number) {
        Ok(value) if allowed.contains(&value) => Some(value),
        _ => outside(node, allowed, out),
    }
}

fn outside<T: Display, V>(node: &Node, allowed: &RangeInclusive<T>, out: &mut Diagnostics) -> Option<V> {
    let error = Diagnostic::error(format!("{} is out of range", node.describe()));
    out.push(error.at(
        node.mark(),
        format!("allowed: {} to {}", allowed.start(), allowed.end()),
    ));
    None
}

/// A whole number as a person writes it; the error is a help, if one is known.
fn whole(text: &str) -> Result<i128, Option<&'static str>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let separated = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b','));
        return Err((separated && !digits.is_empty()).then_some("write the digits without separators"));
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(Some("remove the zeros in front"));
    }
    // What does not fit is out of every range.
    Ok(text.parse().unwrap_or(if text.starts_with('-') {
        i128::MIN
    } else {
        i128::MAX
    }))
}

fn real(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (all_digits(whole) && all_digits(part))
        .then(|| text.parse().ok())
        .flatten()
}
