//! The one test program: every module plays one part of the product from outside.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod act;
mod client_bytes;
mod client_connections;
mod client_stream;
mod client_stubs;
mod client_support;
mod client_webhook;
mod clock;
mod mock_faces;
mod mock_http;
mod mock_world;
mod outside;
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
