//! Whom to dial, whom to keep, whom to shun.

mod candidate;

pub use candidate::{Admission, Candidate, Direction, Outlook};

use super::delivery::{Delivery, DeliveryFact};
use super::{Effect, Fact};
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::protocol::SessionId;
use crate::protocol::backoff::Backoff;
use crate::protocol::spread::Spread;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

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
/// Strangers that are let in for their handshake where all places are taken: a tracker that only
/// looks whether this node can be reached, and members who are told why they can't stay.
const SPARE_HANDSHAKES: usize = 4;
/// First pause after a dial that failed, in milliseconds.
const FIRST_PAUSE_MS: u64 = 1_000;
/// Longest pause between dials, in milliseconds: a member that comes back is found within a minute.
const LONGEST_PAUSE_MS: u64 = 60_000;
/// How long a key that broke a rule is shunned, in milliseconds: long enough to cost an attacker
/// its connection, short enough for an owner who mended a broken node.
const BAN_MS: u64 = 10 * 60_000;
/// Most keys shunned at a time; the one whose time is up first makes room.
const MAX_BANS: usize = 1_000;
/// How often the owner is told of being alone, and of clocks that differ, in milliseconds.
const TELL_EVERY_MS: u64 = 60_000;
/// How long a session that we dialled must last before the next dial counts as the first again, in
/// milliseconds: a node that is full, or shuns us, takes the handshake and closes at once.
const SETTLED_MS: u64 = 10_000;

/// Members that are dialled at a time because something is to be delivered to them, and connections
/// that may be made for that beyond those a node keeps.
const MAX_WANTED: usize = 16;
/// How long a connection beyond those that a node keeps may be idle, in milliseconds: what is written
/// next to the same member should find it still there.
const IDLE_MS: u64 = 30_000;

struct Open {
    key: PublicKey,
    direction: Direction,
    since: SteadyTime,
    /// Beyond those a node keeps, for deliveries: with the time of the last one.
    extra: Option<SteadyTime>,
    /// Being closed: it takes up its place until it is gone, but nothing more is said in it.
    closing: bool,
}

/// A candidate's address and how dialling it went.
struct Dialling {
    key: PublicKey,
    backoff: Backoff,
    outlook: Outlook,
    busy: bool,
}

pub(super) struct Peers {
    own: PublicKey,
    limits: PeersLimits,
    seed: u64,
    spread: Spread,
    open: BTreeMap<SessionId, Open>,
    /// By address.
    dialling: BTreeMap<String, Dialling>,
    /// Sessions that we dialled, with the address, until they close.
    dialled: HashMap<SessionId, String>,
    /// Sessions that were turned away after their handshake, until they are gone.
    refused: HashSet<SessionId>,
    banned: BTreeMap<PublicKey, SteadyTime>,
    /// Members that something is to be delivered to, with their addresses that are still to be tried.
    wanted: BTreeMap<PublicKey, VecDeque<String>>,
    clock_told: Option<SteadyTime>,
    alone_since: Option<SteadyTime>,
    alone_told: SteadyTime,
}

impl Peers {
    pub(super) fn new(own: PublicKey, limits: PeersLimits, seed: u64, now: SteadyTime) -> Self {
        Self {
            own,
            limits,
            seed,
            spread: Spread::new(seed),
            open: BTreeMap::new(),
            dialling: BTreeMap::new(),
            dialled: HashMap::new(),
            refused: HashSet::new(),
            banned: BTreeMap::new(),
            wanted: BTreeMap::new(),
            clock_told: None,
            alone_since: Some(now),
            alone_told: now,
        }
    }

