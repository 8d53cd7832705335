//! What the API answers and takes, as JSON. The commands read the same types.

mod branch;

use crate::chain::target::Work;
use crate::chain::{
    Amount, BlockId, Height, HistoryRoot, NetworkId, Timestamp, TransactionId, TransactionsRoot,
};
use crate::wire::{MemberId, MemberName};
use serde::{Deserialize, Serialize};

pub use branch::{BranchChangeView, MovedTo, MovedView};

/// Why there is no answer: `{"error": {"code", "reason"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorView {
    /// The only field.
    pub error: ErrorDetail,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For programs: one word a kind, such as `insufficient_funds`.
    pub code: String,
    /// For people: what happened and what to do.
    pub reason: String,
}

/// A block at the end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TipView {
    /// Its height.
    pub height: Height,
    /// Its id.
    pub id: BlockId,
    /// Its timestamp.
    pub timestamp: Timestamp,
}

/// Somebody, by key and, if a member has that key, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// The member's name.
    pub name: Option<MemberName>,
    /// The key as an address.
    pub address: String,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkView {
    /// What it is called.
    pub name: String,
    /// Id of its genesis block; `None` until that is made.
    pub id: Option<NetworkId>,
}

/// How a peer stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerStatusView {
    /// `"peer"`.
    pub role: String,
    /// Version of the program.
    pub version: String,
    /// What it is called.
    pub name: MemberName,
    /// Its address.
    pub address: String,
    /// How it stands with the tracker.
    pub tracker: TrackerLinkView,
    /// Its part in the network; `None` while it is on none.
    pub chain: Option<ChainStatusView>,
    /// Why it is on no network, if it is on none.
    pub waiting: Option<String>,
}

/// How a peer stands with its tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackerLinkView {
    /// Which one is talked to, or dialled next.
    pub endpoint: String,
    /// Whether it is connected and has this peer registered.
    pub registered: bool,
    /// Why not, if not.
    pub trouble: Option<String>,
}

/// A peer's part in its network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainStatusView {
    /// Which network.
    pub network: NetworkView,
    /// Last block of the connected chain.
    pub tip: TipView,
    /// Milliseconds since that block's timestamp, by this node's clock; 0 if that lies ahead.
    pub tip_age_ms: u64,
    /// Last header of the chain of headers with most work.
    pub best_header: TipView,
    /// Whether blocks are missing towards that header.
    pub syncing: bool,
    /// How that goes; `None` if none is missing, or none came of late.
    pub catching_up: Option<CatchingUpView>,
    /// Connections to other peers.
    pub sessions: usize,
    /// Number of open transactions.
    pub open_transactions: usize,
    /// Their bytes.
    pub open_bytes: usize,
    /// The miner.
    pub mining: MiningView,
    /// The last change of branch that took something of this node's away, since it runs; `None` if
    /// there was none.
    pub branch_change: Option<BranchChangeView>,
}

/// How fast the missing blocks come in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatchingUpView {
    /// Blocks connected a second, over the last half minute.
    pub blocks_per_second: f64,
    /// Milliseconds until none is missing, if it goes on like that.
    pub ms_left: u64,
}

/// What to ask for [`super`]'s `/sync`: the chain of one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// A member's name or an address.
    pub from: String,
}

/// Whose chain is fetched from now on, before that of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncView {
    /// Who.
    pub from: PersonView,
    /// The height it has shown so far.
    pub height: u64,
}

/// How mining goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MiningView {
    /// Whether a search is under way.
    pub running: bool,
    /// Nonces a second over the last jobs; 0 if there was none.
    pub hashes_per_second: f64,
    /// Blocks of this node that were connected since it started.
    pub blocks_mined: u64,
}

/// How a tracker stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackerStatusView {
    /// `"tracker"`.
    pub role: String,
    /// Version of the program.
    pub version: String,
    /// Its key as an address.
    pub address: String,
    /// Where peers reach it.
    pub endpoint: String,
    /// Its network.
    pub network: NetworkView,
    /// The greatest height that a connected peer named: hearsay.
    pub height: Option<Height>,
    /// How many are registered.
    pub registered: usize,
    /// How many of them answer at present.
    pub live: usize,
    /// Members that the tracker could dial back.
    pub reachable: usize,
    /// Connections of peers.
    pub sessions: usize,
}

/// Who is in the network, by number; whoever is connected but not known as a member comes last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeersView {
    /// Everybody.
    pub peers: Vec<PeerView>,
}

/// Somebody in the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
    /// The member's number; `None` for somebody who is not known as a member.
    pub id: Option<MemberId>,
    /// The member's name.
    pub name: Option<MemberName>,
    /// The key as an address.
    pub address: String,
    /// Whether it is the node that was asked.
    pub this_node: bool,
    /// Whether the tracker finds it alive.
    pub live: Option<bool>,
    /// Whether the tracker could dial it back.
    pub reachable: Option<bool>,
    /// When it was first registered.
    pub since: Option<Timestamp>,
    /// Where it can be dialled, as it says itself.
    pub endpoints: Vec<String>,
    /// The connection with it, if there is one.
    pub session: Option<SessionView>,
}

/// A connection with another peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Where the other end is.
    pub endpoint: String,
    /// Whether this node dialled.
    pub outgoing: bool,
    /// Height of the other's tip, as far as it has shown its headers.
    pub height: Height,
}

