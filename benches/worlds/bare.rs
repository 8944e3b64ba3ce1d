//! The measure for the whole stack: a bare hyper client and a bare axum handler that exchange the same bytes through
//! the same readers and writers over the same connections in memory.
//!
//! It has no core, no clock, no fault plan, no trace, no journal and no checks: a handler that looks a reply up, and
//! clients that ask and read.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use axum::routing::{get, post};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use lanebench::clock::{Pace, run};
use lanebench::job::{self, Action, Told};
use lanebench::mock::pipe;
use lanebench::runner::Link;
use lanebench::sim::{Recording, Seams};
use lanebench::units::{Exchange, ExchangeKind, JobId, SimTime};
use lanebench::wire::{
    Ask, ClientFields, Echo, Reply, Response, ResponseId, parse_create, parse_response, render_create,
    render_response,
};
use tokio::task::LocalSet;

use super::Bench;

/// What the whole stack exchanged in one play: for each job, what was asked and what was read, in order.
#[derive(Debug, Default)]
pub struct Exchanges {
    jobs: BTreeMap<JobId, Vec<(Exchange, Ask, Response)>>,
    /// Exchanges on a wire at one instant, on average over the play.
    pub in_flight: f64,
}

impl Exchanges {
    /// Listens to one play.
    pub fn of(bench: &Bench) -> Self {
        let listening = Listening::default();
        let played =
            lanebench::runner::play_over_http(&bench.blueprint, Link::Memory, listening, Recording::Off);
        let (played, heard) = played.expect("the world can be set up");
        let mut jobs: BTreeMap<JobId, Vec<_>> = BTreeMap::new();
        for (exchange, response) in heard.replies {
            let ask = heard.asks[&exchange].1.clone();
            jobs.entry(exchange.job())
                .or_default()
                .push((exchange, ask, response));
        }
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let in_flight = heard.waited as f64 / played.end.ticks() as f64;
        Self { jobs, in_flight }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.jobs.values().map(Vec::len).sum()
    }

    /// How many jobs they serve.
    pub fn jobs(&self) -> usize {
        self.jobs.len()
    }
}

#[derive(Debug, Default)]
struct Listening {
    asks: BTreeMap<Exchange, (SimTime, Ask)>,
    replies: Vec<(Exchange, Response)>,
    waited: u64,
}

impl Seams for Listening {
    fn told(&mut self, now: SimTime, batch: &mut Vec<job::Input>) {
        for input in batch {
            if let Told::Reply { exchange, reply } = &input.told {
                let Reply::Response(response) = reply else {
                    panic!("this world has no errors: {reply:?}");
                };
                self.waited += now.since(self.asks[exchange].0).ticks();
                self.replies.push((*exchange, Response::clone(response)));
            }
        }
    }

    fn wanted(&mut self, now: SimTime, actions: &mut Vec<Action>) {
        for action in actions {
            if let Action::Send { exchange, ask } = action {
                self.asks.insert(*exchange, (now, ask.clone()));
            }
        }
    }
}

/// Does all exchanges once, `at_once` of them at a time, each chain of them on a connection that it keeps; those in
/// flight take turns.
pub fn play(exchanges: &Rc<Exchanges>, service: &Service, at_once: usize) {
    service.forget();
    let done = run(Pace::Virtual, |_| async {
        let clients = clients(exchanges.clone(), service.clone(), at_once);
        LocalSet::new().run_until(clients).await
    });
    assert_eq!(done.expect("a runtime"), exchanges.count());
}

async fn clients(exchanges: Rc<Exchanges>, service: Service, at_once: usize) -> usize {
    let waiting: Vec<JobId> = exchanges.jobs.keys().rev().copied().collect();
    let waiting = Rc::new(RefCell::new(waiting));
    let clients: Vec<_> = (0..at_once)
        .map(|_| tokio::task::spawn_local(client(exchanges.clone(), waiting.clone(), service.connect())))
        .collect();
    let mut done = 0;
    for client in clients {
        done += client.await.expect("no client panics");
    }
    done
}

