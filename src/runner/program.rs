//! Strategies that are programs of their own, over JSON lines on their standard input and output.
//!
//! A fresh process is begun for every run. It is greeted, and answers each question with one line, in order:
//!
//! ```text
//! < {"lanebench":"strategy","version":1,"seed":7}
//! > {"ready":true}
//! < {"task":0,"kind":"short_answer","attributes":{"user_steering":false},
//!    "decision":{"execution":"interactive","boundary":"none","background_permitted":false},
//!    "lanes":{"interactive":{"capacity":12,"active":3,"waiting":0},"background":{...},"approval":{...}},"chance":0.25}
//! > {"execution":"background"}
//! ```
//!
//! Where the comparison has tenants, the question says whose task it is: `"tenant":"acme"`.
//!
//! | answer | means |
//! |---|---|
//! | `{"by_policy":true}` | what the policy of the comparison says |
//! | `{"execution":"interactive"}` or `"background"` | that, behind the boundary of the policy |
//! | with `"hand_over":true` | interactive work may go on in the background |
//! | with `"gate":true` | behind the approval boundary in any case |
//! | with `"tier":"flex"` | asked for on this service tier: `default`, `flex`, `scale` or `priority` |
//! | `{"refuse":"why"}` | the task is not taken |
//!
//! Invariant: an answer that is missing, late or not understood is a failure of the machine, never a default.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backend::TIERS;
use crate::job::{HandOver, LaneSeen};
use crate::policy;
use crate::rng::Seed;
use crate::sim::compare::{Comparison, Replication};
use crate::sim::strategy::{Choice, Sight, Strategy};
use crate::trace::{Execution, LaneName};

/// Longer than this no program may think about one task.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// No line of an answer is longer.
const LINE_MAX: usize = 64 << 10;

/// Why a program decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// It cannot be begun.
    #[error("`{0}` cannot be begun: {1}")]
    Begin(String, String),
    /// It ended.
    #[error("`{0}` ended before its last answer")]
    Ended(String),
    /// It takes too long.
    #[error("`{0}` did not answer within {secs} s", secs = ANSWER_WITHIN.as_secs())]
    Late(String),
    /// It says something else.
    #[error("`{0}` answered `{1}`, which is no answer")]
    Answer(String, String),
}

/// The programs of a comparison: whether they did their part.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    failure: Arc<Mutex<Option<ProgramError>>>,
    count: usize,
}

impl Programs {
    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// What went wrong first.
    #[must_use]
    pub fn failure(&self) -> Option<ProgramError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Puts the programs of comparisons into their places; `folder` is where they are begun.
pub fn launch(comparisons: &mut [Comparison], folder: &Path) -> Programs {
    let mut programs = Programs::default();
    let strategies = comparisons.iter_mut().flat_map(|one| &mut one.strategies);
    for named in strategies {
        if let Some(words) = &named.program {
            programs.count += 1;
            named.strategy = Arc::new(Program {
                words: Arc::clone(words),
                folder: folder.to_path_buf(),
                failure: Arc::clone(&programs.failure),
            });
        }
    }
    programs
}

/// Whether programs that are asked the same again answer the same: the runs of a replication are played once more.
#[must_use]
pub fn answers_again(comparison: &Comparison, replication: &Replication) -> bool {
    let stage = comparison.stage(replication.seed);
    let runs = comparison.strategies.iter().zip(&replication.outcomes);
    runs.filter(|(named, _)| named.program.is_some())
        .all(|(named, outcome)| comparison.play(&stage, named) == *outcome)
}

/// A program that can be begun.
#[derive(Debug)]
struct Program {
    words: Arc<[String]>,
    folder: PathBuf,
    failure: Arc<Mutex<Option<ProgramError>>>,
}

/// A program that runs.
#[derive(Debug)]
struct Running {
    name: String,
    talk: Mutex<Option<Talk>>,
    failure: Arc<Mutex<Option<ProgramError>>>,
}

/// The two ends of a process.
#[derive(Debug)]
struct Talk {
    child: Child,
    to: ChildStdin,
    from: Receiver<String>,
    asked: u32,
}

#[derive(Serialize)]
struct Greeting {
    lanebench: &'static str,
    version: u32,
    seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ready {
    ready: bool,
}

#[derive(Serialize)]
struct Question<'a> {
    task: u32,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    attributes: serde_json::Map<String, serde_json::Value>,
    decision: Said,
    lanes: Lanes,
    chance: f64,
}

#[derive(Serialize)]
struct Lanes {
    interactive: LaneSeen,
    background: LaneSeen,
    approval: LaneSeen,
}

#[derive(Serialize)]
struct Said {
    execution: Option<&'static str>,
    boundary: &'static str,
    background_permitted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    by_policy: Option<bool>,
    execution: Option<Execution>,
    #[serde(default)]
    hand_over: bool,
    #[serde(default)]
    gate: bool,
    tier: Option<String>,
    refuse: Option<String>,
}

impl Answer {
    fn choice(mut self) -> Option<Choice> {
        let tier = self.tier.take();
        let choice = self.without_tier()?;
        match (tier, &choice) {
            (None, _) => Some(choice),
            (Some(_), Choice::Refuse(_)) => None,
            (Some(tier), _) => TIERS.contains(&tier.as_str()).then(|| Choice::OnTier {
                tier: tier.into(),
                choice: Box::new(choice),
            }),
        }
    }

