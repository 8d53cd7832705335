//! The directory: what a member knows of the others, by the tracker's word and their own signatures.
//!
//! A name is pinned to the key under which it was first seen, also when its owner leaves. Should the
//! tracker ever present another key under it, the entry stays as it was and the change is withheld
//! until the admin has given the name to that key: coins and notes meant for a friend must not find their
//! way to whoever took the name.

use super::Row;
use crate::canonical;
use crate::chain::Internal;
use crate::keys::PublicKey;
use crate::membership::MemberName;
use crate::wire::{Member, MemberId, MemberRecord};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

/// Most names that are remembered, those of former members included: twice what a tracker
/// registers. Bounds what a tracker that invents members could make us keep.
pub const MAX_NAMES: usize = 20_000;

/// First byte of the keys of the directory's rows; the name follows.
pub(super) const NAME_ROW: u8 = 1;

/// What is kept under a name: `[key, member]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The key that the name is pinned to.
    key: PublicKey,
    /// The member of that name and key, unless it left or took another name.
    member: Option<Member>,
}

/// What became of a member that the tracker named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// It is in the directory as told, and has its number in place of another.
    Entered {
        /// Which other, if any: a member still, under a number of our own.
        renumbered: Option<Member>,
    },
    /// Nothing new.
    Unchanged,
    /// Its name is pinned to another key: it was not entered.
    Withheld {
        /// The key under which the name is known.
        pinned: PublicKey,
    },
    /// There are [`MAX_NAMES`] already: it was not entered.
    Full,
}

/// The members that are known, by name, key and number.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    names: BTreeMap<MemberName, Entry>,
    by_key: HashMap<PublicKey, MemberName>,
    by_id: BTreeMap<MemberId, PublicKey>,
    /// The last number that was our own to give; 0 as long as there is none, since they come from above.
    last_own: u32,
    /// The latest member under each name whose pin speaks against it.
    withheld: BTreeMap<MemberName, Member>,
    /// Members that the tracker did not name when it named all, and has not since.
    unnamed: BTreeSet<PublicKey>,
    /// Names whose rows changed since they were last taken.
    dirty: BTreeSet<MemberName>,
}

impl Directory {
    /// Takes up a stored row; `name` is its key without the first byte.
    pub(super) fn open_row(&mut self, name: &[u8], value: &[u8]) -> Result<(), Internal> {
        let damaged = |e: String| Internal(format!("the directory of members is damaged: {e}"));
        let name: MemberName = std::str::from_utf8(name)
            .map_err(|e| damaged(e.to_string()))?
            .parse()
            .map_err(|e| damaged(format!("{e}")))?;
        let entry: Entry = canonical::decode(value).map_err(|e| damaged(e.to_string()))?;
        if let Some(member) = &entry.member {
            let statement = &member.record.statement;
            if statement.name != name || statement.key != entry.key {
                return Err(damaged(format!("{name} is not the member stored under it")));
            }
            self.by_id.insert(member.id, entry.key);
            if self.by_key.insert(entry.key, name.clone()).is_some() {
                return Err(damaged(format!("the key of {name} is there twice")));
            }
        }
        self.names.insert(name, entry);
        Ok(())
    }

    /// The member of this name.
    pub fn by_name(&self, name: &MemberName) -> Option<&Member> {
        self.names.get(name).and_then(|e| e.member.as_ref())
    }

    /// The key to which this name belongs, also once its owner is no member.
    pub fn pinned(&self, name: &MemberName) -> Option<PublicKey> {
        self.names.get(name).map(|entry| entry.key)
    }

    /// The name that belongs to this key, also once it is no member.
    pub fn pinned_to(&self, key: &PublicKey) -> Option<&MemberName> {
        let mut names = self.names.iter();
        names
            .find(|(_, entry)| entry.key == *key)
            .map(|(name, _)| name)
    }

    /// The member with this key.
    pub fn by_key(&self, key: &PublicKey) -> Option<&Member> {
        self.by_key.get(key).and_then(|name| self.by_name(name))
    }

    /// The member with this number.
    pub fn by_id(&self, id: MemberId) -> Option<&Member> {
        self.by_id.get(&id).and_then(|key| self.by_key(key))
    }

    /// All members, by name.
    pub fn members(&self) -> impl Iterator<Item = &Member> + Clone {
        self.names.values().filter_map(|e| e.member.as_ref())
    }

    /// The members whose numbers come after this one, by number.
    pub fn by_number(&self, after: Option<MemberId>) -> impl Iterator<Item = &Member> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.by_id.range((from, Bound::Unbounded));
        keys.filter_map(|(_, key)| self.by_key(key))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The members whose keys are withheld, each with the key its name is pinned to.
    pub fn withheld(&self) -> impl Iterator<Item = (&Member, PublicKey)> {
        let pin = |name| self.names.get(name).map(|e: &Entry| e.key);
        let withheld = self.withheld.iter();
        withheld.filter_map(move |(name, member)| Some((member, pin(name)?)))
    }

