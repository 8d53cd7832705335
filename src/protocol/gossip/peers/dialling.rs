//! Whom to dial when, and at which address.
//!
//! Records are their members' word: one may name what is another's, or what is nobody's here at all. So
//! addresses are kept with all who name them; whoever was last found at one is looked for there before
//! others; how a dial went is kept by address, so that no new record and no other member makes us knock
//! again sooner; and there is a bound on what is dialled where nobody has been found yet.

use super::{Candidate, Direction, KEPT_EACH_WAY, MAX_WANTED, Peers};
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::membership::address::{site, street};
use crate::protocol::SessionId;
use crate::protocol::backoff::Backoff;
use crate::protocol::bucket::Rate;
use crate::protocol::gossip::Effect;
use crate::protocol::gossip::delivery::DeliveryFact;
use crate::protocol::gossip::peers::Outlook;
use std::collections::{BTreeMap, HashSet, VecDeque};

/// First pause after a dial that failed, in milliseconds.
const FIRST_PAUSE_MS: u64 = 1_000;
/// Longest pause between dials, in milliseconds: a member that comes back is found within a minute.
const LONGEST_PAUSE_MS: u64 = 60_000;
/// Addresses that no record names any more whose pauses are kept, so that one which is named anew is not
/// dialled sooner.
const MAX_RETIRED: usize = 1_024;
/// How often a host is dialled where nobody has been found: a class behind one router at once.
const KNOCKS_AT_HOST: Rate = Rate {
    burst: 64,
    every_ms: 5_000,
};
/// Hosts of which that is counted; those that have the least to wait make room.
pub(super) const MAX_HOSTS: usize = 4_096;
/// How often anybody is dialled where nobody has been found, for there are names without end.
const KNOCKS: Rate = Rate {
    burst: 256,
    every_ms: 1_000,
};
/// Of those who may be dialled, how many are weighed at a time, chosen by chance among those who promise most:
/// many times what is dialled.
const MAX_WEIGHED: usize = 256;
/// How often somebody beyond the connections that a node keeps is looked at, in milliseconds: so whoever is
/// known longer comes to a place that others have taken.
const FEELER_EVERY_MS: u64 = 120_000;

/// An address, who names it, and how dialling it went.
pub(super) struct Dialling {
    pub(super) backoff: Backoff,
    /// Who says to be there.
    claims: BTreeMap<PublicKey, Outlook>,
    /// Who was there when it was dialled last.
    found: Option<PublicKey>,
    /// When it was last dialled at once because its member was said to be back.
    hurried: Option<SteadyTime>,
}

impl Dialling {
    fn new(seed: u64) -> Self {
        Self {
            backoff: Backoff::new(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, seed),
            claims: BTreeMap::new(),
            found: None,
            hurried: None,
        }
    }

    /// Who was found here and still says to be here.
    fn home_of(&self) -> Option<PublicKey> {
        self.found.filter(|found| self.claims.contains_key(found))
    }

    /// These say to be here now. Who is back is dialled at once, unless another lives here; but saying so
    /// again and again makes nobody knock more often than at any other time.
    fn claimed(&mut self, claims: BTreeMap<PublicKey, Outlook>, now: SteadyTime) {
        let before = std::mem::replace(&mut self.claims, claims);
        let home = self.home_of();
        let is_back = self.claims.iter().any(|(key, outlook)| {
            let was = before.get(key);
            was.is_some_and(|was| outlook < was) && home.is_none_or(|home| home == *key)
        });
        let last = self.hurried;
        if is_back && last.is_none_or(|last| now.since(last) >= LONGEST_PAUSE_MS) {
            self.hurried = Some(now);
            self.backoff.hurry();
        }
    }

    /// Who answers here proves to be one of those who say so.
    pub(super) fn found(&mut self, key: PublicKey) {
        if self.claims.contains_key(&key) {
            self.found = Some(key);
        }
    }
}

/// Somebody who may be dialled now, and where.
struct Due {
    key: PublicKey,
    address: String,
    outlook: Outlook,
}

