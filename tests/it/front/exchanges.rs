//! The faults of any exchange strike cancels, deletes and whatever else there is to ask, in virtual time and on real
//! sockets: what the client sees of each, and whether the request was handled.

use std::fmt::Write;

use lanebench::clock::{Clock, Pace, TimeScale, run};
use lanebench::fault::Fault;
use lanebench::mock::Front;
use tokio::net::{TcpListener, TcpStream};

use super::{CREATE, Came, FOREGROUND, Line, options, plan_of};

/// The exchanges that our own runtime hardly makes or never.
const KINDS: [&str; 3] = ["cancel", "delete", "other"];

/// The faults of any exchange: how each is written, what a client sees of it, and whether the request was handled.
const FAULTS: [(&str, &str, &str, bool); 15] = [
    ("delay", "30ms", "whole", true),
    ("reply", "500", "error 500", false),
    ("refuse", "true", "broken", false),
    ("reset_before", "true", "broken", false),
    ("reset_after", "true", "broken", true),
    ("lose_reply", "true", "silence", true),
    ("cut_before_id", "true", "broken", true),
    ("cut_after_id", "true", "broken", true),
    ("stall_body", "true", "silence", true),
    ("malformed", "true", "no json", true),
    ("half_open", "true", "silence", false),
    ("wrong_length", "true", "no json", true),
    ("wrong_type", "true", "text/plain; charset=utf-8", true),
    ("html_page", "true", "text/html; charset=utf-8", true),
    ("trickle", "2ms", "whole", true),
];

/// Longer than any reply takes in virtual time.
const PATIENCE: &str = "400ms";

/// Longer than any reply takes on a machine that does a lot of other work; nobody waits for it who hears something.
const DEAD: &str = "1m";

/// Exchanges behind which everything that the server wrote before them has arrived.
const LAPS: usize = 3;

fn service() -> String {
    let mut text = String::from(
        "service: every fault of an exchange\n\
         backend: { latency: 1ms, script: { queued: 1h, steps: [{ message: { tokens: 4 tokens, takes: 1ms } }] } }\n\
         faults:\n",
    );
    for kind in KINDS {
        for (word, value, ..) in FAULTS {
            writeln!(
                text,
                "  - {{ exchange: {kind}, header: {{ name: x-case, value: {kind}-{word} }}, {word}: {value} }}"
            )
            .unwrap();
        }
    }
    text
}

/// A server, and how to reach it.
struct Reach {
    front: Front,
    clock: Clock,
    address: Option<std::net::SocketAddr>,
}

impl Reach {
    async fn line(&self) -> Line {
        match self.address {
            Some(address) => Line::over(TcpStream::connect(address).await.unwrap()).await,
            None => Line::to(&self.front).await,
        }
    }

    async fn ask(&self, method: &str, path: &str, case: &str, body: &str) -> Option<Came> {
        self.line()
            .await
            .send(method, path, &[("x-case", case)], body)
            .await
    }

    /// Waits until the rule of this number struck, and everything that then left has arrived. In virtual time that is
    /// when time goes by; on sockets it is when the server, which does one thing after the other, answers others.
    async fn struck(&self, rule: usize) {
        if self.address.is_none() {
            let until = self.clock.now() + PATIENCE.parse().unwrap();
            return self.clock.sleep_until(until).await;
        }
        let mut laps = 0;
        while laps < LAPS {
            laps += usize::from(self.faults().await[rule]["struck"] == 1);
        }
    }

    /// The rules, with how often each struck.
    async fn faults(&self) -> Vec<serde_json::Value> {
        let faults = self.ask("GET", "/_lanebench/faults", "none", "").await;
        let faults = faults.unwrap().good();
        faults["declared"].as_array().unwrap().clone()
    }