    /// Whether the tracker names the member with this key, as far as it was heard.
    pub fn is_named(&self, key: &PublicKey) -> bool {
        !self.unnamed.contains(key)
    }

    /// Whether neither key, name nor number of this member is known.
    pub(super) fn is_news(&self, member: &Member) -> bool {
        let said = &member.record.statement;
        self.by_key(&said.key).is_none()
            && !self.names.contains_key(&said.name)
            && !self.by_id.contains_key(&member.id)
    }

    /// Enters a member whose record was checked.
    pub(crate) fn update(&mut self, mut member: Member) -> Update {
        let key = member.record.statement.key;
        self.unnamed.remove(&key);
        if let Some(known) = self.by_key(&key) {
            if known.record.statement.sequence > member.record.statement.sequence {
                // An old record, told again: the member's own latest word counts.
                member.record = known.record.clone();
            }
            if *known == member {
                return Update::Unchanged;
            }
        }
        let name = member.record.statement.name.clone();
        let is_full = self.names.len() >= MAX_NAMES;
        if is_full && !self.names.contains_key(&name) && !self.forget_a_pin() {
            return Update::Full;
        }
        if let Some(entry) = self.names.get(&name)
            && entry.key != key
        {
            let pinned = entry.key;
            let told_before = self.withheld.insert(name, member.clone());
            let same = told_before.is_some_and(|m| m.record == member.record);
            return if same {
                Update::Unchanged
            } else {
                Update::Withheld { pinned }
            };
        }
        let renumbered = self.enter(name, key, member);
        Update::Entered { renumbered }
    }

    /// Makes room by forgetting whose a name was that nobody goes by: first one that was given up for another,
    /// for somebody may give up names without end, and must keep no newcomer out. Whether there was one.
    fn forget_a_pin(&mut self) -> bool {
        let pins = self.names.iter().filter(|(_, e)| e.member.is_none());
        let given_up = |(_, entry): &(&MemberName, &Entry)| self.by_key.contains_key(&entry.key);
        let pin = pins.clone().find(given_up).or(pins.clone().next());
        let Some(name) = pin.map(|(name, _)| name.clone()) else {
            return false;
        };
        self.names.remove(&name);
        self.dirty.insert(name);
        true
    }

    /// The admin has given a name to another key: it is pinned to that one from now on. Those who changed by that,
    /// if the key was told of already, and who is a member no more.
    pub(super) fn hand_on(
        &mut self,
        name: &MemberName,
        key: PublicKey,
    ) -> (Vec<Member>, Option<Member>) {
        let pinned = self.names.get(name).map(|entry| entry.key);
        let Some(former) = pinned.filter(|pinned| *pinned != key) else {
            return (Vec::new(), None);
        };
        let withheld = self.withheld.remove(name);
        let its = withheld.filter(|member| member.record.statement.key == key);
        let left = self.remove(&former);
        let Some(member) = its else {
            self.names.insert(name.clone(), Entry { key, member: None });
            self.dirty.insert(name.clone());
            return (Vec::new(), left);
        };
        let renumbered = self.enter(name.clone(), key, member.clone());
        ([member].into_iter().chain(renumbered).collect(), left)
    }

    /// Who had its number before, if anybody else. Numbers are the tracker's to give: one that lost its register
    /// begins again. But by a number it makes nobody vanish.
    fn enter(&mut self, name: MemberName, key: PublicKey, member: Member) -> Option<Member> {
        self.remove(&key);
        let id = member.id;
        self.by_key.insert(key, name.clone());
        let other = self.by_id.insert(id, key);
        self.dirty.insert(name.clone());
        let member = Some(member);
        self.names.insert(name, Entry { key, member });
        other.and_then(|other| self.renumber(&other))
    }

    /// Another member has the number of this one: until the tracker says which it has now, it goes by one that
    /// nobody has.
    fn renumber(&mut self, key: &PublicKey) -> Option<Member> {
        // From above, and from the last one on: whoever gives all members one number would else have us look
        // through all of them for each.
        let mut id = MemberId(self.last_own.wrapping_sub(1));
        while self.by_id.contains_key(&id) {
            id.0 = id.0.wrapping_sub(1);
        }
        self.last_own = id.0;
        let name = self.by_key.get(key)?.clone();
        let member = self.names.get_mut(&name)?.member.as_mut()?;
        member.id = id;
        self.by_id.insert(id, *key);
        self.dirty.insert(name);
        Some(member.clone())
    }

    /// The last record of a key that is known, or withheld.
    pub(super) fn last_record(&self, key: &PublicKey) -> Option<&MemberRecord> {
        let withheld = || {
            self.withheld
                .values()
                .find(|m| m.record.statement.key == *key)
        };
        self.by_key(key)
            .or_else(withheld)
            .map(|member| &member.record)
    }

    /// Takes out the member with this key, who left or was put out. Its name stays pinned.
    pub(crate) fn depart(&mut self, key: &PublicKey) -> Option<Member> {
        self.withheld
            .retain(|_, member| member.record.statement.key != *key);
        self.remove(key)
    }

