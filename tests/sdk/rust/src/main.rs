//! async-openai, unmodified, against `lanebench serve`: create, background polling, cancel, streams, the tool loop, input
//! items, conversations, models, and what it makes of errors and retries.

use std::process::exit;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::responses::{
    CreateResponse, OutputItem, Response, ResponseStreamEvent, Status, TokenCountsBody,
};
use futures::StreamExt;
use serde_json::{Value, json};

type Failed = Box<dyn std::error::Error>;

/// Counts what holds; the first that does not ends the program.
#[derive(Default)]
struct Checks(u32);

impl Checks {
    fn check(&mut self, what: &str, holds: bool) {
        if !holds {
            println!("FAILED: {what}");
            exit(1);
        }
        self.0 += 1;
        println!("ok: {what}");
    }
}

/// A request of the client's own type.
fn request(body: Value) -> Result<CreateResponse, serde_json::Error> {
    serde_json::from_value(body)
}

fn words(response: &Response) -> String {
    response.output_text().unwrap_or_default()
}

async fn until_ended(client: &Client<OpenAIConfig>, mut response: Response) -> Result<Response, Failed> {
    for _ in 0..400 {
        if !matches!(response.status, Status::Queued | Status::InProgress) {
            return Ok(response);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        response = client.responses().retrieve(&response.id).await?;
    }
    Err(format!("{} does not end", response.id).into())
}

/// Reads a stream to its end: the number of its events, its text and its last response.
async fn told(
    mut stream: async_openai::types::responses::ResponseStream,
) -> Result<(usize, String, Option<Response>), Failed> {
    let (mut count, mut text, mut last) = (0, String::new(), None);
    while let Some(event) = stream.next().await {
        count += 1;
        match event? {
            ResponseStreamEvent::ResponseOutputTextDelta(delta) => text.push_str(&delta.delta),
            ResponseStreamEvent::ResponseCompleted(end) => last = Some(end.response),
            _ => {}
        }
    }
    Ok((count, text, last))
}

fn api_error(error: OpenAIError) -> Option<(u16, Option<String>)> {
    match error {
        OpenAIError::ApiError(error) => Some((error.status_code.as_u16(), error.api_error.code)),
        _ => None,
    }
}

async fn life(client: &Client<OpenAIConfig>, checks: &mut Checks) -> Result<(), Failed> {
    let background = json!({"model": "gpt-5", "input": "Write the report.", "background": true,
        "metadata": {"job": "one"}});
    // The first create is turned away once; the client repeats it by itself.
    let first = client.responses().create(request(background.clone())?).await?;
    checks.check(
        "a background create answers queued at once, behind a 429 that is retried",
        matches!(first.status, Status::Queued) && first.output.is_empty(),
    );
    let first = until_ended(client, first).await?;
    let used = first.usage.as_ref().map_or(0, |usage| usage.total_tokens);
    checks.check(
        "polling reaches the end, with text and usage",
        matches!(first.status, Status::Completed) && words(&first).len() > 20 && used > 0,
    );
    let kept = first
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.get("job"))
        .map(String::as_str);
    checks.check("metadata come back", kept == Some("one"));

    let second = client.responses().create(request(background)?).await?;
    let cancelled = client.responses().cancel(&second.id).await?;
    let again = client.responses().cancel(&second.id).await?;
    checks.check(
        "a running response is cancelled, and twice is once",
        matches!(cancelled.status, Status::Cancelled) && again.id == cancelled.id,
    );

    let streamed = json!({"model": "gpt-5", "input": "Tell me.", "background": true, "stream": true});
    let stream = client.responses().create_stream(request(streamed)?).await?;
    let (count, text, last) = told(stream).await?;
    let last = last.ok_or("the stream has no end")?;
    checks.check("a stream tells the whole text", count > 8 && text == words(&last));
    let (again, text, _) = told(client.responses().retrieve_stream(&last.id).await?).await?;
    checks.check("a replay tells it again", again == count && text == words(&last));

    let items = client.responses().list_input_items(&first.id).await?;
    checks.check("input items are listed", items.data.len() == 1 && !items.has_more);
    let deleted = client.responses().delete(&first.id).await?;
    checks.check("a response is deleted", deleted.deleted && deleted.id == first.id);
    let gone = client
        .responses()
        .retrieve(&first.id)
        .await
        .err()
        .and_then(api_error);
    checks.check("and then unknown", gone.is_some_and(|(status, _)| status == 404));
    Ok(())
}

