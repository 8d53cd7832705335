//! TrackerLink: the conversation with the tracker, and the directory of members.

mod telling;

use super::{Answered, Ask, Begin, Dial, Fatal, Greeting, Link, Port, Sessions, TableWriter};
use crate::chain::{Genesis, GenesisContent, Header};
use crate::clock::Clock;
use crate::logging::{Names, Time};
use crate::messages::gossip::{CandidatesKnown, Connect};
use crate::messages::introducer::TellIntroducer;
use crate::messages::ledger::MembersKnown;
use crate::messages::retry_queue::MembersLive;
use crate::messages::session::{Dialled, SessionEvent, SessionFact};
use crate::messages::store::{CommitRows, Committer, RowsCommitted};
use crate::messages::tracker_link::{
    DirectoryStatus, GenesisMined, HearStatements, LeaveError, WorkFound,
};
use crate::messages::wallet::{SignLeaving, SignStatement};
use crate::protocol::tracker_link::{Effect, Telling, TrackerLink, Warning};
use crate::store::Table;
use crate::wire::channel::{Expected, Side};
use crate::wire::member::Leaving;
use crate::wire::{Member, MemberRecord, Message, NodeRole};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// A tracker may serve a member that has no network yet; the machine judges which network it is.
const EXPECTED: Expected = Expected {
    role: NodeRole::Tracker,
    same_network: false,
    member: false,
    members: None,
};

/// An order to whoever searches for the genesis block.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one or two are made in a node's whole life"
)]
pub enum GenesisSearch {
    /// Search for the nonce of this one, and report [`GenesisMined`].
    Begin {
        /// Its header, whose nonce does not matter.
        header: Header,
        /// Its content.
        content: GenesisContent,
    },
    /// Search for the nonce of this one, which is no block's, and report [`WorkFound`].
    ForWork(Header),
    /// Search no longer.
    End,
}

/// Who hears of every change of the directory.
pub struct DirectoryPorts {
    /// Who may be dialled.
    pub gossip: Box<dyn Port<CandidatesKnown>>,
    /// Who may send without a fee.
    pub ledger: Box<dyn Port<MembersKnown>>,
    /// Who is alive.
    pub outbox: Box<dyn Port<MembersLive>>,
}

/// What the link to the tracker needs of the node.
pub struct TrackerLinkParts {
    /// What this node says of itself.
    pub greeting: Arc<Greeting>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Begins sessions.
    pub begin: Box<dyn Begin>,
    /// Dials.
    pub dial: Link<Dial>,
    /// Finds the nonce of genesis.
    pub genesis: Link<GenesisSearch>,
    /// Signs our records.
    pub sign: Link<Ask<(), SignStatement>>,
    /// Signs that we leave.
    pub sign_leaving: Link<Ask<(), SignLeaving>>,
    /// Writes the directory.
    pub store: Link<CommitRows>,
    /// Is told once which network this is; nobody where it is known already.
    pub network: Option<oneshot::Sender<Genesis>>,
    /// Where what is known of members and tracker is published.
    pub known: watch::Sender<Arc<DirectoryStatus>>,
    /// Ends the node.
    pub fatal: Fatal,
    /// Is told who is called what.
    pub names: Names,
}

/// The shell around the conversation with the tracker.
pub struct TrackerLinkShell {
    link: TrackerLink,
    sessions: Sessions<()>,
    writer: TableWriter,
    greeting: Arc<Greeting>,
    clock: Arc<dyn Clock>,
    dial: Link<Dial>,
    genesis: Link<GenesisSearch>,
    sign: Link<Ask<(), SignStatement>>,
    sign_leaving: Link<Ask<(), SignLeaving>>,
    network: Option<oneshot::Sender<Genesis>>,
    known: watch::Sender<Arc<DirectoryStatus>>,
    fatal: Fatal,
    names: Names,
    listeners: Option<DirectoryPorts>,
    telling: Telling,
    /// The other trackers of the network.
    introducers: Vec<Link<TellIntroducer>>,
    /// Whom each of them introduces.
    introduced: BTreeMap<usize, Vec<Member>>,
    /// Those of them that may issue.
    issuing: BTreeSet<usize>,
    /// Who waits to hear that this node has left.
    leaving: Option<oneshot::Sender<Result<(), LeaveError>>>,
    tracker: String,
    trouble: Option<String>,
}

