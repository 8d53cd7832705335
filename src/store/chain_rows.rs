//! The chain's rows on disk: which table each is in, and under which key.

use super::{
    DiskError, DiskRead, ORDERED_KEY_LEN, RowChange, Table, ordered_key, read_ordered_key,
    rows_from,
};
use crate::canonical;
use crate::chain::ledger::MAX_LEFT;
use crate::chain::named;
use crate::chain::rows::{MinedAt, OpenEntry, Row, RowKey, StateKey, StateView};
use crate::chain::transaction::Topic;
use crate::chain::{EncodedTransaction, Genesis, Height, Internal};
use crate::keys::PublicKey;

/// Rows of open transactions read at a time at start-up.
const OPEN_PAGE: usize = 1_000;
/// Rows of an application that are read at a time.
const APPLICATION_PAGE: usize = 1_000;

/// First byte of a balance's key in the state table.
const BALANCE: u8 = b'b';
/// First byte of an application row's key in the state table, followed by the topic's length, the
/// topic, and the application's own key.
const APPLICATION: u8 = b'a';

/// First byte of the key, in the table of the connected chain, of the row that says whom a block names.
const NAMED: u8 = b'n';

/// Beginning of the keys of the records that left without being mined.
const LEFT: &[u8] = b"left record ";

/// Table and key of a row.
fn place(key: &RowKey) -> (Table, Vec<u8>) {
    match key {
        RowKey::Tip => (Table::Meta, b"tip".to_vec()),
        RowKey::BestHeader => (Table::Meta, b"best header".to_vec()),
        RowKey::Reorganisation => (Table::Meta, b"reorganisation".to_vec()),
        RowKey::Genesis => (Table::Meta, b"genesis".to_vec()),
        RowKey::Header(id) => (Table::Headers, id.0.to_vec()),
        RowKey::Active(height) => (Table::Active, ordered_key(height.0).to_vec()),
        RowKey::Named(height) => (Table::Active, named_key(*height)),
        RowKey::Best(height) => (Table::Best, ordered_key(height.0).to_vec()),
        RowKey::Body(id) => (Table::Bodies, id.0.to_vec()),
        RowKey::Undo(id) => (Table::Undo, id.0.to_vec()),
        RowKey::History(position) => (Table::History, ordered_key(*position).to_vec()),
        RowKey::State(StateKey::Balance(owner)) => {
            (Table::State, [&[BALANCE][..], &owner.0].concat())
        }
        RowKey::State(StateKey::Application { topic, key }) => (
            Table::State,
            [&[APPLICATION], &topic_key(topic)[..], key].concat(),
        ),
        RowKey::Mined(id) => (Table::Mined, id.0.to_vec()),
        RowKey::Open(id) => (Table::Open, id.0.to_vec()),
        RowKey::Record(topic, height, index) => (
            Table::Records,
            [
                &topic_key(topic)[..],
                &ordered_key(height.0),
                &index.to_be_bytes(),
            ]
            .concat(),
        ),
        RowKey::FreeUse(id) => (Table::Meta, [&b"free use "[..], &id.0].concat()),
        RowKey::Awake => (Table::Meta, b"awake".to_vec()),
        RowKey::Left(place) => (Table::Meta, [LEFT, &place.to_be_bytes()].concat()),
        RowKey::LeftCount => (Table::Meta, b"left count".to_vec()),
    }
}

/// Heights begin with a zero for as long as there is time.
fn named_key(height: Height) -> Vec<u8> {
    [&[NAMED], &ordered_key(height.0)[..]].concat()
}

/// A topic at the beginning of a key. It is shorter than 256 bytes, so that its length is one byte.
fn topic_key(topic: &Topic) -> Vec<u8> {
    let topic = topic.as_str().as_bytes();
    [&[topic.len() as u8], topic].concat()
}

/// Where the records of a topic are on the connected chain, from `from` on and at most `limit`, in the
/// order of the chain.
pub fn records_of(
    disk: &dyn DiskRead,
    topic: &Topic,
    from: MinedAt,
    limit: usize,
) -> Result<Vec<MinedAt>, Internal> {
    let head = topic_key(topic);
    let (table, first) = place(&RowKey::Record(topic.clone(), from.height, from.index));
    let rows = disk.scan(table, &first, limit).map_err(internal)?;
    let places = rows
        .iter()
        .map_while(|(key, _)| key.strip_prefix(&head[..]));
    let read = |key: &[u8]| {
        let (height, index) = key.split_at_checked(ORDERED_KEY_LEN)?;
        Some(MinedAt {
            height: Height(read_ordered_key(height)?),
            index: u32::from_be_bytes(index.try_into().ok()?),
        })
    };
    let damaged = || Internal("a row of the records is damaged".into());
    places.map(|key| read(key).ok_or_else(damaged)).collect()
}

