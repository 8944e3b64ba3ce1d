//! How one text names another: resolvers, relative names, cycles.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Diagnostics, quoted};
use super::source::{SourceId, Sources, Spanned};
use super::yaml::{Node, read};

/// The content of a file that another file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The name as shown to the user; equal files have equal names, so that cycles are seen.
    pub name: String,
    /// The bytes as they were found.
    pub bytes: Vec<u8>,
}

/// Why a named file could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such file.
    #[error("there is no file `{name}`")]
    Missing {
        /// The name that was looked for.
        name: String,
    },
    /// It is there, and cannot be read.
    #[error("cannot read `{name}`: {cause}")]
    Unreadable {
        /// The name that was looked for.
        name: String,
        /// What the system said.
        cause: String,
    },
}

/// Gets the texts that files name. Only the command line opens files; everything else asks a resolver.
pub trait Resolver {
    /// The file that the text called `from` names `path`, relative to the folder of `from`.
    ///
    /// # Errors
    /// [`ResolveError`] if there is no such file or it cannot be read.
    fn resolve(&mut self, from: &str, path: &str) -> Result<Loaded, ResolveError>;
}

/// Any function of the right shape is a resolver.
impl<F: FnMut(&str, &str) -> Result<Loaded, ResolveError>> Resolver for F {
    fn resolve(&mut self, from: &str, path: &str) -> Result<Loaded, ResolveError> {
        self(from, path)
    }
}

/// A resolver over texts in memory, by name.
#[derive(Debug, Clone, Default)]
pub struct InMemory {
    files: BTreeMap<String, Vec<u8>>,
}

impl InMemory {
    /// Adds a file; its name is taken as [`join`] writes it.
    #[must_use]
    pub fn with(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(join("", name), bytes.into());
        self
    }
}

impl Resolver for InMemory {
    fn resolve(&mut self, from: &str, path: &str) -> Result<Loaded, ResolveError> {
        let name = join(from, path);
        match self.files.get(&name) {
            Some(bytes) => Ok(Loaded {
                name,
                bytes: bytes.clone(),
            }),
            None => Err(ResolveError::Missing { name }),
        }
    }
}

/// The name of the file that the file `from` calls `path`: beside `from`, with `.` and `..` worked out.
///
/// ```
/// use lanebench::scenario::join;
/// assert_eq!(join("scenarios/retry/one.yaml", "../kinds.yaml"), "scenarios/kinds.yaml");
/// assert_eq!(join("one.yaml", "../kinds.yaml"), "../kinds.yaml");
/// assert_eq!(join("scenarios/one.yaml", "/etc/kinds.yaml"), "/etc/kinds.yaml");
/// ```
#[must_use]
pub fn join(from: &str, path: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let rooted = path.starts_with('/') || (from.starts_with('/') && !path.is_empty());
    let base = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            ("..", None) if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if rooted { format!("/{joined}") } else { joined }
}

/// The files that are being read just now, outermost first.
#[derive(Debug, Clone, Default)]
pub struct IncludeStack {
    names: Vec<String>,
}

/// Why a file may not be included here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IncludeError {
    /// The file includes itself, directly or through others.
    #[error("a file includes itself: {}", arrows(cycle))]
    Cycle {
        /// The names along the cycle; the first is also the last.
        cycle: Vec<String>,
    },
    /// Files include files too deeply.
    #[error("files include each other more than {} deep", IncludeStack::DEPTH_MAX)]
    TooDeep,
}

impl IncludeStack {
    /// No chain of files may be longer.
    pub const DEPTH_MAX: usize = 16;

    /// Begins with a file.
    ///
    /// # Errors
    /// [`IncludeError`] if the file is being read already, or the chain is too long.
    pub fn enter(&mut self, name: &str) -> Result<(), IncludeError> {
        if let Some(first) = self.names.iter().position(|open| open == name) {
            let cycle = self.names[first..]
                .iter()
                .cloned()
                .chain([name.to_owned()])
                .collect();
            return Err(IncludeError::Cycle { cycle });
        }
        if self.names.len() >= Self::DEPTH_MAX {
            return Err(IncludeError::TooDeep);
        }
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Ends with the file that was entered last.
    pub fn leave(&mut self) {
        self.names.pop();
    }
}

/// Reads the files that files name, and keeps the chain of those that are open.
pub struct Includes<'r> {
    resolver: &'r mut dyn Resolver,
    open: IncludeStack,
}

impl<'r> Includes<'r> {
    /// Begins with a file that was read by other means, so that nothing below it can name it again.
    pub fn below(root: &str, resolver: &'r mut dyn Resolver) -> Self {
        Self {
            resolver,
            open: IncludeStack {
                names: vec![root.to_owned()],
            },
        }
    }

