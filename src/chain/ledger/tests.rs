//! The ledger as its shell sees it. Each of the predecessors' failures that a ledger can have is a
//! test named `attack_*`.

mod arrival;
mod blocks;
mod bounds;
mod free_use;
mod presync;
mod promises;
mod reorganisation;
mod signatures;
mod together;
