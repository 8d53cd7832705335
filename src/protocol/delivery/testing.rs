//! What the tests of both machines share, and those of their shells.

use super::OwnNews;
use super::rows::{DeliveryRows, Found};
use super::{inbox, outbox};
use crate::chain::ledger::{Concern, Fate};
use crate::chain::testing::{member, network};
use crate::chain::{BlockId, Closed, EncodedTransaction, Height, Internal, TransactionId};
use crate::protocol::Row;
use crate::protocol::retry::RetryLimits;
use std::collections::{BTreeMap, HashSet};

/// A day.
pub(crate) const DAY_MS: u64 = 86_400_000;

/// A minute: after so long a send goes by way of the network.
pub(crate) const MINUTE_MS: u64 = 60_000;

/// Rows of one table.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryRows(BTreeMap<Vec<u8>, Vec<u8>>);

impl MemoryRows {
    pub(crate) fn commit(&mut self, rows: Vec<Row>) {
        for (key, value) in rows {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

impl DeliveryRows for MemoryRows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Internal> {
        Ok(self.0.get(key).cloned())
    }

    fn first_from(&self, key: &[u8]) -> Result<Option<Found>, Internal> {
        let first = self.0.range(key.to_vec()..).next();
        Ok(first.map(|(key, value)| (key.clone(), value.clone())))
    }
}

/// The tip moved to this height, where these were mined; those fell out of the chain and are void.
pub(crate) fn moved(
    height: u64,
    mined: &[EncodedTransaction],
    undone: &[TransactionId],
) -> OwnNews {
    OwnNews::Moved {
        height: Height(height),
        block: BlockId([1; 32]),
        own: Concern {
            taken_back: undone
                .iter()
                .map(|id| (*id, Fate::Closed(Closed::Expired)))
                .collect(),
            mined: mined.iter().map(|t| (t.clone(), Height(height))).collect(),
            rewards_lost: 0,
        },
    }
}

pub(crate) fn outbox_config(own: u8) -> outbox::Config {
    outbox::Config {
        own: member(own).public_key(),
        network: network(),
        keep_ms: 7 * DAY_MS,
        by_network_after_ms: Some(MINUTE_MS),
        limits: RetryLimits {
            entries: 100,
            bytes: 100_000,
        },
        seed: 5,
    }
}

pub(crate) fn inbox_config(own: u8) -> inbox::Config {
    inbox::Config {
        own: member(own).public_key(),
        network: network(),
        blocked: HashSet::new(),
    }
}