    /// The tracker names these and no others: of those it says nothing, they stay whom we know, and are taken to
    /// be away. What it has forgotten, or keeps back, nobody else has to forget.
    pub(super) fn not_named(&mut self, named: &BTreeSet<PublicKey>) -> Vec<Member> {
        self.withheld
            .retain(|_, member| named.contains(&member.record.statement.key));
        let known = self.by_key.keys().copied();
        let unnamed = known.filter(|key| !named.contains(key)).collect();
        let before = std::mem::replace(&mut self.unnamed, unnamed);
        let mut changed = Vec::new();
        for (name, entry) in &mut self.names {
            if let Some(member) = &mut entry.member
                && !named.contains(&entry.key)
            {
                let was_there = member.live || member.reachable;
                (member.live, member.reachable) = (false, false);
                if was_there {
                    self.dirty.insert(name.clone());
                }
                if was_there || !before.contains(&entry.key) {
                    changed.push(member.clone());
                }
            }
        }
        changed
    }

    fn remove(&mut self, key: &PublicKey) -> Option<Member> {
        let name = self.by_key.remove(key)?;
        self.unnamed.remove(key);
        let member = self.names.get_mut(&name)?.member.take()?;
        if self.by_id.get(&member.id) == Some(key) {
            self.by_id.remove(&member.id);
        }
        self.dirty.insert(name);
        Some(member)
    }

    /// The rows that changed since they were last asked for.
    pub(super) fn take_rows(&mut self) -> Vec<Row> {
        let dirty = std::mem::take(&mut self.dirty);
        let row = |name: MemberName| {
            let mut key = vec![NAME_ROW];
            key.extend_from_slice(name.as_str().as_bytes());
            let value = self.names.get(&name).map(canonical::encode);
            (key, value)
        };
        dirty.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::START;
    use crate::keys::SecretKey;
    use crate::wire::MemberStatement;
    use std::time::{Duration, Instant};

    fn record(number: u32, name: &str, sequence: u64) -> MemberRecord {
        let key = SecretKey::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes());
        MemberStatement {
            tracker: PublicKey([9; 32]),
            sequence,
            name: name.parse().unwrap(),
            key: key.public_key(),
            sealing_key: key.sealing_key(),
            addresses: Vec::new(),
        }
        .sign(&key)
    }

    fn tell(directory: &mut Directory, number: u32, name: &str, sequence: u64) -> Update {
        directory.update(Member {
            id: MemberId(number),
            record: record(number, name, sequence),
            live: true,
            reachable: true,
            since: START,
        })
    }

    /// How long it takes to be told of these members, each three times, by these numbers.
    fn telling(members: &[MemberRecord], number_of: fn(usize) -> u32) -> Duration {
        let mut directory = Directory::default();
        let begun = Instant::now();
        for _ in 0..3 {
            for (at, record) in members.iter().enumerate() {
                directory.update(Member {
                    id: MemberId(number_of(at)),
                    record: record.clone(),
                    live: true,
                    reachable: true,
                    since: START,
                });
            }
        }
        assert_eq!(directory.members().count(), members.len());
        begun.elapsed()
    }

    #[test]
    fn attack_l2_one_number_for_all_costs_no_more_than_one_each() {
        let records = (0..4_000).map(|n| record(n, &format!("m{n}"), 1));
        let records: Vec<_> = records.collect();
        let one_each = telling(&records, |at| at as u32);
        let one_for_all = telling(&records, |_| 7);
        assert!(
            one_for_all < 20 * one_each,
            "{one_for_all:?}, one each {one_each:?}"
        );
    }

    #[test]
    fn attack_a2_names_that_are_given_up_keep_no_newcomer_out() {
        let mut directory = Directory::default();
        tell(&mut directory, 1, "alice", 1);
        // One who takes ever new names, a friend who has left.
        tell(&mut directory, 2, "bob", 1);
        let friend = record(2, "bob", 1).statement.key;
        directory.depart(&friend);
        for n in 0..MAX_NAMES as u64 + 10 {
            let update = tell(&mut directory, 3, &format!("m{n}"), n);
            assert!(matches!(update, Update::Entered { .. }), "{n}: {update:?}");
        }
        assert_eq!(directory.names.len(), MAX_NAMES);
        let newcomer = tell(&mut directory, 4, "carol", 1);
        assert!(matches!(newcomer, Update::Entered { .. }), "{newcomer:?}");
        assert_eq!(directory.names.len(), MAX_NAMES);
        // Whose names others had stays known: the friend's is nobody else's.
        let bob = tell(&mut directory, 5, "bob", 1);
        assert!(matches!(bob, Update::Withheld { .. }), "{bob:?}");
        assert!(directory.by_name(&"alice".parse().unwrap()).is_some());
        let rows = directory.take_rows();
        assert!(
            rows.iter().any(|(_, value)| value.is_none()),
            "forgotten on the disk, too"
        );
    }
}
