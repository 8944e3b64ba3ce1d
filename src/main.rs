//! The `lanebench` program.

fn main() {}
