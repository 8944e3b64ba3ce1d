//! The control API: every route answers as its document says, and does what it says.

use std::collections::BTreeSet;

use lanebench::report::SchemaKind;
use serde_json::{Value, json};

use super::{CREATE, Came, FOREGROUND, Line, Served, healthy, options, with};
use crate::schema::Validator;

fn document() -> Value {
    serde_json::from_str(&SchemaKind::Control.schema()).unwrap()
}

/// Asks, checks the answer against the document, and notes which operation that was.
struct Checked<'a> {
    served: &'a Served,
    document: Value,
    asked: BTreeSet<(String, String)>,
}

impl Checked<'_> {
    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Came {
        let came = self.served.came(method, path, headers, body).await;
        let own = path.split('?').next().unwrap();
        let paths = self.document["paths"].as_object().unwrap();
        let fits = |pattern: &str| {
            let (mut words, mut parts) = (pattern.split('/'), own.split('/'));
            words.by_ref().all(|word| {
                parts
                    .next()
                    .is_some_and(|part| word.starts_with('{') || word == part)
            }) && parts.next().is_none()
        };
        let mut fitting: Vec<&String> = paths.keys().filter(|pattern| fits(pattern)).collect();
        fitting.sort_by_key(|pattern| pattern.contains('{'));
        let pattern = fitting
            .first()
            .unwrap_or_else(|| panic!("{own} is not documented"));
        let operation = &paths[*pattern][method.to_lowercase()];
        let mut reply = &operation["responses"][came.status.to_string()];
        if reply.is_null() {
            reply = &self.document["components"]["responses"]["Refused"];
            assert!(came.status >= 400, "{method} {path}: {}", came.status);
        }
        let kind = came.headers["content-type"].to_str().unwrap();
        let schema = &reply["content"][kind]["schema"];
        assert!(schema.is_object(), "{method} {path} answers with {kind}: {reply}");
        let value = match kind {
            "application/json" => came.json(),
            _ => Value::from(came.text.as_str()),
        };
        let said = Validator::of(self.document.clone()).complaints_of(schema, &value);
        assert!(said.is_empty(), "{method} {path}: {said:#?}");
        if came.status == 200 {
            self.asked.insert(((*pattern).clone(), method.to_lowercase()));
        }
        came
    }
}

#[test]
fn every_route_answers_as_its_document_says() {
    let text = "service: s\nfaults: [{ exchange: create, nth: 2, reply: 429 }]";
    with(text, options(), |served| async move {
        let mut checked = Checked {
            served: &served,
            document: document(),
            asked: BTreeSet::new(),
        };
        let id = served.create(&[]).await;
        served.came("POST", "/v1/responses", &[], CREATE).await;
        served.came("GET", "/v1/reponses", &[], "").await;
        served
            .came(
                "GET",
                &format!("/v1/responses/{id}"),
                &[("x-lanebench-fault", "status=500")],
                "",
            )
            .await;
        served
            .post("/_lanebench/faults", "{exchange: poll, reply: 503}")
            .await;
        for (method, path, body, status) in [
            ("GET", "", "", 200),
            ("GET", "/openapi.json", "", 200),
            ("GET", "/requests", "", 200),
            ("GET", "/requests?since=x", "", 422),
            ("GET", "/requests/1", "", 200),
            ("GET", "/requests/77", "", 404),
            ("GET", "/responses", "", 200),
            ("GET", "/webhooks", "", 200),
            ("GET", "/verdict", "", 200),
            ("GET", "/faults", "", 200),
            ("POST", "/faults", "{webhook: any, lose_webhook: true}", 200),
            ("POST", "/faults", "{webhook: any, lose_webhok: true}", 422),
            ("DELETE", "/faults", "", 200),
            ("POST", "/wait_for", "{requests: {count: 4}}", 200),
            (
                "POST",
                "/wait_for",
                "{response: {status: completed}, within: 0s}",
                408,
            ),
            ("POST", "/wait_for", "{}", 422),
            ("POST", "/advance", "{by: 1h}", 200),
            ("POST", "/advance", "{by: 9999d}", 422),
            ("POST", "/advance", "{for: 1h}", 422),
            ("GET", "/scenario", "", 200),
            ("POST", "/scenario", "service: another\n", 200),
            ("POST", "/scenario", "servce: another\n", 422),
            ("POST", "/scenario?profile=flaky", "", 200),
            ("POST", "/scenario?profile=flakey", "", 422),
            ("POST", "/reset", "", 200),
            ("POST", "/reset?keep=scenario", "", 200),
            ("POST", "/reset?keep=all", "", 422),
            ("GET", "/verdict?session=one", "", 200),
            ("GET", "/sessions", "", 200),
            ("DELETE", "/sessions/one", "", 200),
            ("DELETE", "/sessions/one", "", 404),
        ] {
            let came = checked
                .ask(method, &format!("/_lanebench{path}"), &[], body)
                .await;
            assert_eq!(came.status, status, "{method} {path}: {}", came.text);
        }
        let documented: BTreeSet<(String, String)> = checked.document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods.map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        assert_eq!(checked.asked, documented, "every operation was answered with 200");
        // What the overview lists is what the document has.
        let listed: BTreeSet<(String, String)> = served.get("/_lanebench").await["paths"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap().split_once(' ').unwrap())
            .map(|(method, path)| (path.to_owned(), method.to_lowercase()))
            .collect();
        assert_eq!(listed, documented);
        assert_eq!(served.get("/_lanebench/openapi.json").await, document());
    });
}

