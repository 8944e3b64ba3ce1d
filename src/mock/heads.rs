//! What the headers of a request say to the server.

use http::{HeaderMap, HeaderValue, header};

use super::front::SESSION_HEADER;
use super::routes::{EXCHANGE_HEADER, FAULT_HEADER};

/// The headers that the server goes by, of each the first, found in one go.
#[derive(Debug, Default)]
pub(super) struct Heads<'a> {
    pub(super) authorization: Option<&'a HeaderValue>,
    pub(super) session: Option<&'a HeaderValue>,
    pub(super) exchange: Option<&'a HeaderValue>,
    pub(super) fault: Option<&'a HeaderValue>,
    /// Whether there is another that begins like those of ours.
    pub(super) others: bool,
}

/// How headers of ours begin.
pub(super) const OWN: &str = "x-lanebench-";

impl<'a> Heads<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut heads = Self::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                _ if *name == header::AUTHORIZATION => &mut heads.authorization,
                SESSION_HEADER => &mut heads.session,
                EXCHANGE_HEADER => &mut heads.exchange,
                FAULT_HEADER => &mut heads.fault,
                other => {
                    heads.others |= other.starts_with(OWN);
                    continue;
                }
            };
            place.get_or_insert(value);
        }
        heads
    }
}
