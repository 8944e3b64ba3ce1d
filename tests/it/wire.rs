//! What is written can be read, and what cannot be read does no harm.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use lanebench::wire::{
    ApiError, ClientFields, Create, Echo, InputItem, Response, ResponseId, Wait, format_http_date,
    parse_create, parse_error, parse_http_date, parse_response, read_should_retry, read_wait, render_create,
    render_error, render_response, salvage_id, write_wait,
};
use proptest::prelude::*;

use crate::wire_values as values;

/// The echo of an ordinary request.
pub(crate) fn echo() -> Echo {
    let body = br#"{"model":"gpt-5","input":"hello","metadata":{"team":"blue"}}"#;
    parse_create(body).unwrap().1
}

pub(crate) fn rendered(response: &Response) -> Vec<u8> {
    let mut out = Vec::new();
    render_response(response, &echo(), &mut out);
    out
}

fn rendered_create(create: &Create) -> Vec<u8> {
    let mut out = Vec::new();
    render_create(create, &ClientFields::default(), &mut out);
    out
}

fn wait_headers(wait: Wait) -> Option<Wait> {
    match write_wait(wait) {
        ("retry-after-ms", value) => read_wait(Some(&value), None),
        (name, value) => {
            assert_eq!(name, "retry-after");
            read_wait(None, Some(&value))
        }
    }
}

