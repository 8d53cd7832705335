//! Who is let into a network, who is put out of it, and whose key is lost.

use super::{Fault, Plan, TRACKER, Trouble};
use crate::membership::MAX_NUMBER_AHEAD_MS;
use crate::sim::chance::Chance;
use crate::sim::deceit::Deceit;
use crate::sim::deed::{Deed, Doing, Inviting, Saying};
use std::collections::BTreeSet;

/// Of how many networks in a hundred somebody is put out.
const EXPELLED_PERCENT: u64 = 30;
/// In how many blocks lapses what is sent to somebody who may not be there to take it.
const TO_THE_MISSING_LAPSES: u64 = 20;
/// Of how many networks in a hundred only those become members who were invited.
const INVITED_PERCENT: u64 = 25;
/// When the admin invites: its tracker is up, and nobody has come yet.
const INVITED_AT_MS: u64 = 500;
/// How much later members come who have to be invited first.
const INVITED_LATER_MS: u64 = 1_000;
/// How long an invitation lasts that is not to end: longer than any clock jumps.
const LASTING_MS: u64 = 300 * 86_400_000;
/// Of how many of those networks in a hundred an invitation is for one member less than it is given to; as often
/// one ends early, and one is taken back.
const DOUBTFUL_PERCENT: u64 = 50;
/// Of how many networks in a hundred the tracker lies for a while, or for good.
const LYING_PERCENT: u64 = 25;
/// Of how many of the others there is another tracker, that is given the right to issue.
const OTHER_TRACKER_PERCENT: u64 = 25;
/// In how many of these in a hundred its process is killed, and begins again.
const KILLED_PERCENT: u64 = 40;
/// In how many of these in a hundred it is given the network, and in how many of those who gave it is gone.
const HANDED_OVER_PERCENT: u64 = 60;
/// Of how many networks in a hundred somebody loses its key.
const LOST_KEY_PERCENT: u64 = 20;

impl Plan {
    /// Who is put out and may come back, who has to be invited, and who loses its key.
    pub(super) fn draw_members(&mut self) {
        let chance = &mut Chance::of(self.seed, "what the admin says");
        let may_speak = self.peers.len() > 2 && self.tracker_can_speak();
        // Two that are honest stay.
        let others = 2..=self.peers.len().saturating_sub(1) as u64;
        if may_speak && chance.percent(EXPELLED_PERCENT) {
            for _ in 0..chance.between(1, 2) {
                let host = 1 + chance.between(*others.start(), *others.end()) as usize;
                let deeds = Deed::expulsion(chance, host, self.trouble_ms);
                self.deeds.extend(deeds);
            }
        }
        let chance = &mut Chance::of(self.seed, "invitations");
        // Who was not invited can't invent anybody.
        if !self.has_sybils() && chance.percent(INVITED_PERCENT) {
            self.invite(chance);
        }
        let chance = &mut Chance::of(self.seed, "lying trackers");
        let lie = chance
            .percent(LYING_PERCENT)
            .then(|| Fault::lie(chance, self.trouble_ms))
            .filter(|fault| !self.would_end_a_liar(fault));
        let lies = lie.is_some();
        self.faults.extend(lie);
        let chance = &mut Chance::of(self.seed, "another tracker");
        let is_spoken = self.deeds.iter().any(|d| matches!(d.what, Doing::Say(_)));
        if may_speak && !lies && !is_spoken && chance.percent(OTHER_TRACKER_PERCENT) {
            self.share(chance);
        }
        let chance = &mut Chance::of(self.seed, "lost keys");
        if may_speak && chance.percent(LOST_KEY_PERCENT) {
            let host = 1 + chance.between(*others.start(), *others.end()) as usize;
            self.deeds.push(Deed {
                at_ms: chance.between(20_000, self.trouble_ms),
                from: TRACKER,
                what: Doing::Say(Saying::Reassign(host)),
            });
        }
        self.let_lapse_what_is_for_the_missing();
        self.tell_the_truth_to_whoever_comes();
    }

    /// Who lies keeps no chain, and so knows no network after a restart: that its name is taken ends it, as it ends
    /// whoever comes for the first time.
    fn would_end_a_liar(&self, fault: &Fault) -> bool {
        let takes_names = matches!(
            fault.what,
            Trouble::Lies {
                how: Deceit::TakesNames,
                ..
            }
        );
        takes_names && self.peers.iter().any(|peer| peer.lie.is_some())
    }

    /// Who comes back has no certificate, as whoever goes by a new key: it needs a tracker's true word in the end.
    fn tell_the_truth_to_whoever_comes(&mut self) {
        let comes = |deed: &Deed| {
            matches!(
                deed.what,
                Doing::Say(Saying::Readmit(_) | Saying::Reassign(_))
            )
        };
        if self.deeds.iter().any(comes) {
            for fault in &mut self.faults {
                if let Trouble::Lies { for_good, .. } = &mut fault.what {
                    *for_good = false;
                }
            }
        }
    }

