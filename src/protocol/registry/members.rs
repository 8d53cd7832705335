//! The list of all who ever registered and did not leave.

use crate::canonical;
use crate::chain::{Internal, Timestamp};
use crate::clock::Now;
use crate::keys::PublicKey;
use crate::membership::MemberName;
use crate::protocol::Row;
use crate::protocol::liveness::Standing;
use crate::wire::member::Leaving;
use crate::wire::message::RefusalCode;
use crate::wire::{Member, MemberId, MemberRecord};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, Range};

mod former;

use former::{Former, former_key};

/// Most members at a time: several times the largest network this is made for; bounds memory, and
/// what a newcomer is sent.
pub const MAX_MEMBERS_REGISTERED: usize = 10_000;

/// First byte of the keys of members' rows; the number follows, big-endian.
pub(super) const MEMBER_ROW: u8 = 1;
/// Key of the row that holds the next number to give.
pub(super) const NEXT_ID_ROW: u8 = 2;
/// First byte of the keys of the rows of former names; the name follows.
pub(super) const FORMER_NAME_ROW: u8 = 4;

/// For how long a member has to be silent before it may give way to a newcomer, where there is no room: 30 days
/// of holidays are no leave.
pub const LAPSE_MS: u64 = 30 * 86_400_000;
/// How exactly it is kept when a member was heard: a row each day.
pub(super) const HEARD_EVERY_MS: u64 = 86_400_000;

/// Numbers that a restored register leaves out: more members than a lost one can have taken in since its
/// backup was made, and little of all numbers there are.
const RESTORED_GAP: u32 = 1_000_000;

/// The row by which a register that was restored from a backup, with these rows, gives no number that the
/// lost one may have given since: members know who has those.
///
/// # Errors
/// A row is damaged.
pub fn beyond(rows: &[(Vec<u8>, Vec<u8>)]) -> Result<Row, Internal> {
    let mut members = Members::new(0..u32::MAX);
    // Numbers of others are in the register as well: only the row says which one is next.
    for (key, value) in rows {
        if key.first() == Some(&NEXT_ID_ROW) {
            members.open_next_id(value)?;
        }
    }
    let next = members.next_id.saturating_add(RESTORED_GAP);
    Ok((vec![NEXT_ID_ROW], Some(canonical::encode(&next))))
}

/// What is kept of a member: `[record, since, invitation, heard]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) record: MemberRecord,
    /// When it first registered.
    pub(super) since: Timestamp,
    /// The key of the invitation that it joined by, if it did by one.
    pub(super) invitation: Option<PublicKey>,
    /// When it was heard last, to the day.
    pub(super) heard: Timestamp,
}

/// Why somebody is taken off the list.
#[derive(Debug)]
pub(super) enum Ending {
    /// It gave its word, at this time.
    Leaves(Leaving, Timestamp),
    /// The admin has put it out, at this time.
    PutOut(Timestamp),
    /// It was not heard of for so long that another has its place. It may come back.
    Lapses,
}

/// How a registration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registration {
    /// A member that was none before.
    New(MemberId),
    /// A member with a later record.
    Renewed(MemberId),
    /// A member with the record that was known.
    Known(MemberId),
}

impl Registration {
    pub(super) fn id(self) -> MemberId {
        match self {
            Self::New(id) | Self::Renewed(id) | Self::Known(id) => id,
        }
    }
}

/// A fair no: the code, and the reason for people.
pub(super) type Refusal = (RefusalCode, String);

/// The members. Numbers, keys and names are each unique.
#[derive(Debug)]
pub(super) struct Members {
    by_id: BTreeMap<MemberId, Entry>,
    by_key: HashMap<PublicKey, MemberId>,
    by_name: HashMap<MemberName, MemberId>,
    /// Names that nobody goes by: each stays its key's.
    former: HashMap<MemberName, Former>,
    /// When who is no member any more left.
    left: HashMap<PublicKey, Timestamp>,
    next_id: u32,
    /// The numbers that are ours to give.
    own: Range<u32>,
}

/// The first number that a further tracker may give: so those of the first one and those of each of the others
/// are different ones, and the same wherever a member is listed.
const FURTHER_NUMBERS: u32 = 0x4000_0000;
/// How many numbers a further tracker has.
const NUMBERS_OF_ONE: u32 = 0x10_0000;

/// The numbers that a tracker gives: the first one, or a further one with this key.
pub(super) fn numbers_of(further: Option<PublicKey>) -> Range<u32> {
    match further {
        None => 1..FURTHER_NUMBERS,
        Some(key) => {
            let drawn = u32::from_be_bytes([key.0[0], key.0[1], key.0[2], key.0[3]]);
            let blocks = (u32::MAX - FURTHER_NUMBERS) / NUMBERS_OF_ONE;
            let from = FURTHER_NUMBERS + drawn % blocks * NUMBERS_OF_ONE;
            from..from + NUMBERS_OF_ONE
        }
    }
}

