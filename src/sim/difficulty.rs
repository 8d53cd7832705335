//! The experiments behind the difficulty rule: seeded, repeatable, without any real mining.
//!
//! A block's solve time is drawn from the exponential distribution that its used target and the
//! miners' hash rates imply; everything else (stamps, held blocks, fork choice, the rule itself) is
//! done as nodes do it. [`rules`] holds the candidates, [`model`] the network, [`scenarios`] what
//! happens to it, [`report`] the table that `examples/difficulty.rs` prints.

pub mod model;
pub mod report;
pub mod rules;
pub mod scenarios;

#[cfg(test)]
mod tests;
