//! A peer over a real chain in memory and an actor that plays all others: what tests of this floor, of the API
//! and of its client share.

use super::{Events, LongAnswers, Peer, PeerParts, Tracker};
use crate::chain::ledger::{BlockOutcome, Funds};
use crate::chain::testing::{Node, START, member, rules, transfer};
use crate::chain::transaction::Note;
use crate::chain::{Amount, Height, SignedHere, StateView, Timestamp, TransactionId};
use crate::clock::{Clock, SystemClock};
use crate::entropy::Entropy;
use crate::keys::{NoteSeed, PublicKey, SecretKey};
use crate::membership::{InvitationStatement, Leave};
use crate::messages::clocks::GetOwnClock;
use crate::messages::gossip::{Connect, GetGossipStatus, GossipStatus, SessionStatus, SyncFrom};
use crate::messages::inbox::{CountUnread, MarkRead};
use crate::messages::ledger::{
    GetFunds, GetLedgerStatus, GetOpenTransactions, LedgerStatus, OpenPage,
};
use crate::messages::miner::{
    GetMinerStatus, MineBlock, MineError, Mined, MinerStatus, SetMiningMode,
};
use crate::messages::registry::{
    CarryOut, GetDelegates, GetInvitations, GetMembers, GetRegistryStatus, RegistryStatus, WhoIs,
};
use crate::messages::retry_queue::{
    GetOutbox, GetSend, OutboxStatus, ReleaseSend, RetrySend, SendTransfer, SendTransfers,
    WithdrawSend,
};
use crate::messages::tracker_link::{
    AcceptChangedKey, AcceptError, DirectoryStatus, HearStatements, LeaveError, LeaveNetwork,
};
use crate::messages::wallet::{OpenNote, SealNote, SignLeave, SignTransaction, SignTransactions};
use crate::protocol::clocks::OwnClock;
use crate::protocol::delivery::outbox::{OrderError, SendError, Waiting};
use crate::protocol::directory::Directory;
use crate::protocol::mining::Mode;
use crate::protocol::registry::{InvitationId, Kept, Named, Order, OrderRefused, Outcome};
use crate::store::chain_rows::changes;
use crate::store::{Disk, MemoryDisk};
use crate::wire::{Member, MemberId, MemberStatement};
use actix::{Actor, Addr, Context, Handler, MessageResult};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use tokio::sync::watch;

/// Where the fake tracker would be.
pub(crate) const TRACKER: &str = "127.0.0.1:7000";

/// The secret key of a test's member: those of the chain's tests, who have coins.
pub(crate) fn secret(number: u8) -> SecretKey {
    member(number)
}

/// A member with a name, whose key is [`secret`]`(number)`.
pub(crate) fn member_called(name: &str, number: u8) -> Member {
    let key = secret(number);
    let address = format!("127.0.0.1:70{number:02}").parse();
    let statement = MemberStatement {
        tracker: PublicKey([9; 32]),
        sequence: 1,
        name: name.parse().unwrap(),
        key: key.public_key(),
        sealing_key: key.sealing_key(),
        addresses: vec![address.unwrap()],
    };
    Member {
        id: MemberId(u32::from(number)),
        record: statement.sign(&key),
        live: true,
        reachable: true,
        since: START,
    }
}

/// Plays every actor a peer's API talks to, and the tracker's registry. Member 1, alice, is the
/// peer itself; bob and carol are known, and somebody unknown is connected.
pub(crate) struct FakeNode {
    chain: Node,
    played: Played,
}

/// What a played node shares with the test.
#[derive(Clone)]
pub(crate) struct Played {
    pub(crate) disk: Arc<MemoryDisk>,
    /// Why it is on no network.
    trouble: Option<String>,
    sent: Arc<Mutex<Vec<SendTransfer>>>,
    /// What happens at the node.
    pub(crate) events: Events,
    /// How often the tip moves just after funds were told.
    pub(crate) moves: Arc<AtomicU32>,
}

impl Played {
    /// What the outbox was asked to send, the last one first.
    pub(crate) fn last_sent(&self) -> Option<SendTransfer> {
        self.sent.lock().unwrap().pop()
    }
}

impl FakeNode {
    /// One that is on a network, unless it has this trouble.
    pub(crate) fn new(trouble: Option<String>) -> Self {
        Self {
            chain: Node::new(),
            played: Played {
                disk: Arc::new(MemoryDisk::new()),
                trouble,
                sent: Arc::default(),
                events: Events::new(0xe7e7),
                moves: Arc::default(),
            },
        }
    }

