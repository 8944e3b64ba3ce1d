//! What routing a table costs: how long somebody waits for a decision about every line of a log.
//!
//! The program itself runs over a file of a million rows, with its output thrown away. Two tables: one whose rows look
//! alike, as logs of true-or-false attributes do, and one of which no two rows are the same.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for developers"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROWS: u32 = 1_000_000;
const ROUNDS: usize = 7;

fn main() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    println!(
        "{:<36}{:>10}{:>18}{:>18}",
        "table", "MB", "rows/s of time", "rows/s of CPU"
    );
    for (name, policy, table) in [
        ("three-lane, rows alike", "three-lane", alike()),
        (
            "support-operations, each row its own",
            "support-operations",
            apart(),
        ),
    ] {
        let path = folder.join(format!("route-{policy}.csv"));
        fs::write(&path, &table).expect("a folder for figures");
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/policies/{policy}.yaml"));
        let mut rounds: Vec<(Duration, Duration)> = (0..ROUNDS).map(|_| round(&policy, &path)).collect();
        rounds.sort();
        let wall = rounds[ROUNDS / 2].0;
        rounds.sort_by_key(|(_, cpu)| *cpu);
        let cpu = rounds[ROUNDS / 2].1;
        let rate = |time: Duration| format!("{:.2} million", f64::from(ROWS) / time.as_secs_f64() / 1e6);
        let size = format!("{:.0}", table.len() as f64 / 1e6);
        println!("{name:<36}{size:>10}{:>18}{:>18}", rate(wall), rate(cpu));
        fs::remove_file(&path).expect("the table is there");
    }
}

/// Runs the program once: how long it took, and how much of that on the processor.
fn round(policy: &Path, table: &Path) -> (Duration, Duration) {
    let (start, before) = (Instant::now(), children_on_cpu());
    let status = Command::new(env!("CARGO_BIN_EXE_lanebench"))
        .args(["route".as_ref(), policy.as_os_str(), table.as_os_str()])
        .args(["--format", "csv"])
        .stdout(Stdio::null())
        .status()
        .expect("the program runs");
    assert!(status.success(), "every row is routed");
    (start.elapsed(), children_on_cpu().saturating_sub(before))
}

/// What the processes that ended spent on the processor, in the hundredths of a second that Linux counts.
fn children_on_cpu() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text
        .rsplit_once(')')
        .map_or("", |(_, fields)| fields)
        .split_whitespace();
    let ticks = fields
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Chance that is the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of<'w>(&mut self, words: &[&'w str]) -> &'w str {
        let count = words.len() as u64;
        words[usize::try_from(self.below(count)).expect("a few words")]
    }
}

const TRUTHS: [&str; 8] = ["true", "false", "true", "false", "true", "false", "false", ""];

fn table(columns: &[&str], mut row: impl FnMut(&mut Chance, u32, &mut String)) -> String {
    let mut text = columns.join(",");
    text.push('\n');
    let mut chance = Chance(7);
    for number in 0..ROWS {
        row(&mut chance, number, &mut text);
        text.push('\n');
    }
    text
}

fn alike() -> String {
    let columns = [
        "id",
        "kind",
        "user_steering",
        "value_after_session",
        "multi_step_or_slow",
        "can_show_status",
        "can_show_retry",
        "can_retrieve_result",
        "tools_narrow_fast",
        "effects",
    ];
    table(&columns, |chance, number, text| {
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "task-{number},{}",
            chance.of(&["report", "chat", "mail", "lookup"])
        );
        for _ in 0..7 {
            let _ = write!(text, ",{}", chance.of(&TRUTHS));
        }
        let _ = write!(
            text,
            ",{}",
            chance.of(&["none", "none", "customer_comm", "record_change prod_write", ""])
        );
    })
}

fn apart() -> String {
    let columns = [
        "id",
        "tenant",
        "channel",
        "refund_amount",
        "order_age",
        "cases",
        "predicted_duration",
        "user_steering",
        "value_after_session",
        "multi_step_or_slow",
        "can_show_status",
        "can_show_retry",
        "can_retrieve_result",
        "effects",
    ];
    table(&columns, |chance, number, text| {
        let (tenant, channel) = (
            chance.of(&["free", "business", "enterprise", "regulated"]),
            chance.of(&["chat", "mail", "batch"]),
        );
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "task-{number},{tenant},{channel},{} minor,{}h,{},{}ms",
            chance.below(400_000),
            chance.below(3_000),
            chance.below(300),
            chance.below(1_200_000)
        );
        for _ in 0..6 {
            let _ = write!(text, ",{}", chance.of(&TRUTHS));
        }
        let _ = write!(
            text,
            ",{}",
            chance.of(&["purchase_or_credit", "customer_comm", "record_change", ""])
        );
    })
}
