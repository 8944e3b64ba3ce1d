//! Findings as workflow commands of GitHub Actions: annotations at the lines of a pull request.
//!
//! Source: the commands `error`, `warning` and `notice` of the toolkit's `core` package, and its escaping.

use super::data::{Analysis, Found, Gravity};
use crate::report::text::block;

/// One line a finding, and the headline as a notice.
#[must_use]
pub fn found_github(analysis: &Analysis) -> String {
    let mut text: String = analysis
        .found
        .iter()
        .map(|found| annotation(found, &analysis.subject))
        .collect();
    text.push_str(&format!(
        "::notice title={}::{}\n",
        property(&format!("lanebench {}", analysis.command)),
        data(&analysis.headline)
    ));
    text
}

fn annotation(found: &Found, subject: &str) -> String {
    let command = match found.gravity {
        Gravity::Error => "error",
        Gravity::Warning => "warning",
        Gravity::Note => "notice",
    };
    let place = match &found.place {
        None => format!("file={}", property(subject)),
        Some(place) => {
            let start = format!(
                "file={},line={},endLine={}",
                property(&place.file),
                place.line,
                place.end_line
            );
            // Columns are refused where the stretch has several lines.
            match place.line == place.end_line {
                true => format!("{start},col={},endColumn={}", place.column, place.end_column),
                false => start,
            }
        }
    };
    let mut message = found.message.clone();
    let notes = found.notes.iter().cloned();
    let witness = found.witness.iter().map(|task| format!("witness:\n{task}"));
    let fix = found.fix.iter().map(|fix| format!("help: {fix}"));
    for more in notes.chain(witness).chain(fix) {
        message.push('\n');
        message.push_str(&more);
    }
    format!(
        "::{command} {place},title={}::{}\n",
        property(&found.id),
        data(&message)
    )
}

/// The text behind the second pair of colons.
fn data(text: &str) -> String {
    block(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property, which ends at a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn what_ends_a_command_is_escaped() {
        assert_eq!(
            data("100%: a,b\r\n::error::x\u{1b}"),
            "100%25: a,b%0A::error::x\u{fffd}"
        );
        assert_eq!(property("C:\\a,b%\nc"), "C%3A\\a%2Cb%25%0Ac");
    }
}