    /// One with a chain of two blocks: in the first, member 1 paid 5 coins to member 2; a payment of 7 by
    /// member 2 to member 3 is open. Both payments' ids.
    pub(crate) fn with_two_blocks(trouble: Option<String>) -> (Self, [TransactionId; 2]) {
        let mut node = Self::new(trouble);
        let mined = transfer(1, 2, 5, 1, 1);
        let open = transfer(2, 3, 7, 0, 2);
        node.chain.send(mined.clone()).unwrap();
        node.chain.mine(1);
        node.chain.mine(2);
        node.chain.send(open.clone()).unwrap();
        node.store();
        (node, [mined.id(), open.id()])
    }

    /// What it shares with the test.
    pub(crate) fn played(&self) -> Played {
        self.played.clone()
    }

    /// Mines a block if one is to come just now.
    fn move_on(&mut self) {
        let take_one = |moves: u32| moves.checked_sub(1);
        let order = Ordering::Relaxed;
        if self
            .played
            .moves
            .fetch_update(order, order, take_one)
            .is_ok()
        {
            self.chain.mine(1);
        }
    }

    fn take_send(&mut self, send: SendTransfer) -> Result<(), SendError> {
        let verdict = self.chain.send(send.transaction.transaction().clone());
        self.played.sent.lock().unwrap().push(send);
        self.store();
        verdict.map_err(SendError::from)
    }

    fn store(&mut self) {
        let rows = self.chain.disk.0.iter();
        let rows: Vec<_> = rows
            .map(|(key, value)| (key.clone(), Some(value.clone())))
            .collect();
        let rows: Vec<_> = changes(&rows).collect();
        self.played.disk.commit(&rows).unwrap();
    }
}

impl Actor for FakeNode {
    type Context = Context<Self>;
}

macro_rules! answers {
    ($($message:ty => |$node:ident, $asked:ident| $answer:expr;)*) => {$(
        impl Handler<$message> for FakeNode {
            type Result = MessageResult<$message>;
            fn handle(&mut self, $asked: $message, _: &mut Context<Self>) -> Self::Result {
                let $node = self;
                MessageResult($answer)
            }
        }
    )*};
}

answers! {
    GetRegistryStatus => |node, _asked| RegistryStatus {
        registered: 3,
        live: 3,
        reachable: 3,
        sessions: 2,
        network_name: "test".to_owned(),
        network: Some(rules().network()),
        height: Some(node.chain.ledger.tip().height()),
        overruled: Vec::new(),
    };
    GetMembers => |_node, asked| {
        let behind = members().into_iter().filter(|member| asked.after < Some(member.id));
        behind.take(asked.limit).collect()
    };
    SignTransaction => |_node, asked| {
        SignedHere::sign(asked.0, &secret(1))
    };
    SignTransactions => |_node, asked| {
        let payloads = asked.0.into_iter();
        payloads.map(|payload| SignedHere::sign(payload, &secret(1))).collect()
    };
    SendTransfer => |node, asked| node.take_send(asked);
    SendTransfers => |node, asked| {
        let sends = asked.0.into_iter();
        sends.map(|send| node.take_send(send)).collect()
    };
    GetOutbox => |_node, _asked| OutboxStatus {
        waiting: Waiting {
            queued: 2,
            bytes: 600,
            reserved: Amount(7),
            held: Amount(3),
        },
        lines: Vec::new(),
    };
    GetSend => |_node, _asked| None;
    RetrySend => |_node, _asked| Err(OrderError::NotWaiting);
    ReleaseSend => |_node, _asked| Err(OrderError::NothingHeld);
    WithdrawSend => |_node, _asked| Err(OrderError::Attempted(Height(9)));
    CountUnread => |_node, _asked| 3;
    MarkRead => |_node, _asked| ();
    SealNote => |_node, asked| {
        let sealed = secret(1).seal_note(&asked.to, &asked.about, &asked.text, &NoteSeed::default());
        sealed.map(|note| Note::new(note).unwrap())
    };
    OpenNote => |_node, asked| secret(1).open_note(&asked.about, asked.note.as_slice());
    GetLedgerStatus => |node, _asked| LedgerStatus {
        tip: *node.chain.ledger.tip(),
        best_header: *node.chain.ledger.tip(),
        open_transactions: node.chain.ledger.mempool().len(),
        open_bytes: 300,
        headers_in_memory: 1,
        catching_up: None,
        branch_change: None,
    };
    GetFunds => |node, asked| {
        let funds = node.chain.disk.balance(&asked.0).map(|balance| Funds {
            balance,
            promised: Amount(100),
        });
        node.move_on();
        funds
    };
    GetOpenTransactions => |node, asked| {
        let (transactions, next) = node.chain.ledger.mempool().page(asked.after, asked.limit);
        OpenPage { transactions, next }
    };
    MineBlock => |node, _asked| {
        let block = node.chain.next_block(1);
        match node.chain.block(block.clone()) {
            BlockOutcome::Accepted => {
                node.store();
                Ok(Mined {
                    id: block.id(),
                    height: block.header.height,
                    transactions: block.transactions.len(),
                    tries: 17,
                    elapsed_ms: 1_234,
                    races_lost: 0,
                })
            }
            other => Err(MineError::Invalid(format!("{other:?}"))),
        }
    };
    GetOwnClock => |_node, _asked| OwnClock::UNKNOWN;
    GetMinerStatus => |_node, _asked| MinerStatus {
        running: false,
        hashes_per_second: 4_200_000.0,
        blocks_mined: 3,
        races_lost: 1,
        mode: Mode::OnCommand,
    };
    SetMiningMode => |_node, asked| MinerStatus {
        running: asked.0 == Mode::Always,
        hashes_per_second: 4_200_000.0,
        blocks_mined: 3,
        races_lost: 1,
        mode: asked.0,
    };
    SyncFrom => |_node, asked| (asked.0 == secret(2).public_key()).then_some(2);
    GetGossipStatus => |_node, _asked| GossipStatus {
        sessions: vec![session(2, true), session(8, false)],
        blocks_in_flight: 0,
    };
}

