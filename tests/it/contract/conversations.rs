//! Endpoints beside the life of a response: conversations, counts and compaction.

use lanebench::clock::Pace;
use serde_json::{Value, json};

use super::bench::{Bench, Client, invalid, ok, refused, same, text};
use super::table::Verdict;

#[track_caller]
fn check(check: impl AsyncFnOnce(&Client) -> Verdict) {
    let played = lanebench::clock::run(Pace::Virtual, async |clock| {
        check(&Bench::new(clock, None).usual()).await
    });
    played.unwrap().unwrap();
}

fn types(list: &Value) -> Vec<String> {
    let items = list["data"].as_array().cloned().unwrap_or_default();
    items
        .iter()
        .map(|item| item["type"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_conversation_is_made_read_changed_and_deleted() {
    check(async |client| {
        let items = json!([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]);
        let made = ok(&client
            .call(
                "POST",
                "/v1/conversations",
                &json!({"metadata": {"a": "b"}, "items": items}),
            )
            .await?)?;
        let path = format!("/v1/conversations/{}", text(&made, "id")?);
        same(
            "object",
            (&made["object"], &made["metadata"]),
            (&json!("conversation"), &json!({"a": "b"})),
        )?;
        same("read", &ok(&client.get(&path).await?)?, &made)?;
        let changed = ok(&client
            .call("POST", &path, &json!({"metadata": {"c": "d"}}))
            .await?)?;
        same("changed", &changed["metadata"], &json!({"c": "d"}))?;
        let list = ok(&client.get(&format!("{path}/items?order=asc")).await?)?;
        same(
            "texts",
            (
                &list["data"][0]["content"][0]["text"],
                &list["data"][1]["content"][0]["type"],
            ),
            (&json!("one"), &json!("output_text")),
        )?;
        let more = json!({"items": [{"role": "user", "content": "three"}]});
        let added = ok(&client.call("POST", &format!("{path}/items"), &more).await?)?;
        let item = format!("{path}/items/{}", text(&added["data"][0], "id")?);
        same("one item", &ok(&client.get(&item).await?)?, &added["data"][0])?;
        same(
            "conversation",
            &ok(&client.delete(&item).await?)?["object"],
            "conversation",
        )?;
        refused(
            &client.get(&item).await?,
            404,
            "invalid_request_error",
            None,
            None,
        )?;
        let many: Vec<Value> = (0..21).map(|_| json!({"role": "user", "content": "x"})).collect();
        let given = client
            .call("POST", &format!("{path}/items"), &json!({"items": many}))
            .await?;
        invalid(&given, Some("array_above_max_length"), Some("items"))?;
        let left = text(
            &ok(&client.get(&format!("{path}/items")).await?)?["data"][0],
            "id",
        )?;
        let gone = ok(&client.delete(&path).await?)?;
        same(
            "gone",
            &gone,
            &json!({"id": made["id"], "object": "conversation.deleted", "deleted": true}),
        )?;
        refused(
            &client.get(&path).await?,
            404,
            "invalid_request_error",
            None,
            None,
        )?;
        // Its items outlive it.
        let refers = |id: &str| json!({"model": "gpt-5", "input": [{"type": "item_reference", "id": id}]});
        client.create(&refers(&left)).await?;
        same("unknown", client.post(&refers("msg_0000")).await?.status, 404)
    });
}

#[test]
fn a_conversation_grows_when_a_response_completes_and_is_locked_before() {
    check(async |client| {
        let made = ok(&client.call("POST", "/v1/conversations", &json!({})).await?)?;
        let path = format!("/v1/conversations/{}/items", text(&made, "id")?);
        let body = json!({"model": "gpt-5", "input": "hello", "background": true, "conversation": {"id": made["id"]}});
        let first = client.create(&body).await?;
        same("echo", &first["conversation"], &json!({"id": made["id"]}))?;
        same("nothing yet", types(&ok(&client.get(&path).await?)?).len(), 0)?;
        let given = client.post(&body).await?;
        invalid(&given, Some("conversation_locked"), Some("conversation"))?;
        client.until_ended(&text(&first, "id")?).await?;
        let list = ok(&client.get(&format!("{path}?order=asc")).await?)?;
        same("items", types(&list), ["message", "reasoning", "message"])?;
        // A cancelled response frees it and leaves nothing.
        let second = text(&client.create(&body).await?, "id")?;
        client.cancel(&second).await?;
        same("still", types(&ok(&client.get(&path).await?)?).len(), 3)?;
        client.create(&body).await?;
        let unknown = json!({"model": "gpt-5", "input": "hello", "conversation": "conv_0000"});
        refused(
            &client.post(&unknown).await?,
            404,
            "invalid_request_error",
            None,
            None,
        )
    });
}

#[test]
fn tokens_are_counted_as_a_run_reads_them() {
    check(async |client| {
        let body = json!({"model": "gpt-5", "input": "some words that are counted"});
        let count = ok(&client.call("POST", "/v1/responses/input_tokens", &body).await?)?;
        same("object", &count["object"], "response.input_tokens")?;
        let done = client.create(&body).await?;
        same("tokens", &count["input_tokens"], &done["usage"]["input_tokens"])?;
        let foreign = json!({"model": "gpt-5", "input": "x", "background": true});
        let given = client
            .call("POST", "/v1/responses/input_tokens", &foreign)
            .await?;
        invalid(&given, Some("unknown_parameter"), Some("background"))
    });
}

#[test]
fn a_compaction_keeps_user_messages_and_can_be_sent_back() {
    check(async |client| {
        let done = client
            .create(&json!({"model": "gpt-5", "input": "first"}))
            .await?;
        let body = json!({"model": "gpt-5", "previous_response_id": done["id"], "input": "second"});
        let small = ok(&client.call("POST", "/v1/responses/compact", &body).await?)?;
        same("object", &small["object"], "response.compaction")?;
        let output = small["output"].as_array().cloned().unwrap_or_default();
        let words: Vec<&str> = output
            .iter()
            .filter_map(|item| item["content"][0]["text"].as_str())
            .collect();
        same("messages", words, ["first", "second"])?;
        same("last", &output[2]["type"], "compaction")?;
        same(
            "sum",
            small["usage"]["total_tokens"].as_u64(),
            small["usage"]["input_tokens"]
                .as_u64()
                .zip(small["usage"]["output_tokens"].as_u64())
                .map(|(a, b)| a + b),
        )?;
        let again = json!({"model": "gpt-5", "input": output});
        client.create(&again).await.map(drop)
    });
}
