//! ServeGen's clients: rates that change every ten minutes, and laws of what is asked.
//!
//! A client has two files: `chunk-N-trace.csv` without a line of names (`start, rate, cv, law, parameter, parameter`; no
//! law is silence) and `chunk-N-dataset.json`, an object from the start of a window to an object of laws, each of them a
//! Python dictionary from value to probability inside a JSON string.
//!
//! Gaps are drawn with the law and the shape that the file names, and with the rate of the window: within a window the
//! arrivals are a renewal process, and windows forget each other. That is what the authors' generator does.
//!
//! Source: Xiang et al., "ServeGen: workload characterization and generation of large language model serving in
//! production" (2025).

use std::collections::BTreeMap;

use crate::rng::{Purpose, Seed};
use crate::scenario::{Diagnostic, Diagnostics, Sources, Span, quoted};
use crate::sim::stats::gamma_quantile;
use crate::units::{SimDuration, SimTime};

/// Larger files are refused.
const BYTES_MAX: usize = 64 << 20;
/// A window without end, in seconds.
const LAST_WINDOW: u64 = 600;
/// No more requests are drawn from one client.
const REQUESTS_MAX: usize = 5_000_000;

/// A client.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    windows: Vec<Window>,
    /// From when on which laws of tokens hold: in and out.
    sizes: Vec<(u64, [Sizes; 2])>,
}

/// Some minutes of a client.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    start: u64,
    law: Option<GapLaw>,
}

/// How arrivals follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
struct GapLaw {
    rate: f64,
    shape: f64,
    family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Gamma,
    Weibull,
}

/// Values with the sums of their probabilities.
#[derive(Debug, Clone, PartialEq)]
struct Sizes(Vec<(f64, u32)>);

/// A request of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// When.
    pub at: SimTime,
    /// Tokens in.
    pub input: u32,
    /// Tokens out.
    pub output: u32,
}

impl Client {
    /// Reads the two files of a client; each is given with its name.
    pub fn read(
        (trace_name, trace): (&str, &[u8]),
        (sizes_name, sizes): (&str, &[u8]),
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let windows = Texts::of(trace_name, trace, sources, out).and_then(|mut text| windows(&mut text, out));
        let sizes = Texts::of(sizes_name, sizes, sources, out).and_then(|mut text| laws(&mut text, out));
        Some(Self {
            windows: windows?,
            sizes: sizes?,
        })
    }

    /// The same client, asking so many times as often.
    #[must_use]
    pub fn faster(mut self, load: f64) -> Self {
        let laws = self.windows.iter_mut().filter_map(|window| window.law.as_mut());
        laws.for_each(|law| law.rate *= load);
        self
    }

    /// The mean of its rate over all windows, in requests per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let rates = self
            .windows
            .iter()
            .map(|window| window.law.map_or(0.0, |law| law.rate));
        rates.sum::<f64>() / self.windows.len().max(1) as f64
    }

    /// Its requests before `until`, by the draws of the client of this number.
    #[must_use]
    pub fn requests(&self, seed: Seed, client: u64, until: SimTime) -> Vec<Drawn> {
        let mut drawn = Vec::new();
        let until = until.since(SimTime::START).as_secs_f64();
        let mut index = 0;
        for (place, window) in self.windows.iter().enumerate() {
            let Some(law) = window.law else { continue };
            let start = window.start as f64;
            let next = self
                .windows
                .get(place + 1)
                .map_or(window.start + LAST_WINDOW, |next| next.start);
            let end = (next as f64).min(until);
            let mut now = start;
            loop {
                now += law.gap(seed.unit(Purpose::Arrival, client, 4 * index));
                if now >= end || drawn.len() >= REQUESTS_MAX {
                    index += 1;
                    break;
                }
                if let Some([input, output]) = self.laws_at(window.start) {
                    drawn.push(Drawn {
                        at: SimTime::START + SimDuration::from_secs_f64(now),
                        input: input.quantile(seed.unit(Purpose::Arrival, client, 4 * index + 1)),
                        output: output.quantile(seed.unit(Purpose::Arrival, client, 4 * index + 2)),
                    });
                }
                index += 1;
            }
        }
        drawn
    }

    /// The laws of the last window of sizes that has begun.
    fn laws_at(&self, start: u64) -> Option<&[Sizes; 2]> {
        let place = self.sizes.partition_point(|(from, _)| *from <= start);
        let place = place.checked_sub(1)?;
        Some(&self.sizes[place].1)
    }
}

