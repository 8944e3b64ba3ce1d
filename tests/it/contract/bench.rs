//! Mock servers in memory and virtual time, and a client in front of each.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use lanebench::backend::{Profile, Service, Setup, Step, StepWork, Streaming};
use lanebench::clock::Clock;
use lanebench::fault::{FaultPlan, FaultRule};
use lanebench::mock::{ByteStream, Mock, MockOptions, WebhookTarget, pipe};
use lanebench::rng::Seed;
pub(super) use lanebench::sabotage::contract::Given;
use lanebench::sabotage::contract::{Asked, Breach, Breached};
use lanebench::trace::Notes;
use lanebench::units::{SimDuration, SimTime};
use lanebench::wire::Secret;
use serde_json::Value;

use crate::backend_bench::{constant, profile, script, step};

use super::table::Verdict;

/// Where a check makes its servers.
pub(super) struct Bench {
    pub(super) clock: Clock,
    breach: Option<&'static Breach>,
}

/// How a server is set up: by default it thinks for two seconds and speaks for four, behind one in the queue.
pub(super) struct Stage {
    pub(super) profile: Profile,
    pub(super) rules: Vec<FaultRule>,
    pub(super) options: MockOptions,
    pub(super) seed: Seed,
}

impl Default for Stage {
    fn default() -> Self {
        Self::of(&[
            step("2s", StepWork::Reasoning),
            step("4s", StepWork::Message { tokens: 6 }),
        ])
    }
}

impl Stage {
    /// A server with this script.
    pub(super) fn of(steps: &[Step]) -> Self {
        Self {
            profile: profile(script(steps)),
            rules: Vec::new(),
            options: MockOptions::default(),
            seed: Seed(7),
        }
    }

    /// The same with streams that behave like this.
    pub(super) fn streams(mut self, streaming: Streaming) -> Self {
        self.profile.streaming = streaming;
        self.options.streaming = streaming;
        self
    }

    /// The same with this rule.
    pub(super) fn with(mut self, rule: FaultRule) -> Self {
        self.rules.push(rule);
        self
    }
}

impl Bench {
    pub(super) const fn new(clock: Clock, breach: Option<&'static Breach>) -> Self {
        Self { clock, breach }
    }

    /// A server as it is by default.
    pub(super) fn usual(&self) -> Client {
        self.server(Stage::default())
    }

    /// A server of this setup.
    pub(super) fn server(&self, mut stage: Stage) -> Client {
        stage.options.seed = stage.seed;
        let service = Service::new(Setup {
            profile: stage.profile,
            scripts: Arc::from([]),
            plan: FaultPlan::new(stage.rules.into(), stage.seed),
            seed: stage.seed,
            notes: Notes::off(),
        });
        let core = Breached::new(service, self.breach);
        let (mock, driver) = Mock::new(core, self.clock.clone(), stage.options);
        tokio::spawn(driver.run());
        Client {
            mock,
            clock: self.clock.clone(),
            breach: self.breach,
            idle: Arc::default(),
        }
    }

    /// A server whose webhooks are seen.
    pub(super) fn watched(&self, stage: Stage) -> (Client, Inbox) {
        self.watched_by(stage, &[])
    }

    /// The same, where the receiver answers like this, nothing at all included, and then with 200.
    pub(super) fn watched_by(&self, mut stage: Stage, answers: &[Option<u16>]) -> (Client, Inbox) {
        let inbox = Inbox {
            clock: self.clock.clone(),
            breach: self.breach,
            got: Arc::default(),
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
        };
        stage.profile.webhook = Some(constant("50ms"));
        stage.options.webhook = Some(inbox.target());
        (self.server(stage), inbox)
    }
}

/// What a receiver of webhooks got, and how it answers.
#[derive(Clone)]
pub(super) struct Inbox {
    clock: Clock,
    breach: Option<&'static Breach>,
    got: Arc<Mutex<Vec<(SimTime, HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<VecDeque<Option<u16>>>>,
}

/// The secret that the receiver knows.
pub(super) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

impl Inbox {
    /// Headers and bodies.
    pub(super) fn all(&self) -> Vec<(HeaderMap, Bytes)> {
        let got = self.got.lock().unwrap();
        got.iter()
            .map(|(_, head, body)| (head.clone(), body.clone()))
            .collect()
    }

