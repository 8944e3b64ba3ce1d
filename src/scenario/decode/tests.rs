//! One line a case: a value as YAML, and what the decoder makes of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Debug;

use super::{
    boolean, decimal, duration, integer, keyed, list, list_or_one, map, non_empty, parsed, probability,
    quantity, range, spanned, string, three_valued, variant, word, words,
};
use crate::scenario::{Diagnostics, Node, NodeKind, Sources, read};

/// Reads `v: <yaml>` and decodes the value; writes the value, or each complaint as
/// `line:column message (label) = help`.
fn decoded<T: Debug>(yaml: &str, decode: impl Fn(&Node, &mut Diagnostics) -> Option<T>) -> String {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, "t", format!("v: {yaml}\n").as_bytes(), &mut out).expect("YAML is sound");
    let NodeKind::Map(entries) = &tree.kind else {
        panic!("not a map")
    };
    let value = decode(&entries[0].value, &mut out);
    assert!(
        value.is_some() || !out.is_empty(),
        "`{yaml}` gives neither a value nor a reason"
    );
    let complaints = out.by_place().into_iter().map(|diagnostic| {
        let label = &diagnostic.labels[0];
        let place = sources.place(label.span);
        let note = if label.text.is_empty() {
            String::new()
        } else {
            format!(" ({})", label.text)
        };
        let help = diagnostic
            .help
            .as_ref()
            .map_or(String::new(), |help| format!(" = {help}"));
        format!(
            "{}:{} {}{note}{help}",
            place.line, place.column, diagnostic.message
        )
    });
    let complaints: Vec<String> = complaints.collect();
    match value {
        Some(value) if complaints.is_empty() => format!("{value:?}"),
        _ => complaints.join("\n"),
    }
}

#[track_caller]
fn check<T: Debug>(decode: impl Fn(&Node, &mut Diagnostics) -> Option<T>, yaml: &str, expected: &str) {
    assert_eq!(decoded(yaml, decode), expected, "for `{yaml}`");
}

#[test]
fn texts_are_not_numbers() {
    check(string, "a b", "\"a b\"");
    check(string, "'5'", "\"5\"");
    check(string, "yes", "\"yes\"");
    check(
        string,
        "5",
        "1:4 expected a text, found the number `5` (expected a text) = put it into quotes: `\"5\"`",
    );
    check(
        string,
        "true",
        "1:4 expected a text, found `true` (expected a text) = put it into quotes: `\"true\"`",
    );
    check(
        string,
        "",
        "1:1 a value is missing: expected a text (expected a text)",
    );
    check(
        string,
        "[]",
        "1:4 expected a text, found a list (expected a text)",
    );
    check(
        string,
        "\n  a: 1",
        "1:1 expected a text, found a map (expected a text)",
    );
    check(
        string,
        "' '",
        "1:4 expected a text, found an empty one (is empty)",
    );
}

#[test]
fn names_are_checked() {
    check(word, "report-2.a_b", "\"report-2.a_b\"");
    let help =
        "a name has letters, digits, `_`, `-` and `.`, begins with a letter, and has 64 characters at most";
    check(word, "a b", &format!("1:4 `a b` is no name = {help}"));
    check(word, "-a", &format!("1:4 `-a` is no name = {help}"));
}

#[test]
fn truth_values_are_true_and_false_alone() {
    check(boolean, "true", "true");
    check(boolean, "false", "false");
    let expected = "(expected `true` or `false`)";
    check(
        boolean,
        "yes",
        &format!("1:4 expected `true` or `false`, found the text `yes` {expected} = write `true`"),
    );
    check(
        boolean,
        "OFF",
        &format!("1:4 expected `true` or `false`, found the text `OFF` {expected} = write `false`"),
    );
    check(
        boolean,
        "1",
        &format!("1:4 expected `true` or `false`, found the number `1` {expected}"),
    );
    check(
        boolean,
        "'true'",
        &format!("1:4 expected `true` or `false`, found the text `true` {expected} = remove the quotes"),
    );
    check(three_valued, "unknown", "None");
    check(three_valued, "false", "Some(false)");
    check(
        three_valued,
        "unknwon",
        "1:4 unknown truth value `unknwon` = did you mean `unknown`? possible: `true`, `false`, `unknown`",
    );
}

