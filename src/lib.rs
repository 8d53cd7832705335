//! Raclette: a node for small private ledgers. Members pay and write to each other, keep records
//! and vote, over a chain of blocks that no single member can rewrite.

pub mod canonical;
pub mod keys;
pub mod wire;