    /// When each came.
    pub(super) fn instants(&self) -> Vec<SimTime> {
        self.got.lock().unwrap().iter().map(|(at, ..)| *at).collect()
    }

    /// The types of the events that came.
    pub(super) fn kinds(&self) -> Vec<String> {
        let kind = |(_, body): &(HeaderMap, Bytes)| {
            let body: Value = serde_json::from_slice(body).unwrap();
            body["type"].as_str().unwrap().to_owned()
        };
        self.all().iter().map(kind).collect()
    }

    fn target(&self) -> WebhookTarget {
        let inbox = self.clone();
        let dial = move || {
            let (client, server) = pipe();
            let inbox = inbox.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let inbox = inbox.clone();
                    async move {
                        let (mut head, body) = request.into_parts();
                        let mut body = body.collect().await?.to_bytes().to_vec();
                        if let Some(breach) = inbox.breach {
                            breach.delivered(&mut head.headers, &mut body);
                        }
                        let at = inbox.clock.now();
                        inbox.got.lock().unwrap().push((at, head.headers, body.into()));
                        let answer = inbox.answers.lock().unwrap().pop_front().unwrap_or(Some(200));
                        let Some(status) = answer else {
                            return std::future::pending().await;
                        };
                        let reply = http::Response::builder().status(status);
                        Ok::<_, hyper::Error>(reply.body(Full::<Bytes>::default()).unwrap())
                    }
                });
                let http = hyper::server::conn::http1::Builder::new();
                // How the sender leaves is its own affair.
                let _ = http.serve_connection(TokioIo::new(server), service).await;
            });
            let stream: Box<dyn ByteStream> = Box::new(client);
            let made: lanebench::mock::Dialling = Box::pin(async move { Ok(stream) });
            made
        };
        let secret = Secret::new(SECRET).unwrap();
        WebhookTarget::new(Arc::new(dial), "/hooks", secret)
    }
}

/// A client of one server. It keeps one connection for the next request.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) mock: Mock,
    clock: Clock,
    breach: Option<&'static Breach>,
    idle: Arc<Mutex<Option<SendRequest<Full<Bytes>>>>>,
}

/// The right key.
pub(super) const KEY: &str = "Bearer sk-lanebench";

impl Client {
    /// Sends a request as it is.
    ///
    /// # Errors
    /// What stood in the way of a whole reply.
    pub(super) async fn send(&self, mut asked: Asked) -> Result<Given, String> {
        if let Some(breach) = self.breach {
            breach.asked(&mut asked);
        }
        let broken = |error: hyper::Error| format!("{} {} broke off: {error}", asked.method, asked.path);
        let mut sender = self.sender().await.map_err(broken)?;
        let request = request_of(&asked);
        let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
        let body = body.collect().await.map_err(broken)?.to_bytes().to_vec();
        *self.idle.lock().unwrap() = Some(sender);
        let mut given = Given {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        };
        if let Some(breach) = self.breach {
            breach.given(&asked, &mut given);
        }
        Ok(given)
    }

