//! Statements 42, 52, 53, 57 and 58: faults, what they leave in the log, notices of ends, and time.

use lanebench::backend::StepWork;
use lanebench::fault::{Fault, FaultRule, Place, Select, Target};
use lanebench::rng::Seed;
use lanebench::units::ExchangeKind;
use lanebench::wire::{ApiError, Wait};
use serde_json::{Value, json};

use crate::backend_bench::{always, constant, first, function, message, step};

use super::bench::{Bench, Client, Given, Stage, asked, holds, ok, same, shown, text, types_of};
use super::table::{Verdict, statements};

statements! {
    42 s42_an_incomplete_response_says_so_everywhere,
    52 s52_every_fault_of_a_reply_can_be_scripted,
    53 s53_the_log_counts_runs_and_not_requests,
    57 s57_only_background_runs_send_webhooks,
    58 s58_time_is_controlled_and_chance_is_seeded,
}

fn request() -> Value {
    json!({"model": "gpt-5", "input": "hello", "background": true})
}

async fn s42_an_incomplete_response_says_so_everywhere(bench: &Bench) -> Verdict {
    let client = bench.server(Stage::of(&[message("2s", 60)]));
    let mut body = request();
    body["max_output_tokens"] = 16.into();
    let events = client.streamed(&body).await?;
    let last = events.last().ok_or("no event came")?;
    same(
        "last event",
        types_of(&events).last(),
        Some(&"response.incomplete"),
    )?;
    let ended = &last["response"];
    same("status", &ended["status"], "incomplete")?;
    same(
        "reason",
        &ended["incomplete_details"],
        &json!({"reason": "max_output_tokens"}),
    )?;
    same("item", &ended["output"][0]["status"], "incomplete")?;
    holds("no usage", ended["usage"]["output_tokens"] == 16)?;
    let types = types_of(&events);
    let order = [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
    ];
    let tail: Vec<&str> = types[types.len().saturating_sub(4)..].to_vec();
    same("order", tail[..3].to_vec(), order.to_vec())?;
    same(
        "done item",
        &events[events.len() - 2]["item"]["status"],
        "incomplete",
    )?;
    let read = client.read(&text(ended, "id")?).await?;
    same(
        "GET",
        (&read["status"], &read["output"]),
        (&ended["status"], &ended["output"]),
    )?;
    cut_thought(bench).await?;
    cut_call(bench).await
}

/// A cap counts what the model thinks as well as what it says.
async fn cut_thought(bench: &Bench) -> Verdict {
    let steps = [step("1s", StepWork::Reasoning), message("2s", 60)];
    for (cap, said) in [(16, None), (100, Some(36))] {
        let client = bench.server(Stage::of(&steps));
        let body = json!({"model": "gpt-5", "input": "hello", "max_output_tokens": cap});
        let ended = client.create(&body).await?;
        same("status under a cap", &ended["status"], "incomplete")?;
        let usage = &ended["usage"];
        same("usage under a cap", &usage["output_tokens"], &json!(cap))?;
        let thought = &usage["output_tokens_details"]["reasoning_tokens"];
        same("thought", thought, &json!(cap.min(64)))?;
        let words = ended["output"][1]["content"][0]["text"].as_str();
        let count = words.map(|words| words.split_whitespace().count());
        // The text of a message that is cut ends within a word.
        holds(
            &format!("{count:?} words under a cap of {cap}"),
            count.is_none_or(|count| said.is_some_and(|said| count.abs_diff(said) <= 1))
                && count.is_some() == said.is_some(),
        )?;
    }
    Ok(())
}

/// A call of a function can be what is cut off: then its arguments are no JSON any more.
async fn cut_call(bench: &Bench) -> Verdict {
    let reason = "content_filter".into();
    let stage = Stage::of(&[function("1s", "look_up")]);
    let client = bench.server(stage.with(always(Target::Response, Fault::Incomplete { reason })));
    let events = client.streamed(&request()).await?;
    let ended = &events.last().ok_or("no event came")?["response"];
    same("status of the response", &ended["status"], "incomplete")?;
    let call = &ended["output"][0];
    same(
        "cut call",
        (&call["type"], &call["status"]),
        (&json!("function_call"), &json!("incomplete")),
    )?;
    let arguments = text(call, "arguments")?;
    holds(
        "the arguments are whole",
        serde_json::from_str::<Value>(&arguments).is_err(),
    )?;
    let done = &events[events.len() - 2];
    same("its end", &done["item"], call)
}

