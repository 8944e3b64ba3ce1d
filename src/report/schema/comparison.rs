//! Comparisons: strategies, workloads, metrics, gates.

use serde_json::{Value, json};

use super::plan::{plan, sinks, tools};
use super::scenario::{ends, fault, lanes, person};
use super::service::backend;
use super::value::{any, case, integer, list, object, of, one_or_list, words};
use crate::backend::TIERS;
use crate::sim::metric::Metric;
use crate::sim::workload::trace::Format;

/// The schema of a comparison.
pub(super) fn comparison() -> Value {
    let title = json!({ "type": "string", "pattern": "\\S", "maxLength": 120 });
    let metric = || words(Metric::ALL.iter().map(|metric| metric.word()));
    let prices = object(&[("input", number()), ("output", number())], &["input", "output"]);
    let repeats = object(
        &[
            ("min", integer(2, 100_000)),
            ("max", integer(2, 100_000)),
            ("half_width", of("probability")),
            ("round", integer(1, 100_000)),
        ],
        &[],
    );
    let mut strategies = json!({ "type": "object", "additionalProperties": strategy(), "minProperties": 2 });
    strategies["propertyNames"] = json!({ "pattern": "^[A-Za-z0-9_.-]{1,24}$" });
    object(
        &[
            ("comparison", title),
            ("hypothesis", of("text")),
            ("metric", metric()),
            ("indifference", amount()),
            ("alpha", of("probability")),
            ("policy", of("text")),
            ("kinds", of("text")),
            ("include", one_or_list(&of("text"))),
            ("sinks", sinks(&[])),
            ("tools", tools()),
            ("lanes", lanes()),
            ("backend", backend()),
            ("faults", list(&fault(), 0)),
            ("people", list(&person(), 0)),
            ("ends", ends()),
            ("workload", workload()),
            ("strategies", strategies),
            ("reference", of("name")),
            ("metrics", list(&metric(), 0)),
            ("worst", of("duration")),
            ("spinner", of("duration")),
            (
                "prices",
                json!({ "type": "object", "additionalProperties": prices }),
            ),
            ("replications", repeats),
            ("sweep", sweep()),
            (
                "regret",
                object(&[("decisions", integer(1, 10_000))], &["decisions"]),
            ),
            ("gates", list(&gate(&metric()), 1)),
        ],
        &[
            "comparison",
            "metric",
            "policy",
            "kinds",
            "workload",
            "strategies",
        ],
    )
}

fn number() -> Value {
    json!({ "type": "number", "minimum": 0 })
}

/// So much of a metric: a share, a length of time, or a number.
fn amount() -> Value {
    any(&[of("probability"), of("duration"), number()])
}

fn sweep() -> Value {
    let value = any(&["string", "number", "boolean"].map(|kind| json!({ "type": kind })));
    let over = list(&value, 2);
    object(&[("vary", of("text")), ("over", over)], &["vary", "over"])
}

fn workload() -> Value {
    let every = ("every", of("duration"));
    let arrivals = any(&[
        case("poisson", &object(std::slice::from_ref(&every), &["every"])),
        case(
            "renewal",
            &object(&[every.clone(), ("cv2", number())], &["every", "cv2"]),
        ),
        case(
            "bursts",
            &list(
                &object(&[every.clone(), ("lasts", of("duration"))], &["lasts"]),
                1,
            ),
        ),
        case(
            "daily",
            &object(&[every, ("hours", list(&number(), 24))], &["every", "hours"]),
        ),
    ]);
    let target = |key: &'static str| (key, of("duration"));
    let targets = object(
        &[target("acknowledged"), target("first_output"), target("result")],
        &[],
    );
    let mut sort = vec![
        ("kind", of("name")),
        ("share", of("probability")),
        ("id", of("name")),
        ("targets", targets),
        ("attributes", of("attributes")),
        ("requester", of("name")),
    ];
    sort.extend(plan());
    let client = object(
        &[("rates", of("text")), ("sizes", of("text"))],
        &["rates", "sizes"],
    );
    let tokens = object(
        &[
            ("base", of("duration")),
            ("prefill", number()),
            ("decode", number()),
        ],
        &["prefill", "decode"],
    );
    let tenants = json!({ "type": "object", "additionalProperties": of("probability"), "minProperties": 1 });
    let mut workload = object(
        &[
            ("arrivals", arrivals),
            ("trace", trace()),
            ("clients", list(&client, 1)),
            ("tokens", tokens),
            ("assign", words(["chance", "input", "output"])),
            ("length", of("duration")),
            ("warm_up", any(&[of("duration"), words(["mser-5"])])),
            ("mix", list(&object(&sort, &["kind", "share"]), 1)),
            ("tenants", tenants),
        ],
        &["length", "mix"],
    );
    let one = ["arrivals", "trace", "clients"].map(|key| json!({ "required": [key] }));
    workload["oneOf"] = json!(one);
    workload
}

