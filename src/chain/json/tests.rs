use super::super::testing::{Node, genesis, member, network, transfer};
use super::*;
use crate::canonical::CappedBytes;
use proptest::prelude::*;
use serde_json::{from_str, to_string};

fn through_json(block: &Block) -> Block {
    let text = to_string(&BlockJson::from(block)).unwrap();
    from_str::<BlockJson>(&text).unwrap().try_into().unwrap()
}

fn signed(action: Action, salt: [u8; 16]) -> EncodedTransaction {
    let payload = Payload {
        network: network(),
        sender: member(1).public_key(),
        salt: Salt(salt),
        expires_at: Height(7),
        fee: Amount(u64::MAX),
        action,
    };
    EncodedTransaction::new(payload.sign(&member(1)))
}

#[test]
fn a_mined_block_goes_through_json_to_the_byte() {
    let mut node = Node::new();
    node.send(transfer(1, 2, 5, 1, 1)).unwrap();
    let block = node.mine(3);
    assert_eq!(block.transactions.len(), 2);
    assert_eq!(through_json(&block).to_bytes(), block.to_bytes());
    let text = to_string(&BlockJson::from(&block)).unwrap();
    assert!(text.contains(&block.id().to_string()));
    assert!(text.contains(&member(2).public_key().to_address()));
}

proptest! {
    #[test]
    fn any_transaction_goes_through_json(
        to: [u8; 32], amount: u64, height: u64, salt: [u8; 16], kind in 0..3,
        bytes in prop::collection::vec(any::<u8>(), 0..100), topic in "\\PC{0,8}",
    ) {
        let to = PublicKey(to);
        let transaction = match kind {
            0 => signed(Action::Transfer {
                to, amount: Amount(amount), note: CappedBytes::new(bytes).unwrap(),
            }, salt),
            1 => signed(Action::Record {
                topic: CappedText::new(topic).unwrap(), body: CappedBytes::new(bytes).unwrap(),
            }, salt),
            _ => EncodedTransaction::new(
                Payload::reward(network(), to, Height(height), Amount(amount)).unsigned()),
        };
        let text = to_string(&TransactionJson::from(&transaction)).unwrap();
        let back: EncodedTransaction =
            from_str::<TransactionJson>(&text).unwrap().try_into().unwrap();
        prop_assert_eq!(back.bytes(), transaction.bytes());
    }
}

#[test]
fn genesis_goes_through_json_to_the_byte() {
    let genesis = genesis();
    let text = to_string(&GenesisJson::from(&genesis)).unwrap();
    let back: Genesis = from_str::<GenesisJson>(&text).unwrap().try_into().unwrap();
    assert_eq!(back, genesis);
    assert!(text.contains("RacletteCheese"));
}

#[test]
fn what_was_changed_is_refused() {
    let mut node = Node::new();
    node.send(transfer(1, 2, 5, 1, 1)).unwrap();
    let json = BlockJson::from(&node.mine(3));
    let changes: [fn(&mut BlockJson); 5] = [
        |json| json.header.nonce ^= 1,
        |json| json.header.id.0[31] ^= 1,
        |json| json.transactions[1].id.0[0] ^= 1,
        |json| json.transactions[1].signed = None,
        |json| {
            let signed = json.transactions[1].signed.clone();
            json.transactions[0].signed = signed;
        },
    ];
    for change in changes {
        let mut changed = json.clone();
        change(&mut changed);
        assert!(Block::try_from(changed).is_err());
    }
    let text = to_string(&json).unwrap();
    let more = text.replacen("\"nonce\"", "\"luck\":1,\"nonce\"", 1);
    assert!(from_str::<BlockJson>(&more).is_err());
}
