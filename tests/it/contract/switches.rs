//! Both readings of every point that the contract leaves open, apart from those that a statement plays.

use lanebench::backend::{
    CancelOutput, CancelRace, DeleteInFlight, DeleteObject, EdgeHeaders, EndedUsage, GetAfterDelete,
    ModelMissing, RequestIds, SwitchError, Switches,
};
use lanebench::clock::Pace;
use serde_json::{Value, json};

use super::bench::{Bench, Client, asked, holds, invalid, ok, same, text};
use super::table::Verdict;
use super::yaml::stage;

/// Which cursors of a stream of nine seconds are taken after a while.
async fn taken(client: &Client, wait: &str) -> Result<(String, u64), String> {
    let mut body = request();
    body["stream"] = true.into();
    let events = client
        .events(asked("POST", "/v1/responses", &body.to_string()))
        .await?;
    let id = text(&events[0]["response"], "id")?;
    client.wait(wait).await;
    let mut shown = String::new();
    for cursor in 0..=events.len() {
        let path = format!("/v1/responses/{id}?stream=true&starting_after={cursor}");
        let given = client.send(asked("GET", &path, "")).await?;
        if given.status == 400 {
            invalid(&given, None, None)?;
        }
        shown.push(if given.status == 200 { 'o' } else { '-' });
    }
    same(
        "plain GET",
        client.get(&format!("/v1/responses/{id}")).await?.status,
        200,
    )?;
    Ok((shown, events.len() as u64))
}

#[test]
fn the_window_of_a_stream_counts_from_its_response_or_from_each_event() {
    check(async |bench| {
        let all = |mark: &str, count: u64| mark.repeat(usize::try_from(count).unwrap() + 1);
        let client = bench.server(stage("resume_window: 10s"));
        let (shown, count) = taken(&client, "0s").await?;
        same("in time", shown, all("o", count))?;
        let (shown, count) = taken(&client, "5s").await?;
        same("too late", shown, all("-", count))?;
        let client = bench.server(stage("resume_window: { of_event: 10s }"));
        let (shown, count) = taken(&client, "0s").await?;
        same("each in time", shown, all("o", count))?;
        let (shown, count) = taken(&client, "5s").await?;
        let fresh = shown.trim_start_matches('-');
        holds(
            &format!("the first too late, the last in time: {shown}"),
            shown.len() as u64 == count + 1
                && (1..shown.len()).contains(&fresh.len())
                && !fresh.contains('-'),
        )?;
        let (shown, count) = taken(&client, "20s").await?;
        // Behind the last event nothing is asked for that could be too old.
        same(
            "none but the end",
            shown,
            format!("{}oo", "-".repeat(usize::try_from(count).unwrap() - 1)),
        )
    });
}

/// A server with these readings, written as users write them.
fn reading(bench: &Bench, switches: &[(&str, &str)]) -> Client {
    let set: Vec<String> = switches
        .iter()
        .map(|(name, word)| format!("{name}: {word}"))
        .collect();
    bench.server(stage(&format!("switches: {{ {} }}", set.join(", "))))
}

#[track_caller]
fn check(check: impl AsyncFnOnce(&Bench) -> Verdict) {
    let played = lanebench::clock::run(Pace::Virtual, async |clock| check(&Bench::new(clock, None)).await);
    played.unwrap().unwrap();
}

fn request() -> Value {
    json!({"model": "gpt-5", "input": "hello", "background": true})
}

#[test]
fn a_cancel_that_meets_a_run_wins_or_loses() {
    check(async |bench| {
        for (race, end) in [
            (CancelRace::CancelWins, "cancelled"),
            (CancelRace::ModelWins, "completed"),
        ] {
            let client = reading(bench, &[("cancel_race", race.word())]);
            let id = text(&client.create(&request()).await?, "id")?;
            client.wait("2s").await;
            same("reply", &ok(&client.cancel(&id).await?)?["status"], "cancelled")?;
            client.wait("20s").await;
            same("end", &client.read(&id).await?["status"], end)?;
        }
        Ok(())
    });
}

#[test]
fn a_cancelled_response_keeps_its_output_or_loses_it() {
    check(async |bench| {
        for (output, items) in [(CancelOutput::Kept, 2), (CancelOutput::Cleared, 0)] {
            let client = reading(bench, &[("cancel_output", output.word())]);
            let id = text(&client.create(&request()).await?, "id")?;
            client.wait("5s").await;
            let cancelled = ok(&client.cancel(&id).await?)?;
            same("items", cancelled["output"].as_array().map(Vec::len), Some(items))?;
        }
        Ok(())
    });
}

