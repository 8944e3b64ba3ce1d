//! The verdict on a client, for people.

use std::fmt::Write;

use crate::check::{ClientJudgement, ClientVerdict, Gravity};

/// Findings of one rule that are shown one by one.
const SHOWN: usize = 3;

/// A line a rule, with what was found, the requests that show it and what to do about it.
#[must_use]
pub fn client_text(judged: &[ClientJudgement], exchanges: u64) -> String {
    let mut text = format!("client verdict over {exchanges} requests\n");
    for ClientJudgement { rule, verdict } in judged {
        let (word, times) = match verdict {
            ClientVerdict::Held { exercised } => ("held", format!(" ({exercised} times)")),
            ClientVerdict::NotExercised => ("not exercised", String::new()),
            ClientVerdict::Broken { .. } => (rule.gravity().word(), String::new()),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {word:<14} {}  {}{times}", rule.code(), rule.demands());
        let ClientVerdict::Broken { findings } = verdict else {
            continue;
        };
        for finding in &findings[..findings.len().min(SHOWN)] {
            let requests: Vec<String> = finding.requests.iter().map(u64::to_string).collect();
            let _ = writeln!(
                text,
                "{:17}{} (requests {})",
                "",
                finding.what,
                requests.join(", ")
            );
        }
        if findings.len() > SHOWN {
            let _ = writeln!(text, "{:17}and {} times more", "", findings.len() - SHOWN);
        }
        let _ = writeln!(text, "{:17}= help: {}", "", rule.advice());
    }
    let failed = judged.iter().filter(|one| fails(one)).count();
    let _ = match (
        failed,
        judged
            .iter()
            .all(|one| one.verdict == ClientVerdict::NotExercised),
    ) {
        (0, true) => writeln!(text, "\nundecided: nothing put the client to the test"),
        (0, false) => writeln!(text, "\nok: no rule that fails a client was broken"),
        (failed, _) => writeln!(text, "\nFAILED: {failed} of {} rules broken", judged.len()),
    };
    text
}

/// Whether this judgement fails the client.
#[must_use]
pub fn fails(judgement: &ClientJudgement) -> bool {
    let broken = matches!(judgement.verdict, ClientVerdict::Broken { .. });
    broken && judgement.rule.gravity() == Gravity::Fail
}
