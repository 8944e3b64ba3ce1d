//! Statements 17 to 28: the life of background responses.

use std::sync::Arc;

use lanebench::backend::{
    BackgroundUnstored, CancelCompleted, McpError, ResumeWindow, StepWork, Tool, ToolEnd,
};
use lanebench::fault::{Fault, Target};
use serde_json::{Value, json};

use crate::backend_bench::{always, function, hosted, mcp, message, secs, step};

use super::bench::{Bench, Stage, asked, holds, invalid, ok, refused, same, text};
use super::table::{Verdict, statements};
use super::tools::tool;

statements! {
    17 s17_a_background_post_returns_before_the_run,
    18 s18_the_status_only_moves_forward,
    19 s19_an_end_shows_what_belongs_to_it,
    20 s20_a_run_outlives_its_connections,
    21 s21_a_failed_run_is_a_200,
    22 s22_cancel_stops_and_is_idempotent,
    23 s23_a_foreground_response_is_not_cancelled,
    24 s24_cancelling_a_completed_response_changes_nothing,
    25 s25_cancel_takes_any_empty_body,
    26 s26_an_unstored_background_response_expires,
    27 s27_a_turn_that_asks_ends_completed,
    28 s28_a_run_can_be_stuck_for_ever,
}

/// A background request.
fn request() -> Value {
    json!({"model": "gpt-5", "input": "hello", "background": true})
}

async fn s17_a_background_post_returns_before_the_run(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let before = client.now();
    let given = client.post(&request()).await?;
    holds(
        "the POST waits for the run",
        (client.now().since(before)).ticks() < 1_000_000,
    )?;
    let made = ok(&given)?;
    same("status", &made["status"], "queued")?;
    same("output", &made["output"], &json!([]))?;
    same("usage", made.get("usage"), Some(&Value::Null))?;
    same("completed_at", made.get("completed_at"), Some(&Value::Null))?;
    same("service_tier", &made["service_tier"], "auto")
}

async fn s18_the_status_only_moves_forward(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let id = text(&client.create(&request()).await?, "id")?;
    let order = ["queued", "in_progress", "completed"];
    let (mut last, mut seen) = (0, Vec::new());
    for _ in 0..24 {
        let found = client.read(&id).await?;
        let place = order.iter().position(|word| found["status"] == *word);
        let place = place.ok_or_else(|| format!("status {}", found["status"]))?;
        holds(
            &format!("`{}` behind `{}`", order[place], order[last]),
            place >= last,
        )?;
        last = place;
        if seen.last() != Some(&place) {
            seen.push(place);
        }
        client.wait("500ms").await;
    }
    same("states", seen, vec![0, 1, 2])
}

async fn s19_an_end_shows_what_belongs_to_it(bench: &Bench) -> Verdict {
    let done = bench.usual().ended(&request()).await?;
    same("status", &done["status"], "completed")?;
    let (created, completed) = (done["created_at"].as_u64(), done["completed_at"].as_u64());
    holds(
        "completed_at is before created_at",
        completed.is_some() && completed >= created,
    )?;
    let usage = &done["usage"];
    let sum = usage["input_tokens"]
        .as_u64()
        .zip(usage["output_tokens"].as_u64())
        .map(|(one, two)| one + two);
    holds(
        &format!("usage {usage}"),
        sum.is_some() && usage["total_tokens"].as_u64() == sum,
    )?;
    holds(
        "details of usage",
        usage["input_tokens_details"]["cached_tokens"].is_u64(),
    )?;
    holds(
        "details of usage",
        usage["output_tokens_details"]["reasoning_tokens"].is_u64(),
    )?;
    same("billing", &done["billing"], &json!({"payer": "developer"}))?;
    same("service_tier", &done["service_tier"], "default")?;
    let fault = |fault| Stage::default().with(always(Target::Response, fault));
    let failed = fault(Fault::Fail {
        code: "server_error".into(),
        at_step: 1,
    });
    let incomplete = fault(Fault::Incomplete {
        reason: "content_filter".into(),
    });
    for (status, stage) in [
        ("failed", failed),
        ("incomplete", incomplete),
        ("cancelled", Stage::default()),
    ] {
        let client = bench.server(stage);
        let id = text(&client.create(&request()).await?, "id")?;
        client.wait("4s").await;
        if status == "cancelled" {
            client.cancel(&id).await?;
        }
        let ended = client.until_ended(&id).await?;
        same("status", &ended["status"], status)?;
        same(
            &format!("completed_at while {status}"),
            ended.get("completed_at"),
            Some(&Value::Null),
        )?;
        same(
            &format!("billing while {status}"),
            ended.get("billing"),
            None::<&Value>,
        )?;
        same(
            &format!("service_tier while {status}"),
            &ended["service_tier"],
            "default",
        )?;
    }
    Ok(())
}

