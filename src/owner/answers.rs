//! What a node answers its owner, and what it takes. As JSON they are what the API over HTTP says: amounts,
//! fees, balances and work as decimal text, heights and counts as numbers.

mod account;
mod ballots;
mod branch;
mod chain;
mod checkpoint;
mod clock;
mod delegates;
mod delivery;
mod events;
mod health;
mod invitations;
mod log_level;
mod meaning;
mod members;
mod place;
mod records;
pub(crate) mod rfc3339;
mod shapes;
mod statements;

use crate::chain::{BlockId, Height, NetworkId, Timestamp, TransactionId};
use crate::membership::MemberName;
use crate::protocol::mining::Mode;
use crate::wire::MemberId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

pub use account::{AccountDeed, AccountEntry, AccountView};
pub use ballots::{
    BallotState, BallotView, BallotsView, CastRequest, CastView, ChoiceView, ClosesRequest,
    CountedView, OpenBallotRequest, OpenedView, ResultView, RollRequest, UncountedState,
    UncountedView, VoterView, VotersView,
};
pub use branch::{BranchChangeView, MovedTo, MovedView};
pub use chain::{
    ActionView, BalanceView, BlockCheckView, BlockLine, BlockView, BlocksView, ChainView,
    GenesisView, OpenView, TransactionState, TransactionStateView, TransactionView, VerifyLine,
};
pub use checkpoint::{BackupRequest, BackupView, CheckpointRequest, CheckpointView};
pub use clock::{ClockStateView, ClockView};
pub use delegates::{
    DelegateRequest, DelegateState, DelegateView, DelegatesView, HandOverRequest, StatementRequest,
};
pub use delivery::{
    AttemptsView, DeliveryStatusView, HistoryEntry, HistoryView, InboxView, NoteView, OutboxView,
    ReadRequest, ReadView, ReceivedState, ReceivedView, RefusedLineView, RouteView,
    SendManyRequest, SendRequest, SendView, SentLineView, SentManyView, SentView,
};
pub use events::{EventId, EventKind, EventKinds, EventView, NotAnEvent, Told};
pub use health::HealthView;
pub use invitations::{
    InvitationState, InvitationView, InvitationsView, InviteRequest, InvitedView,
};
pub use log_level::{LogLevelRequest, LogLevelView};
pub use meaning::MeaningView;
pub use members::{DifferenceView, LedgerMember, LedgerMembersView, OnLedgerState, OnLedgerView};
pub use place::{LogLine, LogView, SettingView, SettingsView};
pub use records::{
    BodyView, RecordEntry, RecordRequest, RecordView, RecordedView, RecordsView, TopicView,
    TopicsView,
};
pub use statements::{
    ActView, ExpelRequest, ReadmitRequest, RekeyRequest, SaidView, StatementView,
};

/// Where the next page of a list begins. It means something to that list alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A block at the end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TipView {
    /// Its height.
    pub height: Height,
    /// Its id.
    pub id: BlockId,
    /// Its timestamp.
    #[serde(with = "rfc3339")]
    pub timestamp: Timestamp,
}

/// Somebody, by key and, if a member has that key, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// The member's name; of somebody who was put out, or let back and has not come since, the one that it had, if
    /// this node knew it.
    pub name: Option<MemberName>,
    /// The key as an address.
    pub address: String,
    /// Whether the admin has put it out.
    #[serde(default, skip_serializing_if = "is_not")]
    pub put_out: bool,
}

/// Whether something is not so, and need not be said.
fn is_not(so: &bool) -> bool {
    !so
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkView {
    /// What it is called.
    pub name: String,
    /// Id of its genesis block; `None` until that is made.
    pub id: Option<NetworkId>,
}

/// How a peer stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
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
    /// By which statement of the admin it is put out; `None` if it is not.
    pub put_out: Option<StatementView>,
    /// Whether its owner has disconnected it, until `connect` or the next start.
    pub disconnected: bool,
    /// Whether others can dial it.
    pub reach: ReachView,
    /// How its clock compares with those of others.
    pub clock: ClockView,
    /// Its part in the network; `None` while it is on none.
    pub chain: Option<ChainStatusView>,
    /// Why it is on no network, if it is on none.
    pub waiting: Option<String>,
    /// Whether it is a member by the ledger; `None` while that was not looked at.
    pub on_ledger: Option<OnLedgerView>,
    /// In what the tracker's word differs from the ledger; the first twenty.
    pub differs: Vec<DifferenceView>,
}