#[test]
fn whole_numbers_have_limits() {
    check(integer(0..=9_u8), "9", "9");
    check(integer(-5..=9_i32), "-5", "-5");
    check(
        integer(1..=9_u32),
        "0",
        "1:4 the number `0` is out of range (allowed: 1 to 9)",
    );
    check(
        integer(1..=9_u32),
        "-1",
        "1:4 the number `-1` is out of range (allowed: 1 to 9)",
    );
    let huge = "9".repeat(50);
    check(
        integer(0..=u64::MAX),
        &huge,
        &format!(
            "1:4 the number `{huge}` is out of range (allowed: 0 to {})",
            u64::MAX
        ),
    );
    let expected = "(expected a whole number)";
    check(
        integer(0..=9),
        "1.0",
        &format!("1:4 expected a whole number, found the number `1.0` {expected}"),
    );
    check(
        integer(0..=9),
        "1e3",
        &format!("1:4 expected a whole number, found the number `1e3` {expected}"),
    );
    check(
        integer(0..=9),
        "0x1F",
        &format!("1:4 expected a whole number, found the number `0x1F` {expected}"),
    );
    check(
        integer(0..=9),
        "007",
        &format!(
            "1:4 expected a whole number, found the number `007` {expected} = remove the zeros in front"
        ),
    );
    check(
        integer(0..=9_999),
        "1_000",
        &format!(
            "1:4 expected a whole number, found the text `1_000` {expected} = write the digits without separators"
        ),
    );
    check(
        integer(0..=9),
        "'5'",
        &format!("1:4 expected a whole number, found the text `5` {expected} = remove the quotes"),
    );
}

#[test]
fn quantities_have_units() {
    let tokens = quantity("tokens", 1..=1_000_u32);
    check(&tokens, "800 tokens", "800");
    check(&tokens, "1 token", "1");
    check(
        &tokens,
        "9999 tokens",
        "1:4 the text `9999 tokens` is out of range (allowed: 1 to 1000)",
    );
    let wrong = |found: &str, help: &str| {
        format!(
            "1:4 expected a number of tokens, found {found} (expected a number of tokens) = write `{help}`"
        )
    };
    check(&tokens, "800", &wrong("the number `800`", "800 tokens"));
    check(&tokens, "80 words", &wrong("the text `80 words`", "80 tokens"));
    check(
        &tokens,
        "many tokens",
        &wrong("the text `many tokens`", "800 tokens"),
    );
}

#[test]
fn ranges_run_upwards() {
    check(range(1..=9), "1-2", "1..=2");
    check(range(1..=9), "3", "3..=3");
    check(range(1..=9), "2-1", "1:4 the range `2-1` is empty = write `1-2`");
    check(
        range(1..=9),
        "0-3",
        "1:4 the text `0-3` is out of range (allowed: 1 to 9)",
    );
    let expected = "a number or a range such as `1-2`";
    check(
        range(1..=9),
        "1..2",
        &format!("1:4 expected {expected}, found the text `1..2` (expected {expected})"),
    );
    check(
        range(1..=9),
        "-2",
        &format!("1:4 expected {expected}, found the number `-2` (expected {expected})"),
    );
}

#[test]
fn durations_have_units() {
    check(duration, "2m30s", "SimDuration(150000000)");
    check(duration, "'7s'", "SimDuration(7000000)");
    check(duration, "0", "SimDuration(0)");
    let shape = "a duration is a number and a unit, for example `250ms`, `7s`, `2m30s` or `1h`";
    check(
        duration,
        "5",
        &format!(
            "1:4 expected a duration, found the number `5` ({shape}) = a duration has a unit: `5s` or `5ms`"
        ),
    );
    check(
        duration,
        "soon",
        &format!("1:4 expected a duration, found the text `soon` ({shape})"),
    );
    check(
        duration,
        "-5s",
        "1:4 expected a duration, found the text `-5s` (a duration cannot be negative)",
    );
    check(
        duration,
        "999d",
        "1:4 expected a duration, found the text `999d` (longer than the cap of simulated time, 180 days)",
    );
    check(
        duration,
        "99999999999999999999s",
        "1:4 expected a duration, found the text `99999999999999999999s` (longer than the cap of simulated time, 180 days)",
    );
    check(
        duration,
        "5 parsecs",
        "1:4 expected a duration, found the text `5 parsecs` (unknown unit ` parsecs`: use `us`, `ms`, `s`, `m`, `h` or `d`)",
    );
}

