//! Registry: the tracker's side of the conversation with its members.

use super::{Begin, Dial, Greeting, Link, Sessions, TableWriter};
use crate::chain::NetworkId;
use crate::chain::params::Difference;
use crate::clock::Clock;
use crate::logging::Time;
use crate::membership::{MemberName, SignedStatement};
use crate::messages::gossip::{CloseSessions, ConnectionAccepted};
use crate::messages::liveness_probe::DialBack;
use crate::messages::registry::{
    CountSessions, DialledBack, GetDelegates, GetInvitations, GetMembers, GetPutOut,
    GetRegistryStatus, RegistryStatus, RememberNetwork, WhoIs,
};
use crate::messages::session::{Dialled, SessionCommand, SessionEvent, SessionFact};
use crate::messages::store::{CommitRows, Committer, RowsCommitted};
use crate::protocol::SessionId;
use crate::protocol::liveness::MAX_DIALS;
use crate::protocol::registry::{
    Delegate, Effect, Fact, InvitationId, Kept, Named, Order, OrderRefused, Outcome, Registry,
};
use crate::store::Table;
use crate::wire::channel::{Expected, Side};
use crate::wire::{Member, Message, NodeRole};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A member that comes for the first time has no network yet, and no certificate; the machine judges
/// what it names and shows.
const EXPECTED: Expected = Expected {
    role: NodeRole::Peer,
    same_network: false,
    member: false,
    members: None,
};
/// Sessions at a time: the largest network this is made for, several times over.
pub const MAX_SESSIONS: usize = 4_000;

/// What a registry needs of the node.
pub struct RegistryParts {
    /// What this tracker says of itself.
    pub greeting: Arc<Greeting>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Begins sessions.
    pub begin: Box<dyn Begin>,
    /// Writes the register.
    pub store: Link<CommitRows>,
    /// Dials members back.
    pub probe: Link<DialBack>,
    /// Dials the admin's tracker, if that is another.
    pub dial: Link<Dial>,
    /// What the network is called.
    pub network_name: String,
    /// Connections that the operating system has room for.
    pub connections: usize,
}

/// The shell around the register.
pub struct RegistryShell {
    registry: Registry,
    sessions: Sessions<()>,
    writer: TableWriter,
    greeting: Arc<Greeting>,
    clock: Arc<dyn Clock>,
    probe: Link<DialBack>,
    dial: Link<Dial>,
    network_name: String,
    connections: usize,
    /// Who waits for what came of an order, by its token.
    orders: HashMap<u64, oneshot::Sender<Result<Outcome, OrderRefused>>>,
    last_order: u64,
    /// Keeps which network this is, beside the register.
    keep: Option<Box<dyn Fn(NetworkId) + Send>>,
}

impl RegistryShell {
    /// Around a machine that was opened on the stored register.
    pub fn new(registry: Registry, parts: RegistryParts) -> Self {
        if let Some(genesis) = registry.genesis() {
            parts.greeting.set_network(genesis.id());
        }
        let mut shell = Self {
            registry,
            sessions: Sessions::new(parts.begin, EXPECTED),
            writer: TableWriter::new(parts.store, Committer::Registry, Table::Registry),
            greeting: parts.greeting,
            clock: parts.clock,
            probe: parts.probe,
            dial: parts.dial,
            network_name: parts.network_name,
            connections: parts.connections,
            orders: HashMap::new(),
            last_order: 0,
            keep: None,
        };
        shell.tell_overruled();
        shell.follow_statements();
        shell
    }

    /// From now on it is kept beside the register which network this is; without a register that one is waited for.
    pub fn remember(&mut self, message: RememberNetwork) {
        self.keep = Some(message.keep);
        if let Some(network) = self.registry.genesis().map(|genesis| genesis.id()) {
            self.know_network(network);
        } else if let Some(network) = message
            .founded
            .and_then(|one| self.registry.has_founded(one))
        {
            tracing::warn!(%network, "the register is lost: this tracker waits for a member of its network, and founds no other");
        }
    }

    fn know_network(&self, network: NetworkId) {
        self.greeting.set_network(network);
        if let Some(keep) = &self.keep {
            keep(network);
        }
    }

    /// Whose clock is compared with ours follows from what the admin has said.
    fn follow_statements(&mut self) {
        if let Some(statements) = self.registry.statements() {
            self.sessions.judge_by(statements.clone());
        }
    }

