//! Liveness: who answers. The tracker asks every member once a round, and this says whom, when and
//! how, and what comes of the answers.
//!
//! A member with a session is challenged on it; one without is dialled back. A session that leaves
//! a challenge unanswered for a whole round is given up, and its member is dialled back from then
//! on. Two rounds in a row without an answer of either kind make a member offline; one answer makes
//! it live again, with or without a registration. A member that says goodbye is offline at once.
//!
//! Members with a session are dialled back as well, more rarely: who can't be is live all the same,
//! but others are told that it can't be reached.
//!
//! Time here is that during which the tracker was awake: it never goes back, and after a sleep, or
//! when somebody sets the clock, it goes on from where it was. A tracker that slept does not blame
//! its members for the answers that it did not hear.

use super::SessionId;
use super::spread::Spread;
use crate::clock::SteadyTime;
use crate::wire::MemberId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How often every member is asked.
pub const ROUND_MS: u64 = 30_000;
/// Rounds in a row without an answer that make a member offline: one may be a bad moment.
pub const MAX_MISSES: u8 = 2;
/// The longest time between two visits to a member that did not answer the last ones, or that has a
/// session and only shows by them whether it can be reached. One that is back dials the tracker by
/// itself, sooner than that.
pub const LONGEST_PAUSE_MS: u64 = 300_000;
/// The shortest time between two visits to a member, however often it comes and goes: nobody can
/// make a tracker knock at somebody else's door without end.
pub const SHORTEST_PAUSE_MS: u64 = 10_000;
/// Members that are dialled back at a time. The largest network this is made for, gone dark
/// altogether, is through in 20 s at 5 s each.
pub const MAX_DIALS: usize = 512;
/// By how much awake time goes on from one tick to the next, at most: ten ticks, for a busy moment.
const MAX_STEP_MS: u64 = 2_000;

/// How a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// It answered in one of the last two rounds.
    pub live: bool,
    /// It answered under one of its addresses when it was last dialled back, or the time before.
    pub reachable: bool,
}

/// Whom to ask now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Sessions to challenge, with [`Asks::number`].
    pub challenge: Vec<SessionId>,
    /// Number of the challenge.
    pub number: u64,
    /// Sessions to close: they left a challenge unanswered for a whole round.
    pub give_up: Vec<SessionId>,
    /// Members to dial back; each is to be reported with [`Liveness::dialled_back`].
    pub dial_back: Vec<MemberId>,
}

/// Where a visit to a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// Nowhere.
    None,
    /// It waits for a place among those under way.
    Waiting,
    /// Somebody is dialling.
    UnderWay,
    /// Somebody is dialling, but the outcome counts for nothing any more.
    Void,
}

/// What is known of a member.
#[derive(Debug)]
struct Watched {
    standing: Standing,
    session: Option<SessionId>,
    /// The challenge that its session has to answer.
    asked: Option<u64>,
    /// When its session is challenged next, or given up.
    next_ask: u64,
    /// Whether there is anywhere to dial.
    has_address: bool,
    visit: Visit,
    /// When it is dialled back next.
    next_visit: u64,
    /// When it was last.
    visited: Option<u64>,
    /// Until the visit after that, should it be in vain.
    pause: u64,
    /// Visits in vain, in a row.
    vain: u8,
    /// Rounds without an answer, in a row.
    misses: u8,
    /// Under which time it stands in the queue.
    wakes: u64,
}

/// The machine behind the rounds.
#[derive(Debug)]
pub struct Liveness {
    members: BTreeMap<MemberId, Watched>,
    /// When each member is looked at next.
    queue: BTreeSet<(u64, MemberId)>,
    /// Members that wait to be dialled back, each once.
    waiting: VecDeque<MemberId>,
    dialling: usize,
    /// Members whose standing changed since it was last asked for.
    changed: BTreeSet<MemberId>,
    /// Number of the last challenge.
    number: u64,
    /// Awake time.
    awake: u64,
    last_tick: Option<SteadyTime>,
    spread: Spread,
}

impl Liveness {
    /// Nobody is watched yet. `seed` only spreads the first visits.
    pub fn new(seed: u64) -> Self {
        Self {
            members: BTreeMap::new(),
            queue: BTreeSet::new(),
            waiting: VecDeque::new(),
            dialling: 0,
            changed: BTreeSet::new(),
            number: 0,
            awake: 0,
            last_tick: None,
            spread: Spread::new(seed),
        }
    }

