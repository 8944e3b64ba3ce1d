//! The client against wiremock stubs that were written from the contract alone, over real sockets.

use std::rc::Rc;

use lanebench::runtime::{Client, Dial, Fact, Limits, Service, ServiceError, TcpDial};
use lanebench::wire::{ApiError, Ask, Break, ClientFields, Reply, Status, Wait};
use serde_json::{Value, json};
use wiremock::matchers::{any, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::client_support::{Probe, Streamed, create, id, on_sockets};

/// The just-queued background response, with the key set seen on the wire.
fn queued_body() -> Value {
    json!({"id":"resp_0001","object":"response","created_at":1_786_000_000,"status":"queued","background":true,
        "completed_at":null,"error":null,"frequency_penalty":0.0,"incomplete_details":null,"instructions":null,
        "max_output_tokens":null,"max_tool_calls":null,"metadata":{},"model":"gpt-5-2025-08-07","output":[],
        "parallel_tool_calls":true,"presence_penalty":0.0,"previous_response_id":null,"prompt_cache_key":null,
        "prompt_cache_retention":null,"reasoning":{"effort":"medium","summary":null},"safety_identifier":null,
        "service_tier":"auto","store":true,"temperature":1.0,"text":{"format":{"type":"text"},"verbosity":"medium"},
        "tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled","usage":null,
        "user":null})
}

fn with_status(status: &str) -> Value {
    let mut body = queued_body();
    body["status"] = json!(status);
    body
}

fn probe(server: &MockServer) -> Probe {
    let address = server.address().to_string();
    let dial: Rc<dyn Dial> = Rc::new(TcpDial::new(address.as_str()));
    Probe::new(&address, Limits::default(), dial)
}

/// Sends `ask` once to a stub that answers `template` and expects exactly one request.
async fn ask_stub(template: ResponseTemplate, ask: Ask) -> Fact {
    let server = MockServer::start().await;
    let stub = Mock::given(any()).respond_with(template).expect(1);
    stub.mount(&server).await;
    let fact = probe(&server).one("0.1.1.poll.1", ask).await;
    server.verify().await;
    fact
}

async fn error_of(template: ResponseTemplate) -> ApiError {
    match ask_stub(template, Ask::Poll(id("resp_0001"))).await {
        Fact::Reply(Reply::Error(error)) => *error,
        other => panic!("expected an error reply, got {other:?}"),
    }
}

#[test]
fn a_create_says_who_asks_and_what() {
    on_sockets(async {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/v1/responses"))
            .and(header("authorization", "Bearer sk-test-key"))
            .and(header("content-type", "application/json"))
            .and(header("x-lanebench-exchange", "0.1.1.create.1"))
            .respond_with(ResponseTemplate::new(200).set_body_json(queued_body()))
            .expect(1)
            .mount(&server)
            .await;
        let fact = probe(&server).one("0.1.1.create.1", create(Streamed::No)).await;
        let Fact::Reply(Reply::Response(response)) = fact else {
            panic!("{fact:?}")
        };
        assert_eq!(response.id, id("resp_0001"));
        assert_eq!(response.status, Status::Queued);
        assert!(response.background && response.output.is_empty());

        let seen = server.received_requests().await.unwrap();
        assert!(
            seen[0].headers["user-agent"]
                .to_str()
                .unwrap()
                .starts_with("lanebench/")
        );
        let body: Value = seen[0].body_json().unwrap();
        assert_eq!(body["model"], "gpt-5");
        assert_eq!(body["background"], true);
        assert_eq!(body["metadata"]["lanebench_job"], "0");
        assert_eq!(body["metadata"]["lanebench_attempt"], "1");
    });
}

#[test]
fn a_poll_reads_every_status() {
    on_sockets(async {
        for (word, status) in [
            ("queued", Status::Queued),
            ("in_progress", Status::InProgress),
            ("completed", Status::Completed),
            ("failed", Status::Failed),
            ("cancelled", Status::Cancelled),
            ("incomplete", Status::Incomplete),
            ("paused", Status::Unknown("paused".into())),
        ] {
            let template = ResponseTemplate::new(200).set_body_json(with_status(word));
            let fact = ask_stub(template, Ask::Poll(id("resp_0001"))).await;
            let Fact::Reply(Reply::Response(response)) = fact else {
                panic!("{word}: {fact:?}")
            };
            assert_eq!(response.status, status);
        }
    });
}

#[test]
fn every_ask_is_one_request_of_the_contract() {
    on_sockets(async {
        let server = MockServer::start().await;
        let ok = || ResponseTemplate::new(200).set_body_json(with_status("cancelled"));
        let base = "/v1/responses/resp_0001";
        Mock::given(method("GET"))
            .and(path(base))
            .respond_with(ok())
            .expect(1)
            .mount(&server)
            .await;
        Mock::given(method("POST"))
            .and(path("/v1/responses/resp_0001/cancel"))
            .respond_with(ok())
            .expect(1)
            .mount(&server)
            .await;
        let deleted = json!({"id":"resp_0001","object":"response.deleted","deleted":true});
        Mock::given(method("DELETE"))
            .and(path(base))
            .respond_with(ResponseTemplate::new(200).set_body_json(deleted))
            .expect(1)
            .mount(&server)
            .await;
        let mut probe = probe(&server);
        probe.one("0.1.1.poll.1", Ask::Poll(id("resp_0001"))).await;
        let cancelled = probe.one("0.1.1.cancel.1", Ask::Cancel(id("resp_0001"))).await;
        assert!(
            matches!(cancelled, Fact::Reply(Reply::Response(response)) if response.status == Status::Cancelled)
        );
        let deleted = probe.one("0.1.1.delete.1", Ask::Delete(id("resp_0001"))).await;
        assert_eq!(deleted, Fact::Reply(Reply::Deleted));
        assert_eq!(probe.client.idle(), 1, "one connection served all three");

        for request in server.received_requests().await.unwrap() {
            assert!(request.body.is_empty(), "{request:?}");
            assert!(!request.headers.contains_key("content-type"));
        }
    });
}

#[test]
fn a_stream_is_asked_for_with_its_cursor() {
    on_sockets(async {
        let server = MockServer::start().await;
        let events = "event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":8}\n\n";
        let stream = ResponseTemplate::new(200).set_body_raw(events, "text/event-stream; charset=utf-8");
        Mock::given(method("GET"))
            .and(path("/v1/responses/resp_0001"))
            .and(query_param("stream", "true"))
            .and(query_param("starting_after", "7"))
            .respond_with(stream)
            .expect(1)
            .mount(&server)
            .await;
        let ask = Ask::Stream {
            id: id("resp_0001"),
            after: Some(7),
        };
        let facts = probe(&server).carry("0.1.1.stream.1", ask).await;
        assert_eq!(facts.len(), 3, "{facts:?}");
        assert_eq!(facts[0], Fact::Reply(Reply::StreamOpen));
        assert!(matches!(&facts[1], Fact::Event(event) if event.seq == 8));
        assert_eq!(facts[2], Fact::StreamEnded);
    });
}