#[test]
fn a_path_that_is_not_there_is_told_what_is() {
    healthy(|served| async move {
        for (method, path, status, says) in [
            (
                "GET",
                "/_lanebench/request",
                404,
                "did you mean /_lanebench/requests?",
            ),
            (
                "GET",
                "/_lanebench/wait-for",
                404,
                "did you mean /_lanebench/wait_for?",
            ),
            (
                "GET",
                "/_lanebench/xyz/abc",
                404,
                "GET /_lanebench lists what there is",
            ),
            (
                "GET",
                "/_lanebench/reset",
                405,
                "/_lanebench/reset takes POST, not GET",
            ),
            ("PUT", "/_lanebench/sessions/x", 405, "takes DELETE, not PUT"),
            (
                "DELETE",
                "/_lanebench/sessions/defualt",
                404,
                "did you mean `default`?",
            ),
        ] {
            let came = served.came(method, path, &[], "").await;
            let message = came.json()["error"]["message"].as_str().unwrap().to_owned();
            assert_eq!(came.status, status, "{path}");
            assert!(message.contains(says), "{path}: {message}");
        }
        // Pages of browsers cannot use it, and a body has an end.
        let page = [("origin", "http://evil.example")];
        assert_eq!(
            served.came("POST", "/_lanebench/reset", &page, "").await.status,
            403
        );
        let long = "#".repeat((1 << 20) + 1);
        assert_eq!(
            served
                .came("POST", "/_lanebench/scenario", &[], &long)
                .await
                .status,
            413
        );
        // What merely begins alike is the service's own affair.
        assert_eq!(served.came("GET", "/_lanebenchmark", &[], "").await.status, 404);
        assert_eq!(served.lines().len(), 1);
    });
}

#[test]
fn time_stands_still_until_it_is_moved() {
    healthy(|served| async move {
        let id = served.create(&[]).await;
        assert_eq!(served.status(&id).await, "queued");
        assert_eq!(served.status(&id).await, "queued");
        served.advance("301ms").await;
        assert_eq!(served.status(&id).await, "in_progress");
        served.advance("2s").await;
        let read = served.get(&format!("/v1/responses/{id}")).await;
        assert_eq!(read["status"], "completed");
        // Civil time is that of the plan, so every run gives the same bytes.
        assert_eq!(read["created_at"], 1_767_225_600);
        // A foreground request waits for somebody to move the clock.
        let mut line = Line::to(&served.front).await;
        let waiting = tokio::spawn(async move { line.send("POST", "/v1/responses", &[], FOREGROUND).await });
        served
            .until("/_lanebench/responses", |all| {
                all["responses"].as_array().unwrap().len() == 2
            })
            .await;
        served.advance("5s").await;
        assert_eq!(waiting.await.unwrap().unwrap().good()["status"], "completed");
    });
}

