//! Faults that somebody injects while a service runs: for the next exchange that fits, or for one request by its
//! header.
//!
//! | key of a one-shot fault | value | default |
//! |---|---|---|
//! | `exchange`, `response`, `step`, `webhook` | what it disturbs, as in `faults` of a scenario | required |
//! | the word of the fault | how, as there | required |
//! | `header` | only where the request shows this header | any request |
//! | `times` | how often it strikes | 1 |
//!
//! The header has the same words in one line, pairs with `;` between them: `status=429; retry_after=7s` is the fault
//! `reply: { status: 429, retry_after: 7s }`. A word of a fault begins a fault, what follows it are its keys, and keys
//! in front of any fault are those of `reply`. `cut_stream=3`, `delay=2s; place=body`, `fail=server_error; at_step=2`
//! and `lose_webhook` are whole; `step=2; delay=5s` delays a step.

use std::fmt::Write;

use crate::fault::{Fault, HeaderMatch, Target};
use crate::scenario::decode::{integer, list, map};
use crate::scenario::kinds::{Product, Whole};
use crate::scenario::{Diagnostic, Diagnostics, Node, Sources, read};
use crate::units::ExchangeKind;

use super::faults::{FaultContext, fitting, header, misfit, only_exchanges, target_of, what};
use super::names::Names;

/// A fault that strikes a few times and is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneShot {
    /// What it disturbs. What is not an exchange is disturbed by way of the create that makes it.
    pub target: Target,
    /// Only where the request shows this header.
    pub header: Option<HeaderMatch>,
    /// How.
    pub fault: Fault,
    /// How often.
    pub times: u32,
}

/// What a service that stands alone can have disturbed.
const TARGETS: [&str; 4] = ["exchange", "response", "step", "webhook"];

impl OneShot {
    /// Reads one from the YAML, or JSON, `bytes`, called `name`.
    ///
    /// - `epoch`: the Unix second in which time began, for waits that are told as dates.
    pub fn read(
        name: &str,
        bytes: &[u8],
        epoch: u64,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let before = out.errors();
        let root = read(sources, name, bytes, out)?;
        one_shot(&root, epoch, out).filter(|_| out.errors() == before)
    }
}

fn one_shot(node: &Node, epoch: u64, out: &mut Diagnostics) -> Option<OneShot> {
    let context = FaultContext {
        names: &Names::new(Whole::No),
        product: &Product::unread(),
        epoch,
    };
    let mut keys = map(node, out)?;
    let target = keys.one_of(&TARGETS);
    let target = target.and_then(|(key, node)| target_of(&context, key, node, keys.out()));
    let header = keys.optional("header", header);
    only_exchanges(target.as_ref(), &mut keys);
    let times = keys.or("times", 1, integer(1..=1_000));
    let what = what(&context, target.as_ref(), &mut keys);
    keys.finish();
    let (target, (fault, word)) = (target?, what?);
    if !fitting(&target).contains(&fault.word()) {
        out.push(misfit(&target, &fault, word));
        return None;
    }
    Some(OneShot {
        target,
        header: header?,
        fault,
        times: times?,
    })
}

/// The longest header with faults, in bytes.
const HEADER_MAX: usize = 2_048;

/// Reads the faults that a request of the sort `kind` asks for itself in its header `name`.
///
/// The header is written out as YAML first; places in `out` are places in that text, which `sources` has.
pub fn faults_of_header(
    name: &str,
    value: &str,
    kind: ExchangeKind,
    epoch: u64,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Vec<(Target, Fault)>> {
    let before = out.errors();
    if value.len() > HEADER_MAX {
        let error = format!("the header `{name}` is longer than {HEADER_MAX} bytes");
        out.push(Diagnostic::error(error));
        return None;
    }
    let words = groups(value);
    if words.is_empty() {
        let error = Diagnostic::error(format!("the header `{name}` names no fault"));
        out.push(error.help("write one, such as `status=429; retry_after=7s` or `cut_stream=3`"));
        return None;
    }
    let text: String = words.iter().map(|group| group.written(kind)).collect();
    let root = read(sources, name, text.as_bytes(), out)?;
    let shots = list(|node, out| one_shot(node, epoch, out))(&root, out)?;
    let mut exchanges = 0;
    for shot in &shots {
        exchanges += u32::from(matches!(shot.target, Target::Exchange(_)));
        if !matches!(shot.target, Target::Exchange(_)) && kind != ExchangeKind::Create {
            let error = format!(
                "`{}` disturbs a response, and a {} makes none",
                shot.fault.word(),
                kind.word()
            );
            out.push(Diagnostic::error(error).help("send the header with the create of the response"));
            return None;
        }
    }
    if exchanges > 1 {
        let error = Diagnostic::error("only one fault can strike an exchange, and the header names several");
        out.push(error.help("keep one of them; faults of the response and its webhook may stand beside it"));
        return None;
    }
    let faults = shots.into_iter().map(|shot| (shot.target, shot.fault));
    (out.errors() == before).then(|| faults.collect())
}

/// The keys of `reply`, which may stand in front of any fault.
const REPLY_KEYS: [&str; 10] = [
    "status",
    "retry_after",
    "retry_after_ms",
    "retry_at",
    "code",
    "type",
    "param",
    "message",
    "should_retry",
    "body",
];

/// A fault as the header names it.
struct Group<'a> {
    word: &'a str,
    value: Option<&'a str>,
    step: Option<&'a str>,
    keys: Vec<(&'a str, &'a str)>,
}

fn groups(header: &str) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut step = None;
    for pair in header.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (pair, None),
        };
        let fault = |word, value, step| Group {
            word,
            value,
            step,
            keys: Vec::new(),
        };
        match name {
            "step" => step = value,
            word if Fault::WORDS.contains(&word) => groups.push(fault(word, value, step.take())),
            key => {
                if groups.is_empty() && REPLY_KEYS.contains(&key) {
                    groups.push(fault("reply", None, None));
                }
                match (groups.last_mut(), value) {
                    (Some(last), Some(value)) => last.keys.push((key, value)),
                    // Neither a fault nor the key of one: most likely a fault that is misspelt.
                    _ => groups.push(fault(key, value, step.take())),
                }
            }
        }
    }
    groups
}

impl Group<'_> {
    /// As an entry of a list in YAML.
    fn written(&self, kind: ExchangeKind) -> String {
        let about = |target: &Target| fitting(target).contains(&self.word);
        let target = match self.step {
            Some(step) => format!("step: {}", scalar(step)),
            None if about(&Target::Response) => "response: any".to_owned(),
            None if about(&Target::Webhook) => "webhook: any".to_owned(),
            None => format!("exchange: {}", kind.word()),
        };
        let main = match self.word {
            "delay" => "takes",
            "error_event" => "after",
            "fail" => "code",
            _ => "status",
        };
        let value = match (self.value, self.keys.as_slice()) {
            (None, []) => "true".to_owned(),
            (Some(value), []) => scalar(value),
            (value, keys) => {
                let first = value.map(|value| (main, value));
                let pairs = first.iter().chain(keys);
                let pairs: Vec<String> = pairs
                    .map(|(key, value)| format!("{}: {}", scalar(key), scalar(value)))
                    .collect();
                format!("{{ {} }}", pairs.join(", "))
            }
        };
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "- {target}\n  {}: {value}", scalar(self.word));
        text
    }
}

/// A value as YAML: plain where that reads the same.
fn scalar(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.%+/-".contains(&byte);
    match !value.is_empty() && !value.starts_with('-') && value.bytes().all(is_plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', "''")),
    }
}
