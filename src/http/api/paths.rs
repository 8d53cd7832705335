//! Every path of the API: what it is asked with and what it is for. The server is built from this list,
//! `GET /api/v1/paths` answers with it, and a test holds each of its lines to what the server does.

use serde::{Deserialize, Serialize};

macro_rules! base {
    () => {
        "/api/v1"
    };
}

/// What every path of the API begins with.
pub const BASE: &str = base!();

/// A path, with the one method it is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PathLine {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The whole path; what stands in braces is put in its place.
    pub path: &'static str,
    /// The parameters it takes, behind `?`.
    pub parameters: &'static [&'static str],
    /// The fields of the JSON object that it takes; `None` if it takes no body.
    pub body: Option<&'static [&'static str]>,
    /// What it is for.
    pub says: &'static str,
    /// Which nodes have it: peers, trackers, and those that wait for their wallet.
    pub of: &'static [Of],
}

/// Which kind of node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    ($($name:ident: $method:ident $path:literal ($($parameter:literal)*) $([$($field:literal)*])?, $of:ident, $says:literal;)*) => {
        $(pub(in crate::http) const $name: PathLine = PathLine {
            method: stringify!($method),
            path: concat!(base!(), $path),
            parameters: &[$($parameter),*],
            body: body!($([$($field)*])?),
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
    ([$($field:literal)*]) => {
        Some(&[$($field),*])
    };
}

paths! {
    LIST: GET "/paths" (), EVERY, "this list";
    CODES: GET "/codes" (), EVERY, "every code that a refusal can have, explained";
    CODE: GET "/codes/{code}" (), EVERY, "what the code of a refusal means and what to do";
    CHALLENGE: GET "/proof" ("challenge"), EVERY, "proves that this is the node's API, to whoever knows its token; needs none itself";
    STOP: POST "/stop" () [], EVERY, "stops the node in order; answered before it is gone";
    LOG_LEVEL: POST "/log-level" () ["part" "level" "for_ms"], EVERY, "has a part of the node tell more or less of itself than the settings say, for so long; without part and level, what these say";
    METRICS: GET "/metrics" (), EVERY, "what the node measures, in the text that Prometheus reads";
    HEALTHY: GET "/healthy" (), EVERY, "200 if the node answers, 503 if it hangs; needs no token";
    READY: GET "/ready" (), EVERY, "200 if the node takes part in its network, 503 if not, and why; needs no token";
    CHECKPOINT: POST "/checkpoint" () ["dir"], BOTH, "copies the database into a directory of this machine that is not there yet; `node backup DIR` makes a backup of it";
    LINK: POST "/link" () [], EVERY, "a link that lets one browser in to the node's pages, once, within ten minutes";
    STATUS: GET "/status" (), EVERY, "how the node stands";
    OPEN_WALLET: POST "/wallet" () ["order" "passphrase"], WAITING, "makes or opens the wallet (order: create or load), and the node starts";
    PEERS: GET "/peers" ("after" "limit"), BOTH, "the members, and who is connected";
    MEMBERS: GET "/ledger/members" ("at" "after" "limit"), PEER, "who is a member by the ledger, after the block at a height (at), or at its end";
    BALANCE: GET "/balance" ("of"), PEER, "the coins of somebody, or without `of` of this node's owner";
    SEND: POST "/transactions" () ["to" "amount" "fee" "expires_in_blocks" "note" "broadcast"], PEER, "sends coins, a note, or both; answered once it is on the disk; under the header Idempotency-Key the same request sends once";
    TRANSACTION: GET "/transactions/{id}" (), PEER, "where a transaction stands on the ledger";
    OPEN: GET "/open" ("after" "limit"), PEER, "the open transactions, the best paying first";
    OUTBOX: GET "/outbox" ("after" "limit" "failed"), PEER, "what waits to be delivered, or with failed=true what did not get through";
    SENT: GET "/outbox/{id}" ("wait" "seconds"), PEER, "one send, whatever became of it; with wait=open, delivered or mined once it is that, has failed, or so many seconds (60 at most) are over";
    RETRY: POST "/outbox/{id}/retry" () [], PEER, "tries again at once";
    WITHDRAW: POST "/outbox/{id}/withdraw" () [], PEER, "takes back what has never left";
    RELEASE: POST "/outbox/{id}/release" () [], PEER, "frees the coins of a send that has ended, though it may still be mined";
    INBOX: GET "/inbox" ("after" "limit" "unread" "order"), PEER, "what came in, the oldest first (order=latest: the latest), or with unread=true what was not read";
    RECEIVED: GET "/inbox/{number}" (), PEER, "one message, by its number in the inbox or its id";
    READ: POST "/inbox/read" () ["numbers"], PEER, "marks these messages as read, and no others";
    HISTORY: GET "/history" ("after" "limit"), PEER, "what was sent and received, the latest first";
    EVENTS: GET "/events" ("kinds" "after"), PEER, "what happens, as it happens, as text/event-stream: of these kinds (kinds=block_connected,peer_came), behind this event (after, or the header Last-Event-ID)";
    ADD_RECORD: POST "/records" () ["topic" "body" "fee" "expires_in_blocks"], PEER, "records bytes under a topic (body: {\"text\": ...} or {\"hex\": ...}); answered once the ledger has taken them; under the header Idempotency-Key the same request records once";
    RECORDS: GET "/records/{topic}" ("after" "limit"), PEER, "the records of a topic in the order of the chain, from a place in it on; what the chain has lost since then comes first, as reverted";
    OPEN_BALLOT: POST "/ballots/open" () ["question" "choices" "max" "roll" "closes"], PEER, "opens a ballot (roll: \"members\" or {\"keys\": [...]}; closes: {\"at\": ...}, {\"height\": ...} or {\"blocks\": ...}); answered once the ledger has taken it";
    BALLOTS: GET "/ballots" ("after" "limit"), PEER, "the ballots and how they stand, the latest first";
    BALLOT: GET "/ballots/{ballot}" (), PEER, "one ballot and how it stands";
    VOTERS: GET "/ballots/{ballot}/voters" ("after" "limit"), PEER, "who may vote in a ballot, and which votes count";
    CAST: POST "/ballots/{ballot}/votes" () ["choices"], PEER, "votes; a later vote takes the place of an earlier one; answered once the ledger has taken it";
    AUDIT: GET "/ballots/{ballot}/audit" (), PEER, "all that is needed to count a ballot again without a node, in lines";
    CHAIN: GET "/chain" (), PEER, "the chain in a few numbers";
    VERIFY_CHAIN: GET "/chain/verify" (), PEER, "checks the whole chain again, in lines as it goes";
    EXPORT: GET "/chain/export" (), PEER, "the whole chain, in lines";
    BLOCKS: GET "/blocks" ("after" "limit" "order"), PEER, "the blocks, the latest first (order=oldest: from the first)";
    BLOCK: GET "/blocks/{block}" (), PEER, "a block, by height or id";
    BLOCK_DATA: GET "/blocks/{block}/data" (), PEER, "all of a block, to the byte";
    VERIFY_BLOCK: GET "/blocks/{block}/verify" (), PEER, "checks one block again";
    PROOF: GET "/proofs/{id}" ("tail" "until"), PEER, "a proof that a block or transaction is on the chain";
    MINE: POST "/mine" () [], PEER, "mines one block; answered once it is on the disk";
    MINING: GET "/mining" (), PEER, "when this node mines, and how it goes";
    SET_MINING: POST "/mining/mode" () ["mode"], PEER, "has it mine on-command, when-pending or always, until it is started again";
    SYNC: POST "/sync" () ["from"], PEER, "fetches the chain of this member first";
    ACCEPT: POST "/accept" () ["name"], PEER, "believes that this member's key has changed";
    INVITE: POST "/invite" () ["uses" "lasts_ms"], TRACKER, "invites: signs an invitation for so many members, for so long";
    INVITATIONS: GET "/invitations" ("after" "limit"), TRACKER, "the invitations, by number, without their secrets";
    REVOKE_INVITATION: POST "/invitations/{id}/revoke" () [], TRACKER, "lets nobody join by this invitation any more";
    DISCONNECT: POST "/disconnect" () [], PEER, "says goodbye to everybody and keeps no session, until /connect or the next start";
    CONNECT: POST "/connect" () [], PEER, "takes the sessions up again";
    LEAVE: POST "/leave" () [], PEER, "leaves the network for good";
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