impl Peers {
    /// These may be dialled, and no others.
    pub(in super::super) fn candidates(
        &mut self,
        candidates: Vec<Candidate>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let mut named: BTreeMap<String, BTreeMap<PublicKey, Outlook>> = BTreeMap::new();
        self.since.clear();
        for candidate in candidates.into_iter().filter(|c| c.key != self.own) {
            self.since.insert(candidate.key, candidate.since);
            for address in candidate.addresses {
                let claims = named.entry(address).or_default();
                claims.insert(candidate.key, candidate.outlook);
            }
        }
        let mut before = std::mem::take(&mut self.dialling);
        for (address, claims) in named {
            let known = before.remove(&address);
            let mut dialling = known.unwrap_or_else(|| Dialling::new(self.seed));
            let news = claims
                .keys()
                .filter(|key| !dialling.claims.contains_key(key));
            for key in news {
                if let Some(addresses) = self.wanted.get_mut(key) {
                    addresses.push_back(address.clone());
                }
                if dialling.found.is_none() && self.book.is_at(key, &address) {
                    dialling.found = Some(*key);
                }
            }
            dialling.claimed(claims, now);
            self.dialling.insert(address, dialling);
        }
        self.retire(before, now);
        let wanted: Vec<_> = self.wanted.keys().copied().collect();
        let again = wanted
            .into_iter()
            .flat_map(|key| self.dial_wanted(key, now));
        let mut effects: Vec<_> = again.collect();
        effects.extend(self.dial(now));
        effects
    }

    /// Nobody names these any more. Their pauses last, lest they be dialled sooner when somebody does again.
    fn retire(&mut self, mut gone: BTreeMap<String, Dialling>, now: SteadyTime) {
        let is_called = |address: &String| self.under_way.contains_key(address);
        gone.retain(|address, dialling| !dialling.backoff.is_due(now) || is_called(address));
        while gone.len() > MAX_RETIRED {
            gone.pop_first();
        }
        for (address, mut dialling) in gone {
            dialling.claims.clear();
            self.dialling.insert(address, dialling);
        }
    }

    /// Whether this address is one that this member's record names.
    fn is_current(&self, address: &str, key: &PublicKey) -> bool {
        let dialling = self.dialling.get(address);
        dialling.is_some_and(|dialling| dialling.claims.contains_key(key))
    }

    /// Members that are being dialled where their records say that they are. An address that a record
    /// names no more may take its time to fail: its member is dialled at the new one meanwhile.
    fn called(&self) -> impl Iterator<Item = PublicKey> {
        let under_way = self.under_way.iter();
        let current = under_way.filter(|(address, key)| self.is_current(address, key));
        current.map(|(_, key)| *key)
    }

    /// Something is to be delivered to a member without a session: it is dialled, however many
    /// connections there are.
    pub(in super::super) fn want(&mut self, key: PublicKey, now: SteadyTime) -> Vec<Effect> {
        if self.wanted.contains_key(&key) {
            return Vec::new();
        }
        let own = self.dialling.iter();
        let mut own: Vec<_> = own.filter(|(_, d)| d.claims.contains_key(&key)).collect();
        own.sort_by_key(|(_, dialling)| dialling.found != Some(key));
        let addresses: VecDeque<_> = own.into_iter().map(|(at, _)| at.clone()).collect();
        if self.rests() || self.wanted.len() >= MAX_WANTED || self.banned.contains_key(&key) {
            return vec![Effect::TellOutbox(DeliveryFact::Unreachable(key))];
        }
        self.wanted.insert(key, addresses);
        self.dial_wanted(key, now)
    }

    /// Dials the next address of a wanted member, if it is not being dialled, or gives up.
    pub(super) fn dial_wanted(&mut self, key: PublicKey, now: SteadyTime) -> Vec<Effect> {
        if !self.wanted.contains_key(&key) || self.called().any(|called| called == key) {
            return Vec::new();
        }
        while let Some(address) = self.wanted.get_mut(&key).and_then(VecDeque::pop_front) {
            let is_taken = self.under_way.contains_key(&address) || self.is_connected(&address);
            if is_taken || !self.is_current(&address, &key) {
                continue;
            }
            if let Some(dialling) = self.dialling.get_mut(&address) {
                dialling.backoff.hurry();
            }
            return vec![self.begin_dial(address, key)];
        }
        // Where it was before it may still be.
        if self.under_way.values().any(|other| *other == key) {
            return Vec::new();
        }
        self.wanted.remove(&key);
        let mut effects = vec![Effect::TellOutbox(DeliveryFact::Unreachable(key))];
        effects.extend(self.dial(now));
        effects
    }

    /// Whether there is a connection that we dialled at this address, whoever answered there.
    fn is_connected(&self, address: &str) -> bool {
        self.dialled.values().any(|(other, _)| other == address)
    }

    fn begin_dial(&mut self, address: String, key: PublicKey) -> Effect {
        self.under_way.insert(address.clone(), key);
        Effect::Dial(address)
    }

    /// Who is to be looked for at an address: whoever was found there, or else whom of those who name it we
    /// know longest; nobody of whom `is_taken` is true.
    fn claimant(
        &self,
        dialling: &Dialling,
        is_taken: impl Fn(&PublicKey) -> bool,
    ) -> Option<PublicKey> {
        let is_free = |key: &PublicKey| !is_taken(key) && !self.banned.contains_key(key);
        match dialling.home_of() {
            Some(home) => Some(home).filter(is_free),
            None => {
                let free = dialling.claims.keys().filter(|key| is_free(key));
                free.min_by_key(|key| self.standing(key)).copied()
            }
        }
    }