/// What the first create meets under this fault, and what the second does.
async fn met(bench: &Bench, fault: Fault) -> Result<(Client, Result<Given, String>), String> {
    let client = bench.server(Stage::default().with(first(ExchangeKind::Create, fault)));
    let given = client.post(&request()).await;
    ok(&client.post(&request()).await?)?;
    Ok((client, given))
}

async fn s52_every_fault_of_a_reply_can_be_scripted(bench: &Bench) -> Verdict {
    let plain = ApiError::of_status;
    let errors = [
        (plain(408), None),
        (plain(409), None),
        (plain(500), None),
        (plain(503), None),
        (ApiError::rate_limited(None), None),
        (
            ApiError::rate_limited(Some(Wait::Seconds(7))),
            Some(("retry-after", "7")),
        ),
        (
            ApiError::rate_limited(Some(Wait::Millis(250))),
            Some(("retry-after-ms", "250")),
        ),
        (
            ApiError::rate_limited(Some(Wait::Date(1_786_000_060))),
            Some(("retry-after", "Thu, 06 Aug 2026 07:07:40 GMT")),
        ),
        (ApiError::quota_exhausted(), None),
        (
            plain(500).with_should_retry(false),
            Some(("x-should-retry", "false")),
        ),
        (
            plain(400).with_should_retry(true),
            Some(("x-should-retry", "true")),
        ),
    ];
    for (error, told) in errors {
        let (_, given) = met(bench, Fault::Reply(error.clone())).await?;
        let given = given?;
        let body: Value = serde_json::from_slice(&given.body).unwrap_or_default();
        let got = (
            given.status,
            body["error"]["type"].as_str(),
            body["error"]["code"].as_str(),
        );
        same(
            "error",
            got,
            (error.http, Some(&*error.kind), error.code.as_deref()),
        )?;
        for name in ["retry-after", "retry-after-ms", "x-should-retry"] {
            let value = given.headers.get(name).and_then(|value| value.to_str().ok());
            let wanted = told.filter(|(told, _)| *told == name).map(|(_, value)| value);
            same(&format!("`{name}` of {}", error.http), value, wanted)?;
        }
    }
    let (_, page) = met(bench, Fault::Reply(ApiError::page(502))).await?;
    let page = page?;
    let kind = page
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    same(
        "page",
        (page.status, kind),
        (502, Some("text/html; charset=utf-8")),
    )?;
    holds(
        &format!("no page: {}", shown(&page)),
        page.body.starts_with(b"<html>"),
    )?;
    for place in [Place::Handling, Place::Reply] {
        let before = bench.clock.now();
        let client = bench.server(Stage::default().with(first(
            ExchangeKind::Create,
            Fault::Delay {
                place,
                law: constant("9s"),
            },
        )));
        ok(&client.post(&request()).await?)?;
        let took = bench.clock.now().since(before).ticks() / 1_000_000;
        same("delay in seconds", took, 9)?;
    }
    for (fault, made) in [(Fault::ResetBefore, 1), (Fault::ResetAfter, 2)] {
        let (client, given) = met(bench, fault).await?;
        holds("the reset left a reply", given.is_err())?;
        same("runs behind a reset", client.mock.seen().runs_made(), made)?;
    }
    Ok(())
}