async fn others(client: &Client<OpenAIConfig>, checks: &mut Checks) -> Result<(), Failed> {
    let body: TokenCountsBody = serde_json::from_value(json!({"model": "gpt-5", "input": "How many?"}))?;
    let counted = client.responses().get_input_token_counts(body).await?;
    checks.check("tokens are counted", counted.input_tokens > 0);
    let models = client.models().list().await?;
    let one = client.models().retrieve(&models.data[0].id).await?;
    checks.check("models are listed and read", one.id == models.data[0].id);

    let talk = serde_json::from_value(json!({"metadata": {"topic": "rain"},
        "items": [{"type": "message", "role": "user", "content": "Hello."}]}))?;
    let talk = client.conversations().create(talk).await?;
    let answer = json!({"model": "gpt-5", "input": "Go on.", "conversation": talk.id});
    client.responses().create(request(answer)?).await?;
    let items = client.conversations().items(&talk.id).list().await?;
    checks.check("a conversation holds both sides", items.data.len() == 4);
    let gone = client.conversations().delete(&talk.id).await?;
    checks.check("and is deleted", gone.deleted);

    let wrong = OpenAIConfig::new()
        .with_api_base(client.config().api_base_of())
        .with_api_key("sk-wrong");
    let refused = Client::with_config(wrong)
        .models()
        .list()
        .await
        .err()
        .and_then(api_error);
    let code = refused
        .and_then(|(status, code)| (status == 401).then_some(code))
        .flatten();
    checks.check(
        "a wrong key is refused",
        code.as_deref() == Some("invalid_api_key"),
    );
    Ok(())
}

/// The base address of a client.
trait Base {
    fn api_base_of(&self) -> String;
}

impl Base for OpenAIConfig {
    fn api_base_of(&self) -> String {
        async_openai::config::Config::api_base(self).to_owned()
    }
}

/// What answers the calls of functions in an output.
fn answers(output: &[OutputItem]) -> Vec<Value> {
    let answer = |item: &OutputItem| match item {
        OutputItem::FunctionCall(call) => {
            Some(json!({"type": "function_call_output", "call_id": call.call_id, "output": "{\"id\":1}"}))
        }
        _ => None,
    };
    output.iter().filter_map(answer).collect()
}

async fn tools(client: &Client<OpenAIConfig>, checks: &mut Checks) -> Result<(), Failed> {
    let body = json!({"model": "gpt-5", "input": "Look it up.", "background": true, "metadata": {"loop": "yes"},
        "tools": [{"type": "function", "name": "look_up", "parameters": {"type": "object"}, "strict": true}]});
    let made = client.responses().create(request(body.clone())?).await?;
    let first = until_ended(client, made).await?;
    let calls = answers(&first.output);
    checks.check("a function is called", calls.len() == 1);
    let mut next = body;
    next["previous_response_id"] = first.id.clone().into();
    next["input"] = "And without its output?".into();
    let refused = client
        .responses()
        .create(request(next.clone())?)
        .await
        .err()
        .and_then(api_error);
    checks.check(
        "a call without its output is refused",
        refused.is_some_and(|(status, _)| status == 400),
    );
    next["input"] = calls.into();
    let made = client.responses().create(request(next)?).await?;
    let second = until_ended(client, made).await?;
    checks.check("its output is taken", words(&second).len() > 5);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let mut args = std::env::args().skip(1);
    let (what, base) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    let config = OpenAIConfig::new()
        .with_api_base(&base)
        .with_api_key("sk-lanebench");
    let client = Client::with_config(config);
    let mut checks = Checks::default();
    match what.as_str() {
        "tools" => tools(&client, &mut checks).await?,
        _ => {
            life(&client, &mut checks).await?;
            others(&client, &mut checks).await?;
        }
    }
    println!("{} passed, 0 failed", checks.0);
    Ok(())
}
