//! The parser's complaints in plain words.

/// What is wrong, and what to do about it.
pub(super) struct Cause {
    pub(super) what: String,
    pub(super) help: Option<&'static str>,
}

/// Pieces of the parser's text, what they mean, and what helps. The first that matches counts.
const CAUSES: &[(&str, &str, Option<&str>)] = &[
    (
        "tab",
        "a tab where only spaces may stand",
        Some("indent with spaces"),
    ),
    (
        "expected ',' or ']'",
        "a list in brackets is not closed: expected `,` or `]`",
        None,
    ),
    (
        "expected ',' or '}'",
        "a map in braces is not closed: expected `,` or `}`",
        None,
    ),
    ("misplaced bracket", "a closing bracket that nothing opened", None),
    (
        "invalid indentation in quoted scalar",
        "a quoted text goes on in a line that is not indented",
        Some("close the quotes, or indent the line"),
    ),
    (
        "invalid indentation in flow",
        "a list or map in brackets goes on in a line that is not indented",
        Some("close the brackets, or indent the line"),
    ),
    (
        "found unexpected end of stream",
        "a quoted text is not closed",
        Some("close the quotes"),
    ),
    (
        "found unexpected document indicator",
        "a quoted text is not closed",
        Some("close the quotes"),
    ),
    ("unexpected eof", "the file ends in the middle of a value", None),
    (
        "mapping values are not allowed",
        "a `:` where no key can stand",
        Some(
            "line the keys of one map up, write a space behind each `:`, and put texts with `: ` into quotes",
        ),
    ),
    (
        "illegal placement of ':'",
        "a `:` where no key can stand",
        Some("put texts with `: ` in them into quotes"),
    ),
    (
        "mapping keys are not allowed",
        "a key where none can stand",
        Some("start each key on a line of its own"),
    ),
    (
        "block sequence entries are not allowed",
        "a `- ` where no list can begin",
        Some("start the list on a line of its own"),
    ),
    (
        "did not find expected key",
        "the line fits no level of indentation above it",
        Some("line the keys of one map up under each other"),
    ),
    (
        "did not find expected '-'",
        "the line fits no level of indentation above it",
        Some("line the `-` of one list up under each other"),
    ),
    (
        "wrongly indented line in block scalar",
        "a line of a block text is indented less than its first line",
        None,
    ),
    (
        "invalid indentation",
        "the line fits no level of indentation above it",
        Some("line keys and `-` up under each other"),
    ),
    (
        "simple key expect",
        "a text without `:` among the keys of a map",
        Some("write `key: value`; a text of several lines is indented under its key"),
    ),
    (
        "unexpected character: `%'",
        "a value cannot begin with `%`",
        Some("put it into quotes"),
    ),
    (
        "unexpected character: `@'",
        "a value cannot begin with `@`",
        Some("put it into quotes"),
    ),
    (
        "unexpected character: ``'",
        "a value cannot begin with a backtick",
        Some("put it into quotes"),
    ),
    (
        "unexpected character",
        "a character that cannot stand here",
        Some("put the text into quotes"),
    ),
    (
        "unknown escape character",
        "an unknown escape after `\\`",
        Some("write `\\\\`, or use single quotes"),
    ),
    (
        "Unicode character escape",
        "an escape that names no character",
        None,
    ),
    (
        "hexadecimal number",
        "an escape with wrong hexadecimal digits",
        None,
    ),
    (
        "invalid trailing content",
        "something follows a text in quotes",
        Some("put all of the text into the quotes"),
    ),
    (
        "unknown anchor",
        "an alias to an anchor that is not defined above it",
        Some("a text that begins with `*` needs quotes"),
    ),
    (
        "anchor or alias",
        "a `&` or `*` without a name",
        Some("a text that begins with `&` or `*` needs quotes"),
    ),
    ("anchor", "an anchor where none can stand", None),
    ("recursion limit", "brackets are nested too deeply", None),
    (
        "byte order mark",
        "a byte order mark in the middle of the text",
        Some("remove it"),
    ),
    (
        "unprintable",
        "a character that cannot be shown",
        Some("remove it, or write it as an escape in double quotes"),
    ),
    (
        "directive",
        "a line that begins with `%` is a YAML directive, and not a well-formed one",
        Some("remove the line"),
    ),
    (
        "a tag",
        "a value that begins with `!` is a YAML tag, and not a well-formed one",
        Some("tags are not used; put the text into quotes"),
    ),
    (
        "handle wasn't declared",
        "a value that begins with `!` is a YAML tag",
        Some("tags are not used; put the text into quotes"),
    ),
    (
        "document end",
        "something follows the end of the document",
        Some("remove the `...` line"),
    ),
    (
        "<document start>",
        "something stands where the file should end",
        Some("a file holds one map; line its keys up under each other"),
    ),
    (
        "block scalar",
        "a wrong header of a block text",
        Some("write `|` or `>` and nothing else behind the key"),
    ),
    (
        "'-' must be followed",
        "a `-` without a space behind it",
        Some("write `- value`, or put the text into quotes"),
    ),
    (
        "':' must be followed",
        "a `:` without a space behind it",
        Some("write `key: value`"),
    ),
    (
        "cannot start with '-'",
        "a value cannot begin with `-` here",
        Some("put it into quotes"),
    ),
    ("did not find expected node content", "a value is missing", None),
    (
        "simple key expected",
        "a `:` or a closing bracket where a key was expected",
        Some("a key stands on one line and is followed by `: `"),
    ),
    (
        "comment intercepting",
        "a comment in the middle of a text of several lines",
        Some("put the text into quotes"),
    ),
];

/// Translates what the parser said.
pub(super) fn plain_words(info: &str) -> Cause {
    match CAUSES.iter().find(|(piece, ..)| info.contains(piece)) {
        Some((_, what, help)) => Cause {
            what: (*what).to_owned(),
            help: *help,
        },
        None => Cause {
            what: info.to_owned(),
            help: None,
        },
    }
}