    /// There is another tracker, to which the admin gives the right to issue, and the network.
    fn share(&mut self, chance: &mut Chance) {
        self.other_tracker = true;
        let does = |at_ms, what| Deed {
            at_ms,
            from: TRACKER,
            what,
        };
        let given_ms = chance.between(10_000, self.trouble_ms / 2);
        self.deeds.push(does(given_ms, Doing::Delegate));
        if chance.percent(KILLED_PERCENT) {
            self.faults.push(Fault {
                at_ms: chance.between(given_ms, self.trouble_ms),
                for_ms: chance.between(500, 30_000),
                what: Trouble::Kill(1 + self.peers.len()),
            });
        }
        if !chance.percent(HANDED_OVER_PERCENT) {
            return;
        }
        let over_ms = chance.between(given_ms + 1, self.trouble_ms);
        self.deeds.push(does(over_ms, Doing::HandOver));
        if chance.percent(HANDED_OVER_PERCENT) {
            self.faults.push(Fault {
                at_ms: over_ms + chance.between(5_000, 60_000),
                for_ms: 0,
                what: Trouble::Gone,
            });
        }
    }

    /// Whether what the admin says is kept and counts: its tracker's disk is not wiped, and its clock is never so
    /// far ahead that nobody takes its word for days.
    fn tracker_can_speak(&self) -> bool {
        self.faults.iter().all(|fault| match fault.what {
            Trouble::Wipe(host) => host != TRACKER,
            Trouble::Clock { host, skew_ms } => {
                host != TRACKER || skew_ms < MAX_NUMBER_AHEAD_MS as i64 / 2
            }
            _ => true,
        })
    }

    /// Members are invited, two of them for certain; of the others some share an invitation that is for fewer, or
    /// have one that ends, or is taken back.
    fn invite(&mut self, chance: &mut Chance) {
        self.by_invitation = true;
        let mut others: Vec<usize> = (3..=self.peers.len()).collect();
        for peer in &mut self.peers {
            peer.joins_ms += INVITED_LATER_MS;
        }
        let mut some = |chance: &mut Chance, count: usize| -> Vec<usize> {
            let drawn = chance.percent(DOUBTFUL_PERCENT) && others.len() >= count;
            let mut hosts = Vec::new();
            while drawn && hosts.len() < count {
                hosts.push(others.swap_remove(chance.index(others.len())));
            }
            hosts
        };
        let (too_many, ends, taken_back) = (some(chance, 2), some(chance, 1), some(chance, 1));
        let certain: Vec<usize> = [1, 2].into_iter().chain(others).collect();
        let certain = certain.into_iter().filter(|host| *host <= self.peers.len());
        let mut invitations = vec![(certain.collect::<Vec<_>>(), 0, LASTING_MS)];
        invitations.push((too_many, 1, LASTING_MS));
        let soon = chance.between(2_000, self.trouble_ms);
        invitations.push((ends, 0, soon));
        for host in &taken_back {
            self.deeds.push(Deed {
                at_ms: chance.between(INVITED_AT_MS + 1, self.trouble_ms / 2),
                from: TRACKER,
                what: Doing::Revoke(*host),
            });
        }
        invitations.push((taken_back, 0, LASTING_MS));
        for (hosts, less, lasts_ms) in invitations {
            if hosts.is_empty() {
                continue;
            }
            let uses = hosts.len() as u32 - less;
            let inviting = Inviting {
                hosts,
                uses,
                lasts_ms,
            };
            self.deeds.push(Deed {
                at_ms: INVITED_AT_MS,
                from: TRACKER,
                what: Doing::Invite(inviting),
            });
        }
    }

    /// The hosts that may never become members.
    pub(in crate::sim) fn doubtful(&self) -> BTreeSet<usize> {
        let mut doubtful: BTreeSet<usize> = match self.by_invitation {
            true => (1..=self.peers.len()).collect(),
            false => BTreeSet::new(),
        };
        for deed in &self.deeds {
            if let Doing::Invite(inviting) = &deed.what
                && inviting.lasts_ms == LASTING_MS
                && inviting.uses as usize >= inviting.hosts.len()
            {
                doubtful.retain(|host| !inviting.hosts.contains(host));
            }
        }
        for deed in &self.deeds {
            if let Doing::Revoke(host) = deed.what {
                doubtful.insert(host);
            }
        }
        doubtful
    }

    /// Who is put out, has lost its key or was never let in takes nothing: what waits for it would wait for longer
    /// than anybody looks.
    fn let_lapse_what_is_for_the_missing(&mut self) {
        let missing = self.missing();
        for deed in &mut self.deeds {
            if let Doing::Send(sending) = &mut deed.what
                && missing.contains(&sending.to)
            {
                sending.lapses.get_or_insert(TO_THE_MISSING_LAPSES);
            }
        }
    }

    /// The hosts whose names go to another key.
    pub(in crate::sim) fn losing_keys(&self) -> BTreeSet<usize> {
        let said = self.deeds.iter().filter_map(|deed| match deed.what {
            Doing::Say(Saying::Reassign(host)) => Some(host),
            _ => None,
        });
        said.collect()
    }

    /// The hosts that the admin says something of.
    fn talked_of(&self) -> impl Iterator<Item = usize> {
        self.deeds.iter().filter_map(|deed| match &deed.what {
            Doing::Say(saying) => Some(saying.about()),
            _ => None,
        })
    }

    /// The hosts whose promises others may refuse to see to.
    pub(in crate::sim) fn missing(&self) -> BTreeSet<usize> {
        let mut missing = self.doubtful();
        missing.extend(self.talked_of());
        missing
    }
}
