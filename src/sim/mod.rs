//! Networks in simulated time.

pub mod difficulty;
pub mod growth;