impl Members {
    pub(super) fn new(own: Range<u32>) -> Self {
        Self {
            by_id: BTreeMap::new(),
            by_key: HashMap::new(),
            by_name: HashMap::new(),
            former: HashMap::new(),
            left: HashMap::new(),
            next_id: own.start.max(1),
            own,
        }
    }

    /// Takes up a stored row; `key` without its first byte.
    pub(super) fn open_member(&mut self, key: &[u8], value: &[u8]) -> Result<(), Internal> {
        let id = key
            .try_into()
            .map(|bytes| MemberId(u32::from_be_bytes(bytes)))
            .map_err(|_| Internal("the register holds a member without a number".to_owned()))?;
        let entry: Entry = canonical::decode(value)
            .map_err(|e| Internal(format!("the register's member {} is damaged: {e}", id.0)))?;
        let statement = &entry.record.statement;
        let key_known = self.by_key.insert(statement.key, id).is_some();
        if key_known || self.by_name.insert(statement.name.clone(), id).is_some() {
            let text = format!("the register holds member {} twice", statement.name);
            return Err(Internal(text));
        }
        self.by_id.insert(id, entry);
        if self.own.contains(&id.0) {
            self.next_id = self.next_id.max(id.0.saturating_add(1));
        }
        Ok(())
    }

    /// Takes up the stored next number.
    pub(super) fn open_next_id(&mut self, value: &[u8]) -> Result<(), Internal> {
        let next: u32 = canonical::decode(value)
            .map_err(|e| Internal(format!("the register's next number is damaged: {e}")))?;
        self.next_id = self.next_id.max(next);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn get(&self, id: MemberId) -> Option<&Entry> {
        self.by_id.get(&id)
    }

    pub(super) fn id_of(&self, key: &PublicKey) -> Option<MemberId> {
        self.by_key.get(key).copied()
    }

    pub(super) fn name_of(&self, id: MemberId) -> Option<&MemberName> {
        self.by_id.get(&id).map(|e| &e.record.statement.name)
    }

    /// Whether a member said where it can be dialled.
    pub(super) fn has_address(&self, id: MemberId) -> bool {
        let entry = self.by_id.get(&id);
        entry.is_some_and(|entry| !entry.record.statement.addresses.is_empty())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = MemberId> {
        self.by_id.keys().copied()
    }

    /// Those behind this number.
    pub(super) fn ids_after(&self, after: Option<MemberId>) -> impl Iterator<Item = MemberId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_id
            .range((from, Bound::Unbounded))
            .map(|(id, _)| *id)
    }

    /// What others are told of a member.
    pub(super) fn tell(&self, id: MemberId, standing: Standing) -> Option<Member> {
        self.by_id.get(&id).map(|entry| Member {
            id,
            record: entry.record.clone(),
            live: standing.live,
            reachable: standing.reachable,
            since: entry.since,
        })
    }

    /// Registers a record whose signature was checked. With the rows to commit, none if nothing
    /// changed.
    pub(super) fn register(
        &mut self,
        record: MemberRecord,
        invitation: Option<PublicKey>,
        now: Now,
    ) -> Result<(Registration, Vec<Row>), Refusal> {
        self.judge_name(&record)?;
        let statement = &record.statement;
        let (key, name) = (statement.key, statement.name.clone());
        let known = self.id_of(&key);
        let (registration, mut rows) = match known {
            Some(id) => self.renew(id, record),
            None => self.admit(
                key,
                name.clone(),
                Entry {
                    record,
                    since: now.wall,
                    invitation,
                    heard: now.wall,
                },
            ),
        }?;
        if self.former.remove(&name).is_some() {
            rows.push((former_key(&name), None));
        }
        self.left.remove(&key);
        Ok((registration, rows))
    }

    /// Takes over a member that another tracker of the network has registered, with its number: its rows; none
    /// if it, its name or its number is known here, or there is no room.
    pub(super) fn take_over(
        &mut self,
        id: MemberId,
        record: MemberRecord,
        since: Timestamp,
        now: Now,
    ) -> Vec<Row> {
        let (key, name) = (record.statement.key, record.statement.name.clone());
        let is_free = self.judge_name(&record).is_ok()
            && self.id_of(&key).is_none()
            && !self.by_id.contains_key(&id)
            && self.len() < MAX_MEMBERS_REGISTERED;
        if !is_free {
            return Vec::new();
        }
        let entry = Entry {
            record,
            since,
            invitation: None,
            heard: now.wall,
        };
        let mut rows = vec![(member_key(id), Some(canonical::encode(&entry)))];
        self.by_key.insert(key, id);
        self.by_name.insert(name.clone(), id);
        self.by_id.insert(id, entry);
        if self.former.remove(&name).is_some() {
            rows.push((former_key(&name), None));
        }
        rows
    }

    /// Whether the name in a record is its sender's to have.
    pub(super) fn judge_name(&self, record: &MemberRecord) -> Result<(), Refusal> {
        let (key, name) = (&record.statement.key, &record.statement.name);
        let known = self.id_of(key);
        if self.by_name.get(name).is_some_and(|id| Some(*id) != known) {
            let text = format!(
                "the name \"{name}\" belongs to another key; choose another name in the settings, \
                 or use the wallet that registered it"
            );
            return Err((RefusalCode::NameTaken, text));
        }
        if self
            .former
            .get(name)
            .is_some_and(|former| former.key != *key)
        {
            let text = format!(
                "the name \"{name}\" was another key's, and a name stays with its key for ever; choose \
                 another name in the settings, or use the wallet that had it"
            );
            return Err((RefusalCode::NameTaken, text));
        }
        Ok(())
    }

    fn renew(
        &mut self,
        id: MemberId,
        record: MemberRecord,
    ) -> Result<(Registration, Vec<Row>), Refusal> {
        let Some(entry) = self.by_id.get_mut(&id) else {
            return Ok((Registration::Known(id), Vec::new()));
        };
        if entry.record == record {
            return Ok((Registration::Known(id), Vec::new()));
        }
        let (known, offered) = (&entry.record.statement, &record.statement);
        if offered.sequence <= known.sequence {
            let text = format!(
                "record {} of this key is known, and record {} is not later",
                known.sequence, offered.sequence
            );
            return Err((RefusalCode::OldRecord, text));
        }
        let (key, former) = (known.key, known.name.clone());
        let renamed = former != offered.name;
        self.by_name.remove(&former);
        self.by_name.insert(offered.name.clone(), id);
        entry.record = record;
        let mut rows = vec![(member_key(id), Some(canonical::encode(entry)))];
        if renamed {
            rows.extend(self.keep_name(
                former,
                Former {
                    key,
                    left: None,
                    leaving: None,
                },
            ));
        }
        Ok((Registration::Renewed(id), rows))
    }

    fn admit(
        &mut self,
        key: PublicKey,
        name: MemberName,
        entry: Entry,
    ) -> Result<(Registration, Vec<Row>), Refusal> {
        let free = self.own.contains(&self.next_id) && self.len() < MAX_MEMBERS_REGISTERED;
        let Some(next) = self.next_id.checked_add(1).filter(|_| free) else {
            let text = "this network has as many members as a tracker can register; somebody has \
                        to leave before you can join";
            return Err((RefusalCode::Full, text.to_owned()));
        };
        let id = MemberId(self.next_id);
        self.next_id = next;
        let rows = vec![
            (member_key(id), Some(canonical::encode(&entry))),
            (vec![NEXT_ID_ROW], Some(canonical::encode(&next))),
        ];
        self.by_key.insert(key, id);
        self.by_name.insert(name, id);
        self.by_id.insert(id, entry);
        Ok((Registration::New(id), rows))
    }

    /// Whether there is no room for one more.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= MAX_MEMBERS_REGISTERED
    }

