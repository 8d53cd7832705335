//! TrackerLink: the conversation with the tracker, and the directory of members.

mod asked;

use super::search::{Order, Search};
use super::{Fatal, SessionContext, TICK};
use crate::chain::{Genesis, GenesisContent, Header};
use crate::clock::Clock;
use crate::keys::PublicKey;
use crate::logging::{Names, Time};
use crate::messages::gossip::{Candidate, CandidatesKnown};
use crate::messages::introducer::{Introduced, TellIntroducer};
use crate::messages::ledger::MembersKnown;
use crate::messages::retry_queue::MembersLive;
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::messages::store::{CommitRows, Committer, Rows};
use crate::messages::tracker_link::{
    AttachDirectory, AttachIntroducers, DirectoryStatus, GenesisMined, LeaveError,
};
use crate::messages::wallet::{SignLeaving, SignStatement};
use crate::net::Transport;
use crate::protocol::directory::Directory;
use crate::protocol::gossip::peers::Outlook;
use crate::protocol::mining::Part;
use crate::protocol::tracker_link::{Effect, TrackerLink, Warning};
use crate::protocol::{Row, SessionId};
use crate::shell::{Link, SessionHandle};
use crate::store::{RowChange, Table};
use crate::wire::channel::{Expected, Side};
use crate::wire::message::ChallengeAnswer;
use crate::wire::{Member, MemberRecord, MemberStatement, Message, NodeRole};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// A tracker may serve a member that has no network yet; the machine judges which network it is.
const EXPECTED: Expected = Expected {
    role: NodeRole::Tracker,
    same_network: false,
    certified_by: None,
};
/// Messages that may wait here: the connections of the API, the few sessions with trackers, a genesis
/// block.
const MAILBOX: usize = 256;

/// Messages that may wait for an introducer: it is told a few in its whole life.
const INTRODUCER_WAITING: usize = 1024;

/// What the link to the tracker needs of the node.
pub struct TrackerLinkParts {
    /// What its sessions share with all others.
    pub context: SessionContext,
    /// Dials.
    pub transport: Arc<dyn Transport>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Finds the nonce of genesis.
    pub search: Box<dyn Search>,
    /// Signs our records.
    pub sign: Recipient<SignStatement>,
    /// Signs that we leave.
    pub sign_leaving: Recipient<SignLeaving>,
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
pub struct TrackerLinkActor {
    link: TrackerLink,
    context: SessionContext,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    search: Box<dyn Search>,
    sign: Recipient<SignStatement>,
    sign_leaving: Recipient<SignLeaving>,
    store: Link<CommitRows>,
    network: Option<oneshot::Sender<Genesis>>,
    known: watch::Sender<Arc<DirectoryStatus>>,
    fatal: Fatal,
    names: Names,
    sessions: BTreeMap<SessionId, SessionHandle>,
    /// Who waits for the goodbyes to be said.
    closing: Option<oneshot::Sender<()>>,
    listeners: Option<AttachDirectory>,
    /// The other trackers of the network.
    introducers: Vec<Link<TellIntroducer>>,
    /// Whom each of them introduces.
    introduced: BTreeMap<usize, Vec<MemberRecord>>,
    /// Who waits to hear that this node has left.
    leaving: Option<oneshot::Sender<Result<(), LeaveError>>>,
    batches: u64,
    tracker: String,
    trouble: Option<String>,
}

impl TrackerLinkActor {
    /// Around a machine that was opened on the stored directory.
    pub fn new(link: TrackerLink, parts: TrackerLinkParts) -> Self {
        if let Some(certificate) = link.certificate() {
            parts.context.greeting.set_certificate(certificate.clone());
        }
        for member in link.directory().members() {
            know(&parts.names, member);
        }
        let actor = Self {
            link,
            context: parts.context,
            transport: parts.transport,
            clock: parts.clock,
            search: parts.search,
            sign: parts.sign,
            sign_leaving: parts.sign_leaving,
            store: parts.store,
            network: parts.network,
            known: parts.known,
            fatal: parts.fatal,
            names: parts.names,
            sessions: BTreeMap::new(),
            closing: None,
            listeners: None,
            introducers: Vec::new(),
            introduced: BTreeMap::new(),
            leaving: None,
            batches: 0,
            tracker: String::new(),
            trouble: None,
        };
        actor.publish(Arc::new(actor.link.directory().clone()));
        actor
    }

