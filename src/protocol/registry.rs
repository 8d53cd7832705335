//! The registry: the tracker's side of the conversation with its members.
//!
//! It keeps the list of members for ever, knows which of them have a session now, sees to it that the
//! network gets one genesis block and no second one, and tells everybody what changed.
//!
//! What it never does: promise before the disk has it. Every answer waits for the newest batch that
//! was begun before it, so that no member is ever told what a power cut could undo.
//!
//! # How the network gets its genesis
//! The first member that registers is asked to make it (a lease), the others wait. When the lease
//! runs out or its holder's session ends, the next in turn is asked. A lease spares the others the
//! work; what makes the block the only one is that the first valid offer is stored and every later
//! one answered with it. A member that said in its hello that it has a network already may present
//! its genesis without a lease: that is how a tracker that lost its rows, but not its key, finds the
//! network again. For as long as it takes such a member to do so, nobody is asked for a new one.

mod certificates;
mod effect;
mod founding;
mod joining;
mod members;
mod news;
#[cfg(test)]
mod tests;

pub use effect::{Effect, Fact};
pub use members::MAX_MEMBERS_REGISTERED;

use super::spread::Spread;
use super::{Row, SessionId};
use crate::canonical;
use crate::chain::params::ParamsError;
use crate::chain::{Genesis, Internal, NetworkId, Params, Timestamp};
use crate::keys::{PublicKey, SecretKey};
use crate::wire::message::{Goodbye, RefusalCode, Refused};
use crate::wire::{Hello, Member, MemberId, Message, NodeRole};
use certificates::Certifier;
use founding::Holder;
use members::{MEMBER_ROW, Members, NEXT_ID_ROW};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// How often the shell calls [`Registry::tick`]: news of members is collected for so long.
pub const TICK_MS: u64 = 200;
/// For how long one member alone is asked to make genesis: at the usual start target it takes
/// seconds, and a member that died must not keep the others waiting for long.
pub const LEASE_MS: u64 = 60_000;
/// How long a member that has a network may take to present its genesis before another is asked to
/// make one.
pub const CLAIM_MS: u64 = 10_000;
/// How long a session may take to register; then its place is for another.
pub const REGISTER_WITHIN_MS: u64 = 30_000;
/// Most members in an answer to [`Message::GetMembers`].
pub const MAX_MEMBERS_LISTED: usize = 10;
/// Most answers that wait for the disk on behalf of one session; who asks for more meanwhile does
/// not read them. With the bound on sessions this bounds what waits.
pub const MAX_WAITING: usize = 16;

/// Key of the row that holds genesis.
const GENESIS_ROW: u8 = 3;

/// Why the registry can't take up its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// A stored row is not what it must be.
    #[error(transparent)]
    Internal(#[from] Internal),
    /// The settings can't be those of a network.
    #[error("the network's settings can't be used: {0}; correct [network] in the settings")]
    Params(#[from] ParamsError),
    /// The network was founded with another tracker key.
    #[error(
        "this register belongs to the tracker key {stored}, but the key file holds {given}; put the \
         former key file back, or begin a new network in an empty data directory"
    )]
    OtherKey {
        /// Key in genesis.
        stored: PublicKey,
        /// Our key.
        given: PublicKey,
    },
}

/// A connection to somebody who may be a member.
#[derive(Debug)]
struct Session {
    hello: Hello,
    /// When it began, and once it is registered, when it was.
    since: Timestamp,
    /// Whose it is, once registered.
    member: Option<MemberId>,
    /// The members up to this number were told to it.
    told: MemberId,
    /// Those among them that changed since.
    changed: BTreeSet<MemberId>,
    /// It was told that it has the whole list.
    listed: bool,
    /// Its connection takes more.
    writable: bool,
    /// Answers to it that wait for the disk.
    waiting: usize,
}

