//! Which sends were asked for under which keys: the same request, asked again since its answer was lost, is
//! answered with what it did the first time, and does nothing more.

use crate::canonical;
use crate::chain::{Internal, TransactionId};
use crate::protocol::Row;
use crate::protocol::delivery::rows::{self, DeliveryRows, RequestFacts, request_key};
use std::collections::{BTreeSet, HashMap};

/// Keys that are remembered of sends which are not looked after any more: whoever asks again does so within
/// hours. Raised, a start reads more rows; lowered, a busy program may pay twice after a long pause.
pub const MAX_SETTLED_KEYS: usize = 10_000;

/// What a send was asked for with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The hash of the key that the caller chose.
    pub key: [u8; 32],
    /// The hash of what was asked for.
    pub asked: [u8; 32],
}

/// The requests whose sends are here.
#[derive(Default)]
pub(super) struct Requests {
    by_key: HashMap<[u8; 32], RequestFacts>,
    keys: HashMap<u64, [u8; 32]>,
    /// Those whose sends are not looked after any more.
    settled: BTreeSet<u64>,
}

impl Requests {
    /// Takes up what is stored; `is_looked_after` says of which sends more is to come.
    pub(super) fn open(
        rows: &dyn DeliveryRows,
        is_looked_after: impl Fn(u64) -> bool,
    ) -> Result<Self, Internal> {
        let mut requests = Self::default();
        for (key, facts) in rows::requests(rows)? {
            requests.keys.insert(facts.number, key);
            if !is_looked_after(facts.number) {
                requests.settled.insert(facts.number);
            }
            requests.by_key.insert(key, facts);
        }
        Ok(requests)
    }

    /// What was sent under this key.
    pub(super) fn find(&self, key: &[u8; 32]) -> Option<&RequestFacts> {
        self.by_key.get(key)
    }

    /// A send was taken in that was asked for with this. The row to be written with it.
    pub(super) fn begin(&mut self, request: Request, number: u64, id: TransactionId) -> Row {
        let facts = RequestFacts {
            number,
            id,
            asked: request.asked,
        };
        let row = (request_key(&request.key), Some(canonical::encode(&facts)));
        self.keys.insert(number, request.key);
        self.by_key.insert(request.key, facts);
        row
    }

    /// A send was answered with a "no": its key may be used again. The row to be written.
    pub(super) fn forget(&mut self, number: u64) -> Option<Row> {
        self.settled.remove(&number);
        let key = self.keys.remove(&number)?;
        self.by_key.remove(&key);
        Some((request_key(&key), None))
    }

    /// A send is not looked after any more. The row to be written, if one is too many.
    pub(super) fn settle(&mut self, number: u64) -> Option<Row> {
        if self.keys.contains_key(&number) {
            self.settled.insert(number);
        }
        if self.settled.len() <= MAX_SETTLED_KEYS {
            return None;
        }
        let oldest = self.settled.first().copied()?;
        self.forget(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::delivery::testing::MemoryRows;

    fn request(key: u8) -> Request {
        Request {
            key: [key; 32],
            asked: [key + 1; 32],
        }
    }

    #[test]
    fn a_request_is_found_after_a_restart_until_it_is_forgotten() {
        let mut rows = MemoryRows::default();
        let mut requests = Requests::default();
        rows.commit(vec![requests.begin(request(1), 7, TransactionId([7; 32]))]);
        rows.commit(vec![requests.begin(request(2), 8, TransactionId([8; 32]))]);
        let mut again = Requests::open(&rows, |number| number == 7).unwrap();
        let found = again.find(&[1; 32]).unwrap();
        assert_eq!((found.number, found.asked), (7, [2; 32]));
        assert_eq!(again.settled, BTreeSet::from([8]));
        rows.commit(again.forget(7).into_iter().collect());
        assert_eq!(again.find(&[1; 32]), None);
        let again = Requests::open(&rows, |_| false).unwrap();
        assert_eq!(again.by_key.len(), 1);
    }

    #[test]
    fn keys_of_what_is_settled_are_bounded_and_the_oldest_goes_first() {
        let mut requests = Requests::default();
        let key = |number: u64| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            key
        };
        let most = MAX_SETTLED_KEYS as u64;
        for number in 0..most + 5 {
            let (key, asked) = (key(number), [0; 32]);
            let _ = requests.begin(Request { key, asked }, number, TransactionId([0; 32]));
        }
        // What is looked after is never forgotten, however many there are.
        assert_eq!(requests.by_key.len() as u64, most + 5);
        for number in 2..most + 2 {
            assert_eq!(requests.settle(number), None);
        }
        // One that was sent without a key.
        assert_eq!(requests.settle(most + 99), None);
        assert_eq!(
            requests.settle(most + 2),
            Some((request_key(&key(2)), None))
        );
        assert_eq!(requests.settled.len(), MAX_SETTLED_KEYS);
        assert!(requests.find(&key(0)).is_some());
        assert!(requests.find(&key(2)).is_none());
    }
}
