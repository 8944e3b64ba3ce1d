//! Webhooks between us and wiremock, over real sockets: wiremock plays a service whose replies were written from the
//! contract alone, and a user's receiver. Signatures are made and checked here by hand, not by our own code.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use lanebench::backend::{Service as Backend, Setup};
use lanebench::clock::{Pace, TimeScale};
use lanebench::fault::FaultPlan;
use lanebench::mock::{MockOptions, WebhookTarget};
use lanebench::rng::Seed;
use lanebench::runner::blueprint;
use lanebench::runtime::{MemoryJournal, Office, Receiver, Runtime, Service, Surroundings, TcpDial};
use lanebench::scenario::{Diagnostics, Scenario, Sources};
use lanebench::sim::{Honest, Recording};
use lanebench::trace::{CoreEvent, JobEvent, Notes, RuntimeEvent, StateName};
use lanebench::units::{JobId, SimDuration};
use lanebench::wire::{ClientFields, Secret};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};
use wiremock::matchers::{method, path};
use wiremock::{Match, Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::backend_bench::{constant, message, profile, script};
use crate::client_support::on_sockets;
use crate::mock_world::{Over, bare, play};
use crate::scenario::from_disk;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const EPOCH: u64 = 1_786_000_000;

/// The signature of the contract: HMAC-SHA256 over id, stamp and the raw body.
fn signature(secret: &str, id: &str, stamp: u64, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut code = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    code.update(format!("{id}.{stamp}.").as_bytes());
    code.update(body);
    format!("v1,{}", STANDARD.encode(code.finalize().into_bytes()))
}

/// A background response as the contract shows it.
fn stored(status: &str) -> Value {
    let text = json!({"id":"msg_1","type":"message","role":"assistant","status":"completed",
        "content":[{"type":"output_text","text":"Nothing has changed.","annotations":[],"logprobs":[]}]});
    let done = status == "completed";
    json!({"id":"resp_0001","object":"response","created_at":EPOCH,"status":status,"background":true,
        "error":null,"incomplete_details":null,"metadata":{},"model":"gpt-5-2025-08-07",
        "output": if done { json!([text]) } else { json!([]) },
        "service_tier":"default","store":true,
        "usage": if done { json!({"input_tokens":10,"output_tokens":5,"total_tokens":15}) } else { Value::Null }})
}

/// Posts one webhook to our receiver and gives the status of the answer.
async fn post(address: &str, secret: &str, id: &str, stamp: u64) -> u16 {
    let body = format!(
        r#"{{"object":"event","id":"evt_1","type":"response.completed","created_at":{stamp},"data":{{"id":"resp_0001"}}}}"#
    );
    let signed = signature(secret, id, stamp, body.as_bytes());
    let text = format!(
        "POST /webhooks HTTP/1.1\r\nhost: hooks.test\r\ncontent-type: application/json\r\nconnection: close\r\n\
         webhook-id: {id}\r\nwebhook-timestamp: {stamp}\r\nwebhook-signature: {signed}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// What a service sends when a response is over: a forged webhook, one with an old stamp, the real one, and that
/// again.
async fn send_webhooks(address: String) -> Vec<u16> {
    let forged = "whsec_/////////////////////w==";
    vec![
        post(&address, forged, "wh_forged", EPOCH).await,
        post(&address, SECRET, "wh_stale", EPOCH - 301).await,
        post(&address, SECRET, "wh_real", EPOCH).await,
        post(&address, SECRET, "wh_real", EPOCH).await,
    ]
}

async fn receive(listener: TcpListener, receiver: Receiver) {
    while let Ok((stream, _)) = listener.accept().await {
        let receiver = receiver.clone();
        spawn_local(async move { receiver.serve_connection(Box::new(stream)).await });
    }
}

/// One job that is followed by webhook and would look by itself only after ten minutes.
fn one_job() -> Scenario {
    let text = "scenario: one job\nshows: [completion]\npolicy: policies/three-lane.yaml\nkinds: kinds.yaml\n\
                tasks: [{ id: one, kind: web_research, polling: { fallback: 10m } }]\n";
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let name = "scenarios/one-job.yaml";
    let scenario = Scenario::load(name, text.as_bytes(), &mut from_disk, &mut sources, &mut out);
    scenario.unwrap_or_else(|| panic!("{out:?}"))
}

#[test]
fn a_stubbed_service_drives_the_receiver_and_the_job_ends_by_its_webhook() {
    let blueprint = blueprint(&one_job(), Seed(1));
    let play = lanebench::clock::run(Pace::Real(TimeScale::ONE), |clock| async move {
        let tasks = LocalSet::new();
        let all = tasks.run_until(async move {
            let service = MockServer::start().await;
            let creates = Mock::given(method("POST")).and(path("/v1/responses"));
            creates
                .respond_with(ResponseTemplate::new(200).set_body_json(stored("queued")))
                .expect(1)
                .mount(&service)
                .await;
            // The job looks once, at the real webhook, and reads nothing else.
            let looks = Mock::given(method("GET")).and(path("/v1/responses/resp_0001"));
            let completed = ResponseTemplate::new(200).set_body_json(stored("completed"));
            looks.respond_with(completed).expect(1).mount(&service).await;

            let office = Office::new(
                blueprint.desk(Recording::Full),
                blueprint.outside(Recording::Full),
                MemoryJournal::default(),
                Honest,
            );
            let authority = service.address().to_string();
            let surroundings = Surroundings {
                service: Service {
                    authority: authority.clone(),
                    base: "/v1".to_owned(),
                    key: "sk-test-key".to_owned(),
                    fields: ClientFields::default(),
                },
                dial: Rc::new(TcpDial::new(authority)),
                secrets: vec![Secret::new(SECRET).unwrap()],
                epoch: EPOCH,
            };
            let Runtime {
                mut driver,
                receiver,
                results,
            } = Runtime::new(office, clock, surroundings).unwrap();
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            spawn_local(receive(listener, receiver));
            // A webhook that is faster than the reply to the create is another story.
            while driver.core().desk().state(JobId(0)) != Some(StateName::Running) {
                driver.step().await;
            }
            let answers = Rc::new(RefCell::new(Vec::new()));
            let note = Rc::clone(&answers);
            let mut sender = spawn_local(async move {
                *note.borrow_mut() = send_webhooks(address).await;
            });
            let mut sent = false;
            while !sent
                || results.borrow().is_empty()
                || driver.core().desk().state(JobId(0)) == Some(StateName::Finalizing)
            {
                tokio::select! {
                    biased;
                    _ = driver.step() => {}
                    done = &mut sender, if !sent => { done.unwrap(); sent = true; }
                }
            }
            service.verify().await;
            let (office, _) = driver.into_parts();
            let (mut desk, ..) = office.into_parts();
            let answers = answers.borrow().clone();
            (answers, desk.take_notes())
        });
        all.await
    });
    let (answers, notes) = play.unwrap();
    assert_eq!(answers, [400, 400, 200, 200]);
    let taken: Vec<&str> = notes
        .iter()
        .filter_map(|record| match &record.event {
            CoreEvent::Runtime(RuntimeEvent::WebhookTaken { what, .. }) => Some(*what),
            _ => None,
        })
        .collect();
    assert_eq!(taken.len(), 4, "{taken:?}");
    assert_eq!(taken[..3], ["forged", "stale", "read_state"]);
    assert!(["duplicate", "late"].contains(&taken[3]), "{taken:?}");
    let end = notes.iter().rev().find_map(|record| match &record.event {
        CoreEvent::Job(JobEvent::Moved { to, .. }) => Some(*to),
        _ => None,
    });
    assert_eq!(end, Some(StateName::Succeeded));
}

/// Whether a delivery carries the signature of the contract for exactly its bytes.
struct Signed;

impl Match for Signed {
    fn matches(&self, request: &Request) -> bool {
        let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(id), Some(stamp)) = (text("webhook-id"), text("webhook-timestamp")) else {
            return false;
        };
        let expected = signature(SECRET, id, stamp.parse().unwrap(), &request.body);
        text("webhook-signature") == Some(&expected)
    }
}

/// Answers a delivery with this status, and tells which it was and what it says.
struct Takes(u16, UnboundedSender<(String, Value)>);

impl Respond for Takes {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
        self.1.send((id, request.body_json().unwrap())).unwrap();
        ResponseTemplate::new(self.0)
    }
}

#[test]
fn a_stubbed_receiver_gets_signed_webhooks_and_a_refusal_brings_them_again() {
    let (tell, mut told) = unbounded_channel();
    let hooks = on_sockets(async {
        let hooks = MockServer::start().await;
        let deliveries = || Mock::given(method("POST")).and(path("/hooks")).and(Signed);
        let refusing = deliveries().respond_with(Takes(503, tell.clone()));
        refusing.up_to_n_times(2).expect(2).mount(&hooks).await;
        deliveries()
            .respond_with(Takes(200, tell))
            .expect(1)
            .mount(&hooks)
            .await;
        hooks
    });
    let mut profile = profile(script(&[message("20ms", 3)]));
    profile.webhook = Some(constant("5ms"));
    profile.webhook_retries = Arc::from([SimDuration::from_millis(30); 4]);
    let core = Backend::new(Setup {
        profile,
        scripts: Arc::from([]),
        plan: FaultPlan::none(),
        seed: Seed(7),
        notes: Notes::off(),
    });
    let url = format!("{}/hooks", hooks.uri());
    let options = MockOptions {
        webhook: Some(WebhookTarget::tcp(&url, Secret::new(SECRET).unwrap()).unwrap()),
        ..MockOptions::default()
    };
    let seen = play(Over::Tcp, core, options, |world| async move {
        let body = r#"{"model":"gpt-5","input":"hello","background":true}"#;
        let request = bare("POST", "/v1/responses", body, |builder| {
            builder.header("authorization", "Bearer sk-lanebench")
        });
        let (status, created) = world.line().await.send(request).await.json();
        assert_eq!(status, 200);
        let mut seen = Vec::new();
        while seen.len() < 3 {
            let (id, said) = told.recv().await.unwrap();
            assert_eq!(
                (&said["type"], &said["data"]["id"]),
                (&"response.completed".into(), &created["id"])
            );
            seen.push(id);
        }
        seen
    });
    assert_eq!(
        seen.iter().collect::<BTreeSet<_>>().len(),
        1,
        "one delivery, sent again: {seen:?}"
    );
    on_sockets(hooks.verify());
}