/// The tracker's machine.
#[derive(Debug)]
pub struct Registry {
    key: PublicKey,
    certifier: Certifier,
    params: Params,
    genesis: Option<Genesis>,
    members: Members,
    sessions: BTreeMap<SessionId, Session>,
    live: BTreeMap<MemberId, SessionId>,
    /// The last one asked to make genesis; stays, when its time is over, until another is asked.
    holder: Option<Holder>,
    last_batch: u64,
    /// Batches under way, oldest first, each with what is said when it is on the disk.
    unsynced: VecDeque<(u64, Vec<Effect>)>,
    effects: Vec<Effect>,
    spread: Spread,
}

impl Registry {
    /// Takes up the stored rows (all of its table, in any order). `secret` is the tracker's, `params`
    /// those of its settings, which count until there is a genesis; `seed` only spreads choices.
    ///
    /// # Errors
    /// By variant of [`RegistryError`]; the tracker can't start.
    pub fn open(
        secret: Arc<SecretKey>,
        params: Params,
        seed: u64,
        rows: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, RegistryError> {
        params.check()?;
        let key = secret.public_key();
        let mut registry = Self {
            key,
            certifier: Certifier::new(secret),
            params,
            genesis: None,
            members: Members::new(),
            sessions: BTreeMap::new(),
            live: BTreeMap::new(),
            holder: None,
            last_batch: 0,
            unsynced: VecDeque::new(),
            effects: Vec::new(),
            spread: Spread::new(seed),
        };
        for (row_key, value) in rows {
            registry.open_row(&row_key, &value)?;
        }
        if let Some(genesis) = &registry.genesis
            && genesis.content.tracker != key
        {
            return Err(RegistryError::OtherKey {
                stored: genesis.content.tracker,
                given: key,
            });
        }
        Ok(registry)
    }

    fn open_row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Internal> {
        match key {
            [MEMBER_ROW, id @ ..] => self.members.open_member(id, value),
            [NEXT_ID_ROW] => self.members.open_next_id(value),
            [GENESIS_ROW] => {
                let damaged = |e: String| Internal(format!("the stored genesis is damaged: {e}"));
                let genesis: Genesis =
                    canonical::decode(value).map_err(|e| damaged(e.to_string()))?;
                genesis.check().map_err(|e| damaged(e.to_string()))?;
                self.genesis = Some(genesis);
                Ok(())
            }
            _ => Err(Internal(
                "the register holds a row of no known kind".to_owned(),
            )),
        }
    }

    /// The network's first block, if there is one (it may be on its way to the disk still).
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// The network's id for our own hello; zero as long as there is no genesis.
    pub fn network(&self) -> NetworkId {
        self.genesis.as_ref().map_or(NetworkId::ZERO, Genesis::id)
    }

    /// How many are registered.
    pub fn registered_len(&self) -> usize {
        self.members.len()
    }

    /// How many of them have a session.
    pub fn live_len(&self) -> usize {
        self.live.len()
    }

    /// Everyone who is registered, by number.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        self.members.ids().filter_map(|id| self.tell(id))
    }

    /// A connection's handshake is done.
    #[must_use]
    pub fn session_opened(
        &mut self,
        session: SessionId,
        hello: Hello,
        now: Timestamp,
    ) -> Vec<Effect> {
        let ours = self.network();
        let reason = if hello.role != NodeRole::Peer {
            Some("a tracker registers peers, not trackers".to_owned())
        } else if ours != NetworkId::ZERO && ![NetworkId::ZERO, ours].contains(&hello.network) {
            let theirs = hello.network;
            Some(format!(
                "you belong to network {theirs}, this tracker to {ours}"
            ))
        } else {
            None
        };
        if let Some(reason) = reason {
            return vec![Effect::Close { session, reason }];
        }
        let opened = Session {
            hello,
            since: now,
            member: None,
            told: MemberId(0),
            changed: BTreeSet::new(),
            listed: false,
            writable: true,
            waiting: 0,
        };
        self.sessions.insert(session, opened);
        Vec::new()
    }

    /// A connection's end. One that is not known any more is passed over.
    #[must_use]
    pub fn session_closed(&mut self, session: SessionId, now: Timestamp) -> Vec<Effect> {
        self.forget_session(session);
        self.pass_lease(now);
        self.take_effects()
    }

