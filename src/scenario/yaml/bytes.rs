//! From bytes to text: what is no text is refused before the parser sees it.

use crate::scenario::diagnostic::{Diagnostic, quoted};
use crate::scenario::source::{SourceId, Sources, Span};

/// The largest file that is read. A suite of a thousand scenarios is smaller; larger tables belong into CSV.
pub const FILE_BYTES_MAX: usize = 1 << 20;

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Takes the bytes into `sources` as a text without byte order mark.
///
/// # Errors
/// The reason why the bytes are no text; it is placed in a text that `sources` holds too.
pub(super) fn accept(sources: &mut Sources, name: &str, bytes: &[u8]) -> Result<SourceId, Box<Diagnostic>> {
    if let Some(reason) = unreadable(name, bytes) {
        let source = sources.add(name, "");
        return Err(Box::new(reason.at(
            Span {
                source,
                start: 0,
                end: 0,
            },
            "",
        )));
    }
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(sources.add(name, text)),
        Err(error) => Err(Box::new(not_utf8(sources, name, bytes, error.valid_up_to()))),
    }
}

/// Bytes of which nothing can be shown.
fn unreadable(name: &str, bytes: &[u8]) -> Option<Diagnostic> {
    let name = quoted(name);
    if bytes.len() > FILE_BYTES_MAX {
        let size = bytes.len();
        let message = format!("{name} has {size} bytes, the limit is {FILE_BYTES_MAX}");
        return Some(
            Diagnostic::error(message).help("split the file; tables of tasks belong into a CSV file"),
        );
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        let message = format!("{name} is encoded as UTF-16");
        return Some(Diagnostic::error(message).help("save it as UTF-8"));
    }
    let at = bytes.iter().position(|byte| *byte == 0)?;
    let message = format!("{name} is a binary file: byte {} is zero", at + 1);
    Some(Diagnostic::error(message).help("give a YAML file"))
}

fn not_utf8(sources: &mut Sources, name: &str, bytes: &[u8], valid: usize) -> Diagnostic {
    // The replacement character stands for the wrong bytes, so that the line can be shown.
    let source = sources.add(name, String::from_utf8_lossy(bytes));
    let byte = bytes.get(valid).copied().unwrap_or_default();
    let start = u32::try_from(valid).unwrap_or_default();
    let wide = u32::try_from(char::REPLACEMENT_CHARACTER.len_utf8()).unwrap_or_default();
    Diagnostic::error(format!("{} is not valid UTF-8", quoted(name)))
        .at(
            Span {
                source,
                start,
                end: start + wide,
            },
            format!("byte {} is 0x{byte:02X}", valid + 1),
        )
        .help("save the file as UTF-8")
}