    fn without_tier(self) -> Option<Choice> {
        match (self.by_policy, self.execution, self.refuse) {
            (Some(true), None, None) if !self.gate && !self.hand_over => Some(Choice::ByPolicy),
            (None, None, Some(why)) if !self.gate && !self.hand_over => Some(Choice::Refuse(why.into())),
            (None, Some(execution), None) if self.gate && !self.hand_over => Some(Choice::Gate {
                execution,
                rule: "program",
            }),
            (None, Some(execution), None) if !self.gate => Some(Choice::Execute {
                execution,
                hand_over: match self.hand_over {
                    true => HandOver::Permitted,
                    false => HandOver::Forbidden,
                },
                rule: "program",
            }),
            _ => None,
        }
    }
}

impl Strategy for Program {
    /// Nobody asks a program that was not begun.
    fn choose(&self, _: &Sight<'_>) -> Choice {
        Choice::Refuse("the program does not run".into())
    }

    fn begin(&self, seed: Seed) -> Option<Arc<dyn Strategy>> {
        let name = self.words.join(" ");
        let talk = self.greeted(&name, seed);
        let running = Running {
            name,
            failure: Arc::clone(&self.failure),
            talk: Mutex::new(None),
        };
        match talk {
            Ok(talk) => *running.talk.lock().unwrap_or_else(PoisonError::into_inner) = Some(talk),
            Err(error) => running.fail(error),
        }
        Some(Arc::new(running))
    }
}

impl Program {
    fn greeted(&self, name: &str, seed: Seed) -> Result<Talk, ProgramError> {
        let mut talk = Talk::begin(&self.words, &self.folder)
            .map_err(|error| ProgramError::Begin(name.to_owned(), error.to_string()))?;
        let greeting = Greeting {
            lanebench: "strategy",
            version: 1,
            seed: seed.0,
        };
        let said = talk.ask(name, &greeting)?;
        match serde_json::from_str::<Ready>(&said) {
            Ok(Ready { ready: true }) => Ok(talk),
            _ => Err(ProgramError::Answer(name.to_owned(), said)),
        }
    }
}

impl Strategy for Running {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = talk.as_mut().map(|talk| {
            let said = talk.ask(&self.name, &question(talk.asked, sight))?;
            talk.asked += 1;
            let answer = serde_json::from_str::<Answer>(&said)
                .ok()
                .and_then(Answer::choice);
            answer.ok_or_else(|| ProgramError::Answer(self.name.clone(), said))
        });
        match answered {
            Some(Ok(choice)) => choice,
            Some(Err(error)) => {
                *talk = None;
                self.fail(error);
                Choice::Refuse("the program failed".into())
            }
            None => Choice::Refuse("the program failed".into()),
        }
    }
}

impl Running {
    /// The first failure is kept: what follows comes of it.
    fn fail(&self, error: ProgramError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }
}

impl Talk {
    fn begin(words: &[String], folder: &Path) -> std::io::Result<Self> {
        let missing = || std::io::Error::other("it has no standard input and output");
        let (program, arguments) = words.split_first().ok_or_else(missing)?;
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (to, out) = (
            child.stdin.take().ok_or_else(missing)?,
            child.stdout.take().ok_or_else(missing)?,
        );
        let (send, from) = channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(out);
            let mut line = String::new();
            while std::io::Read::take(&mut lines, LINE_MAX as u64)
                .read_line(&mut line)
                .is_ok_and(|read| read > 0)
            {
                if send.send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            to,
            from,
            asked: 0,
        })
    }

    fn ask(&mut self, name: &str, question: &impl Serialize) -> Result<String, ProgramError> {
        let ended = |_| ProgramError::Ended(name.to_owned());
        let mut line = serde_json::to_string(question).map_err(|_| ProgramError::Ended(name.to_owned()))?;
        line.push('\n');
        self.to.write_all(line.as_bytes()).map_err(ended)?;
        self.to.flush().map_err(ended)?;
        match self.from.recv_timeout(ANSWER_WITHIN) {
            Ok(answer) => Ok(answer.trim().to_owned()),
            Err(RecvTimeoutError::Timeout) => Err(ProgramError::Late(name.to_owned())),
            Err(RecvTimeoutError::Disconnected) => Err(ProgramError::Ended(name.to_owned())),
        }
    }
}

/// A program whose run is over has nothing left to do.
impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn question<'a>(task: u32, sight: &Sight<'a>) -> Question<'a> {
    let value = |text: &str| match text {
        "true" => serde_json::Value::Bool(true),
        "false" => serde_json::Value::Bool(false),
        text => text.into(),
    };
    let declared = sight.declared.iter();
    Question {
        task,
        kind: sight.kind,
        tenant: sight.tenant,
        attributes: declared
            .map(|(name, text)| (name.to_string(), value(text)))
            .collect(),
        decision: Said {
            execution: sight.decision.execution().map(|execution| match execution {
                policy::Execution::Interactive => "interactive",
                policy::Execution::Background => "background",
            }),
            boundary: match sight.decision.boundary {
                policy::Boundary::None => "none",
                policy::Boundary::Approval => "approval",
            },
            background_permitted: sight.decision.background_permitted(),
        },
        lanes: Lanes {
            interactive: sight.lane(LaneName::Interactive),
            background: sight.lane(LaneName::Background),
            approval: sight.lane(LaneName::Approval),
        },
        chance: sight.chance,
    }
}