/// What somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceView {
    /// Who.
    pub of: PersonView,
    /// Coins on the connected chain.
    pub balance: Amount,
    /// Coins that the owner's open transactions will cost.
    pub promised: Amount,
    /// The one less the other.
    pub spendable: Amount,
    /// As of this block.
    pub tip: TipView,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockView {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// Id of the block before it.
    pub previous: BlockId,
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Root of the history before it.
    pub history_root: HistoryRoot,
    /// Root of its transactions.
    pub transactions_root: TransactionsRoot,
    /// Version of the header.
    pub version: u32,
    /// The compact target.
    pub target: u32,
    /// The nonce.
    pub nonce: u64,
    /// Whether it is part of the connected chain.
    pub connected: bool,
    /// Blocks from it to the tip, both counted; 0 if it is not connected.
    pub confirmations: u64,
    /// Its transactions; genesis has none.
    pub transactions: Vec<TransactionView>,
    /// What genesis says beyond its header.
    pub genesis: Option<GenesisView>,
    /// As of this block.
    pub tip: TipView,
}

/// What a genesis block says beyond its header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisView {
    /// The motto.
    pub motto: String,
    /// What the network is called.
    pub network: String,
    /// The time between blocks that the difficulty aims at, in milliseconds.
    pub interval_ms: u64,
    /// The subsidy of a block.
    pub reward: Amount,
    /// Who mined it.
    pub founder: PersonView,
    /// The tracker's key as an address.
    pub tracker: String,
}

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionView {
    /// Its id.
    pub id: TransactionId,
    /// Who signed it; `None` for a reward, which nobody signs.
    pub sender: Option<PersonView>,
    /// The fee.
    pub fee: Amount,
    /// The last height at which it can be mined.
    pub expires_at: Height,
    /// Its encoded size.
    pub bytes: usize,
    /// What it does.
    pub action: ActionView,
}

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActionView {
    /// Coins, a sealed note, or both.
    Transfer {
        /// For whom.
        to: PersonView,
        /// How many coins.
        amount: Amount,
        /// Length of the sealed note.
        note_bytes: usize,
    },
    /// Bytes under a topic.
    Record {
        /// The topic.
        topic: String,
        /// Length of the body.
        body_bytes: usize,
    },
    /// New coins and fees for whoever mined the block.
    Reward {
        /// For whom.
        to: PersonView,
        /// How many coins.
        amount: Amount,
    },
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionStateView {
    /// Its id.
    pub id: TransactionId,
    /// Its state.
    #[serde(flatten)]
    pub state: TransactionState,
    /// The transaction, unless it is unknown.
    pub transaction: Option<TransactionView>,
    /// As of this block.
    pub tip: TipView,
}

/// The states of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TransactionState {
    /// Neither open nor mined, as far as this node knows.
    Unknown,
    /// Valid, not mined yet.
    Open,
    /// In a block of the connected chain.
    Mined {
        /// The block's height.
        height: Height,
        /// The block's id.
        block: BlockId,
        /// Blocks from that one to the tip, both counted.
        confirmations: u64,
    },
}

/// The open transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenView {
    /// How many there are.
    pub count: usize,
    /// The best paying of them, at most [`super::MAX_OPEN_LISTED`].
    pub transactions: Vec<TransactionView>,
    /// As of this block.
    pub tip: TipView,
}

/// A transfer to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// A member's name, or an address.
    pub to: String,
    /// How many coins.
    pub amount: Amount,
    /// The fee; 0 if left out.
    #[serde(default)]
    pub fee: Amount,
    /// In how many blocks after the tip it can be mined; [`super::DEFAULT_EXPIRY_BLOCKS`] if left
    /// out.
    #[serde(default = "default_expiry")]
    pub expires_in_blocks: u64,
}

fn default_expiry() -> u64 {
    super::DEFAULT_EXPIRY_BLOCKS
}

/// A transfer that is open now, on the disk too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentView {
    /// Its id.
    pub id: TransactionId,
    /// For whom.
    pub to: PersonView,
    /// How many coins.
    pub amount: Amount,
    /// The fee.
    pub fee: Amount,
    /// The last height at which it can be mined.
    pub expires_at: Height,
}

/// What a request to leave takes: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaveRequest {}

/// This node has left the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftView {
    /// The name it had, which is free now.
    pub name: MemberName,
}

/// Whose changed key the owner believes to be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    /// The member's name.
    pub name: MemberName,
}

/// A member's changed key was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedView {
    /// The member's name.
    pub name: MemberName,
    /// The address that the name led to until now.
    pub former: String,
    /// The address that it leads to from now on.
    pub address: String,
}

/// What a request to mine takes: nothing yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MineRequest {}

/// A block that this node mined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinedView {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// Transactions in it, the reward included.
    pub transactions: usize,
    /// Nonces that were tried for it.
    pub tries: u64,
    /// Milliseconds from the first job to the committed block.
    pub elapsed_ms: u64,
    /// How often another block came first on the way.
    pub races_lost: u32,
}

/// The chain in a few numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainView {
    /// The network: the genesis block's id.
    pub network: BlockId,
    /// Blocks on the connected chain, genesis included.
    pub length: u64,
    /// Work of all of them together: hashes, decimal.
    pub work: Work,
    /// The last one.
    pub tip: TipView,
}

/// A block of the connected chain that was checked by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockCheckView {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// What is wrong with it; `None` if nothing is.
    pub error: Option<ErrorDetail>,
}

/// One line of the answer to a verification. The last one is never [`VerifyLine::Progress`], unless
/// the answer was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyLine {
    /// So far it is right.
    Progress {
        /// The last height that was checked.
        height: Height,
        /// The height it goes to.
        of: Height,
    },
    /// All of it is right.
    Verified {
        /// The last block.
        tip: TipView,
        /// Transactions in all its blocks, rewards included.
        transactions: u64,
        /// Coins that all owners have together.
        supply: Amount,
    },
    /// It is not right, or could not be checked.
    Error(ErrorDetail),
}
