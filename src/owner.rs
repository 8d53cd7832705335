//! What a node does for its owner: one function a wish, typed [`answers`], and [`Refused`] with one stable
//! [`Code`] for every "no".
//!
//! The API over HTTP ([`crate::http`]), simulations and programs that run a node within themselves
//! ([`crate::node::Node`]) call these functions and nothing else of the node. A [`Peer`], a [`Tracker`] and a
//! [`Waiting`] node are handles: cheap to clone, and good on any thread. Their functions are `async` and
//! need no runtime of their own, unless they say so.
//!
//! - Amounts and fees are whole coins, times milliseconds since 1970; as JSON, text and RFC 3339.
//! - An answer about the chain comes from one snapshot of the disk, or from the ledger at one tip, and names
//!   that tip.
//! - Whoever is named is named by a member's name or by an address; a transaction, block or message by its
//!   id or any beginning of it that has six digits and is nobody else's ([`ids`]).
//! - A list gives a page, and the [`Cursor`](answers::Cursor) at which the next one begins.

pub mod answers;
mod backup;
mod ballots;
mod chain;
mod chain_reads;
mod checkpoint;
pub mod codes;
mod company;
mod delegates;
mod delivery;
mod events;
mod export;
mod health;
pub mod ids;
mod invitations;
mod ledger_word;
mod log_level;
mod long_read;
mod meaning;
mod members;
mod pages;
mod peer;
mod people;
mod place;
mod presence;
mod put_out;
mod records;
mod refusal;
mod statements;
mod stopping;
mod tracker;
mod verification;
mod waiting;

pub(crate) use backup::BackupPlace;
pub use ballots::MissingVote;
pub(crate) use ballots::{MAX_BALLOTS_LISTED, VOTERS_LISTED};
pub use chain::BlockData;
pub(crate) use chain::{MAX_BLOCKS_LISTED, MAX_OPEN_LISTED};
pub use codes::Code;
pub use company::{Company, Connected, PeersPage};
pub use delivery::{Goal, InboxPage, MAX_KEY, MAX_LISTED, MAX_PATIENCE, MAX_TRANSFERS, Which};
pub(crate) use events::Events;
pub use events::{EventStream, MAX_EVENTS};
pub use ledger_word::Comparison;
pub(crate) use ledger_word::Standing;
pub use log_level::set_log_level;
pub(crate) use members::LISTED as MAX_ON_LEDGER_LISTED;
pub use members::{OnLedger, OwnJoin, Writing};
pub use pages::{Order, Page};
pub use place::{LogQuery, MAX_LOG_LINES, NodePlace};
pub use presence::{MAX_COUNTS, Present};
pub use put_out::{AWAITED_MS, PutOut};
pub use records::MAX_RECORDS_LISTED;
pub use refusal::Refused;
pub use stopping::StopOrder;
pub(crate) use tracker::MAX_PEERS_LISTED;
pub use waiting::unfit as unfit_words;

use crate::chain::Rules;
use crate::chain::params::MAX_EXPIRY;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::keys::{PublicKey, WalletFile};
use crate::membership::{Address, MemberName};
use crate::messages::clocks::GetOwnClock;
use crate::messages::gossip::{Connect, GetGossipStatus, SyncFrom};
use crate::messages::inbox::{CountUnread, MarkRead};
use crate::messages::ledger::{
    AtTip, GetFunds, GetLedgerStatus, GetOpenRecords, GetOpenTransactions,
};
use crate::messages::miner::{GetMinerStatus, MineBlock, SetMiningMode};
use crate::messages::registry::{
    CarryOut, GetDelegates, GetInvitations, GetMembers, GetPutOut, GetRegistryStatus, WhoIs,
};
use crate::messages::retry_queue::{
    GetOutbox, GetSend, ReleaseSend, RetrySend, SignAndSend, SignAndSendMany, WithdrawSend,
};
use crate::messages::tracker_link::{DirectoryStatus, HearStatements, LeaveNetwork};
use crate::messages::wallet::{OpenNote, OpenWallet, SealNote, SignLeave};
use crate::readable::Typed;
use crate::store::Disk;
use crate::wire::NodeRole;
use actix::Recipient;
use ballots::RollSizes;
use long_read::LongReads;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use tokio::sync::watch;

/// Blocks after the tip in which a transfer can be mined, if its sender does not say: a week at an
/// interval of five seconds, as long as the outbox waits for its recipient, less two hours, so that a
/// recipient who is some blocks behind does not find it to lie too far ahead.
pub const DEFAULT_EXPIRY_BLOCKS: u64 = MAX_EXPIRY - 1_440;