    /// Watches a member of which nothing has been heard. It is dialled back at some moment of the
    /// first round, so that not all are at once after a start.
    pub fn watch(&mut self, id: MemberId, has_address: bool) {
        let first = self.awake + self.spread.up_to(ROUND_MS);
        let watched = Watched {
            standing: Standing::default(),
            session: None,
            asked: None,
            next_ask: u64::MAX,
            has_address,
            visit: Visit::None,
            next_visit: first,
            visited: None,
            pause: ROUND_MS,
            vain: 0,
            misses: 0,
            wakes: first,
        };
        if let Some(former) = self.members.insert(id, watched) {
            self.queue.remove(&(former.wakes, id));
        }
        self.queue.insert((first, id));
    }

    /// A member has left for good.
    pub fn forget(&mut self, id: MemberId) {
        if let Some(watched) = self.members.remove(&id) {
            self.queue.remove(&(watched.wakes, id));
            self.changed.remove(&id);
        }
    }

    /// How a member stands; one that is not watched is neither live nor reachable.
    pub fn standing(&self, id: MemberId) -> Standing {
        self.members
            .get(&id)
            .map(|w| w.standing)
            .unwrap_or_default()
    }

    /// Whether the member's session has to answer a challenge still: until then, it may not have
    /// read what was sent before.
    pub fn is_asked(&self, id: MemberId) -> bool {
        self.members.get(&id).is_some_and(|w| w.asked.is_some())
    }

    /// A member registered on this session, which takes the place of a former one. Where it can be
    /// dialled may be new: it is visited soon.
    pub fn attached(&mut self, id: MemberId, session: SessionId, has_address: bool) {
        let awake = self.awake;
        self.update(id, |watched| {
            if watched.session != Some(session) {
                watched.session = Some(session);
                watched.asked = None;
                watched.next_ask = awake + ROUND_MS;
            }
            watched.has_address = has_address;
            watched.misses = 0;
            watched.pause = ROUND_MS;
            watched.visit_soon(awake);
            watched.standing.live = true;
            watched.standing.reachable &= has_address;
        });
    }

    /// The end of a member's session; `farewell` if the member said goodbye before. The end of a
    /// former session changes nothing.
    pub fn detached(&mut self, id: MemberId, session: SessionId, farewell: bool) {
        let awake = self.awake;
        self.update(id, |watched| {
            if watched.session != Some(session) {
                return;
            }
            watched.end_session();
            watched.visit_soon(awake);
            if farewell {
                watched.farewell(awake);
            }
        });
    }

    /// Challenges sessions on behalf of whoever wants to know when they have read what was sent
    /// before; the number of the challenge. Sessions that are asked already are left out by the
    /// caller ([`Liveness::is_asked`]).
    pub fn challenge(&mut self, members: &[MemberId]) -> u64 {
        self.number += 1;
        let (number, awake) = (self.number, self.awake);
        for id in members {
            self.update(*id, |watched| watched.ask(number, awake));
        }
        number
    }

    /// A session answered a challenge. Any but the last one of the member's own session counts for
    /// nothing.
    pub fn answered(&mut self, id: MemberId, session: SessionId, number: u64) {
        let awake = self.awake;
        self.update(id, |watched| {
            if watched.session == Some(session) && watched.asked == Some(number) {
                watched.asked = None;
                watched.next_ask = awake + ROUND_MS;
                watched.misses = 0;
                watched.standing.live = true;
            }
        });
    }

    /// A visit has ended; `reached` if the member itself answered.
    pub fn dialled_back(&mut self, id: MemberId, reached: bool) {
        self.dialling = self.dialling.saturating_sub(1);
        let awake = self.awake;
        self.update(id, |watched| {
            let visit = std::mem::replace(&mut watched.visit, Visit::None);
            if visit != Visit::UnderWay {
                return;
            }
            if reached {
                watched.reached(awake);
            } else {
                watched.not_reached(awake);
            }
        });
    }

