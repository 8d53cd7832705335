//! What it costs to register where nobody invited: work that is done for one tracker, network, key and name,
//! and counts for ten minutes.
//!
//! It is the search for the nonce of a header that no chain can hold, so whoever can mine can do it. The tracker
//! keeps nothing of what it asks for: its seal says that it asked, and one look at a hash that it was done.

use crate::canonical;
use crate::chain::target::{CompactTarget, Target};
use crate::chain::{BlockId, Header, Height, HistoryRoot, NetworkId, Timestamp, TransactionsRoot};
use crate::keys::PublicKey;
use crate::membership::MemberName;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// Context of the hash that the work is bound by.
pub const WORK_CONTEXT: &str = "raclette 2026-11 registration work";
/// For how long work that was asked for counts, in milliseconds: ten minutes.
pub const WORK_VALID_MS: u64 = 600_000;
/// Hashes that are asked for at most, on average: half a minute of one slow core, which tries a few hundred
/// thousand a second. Nobody does more, whatever a tracker asks.
pub const MAX_WORK: u64 = 1 << 23;
/// The version that such a header says, which no block has.
const WORK_VERSION: u32 = 0;

/// Work that a tracker asks for: `[issued, target, seal]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkAsked {
    /// When, by the tracker's clock.
    pub issued: Timestamp,
    /// The target, in its compact form.
    pub target: u32,
    /// The tracker's own sign that it asked for this: 32 bytes that mean nothing to others.
    pub seal: serde_bytes::ByteArray<32>,
}

/// Work that was done: `[asked, nonce]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkDone {
    /// What was asked for.
    pub asked: WorkAsked,
    /// What was found.
    pub nonce: u64,
}

/// For whom work is done, and at which tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// Key of the tracker.
    pub tracker: PublicKey,
    /// The network that the tracker's introduction named.
    pub network: NetworkId,
    /// The newcomer's key.
    pub key: PublicKey,
    /// The name in its record.
    pub name: MemberName,
}

impl WorkAsked {
    /// The target for so many hashes on average.
    pub fn target_for(hashes: NonZeroU64) -> u32 {
        Target::from_expected_hashes(hashes).to_compact().to_bits()
    }

    /// Whether it is no more than anybody does.
    pub fn is_bearable(&self) -> bool {
        let most = NonZeroU64::new(MAX_WORK).map(Self::target_for);
        let expand = |bits| CompactTarget::from_bits(bits).expand().ok();
        let (asked, hardest) = (expand(self.target), most.and_then(expand));
        asked.zip(hardest).is_some_and(|(asked, hardest)| {
            // Both are numbers of one length: the greater target is the easier one.
            asked.to_be_bytes() >= hardest.to_be_bytes()
        })
    }

    /// The header whose nonce is searched for.
    pub fn header(&self, newcomer: &Newcomer) -> Header {
        let Newcomer {
            tracker,
            network,
            key,
            name,
        } = newcomer;
        let bound = canonical::encode(&(tracker, network, key, name, &self.seal));
        Header {
            previous: BlockId([0; 32]),
            history_root: HistoryRoot([0; 32]),
            transactions_root: TransactionsRoot(blake3::derive_key(WORK_CONTEXT, &bound)),
            version: WORK_VERSION,
            target: CompactTarget::from_bits(self.target),
            height: Height(0),
            timestamp: self.issued,
            nonce: 0,
        }
    }
}

impl WorkDone {
    /// Whether this is the work, done for this newcomer.
    pub fn is_done(&self, newcomer: &Newcomer) -> bool {
        let header = Header {
            nonce: self.nonce,
            ..self.asked.header(newcomer)
        };
        header.has_work()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::START;

    fn newcomer() -> Newcomer {
        Newcomer {
            tracker: PublicKey([1; 32]),
            network: BlockId([2; 32]),
            key: PublicKey([3; 32]),
            name: "alice".parse().unwrap(),
        }
    }

    fn asked(hashes: u64) -> WorkAsked {
        WorkAsked {
            issued: START,
            target: WorkAsked::target_for(NonZeroU64::new(hashes).unwrap()),
            seal: serde_bytes::ByteArray::new([4; 32]),
        }
    }

    #[test]
    fn attack_work_counts_for_nobody_and_nothing_else() {
        let (asked, newcomer) = (asked(256), newcomer());
        let work = |nonce| WorkDone { asked, nonce };
        let nonce = (0..).find(|nonce| work(*nonce).is_done(&newcomer)).unwrap();
        // The same nonce does for another only by chance, which is one in 256.
        type Change = fn(&mut Newcomer);
        let changes: [Change; 4] = [
            |other| other.tracker = PublicKey([9; 32]),
            |other| other.network = BlockId([9; 32]),
            |other| other.key = PublicKey([9; 32]),
            |other| other.name = "bob".parse().unwrap(),
        ];
        for change in changes {
            let mut other = newcomer.clone();
            change(&mut other);
            assert_ne!(asked.header(&other), asked.header(&newcomer));
        }
        let header = Header {
            nonce,
            ..asked.header(&newcomer)
        };
        assert!(header.has_work() && header.version != crate::chain::header::HEADER_VERSION);
    }

    #[test]
    fn attack_nobody_works_for_longer_than_is_bearable() {
        assert!(asked(1).is_bearable() && asked(MAX_WORK).is_bearable());
        assert!(!asked(2 * MAX_WORK).is_bearable());
        let mut nonsense = asked(1);
        nonsense.target = 0;
        assert!(!nonsense.is_bearable());
    }
}
