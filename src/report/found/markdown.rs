//! Findings as Markdown, made for a comment on a pull request.

use super::data::{Analysis, Found, Gravity};

/// Nobody reads more findings than this in a comment; the rest is counted.
const SHOWN_MAX: usize = 50;

/// The headline, what the command itself has to say, a table of the findings, and each witness to be unfolded.
#[must_use]
pub fn found_markdown(analysis: &Analysis) -> String {
    let mark = if analysis.failed() { "failed" } else { "held" };
    let mut text = format!(
        "### lanebench {} {}: {mark}\n\n{}\n",
        analysis.command,
        code(&analysis.subject),
        escaped(&analysis.headline)
    );
    for section in &analysis.sections {
        text.push('\n');
        text.push_str(section);
    }
    if !analysis.found.is_empty() {
        text.push_str("\n| | finding | where | what |\n|---|---|---|---|\n");
    }
    for found in analysis.found.iter().take(SHOWN_MAX) {
        text.push_str(&row(found));
    }
    match analysis.found.len().saturating_sub(SHOWN_MAX) {
        0 => {}
        more => text.push_str(&format!("\n... and {more} more\n")),
    }
    let detailed = |found: &&Found| found.witness.is_some() || found.fix.is_some();
    for found in analysis.found.iter().take(SHOWN_MAX).filter(detailed) {
        text.push_str(&details(found));
    }
    text
}

fn row(found: &Found) -> String {
    let gravity = match found.gravity {
        Gravity::Error => "**error**",
        Gravity::Warning => "warning",
        Gravity::Note => "note",
    };
    let place = found
        .place
        .as_ref()
        .map(|place| code(&format!("{}:{}", place.file, place.line)));
    format!(
        "| {gravity} | {} | {} | {} |\n",
        code(&found.id),
        place.unwrap_or_default(),
        escaped(&found.message)
    )
}

fn details(found: &Found) -> String {
    let mut text = format!(
        "\n<details><summary>{}: {}</summary>\n\n",
        escaped(&found.id),
        escaped(&found.message)
    );
    for note in &found.notes {
        text.push_str(&format!("{}\n\n", escaped(note)));
    }
    if let Some(task) = &found.witness {
        text.push_str(&fenced("yaml", task));
        text.push('\n');
    }
    if let Some(fix) = &found.fix {
        text.push_str(&format!("{}\n\n", escaped(fix)));
    }
    text.push_str("</details>\n");
    text
}

/// Text of strangers on one line: what means something in Markdown, HTML or a comment is escaped. What stands in
/// backticks stays code.
pub(in crate::report) fn escaped(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let closed = parts.len() % 2 == 1;
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        match (index % 2, closed) {
            (1, true) => out.push_str(&code(part)),
            (_, true) | (0, false) => out.push_str(&plain(part)),
            (_, false) => {
                out.push_str("\\`");
                out.push_str(&plain(part));
            }
        }
    }
    out
}

fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Nobody is called by a policy's text, and no issue is closed.
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A stretch of code on one line of a table.
pub(in crate::report) fn code(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if shown.trim().is_empty() {
        return String::new();
    }
    // A pipe ends a cell even inside of code unless it is escaped; backticks need a longer fence.
    let shown = shown.replace('|', "\\|");
    let fence = "`".repeat(longest_run(&shown) + 1);
    match fence.len() {
        1 => format!("`{shown}`"),
        _ => format!("{fence} {shown} {fence}"),
    }
}

/// A block of code that its own text cannot close.
pub(in crate::report) fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end())
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{code, escaped, fenced};

    #[test]
    fn text_of_strangers_stays_text() {
        assert_eq!(
            escaped("a|b <img> *x* [y](z) @team #1\nnext"),
            "a\\|b &lt;img&gt; \\*x\\* \\[y\\](z) &#64;team &#35;1 next"
        );
        assert_eq!(escaped("the rule `a_b` decides"), "the rule `a_b` decides");
        assert_eq!(escaped("an open ` tick"), "an open \\` tick");
        assert_eq!(code("a`b|c"), "`` a`b\\|c ``");
        assert_eq!(fenced("yaml", "a\n```\nb\n"), "````yaml\na\n```\nb\n````\n");
    }
}