async fn s20_a_run_outlives_its_connections(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let mut body = request();
    let id = text(&client.create(&body).await?, "id")?;
    body["stream"] = true.into();
    // The streamed create is left when its first events have come; its id is then known.
    let began = client
        .leave(asked("POST", "/v1/responses", &body.to_string()), "2s")
        .await?;
    let streamed = began
        .first()
        .map(|event| text(&event["response"], "id"))
        .ok_or("no event came")??;
    let path = format!("/v1/responses/{streamed}?stream=true");
    client.leave(asked("GET", &path, ""), "1s").await?;
    for id in [id, streamed] {
        same("status", &client.until_ended(&id).await?["status"], "completed")?;
    }
    Ok(())
}

async fn s21_a_failed_run_is_a_200(bench: &Bench) -> Verdict {
    for code in ["server_error", "rate_limit_exceeded", "insufficient_quota"] {
        let rule = always(
            Target::Response,
            Fault::Fail {
                code: code.into(),
                at_step: 1,
            },
        );
        let client = bench.server(Stage::default().with(rule));
        let failed = client.ended(&request()).await?;
        same("status", &failed["status"], "failed")?;
        same("code", &failed["error"]["code"], code)?;
        holds("the error has no words", failed["error"]["message"].is_string())?;
        same("usage", failed.get("usage"), Some(&Value::Null))?;
    }
    Ok(())
}

async fn s22_cancel_stops_and_is_idempotent(bench: &Bench) -> Verdict {
    let client = bench.usual();
    for (moment, before) in [("100ms", "queued"), ("2s", "in_progress")] {
        let id = text(&client.create(&request()).await?, "id")?;
        client.wait(moment).await;
        same("before", &client.read(&id).await?["status"], before)?;
        let once = ok(&client.cancel(&id).await?)?;
        same("status", &once["status"], "cancelled")?;
        client.wait("20s").await;
        let again = ok(&client.cancel(&id).await?)?;
        same("second cancel", &again, &once)?;
        same("GET", &client.read(&id).await?, &once)?;
    }
    running_states(bench).await
}

/// A tool that is cut off by a cancel is shown in the state in which it was.
async fn running_states(bench: &Bench) -> Verdict {
    let search = Tool::WebSearch {
        query: "rain".into(),
        sources: Arc::from([]),
    };
    let code = Tool::CodeInterpreter {
        code: "print(1)".into(),
        logs: "1".into(),
        images: Arc::from([]),
    };
    let image = Tool::ImageGeneration {
        prompt: "rain".into(),
        image: "aGk=".into(),
        partial_images: 0,
    };
    let call = Tool::McpCall {
        server_label: "tickets".into(),
        name: "create".into(),
        arguments: "{}".into(),
        output: "done".into(),
        error: McpError::Http,
    };
    let mut body = request();
    body["tools"] = json!([{"type": "mcp", "server_label": "tickets", "server_url": "https://mcp.example.test/",
        "require_approval": "never"}]);
    let of = |made: Tool| tool(made, ToolEnd::Completed);
    for (step, state) in [
        (of(search), "searching"),
        (hosted("1s", "file_search_call"), "searching"),
        (of(code), "interpreting"),
        (hosted("1s", "code_interpreter_call"), "interpreting"),
        (of(image), "generating"),
        (of(call), "calling"),
    ] {
        let client = bench.server(Stage::of(&[step]));
        let id = text(&client.create(&body).await?, "id")?;
        client.wait("1500ms").await;
        let cut = ok(&client.cancel(&id).await?)?;
        let last = cut["output"]
            .as_array()
            .and_then(|output| output.last())
            .ok_or("no item is kept")?;
        same("state of a tool", &last["status"], state)?;
    }
    Ok(())
}

async fn s23_a_foreground_response_is_not_cancelled(bench: &Bench) -> Verdict {
    let client = bench.usual();
    let id = text(
        &client
            .create(&json!({"model": "gpt-5", "input": "hello"}))
            .await?,
        "id",
    )?;
    let given = client.cancel(&id).await?;
    invalid(&given, None, None)?;
    let body: Value = serde_json::from_slice(&given.body).unwrap_or_default();
    same(
        "message",
        &body["error"]["message"],
        "Cannot cancel a synchronous response.",
    )?;
    let unknown = client.cancel("resp_0000").await?;
    refused(&unknown, 404, "invalid_request_error", None, None)
}

