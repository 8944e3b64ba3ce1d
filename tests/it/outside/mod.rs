//! People, sinks and tools: messages in, a timeline out.

mod further;
mod gate;
mod order;
mod people;
mod sinks;
mod staff;
mod tools;
mod world;
