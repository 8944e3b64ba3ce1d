//! Why no rule struck: the one that came nearest, and what kept it.

use std::fmt;

use super::{FaultPlan, FaultRule, Target};
use crate::units::{Exchange, SimTime};

/// The rule that came nearest to striking an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Its place in the scenario's list, from 0.
    pub rule: u32,
    /// What kept it from striking, one line each.
    pub kept_by: Vec<String>,
}

impl FaultPlan {
    /// The declared rule about exchanges that came nearest to striking this one, if there is any; of several that are
    /// equally near, the first. A rule about another kind of exchange is farther than any about the same kind.
    #[must_use]
    pub fn nearest(&self, key: Exchange, at: SimTime, marks: &[u32]) -> Option<Near> {
        let rules = self.rules().iter().zip(0_u32..);
        let about = rules.filter(|(rule, _)| matches!(rule.target, Target::Exchange(_)));
        let near = about.map(|(rule, place)| Near {
            rule: place,
            kept_by: self.kept_by(rule, place, key, at, marks),
        });
        near.min_by_key(|near| {
            let other_kind = self
                .rules()
                .get(near.rule as usize)
                .is_none_or(|rule| rule.target != Target::Exchange(key.kind()));
            (other_kind, near.kept_by.len())
        })
    }

    fn kept_by(
        &self,
        rule: &FaultRule,
        place: u32,
        key: Exchange,
        at: SimTime,
        marks: &[u32],
    ) -> Vec<String> {
        let select = &rule.select;
        let mut kept_by = Vec::new();
        let mut unless = |holds: bool, why: &dyn Fn() -> String| {
            if !holds {
                kept_by.push(why());
            }
        };
        if let Target::Exchange(kind) = rule.target {
            unless(kind == key.kind(), &|| {
                format!("`exchange: {}`, and this is a {}", kind.word(), key.kind().word())
            });
        }
        if let Some((low, high)) = select.nth {
            unless((low..=high).contains(&key.nth()), &|| {
                format!("`nth: {}`, and this is number {}", Range(low, high), key.nth())
            });
        }
        if let Some((from, to)) = select.within {
            unless((from..=to).contains(&at), &|| {
                format!("`within: {}-{}`, and this came at {at}", Since(from), Since(to))
            });
        }
        if let Some(header) = &select.header {
            unless(marks.contains(&place), &|| match &header.value {
                Some(value) => format!(
                    "`header: {{ name: {}, value: {value} }}`, which it does not show",
                    header.name
                ),
                None => format!("`header: {}`, which it does not show", header.name),
            });
        }
        if let Some(jobs) = &select.jobs {
            unless(jobs.contains(&key.job()), &|| {
                "`tasks`, and it belongs to none of them".to_owned()
            });
        }
        if let Some((low, high)) = select.attempts {
            unless((low..=high).contains(&key.attempt()), &|| {
                format!(
                    "`attempts: {}`, and this is attempt {}",
                    Range(low.0, high.0),
                    key.attempt().0
                )
            });
        }
        if let Some((low, high)) = select.turns {
            unless((low..=high).contains(&key.turn()), &|| {
                format!(
                    "`turns: {}`, and this is turn {}",
                    Range(low.0, high.0),
                    key.turn().0
                )
            });
        }
        if let Some(share) = select.share {
            unless(self.drawn(share, place, key.job(), at), &|| {
                "`probability`, and the draw of this window said no".to_owned()
            });
        }
        kept_by
    }
}

impl fmt::Display for FaultRule {
    /// What it disturbs and how, in the words of scenarios, without its details.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Exchange(kind) => write!(f, "exchange: {}", kind.word()),
            Target::Response => f.write_str("response: any"),
            Target::Step(step) => write!(f, "step: {}", step + 1),
            Target::Webhook => f.write_str("webhook: any"),
            Target::Tool(name) => write!(f, "tool: {}", name.as_deref().unwrap_or("any")),
            Target::Sink(name) => write!(f, "sink: {}", name.as_deref().unwrap_or("any")),
        }?;
        write!(f, ", {}", self.fault.word())
    }
}

/// A range as scenarios write it.
struct Range<T>(T, T);

impl<T: fmt::Display + PartialEq> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 == self.1 {
            true => write!(f, "{}", self.0),
            false => write!(f, "{}-{}", self.0, self.1),
        }
    }
}

/// An instant as the length of time since the start.
struct Since(SimTime);

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.since(SimTime::START))
    }
}
