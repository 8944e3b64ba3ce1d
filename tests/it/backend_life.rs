//! The life cycle of responses, and what can be done to them.

use std::sync::Arc;

use super::backend_bench::{
    Bench, Wish, background, check, foreground, foreground_stream, function, hosted, mcp, message, profile,
    reasoning, script, strange_create, streamed,
};
use lanebench::backend::{Auth, Input, Output};
use lanebench::job::digest;
use lanebench::units::ExchangeKind;
use lanebench::wire::{ApiError, InputItem, Item, Reply};

fn chat() -> Bench {
    Bench::playing(&[reasoning("2s"), message("4s", 4)])
}

#[test]
fn a_background_response_is_queued_runs_and_completes() {
    let mut bench = chat();
    bench.at("0s").create(&background());
    bench
        .at("500ms")
        .poll(1)
        .at("2s")
        .poll(1)
        .at("4s")
        .poll(1)
        .at("8s")
        .poll(1);
    check(
        &bench.at("9s").timeline(),
        "0.010s create.1 r1 queued
         0.510s poll.1 r1 queued
         2.010s poll.2 r1 in_progress
         4.010s poll.3 r1 in_progress [reasoning]
         8.010s poll.4 r1 completed [reasoning, message 4]",
    );
    check(
        &bench.backend(),
        "0s r1 created
         0s r1 queued
         1s r1 in_progress
         7s r1 completed",
    );
    let done = bench.last_response();
    assert_eq!(
        (done.created_at, done.completed_at),
        (1_786_000_000, Some(1_786_000_007))
    );
    assert_eq!(
        (&*done.service_tier, done.usage.unwrap().reasoning),
        ("default", 64)
    );
}

#[test]
fn the_content_of_a_reply_is_fixed_when_the_request_is_handled() {
    let mut bench = chat();
    bench.at("0s").create(&background());
    bench.at("995ms").poll(1);
    check(
        &bench.at("2s").timeline(),
        "0.010s create.1 r1 queued
         1.005s poll.1 r1 queued",
    );
}

#[test]
fn a_foreground_response_is_replied_when_it_ended_and_can_then_be_read() {
    let mut bench = chat();
    bench.at("0s").create(&foreground());
    bench.at("3s").poll(1).cancel(1).delete(1);
    bench.at("7s").poll(1).cancel(1).stream(1, None).delete(1);
    bench.at("8s").poll(1);
    check(
        &bench.at("9s").timeline(),
        "3.010s poll.1 404 Response with id 'r1' not found.
         3.010s cancel.1 404 Response with id 'r1' not found.
         3.010s delete.1 404 Response with id 'r1' not found.
         6.010s create.1 r1 completed [reasoning, message 4]
         7.010s poll.2 r1 completed [reasoning, message 4]
         7.010s stream.1 400 This response cannot be streamed because it was not created with background=true.
         7.010s cancel.2 400 Cannot cancel a synchronous response.
         7.010s delete.2 deleted
         8.010s poll.3 404 Response with id 'r1' not found.",
    );
}

/// The place of the last output of a sort.
fn place(bench: &Bench, is_it: impl Fn(&Output) -> bool) -> usize {
    bench
        .outputs()
        .iter()
        .rposition(|(_, output)| is_it(output))
        .unwrap()
}

#[test]
fn a_foreground_response_that_is_not_stored_is_gone_with_its_reply() {
    for wish in [foreground(), foreground_stream()] {
        let mut bench = chat();
        bench.at("0s").create(&Wish { store: false, ..wish });
        bench.at("8s").poll(1);
        let text = bench.at("9s").timeline();
        assert!(text.contains("8.010s poll.1 404"), "{text}");
        let held = bench.service.held();
        assert_eq!((held.responses, held.calls), (0, 0));
        assert!(!bench.backend().contains("expired"), "it was never kept");
        // Whoever remembers what replies said has to hear of it behind the reply.
        let last_shown = place(&bench, |output| match output {
            Output::Reply { reply, .. } => matches!(reply, Reply::Response(_)),
            output => matches!(output, Output::Event { .. }),
        });
        let dropped = place(&bench, |output| matches!(output, Output::Dropped { .. }));
        assert!(dropped > last_shown, "{:?}", bench.outputs());
    }
}

