//! Where the tasks of a comparison come from, as it is written.
//!
//! | key of `workload.trace` | value | default |
//! |---|---|---|
//! | `file` | the trace, relative to the file it is named in | required |
//! | `format` | `azure-2023`, `azure-2024`, `azure-multimodal`, `burstgpt`, `mooncake`, or `csv: { at, input, output, session, images, took }` with names of columns, `at` as `{ timestamp }`, `{ seconds }` or `{ millis }` | required |
//! | `rows` | only the first so many | all |
//! | `blocks` | blocks of this length are drawn with return, for each replication anew | the trace as it was |
//! | `jitter` | each request comes up to so much later, for timestamps that were rounded down | `0s`; has to be said for `mooncake` |
//! | `pace` | so many times as fast | 1 |
//! | `failed` | `keep` or `leave_out` what failed there | `leave_out` |
//!
//! `workload.clients` is a list of `{ rates, sizes }`: the two files of each of ServeGen's clients.
//!
//! | beside them | value | default |
//! |---|---|---|
//! | `tokens` | `{ base, prefill, decode }`: how long an answer takes, from tokens read and written a second | as the kinds' scripts say |
//! | `assign` | `chance`, `input` or `output`: the shares of the mix are drawn, or cut from the shortest on | `chance` |

use sha2::{Digest, Sha256};

use super::workload::{Assign, Source, Taken};
use crate::scenario::decode::{
    MapReader, decimal, duration, integer, map, non_empty, spanned, string, variant, words,
};
use crate::scenario::{Diagnostic, Diagnostics, Node, Resolver, Sources, Spanned, quoted};
use crate::sim::workload::trace::{self, At, Columns, Format};
use crate::sim::workload::{Arrivals, Client, Feed, Replay, TokenSpeed};
use crate::units::SimDuration;

/// How many times as fast tasks may come in a sweep.
pub(super) const LOAD: std::ops::RangeInclusive<f64> = 0.01..=100.0;

/// Where tasks come from, before any file is read.
pub(super) enum Spring {
    Law(Arrivals),
    Trace(Box<TraceDraft>, Taken),
    Clients(Vec<ClientDraft>, Taken),
}

