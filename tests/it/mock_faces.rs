//! Every face of a reply, seen by a real client over both transports, against the typed effect that stands for it.

use http_body_util::BodyExt;
use lanebench::backend::{Face, Input};
use lanebench::mock::MockOptions;
use lanebench::wire::{ApiError, Break, Reply, Status, parse_response};

use crate::mock_world::{Got, Over, World, answering, keyed, play, response};

const CREATE: &str = r#"{"model":"gpt-5","input":"hello","background":true}"#;

/// What a client that knows nothing of the mock makes of what it got; none if it is kept waiting.
fn class(got: &Got, sent: &Reply) -> Result<&'static str, Break> {
    match got {
        Got::NoReply => Err(Break::NoReply),
        Got::Cut { id, .. } => Err(Break::Cut { id: id.clone() }),
        Got::Whole { status, .. } if *status != 200 => Ok("error"),
        Got::Whole { body, .. } => match sent {
            Reply::StreamOpen if body.ends_with(b"\n\n") && !body.ends_with(b"{\"type\":}\n\n") => {
                Ok("stream")
            }
            _ => match parse_response(body) {
                Ok(_) => Ok("response"),
                Err(unreadable) => Err(Break::Unreadable { id: unreadable.id }),
            },
        },
    }
}

fn expected(reply: &Reply, face: &Face) -> Option<Result<&'static str, Break>> {
    let effect = face.effect(reply)?;
    Some(effect.map(|reply| match reply {
        Reply::Response(_) => "response",
        Reply::StreamOpen => "stream",
        Reply::Deleted => "deleted",
        Reply::Document(_) => "document",
        Reply::Error(_) => "error",
    }))
}

/// Sends one request; none if nothing came by the time another connection had three whole exchanges.
async fn meet(world: &World) -> Option<Got> {
    let mut line = world.line().await;
    let mut got = std::pin::pin!(line.send(keyed("POST", "/v1/responses", "0.1.1.create.1", CREATE)));
    let others = async {
        for _ in 0..3 {
            let mut other = world.line().await;
            other
                .send(keyed("GET", "/v1/nothing", "0.1.1.create.1", ""))
                .await
                .json();
        }
    };
    let mut others = std::pin::pin!(others);
    tokio::select! {
        biased;
        got = &mut got => Some(got),
        () = &mut others => None,
    }
}

#[test]
fn every_face_has_its_effect_over_both_transports() {
    let error = ApiError::plain(500, "server_error", None, None, "Trouble.");
    let replies = [
        Reply::Response(response("resp_1", Status::Queued, true).into()),
        Reply::Error(error.into()),
    ];
    for reply in replies {
        let waiting = [Face::Stall, Face::Silent];
        let telling = [
            Face::Whole,
            Face::Reset,
            Face::CutBeforeId,
            Face::CutAfterId,
            Face::Malformed,
            Face::WrongLength,
            Face::WrongType,
            Face::HtmlPage,
        ];
        for (face, over) in telling
            .iter()
            .chain(&waiting)
            .flat_map(|face| [(face, Over::Memory), (face, Over::Tcp)])
        {
            let (core, _) = answering(reply.clone(), face.clone());
            let (sent, face) = (&reply, face.clone());
            play(over, core, MockOptions::default(), |world| async move {
                let got = match waiting_face(&face) {
                    true => meet(&world).await,
                    false => Some(send(&world).await),
                };
                let seen = got.as_ref().map(|got| class(got, sent));
                assert_eq!(
                    seen,
                    expected(sent, &face),
                    "{face:?} of {sent:?} over {over:?}: {got:?}"
                );
            });
        }
    }
}

const fn waiting_face(face: &Face) -> bool {
    matches!(face, Face::Stall | Face::Silent)
}

async fn send(world: &World) -> Got {
    let mut line = world.line().await;
    line.send(keyed("POST", "/v1/responses", "0.1.1.create.1", CREATE))
        .await
}

#[test]
fn streams_are_spoiled_before_their_first_event() {
    let faces = [
        Face::Reset,
        Face::CutBeforeId,
        Face::CutAfterId,
        Face::Malformed,
        Face::WrongType,
        Face::HtmlPage,
    ];
    for (face, over) in faces
        .iter()
        .flat_map(|face| [(face, Over::Memory), (face, Over::Tcp)])
    {
        let (core, _) = answering(Reply::StreamOpen, face.clone());
        let face = face.clone();
        play(over, core, MockOptions::default(), |world| async move {
            let got = send(&world).await;
            let seen = Some(class(&got, &Reply::StreamOpen));
            assert_eq!(
                seen,
                expected(&Reply::StreamOpen, &face),
                "{face:?} over {over:?}: {got:?}"
            );
        });
    }
}

#[test]
fn a_reset_is_told_by_the_same_error_over_both_transports() {
    let texts = [Over::Memory, Over::Tcp].map(|over| {
        let (core, _) = answering(Reply::Deleted, Face::Reset);
        play(over, core, MockOptions::default(), |world| async move {
            let io = hyper_util::rt::TokioIo::new(world.dial().await);
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            tokio::spawn(connection);
            let error = sender
                .send_request(keyed("DELETE", "/v1/responses/r", "0.1.1.delete.1", ""))
                .await;
            let error = error.unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {cause:?}")
        })
    });
    assert_eq!(texts[0], texts[1]);
    assert!(texts[0].contains("Connection reset by peer"), "{}", texts[0]);
}

#[test]
fn a_stalled_client_sees_the_start_and_its_leaving_is_reported() {
    for (face, over) in [Face::Stall, Face::Silent]
        .iter()
        .flat_map(|face| [(face, Over::Memory), (face, Over::Tcp)])
    {
        let (core, told) = answering(
            Reply::Response(response("resp_1", Status::Queued, true).into()),
            face.clone(),
        );
        let face = face.clone();
        play(over, core, MockOptions::default(), |world| async move {
            let mut line = world.line().await;
            let http = keyed("POST", "/v1/responses", "0.1.1.create.1", CREATE);
            if face == Face::Stall {
                let (head, mut body) = line.open(http).await.into_parts();
                assert_eq!(head.status, 200);
                let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
                assert_eq!(&frame[..], b"{\"id\":\"");
                assert_eq!(told.all().len(), 1);
                drop((body, line));
            } else {
                let sending = line.send(http);
                tokio::select! {
                    biased;
                    got = sending => panic!("{got:?}"),
                    _ = told.until(|_| true) => {}
                }
                drop(line);
            }
            told.until(|input| matches!(input, Input::Gone { .. })).await;
        });
    }
}

#[test]
fn a_refused_connection_is_told_to_the_backend() {
    let (core, told) = answering(Reply::Deleted, Face::Whole);
    play(Over::Memory, core, MockOptions::default(), |world| async move {
        world.mock.refused("0.1.1.create.1".parse().unwrap(), 4);
        let (_, input) = told.until(|_| true).await;
        let exchange = "0.1.1.create.1".parse().unwrap();
        assert_eq!(input, Input::Refused { exchange, rule: 4 });
    });
}
