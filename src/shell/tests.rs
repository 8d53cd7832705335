//! Several shells together.

mod delivery;
mod members;