    /// A connection that is open.
    async fn sender(&self) -> Result<SendRequest<Full<Bytes>>, hyper::Error> {
        let kept = self.idle.lock().unwrap().take();
        if let Some(mut sender) = kept
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let (sender, connection) = handshake(TokioIo::new(self.mock.connect())).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Sends a request with the right key and a JSON body.
    pub(super) async fn call(&self, method: &str, path: &str, body: &Value) -> Result<Given, String> {
        self.send(asked(method, path, &body.to_string())).await
    }

    /// Asks for a response.
    pub(super) async fn post(&self, body: &Value) -> Result<Given, String> {
        self.call("POST", "/v1/responses", body).await
    }

    /// Asks for a response and gives the object.
    pub(super) async fn create(&self, body: &Value) -> Result<Value, String> {
        ok(&self.post(body).await?)
    }

    /// Sends a GET.
    pub(super) async fn get(&self, path: &str) -> Result<Given, String> {
        self.send(asked("GET", path, "")).await
    }

    /// Reads a response.
    pub(super) async fn read(&self, id: &str) -> Result<Value, String> {
        ok(&self.get(&format!("/v1/responses/{id}")).await?)
    }

    /// Sends a POST without a body.
    pub(super) async fn cancel(&self, id: &str) -> Result<Given, String> {
        self.send(asked("POST", &format!("/v1/responses/{id}/cancel"), ""))
            .await
    }

    /// Sends a DELETE.
    pub(super) async fn delete(&self, path: &str) -> Result<Given, String> {
        self.send(asked("DELETE", path, "")).await
    }

    /// Lets time pass.
    pub(super) async fn wait(&self, length: &str) {
        let length: SimDuration = length.parse().unwrap();
        self.clock.sleep_until(self.clock.now() + length).await;
    }

    /// The instant.
    pub(super) fn now(&self) -> SimTime {
        self.clock.now()
    }

    /// Makes a background response and reads it when it has ended.
    pub(super) async fn ended(&self, body: &Value) -> Result<Value, String> {
        let mut body = body.clone();
        body["background"] = true.into();
        let made = self.create(&body).await?;
        self.until_ended(&text(&made, "id")?).await
    }

    /// Reads a response each second until it has ended, for ten minutes.
    pub(super) async fn until_ended(&self, id: &str) -> Result<Value, String> {
        for _ in 0..600 {
            let found = self.read(id).await?;
            if found["status"] != "queued" && found["status"] != "in_progress" {
                return Ok(found);
            }
            self.wait("1s").await;
        }
        Err(format!("{id} does not end"))
    }

    /// Sends a request on a connection of its own and takes down when each piece of the reply came, and how it ended.
    pub(super) async fn hear(&self, mut asked: Asked) -> Result<Heard, String> {
        if let Some(breach) = self.breach {
            breach.asked(&mut asked);
        }
        let broken = |error: hyper::Error| format!("{} {} broke off: {error}", asked.method, asked.path);
        let (mut sender, connection) = handshake(TokioIo::new(self.mock.connect()))
            .await
            .map_err(broken)?;
        let mut serving = tokio::spawn(connection);
        let (head, mut body) = sender
            .send_request(request_of(&asked))
            .await
            .map_err(broken)?
            .into_parts();
        let (mut read, mut pieces, mut whole) = (Vec::new(), Vec::new(), true);
        while let Some(frame) = body.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => {
                    read.extend_from_slice(&data);
                    pieces.push((self.clock.now(), data));
                }
                Ok(Err(_)) => {}
                Err(_) => {
                    whole = false;
                    break;
                }
            }
        }
        let closed = tokio::select! {
            biased;
            _ = &mut serving => true,
            () = self.wait("1ms") => false,
        };
        serving.abort();
        let mut given = Given {
            status: head.status.as_u16(),
            headers: head.headers,
            body: read,
        };
        if let Some(breach) = self.breach {
            breach.given(&asked, &mut given);
        }
        Ok(Heard {
            given,
            pieces,
            whole,
            closed,
        })
    }

    /// The events of a stream that is read to its end: the data of each.
    pub(super) async fn events(&self, asked: Asked) -> Result<Vec<Value>, String> {
        let given = self.send(asked).await?;
        if given.status != 200 {
            return Err(format!("no stream: {}", shown(&given)));
        }
        Ok(data_of(&given.body))
    }

    /// Sends a request, reads for so long, goes away, and gives the data of the events that came.
    pub(super) async fn leave(&self, asked: Asked, after: &str) -> Result<Vec<Value>, String> {
        let broken = |error: hyper::Error| format!("{} {} broke off: {error}", asked.method, asked.path);
        let (mut sender, connection) = handshake(TokioIo::new(self.mock.connect()))
            .await
            .map_err(broken)?;
        let serving = tokio::spawn(connection);
        let request = request_of(&asked);
        let mut read = Vec::new();
        let reading = async {
            let mut body = sender.send_request(request).await.map_err(broken)?.into_body();
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame.map_err(broken)?.into_data() {
                    read.extend_from_slice(&data);
                }
            }
            Ok::<(), String>(())
        };
        tokio::select! {
            biased;
            read = reading => read?,
            () = self.wait(after) => {}
        }
        serving.abort();
        Ok(data_of(&read))
    }

    /// The reply of a foreground stream.
    pub(super) async fn streamed_reply(&self) -> Result<Given, String> {
        self.post(&serde_json::json!({"model": "gpt-5", "input": "hello", "stream": true}))
            .await
    }

    /// The events of a new response.
    pub(super) async fn streamed(&self, body: &Value) -> Result<Vec<Value>, String> {
        let mut body = body.clone();
        body["stream"] = true.into();
        self.events(asked("POST", "/v1/responses", &body.to_string()))
            .await
    }
}

