//! Fault rules and verdicts.