async fn client(
    exchanges: Rc<Exchanges>,
    waiting: Rc<RefCell<Vec<JobId>>>,
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
) -> usize {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("a connection");
    tokio::task::spawn_local(connection);
    let mut done = 0;
    loop {
        let Some(job) = waiting.borrow_mut().pop() else {
            return done;
        };
        for (exchange, ask, expected) in &exchanges.jobs[&job] {
            let read = exchange_once(&mut sender, *exchange, ask).await;
            debug_assert_eq!(&read, expected, "the same bytes");
            assert_eq!(read.status, expected.status);
            done += 1;
            // In turn with the others, as jobs of the whole stack are.
            tokio::task::yield_now().await;
        }
    }
}

async fn exchange_once(sender: &mut SendRequest<Full<Bytes>>, exchange: Exchange, ask: &Ask) -> Response {
    let (method, path, body) = match ask {
        Ask::Create(create) => {
            let mut body = Vec::new();
            render_create(create, &ClientFields::default(), &mut body);
            ("POST", "/v1/responses".to_owned(), Bytes::from(body))
        }
        Ask::Poll(id) => ("GET", format!("/v1/responses/{id}"), Bytes::new()),
        other => panic!("this world only creates and polls: {other:?}"),
    };
    let mut request = axum::http::Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "mock.internal")
        .header(AUTHORIZATION, "Bearer sk-lanebench")
        .header("x-lanebench-exchange", exchange.to_string())
        .header(USER_AGENT, concat!("lanebench/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "application/json");
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request = request.body(Full::new(body)).expect("a request");
    sender.ready().await.expect("a connection that is kept");
    let reply = sender.send_request(request).await.expect("a reply");
    let body = reply
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes();
    parse_response(&body).expect("a response of the contract")
}

/// Gives out the replies of the whole stack, by response and by the number of the read.
#[derive(Clone)]
pub struct Service(Arc<Shelf>);

struct Shelf {
    replies: HashMap<ResponseId, Vec<Response>>,
    by_origin: HashMap<u32, ResponseId>,
    open: Mutex<HashMap<ResponseId, (usize, Echo)>>,
}

impl Service {
    /// A service that knows these replies.
    pub fn of(exchanges: &Exchanges) -> Self {
        let (mut replies, mut by_origin) = (HashMap::new(), HashMap::new());
        for (job, chain) in &exchanges.jobs {
            assert_eq!(chain[0].0.kind(), ExchangeKind::Create);
            let id = chain[0].2.id.clone();
            by_origin.insert(job.0, id.clone());
            replies.insert(
                id,
                chain.iter().map(|(_, _, response)| response.clone()).collect(),
            );
        }
        let open = Mutex::default();
        Self(Arc::new(Shelf {
            replies,
            by_origin,
            open,
        }))
    }

    fn forget(&self) {
        self.0.open.lock().expect("no panic").clear();
    }

    fn connect(&self) -> impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + use<> {
        let (client, server) = pipe();
        let router = Router::new()
            .route("/v1/responses", post(create))
            .route("/v1/responses/{id}", get(read))
            .with_state(self.clone());
        let connection = http1::Builder::new()
            .auto_date_header(false)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(server), TowerToHyperService::new(router));
        tokio::spawn(connection);
        client
    }

    fn reply(&self, id: &ResponseId) -> axum::http::Response<Body> {
        let mut body = Vec::new();
        {
            let mut open = self.0.open.lock().expect("no panic");
            let (next, echo) = open.get_mut(id).expect("a response that was created");
            render_response(&self.0.replies[id][*next], echo, &mut body);
            *next += 1;
        }
        let reply = axum::http::Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .header("x-request-id", "req_0123456789abcdef0123456789abcdef")
            .header("openai-version", "2020-10-01")
            .header("openai-processing-ms", "50");
        reply.body(Body::from(body)).expect("a reply")
    }
}

async fn create(State(service): State<Service>, request: Request) -> axum::http::Response<Body> {
    let body = request
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes();
    let (create, echo) = parse_create(&body).expect("a request of the contract");
    let origin = create.origin.expect("a request of ours");
    let id = service.0.by_origin[&origin.job.0].clone();
    service
        .0
        .open
        .lock()
        .expect("no panic")
        .insert(id.clone(), (0, echo));
    service.reply(&id)
}

async fn read(State(service): State<Service>, Path(id): Path<String>) -> axum::http::Response<Body> {
    service.reply(&ResponseId(id.into()))
}