#[test]
fn a_stream_that_is_refused_is_an_error_reply() {
    on_sockets(async {
        let message = "This response can no longer be streamed because it is more than 5 minutes old.";
        let body =
            json!({"error":{"message":message,"type":"invalid_request_error","param":null,"code":null}});
        let template = ResponseTemplate::new(400).set_body_json(body);
        let ask = Ask::Stream {
            id: id("resp_0001"),
            after: None,
        };
        let fact = ask_stub(template, ask).await;
        assert!(
            matches!(&fact, Fact::Reply(Reply::Error(error)) if error.http == 400 && &*error.message == message)
        );
    });
}

#[test]
fn an_imitation_that_ignores_stream_is_read_as_the_object_it_sends() {
    on_sockets(async {
        let template = ResponseTemplate::new(200).set_body_json(with_status("completed"));
        let fact = ask_stub(template, create(Streamed::Yes)).await;
        assert!(matches!(fact, Fact::Reply(Reply::Response(_))), "{fact:?}");
    });
}

#[test]
fn an_event_stream_that_nobody_asked_for_is_unreadable() {
    on_sockets(async {
        let template = ResponseTemplate::new(200).set_body_raw("data: {}\n\n", "text/event-stream");
        let fact = ask_stub(template, Ask::Poll(id("resp_0001"))).await;
        assert_eq!(fact, Fact::Broke(Break::Unreadable { id: None }));
    });
}

