//! What nobody asked for, as long as it may be and as fast as the line takes it: each message of the protocol that a
//! member may say without being asked, and that is no fault.

use crate::floods::{MIB, flood_beside_payments};
use crate::support::{Forge, Heard, Lab, Node, RawPeer, pong};
use raclette::chain::{Block, BlockId, EncodedTransaction, Genesis, Header, TransactionId};
use raclette::wire::Message;
use raclette::wire::message::{MAX_BLOCKS_ASKED, MAX_IDS};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Ids that nobody knows, others with each number.
fn ids(number: u64, count: usize) -> impl Iterator<Item = [u8; 32]> {
    let id = move |at: usize| {
        *blake3::hash(&[number, at as u64].map(u64::to_le_bytes).concat()).as_bytes()
    };
    (0..count).map(id)
}

/// One of each.
fn one_of_each(genesis: &Genesis, raw: &RawPeer, number: u64) -> Vec<Message> {
    let forge = Forge::new(genesis.clone());
    let note: EncodedTransaction = forge.transfer(&raw.key, genesis.content.founder, 1, 1);
    let header = |nonce: u64| Header {
        nonce,
        ..genesis.header
    };
    let blocks = |count| ids(number, count).map(BlockId).collect::<Vec<_>>();
    let transactions = || ids(number, MAX_IDS).map(TransactionId).collect::<Vec<_>>();
    let body = Block {
        header: header(number),
        transactions: vec![note.clone(); 10_000],
    };
    vec![
        Message::Headers((0..2_000).map(header).collect()),
        Message::Block(body),
        Message::NoBlock(blocks(1)[0]),
        Message::GetBlocks(blocks(MAX_BLOCKS_ASKED)),
        Message::AnnounceTransactions(transactions()),
        Message::GetTransactions(transactions()),
        Message::Transactions(vec![note; MAX_IDS]),
        Message::Statements(Vec::new()),
        Message::Pong(pong(number)),
        Message::Ping(number),
    ]
}

/// Says one of each, again and again; what it is asked for it has not.
fn flood_of_what_nobody_asked_for(
    target: &Node,
    lab: &Lab,
    genesis: &Genesis,
    seed: u8,
    is_over: &AtomicBool,
) -> usize {
    let tracker = lab.tracker_key();
    let mut raw = RawPeer::member(target.listen, seed, genesis.id(), &tracker);
    // Its first question is answered: what comes after that was not asked for.
    raw.expect("the first question", |message| {
        matches!(message, Message::GetHeaders(_)).then_some(())
    });
    let mut rounds = 0;
    while !is_over.load(Ordering::Relaxed) {
        for message in one_of_each(genesis, &raw, rounds as u64) {
            raw.send(&message);
        }
        rounds += 1;
        loop {
            match raw.hear(Duration::from_millis(1)) {
                Heard::Message(Message::Ping(number)) => raw.send(&Message::Pong(pong(number))),
                Heard::Message(Message::Goodbye(goodbye)) => panic!("{}", goodbye.reason.as_str()),
                Heard::Message(_) => {}
                Heard::Nothing => break,
                Heard::Closed => return rounds,
            }
        }
    }
    rounds
}

#[test]
fn attack_what_nobody_asked_for_costs_little_and_holds_up_no_payment() {
    let flood = flood_of_what_nobody_asked_for;
    let (_, most) = flood_beside_payments(flood, 4, Duration::from_secs(3), 10);
    assert!(most < 64 * MIB, "{most} bytes");
}

#[test]
#[ignore = "takes a minute: make soak"]
fn attack_soak_half_a_minute_of_what_nobody_asked_for_holds_up_no_payment() {
    // Less than the node waits before it asks for headers again.
    let flood = flood_of_what_nobody_asked_for;
    let (longest, most) = flood_beside_payments(flood, 20, Duration::from_secs(25), 100);
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    assert!(most < 64 * MIB, "{most} bytes");
}
