//! From bytes to a tree.

use saphyr_parser::{Event, Parser};

use super::build::{Builder, Stop};
use super::bytes::accept;
use super::text::Text;
use super::tree::{Node, NodeKind};
use crate::scenario::diagnostic::{Diagnostic, Diagnostics, quoted};
use crate::scenario::source::{Sources, Span};

/// Reads a file: bytes into a tree, complaints into `out`.
///
/// The text is kept in `sources` under `name` in any case, so that complaints can show it. A tree comes back
/// even if keys were there twice or tags were used, so that a decoder can go on and find further mistakes;
/// whether the file is sound is told by [`Diagnostics::has_errors`]. Nothing comes back if the YAML is broken.
///
/// ```
/// use lanebench::scenario::{Diagnostics, Sources, read};
/// let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
/// let tree = read(&mut sources, "one.yaml", b"lane: background\n", &mut out);
/// assert!(tree.is_some() && out.is_empty());
/// ```
pub fn read(sources: &mut Sources, name: &str, bytes: &[u8], out: &mut Diagnostics) -> Option<Node> {
    let source = accept(sources, name, bytes)
        .map_err(|reason| out.push(*reason))
        .ok()?;
    let text = Text::new(source, sources.get(source).text());
    match document(&text, out) {
        Ok(Some(root)) if root.kind != NodeKind::Null => Some(root),
        Ok(_) => {
            out.push(empty(name, &text));
            None
        }
        Err(reason) => {
            out.push(*reason);
            None
        }
    }
}

/// The first document; a second one is reported.
fn document(text: &Text<'_>, out: &mut Diagnostics) -> Result<Option<Node>, Stop> {
    let mut builder = Builder::new(text, out);
    let mut documents = 0;
    for step in Parser::new_from_str(text.text) {
        let (event, span) = step.map_err(|error| builder.broken(&error))?;
        documents += usize::from(matches!(event, Event::DocumentStart(_)));
        if documents > 1 {
            builder.second_document(text.span(span));
            break;
        }
        builder.take(event, text.span(span))?;
    }
    Ok(builder.finish())
}

fn empty(name: &str, text: &Text<'_>) -> Diagnostic {
    let blank = text.text.trim().is_empty();
    let what = if blank { "is empty" } else { "holds no value" };
    let at = Span {
        source: text.source,
        start: 0,
        end: 0,
    };
    Diagnostic::error(format!("{} {what}", quoted(name)))
        .at(at, "")
        .help("a file holds one map of keys and values")
}
