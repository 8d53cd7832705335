//! What it costs to register where nobody invited, and whether it was paid.
//!
//! The price follows how many have come lately, by far most of all from where many came: so nobody is turned
//! away for where it comes from, and nobody fills the register for nothing. Nothing is kept of what was asked
//! for: the seal on it is a hash that only this tracker can make.

use crate::canonical;
use crate::chain::NetworkId;
use crate::clock::Now;
use crate::keys::SecretKey;
use crate::membership::address::{estate, site};
use crate::protocol::bucket::{Bucket, Buckets, Rate};
use crate::wire::work::{MAX_WORK, Newcomer, WORK_VALID_MS, WorkAsked, WorkDone};
use std::num::NonZeroU64;

/// Context of the hashes that seals are made with.
const SEAL_CONTEXT: &str = "raclette 2026-11 seals of work";
/// Hashes that it costs when hardly anybody comes: nothing that somebody would notice.
pub const LEAST_WORK: u64 = 1 << 12;
/// How many may come from everywhere before the price doubles.
const ALL: Rate = Rate {
    burst: 64,
    every_ms: 2_000,
};
/// How many may come from one address at the usual price: a class behind one router, then one a minute.
const OF_SITE: Rate = Rate {
    burst: 64,
    every_ms: 60_000,
};
/// How many from what one owner of an IPv6 network has.
const OF_ESTATE: Rate = Rate {
    burst: 256,
    every_ms: 15_000,
};
/// How many beyond that double the price once more.
const STEP: u64 = 8;
/// Addresses, and networks, of which it is counted; those that are least in debt make room.
const MAX_SITES: usize = 4_096;
/// How far ahead of our clock what we asked for may be dated, in milliseconds: the clock may have been set.
const SET_BACK_MS: u64 = 60_000;

#[derive(Debug)]
pub(super) struct Pricing {
    secret: [u8; 32],
    all: Bucket,
    sites: Buckets<String>,
    estates: Buckets<String>,
}

impl Pricing {
    /// Of the tracker with this key: its seals are its own, and outlast a restart.
    pub(super) fn of(key: &SecretKey) -> Self {
        let secret = key.sign(&blake3::derive_key(SEAL_CONTEXT, b""));
        Self {
            secret: blake3::derive_key(SEAL_CONTEXT, &secret.0),
            all: Bucket::default(),
            sites: Buckets::new(MAX_SITES),
            estates: Buckets::new(MAX_SITES),
        }
    }

    /// Hashes that it costs to register from this address now.
    pub(super) fn price(&self, from: &str, now: Now) -> u64 {
        let all = self.all.used(ALL, now.steady) / ALL.burst;
        let over = |used: u64, rate: Rate| match used.checked_sub(rate.burst) {
            Some(over) => over / STEP + 1,
            None => 0,
        };
        let of_site = self.sites.used(&site(from), OF_SITE, now.steady);
        let estate = estate(from);
        let of_estate = estate.map_or(0, |own| self.estates.used(&own, OF_ESTATE, now.steady));
        let doublings = all + over(of_site, OF_SITE).max(over(of_estate, OF_ESTATE));
        let factor = u32::try_from(doublings).ok();
        let factor = factor.and_then(|doublings| 1u64.checked_shl(doublings));
        let price = factor.map(|factor| LEAST_WORK.saturating_mul(factor));
        price.unwrap_or(MAX_WORK).clamp(LEAST_WORK, MAX_WORK)
    }

    /// Somebody from this address was registered for it.
    pub(super) fn paid(&mut self, from: &str, now: Now) {
        let now = now.steady;
        self.all.count(ALL, now);
        self.sites.of(site(from), now).count(OF_SITE, now);
        if let Some(estate) = estate(from) {
            self.estates.of(estate, now).count(OF_ESTATE, now);
        }
    }

    /// What is asked of a newcomer from this address.
    pub(super) fn ask(&self, newcomer: &Newcomer, from: &str, now: Now) -> WorkAsked {
        let price = NonZeroU64::new(self.price(from, now)).unwrap_or(NonZeroU64::MIN);
        let target = WorkAsked::target_for(price);
        let seal = self.seal(newcomer, now.wall.0, target);
        WorkAsked {
            issued: now.wall,
            target,
            seal: serde_bytes::ByteArray::new(seal),
        }
    }

    fn seal(&self, newcomer: &Newcomer, issued: u64, target: u32) -> [u8; 32] {
        let said = canonical::encode(&(newcomer.key, &newcomer.name, issued, target));
        *blake3::keyed_hash(&self.secret, &said).as_bytes()
    }

