//! Both ends of a client test: a client whose facts can be awaited, and a server that is nothing but bytes.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use lanebench::runtime::{Admission, Client, Dial, Dialling, Fact, Limits, Service};
use lanebench::units::{AttemptNo, Exchange, JobId, TurnNo};
use lanebench::wire::{Ask, ClientFields, Create, InputItem, Origin, Reply, ResponseId};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::LocalSet;

/// Runs a test on real sockets.
pub(crate) fn on_sockets<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test)
}

/// Runs a test in memory, on a clock that moves only when nothing else does.
pub(crate) fn in_memory<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test)
}

/// A client with its inbox.
pub(crate) struct Probe {
    pub(crate) client: Client,
    facts: UnboundedReceiver<(Exchange, Fact)>,
}

impl Probe {
    pub(crate) fn new(authority: &str, limits: Limits, dial: Rc<dyn Dial>) -> Self {
        let (into, facts) = unbounded_channel();
        let service = Service {
            authority: authority.to_owned(),
            base: "/v1".to_owned(),
            key: "sk-test-key".to_owned(),
            fields: ClientFields::default(),
        };
        let inbox = Rc::new(move |exchange, fact| into.send((exchange, fact)).unwrap());
        let client = Client::new(&service, limits, dial, inbox).unwrap();
        Self { client, facts }
    }

    pub(crate) fn in_memory(dial: &Rc<MemoryDial>) -> Self {
        Self::with_limits(dial, Limits::default())
    }

    pub(crate) fn with_limits(dial: &Rc<MemoryDial>, limits: Limits) -> Self {
        let dial: Rc<dyn Dial> = Rc::<MemoryDial>::clone(dial);
        Self::new("model.test", limits, dial)
    }

    /// The next fact of any exchange.
    pub(crate) async fn next(&mut self) -> (Exchange, Fact) {
        self.facts.recv().await.unwrap()
    }

    /// Whether the inbox holds nothing at this instant.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.facts.try_recv().is_err()
    }

    /// Carries one exchange to its end and gives all its facts, in order.
    pub(crate) async fn carry(&mut self, key: &str, ask: Ask) -> Vec<Fact> {
        let exchange: Exchange = key.parse().unwrap();
        self.client.send(exchange, ask);
        let mut facts = Vec::new();
        loop {
            let (of, fact) = self.next().await;
            assert_eq!(of, exchange);
            let more = matches!(fact, Fact::Event(_) | Fact::Reply(Reply::StreamOpen));
            facts.push(fact);
            if !more {
                assert_eq!(self.client.open(), 0, "an exchange that is over is still open");
                assert!(self.is_silent(), "something came behind the last fact");
                return facts;
            }
        }
    }

    /// Carries one exchange that ends with its first fact.
    pub(crate) async fn one(&mut self, key: &str, ask: Ask) -> Fact {
        let mut facts = self.carry(key, ask).await;
        assert_eq!(facts.len(), 1, "{facts:?}");
        facts.remove(0)
    }
}

type Serving = Pin<Box<dyn Future<Output = ()>>>;

/// Connections to a server that is an async function of the connection's number, from 1, and its stream.
pub(crate) struct MemoryDial {
    buffer: usize,
    server: Box<dyn Fn(u32, DuplexStream) -> Serving>,
    made: Cell<u32>,
    refused: RefCell<Vec<Exchange>>,
}

impl MemoryDial {
    pub(crate) fn new<F: Future<Output = ()> + 'static>(
        server: impl Fn(u32, DuplexStream) -> F + 'static,
    ) -> Rc<Self> {
        Self::with_buffer(64 * 1024, server)
    }

    pub(crate) fn with_buffer<F: Future<Output = ()> + 'static>(
        buffer: usize,
        server: impl Fn(u32, DuplexStream) -> F + 'static,
    ) -> Rc<Self> {
        Rc::new(Self {
            buffer,
            server: Box::new(move |number, stream| Box::pin(server(number, stream))),
            made: Cell::new(0),
            refused: RefCell::default(),
        })
    }

    /// How many connections were made.
    pub(crate) fn made(&self) -> u32 {
        self.made.get()
    }

    /// From now on this exchange gets no connection.
    pub(crate) fn refuse(&self, key: &str) {
        self.refused.borrow_mut().push(key.parse().unwrap());
    }
}

impl Dial for MemoryDial {
    fn admit(&self, exchange: Exchange) -> Admission {
        if self.refused.borrow().contains(&exchange) {
            Admission::Refused
        } else {
            Admission::Open
        }
    }

    fn connect(&self, _: Exchange) -> Dialling<'_> {
        Box::pin(async {
            let number = self.made.get() + 1;
            self.made.set(number);
            if self.buffer == 0 {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(self.buffer);
            tokio::task::spawn_local((self.server)(number, theirs));
            Ok(Box::new(ours) as lanebench::runtime::Stream)
        })
    }
}

/// A request as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Reads one request, byte by byte by the rules of HTTP; none at the end of the connection.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return None,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    Some(Seen { head, body })
}

/// The value of a header, if the head has it.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}

/// Answers every request of a connection with the same bytes, until the client closes it.
pub(crate) async fn always(mut stream: DuplexStream, reply: Vec<u8>) {
    while read_request(&mut stream).await.is_some() {
        if stream.write_all(&reply).await.is_err() {
            return;
        }
    }
}

/// A 200 reply with a JSON body.
pub(crate) fn ok_json(body: &str) -> Vec<u8> {
    reply("200 OK", "content-type: application/json\r\n", body)
}

/// A reply with a length.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// A Response object of the contract, as little of it as the contract demands.
pub(crate) fn response_json(id: &str, status: &str) -> String {
    format!(
        r#"{{"id":"{id}","object":"response","created_at":1786000000,"status":"{status}","background":true,"output":[],"usage":null}}"#
    )
}

pub(crate) fn id(text: &str) -> ResponseId {
    ResponseId(text.into())
}

/// A create request of job 0, in background.
pub(crate) fn create(stream: Streamed) -> Ask {
    let origin = Origin {
        job: JobId(0),
        attempt: AttemptNo(1),
        turn: TurnNo(1),
    };
    let text = InputItem::Message {
        text: "summarise the quarter".into(),
    };
    Ask::Create(Arc::new(Create {
        model: "gpt-5".into(),
        origin: Some(origin),
        background: true,
        stream: stream == Streamed::Yes,
        store: true,
        previous: None,
        input: Arc::from([text]),
        tools: Arc::from([]),
        max_output_tokens: None,
        tier: None,
        request: None,
    }))
}

/// Whether a create asks for an event stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Streamed {
    Yes,
    No,
}