#[test]
fn errors_are_read_field_by_field() {
    on_sockets(async {
        let body = json!({"error":{"message":"Rate limit reached.","type":"tokens","param":null,
            "code":"rate_limit_exceeded"}});
        let error = error_of(ResponseTemplate::new(429).set_body_json(body)).await;
        assert_eq!(
            (error.http, &*error.kind, error.code.as_deref()),
            (429, "tokens", Some("rate_limit_exceeded"))
        );
        assert_eq!(
            (&*error.message, error.param, error.wait),
            ("Rate limit reached.", None, None)
        );

        for status in [
            301, 304, 400, 401, 403, 404, 408, 409, 413, 422, 424, 429, 500, 502, 503, 504, 599,
        ] {
            let body = json!({"error":{"message":"m","type":"t","param":"p","code":"c"}});
            let error = error_of(ResponseTemplate::new(status).set_body_json(body)).await;
            assert_eq!(error.http, status);
            if status != 304 {
                assert_eq!(
                    (&*error.kind, error.code.as_deref(), error.param.as_deref()),
                    ("t", Some("c"), Some("p"))
                );
            }
        }
    });
}

#[test]
fn waits_are_read_in_every_form_and_milliseconds_win() {
    on_sockets(async {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Headers<'_>, Option<Wait>); 7] = [
            (&[], None),
            (&[("retry-after", "7")], Some(Wait::Seconds(7))),
            (&[("retry-after-ms", "250")], Some(Wait::Millis(250))),
            (
                &[("retry-after", "7"), ("retry-after-ms", "250")],
                Some(Wait::Millis(250)),
            ),
            (&[("retry-after", date)], Some(Wait::Date(784_111_777))),
            (&[("retry-after", "soon")], None),
            (
                &[("retry-after", "7"), ("retry-after-ms", "soon")],
                Some(Wait::Seconds(7)),
            ),
        ];
        for (headers, wait) in cases {
            let start = ResponseTemplate::new(429).set_body_json(json!({"error":{"message":"slow"}}));
            let template = headers.iter().fold(start, |template, (name, value)| {
                template.insert_header(*name, *value)
            });
            assert_eq!(error_of(template).await.wait, wait, "{headers:?}");
        }
        for (word, should_retry) in [("true", Some(true)), ("false", Some(false)), ("maybe", None)] {
            let template = ResponseTemplate::new(500).insert_header("x-should-retry", word);
            assert_eq!(error_of(template).await.should_retry, should_retry);
        }
    });
}

#[test]
fn an_error_needs_no_json() {
    on_sockets(async {
        let page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
        let error = error_of(ResponseTemplate::new(502).set_body_raw(page, "text/html")).await;
        assert_eq!((error.http, &*error.kind, error.code), (502, "", None));
        let error = error_of(ResponseTemplate::new(503).insert_header("retry-after", "3")).await;
        assert_eq!(
            (error.http, &*error.kind, error.wait),
            (503, "", Some(Wait::Seconds(3)))
        );
        let error = error_of(ResponseTemplate::new(500).set_body_bytes(vec![0xFF, 0xFE, 0])).await;
        assert_eq!(error.http, 500);
    });
}

