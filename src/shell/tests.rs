//! Several shells together.

mod delivery;