    /// Lets time pass, and says whom to ask now. To be called a few times a second.
    #[must_use]
    pub fn tick(&mut self, now: SteadyTime) -> Asks {
        let passed = self.last_tick.map_or(0, |last| now.since(last));
        self.last_tick = Some(now);
        self.awake += passed.min(MAX_STEP_MS);
        let mut asks = Asks::default();
        while let Some((due, id)) = self.queue.first().copied()
            && due <= self.awake
        {
            self.look_at(id, &mut asks);
        }
        if !asks.challenge.is_empty() {
            self.number += 1;
            asks.number = self.number;
        }
        while self.dialling < MAX_DIALS
            && let Some(id) = self.waiting.pop_front()
        {
            if let Some(watched) = self.members.get_mut(&id)
                && watched.visit == Visit::Waiting
            {
                watched.visit = Visit::UnderWay;
                watched.visited = Some(self.awake);
                self.dialling += 1;
                asks.dial_back.push(id);
            }
        }
        asks
    }

    /// The members whose standing changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<MemberId> {
        std::mem::take(&mut self.changed)
    }

    /// Asks a member whose time has come.
    fn look_at(&mut self, id: MemberId, asks: &mut Asks) {
        let (awake, number) = (self.awake, self.number + 1);
        let mut to_dial = false;
        self.update(id, |watched| {
            if let Some(session) = watched.session
                && watched.next_ask <= awake
            {
                if watched.asked.is_some() {
                    // Whether this round is a miss is for a visit to say.
                    asks.give_up.push(session);
                    watched.end_session();
                    watched.visit_soon(awake);
                } else {
                    asks.challenge.push(session);
                    watched.ask(number, awake);
                }
            }
            if watched.next_visit <= awake {
                to_dial = watched.visit_due(awake);
            }
        });
        if to_dial {
            self.waiting.push_back(id);
        }
    }

    /// Changes what is known of a member, and notes what follows.
    fn update(&mut self, id: MemberId, change: impl FnOnce(&mut Watched)) {
        let Some(watched) = self.members.get_mut(&id) else {
            return;
        };
        let before = watched.standing;
        change(watched);
        if watched.standing != before {
            self.changed.insert(id);
        }
        self.queue.remove(&(watched.wakes, id));
        watched.wakes = watched.next_visit.min(match watched.session {
            Some(_) => watched.next_ask,
            None => u64::MAX,
        });
        self.queue.insert((watched.wakes, id));
    }
}

impl Watched {
    fn ask(&mut self, number: u64, awake: u64) {
        if self.session.is_some() {
            self.asked = Some(number);
            self.next_ask = awake + ROUND_MS;
        }
    }

    fn end_session(&mut self) {
        self.session = None;
        self.asked = None;
        self.pause = ROUND_MS;
    }

    /// It said goodbye: what a visit that is under way finds is of the time before.
    fn farewell(&mut self, awake: u64) {
        self.next_visit = awake + ROUND_MS;
        self.misses = MAX_MISSES;
        self.standing = Standing::default();
        self.visit = match self.visit {
            Visit::None | Visit::Waiting => Visit::None,
            Visit::UnderWay | Visit::Void => Visit::Void,
        };
    }

    fn visit_soon(&mut self, awake: u64) {
        let earliest = self.visited.map_or(0, |last| last + SHORTEST_PAUSE_MS);
        self.next_visit = awake.max(earliest);
    }

    fn missed(&mut self) {
        self.misses = self.misses.saturating_add(1).min(MAX_MISSES);
        if self.misses == MAX_MISSES {
            self.standing = Standing::default();
        }
    }

    /// The time for a visit has come; whether there is one to be made.
    fn visit_due(&mut self, awake: u64) -> bool {
        if !self.has_address {
            self.not_reached(awake);
            return false;
        }
        // Set anew when the visit has ended.
        self.next_visit = awake + ROUND_MS;
        let is_free = self.visit == Visit::None;
        if is_free {
            self.visit = Visit::Waiting;
        }
        is_free
    }

    fn reached(&mut self, awake: u64) {
        self.misses = 0;
        self.vain = 0;
        self.pause = ROUND_MS;
        self.standing = Standing {
            live: true,
            reachable: true,
        };
        self.next_visit = awake
            + match self.session {
                Some(_) => LONGEST_PAUSE_MS,
                None => ROUND_MS,
            };
    }

    fn not_reached(&mut self, awake: u64) {
        self.vain = self.vain.saturating_add(1);
        if self.vain >= MAX_MISSES {
            self.standing.reachable = false;
        }
        if self.session.is_none() {
            self.missed();
        }
        self.next_visit = awake + self.pause;
        if self.session.is_some() || !self.standing.live {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE_MS);
        }
    }
}

#[cfg(test)]
mod tests;