    /// Whether a connection takes more, or has as much queued as it may: then what changes is
    /// collected for it, each member once, until it reads again.
    pub fn set_writable(&mut self, session: SessionId, writable: bool) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.writable = writable;
        }
    }

    /// A batch is on the disk, and with it all before it.
    #[must_use]
    pub fn committed(&mut self, batch: u64) -> Vec<Effect> {
        while self
            .unsynced
            .front()
            .is_some_and(|(number, _)| *number <= batch)
        {
            let said = self.unsynced.pop_front().map(|(_, said)| said);
            for effect in said.into_iter().flatten() {
                if let Effect::Send { session, .. } = &effect
                    && let Some(session) = self.sessions.get_mut(session)
                {
                    session.waiting = session.waiting.saturating_sub(1);
                }
                self.effects.push(effect);
            }
        }
        self.take_effects()
    }

    /// To be called every [`TICK_MS`].
    #[must_use]
    pub fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let late = |s: &Session| s.member.is_none() && now.since(s.since) > REGISTER_WITHIN_MS;
        let idle: Vec<_> = self.session_ids(late);
        for session in idle {
            self.close(session, "you did not register in time");
        }
        self.pass_lease(now);
        self.push_changes();
        self.take_effects()
    }

    /// A message from a connection.
    #[must_use]
    pub fn received(
        &mut self,
        session: SessionId,
        message: Message,
        now: Timestamp,
    ) -> Vec<Effect> {
        let Some(known) = self.sessions.get(&session) else {
            return Vec::new();
        };
        let member = known.member;
        if known.waiting >= MAX_WAITING {
            self.close(session, "you ask without waiting for the answers");
            return self.take_effects();
        }
        match (message, member) {
            (Message::Register(record), _) => self.register(session, record, now),
            (Message::Leave(leaving), _) => self.leave(session, &leaving, now),
            (Message::OfferGenesis(genesis), Some(id)) => self.offer(session, id, genesis, now),
            (Message::GetMembers(()), Some(_)) => {
                let members = self.some_members();
                self.send(session, Message::Members(members));
            }
            (Message::OfferGenesis(_) | Message::GetMembers(()), None) => self.refuse(
                session,
                RefusalCode::NotRegistered,
                "only a registered member may ask this; register first",
            ),
            (Message::Ping(_) | Message::Pong(_) | Message::Goodbye(_), _) => {}
            (other, _) => {
                let reason = format!("a tracker does not take {}", other.name());
                self.close(session, &reason);
            }
        }
        self.take_effects()
    }

    fn session_ids(&self, which: impl Fn(&Session) -> bool) -> Vec<SessionId> {
        let sessions = self.sessions.iter();
        sessions
            .filter(|(_, s)| which(s))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Takes a session off the lists, and its member off the list of the live.
    fn forget_session(&mut self, session: SessionId) {
        let Some(id) = self.sessions.remove(&session).and_then(|s| s.member) else {
            return;
        };
        self.live.remove(&id);
        if let Some(name) = self.members.name_of(id).cloned() {
            self.touch(id);
            self.say(Effect::Fact(Fact::MemberOffline { id, name }));
        }
    }

    fn close(&mut self, session: SessionId, reason: &str) {
        self.forget_session(session);
        let reason = reason.to_owned();
        self.say(Effect::Close { session, reason });
    }

    fn refuse(&mut self, session: SessionId, code: RefusalCode, reason: &str) {
        let reason = Goodbye::new(reason).reason;
        self.send(session, Message::Refused(Refused { code, reason }));
    }

    fn send(&mut self, session: SessionId, message: Message) {
        if !self.unsynced.is_empty()
            && let Some(session) = self.sessions.get_mut(&session)
        {
            session.waiting += 1;
        }
        self.say(Effect::Send { session, message });
    }

    /// Does this once all that was changed so far is on the disk.
    fn say(&mut self, effect: Effect) {
        match self.unsynced.back_mut() {
            Some((_, said)) => said.push(effect),
            None => self.effects.push(effect),
        }
    }

    fn commit(&mut self, rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        self.last_batch += 1;
        let batch = self.last_batch;
        self.effects.push(Effect::Commit { batch, rows });
        self.unsynced.push_back((batch, Vec::new()));
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}