#[test]
fn a_success_that_is_no_response_is_unreadable() {
    on_sockets(async {
        let known = Break::Unreadable {
            id: Some(id("resp_0001")),
        };
        for (body, how) in [
            ("", Break::Unreadable { id: None }),
            ("null", Break::Unreadable { id: None }),
            ("<html></html>", Break::Unreadable { id: None }),
            (r#"{"id":"resp_0001"}"#, known.clone()),
            (
                r#"{"id":"resp_0001","status":"queued","output":[]"#,
                known.clone(),
            ),
            (r#"{"id":"resp_0001","status":7,"output":[]}"#, known),
        ] {
            let template = ResponseTemplate::new(200).set_body_raw(body, "application/json");
            assert_eq!(
                ask_stub(template, create(Streamed::No)).await,
                Fact::Broke(how),
                "{body}"
            );
        }
    });
}

#[test]
fn a_deletion_that_does_not_say_so_is_unreadable() {
    on_sockets(async {
        for body in [
            "",
            "gone",
            r#"{"id":"resp_0001","object":"response.deleted","deleted":false}"#,
        ] {
            let template = ResponseTemplate::new(200).set_body_raw(body, "application/json");
            let fact = ask_stub(template, Ask::Delete(id("resp_0001"))).await;
            assert!(
                matches!(fact, Fact::Broke(Break::Unreadable { .. })),
                "{body}: {fact:?}"
            );
        }
    });
}

#[test]
fn a_redirect_is_not_followed() {
    on_sockets(async {
        let server = MockServer::start().await;
        let elsewhere = format!("{}/elsewhere", server.uri());
        let redirect = ResponseTemplate::new(307).insert_header("location", elsewhere);
        Mock::given(path("/v1/responses"))
            .respond_with(redirect)
            .expect(1)
            .mount(&server)
            .await;
        Mock::given(path("/elsewhere"))
            .respond_with(ResponseTemplate::new(200))
            .expect(0)
            .mount(&server)
            .await;
        let fact = probe(&server).one("0.1.1.create.1", create(Streamed::No)).await;
        assert!(matches!(fact, Fact::Reply(Reply::Error(error)) if error.http == 307));
        server.verify().await;
    });
}

#[test]
fn nobody_listens() {
    on_sockets(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let dial: Rc<dyn Dial> = Rc::new(TcpDial::new(address.as_str()));
        let mut probe = Probe::new(&address, Limits::default(), dial);
        let fact = probe.one("0.1.1.create.1", create(Streamed::No)).await;
        assert_eq!(fact, Fact::Broke(Break::Refused));
    });
}

#[test]
fn ids_are_opaque_and_stay_one_segment() {
    on_sockets(async {
        let server = MockServer::start().await;
        let stub = Mock::given(any()).respond_with(ResponseTemplate::new(404));
        stub.mount(&server).await;
        let mut probe = probe(&server);
        for (nth, odd) in ["a/b", "a?stream=true", "ü 1", "a%2Fb#c"].into_iter().enumerate() {
            probe.one(&format!("0.1.1.poll.{nth}"), Ask::Poll(id(odd))).await;
        }
        let long = "x".repeat(70_000);
        let fact = probe.one("0.1.1.poll.9", Ask::Poll(id(&long))).await;
        assert_eq!(
            fact,
            Fact::Broke(Break::Refused),
            "no address is that long, so nothing was sent"
        );
        let seen = server.received_requests().await.unwrap();
        let paths: Vec<&str> = seen.iter().map(|request| request.url.path()).collect();
        assert_eq!(
            paths,
            [
                "/v1/responses/a%2Fb",
                "/v1/responses/a%3Fstream%3Dtrue",
                "/v1/responses/%C3%BC%201",
                "/v1/responses/a%252Fb%23c"
            ]
        );
        assert!(seen.iter().all(|request| request.url.query().is_none()));
    });
}

#[test]
fn a_service_that_no_request_can_name_is_an_error() {
    let service = |authority: &str, base: &str, key: &str| Service {
        authority: authority.to_owned(),
        base: base.to_owned(),
        key: key.to_owned(),
        fields: ClientFields::default(),
    };
    let new = |service: &Service| {
        Client::new(
            service,
            Limits::default(),
            Rc::new(TcpDial::new("127.0.0.1:1")),
            Rc::new(|_, _| ()),
        )
        .err()
    };
    assert_eq!(new(&service("a.test", "/v1", "sk-1")), None);
    assert_eq!(new(&service("a.test", "", "sk-1")), None);
    assert_eq!(
        new(&service("a\n.test", "/v1", "sk-1")),
        Some(ServiceError::Authority)
    );
    assert_eq!(new(&service("a.test", "v1", "sk-1")), Some(ServiceError::Base));
    assert_eq!(
        new(&service("a.test", "/v1?a=b", "sk-1")),
        Some(ServiceError::Base)
    );
    assert_eq!(
        new(&service("a.test", "/v1", "sk-1\r\nx: y")),
        Some(ServiceError::Key)
    );
    let shown = format!("{:?}", service("a.test", "/v1", "sk-secret"));
    assert!(!shown.contains("sk-secret"), "{shown}");
}
