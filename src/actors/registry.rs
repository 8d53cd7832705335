//! Registry: the tracker's side of the conversation with its members.

use super::SessionContext;
use crate::clock::Clock;
use crate::messages::gossip::{CloseSessions, ConnectionAccepted};
use crate::messages::liveness_probe::DialBack;
use crate::messages::registry::{
    CountSessions, DialledBack, GetMembers, GetRegistryStatus, RegistryStatus,
};
use crate::messages::session::{SessionCommand, SessionEvent, SessionFact};
use crate::messages::store::{CommitRows, Committer, Rows, RowsCommitted};
use crate::protocol::SessionId;
use crate::protocol::liveness::MAX_DIALS;
use crate::protocol::registry::{Effect, Fact, Registry, TICK_MS};
use crate::shell::{Link, SessionHandle};
use crate::store::{RowChange, Table};
use crate::wire::channel::{Expected, Side};
use crate::wire::{Member, Message, NodeRole};
use actix::{Actor, AsyncContext, Context, Handler, MessageResult};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A member that comes for the first time has no network yet, and no certificate; the machine judges
/// what it names and shows.
const EXPECTED: Expected = Expected {
    role: NodeRole::Peer,
    same_network: false,
    certified_by: None,
};
/// Sessions at a time: the largest network this is made for, several times over.
const MAX_SESSIONS: usize = 4_000;
/// Messages that may wait here: one for each session, one for each visit, and reports.
const MAILBOX: usize = MAX_SESSIONS + MAX_DIALS + 64;

/// What a registry needs of the node.
pub struct RegistryParts {
    /// What its sessions share.
    pub context: SessionContext,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Writes the register.
    pub store: Link<CommitRows>,
    /// Dials members back.
    pub probe: Link<DialBack>,
    /// What the network is called.
    pub network_name: String,
    /// Connections that the operating system has room for.
    pub connections: usize,
}

/// The shell around the register.
pub struct RegistryActor {
    registry: Registry,
    parts: RegistryParts,
    sessions: BTreeMap<SessionId, SessionHandle>,
    closing: bool,
}

impl RegistryActor {
    /// Around a machine that was opened on the stored register.
    pub fn new(registry: Registry, parts: RegistryParts) -> Self {
        if let Some(genesis) = registry.genesis() {
            parts.context.greeting.set_network(genesis.id());
        }
        Self {
            registry,
            parts,
            sessions: BTreeMap::new(),
            closing: false,
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { session, message } => {
                    self.command(session, SessionCommand::Send(message));
                }
                Effect::SendAll { sessions, message } => self.send_all(&sessions, &message),
                Effect::Close { session, reason } => {
                    self.command(session, SessionCommand::Close(reason));
                }
                Effect::DialBack { id, key, addresses } => {
                    self.parts.probe.send(DialBack { id, key, addresses });
                }
                Effect::Commit { batch, rows } => {
                    let rows = rows
                        .into_iter()
                        .map(|(key, value)| RowChange {
                            table: Table::Registry,
                            key,
                            value,
                        })
                        .collect();
                    let committer = Committer::Registry;
                    self.parts.store.send(CommitRows {
                        committer,
                        batch,
                        rows: Rows::Plain(rows),
                    });
                }
                Effect::Fact(fact) => self.tell(&fact),
            }
        }
    }

    fn command(&mut self, session: SessionId, command: SessionCommand) {
        if let Some(handle) = self.sessions.get_mut(&session) {
            handle.command(command);
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
            self.command(*session, SessionCommand::SendFrame(frame.clone()));
        }
    }

    fn tell(&self, fact: &Fact) {
        match fact {
            Fact::MemberJoined { id, name, key } => {
                tracing::info!(member = %name, id = id.0, key = %key.to_address(), "member registered");
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
            Fact::LeaseGranted { id, .. } => {
                tracing::info!(id = id.0, "member asked to make the genesis block");
            }
            Fact::GenesisAccepted {
                network,
                from,
                adopted,
                other_params,
            } => {
                self.parts.context.greeting.set_network(*network);
                tracing::info!(network = %network, from = from.0, adopted, "genesis block accepted");
                if *other_params {
                    tracing::warn!(
                        "the genesis block has other parameters than [network] in the settings: those of the settings have no effect"
                    );
                }
            }
        }
    }
}

