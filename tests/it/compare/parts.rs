//! Parts: what is played in many places is what is played in one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lanebench::report::{CompareKind, CompareReport, Paint};
use lanebench::runner::play_comparison;
use lanebench::sim::compare::{Comparison, Findings, Kept, PartError};

use super::{SMALL, played, small, unbroken};
use crate::support::repo;

fn json(comparison: &Comparison, study: &lanebench::sim::compare::Study) -> String {
    let findings = Findings::of(comparison, study);
    let report = CompareReport {
        comparison,
        study,
        findings: &findings,
    };
    CompareKind::Json.render(&report, Paint::Plain)
}

/// A part with these replications.
fn part(comparison: &Comparison, places: impl Iterator<Item = u32>) -> String {
    let lines = places.map(|place| comparison.part_line(place, &comparison.replicate(place)));
    comparison.part_header() + &lines.collect::<String>()
}

#[test]
fn parts_put_together_are_the_study_that_one_machine_plays() {
    let comparison = small(&[]);
    let alone = played(&comparison);
    for shards in [2, 3] {
        let mut kept = Kept::new();
        for shard in (0..shards).rev() {
            let text = part(&comparison, (0..8).filter(|place| place % shards == shard));
            assert_eq!(comparison.read_part(&text, &mut kept), Ok(text.len()));
        }
        let together = comparison.put_together(&kept).unwrap();
        assert_eq!(together, alone);
        assert_eq!(json(&comparison, &together), json(&comparison, &alone));
        kept.remove(&3);
        assert_eq!(comparison.put_together(&kept), Err(3));
    }
}

#[test]
fn what_was_interrupted_goes_on_where_it_was() {
    let comparison = small(&[]);
    let alone = played(&comparison);
    let text = part(&comparison, 0..3);
    // The last line has no end: its replication is played again.
    let torn = &text[..text.len() - 10];
    let mut kept = Kept::new();
    let whole = comparison.read_part(torn, &mut kept).unwrap();
    assert_eq!((kept.len(), torn[..whole].lines().count()), (2, 3));
    let mut again = Vec::new();
    let study = unbroken(play_comparison(&comparison, 2, &kept, |place, _| {
        again.push(place);
        Ok(())
    }));
    assert_eq!(study, alone);
    assert_eq!(again.first(), Some(&2));
}

#[test]
fn a_part_of_something_else_is_refused() {
    let comparison = small(&[]);
    let other = small(&[("length: 12m", "length: 13m")]);
    let text = part(&comparison, 0..1);
    let mut kept = Kept::new();
    assert_eq!(other.read_part(&text, &mut kept), Err(PartError::Stranger));
    assert_eq!(comparison.read_part("x\n", &mut kept), Err(PartError::Header));
    // What has no end of a line yet is the beginning of a part, or a file of somebody else.
    assert_eq!(comparison.read_part("a note", &mut kept), Err(PartError::Header));
    for torn in [0, 1, 20, comparison.part_header().len() - 1] {
        assert_eq!(comparison.read_part(&text[..torn], &mut kept), Ok(0));
    }
    let broken = text.replace("\"place\":0", "\"place\":99");
    assert_eq!(comparison.read_part(&broken, &mut kept), Err(PartError::Line(2)));
    assert!(kept.is_empty());
    assert!(comparison.read_part(&text, &mut kept).is_ok());
    let changed = text.replacen("\"tasks\":", "\"tasks\":1", 1);
    assert_eq!(
        comparison.read_part(&changed, &mut kept),
        Err(PartError::Twice(0))
    );
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

#[track_caller]
fn said(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .current_dir(repo(""))
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text)
}