/// The topics that have records on the connected chain, the shortest first, behind `after`; at most `limit`.
pub fn topics_of_records(
    disk: &dyn DiskRead,
    after: Option<&Topic>,
    limit: usize,
) -> Result<Vec<Topic>, Internal> {
    // Behind every place there can be.
    let behind = |topic: &Topic| [&topic_key(topic)[..], &[u8::MAX; ORDERED_KEY_LEN + 5]].concat();
    let mut from = after.map(behind).unwrap_or_default();
    let mut topics = Vec::new();
    while topics.len() < limit {
        let rows = disk.scan(Table::Records, &from, 1).map_err(internal)?;
        let Some((key, _)) = rows.first() else {
            break;
        };
        let topic =
            topic_in(key).ok_or_else(|| Internal("a row of the records is damaged".into()))?;
        from = behind(&topic);
        topics.push(topic);
    }
    Ok(topics)
}

/// The topic in the key of a record.
fn topic_in(key: &[u8]) -> Option<Topic> {
    let (length, rest) = key.split_first()?;
    let text = rest.get(..usize::from(*length))?;
    Topic::new(std::str::from_utf8(text).ok()?).ok()
}

/// The rows of an application whose keys begin with `beginning`, behind the row `after` of those: the rest of
/// each key, and its value; at most `limit`.
pub fn application_rows(
    disk: &dyn DiskRead,
    topic: &Topic,
    beginning: &[u8],
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<super::Row>, Internal> {
    let head = [&[APPLICATION], &topic_key(topic)[..], beginning].concat();
    let mut from = [&head[..], after.unwrap_or_default()].concat();
    if after.is_some() {
        from.push(0);
    }
    let rows = disk.scan(Table::State, &from, limit).map_err(internal)?;
    let own = rows.into_iter().map_while(|(key, value)| {
        let rest = key.strip_prefix(&head[..])?;
        Some((rest.to_vec(), value))
    });
    Ok(own.collect())
}

/// The values of all rows of an application whose keys begin with `beginning`, in the order of the keys, one behind
/// the other: asking for each by its key takes many times as long.
pub fn application_values<'a>(
    disk: &'a dyn DiskRead,
    topic: &Topic,
    beginning: &[u8],
) -> impl Iterator<Item = Result<Vec<u8>, Internal>> + use<'a> {
    let head = [&[APPLICATION], &topic_key(topic)[..], beginning].concat();
    let rows = rows_from(disk, Table::State, &head, APPLICATION_PAGE);
    let own =
        rows.take_while(move |row| row.as_ref().map_or(true, |(key, _)| key.starts_with(&head)));
    own.map(|row| row.map(|(_, value)| value).map_err(internal))
}

/// The changes as the disk takes them.
pub fn changes(rows: &[Row]) -> impl Iterator<Item = RowChange> {
    rows.iter().map(|(key, value)| {
        let (table, key) = place(key);
        RowChange {
            table,
            key,
            value: value.clone(),
        }
    })
}

/// The chain's view of a disk or of a snapshot of one.
pub struct ChainRows<'a>(pub &'a dyn DiskRead);

impl StateView for ChainRows<'_> {
    fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
        let (table, key) = place(key);
        self.0.get(table, &key).map_err(internal)
    }

    fn may_name(&self, key: &PublicKey, from: Height, limit: usize) -> Result<Vec<bool>, Internal> {
        let rows = self.0.scan(Table::Active, &named_key(from), limit);
        let rows = rows.map_err(internal)?.into_iter();
        let in_order = rows
            .zip((from.0..).map(Height))
            .take_while(|((row, _), height)| *row == named_key(*height));
        Ok(in_order
            .map(|((_, named), _)| named::may_name(&named, key))
            .collect())
    }
}

/// The network's first block, if this disk knows one.
pub fn stored_genesis(disk: &dyn DiskRead) -> Result<Option<Genesis>, Internal> {
    let Some(bytes) = ChainRows(disk).read(&RowKey::Genesis)? else {
        return Ok(None);
    };
    canonical::decode(&bytes)
        .map(Some)
        .map_err(|error| Internal(format!("the stored genesis block is damaged: {error}")))
}