    /// Who may be dialled now, in an order of its own.
    fn due(&mut self, taken: &HashSet<PublicKey>, now: SteadyTime) -> Vec<Due> {
        // Also by address: at this one, another than its candidate may have answered.
        let live: HashSet<&String> = self.dialled.values().map(|(address, _)| address).collect();
        let is_free = |address| !self.under_way.contains_key(address) && !live.contains(address);
        let free = self.dialling.iter();
        let free = free.filter(|(address, d)| d.backoff.is_due(now) && is_free(*address));
        let due = free.filter_map(|(address, dialling)| {
            let key = self.claimant(dialling, |key| taken.contains(key))?;
            let outlook = *dialling.claims.get(&key)?;
            let address = address.clone();
            Some(Due {
                key,
                address,
                outlook,
            })
        });
        // Each node its own, or all would meet at the same few.
        let mut due: Vec<_> = due.collect();
        let count = due.len();
        self.spread.choose(&mut due, count);
        due
    }

    /// Puts first whom we met longest ago, as far as they have not their places already; then, here and
    /// there, somebody who has been a member for long; of the others those that promise to answer, and as far
    /// as there is a choice, of different neighbourhoods.
    fn in_order(&mut self, mut due: Vec<Due>, called: &[PublicKey]) -> Vec<Due> {
        let kept = Self::kept_of(self.limits.outgoing);
        let open = self.open.values();
        let outgoing = open.filter(|open| open.direction == Direction::Outgoing);
        let here = outgoing.map(|open| &open.key).chain(called);
        let here = here.filter(|key| self.book.number(key).is_some()).count();
        due.sort_by_key(|due| self.book.number(&due.key).unwrap_or(u64::MAX));
        let met = due
            .iter()
            .take_while(|d| self.book.number(&d.key).is_some());
        let met = met.count().min(kept.saturating_sub(here));
        let mut rest = due.split_off(met);
        let count = rest.len();
        self.spread.choose(&mut rest, count);
        rest.sort_by_key(|due| due.outlook);
        rest.truncate(MAX_WEIGHED);
        let dialled = self.dialled.values().map(|(address, _)| address);
        let mut streets: HashSet<_> = dialled.filter_map(|address| street(address)).collect();
        let mut others: Vec<_> = rest
            .into_iter()
            .map(|due| {
                let another = street(&due.address).is_some_and(|street| !streets.insert(street));
                (due.outlook, another, due)
            })
            .collect();
        others.sort_by_key(|(outlook, another, _)| (*outlook, *another));
        let mut others: VecDeque<_> = others.into_iter().map(|(.., due)| due).collect();
        while !others.is_empty() {
            let senior = (self.spread.up_to(KEPT_EACH_WAY as u64 - 1) == 0)
                .then(|| self.senior_of(&others))
                .flatten();
            due.extend(others.remove(senior.unwrap_or(0)));
        }
        due
    }

    /// One of those who have been members for long, among those who promise most: the longer, the likelier.
    fn senior_of(&mut self, due: &VecDeque<Due>) -> Option<usize> {
        let best = due.front()?.outlook;
        let since = |due: &Due| self.since.get(&due.key).copied().flatten();
        let known = due.iter().enumerate();
        let known = known.filter(|(_, due)| due.outlook == best);
        let mut known: Vec<_> = known.filter_map(|(at, d)| Some((since(d)?, at))).collect();
        known.sort_unstable();
        let doublings = known.len().checked_ilog2()?;
        let pool = 1u64 << self.spread.up_to(u64::from(doublings));
        let chosen = usize::try_from(self.spread.up_to(pool - 1)).unwrap_or(0);
        known.get(chosen).map(|(_, at)| *at)
    }

    /// Whether this address may be dialled as often as that: as often as one likes where this member was
    /// found, rarely elsewhere.
    fn may_knock(&mut self, due: &Due, now: SteadyTime) -> bool {
        let dialling = self.dialling.get(&due.address);
        if dialling.is_some_and(|dialling| dialling.home_of() == Some(due.key)) {
            return true;
        }
        let host = self.hosts.of(site(&due.address), now);
        host.used(KNOCKS_AT_HOST, now) < KNOCKS_AT_HOST.burst
            && self.knocks.take(KNOCKS, now)
            && host.take(KNOCKS_AT_HOST, now)
    }

