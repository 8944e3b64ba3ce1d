//! The metrics, read by a parser of their text format.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::{CREATE, STREAM, healthy};

/// The samples of a page by name and labels; every rule of the text format 0.0.4 is checked on the way.
fn parsed(page: &str) -> BTreeMap<String, f64> {
    let comment = Regex::new(r"^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$").unwrap();
    let sample = Regex::new(
        r#"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$"#,
    )
    .unwrap();
    assert!(page.ends_with('\n'), "the last line ends too");
    let (mut helped, mut typed, mut samples) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    let mut family = String::new();
    for line in page.lines() {
        if let Some(found) = comment.captures(line) {
            family = found[2].to_owned();
            match &found[1] {
                "HELP" => assert!(helped.insert(family.clone()), "{line}: helped twice"),
                _ => {
                    assert!(["counter", "gauge"].contains(&&found[3]), "{line}");
                    assert!(
                        typed.insert(family.clone(), found[3].to_owned()).is_none(),
                        "{line}"
                    );
                }
            }
            continue;
        }
        let found = sample
            .captures(line)
            .unwrap_or_else(|| panic!("no sample: {line}"));
        assert_eq!(found[1], family, "a sample stands behind its family");
        assert_eq!(typed[&family] == "counter", family.ends_with("_total"), "{line}");
        let labels = found.get(3).map_or("", |labels| labels.as_str());
        let value: f64 = found[4].parse().unwrap();
        assert!(
            samples.insert(format!("{family}{{{labels}}}"), value).is_none(),
            "{line} twice"
        );
    }
    assert_eq!(helped.len(), typed.len());
    samples
}

#[test]
fn what_happened_is_counted() {
    healthy(|served| async move {
        let fault = [("x-lanebench-fault", "status=429")];
        served.came("POST", "/v1/responses", &fault, CREATE).await;
        let id = served.create(&[("x-lanebench-session", "other")]).await;
        let elsewhere = format!("/v1/responses/{id}");
        served.came("GET", &elsewhere, &[], "").await;
        served.came("GET", "/nowhere", &[], "").await;
        assert!(
            served
                .ask(
                    "POST",
                    "/v1/responses",
                    &[("x-lanebench-fault", "reset_before")],
                    CREATE
                )
                .await
                .is_none()
        );
        let mut line = super::Line::to(&served.front).await;
        let reading = tokio::spawn(async move { line.send("POST", "/v1/responses", &[], STREAM).await });
        served
            .until("/_lanebench/sessions", |all| {
                all["sessions"][0]["streams_open"] == 1
            })
            .await;
        let page = served.came("GET", "/metrics", &[], "").await;
        assert_eq!(
            page.headers["content-type"],
            "text/plain; version=0.0.4; charset=utf-8"
        );
        let samples = parsed(&page.text);
        for (name, value) in [
            (
                r#"lanebench_requests_total{route="/v1/responses",status="429"}"#,
                1.0,
            ),
            (
                r#"lanebench_requests_total{route="/v1/responses",status="200"}"#,
                1.0,
            ),
            (
                r#"lanebench_requests_total{route="/v1/responses",status="none"}"#,
                1.0,
            ),
            (
                r#"lanebench_requests_total{route="/v1/responses/{id}",status="404"}"#,
                1.0,
            ),
            (r#"lanebench_requests_total{route="none",status="404"}"#, 1.0),
            (r#"lanebench_faults_total{fault="reply"}"#, 1.0),
            (r#"lanebench_faults_total{fault="reset_before"}"#, 1.0),
            (r#"lanebench_responses{status="queued"}"#, 1.0),
            ("lanebench_sessions{}", 2.0),
            ("lanebench_streams_open{}", 1.0),
        ] {
            assert_eq!(samples.get(name), Some(&value), "{name} in {samples:#?}");
        }
        assert!(samples["lanebench_connections_open{}"] >= 2.0);
        assert!(samples["lanebench_uptime_seconds{}"] > 0.0);
        // Resetting takes nothing back, and nothing stays open behind it.
        served.post("/_lanebench/reset", "").await;
        assert!(reading.await.unwrap().is_none());
        let after = parsed(&served.came("GET", "/metrics", &[], "").await.text);
        assert_eq!(after["lanebench_streams_open{}"], 0.0);
        assert_eq!(
            after[r#"lanebench_requests_total{route="/v1/responses",status="429"}"#],
            1.0
        );
        assert_eq!(served.came("POST", "/metrics", &[], "").await.status, 405);
    });
}