#[test]
fn a_foreground_response_dies_with_its_connection_and_a_background_one_does_not() {
    for wish in [foreground(), foreground_stream()] {
        let mut bench = chat();
        bench
            .at("0s")
            .create(&wish)
            .at("1s")
            .leave(ExchangeKind::Create, 1);
        bench.at("2s").poll(1).at("3s");
        assert!(bench.timeline().contains("2.010s poll.1 404"));
        check(
            &bench.backend(),
            "0s r1 created
             0s r1 in_progress
             1s r1 cancelled",
        );
        assert_eq!(
            (bench.service.held().responses, bench.service.held().calls),
            (0, 0)
        );
    }
    let mut bench = chat();
    bench
        .at("0s")
        .create(&streamed())
        .at("1s")
        .leave(ExchangeKind::Create, 1);
    bench.at("8s").poll(1);
    let text = bench.at("9s").timeline();
    assert!(text.contains("8.010s poll.1 r1 completed"), "{text}");
    assert!(bench.wire().contains("1s gone create.1"), "{}", bench.wire());
}

#[test]
fn cancel_follows_the_matrix_of_the_contract() {
    let mut bench = chat();
    bench
        .at("0s")
        .create(&background())
        .at("500ms")
        .cancel(1)
        .at("600ms")
        .cancel(1)
        .poll(1);
    bench.at("1s").cancel(9);
    bench.at("10s").create(&background()).at("15500ms").cancel(2);
    bench
        .at("20s")
        .create(&background())
        .at("28s")
        .cancel(3)
        .at("29s")
        .poll(3);
    check(
        &bench.at("30s").timeline(),
        "0.010s create.1 r1 queued
         0.510s cancel.1 r1 cancelled
         0.610s poll.1 r1 cancelled
         0.610s cancel.2 r1 cancelled
         1.010s cancel.3 404 Response with id 'resp_unknown' not found.
         10.010s create.2 r2 queued
         15.510s cancel.4 r2 cancelled [reasoning, message 2 in_progress]
         20.010s create.3 r3 queued
         28.010s cancel.5 400 Cannot cancel a completed response.
         29.010s poll.2 r3 completed [reasoning, message 4]",
    );
    let response = bench.last_response();
    assert!(response.completed_at.is_some() && response.usage.is_some());
}

#[test]
fn a_cancel_in_the_tick_of_the_end_wins() {
    let mut bench = chat();
    bench.at("0s").create(&background()).at("7s").cancel(1);
    assert!(bench.at("8s").timeline().contains("cancel.1 r1 cancelled"));
}

#[test]
fn delete_refuses_what_still_runs() {
    let mut bench = chat();
    bench.at("0s").create(&background()).at("2s").delete(1);
    bench.at("8s").delete(1).at("9s").delete(1).poll(1).cancel(1);
    check(
        &bench.at("10s").timeline(),
        "0.010s create.1 r1 queued
         2.010s delete.1 400 Cannot delete an in-flight response.
         8.010s delete.2 deleted
         9.010s poll.1 404 Response with id 'r1' not found.
         9.010s cancel.1 404 Response with id 'r1' not found.
         9.010s delete.3 404 Response with id 'r1' not found.",
    );
    assert_eq!(bench.service.held().responses, 0);
}

