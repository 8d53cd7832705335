//! Every path of the API: what it is asked with, what it answers, and what it is for. The server is built from this
//! list, `GET /api/v1/paths` answers with it, the description in OpenAPI and its page are made of it, and a test
//! holds each of its lines to what the server does.

use super::docs::Page;
use super::lists::{CodesView, PathsView};
use super::openapi::{AuditLine, ChainEntry, Description, JSON};
use super::shapes::Shape;
use crate::chain::proof::ProofJson;
use crate::http::pages::LinkView;
use crate::http::server::ProofView;
use crate::owner::BlockData;
use crate::owner::answers::{
    AccountView, BackupRequest, BackupView, BalanceView, BallotView, BallotsView, BlockCheckView,
    BlockView, BlocksView, CastRequest, CastView, ChainView, CheckpointRequest, CheckpointView,
    ConnectedView, DelegateRequest, DelegateView, DelegatesView, EventView, ExpelRequest,
    HandOverRequest, HealthView, HistoryView, InboxView, InvitationView, InvitationsView,
    InviteRequest, InvitedView, LedgerMembersView, LeftView, LogLevelRequest, LogLevelView,
    LogView, MinedView, MiningRequest, MiningView, NoRequest, OpenBallotRequest, OpenView,
    OpenedView, OutboxView, PeerStatusView, PeersView, ReadRequest, ReadView, ReadmitRequest,
    ReceivedView, RecordRequest, RecordedView, RecordsView, RekeyRequest, SaidView,
    SendManyRequest, SendRequest, SendView, SentManyView, SentView, SettingsView, StatementRequest,
    StopRequest, StoppingView, SyncRequest, SyncView, TopicsView, TrackerStatusView,
    TransactionStateView, VerifyLine, VotersView, WaitingView, WalletOpenedView, WalletRequest,
};
use crate::owner::codes::Explanation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! base {
    () => {
        "/api/v1"
    };
}

/// What every path of the API begins with.
pub const BASE: &str = base!();

/// A path, with the one method it is asked with.
#[derive(Debug, Clone, Copy)]
pub struct PathLine {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The whole path; what stands in braces is put in its place.
    pub path: &'static str,
    /// The parameters it takes, behind `?`.
    pub parameters: &'static [&'static str],
    /// The JSON object that it takes; `None` if it takes no body.
    pub(super) body: Option<Shape>,
    /// What the answer is.
    pub(super) media: &'static str,
    /// The JSON that is answered: of several the one that this kind of node has.
    pub(super) answers: &'static [Shape],
    /// What it is for.
    pub says: &'static str,
    /// Which nodes have it: peers, trackers, and those that wait for their wallet.
    pub of: &'static [Of],
}

/// Which kind of node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// A peer.
    Peer,
    /// A tracker.
    Tracker,
    /// Either, while it waits for its wallet.
    Waiting,
}

use Of::{Peer, Tracker, Waiting};

const EVERY: &[Of] = &[Peer, Tracker, Waiting];
const BOTH: &[Of] = &[Peer, Tracker];
const PEER: &[Of] = &[Peer];
const TRACKER: &[Of] = &[Tracker];
const WAITING: &[Of] = &[Waiting];

macro_rules! paths {
    ($($name:ident: $method:ident $path:literal ($($parameter:literal)*) $([$body:ty])? -> $($media:literal)? $($answer:ty)|+, $of:ident, $says:literal;)*) => {
        $(pub(in crate::http) const $name: PathLine = PathLine {
            method: stringify!($method),
            path: concat!(base!(), $path),
            parameters: &[$($parameter),*],
            body: body!($($body)?),
            media: media!($($media)?),
            answers: &[$(Shape::of::<$answer>()),+],
            says: $says,
            of: $of,
        };)*

        /// All of them.
        pub const PATHS: &[PathLine] = &[$($name,)*];
    };
}

macro_rules! body {
    () => {
        None
    };
    ($body:ty) => {
        Some(Shape::of::<$body>())
    };
}

macro_rules! media {
    () => {
        JSON
    };
    ($media:literal) => {
        $media
    };
}

