//! Broken policies, each beside the exact text of its mistakes.

use std::fs;
use std::path::Path;

use lanebench::policy::decode_policy;
use lanebench::report::{Paint, render_all};
use lanebench::scenario::{Diagnostics, Sources, read};

use crate::support::check_golden;

fn mistakes(name: &str, bytes: &[u8]) -> String {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, name, bytes, &mut out);
    let before = out.errors();
    let policy = tree.and_then(|node| decode_policy(&node, &mut out));
    assert!(
        policy.is_none() || out.errors() == before,
        "{name}: a policy is given out beside mistakes"
    );
    render_all(&out, &sources, Paint::Plain)
}

#[test]
fn every_broken_policy_is_explained_as_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad/policy");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    assert!(paths.len() >= 12, "found {}", paths.len());
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let found = mistakes(name, &fs::read(&path).unwrap());
        assert!(!found.is_empty(), "{name} has no mistake");
        check_golden(&path.with_extension("err"), &found);
    }
}