impl Actor for RegistryActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(Duration::from_millis(TICK_MS), |actor, _| {
            actor.parts.store.flush();
            actor.parts.probe.flush();
            actor.sessions.values_mut().for_each(SessionHandle::flush);
            let effects = actor.registry.tick(actor.parts.clock.now());
            actor.carry_out(effects);
        });
    }
}

impl Handler<ConnectionAccepted> for RegistryActor {
    type Result = ();

    fn handle(&mut self, message: ConnectionAccepted, ctx: &mut Self::Context) {
        let address = message.0.address.clone();
        let now = self.parts.clock.now();
        // Visits to members need connections, too.
        let places = MAX_SESSIONS.min(self.parts.connections.saturating_sub(MAX_DIALS));
        let has_room = !self.closing && self.sessions.len() < places;
        let (admitted, effects) = match has_room {
            true => self.registry.admit(&address, now),
            false => (false, Vec::new()),
        };
        self.carry_out(effects);
        if !admitted {
            tracing::debug!(peer = %address, "connection not taken: there are enough");
            return;
        }
        let owner = ctx.address().recipient();
        let context = &self.parts.context;
        let begun = context.begin(message.0, Side::Responder, EXPECTED, owner);
        let (session, commands) = begun;
        self.registry.entered(session, &address, now);
        self.sessions
            .insert(session, SessionHandle::new(Box::new(commands)));
    }
}

impl Handler<SessionEvent> for RegistryActor {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, _: &mut Self::Context) {
        let (session, now) = (event.session, self.parts.clock.now());
        let effects = match event.what {
            SessionFact::Opened { hello, certificate } => {
                let certificate = certificate.map(|certificate| *certificate);
                self.registry
                    .session_opened(session, *hello, certificate, now)
            }
            SessionFact::Received(message) => self.registry.received(session, message, now),
            SessionFact::Closed(reason) => {
                tracing::debug!(session = session.0, %reason, "session ended");
                self.sessions.remove(&session);
                self.registry.session_closed(session, now)
            }
        };
        self.carry_out(effects);
    }
}

impl Handler<RowsCommitted> for RegistryActor {
    type Result = ();

    fn handle(&mut self, message: RowsCommitted, _: &mut Self::Context) {
        let effects = self.registry.committed(message.batch);
        self.carry_out(effects);
    }
}

impl Handler<DialledBack> for RegistryActor {
    type Result = ();

    fn handle(&mut self, message: DialledBack, _: &mut Self::Context) {
        let effects = self.registry.dialled_back(message.id, message.reached);
        self.carry_out(effects);
    }
}

impl Handler<GetRegistryStatus> for RegistryActor {
    type Result = MessageResult<GetRegistryStatus>;

    fn handle(&mut self, _: GetRegistryStatus, _: &mut Self::Context) -> Self::Result {
        let genesis = self.registry.genesis();
        let standings = || self.registry.standings();
        MessageResult(RegistryStatus {
            registered: standings().count(),
            live: standings().filter(|standing| standing.live).count(),
            reachable: standings().filter(|standing| standing.reachable).count(),
            sessions: self.sessions.len(),
            network_name: genesis.map_or(self.parts.network_name.clone(), |g| {
                g.params().name.to_string()
            }),
            network: genesis.map(|genesis| genesis.id()),
            height: self.registry.height(),
        })
    }
}

impl Handler<GetMembers> for RegistryActor {
    type Result = Vec<Member>;

    fn handle(&mut self, message: GetMembers, _: &mut Self::Context) -> Self::Result {
        let members = self.registry.members_after(message.after);
        members.take(message.limit).collect()
    }
}

impl Handler<CountSessions> for RegistryActor {
    type Result = usize;

    fn handle(&mut self, _: CountSessions, _: &mut Self::Context) -> Self::Result {
        self.sessions.len()
    }
}

impl Handler<CloseSessions> for RegistryActor {
    type Result = ();

    fn handle(&mut self, _: CloseSessions, _: &mut Self::Context) {
        self.closing = true;
        let sessions: Vec<_> = self.sessions.keys().copied().collect();
        for session in sessions {
            self.command(
                session,
                SessionCommand::Close("this node is stopping".into()),
            );
        }
    }
}