#[test]
fn usage_of_a_cancelled_response_is_absent_or_shown() {
    check(async |bench| {
        for (usage, shown) in [(EndedUsage::Absent, false), (EndedUsage::Shown, true)] {
            let client = reading(bench, &[("ended_usage", usage.word())]);
            let id = text(&client.create(&request()).await?, "id")?;
            client.wait("5s").await;
            same(
                "usage",
                ok(&client.cancel(&id).await?)?["usage"].is_object(),
                shown,
            )?;
        }
        Ok(())
    });
}

#[test]
fn an_unknown_model_is_a_400_or_a_404() {
    check(async |bench| {
        for (missing, status) in [(ModelMissing::BadRequest, 400), (ModelMissing::NotFound, 404)] {
            let backend = format!("models: usual\nswitches: {{ model_missing: {} }}", missing.word());
            let given = bench
                .server(stage(&backend))
                .post(&json!({"model": "no-such", "input": "hello"}))
                .await?;
            same("status", given.status, status)?;
        }
        Ok(())
    });
}

#[test]
fn a_deletion_and_what_is_left_of_it_have_two_readings_each() {
    check(async |bench| {
        for (object, after, word, status) in [
            (
                DeleteObject::Deleted,
                GetAfterDelete::NotFound,
                "response.deleted",
                404,
            ),
            (
                DeleteObject::Response,
                GetAfterDelete::BadRequest,
                "response",
                400,
            ),
        ] {
            let client = reading(
                bench,
                &[
                    ("delete_object", object.word()),
                    ("get_after_delete", after.word()),
                ],
            );
            let id = text(&client.ended(&request()).await?, "id")?;
            let path = format!("/v1/responses/{id}");
            let gone = ok(&client.delete(&path).await?)?;
            same(
                "deletion",
                &gone,
                &json!({"id": id, "object": word, "deleted": true}),
            )?;
            same("afterwards", client.get(&path).await?.status, status)?;
            same(
                "unknown",
                client.get("/v1/responses/resp_0000").await?.status,
                404,
            )?;
        }
        Ok(())
    });
}

