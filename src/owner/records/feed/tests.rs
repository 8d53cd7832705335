use super::*;
use crate::chain::Rules;
use crate::chain::ledger::BlockOutcome;
use crate::chain::testing::counter::{record, signed};
use crate::chain::testing::{Node, member, rules};
use crate::owner::testing::directory_of;
use crate::store::chain_rows::changes;
use crate::store::{Disk, MemoryDisk};
use proptest::prelude::*;

/// The disk of a node, as it is at this moment.
fn disk_of(node: &Node) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let rows = node.disk.0.iter();
    let rows: Vec<_> = rows.map(|(k, v)| (k.clone(), Some(v.clone()))).collect();
    disk.commit(&changes(&rows).collect::<Vec<_>>()).unwrap();
    disk
}

fn read(node: &Node, after: Option<&Cursor>, limit: usize) -> Result<Found, Refused> {
    let directory = directory_of([]);
    let people = People {
        directory: &directory,
        own_name: &"alice".parse().unwrap(),
        own_key: member(1).public_key(),
        statements: None,
    };
    let after = after.map(|cursor| Seen::read(cursor).unwrap());
    let topic = Topic::new("book").unwrap();
    feed(&rules(), &disk_of(node), &people, &topic, after, limit)
}

/// Follows a feed as programs do: what is left when all that was reverted is taken off.
#[derive(Default)]
struct Follower {
    cursor: Option<Cursor>,
    texts: Vec<String>,
}

impl Follower {
    /// Reads to the end, so many entries at a time; what was told, `-` before what was reverted.
    fn catch_up(&mut self, node: &Node, limit: usize) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let found = read(node, self.cursor.as_ref(), limit).unwrap();
            assert!(found.entries.len() <= limit);
            for entry in &found.entries {
                let BodyView::Text(text) = &entry.record().body else {
                    panic!("the tests record text");
                };
                match entry {
                    RecordEntry::Added(_) => {
                        told.push(text.clone());
                        self.texts.push(text.clone());
                    }
                    RecordEntry::Reverted(_) => {
                        told.push(format!("-{text}"));
                        assert_eq!(self.texts.pop().as_ref(), Some(text));
                    }
                }
                // Every entry is a place to go on from.
                self.cursor = Some(entry.record().cursor.clone());
            }
            if !found.more {
                self.cursor = Some(found.seen.cursor());
                return told;
            }
            self.cursor = Some(found.seen.cursor());
        }
    }
}

fn send(node: &mut Node, rules: &Rules, salt: u8, topic: &str, text: &str) {
    let transaction = signed(rules, 1, salt, 0, record(topic, text.as_bytes()));
    node.send(transaction).unwrap();
}

/// A node in whose blocks these texts are recorded; an empty one stands for a block without any.
fn chain_of(blocks: &[&[&str]], miner: u8) -> (Node, Vec<Block>) {
    let mut node = Node::new();
    let (rules, mut salt) = (rules(), 0);
    let mut made = Vec::new();
    for texts in blocks {
        for text in *texts {
            salt += 1;
            send(&mut node, &rules, salt, "book", text);
            send(&mut node, &rules, salt, "other", "of another topic");
        }
        made.push(node.mine(miner));
    }
    (node, made)
}

#[test]
fn a_feed_tells_in_the_order_of_the_chain_and_goes_on_where_it_was() {
    let (mut node, _) = chain_of(&[&["a", "b"], &[], &["c"]], 1);
    for limit in 1..5 {
        let mut follower = Follower::default();
        assert_eq!(follower.catch_up(&node, limit), ["a", "b", "c"]);
        assert!(follower.catch_up(&node, limit).is_empty());
    }
    let mut follower = Follower::default();
    follower.catch_up(&node, 9);
    send(&mut node, &rules(), 99, "book", "d");
    assert!(follower.catch_up(&node, 9).is_empty(), "it is open");
    node.mine(1);
    assert_eq!(follower.catch_up(&node, 9), ["d"]);
}

#[test]
fn what_a_branch_lost_is_told_first_as_reverted() {
    let (mut node, _) = chain_of(&[&["a"], &["b", "c"], &["d"]], 1);
    let mut follower = Follower::default();
    follower.catch_up(&node, 9);
    let (_, other) = chain_of(&[&[], &[], &[], &[], &["x"], &[]], 2);
    for block in other {
        assert!(matches!(
            node.block(block),
            BlockOutcome::Accepted | BlockOutcome::Known
        ));
    }
    assert_eq!(follower.catch_up(&node, 1), ["-d", "-c", "-b", "-a", "x"]);
    // What was taken back is open again and is mined once more.
    node.mine(1);
    follower.catch_up(&node, 9);
    follower.texts.sort();
    assert_eq!(follower.texts, ["a", "b", "c", "d", "x"]);
}

#[test]
fn a_place_that_no_block_has_is_no_place_to_go_on_from() {
    let (node, blocks) = chain_of(&[&["a"]], 1);
    let elsewhere = Cursor(format!("1-all-{}", BlockId([7; 32])));
    let wrong_height = Cursor(format!("5-all-{}", blocks[0].id()));
    for cursor in [elsewhere, wrong_height] {
        let refused = read(&node, Some(&cursor), 9).err().unwrap();
        assert_eq!(refused.code, Code::BadCursor);
    }
    for text in ["", "1", "1-2", "x-all-00", "1-x-00"] {
        let refused = Seen::read(&Cursor(text.to_owned())).unwrap_err();
        assert_eq!(refused.code, Code::BadCursor, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// Whenever somebody looks, on whatever branch the node is, and however small the pages: what was told
    /// and not reverted is what the connected chain holds.
    #[test]
    fn a_follower_ends_with_what_the_chain_holds(
        steps in proptest::collection::vec((0..2usize, 0..3u8, any::<bool>()), 1..14),
        limit in 1..4usize,
    ) {
        let rules = rules();
        let mut miners = [Node::new(), Node::new()];
        let mut node = Node::new();
        let mut follower = Follower::default();
        for (step, (who, records, look)) in (0u8..).zip(steps) {
            for at in 0..records {
                let salt = step * 4 + at;
                let text = format!("{salt}");
                let transaction = signed(&rules, 1, salt, 0, record("book", text.as_bytes()));
                miners[who].send(transaction).unwrap();
            }
            let block = miners[who].mine(who as u8 + 1);
            node.now = node.now.max(miners[who].now).plus_ms(1_000);
            prop_assert_eq!(node.block(block), BlockOutcome::Accepted);
            if look {
                follower.catch_up(&node, limit);
            }
        }
        follower.catch_up(&node, limit);
        let mut fresh = Follower::default();
        fresh.catch_up(&node, limit);
        prop_assert_eq!(&follower.texts, &fresh.texts);
        let tip = node.ledger.tip().height().0;
        let mut held = Vec::new();
        for height in 1..=tip {
            let view = &node.disk;
            let id = view.active(Height(height)).unwrap().unwrap();
            for transaction in view.block(&id).unwrap().unwrap().transactions {
                if let Action::Record { body, .. } = &transaction.payload().action {
                    held.push(String::from_utf8(body.as_slice().to_vec()).unwrap());
                }
            }
        }
        prop_assert_eq!(&follower.texts, &held);
    }
}
