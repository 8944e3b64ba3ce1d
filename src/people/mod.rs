//! Users with patience, approvers, operators.