/// A directory with these members.
pub(crate) fn directory_of(members: impl IntoIterator<Item = Member>) -> Directory {
    let mut directory = Directory::default();
    for member in members {
        let _ = directory.update(member);
    }
    directory
}

fn members() -> Vec<Member> {
    ["alice", "bob", "carol"]
        .into_iter()
        .zip(1..)
        .map(|(name, number)| member_called(name, number))
        .collect()
}

fn session(number: u8, outgoing: bool) -> SessionStatus {
    SessionStatus {
        key: secret(number).public_key(),
        address: format!("127.0.0.1:70{number:02}"),
        program: "raclette/0.1.0".to_owned(),
        outgoing,
        height: 2,
    }
}

pub(crate) struct FixedClock;

impl Clock for FixedClock {
    fn wall(&self) -> Timestamp {
        START.plus_ms(6_000)
    }

    fn steady(&self) -> crate::clock::SteadyTime {
        crate::clock::STARTED.plus_ms(6_000)
    }
}

/// Every byte a different one from call to call, so that salts and tokens differ.
struct CountingEntropy(Mutex<u8>);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut next = self.0.lock().unwrap();
        for byte in bytes {
            *byte = *next;
            *next = next.wrapping_add(1);
        }
    }
}

/// What speaks for the peer that `node` plays.
pub(crate) fn peer(node: &Addr<FakeNode>, played: &Played, data_dir: &Path) -> Peer {
    let running = OnceLock::new();
    if played.trouble.is_none() {
        let set = running.set(PeerParts {
            rules: rules(),
            send: node.clone().recipient(),
            send_many: node.clone().recipient(),
            outbox: node.clone().recipient(),
            outbox_line: node.clone().recipient(),
            retry: node.clone().recipient(),
            withdraw: node.clone().recipient(),
            release: node.clone().recipient(),
            unread: node.clone().recipient(),
            mark_read: node.clone().recipient(),
            ledger_status: node.clone().recipient(),
            funds: node.clone().recipient(),
            open_transactions: node.clone().recipient(),
            mine: node.clone().recipient(),
            miner_status: node.clone().recipient(),
            set_mining: node.clone().recipient(),
            gossip: node.clone().recipient(),
            sync_from: node.clone().recipient(),
            connect_link: node.clone().recipient(),
            connect: node.clone().recipient(),
        });
        assert!(set.is_ok());
    }
    let disk: Arc<dyn Disk> = played.disk.clone();
    let known = DirectoryStatus {
        directory: Arc::new(directory_of(members())),
        registered: played.trouble.is_none(),
        tracker: TRACKER.to_owned(),
        trouble: played.trouble.clone(),
        ..DirectoryStatus::default()
    };
    Peer {
        name: "alice".parse().unwrap(),
        key: secret(1).public_key(),
        disk: Arc::downgrade(&disk),
        wallet: node.clone().recipient(),
        wallet_many: node.clone().recipient(),
        seal: node.clone().recipient(),
        open_note: node.clone().recipient(),
        known: watch::channel(Arc::new(known)).1,
        events: played.events.clone(),
        leave: node.clone().recipient(),
        hear: node.clone().recipient(),
        sign_leave: node.clone().recipient(),
        standing: Arc::default(),
        accept: node.clone().recipient(),
        clock: Arc::new(FixedClock),
        own_clock: node.clone().recipient(),
        entropy: Arc::new(CountingEntropy(Mutex::new(0))),
        running: Arc::new(running),
        long: LongAnswers::new(data_dir),
        place: super::NodePlace::new(data_dir, Vec::new()),
        presence: Default::default(),
        rolls: Default::default(),
        runtime: tokio::runtime::Handle::current(),
    }
}

