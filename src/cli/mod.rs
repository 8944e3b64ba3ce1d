//! The command line: one file per command; arguments, rendering, exit codes.
