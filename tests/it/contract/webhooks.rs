//! Statements 54 to 56: webhooks.

use http::HeaderMap;
use lanebench::fault::{Fault, FaultRule, Place, Select, Target};
use lanebench::units::ExchangeKind;
use lanebench::wire::{Authenticity, Secret, SignatureHeaders, sign, verify};
use serde_json::{Value, json};

use crate::backend_bench::{always, constant, first, secs};

use super::bench::{Bench, Client, Inbox, SECRET, Stage, holds, same, text};
use super::table::{Verdict, statements};

statements! {
    54 s54_a_webhook_is_signed_over_its_bytes,
    55 s55_what_is_not_accepted_is_sent_again,
    56 s56_every_fault_of_a_webhook_can_be_scripted,
}

fn request() -> Value {
    json!({"model": "gpt-5", "input": "hello", "background": true})
}

fn secret() -> Result<Secret, String> {
    Secret::new(SECRET).map_err(|error| error.to_string())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, String> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.ok_or_else(|| format!("no header `{name}`"))
}

fn stamp(headers: &HeaderMap) -> Result<u64, String> {
    let stamp = header(headers, "webhook-timestamp")?;
    stamp.parse().map_err(|_| format!("stamp `{stamp}`"))
}

/// What a receiver makes of a webhook whose clock stands at `now`.
fn judged(headers: &HeaderMap, body: &[u8], now: u64) -> Result<Authenticity, String> {
    let shown = SignatureHeaders {
        id: Some(header(headers, "webhook-id")?),
        timestamp: Some(header(headers, "webhook-timestamp")?),
        signature: Some(header(headers, "webhook-signature")?),
    };
    Ok(verify(&[secret()?], shown, body, now))
}

/// The instant of the first webhook in Unix seconds.
fn clock(inbox: &Inbox, place: usize) -> u64 {
    1_786_000_000 + inbox.instants()[place].ticks() / 1_000_000
}

async fn s54_a_webhook_is_signed_over_its_bytes(bench: &Bench) -> Verdict {
    let vector = concat!(
        r#"{"object":"event","id":"evt_0001","type":"response.completed","#,
        r#""created_at":1760000000,"data":{"id":"resp_0001"}}"#
    );
    same(
        "the published vector",
        sign(&secret()?, "wh_0001", 1_760_000_000, vector.as_bytes()),
        "v1,uOF1xHdsUQHeGFbGYBiILP+YH/Xxd93Hro3FCkvl9IU=",
    )?;
    let (client, inbox) = bench.watched(Stage::default());
    let done = client.ended(&request()).await?;
    client.wait("5s").await;
    let [(headers, body)] = &inbox.all()[..] else {
        return Err(format!("webhooks: {}", inbox.all().len()));
    };
    same(
        "signature",
        judged(headers, body, clock(&inbox, 0))?,
        Authenticity::Valid,
    )?;
    same("type", header(headers, "content-type")?, "application/json")?;
    holds(
        "user agent",
        header(headers, "user-agent")?.starts_with("OpenAI/1.0"),
    )?;
    holds("id", header(headers, "webhook-id")?.starts_with("wh_"))?;
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    holds("event id", text(&body, "id")?.starts_with("evt_"))?;
    let wanted = json!({"object": "event", "id": body["id"], "type": "response.completed",
        "created_at": done["completed_at"], "data": {"id": done["id"]}});
    same("body", body, wanted)
}

async fn s55_what_is_not_accepted_is_sent_again(bench: &Bench) -> Verdict {
    let mut stage = Stage::default();
    stage.profile.webhook_retries = [5, 60, 300, 300, 300].map(secs).into();
    let answers = [Some(500), Some(302), None, Some(204)];
    let (client, inbox) = bench.watched_by(stage, &answers);
    client.ended(&request()).await?;
    client.wait("1h").await;
    let all = inbox.all();
    same("sendings", all.len(), answers.len())?;
    for (place, (headers, body)) in all.iter().enumerate() {
        same(
            "id",
            header(headers, "webhook-id")?,
            header(&all[0].0, "webhook-id")?,
        )?;
        same("body", body, &all[0].1)?;
        let now = clock(&inbox, place);
        same("stamp", stamp(headers)?, now)?;
        same("signature", judged(headers, body, now)?, Authenticity::Valid)?;
    }
    let instants = inbox.instants();
    let gaps: Vec<u64> = instants
        .windows(2)
        .map(|pair| pair[1].since(pair[0]).ticks() / 1_000_000)
        .collect();
    // The third answer is waited for fifteen seconds.
    same("seconds between", gaps, [5, 60, 315])
}