#[test]
fn a_scenario_is_loaded_and_a_wrong_one_changes_nothing() {
    healthy(|served| async move {
        let id = served.create(&[]).await;
        let path = format!("/v1/responses/{id}");
        let wrong =
            "service: s\nbackend: { latncy: 3 }\nfaults: [{ exchange: create, tasks: x, reply: 500 }]\n";
        let refused = served.came("POST", "/_lanebench/scenario", &[], wrong).await;
        assert_eq!(refused.status, 422);
        let text = refused.json()["error"]["diagnostics"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            text.contains("--> body:2:12") && text.contains("did you mean `latency`?"),
            "{text}"
        );
        assert!(text.contains("`tasks` strikes nothing here"), "{text}");
        assert_eq!(served.came("GET", &path, &[], "").await.status, 200);

        let good = "service: always down\nfaults: [{ exchange: create, reply: 503 }]\n";
        let loaded = served.post("/_lanebench/scenario", good).await;
        assert_eq!(
            loaded,
            json!({ "session": "default", "plays": "always down", "faults": 1 })
        );
        assert_eq!(
            served.came("POST", "/v1/responses", &[], CREATE).await.status,
            503
        );
        assert_eq!(
            served.came("GET", &path, &[], "").await.status,
            404,
            "it began anew"
        );
        assert_eq!(
            served.came("GET", "/_lanebench/scenario", &[], "").await.text,
            good
        );
        // It is kept, if that is wanted; otherwise the server is as it was started.
        served.post("/_lanebench/reset?keep=scenario", "").await;
        assert_eq!(
            served.came("POST", "/v1/responses", &[], CREATE).await.status,
            503
        );
        served.post("/_lanebench/reset", "").await;
        assert_eq!(served.create(&[]).await, id);
        assert_eq!(served.get("/_lanebench/requests").await["seen"], 1);
        // A whole scenario will do.
        let whole = std::fs::read_to_string(crate::support::repo("tests/sdk/service.yaml")).unwrap();
        let loaded = served.post("/_lanebench/scenario?session=sdk", &whole).await;
        assert_eq!(loaded["faults"], 1);
    });
}

#[test]
fn the_verdict_names_the_requests_as_the_record_numbers_them() {
    healthy(|served| async move {
        served.came("GET", "/v1/reponses", &[], "").await;
        served
            .came(
                "POST",
                "/v1/responses",
                &[("x-lanebench-fault", "status=429; retry_after=7s")],
                CREATE,
            )
            .await;
        served.came("POST", "/v1/responses", &[], CREATE).await;
        let verdict = served.get("/_lanebench/verdict").await;
        assert_eq!(
            (&verdict["verdict"], &verdict["requests"]),
            (&json!("failed"), &json!(3))
        );
        let rule = &verdict["rules"][0];
        assert_eq!(
            (rule["code"].as_str(), rule["verdict"].as_str()),
            (Some("CL-01"), Some("fail"))
        );
        assert_eq!(rule["findings"][0]["requests"], json!([2, 3]));
        assert!(rule["advice"].as_str().unwrap().contains("retry-after"));
        let [two, three] = [2, 3].map(|seq| format!("/_lanebench/requests/{seq}"));
        assert_eq!(served.get(&two).await["status"], 429);
        assert_eq!(served.get(&three).await["status"], 200);
        assert_eq!(
            served.get("/_lanebench/verdict?session=other").await["verdict"],
            "undecided"
        );
    });
}

#[test]
fn whoever_waits_is_answered_when_it_is_on_record() {
    healthy(|served| async move {
        let id = served.create(&[]).await;
        let body = format!("{{response: {{id: {id}, status: completed}}, within: 60s}}");
        let mut line = Line::to(&served.front).await;
        let waiting =
            tokio::spawn(async move { line.send("POST", "/_lanebench/wait_for", &[], &body).await });
        served.advance("1s").await;
        assert!(!waiting.is_finished());
        served.advance("10s").await;
        let met = waiting.await.unwrap().unwrap().good();
        assert_eq!(
            (&met["met"], &met["count"], &met["seen"][0]["status"]),
            (&json!(true), &json!(1), &json!("completed"))
        );

        let mut line = Line::to(&served.front).await;
        let body = "{requests: {method: get, path: /v1/responses/*, status: 200, count: 2}, within: 60s}";
        let waiting = tokio::spawn(async move { line.send("POST", "/_lanebench/wait_for", &[], body).await });
        for _ in 0..2 {
            served.status(&id).await;
        }
        assert_eq!(waiting.await.unwrap().unwrap().good()["count"], 2);
        // When the time is over, what was seen is shown.
        let late = "{requests: {fault: reset_after}, within: 1ms}";
        let came = served.came("POST", "/_lanebench/wait_for", &[], late).await;
        assert_eq!(came.status, 408);
        let late = came.json();
        assert_eq!((&late["met"], &late["count"]), (&json!(false), &json!(0)));
        assert_eq!(late["seen"].as_array().unwrap().len(), 3);
        // A session that ends keeps nobody waiting.
        let mut line = Line::to(&served.front).await;
        let body = "{webhook: {}, within: 60s}";
        let path = "/_lanebench/wait_for?session=gone";
        let waiting = tokio::spawn(async move { line.send("POST", path, &[], body).await });
        served
            .until("/_lanebench/sessions", |all| {
                all["sessions"].as_array().unwrap().len() == 2
            })
            .await;
        served
            .came("DELETE", "/_lanebench/sessions/gone", &[], "")
            .await
            .good();
        assert_eq!(waiting.await.unwrap().unwrap().status, 408);
    });
}