/// The same for coins that go straight to their recipient: two hours at an interval of five seconds. They
/// are signed, and whoever was given them could have them mined until then, so a refusal keeps them back
/// for so long. Waiting does not need more: a send that reaches nobody goes by way of the network.
pub const COINS_EXPIRY_BLOCKS: u64 = 1_440;

/// What speaks for one node.
#[derive(Clone)]
pub enum Owned {
    /// A peer.
    Peer(Peer),
    /// A tracker.
    Tracker(Tracker),
    /// Either, as long as it has no wallet.
    Waiting(Waiting),
}

impl Owned {
    /// Its signing key; `None` as long as it has no wallet.
    pub fn key(&self) -> Option<PublicKey> {
        match self {
            Self::Peer(peer) => Some(peer.key),
            Self::Tracker(tracker) => Some(tracker.key),
            Self::Waiting(_) => None,
        }
    }

    /// Gives tokens.
    pub(crate) fn entropy(&self) -> &Arc<dyn Entropy> {
        match self {
            Self::Peer(peer) => &peer.entropy,
            Self::Tracker(tracker) => &tracker.entropy,
            Self::Waiting(waiting) => &waiting.entropy,
        }
    }

    /// Where it keeps its files; `None` as long as it has no wallet.
    pub fn place(&self) -> Option<&Arc<NodePlace>> {
        match self {
            Self::Peer(peer) => Some(&peer.place),
            Self::Tracker(tracker) => Some(&tracker.place),
            Self::Waiting(_) => None,
        }
    }

    /// Makes the commands in what is told of it such that they work when typed.
    pub(crate) fn typed(&self) -> &Typed {
        match self {
            Self::Peer(peer) => peer.place.typed(),
            Self::Tracker(tracker) => tracker.place.typed(),
            Self::Waiting(waiting) => &waiting.typed,
        }
    }

    /// Tells whoever follows the events that there will be no more.
    pub(crate) fn end_events(&self) {
        if let Self::Peer(peer) = self {
            peer.events.close();
        }
    }

    /// Ends what reads a long time, which may hold the disk, and waits for its end.
    pub(crate) fn end_long_reads(&self) {
        if let Self::Peer(peer) = self {
            peer.long.cancel();
        }
    }
}

/// A peer. Cheap to clone.
#[derive(Clone)]
pub struct Peer {
    /// What this peer is called.
    pub(crate) name: MemberName,
    /// Its signing key.
    pub(crate) key: PublicKey,
    /// Its rows; every answer takes a snapshot of its own. The node's alone: whoever keeps a handle longer
    /// than the node lives must not keep the database open.
    pub(crate) disk: Weak<dyn Disk>,
    /// Seals its notes.
    pub(crate) seal: Recipient<SealNote>,
    /// Opens notes.
    pub(crate) open_note: Recipient<OpenNote>,
    /// The members that are known, and how this peer stands with the tracker.
    pub(crate) known: watch::Receiver<Arc<DirectoryStatus>>,
    /// What happens, as it happens.
    pub(crate) events: Events,
    /// Leaves the network for good.
    pub(crate) leave: Recipient<LeaveNetwork>,
    /// Hears what the admin, or the recovery key, has said.
    pub(crate) hear: Recipient<HearStatements>,
    /// Signs that this peer leaves, for the ledger.
    pub(crate) sign_leave: Recipient<SignLeave>,
    /// How it stands on the ledger, and in what the tracker's word differs from that.
    pub(crate) standing: Arc<Mutex<Standing>>,
    /// Says what time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// Knows how that compares with other clocks.
    pub(crate) own_clock: Recipient<GetOwnClock>,
    /// Gives tokens and salts.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// What there is only once the network's genesis is known.
    pub(crate) running: Arc<OnceLock<PeerParts>>,
    /// What reads a long time.
    pub(crate) long: LongAnswers,
    /// Where it keeps its files, and who says what its settings are.
    pub(crate) place: Arc<NodePlace>,
    /// How many were here, now and then.
    pub(crate) presence: presence::Presence,
    /// How many may vote where the members may.
    pub(crate) rolls: RollSizes,
    /// The node's own runtime, by whose timer things are waited for.
    pub(crate) runtime: tokio::runtime::Handle,
}

