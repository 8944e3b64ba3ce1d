#![doc = include_str!("protocol.md")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::backend::TIERS;
use crate::job::{HandOver, LaneSeen};
use crate::policy;
use crate::rng::Seed;
use crate::scenario::quoted_list;
use crate::sim::compare::{Comparison, Replication};
use crate::sim::strategy::{Choice, Heard, Sight, Strategy};
use crate::trace::{Execution, LaneName};
use crate::units::{SimDuration, hex};

/// Longer than this no program may think about one task.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longer than this no program may take to begin: interpreters load their libraries before they answer the greeting.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Longer than this no program may take to end when its run is over: it is ended then.
const OVER_WITHIN: Duration = Duration::from_secs(2);
/// No line of an answer is longer.
const LINE_MAX: usize = 64 << 10;

/// The protocol, as it is printed by `lanebench compare --protocol`.
pub const PROTOCOL: &str = include_str!("protocol.md");

/// Why a program decides nothing: what it was asked, and what came of that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// It cannot be begun.
    #[error("`{0}` cannot be begun: {1}")]
    Begin(String, String),
    /// It ended.
    #[error("{0} ended before its answer")]
    Ended(String),
    /// It takes too long.
    #[error("{0} did not answer within {secs} s", secs = .1.as_secs())]
    Late(String, Duration),
    /// It says something else.
    #[error("{0} answered `{said}`, which is no answer: {2}", said = shortened(.1))]
    Answer(String, String, String),
    /// It says more than it was asked, so that nobody knows what its next line answers.
    #[error("{0} has given an answer too many by then: `{said}`", said = shortened(.1))]
    Unasked(String, String),
}

