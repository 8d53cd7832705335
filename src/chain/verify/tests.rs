use super::super::testing::{MemoryView, Node, member, network, rules, transfer};
use super::super::{Amount, Block};
use super::*;
use crate::canonical;
use crate::chain::rows::Undo;
use crate::chain::target::Work;

/// Three blocks: payments, one of which leaves its sender without a coin.
fn stored() -> MemoryView {
    let mut node = Node::new();
    node.mine(5);
    node.send(transfer(1, 2, 1_000, 0, 1)).unwrap();
    node.send(transfer(2, 6, 10, 1, 2)).unwrap();
    node.mine(5);
    node.send(transfer(6, 3, 3, 1, 3)).unwrap();
    node.mine(6);
    node.disk
}

/// In memory, too; counts how often it was needed.
#[derive(Default)]
struct Spilled {
    rows: BTreeMap<StateKey, Option<Vec<u8>>>,
    puts: usize,
}

impl Scratch for Spilled {
    fn read(&self, key: &StateKey) -> Result<Option<Option<Vec<u8>>>, Internal> {
        Ok(self.rows.get(key).cloned())
    }

    fn put(&mut self, rows: BTreeMap<StateKey, Option<Vec<u8>>>) -> Result<(), Internal> {
        self.puts += 1;
        self.rows.extend(rows);
        Ok(())
    }

