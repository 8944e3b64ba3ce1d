//! A mock server in a world of either kind, a scripted core behind it, and a bare HTTP client in front.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use lanebench::backend::{Face, Input, Output};
use lanebench::clock::{Clock, Core, Pace, TimeScale};
use lanebench::mock::{ByteStream, Mock, MockOptions, accept};
use lanebench::units::{SimDuration, SimTime};
use lanebench::wire::{Reply, Response, ResponseId, Status, salvage_id};

/// What a scripted core was told, for tests to look at and wait for.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Heard>>);

type Heard = (Vec<(SimTime, Input)>, Option<Waker>);

impl Told {
    pub(crate) fn all(&self) -> Vec<(SimTime, Input)> {
        self.0.lock().unwrap().0.clone()
    }

    /// Waits until something of this kind was told.
    pub(crate) async fn until(&self, wanted: impl Fn(&Input) -> bool) -> (SimTime, Input) {
        poll_fn(|context| {
            let mut told = self.0.lock().unwrap();
            if let Some(found) = told.0.iter().find(|(_, input)| wanted(input)) {
                return Poll::Ready(found.clone());
            }
            told.1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn push(&self, at: SimTime, input: Input) {
        let mut told = self.0.lock().unwrap();
        told.0.push((at, input));
        if let Some(waker) = told.1.take() {
            waker.wake();
        }
    }
}

type React = Box<dyn FnMut(&Input) -> Vec<(SimDuration, Output)> + Send>;

/// A core that answers as a test says.
pub(crate) struct Scripted {
    react: React,
    later: BTreeMap<(SimTime, u64), Output>,
    count: u64,
    told: Told,
}

impl Core for Scripted {
    type Input = Input;
    type Output = Output;

    fn next_deadline(&self) -> Option<SimTime> {
        self.later.keys().next().map(|(at, _)| *at)
    }

    fn step(&mut self, now: SimTime, batch: &mut Vec<Input>, out: &mut Vec<Output>) {
        for input in batch.drain(..) {
            for (after, output) in (self.react)(&input) {
                self.count += 1;
                let at = SimTime::from_ticks(now.ticks() + after.ticks());
                self.later.insert((at, self.count), output);
            }
            self.told.push(now, input);
        }
        while let Some(entry) = self.later.first_entry()
            && entry.key().0 <= now
        {
            out.push(entry.remove());
        }
    }
}

/// Where the server listens.
#[derive(Clone)]
enum Door {
    Memory,
    Tcp(std::net::SocketAddr),
}

/// A running server.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) mock: Mock,
    pub(crate) clock: Clock,
    door: Door,
}

/// Which of the two ways to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Memory,
    Tcp,
}

/// Plays `main` against a server around `core`: in virtual time in memory, or in real time over TCP.
pub(crate) fn play<C, F>(
    over: Over,
    core: C,
    options: MockOptions,
    main: impl FnOnce(World) -> F,
) -> F::Output
where
    C: Core<Input = Input, Output = Output> + Send + 'static,
    F: Future,
{
    let pace = match over {
        Over::Memory => Pace::Virtual,
        Over::Tcp => Pace::Real(TimeScale::ONE),
    };
    play_at(pace, over, core, options, main)
}

/// The same at a pace of one's own.
pub(crate) fn play_at<C, F>(
    pace: Pace,
    over: Over,
    core: C,
    options: MockOptions,
    main: impl FnOnce(World) -> F,
) -> F::Output
where
    C: Core<Input = Input, Output = Output> + Send + 'static,
    F: Future,
{
    lanebench::clock::run(pace, |clock| async move {
        let (mock, driver) = Mock::new(core, clock.clone(), options);
        tokio::spawn(driver.run());
        let world = match over {
            Over::Memory => World {
                mock,
                clock,
                door: Door::Memory,
            },
            Over::Tcp => World::tcp(mock, clock).await,
        };
        main(world).await
    })
    .unwrap()
}

/// A scripted core and what it was told.
pub(crate) fn scripted(
    react: impl FnMut(&Input) -> Vec<(SimDuration, Output)> + Send + 'static,
) -> (Scripted, Told) {
    let told = Told::default();
    let core = Scripted {
        react: Box::new(react),
        later: BTreeMap::new(),
        count: 0,
        told: told.clone(),
    };
    (core, told)
}

/// A core that answers every request with this reply.
pub(crate) fn answering(reply: Reply, face: Face) -> (Scripted, Told) {
    scripted(move |input| match input {
        Input::Request { call, .. } => {
            let (call, reply, face) = (*call, reply.clone(), face.clone());
            vec![(SimDuration::ZERO, Output::Reply { call, reply, face })]
        }
        _ => Vec::new(),
    })
}

/// A response of this id.
pub(crate) fn response(id: &str, status: Status, background: bool) -> Response {
    Response {
        id: ResponseId(id.into()),
        completed_at: (status == Status::Completed).then_some(1_786_000_001),
        status,
        created_at: 1_786_000_000,
        background,
        origin: None,
        output: Arc::from([]),
        error: None,
        incomplete: None,
        usage: None,
        service_tier: "auto".into(),
    }
}

/// What a client got to see of one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    /// No reply head.
    NoReply,
    /// A body that broke off, with the id that stood in it.
    Cut {
        status: StatusCode,
        id: Option<ResponseId>,
        body: Bytes,
    },
    /// All of it.
    Whole {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
}

impl Got {
    #[track_caller]
    pub(crate) fn whole(self) -> (StatusCode, HeaderMap, Bytes) {
        match self {
            Self::Whole {
                status,
                headers,
                body,
            } => (status, headers, body),
            other => panic!("no whole reply: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn json(self) -> (u16, serde_json::Value) {
        let (status, _, body) = self.whole();
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }
}

/// One connection of a bare client.
pub(crate) struct Line(SendRequest<Full<Bytes>>);

impl World {
    /// A server that listens on a free port.
    pub(crate) async fn tcp(mock: Mock, clock: Clock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = Door::Tcp(listener.local_addr().unwrap());
        let accepting = mock.clone();
        tokio::spawn(async move { accept(&accepting, &listener).await });
        Self { mock, clock, door }
    }

    /// Bytes to the server and back.
    pub(crate) async fn dial(&self) -> Box<dyn ByteStream> {
        match self.door {
            Door::Memory => Box::new(self.mock.connect()),
            Door::Tcp(address) => Box::new(tokio::net::TcpStream::connect(address).await.unwrap()),
        }
    }

    /// A new connection.
    pub(crate) async fn line(&self) -> Line {
        let (sender, connection) = handshake(TokioIo::new(self.dial().await)).await.unwrap();
        tokio::spawn(connection);
        Line(sender)
    }
}

impl Line {
    /// Sends a request and reads whatever comes.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Got {
        self.0.ready().await.unwrap();
        let Ok(reply) = self.0.send_request(request).await else {
            return Got::NoReply;
        };
        let (head, mut rest) = reply.into_parts();
        let mut body = Vec::new();
        loop {
            match rest.frame().await {
                Some(Ok(frame)) => body.extend_from_slice(frame.data_ref().unwrap()),
                Some(Err(_)) => {
                    let id = salvage_id(&body);
                    let (status, body) = (head.status, body.into());
                    return Got::Cut { status, id, body };
                }
                None => {
                    let (status, headers, body) = (head.status, head.headers, body.into());
                    return Got::Whole {
                        status,
                        headers,
                        body,
                    };
                }
            }
        }
    }

    /// Sends a request and gives the head and the body in progress.
    pub(crate) async fn open(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> http::Response<hyper::body::Incoming> {
        self.0.ready().await.unwrap();
        self.0.send_request(request).await.unwrap()
    }
}

/// A request with the right key.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    bare(method, path, body, |builder| {
        builder.header("authorization", "Bearer sk-lanebench")
    })
}

/// A request with the right key and an exchange key.
pub(crate) fn keyed(method: &str, path: &str, exchange: &str, body: &str) -> Request<Full<Bytes>> {
    bare(method, path, body, |builder| {
        builder
            .header("authorization", "Bearer sk-lanebench")
            .header("x-lanebench-exchange", exchange)
    })
}

/// A request as `more` makes it.
pub(crate) fn bare(
    method: &str,
    path: &str,
    body: &str,
    more: impl Fn(http::request::Builder) -> http::request::Builder,
) -> Request<Full<Bytes>> {
    more(Request::builder().method(method).uri(path).header("host", "mock"))
        .body(Full::from(body.to_owned()))
        .unwrap()
}
