//! The chain machines: pure rules over headers, blocks and state.

pub mod difficulty;
pub mod target;
