//! The tables, and what their keys and values are.

/// A table: an ordered set of rows of its own, a column family in RocksDB.
///
/// Keys are compared byte by byte. "Height" and "position" keys are eight bytes, big-endian
/// ([`ordered_key`]), so that byte order is number order. "Canonical" is the canonical MessagePack
/// of PROTOCOL.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Single facts. ASCII name → canonical value. The names `schema_version`, `role`, `belongs_to` and
    /// `incarnation` are the store's own.
    Meta,
    /// Every header kept, on any branch. Block id (32) → canonical header entry: the header and
    /// what is derived from it.
    Headers,
    /// The connected chain. Height → block id (32); `n` and height → the first four bytes of each key that
    /// the block names, ascending.
    Active,
    /// The chain of headers with the most work, whether or not its bodies have come. Height →
    /// block id (32).
    Best,
    /// Block bodies. Block id (32) → canonical body.
    Bodies,
    /// What undoing a connected block puts back. Block id (32) → canonical list of earlier values.
    Undo,
    /// Nodes of the Merkle mountain range over the connected chain. Position → node hash (32).
    History,
    /// The ledger's state. A type byte and the key of that type → value: balances, application
    /// rows.
    State,
    /// Where a transaction was mined. Transaction id (32) → canonical height and index in its
    /// block.
    Mined,
    /// Open transactions. Transaction id (32) → canonical time since when, and transaction with its
    /// signature.
    Open,
    /// Where records are on the connected chain: the topic's length, the topic, height, index in its
    /// block (4, big-endian) → nothing.
    Records,
    /// A peer's directory of members, and what it keeps of its tracker. A type byte and the key of
    /// that type → canonical value.
    Members,
    /// A peer's outbox: what its owner sends. A type byte and the key of that type → canonical value,
    /// or the bytes of a transaction.
    Outbox,
    /// A peer's inbox: what its owner receives. As the outbox.
    Inbox,
    /// The tracker's own rows: members for ever, the next number, genesis. A type byte and the key
    /// of that type → canonical value.
    Registry,
    /// Whom a peer has met, and where. Public key (32) → canonical order and address.
    Met,
}

impl Table {
    /// Every table.
    pub const ALL: [Table; 16] = [
        Table::Meta,
        Table::Headers,
        Table::Active,
        Table::Best,
        Table::Bodies,
        Table::Undo,
        Table::History,
        Table::State,
        Table::Mined,
        Table::Open,
        Table::Records,
        Table::Members,
        Table::Outbox,
        Table::Inbox,
        Table::Registry,
        Table::Met,
    ];

    /// The column family's name on disk. Part of the schema: renaming one is a new schema version.
    pub const fn name(self) -> &'static str {
        match self {
            Table::Meta => "meta",
            Table::Headers => "headers",
            Table::Active => "active",
            Table::Best => "best",
            Table::Bodies => "bodies",
            Table::Undo => "undo",
            Table::History => "history",
            Table::State => "state",
            Table::Mined => "mined",
            Table::Open => "open",
            Table::Records => "records",
            Table::Members => "members",
            Table::Outbox => "outbox",
            Table::Inbox => "inbox",
            Table::Registry => "registry",
            Table::Met => "met",
        }
    }
}

/// Length of a height or position key, in bytes.
pub const ORDERED_KEY_LEN: usize = 8;

/// The key of a height or position: eight bytes, big-endian, so that rows stand in number order.
pub const fn ordered_key(number: u64) -> [u8; ORDERED_KEY_LEN] {
    number.to_be_bytes()
}

/// The number in a height or position key; `None` if it is not [`ORDERED_KEY_LEN`] bytes long.
pub fn read_ordered_key(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_table_is_listed_once_under_its_own_name() {
        let tables: BTreeSet<_> = Table::ALL.into_iter().collect();
        let names: BTreeSet<_> = Table::ALL.into_iter().map(Table::name).collect();
        assert_eq!(tables.len(), Table::ALL.len());
        assert_eq!(names.len(), Table::ALL.len());
    }

    proptest! {
        #[test]
        fn ordered_keys_stand_in_number_order(a: u64, b: u64) {
            prop_assert_eq!(ordered_key(a).cmp(&ordered_key(b)), a.cmp(&b));
            prop_assert_eq!(read_ordered_key(&ordered_key(a)), Some(a));
            prop_assert_eq!(read_ordered_key(&ordered_key(a)[1..]), None);
        }
    }
}
