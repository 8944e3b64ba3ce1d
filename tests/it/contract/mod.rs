//! The statements of the contract that a mock server has to keep, each played against the honest server and against
//! every breach of `lanebench::sabotage::contract`.
//!
//! A statement is a function over a [`bench::Bench`] that makes mock servers, talks to them over HTTP in virtual time
//! and returns what does not hold. A breach names the statement that it breaks and those that cannot hold without it;
//! exactly these have to fail.

mod accounts;
mod background;
mod basics;
mod bench;
mod context;
mod conversations;
mod faults;
mod parents;
mod strangers;
mod streams;
mod switches;
mod table;
mod tools;
mod webhooks;
mod words;
mod yaml;