impl TrackerLinkShell {
    /// Around a machine that was opened on the stored directory.
    pub fn new(link: TrackerLink, parts: TrackerLinkParts) -> Self {
        if let Some(certificate) = link.certificate() {
            parts.greeting.set_certificate(certificate.clone());
        }
        for member in link.directory().members() {
            telling::know(&parts.names, member);
        }
        let shell = Self {
            link,
            sessions: Sessions::new(parts.begin, EXPECTED),
            writer: TableWriter::new(parts.store, Committer::Directory, Table::Members),
            greeting: parts.greeting,
            clock: parts.clock,
            dial: parts.dial,
            genesis: parts.genesis,
            sign: parts.sign,
            sign_leaving: parts.sign_leaving,
            network: parts.network,
            known: parts.known,
            fatal: parts.fatal,
            names: parts.names,
            listeners: None,
            telling: Telling::default(),
            introducers: Vec::new(),
            introduced: BTreeMap::new(),
            issuing: BTreeSet::new(),
            leaving: None,
            tracker: String::new(),
            trouble: None,
        };
        shell.publish(Arc::new(shell.link.directory().clone()));
        shell.tell_own_expulsion();
        shell
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Dial { address } => self.dial(address.to_string()),
                Effect::Send { session, message } => self.sessions.send(session, message),
                Effect::Answer { session, number } => {
                    let height = self.greeting.height();
                    self.sessions.answer_challenge(session, number, height);
                }
                Effect::Close { session, reason } => self.sessions.close(session, reason),
                Effect::Sign(statement) => self.sign.send(Ask {
                    token: (),
                    question: SignStatement(statement),
                }),
                Effect::SignLeaving { tracker, sequence } => self.sign_leaving.send(Ask {
                    token: (),
                    question: SignLeaving { tracker, sequence },
                }),
                Effect::MineGenesis { header, content } => {
                    self.genesis.send(GenesisSearch::Begin { header, content });
                }
                Effect::SearchForWork(header) => {
                    tracing::info!("registering costs work where nobody invited: searching");
                    self.genesis.send(GenesisSearch::ForWork(header));
                }
                Effect::StopMiningGenesis => self.genesis.send(GenesisSearch::End),
                Effect::NetworkKnown(genesis) => {
                    self.greeting.set_network(genesis.id());
                    self.tell_introducers(&TellIntroducer::Network(genesis.clone()));
                    tracing::info!(network = %genesis.id(), name = %genesis.params().name, "network known");
                    if let Some(network) = self.network.take() {
                        // A node that is stopping asks no more.
                        let _ = network.send(genesis);
                    }
                }
                Effect::Joined { id } => {
                    self.trouble = None;
                    tracing::info!(id = id.0, tracker = %self.tracker, "registered with the tracker");
                }
                Effect::Certified(certificate) => {
                    let until = Time::from_unix_ms(certificate.statement.until.0);
                    tracing::info!(%until, "certificate of membership received");
                    self.greeting.set_certificate(certificate);
                    self.publish_standing();
                    if let Some(record) = self.link.record().cloned() {
                        self.tell_record(record);
                    }
                }
                Effect::StatementsHeard(fresh) => {
                    self.statements_heard(&fresh);
                }
                Effect::DirectoryChanged { changed, left } => {
                    self.directory_changed(&changed, &left)
                }
                Effect::Commit { batch, rows } => self.writer.commit(batch, rows),
                Effect::Left => {
                    tracing::info!("left the network for good");
                    if let Some(leaving) = self.leaving.take() {
                        // Whoever asked may have gone meanwhile.
                        let _ = leaving.send(Ok(()));
                    }
                }
                Effect::Fatal { reason } => self.fatal.raise(reason),
                Effect::Instead {
                    introducer,
                    address,
                } => self.tell_introducer(introducer, TellIntroducer::Instead(address)),
                Effect::RegisterElsewhere => {
                    if let Some(record) = self.link.record().cloned() {
                        self.tell_introducers(&TellIntroducer::Record(record));
                    }
                }
                Effect::RenewElsewhere => self.tell_introducers(&TellIntroducer::Renew),
                Effect::Warn(warning) => self.warn(&warning),
                Effect::Reach(_) => self.tell_reach(),
            }
        }
        self.publish_standing();
    }

    /// The same trouble is told once; how it stands can be asked at any time.
    fn warn(&mut self, warning: &Warning) {
        // What ends because this node stops is no trouble.
        if self.sessions.are_closing() {
            return;
        }
        let text = warning.to_string();
        let known = match (&self.trouble, warning) {
            (Some(_), Warning::Unreachable { .. }) => true,
            (Some(before), _) => *before == text,
            (None, _) => false,
        };
        if known {
            tracing::debug!(reason = %text, "still the same trouble with the tracker");
        } else {
            tracing::warn!(reason = %text, "trouble with the tracker");
        }
        self.trouble = Some(text);
    }

    fn dial(&mut self, address: String) {
        self.tracker.clone_from(&address);
        self.dial.send(Dial(address));
        self.publish_standing();
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.writer.flush();
        self.dial.flush();
        self.genesis.flush();
        self.sign.flush();
        self.sign_leaving.flush();
        self.introducers.iter_mut().for_each(Link::flush);
        self.sessions.flush();
        if !self.sessions.are_closing() {
            let effects = self.link.tick(self.clock.now());
            self.carry_out(effects);
        }
        self.tell_if_due();
    }

    /// The disk holds all batches up to this one.
    pub fn committed(&mut self, message: RowsCommitted) {
        let effects = self.link.committed(message.batch);
        self.carry_out(effects);
    }

    /// What came of a dial.
    pub fn dialled(&mut self, message: Dialled) {
        match message.result {
            Ok(connection) => {
                self.sessions.begin(connection, Side::Initiator, ());
            }
            Err(error) => {
                let effects = self.link.dial_failed(error.to_string(), self.clock.now());
                self.carry_out(effects);
            }
        }
    }

    /// A session tells something.
    pub fn session_told(&mut self, event: SessionEvent) {
        let (session, now) = (event.session, self.clock.now());
        let effects = match event.what {
            SessionFact::Opened { hello, .. } => {
                self.greeting.know_tracker(hello.key);
                self.link.opened(session, &hello, now)
            }
            SessionFact::Received(Message::Goodbye(goodbye)) => {
                let reason = format!("the tracker said: {}", goodbye.reason);
                self.link.closed(session, reason, now)
            }
            SessionFact::Received(message) => self.link.received(session, message, now),
            // Only members turn others away so; its end follows.
            SessionFact::TurnedAway(_) => Vec::new(),
            SessionFact::Closed(reason) => {
                self.sessions.end(session);
                // Whoever waits to leave is told that it was cut off.
                self.leaving = None;
                self.link.closed(session, reason, now)
            }
        };
        // A node that is stopping says goodbye and nothing more.
        if !self.sessions.are_closing() {
            self.carry_out(effects);
        }
    }

    /// A member told what the admin has said.
    pub fn hear(&mut self, message: HearStatements) {
        let effects = self.link.statements_heard(message.0, self.clock.now());
        if !self.sessions.are_closing() {
            self.carry_out(effects);
        }
    }

    /// Our record is signed.
    pub fn signed(&mut self, message: Answered<(), MemberRecord>) {
        let record = message.answer;
        self.tell_record(record.clone());
        let effects = self.link.signed(record, self.clock.now());
        self.carry_out(effects);
    }

    /// That we leave is signed.
    pub fn leaving_signed(&mut self, message: Answered<(), Leaving>) {
        let leaving = message.answer;
        self.tell_introducers(&TellIntroducer::Leave(leaving.clone()));
        let effects = self.link.leaving_signed(leaving);
        self.carry_out(effects);
    }

    /// What registering costs was found.
    pub fn work_found(&mut self, message: WorkFound) {
        let effects = self.link.work_found(message.0);
        self.carry_out(effects);
    }

    /// The genesis block is made.
    pub fn genesis_mined(&mut self, message: GenesisMined) {
        let effects = self.link.genesis_mined(message.0);
        self.carry_out(effects);
    }

    /// The owner leaves the network for good. The answer comes when the tracker has taken this node off its
    /// list; dropped unanswered if it is cut off.
    ///
    /// # Errors
    /// [`LeaveError::NotRegistered`].
    pub fn leave(&mut self) -> Result<oneshot::Receiver<Result<(), LeaveError>>, LeaveError> {
        if !self.link.is_registered() {
            return Err(LeaveError::NotRegistered);
        }
        let (leaving, left) = oneshot::channel();
        self.leaving = Some(leaving);
        let effects = self.link.leave(self.clock.now());
        self.carry_out(effects);
        Ok(left)
    }

    /// The owner disconnects this node, or connects it again.
    pub fn connect(&mut self, message: Connect) {
        if message.0 {
            if self.link.is_apart() {
                tracing::info!("connected again by its owner");
            } else {
                tracing::info!("the tracker is tried at once, as the owner wants");
            }
            self.link.connect();
        } else {
            tracing::info!("disconnected by its owner, until `node connect` or the next start");
            let effects = self.link.disconnect();
            self.trouble = None;
            self.carry_out(effects);
        }
        self.tell_introducers(&TellIntroducer::Connect(message.0));
        self.publish_standing();
    }

    /// The node is stopping: says goodbye, and has the introducers say it.
    pub fn close(&mut self) {
        self.tell_introducers(&TellIntroducer::Close);
        self.sessions.close_all();
    }

    /// Whether every goodbye was said, after the node began to stop.
    pub fn is_over(&self) -> bool {
        self.sessions.are_over()
    }

    /// Nothing is searched for any more.
    pub fn stopped(&mut self) {
        self.genesis.send(GenesisSearch::End);
    }
}