#[test]
fn probabilities_lie_between_zero_and_one() {
    check(probability, "0.25", "Probability(250000)");
    check(probability, "1", "Probability(1000000)");
    check(probability, "2.5%", "Probability(25000)");
    let wrong = |found: &str| {
        let help = "write a number from 0 to 1 with at most six decimals, or per cent such as `2.5%`";
        format!("1:4 expected a probability, found {found} (expected a probability) = {help}")
    };
    check(probability, "1.5", &wrong("the number `1.5`"));
    check(probability, "-0.1", &wrong("the number `-0.1`"));
    check(probability, "101%", &wrong("the text `101%`"));
    check(probability, "0.0000001", &wrong("the number `0.0000001`"));
    check(probability, ".nan", &wrong("the number `.nan`"));
    check(probability, "1e-3", &wrong("the number `1e-3`"));
    check(decimal(0.0..=2.0), "1.5", "1.5");
    check(
        decimal(0.0..=2.0),
        "3",
        "1:4 the number `3` is out of range (allowed: 0 to 2)",
    );
    check(
        decimal(0.0..=2.0),
        ".inf",
        "1:4 expected a number, found the number `.inf` (expected a number)",
    );
}

#[test]
fn words_have_a_nearest_match() {
    let lanes = [("interactive", 1), ("background", 2)];
    check(words("lane", &lanes), "background", "2");
    check(
        words("lane", &lanes),
        "interactiv",
        "1:4 unknown lane `interactiv` = did you mean `interactive`? possible: `interactive`, `background`",
    );
    check(
        words("lane", &lanes),
        "x",
        "1:4 unknown lane `x` = possible: `interactive`, `background`",
    );
    check(
        words("lane", &lanes),
        "[x]",
        "1:1 expected a word for the lane, found a list (expected a word for the lane)",
    );
    check(
        parsed("an address", str::parse::<std::net::Ipv4Addr>),
        "127.0.0.1",
        "127.0.0.1",
    );
    check(
        parsed("an address", str::parse::<std::net::Ipv4Addr>),
        "home",
        "1:4 expected an address, found the text `home` (invalid IPv4 address syntax)",
    );
}

#[test]
fn lists_report_every_item() {
    let small = || integer(0..=9_u8);
    check(list(small()), "[1, 2]", "[1, 2]");
    check(
        list(small()),
        "[10, 2, x]",
        "1:5 the number `10` is out of range (allowed: 0 to 9)\n1:12 expected a whole number, found the text `x` (expected a whole number)",
    );
    check(
        list(small()),
        "5",
        "1:4 expected a list, found the number `5` (expected a list)",
    );
    check(list_or_one(small()), "5", "[5]");
    check(list_or_one(small()), "[5, 6]", "[5, 6]");
    check(
        non_empty(small()),
        "[]",
        "1:4 expected a list with at least one entry, found a list (expected a list with at least one entry)",
    );
    check(
        list(spanned(small())),
        "[7]",
        "[Spanned { value: 7, span: Span { source: SourceId(0), start: 4, end: 5 } }]",
    );
    check(
        keyed(|key, node, out| Some((key.text.clone(), integer(0..=9)(node, out)?))),
        "{a: 1, b: 2}",
        "[(\"a\", 1), (\"b\", 2)]",
    );
    check(
        keyed(|_, node, out| boolean(node, out)),
        "{a: x, b: y}",
        "1:8 expected `true` or `false`, found the text `x` (expected `true` or `false`)\n1:14 expected `true` or `false`, found the text `y` (expected `true` or `false`) = write `true`",
    );
}

#[derive(Debug)]
#[expect(dead_code, reason = "read through Debug")]
enum Step {
    Queued,
    FileSearch(crate::units::SimDuration),
}

fn step(node: &Node, out: &mut Diagnostics) -> Option<Step> {
    let case = variant("step", &["queued", "file_search"], node, out)?;
    match case.name {
        "queued" => case.bare(Step::Queued, out),
        _ => case.value(duration, out).map(Step::FileSearch),
    }
}

