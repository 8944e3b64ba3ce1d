//! Plays scenarios in a world.
