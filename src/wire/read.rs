//! Readers of single JSON values that take what real bodies hold and allocate once.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Origin, Status};
use crate::units::{AttemptNo, JobId, TurnNo};

/// A text, read straight into a shared string.
pub(super) struct Text(pub(super) Arc<str>);

/// A text that is only looked at: borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Word<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A text, or nothing where any other value stands.
pub(super) struct Loose<T = Arc<str>>(pub(super) Option<T>);

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// A service tier; empty where any other value stands. Every response has one, so the usual ones are shared.
pub(super) struct Tier(pub(super) Arc<str>);

/// A count or an instant: an integer, or a float as old bodies have it; nothing where any other value stands.
#[derive(Default)]
pub(super) struct Count(pub(super) Option<u64>);

/// A status word.
pub(super) struct StatusWord(pub(super) Status);

/// The origin that a map of metadata names.
#[derive(Default)]
pub(super) struct OriginIn(pub(super) Option<Origin>);

/// The keys of metadata that carry an [`Origin`].
pub(super) const ORIGIN_KEYS: [&str; 3] = ["lanebench_job", "lanebench_attempt", "lanebench_turn"];

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.into()))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for StatusWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor;
        impl Visitor<'_> for WordVisitor {
            type Value = StatusWord;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status word")
            }
            fn visit_str<E: Error>(self, word: &str) -> Result<StatusWord, E> {
                Ok(StatusWord(status_of(word)))
            }
        }
        deserializer.deserialize_str(WordVisitor)
    }
}

fn status_of(word: &str) -> Status {
    Status::KNOWN
        .into_iter()
        .find(|status| status.word() == word)
        .unwrap_or_else(|| Status::Unknown(word.into()))
}

/// What a loose reader makes of each kind of value; whatever it does not want is skipped.
trait Scalar: Default {
    fn text(_: &str) -> Self {
        Self::default()
    }
    fn integer(_: u64) -> Self {
        Self::default()
    }
    fn float(_: f64) -> Self {
        Self::default()
    }
}

impl<T: for<'t> From<&'t str>> Scalar for Loose<T> {
    fn text(text: &str) -> Self {
        Self(Some(text.into()))
    }
}

impl Scalar for Tier {
    fn text(text: &str) -> Self {
        thread_local! {
            static USUAL: [Arc<str>; 3] = ["auto", "default", ""].map(Arc::from);
        }
        let usual = USUAL.with(|usual| usual.iter().find(|tier| ***tier == *text).cloned());
        Self(usual.unwrap_or_else(|| text.into()))
    }
}

impl Default for Tier {
    fn default() -> Self {
        Self::text("")
    }
}

impl Scalar for Count {
    fn integer(count: u64) -> Self {
        Self(Some(count))
    }
    fn float(count: f64) -> Self {
        // A float-to-integer cast saturates, so no input can overflow.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates"
        )]
        Self(Some(count as u64))
    }
}

struct ScalarVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Scalar> Visitor<'de> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::text(text))
    }
    fn visit_u64<E: Error>(self, count: u64) -> Result<T, E> {
        Ok(T::integer(count))
    }
    fn visit_i64<E: Error>(self, count: i64) -> Result<T, E> {
        Ok(T::integer(u64::try_from(count).unwrap_or(0)))
    }
    fn visit_f64<E: Error>(self, count: f64) -> Result<T, E> {
        Ok(T::float(count))
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }
}

impl<'de, T: for<'t> From<&'t str>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for OriginIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetadataVisitor;
        impl<'de> Visitor<'de> for MetadataVisitor {
            type Value = OriginIn;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of texts")
            }
            fn visit_unit<E: Error>(self) -> Result<OriginIn, E> {
                Ok(OriginIn(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OriginIn, A::Error> {
                let mut found: [Option<Arc<str>>; 3] = [None, None, None];
                while let Some(place) = map.next_key::<OriginKey>()? {
                    match place.0.and_then(|place| found.get_mut(place)) {
                        Some(slot) => *slot = map.next_value::<Loose>()?.0,
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(OriginIn(origin_of(found.each_ref().map(Option::as_deref))))
            }
        }
        deserializer.deserialize_any(MetadataVisitor)
    }
}

/// The place of a key in [`ORIGIN_KEYS`], if it is one.
struct OriginKey(Option<usize>);

impl<'de> Deserialize<'de> for OriginKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = OriginKey;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E: Error>(self, key: &str) -> Result<OriginKey, E> {
                Ok(OriginKey(ORIGIN_KEYS.iter().position(|known| *known == key)))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// The origin that the values of [`ORIGIN_KEYS`] name; only if all three are plain numbers.
pub(super) fn origin_of(values: [Option<&str>; 3]) -> Option<Origin> {
    let [job, attempt, turn] = values;
    let job = JobId(u32::try_from(plain_number(job?)?).ok()?);
    let attempt = AttemptNo(u16::try_from(plain_number(attempt?)?).ok()?);
    let turn = TurnNo(u16::try_from(plain_number(turn?)?).ok()?);
    Some(Origin { job, attempt, turn })
}

/// A number in the one form in which it is written again: digits without a sign or leading zeros.
fn plain_number(text: &str) -> Option<u64> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    plain.then(|| text.parse().ok())?
}