    /// What a client sees that does not wait for ever: where it should hear nothing, it has done so once the rule struck.
    async fn seen(&self, method: &str, path: &str, case: &str, (rule, sees): (usize, &str)) -> String {
        let deaf = async {
            match sees {
                "silence" => self.struck(rule).await,
                _ => {
                    self.clock
                        .sleep_until(self.clock.now() + DEAD.parse().unwrap())
                        .await
                }
            }
        };
        let came = tokio::select! {
            biased;
            came = self.ask(method, path, case, "") => came,
            () = deaf => return "silence".to_owned(),
        };
        let Some(came) = came else {
            return "broken".to_owned();
        };
        let kind = came.headers["content-type"].to_str().unwrap();
        match serde_json::from_str::<serde_json::Value>(&came.text) {
            _ if kind != "application/json" => kind.to_owned(),
            _ if came.status != 200 => format!("error {}", came.status),
            Ok(_) => "whole".to_owned(),
            Err(_) => "no json".to_owned(),
        }
    }

    /// The response that a request of this kind is about.
    async fn response(&self, kind: &str) -> String {
        let body = if kind == "cancel" { CREATE } else { FOREGROUND };
        let made = self.ask("POST", "/v1/responses", "none", body).await.unwrap();
        made.good()["id"].as_str().unwrap().to_owned()
    }

    /// Whether the request of this kind was handled.
    async fn handled(&self, kind: &str, id: &str) -> bool {
        let read = self.ask("GET", &format!("/v1/responses/{id}"), "none", "").await;
        let read = read.unwrap();
        match kind {
            "cancel" => read.good()["status"] == "cancelled",
            _ => read.status == 404,
        }
    }
}

async fn strike_all(reach: Reach, world: &str) {
    let mut wrong = Vec::new();
    let mut rules = 0..;
    for kind in KINDS {
        for (word, _, sees, handled) in FAULTS {
            let rule = rules.next().unwrap();
            let case = format!("{kind}-{word}");
            let id = reach.response(kind).await;
            let (method, path) = match kind {
                "cancel" => ("POST", format!("/v1/responses/{id}/cancel")),
                "delete" => ("DELETE", format!("/v1/responses/{id}")),
                _ => ("GET", format!("/v1/responses/{id}/input_items")),
            };
            let seen = reach.seen(method, &path, &case, (rule, sees)).await;
            if seen != sees {
                wrong.push(format!("{case} is seen as {seen}, not {sees}"));
            }
            // Reading changes nothing, so nobody can tell whether it was handled.
            if kind != "other" && reach.handled(kind, &id).await != handled {
                wrong.push(format!("{case} should be handled: {handled}"));
            }
        }
    }
    let declared = reach.faults().await;
    assert_eq!(declared.len(), KINDS.len() * FAULTS.len());
    let idle = declared.iter().filter(|rule| rule["struck"] != 1);
    wrong.extend(idle.map(|rule| format!("struck otherwise than once: {rule}")));
    assert!(wrong.is_empty(), "{world}: {wrong:#?}");
}

#[test]
fn the_list_is_that_of_the_catalogue() {
    let words = FAULTS.map(|(word, ..)| word);
    assert_eq!(words, Fault::WORDS[..15]);
}

#[test]
fn every_fault_strikes_cancels_deletes_and_others_in_virtual_time() {
    let text = service();
    run(Pace::Virtual, |clock| async move {
        let front = Front::new(plan_of(&text), None, clock.clone(), options());
        let address = None;
        strike_all(
            Reach {
                front,
                clock,
                address,
            },
            "virtual",
        )
        .await;
    })
    .unwrap();
}

#[test]
fn every_fault_strikes_cancels_deletes_and_others_on_real_sockets() {
    let text = service();
    run(Pace::Real(TimeScale::ONE), |clock| async move {
        let front = Front::new(plan_of(&text), None, clock.clone(), options());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Some(listener.local_addr().unwrap());
        let served = front.clone();
        tokio::spawn(async move { served.accept(&listener).await });
        strike_all(
            Reach {
                front,
                clock,
                address,
            },
            "wall",
        )
        .await;
    })
    .unwrap();
}