#[test]
fn cases_are_words_or_maps_of_one_key() {
    check(step, "queued", "Queued");
    check(step, "{queued: }", "Queued");
    check(step, "{file_search: 4s}", "FileSearch(SimDuration(4000000))");
    check(
        step,
        "file_search",
        "1:4 `file_search` needs a value = write `file_search: ...`",
    );
    check(
        step,
        "{queued: 4s}",
        "1:13 `queued` takes no value = write `queued` alone",
    );
    check(
        step,
        "{file_serch: 4s}",
        "1:5 unknown step `file_serch` = did you mean `file_search`? possible: `queued`, `file_search`",
    );
    check(
        step,
        "{queued: , file_search: 4s}",
        "1:15 expected one key that names the step, found 2 (one too many) = possible: `queued`, `file_search`; several of them make a list",
    );
    check(
        step,
        "{}",
        "1:4 expected one key that names the step, found 0 (is empty) = possible: `queued`, `file_search`; several of them make a list",
    );
    check(
        step,
        "[queued]",
        "1:1 expected a word or a map of one key for the step, found a list (expected a word or a map of one key for the step)",
    );
}

#[derive(Debug)]
#[expect(dead_code, reason = "read through Debug")]
struct Task {
    id: String,
    nth: Option<u32>,
    seen: bool,
}

fn task(node: &Node, out: &mut Diagnostics) -> Option<Task> {
    let mut map = map(node, out)?;
    let id = map.required("id", word);
    let nth = map.optional("nth", integer(1..=9));
    let seen = map.or("seen", false, boolean);
    map.finish();
    Some(Task {
        id: id?,
        nth: nth?,
        seen: seen?,
    })
}

#[test]
fn maps_report_everything_at_once() {
    check(task, "{id: a}", "Task { id: \"a\", nth: None, seen: false }");
    check(
        task,
        "{id: a, nth: 2, seen: true}",
        "Task { id: \"a\", nth: Some(2), seen: true }",
    );
    check(task, "{}", "1:1 the key `id` is missing (has no `id`)");
    check(
        task,
        "{nth: 0, seen: 5, colour: red}",
        "1:1 the key `id` is missing (has no `id`)\n1:10 the number `0` is out of range (allowed: 1 to 9)\n1:19 expected `true` or `false`, found the number `5` (expected `true` or `false`)\n1:22 unknown key `colour` = known keys: `id`, `nth`, `seen`",
    );
    check(
        task,
        "{id: a, sen: true}",
        "1:12 unknown key `sen` = did you mean `seen`? known keys: `id`, `nth`, `seen`",
    );
    check(task, "[]", "1:4 expected a map, found a list (expected a map)");
}

#[test]
fn what_follows_from_a_mistake_is_not_reported() {
    check(
        task,
        "{Id: a}",
        "1:5 the key `id` is missing (is this meant to be it?) = write `id` instead of `Id`",
    );
    check(
        task,
        "{id: !x a}",
        "1:9 tags such as `!x` are not used = remove the tag; a case with a value is written `case: value`",
    );
    check(
        list(task),
        "[{id: 5}, {id: b}]",
        "1:10 expected a text, found the number `5` (expected a text) = put it into quotes: `\"5\"`",
    );
}

#[test]
fn a_broken_value_is_reported_once_however_often_it_is_named() {
    check(
        list(task),
        "[&t {id: a, nth: x}, *t, *t]",
        "1:21 expected a whole number, found the text `x` (expected a whole number)",
    );
}

fn either(node: &Node, out: &mut Diagnostics) -> Option<&'static str> {
    let mut map = map(node, out)?;
    let found = map.one_of(&["reply", "delay"]);
    map.finish();
    found.map(|(key, _)| key)
}

#[test]
fn keys_can_exclude_each_other() {
    check(either, "{delay: 1s}", "\"delay\"");
    check(either, "{}", "1:1 one of the keys `reply`, `delay` is missing");
    check(
        either,
        "{delay: 1s, reply: 2}",
        "1:5 `delay` and `reply` exclude each other = keep one of them",
    );
}

#[test]
fn a_part_of_a_text_has_its_own_place() {
    let part = |node: &Node, out: &mut Diagnostics| {
        string(node, out)?;
        Some((node.within(2..5).start, node.within(2..5).end))
    };
    check(part, "a or b", "(5, 8)");
    check(part, "'a or b'", "(6, 9)");
    check(part, "\"a\\x20or b\"", "(3, 14)");
}
