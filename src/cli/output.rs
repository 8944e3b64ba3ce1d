//! What every command that reports understands: format, colour, how much.

use std::io::{IsTerminal, stderr, stdout};

use clap::{Args, ValueEnum};

use crate::report::Paint;

/// How the result is written.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// How the result is written to stdout
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// When to colour
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// Only what failed, and the last line
    #[arg(long)]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Output {
    /// The paint of what goes to stdout.
    pub(super) fn paint_of_stdout(&self) -> Paint {
        self.paint(stdout().is_terminal())
    }

    /// The paint of what goes to stderr.
    pub(super) fn paint_of_stderr(&self) -> Paint {
        self.paint(stderr().is_terminal())
    }

    fn paint(&self, terminal: bool) -> Paint {
        self.color.paint(terminal)
    }
}

impl Colour {
    fn paint(self, terminal: bool) -> Paint {
        let wanted = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match self {
            Self::Always => Paint::Coloured,
            Self::Auto if wanted => Paint::Coloured,
            Self::Auto | Self::Never => Paint::Plain,
        }
    }
}

/// The colour alone, for commands with formats of their own.
#[derive(Debug, Args)]
pub(super) struct Tint {
    /// When to colour
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

impl Tint {
    /// The paint of what goes to stdout.
    pub(super) fn paint_of_stdout(&self) -> Paint {
        self.color.paint(stdout().is_terminal())
    }

    /// The paint of what goes to stderr.
    pub(super) fn paint_of_stderr(&self) -> Paint {
        self.color.paint(stderr().is_terminal())
    }
}
