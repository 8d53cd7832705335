//! The loopback HTTP API: how commands, and programs on this machine, talk to a running node.
//!
//! - It listens on this machine only. A token is drawn at every start and written, with the
//!   address, to `DATA_DIR/api.json` for the owner alone ([`ApiFile`]); every request carries it as
//!   `Authorization: Bearer TOKEN`. `Host` must name this machine and this port, and `Origin`, if
//!   there is one, as well, so that no web page can ask in its visitor's name. There is no CORS.
//! - Requests and answers are JSON; amounts are whole coins, times milliseconds since 1970, ids and
//!   hashes hexadecimal, keys written as addresses. Every shape is a type in [`views`].
//! - 200 is an answer. Anything else has the body `{"error": {"code", "reason"}}`: 400 the request
//!   makes no sense, 401 no or a wrong token, 403 a wrong `Host` or `Origin`, 404 and 405 no such
//!   thing, 409 and 422 a fair no, 500 the node failed, 503 not now (no network yet, busy, stopping).
//! - An answer about the chain comes from one snapshot of the disk, or from the ledger at one tip,
//!   and names that tip.
//! - A node without a wallet answers `GET /status` with a [`views::WaitingView`] and takes `POST /wallet`;
//!   everything else is 503 `no_wallet` until it has one. Then it starts, and with it this API anew: with
//!   another token and, if the settings say port 0, another port.
//!
//! | Request | Answer | Of a |
//! |---|---|---|
//! | `GET /status` | [`views::PeerStatusView`], [`views::TrackerStatusView`] | peer, tracker |
//! | `GET /peers` | [`views::PeersView`] | peer, tracker |
//! | `GET /balance?of=NAME-OR-ADDRESS` | [`views::BalanceView`]; without `of` this node's own | peer |
//! | `GET /blocks/HEIGHT-OR-ID` | [`views::BlockView`] | peer |
//! | `GET /transactions/ID` | [`views::TransactionStateView`] | peer |
//! | `GET /open` | [`views::OpenView`] | peer |
//! | `POST /transactions` with [`views::SendRequest`] | [`views::SentView`], after the synced write | peer |
//! | `POST /mine` with `{}` | [`views::MinedView`], after the synced write | peer |
//! | `POST /leave` with `{}` | [`views::LeftView`], once the tracker has done so | peer |
//! | `GET /blocks/HEIGHT-OR-ID/data` | [`BlockJson`](crate::chain::json::BlockJson), of genesis [`GenesisJson`](crate::chain::json::GenesisJson): all of it, to the byte | peer |
//! | `GET /blocks/HEIGHT-OR-ID/verify` | [`views::BlockCheckView`] | peer |
//! | `GET /chain` | [`views::ChainView`] | peer |
//! | `GET /chain/export` | lines of [`Entry`](crate::archive::Entry), as it goes | peer |
//! | `GET /proofs/ID?tail=N&until=HEIGHT-OR-ID` | [`ProofJson`](crate::chain::proof::ProofJson) of a block or a transaction | peer |
//! | `POST /accept` with [`views::AcceptRequest`] | [`views::AcceptedView`] | peer |
//! | `POST /wallet` with [`views::WalletRequest`] | [`views::WalletOpenedView`] | peer or tracker that waits for its wallet |
//! | `GET /chain/verify` | lines of [`views::VerifyLine`], as it goes | peer |

mod api_file;
mod chain_calls;
mod chain_reads;
mod error;
mod export;
mod guard;
mod long_read;
mod member_lookup;
mod peer;
mod server;
mod tracker;
mod verification;
pub mod views;
mod waiting;

pub use api_file::{API_FILE, ApiFile, ApiFileError};
pub use server::{ApiError, ServerHandle, start};
pub use views::{ErrorDetail, ErrorView};

