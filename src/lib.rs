//! Raclette: a node for small private ledgers. Members pay and write to each other, keep records
//! and vote, over a chain of blocks that no single member can rewrite.

pub mod canonical;
pub mod chain;
pub mod keys;
pub mod logging;
pub mod pow;
pub mod protocol;
pub mod settings;
pub mod sim;
pub mod store;
pub mod wire;