proptest! {
    #[test]
    fn a_response_survives(response in values::response()) {
        prop_assert_eq!(parse_response(&rendered(&response)), Ok(response));
    }

    #[test]
    fn a_create_survives(create in values::create()) {
        let parsed = parse_create(&rendered_create(&create));
        prop_assert_eq!(parsed.map(|(create, _)| create), Ok(create));
    }

    #[test]
    fn an_error_survives(error in values::api_error()) {
        let mut out = Vec::new();
        render_error(&error, &mut out);
        let wait = error.wait.and_then(wait_headers);
        let should_retry = error.should_retry.map(|yes| yes.to_string());
        let parsed = parse_error(error.http, wait, read_should_retry(should_retry.as_deref()), &out);
        prop_assert_eq!(parsed, error);
    }

    #[test]
    fn the_id_is_salvaged_as_soon_as_it_is_whole(response in values::response(), cut in any::<prop::sample::Index>()) {
        let body = rendered(&response);
        let cut = cut.index(body.len());
        let quoted = serde_json::to_string(&response.id).unwrap();
        let whole = cut >= "{\"id\":".len() + quoted.len();
        prop_assert_eq!(salvage_id(&body[..cut]), whole.then(|| response.id.clone()));
        prop_assert_eq!(parse_response(&body[..cut]).unwrap_err().id, whole.then_some(response.id));
    }

    #[test]
    fn strange_bytes_do_no_harm(body in any::<Vec<u8>>()) {
        let _ = (parse_response(&body), parse_create(&body), salvage_id(&body));
        prop_assert_eq!(&*parse_error(500, None, None, &body).kind, "");
    }

    #[test]
    fn damaged_bodies_do_no_harm(
        response in values::response(),
        create in values::create(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        for mut body in [rendered(&response), rendered_create(&create)] {
            let at = at.index(body.len());
            body[at] = byte;
            let _ = (parse_response(&body), parse_create(&body), salvage_id(&body), parse_error(400, None, None, &body));
        }
    }

    #[test]
    fn an_http_date_survives(secs in 0..253_402_300_800_i64) {
        prop_assert_eq!(parse_http_date(&format_http_date(secs)), Some(secs));
    }

    #[test]
    fn wait_headers_of_any_text_do_no_harm(ms in any::<String>(), plain in any::<String>()) {
        let _ = read_wait(Some(&ms), Some(&plain));
    }
}

#[test]
fn the_id_is_found_behind_other_keys_and_only_at_the_top() {
    let id = |text: &str| salvage_id(text.as_bytes()).map(|id| id.to_string());
    assert_eq!(
        id(r#"{"error":{"id":"no"},"list":["id",{"id":"no"}], "id" : "resp_\u0031","#),
        Some("resp_1".into())
    );
    assert_eq!(id(r#"{"error":{"id":"no"},"#), None);
    assert_eq!(id(r#"{"id":7,"#), None);
    assert_eq!(id(r#"["id","resp_1"]"#), None);
    assert_eq!(id(r#"{"id":"resp_\"#), None);
    assert_eq!(id(""), None);
}

#[test]
fn http_dates_are_read_strictly() {
    assert_eq!(format_http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(
        parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
        Some(784_111_777)
    );
    assert_eq!(
        parse_http_date("Thu, 29 Feb 2024 23:59:59 GMT"),
        Some(1_709_251_199)
    );
    for wrong in [
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, +6 Nov 1994 08:49:37 GMT",
    ] {
        assert_eq!(parse_http_date(wrong), None, "{wrong}");
    }
}

#[test]
fn waits_are_read_in_the_order_of_the_official_clients() {
    assert_eq!(read_wait(Some("1500"), Some("7")), Some(Wait::Millis(1500)));
    assert_eq!(read_wait(Some("soon"), Some("7")), Some(Wait::Seconds(7)));
    assert_eq!(read_wait(Some("0.2"), None), Some(Wait::Millis(1)));
    assert_eq!(read_wait(None, Some("1.5")), Some(Wait::Millis(1500)));
    assert_eq!(read_wait(None, Some(" 7 ")), Some(Wait::Seconds(7)));
    assert_eq!(
        read_wait(None, Some("Sun, 06 Nov 1994 08:49:37 GMT")),
        Some(Wait::Date(784_111_777))
    );
    for wrong in ["-1", "nan", "inf", "", "later"] {
        assert_eq!(read_wait(Some(wrong), Some(wrong)), None, "{wrong}");
    }
}

#[test]
fn bodies_of_gateways_give_a_short_message_and_no_type() {
    let parse = |body: &str| parse_error(502, None, None, body.as_bytes());
    let html = parse(&format!("<html>\n <head>{}</head></html>", "x".repeat(10_000)));
    assert_eq!((&*html.kind, html.code), ("", None));
    assert!(
        html.message
            .starts_with("not an error of the contract: <html> <head>xxx")
    );
    assert!(html.message.len() < 100);
    assert_eq!(&*parse("").message, "empty body");
    assert_eq!(&*parse(r#"{"error":"upstream gone"}"#).message, "upstream gone");
    let numbered = parse(r#"{"error":{"code":429,"message":"m","type":null,"more":[1]}}"#);
    assert_eq!((numbered.code.as_deref(), &*numbered.message), (Some("429"), "m"));
}

#[test]
fn refusals_have_the_words_of_the_contract() {
    let id = ResponseId("resp_0000".into());
    let mut out = Vec::new();
    render_error(&ApiError::response_not_found(&id), &mut out);
    let expected = concat!(
        r#"{"error":{"message":"Response with id 'resp_0000' not found.","#,
        r#""type":"invalid_request_error","param":null,"code":null}}"#
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    let key = ApiError::invalid_api_key("sk-abcdefghijklmyz");
    assert_eq!(&*key.message, "Incorrect API key provided: sk-ab***yz.");
    assert_eq!(
        &*ApiError::invalid_api_key("short").message,
        "Incorrect API key provided: ***."
    );
}

#[test]
fn an_item_without_what_it_needs_makes_the_body_unreadable() {
    let body = |item: &str| format!(r#"{{"id":"resp_1","status":"completed","output":[{item}]}}"#);
    let read = |item: &str| parse_response(body(item).as_bytes());
    let unreadable = read(r#"{"type":"function_call","id":"fc_1","name":"f","arguments":"{}"}"#).unwrap_err();
    assert_eq!(unreadable.id, Some(ResponseId("resp_1".into())));
    assert!(
        read(r#"{"type":"mcp_approval_request","server_label":"s","name":"n","arguments":"{}"}"#).is_err()
    );
    assert!(read(r#"{"id":"msg_1"}"#).is_err());
    assert!(read(r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#).is_ok());
}

#[test]
fn a_create_with_a_parent_needs_no_input() {
    let create = Create {
        model: "gpt-5".into(),
        origin: None,
        background: true,
        stream: false,
        store: true,
        previous: Some(ResponseId("resp_1".into())),
        input: [].into(),
        tools: [].into(),
        max_output_tokens: None,
        tier: None,
        request: None,
    };
    assert_eq!(parse_create(&rendered_create(&create)).unwrap().0, create);
    let orphan = Create {
        previous: None,
        ..create
    };
    assert_eq!(
        parse_create(&rendered_create(&orphan))
            .unwrap_err()
            .code
            .as_deref(),
        Some("empty_array")
    );
    let told = Create {
        input: [InputItem::Message { text: "x".into() }].into(),
        ..orphan
    };
    assert!(parse_create(&rendered_create(&told)).is_ok());
}