use crate::chain::Rules;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::keys::{PublicKey, WalletFile};
use crate::messages::gossip::{GetGossipStatus, SyncFrom};
use crate::messages::ledger::{GetFunds, GetLedgerStatus, GetOpenTransactions, SendTransaction};
use crate::messages::miner::{GetMinerStatus, MineBlock};
use crate::messages::registry::GetRegistryStatus;
use crate::messages::tracker_link::{AcceptChangedKey, GetDirectory, LeaveNetwork};
use crate::messages::wallet::{OpenWallet, SignTransaction};
use crate::store::Disk;
use crate::wire::{MemberName, NodeRole};
use actix::Recipient;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

/// Largest body of a request, in bytes: a transfer has a few hundred.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024;

/// Open transactions named in one answer at most, the best paying: about half a megabyte of JSON.
pub const MAX_OPEN_LISTED: usize = 1_000;

/// Blocks after the tip in which a transfer can be mined, if its sender does not say: two hours at
/// an interval of five seconds.
pub const DEFAULT_EXPIRY_BLOCKS: u64 = 1_440;

/// What the API of one node speaks for.
pub enum Api {
    /// A peer.
    Peer(PeerApi),
    /// A tracker.
    Tracker(TrackerApi),
    /// Either, as long as it has no wallet.
    Waiting(WaitingApi),
}

/// What the API of a peer needs of the node. Cheap to clone.
#[derive(Clone)]
pub struct PeerApi {
    /// What this peer is called.
    pub name: MemberName,
    /// Its signing key.
    pub key: PublicKey,
    /// Its rows; every answer takes a snapshot of its own.
    pub disk: Arc<dyn Disk>,
    /// Signs what this peer sends.
    pub wallet: Recipient<SignTransaction>,
    /// Knows the members, and how this peer stands with the tracker.
    pub tracker_link: Recipient<GetDirectory>,
    /// Leaves the network for good.
    pub leave: Recipient<LeaveNetwork>,
    /// Takes the owner's word for a member's changed key.
    pub accept: Recipient<AcceptChangedKey>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Gives tokens and salts.
    pub entropy: Arc<dyn Entropy>,
    /// What there is only once the network's genesis is known.
    pub running: Arc<OnceLock<PeerParts>>,
}

/// What there is of a peer once its network is known.
pub struct PeerParts {
    /// The network's rules.
    pub rules: Rules,
    /// To the Ledger: makes this node's own transaction open.
    pub send: Recipient<SendTransaction>,
    /// To the Ledger: where it stands.
    pub ledger_status: Recipient<GetLedgerStatus>,
    /// To the Ledger: what a key can spend.
    pub funds: Recipient<GetFunds>,
    /// To the Ledger: the open transactions.
    pub open_transactions: Recipient<GetOpenTransactions>,
    /// To the Miner: mines one block.
    pub mine: Recipient<MineBlock>,
    /// To the Miner: how it goes.
    pub miner_status: Recipient<GetMinerStatus>,
    /// To Gossip: who is connected.
    pub gossip: Recipient<GetGossipStatus>,
    /// To Gossip: whose chain to fetch first.
    pub sync_from: Recipient<SyncFrom>,
}

/// What the API of a tracker needs of the node. Cheap to clone.
#[derive(Clone)]
pub struct TrackerApi {
    /// The tracker's key.
    pub key: PublicKey,
    /// Where peers reach it.
    pub listen: SocketAddr,
    /// Knows the members.
    pub registry: Recipient<GetRegistryStatus>,
    /// Gives tokens.
    pub entropy: Arc<dyn Entropy>,
}

/// What the API of a node needs that waits for its wallet. Cheap to clone.
#[derive(Clone)]
pub struct WaitingApi {
    /// What the node will be.
    pub role: NodeRole,
    /// Where its wallet is to be.
    pub file: WalletFile,
    /// Opens it.
    pub open: Recipient<OpenWallet>,
    /// Gives tokens.
    pub entropy: Arc<dyn Entropy>,
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