impl GapLaw {
    /// The gap at a quantile, with the mean that the rate asks for.
    fn gap(self, u: f64) -> f64 {
        let mean = self.rate.recip();
        match self.family {
            Family::Gamma => mean * gamma_quantile(self.shape, u) / self.shape,
            Family::Weibull => {
                let power = self.shape.recip();
                mean * libm::pow(-libm::log1p(-u), power) / libm::exp(libm::lgamma(1.0 + power))
            }
        }
    }
}

impl Sizes {
    fn quantile(&self, u: f64) -> u32 {
        let place = self.0.partition_point(|(sum, _)| *sum < u);
        self.0
            .get(place)
            .or_else(|| self.0.last())
            .map_or(0, |(_, value)| *value)
    }
}

/// A text and where it is kept.
struct Texts<'a> {
    text: &'a str,
    name: &'a str,
    sources: &'a mut Sources,
    source: Option<crate::scenario::SourceId>,
}

impl<'a> Texts<'a> {
    fn of(name: &'a str, bytes: &'a [u8], sources: &'a mut Sources, out: &mut Diagnostics) -> Option<Self> {
        let read = std::str::from_utf8(bytes);
        let known = read.map_or(0, str::len).min(bytes.len());
        let what = match read {
            Ok(text) if bytes.len() <= BYTES_MAX && !text.trim().is_empty() => {
                return Some(Self {
                    text,
                    name,
                    sources,
                    source: None,
                });
            }
            Ok(_) if bytes.len() > BYTES_MAX => {
                format!("the file has {known} bytes, the limit is {BYTES_MAX}")
            }
            Ok(_) => "the file is empty".to_owned(),
            Err(_) => "the file is not UTF-8".to_owned(),
        };
        let source = sources.add(name, "");
        out.push(Diagnostic::error(what).at(
            Span {
                source,
                start: 0,
                end: 0,
            },
            "",
        ));
        None
    }

    fn wrong(&mut self, range: std::ops::Range<usize>, what: String, label: &str, out: &mut Diagnostics) {
        let (name, text) = (self.name, self.text);
        let source = *self.source.get_or_insert_with(|| self.sources.add(name, text));
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span {
            source,
            start: place(range.start),
            end: place(range.end),
        };
        out.push(Diagnostic::error(what).at(span, label));
    }
}

/// The rows of a client's rates.
fn windows(text: &mut Texts<'_>, out: &mut Diagnostics) -> Option<Vec<Window>> {
    let before = out.errors();
    let mut windows: Vec<Window> = Vec::new();
    let mut start = 0;
    for line in text.text.split_inclusive('\n') {
        let range = start..start + line.trim_end().len();
        start += line.len();
        if line.trim().is_empty() {
            continue;
        }
        match window(line.trim_end()) {
            Ok(window) if windows.last().is_some_and(|last| last.start >= window.start) => {
                text.wrong(
                    range,
                    "the window begins before the one above it".to_owned(),
                    "",
                    out,
                );
            }
            Ok(window) => windows.push(window),
            Err((within, what)) => {
                let place = range.start + within.start..range.start + within.end;
                text.wrong(place, what, "", out);
            }
        }
        if out.errors() >= before + 20 {
            break;
        }
    }
    (out.errors() == before).then_some(windows)
}

/// A row, or what is wrong where in it.
fn window(line: &str) -> Result<Window, (std::ops::Range<usize>, String)> {
    let fields: Vec<&str> = line.split(',').collect();
    let [start, rate, _, law, first, _] = fields[..] else {
        let what = format!(
            "a row of {} fields instead of start, rate, CV, law and its two parameters",
            fields.len()
        );
        return Err((0..line.len(), what));
    };
    let range = |field: &str| {
        let at = field.as_ptr() as usize - line.as_ptr() as usize;
        at..at + field.len()
    };
    let number = |field: &str| {
        let number = field.trim().parse::<f64>().ok();
        let sound = number.filter(|number| (0.0..=1e9).contains(number));
        sound.ok_or_else(|| {
            (
                range(field),
                format!("expected a number, found {}", quoted(field.trim())),
            )
        })
    };
    let at = start.trim().parse::<u64>().ok().filter(|at| *at < 180 * 86_400);
    let at = at.ok_or_else(|| {
        (
            range(start),
            format!("expected seconds from the start, found {}", quoted(start.trim())),
        )
    })?;
    let family = match law.trim() {
        "" => return Ok(Window { start: at, law: None }),
        "Gamma" => Family::Gamma,
        "Weibull" => Family::Weibull,
        other => {
            let what = format!(
                "unknown law {}: known are `Gamma` and `Weibull`, and nothing for silence",
                quoted(other)
            );
            return Err((range(law), what));
        }
    };
    let (rate, shape) = (number(rate)?, number(first)?);
    if rate <= 0.0 {
        return Ok(Window { start: at, law: None });
    }
    if shape < 1e-3 {
        return Err((range(first), "the shape of a law is at least 0.001".to_owned()));
    }
    Ok(Window {
        start: at,
        law: Some(GapLaw { rate, shape, family }),
    })
}

