//! What is known of the recipients.

use crate::keys::PublicKey;
use std::collections::{HashMap, HashSet};

/// Calls and sessions of a recipient without any receipt, though the tracker finds it alive, before its
/// sends go by way of the network: it may be one that only dials out itself, or has no place for a
/// further connection. With the pauses in between about a minute, in which a tracker finds out that
/// somebody has died.
pub(super) const FAILED_CALLS: u32 = 7;

/// Who is alive, and who can't be called all the same.
#[derive(Default)]
pub(super) struct Contacts {
    /// Members that the tracker finds alive.
    live: HashSet<PublicKey>,
    /// Calls and sessions in a row that brought no receipt.
    failed: HashMap<PublicKey, u32>,
}

impl Contacts {
    /// The tracker's word on all members. Those that are alive again.
    pub(super) fn live(&mut self, live: HashSet<PublicKey>) -> Vec<PublicKey> {
        let back = live.difference(&self.live).copied().collect();
        self.live = live;
        back
    }

    /// A call or a session brought no receipt. Whether it is alive and was called in vain for too often.
    pub(super) fn failed(&mut self, key: &PublicKey) -> bool {
        let failed = self.failed.entry(*key).or_default();
        *failed = failed.saturating_add(1);
        let in_vain = *failed >= FAILED_CALLS && self.live.contains(key);
        if in_vain {
            self.failed.remove(key);
        }
        in_vain
    }

    /// It answered, or nothing is to be said to it.
    pub(super) fn forget(&mut self, key: &PublicKey) {
        self.failed.remove(key);
    }
}