#[test]
fn a_stored_response_expires_and_its_memory_is_freed() {
    let mut bench = chat();
    bench.at("0s").create(&background()).create(&foreground());
    bench.at("0s").create(&Wish {
        store: false,
        ..background()
    });
    bench.at("606999ms").poll(3).at("607s").poll(3);
    bench.at("3605999ms").poll(1).poll(2).at("3606s").poll(2).poll(1);
    // Nobody waits for an expiry: it is seen to when something else happens.
    assert_eq!(bench.finish().service.held().responses, 1);
    bench.at("9000s").poll(1).finish();
    let text = bench.timeline();
    let (_, text) = text
        .split_once("create.2 r2 completed [reasoning, message 4]\n")
        .unwrap();
    check(
        text,
        "607.009s poll.1 r3 completed [reasoning, message 4]
         607.010s poll.2 404 Response with id 'r3' not found.
         3606.009s poll.3 r1 completed [reasoning, message 4]
         3606.009s poll.4 r2 completed [reasoning, message 4]
         3606.010s poll.5 404 Response with id 'r2' not found.
         3606.010s poll.6 r1 completed [reasoning, message 4]
         9000.010s poll.7 404 Response with id 'r1' not found.",
    );
    let backend = bench.backend();
    assert!(
        backend.ends_with("607s r3 expired\n3606s r2 expired\n9000s r1 expired\n"),
        "{backend}"
    );
    let held = bench.service.held();
    assert_eq!((held.responses, held.calls, held.webhooks), (0, 0, 0));
}

#[test]
fn of_more_ended_responses_than_are_kept_those_that_would_expire_first_are_forgotten() {
    let mut profile = profile(script(&[message("1s", 4)]));
    profile.contract.kept_max = 2;
    let mut bench = Bench::new(profile);
    bench
        .at("0s")
        .create(&background())
        .at("1s")
        .create(&background());
    // The last one to end, but kept for ten minutes where the others are kept for an hour.
    bench.at("2s").create(&Wish {
        store: false,
        ..background()
    });
    bench
        .at("3500ms")
        .poll(1)
        .at("10s")
        .poll(3)
        .poll(2)
        .poll(1)
        .finish();
    let backend = bench.backend();
    let dropped: Vec<&str> = backend
        .lines()
        .filter(|line| line.contains("crowded_out"))
        .collect();
    assert_eq!(dropped.len(), 1, "{backend}");
    assert!(dropped[0].ends_with("r3 crowded_out"), "{backend}");
    assert_eq!(bench.service.held().responses, 2);
}

#[test]
fn without_the_right_key_or_with_a_bad_request_nothing_is_made() {
    let mut bench = chat();
    let wrong = Auth::Wrong {
        shown: "sk-ab***yz".into(),
    };
    for (auth, ask) in [
        (Auth::Missing, None),
        (wrong, None),
        (Auth::Granted, Some(ApiError::unknown_parameter("foo"))),
    ] {
        let (call, create) = strange_create(&background(), 1, 1);
        let ask = ask.map_or(Ok(create), |error| Err(error.into()));
        bench.push(Input::Request { call, auth, ask });
        bench.finish();
    }
    check(
        &bench.timeline().replace("-.0.0.create.1 ", ""),
        "0.010s 401 Missing bearer or basic authentication in header
         0.020001s 401 Incorrect API key provided: sk-ab***yz.
         0.030002s 400 Unknown parameter: 'foo'.",
    );
    assert_eq!(bench.backend(), "");
}

fn answers(bench: &Bench, outputs: &[(&str, &str)]) -> Wish {
    let input = outputs
        .iter()
        .map(|(call, output)| InputItem::FunctionCallOutput {
            call_id: (*call).into(),
            output: (*output).into(),
        });
    Wish {
        turn: 2,
        previous: Some(bench.id(1)),
        input: input.collect(),
        ..background()
    }
}