    /// A member was heard: its row, if that was not known to the day.
    pub(super) fn hear(&mut self, id: MemberId, now: Timestamp) -> Option<Row> {
        let entry = self.by_id.get_mut(&id)?;
        if now.since(entry.heard) < HEARD_EVERY_MS {
            return None;
        }
        entry.heard = now;
        Some((member_key(id), Some(canonical::encode(entry))))
    }

    /// Who gives way when there is no room: of those that nobody invited, are not `here`, and were not heard of
    /// for [`LAPSE_MS`], first one that never came back after the day it registered, then who was silent for
    /// longest.
    pub(super) fn lapsed(
        &self,
        is_here: impl Fn(MemberId) -> bool,
        now: Timestamp,
    ) -> Option<MemberId> {
        let silent = self.by_id.iter().filter(|(id, entry)| {
            entry.invitation.is_none() && now.since(entry.heard) >= LAPSE_MS && !is_here(**id)
        });
        let first = silent.min_by_key(|(_, entry)| (entry.heard > entry.since, entry.heard));
        first.map(|(id, _)| *id)
    }

    /// Takes a member off the list: its name stays its key's, its number is not given again.
    pub(super) fn remove(&mut self, id: MemberId, ending: Ending) -> Vec<Row> {
        let Some(entry) = self.by_id.remove(&id) else {
            return Vec::new();
        };
        let statement = entry.record.statement;
        self.by_key.remove(&statement.key);
        self.by_name.remove(&statement.name);
        let mut rows = vec![(member_key(id), None)];
        let (left, leaving) = match ending {
            Ending::Leaves(word, at) => (Some(at), Some(word)),
            Ending::PutOut(at) => (Some(at), None),
            Ending::Lapses => (None, None),
        };
        let former = Former {
            key: statement.key,
            left,
            leaving,
        };
        rows.extend(self.keep_name(statement.name, former));
        rows
    }
}

fn member_key(id: MemberId) -> Vec<u8> {
    let mut key = vec![MEMBER_ROW];
    key.extend_from_slice(&id.0.to_be_bytes());
    key
}
