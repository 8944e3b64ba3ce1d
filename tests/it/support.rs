//! The helpers that test modules share.

use std::path::{Path, PathBuf};

/// A path below the root of the repository.
pub(crate) fn repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares with a committed file; with `LANEBENCH_BLESS=1` in the environment the file is written instead.
#[track_caller]
pub(crate) fn check_golden(path: &Path, actual: &str) {
    if std::env::var_os("LANEBENCH_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} differs; LANEBENCH_BLESS=1 rewrites it\n--- expected\n{expected}\n--- actual\n{actual}",
        path.display()
    );
}

/// The files of a folder whose names end in `.yaml`, sorted by name; none at all is an error of the test.
#[track_caller]
pub(crate) fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(repo(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    found.sort();
    assert!(!found.is_empty(), "no YAML files in {folder}");
    found
}
