//! Drives the job core: HTTP client, stream reader, webhook receiver, store.