/// The open transactions as they were committed last.
pub fn stored_open(disk: &dyn DiskRead) -> Result<Vec<OpenEntry>, Internal> {
    rows_from(disk, Table::Open, &[], OPEN_PAGE)
        .map(|row| {
            let (_, bytes) = row.map_err(internal)?;
            canonical::decode(&bytes)
                .map_err(|error| Internal(format!("an open transaction is damaged: {error}")))
        })
        .collect()
}

/// The latest short records that were open here and left without being mined, in no order.
pub fn left_records(disk: &dyn DiskRead) -> Result<Vec<EncodedTransaction>, Internal> {
    let rows = disk.scan(Table::Meta, LEFT, MAX_LEFT as usize);
    let own = rows.map_err(internal)?.into_iter();
    let own = own.take_while(|(key, _)| key.starts_with(LEFT));
    own.map(|(_, bytes)| {
        canonical::decode(&bytes)
            .map_err(|error| Internal(format!("a record that left is damaged: {error}")))
    })
    .collect()
}

/// A failure of the disk is ours.
pub(crate) fn internal(error: DiskError) -> Internal {
    Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{BlockId, TransactionId};
    use crate::store::{Disk, MemoryDisk};
    use std::collections::HashSet;

    #[test]
    fn every_row_has_a_place_of_its_own_and_is_read_back() {
        let application = |topic: &str, key: &[u8]| {
            RowKey::State(StateKey::Application {
                topic: canonical::CappedText::new(topic).unwrap(),
                key: key.to_vec(),
            })
        };
        let keys = [
            RowKey::Tip,
            RowKey::BestHeader,
            RowKey::Reorganisation,
            RowKey::Genesis,
            RowKey::Header(BlockId([1; 32])),
            RowKey::Active(Height(1)),
            RowKey::Named(Height(1)),
            RowKey::Best(Height(1)),
            RowKey::Body(BlockId([1; 32])),
            RowKey::Undo(BlockId([1; 32])),
            RowKey::History(1),
            RowKey::State(StateKey::Balance(PublicKey([1; 32]))),
            application("ab", b"c"),
            application("a", b"bc"),
            RowKey::Mined(TransactionId([1; 32])),
            RowKey::Open(TransactionId([1; 32])),
            RowKey::Record(canonical::CappedText::new("ab").unwrap(), Height(1), 1),
            RowKey::Record(canonical::CappedText::new("a").unwrap(), Height(1), 1),
            RowKey::FreeUse(BlockId([1; 32])),
            RowKey::Awake,
            RowKey::Left(1),
            RowKey::LeftCount,
        ];
        let places: HashSet<_> = keys.iter().map(place).collect();
        assert_eq!(places.len(), keys.len());
        let disk = MemoryDisk::new();
        let rows: Vec<Row> = keys
            .iter()
            .zip(0..)
            .map(|(key, n)| (key.clone(), Some(vec![n])))
            .collect();
        let rows: Vec<_> = changes(&rows).collect();
        disk.commit(&rows).unwrap();
        for (key, n) in keys.iter().zip(0..) {
            assert_eq!(ChainRows(&disk).read(key), Ok(Some(vec![n])));
        }
    }

    #[test]
    fn whom_blocks_name_is_read_in_one_go_as_it_is_read_one_by_one() {
        /// Without its own way.
        struct OneByOne<'a>(ChainRows<'a>);
        impl StateView for OneByOne<'_> {
            fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
                self.0.read(key)
            }
        }
        let disk = MemoryDisk::new();
        // None is kept of the sixth; there is one more beside the last.
        let named = |height| {
            (
                RowKey::Named(Height(height)),
                Some(vec![height as u8 % 2; 4]),
            )
        };
        let rows: Vec<_> = [1, 2, 3, 4, 5, 7, 8, 256, 257].map(named).into();
        let active = (RowKey::Active(Height(1)), Some(vec![1]));
        let rows: Vec<_> = changes(&[rows, vec![active]].concat()).collect();
        disk.commit(&rows).unwrap();
        let (key, view) = (PublicKey([1; 32]), OneByOne(ChainRows(&disk)));
        for (from, limit) in [
            (1, 9),
            (2, 2),
            (5, 9),
            (6, 9),
            (7, 9),
            (255, 2),
            (256, 9),
            (258, 9),
        ] {
            let told = ChainRows(&disk).may_name(&key, Height(from), limit);
            assert_eq!(told, view.may_name(&key, Height(from), limit), "{from}");
        }
        let told = ChainRows(&disk).may_name(&key, Height(3), 9);
        assert_eq!(told, Ok(vec![true, false, true]));
    }
}
