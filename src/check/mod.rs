//! Invariants and expectations over a trace; the catalogue with ids.
