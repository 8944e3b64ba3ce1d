//! Keys of several accounts, their rate limits and their quotas, over HTTP.

use lanebench::clock::Pace;
use serde_json::{Value, json};

use super::bench::{Bench, Client, Given, asked, ok, refused, same, shown, text};
use super::table::Verdict;
use super::yaml::stage;

#[track_caller]
fn check(check: impl AsyncFnOnce(&Bench) -> Verdict) {
    let done = lanebench::clock::run(Pace::Virtual, async |clock| check(&Bench::new(clock, None)).await);
    done.unwrap().unwrap();
}

fn request() -> Value {
    json!({"model": "gpt-5", "input": "hello", "background": true})
}

fn header(given: &Given, name: &str) -> String {
    let value = given.headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or("-").to_owned()
}

async fn with_key(client: &Client, key: &str, method: &str, path: &str, body: &str) -> Result<Given, String> {
    let mut request = asked(method, path, body);
    request.headers = vec![("authorization".to_owned(), format!("Bearer {key}"))];
    client.send(request).await
}

#[test]
fn rates_are_told_and_come_back() {
    check(async |bench| {
        let client = bench.server(stage("rates: { requests: 2, tokens: 1000 }"));
        let first = client.post(&request()).await?;
        same("limit", header(&first, "x-ratelimit-limit-requests"), "2")?;
        same("left", header(&first, "x-ratelimit-remaining-requests"), "1")?;
        same("reset", header(&first, "x-ratelimit-reset-requests"), "30s")?;
        same("tokens", header(&first, "x-ratelimit-limit-tokens"), "1000")?;
        ok(&client.post(&request()).await?)?;
        let third = client.post(&request()).await?;
        refused(&third, 429, "requests", Some("rate_limit_exceeded"), None)?;
        same("wait", header(&third, "retry-after"), "30")?;
        client.wait("30s").await;
        ok(&client.post(&request()).await?)?;
        client.wait("60s").await;
        let mut large = request();
        large["max_output_tokens"] = 900.into();
        ok(&client.post(&large).await?)?;
        let again = client.post(&large).await?;
        refused(&again, 429, "tokens", Some("rate_limit_exceeded"), None)?;
        large["max_output_tokens"] = 5_000.into();
        client.wait("60s").await;
        let never = client.post(&large).await?;
        refused(&never, 429, "tokens", Some("rate_limit_exceeded"), None)?;
        same("no wait helps", header(&never, "retry-after"), "-")
    });
}

#[test]
fn a_quota_ends_foreground_requests_and_fails_background_runs() {
    check(async |bench| {
        let client = bench.server(stage("quota: 10 tokens"));
        same("paid", &client.ended(&request()).await?["status"], "completed")?;
        let given = client.post(&json!({"model": "gpt-5", "input": "hello"})).await?;
        refused(
            &given,
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
            None,
        )?;
        same("no wait", header(&given, "retry-after"), "-")?;
        let failed = client.ended(&request()).await?;
        same(
            "unpaid",
            (&failed["status"], &failed["error"]["code"]),
            (&json!("failed"), &json!("insufficient_quota")),
        )?;
        let events = client
            .streamed(&json!({"model": "gpt-5", "input": "hello"}))
            .await?;
        same(
            "stream",
            events.last().map(|event| &event["type"]),
            Some(&json!("response.failed")),
        )
    });
}

#[test]
fn accounts_have_their_own_keys_models_and_responses() {
    check(async |bench| {
        let client = bench.server(stage(
            "\
accounts:
  - { key: sk-one, organization: org-1, project: a }
  - { key: sk-two, organization: org-1, project: a }
  - { key: sk-three, organization: org-1, project: b, models: [gpt-4o] }
  - { key: sk-four, rates: { requests: 1 } }
  - { key: sk-five, quota: 0 tokens }",
        ));
        let body = request().to_string();
        let made = with_key(&client, "sk-one", "POST", "/v1/responses", &body).await?;
        same(
            "account",
            (
                header(&made, "openai-organization"),
                header(&made, "openai-project"),
            ),
            ("org-1".to_owned(), "a".to_owned()),
        )?;
        let path = format!("/v1/responses/{}", text(&ok(&made)?, "id")?);
        for (key, status) in [
            ("sk-one", 200),
            ("sk-two", 200),
            ("sk-three", 404),
            ("sk-lanebench", 401),
        ] {
            let given = with_key(&client, key, "GET", &path, "").await?;
            same(&format!("{key}: {}", shown(&given)), given.status, status)?;
        }
        let barred = with_key(&client, "sk-three", "POST", "/v1/responses", &body).await?;
        same("model", barred.status, 403)?;
        for status in [200, 429] {
            let given = with_key(&client, "sk-four", "POST", "/v1/responses", &body).await?;
            same("a limit of one's own", given.status, status)?;
        }
        let plain = json!({"model": "gpt-5", "input": "hello"}).to_string();
        let unpaid = with_key(&client, "sk-five", "POST", "/v1/responses", &plain).await?;
        refused(
            &unpaid,
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
            None,
        )
    });
}

#[test]
fn models_are_those_of_the_file_and_read_no_more_than_it_says() {
    check(async |bench| {
        let client = bench.server(stage("models: [alpha, beta]\ncontext_window: 20 tokens"));
        let listed = ok(&client.get("/v1/models").await?)?;
        let names: Vec<&Value> = listed["data"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|model| &model["id"])
            .collect();
        same("models", names, ["alpha", "beta"])?;
        let mut body = request();
        let missing = client.post(&body).await?;
        refused(
            &missing,
            400,
            "invalid_request_error",
            Some("model_not_found"),
            Some("model"),
        )?;
        body["model"] = "beta".into();
        ok(&client.post(&body).await?)?;
        body["input"] = "rain ".repeat(100).into();
        refused(
            &client.post(&body).await?,
            400,
            "invalid_request_error",
            Some("context_length_exceeded"),
            Some("input"),
        )
    });
}
