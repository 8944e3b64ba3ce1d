//! The profiles that are built in.

use lanebench::scenario::Builtin;

use super::{CREATE, options, plan_of, with};

fn text(name: &str) -> &'static str {
    Builtin::find(name).unwrap().text
}

#[test]
fn every_profile_can_be_read_and_says_what_it_does() {
    let mut titles = Vec::new();
    for one in Builtin::ALL {
        let plan = plan_of(one.text);
        assert_eq!(&*plan.title, one.does, "{}", one.name);
        assert_eq!(one.plan().rules, plan.rules);
        titles.push(plan.title);
    }
    assert_eq!(titles.len(), 6);
    assert!(Builtin::find("helthy").is_none());
}

#[test]
fn an_outage_begins_and_ends() {
    with(text("outage"), options(), |served| async move {
        let mut seen = Vec::new();
        let id = served.create(&[]).await;
        for _ in 0..6 {
            let create = served
                .ask("POST", "/v1/responses", &[], CREATE)
                .await
                .map(|came| came.status);
            let poll = served
                .came("GET", &format!("/v1/responses/{id}"), &[], "")
                .await
                .status;
            seen.push((create, poll));
            served.advance("21s").await;
        }
        let up = (Some(200), 200);
        let down = (None, 503);
        assert_eq!(seen[..4], [up, (Some(503), 503), down, down]);
        assert!(
            [Some(200), Some(429)].contains(&seen[4].0) && seen[4].1 == 200,
            "{seen:?}"
        );
        assert_eq!(seen[5], up);
    });
}

#[test]
fn a_limited_account_is_told_when_to_come_back() {
    with(text("rate-limited"), options(), |served| async move {
        let mut told = None;
        for number in 1..=5 {
            let came = served.came("POST", "/v1/responses", &[], CREATE).await;
            assert_eq!(
                came.status,
                if number < 5 { 200 } else { 429 },
                "{number}: {}",
                came.text
            );
            told = came
                .headers
                .get("retry-after-ms")
                .or(came.headers.get("retry-after"))
                .cloned();
        }
        assert!(told.is_some());
        served.advance("5s").await;
        assert_eq!(
            served.came("POST", "/v1/responses", &[], CREATE).await.status,
            200
        );
    });
}

#[test]
fn flaky_and_hostile_strike_in_many_ways_and_healthy_never() {
    for (name, least) in [("healthy", 0), ("slow", 1), ("flaky", 6), ("hostile", 8)] {
        let words = with(text(name), options(), |served| async move {
            for _ in 0..300 {
                // What is lost would keep the client waiting; here it leaves at once.
                let create = served.front.connect();
                drop(create);
                let mut line = super::Line::to(&served.front).await;
                let made = tokio::select! {
                    biased;
                    made = line.send("POST", "/v1/responses", &[], CREATE) => made,
                    () = quiet() => None,
                };
                let id = made.and_then(|came| serde_json::from_str::<serde_json::Value>(&came.text).ok());
                let id = id.and_then(|made| made["id"].as_str().map(str::to_owned));
                served.advance("100ms").await;
                let path = format!("/v1/responses/{}", id.unwrap_or_else(|| "resp_0".to_owned()));
                let mut line = super::Line::to(&served.front).await;
                tokio::select! {
                    biased;
                    _ = line.send("GET", &path, &[], "") => {}
                    () = quiet() => {}
                }
            }
            served.advance("1h").await;
            let metrics = served.came("GET", "/metrics", &[], "").await.text;
            let of_faults = metrics
                .lines()
                .filter(|line| line.starts_with("lanebench_faults_total{"));
            of_faults.map(str::to_owned).collect::<Vec<_>>()
        });
        assert!(
            words.len() >= least && (least > 0 || words.is_empty()),
            "{name}: {words:#?}"
        );
    }
}

/// Ready once everybody else had many turns and nothing came of it.
async fn quiet() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