/// What speaks for the tracker that `node` plays.
pub(crate) fn tracker(node: &Addr<FakeNode>) -> Tracker {
    Tracker {
        key: secret(200).public_key(),
        listen: TRACKER.parse().unwrap(),
        registry: node.clone().recipient(),
        advertise: Vec::new(),
        members: node.clone().recipient(),
        invitations: node.clone().recipient(),
        names: node.clone().recipient(),
        delegates: node.clone().recipient(),
        order: node.clone().recipient(),
        clock: Arc::new(SystemClock),
        own_clock: node.clone().recipient(),
        disk: Weak::<MemoryDisk>::new(),
        entropy: Arc::new(CountingEntropy(Mutex::new(0))),
    }
}

/// There is one invitation, and no more are made than that.
fn invitation() -> (InvitationId, Kept) {
    let statement = InvitationStatement {
        network: None,
        key: secret(7).public_key(),
        issuer: secret(200).public_key(),
        delegation: None,
        uses: 2,
        serial: Timestamp(1),
        expires: Timestamp(u64::MAX),
    };
    let kept = Kept {
        invitation: statement.sign(&secret(200)),
        used: 1,
        revoked: None,
    };
    (InvitationId(1), kept)
}

impl Handler<GetInvitations> for FakeNode {
    type Result = MessageResult<GetInvitations>;

    fn handle(&mut self, _: GetInvitations, _: &mut Self::Context) -> Self::Result {
        MessageResult(vec![invitation()])
    }
}

/// There is bob.
impl Handler<GetDelegates> for FakeNode {
    type Result = MessageResult<GetDelegates>;

    fn handle(&mut self, _: GetDelegates, _: &mut Self::Context) -> Self::Result {
        MessageResult(Vec::new())
    }
}

impl Handler<HearStatements> for FakeNode {
    type Result = ();

    fn handle(&mut self, _: HearStatements, _: &mut Self::Context) {}
}

impl Handler<WhoIs> for FakeNode {
    type Result = MessageResult<WhoIs>;

    fn handle(&mut self, asked: WhoIs, _: &mut Self::Context) -> Self::Result {
        MessageResult(match asked.0.as_str() {
            "bob" => Named::Key(secret(2).public_key()),
            _ => Named::Nobody(None),
        })
    }
}

impl Handler<CarryOut> for FakeNode {
    type Result = Result<Outcome, OrderRefused>;

    fn handle(&mut self, message: CarryOut, _: &mut Self::Context) -> Self::Result {
        let (id, kept) = invitation();
        match message.0 {
            Order::Invite { .. } => Err(OrderRefused::TooManyInvitations),
            Order::RevokeInvitation(asked) if asked == id => Ok(Outcome::Revoked { id, kept }),
            Order::RevokeInvitation(asked) => Err(OrderRefused::UnknownInvitation(asked)),
            Order::Delegate { .. } => Err(OrderRefused::TooManyDelegates),
            Order::Say(_) | Order::Hear(_) => Err(OrderRefused::NotFounded),
        }
    }
}

/// Under one name alone, another key is presented.
impl Handler<AcceptChangedKey> for FakeNode {
    type Result = Result<(PublicKey, PublicKey), AcceptError>;

    fn handle(&mut self, message: AcceptChangedKey, _: &mut Self::Context) -> Self::Result {
        match message.0.as_str() {
            "bob" => Ok((secret(2).public_key(), secret(3).public_key())),
            _ => Err(AcceptError::NothingChanged(message.0)),
        }
    }
}

impl Handler<Connect> for FakeNode {
    type Result = ();

    fn handle(&mut self, _: Connect, _: &mut Self::Context) {}
}

impl Handler<SignLeave> for FakeNode {
    type Result = MessageResult<SignLeave>;

    fn handle(&mut self, message: SignLeave, _: &mut Self::Context) -> Self::Result {
        MessageResult(Leave::sign(message.network, message.number, &secret(1)))
    }
}

impl Handler<LeaveNetwork> for FakeNode {
    type Result = Result<(), LeaveError>;

    fn handle(&mut self, _: LeaveNetwork, _: &mut Self::Context) -> Self::Result {
        match self.played.trouble {
            None => Ok(()),
            Some(_) => Err(LeaveError::NotRegistered),
        }
    }
}
