//! Whom to dial, whom to keep, whom to shun.

use super::{Effect, Fact};
use crate::chain::Timestamp;
use crate::keys::PublicKey;
use crate::protocol::SessionId;
use crate::protocol::backoff::Backoff;
use std::collections::{BTreeMap, HashMap};

/// How many connections a node keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeersLimits {
    /// That it dials itself.
    pub outgoing: usize,
    /// That others dial.
    pub incoming: usize,
}

/// Strangers that may be in their handshake at a time: a whole class at once, but not a flood.
pub const MAX_HANDSHAKES: usize = 50;
/// First pause after a dial that failed, in milliseconds.
const FIRST_PAUSE_MS: u64 = 1_000;
/// Longest pause between dials, in milliseconds: a member that comes back is found within a minute.
const LONGEST_PAUSE_MS: u64 = 60_000;
/// How long a key that broke a rule is shunned, in milliseconds: long enough to cost an attacker
/// its connection, short enough for an owner who mended a broken node.
const BAN_MS: u64 = 10 * 60_000;
/// Most keys shunned at a time; the one whose time is up first makes room.
const MAX_BANS: usize = 1_000;
/// How often the owner is told of being alone, in milliseconds.
const ALONE_EVERY_MS: u64 = 60_000;

/// Who dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// We did.
    Outgoing,
    /// The other did.
    Incoming,
}

/// A member that may be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who it is.
    pub key: PublicKey,
    /// Where it listens.
    pub addresses: Vec<String>,
}

struct Open {
    key: PublicKey,
    direction: Direction,
}

/// A candidate's address and how dialling it went.
struct Dialling {
    key: PublicKey,
    backoff: Backoff,
    busy: bool,
}

pub(super) struct Peers {
    own: PublicKey,
    limits: PeersLimits,
    seed: u64,
    open: BTreeMap<SessionId, Open>,
    /// By address.
    dialling: BTreeMap<String, Dialling>,
    /// Sessions that we dialled, with the address, until they close.
    dialled: HashMap<SessionId, String>,
    banned: HashMap<PublicKey, Timestamp>,
    alone_since: Option<Timestamp>,
    alone_told: Timestamp,
}

impl Peers {
    pub(super) fn new(own: PublicKey, limits: PeersLimits, seed: u64, now: Timestamp) -> Self {
        Self {
            own,
            limits,
            seed,
            open: BTreeMap::new(),
            dialling: BTreeMap::new(),
            dialled: HashMap::new(),
            banned: HashMap::new(),
            alone_since: Some(now),
            alone_told: now,
        }
    }

    pub(super) fn set_candidates(&mut self, candidates: Vec<Candidate>) {
        let mut dialling = BTreeMap::new();
        for candidate in candidates.into_iter().filter(|c| c.key != self.own) {
            for address in candidate.addresses {
                let before = self.dialling.remove(&address);
                let backoff = before
                    .as_ref()
                    .filter(|d| d.key == candidate.key)
                    .map_or_else(
                        || Backoff::new(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, self.seed),
                        |d| d.backoff,
                    );
                let busy = before.is_some_and(|d| d.busy);
                dialling.insert(
                    address,
                    Dialling {
                        key: candidate.key,
                        backoff,
                        busy,
                    },
                );
            }
        }
        self.dialling = dialling;
    }

    /// Dials candidates until there are enough outgoing connections or none is due.
    pub(super) fn dial(&mut self, now: Timestamp) -> Vec<Effect> {
        let count = |d: Direction| self.open.values().filter(|o| o.direction == d).count();
        let busy = self.dialling.values().filter(|d| d.busy).count();
        let mut room = self
            .limits
            .outgoing
            .saturating_sub(count(Direction::Outgoing) + busy);
        let mut effects = Vec::new();
        let connected: Vec<_> = self.open.values().map(|o| o.key).collect();
        let mut under_way: Vec<_> = self
            .dialling
            .values()
            .filter(|d| d.busy)
            .map(|d| d.key)
            .collect();
        for (address, dialling) in &mut self.dialling {
            let skip = dialling.busy
                || !dialling.backoff.is_due(now)
                || connected.contains(&dialling.key)
                || under_way.contains(&dialling.key)
                || self.banned.contains_key(&dialling.key);
            if room == 0 || skip {
                continue;
            }
            dialling.busy = true;
            under_way.push(dialling.key);
            room -= 1;
            effects.push(Effect::Dial(address.clone()));
        }
        effects
    }

