//! Says what is wrong with a policy file, and what to do next.

use std::ops::Range;

use crate::scenario::{Diagnostic, Span, nearest, quoted_list, suggest};

use super::draft::{DraftMistake, DraftPart, PolicyError, WordError};
use super::literal::{LiteralError, expected};
use super::parse::ConditionError;
use super::proof::Clause;
use super::vocabulary::{NameError, RESERVED, Unit};

/// The diagnostic of a mistake; `place` knows where the parts of the draft stand.
pub(super) fn explain(
    mistake: &DraftMistake,
    place: &impl Fn(DraftPart, Option<Range<usize>>) -> Span,
) -> Diagnostic {
    let span = place(mistake.part, mistake.range.clone());
    let error = Diagnostic::error(mistake.error.to_string()).at(span, label(&mistake.error));
    let error = match &mistake.error {
        PolicyError::DuplicateRule { first, .. } => {
            error.at(place(DraftPart::RuleId(*first), None), "the first one")
        }
        PolicyError::Cycle { cycle } => error.note(format!("the circle: {}", circle(cycle))),
        _ => error,
    };
    error.maybe_help(help(&mistake.error))
}

/// The diagnostic of a condition that stands outside of a policy.
pub(super) fn condition_diagnostic(error: &ConditionError, span: Span) -> Diagnostic {
    let error = PolicyError::Condition(error.clone());
    Diagnostic::error(error.to_string())
        .at(span, label(&error))
        .maybe_help(help(&error))
}

fn circle(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(" -> ")
}

/// The few words beside the underline.
const fn label(error: &PolicyError) -> &'static str {
    match error {
        PolicyError::Condition(error) => match error {
            ConditionError::Unknown { .. } => "not declared",
            ConditionError::NotCompared { .. } => "is not true or false",
            ConditionError::AttributeAgainstAttribute { .. } => "is an attribute",
            ConditionError::Mixed => "add parentheses",
            _ => "",
        },
        PolicyError::DuplicateRule { .. } => "the second one",
        PolicyError::MissingWhen => "has no `when` and is not the last",
        _ => "",
    }
}

fn help(error: &PolicyError) -> Option<String> {
    let text = match error {
        PolicyError::Condition(error) => return condition_help(error),
        PolicyError::Name {
            cause: NameError::Reserved,
            ..
        }
        | PolicyError::Word {
            cause: WordError::Reserved,
            ..
        } => {
            format!("words that cannot be used: {}", quoted_list(RESERVED))
        }
        PolicyError::NoWords { .. } => "list the words, for example `[free, team]`".to_owned(),
        PolicyError::FencedInBoundary => "ask for `any_effect` or for single effects".to_owned(),
        PolicyError::UnknownClause { name } => {
            let known: Vec<&str> = Clause::ALL.iter().map(|clause| clause.name).collect();
            suggest(name, "its clauses", &known)
        }
        PolicyError::UnknownRule { name, known } => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            suggest(name, "its rules", &known)
        }
        PolicyError::UnknownOwner { name, known } => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            suggest(name, "what has a condition", &known)
        }
        PolicyError::NoLiteral => "name one, for example `can_show_status` or `amount > 5`".to_owned(),
        PolicyError::NoSuchLiteral { .. } => "write it as it stands there, without `not`".to_owned(),
        PolicyError::NoRules => "add `- { id: otherwise, execution: interactive }`, for a start".to_owned(),
        PolicyError::MissingWhen => "add `when: ...`, or move the rule to the end".to_owned(),
        PolicyError::DuplicateRule { .. } => "decisions name their rule, so each needs its own id".to_owned(),
        _ => return None,
    };
    Some(text)
}

fn condition_help(error: &ConditionError) -> Option<String> {
    let text = match error {
        ConditionError::Unknown { name, known } => return Some(unknown_help(name, known)),
        ConditionError::Character { text } => match text.as_str() {
            "&&" | "&" => "write `and`".to_owned(),
            "||" | "|" => "write `or`".to_owned(),
            "!" => "write `not`".to_owned(),
            "=" => "write `==`".to_owned(),
            _ => "a condition has names, `and`, `or`, `not`, comparisons and parentheses".to_owned(),
        },
        ConditionError::Empty => "write `always` or `never` if that is meant".to_owned(),
        ConditionError::TooDeep | ConditionError::TooLong => "give parts a name under `facts`".to_owned(),
        ConditionError::Mixed => "write `a and (b or c)` or `(a and b) or c`".to_owned(),
        ConditionError::NotCompared { example, .. } => format!("for example `{example}`"),
        ConditionError::Compared { name } => format!("write `{name}` or `not {name}`"),
        ConditionError::AttributeAgainstAttribute { .. } => {
            "write a literal with its unit; what depends on two attributes is an attribute of its own"
                .to_owned()
        }
        ConditionError::Literal(error) => return literal_help(error),
        ConditionError::Expected { .. } | ConditionError::Open | ConditionError::Unordered { .. } => {
            return None;
        }
    };
    Some(text)
}

fn unknown_help(name: &str, known: &[String]) -> String {
    match name {
        "true" => return "write `always`".to_owned(),
        "false" => return "write `never`".to_owned(),
        "unknown" => return "an unknown attribute matches no rule, and asks for approval".to_owned(),
        _ => {}
    }
    let known = || known.iter().map(String::as_str);
    match nearest(name, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known names: {}", quoted_list(known())),
    }
}

/// What to write instead of a literal that is none.
pub(super) fn literal_help(error: &LiteralError) -> Option<String> {
    match error {
        LiteralError::Fraction(unit) | LiteralError::Unit { wanted: unit, .. } => {
            Some(format!("write {}", expected(*unit)))
        }
        LiteralError::MissingUnit => Some(format!("write {}", expected(Unit::Duration))),
        LiteralError::Word { word, known } => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            Some(suggest(word, "words", &known))
        }
        LiteralError::Truth
        | LiteralError::NotANumber(_)
        | LiteralError::Negative
        | LiteralError::TooLarge
        | LiteralError::Duration(_) => None,
    }
}