/// What the shipped script of a job array writes, as one of its two jobs.
fn script(folder: &Folder, id: &str) -> String {
    let parts = folder.file("parts");
    let programs = Path::new(env!("CARGO_BIN_EXE_lanebench")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .current_dir(repo(""))
        .args(["scenarios/comparisons/array.sbatch", SMALL, &parts])
        .envs([("PATH", path.as_str()), ("SLURM_ARRAY_TASK_ID", id)])
        .envs([("SLURM_ARRAY_TASK_MIN", "3"), ("SLURM_ARRAY_TASK_COUNT", "2")])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    format!("{parts}/{id}.jsonl")
}

#[test]
fn a_job_array_plays_its_shards_and_merges_them() {
    let folder = Folder::new("job-array");
    let (first, second) = (folder.file("1.jsonl"), folder.file("2.jsonl"));
    let slurm = |id| {
        [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", "3"),
            ("SLURM_ARRAY_TASK_COUNT", "2"),
        ]
    };
    for (part, id) in [(&first, "3"), (&second, "4")] {
        let (code, text) = said(&["compare", SMALL, "--shard", "auto", "--part", part], &slurm(id));
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("of 2: 4 replications are kept"), "{text}");
    }
    let (code, text) = said(&["merge", SMALL, &first], &[]);
    assert_eq!(code, Some(2));
    assert!(text.contains("no part has the replication of seed 2"), "{text}");
    let merged = said(&["merge", SMALL, &second, &first], &[]);
    assert_eq!(merged, said(&["compare", SMALL, "--threads", "1"], &[]));
    assert_eq!(
        merged,
        said(
            &["merge", SMALL, &script(&folder, "3"), &script(&folder, "4")],
            &[]
        )
    );
    let (code, text) = said(&["compare", SMALL, "--shard", "auto", "--part", &first], &[]);
    assert_eq!(code, Some(2));
    assert!(text.contains("no variable of a job array is set"), "{text}");
    let (code, text) = said(&["merge", SMALL, "README.md"], &[]);
    assert_eq!(code, Some(2));
    assert!(text.contains("it is no part of a comparison"), "{text}");
}

#[test]
fn a_report_takes_the_place_of_nothing() {
    let folder = Folder::new("places");
    let (study, part) = (folder.file("study.yaml"), folder.file("part.jsonl"));
    let text = std::fs::read_to_string(repo(SMALL)).unwrap();
    let text = text.replace("../../../", &format!("{}/", repo("").display()));
    std::fs::write(&study, &text).unwrap();
    let refused = |arguments: &[&str], why: &str| {
        let (code, text) = said(arguments, &[]);
        assert!(
            code == Some(2) && text.contains(why),
            "{arguments:?}: {code:?} {text}"
        );
    };
    let other = format!("{}/./study.yaml", folder.0.display());
    for path in [&study, &other] {
        refused(
            &["compare", &study, "--report", &format!("csv={path}")],
            "it is read too",
        );
    }
    let over_part = format!("json={part}");
    refused(
        &["compare", &study, "--part", &part, "--report", &over_part],
        "it is read too",
    );
    let runs = folder.file("runs");
    let (csv, json) = (format!("csv={runs}"), format!("json={runs}"));
    refused(
        &["compare", &study, "--report", &csv, "--report", &json],
        "it is written by another report too",
    );
    // What a shard says is said when all are put together.
    let shard = ["compare", &study, "--shard", "1/8", "--part", &part];
    for more in [["--report", &csv], ["--format", "json"]] {
        refused(&[&shard[..], &more[..]].concat(), "cannot be used with");
    }
    assert_eq!(std::fs::read_to_string(&study).unwrap(), text);
    assert!(!Path::new(&part).exists() && !Path::new(&runs).exists());
    assert_eq!(said(&shard, &[]).0, Some(0));
    let before = std::fs::read(&part).unwrap();
    refused(
        &["merge", &study, &part, "--report", &over_part],
        "it is read too",
    );
    assert_eq!(std::fs::read(&part).unwrap(), before);
}

#[test]
fn a_part_has_one_writer() {
    let folder = Folder::new("writers");
    let part = folder.file("part.jsonl");
    let held = std::fs::File::create(&part).unwrap();
    fs4::FileExt::lock(&held).unwrap();
    let shard = ["compare", SMALL, "--shard", "1/8", "--part", &part];
    let (code, text) = said(&shard, &[]);
    assert!(
        code == Some(2) && text.contains("is being written by another `lanebench`"),
        "{code:?} {text}"
    );
    assert_eq!(std::fs::read(&part).unwrap(), b"");
    drop(held);
    assert_eq!(said(&shard, &[]).0, Some(0));
}