/// How a peer stands with its tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackerLinkView {
    /// Which one is talked to, or dialled next.
    pub endpoint: String,
    /// Whether it is connected and has this peer registered.
    pub registered: bool,
    /// Why not, if not; or what else is wrong, such as another node with the same wallet.
    pub trouble: Option<String>,
    /// Until when its certificate makes this peer a member, with the tracker or without; `None` if it
    /// has none.
    #[serde(with = "rfc3339::optional")]
    pub member_until: Option<Timestamp>,
}

/// Whether others can dial a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReachView {
    /// Whether the tracker could; `None` while it is away, or has not tried for long enough.
    pub reachable: Option<bool>,
    /// Where the peer says that it can be dialled.
    pub endpoints: Vec<String>,
    /// If nobody can dial it: that, and what to do about it.
    pub trouble: Option<String>,
}

/// A peer's part in its network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChainStatusView {
    /// Which network.
    pub network: NetworkView,
    /// Last block of the connected chain, as far as it is stored: what else is read is of this block, too.
    pub tip: TipView,
    /// Milliseconds since that block's timestamp, by this node's clock; 0 if that lies ahead.
    pub tip_age_ms: u64,
    /// Last header of the chain of headers with most work.
    pub best_header: TipView,
    /// Whether blocks are missing towards that header, or somebody is still showing what comes after it.
    pub syncing: bool,
    /// How that goes; `None` if none is missing, or none came of late.
    pub catching_up: Option<CatchingUpView>,
    /// Whose chain is fetched before that of others (`POST /sync`); `None` if nobody's is, or it is connected no
    /// more.
    pub fetched_first: Option<FetchedFirstView>,
    /// Connections to other peers.
    pub sessions: usize,
    /// Number of open transactions.
    pub open_transactions: usize,
    /// Their bytes.
    pub open_bytes: usize,
    /// The miner.
    pub mining: MiningView,
    /// What its owner sends and receives.
    pub delivery: DeliveryStatusView,
    /// The last change of branch that took something of this node's away, since it runs; `None` if
    /// there was none.
    pub branch_change: Option<BranchChangeView>,
}

/// How fast the missing blocks come in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CatchingUpView {
    /// Blocks connected a second, over the last half minute.
    pub blocks_per_second: f64,
    /// Milliseconds until none is missing, if it goes on like that.
    pub ms_left: u64,
}

/// Whose chain is fetched before that of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FetchedFirstView {
    /// The member's key, as an address.
    pub address: String,
    /// Whether it has shown how far its chain leads.
    pub has_shown: bool,
}

/// What to ask for `POST /sync`: the chain of one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// A member's name or an address.
    pub from: String,
}

/// Whose chain is fetched from now on, before that of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncView {
    /// The sender.
    pub from: PersonView,
    /// The height it has shown so far.
    pub height: u64,
}

/// When a node is to mine, until it is started again: then its settings say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MiningRequest {
    /// `on-command`, `when-pending` or `always`.
    pub mode: Mode,
}

/// How mining goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MiningView {
    /// Whether a search is under way.
    pub running: bool,
    /// Nonces a second over the last jobs; 0 if there was none.
    pub hashes_per_second: f64,
    /// Blocks of this node that were connected since it started.
    pub blocks_mined: u64,
    /// Found blocks of this node whose place another had taken, since it started.
    pub races_lost: u64,
    /// When it mines.
    pub mode: Mode,
}

impl MiningView {
    /// Whether it begins to search without being told.
    pub fn begins_by_itself(&self) -> bool {
        self.mode != Mode::OnCommand
    }
}

