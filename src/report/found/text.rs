//! Findings for people.

use super::data::Analysis;
use crate::report::text::{block, line};

/// What the command has to say, every finding with its place underlined, then what it comes to.
#[must_use]
pub fn found_text(analysis: &Analysis) -> String {
    let mut text = block(&analysis.lead);
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    for found in &analysis.found {
        text.push_str(&block(&found.text));
        text.push_str("\n\n");
    }
    text.push_str(&line(&analysis.headline));
    text.push('\n');
    text
}
