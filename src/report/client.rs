//! The verdict on a client, for people.

use std::fmt::Write;

use serde_json::{Value, json};

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

/// The same as JSON: a session, how often each rule was put to the test, and each time that it was broken.
#[must_use]
pub fn client_json(session: &str, judged: &[ClientJudgement], requests: u64) -> Value {
    let rules: Vec<Value> = judged.iter().map(rule_json).collect();
    let undecided = judged
        .iter()
        .all(|one| one.verdict == ClientVerdict::NotExercised);
    let verdict = match judged.iter().any(fails) {
        true => "failed",
        false if undecided => "undecided",
        false => "held",
    };
    json!({ "session": session, "verdict": verdict, "requests": requests, "rules": rules })
}

fn rule_json(judgement: &ClientJudgement) -> Value {
    let rule = judgement.rule;
    let (verdict, exercised, findings) = match &judgement.verdict {
        ClientVerdict::Held { exercised } => ("held", Some(*exercised), &[][..]),
        ClientVerdict::NotExercised => ("not_exercised", Some(0), &[][..]),
        ClientVerdict::Broken { findings } => (rule.gravity().word(), None, findings.as_slice()),
    };
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| json!({ "what": finding.what, "requests": finding.requests }))
        .collect();
    json!({
        "code": rule.code(),
        "demands": rule.demands(),
        "verdict": verdict,
        "exercised": exercised,
        "findings": findings,
        "advice": rule.advice(),
    })
}
