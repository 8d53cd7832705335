//! The chain: what a network agrees on, as machines.
//!
//! Reading order: [`Header`], [`Transaction`], [`Block`], [`Genesis`] are the formats; [`rules`] and
//! [`state`] say what is valid and what it changes; [`tree`] chooses among branches; [`mempool`] and
//! [`template`] lead to the next block; [`ledger`] puts them together.

pub mod application;
pub mod awake;
pub mod block;
pub mod difficulty;
mod fault;
pub(crate) mod fold_hash;
mod free_use;
pub mod genesis;
pub mod header;
pub mod history;
mod ids;
mod index;
pub mod json;
pub mod ledger;
pub mod locator;
pub mod mempool;
pub mod merkle;
pub mod named;
pub mod overlay;
pub mod params;
pub mod proof;
mod quantities;
pub mod rows;
pub mod rules;
mod signed_here;
pub mod state;
pub mod target;
pub mod template;
#[cfg(test)]
pub(crate) mod testing;
pub mod transaction;
pub mod tree;
pub mod verify;

pub use block::Block;
pub use fault::{Internal, PeerFault, Refusal, Rejected, Rejection};
pub use free_use::FREE_BLOCKS;
pub use genesis::{Genesis, GenesisContent, GenesisError};
pub use header::Header;
pub use ids::{
    BlockId, HistoryRoot, NetworkId, PathHash, Salt, TransactionId, TransactionsRoot, Witness,
};
pub use index::KEPT_HEADERS;
pub use mempool::{Closed, Mempool, MempoolLimits};
pub use params::Params;
pub use quantities::{Amount, Height, Timestamp, decimal};
pub use rows::{BlockStatus, StateView};
pub use rules::{Rules, RulesError};
pub use signed_here::SignedHere;
pub use target::{Target, Work};
pub use transaction::{Action, EncodedTransaction, Payload, Topic, Transaction, check_signatures};