    /// Dials candidates until there are enough outgoing connections or none is due.
    pub(in super::super) fn dial(&mut self, now: SteadyTime) -> Vec<Effect> {
        let called: Vec<_> = self.called().collect();
        let most = self.limits.outgoing;
        let room = most.saturating_sub(self.count(Direction::Outgoing) + called.len());
        // Dials at addresses that no record names any more are bounded, too.
        let room = room.min((2 * most + MAX_WANTED).saturating_sub(self.under_way.len()));
        if room == 0 || self.rests() {
            return Vec::new();
        }
        let open = self.open.values().map(|o| o.key);
        let mut taken: HashSet<PublicKey> = open.chain(called.iter().copied()).collect();
        let due = self.due(&taken, now);
        let mut effects = Vec::new();
        for due in self.in_order(due, &called) {
            if effects.len() == room {
                break;
            }
            if !taken.contains(&due.key) && self.may_knock(&due, now) {
                taken.insert(due.key);
                effects.push(self.begin_dial(due.address, due.key));
            }
        }
        effects
    }

    /// Looks, now and then, at somebody beyond the connections that there are: should it be known longer than
    /// one of them, it takes its place ([`Peers::opened`]).
    pub(super) fn feel(&mut self, now: SteadyTime) -> Option<Effect> {
        let is_full = self.count(Direction::Outgoing) >= self.limits.outgoing.max(1);
        if self.rests() || !is_full || now.since(self.felt) < FEELER_EVERY_MS {
            return None;
        }
        self.felt = now;
        let open = self.open.values().map(|open| open.key);
        let taken: HashSet<PublicKey> = open.chain(self.called()).collect();
        let mut due = self.due(&taken, now);
        due.sort_by_key(|due| due.outlook);
        let mut due: VecDeque<_> = due.into();
        let met = due.iter().enumerate();
        let met = met.min_by_key(|(_, due)| self.book.number(&due.key).unwrap_or(u64::MAX));
        let met = met.filter(|(_, due)| self.book.number(&due.key).is_some());
        let chosen = match (met.map(|(at, _)| at), self.spread.up_to(1)) {
            (Some(at), 0) => at,
            _ => self.senior_of(&due).unwrap_or(0),
        };
        let due = due.remove(chosen)?;
        self.may_knock(&due, now)
            .then(|| self.begin_dial(due.address, due.key))
    }

    pub(in super::super) fn dial_failed(&mut self, address: &str, now: SteadyTime) -> Vec<Effect> {
        let Some(key) = self.under_way.remove(address) else {
            return Vec::new();
        };
        if let Some(dialling) = self.dialling.get_mut(address) {
            dialling.backoff.failed(now);
        }
        self.dial_wanted(key, now)
    }

    pub(in super::super) fn dial_connected(&mut self, session: SessionId, address: &str) {
        if let Some(key) = self.under_way.get(address) {
            self.dialled.insert(session, (address.to_owned(), *key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::STARTED;
    use crate::protocol::gossip::PeersLimits;

    fn key(number: u32) -> PublicKey {
        PublicKey(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    fn named(number: u32, outlook: Outlook) -> Candidate {
        let [_, a, b, c] = number.to_be_bytes();
        Candidate {
            key: key(number),
            addresses: vec![format!("10.{a}.{b}.{c}:7000")],
            outlook,
            since: None,
        }
    }

    #[test]
    fn attack_records_without_end_are_not_all_weighed_and_displace_neither_who_was_met_nor_who_answers()
     {
        let limits = PeersLimits {
            outgoing: 8,
            incoming: 32,
        };
        let mut peers = Peers::new(key(0), limits, 1, STARTED);
        let crowd = 10 * MAX_WEIGHED as u32;
        let mut all: Vec<_> = (1..=crowd).map(|n| named(n, Outlook::Poor)).collect();
        let answering = crowd + 1..=crowd + 20;
        all.extend(answering.clone().map(|n| named(n, Outlook::Good)));
        let friend = named(crowd + 100, Outlook::Poor);
        peers
            .book
            .meet(friend.key, Some(&friend.addresses[0]), |_| true);
        all.push(friend.clone());
        // Nothing is dialled while the node is apart: all are due.
        peers.apart = true;
        assert_eq!(peers.candidates(all, STARTED).len(), 0);
        let due = peers.due(&HashSet::new(), STARTED);
        assert_eq!(due.len(), crowd as usize + 21);
        let ordered = peers.in_order(due, &[]);
        assert_eq!(ordered.len(), 1 + MAX_WEIGHED);
        assert_eq!(ordered[0].key, friend.key, "who was met comes first");
        let good: Vec<_> = answering.map(key).collect();
        let next = ordered[1..].iter().take(good.len());
        assert!(next.clone().all(|due| good.contains(&due.key)));
    }
}