    fn each(
        &self,
        show: &mut dyn FnMut(StateKey, Option<Vec<u8>>) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError> {
        let mut rows = self.rows.clone().into_iter();
        rows.try_for_each(|(key, value)| show(key, value))
    }
}

/// With all of the state in memory, with some of it, and with none: the verdict is the same.
fn verify(stored: &MemoryView) -> Result<Verified, VerifyError> {
    let mut verdicts = [HELD_BYTES, 2 * ROW_COST, 0].map(|most| {
        let mut scratch = Spilled::default();
        let verdict = verify_holding(most, &rules(), stored, &mut scratch, |_| {});
        assert_eq!(scratch.puts > 0, most < HELD_BYTES);
        verdict
    });
    assert_eq!(verdicts[0], verdicts[1]);
    assert_eq!(verdicts[0], verdicts[2]);
    std::mem::replace(&mut verdicts[0], Err(Internal(String::new()).into()))
}

/// What is said of the stored rows once `key` holds something else.
fn found(key: RowKey, value: Option<Vec<u8>>) -> String {
    let mut tampered = stored();
    assert_ne!(tampered.0.get(&key), value.as_ref(), "nothing is changed");
    tampered.commit(vec![(key, value)]);
    verify(&tampered).unwrap_err().to_string()
}

#[test]
fn an_honest_chain_verifies_and_is_counted() {
    let stored = stored();
    let mut heights = Vec::new();
    let mut scratch = Spilled::default();
    let each = |height| heights.push(height);
    let verified = verify_chain(&rules(), &stored, &mut scratch, each).unwrap();
    assert_eq!(heights, [Height(1), Height(2), Height(3)]);
    assert_eq!(Ok(Some(verified.tip)), stored.active(Height(3)));
    assert_eq!(verified.height, Height(3));
    assert_eq!(verified.transactions, 6);
    assert_eq!(verified.supply, Amount(4_000 + 3 * 50));
    let empty = verify(&Node::new().disk).unwrap();
    assert_eq!((empty.height, empty.tip), (Height(0), network()));
}

#[test]
fn a_chain_after_a_reorganisation_verifies() {
    let mut node = Node::new();
    let mut other = Node::new();
    node.send(transfer(1, 2, 10, 0, 1)).unwrap();
    node.mine(5);
    let blocks = [other.mine(6), other.mine(6)];
    node.now = other.now;
    for block in blocks {
        node.block(block);
    }
    assert_eq!(verify(&node.disk).unwrap().tip, other.ledger.tip().id);
}

#[test]
fn every_changed_balance_is_found() {
    let balance = |n: u8| RowKey::State(StateKey::Balance(member(n).public_key()));
    for n in [2, 3, 4, 5, 6] {
        let text = found(balance(n), Some(1_000_000u64.to_le_bytes().to_vec()));
        assert!(text.contains("balance of"), "{text}");
        assert!(found(balance(n), None).contains("balance of"));
    }
    // Member 1 has spent everything: there must be no row.
    let text = found(balance(1), Some(5u64.to_le_bytes().to_vec()));
    assert!(text.contains("balance of"), "{text}");
}

#[test]
fn every_other_changed_row_is_found() {
    let disk = stored();
    let at = |height| disk.active(Height(height)).unwrap().unwrap();
    assert!(found(RowKey::Tip, Some(canonical::encode(&at(2)))).contains("tip"));
    assert!(found(RowKey::Active(Height(3)), None).contains("tip"));
    assert!(found(RowKey::Active(Height(2)), None).contains("tip"));
    let elsewhere = Some(canonical::encode(&at(1)));
    assert!(found(RowKey::Active(Height(2)), elsewhere).contains("block 2"));
    // Four leaves have one peak, from which all follows.
    let peak = found(RowKey::History(6), Some(vec![0; 32]));
    assert!(peak.contains("history"), "{peak}");
    let paid = transfer(1, 2, 1_000, 0, 1).id();
    assert!(found(RowKey::Mined(paid), None).contains("place of transaction"));
    let nobody = found(RowKey::Named(Height(2)), Some(Vec::new()));
    assert!(nobody.contains("names in block 2"), "{nobody}");
    let none = Some(canonical::encode(&Undo::default()));
    assert!(found(RowKey::Undo(at(2)), none).contains("undo data of block 2"));
    assert!(found(RowKey::Undo(at(2)), None).contains("undo data of block 2"));
    let entry = disk.header(&at(2)).unwrap().unwrap();
    let work = Work::from(1_000_000);
    let heavier = canonical::encode(&HeaderEntry { work, ..entry });
    assert!(found(RowKey::Header(at(2)), Some(heavier)).contains("header of block 2"));
}

#[test]
fn every_changed_byte_of_a_body_is_found() {
    let disk = stored();
    let id = disk.active(Height(2)).unwrap().unwrap();
    let body = disk.block(&id).unwrap().unwrap().to_bytes();
    for at in 0..body.len() {
        let mut tampered = disk.clone();
        let mut bytes = body.clone();
        bytes[at] ^= 1;
        tampered.commit(vec![(RowKey::Body(id), Some(bytes))]);
        assert!(verify(&tampered).is_err(), "byte {at}");
    }
}

#[test]
fn a_forged_payment_is_found_even_in_a_block_that_was_mined_for_it() {
    let mut forge = super::super::testing::forge::Forge::new();
    let theft = transfer(1, 9, 1_000, 0, 1).payload().clone();
    let theft = super::super::EncodedTransaction::new(theft.sign(&member(9)));
    let block: Block = forge.child(forge.genesis(), 1_000, 9, &[theft]);
    let mut disk = Node::new().disk;
    disk.commit(vec![
        (RowKey::Body(block.id()), Some(block.to_bytes())),
        (
            RowKey::Active(Height(1)),
            Some(canonical::encode(&block.id())),
        ),
    ]);
    let text = verify(&disk).unwrap_err().to_string();
    assert!(text.contains("bad signature"), "{text}");
}

#[test]
fn each_block_of_an_honest_chain_verifies_by_itself() {
    let stored = stored();
    for height in 0..=3 {
        let id = stored.active(Height(height)).unwrap().unwrap();
        assert_eq!(verify_block(&rules(), &stored, &id), Ok(()), "{height}");
    }
    let unknown = verify_block(&rules(), &stored, &BlockId([7; 32])).unwrap_err();
    assert!(unknown.to_string().contains("missing"), "{unknown}");
}

#[test]
fn a_changed_block_is_found_by_itself() {
    let mut stored = stored();
    let id = stored.active(Height(2)).unwrap().unwrap();
    let mut block = stored.block(&id).unwrap().unwrap();
    block.transactions.pop();
    stored.commit(vec![(RowKey::Body(id), Some(block.to_bytes()))]);
    let error = verify_block(&rules(), &stored, &id).unwrap_err();
    assert!(matches!(error, VerifyError::Block { .. }), "{error}");
    let next = stored.active(Height(3)).unwrap().unwrap();
    assert_eq!(verify_block(&rules(), &stored, &next), Ok(()));
}
