//! Webhooks: bodies and signatures. And the filler text of messages.

use lanebench::wire::{
    Authenticity, ResponseId, Secret, SecretError, SignatureHeaders, Status, WebhookEvent, WebhookKind,
    parse_webhook, render_webhook, sign, text_of, verify,
};
use proptest::prelude::*;

use crate::wire_values as values;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const BODY: &str = concat!(
    r#"{"object":"event","id":"evt_0001","type":"response.completed","#,
    r#""created_at":1760000000,"data":{"id":"resp_0001"}}"#
);
const SIGNATURE: &str = "v1,uOF1xHdsUQHeGFbGYBiILP+YH/Xxd93Hro3FCkvl9IU=";
const STAMP: u64 = 1_760_000_000;

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn headers(signature: &str) -> SignatureHeaders<'_> {
    SignatureHeaders {
        id: Some("wh_0001"),
        timestamp: Some("1760000000"),
        signature: Some(signature),
    }
}

#[track_caller]
fn judged(headers: SignatureHeaders<'_>, body: &str, now: u64, expected: Authenticity) {
    assert_eq!(verify(&[secret(SECRET)], headers, body.as_bytes(), now), expected);
}

#[test]
fn the_published_vector_holds() {
    assert_eq!(
        sign(&secret(SECRET), "wh_0001", STAMP, BODY.as_bytes()),
        SIGNATURE
    );
    judged(headers(SIGNATURE), BODY, STAMP, Authenticity::Valid);
    let event = WebhookEvent {
        id: "evt_0001".into(),
        kind: WebhookKind::Completed,
        created_at: STAMP,
        response: ResponseId("resp_0001".into()),
    };
    let mut out = Vec::new();
    render_webhook(&event, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), BODY);
}

#[test]
fn the_tolerance_is_inclusive_both_ways() {
    for civil in [STAMP - 300, STAMP + 300] {
        judged(headers(SIGNATURE), BODY, civil, Authenticity::Valid);
    }
    for civil in [STAMP - 301, STAMP + 301, 0, u64::MAX] {
        judged(headers(SIGNATURE), BODY, civil, Authenticity::Stale);
    }
}

#[test]
fn any_signature_of_version_one_may_match() {
    let other = sign(&secret("another"), "wh_0001", STAMP, BODY.as_bytes());
    let bare = SIGNATURE.strip_prefix("v1,").unwrap();
    judged(
        headers(&format!("{other} {SIGNATURE}")),
        BODY,
        STAMP,
        Authenticity::Valid,
    );
    judged(
        headers(&format!("v1a,xyz {bare}")),
        BODY,
        STAMP,
        Authenticity::Valid,
    );
    judged(headers(&other), BODY, STAMP, Authenticity::Forged);
    judged(headers(&format!("v1a,{bare}")), BODY, STAMP, Authenticity::Forged);
    judged(headers("v1,%%% v1,AAAA"), BODY, STAMP, Authenticity::Forged);
    judged(headers(""), BODY, STAMP, Authenticity::Forged);
    let both = [secret("another"), secret(SECRET)];
    assert_eq!(
        verify(&both, headers(SIGNATURE), BODY.as_bytes(), STAMP),
        Authenticity::Valid
    );
    assert_eq!(
        verify(&[], headers(SIGNATURE), BODY.as_bytes(), STAMP),
        Authenticity::Forged
    );
}

#[test]
fn a_wrong_signature_is_forged_even_if_it_is_late() {
    judged(headers(SIGNATURE), "{}", STAMP + 9_000, Authenticity::Forged);
    let renamed = SignatureHeaders {
        id: Some("wh_0002"),
        ..headers(SIGNATURE)
    };
    judged(renamed, BODY, STAMP, Authenticity::Forged);
}