/// What came on a connection, and when.
pub(super) struct Heard {
    pub(super) given: Given,
    /// The pieces as they came.
    pub(super) pieces: Vec<(SimTime, Bytes)>,
    /// Whether the body came to an orderly end.
    pub(super) whole: bool,
    /// Whether the connection closed behind it at once.
    pub(super) closed: bool,
}

/// A request of HTTP.
fn request_of(asked: &Asked) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(&*asked.method)
        .uri(&asked.path)
        .header("host", "mock");
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    request.body(Full::from(asked.body.clone())).unwrap()
}

/// A request with the right key.
pub(super) fn asked(method: &str, path: &str, body: &str) -> Asked {
    Asked {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: vec![
            ("authorization".to_owned(), KEY.to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body: body.as_bytes().to_vec(),
    }
}

/// The data of each event of a stream.
pub(super) fn data_of(body: &[u8]) -> Vec<Value> {
    let body = String::from_utf8_lossy(body);
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// The types of events, in order.
pub(super) fn types_of(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap_or_default())
        .collect()
}

/// Status and body in one line.
pub(super) fn shown(given: &Given) -> String {
    format!("{} {}", given.status, String::from_utf8_lossy(&given.body))
}

/// The body of a 200.
pub(super) fn ok(given: &Given) -> Result<Value, String> {
    if given.status != 200 {
        return Err(format!("no success: {}", shown(given)));
    }
    serde_json::from_slice(&given.body).map_err(|error| format!("{error} in {}", shown(given)))
}

/// A text of an object.
pub(super) fn text(object: &Value, key: &str) -> Result<String, String> {
    let found = object[key].as_str().map(str::to_owned);
    found.ok_or_else(|| format!("no text `{key}` in {object}"))
}

/// Two values are the same.
pub(super) fn same<T: std::fmt::Debug + PartialEq<U>, U: std::fmt::Debug>(
    what: &str,
    got: T,
    wanted: U,
) -> Verdict {
    match got == wanted {
        true => Ok(()),
        false => Err(format!("{what}: {got:?} instead of {wanted:?}")),
    }
}

/// Something is so.
pub(super) fn holds(what: &str, so: bool) -> Verdict {
    match so {
        true => Ok(()),
        false => Err(what.to_owned()),
    }
}

/// A reply is this error: status, type, code and parameter.
pub(super) fn refused(
    given: &Given,
    status: u16,
    kind: &str,
    code: Option<&str>,
    param: Option<&str>,
) -> Verdict {
    let body: Value =
        serde_json::from_slice(&given.body).map_err(|error| format!("{error}: {}", shown(given)))?;
    let error = body["error"]
        .as_object()
        .ok_or_else(|| format!("no error: {}", shown(given)))?;
    let keys: Vec<&str> = ["message", "type", "param", "code"]
        .into_iter()
        .filter(|key| !error.contains_key(*key))
        .collect();
    holds(
        &format!("keys are missing: {keys:?}"),
        keys.is_empty() && error.len() == 4,
    )?;
    let got = (
        given.status,
        error["type"].as_str(),
        error["code"].as_str(),
        error["param"].as_str(),
    );
    same(
        &format!("error `{}`", error["message"]),
        got,
        (status, Some(kind), code, param),
    )
}

/// A reply is a 400 of type `invalid_request_error`.
pub(super) fn invalid(given: &Given, code: Option<&str>, param: Option<&str>) -> Verdict {
    refused(given, 400, "invalid_request_error", code, param)
}
