//! Both readings of every point that the contract leaves open, apart from those that a statement plays.

use lanebench::backend::{
    CancelOutput, CancelRace, DeleteInFlight, DeleteObject, EndedUsage, GetAfterDelete, ModelMissing, Models,
    RequestIds, SwitchError, Switches,
};
use lanebench::clock::Pace;
use serde_json::{Value, json};

use super::bench::{Bench, Client, Stage, holds, invalid, ok, same, text};
use super::table::Verdict;

/// A server of this reading.
fn reading(bench: &Bench, set: impl FnOnce(&mut Switches)) -> Client {
    let mut stage = Stage::default();
    set(&mut stage.profile.contract.switches);
    stage.options = stage.options.of(&stage.profile.contract);
    bench.server(stage)
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
            let client = reading(bench, |switches| switches.cancel_race = race);
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
            let client = reading(bench, |switches| switches.cancel_output = output);
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
            let client = reading(bench, |switches| switches.ended_usage = usage);
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
            let mut stage = Stage::default();
            stage.profile.contract.models = Models::Usual;
            stage.profile.contract.switches.model_missing = missing;
            let given = bench
                .server(stage)
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
            let client = reading(bench, |switches| {
                switches.delete_object = object;
                switches.get_after_delete = after;
            });
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
            let client = reading(bench, |switches| switches.delete_in_flight = in_flight);
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
            let client = reading(bench, |switches| switches.request_ids = ids);
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
