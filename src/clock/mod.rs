//! Virtual and real clocks.