/// What there is of a peer once its network is known.
pub struct PeerParts {
    /// The network's rules.
    pub(crate) rules: Rules,
    /// To the outbox: has a transfer signed, and sends it.
    pub(crate) send: Recipient<SignAndSend>,
    /// To the outbox: the same for many.
    pub(crate) send_many: Recipient<SignAndSendMany>,
    /// To the outbox: what waits.
    pub(crate) outbox: Recipient<GetOutbox>,
    /// To the outbox: how one send stands.
    pub(crate) outbox_line: Recipient<GetSend>,
    /// To the outbox: tries again.
    pub(crate) retry: Recipient<RetrySend>,
    /// To the outbox: takes back.
    pub(crate) withdraw: Recipient<WithdrawSend>,
    /// To the outbox: frees coins.
    pub(crate) release: Recipient<ReleaseSend>,
    /// To the inbox: how much was not read.
    pub(crate) unread: Recipient<CountUnread>,
    /// To the inbox: it was read.
    pub(crate) mark_read: Recipient<MarkRead>,
    /// To the Ledger: where it stands.
    pub(crate) ledger_status: Recipient<GetLedgerStatus>,
    /// To the Ledger: what a key can spend.
    pub(crate) funds: Recipient<AtTip<GetFunds>>,
    /// To the Ledger: the open transactions.
    pub(crate) open_transactions: Recipient<AtTip<GetOpenTransactions>>,
    /// To the Ledger: the open records that applications judge.
    pub(crate) open_records: Recipient<GetOpenRecords>,
    /// To the Miner: mines one block.
    pub(crate) mine: Recipient<MineBlock>,
    /// To the Miner: how it goes.
    pub(crate) miner_status: Recipient<GetMinerStatus>,
    /// To the Miner: when to mine.
    pub(crate) set_mining: Recipient<SetMiningMode>,
    /// To Gossip: who is connected.
    pub(crate) gossip: Recipient<GetGossipStatus>,
    /// To Gossip: whose chain to fetch first.
    pub(crate) sync_from: Recipient<SyncFrom>,
    /// To the link to the tracker: disconnects, and connects again.
    pub(crate) connect_link: Recipient<Connect>,
    /// To Gossip: the same.
    pub(crate) connect: Recipient<Connect>,
}

/// A tracker. Cheap to clone.
#[derive(Clone)]
pub struct Tracker {
    /// The tracker's key.
    pub(crate) key: PublicKey,
    /// Where peers reach it.
    pub(crate) listen: SocketAddr,
    /// Knows how it stands.
    pub(crate) registry: Recipient<GetRegistryStatus>,
    /// Where others dial it, as its settings say.
    pub(crate) advertise: Vec<Address>,
    /// Knows the members.
    pub(crate) members: Recipient<GetMembers>,
    /// Knows the invitations.
    pub(crate) invitations: Recipient<GetInvitations>,
    /// Knows whose a name is.
    pub(crate) names: Recipient<WhoIs>,
    /// Knows who else may issue.
    pub(crate) delegates: Recipient<GetDelegates>,
    /// Knows who is put out.
    pub(crate) out: Recipient<GetPutOut>,
    /// Carries out what its owner decides.
    pub(crate) order: Recipient<CarryOut>,
    /// Says what time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// Knows how its clock compares with others.
    pub(crate) own_clock: Recipient<GetOwnClock>,
    /// Where it keeps its files, and who says what its settings are.
    pub(crate) place: Arc<NodePlace>,
    /// Gives tokens.
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// A node that waits for its wallet. Cheap to clone.
#[derive(Clone)]
pub struct Waiting {
    /// What the node will be.
    pub(crate) role: NodeRole,
    /// Where its wallet is to be.
    pub(crate) file: WalletFile,
    /// Opens it.
    pub(crate) open: Recipient<OpenWallet>,
    /// Makes commands such that they work when typed.
    pub(crate) typed: Typed,
    /// Gives tokens.
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// What reads a long time, and where what it needs for a while goes.
#[derive(Clone)]
pub(crate) struct LongAnswers {
    verifications: LongReads,
    exports: LongReads,
    /// For a database that only a verification needs.
    scratch: PathBuf,
}

impl LongAnswers {
    /// Of a node that keeps its files in `data_dir`.
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            verifications: LongReads::new("verified"),
            exports: LongReads::new("exported"),
            scratch: data_dir.join(crate::store::SCRATCH),
        }
    }

    fn cancel(&self) {
        self.verifications.cancel();
        self.exports.cancel();
    }
}

#[cfg(test)]
pub(crate) mod testing;
