//! A tracker and a member, each a shell with its machine, disk and clock, and what goes out of them.

use crate::chain::{Genesis, GenesisContent, Header, NetworkId, Timestamp};
use crate::clock::Clock;
use crate::messages::gossip::ConnectionAccepted;
use crate::messages::liveness_probe::DialBack;
use crate::messages::registry::{DialledBack, GetMembers, GetRegistryStatus};
use crate::messages::session::{Dialled, SessionCommand, SessionEvent, SessionFact};
use crate::messages::store::{CommitRows, Rows, RowsCommitted};
use crate::messages::tracker_link::{DirectoryStatus, GenesisMined, LeaveError};
use crate::messages::wallet::{SignLeaving, SignStatement};
use crate::protocol::registry::Visited;
use crate::protocol::testing::{TRACKER, config, hello, key, mine, over_the_wire, secret};
use crate::protocol::{Registry, SessionId, TrackerLink};
use crate::shell::testing::{HandClock, Numbered, Ordered, Outbound, connection};
use crate::shell::{
    Answered, Ask, Dial, GenesisSearch, Greeting, Link, RegistryParts, RegistryShell,
    TrackerLinkParts, TrackerLinkShell, fatal_channel,
};
use crate::store::{Disk, MemoryDisk, Table, rows_from};
use crate::wire::frame::FrameDecoder;
use crate::wire::member::Leaving;
use crate::wire::{Member, MemberId, Message, NodeRole};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// What was said in a session: a message, or that it is over.
pub(super) type Said = (SessionId, Option<Message>);

/// Rows read at a time.
const PAGE: usize = 100;

fn stored(disk: &MemoryDisk, table: Table) -> Vec<(Vec<u8>, Vec<u8>)> {
    rows_from(disk, table, &[], PAGE)
        .collect::<Result<_, _>>()
        .unwrap()
}

fn write(disk: &MemoryDisk, commit: CommitRows) -> RowsCommitted {
    let Rows::Plain(rows) = commit.rows else {
        panic!("the chain is the ledger's");
    };
    disk.commit(&rows).unwrap();
    RowsCommitted {
        batch: commit.batch,
    }
}

/// What sessions were told to say, as it leaves.
fn said(ordered: &Outbound<Ordered>) -> Vec<Said> {
    let said = |Ordered(session, command)| match command {
        SessionCommand::Send(message) => (session, Some(message)),
        SessionCommand::SendFrame(frame) => {
            let mut frames = FrameDecoder::new(Message::most);
            let frame = frames.next(&mut &frame[..]).unwrap().unwrap();
            (session, Some(Message::decode(&frame).unwrap()))
        }
        SessionCommand::Close(_) => (session, None),
        other => panic!("{other:?}"),
    };
    ordered.drain().into_iter().map(said).collect()
}

fn event(session: SessionId, what: SessionFact) -> SessionEvent {
    SessionEvent { session, what }
}

fn received(session: SessionId, message: &Message) -> SessionEvent {
    event(session, SessionFact::Received(over_the_wire(message)))
}

/// The tracker.
pub(super) struct TrackerEnd {
    connections: usize,
    shell: RegistryShell,
    disk: Arc<MemoryDisk>,
    clock: Arc<HandClock>,
    begun: Numbered,
    writing: Outbound<CommitRows>,
    visits: Outbound<DialBack>,
}

impl TrackerEnd {
    pub(super) fn new() -> Self {
        Self::with_connections(10_000)
    }

    /// One to which the operating system gives room for so many connections.
    pub(super) fn with_connections(connections: usize) -> Self {
        Self::opened(Arc::new(MemoryDisk::new()), HandClock::new(), connections)
    }

    fn opened(disk: Arc<MemoryDisk>, clock: Arc<HandClock>, connections: usize) -> Self {
        let (begun, writing, visits) = (Numbered::new(), Outbound::new(), Outbound::new());
        let greeting = Greeting::new(NodeRole::Tracker, key(TRACKER), (0, 1), None);
        let parts = RegistryParts {
            greeting: Arc::new(greeting),
            clock: clock.clone(),
            begin: Box::new(begun.clone()),
            store: Link::to(writing.clone(), 0),
            probe: Link::to(visits.clone(), 0),
            // It is the first one: it dials no other tracker.
            dial: Link::to(Outbound::<Dial>::new(), 0),
            network_name: "a network".to_owned(),
            connections,
        };
        Self {
            connections,
            shell: RegistryShell::new(machine(&disk), parts),
            disk,
            clock,
            begun,
            writing,
            visits,
        }
    }

    /// What a start after a power cut now would find.
    pub(super) fn on_disk(&self) -> Registry {
        machine(&self.disk)
    }

    /// Ends as by a power cut and starts again.
    pub(super) fn restart(&mut self) {
        *self = Self::opened(self.disk.clone(), self.clock.clone(), self.connections);
    }

    pub(super) fn members(&mut self) -> Vec<Member> {
        self.shell.members(GetMembers {
            after: None,
            limit: usize::MAX,
        })
    }

    pub(super) fn network(&mut self) -> NetworkId {
        let status = self.shell.status(GetRegistryStatus);
        status.network.unwrap_or(NetworkId::ZERO)
    }

