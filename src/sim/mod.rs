//! The event queue and the model world.
