//! The stand-alone server over connections in memory and a clock that is moved by hand: no test waits for real time.

mod bounds;
mod control;
mod exchanges;
mod faults;
mod metrics;
mod profiles;
mod record;
mod scripts;
mod sessions;

use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use lanebench::clock::{Clock, Pace, run};
use lanebench::mock::{ByteStream, Front, FrontOptions, LineSink, MockOptions};
use lanebench::scenario::{Builtin, Diagnostics, ServicePlan, Sources};
use serde_json::Value;

pub(crate) const KEY: &str = "sk-lanebench";
const CREATE: &str = r#"{"model":"gpt-5","input":"hello","background":true}"#;
const FOREGROUND: &str = r#"{"model":"gpt-5","input":"hello"}"#;
const STREAM: &str = r#"{"model":"gpt-5","input":"hello","stream":true}"#;

/// A server and the lines of its log.
struct Served {
    front: Front,
    lines: Arc<Mutex<Vec<String>>>,
}

/// What came back.
#[derive(Debug)]
struct Came {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Came {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body of a success.
    #[track_caller]
    fn good(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }
}

/// A connection to a server.
struct Line(SendRequest<Full<bytes::Bytes>>);

impl Line {
    async fn to(front: &Front) -> Self {
        Self::over(front.connect()).await
    }

    async fn over(stream: impl ByteStream + 'static) -> Self {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// None if no whole reply came.
    async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Came> {
        let mut request = Request::builder()
            .method(Method::try_from(method).unwrap())
            .uri(path)
            .header("host", "x");
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {KEY}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let reply = self.0.send_request(request).await.ok()?;
        let (head, body) = reply.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Came {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        })
    }
}

impl Served {
    /// One request on a connection of its own.
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Came> {
        Line::to(&self.front)
            .await
            .send(method, path, headers, body)
            .await
    }

    async fn came(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Came {
        self.ask(method, path, headers, body)
            .await
            .expect("a whole reply")
    }

    async fn get(&self, path: &str) -> Value {
        self.came("GET", path, &[], "").await.good()
    }

    /// Asks until the answer is as wanted; every asking gives the server a turn.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) {
        let mut last = Value::Null;
        for _ in 0..200 {
            last = self.get(path).await;
            if wanted(&last) {
                return;
            }
        }
        panic!("{path} stays {last}");
    }

    async fn post(&self, path: &str, body: &str) -> Value {
        self.came("POST", path, &[], body).await.good()
    }

    /// Makes a background response and gives its id.
    async fn create(&self, headers: &[(&str, &str)]) -> String {
        let made = self.came("POST", "/v1/responses", headers, CREATE).await.good();
        made["id"].as_str().unwrap().to_owned()
    }

    async fn status(&self, id: &str) -> String {
        let read = self.get(&format!("/v1/responses/{id}")).await;
        read["status"].as_str().unwrap().to_owned()
    }

    async fn advance(&self, by: &str) {
        self.post("/_lanebench/advance", &format!("by: {by}")).await;
    }

    fn lines(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn plan_of(text: &str) -> ServicePlan {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let plan = ServicePlan::read("service.yaml", text.as_bytes(), &mut sources, &mut out);
    plan.unwrap_or_else(|| panic!("{:?}", out.iter().map(|one| &one.message).collect::<Vec<_>>()))
}

/// Plays `main` against a server of this service file whose clock is moved by hand.
fn with<F: Future>(text: &str, options: FrontOptions, main: impl FnOnce(Served) -> F) -> F::Output {
    let plan = plan_of(text);
    let text: Arc<str> = text.into();
    run(Pace::Manual, |clock: Clock| async move {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&lines);
        let options = FrontOptions {
            log: Some(LineSink::new(move |line| sink.lock().unwrap().push(line))),
            ..options
        };
        let front = Front::new(plan, Some(text), clock, options);
        main(Served { front, lines }).await
    })
    .unwrap()
}

fn healthy<F: Future>(main: impl FnOnce(Served) -> F) -> F::Output {
    with(Builtin::find("healthy").unwrap().text, options(), main)
}

fn options() -> FrontOptions {
    FrontOptions {
        mock: MockOptions::default(),
        ..FrontOptions::default()
    }
}
