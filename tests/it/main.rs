//! The one test program: every module plays one part of the product from outside.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod act;
mod policy;
mod support;
mod wire;
mod wire_golden;
mod wire_request;
mod wire_schema;
mod wire_stream;
mod wire_values;
mod wire_webhook;
mod yaml;
