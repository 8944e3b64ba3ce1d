//! How probable each token of a text was, for whoever asks: made up, and fixed by the item and its text.

use std::ops::Range;

use serde_json::{Value, json};

use crate::rng::{Purpose, Seed, name_key};
use crate::wire::text_of;

/// The tokens of a stretch of an item's text, each with as many of the most likely ones as are wanted.
///
/// A token is a word with the space before it. The probabilities of a token depend on its item and its place alone, so
/// that a delta, the whole text and a later read say the same.
pub(super) fn logprobs(item: &str, text: &str, stretch: Range<usize>, wanted: u8) -> Value {
    let entity = name_key(item);
    let mut at = stretch.start;
    let mut all = Vec::new();
    while at < stretch.end {
        let end = token_end(text, at + 1).min(stretch.end);
        all.push(token(entity, &text[at..end], at as u64, wanted));
        at = end;
    }
    all.into()
}

/// Where the token ends that a text has at this byte, or in front of it.
pub(super) fn token_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter()
        .position(|byte| *byte == b' ')
        .map_or(bytes.len(), |space| at + space)
}

fn token(entity: u64, token: &str, place: u64, wanted: u8) -> Value {
    let sure = 0.5 + 0.5 * Seed(entity).unit(Purpose::Text, entity, place);
    let mut said = entry(token, sure);
    let mut likely: Vec<Value> = Vec::new();
    if wanted > 0 {
        likely.push(said.clone());
    }
    let mut rest = 1.0 - sure;
    let others = text_of(
        Seed(entity).bits(Purpose::Text, place, entity),
        2 * u32::from(wanted),
    );
    for other in others.split(' ').filter(|other| !other.is_empty()) {
        let other = format!(" {other}");
        let known = |one: &Value| one["token"] == *other;
        if likely.len() < usize::from(wanted) && other != token && !likely.iter().any(known) {
            rest /= 2.0;
            likely.push(entry(&other, rest));
        }
    }
    said["top_logprobs"] = likely.into();
    said
}

fn entry(token: &str, probability: f64) -> Value {
    json!({"token": token, "bytes": token.as_bytes(), "logprob": libm::log(probability)})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &Value) -> &[Value] {
        list.as_array().map_or(&[], Vec::as_slice)
    }

    fn tokens(list: &Value) -> String {
        let tokens = entries(list)
            .iter()
            .map(|one| one["token"].as_str().unwrap_or_default());
        tokens.collect()
    }

    #[test]
    fn stretches_add_up_to_the_whole_and_the_likely_fall() {
        let text = "the ärger grows  by day";
        let middle = token_end(text, 6);
        let whole = logprobs("msg_1", text, 0..text.len(), 5);
        assert_eq!(tokens(&whole), text);
        let front = logprobs("msg_1", text, 0..middle, 5);
        let back = logprobs("msg_1", text, middle..text.len(), 5);
        assert_eq!([entries(&front), entries(&back)].concat(), entries(&whole));
        assert_ne!(logprobs("msg_2", text, 0..text.len(), 5), whole);
        for one in entries(&whole) {
            let likely = entries(&one["top_logprobs"]);
            let falls = |pair: &[Value]| pair[0]["logprob"].as_f64() > pair[1]["logprob"].as_f64();
            assert!(
                likely.len() <= 5 && likely.len() > 2 && likely.windows(2).all(falls),
                "{likely:?}"
            );
            assert_eq!(likely[0]["logprob"], one["logprob"]);
            assert!(one["logprob"].as_f64().is_some_and(|number| number <= 0.0));
        }
        assert_eq!(logprobs("msg_1", text, 0..3, 0)[0]["top_logprobs"], json!([]));
    }
}
