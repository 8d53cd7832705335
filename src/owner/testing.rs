//! A peer over a real chain in memory and an actor that plays all others: what tests of this floor, of the API
//! and of its client share.

mod answers;

use answers::members;

use super::{BackupPlace, Events, LongAnswers, Peer, PeerParts, Tracker};
use crate::chain::ledger::{BlockOutcome, Funds};
use crate::chain::testing::{Node, START, member, rules, transfer};
use crate::chain::transaction::Note;
use crate::chain::{Amount, Height, Rules, SignedHere, StateView, Timestamp, TransactionId};
use crate::clock::{Clock, SystemClock};
use crate::entropy::Entropy;
use crate::keys::{NoteSeed, PublicKey, SecretKey};
use crate::membership::statement::ExpulsionReason;
use crate::membership::{Act, InvitationStatement, Leave, SignedStatement, Statement, Statements};
use crate::messages::clocks::GetOwnClock;
use crate::messages::gossip::{Connect, GetGossipStatus, GossipStatus, SessionStatus, SyncFrom};
use crate::messages::inbox::{CountUnread, MarkRead};
use crate::messages::ledger::{
    AtTip, GetFunds, GetLedgerStatus, GetOpenRecords, GetOpenTransactions, LedgerStatus, OpenPage,
};
use crate::messages::miner::{
    GetMinerStatus, MineBlock, MineError, Mined, MinerStatus, SetMiningMode,
};
use crate::messages::registry::{
    CarryOut, GetDelegates, GetInvitations, GetMembers, GetPutOut, GetRegistryStatus,
    RegistryStatus, WhoIs,
};
use crate::messages::retry_queue::{
    GetOutbox, GetSend, OutboxStatus, ReleaseSend, RetrySend, SendTransfer, SignAndSend,
    SignAndSendMany, WithdrawSend,
};
use crate::messages::tracker_link::{DirectoryStatus, HearStatements, LeaveError, LeaveNetwork};
use crate::messages::wallet::{OpenNote, SealNote, SignLeave};
use crate::protocol::clocks::OwnClock;
use crate::protocol::delivery::outbox::{OrderError, SendError, Waiting};
use crate::protocol::directory::Directory;
use crate::protocol::mining::Mode;
use crate::protocol::registry::{InvitationId, Kept, Named, Order, OrderRefused, Outcome};
use crate::readable::Typed;
use crate::settings::{Origin, Setting};
use crate::store::chain_rows::changes;
use crate::store::{Disk, MemoryDisk, Role};
use crate::wire::{Member, MemberId, MemberStatement};
use actix::{Actor, Addr, Context, Handler, MessageResult};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
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
    fetched_first: Option<(PublicKey, bool)>,
}

