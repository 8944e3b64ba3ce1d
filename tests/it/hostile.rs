//! Clients that mean no good, over real sockets: what they send is refused with a 4xx or ignored, memory stays bounded,
//! and whoever else is there is served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use lanebench::backend::{Service, Setup};
use lanebench::fault::FaultPlan;
use lanebench::mock::MockOptions;
use lanebench::rng::Seed;
use lanebench::trace::Notes;

use crate::backend_bench::{message, profile, script};
use crate::mock_world::{Over, play, request};
use crate::serve::{Running, exchange, start};

fn server() -> (Running, String) {
    start(&["--port", "0", "--time-scale", "100"])
}

/// Sends bytes as they are and gives the status of the reply; none if nothing came.
fn send(address: &str, bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // The server may have answered and gone before all of it has left.
    let _ = stream.write_all(bytes);
    let (mut reply, mut piece) = (Vec::new(), [0; 512]);
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        reply.extend_from_slice(&piece[..length]);
        if reply.contains(&b'\n') {
            break;
        }
    }
    let text = String::from_utf8_lossy(&reply);
    text.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()
}

/// A create with this body.
fn create(body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-lanebench\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A GET of this path with these header lines.
fn get(path: &str, headers: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-lanebench\r\nconnection: close\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// Somebody else is answered, and soon.
#[track_caller]
fn others_are_served(address: &str) {
    let began = Instant::now();
    let reply = exchange(
        address,
        "POST",
        "/v1/responses",
        r#"{"model":"gpt-5","input":"hello"}"#,
    );
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn what_cannot_be_read_is_refused() {
    let (running, address) = server();
    others_are_served(&address);
    let deep = |open: &str, close: &str| {
        let text = format!(
            r#"{{"model":"m","input":{}1{}}}"#,
            open.repeat(200_000),
            close.repeat(200_000)
        );
        create(text.as_bytes())
    };
    let id = "x".repeat(60_000);
    let many = "x-many: 1\r\n".repeat(500);
    let long = format!("x-long: {}\r\n", "y".repeat(2 << 20));
    let huge = format!(
        r#"{{"model":"m","input":"i","previous_response_id":"{}"}}"#,
        "z".repeat(4 << 20)
    );
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("lists in lists", deep("[", "]"), &[400]),
        ("objects in objects", deep(r#"{"a":"#, "}"), &[400]),
        ("no UTF-8", create(b"{\"model\":\"m\",\"input\":\"\xFF\xFE\"}"), &[400]),
        ("half a surrogate", create(br#"{"model":"m","input":"\ud800"}"#), &[400]),
        ("one key twice", create(br#"{"model":"m","model":"n","input":"i"}"#), &[400]),
        ("a number without end", create(format!(r#"{{"model":"m","input":"i","temperature":1{}}}"#, "0".repeat(100_000)).as_bytes()), &[400]),
        ("no JSON", create(b"\0\0\0\0"), &[400]),
        ("an empty body", create(b""), &[400]),
        ("a huge id in the path", get(&format!("/v1/responses/{id}"), ""), &[404, 414]),
        ("a huge id in the body", create(huge.as_bytes()), &[400]),
        ("a path longer than any", get(&format!("/v1/responses/{}", "p".repeat(200_000)), ""), &[404, 414, 431]),
        ("many headers", get("/v1/models", &many), &[431]),
        ("a long header", get("/v1/models", &long), &[431]),
        ("a header that is no text", get("/v1/responses/r", "x-odd: \u{1}\r\n"), &[400]),
        ("a path that is no UTF-8", get("/v1/responses/%FF%FE", ""), &[400, 404]),
        ("a query that is no UTF-8", get("/v1/responses/r?stream=%FF", ""), &[400, 404]),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), &[400]),
        ("a length that is none", b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_vec(), &[400]),
        ("two lengths", b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_vec(), &[400]),
        ("a chunk that is none", b"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-lanebench\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(), &[400]),
    ];
    for (what, bytes, statuses) in cases {
        let status = send(&address, &bytes);
        assert!(
            status.is_some_and(|status| statuses.contains(&status)),
            "{what}: {status:?}"
        );
    }
    others_are_served(&address);
    assert!(running.resident() < 200 << 10, "{} KiB", running.resident());
}

#[test]
fn large_bodies_leave_nothing_behind() {
    let (running, address) = server();
    others_are_served(&address);
    let body = format!(
        r#"{{"model":"gpt-5","background":true,"input":[{{"role":"user","content":"{}"}}]}}"#,
        "a".repeat(4 << 20)
    );
    let bytes = create(body.as_bytes());
    for _ in 0..24 {
        assert_eq!(send(&address, &bytes), Some(200));
    }
    others_are_served(&address);
    // 96 MiB came in; what is kept of it is bounded by 64 MiB of ended responses, and those in progress.
    assert!(running.resident() < 300 << 10, "{} KiB", running.resident());
}

#[test]
fn long_bodies_have_room_for_so_many_and_no_more() {
    let options = MockOptions {
        bodies_max: 1 << 20,
        ..MockOptions::default()
    };
    let service = Service::new(Setup {
        profile: profile(script(&[message("1s", 1)])),
        scripts: [].into(),
        plan: FaultPlan::none(),
        seed: Seed(7),
        notes: Notes::off(),
    });
    play(Over::Memory, service, options, |world| async move {
        use tokio::io::AsyncWriteExt;
        let half = |length: usize| {
            let head = format!(
                "POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-lanebench\r\ncontent-length: {}\r\n\r\n",
                length + 1
            );
            [head.into_bytes(), vec![b' '; length]].concat()
        };
        let mut holder = world.dial().await;
        holder.write_all(&half(900 << 10)).await.unwrap();
        let body = |length: usize| format!(r#"{{"model":"m","input":"{}"}}"#, "a".repeat(length));
        let mut line = world.line().await;
        // Let the bytes of the holder be read.
        world.clock.sleep_until(world.clock.now().next()).await;
        let (status, _) = line
            .send(request("POST", "/v1/responses", &body(300 << 10)))
            .await
            .json();
        assert_eq!(status, 503);
        // Short bodies pass, and long ones again when the holder has gone.
        let mut line = world.line().await;
        let short = line.open(request("POST", "/v1/responses", &body(100))).await;
        assert_eq!(short.status(), 200);
        short.into_body().collect().await.unwrap();
        drop(holder);
        world.clock.sleep_until(world.clock.now().next().next()).await;
        let mut line = world.line().await;
        let long = line
            .open(request("POST", "/v1/responses", &body(300 << 10)))
            .await;
        assert_eq!(long.status(), 200);
    });
}

/// How many connections this process may hold, with room for everything else that runs in it.
fn connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let soft: usize = line.split_whitespace().nth(3).unwrap().parse().unwrap_or(1024);
    soft.saturating_sub(600).min(5_000)
}

#[test]
fn thousands_of_idle_connections_cost_little_and_disturb_nobody() {
    let (running, address) = server();
    others_are_served(&address);
    let (before, count) = (running.resident(), connections());
    assert!(count > 100, "too few descriptors to show anything");
    let idle: Vec<TcpStream> = (0..count)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    others_are_served(&address);
    let each = (running.resident().saturating_sub(before) << 10) / count as u64;
    assert!(
        each < 64 << 10,
        "{each} bytes for each of {count} idle connections"
    );
    // None of them was closed: the last one is served like a new one.
    for stream in [&idle[0], &idle[count - 1]] {
        let mut stream = stream;
        stream.write_all(&get("/v1/models", "")).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    }
}

#[test]
fn slow_senders_hold_nobody_up() {
    let (running, address) = server();
    others_are_served(&address);
    let before = running.resident();
    let bytes = create(br#"{"model":"gpt-5","input":"hello"}"#);
    let mut slow: Vec<TcpStream> = (0..150).map(|_| TcpStream::connect(&address).unwrap()).collect();
    // One byte at a time on each of them, and in between everybody else.
    for place in 0..bytes.len() - 1 {
        for stream in &mut slow {
            stream.write_all(&bytes[place..=place]).unwrap();
        }
        if place % 40 == 0 {
            others_are_served(&address);
        }
    }
    let grown = running.resident().saturating_sub(before);
    assert!(grown < 64 << 10, "{grown} KiB for 150 slow senders");
    // The last byte makes a request of each.
    for stream in &mut slow[..3] {
        stream.write_all(&bytes[bytes.len() - 1..]).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    }
}