async fn s53_the_log_counts_runs_and_not_requests(bench: &Bench) -> Verdict {
    let lost = FaultRule {
        target: Target::Exchange(ExchangeKind::Create),
        select: Select {
            nth: Some((1, 2)),
            ..Select::default()
        },
        fault: Fault::ResetAfter,
    };
    let client = bench.server(Stage::default().with(lost));
    for _ in 0..2 {
        holds("the reset left a reply", client.post(&request()).await.is_err())?;
    }
    let made = client.create(&request()).await?;
    client.post(&json!({"model": "gpt-5", "colour": 1})).await?;
    client.read(&text(&made, "id")?).await?;
    let log = client.mock.seen();
    same("requests", log.iter().len(), 5)?;
    same("runs", log.runs_made(), 3)?;
    // Those that nobody was told of are there all the same.
    for id in log.runs() {
        same(
            "a run of its own",
            &client.read(&id.0.text()).await?["id"],
            &json!(id),
        )?;
    }
    Ok(())
}

async fn s57_only_background_runs_send_webhooks(bench: &Bench) -> Verdict {
    let fail = |fault| FaultRule {
        target: Target::Response,
        select: Select {
            nth: Some((2, 2)),
            ..Select::default()
        },
        fault,
    };
    for (fault, kind) in [
        (
            Fault::Fail {
                code: "server_error".into(),
                at_step: 0,
            },
            "response.failed",
        ),
        (
            Fault::Incomplete {
                reason: "content_filter".into(),
            },
            "response.incomplete",
        ),
    ] {
        let (client, inbox) = bench.watched(Stage::default().with(fail(fault)));
        client
            .create(&json!({"model": "gpt-5", "input": "hello"}))
            .await?;
        client.wait("10s").await;
        same("behind a foreground run", inbox.kinds(), Vec::<String>::new())?;
        client.ended(&request()).await?;
        client.wait("10s").await;
        same("behind a background run", inbox.kinds(), [kind])?;
    }
    let (client, inbox) = bench.watched(Stage::default());
    let done = client.ended(&request()).await?;
    let left = client.create(&request()).await?;
    client.cancel(&text(&left, "id")?).await?;
    client.wait("10s").await;
    same(
        "completed, then cancelled",
        inbox.kinds(),
        ["response.completed", "response.cancelled"],
    )?;
    let named: Vec<Value> = inbox
        .all()
        .iter()
        .map(|(_, body)| serde_json::from_slice::<Value>(body).unwrap_or_default()["data"]["id"].clone())
        .collect();
    same("named", named, [done["id"].clone(), left["id"].clone()])
}

async fn s58_time_is_controlled_and_chance_is_seeded(bench: &Bench) -> Verdict {
    let of = |seed: u64| {
        bench.server(Stage {
            seed: Seed(seed),
            ..Stage::default()
        })
    };
    let play = async |client: &Client| {
        let body = json!({"model": "gpt-5", "input": "hello", "stream": true});
        client
            .send(asked("POST", "/v1/responses", &body.to_string()))
            .await
    };
    let bare = |given: Given| {
        let text = String::from_utf8_lossy(&given.body).into_owned();
        // Civil time goes on; everything else is fixed.
        let lines = text.lines().map(|line| match line.split_once("\"created_at\":") {
            Some((head, rest)) => {
                let tail = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
                format!(
                    "{head}{}",
                    tail.split("\"completed_at\":").next().unwrap_or_default()
                )
            }
            None => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let one = play(&of(7)).await?;
    let two = play(&of(7)).await?;
    let other = play(&of(8)).await?;
    same(
        "request ids",
        one.headers.get("x-request-id"),
        two.headers.get("x-request-id"),
    )?;
    let (one, two, other) = (bare(one), bare(two), bare(other));
    holds("no padding", one.contains("\"obfuscation\""))?;
    holds("the same seed plays otherwise", one == two)?;
    holds("another seed plays the same", one != other)?;
    // Hours of retention pass in no time.
    let mut stage = Stage::default();
    stage.profile.retention = "3h".parse().unwrap_or_default();
    let client = bench.server(stage);
    let id = text(&client.ended(&request()).await?, "id")?;
    let (began, spent) = (std::time::Instant::now(), "179m");
    client.wait(spent).await;
    client.read(&id).await?;
    client.wait("2m").await;
    same(
        "expired",
        client.get(&format!("/v1/responses/{id}")).await?.status,
        404,
    )?;
    holds("the time was real", began.elapsed().as_secs() < 600)
}