    /// Whoever changes [network] after the founding is told that it has no effect.
    fn tell_overruled(&self) {
        for Difference { key, given, holds } in self.registry.overruled() {
            tracing::warn!(
                key,
                given,
                holds,
                "a key of [network] in the settings has no effect: the network was founded with another value"
            );
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { session, message } => self.sessions.send(session, message),
                Effect::SendAll { sessions, message } => self.send_all(&sessions, &message),
                Effect::Close { session, reason } => self.sessions.close(session, reason),
                Effect::DialBack {
                    whom,
                    key,
                    addresses,
                } => self.probe.send(DialBack {
                    whom,
                    key,
                    addresses,
                }),
                Effect::DialFirst { address } => self.dial.send(Dial(address.to_string())),
                Effect::Commit { batch, rows } => self.writer.commit(batch, rows),
                Effect::Fact(fact) => {
                    self.tell(&fact);
                    self.follow_statements();
                }
                Effect::Done { token, outcome } => {
                    if let Some(orderer) = self.orders.remove(&token) {
                        // Whoever ordered it may have gone meanwhile.
                        let _ = orderer.send(outcome);
                    }
                }
            }
        }
    }

    /// Encodes once what many are sent.
    fn send_all(&mut self, sessions: &[SessionId], message: &Message) {
        let frame: Arc<[u8]> = match message.to_frame() {
            Ok(frame) => frame.into(),
            Err(error) => {
                tracing::error!(%error, message = message.name(), "message not sent");
                return;
            }
        };
        for session in sessions {
            let send = SessionCommand::SendFrame(frame.clone());
            self.sessions.command(*session, send);
        }
    }

    fn tell(&self, fact: &Fact) {
        match fact {
            Fact::MemberJoined {
                id,
                name,
                key,
                invitation,
            } => {
                let invitation = invitation.map(|invitation| invitation.0);
                tracing::info!(member = %name, id = id.0, key = %key.to_address(), invitation, "member registered");
            }
            Fact::Invited { id, uses } => {
                tracing::info!(invitation = id.0, uses, "invitation made");
            }
            Fact::InvitationRevoked { id } => {
                tracing::info!(invitation = id.0, "invitation revoked");
            }
            Fact::Said { kind, key, name } => {
                let (key, name) = (key.to_address(), name.as_ref().map(ToString::to_string));
                tracing::info!(act = ?kind, key, member = name, "said to everybody as the admin");
            }
            Fact::Delegated { key, until } => {
                let until = Time::from_unix_ms(until.0);
                tracing::info!(key = %key.to_address(), %until, "a tracker may issue");
            }
            Fact::Copying { with } => {
                tracing::info!(key = %with.to_address(), "another tracker copies the register, and is copied");
            }
            Fact::CopyingEnded { with } => {
                tracing::warn!(key = %with.to_address(), "the other tracker is gone: its register is copied again when it is back");
            }
            Fact::GenesisCopied { network } => {
                self.know_network(*network);
                tracing::info!(%network, "genesis block copied from another tracker");
            }
            Fact::MemberStands { id, name, standing } => {
                let (live, reachable) = (standing.live, standing.reachable);
                tracing::info!(member = %name, id = id.0, live, reachable, "member came, went or moved");
            }
            Fact::WalletUsedTwice {
                id,
                name,
                stays,
                refused,
            } => {
                tracing::warn!(member = %name, id = id.0, %stays, %refused, "two nodes use one wallet: the second one is refused");
            }
            Fact::MemberLeft { id, name } => {
                tracing::info!(member = %name, id = id.0, "member left for good");
            }
            Fact::MemberLapsed { id, name } => {
                tracing::info!(member = %name, id = id.0, "member gave way to a newcomer: it was not heard of for a month, and keeps its name");
            }
            Fact::LeaseGranted { id, .. } => {
                tracing::info!(id = id.0, "member asked to make the genesis block");
            }
            Fact::GenesisAccepted {
                network,
                from,
                adopted,
                other_params,
            } => {
                self.know_network(*network);
                tracing::info!(network = %network, from = from.0, adopted, "genesis block accepted");
                if *other_params {
                    self.tell_overruled();
                }
            }
        }
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.writer.flush();
        self.probe.flush();
        self.dial.flush();
        self.sessions.flush();
        let effects = self.registry.tick(self.clock.now());
        self.carry_out(effects);
    }

    /// Somebody dialled us.
    pub fn accepted(&mut self, message: ConnectionAccepted) {
        let address = message.0.address.clone();
        let now = self.clock.now();
        // Visits to members need connections, too.
        let places = MAX_SESSIONS.min(self.connections.saturating_sub(MAX_DIALS));
        let has_room = !self.sessions.are_closing() && self.sessions.len() < places;
        let (admitted, effects) = match has_room {
            true => self.registry.admit(&address, now),
            false => (false, Vec::new()),
        };
        self.carry_out(effects);
        if !admitted {
            tracing::debug!(peer = %address, "connection not taken: there are enough");
            return;
        }
        if let Some(session) = self.sessions.begin(message.0, Side::Responder, ()) {
            self.registry.entered(session, &address, now);
        }
    }

    /// What came of a dial to the admin's tracker.
    pub fn dialled(&mut self, message: Dialled) {
        let begun = match message.result {
            Ok(connection) => self.sessions.begin(connection, Side::Initiator, ()),
            Err(_) => None,
        };
        match begun {
            Some(session) => self.registry.first_dialled(session),
            None => self.registry.first_not_reached(self.clock.now()),
        }
    }

    /// Who has the right to issue.
    pub fn delegates(&mut self, _: GetDelegates) -> Vec<Delegate> {
        self.registry.delegates()
    }

    /// Who is put out, and who was let back and has not come since.
    pub fn put_out(&mut self, _: GetPutOut) -> Vec<(SignedStatement, Option<MemberName>)> {
        let mut told = self.registry.put_out();
        told.extend(self.registry.awaited());
        told
    }

    /// A session tells something.
    pub fn session_told(&mut self, event: SessionEvent) {
        let (session, now) = (event.session, self.clock.now());
        let effects = match event.what {
            SessionFact::Opened { hello, certificate } => {
                let certificate = certificate.map(|certificate| *certificate);
                self.registry
                    .session_opened(session, *hello, certificate, now)
            }
            SessionFact::Received(message) => self.registry.received(session, message, now),
            // Only members turn others away so; its end follows.
            SessionFact::TurnedAway(_) => Vec::new(),
            SessionFact::Closed(reason) => {
                tracing::debug!(session = session.0, %reason, "session ended");
                self.sessions.end(session);
                self.registry.session_closed(session, now)
            }
        };
        self.carry_out(effects);
    }

    /// The disk holds all batches up to this one.
    pub fn committed(&mut self, message: RowsCommitted) {
        let effects = self.registry.committed(message.batch);
        self.carry_out(effects);
    }

    /// A visit has ended.
    pub fn dialled_back(&mut self, message: DialledBack) {
        let effects = self.registry.dialled_back(message.whom, message.reached);
        self.carry_out(effects);
    }

    /// How the register stands.
    pub fn status(&mut self, _: GetRegistryStatus) -> RegistryStatus {
        let genesis = self.registry.genesis();
        let standings = || self.registry.standings();
        RegistryStatus {
            registered: standings().count(),
            live: standings().filter(|standing| standing.live).count(),
            reachable: standings().filter(|standing| standing.reachable).count(),
            sessions: self.sessions.len(),
            network_name: genesis
                .map_or(self.network_name.clone(), |g| g.params().name.to_string()),
            network: genesis.map(|genesis| genesis.id()),
            height: self.registry.height(),
            overruled: self.registry.overruled(),
        }
    }

    /// Some of the members, by their numbers.
    pub fn members(&mut self, message: GetMembers) -> Vec<Member> {
        let members = self.registry.members_after(message.after);
        members.take(message.limit).collect()
    }

    /// Some of the invitations, by their numbers.
    pub fn invitations(&mut self, message: GetInvitations) -> Vec<(InvitationId, Kept)> {
        let invitations = self.registry.invitations_after(message.after);
        let some = invitations.take(message.limit);
        some.map(|(id, kept)| (id, kept.clone())).collect()
    }

    /// Whose a name is.
    pub fn who_is(&mut self, message: WhoIs) -> Named {
        self.registry.named(&message.0)
    }

    /// The owner orders something. What came of it is told once the disk has it.
    pub fn order(&mut self, order: Order) -> oneshot::Receiver<Result<Outcome, OrderRefused>> {
        let (orderer, done) = oneshot::channel();
        self.last_order += 1;
        self.orders.insert(self.last_order, orderer);
        let effects = self
            .registry
            .order(self.last_order, order, self.clock.now());
        self.carry_out(effects);
        done
    }

    /// How many sessions there are.
    pub fn sessions(&mut self, _: CountSessions) -> usize {
        self.sessions.len()
    }

    /// The tracker is stopping: closes every session and takes no more.
    pub fn close_all(&mut self, _: CloseSessions) {
        self.sessions.close_all();
    }
}