async fn s25_cancel_takes_any_empty_body(bench: &Bench) -> Verdict {
    let client = bench.usual();
    for (body, length) in [("", None), ("{}", None), ("", Some("0"))] {
        let id = text(&client.create(&request()).await?, "id")?;
        let mut cancel = asked("POST", &format!("/v1/responses/{id}/cancel"), body);
        if let Some(length) = length {
            cancel
                .headers
                .push(("content-length".to_owned(), length.to_owned()));
        }
        let given = client.send(cancel).await?;
        same(
            &format!("cancel with `{body}`"),
            &ok(&given)?["status"],
            "cancelled",
        )?;
    }
    Ok(())
}

async fn s27_a_turn_that_asks_ends_completed(bench: &Bench) -> Verdict {
    for (asks, kind) in [
        (function("1s", "look_up"), "function_call"),
        (mcp("1s", "send"), "mcp_approval_request"),
    ] {
        let client = bench.server(Stage::of(&[asks, message("1s", 3)]));
        let done = client.ended(&request()).await?;
        same("status", &done["status"], "completed")?;
        same("last item", &done["output"][0]["type"], kind)?;
        same("items", done["output"].as_array().map(Vec::len), Some(1))?;
    }
    Ok(())
}

async fn s28_a_run_can_be_stuck_for_ever(bench: &Bench) -> Verdict {
    for (fault, status) in [
        (Fault::StuckQueued, "queued"),
        (Fault::StuckInProgress, "in_progress"),
    ] {
        let client = bench.server(Stage::default().with(always(Target::Response, fault)));
        let id = text(&client.create(&request()).await?, "id")?;
        client.wait("3h").await;
        same("three hours later", &client.read(&id).await?["status"], status)?;
        same("cancel", &ok(&client.cancel(&id).await?)?["status"], "cancelled")?;
    }
    // The same by a late step.
    let slow = Stage::of(&[step("2h", StepWork::Reasoning)]);
    let client = bench.server(slow);
    let id = text(&client.create(&request()).await?, "id")?;
    client.wait("1h").await;
    same(
        "within a step of two hours",
        &client.read(&id).await?["status"],
        "in_progress",
    )
}

async fn s24_cancelling_a_completed_response_changes_nothing(bench: &Bench) -> Verdict {
    for reading in CancelCompleted::ALL {
        let mut stage = Stage::default();
        stage.profile.contract.switches.cancel_completed = reading;
        let client = bench.server(stage);
        let done = client.ended(&request()).await?;
        same("status", &done["status"], "completed")?;
        let id = text(&done, "id")?;
        let given = client.cancel(&id).await?;
        match reading {
            CancelCompleted::Refused => {
                invalid(&given, None, None)?;
                let body: Value = serde_json::from_slice(&given.body).unwrap_or_default();
                same(
                    "message",
                    &body["error"]["message"],
                    "Cannot cancel a completed response.",
                )?;
            }
            CancelCompleted::Unchanged => same("cancel", &ok(&given)?, &done)?,
        }
        same("GET", &client.read(&id).await?, &done)?;
    }
    Ok(())
}

async fn s26_an_unstored_background_response_expires(bench: &Bench) -> Verdict {
    let mut body = request();
    body["store"] = false.into();
    body["stream"] = true.into();
    for reading in BackgroundUnstored::ALL {
        let mut stage = Stage::default();
        stage.profile.contract.switches.background_unstored = reading;
        stage.profile.resume_window = ResumeWindow::OfResponse(secs(3600));
        let client = bench.server(stage);
        if reading == BackgroundUnstored::Refused {
            let given = client
                .post(&json!({"model": "gpt-5", "input": "hello", "background": true, "store": false}))
                .await?;
            invalid(&given, Some("unsupported_parameter"), Some("background"))?;
            continue;
        }
        let events = client
            .events(asked("POST", "/v1/responses", &body.to_string()))
            .await?;
        let id = text(&events[0]["response"], "id")?;
        let path = format!("/v1/responses/{id}");
        client.wait("590s").await;
        same("echo", &client.read(&id).await?["store"], &json!(false))?;
        client.wait("11s").await;
        for given in [
            client.get(&path).await?,
            client.get(&format!("{path}?stream=true")).await?,
            client.cancel(&id).await?,
            client.delete(&path).await?,
        ] {
            refused(&given, 404, "invalid_request_error", None, None)?;
        }
    }
    Ok(())
}