    /// Whether this newcomer did what we asked of it, not long ago. Whoever greeted before the network was
    /// founded did it for none.
    pub(super) fn is_paid(&self, work: &WorkDone, newcomer: &Newcomer, now: Now) -> bool {
        let WorkAsked {
            issued,
            target,
            seal,
        } = work.asked;
        now.wall.since(issued) <= WORK_VALID_MS
            && issued.since(now.wall) <= SET_BACK_MS
            && *seal == self.seal(newcomer, issued.0, target)
            && (work.is_done(newcomer)
                || work.is_done(&Newcomer {
                    network: NetworkId::ZERO,
                    ..newcomer.clone()
                }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::BEGUN;
    use crate::protocol::testing::{TRACKER, key, secret};

    fn newcomer(number: u8) -> Newcomer {
        Newcomer {
            tracker: key(TRACKER),
            network: NetworkId::ZERO,
            key: key(number),
            name: "alice".parse().unwrap(),
        }
    }

    fn done(asked: WorkAsked, newcomer: &Newcomer) -> WorkDone {
        let work = |nonce| WorkDone { asked, nonce };
        let found = (0..).map(work).find(|work| work.is_done(newcomer));
        found.unwrap()
    }

    #[test]
    fn attack_only_what_this_tracker_asked_of_this_newcomer_within_ten_minutes_counts() {
        let pricing = Pricing::of(&secret(TRACKER));
        let alice = newcomer(1);
        let work = done(pricing.ask(&alice, "10.0.0.1:1", BEGUN), &alice);
        assert!(pricing.is_paid(&work, &alice, BEGUN));
        assert!(!pricing.is_paid(&work, &newcomer(2), BEGUN));
        assert!(!Pricing::of(&secret(9)).is_paid(&work, &alice, BEGUN));
        // Over a restart, to the last millisecond.
        let again = Pricing::of(&secret(TRACKER));
        assert!(again.is_paid(&work, &alice, BEGUN.plus_ms(WORK_VALID_MS)));
        assert!(!again.is_paid(&work, &alice, BEGUN.plus_ms(WORK_VALID_MS + 1)));
        // Easier than was asked for, or dated anew.
        let mut easier = work;
        easier.asked.target = WorkAsked::target_for(NonZeroU64::MIN);
        let mut later = work;
        later.asked.issued = BEGUN.wall.plus_ms(1);
        assert!(!pricing.is_paid(&easier, &alice, BEGUN));
        assert!(!pricing.is_paid(&done(later.asked, &alice), &alice, BEGUN));
    }

    #[test]
    fn attack_a_flood_pays_ever_more_and_a_class_behind_one_router_nothing_to_speak_of() {
        let mut pricing = Pricing::of(&secret(TRACKER));
        for _ in 0..30 {
            assert_eq!(pricing.price("192.0.2.1:1", BEGUN), LEAST_WORK);
            pricing.paid("192.0.2.1:1", BEGUN);
        }
        for _ in 0..300 {
            pricing.paid("192.0.2.1:2", BEGUN);
        }
        assert_eq!(pricing.price("192.0.2.1:9", BEGUN), MAX_WORK);
        // Others pay for how many come at all, which is soon forgotten.
        let elsewhere = pricing.price("192.0.2.2:1", BEGUN);
        assert!(
            (LEAST_WORK..=64 * LEAST_WORK).contains(&elsewhere),
            "{elsewhere}"
        );
        let later = BEGUN.plus_ms(3_600_000);
        assert_eq!(pricing.price("192.0.2.2:1", later), LEAST_WORK);
        // One who has a network of numbers has no more than one who has one.
        let mut pricing = Pricing::of(&secret(TRACKER));
        for n in 0..2_000u32 {
            pricing.paid(&format!("[2001:db8:1:{:x}::1]:7", n % 1_000), BEGUN);
        }
        assert_eq!(pricing.price("[2001:db8:1:ffff::1]:7", BEGUN), MAX_WORK);
        let mut pricing = Pricing::of(&secret(TRACKER));
        (0..200).for_each(|n| pricing.paid(&format!("[2001:db8:1:2::{n:x}]:7"), BEGUN));
        (0..200).for_each(|_| pricing.paid("[::ffff:192.0.2.7]:7", BEGUN));
        for from in ["[2001:db8:1:2:ffff::1]:7", "192.0.2.7:7"] {
            assert_eq!(pricing.price(from, BEGUN), MAX_WORK, "{from}");
        }
    }
}