#[test]
fn a_tool_loop_goes_on_behind_its_calls_once_all_are_answered() {
    let mut bench = Bench::playing(&[function("1s", "a"), function("1s", "b"), message("1s", 3)]);
    bench.at("0s").create(&background()).at("5s").poll(1).at("6s");
    let calls: Vec<Arc<str>> = bench.last_response().output.iter().map(call_id).collect();
    let [a, b] = calls.as_slice() else {
        panic!("two calls")
    };
    bench.create(&answers(&bench.clone(), &[(a, "1")])).at("7s");
    bench
        .create(&answers(&bench.clone(), &[(a, "1"), (b, "2"), ("call_x", "3")]))
        .at("8s");
    bench
        .create(&answers(&bench.clone(), &[(b, "2"), (a, "1")]))
        .at("20s")
        .poll(2);
    check(
        &bench.at("21s").timeline().replace(&**b, "B"),
        "0.010s create.1 r1 queued
         5.010s poll.1 r1 completed [call a({\"id\":1}), call b({\"id\":1})]
         6.010s create.2 400 No tool output found for function call B.
         7.010s create.3 400 No tool call found for function call output with call_id call_x.
         8.010s create.4 r2 queued
         20.010s poll.2 r2 completed [message 3]",
    );
    // The whole chain is read again.
    let usage = bench.last_response().usage.unwrap();
    assert!(usage.input > 6, "{usage:?}");
}

fn call_id(item: &Item) -> Arc<str> {
    match item {
        Item::FunctionCall { call_id, .. } => call_id.clone(),
        item => panic!("no call: {item:?}"),
    }
}

#[test]
fn an_unknown_parent_is_refused_and_a_finished_script_closes_with_words() {
    let mut bench = chat();
    let unknown = Wish {
        previous: Some(bench.id(9)),
        ..background()
    };
    bench.at("0s").create(&unknown).create(&background()).at("10s");
    let next = Wish {
        turn: 2,
        previous: Some(bench.id(1)),
        ..background()
    };
    bench.create(&next).create(&next).at("20s").poll(2).poll(3);
    check(
        &bench.at("21s").timeline(),
        "0.010s create.1 400 Previous response with id 'resp_unknown' not found.
         0.010s create.2 r1 queued
         10.010s create.3 r2 queued
         10.010s create.4 r3 queued
         20.010s poll.1 r2 completed [message 12]
         20.010s poll.2 r3 completed [message 12]",
    );
}

#[test]
fn a_strangers_turn_is_the_depth_of_its_chain() {
    let mut bench = Bench::playing(&[mcp("1s", "send"), message("1s", 3)]);
    let (first, ask) = strange_create(&background(), 4, 1);
    bench.request(first, ask).at("9s");
    let (second, ask) = strange_create(&approving(&bench, true), 5, 1);
    bench.request(second, ask).at("19s").poll(2).at("20s");
    let text = bench.timeline();
    assert!(
        text.contains("poll.1 r2 completed [mcp send({\"to\":\"all\"}), message 3]"),
        "{text}"
    );
}

/// The answer to the only approval request of the first response.
fn approving(bench: &Bench, approve: bool) -> Wish {
    let mut reader = bench.clone();
    reader.poll(1).finish();
    let request = match reader.last_response().output.last() {
        Some(Item::McpApprovalRequest { id, .. }) => id.into(),
        other => panic!("no request: {other:?}"),
    };
    let reason = None;
    let answer = InputItem::McpApprovalResponse {
        approval_request_id: request,
        approve,
        reason,
    };
    Wish {
        turn: 2,
        previous: Some(bench.id(1)),
        input: vec![answer],
        ..background()
    }
}

#[test]
fn an_approved_call_is_made_by_the_service_and_a_denied_one_never() {
    let steps = [
        mcp("1s", "send"),
        hosted("1s", "file_search_call"),
        message("1s", 3),
    ];
    let mut bench = Bench::playing(&steps);
    bench.at("0s").create(&background()).at("9s");
    let mut denied = bench.clone();
    bench
        .create(&approving(&bench.clone(), true))
        .at("19s")
        .poll(2)
        .at("20s");
    let acted = digest("mail", "send", "{\"to\":\"all\"}").unwrap();
    check(
        &bench.backend(),
        &format!(
            "0s r1 created
             0s r1 queued
             1s r1 in_progress
             2s r1 completed
             9s r2 created
             9s r2 queued
             10s r2 in_progress
             10.500s r2 acted {acted}
             12.500s r2 completed"
        ),
    );
    let text = bench.timeline();
    assert!(
        text.contains("r2 completed [mcp send({\"to\":\"all\"}), file_search_call, message 3]"),
        "{text}"
    );

    denied
        .create(&approving(&denied.clone(), false))
        .at("19s")
        .poll(2)
        .at("20s");
    assert!(
        denied.timeline().contains("poll.1 r2 completed [message 3]"),
        "{}",
        denied.timeline()
    );
    assert!(!denied.backend().contains("acted"));
}

#[test]
fn answers_to_requests_that_nobody_made_and_requests_without_answers_are_refused() {
    let mut bench = Bench::playing(&[mcp("1s", "send")]);
    bench.at("0s").create(&background()).at("9s");
    let good = approving(&bench, true);
    let silent = Wish {
        input: Vec::new(),
        ..good.clone()
    };
    let mut twice = good.clone();
    twice.input.extend(good.input.clone());
    let stray = Wish {
        input: vec![InputItem::McpApprovalResponse {
            approval_request_id: "mcpr_x".into(),
            approve: true,
            reason: None,
        }],
        ..background()
    };
    bench.create(&silent).create(&twice).create(&stray).at("10s");
    let texts = bench.timeline();
    for text in [
        "create.2 400 No approval response found for approval request mcpr_",
        "create.3 400 Duplicate item found with id mcpr_",
        "create.4 400 No approval request found with id mcpr_x.",
    ] {
        assert!(texts.contains(text), "{texts}");
    }
    assert!(!bench.backend().contains("acted"));
}

#[test]
fn a_stateless_replay_needs_its_items_and_a_chained_one_must_not_repeat_them() {
    let mut bench = Bench::playing(&[mcp("1s", "send"), message("1s", 3)]);
    bench.at("0s").create(&background()).at("9s");
    let mut wish = approving(&bench, true);
    let InputItem::McpApprovalResponse {
        approval_request_id, ..
    } = wish.input[0].clone()
    else {
        panic!("an answer")
    };
    let replayed = InputItem::Replayed {
        kind: "mcp_approval_request".into(),
        id: Some(approval_request_id),
        call_id: None,
    };
    wish.input.insert(0, replayed);
    bench.create(&wish).at("10s");
    assert!(
        bench.timeline().contains("create.2 400 Duplicate item found"),
        "{}",
        bench.timeline()
    );
    wish.previous = None;
    bench.create(&wish).at("20s");
    assert!(bench.backend().contains("r2 acted"), "{}", bench.backend());
}

#[test]
fn a_cap_on_output_tokens_cuts_the_message_and_leaves_a_fitting_one_alone() {
    let mut bench = Bench::new(profile(script(&[message("4s", 100), message("1s", 5)])));
    let capped = |max| Wish {
        max_output_tokens: Some(max),
        ..background()
    };
    bench.at("0s").create(&capped(25)).at("100s").create(&capped(105));
    bench.at("200s").poll(1).poll(2).at("201s");
    check(
        &bench.timeline(),
        "0.010s create.1 r1 queued
         100.010s create.2 r2 queued
         200.010s poll.1 r1 incomplete max_output_tokens [message 25 incomplete]
         200.010s poll.2 r2 completed [message 100, message 5]",
    );
    let usage = bench.last_response().usage.unwrap();
    assert_eq!(usage.output, 105);
    assert!(
        bench.backend().contains("2s r1 incomplete max_output_tokens"),
        "{}",
        bench.backend()
    );
}

#[test]
fn an_empty_message_is_still_a_message() {
    let mut bench = Bench::playing(&[message("1s", 0)]);
    bench.at("0s").create(&background()).at("5s").poll(1);
    assert!(bench.at("6s").timeline().contains("completed [message 0]"));
}