    pub(super) fn set_candidates(&mut self, candidates: Vec<Candidate>) {
        let mut dialling = BTreeMap::new();
        for candidate in candidates.into_iter().filter(|c| c.key != self.own) {
            for address in candidate.addresses {
                let before = self.dialling.remove(&address);
                // Who is back is dialled at once.
                let backoff = before
                    .as_ref()
                    .filter(|d| d.key == candidate.key && candidate.outlook >= d.outlook)
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
                        outlook: candidate.outlook,
                        busy,
                    },
                );
            }
        }
        self.dialling = dialling;
    }

    /// Sessions of one direction that a node keeps, those being closed included.
    fn count(&self, direction: Direction) -> usize {
        let open = self.open.values().filter(|o| o.extra.is_none());
        open.filter(|o| o.direction == direction).count()
    }

    /// The session with a member.
    pub(super) fn session_of(&self, key: &PublicKey) -> Option<SessionId> {
        let mut open = self.open_sessions();
        open.find_map(|(session, other, _)| (other == *key).then_some(session))
    }

    /// Something is to be delivered to a member without a session: it is dialled, however many
    /// connections there are.
    pub(super) fn want(&mut self, key: PublicKey, now: SteadyTime) -> Vec<Effect> {
        if self.wanted.contains_key(&key) {
            return Vec::new();
        }
        let addresses = self.dialling.iter().filter(|(_, d)| d.key == key);
        let addresses: VecDeque<_> = addresses.map(|(address, _)| address.clone()).collect();
        if self.wanted.len() >= MAX_WANTED || self.banned.contains_key(&key) {
            return vec![Effect::TellOutbox(DeliveryFact::Unreachable(key))];
        }
        self.wanted.insert(key, addresses);
        self.dial_wanted(key, now)
    }

    /// Dials the next address of a wanted member, or gives up.
    fn dial_wanted(&mut self, key: PublicKey, now: SteadyTime) -> Vec<Effect> {
        let open: HashSet<&String> = self.dialled.values().collect();
        while let Some(address) = self.wanted.get_mut(&key).and_then(VecDeque::pop_front) {
            let Some(dialling) = self.dialling.get_mut(&address) else {
                continue;
            };
            // On its way already: how that ends is waited for.
            if dialling.busy {
                return Vec::new();
            }
            if open.contains(&address) {
                continue;
            }
            dialling.busy = true;
            dialling.backoff.hurry();
            return vec![Effect::Dial(address)];
        }
        self.wanted.remove(&key);
        let mut effects = vec![Effect::TellOutbox(DeliveryFact::Unreachable(key))];
        effects.extend(self.dial(now));
        effects
    }

    /// Something is delivered in this session.
    pub(super) fn used(&mut self, session: SessionId, now: SteadyTime) {
        if let Some(open) = self.open.get_mut(&session)
            && open.extra.is_some()
        {
            open.extra = Some(now);
        }
    }

    /// Dials candidates until there are enough outgoing connections or none is due.
    pub(super) fn dial(&mut self, now: SteadyTime) -> Vec<Effect> {
        let busy = self.dialling.values().filter(|d| d.busy).count();
        let room = self
            .limits
            .outgoing
            .saturating_sub(self.count(Direction::Outgoing) + busy);
        if room == 0 {
            return Vec::new();
        }
        let open = self.open.values().map(|o| o.key);
        let busy = self.dialling.values().filter(|d| d.busy).map(|d| d.key);
        let mut taken: HashSet<PublicKey> = open.chain(busy).collect();
        // Also by address: at this one, another than its candidate may have answered.
        let live: HashSet<&String> = self.dialled.values().collect();
        let mut due: Vec<_> = self
            .dialling
            .iter()
            .filter(|(address, d)| !d.busy && d.backoff.is_due(now) && !live.contains(address))
            .filter(|(_, d)| !taken.contains(&d.key) && !self.banned.contains_key(&d.key))
            .map(|(address, d)| (d.outlook, address.clone(), d.key))
            .collect();
        // Each node its own, or all would meet at the same few; of these the promising ones first.
        let count = due.len();
        self.spread.choose(&mut due, count);
        due.sort_by_key(|(outlook, ..)| *outlook);
        let mut effects = Vec::new();
        for (_, address, key) in due {
            if effects.len() == room {
                break;
            }
            if taken.insert(key)
                && let Some(dialling) = self.dialling.get_mut(&address)
            {
                dialling.busy = true;
                effects.push(Effect::Dial(address));
            }
        }
        effects
    }

    pub(super) fn dial_failed(&mut self, address: &str, now: SteadyTime) -> Vec<Effect> {
        let Some(dialling) = self.dialling.get_mut(address) else {
            return Vec::new();
        };
        dialling.busy = false;
        dialling.backoff.failed(now);
        let key = dialling.key;
        if self.wanted.contains_key(&key) {
            return self.dial_wanted(key, now);
        }
        Vec::new()
    }

    pub(super) fn dial_connected(&mut self, session: SessionId, address: &str) {
        self.dialled.insert(session, address.to_owned());
    }

    pub(super) fn admits(&self, handshakes: usize) -> Admission {
        let incoming = self.count(Direction::Incoming) + self.refused.len();
        let places = if incoming < self.limits.incoming {
            MAX_HANDSHAKES
        } else {
            SPARE_HANDSHAKES.saturating_sub(self.refused.len())
        };
        if places == 0 {
            Admission::Full
        } else if handshakes >= places {
            Admission::InPlaceOfOldest
        } else {
            Admission::Welcome
        }
    }

    /// Whether the session stays; and what follows.
    pub(super) fn opened(
        &mut self,
        session: SessionId,
        key: PublicKey,
        direction: Direction,
        now: SteadyTime,
    ) -> (bool, Vec<Effect>) {
        match self.judge_opened(key, direction, now) {
            Err(reason) => {
                self.refused.insert(session);
                (false, vec![Effect::Close(session, reason.into())])
            }
            Ok((replaced, is_extra)) => {
                let replaced = replaced.map(|other| Effect::Close(other, "connected anew".into()));
                let open = Open {
                    key,
                    direction,
                    since: now,
                    extra: is_extra.then_some(now),
                    closing: false,
                };
                self.open.insert(session, open);
                self.wanted.remove(&key);
                if let Some(dialling) = self.dialling_of(session) {
                    dialling.busy = false;
                }
                self.alone_since = None;
                let connected = Effect::Tell(Fact::Connected(session, key, direction));
                (true, replaced.into_iter().chain([connected]).collect())
            }
        }
    }

    /// The session that a new one takes the place of, and whether it is one beyond those a node keeps;
    /// or why the new one can't stay.
    fn judge_opened(
        &self,
        key: PublicKey,
        direction: Direction,
        now: SteadyTime,
    ) -> Result<(Option<SessionId>, bool), &'static str> {
        if key == self.own {
            return Err("this node has the same key as you: each needs its own");
        }
        if self.banned.get(&key).is_some_and(|until| *until > now) {
            return Err("you broke a rule of the protocol a short while ago");
        }
        let mut open = self.open.iter();
        let before = open.find(|(_, open)| open.key == key && !open.closing);
        if let Some((_, before)) = before {
            // Both ends dialled at once: the connection dialled by the smaller key stays, so that
            // both close the same one. A second dial by the same end replaces the first, which the
            // other end has lost.
            let preferred = if self.own < key {
                Direction::Outgoing
            } else {
                Direction::Incoming
            };
            if before.direction != direction && before.direction == preferred {
                return Err("connected already");
            }
        }
        let most = match direction {
            Direction::Outgoing => self.limits.outgoing,
            Direction::Incoming => self.limits.incoming,
        };
        let replaces = before
            .is_some_and(|(_, before)| before.direction == direction && before.extra.is_none());
        let is_extra = self.count(direction) - usize::from(replaces) >= most;
        let extras = self.open.values().filter(|open| open.extra.is_some());
        let has_place = self.wanted.contains_key(&key) && extras.count() < MAX_WANTED;
        if is_extra && !(direction == Direction::Outgoing && has_place) {
            return Err("there are enough connections here");
        }
        Ok((before.map(|(other, _)| *other), is_extra))
    }

    fn dialling_of(&mut self, session: SessionId) -> Option<&mut Dialling> {
        self.dialling.get_mut(self.dialled.get(&session)?)
    }

    /// Nothing more is said in a session that is being closed. Whether it was open until now.
    pub(super) fn release(&mut self, session: SessionId) -> bool {
        let open = self.open.get_mut(&session);
        open.is_some_and(|open| !std::mem::replace(&mut open.closing, true))
    }

    pub(super) fn closed(
        &mut self,
        session: SessionId,
        reason: &str,
        now: SteadyTime,
    ) -> Vec<Effect> {
        self.refused.remove(&session);
        let open = self.open.remove(&session);
        let settled = open
            .as_ref()
            .is_some_and(|o| now.since(o.since) >= SETTLED_MS);
        if let Some(dialling) = self.dialling_of(session) {
            dialling.busy = false;
            if settled {
                dialling.backoff.succeeded();
            }
            dialling.backoff.failed(now);
        }
        let dialled = self.dialling_of(session).map(|d| d.key);
        self.dialled.remove(&session);
        let Some(open) = open else {
            let wanted = dialled.filter(|key| self.wanted.contains_key(key));
            return wanted.map_or_else(Vec::new, |key| self.dial_wanted(key, now));
        };
        if self.open.is_empty() {
            self.alone_since = Some(now);
            self.alone_told = now;
        }
        let (key, reason) = (open.key, reason.to_owned());
        let mut effects = vec![
            Effect::Tell(Fact::Disconnected(session, key, reason)),
            Effect::TellOutbox(DeliveryFact::Lost(key)),
        ];
        // What was sent in the one that is gone is sent again in the one that took its place.
        let other = self.session_of(&key);
        effects.extend(other.map(|_| Effect::TellOutbox(DeliveryFact::Reached(key))));
        effects
    }

    /// A header of this session lies ahead of our clock: tells the owner, now and then.
    pub(super) fn clock_differs(&mut self, session: SessionId, now: SteadyTime) -> Option<Effect> {
        let key = self.key(session)?;
        let told = self.clock_told;
        if told.is_some_and(|told| now.since(told) < TELL_EVERY_MS) {
            return None;
        }
        self.clock_told = Some(now);
        Some(Effect::Tell(Fact::ClockDiffers(key)))
    }

    /// The other broke a rule: it is told, closed and shunned for a while.
    pub(super) fn misbehaved(
        &mut self,
        session: SessionId,
        reason: &str,
        now: SteadyTime,
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

    pub(super) fn tick(&mut self, delivery: &Delivery, now: SteadyTime) -> Vec<Effect> {
        self.banned.retain(|_, until| *until > now);
        let mut effects = self.dial(now);
        let idle = self.open.iter().filter(|(session, open)| {
            let long = open.extra.is_some_and(|used| now.since(used) >= IDLE_MS);
            long && !open.closing && !delivery.is_busy(**session)
        });
        let close = |(session, _): (&SessionId, _)| {
            Effect::Close(*session, "everything is delivered".into())
        };
        effects.extend(idle.map(close));
        if let Some(since) = self.alone_since
            && now.since(self.alone_told) >= TELL_EVERY_MS
        {
            self.alone_told = now;
            effects.push(Effect::Tell(Fact::Alone(since)));
        }
        effects
    }

    pub(super) fn is_open(&self, session: SessionId) -> bool {
        self.key(session).is_some()
    }

    /// Whose session it is, while it is open.
    pub(super) fn key(&self, session: SessionId) -> Option<PublicKey> {
        let open = self.open.get(&session).filter(|open| !open.closing);
        open.map(|open| open.key)
    }

    pub(super) fn open_sessions(&self) -> impl Iterator<Item = (SessionId, PublicKey, Direction)> {
        let open = self.open.iter().filter(|(_, open)| !open.closing);
        open.map(|(session, open)| (*session, open.key, open.direction))
    }
}
