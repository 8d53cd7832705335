//! Whom a block names, in little: whoever looks for its own blocks reads this, and only their bodies.

use super::{Action, Block};
use crate::keys::PublicKey;
use std::collections::BTreeSet;

/// Bytes of each key that are kept. Two keys that have them in common cost a body that is read for nothing,
/// and nothing else.
const KEPT: usize = 4;

fn kept(key: &PublicKey) -> [u8; KEPT] {
    let [a, b, c, d, ..] = key.0;
    [a, b, c, d]
}

/// The beginnings of all keys that send or receive in a block, ascending.
pub(super) fn of(block: &Block) -> Vec<u8> {
    let mut named = BTreeSet::new();
    for transaction in &block.transactions {
        let payload = transaction.payload();
        match &payload.action {
            Action::Transfer { to, .. } => named.extend([kept(&payload.sender), kept(to)]),
            Action::Record { .. } => named.extend([kept(&payload.sender)]),
            Action::Reward { to, .. } => named.extend([kept(to)]),
        }
    }
    named.into_iter().flatten().collect()
}

/// Whether the block with these beginnings may name a key.
pub fn may_name(named: &[u8], key: &PublicKey) -> bool {
    let own = kept(key);
    named.chunks(KEPT).any(|other| *other == own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::{Node, member, transfer};

    #[test]
    fn a_block_names_who_sends_and_who_receives_and_who_mined_it() {
        let mut node = Node::new();
        node.send(transfer(1, 2, 1, 1, 1)).unwrap();
        let named = of(&node.mine(4));
        let may = |owner| may_name(&named, &member(owner).public_key());
        assert!(may(1) && may(2) && may(4));
        assert!(!may(3) && !may(9));
        assert_eq!(named.len(), 3 * KEPT);
    }
}