#[test]
fn deleting_a_run_is_refused_or_stops_it() {
    check(async |bench| {
        for in_flight in DeleteInFlight::ALL {
            let client = reading(bench, &[("delete_in_flight", in_flight.word())]);
            let id = text(&client.create(&request()).await?, "id")?;
            let given = client.delete(&format!("/v1/responses/{id}")).await?;
            let left = client.get(&format!("/v1/responses/{id}")).await?;
            match in_flight {
                DeleteInFlight::Refused => {
                    invalid(&given, None, None)?;
                    same("left", left.status, 200)?;
                }
                DeleteInFlight::Stops => {
                    same("gone", (given.status, left.status), (200, 404))?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn request_ids_are_sent_or_dropped() {
    check(async |bench| {
        for (ids, sent) in [(RequestIds::Sent, true), (RequestIds::Dropped, false)] {
            let client = reading(bench, &[("request_id_header", ids.word())]);
            let given = client.post(&request()).await?;
            same("request id", given.headers.contains_key("x-request-id"), sent)?;
            holds(
                "the version is gone",
                given.headers.contains_key("openai-version"),
            )?;
        }
        Ok(())
    });
}

#[test]
fn what_a_network_adds_is_sent_or_absent() {
    check(async |bench| {
        for (edge, sent) in [(EdgeHeaders::Absent, false), (EdgeHeaders::Sent, true)] {
            let client = reading(bench, &[("edge_headers", edge.word())]);
            let mut rays = Vec::new();
            for given in [
                client.post(&request()).await?,
                client.get("/v1/responses/resp_0000").await?,
                client.get("/v1/nothing").await?,
                client.streamed_reply().await?,
            ] {
                for name in ["cf-ray", "alt-svc", "strict-transport-security"] {
                    same(name, given.headers.contains_key(name), sent)?;
                }
                rays.extend(given.headers.get("cf-ray").cloned());
            }
            let all = rays.len();
            rays.sort_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
            rays.dedup();
            same("different rays", rays.len(), all)?;
        }
        Ok(())
    });
}

#[test]
fn a_background_response_that_is_not_stored_is_kept_or_refused() {
    check(async |bench| {
        let mut body = request();
        body["store"] = false.into();
        let kept = reading(bench, &[("bg_store_false", "kept")]);
        same("kept", &kept.ended(&body).await?["store"], false)?;
        let refused = reading(bench, &[("bg_store_false", "refused")]);
        invalid(
            &refused.post(&body).await?,
            Some("unsupported_parameter"),
            Some("background"),
        )?;
        let short = bench.server(stage("unstored_kept: 5s"));
        let id = text(&short.ended(&body).await?, "id")?;
        short.wait("6s").await;
        same(
            "gone",
            short.get(&format!("/v1/responses/{id}")).await?.status,
            404,
        )
    });
}

#[test]
fn a_completed_response_is_not_cancelled_or_given_unchanged() {
    check(async |bench| {
        for (word, status) in [("refused", 400), ("unchanged", 200)] {
            let client = reading(bench, &[("cancel_completed", word)]);
            let done = client.ended(&request()).await?;
            let given = client.cancel(&text(&done, "id")?).await?;
            same(word, given.status, status)?;
            same("afterwards", client.read(&text(&done, "id")?).await?, done)?;
        }
        Ok(())
    });
}

/// A background stream that is cancelled in its fifth second, as bytes.
async fn cancelled_stream(client: &Client) -> Result<(String, bool), String> {
    let mut body = request();
    body["stream"] = true.into();
    let id = async {
        client.wait("5s").await;
        let log = client.mock.seen();
        let made = log.runs().next().cloned();
        let id = made.ok_or("no run was made")?;
        client.cancel(&id.0.text()).await.map(drop)
    };
    let stream = client.hear(asked("POST", "/v1/responses", &body.to_string()));
    let (heard, cancelled) = tokio::join!(stream, id);
    cancelled?;
    let heard = heard?;
    Ok((
        String::from_utf8_lossy(&heard.given.body).into_owned(),
        heard.whole,
    ))
}

#[test]
fn the_stream_of_a_cancelled_response_ends_in_three_ways() {
    check(async |bench| {
        let failed = bench.server(stage("streaming: { cancelled: failed }"));
        let (text, whole) = cancelled_stream(&failed).await?;
        let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
        holds(last, whole && last.starts_with("event: response.failed\n"))?;
        holds(last, last.contains("\"status\":\"cancelled\""))?;
        let silent = bench.server(stage("streaming: { cancelled: silent }"));
        let (text, whole) = cancelled_stream(&silent).await?;
        let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
        holds(
            last,
            !whole && last.starts_with("event: response.output_text.delta\n"),
        )?;
        holds("not between two events", text.ends_with("\n\n"))?;
        let runs_on = bench.server(stage("switches: { cancel_race: model_wins }"));
        let (text, whole) = cancelled_stream(&runs_on).await?;
        let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
        holds(last, whole && last.starts_with("event: response.completed\n"))
    });
}

#[test]
fn streams_are_as_the_file_says_to_the_byte() {
    check(async |bench| {
        let of = async |streaming: &str, more: &str| {
            let client = bench.server(stage(&format!("streaming: {{ {streaming} }}\n{more}")));
            let mut body = request();
            body["stream"] = true.into();
            let heard = client
                .hear(asked("POST", "/v1/responses", &body.to_string()))
                .await?;
            Ok::<_, String>(String::from_utf8_lossy(&heard.given.body).into_owned())
        };
        let every = of("padding: every", "").await?;
        let deltas: Vec<&str> = every.lines().filter(|line| line.contains(".delta\",")).collect();
        same("deltas", deltas.len(), 6)?;
        let padded = |line: &&str| line.contains("\"obfuscation\":\"");
        holds("a delta is bare", deltas.iter().all(padded))?;
        holds("others are padded", every.lines().filter(padded).count() == 6)?;
        let quota = "quota: 0 tokens";
        for (streaming, events) in [
            (
                "failed: both, error: nested",
                vec![
                    "{\"type\":\"error\",\"error\":{",
                    "{\"type\":\"response.failed\",",
                ],
            ),
            (
                "failed: both, error: flat",
                vec![
                    "{\"type\":\"error\",\"code\":\"insufficient_quota\",",
                    "{\"type\":\"response.failed\",",
                ],
            ),
            ("failed: failed_only", vec!["{\"type\":\"response.failed\","]),
            ("failed: error_only", vec!["{\"type\":\"error\",\"error\":{"]),
        ] {
            let text = of(streaming, quota).await?;
            let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
            let ends: Vec<&str> = data.filter(|data| data.contains("insufficient_quota")).collect();
            same(streaming, ends.len(), events.len())?;
            for (end, event) in ends.iter().zip(events) {
                holds(&format!("{streaming}: {end}"), end.starts_with(event))?;
            }
        }
        let still = of("keepalive: 700ms", "").await?;
        holds(
            "no keepalive",
            still.contains("event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":"),
        )?;
        let gaps = of("gaps: 100%", "").await?;
        holds("no gap", !gaps.contains("\"sequence_number\":1}"))
    });
}

#[test]
fn switches_are_set_by_name_and_word() {
    let mut switches = Switches::default();
    assert_eq!(switches.parse("cancel_race=model_wins"), Ok(()));
    assert_eq!(switches.cancel_race, CancelRace::ModelWins);
    assert!(matches!(
        switches.parse("cancel_race=draw"),
        Err(SwitchError::Word {
            name: "cancel_race",
            ..
        })
    ));
    assert!(matches!(
        switches.parse("cancel_luck=draw"),
        Err(SwitchError::Name { .. })
    ));
    assert!(matches!(
        switches.parse("cancel_race"),
        Err(SwitchError::Form { .. })
    ));
}
