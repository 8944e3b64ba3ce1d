//! Breaches of statements 54 to 56.

use http::{HeaderMap, HeaderValue};

use super::seam::{Memory, Wrong};
use super::{Breach, breach};
use crate::backend::{Input, Output, Signatures};
use crate::units::SimTime;

pub(super) const LIST: &[Breach] = &[
    breach(
        54,
        &[55, 56],
        "signed_without_the_end",
        "webhooks are sent with a line end that was not signed",
        Wrong::Delivered(signed_without_the_end),
    ),
    breach(
        55,
        &[],
        "each_sending_its_own",
        "every sending of a webhook has an id of its own",
        Wrong::Delivered(each_sending_its_own),
    ),
    breach(
        55,
        &[],
        "redirect_is_success",
        "a receiver that redirects has accepted",
        Wrong::Told(redirect_is_success),
    ),
    breach(
        56,
        &[],
        "one_signature_alone",
        "no webhook is ever signed with two secrets",
        Wrong::Said(one_signature_alone),
    ),
];

fn signed_without_the_end(_: &mut HeaderMap, body: &mut Vec<u8>) {
    body.push(b'\n');
}

fn each_sending_its_own(headers: &mut HeaderMap, _: &mut Vec<u8>) {
    if headers.get("x-lanebench-send").is_some_and(|send| send != "1") {
        headers.insert("webhook-id", HeaderValue::from_static("wh_another"));
    }
}

#[expect(clippy::ptr_arg, reason = "a seam hands over the list")]
fn redirect_is_success(_: &mut Memory, batch: &mut Vec<Input>) {
    for input in batch.iter_mut() {
        if let Input::WebhookAnswered { http: Some(http), .. } = input
            && (300..400).contains(http)
        {
            *http = 200;
        }
    }
}

#[expect(clippy::ptr_arg, reason = "a seam hands over the list")]
fn one_signature_alone(_: &mut Memory, _: SimTime, out: &mut Vec<Output>) {
    for output in out.iter_mut() {
        if let Output::Webhook(send) = output {
            send.signatures = Signatures::One;
        }
    }
}