pub(super) struct TraceDraft {
    file: Spanned<String>,
    format: Format,
    rows: usize,
    blocks: Option<SimDuration>,
    jitter: SimDuration,
    pace: f64,
    failed: Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failed {
    Keep,
    LeaveOut,
}

pub(super) struct ClientDraft {
    rates: Spanned<String>,
    sizes: Spanned<String>,
}

/// Reads `arrivals`, `trace` or `clients`, and what stands beside the latter.
pub(super) fn spring(
    keys: &mut MapReader<'_, '_>,
    arrivals: impl Fn(&Node, &mut Diagnostics) -> Option<Arrivals>,
) -> Option<Spring> {
    let assign = [
        ("chance", Assign::Chance),
        ("input", Assign::Input),
        ("output", Assign::Output),
    ];
    let found = keys.one_of(&["arrivals", "trace", "clients"]);
    if let Some(("arrivals", node)) = found {
        return arrivals(node, keys.out()).map(Spring::Law);
    }
    let tokens = keys.optional("tokens", speed);
    let assign = keys.or("assign", Assign::Chance, words("way to assign", &assign));
    let (key, node) = found?;
    let draft = match key {
        "trace" => Draft::Trace(Box::new(trace(node, keys.out())?)),
        _ => Draft::Clients(non_empty(client)(node, keys.out())?),
    };
    let taken = Taken {
        tokens: tokens?,
        assign: assign?,
    };
    Some(match draft {
        Draft::Trace(draft) => Spring::Trace(draft, taken),
        Draft::Clients(drafts) => Spring::Clients(drafts, taken),
    })
}

enum Draft {
    Trace(Box<TraceDraft>),
    Clients(Vec<ClientDraft>),
}

fn trace(node: &Node, out: &mut Diagnostics) -> Option<TraceDraft> {
    let failed = [("keep", Failed::Keep), ("leave_out", Failed::LeaveOut)];
    let mut keys = map(node, out)?;
    let file = keys.required("file", spanned(string));
    let format = keys.required("format", spanned(format));
    let rows = keys.or("rows", usize::MAX, integer(1..=usize::MAX));
    let blocks = keys.optional("blocks", duration);
    let jitter = keys.optional("jitter", duration);
    let pace = keys.or("pace", 1.0, decimal(0.001..=1_000.0));
    let failed = keys.or("failed", Failed::LeaveOut, words("word for failures", &failed));
    keys.finish();
    let (format, jitter) = (format?, jitter?);
    if format.value == Format::Mooncake && jitter.is_none() {
        out.push(
            Diagnostic::error("nothing says what becomes of instants that were rounded to three seconds")
                .at(format.span, "rounds them")
                .help("`jitter: 3s` spreads them, `jitter: 0s` lets them come together"),
        );
        return None;
    }
    Some(TraceDraft {
        file: file?,
        format: format.value,
        rows: rows?,
        blocks: blocks?,
        jitter: jitter.unwrap_or(SimDuration::ZERO),
        pace: pace?,
        failed: failed?,
    })
}

fn format(node: &Node, out: &mut Diagnostics) -> Option<Format> {
    let names: Vec<&str> = Format::WORDS.into_iter().chain(["csv"]).collect();
    let case = variant("format", &names, node, out)?;
    match Format::from_word(case.name) {
        Some(format) => case.bare(format, out),
        None => case.value(columns, out).map(Format::Csv),
    }
}

fn columns(node: &Node, out: &mut Diagnostics) -> Option<Columns> {
    let mut keys = map(node, out)?;
    let at = keys.required("at", |node, out| {
        let case = variant("kind of instants", &["timestamp", "seconds", "millis"], node, out)?;
        let name = case.name;
        case.value(string, out).map(|column| match name {
            "timestamp" => At::Timestamp(column),
            "seconds" => At::Seconds(column),
            _ => At::Millis(column),
        })
    });
    let input = keys.required("input", string);
    let output = keys.required("output", string);
    let session = keys.optional("session", string);
    let images = keys.optional("images", string);
    let took = keys.optional("took", string);
    keys.finish();
    Some(Columns {
        at: at?,
        input: input?,
        output: output?,
        session: session?,
        images: images?,
        took: took?,
    })
}

fn client(node: &Node, out: &mut Diagnostics) -> Option<ClientDraft> {
    let mut keys = map(node, out)?;
    let rates = keys.required("rates", spanned(string));
    let sizes = keys.required("sizes", spanned(string));
    keys.finish();
    Some(ClientDraft {
        rates: rates?,
        sizes: sizes?,
    })
}

fn speed(node: &Node, out: &mut Diagnostics) -> Option<TokenSpeed> {
    let mut keys = map(node, out)?;
    let base = keys.or("base", SimDuration::ZERO, duration);
    let prefill = keys.required("prefill", decimal(0.001..=1e9));
    let decode = keys.required("decode", decimal(0.001..=1e9));
    keys.finish();
    Some(TokenSpeed {
        base: base?,
        prefill: prefill?,
        decode: decode?,
    })
}

impl Spring {
    /// Reads the files it names; what comes comes `load` times as fast.
    pub(super) fn open(
        self,
        load: f64,
        files: &mut Files<'_>,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<Source> {
        match self {
            Self::Law(arrivals) => Some(Source::Law(arrivals.faster(load))),
            Self::Trace(draft, taken) => {
                let feed = Feed::Trace(draft.open(load, files, sources, out)?);
                Some(Source::Feed(feed, taken))
            }
            Self::Clients(drafts, taken) => {
                let mut clients = Some(Vec::new());
                for draft in &drafts {
                    let client = draft.open(files, sources, out).map(|client| client.faster(load));
                    match (client, &mut clients) {
                        (Some(client), Some(clients)) => clients.push(client),
                        (None, _) | (_, None) => clients = None,
                    }
                }
                Some(Source::Feed(Feed::Clients(clients?), taken))
            }
        }
    }
}

impl TraceDraft {
    fn open(
        &self,
        load: f64,
        files: &mut Files<'_>,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<Replay> {
        let (name, bytes) = files.load(&self.file, out)?;
        let mut rows = trace::rows((&name, &bytes), &self.format, self.rows, sources, out)?;
        if self.failed == Failed::LeaveOut {
            rows.retain(|row| !row.failed);
        }
        match Replay::new(rows, self.blocks, self.jitter, self.pace * load) {
            Ok(replay) => Some(replay),
            Err(cause) => {
                out.push(Diagnostic::error(cause.to_string()).at(self.file.span, ""));
                None
            }
        }
    }
}

impl ClientDraft {
    fn open(&self, files: &mut Files<'_>, sources: &mut Sources, out: &mut Diagnostics) -> Option<Client> {
        let rates = files.load(&self.rates, out);
        let sizes = files.load(&self.sizes, out);
        let ((rates_name, rates), (sizes_name, sizes)) = (rates?, sizes?);
        Client::read((&rates_name, &rates), (&sizes_name, &sizes), sources, out)
    }
}

/// The files that tasks come out of.
pub(super) struct Files<'r> {
    /// The file that names them.
    pub(super) from: &'r str,
    pub(super) resolver: &'r mut dyn Resolver,
    /// What tells each that was read from any other.
    pub(super) digests: Vec<[u8; 32]>,
}

impl Files<'_> {
    /// A file with its name; one that cannot be read is reported.
    fn load(&mut self, path: &Spanned<String>, out: &mut Diagnostics) -> Option<(String, Vec<u8>)> {
        match self.resolver.resolve(self.from, &path.value) {
            Ok(loaded) => {
                self.digests.push(Sha256::digest(&loaded.bytes).into());
                Some((loaded.name, loaded.bytes))
            }
            Err(cause) => {
                let error = Diagnostic::error(format!("cannot read {}", quoted(&path.value)));
                out.push(
                    error
                        .at(path.span, cause.to_string())
                        .help("paths are relative to the file they stand in"),
                );
                None
            }
        }
    }
}
