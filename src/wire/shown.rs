//! What items and events show beside what anybody decides by.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Fields of an item or event that are only shown: `"key":value` pairs with commas between them.
///
/// They are no part of the value: two of them are always equal, and a reader leaves them out.
#[derive(Clone, Default)]
pub struct Shown(Option<Arc<str>>);

impl Shown {
    /// The fields of a JSON object; what is no object shows nothing.
    #[must_use]
    pub fn of(fields: &serde_json::Value) -> Self {
        let text = fields.to_string();
        let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        Self(inner.filter(|pairs| !pairs.is_empty()).map(Arc::from))
    }

    /// The same with one more field, unless it is there already.
    #[must_use]
    pub fn with(&self, key: &str, value: &serde_json::Value) -> Self {
        let pair = format!("{}:{value}", serde_json::Value::from(key));
        Self(Some(match self.pairs() {
            None => pair.into(),
            Some(pairs) if pairs.contains(&format!("\"{key}\":")) => pairs.into(),
            Some(pairs) => format!("{pairs},{pair}").into(),
        }))
    }

    /// The same with this value under a key that it has; what lacks the key stays as it is.
    #[must_use]
    pub fn replacing(&self, key: &str, value: serde_json::Value) -> Self {
        let Some(pairs) = self.pairs() else {
            return self.clone();
        };
        match serde_json::from_str::<serde_json::Value>(&format!("{{{pairs}}}")) {
            Ok(mut fields) if fields.get(key).is_some() => {
                fields[key] = value;
                Self::of(&fields)
            }
            _ => self.clone(),
        }
    }

    /// Whether it shows nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The pairs, if there are any.
    pub(super) fn pairs(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl PartialEq for Shown {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Shown {}

impl Hash for Shown {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}
