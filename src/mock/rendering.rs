//! A response as the bytes of a body.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};

use crate::wire::{Echo, Response, parse_create, render_response};

/// A response and the request that it repeats, written once however often it is read.
#[derive(Debug)]
pub(super) struct Rendering {
    response: Arc<Response>,
    echo: Echo,
    body: OnceLock<Bytes>,
}

/// A response as one reader gets it.
#[derive(Debug)]
pub(super) enum Rendered {
    /// Nobody else will read it.
    Once(Rendering),
    /// Whoever looks next gets the same.
    Shared(Arc<Rendering>),
}

impl Rendered {
    /// The body.
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Once(rendering) => rendering.into_bytes(),
            Self::Shared(rendering) => rendering.bytes(),
        }
    }
}

impl Rendering {
    /// Of a response; it is written when its bytes are first wanted.
    pub(super) fn new(response: Arc<Response>, echo: Option<Echo>) -> Self {
        Self {
            response,
            echo: echo.unwrap_or_else(|| fallback_echo().clone()),
            body: OnceLock::new(),
        }
    }

    /// Whether it is one of this very object, and so of its every byte: a response that changes becomes a new object.
    pub(super) fn is_of(&self, response: &Arc<Response>) -> bool {
        Arc::ptr_eq(&self.response, response)
    }

    /// The body.
    pub(super) fn bytes(&self) -> Bytes {
        let body = self.body.get_or_init(|| {
            let mut body = Vec::with_capacity(self.echo.length() + RESPONSE);
            render_response(&self.response, &self.echo, &mut body);
            body.into()
        });
        body.clone()
    }

    /// The body, where nobody else will read it.
    pub(super) fn into_bytes(self) -> Bytes {
        let Self { response, echo, body } = self;
        body.into_inner().unwrap_or_else(|| {
            DESK.with_borrow_mut(|Desk { draft, block }| {
                draft.clear();
                render_response(&response, &echo, draft);
                fair_copy(draft, block)
            })
        })
    }
}

/// Where bodies are written that leave at once.
#[derive(Default)]
struct Desk {
    draft: Vec<u8>,
    /// Holds several bodies, and is used again once all of them have left.
    block: BytesMut,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

/// Bytes of a block.
const BLOCK: usize = 16 << 10;

/// The longest body that goes into a block: one that stays behind keeps the whole of it.
const SHORT: usize = 4 << 10;

fn fair_copy(draft: &mut Vec<u8>, block: &mut BytesMut) -> Bytes {
    if draft.len() > SHORT {
        return std::mem::take(draft).into();
    }
    if block.capacity() < draft.len() {
        block.reserve(BLOCK);
    }
    block.extend_from_slice(draft);
    block.split().freeze()
}

/// Room for what a response without long texts says beside what it repeats.
const RESPONSE: usize = 768;

/// What stands in place of a request that is not known any more.
pub(super) fn fallback_echo() -> &'static Echo {
    static ECHO: OnceLock<Echo> = OnceLock::new();
    ECHO.get_or_init(|| {
        #[expect(clippy::expect_used, reason = "the body is a valid create request")]
        let (_, echo) = parse_create(br#"{"model":"unknown","input":"-"}"#).expect("a valid request");
        echo
    })
}
