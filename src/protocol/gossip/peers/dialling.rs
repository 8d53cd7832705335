//! Whom to dial when, and at which address.

use super::{Candidate, Direction, MAX_WANTED, Peers};
use crate::clock::SteadyTime;
use crate::keys::PublicKey;
use crate::protocol::SessionId;
use crate::protocol::backoff::Backoff;
use crate::protocol::gossip::Effect;
use crate::protocol::gossip::delivery::DeliveryFact;
use crate::protocol::gossip::peers::Outlook;
use std::collections::{HashSet, VecDeque};

/// First pause after a dial that failed, in milliseconds.
const FIRST_PAUSE_MS: u64 = 1_000;
/// Longest pause between dials, in milliseconds: a member that comes back is found within a minute.
const LONGEST_PAUSE_MS: u64 = 60_000;

/// A candidate's address and how dialling it went.
pub(super) struct Dialling {
    key: PublicKey,
    pub(super) backoff: Backoff,
    outlook: Outlook,
}

impl Peers {
    /// These may be dialled, and no others.
    pub(in super::super) fn candidates(
        &mut self,
        candidates: Vec<Candidate>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let before = std::mem::take(&mut self.dialling);
        for candidate in candidates.into_iter().filter(|c| c.key != self.own) {
            for address in candidate.addresses {
                // Who is back is dialled at once.
                let backoff = before
                    .get(&address)
                    .filter(|d| d.key == candidate.key && candidate.outlook >= d.outlook)
                    .map_or_else(
                        || Backoff::new(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, self.seed),
                        |d| d.backoff,
                    );
                let dialling = Dialling {
                    key: candidate.key,
                    backoff,
                    outlook: candidate.outlook,
                };
                self.dialling.insert(address, dialling);
            }
        }
        for (key, addresses) in &mut self.wanted {
            let is_new = |address: &String| before.get(address).is_none_or(|d| d.key != *key);
            let own = self.dialling.iter().filter(|(_, d)| d.key == *key);
            let new = own.map(|(address, _)| address).filter(|a| is_new(a));
            addresses.extend(new.cloned());
        }
        let wanted: Vec<_> = self.wanted.keys().copied().collect();
        let again = wanted
            .into_iter()
            .flat_map(|key| self.dial_wanted(key, now));
        let mut effects: Vec<_> = again.collect();
        effects.extend(self.dial(now));
        effects
    }

    /// Whether this address is the one that its member's record names.
    fn is_current(&self, address: &str, key: &PublicKey) -> bool {
        self.dialling.get(address).is_some_and(|d| d.key == *key)
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
        let addresses = self.dialling.iter().filter(|(_, d)| d.key == key);
        let addresses: VecDeque<_> = addresses.map(|(address, _)| address.clone()).collect();
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
        let mut taken: HashSet<PublicKey> = open.chain(called).collect();
        // Also by address: at this one, another than its candidate may have answered.
        let live: HashSet<&String> = self.dialled.values().map(|(address, _)| address).collect();
        let is_free = |address| !self.under_way.contains_key(address) && !live.contains(address);
        let mut due: Vec<_> = self
            .dialling
            .iter()
            .filter(|(address, d)| d.backoff.is_due(now) && is_free(*address))
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
            if taken.insert(key) {
                effects.push(self.begin_dial(address, key));
            }
        }
        effects
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
