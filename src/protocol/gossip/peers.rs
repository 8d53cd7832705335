//! Whom to dial, whom to keep, whom to shun.

mod book;
mod candidate;
mod dialling;
mod places;
mod rest;

pub use candidate::{Admission, Candidate, Direction, Outlook};

use super::delivery::{Delivery, DeliveryFact};
use super::{Effect, Fact};
use crate::chain::Internal;
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::membership::Certificate;
use crate::protocol::bucket::{Bucket, Buckets};
use crate::protocol::spread::Spread;
use crate::protocol::{Row, SessionId};
use book::Book;
use dialling::{Dialling, MAX_HOSTS};
use places::KEPT_EACH_WAY;
use rest::{APART, OUT};
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
/// How long a key that broke a rule is shunned, in milliseconds: long enough to cost an attacker
/// its connection, short enough for an owner who mended a broken node.
const BAN_MS: u64 = 10 * 60_000;
/// Most keys shunned at a time; the one whose time is up first makes room.
const MAX_BANS: usize = 1_000;
/// How often is written whom this node has met, in milliseconds.
const KEEP_EVERY_MS: u64 = 10_000;
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
/// How long a connection beyond those that a node keeps may go without a delivery or a receipt while
/// something in it waits for an answer, in milliseconds: several times what an answer takes. Whoever
/// never answers must not hold for ever what others need.
pub const STUCK_MS: u64 = 5 * 60_000;

/// What somebody is told who makes way.
const DISPLACED: &str = "there are enough connections here, and others are known for longer";

struct Open {
    key: PublicKey,
    /// What it showed of its membership.
    shown: Option<Certificate>,
    direction: Direction,
    since: SteadyTime,
    /// Beyond those a node keeps, for deliveries: with the time of the last one.
    extra: Option<SteadyTime>,
    /// It has lasted, so that this member is met.
    met: bool,
    /// Being closed: it takes up its place until it is gone, but nothing more is said in it.
    closing: bool,
}

/// Where a new session finds its place.
struct Place {
    /// The one with the same member, which it takes the place of.
    replaced: Option<SessionId>,
    /// The one with somebody known for less, which makes way.
    displaced: Option<SessionId>,
    /// It is beyond those that a node keeps.
    is_extra: bool,
}

