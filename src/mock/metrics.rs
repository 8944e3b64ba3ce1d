//! What the server counts, in the text format of Prometheus, version 0.0.4.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use http::{HeaderValue, Method, Response, StatusCode, header};

use super::body::Body;
use super::front::House;

/// Where they are read.
pub(super) const METRICS: &str = "/metrics";

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers a request for them.
pub(super) fn metrics(house: &House, method: &Method) -> Response<Body> {
    let (status, text) = match *method {
        Method::GET => (StatusCode::OK, written(house)),
        _ => (
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET is answered here\n".to_owned(),
        ),
    };
    let mut reply = Response::new(Body::from(text));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FORMAT));
    reply
}

fn written(house: &House) -> String {
    let mut page = Page::default();
    let mut held: BTreeMap<String, u64> = BTreeMap::new();
    let sessions = {
        let sessions = house.sessions();
        for room in sessions.values() {
            for row in room
                .record
                .sight()
                .responses
                .iter()
                .filter(|row| row.dropped.is_none())
            {
                *held.entry(row.status.word().to_owned()).or_default() += 1;
            }
        }
        sessions.len()
    };
    let responses = house.tally.responses();
    let counts = house.tally.counts();
    page.family(
        "lanebench_requests_total",
        "counter",
        "Requests that are over, by route and status of the reply; none: no reply left.",
    );
    for ((route, status), count) in &counts.requests {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        page.sample(
            "lanebench_requests_total",
            &[("route", route), ("status", &status)],
            count,
        );
    }
    page.by_word(
        (
            "lanebench_faults_total",
            "Faults that took hold, by their word in scenarios.",
        ),
        "fault",
        counts.faults.iter().map(|(word, count)| (*word, *count)),
    );
    page.by_word(
        (
            "lanebench_responses_total",
            "Changes of responses, by the status they came into.",
        ),
        "status",
        responses.iter().map(|(word, count)| (&**word, *count)),
    );
    page.by_word(
        (
            "lanebench_webhooks_total",
            "Webhooks, by what became of them: sent, then accepted, refused or unreachable.",
        ),
        "outcome",
        counts.webhooks.iter().map(|(word, count)| (*word, *count)),
    );
    page.family(
        "lanebench_responses",
        "gauge",
        "Responses that sessions list and that can be read, by status.",
    );
    for (status, count) in &held {
        page.sample("lanebench_responses", &[("status", status)], count);
    }
    page.single(
        "lanebench_streams_open",
        "Event streams that are open.",
        house.tally.streams_open(),
    );
    page.single(
        "lanebench_connections_open",
        "Connections that are open.",
        house.door.live(),
    );
    page.single("lanebench_sessions", "Sessions.", sessions);
    let kept = house.stock.kept();
    page.family(
        "lanebench_kept_bytes",
        "gauge",
        "What all sessions keep: of responses in progress, conversations and what was loaded; of ended responses; in records.",
    );
    page.sample("lanebench_kept_bytes", &[("of", "ended")], kept.ended);
    page.sample("lanebench_kept_bytes", &[("of", "open")], kept.open);
    page.sample("lanebench_kept_bytes", &[("of", "records")], kept.records);
    page.family(
        "lanebench_sessions_refused_total",
        "counter",
        "Requests for a session more than there may be.",
    );
    page.sample(
        "lanebench_sessions_refused_total",
        &[],
        house.tally.refused_sessions(),
    );
    let up = house.began.elapsed().as_secs_f64();
    page.single(
        "lanebench_uptime_seconds",
        "Real seconds since the server began.",
        up,
    );
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn by_word<'a>(
        &mut self,
        (name, help): (&str, &str),
        label: &str,
        counts: impl Iterator<Item = (&'a str, u64)>,
    ) {
        self.family(name, "counter", help);
        for (word, count) in counts {
            self.sample(name, &[(label, word)], count);
        }
    }

    fn single(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }
}

/// A value of a label: words of a wire status come from scenarios.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_break_its_line() {
        let mut page = Page::default();
        page.sample("a", &[("b", "\"c\\\n")], 1);
        assert_eq!(page.0, "a{b=\"\\\"c\\\\\\n\"} 1\n");
    }
}
