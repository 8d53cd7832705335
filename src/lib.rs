//! Raclette: a node for small private ledgers. Members pay and write to each other, keep records
//! and vote, over a chain of blocks that no single member can rewrite.

pub mod chain;
pub mod sim;
