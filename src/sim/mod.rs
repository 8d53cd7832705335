//! Networks in simulated time.

pub mod difficulty;
