//! Lanebench: an evaluation and simulation harness for the runtime lanes of products that call an AI model.
//!
//! # The map of the house
//!
//! | layer | rooms |
//! |---|---|
//! | 0 plain data | [`units`] [`rng`] [`wire`] [`trace`] |
//! | 1 pure decisions | [`policy`] [`job`] [`backend`] [`people`] [`sinks`] [`fault`] [`scenario`] [`check`] |
//! | 2 deterministic engines | [`sim`] [`report`] |
//! | 3 drivers | [`clock`] [`runtime`] [`mock`] [`runner`] [`sabotage`] |
//! | 4 edge | [`cli`] |
//!
//! # The invariants of the architecture
//!
//! - Everything that decides is pure: it is told the time and what happened, and answers what to do.
//! - Layers 0 to 2 know no tokio, sockets, files, environment, clocks or printing.
//! - A module uses its own layer or a lower one; `runtime` and `mock` do not know each other.
//! - The inputs of a tick are stepped once, in one canonical order; answers take effect in the next tick.
//! - Every draw of chance is keyed by (seed, purpose, entity, index).
//! - All checks read the trace and immutable facts, and nothing else.
//!
//! # Words
//!
//! | word | means | never |
//! |---|---|---|
//! | task | what somebody asks for, with its attributes | request (that is HTTP), prompt |
//! | attribute | a named fact of a task or of the product; true, false, a number or unknown | feature, property |
//! | kind | a named class of tasks with attributes, script and limits | type, class |
//! | effect | an act that changes state, spends money or affects customers | side effect, mutation |
//! | execution | `interactive` or `background` | mode, sync, live |
//! | boundary | `none` or `approval` | gate, guard |
//! | lane | the label of both: `interactive`, `background`, `approval` | tier, queue |
//! | policy | the declarative rules that place a task | config |
//! | edit | a policy with a single thing changed: a literal, an operator, a rule, a threshold | mutation, mutant |
//! | gate | one of the three conditions for background work | |
//! | finding | what an analysis has to say about a decision or a policy, with a severity | issue, warning |
//! | cell, space | every task that a policy cannot tell from another: one value for each attribute; all of them | case, row |
//! | witness | the task that says least of those that show a finding | example |
//! | proof, certificate | what holds over a whole space; the same written down, to be verified | report |
//! | intention | what a policy says is of no use on purpose, and why | suppression |
//! | waiver | who accepts a loosened boundary, for which cells, why and until when | exception |
//! | job, attempt, turn | an accepted task; one try, from 1; one response inside an attempt | |
//! | state | where a job stands | status (a word of the wire) |
//! | response | the model service's unit of work, with its wire status | run |
//! | run | one play of a scenario with a seed | |
//! | outcome, result | how a job ended; the content it left | status |
//! | approval, grant | the question put to a human; the single-use permission that it issues | token |
//! | sink | a place where effects land; its own ledger is the truth | |
//! | backend | the model service's behaviour, without any transport | provider, LLM |
//! | fault | a rule that disturbs | chaos, error |
//! | world | where a scenario plays: `model`, `virtual`, `wall` | mode, env |
//! | trace | the ordered record of everything that happened in a run | log |
//! | view | what a user or an operator is shown of a job | |
//! | scenario, expectation, invariant | a file; what it says must be true; what must be true of every run | test, assert |
//! | sabotage | a deliberately wrong variant, to show that a check can fail | mutant |
//! | strategy | what a comparison puts side by side: a policy, a built-in, a program | algorithm |
//! | comparison, replication | a file; one play of all its strategies on the tasks of a seed | experiment, trial |
//! | sweep, point | a comparison over the values of one thing; the comparison at one of them | grid |
//! | sort | tasks of a comparison that are alike: a kind with its changes, share and targets | class |
//! | home | the lane in which the policy of a comparison puts a task, whatever a strategy does | |
//! | reward, propensity | whether a job ended whole, in time and for somebody, as far as its runtime knows; how likely a choice was that was drawn | |
//! | metric, bucket | one number of a replication; where a task ends up, exactly one for each | KPI |
//! | seed | the number that fixes all chance | |

pub mod backend;
pub mod check;
pub mod cli;
pub mod clock;
pub mod fault;
pub mod job;
pub mod mock;
pub mod people;
pub mod policy;
pub mod report;
pub mod rng;
pub mod runner;
pub mod runtime;
pub mod sabotage;
pub mod scenario;
pub mod sim;
pub mod sinks;
pub mod trace;
pub mod units;
pub mod wire;
