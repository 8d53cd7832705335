//! Whom this node has met, and where: what a crowd of strangers can't take from it.
//!
//! A member is met when a session with it has lasted for a while. The order in which members were met
//! first is kept over restarts; those met longest ago keep places, however many come after them.

use crate::canonical;
use crate::chain::Internal;
use crate::keys::PublicKey;
use crate::protocol::Row;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most members that are remembered to have been met: many times what a node has connections. Who is
/// none any more makes room; else nobody does, so that newcomers displace no acquaintance.
pub const MAX_MET: usize = 1_024;

/// What is kept of a member that was met: `[number, address]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Met {
    /// In which order it was met first.
    number: u64,
    /// Where it answered last when it was dialled, if it ever did.
    address: Option<String>,
}

/// All who were met.
#[derive(Debug, Default)]
pub(super) struct Book {
    met: BTreeMap<PublicKey, Met>,
    next: u64,
    /// Whose rows changed since they were last taken.
    dirty: BTreeSet<PublicKey>,
}

impl Book {
    /// Takes up a stored row.
    pub(super) fn open_row(&mut self, key: &[u8], value: &[u8]) -> Result<(), Internal> {
        let damaged = |e: String| Internal(format!("a row of whom this node has met: {e}"));
        let key: [u8; 32] = key
            .try_into()
            .map_err(|_| damaged("its key is none of a member".to_owned()))?;
        let met: Met = canonical::decode(value).map_err(|e| damaged(e.to_string()))?;
        self.next = self.next.max(met.number.saturating_add(1));
        self.met.insert(PublicKey(key), met);
        Ok(())
    }

    /// In which order this member was met first, if it was met.
    pub(super) fn number(&self, key: &PublicKey) -> Option<u64> {
        self.met.get(key).map(|met| met.number)
    }

    /// Whether this member answered at this address when it was last dialled there.
    pub(super) fn is_at(&self, key: &PublicKey, address: &str) -> bool {
        let known = self.met.get(key).and_then(|met| met.address.as_deref());
        known == Some(address)
    }

    /// A session with this member has lasted for a while; `address` is where it was dialled, if it was.
    pub(super) fn meet(
        &mut self,
        key: PublicKey,
        address: Option<&str>,
        is_member: impl Fn(&PublicKey) -> bool,
    ) {
        if !self.met.contains_key(&key) {
            if self.met.len() >= MAX_MET {
                let gone = self.met.keys().find(|key| !is_member(key)).copied();
                let Some(gone) = gone else {
                    return;
                };
                self.met.remove(&gone);
                self.dirty.insert(gone);
            }
            let number = self.next;
            self.next += 1;
            let address = None;
            self.met.insert(key, Met { number, address });
            self.dirty.insert(key);
        }
        if let Some(met) = self.met.get_mut(&key)
            && let Some(address) = address
            && met.address.as_deref() != Some(address)
        {
            met.address = Some(address.to_owned());
            self.dirty.insert(key);
        }
    }

    /// The rows that changed since they were last taken.
    pub(super) fn take_rows(&mut self) -> Vec<Row> {
        let dirty = std::mem::take(&mut self.dirty);
        let row = |key: PublicKey| {
            let value = self.met.get(&key).map(canonical::encode);
            (key.0.to_vec(), value)
        };
        dirty.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u16) -> PublicKey {
        PublicKey(*blake3::hash(&n.to_be_bytes()).as_bytes())
    }

    #[test]
    fn what_was_met_is_known_after_a_restart_in_its_order() {
        let mut book = Book::default();
        for n in [5, 3, 9] {
            book.meet(key(n), None, |_| true);
        }
        book.meet(key(3), Some("a:1"), |_| true);
        let rows = book.take_rows();
        assert_eq!((rows.len(), book.take_rows().len()), (3, 0));
        let mut again = Book::default();
        for (key, value) in &rows {
            again.open_row(key, value.as_deref().unwrap()).unwrap();
        }
        let numbers = [5, 3, 9].map(|n| again.number(&key(n)));
        assert_eq!(numbers, [Some(0), Some(1), Some(2)]);
        assert!(again.is_at(&key(3), "a:1") && !again.is_at(&key(5), "a:1"));
        again.meet(key(1), None, |_| true);
        assert_eq!(again.number(&key(1)), Some(3));
        assert!(again.open_row(b"short", b"").is_err());
    }

    #[test]
    fn attack_a_crowd_displaces_no_acquaintance() {
        let mut book = Book::default();
        for n in 0..5_000 {
            book.meet(key(n), None, |_| true);
        }
        assert_eq!(book.met.len(), MAX_MET);
        assert!((0..1_024).all(|n| book.number(&key(n)).is_some()));
        // Who is no member any more makes room.
        book.meet(key(6_000), None, |other| *other != key(7));
        assert_eq!(book.number(&key(7)), None);
        assert_eq!(book.number(&key(6_000)), Some(1_024));
    }
}
