//! Deliberately wrong variants around public seams, and nowhere else.