#[test]
fn headers_must_all_be_there() {
    let all = headers(SIGNATURE);
    for missing in [
        SignatureHeaders { id: None, ..all },
        SignatureHeaders {
            timestamp: None,
            ..all
        },
        SignatureHeaders {
            signature: None,
            ..all
        },
        SignatureHeaders {
            timestamp: Some("soon"),
            ..all
        },
        SignatureHeaders {
            timestamp: Some("-1"),
            ..all
        },
    ] {
        judged(missing, BODY, STAMP, Authenticity::Malformed);
    }
}

#[test]
fn secrets_are_read_and_not_shown() {
    assert_eq!(Secret::new("whsec_%"), Err(SecretError));
    assert_eq!(Secret::new("whsec_"), Err(SecretError));
    assert_eq!(Secret::new(""), Err(SecretError));
    assert_eq!(format!("{:?}", secret("open sesame")), "Secret(..)");
}

#[test]
fn only_ended_responses_have_a_webhook() {
    assert_eq!(WebhookKind::of(&Status::Cancelled), Some(WebhookKind::Cancelled));
    assert_eq!(WebhookKind::of(&Status::InProgress), None);
    let other = parse_webhook(br#"{"id":"e","type":"batch.completed","data":{"id":"b"}}"#).unwrap();
    assert_eq!(other.kind, WebhookKind::Unknown("batch.completed".into()));
    assert_eq!(parse_webhook(b"{}"), None);
}

proptest! {
    #[test]
    fn a_webhook_survives(id in values::text(), response in values::text(), created_at in any::<u64>(), which in 0..5_usize) {
        let kinds = [
            WebhookKind::Completed,
            WebhookKind::Failed,
            WebhookKind::Cancelled,
            WebhookKind::Incomplete,
            WebhookKind::Unknown("eval.run.canceled".into()),
        ];
        let event = WebhookEvent { id, kind: kinds[which].clone(), created_at, response: ResponseId(response.into()) };
        let mut out = Vec::new();
        render_webhook(&event, &mut out);
        prop_assert_eq!(parse_webhook(&out), Some(event));
    }

    #[test]
    fn what_was_signed_is_valid_and_what_was_changed_is_forged(
        key in ".{1,40}", id in "[a-z0-9_]{1,20}", body in any::<Vec<u8>>(), stamp in any::<u64>(), at in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!key.starts_with("whsec_"));
        let secrets = [secret(&key)];
        let signature = sign(&secrets[0], &id, stamp, &body);
        let timestamp = stamp.to_string();
        let headers = SignatureHeaders { id: Some(&id), timestamp: Some(&timestamp), signature: Some(&signature) };
        prop_assert_eq!(verify(&secrets, headers, &body, stamp), Authenticity::Valid);
        let mut changed = body;
        match changed.is_empty() {
            true => changed.push(0),
            false => {
                let at = at.index(changed.len());
                changed[at] ^= 1;
            }
        }
        prop_assert_eq!(verify(&secrets, headers, &changed, stamp), Authenticity::Forged);
    }

    #[test]
    fn strange_headers_do_no_harm(id in any::<String>(), timestamp in any::<String>(), signature in any::<String>(), body in any::<Vec<u8>>()) {
        let headers = SignatureHeaders { id: Some(&id), timestamp: Some(&timestamp), signature: Some(&signature) };
        prop_assert_ne!(verify(&[secret(SECRET)], headers, &body, STAMP), Authenticity::Valid);
        let _ = (parse_webhook(&body), Secret::new(&signature));
    }

    #[test]
    fn filler_has_a_word_for_each_token(key in any::<u64>(), tokens in prop_oneof![0..2_000_u32, Just(200_000)]) {
        let text = text_of(key, tokens);
        prop_assert_eq!(text.split(' ').filter(|word| !word.is_empty()).count(), tokens.min(1 << 17) as usize);
        prop_assert_eq!(text.trim(), &*text);
        prop_assert!(!text.contains("  "));
        prop_assert_eq!(text_of(key, tokens), text);
    }
}
