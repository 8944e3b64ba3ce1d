//! How the model service reads its contract, and its accounts: the rest of `backend`.
//!
//! | key of `backend` | value | default |
//! |---|---|---|
//! | `switches` | what the contract leaves open, by its name: see below | the first of each |
//! | `models` | the models there are, a list; `usual`: all that are called like a real one; or `any` | `any` |
//! | `context_window` | `400000 tokens` that a model can read; longer inputs are refused; or `none` | `none` |
//! | `unstored_kept` | how long a background response with `store: false` can be read after its end | `10m` |
//! | `kept_max` | ended responses that can be read; of more, those that would expire first are forgotten; or `none` | `none` |
//! | `rates` | `{ requests: 60, tokens: 40000 }` in a minute, each optional, with continuous refill | no limit |
//! | `quota` | `100000 tokens` in all; then `insufficient_quota` | no limit |
//! | `accounts` | a list of `{ key, organization, project, models, rates, quota }`; with it no other key counts | none |
//!
//! | switch | default | the other |
//! |---|---|---|
//! | `bg_store_false` | `kept` | `refused` |
//! | `cancel_completed` | `refused` | `unchanged` |
//! | `cancel_race` | `cancel_wins` | `model_wins` |
//! | `cancel_output` | `kept` | `cleared` |
//! | `model_missing` | `bad_request` | `not_found` |
//! | `delete_object` | `response.deleted` | `response` |
//! | `get_after_delete` | `not_found` | `bad_request` |
//! | `delete_in_flight` | `refused` | `stops` |
//! | `ended_usage` | `absent` | `shown` |
//! | `stream_close` | `body` | `connection` |
//! | `edge_headers` | `absent` | `sent` |
//! | `request_id_header` | `sent` | `dropped` |

use std::sync::Arc;

use crate::backend::{Account, Contract, Models, Rates, SwitchError, Switches};
use crate::scenario::decode::{MapReader, duration, integer, list, map, non_empty, quantity, string};
use crate::scenario::kinds::value::text;
use crate::scenario::{Diagnostic, Diagnostics, Node, quoted};

/// Reads the keys of `backend` that are about the contract.
pub(super) fn contract(keys: &mut MapReader<'_, '_>) -> Option<Contract> {
    let usual = Contract::default();
    let switches = keys.or("switches", usual.switches, switches);
    let models = keys.or("models", usual.models, models);
    let context_window = keys.or("context_window", None, |node, out| {
        maybe(node, out, quantity("tokens", 1..=u32::MAX))
    });
    let unstored_kept = keys.or("unstored_kept", usual.unstored_kept, duration);
    let kept_max = keys.or("kept_max", None, |node, out| {
        maybe(node, out, integer(0..=u32::MAX))
    });
    let rates = keys.or("rates", usual.rates, rates);
    let quota = keys.or("quota", None, |node, out| {
        maybe(node, out, quantity("tokens", 0..=u64::MAX))
    });
    let accounts = keys.or("accounts", Vec::new(), non_empty(account));
    Some(Contract {
        switches: switches?,
        models: models?,
        context_window: context_window?,
        unstored_kept: unstored_kept?,
        kept_max: kept_max?.unwrap_or(usual.kept_max),
        kept_bytes_max: usual.kept_bytes_max,
        bounds: usual.bounds,
        rates: rates?,
        quota: quota?,
        accounts: accounts?.into(),
    })
}

/// A value, or the word `none`.
fn maybe<T>(
    node: &Node,
    out: &mut Diagnostics,
    value: impl Fn(&Node, &mut Diagnostics) -> Option<T>,
) -> Option<Option<T>> {
    match node.text() {
        Some("none") => Some(None),
        _ => value(node, out).map(Some),
    }
}

fn switches(node: &Node, out: &mut Diagnostics) -> Option<Switches> {
    let mut keys = map(node, out)?;
    let mut switches = Switches::default();
    let mut whole = true;
    for name in Switches::NAMES {
        let read = |node: &Node, out: &mut Diagnostics| {
            let word = string(node, out)?;
            match switches.set(name, &word) {
                Ok(()) => Some(()),
                Err(SwitchError::Word {
                    words: [one, other], ..
                }) => {
                    let error =
                        Diagnostic::error(format!("the switch `{name}` has no reading {}", quoted(&word)));
                    out.push(
                        error
                            .at(node.mark(), "")
                            .help(format!("possible: `{one}`, `{other}`")),
                    );
                    None
                }
                Err(SwitchError::Name { .. } | SwitchError::Form { .. }) => None,
            }
        };
        whole &= keys.optional(name, read).is_some();
    }
    keys.finish();
    whole.then_some(switches)
}

fn models(node: &Node, out: &mut Diagnostics) -> Option<Models> {
    match node.text() {
        Some("any") => Some(Models::Any),
        Some("usual") => Some(Models::Usual),
        _ => names(node, out).map(Models::Listed),
    }
}

fn names(node: &Node, out: &mut Diagnostics) -> Option<Arc<[Arc<str>]>> {
    list(text)(node, out).map(Arc::from)
}

fn rates(node: &Node, out: &mut Diagnostics) -> Option<Rates> {
    let mut keys = map(node, out)?;
    let requests = keys.optional("requests", integer(1..=100_000_000));
    let tokens = keys.optional("tokens", integer(1..=4_000_000_000));
    keys.finish();
    Some(Rates {
        requests: requests?,
        tokens: tokens?,
    })
}

fn account(node: &Node, out: &mut Diagnostics) -> Option<Account> {
    let mut keys = map(node, out)?;
    let key = keys.required("key", text);
    let organization = keys.optional("organization", text);
    let project = keys.optional("project", text);
    let models = keys.optional("models", names);
    let rates = keys.or("rates", Rates::default(), rates);
    let quota = keys.optional("quota", quantity("tokens", 0..=u64::MAX));
    keys.finish();
    Some(Account {
        key: key?,
        organization: organization?,
        project: project?,
        models: models?,
        rates: rates?,
        quota: quota?,
    })
}