fn trace() -> Value {
    let at = any(&["timestamp", "seconds", "millis"].map(|kind| case(kind, &of("text"))));
    let column = |key: &'static str| (key, of("text"));
    let csv = object(
        &[
            ("at", at),
            column("input"),
            column("output"),
            column("session"),
            column("images"),
            column("took"),
        ],
        &["at", "input", "output"],
    );
    object(
        &[
            ("file", of("text")),
            ("format", any(&[words(Format::WORDS), case("csv", &csv)])),
            ("rows", json!({ "type": "integer", "minimum": 1 })),
            ("blocks", of("duration")),
            ("jitter", of("duration")),
            ("pace", number()),
            ("failed", words(["keep", "leave_out"])),
        ],
        &["file", "format"],
    )
}

fn strategy() -> Value {
    let keys = |keys: &[(&str, Value)]| {
        let required: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
        object(keys, &required)
    };
    let over = || ("over", of("duration"));
    let edf = object(&[("error", number()), ("without", of("duration"))], &["error"]);
    let lanes_on = ["interactive", "background", "approval"].map(|lane| (lane, words(TIERS)));
    let bare = ["policy", "all_interactive", "all_background", "all_approval"];
    let full = object(
        &[
            ("policy", any(&[of("text"), json!({ "type": "null" })])),
            ("all_interactive", json!({ "type": "null" })),
            ("all_background", json!({ "type": "null" })),
            ("all_approval", json!({ "type": "null" })),
            ("random", keys(&[("interactive", of("probability"))])),
            ("hand_over", keys(&[("after", of("duration"))])),
            ("predicted_duration", keys(&[over(), ("error", number())])),
            ("spill", keys(&[("above", of("probability"))])),
            (
                "quoted_wait",
                keys(&[("over", of("law")), ("service", of("duration"))]),
            ),
            ("edf", edf),
            ("tiers", object(&lanes_on, &[])),
            (
                "risk_tiers",
                list(&keys(&[("when", of("text")), ("quorum", integer(1, 100))]), 1),
            ),
            ("approval_windows", keys(&[("every", of("duration"))])),
            ("hedged", keys(&[("after", of("duration"))])),
            ("bandit", object(&[("explore", of("probability"))], &[])),
            ("shed", keys(&[("waiting", integer(0, 1_000_000))])),
            ("program", list(&of("text"), 1)),
            ("oracle", keys(&[over()])),
        ],
        &[],
    );
    let mut full = full;
    full["minProperties"] = json!(1);
    full["maxProperties"] = json!(1);
    any(&[words(bare), full])
}

fn gate(metric: &Value) -> Value {
    let mut gate = object(
        &[
            ("strategy", of("name")),
            ("metric", metric.clone()),
            ("at_least", amount()),
            ("at_most", amount()),
            ("no_worse_than", of("name")),
            ("by", amount()),
        ],
        &["metric"],
    );
    gate["oneOf"] = json!([
        { "required": ["at_least"] },
        { "required": ["at_most"] },
        { "required": ["no_worse_than"] },
    ]);
    gate["dependentRequired"] = json!({ "by": ["no_worse_than"] });
    gate
}