/// A server whose first webhook meets this.
fn struck(bench: &Bench, fault: Fault) -> (Client, Inbox) {
    let select = Select {
        nth: Some((1, 1)),
        ..Select::default()
    };
    bench.watched(Stage::default().with(FaultRule {
        target: Target::Webhook,
        select,
        fault,
    }))
}

/// Two responses end within a second of each other; what came, by response and instant.
async fn two(client: &Client, inbox: &Inbox) -> Result<Vec<(usize, u64)>, String> {
    let began = client.now();
    let one = text(&client.create(&request()).await?, "id")?;
    client.wait("1s").await;
    let other = text(&client.create(&request()).await?, "id")?;
    client.wait("10m").await;
    let bodies = inbox.all();
    let places = bodies.iter().map(|(_, body)| {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        usize::from(body["data"]["id"] == *other) + 2 * usize::from(body["data"]["id"] == *one)
    });
    let instants = inbox.instants();
    let after = instants.iter().map(|at| at.since(began).ticks() / 1_000_000);
    Ok(places
        .map(|place| if place == 2 { 1 } else { 2 * place })
        .zip(after)
        .collect())
}

async fn s56_every_fault_of_a_webhook_can_be_scripted(bench: &Bench) -> Verdict {
    for (fault, came) in [
        (Fault::TwoSignatures, vec![(1, 7), (2, 8)]),
        (
            Fault::RepeatWebhook { gap: secs(3) },
            vec![(1, 7), (2, 8), (1, 10)],
        ),
        (Fault::OvertakenWebhook { limit: secs(60) }, vec![(2, 8), (1, 8)]),
        (Fault::LateWebhook { law: constant("30s") }, vec![(2, 8), (1, 37)]),
        (Fault::LoseWebhook, vec![(2, 8)]),
    ] {
        let word = fault.word();
        let (client, inbox) = struck(bench, fault);
        same(word, two(&client, &inbox).await?, came)?;
    }
    for (fault, fits, off) in [
        (Fault::ForgedWebhook, Authenticity::Forged, 0),
        (Fault::StaleWebhook, Authenticity::Stale, -301),
        (Fault::FutureWebhook, Authenticity::Stale, 301),
    ] {
        let word = fault.word();
        let (client, inbox) = struck(bench, fault);
        client.ended(&request()).await?;
        client.wait("5s").await;
        let (headers, body) = &inbox.all()[0];
        let now = clock(&inbox, 0);
        same(word, judged(headers, body, now)?, fits)?;
        same(word, stamp(headers)?.cast_signed() - now.cast_signed(), off)?;
    }
    let (client, inbox) = struck(bench, Fault::TwoSignatures);
    client.ended(&request()).await?;
    client.wait("5s").await;
    let (headers, body) = &inbox.all()[0];
    same(
        "signatures",
        header(headers, "webhook-signature")?.split(' ').count(),
        2,
    )?;
    same(
        "one of two fits",
        judged(headers, body, clock(&inbox, 0))?,
        Authenticity::Valid,
    )?;
    before_the_reply(bench).await
}

/// The work is done and its webhook is here before the reply to the create.
async fn before_the_reply(bench: &Bench) -> Verdict {
    let late = first(
        ExchangeKind::Create,
        Fault::Delay {
            place: Place::Reply,
            law: constant("30s"),
        },
    );
    let (client, inbox) = bench.watched(Stage::default().with(late));
    let done = client.create(&request()).await?;
    let (_, body) = inbox
        .all()
        .first()
        .cloned()
        .ok_or("no webhook came before the reply")?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    same("named", &body["data"]["id"], &done["id"])?;
    holds("later than the reply", inbox.instants()[0] < client.now())?;
    // A rule for all of them strikes each.
    let (client, inbox) = bench.watched(Stage::default().with(always(Target::Webhook, Fault::LoseWebhook)));
    same("all lost", two(&client, &inbox).await?, Vec::new())
}