/// What a program said, as a line of a terminal can show it.
fn shortened(said: &str) -> String {
    const SHOWN: usize = 120;
    let mut chars = said.trim_end().chars();
    let mut shown = String::new();
    for c in chars.by_ref().take(SHOWN) {
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            other => shown.extend(other.escape_debug()),
        }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
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

/// Puts the programs of comparisons into their places; `folder` is where they are begun. What the files say that their
/// commands name below it belongs to what tells one comparison from another: another version of a program makes other parts.
pub fn launch(comparisons: &mut [Comparison], folder: &Path) -> Programs {
    let mut programs = Programs::default();
    seal(comparisons, folder);
    for comparison in comparisons {
        // What has no price costs nothing, and would look cheap.
        let priced = |tier: &&&str| comparison.prices.is_empty() || comparison.prices.contains_key(**tier);
        let tiers: Arc<[&'static str]> = TIERS.iter().filter(priced).copied().collect();
        for named in &mut comparison.strategies {
            if let Some(words) = &named.program {
                programs.count += 1;
                named.strategy = Arc::new(Program {
                    words: Arc::clone(words),
                    folder: folder.to_path_buf(),
                    failure: Arc::clone(&programs.failure),
                    tiers: Arc::clone(&tiers),
                });
            }
        }
    }
    programs
}

fn seal(comparisons: &mut [Comparison], folder: &Path) {
    let strategies = comparisons.iter().flat_map(|comparison| &comparison.strategies);
    let words = strategies.filter_map(|named| named.program.as_deref()).flatten();
    let files: BTreeSet<PathBuf> = words
        .filter(|word| Path::new(word).is_relative())
        .map(|word| folder.join(word))
        .filter(|path| path.is_file())
        .collect();
    let texts: Vec<Vec<u8>> = files.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    if texts.is_empty() {
        return;
    }
    for comparison in comparisons {
        let mut hash = Sha256::new();
        hash.update(comparison.digest.as_bytes());
        for text in &texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        comparison.digest = hex(&hash.finalize()).into();
    }
}

/// Plays the runs of programs in a replication once more: those that are asked the same and answer otherwise are no evidence.
pub fn ask_again(comparison: &Comparison, replication: &mut Replication) {
    if comparison.strategies.iter().all(|named| named.program.is_none()) {
        return;
    }
    let stage = comparison.stage(replication.seed);
    let runs = comparison.strategies.iter().zip(&mut replication.outcomes);
    for (named, outcome) in runs.filter(|(named, _)| named.program.is_some()) {
        if comparison.play(&stage, named) != *outcome {
            let why = "asked the same again, the program answered otherwise: let it decide by what it is asked and by its seed alone";
            outcome.broken.get_or_insert_with(|| why.to_owned());
        }
    }
}

/// A program that can be begun.
#[derive(Debug)]
struct Program {
    words: Arc<[String]>,
    folder: PathBuf,
    failure: Arc<Mutex<Option<ProgramError>>>,
    tiers: Arc<[&'static str]>,
}

/// A program that runs.
#[derive(Debug)]
struct Running {
    name: String,
    seed: Seed,
    talk: Mutex<Option<Talk>>,
    failure: Arc<Mutex<Option<ProgramError>>>,
    /// The service tiers that may be named.
    tiers: Arc<[&'static str]>,
}

/// The two ends of a process.
#[derive(Debug)]
struct Talk {
    child: Child,
    /// None when nothing more will be asked.
    to: Option<ChildStdin>,
    from: Receiver<String>,
    asked: u32,
    /// Whether it wants to hear what came of its answers.
    learns: bool,
    /// What is said in front of the next question.
    before: String,
}

#[derive(Serialize)]
struct Greeting<'a> {
    lanebench: &'static str,
    version: u32,
    seed: u64,
    tiers: &'a [&'static str],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ready {
    ready: bool,
    #[serde(default)]
    learns: bool,
}

/// What came of an answer.
#[derive(Serialize)]
struct News {
    heard: HeardOf,
}

#[derive(Serialize)]
struct HeardOf {
    task: u32,
    execution: Execution,
    good: bool,
}

#[derive(Serialize)]
struct Question<'a> {
    task: u32,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    attributes: serde_json::Map<String, serde_json::Value>,
    decision: Said,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
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
    due: Option<f64>,
    propensity: Option<f64>,
    refuse: Option<String>,
}

impl Answer {
    /// What an answer to the question of this number means; why it means nothing otherwise.
    fn choice(self, task: u32, tiers: &[&str]) -> Result<Choice, String> {
        let placed = self.refuse.is_none();
        if !placed && (self.tier.is_some() || self.due.is_some()) {
            return Err("what is refused has no `tier` and is not `due`".to_owned());
        }
        let (tier, due) = (self.tier.clone(), self.due);
        let mut choice = self.bare(task)?;
        if let Some(tier) = tier {
            if !tiers.contains(&tier.as_str()) {
                let why = match TIERS.contains(&tier.as_str()) {
                    true => "has no price under `prices`, and would look cheap",
                    false => "is none",
                };
                let allowed = quoted_list(tiers.iter().copied());
                return Err(format!("the service tier `{tier}` {why}; it may be {allowed}"));
            }
            choice = Choice::OnTier {
                tier: tier.into(),
                choice: Box::new(choice),
            };
        }
        if let Some(due) = due {
            if !(0.0..=1e9).contains(&due) {
                return Err(
                    "`due` is a number of seconds from now on, from 0 to a thousand million".to_owned(),
                );
            }
            choice = Choice::Due {
                slack: SimDuration::from_secs_f64(due),
                choice: Box::new(choice),
            };
        }
        Ok(choice)
    }

    fn bare(self, task: u32) -> Result<Choice, String> {
        let plain = !self.gate && !self.hand_over && self.propensity.is_none();
        match (self.by_policy, self.execution, self.refuse) {
            (Some(true), None, None) if plain => Ok(Choice::ByPolicy),
            (None, None, Some(why)) if plain => Ok(Choice::Refuse(why.into())),
            (None, Some(arm), None) if self.propensity.is_some() => match self.propensity {
                Some(propensity) if propensity > 0.0 && propensity <= 1.0 && !self.gate && !self.hand_over => {
                    Ok(Choice::Drawn {
                        arm,
                        propensity,
                        context: task,
                        rule: "program",
                    })
                }
                _ => Err(
                    "`propensity` is above 0 and at most 1, and goes with neither `gate` nor `hand_over`".to_owned(),
                ),
            },
            (None, Some(execution), None) if self.gate && !self.hand_over => Ok(Choice::Gate {
                execution,
                rule: "program",
            }),
            (None, Some(execution), None) if !self.gate => Ok(Choice::Execute {
                execution,
                hand_over: match self.hand_over {
                    true => HandOver::Permitted,
                    false => HandOver::Forbidden,
                },
                rule: "program",
            }),
            _ => Err(
                "it has one of `\"by_policy\":true`, `execution` and `refuse`, and `gate`, `hand_over` and `propensity` go with `execution`, one of them at most"
                    .to_owned(),
            ),
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
            seed,
            failure: Arc::clone(&self.failure),
            tiers: Arc::clone(&self.tiers),
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
            tiers: &self.tiers,
        };
        let asked = format!("`{name}`, greeted with seed {},", seed.0);
        let said = talk.ask(&asked, &greeting, READY_WITHIN)?;
        match serde_json::from_str::<Ready>(&said) {
            Ok(Ready { ready: true, learns }) => {
                talk.learns = learns;
                Ok(talk)
            }
            _ => {
                let why = "the greeting is answered by `{\"ready\":true}`".to_owned();
                Err(ProgramError::Answer(asked, said, why))
            }
        }
    }
}

impl Strategy for Running {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = talk.as_mut().map(|talk| {
            let task = talk.asked;
            let asked = self.asked(task);
            let said = talk.ask(&asked, &question(task, sight), ANSWER_WITHIN)?;
            talk.asked += 1;
            let answer = serde_json::from_str::<Answer>(&said).map_err(|error| error.to_string());
            let choice = answer.and_then(|answer| answer.choice(task, &self.tiers));
            choice.map_err(|why| ProgramError::Answer(asked, said, why))
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

    fn hears(&self, heard: Heard) {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(said) = talk.as_mut().filter(|talk| talk.learns) else {
            return;
        };
        let news = News {
            heard: HeardOf {
                task: heard.context,
                execution: heard.arm,
                good: heard.good,
            },
        };
        let asked = self.asked(heard.context);
        if let Err(error) = said.tell(&asked, &news) {
            *talk = None;
            self.fail(error);
        }
    }
}

impl Running {
    /// Which program was asked what, in words.
    fn asked(&self, task: u32) -> String {
        format!(
            "`{}`, asked about task {task} of seed {},",
            self.name, self.seed.0
        )
    }

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
            let mut line = Vec::new();
            while std::io::Read::take(&mut lines, LINE_MAX as u64)
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                if send.send(text).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            to: Some(to),
            from,
            asked: 0,
            learns: false,
            before: String::new(),
        })
    }

    /// Asks nothing more, and reads to the end what was said: the first line that answers nothing, if there is one.
    fn left_over(&mut self) -> Option<String> {
        drop(self.to.take());
        self.from.recv_timeout(OVER_WITHIN).ok()
    }

    /// Says something that is not answered, in front of the next question.
    fn tell(&mut self, asked: &str, said: &impl Serialize) -> Result<(), ProgramError> {
        let line = serde_json::to_string(said).map_err(|_| ProgramError::Ended(asked.to_owned()))?;
        self.before.push_str(&line);
        self.before.push('\n');
        Ok(())
    }

    /// Asks and waits for the answer, so long at most; `asked` says who is asked what.
    fn ask(
        &mut self,
        asked: &str,
        question: &impl Serialize,
        within: Duration,
    ) -> Result<String, ProgramError> {
        let ended = |_| ProgramError::Ended(asked.to_owned());
        if let Ok(said) = self.from.try_recv() {
            return Err(ProgramError::Unasked(asked.to_owned(), said));
        }
        self.tell(asked, question)?;
        let lines = std::mem::take(&mut self.before);
        let to = self
            .to
            .as_mut()
            .ok_or_else(|| ProgramError::Ended(asked.to_owned()))?;
        to.write_all(lines.as_bytes()).map_err(ended)?;
        to.flush().map_err(ended)?;
        match self.from.recv_timeout(within) {
            Ok(answer) => Ok(answer.trim().to_owned()),
            Err(RecvTimeoutError::Timeout) => Err(ProgramError::Late(asked.to_owned(), within)),
            Err(RecvTimeoutError::Disconnected) => Err(ProgramError::Ended(asked.to_owned())),
        }
    }
}

/// Whoever answers once too often is found out when the run is over at the latest: whether the line was there before the next
/// question was asked is a matter of luck.
impl Drop for Running {
    fn drop(&mut self) {
        let talk = self.talk.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(said) = talk.and_then(|mut talk| talk.left_over()) {
            let over = format!("`{}`, whose run of seed {} is over,", self.name, self.seed.0);
            self.fail(ProgramError::Unasked(over, said));
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
        target: sight.target.map(SimDuration::as_secs_f64),
        lanes: Lanes {
            interactive: sight.lane(LaneName::Interactive),
            background: sight.lane(LaneName::Background),
            approval: sight.lane(LaneName::Approval),
        },
        chance: sight.chance,
    }
}
