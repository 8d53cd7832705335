//! Raclette: a node for small private ledgers. Members pay and write to each other, keep records
//! and vote, over a chain of blocks that no single member can rewrite.

pub mod actors;
pub mod apps;
pub mod archive;
pub mod backup;
pub mod bench;
pub mod canonical;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod entropy;
pub mod http;
pub mod keys;
pub mod logging;
pub mod membership;
pub mod messages;
pub mod net;
pub mod node;
pub mod owner;
pub mod passphrase;
mod plain_file;
pub mod pow;
pub mod protocol;
pub mod readable;
pub mod settings;
pub mod shell;
pub mod sim;
pub mod steady;
pub mod store;
pub mod suggest;
pub mod verifier;
mod whole_file;
pub mod wire;

pub use node::Node;
