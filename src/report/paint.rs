//! Colours, for a terminal that shows them.

use annotate_snippets::renderer::{AnsiColor, Effects, Style};

/// Whether the text carries colours for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Bare text.
    Plain,
    /// With ANSI escapes.
    Coloured,
}

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// It held.
    Good,
    /// It did not.
    Bad,
    /// Look at this: evidence is missing.
    Doubtful,
    /// A heading.
    Strong,
    /// By the way.
    Faint,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::BrightRed.on_default().effects(Effects::BOLD),
            Self::Doubtful => AnsiColor::Yellow.on_default(),
            Self::Strong => Style::new().effects(Effects::BOLD),
            Self::Faint => Style::new().effects(Effects::DIMMED),
        }
    }
}

impl Paint {
    /// The text in the tone. Blanks around it stay as they are.
    pub(super) fn tone(self, tone: Tone, text: &str) -> String {
        let inner = text.trim_matches(' ');
        if self == Self::Plain || inner.is_empty() {
            return text.to_owned();
        }
        let start = text.len() - text.trim_start_matches(' ').len();
        let (before, after) = (&text[..start], &text[start + inner.len()..]);
        let style = tone.style();
        format!("{before}{style}{inner}{style:#}{after}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Paint, Tone};

    #[test]
    fn blanks_are_not_painted() {
        assert_eq!(Paint::Plain.tone(Tone::Bad, " x "), " x ");
        assert_eq!(
            Paint::Coloured.tone(Tone::Good, "  x "),
            "  \u{1b}[32mx\u{1b}[0m "
        );
        assert_eq!(Paint::Coloured.tone(Tone::Good, "  "), "  ");
    }
}