    /// A member connects, who is on this network by its own word. Whether it is let in.
    pub(super) fn accept(&mut self, session: SessionId, number: u8, network: NetworkId) -> bool {
        self.begun.set_next(session.0);
        let address = format!("10.0.{number}.{}:7000", session.0);
        if self.knock(&address) != Some(session) {
            return false;
        }
        let hello = Box::new(hello(number, NodeRole::Peer, network));
        let opened = SessionFact::Opened {
            hello,
            certificate: None,
        };
        self.shell.session_told(event(session, opened));
        true
    }

    /// Somebody dials, and says nothing yet. The session, if one begins.
    pub(super) fn knock(&mut self, address: &str) -> Option<SessionId> {
        let before = self.begun.last();
        self.shell.accepted(ConnectionAccepted(connection(address)));
        Some(self.begun.last()).filter(|session| *session != before)
    }

    /// How many sessions there are.
    pub(super) fn sessions(&mut self) -> usize {
        self.shell.status(GetRegistryStatus).sessions
    }

    pub(super) fn hear(&mut self, session: SessionId, message: &Message) {
        self.shell.session_told(received(session, message));
    }

    pub(super) fn gone(&mut self, session: SessionId) {
        let closed = SessionFact::Closed("gone".to_owned());
        self.shell.session_told(event(session, closed));
    }

    /// Somebody sets the wall clock.
    pub(super) fn set_wall(&self, wall: Timestamp) {
        self.clock.set_wall(wall);
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.clock.pass(ms);
        self.shell.tick();
    }

    /// The oldest batch under way reaches the disk. Whether there was one.
    pub(super) fn sync_one(&mut self) -> bool {
        let Some(commit) = self.writing.take() else {
            return false;
        };
        let committed = write(&self.disk, commit);
        self.shell.committed(committed);
        true
    }

    /// The visits under way end: these members are met, if it goes well.
    pub(super) fn end_visits(&mut self, met: &BTreeSet<MemberId>) {
        for visit in self.visits.drain() {
            let whom = visit.whom;
            let reached = match whom {
                Visited::Member(id) => met.contains(&id),
                Visited::Inquirer(_) => false,
            };
            self.shell.dialled_back(DialledBack { whom, reached });
        }
    }

    pub(super) fn said(&mut self) -> Vec<Said> {
        said(&self.begun.ordered)
    }
}

fn machine(disk: &MemoryDisk) -> Registry {
    let rows = stored(disk, Table::Registry);
    let params = crate::chain::testing::params();
    Registry::open(secret(TRACKER), params, 1, rows).unwrap()
}

/// Everything that goes out of a member's shell, and where it is heard of.
struct Out {
    begun: Numbered,
    dials: Outbound<Dial>,
    genesis: Outbound<GenesisSearch>,
    sign: Outbound<Ask<(), SignStatement>>,
    sign_leaving: Outbound<Ask<(), SignLeaving>>,
    writing: Outbound<CommitRows>,
    network: oneshot::Receiver<Genesis>,
    known: watch::Receiver<Arc<DirectoryStatus>>,
    fatal: mpsc::Receiver<String>,
}

/// A member.
pub(super) struct PeerEnd {
    pub(super) number: u8,
    name: String,
    shell: TrackerLinkShell,
    disk: Arc<MemoryDisk>,
    clock: Arc<HandClock>,
    greeting: Arc<Greeting>,
    out: Out,
    pub(super) dials: Vec<String>,
    pub(super) mining: Option<(Header, GenesisContent)>,
    /// Networks it was told of, over all its restarts.
    pub(super) networks: Vec<Genesis>,
    leaving: Option<oneshot::Receiver<Result<(), LeaveError>>>,
    /// Whether its owner wants to leave: it does, also where the owner was told that it was cut off.
    pub(super) wants_to_leave: bool,
    /// Whether it has left by its own word, or can't go on.
    pub(super) is_at_rest: bool,
}

impl PeerEnd {
    pub(super) fn new(number: u8, name: &str) -> Self {
        let (disk, clock) = (Arc::new(MemoryDisk::new()), HandClock::new());
        Self::opened((number, name), None, disk, clock)
    }