/// The laws of tokens, window by window.
fn laws(text: &mut Texts<'_>, out: &mut Diagnostics) -> Option<Vec<(u64, [Sizes; 2])>> {
    let before = out.errors();
    let read: BTreeMap<String, BTreeMap<String, String>> = match serde_json::from_str(text.text) {
        Ok(read) => read,
        Err(error) => {
            let starts = text
                .text
                .split_inclusive('\n')
                .take(error.line().saturating_sub(1));
            let start: usize = starts.map(str::len).sum();
            let at = (start + error.column().saturating_sub(1)).min(text.text.len());
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default().to_owned();
            text.wrong(
                at..at,
                format!("the file is no object of windows with laws: {said}"),
                "",
                out,
            );
            return None;
        }
    };
    let mut laws = Vec::new();
    for (start, fields) in &read {
        let Ok(from) = start.parse::<u64>() else {
            let at = text.text.find(&format!("\"{start}\"")).unwrap_or(0);
            text.wrong(
                at..at + start.len() + 2,
                format!("expected the start of a window, found {}", quoted(start)),
                "",
                out,
            );
            continue;
        };
        let mut both = ["input_tokens", "output_tokens"].map(|name| match fields.get(name) {
            Some(law) => {
                sizes(law).map_err(|what| (law.as_str(), format!("`{name}` of window {start}: {what}")))
            }
            None => Err((start.as_str(), format!("window {start} has no `{name}`"))),
        });
        for law in &both {
            if let Err((near, what)) = law {
                let head: String = near.chars().take(40).collect();
                let at = text.text.find(&head).unwrap_or(0);
                text.wrong(at..at + head.len(), what.clone(), "", out);
            }
        }
        let [input, output] = &mut both;
        if let (Ok(input), Ok(output)) = (input, output)
            && !(input.0.is_empty() || output.0.is_empty())
        {
            laws.push((
                from,
                [
                    std::mem::replace(input, Sizes(Vec::new())),
                    std::mem::replace(output, Sizes(Vec::new())),
                ],
            ));
        }
        if out.errors() >= before + 20 {
            break;
        }
    }
    laws.sort_by_key(|(from, _)| *from);
    (out.errors() == before).then_some(laws)
}

/// A Python dictionary from whole numbers to probabilities; an empty one is allowed and says nothing.
fn sizes(text: &str) -> Result<Sizes, String> {
    let inner = text
        .trim()
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    let inner = inner.ok_or("expected a dictionary such as `{12: 0.5, 13: 0.5}`")?;
    let mut pairs: Vec<(u32, f64)> = Vec::new();
    for pair in inner.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair
            .split_once(':')
            .ok_or_else(|| format!("{} is no pair", quoted(pair)))?;
        let key = key
            .trim()
            .parse::<u32>()
            .map_err(|_| format!("{} is no number of tokens", quoted(key.trim())))?;
        let value = value
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|value| (0.0..=1.0).contains(value));
        let value =
            value.ok_or_else(|| format!("{} is no pair of a value and a probability", quoted(pair)))?;
        pairs.push((key, value));
    }
    pairs.sort_by_key(|(key, _)| *key);
    if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("the value {} stands twice", pair[0].0));
    }
    let total: f64 = pairs.iter().map(|(_, share)| share).sum();
    if !pairs.is_empty() && (total - 1.0).abs() > 1e-3 {
        return Err(format!("the probabilities sum up to {total:.4}"));
    }
    let mut sum = 0.0;
    let sums = pairs
        .into_iter()
        .filter(|(_, share)| *share > 0.0)
        .map(|(key, share)| {
            sum += share / total;
            (sum, key)
        });
    Ok(Sizes(sums.collect()))
}