/// What a played node shares with the test.
#[derive(Clone)]
pub(crate) struct Played {
    pub(crate) disk: Arc<MemoryDisk>,
    rules: Rules,
    /// Why it is on no network.
    trouble: Option<String>,
    sent: Arc<Mutex<Vec<SendTransfer>>>,
    /// What happens at the node.
    pub(crate) events: Events,
    /// How often the tip moves just after funds were told.
    pub(crate) moves: Arc<AtomicU32>,
    /// What everybody has, if not what the chain says.
    pub(crate) riches: Arc<AtomicU64>,
    /// Whether nobody has anything.
    pub(crate) is_poor: Arc<AtomicBool>,
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
        Self::on(Node::new(), rules(), trouble)
    }

    /// One that has this chain, which has these rules.
    pub(crate) fn on(chain: Node, rules: Rules, trouble: Option<String>) -> Self {
        let mut node = Self {
            chain,
            played: Played {
                disk: Arc::new(MemoryDisk::new()),
                rules,
                trouble,
                sent: Arc::default(),
                events: Events::new(0xe7e7),
                moves: Arc::default(),
                riches: Arc::default(),
                is_poor: Arc::default(),
            },
            fetched_first: None,
        };
        node.store();
        node
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

    fn take_send(&mut self, send: SignAndSend) -> Result<(), SendError> {
        let SignAndSend {
            payload,
            route,
            request,
        } = send;
        let send = SendTransfer {
            transaction: SignedHere::sign(payload, &secret(1)),
            route,
            request,
        };
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

/// A statement by which the admin of the network with these rules puts out whoever has [`secret`]`(number)`.
pub(crate) fn put_out(rules: &Rules, number: u8, reason: &str) -> SignedStatement {
    let act = Act::Expel {
        key: secret(number).public_key(),
        reason: ExpulsionReason::new(reason).unwrap(),
    };
    let said = Statement {
        network: rules.genesis().id(),
        number: START,
        act,
    };
    said.sign(&secret(200))
}

/// Has a peer hear that its admin puts out whoever has [`secret`]`(number)`.
pub(crate) fn hears_of_expulsion(peer: &mut Peer, rules: &Rules, number: u8, reason: &str) {
    let mut statements = Statements::new(rules.genesis());
    let said = put_out(rules, number, reason);
    statements.take(said, START).unwrap();
    let mut known = (*peer.known()).clone();
    known.statements = Some(Arc::new(statements));
    let directory = Arc::make_mut(&mut known.directory);
    let _ = directory.depart(&secret(number).public_key());
    peer.known = watch::channel(Arc::new(known)).1;
}

/// A statement by which the admin of the network with these rules lets whoever has [`secret`]`(number)` come back.
pub(crate) fn let_back(rules: &Rules, number: u8) -> SignedStatement {
    let said = Statement {
        network: rules.genesis().id(),
        number: START.plus_ms(1_000),
        act: Act::Readmit {
            key: secret(number).public_key(),
        },
    };
    said.sign(&secret(200))
}

/// Has a peer that heard of an expulsion hear that its admin lets whoever has [`secret`]`(number)` come back.
pub(crate) fn hears_of_readmission(peer: &mut Peer, rules: &Rules, number: u8) {
    let mut known = (*peer.known()).clone();
    let statements = known.statements.as_mut().map(Arc::make_mut);
    let taken = statements.map(|all| all.take(let_back(rules, number), START.plus_ms(2_000)));
    assert!(matches!(taken, Some(Ok(_))));
    peer.known = watch::channel(Arc::new(known)).1;
}

/// A directory with these members.
pub(crate) fn directory_of(members: impl IntoIterator<Item = Member>) -> Directory {
    let mut directory = Directory::default();
    for member in members {
        let _ = directory.update(member);
    }
    directory
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

/// Before which settings file a played node's commands are typed.
pub(crate) const CONFIG: &str = "/somewhere/with spaces/it's.toml";

/// A node's place, with backups of this disk beside it.
fn place(data_dir: &Path, role: Role, disk: Weak<dyn Disk>) -> Arc<super::NodePlace> {
    let backups = BackupPlace {
        dir: data_dir.with_extension("backups"),
        role,
        reached_at: Vec::new(),
        disk,
        clock: Arc::new(FixedClock),
    };
    let wallet = data_dir.join("wallet.pem");
    let said = [
        ("delivery.by_network_after", "1m".to_owned()),
        ("wallet.file", wallet.display().to_string()),
    ];
    let said = said.map(|(key, value)| Setting {
        key: key.to_owned(),
        value: value.into(),
        origin: Origin::Default,
    });
    super::NodePlace::new(data_dir, said.into(), typed(), backups)
}

/// How commands of a played node are typed.
pub(crate) fn typed() -> Typed {
    Typed::by(|text| text.replace("`node ", &format!("`node --config \"{CONFIG}\" ")))
}

/// What speaks for the peer that `node` plays.
pub(crate) fn peer(node: &Addr<FakeNode>, played: &Played, data_dir: &Path) -> Peer {
    let running = OnceLock::new();
    if played.trouble.is_none() {
        let set = running.set(PeerParts {
            rules: played.rules.clone(),
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
            open_records: node.clone().recipient(),
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
        seal: node.clone().recipient(),
        open_note: node.clone().recipient(),
        known: watch::channel(Arc::new(known)).1,
        events: played.events.clone(),
        leave: node.clone().recipient(),
        hear: node.clone().recipient(),
        sign_leave: node.clone().recipient(),
        standing: Arc::default(),
        clock: Arc::new(FixedClock),
        own_clock: node.clone().recipient(),
        entropy: Arc::new(CountingEntropy(Mutex::new(0))),
        running: Arc::new(running),
        long: LongAnswers::new(data_dir),
        place: place(data_dir, Role::Peer, Arc::downgrade(&disk)),
        presence: Default::default(),
        rolls: Default::default(),
        runtime: tokio::runtime::Handle::current(),
    }
}

/// What speaks for the tracker that `node` plays.
pub(crate) fn tracker(node: &Addr<FakeNode>, data_dir: &Path) -> Tracker {
    Tracker {
        key: secret(200).public_key(),
        listen: TRACKER.parse().unwrap(),
        registry: node.clone().recipient(),
        advertise: Vec::new(),
        members: node.clone().recipient(),
        invitations: node.clone().recipient(),
        names: node.clone().recipient(),
        delegates: node.clone().recipient(),
        out: node.clone().recipient(),
        order: node.clone().recipient(),
        clock: Arc::new(SystemClock),
        own_clock: node.clone().recipient(),
        place: place(data_dir, Role::Tracker, Weak::<MemoryDisk>::new()),
        entropy: Arc::new(CountingEntropy(Mutex::new(0))),
    }
}