paths! {
    LIST: GET "/paths" () -> PathsView, EVERY, "this list";
    OPENAPI: GET "/openapi.json" () -> Description, EVERY, "the same in OpenAPI 3.1, for programs";
    DOCS: GET "/docs" () -> "text/html" Page, EVERY, "the same as a page, for people";
    CODES: GET "/codes" () -> CodesView, EVERY, "every code that a refusal can have, explained";
    CODE: GET "/codes/{code}" () -> Explanation, EVERY, "what the code of a refusal means and what to do";
    CHALLENGE: GET "/proof" ("challenge") -> ProofView, EVERY, "proves that this is the node's API, to whoever knows its token; needs none itself";
    STOP: POST "/stop" () [StopRequest] -> StoppingView, EVERY, "stops the node in order; answered before it is gone";
    METRICS: GET "/metrics" () -> "application/openmetrics-text; version=1.0.0; charset=utf-8" String, EVERY, "what the node measures, in the text that Prometheus reads";
    HEALTHY: GET "/healthy" () -> HealthView, EVERY, "200 if the node answers, 503 if it hangs; needs no token";
    READY: GET "/ready" () -> HealthView, EVERY, "200 if the node takes part in its network, 503 if not, and why; needs no token";
    LOG_LEVEL: POST "/log-level" () [LogLevelRequest] -> LogLevelView, EVERY, "has a part of the node tell more or less of itself than the settings say, for so long; without part and level, what these say";
    LOG: GET "/log" ("level" "actor" "about" "after" "limit") -> LogView, BOTH, "what the node wrote down, the latest first: from this level on, of one part (actor), with a value that begins so (about: an id, a name, an address)";
    SETTINGS: GET "/settings" () -> SettingsView, BOTH, "its settings and who says each, where its files are, and how much they take";
    CHECKPOINT: POST "/checkpoint" () [CheckpointRequest] -> CheckpointView, BOTH, "copies the database into a directory of this machine that is not there yet; POST /backup makes a backup";
    BACK_UP: POST "/backup" () [BackupRequest] -> BackupView, BOTH, "makes a backup of the node, without its wallet, into a directory (dir) that is not there yet, or one of its own below the place that the settings name; answered once it was read back";
    LINK: POST "/link" () [NoRequest] -> LinkView, EVERY, "a link that lets one browser in to the node's pages, once, within ten minutes";
    STATUS: GET "/status" () -> PeerStatusView | TrackerStatusView | WaitingView, EVERY, "how the node stands";
    OPEN_WALLET: POST "/wallet" () [WalletRequest] -> WalletOpenedView, WAITING, "makes or opens the wallet (order: create or load), and the node starts";
    PEERS: GET "/peers" ("after" "limit" "matching" "here") -> PeersView, BOTH, "the members, and who is connected; only those whose name has this within it, or whose address begins so (matching), who are here (here=true) or away (here=false)";
    MEMBERS: GET "/ledger/members" ("at" "after" "limit") -> LedgerMembersView, PEER, "who is a member by the ledger, after the block at a height (at), or at its end";
    BALANCE: GET "/balance" ("of") -> BalanceView, PEER, "the coins of somebody, or without `of` of this node's owner";
    SEND: POST "/transactions" () [SendRequest] -> SentView, PEER, "sends coins, a note, or both; answered once it is on the disk; under the header Idempotency-Key the same request sends once";
    SEND_MANY: POST "/transactions/batch" () [SendManyRequest] -> SentManyView, PEER, "sends up to a thousand transfers, each as POST /transactions does; answered once all that is not refused is on the disk, with the place of each that is; under the header Idempotency-Key the same call sends each once";
    TRANSACTION: GET "/transactions/{id}" () -> TransactionStateView, PEER, "where a transaction stands on the ledger";
    OPEN: GET "/open" ("after" "limit") -> OpenView, PEER, "the open transactions, the best paying first";
    OUTBOX: GET "/outbox" ("after" "limit" "failed") -> OutboxView, PEER, "what waits to be delivered, or with failed=true what did not get through";
    SENT: GET "/outbox/{id}" ("wait" "seconds") -> SendView, PEER, "one send, whatever became of it; with wait=open, delivered or mined once it is that, has failed, or so many seconds (60 at most) are over";
    RETRY: POST "/outbox/{id}/retry" () [NoRequest] -> SendView, PEER, "tries again at once";
    WITHDRAW: POST "/outbox/{id}/withdraw" () [NoRequest] -> SendView, PEER, "takes back what has never left";
    RELEASE: POST "/outbox/{id}/release" () [NoRequest] -> SendView, PEER, "frees the coins of a send that has ended, though it may still be mined";
    INBOX: GET "/inbox" ("after" "limit" "unread" "order") -> InboxView, PEER, "what came in, the oldest first (order=latest: the latest), or with unread=true what was not read";
    RECEIVED: GET "/inbox/{number}" () -> ReceivedView, PEER, "one message, by its number in the inbox or its id";
    READ: POST "/inbox/read" () [ReadRequest] -> ReadView, PEER, "marks these messages as read, and no others";
    HISTORY: GET "/history" ("after" "limit") -> HistoryView, PEER, "what was sent and received, the latest first";
    ACCOUNT: GET "/account" ("after" "limit") -> AccountView, PEER, "what came into blocks for this node's owner, mined coins among it, the latest first, and what there was after each";
    EVENTS: GET "/events" ("kinds" "after") -> "text/event-stream" EventView, PEER, "what happens, as it happens, as text/event-stream: of these kinds (kinds=block_connected,peer_came), behind this event (after, or the header Last-Event-ID)";
    ADD_RECORD: POST "/records" () [RecordRequest] -> RecordedView, PEER, "records bytes under a topic (body: {\"text\": ...} or {\"hex\": ...}); answered once the ledger has taken them; under the header Idempotency-Key the same request records once";
    TOPICS: GET "/topics" ("after" "limit") -> TopicsView, PEER, "the topics that have records on the connected chain";
    RECORDS: GET "/records/{topic}" ("after" "limit") -> RecordsView, PEER, "the records of a topic in the order of the chain, from a place in it on; what the chain has lost since then comes first, as reverted";
    OPEN_BALLOT: POST "/ballots/open" () [OpenBallotRequest] -> OpenedView, PEER, "opens a ballot (roll: \"members\" or {\"keys\": [...]}; closes: {\"at\": ...}, {\"height\": ...} or {\"blocks\": ...}); answered once the ledger has taken it; under the header Idempotency-Key the same request opens one ballot";
    BALLOTS: GET "/ballots" ("after" "limit") -> BallotsView, PEER, "the ballots and how they stand, the latest first";
    BALLOT: GET "/ballots/{ballot}" () -> BallotView, PEER, "one ballot and how it stands";
    VOTERS: GET "/ballots/{ballot}/voters" ("after" "limit") -> VotersView, PEER, "who may vote in a ballot, and which votes count";
    CAST: POST "/ballots/{ballot}/votes" () [CastRequest] -> CastView, PEER, "votes; a later vote takes the place of an earlier one; answered once the ledger has taken it; under the header Idempotency-Key the same request is one vote";
    AUDIT: GET "/ballots/{ballot}/audit" () -> "application/x-ndjson" AuditLine, PEER, "all that is needed to count a ballot again without this program, in lines";
    CHAIN: GET "/chain" () -> ChainView, PEER, "the chain in a few numbers";
    VERIFY_CHAIN: GET "/chain/verify" () -> "application/x-ndjson" VerifyLine, PEER, "checks the whole chain again, in lines as it goes";
    EXPORT: GET "/chain/export" () -> "application/x-ndjson" ChainEntry, PEER, "the whole chain, in lines";
    BLOCKS: GET "/blocks" ("after" "limit" "order") -> BlocksView, PEER, "the blocks, the latest first (order=oldest: from the first)";
    BLOCK: GET "/blocks/{block}" () -> BlockView, PEER, "a block, by height or id";
    BLOCK_DATA: GET "/blocks/{block}/data" () -> BlockData, PEER, "all of a block, to the byte";
    VERIFY_BLOCK: GET "/blocks/{block}/verify" () -> BlockCheckView, PEER, "checks one block again";
    PROOF: GET "/proofs/{id}" ("tail" "until") -> ProofJson, PEER, "a proof that a block or transaction is on the chain";
    MINE: POST "/mine" () [NoRequest] -> MinedView, PEER, "mines one block; answered once it is on the disk";
    MINING: GET "/mining" () -> MiningView, PEER, "when this node mines, and how it goes";
    SET_MINING: POST "/mining/mode" () [MiningRequest] -> MiningView, PEER, "has it mine on-command, when-pending or always, until it is started again";
    SYNC: POST "/sync" () [SyncRequest] -> SyncView, PEER, "fetches the chain of this member first";
    INVITE: POST "/invite" () [InviteRequest] -> InvitedView, TRACKER, "invites: signs an invitation for so many members, for so long";
    INVITATIONS: GET "/invitations" ("after" "limit") -> InvitationsView, TRACKER, "the invitations, by number, without their secrets";
    REVOKE_INVITATION: POST "/invitations/{id}/revoke" () [NoRequest] -> InvitationView, TRACKER, "lets nobody join by this invitation any more";
    EXPEL: POST "/expel" () [ExpelRequest] -> SaidView, TRACKER, "puts a member out, for a reason that everybody reads: signs it, keeps it and tells everybody";
    READMIT: POST "/readmit" () [ReadmitRequest] -> SaidView, TRACKER, "lets a member come back that was put out";
    REKEY: POST "/rekey" () [RekeyRequest] -> SaidView, TRACKER, "gives a name to another key, whose owner has lost the former one";
    DELEGATE: POST "/delegate" () [DelegateRequest] -> DelegateView, TRACKER, "gives another tracker the right to invite, admit and renew, for so long";
    DELEGATES: GET "/delegates" () -> DelegatesView, TRACKER, "the trackers that were given that right";
    REVOKE_DELEGATE: POST "/delegates/{address}/revoke" () [NoRequest] -> SaidView, TRACKER, "takes that right back, and tells everybody";
    HAND_OVER: POST "/hand-over" () [HandOverRequest] -> SaidView, TRACKER, "puts another tracker in the place of this one, for everybody";
    STATEMENTS: POST "/statements" () [StatementRequest] -> SaidView, BOTH, "keeps a statement that was signed elsewhere, with the recovery key, and tells everybody";
    DISCONNECT: POST "/disconnect" () [NoRequest] -> ConnectedView, PEER, "says goodbye to everybody and keeps no session, until /connect or the next start";
    CONNECT: POST "/connect" () [NoRequest] -> ConnectedView, PEER, "takes the sessions up again";
    LEAVE: POST "/leave" () [NoRequest] -> LeftView, PEER, "leaves the network for good";
}

/// What is answered without the token: nothing that is anybody's secret.
pub(in crate::http) const WITHOUT_TOKEN: [&str; 3] = [CHALLENGE.path, HEALTHY.path, READY.path];

/// Where what was under this path before paths had a version is now.
pub(super) fn moved(path: &str) -> Option<String> {
    let now = format!("{BASE}{path}");
    let is_there = PATHS.iter().any(|line| line.is_at(&now));
    is_there.then_some(now)
}

impl PathLine {
    /// The fields of the JSON object that it takes; `None` if it takes no body.
    pub fn fields(&self) -> Option<Vec<String>> {
        self.body.map(Shape::fields)
    }

    fn is_at(&self, path: &str) -> bool {
        let (parts, asked) = (self.path.split('/'), path.split('/'));
        parts.clone().count() == asked.clone().count()
            && parts
                .zip(asked)
                .all(|(part, asked)| part.starts_with('{') || part == asked)
    }

    /// Whether a node of this kind has it.
    pub(super) fn is_of(&self, of: Of) -> bool {
        self.of.contains(&of)
    }
}