    fn opened(
        (number, name): (u8, &str),
        genesis: Option<Genesis>,
        disk: Arc<MemoryDisk>,
        clock: Arc<HandClock>,
    ) -> Self {
        let greeting = Arc::new(Greeting::new(NodeRole::Peer, key(number), (0, 1), None));
        if let Some(genesis) = &genesis {
            greeting.set_network(genesis.id());
        }
        let rows = stored(&disk, Table::Members);
        let machine = TrackerLink::open(config(number, name, genesis), rows).unwrap();
        let (network, network_known) = oneshot::channel();
        let (published, known) = watch::channel(Arc::default());
        let (raised, fatal) = fatal_channel();
        let out = Out {
            begun: Numbered::new(),
            dials: Outbound::new(),
            genesis: Outbound::new(),
            sign: Outbound::new(),
            sign_leaving: Outbound::new(),
            writing: Outbound::new(),
            network: network_known,
            known,
            fatal,
        };
        let parts = TrackerLinkParts {
            greeting: greeting.clone(),
            clock: clock.clone(),
            begin: Box::new(out.begun.clone()),
            dial: Link::to(out.dials.clone(), 0),
            genesis: Link::to(out.genesis.clone(), 0),
            sign: Link::to(out.sign.clone(), 0),
            sign_leaving: Link::to(out.sign_leaving.clone(), 0),
            store: Link::to(out.writing.clone(), 0),
            network: Some(network),
            known: published,
            fatal: raised,
            names: Default::default(),
        };
        Self {
            number,
            name: name.to_owned(),
            shell: TrackerLinkShell::new(machine, parts),
            disk,
            clock,
            greeting,
            out,
            dials: Vec::new(),
            mining: None,
            networks: Vec::new(),
            leaving: None,
            wants_to_leave: false,
            is_at_rest: false,
        }
    }

    /// Ends and starts again, with its chain or without.
    pub(super) fn restart(&mut self, keeps_chain: bool) {
        let genesis = self.networks.last().filter(|_| keeps_chain).cloned();
        let (disk, clock) = (self.disk.clone(), self.clock.clone());
        let mut again = Self::opened((self.number, &self.name), genesis, disk, clock);
        again.networks = std::mem::take(&mut self.networks);
        *self = again;
    }

    /// Does what the shell wants of the others, until it wants nothing more.
    fn carry(&mut self) {
        let own = secret(self.number);
        loop {
            if let Some(Ask { token, question }) = self.out.sign.take() {
                let answer = question.0.sign(&own);
                self.shell.signed(Answered { token, answer });
            } else if let Some(Ask { token, question }) = self.out.sign_leaving.take() {
                let SignLeaving { tracker, sequence } = question;
                let answer = Leaving::sign(tracker, sequence, &own);
                self.shell.leaving_signed(Answered { token, answer });
            } else if let Some(order) = self.out.genesis.take() {
                self.mining = match order {
                    GenesisSearch::Begin { header, content } => Some((header, content)),
                    // Nobody asks for it here.
                    GenesisSearch::ForWork(_) | GenesisSearch::End => None,
                };
            } else if let Some(commit) = self.out.writing.take() {
                let committed = write(&self.disk, commit);
                self.shell.committed(committed);
            } else if let Some(Dial(address)) = self.out.dials.take() {
                self.dials.push(address);
            } else {
                break;
            }
        }
        self.networks.extend(self.out.network.try_recv().ok());
        let left = |leaving: &mut oneshot::Receiver<_>| matches!(leaving.try_recv(), Ok(Ok(())));
        self.is_at_rest |= self.leaving.as_mut().is_some_and(left);
        self.is_at_rest |= self.out.fatal.try_recv().is_ok();
    }

    /// What it dialled answers: the tracker of this network, if there is one yet.
    pub(super) fn connect(&mut self, session: SessionId, network: NetworkId) {
        self.out.begun.set_next(session.0);
        let address = self.dials.pop().expect("it dials");
        let result = Ok(connection(&address));
        self.shell.dialled(Dialled { address, result });
        let hello = Box::new(hello(TRACKER, NodeRole::Tracker, network));
        let opened = SessionFact::Opened {
            hello,
            certificate: None,
        };
        self.shell.session_told(event(session, opened));
        self.carry();
    }

    /// What it dialled does not answer.
    pub(super) fn refuse(&mut self) {
        if let Some(address) = self.dials.pop() {
            let result = Err(std::io::Error::other("refused"));
            self.shell.dialled(Dialled { address, result });
            self.carry();
        }
    }

    pub(super) fn hear(&mut self, session: SessionId, message: &Message) {
        self.shell.session_told(received(session, message));
        self.carry();
    }

    pub(super) fn gone(&mut self, session: SessionId) {
        let closed = SessionFact::Closed("cut".to_owned());
        self.shell.session_told(event(session, closed));
        self.carry();
    }

    /// Somebody sets the wall clock.
    pub(super) fn set_wall(&self, wall: Timestamp) {
        self.clock.set_wall(wall);
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.clock.pass(ms);
        self.shell.tick();
        self.carry();
    }

    /// Finishes the search for genesis, if there is one under way.
    pub(super) fn finish_mining(&mut self) {
        if let Some((header, content)) = self.mining.take() {
            let genesis = mine(header, content);
            self.shell.genesis_mined(GenesisMined(genesis));
            self.carry();
        }
    }

    /// Leaves for good, if it is registered.
    pub(super) fn leave(&mut self) {
        if let Ok(leaving) = self.shell.leave() {
            self.leaving = Some(leaving);
            self.wants_to_leave = true;
            self.carry();
        }
    }

    /// What it says in a hello.
    pub(super) fn network(&self) -> NetworkId {
        self.greeting.hello(self.clock.wall()).network
    }

    /// What it publishes.
    pub(super) fn known(&self) -> Arc<DirectoryStatus> {
        self.out.known.borrow().clone()
    }

    pub(super) fn said(&mut self) -> Vec<Said> {
        said(&self.out.begun.ordered)
    }
}