    pub(super) fn dial_failed(&mut self, address: &str, now: Timestamp) {
        if let Some(dialling) = self.dialling.get_mut(address) {
            dialling.busy = false;
            dialling.backoff.failed(now);
        }
    }

    pub(super) fn dial_connected(&mut self, session: SessionId, address: &str) {
        self.dialled.insert(session, address.to_owned());
    }

    pub(super) fn admits(&self, handshakes: usize) -> bool {
        let incoming = self
            .open
            .values()
            .filter(|o| o.direction == Direction::Incoming)
            .count();
        handshakes < MAX_HANDSHAKES && incoming < self.limits.incoming
    }

    /// Whether the session stays; and what follows.
    pub(super) fn opened(
        &mut self,
        session: SessionId,
        key: PublicKey,
        direction: Direction,
        now: Timestamp,
    ) -> (bool, Vec<Effect>) {
        let close = |reason: &str| (false, vec![Effect::Close(session, reason.into())]);
        if self.banned.get(&key).is_some_and(|until| *until > now) {
            return close("you broke a rule of the protocol a short while ago");
        }
        let incoming = self
            .open
            .values()
            .filter(|o| o.direction == Direction::Incoming)
            .count();
        if direction == Direction::Incoming && incoming >= self.limits.incoming {
            return close("there are enough connections here");
        }
        let mut effects = Vec::new();
        if let Some((&other, before)) = self.open.iter().find(|(_, open)| open.key == key) {
            // Both ends dialled at once: the connection dialled by the smaller key stays, so that
            // both close the same one. A second dial by the same end replaces the first, which the
            // other end has lost.
            let ours_is_smaller = self.own < key;
            let preferred = if ours_is_smaller {
                Direction::Outgoing
            } else {
                Direction::Incoming
            };
            if before.direction != direction && before.direction == preferred {
                return close("connected already");
            }
            effects.push(Effect::Close(other, "connected anew".into()));
            self.open.remove(&other);
        }
        if let Some(address) = self.dialled.get(&session)
            && let Some(dialling) = self.dialling.get_mut(address)
        {
            dialling.busy = false;
            dialling.backoff.succeeded();
        }
        self.open.insert(session, Open { key, direction });
        self.alone_since = None;
        effects.push(Effect::Tell(Fact::Connected(session, key, direction)));
        (true, effects)
    }

    pub(super) fn closed(
        &mut self,
        session: SessionId,
        reason: &str,
        now: Timestamp,
    ) -> Vec<Effect> {
        if let Some(address) = self.dialled.remove(&session) {
            self.dial_failed(&address, now);
        }
        let Some(open) = self.open.remove(&session) else {
            return Vec::new();
        };
        if self.open.is_empty() {
            self.alone_since = Some(now);
            self.alone_told = now;
        }
        vec![Effect::Tell(Fact::Disconnected(
            session,
            open.key,
            reason.to_owned(),
        ))]
    }

    /// The other broke a rule: it is told, closed and shunned for a while.
    pub(super) fn misbehaved(
        &mut self,
        session: SessionId,
        reason: &str,
        now: Timestamp,
    ) -> Vec<Effect> {
        let Some(key) = self.key(session) else {
            return Vec::new();
        };
        if self.banned.len() >= MAX_BANS
            && let Some(&first) = self
                .banned
                .iter()
                .min_by_key(|(_, until)| **until)
                .map(|b| b.0)
        {
            self.banned.remove(&first);
        }
        self.banned.insert(key, now.plus_ms(BAN_MS));
        vec![
            Effect::Tell(Fact::Misbehaved(key, reason.to_owned())),
            Effect::Close(session, reason.to_owned()),
        ]
    }

    pub(super) fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        self.banned.retain(|_, until| *until > now);
        let mut effects = self.dial(now);
        if let Some(since) = self.alone_since
            && now.since(self.alone_told) >= ALONE_EVERY_MS
        {
            self.alone_told = now;
            effects.push(Effect::Tell(Fact::Alone(since)));
        }
        effects
    }

    pub(super) fn is_open(&self, session: SessionId) -> bool {
        self.open.contains_key(&session)
    }

    pub(super) fn key(&self, session: SessionId) -> Option<PublicKey> {
        self.open.get(&session).map(|open| open.key)
    }

    pub(super) fn open_sessions(&self) -> impl Iterator<Item = (SessionId, PublicKey, Direction)> {
        self.open
            .iter()
            .map(|(session, open)| (*session, open.key, open.direction))
    }
}
