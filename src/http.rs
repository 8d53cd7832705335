//! The loopback HTTP API: how commands, and programs on this machine, talk to a running node.
//!
//! - It listens on this machine only. A token is drawn at every start and written, with the
//!   address, to `DATA_DIR/api.json` for the owner alone ([`ApiFile`]); every request carries it as
//!   `Authorization: Bearer TOKEN`. `Host` must name this machine and this port, and `Origin`, if
//!   there is one, as well, so that no web page can ask in its visitor's name. There is no CORS.
//! - Before a command sends token or passphrase, it has the API prove that it is the node's (`GET
//!   /proof`, the one path without a token), on the same connection: [`Challenge`], [`Prover`]. A
//!   program that sends the token at once (`curl -H "Authorization: Bearer $TOKEN"`) is answered as
//!   well; only, after a node was killed it can't know who listens there now.
//! - Of connections that have not shown the token there are few at a time; the oldest makes room.
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
//! | `GET /outbox` | [`views::OutboxView`] | peer |
//! | `GET /outbox/ID` | [`views::SendView`]: one send, whatever became of it; the first six digits or more of its id will do | peer |
//! | `POST /outbox/ID/retry`, `.../withdraw` with `{}` | [`views::SendView`] | peer |
//! | `GET /inbox?unread=BOOL&after=NUMBER&limit=N` | [`views::InboxView`] | peer |
//! | `POST /inbox/read` with [`views::ReadRequest`] | [`views::ReadView`] | peer |
//! | `GET /history?limit=N` | [`views::HistoryView`] | peer |
//! | `POST /mine` with `{}` | [`views::MinedView`], after the synced write | peer |
//! | `POST /leave` with `{}` | [`views::LeftView`], once the tracker has done so | peer |
//! | `GET /blocks/HEIGHT-OR-ID/data` | [`BlockJson`](crate::chain::json::BlockJson), of genesis [`GenesisJson`](crate::chain::json::GenesisJson): all of it, to the byte | peer |
//! | `GET /blocks/HEIGHT-OR-ID/verify` | [`views::BlockCheckView`] | peer |
//! | `GET /chain` | [`views::ChainView`] | peer |
//! | `GET /chain/export` | lines of [`Entry`](crate::archive::Entry), as it goes | peer |
//! | `GET /proofs/ID?tail=N&until=HEIGHT-OR-ID` | [`ProofJson`](crate::chain::proof::ProofJson) of a block or a transaction | peer |
//! | `POST /stop` with `{}` | [`views::StoppingView`]; then the node stops in order | any |
//! | `GET /proof?challenge=HEX` | `{"proof": HEX}`, without a token | any |
//! | `POST /accept` with [`views::AcceptRequest`] | [`views::AcceptedView`] | peer |
//! | `POST /wallet` with [`views::WalletRequest`] | [`views::WalletOpenedView`] | peer or tracker that waits for its wallet |
//! | `GET /chain/verify` | lines of [`views::VerifyLine`], as it goes | peer |

mod api_file;
mod chain_calls;
mod chain_reads;
mod delivery;
mod doorstep;
mod error;
mod export;
mod guard;
mod long_read;
mod member_lookup;
mod peer;
mod proof;
mod server;
mod tracker;
mod verification;
pub mod views;
mod waiting;

pub(crate) use delivery::send_for_owner;

pub use api_file::{API_FILE, ApiFile, ApiFileError};
pub use proof::{Challenge, Prover};
pub use server::{ApiError, ServerHandle, StopOrder, start};
pub use views::{ErrorDetail, ErrorView};

use crate::chain::Rules;
use crate::chain::params::MAX_EXPIRY;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::keys::{PublicKey, WalletFile};
use crate::messages::gossip::{GetGossipStatus, SyncFrom};
use crate::messages::inbox::{CountUnread, MarkRead};
use crate::messages::ledger::{GetFunds, GetLedgerStatus, GetOpenTransactions};
use crate::messages::miner::{GetMinerStatus, MineBlock};
use crate::messages::registry::GetRegistryStatus;
use crate::messages::retry_queue::{GetOutbox, GetSend, RetrySend, SendTransfer, WithdrawSend};
use crate::messages::tracker_link::{AcceptChangedKey, GetDirectory, LeaveNetwork};
use crate::messages::wallet::{OpenNote, OpenWallet, SealNote, SignTransaction};
use crate::store::Disk;
use crate::wire::{MemberName, NodeRole};
use actix::Recipient;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

/// Largest body of a request, in bytes: a transfer with the longest note, every character of it
/// escaped.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// Open transactions named in one answer at most, the best paying: about half a megabyte of JSON.
pub const MAX_OPEN_LISTED: usize = 1_000;

/// Blocks after the tip in which a transfer can be mined, if its sender does not say: a week at an
/// interval of five seconds, as long as the outbox waits for its recipient, less two hours, so that a
/// recipient who is some blocks behind does not find it to lie too far ahead.
pub const DEFAULT_EXPIRY_BLOCKS: u64 = MAX_EXPIRY - 1_440;

/// Sends and messages in one answer, if it is not said how many.
pub const DEFAULT_LISTED: usize = 50;

/// Sends and messages in one answer at most: with the longest notes, about two megabytes of JSON.
pub const MAX_LISTED: usize = 200;

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
    /// Seals its notes.
    pub seal: Recipient<SealNote>,
    /// Opens notes.
    pub open_note: Recipient<OpenNote>,
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
    /// To the outbox: sends a transfer.
    pub send: Recipient<SendTransfer>,
    /// To the outbox: what waits.
    pub outbox: Recipient<GetOutbox>,
    /// To the outbox: how one send stands.
    pub outbox_line: Recipient<GetSend>,
    /// To the outbox: tries again.
    pub retry: Recipient<RetrySend>,
    /// To the outbox: takes back.
    pub withdraw: Recipient<WithdrawSend>,
    /// To the inbox: how much was not read.
    pub unread: Recipient<CountUnread>,
    /// To the inbox: it was read.
    pub mark_read: Recipient<MarkRead>,
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