    /// Publishes what is known now, if it is something else than what was published last; the members, as
    /// `directory` has them.
    fn publish(&self, directory: Arc<Directory>) {
        let registered = self.link.is_registered();
        let trouble = match (self.link.rival(), registered) {
            (Some(rival), _) => Some(rival),
            (None, true) => None,
            (None, false) => self.trouble.as_deref(),
        };
        let certificate = self.link.certificate();
        let member_until = certificate.map(|certificate| certificate.statement.until);
        let (known, tracker) = (self.known.borrow().clone(), &self.tracker);
        let same = Arc::ptr_eq(&known.directory, &directory)
            && known.registered == registered
            && known.tracker == *tracker
            && known.trouble.as_deref() == trouble
            && known.member_until == member_until;
        if !same {
            self.known.send_replace(Arc::new(DirectoryStatus {
                directory,
                registered,
                tracker: tracker.clone(),
                trouble: trouble.map(str::to_owned),
                member_until,
            }));
        }
    }

    /// Publishes how this node stands with the tracker, if that has changed.
    fn publish_standing(&self) {
        let directory = self.known.borrow().directory.clone();
        self.publish(directory);
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Dial { address } => self.dial(address.to_string(), ctx),
                Effect::Send { session, message } => {
                    self.command(session, SessionCommand::Send(message));
                }
                Effect::Answer { session, number } => {
                    let height = self.context.greeting.height();
                    let answer = Message::ChallengeAnswer(ChallengeAnswer { number, height });
                    self.command(session, SessionCommand::Send(answer));
                }
                Effect::Close { session, reason } => {
                    self.command(session, SessionCommand::Close(reason));
                }
                Effect::Sign(statement) => {
                    let signed = self.sign.send(SignStatement(statement)).into_actor(self);
                    ctx.spawn(signed.map(|record, actor, ctx| {
                        // An error means that the node is stopping.
                        if let Ok(record) = record {
                            actor.tell_record(record.clone());
                            let effects = actor.link.signed(record, actor.clock.now());
                            actor.carry_out(effects, ctx);
                        }
                    }));
                }
                Effect::SignLeaving { tracker, sequence } => {
                    let signed = self.sign_leaving.send(SignLeaving { tracker, sequence });
                    ctx.spawn(signed.into_actor(self).map(|leaving, actor, ctx| {
                        if let Ok(leaving) = leaving {
                            actor.tell_introducers(&TellIntroducer::Leave(leaving.clone()));
                            let effects = actor.link.leaving_signed(leaving);
                            actor.carry_out(effects, ctx);
                        }
                    }));
                }
                Effect::MineGenesis { header, content } => self.mine_genesis(header, content, ctx),
                Effect::StopMiningGenesis => self.search.stop(),
                Effect::NetworkKnown(genesis) => {
                    self.context.greeting.set_network(genesis.id());
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
                    self.context.greeting.set_certificate(certificate);
                    self.publish_standing();
                    if let Some(record) = self.link.record().cloned() {
                        self.tell_record(record);
                    }
                }
                Effect::DirectoryChanged { changed, left } => {
                    self.directory_changed(&changed, &left)
                }
                Effect::Commit { rows } => self.commit(rows),
                Effect::Left => {
                    tracing::info!("left the network for good");
                    if let Some(leaving) = self.leaving.take() {
                        // Whoever asked may have gone meanwhile.
                        let _ = leaving.send(Ok(()));
                    }
                }
                Effect::Fatal { reason } => self.fatal.raise(reason),
                Effect::Warn(warning) => self.warn(&warning),
            }
        }
        self.publish_standing();
    }

    fn command(&mut self, session: SessionId, command: SessionCommand) {
        if let Some(handle) = self.sessions.get_mut(&session) {
            handle.command(command);
        }
    }

    /// Ends once every goodbye was said, if it is to end.
    fn end_if_closed(&mut self, ctx: &mut Context<Self>) {
        if self.sessions.is_empty()
            && let Some(closing) = self.closing.take()
        {
            // Nobody waits for it any more after its time.
            let _ = closing.send(());
            ctx.stop();
        }
    }

    fn dial(&mut self, address: String, ctx: &mut Context<Self>) {
        let dialling = self.transport.dial(address.clone());
        self.tracker = address;
        self.publish_standing();
        ctx.spawn(
            dialling
                .into_actor(self)
                .map(|result, actor, ctx| match result {
                    // A node that is stopping calls nobody any more.
                    Ok(_) if actor.closing.is_some() => {}
                    Ok(connection) => {
                        let owner = ctx.address().recipient();
                        let context = &actor.context;
                        let begun = context.begin(connection, Side::Initiator, EXPECTED, owner);
                        let (session, commands) = begun;
                        actor
                            .sessions
                            .insert(session, SessionHandle::new(Box::new(commands)));
                    }
                    Err(error) => {
                        let effects = actor.link.dial_failed(error.to_string(), actor.clock.now());
                        actor.carry_out(effects, ctx);
                    }
                }),
        );
    }

    fn mine_genesis(&mut self, header: Header, content: GenesisContent, ctx: &mut Context<Self>) {
        let Ok(target) = header.target.expand() else {
            return self.search.stop();
        };
        tracing::info!(motto = %content.motto, "making the genesis block");
        let to = ctx.address().recipient();
        self.search.begin(Order {
            header: header.to_bytes(),
            target: target.to_be_bytes(),
            part: Part(0),
            done: Arc::new(move |found| {
                let Some(nonce) = found else {
                    return;
                };
                let header = Header { nonce, ..header };
                let content = content.clone();
                // Gone only when the node stops.
                let _ = to.try_send(GenesisMined(Genesis { header, content }));
            }),
        });
    }

    fn directory_changed(&mut self, changed: &[Member], left: &[Member]) {
        for member in changed {
            know(&self.names, member);
            let name = &member.record.statement.name;
            tracing::debug!(member = %name, live = member.live, "member changed");
        }
        for member in left {
            tracing::info!(member = %member.record.statement.name, "member left");
        }
        self.publish(Arc::new(self.link.directory().clone()));
        self.tell_listeners();
    }

    fn tell_listeners(&self) {
        let Some(listeners) = &self.listeners else {
            return;
        };
        let members = self.link.directory().members();
        let live = members.clone().filter(|member| member.live);
        let live = live.map(|member| member.record.statement.key).collect();
        let keys = members.map(|m| m.record.statement.key).collect();
        let candidates = self.candidates();
        // Full: the whole directory is told again with the next change.
        let told = listeners.ledger.try_send(MembersKnown(keys)).is_ok()
            & listeners
                .gossip
                .try_send(CandidatesKnown(candidates))
                .is_ok()
            & listeners.outbox.try_send(MembersLive(live)).is_ok();
        if !told {
            tracing::debug!("a change of the directory was not taken at once");
        }
    }

    /// Who may be dialled, by the word of all trackers: each where it said last that it is.
    fn candidates(&self) -> Vec<Candidate> {
        let members = self.link.directory().members();
        let members = members.map(|member| (&member.record, Outlook::of(member)));
        let introduced = self.introduced.values().flatten();
        let introduced = introduced.map(|record| (record, Outlook::Unknown));
        let mut latest: BTreeMap<PublicKey, (&MemberStatement, Outlook)> = BTreeMap::new();
        for (record, outlook) in members.chain(introduced) {
            let statement = &record.statement;
            let known = latest.entry(statement.key).or_insert((statement, outlook));
            if known.0.sequence < statement.sequence {
                *known = (statement, outlook);
            }
        }
        let candidate = |(statement, outlook): (&MemberStatement, Outlook)| Candidate {
            key: statement.key,
            name: statement.name.clone(),
            addresses: statement.addresses.clone(),
            outlook,
        };
        latest.into_values().map(candidate).collect()
    }

    fn tell_introducers(&mut self, told: &TellIntroducer) {
        for introducer in &mut self.introducers {
            introducer.send(told.clone());
        }
    }

    /// Without a certificate the other trackers would refuse it.
    fn tell_record(&mut self, record: MemberRecord) {
        if self.link.certificate().is_some() {
            self.tell_introducers(&TellIntroducer::Record(record));
        }
    }

    fn commit(&mut self, rows: Vec<Row>) {
        self.batches += 1;
        let rows = rows
            .into_iter()
            .map(|(key, value)| RowChange {
                table: Table::Members,
                key,
                value,
            })
            .collect();
        self.store.send(CommitRows {
            committer: Committer::Directory,
            batch: self.batches,
            rows: Rows::Plain(rows),
        });
    }

    /// The same trouble is told once; how it stands can be asked at any time.
    fn warn(&mut self, warning: &Warning) {
        // What ends because this node stops is no trouble.
        if self.closing.is_some() {
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
}

/// By which name what is written down calls a member.
fn know(names: &Names, member: &Member) {
    let statement = &member.record.statement;
    names.know(statement.key.to_address(), statement.name.to_string());
}

impl Actor for TrackerLinkActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(TICK, |actor, ctx| {
            actor.store.flush();
            actor.introducers.iter_mut().for_each(Link::flush);
            actor.sessions.values_mut().for_each(SessionHandle::flush);
            if actor.closing.is_none() {
                let effects = actor.link.tick(actor.clock.now());
                actor.carry_out(effects, ctx);
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.search.stop();
    }
}

impl Handler<SessionEvent> for TrackerLinkActor {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, ctx: &mut Self::Context) {
        let (session, now) = (event.session, self.clock.now());
        let effects = match event.what {
            SessionFact::Opened { hello, .. } => self.link.opened(session, &hello, now),
            SessionFact::Received(Message::Goodbye(goodbye)) => {
                let reason = format!("the tracker said: {}", goodbye.reason);
                self.link.closed(session, reason, now)
            }
            SessionFact::Received(message) => self.link.received(session, message, now),
            SessionFact::Closed(reason) => {
                self.sessions.remove(&session);
                self.end_if_closed(ctx);
                // Whoever waits to leave is told that it was cut off.
                self.leaving = None;
                self.link.closed(session, reason, now)
            }
        };
        // A node that is stopping says goodbye and nothing more.
        if self.closing.is_none() {
            self.carry_out(effects, ctx);
        }
    }
}

impl Handler<GenesisMined> for TrackerLinkActor {
    type Result = ();

    fn handle(&mut self, message: GenesisMined, ctx: &mut Self::Context) {
        let effects = self.link.genesis_mined(message.0);
        self.carry_out(effects, ctx);
    }
}

impl Handler<AttachDirectory> for TrackerLinkActor {
    type Result = ();

    fn handle(&mut self, message: AttachDirectory, _: &mut Self::Context) {
        self.listeners = Some(message);
        self.tell_listeners();
    }
}

impl Handler<AttachIntroducers> for TrackerLinkActor {
    type Result = ();

    fn handle(&mut self, message: AttachIntroducers, _: &mut Self::Context) {
        let link = |introducer| Link::to(introducer, INTRODUCER_WAITING);
        self.introducers = message.0.into_iter().map(link).collect();
        if let Some(record) = self.link.record().cloned() {
            self.tell_record(record);
        }
        if let Some(genesis) = self.link.genesis().cloned() {
            self.tell_introducers(&TellIntroducer::Network(genesis));
        }
    }
}

impl Handler<Introduced> for TrackerLinkActor {
    type Result = ();

    fn handle(&mut self, message: Introduced, _: &mut Self::Context) {
        self.introduced.insert(message.tracker, message.records);
        self.tell_listeners();
    }
}