/// How a node stands that waits for its wallet. What runs has no `waiting_for`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitingView {
    /// `"peer"` or `"tracker"`.
    pub role: String,
    /// Version of the program.
    pub version: String,
    /// `"wallet"`.
    pub waiting_for: String,
    /// What to do, for people.
    pub waiting: String,
    /// The wallet file that the settings name.
    pub file: String,
    /// Whether it is there, and locked; else there is none.
    pub locked: bool,
}

/// How a node stands: running, or waiting for its wallet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum StatusView<T> {
    /// It waits.
    Waiting(WaitingView),
    /// It runs.
    Running(T),
}

/// What is to be done about the wallet of a node that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WalletOrder {
    /// Make a new one; there must be none.
    Create,
    /// Take the one in the file.
    Load,
}

/// What to ask for `POST /wallet`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WalletRequest {
    /// What to do with the wallet.
    pub order: WalletOrder,
    /// The passphrase that a new wallet is locked with, or a locked one is unlocked with.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub passphrase: Option<Zeroizing<String>>,
}

/// The wallet that a node goes on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalletOpenedView {
    /// Its file.
    pub file: String,
    /// Its address.
    pub address: String,
    /// Whether its file is locked.
    pub locked: bool,
}

/// How a tracker stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// How its clock compares with those of its members.
    pub clock: ClockView,
    /// What [network] in its settings says that the network says otherwise: it has no effect.
    pub overruled: Vec<OverruledView>,
}

/// A key of [network] in a tracker's settings that has no effect, as the network was founded with another
/// value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverruledView {
    /// The key.
    pub key: String,
    /// What the settings say.
    pub given: String,
    /// What the network was founded with.
    pub holds: String,
}

/// Who is in the network, by number; whoever is connected but not known as a member comes last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeersView {
    /// Some of them.
    pub peers: Vec<PeerView>,
    /// Where the next ones begin; `None` if these are the last.
    pub next: Option<Cursor>,
}

/// Somebody in the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    #[serde(with = "rfc3339::optional")]
    pub since: Option<Timestamp>,
    /// Where it can be dialled, as it says itself.
    pub endpoints: Vec<String>,
    /// The connection with it, if there is one.
    pub session: Option<SessionView>,
    /// Whether it is a member on the ledger; `None` where members do not join there, and at a tracker.
    pub on_ledger: Option<bool>,
}

/// A connection with another peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Where the other end is.
    pub endpoint: String,
    /// The program and version that the other end says it is, such as `raclette/0.1.0`.
    pub program: String,
    /// Whether this node dialled.
    pub outgoing: bool,
    /// Height of the other's tip, as far as it has shown its headers.
    pub height: Height,
}

/// What a request takes that needs nothing to be said: `{}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "NoFields", deny_unknown_fields)]
pub struct NoRequest {}

/// An object without fields. What is derived for a struct without fields takes an empty array for it, too.
#[derive(Deserialize)]
#[serde(transparent)]
struct NoFields(serde_json::Map<String, serde_json::Value>);

impl NoFields {
    fn check(self) -> Result<(), String> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("unknown field {name:?}: there are none")),
        }
    }
}

impl TryFrom<NoFields> for NoRequest {
    type Error = String;

    fn try_from(given: NoFields) -> Result<Self, String> {
        given.check().map(|()| Self {})
    }
}

impl TryFrom<NoFields> for StopRequest {
    type Error = String;

    fn try_from(given: NoFields) -> Result<Self, String> {
        given.check().map(|()| Self {})
    }
}

/// Whether this node has sessions, or its owner has disconnected it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectedView {
    /// Whether it keeps sessions from now on.
    pub connected: bool,
}

/// This node has left the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftView {
    /// The name it had, which stays with its key.
    pub name: MemberName,
    /// The record by which it leaves the ledger; `None` if it was no member there.
    pub tx: Option<TransactionId>,
}

/// A block that this node mined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// What the order to stop takes: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "NoFields", deny_unknown_fields)]
pub struct StopRequest {}

/// The node stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoppingView {
    /// Its process, which ends when everything is saved.
    pub pid: u32,
}
