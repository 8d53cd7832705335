//! Chains of any length, made at once: what a node has after months, for tests and measurements.
//!
//! Everything in them is valid and was judged by the ledger; only their proof of work is the easiest
//! there is, and their time is made up.

mod made_up;

pub use made_up::{INTERVAL_MS, MadeUpNetwork};

use crate::archive::{OfflineError, OfflineLedger};
use crate::chain::ledger::BlockOutcome;
use crate::chain::params::Allocation;
use crate::chain::tree::{HeadersOutcome, Tip};
use crate::chain::{
    Action, Amount, EncodedTransaction, Genesis, Header, Height, Internal, Params, Payload,
    Rejected, RulesError, Salt, Timestamp, history,
};
use crate::keys::{PublicKey, SecretKey};
use crate::store::Disk;
use made_up::solved;

/// Coins that the owner has from the start, enough for any number of payments of one coin.
const COINS: u64 = 1 << 50;
/// How many others are paid, in turn: as many accounts as a large network has.
const PAYEES: u64 = 1_000;
/// Headers that are handed in together, as many as a message has.
const HEADERS: usize = 2_000;

/// Why a chain did not grow.
#[derive(Debug, thiserror::Error)]
pub enum GrowthError {
    /// The database failed, or what is in it is damaged.
    #[error(transparent)]
    Offline(#[from] OfflineError),
    /// The network can't be followed.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A payment was refused.
    #[error("a payment was refused: {0}")]
    Payment(#[from] Rejected),
    /// A block was not taken.
    #[error("block {0} was not taken: {1:?}")]
    Block(Height, BlockOutcome),
    /// Headers were not taken.
    #[error("headers up to {0} were not taken: {1}")]
    Headers(Height, String),
}

impl From<Internal> for GrowthError {
    fn from(error: Internal) -> Self {
        Self::Offline(error.into())
    }
}

/// Whose chain it is.
pub struct Growth {
    network: MadeUpNetwork,
    owner: SecretKey,
}

impl Growth {
    /// The beginning of a chain whose block number `blocks` is stamped `until`. `tracker` signs the
    /// certificates of its members; `owner` mines it and makes its payments.
    pub fn new(tracker: PublicKey, owner: SecretKey, blocks: u64, until: Timestamp) -> Self {
        let founder = owner.public_key();
        let params = Params {
            allocations: vec![Allocation {
                to: founder,
                amount: Amount(COINS),
            }],
            ..MadeUpNetwork::params("grown")
        };
        Self {
            network: MadeUpNetwork::new(params, tracker, founder, blocks, until),
            owner,
        }
    }

    /// The genesis block.
    pub fn genesis(&self) -> &Genesis {
        self.network.genesis()
    }

    /// Makes `blocks` blocks on `disk`, each with so many payments of one coin and a reward;
    /// `progress` hears of each height.
    ///
    /// # Errors
    /// One variant of [`GrowthError`] per way to fail.
    pub fn blocks(
        &self,
        disk: &dyn Disk,
        blocks: u64,
        payments: u64,
        mut progress: impl FnMut(Height),
    ) -> Result<Tip, GrowthError> {
        let mut ledger = OfflineLedger::open(disk, self.network.rules()?, self.network.clock())?;
        let owner = self.owner.public_key();
        ledger.set_members([owner]);
        for _ in 0..blocks {
            let height = ledger.ledger().tip().height().next();
            self.network.set_time(height);
            for number in 0..payments {
                let payment = self.payment(height, number);
                ledger.send(payment)??;
            }
            self.network.mine(&mut ledger, owner)?;
            progress(height);
        }
        ledger.write()?;
        Ok(*ledger.ledger().tip())
    }

    /// Makes `headers` headers on `disk`, without bodies.
    ///
    /// # Errors
    /// One variant of [`GrowthError`] per way to fail.
    pub fn headers(
        &self,
        disk: &dyn Disk,
        headers: u64,
        mut progress: impl FnMut(Height),
    ) -> Result<Tip, GrowthError> {
        let rules = self.network.rules()?;
        let last = Height(headers);
        self.network.set_time(last);
        let mut ledger = OfflineLedger::open(disk, rules.clone(), self.network.clock())?;
        let mut entry = rules.genesis_entry();
        let mut before = None;
        let mut peaks = history::Peaks::default();
        let mut waiting = Vec::with_capacity(HEADERS);
        while entry.header.height < last {
            peaks.append(history::leaf(&entry.header.id(), entry.work));
            let now = self.network.stamp(entry.header.height.next());
            let header = solved(rules.child_header(&entry, before, &peaks, now));
            let checked = rules.check_header(&header, &entry, before, &peaks);
            before = Some(entry.header.timestamp);
            entry =
                checked.map_err(|fault| GrowthError::Headers(header.height, fault.to_string()))?;
            waiting.push(header);
            if waiting.len() == HEADERS || header.height == last {
                hand_in(&mut ledger, &waiting)?;
                waiting.clear();
                progress(header.height);
            }
        }
        ledger.write()?;
        Ok(*ledger.ledger().chain().best_header())
    }

    fn payment(&self, height: Height, number: u64) -> EncodedTransaction {
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&height.0.to_le_bytes());
        salt[8..].copy_from_slice(&number.to_le_bytes());
        let payload = Payload {
            network: self.genesis().id(),
            sender: self.owner.public_key(),
            salt: Salt(salt),
            expires_at: Height(height.0 + 100),
            fee: Amount(0),
            action: Action::Transfer {
                to: payee((height.0 + number) % PAYEES),
                amount: Amount(1),
                note: Default::default(),
            },
        };
        EncodedTransaction::new(payload.sign(&self.owner))
    }
}

fn hand_in(ledger: &mut OfflineLedger<'_>, headers: &[Header]) -> Result<(), GrowthError> {
    let last = headers.last().map_or(Height::GENESIS, |last| last.height);
    match ledger.headers(headers)? {
        Ok(HeadersOutcome::Known { height, .. }) if height == last => Ok(()),
        Ok(other) => Err(GrowthError::Headers(last, format!("{other:?}"))),
        Err(fault) => Err(GrowthError::Headers(last, fault.to_string())),
    }
}

/// A key that is paid; nobody needs to know its secret.
fn payee(number: u64) -> PublicKey {
    let root = *blake3::hash(&number.to_le_bytes()).as_bytes();
    SecretKey::from_bytes(root).public_key()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::StateView;
    use crate::store::MemoryDisk;
    use crate::store::chain_rows::ChainRows;

    const UNTIL: Timestamp = Timestamp(1_800_000_000_000);

    fn growth(blocks: u64) -> Growth {
        let tracker = SecretKey::from_bytes([9; 32]).public_key();
        Growth::new(tracker, SecretKey::from_bytes([1; 32]), blocks, UNTIL)
    }

    #[test]
    fn a_chain_has_the_blocks_and_payments_that_were_asked_for_and_can_go_on() {
        let disk = MemoryDisk::default();
        let growth = growth(30);
        let tip = growth.blocks(&disk, 20, 3, |_| {}).unwrap();
        assert_eq!(tip.height(), Height(20));
        let tip = growth.blocks(&disk, 10, 3, |_| {}).unwrap();
        assert_eq!(
            (tip.height(), tip.entry.header.timestamp),
            (Height(30), UNTIL)
        );
        let view = ChainRows(&disk);
        let owner = SecretKey::from_bytes([1; 32]).public_key();
        assert_eq!(view.balance(&owner).unwrap(), Amount(COINS + 30 * 50 - 90));
        assert_eq!(view.block(&tip.id).unwrap().unwrap().transactions.len(), 4);
    }

    #[test]
    fn headers_end_where_they_should() {
        let disk = MemoryDisk::default();
        let best = growth(4_500).headers(&disk, 4_500, |_| {}).unwrap();
        let header = best.entry.header;
        assert_eq!((best.height(), header.timestamp), (Height(4_500), UNTIL));
        let stored = ChainRows(&disk).header(&best.id).unwrap();
        assert_eq!(stored.unwrap().work, best.work());
    }
}
