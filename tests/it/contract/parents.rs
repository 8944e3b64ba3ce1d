//! Statements 43 to 45 and 50: what a response takes over from the one before.

use std::sync::Arc;

use lanebench::backend::{SearchedBy, Tool, ToolEnd};
use serde_json::{Value, json};

use crate::backend_bench::{function, message};

use super::bench::{Bench, Client, Stage, holds, invalid, refused, same, shown, text};
use super::table::{Verdict, statements};
use super::tools::tool;

statements! {
    43 s43_a_call_without_its_output_is_named,
    44 s44_a_parent_gives_its_items_and_not_its_instructions,
    45 s45_two_children_of_one_parent_are_independent,
    50 s50_items_that_are_stored_are_not_sent_again,
}

/// Two parallel calls, then a message.
fn stage() -> Stage {
    Stage::of(&[
        function("1s", "look_up"),
        function("1s", "look_up"),
        message("1s", 3),
    ])
}

/// A first turn that ended.
async fn first_turn(client: &Client) -> Result<Value, String> {
    client
        .ended(&json!({"model": "gpt-5", "input": "hello", "instructions": "Be brief."}))
        .await
}

/// The id under which the call at this place is answered.
fn call(turn: &Value, place: usize) -> Result<String, String> {
    text(&turn["output"][place], "call_id")
}

fn output(call: &str) -> Value {
    json!({"type": "function_call_output", "call_id": call, "output": "{}"})
}

async fn s43_a_call_without_its_output_is_named(bench: &Bench) -> Verdict {
    let client = bench.server(stage());
    let turn = first_turn(&client).await?;
    let (one, two) = (call(&turn, 0)?, call(&turn, 1)?);
    holds("two calls share an id", one != two)?;
    for (answered, missing) in [(&one, &two), (&two, &one)] {
        let body = json!({"model": "gpt-5", "previous_response_id": turn["id"], "input": [output(answered)]});
        let given = client.post(&body).await?;
        invalid(&given, None, Some("input"))?;
        let wanted = format!("No tool output found for function call {missing}.");
        holds(
            &format!("`{wanted}` is not said: {}", shown(&given)),
            shown(&given).contains(&wanted),
        )?;
    }
    let body =
        json!({"model": "gpt-5", "previous_response_id": turn["id"], "input": [output(&two), output(&one)]});
    same("both", &client.ended(&body).await?["status"], "completed")?;
    open_search(bench).await
}

/// A search among tools by the client is a call like any other.
async fn open_search(bench: &Bench) -> Verdict {
    let search = Tool::ToolSearch {
        arguments: "{\"goal\":\"rain\"}".into(),
        tools: Arc::from([]),
        by: SearchedBy::Client,
    };
    let client = bench.server(Stage::of(&[tool(search, ToolEnd::Completed), message("1s", 3)]));
    let tools = json!([{"type": "tool_search", "execution": "client", "description": "Search.",
        "parameters": {"type": "object"}}]);
    let turn = client
        .ended(&json!({"model": "gpt-5", "input": "hello", "tools": tools}))
        .await?;
    let asked = &turn["output"][0];
    same(
        "item",
        (&asked["type"], &asked["execution"]),
        (&json!("tool_search_call"), &json!("client")),
    )?;
    let call_id = text(asked, "call_id")?;
    let next = |input: Value| json!({"model": "gpt-5", "previous_response_id": turn["id"], "tools": tools, "input": input});
    let given = client.post(&next(json!("go on"))).await?;
    invalid(&given, None, Some("input"))?;
    holds("the search is not named", shown(&given).contains(&call_id))?;
    let found = json!([{"type": "tool_search_output", "call_id": call_id, "execution": "client",
        "tools": [{"type": "function", "name": "look_up", "parameters": {"type": "object"}, "strict": true}]}]);
    same("found", &client.ended(&next(found)).await?["status"], "completed")
}

async fn s44_a_parent_gives_its_items_and_not_its_instructions(bench: &Bench) -> Verdict {
    let client = bench.server(stage());
    let unknown = json!({"model": "gpt-5", "input": "hello", "previous_response_id": "resp_x"});
    let given = client.post(&unknown).await?;
    invalid(
        &given,
        Some("previous_response_not_found"),
        Some("previous_response_id"),
    )?;
    let wanted = "Previous response with id 'resp_x' not found.";
    holds(
        &format!("`{wanted}` is not said: {}", shown(&given)),
        shown(&given).contains(wanted),
    )?;
    let turn = first_turn(&client).await?;
    same("own instructions", &turn["instructions"], "Be brief.")?;
    let outputs = [output(&call(&turn, 0)?), output(&call(&turn, 1)?)];
    let body = json!({"model": "gpt-5", "previous_response_id": turn["id"], "input": outputs});
    let next = client.ended(&body).await?;
    same("instructions", next.get("instructions"), Some(&Value::Null))?;
    same("parent", &next["previous_response_id"], &turn["id"])?;
    let tokens = |response: &Value, which: &str| response["usage"][which].as_u64().unwrap_or_default();
    let before = tokens(&turn, "total_tokens");
    holds(
        "the chain is not read again",
        tokens(&next, "input_tokens") > before && before > 0,
    )
}

async fn s45_two_children_of_one_parent_are_independent(bench: &Bench) -> Verdict {
    let client = bench.server(stage());
    let turn = first_turn(&client).await?;
    let outputs = [output(&call(&turn, 0)?), output(&call(&turn, 1)?)];
    let body =
        json!({"model": "gpt-5", "previous_response_id": turn["id"], "input": outputs, "background": true});
    let one = text(&client.create(&body).await?, "id")?;
    let two = text(&client.create(&body).await?, "id")?;
    holds("both children share an id", one != two)?;
    client.cancel(&one).await?;
    same("one", &client.until_ended(&one).await?["status"], "cancelled")?;
    let two = client.until_ended(&two).await?;
    same("the other", &two["status"], "completed")?;
    same("its item", &two["output"][0]["type"], "message")?;
    same("the parent", &client.read(&text(&turn, "id")?).await?, &turn)
}

async fn s50_items_that_are_stored_are_not_sent_again(bench: &Bench) -> Verdict {
    let client = bench.server(stage());
    let turn = first_turn(&client).await?;
    let (one, two) = (call(&turn, 0)?, call(&turn, 1)?);
    let mut input: Vec<Value> = turn["output"].as_array().cloned().unwrap_or_default();
    let id = text(&input[0], "id")?;
    input.extend([output(&one), output(&two)]);
    let mut body =
        json!({"model": "gpt-5", "previous_response_id": turn["id"], "input": input, "background": true});
    let given = client.post(&body).await?;
    invalid(&given, None, Some("input"))?;
    let wanted =
        format!("Duplicate item found with id {id}. Remove duplicate items from your input and try again.");
    holds(
        &format!("`{wanted}` is not said: {}", shown(&given)),
        shown(&given).contains(&wanted),
    )?;
    // Without the parent the same input is a whole history.
    body["previous_response_id"] = Value::Null;
    client.create(&body).await?;
    // A reference stands for a stored item, and an unknown one for none.
    let refer = |id: &str| {
        json!({"model": "gpt-5", "background": true, "input": [
        {"type": "item_reference", "id": id}, output(&one), {"role": "user", "content": "go on"}]})
    };
    let given = client.post(&refer("rs_0000")).await?;
    refused(&given, 404, "invalid_request_error", None, Some("input"))?;
    client.create(&refer(&id)).await.map(drop)
}
