//! Names that nobody goes by: each stays its key's.

use super::{FORMER_NAME_ROW, Members};
use crate::canonical;
use crate::chain::{Internal, Timestamp};
use crate::keys::PublicKey;
use crate::membership::MemberName;
use crate::protocol::Row;
use crate::wire::member::Leaving;
use crate::wire::message::FormerName;
use serde::{Deserialize, Serialize};

/// Most names that are kept for keys which do not go by them any more; beyond that, a name that is given
/// up is free. It bounds what somebody can fill who comes and goes under ever new names; the ledger keeps
/// all of them.
const MAX_FORMER_NAMES: usize = 50_000;

/// Whose a name was that nobody goes by: `[key, left, leaving]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Former {
    pub(super) key: PublicKey,
    /// When that key left, if it did: what was certified until then counts no more.
    pub(super) left: Option<Timestamp>,
    /// Its word that it leaves, if it gave one.
    pub(super) leaving: Option<Leaving>,
}

impl Members {
    /// Takes up the row of a former name; `name` is its key without the first byte.
    pub(in crate::protocol::registry) fn open_former(
        &mut self,
        name: &[u8],
        value: &[u8],
    ) -> Result<(), Internal> {
        let text = String::from_utf8_lossy(name);
        let damaged = |e: String| Internal(format!("the register's name {text} is damaged: {e}"));
        let name: MemberName = text.parse().map_err(|e| damaged(format!("{e}")))?;
        let former: Former = canonical::decode(value).map_err(|e| damaged(e.to_string()))?;
        self.keep_former(name, former);
        Ok(())
    }

    /// Names that nobody goes by, as another tracker is told of them.
    pub(in crate::protocol::registry) fn former(&self) -> impl Iterator<Item = FormerName> {
        self.former.iter().map(|(name, former)| FormerName {
            name: name.clone(),
            key: former.key,
            left: former.left,
            leaving: former.leaving.clone(),
        })
    }

    /// The words of those that left and have not come back, the last ones last, at most so many.
    pub(in crate::protocol::registry) fn last_words(&self, most: usize) -> Vec<Leaving> {
        let gone = self
            .former
            .values()
            .filter(|former| self.id_of(&former.key).is_none());
        let mut words: Vec<_> = gone
            .filter_map(|former| Some((former.left?, former.leaving.as_ref()?)))
            .collect();
        words.sort_unstable_by_key(|(left, word)| (*left, word.key));
        words.dedup_by_key(|(_, word)| word.key);
        let from = words.len().saturating_sub(most);
        words[from..]
            .iter()
            .map(|(_, word)| (*word).clone())
            .collect()
    }

    /// Takes over a name that nobody goes by from another tracker of the network: its row, if it is news.
    pub(in crate::protocol::registry) fn take_over_former(
        &mut self,
        former: FormerName,
    ) -> Option<Row> {
        let FormerName {
            name,
            key,
            left,
            leaving,
        } = former;
        let known = self.former.contains_key(&name) || self.by_name.contains_key(&name);
        if known || self.id_of(&key).is_some() {
            return None;
        }
        self.keep_name(name, Former { key, left, leaving })
    }

    /// Whose a name is, also if that key does not go by it any more.
    pub(in crate::protocol::registry) fn owner(&self, name: &MemberName) -> Option<PublicKey> {
        let listed = self.by_name.get(name).and_then(|id| self.by_id.get(id));
        let listed = listed.map(|entry| entry.record.statement.key);
        listed.or_else(|| self.former.get(name).map(|former| former.key))
    }

    /// The name that a key goes by, or one that it went by.
    pub(in crate::protocol::registry) fn last_name(&self, key: &PublicKey) -> Option<&MemberName> {
        let listed = self.id_of(key).and_then(|id| self.name_of(id));
        let former = || self.former.iter().find(|(_, former)| former.key == *key);
        listed.or_else(|| former().map(|(name, _)| name))
    }

    /// All names that are somebody's, in no order.
    pub(in crate::protocol::registry) fn names(&self) -> impl Iterator<Item = &MemberName> {
        self.by_name.keys().chain(self.former.keys())
    }

    /// Gives a name that nobody goes by to a key.
    pub(in crate::protocol::registry) fn hand_on(
        &mut self,
        name: MemberName,
        key: PublicKey,
    ) -> Vec<Row> {
        if self.by_name.contains_key(&name) {
            return Vec::new();
        }
        let former = Former {
            key,
            left: None,
            leaving: None,
        };
        let row = (former_key(&name), Some(canonical::encode(&former)));
        self.former.insert(name, former);
        vec![row]
    }

    /// When this key left, if it did and is no member again.
    pub(in crate::protocol::registry) fn left_at(&self, key: &PublicKey) -> Option<Timestamp> {
        self.left.get(key).copied()
    }

    /// Keeps a name for the key that went by it.
    pub(super) fn keep_name(&mut self, name: MemberName, former: Former) -> Option<Row> {
        (self.former.len() < MAX_FORMER_NAMES).then(|| {
            let row = (former_key(&name), Some(canonical::encode(&former)));
            self.keep_former(name, former);
            row
        })
    }

    fn keep_former(&mut self, name: MemberName, former: Former) {
        if let Some(left) = former.left {
            let last = self.left.entry(former.key).or_insert(left);
            *last = (*last).max(left);
        }
        self.former.insert(name, former);
    }
}

pub(super) fn former_key(name: &MemberName) -> Vec<u8> {
    [&[FORMER_NAME_ROW], name.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::registry::members::numbers_of;

    fn key(number: usize) -> PublicKey {
        PublicKey(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    fn given_up(number: usize) -> FormerName {
        FormerName {
            name: format!("name-{number}").parse().unwrap(),
            key: key(number),
            left: Some(Timestamp(1)),
            leaving: None,
        }
    }

    #[test]
    fn attack_names_without_end_displace_none_that_is_kept() {
        let mut members = Members::new(numbers_of(None));
        for number in 0..MAX_FORMER_NAMES {
            assert!(members.take_over_former(given_up(number)).is_some());
        }
        let beyond = given_up(MAX_FORMER_NAMES);
        assert_eq!(members.take_over_former(beyond.clone()), None, "no row");
        assert_eq!(members.former().count(), MAX_FORMER_NAMES);
        assert_eq!(members.owner(&beyond.name), None, "it is free");
        assert_eq!(members.left_at(&beyond.key), None);
        for number in [0, MAX_FORMER_NAMES / 2, MAX_FORMER_NAMES - 1] {
            assert_eq!(members.owner(&given_up(number).name), Some(key(number)));
            assert_eq!(members.left_at(&key(number)), Some(Timestamp(1)));
        }
    }
}
