//! What was promised is said after the synced write, and not before.

use crate::chain::ledger::{Answer, BlockOutcome, Effect, Origin, Ticket};
use crate::chain::overlay::MAX_OVERLAY_BATCHES;
use crate::chain::testing::forge::Forge;
use crate::chain::testing::{Node, member, transfer};
use crate::chain::transaction::RecordBody;
use crate::chain::tree::HeadersOutcome;
use crate::chain::tree::Source;
use crate::chain::{Action, Block, EncodedTransaction, Payload, Rejected, Topic, check_signatures};

/// A node whose disk is slow: commits wait until they are called for.
struct Slow {
    node: Node,
    waiting: Vec<(u64, crate::chain::overlay::Batch)>,
    told: Vec<Effect>,
}

impl Slow {
    fn new() -> Self {
        Self {
            node: Node::new(),
            waiting: Vec::new(),
            told: Vec::new(),
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Commit { batch, rows } => self.waiting.push((batch, rows)),
                Effect::Verify {
                    check,
                    transactions,
                } => {
                    let verdicts = check_signatures(&transactions);
                    let Node { ledger, disk, .. } = &mut self.node;
                    let more = ledger.signatures_checked(&[(check, verdicts)], disk);
                    self.carry_out(more.unwrap());
                }
                told => self.told.push(told),
            }
        }
    }

    fn send(&mut self, origin: Origin, salt: u8) {
        self.send_this(origin, transfer(1, 2, 1, 0, salt));
    }

    fn send_this(&mut self, origin: Origin, transaction: EncodedTransaction) {
        let Node { ledger, disk, .. } = &mut self.node;
        let effects = ledger.transactions(origin, vec![transaction], disk);
        let effects = effects.unwrap();
        self.carry_out(effects);
    }

    fn block(&mut self, origin: Origin, block: Block) {
        let Node {
            ledger, disk, now, ..
        } = &mut self.node;
        let effects = ledger.block(origin, block, disk, *now).unwrap();
        self.carry_out(effects);
    }

    fn write_one(&mut self) {
        let (batch, rows) = self.waiting.remove(0);
        self.node.disk.commit(rows.to_vec());
        let told = self.node.ledger.committed(batch);
        self.told.extend(told);
    }

    fn answered(&self, ticket: u64) -> bool {
        self.answer(ticket).is_some()
    }

    fn answer(&self, ticket: u64) -> Option<&Answer> {
        self.told.iter().find_map(|effect| match effect {
            Effect::Answer { ticket: t, answer } if t.0 == ticket => Some(answer),
            _ => None,
        })
    }
}

fn promise(ticket: u64) -> Origin {
    Origin::Promise(Ticket(ticket))
}

fn relay(ticket: u64) -> Origin {
    Origin::Relay(Ticket(ticket))
}

#[test]
fn a_promise_waits_for_its_own_batch_and_relay_does_not() {
    let mut slow = Slow::new();
    slow.send(promise(1), 1);
    slow.send(relay(2), 2);
    slow.send(promise(3), 3);
    assert!(!slow.answered(1) && slow.answered(2) && !slow.answered(3));
    assert!(!slow.node.ledger.is_settled());
    slow.write_one();
    assert!(slow.answered(1) && !slow.answered(3));
    slow.write_one();
    assert!(!slow.answered(3));
    slow.write_one();
    assert!(slow.answered(3));
    assert!(slow.node.ledger.is_settled());
    // A refusal writes nothing; with nothing under way it is said at once.
    slow.send(promise(4), 3);
    let refused = Answer::Transactions(vec![(
        transfer(1, 2, 1, 0, 3).id(),
        Err(Rejected::AlreadyOpen),
    )]);
    assert_eq!(slow.answer(4), Some(&refused));
}

#[test]
fn a_refusal_for_what_is_not_written_yet_waits_for_it() {
    let mut slow = Slow::new();
    slow.send(promise(1), 1);
    slow.send(promise(2), 1);
    assert!(!slow.answered(2), "that it is open already is not true yet");
    slow.write_one();
    assert!(slow.answered(1) && slow.answered(2));
}

#[test]
fn a_mined_block_is_told_of_after_its_batch() {
    let mut slow = Slow::new();
    let block = slow.node.next_block(5);
    slow.block(promise(1), block.clone());
    assert!(!slow.answered(1));
    assert_eq!(slow.node.ledger.tip().id, block.id());
    let stored = |slow: &Slow| {
        let mut told = slow.told.iter();
        told.any(
            |effect| matches!(effect, Effect::TipStored(change) if change.tip.id == block.id()),
        )
    };
    while !slow.waiting.is_empty() {
        assert!(!slow.answered(1) && !stored(&slow));
        slow.write_one();
    }
    assert!(stored(&slow));
    let mined = Answer::Block(block.id(), BlockOutcome::Accepted);
    assert_eq!(slow.answer(1), Some(&mined));
}

#[test]
fn attack_an_own_block_on_a_stale_tip_has_lost_its_race() {
    let mut node = Node::new();
    let own = node.next_block(5);
    let mut forge = Forge::new();
    let other = forge.child(forge.genesis(), 1_000, 6, &[]);
    assert_eq!(node.block(other.clone()), BlockOutcome::Accepted);
    assert_eq!(node.own_block(own.clone()), BlockOutcome::LostRace);
    assert_eq!(node.ledger.tip().id, other.id());
    let entry = node.ledger.chain().entry(&node.disk, &own.id());
    assert_eq!(entry, Ok(None), "it is not even kept");
}

