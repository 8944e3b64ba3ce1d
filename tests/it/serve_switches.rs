//! `lanebench serve --switch`: every switch, set on the command line, as a client meets it.

use std::process::Command;

use crate::serve::{exchange, start};

/// Sends a request and gives status and body.
fn ask(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let reply = exchange(address, method, path, body);
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply)
}

/// Makes a background response and gives its id.
fn make(address: &str, more: &str) -> String {
    let body = format!(r#"{{"model":"gpt-5","input":"hello","background":true{more}}}"#);
    let (status, reply) = ask(address, "POST", "/v1/responses", &body);
    assert_eq!(status, 200, "{reply}");
    let (_, rest) = reply.split_once("\"id\":\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// Reads a response until it has ended.
fn ended(address: &str, id: &str) {
    for _ in 0..10_000 {
        let (_, reply) = ask(address, "GET", &format!("/v1/responses/{id}"), "");
        if reply.contains(r#""status":"completed""#) {
            return;
        }
    }
    panic!("{id} does not end");
}

#[test]
fn what_the_service_does_with_requests_follows_its_switches() {
    let others = [
        "bg_store_false=refused",
        "cancel_completed=unchanged",
        "delete_object=response",
        "get_after_delete=bad_request",
        "delete_in_flight=stops",
        "stream_close=connection",
        "edge_headers=sent",
        "request_id_header=dropped",
    ];
    let mut args = vec!["--port", "0", "--time-scale", "20"];
    others.iter().for_each(|other| args.extend(["--switch", other]));
    let (_other, changed) = start(&args);
    let (_usual, usual) = start(&["--port", "0", "--time-scale", "20"]);
    for (address, is_changed) in [(&*usual, false), (&*changed, true)] {
        let by = |usual: u16, other: u16| if is_changed { other } else { usual };
        let unstored = r#"{"model":"gpt-5","input":"hello","background":true,"store":false}"#;
        let (status, reply) = ask(address, "POST", "/v1/responses", unstored);
        assert_eq!(status, by(200, 400), "{reply}");
        assert_eq!(reply.contains("x-request-id"), !is_changed, "{reply}");
        assert_eq!(reply.contains("cf-ray: "), is_changed, "{reply}");
        let id = make(address, "");
        ended(address, &id);
        let path = format!("/v1/responses/{id}");
        assert_eq!(
            ask(address, "POST", &format!("{path}/cancel"), "").0,
            by(400, 200)
        );
        let (_, deleted) = ask(address, "DELETE", &path, "");
        let word = if is_changed {
            "response"
        } else {
            "response.deleted"
        };
        assert!(deleted.contains(&format!(r#""object":"{word}""#)), "{deleted}");
        assert_eq!(ask(address, "GET", &path, "").0, by(404, 400));
        let running = make(address, "");
        assert_eq!(
            ask(address, "DELETE", &format!("/v1/responses/{running}"), "").0,
            by(400, 200)
        );
    }
}

#[test]
fn a_run_that_is_cancelled_ends_as_the_switches_say() {
    let (_one, usual) = start(&["--port", "0"]);
    let (_other, changed) = start(&[
        "--port",
        "0",
        "--switch",
        "cancel_output=cleared",
        "--switch",
        "ended_usage=shown",
    ]);
    let (_third, raced) = start(&[
        "--port",
        "0",
        "--time-scale",
        "5",
        "--switch",
        "cancel_race=model_wins",
    ]);
    for (address, is_changed) in [(&*usual, false), (&*changed, true), (&*raced, false)] {
        let id = make(address, "");
        let path = format!("/v1/responses/{id}");
        while !ask(address, "GET", &path, "").1.contains(r#""type":"reasoning""#) {}
        let (_, cancelled) = ask(address, "POST", &format!("{path}/cancel"), "");
        assert!(cancelled.contains(r#""status":"cancelled""#), "{cancelled}");
        assert_eq!(cancelled.contains(r#""usage":null"#), !is_changed, "{cancelled}");
        assert_eq!(cancelled.contains(r#""output":[]"#), is_changed, "{cancelled}");
        if address == raced {
            ended(address, &id);
        }
    }
}

#[test]
fn a_model_that_is_not_there_is_a_400_or_a_404() {
    for (word, status) in [("bad_request", 400), ("not_found", 404)] {
        let switch = format!("model_missing={word}");
        let scenario = "tests/sdk/every-tool.yaml";
        let (_server, address) = start(&["--port", "0", "--scenario", scenario, "--switch", &switch]);
        let body = r#"{"model":"no-such","input":"hello"}"#;
        let (got, reply) = ask(&address, "POST", "/v1/responses", body);
        assert_eq!(got, status, "{reply}");
        assert!(reply.contains(r#""code":"model_not_found""#), "{reply}");
    }
}

#[test]
fn a_switch_that_is_not_there_is_wrong_input() {
    for (switch, text) in [
        ("cancel_luck=draw", "error: unknown switch `cancel_luck`\n"),
        (
            "cancel_race=draw",
            "error: the switch `cancel_race` has no reading `draw`: possible are `cancel_wins` and `model_wins`\n",
        ),
        (
            "cancel_race",
            "error: expected `name=reading`, found `cancel_race`\n",
        ),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lanebench"));
        let ended = command
            .args(["serve", "--port", "0", "--switch", switch])
            .output()
            .unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{stderr}");
        assert!(stderr.starts_with(text), "{stderr}");
    }
}