pub(super) struct Peers {
    own: PublicKey,
    limits: PeersLimits,
    seed: u64,
    spread: Spread,
    open: BTreeMap<SessionId, Open>,
    /// By address.
    dialling: BTreeMap<String, Dialling>,
    /// Addresses that are being dialled, until it is known who is there, with who was looked for. Its
    /// record may name another address meanwhile.
    under_way: BTreeMap<String, PublicKey>,
    /// Sessions that we dialled, until they close, with the address and who was looked for.
    dialled: HashMap<SessionId, (String, PublicKey)>,
    /// Sessions that were turned away after their handshake, until they are gone.
    refused: HashSet<SessionId>,
    banned: BTreeMap<PublicKey, SteadyTime>,
    /// Members that something is to be delivered to, with their addresses that are still to be tried. For
    /// each there is a dial or a handshake under way, whose end leads to the next or to giving up.
    wanted: BTreeMap<PublicKey, VecDeque<String>>,
    /// Whom this node has met.
    book: Book,
    /// Since when each candidate is a member, as far as the tracker says.
    since: BTreeMap<PublicKey, Option<u64>>,
    /// What is dialled where nobody has been found yet: altogether, and by host.
    knocks: Bucket,
    hosts: Buckets<String>,
    /// When somebody beyond the connections that there are was looked at.
    felt: SteadyTime,
    /// When it was written whom this node has met.
    kept: SteadyTime,
    /// The owner has disconnected this node: nobody is dialled, and nobody stays.
    apart: bool,
    /// The admin has put this node's own key out: nobody would talk to it.
    is_out: bool,
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
            under_way: BTreeMap::new(),
            dialled: HashMap::new(),
            refused: HashSet::new(),
            banned: BTreeMap::new(),
            wanted: BTreeMap::new(),
            book: Book::default(),
            since: BTreeMap::new(),
            knocks: Bucket::default(),
            hosts: Buckets::new(MAX_HOSTS),
            felt: now,
            kept: now,
            apart: false,
            is_out: false,
            clock_told: None,
            alone_since: Some(now),
            alone_told: now,
        }
    }

    /// Takes up a stored row of whom this node has met.
    pub(super) fn open_row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Internal> {
        self.book.open_row(key, value)
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

    /// Something is delivered in this session, or answered.
    pub(super) fn used(&mut self, session: SessionId, now: SteadyTime) {
        if let Some(open) = self.open.get_mut(&session)
            && open.extra.is_some()
        {
            open.extra = Some(now);
        }
    }

    pub(super) fn admits(&self, handshakes: usize) -> Admission {
        if self.rests() {
            return Admission::Full;
        }
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
        if let Some((address, _)) = self.dialled.get(&session)
            && let Some(dialling) = self.dialling.get_mut(address)
        {
            dialling.found(key);
        }
        match self.judge_opened(key, direction, now) {
            Err(reason) => {
                self.refused.insert(session);
                (false, vec![Effect::Close(session, reason.into())])
            }
            Ok(Place {
                replaced,
                displaced,
                is_extra,
            }) => {
                let replaced = replaced.map(|other| Effect::Close(other, "connected anew".into()));
                let displaced = displaced.map(|other| Effect::Close(other, DISPLACED.into()));
                let open = Open {
                    key,
                    shown: None,
                    direction,
                    since: now,
                    extra: is_extra.then_some(now),
                    met: false,
                    closing: false,
                };
                self.open.insert(session, open);
                self.wanted.remove(&key);
                self.alone_since = None;
                let connected = Effect::Tell(Fact::Connected(session, key, direction));
                let goodbyes = replaced.into_iter().chain(displaced);
                let mut effects: Vec<_> = goodbyes.chain([connected]).collect();
                if let Some((address, meant)) = self.dialled.get(&session).cloned() {
                    self.under_way.remove(&address);
                    // Another answered where it was looked for.
                    effects.extend(self.dial_wanted(meant, now));
                }
                (true, effects)
            }
        }
    }

    /// The place that a new session has, or why it can't stay.
    fn judge_opened(
        &self,
        key: PublicKey,
        direction: Direction,
        now: SteadyTime,
    ) -> Result<Place, &'static str> {
        if self.apart {
            return Err(APART);
        }
        if self.is_out {
            return Err(OUT);
        }
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
        let replaced = before.map(|(other, _)| *other);
        let displaced = match is_extra && replaced.is_none() {
            true => self.makes_way_for(&key, direction),
            false => None,
        };
        let is_extra = is_extra && displaced.is_none();
        if is_extra && !(direction == Direction::Outgoing && has_place) {
            return Err("there are enough connections here");
        }
        Ok(Place {
            replaced,
            displaced,
            is_extra,
        })
    }

    /// This node's own key.
    pub(super) fn own(&self) -> PublicKey {
        self.own
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
        let dialled = self.dialled.remove(&session);
        if let Some((address, _)) = &dialled {
            self.under_way.remove(address);
            if let Some(dialling) = self.dialling.get_mut(address) {
                if settled {
                    dialling.backoff.succeeded();
                }
                dialling.backoff.failed(now);
            }
        }
        let Some(open) = open else {
            return dialled.map_or_else(Vec::new, |(_, key)| self.dial_wanted(key, now));
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
        effects.extend(self.feel(now));
        effects.extend(self.note_met(now));
        let idle = self.open.iter().filter(|(session, open)| {
            let is_busy = delivery.is_busy(**session);
            let most = if is_busy { STUCK_MS } else { IDLE_MS };
            let is_over = open.extra.is_some_and(|used| now.since(used) >= most);
            is_over && !open.closing
        });
        let close = |(session, _): (&SessionId, _)| {
            let reason = match delivery.is_busy(*session) {
                true => "what was delivered is not answered",
                false => "everything is delivered",
            };
            Effect::Close(*session, reason.into())
        };
        effects.extend(idle.map(close));
        if let Some(since) = self.alone_since
            && !self.rests()
            && now.since(self.alone_told) >= TELL_EVERY_MS
        {
            self.alone_told = now;
            effects.push(Effect::Tell(Fact::Alone(since)));
        }
        effects
    }

    /// Whose sessions have lasted is met; what is to be written of that.
    fn note_met(&mut self, now: SteadyTime) -> Option<Effect> {
        for (session, open) in &mut self.open {
            if !open.met && now.since(open.since) >= SETTLED_MS {
                open.met = true;
                let dialled = self.dialled.get(session).map(|(at, _)| at.as_str());
                let is_member = |key: &PublicKey| self.since.contains_key(key);
                self.book.meet(open.key, dialled, is_member);
            }
        }
        if now.since(self.kept) < KEEP_EVERY_MS {
            return None;
        }
        self.kept = now;
        let rows: Vec<Row> = self.book.take_rows();
        (!rows.is_empty()).then_some(Effect::Keep(rows))
    }

    pub(super) fn is_open(&self, session: SessionId) -> bool {
        self.key(session).is_some()
    }

    /// Whose session it is, while it is open.
    pub(super) fn key(&self, session: SessionId) -> Option<PublicKey> {
        let open = self.open.get(&session).filter(|open| !open.closing);
        open.map(|open| open.key)
    }

    /// What it showed of its membership when it began.
    pub(super) fn showed(&mut self, session: SessionId, shown: Certificate) {
        if let Some(open) = self.open.get_mut(&session) {
            open.shown = Some(shown);
        }
    }

    /// What it showed, if it did.
    pub(super) fn shown(&self, session: SessionId) -> Option<&Certificate> {
        self.open.get(&session)?.shown.as_ref()
    }

    pub(super) fn open_sessions(&self) -> impl Iterator<Item = (SessionId, PublicKey, Direction)> {
        let open = self.open.iter().filter(|(_, open)| !open.closing);
        open.map(|(session, open)| (*session, open.key, open.direction))
    }
}