#[test]
fn attack_an_own_block_overtaken_while_it_is_checked_has_lost_its_race() {
    let mut forge = Forge::new();
    let mut node = Node::new();
    // Signatures that are not remembered are checked anew.
    let own = forge.child(forge.genesis(), 1_000, 5, &[transfer(1, 2, 1, 0, 1)]);
    let other = forge.child(forge.genesis(), 1_000, 6, &[]);
    let effects = node.ledger.block(promise(9), own, &node.disk, node.now);
    let effects = effects.unwrap();
    assert_eq!(node.block(other.clone()), BlockOutcome::Accepted);
    node.carry_out(effects);
    let lost = node.told.iter().any(|effect| {
        matches!(effect, Effect::Answer { ticket: Ticket(9), answer: Answer::Block(_, outcome) }
            if *outcome == BlockOutcome::LostRace)
    });
    assert!(lost);
    assert_eq!(node.ledger.tip().id, other.id());
    assert_eq!(node.balance(5), 0);
    assert_eq!(node.balance(6), 50);
}

/// Blocks side by side upon genesis, a quarter of a megabyte each.
fn large_blocks(forge: &mut Forge) -> impl FnMut() -> Block + '_ {
    let topic = Topic::new("drawer").unwrap();
    let records: Vec<_> = (0..4)
        .map(|salt| {
            let body = RecordBody::new(vec![salt; 60 * 1024]).unwrap();
            let topic = topic.clone();
            let payload = Payload {
                action: Action::Record { topic, body },
                ..transfer(1, 2, 1, 0, salt).payload().clone()
            };
            EncodedTransaction::new(payload.sign(&member(1)))
        })
        .collect();
    let mut made = 0;
    move || {
        made += 1;
        forge.child(forge.genesis(), 1_000 + made, 5, &records)
    }
}

/// Hands in up to `most` of these blocks, until one is refused; how many were taken, and that one.
fn fill(slow: &mut Slow, most: u64, mut next: impl FnMut() -> Block) -> (u64, Option<Block>) {
    for n in 0..most {
        let block = next();
        slow.block(relay(n), block.clone());
        match slow.answer(n) {
            Some(Answer::Block(_, BlockOutcome::Accepted)) => {}
            Some(Answer::Block(_, BlockOutcome::Busy)) => return (n, Some(block)),
            other => panic!("{other:?}"),
        }
    }
    (most, None)
}

#[test]
fn a_full_overlay_takes_nothing_in_until_the_disk_is_done() {
    let mut slow = Slow::new();
    let mut forge = Forge::new();
    let (_, refused) = fill(&mut slow, 1_000, large_blocks(&mut forge));
    let refused = refused.expect("it does not take in without end");
    slow.send(relay(10_000), 99);
    assert!(matches!(
        slow.answer(10_000),
        Some(Answer::Transactions(answers)) if answers[0].1 == Err(Rejected::Busy)
    ));
    let Node {
        ledger, disk, now, ..
    } = &mut slow.node;
    let effects = ledger.headers(Ticket(10_001), Source(0), &[refused.header], disk, *now);
    slow.carry_out(effects.unwrap());
    let busy = Answer::Headers(Ok(HeadersOutcome::Busy));
    assert_eq!(slow.answer(10_001), Some(&busy));
    while !slow.waiting.is_empty() {
        slow.write_one();
    }
    slow.block(relay(10_002), refused.clone());
    let taken = Answer::Block(refused.id(), BlockOutcome::Accepted);
    assert_eq!(slow.answer(10_002), Some(&taken));
}

#[test]
fn attack_small_batches_without_end_wait_for_the_disk_as_large_ones_do() {
    let mut slow = Slow::new();
    let members = 1..=4u8;
    let pairs = members
        .clone()
        .flat_map(|from| (5..8u8).map(move |to| (from, to)));
    let small =
        pairs.flat_map(|(from, to)| (0..100).map(move |salt| transfer(from, to, 1, 0, salt)));
    let mut taken = 0;
    for (ticket, transaction) in (0..).zip(small) {
        slow.send_this(relay(ticket), transaction);
        match slow.answer(ticket) {
            Some(Answer::Transactions(answers)) if answers[0].1 == Ok(()) => taken += 1,
            Some(Answer::Transactions(answers)) if answers[0].1 == Err(Rejected::Busy) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(slow.waiting.len(), MAX_OVERLAY_BATCHES);
    assert!(taken <= MAX_OVERLAY_BATCHES, "{taken}");
    slow.write_one();
    slow.send(relay(10_000), 200);
    assert!(matches!(
        slow.answer(10_000),
        Some(Answer::Transactions(answers)) if answers[0].1 == Ok(())
    ));
}

#[test]
fn a_long_reorganisation_goes_no_faster_than_the_disk() {
    let mut forge = Forge::new();
    let (room, _) = fill(&mut Slow::new(), 1_000, large_blocks(&mut forge));
    // The same once more, one block short of full; the reorganisation's first step does the rest.
    let mut forge = Forge::new();
    let branch = forge.branch(forge.genesis(), 600, 6);
    let mut slow = Slow::new();
    slow.node.now = slow.node.now.plus_ms(10_000_000);
    let headers: Vec<_> = branch.iter().map(|block| block.header).collect();
    slow.node.headers(&headers).unwrap();
    for block in branch[1..].iter().rev() {
        slow.node.block(block.clone());
    }
    fill(&mut slow, room - 1, large_blocks(&mut forge));
    slow.block(relay(20_000), branch[0].clone());
    let more = |slow: &Slow| {
        slow.told
            .iter()
            .any(|effect| matches!(effect, Effect::More))
    };
    assert_ne!(slow.node.ledger.tip().id, branch[599].id());
    assert!(!more(&slow));
    while !slow.waiting.is_empty() {
        slow.write_one();
    }
    assert!(more(&slow));
}