    /// Reads the file that the text `from` calls `path`, and lets `body` make something of it.
    ///
    /// `body` gets this value back and may include further files. A file that cannot be had, or that is open
    /// already, is reported at `path`.
    pub fn include<T>(
        &mut self,
        from: SourceId,
        path: &Spanned<String>,
        sources: &mut Sources,
        out: &mut Diagnostics,
        body: impl FnOnce(&mut Self, &Node, &mut Sources, &mut Diagnostics) -> Option<T>,
    ) -> Option<T> {
        let loaded = match self.resolver.resolve(sources.get(from).name(), &path.value) {
            Ok(loaded) => loaded,
            Err(cause) => {
                let error = Diagnostic::error(format!("cannot include {}", quoted(&path.value)));
                out.push(
                    error
                        .at(path.span, cause.to_string())
                        .help("paths are relative to the file they stand in"),
                );
                return None;
            }
        };
        if let Err(cause) = self.open.enter(&loaded.name) {
            out.push(Diagnostic::error(cause.to_string()).at(path.span, "included here"));
            return None;
        }
        let root = read(sources, &loaded.name, &loaded.bytes, out);
        let made = root.and_then(|root| body(self, &root, sources, out));
        self.open.leave();
        made
    }
}

fn arrows(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(" -> ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::{InMemory, IncludeError, IncludeStack, Includes, Resolver, join};
    use crate::scenario::decode::{map, spanned, string};
    use crate::scenario::{Diagnostics, Node, Sources, read};

    #[test]
    fn names_are_relative_to_the_file_they_stand_in() {
        for (from, path, name) in [
            ("a/b.yaml", "c.yaml", "a/c.yaml"),
            ("a/b.yaml", "./../d/./c.yaml", "d/c.yaml"),
            ("b.yaml", "../../c.yaml", "../../c.yaml"),
            ("../a/b.yaml", "../../c.yaml", "../../c.yaml"),
            ("/a/b.yaml", "../../../c.yaml", "/c.yaml"),
            ("", "a//c.yaml", "a/c.yaml"),
        ] {
            assert_eq!(join(from, path), name, "`{path}` in `{from}`");
        }
    }

    #[test]
    fn a_chain_of_files_is_bounded() {
        let mut stack = IncludeStack::default();
        for depth in 0..IncludeStack::DEPTH_MAX {
            stack.enter(&depth.to_string()).unwrap();
        }
        assert_eq!(stack.enter("one more"), Err(IncludeError::TooDeep));
        stack.leave();
        assert_eq!(stack.enter("one more"), Ok(()));
    }

    /// Follows `next:` from file to file; the value is the length of the chain.
    fn follow(
        includes: &mut Includes<'_>,
        node: &Node,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<usize> {
        let mut map = map(node, out)?;
        let next = map.optional("next", spanned(string));
        map.finish();
        match next? {
            None => Some(1),
            Some(path) => includes
                .include(node.span.source, &path, sources, out, follow)
                .map(|length| length + 1),
        }
    }

    /// Reads `a/1.yaml` and what it includes; gives the length of the chain, or the complaints with places.
    fn chain(resolver: &mut InMemory) -> String {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let bytes = resolver.resolve("", "a/1.yaml").unwrap().bytes;
        let root = read(&mut sources, "a/1.yaml", &bytes, &mut out).unwrap();
        match follow(
            &mut Includes::below("a/1.yaml", resolver),
            &root,
            &mut sources,
            &mut out,
        ) {
            Some(length) => length.to_string(),
            None => {
                let places = out
                    .iter()
                    .map(|d| (sources.place(d.labels[0].span), &d.message, &d.labels[0].text));
                places
                    .map(|(place, message, text)| format!("{place} {message} ({text})"))
                    .collect()
            }
        }
    }

    #[test]
    fn files_include_files() {
        let mut files = InMemory::default()
            .with("a/1.yaml", "next: ../2.yaml")
            .with("2.yaml", "{}");
        assert_eq!(chain(&mut files), "2");
        let mut alone = InMemory::default().with("a/1.yaml", "{}");
        assert_eq!(chain(&mut alone), "1");
    }

    #[test]
    fn a_cycle_is_shown_as_it_runs() {
        let mut files = InMemory::default()
            .with("a/1.yaml", "next: ../2.yaml")
            .with("2.yaml", "next: ./a/1.yaml");
        let expected =
            "2.yaml:1:7 a file includes itself: `a/1.yaml` -> `2.yaml` -> `a/1.yaml` (included here)";
        assert_eq!(chain(&mut files), expected);
    }

    #[test]
    fn a_missing_file_is_reported_where_it_is_named() {
        let mut files = InMemory::default().with("a/1.yaml", "next: 9.yaml");
        assert_eq!(
            chain(&mut files),
            "a/1.yaml:1:7 cannot include `9.yaml` (there is no file `a/9.yaml`)"
        );
    }
}
