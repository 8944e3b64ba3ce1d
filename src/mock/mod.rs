//! HTTP around the backend core: routes, event streams, byte-level faults.
