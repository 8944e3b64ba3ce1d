//! The rules of the house: layers, and what the pure layers must not name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The layer of every room; a module may use its own layer or a lower one.
const LAYERS: &[(&str, u8)] = &[
    ("units", 0),
    ("rng", 0),
    ("wire", 0),
    ("trace", 0),
    ("policy", 1),
    ("job", 1),
    ("backend", 1),
    ("people", 1),
    ("sinks", 1),
    ("fault", 1),
    ("scenario", 1),
    ("check", 1),
    ("sim", 2),
    ("report", 2),
    ("sabotage", 3),
    ("clock", 3),
    ("runtime", 3),
    ("mock", 3),
    ("runner", 3),
    ("cli", 4),
];

/// What layers 0 to 2 must not name: they perform no input or output and read no clock and no environment.
const BANNED_IN_PURE: &[&str] = &[
    "tokio",
    "hyper",
    "axum",
    "std::net",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::io::stdout",
    "std::io::stderr",
    "Instant::now",
    "SystemTime",
    "println!",
    "eprintln!",
    "print!(",
    "eprint!(",
    "dbg!",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        match path.is_dir() {
            true => sources(&path, found),
            false if path.file_name().is_some_and(|name| name == "tests.rs") => {}
            false if path.extension().is_some_and(|ending| ending == "rs") => found.push(path),
            false => {}
        }
    }
}

/// Every source file with its room and its code: comments and the tests inside the file are left out.
fn rooms() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let code = |path: PathBuf| {
        let inside = path.strip_prefix(&root).unwrap().to_path_buf();
        let room = inside
            .iter()
            .next()
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs")
            .to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        (inside, room, lines.collect::<Vec<_>>().join("\n"))
    };
    files.into_iter().map(code).collect()
}

#[test]
fn every_room_uses_its_own_layer_or_a_lower_one() {
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, room, code) in rooms() {
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let own = *layers
            .get(room.as_str())
            .unwrap_or_else(|| panic!("{room} has no layer"));
        for (other, layer) in LAYERS {
            let named =
                code.contains(&format!("crate::{other}::")) || code.contains(&format!("crate::{other};"));
            if named && *layer > own {
                wrong.push(format!(
                    "{}: layer {own} uses {other}, layer {layer}",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn runtime_and_mock_do_not_know_each_other() {
    for (path, room, code) in rooms() {
        let stranger = match room.as_str() {
            "runtime" => "crate::mock",
            "mock" => "crate::runtime",
            _ => continue,
        };
        assert!(!code.contains(stranger), "{} names {stranger}", path.display());
    }
}

#[test]
fn the_pure_layers_have_no_input_output_and_no_clock() {
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, room, code) in rooms() {
        if layers.get(room.as_str()).is_none_or(|layer| *layer > 2) {
            continue;
        }
        for banned in BANNED_IN_PURE {
            if code.contains(banned) {
                wrong.push(format!("{}: {banned}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sabotage_stays_in_its_room() {
    for (path, room, code) in rooms() {
        // The command line may offer it, and the map of the house names it.
        if matches!(room.as_str(), "sabotage" | "cli" | "lib") {
            continue;
        }
        assert!(!code.to_lowercase().contains("sabotage"), "{}", path.display());
    }
}

#[test]
fn selects_are_biased() {
    for (path, _, code) in rooms() {
        for (start, _) in code.match_indices("select! {") {
            let rest = code[start + "select! {".len()..].trim_start();
            assert!(
                rest.starts_with("biased;"),
                "{}: a select without `biased;`",
                path.display()
            );
        }
    }
}

#[test]
fn the_project_speaks_of_itself_alone() {
    for (path, _, code) in rooms() {
        for word in ["/root/", "/home/", "/work/", "/tmp/"] {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
    }
}
