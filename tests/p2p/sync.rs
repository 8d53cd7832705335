//! Catching up with a long chain, beside peers who are no help.

use crate::support::{Apart, Grown, Heard, Lab, RawPeer, pong, so, wait_until};
use raclette::chain::{Block, Header};
use raclette::wire::Message;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Blocks that the newcomer is behind.
const BEHIND: u64 = 2_000;
/// How long a played peer waits for a word before it looks whether the test has ended.
const LOOK: Duration = Duration::from_millis(100);

/// What a played peer does with what it is asked, for as long as `go_on` says so; how it ended: what
/// it was told, if it was let go.
fn play(
    raw: &mut RawPeer,
    headers: &[Header],
    go_on: impl Fn() -> bool,
    mut asked_for_blocks: impl FnMut(&mut RawPeer, &Message),
) -> Option<String> {
    let mut reason = String::new();
    while go_on() {
        match raw.hear(LOOK) {
            Heard::Nothing => {}
            Heard::Closed => return Some(reason),
            Heard::Message(Message::Goodbye(goodbye)) => {
                goodbye.reason.as_str().clone_into(&mut reason)
            }
            Heard::Message(Message::Ping(number)) => raw.send(&Message::Pong(pong(number))),
            Heard::Message(Message::GetHeaders(locator)) => {
                let known = headers
                    .iter()
                    .rposition(|header| locator.contains(&header.id()));
                let after = known.map_or(0, |at| at + 1);
                raw.send(&Message::Headers(headers[after..].to_vec()));
            }
            Heard::Message(message) => asked_for_blocks(raw, &message),
        }
    }
    None
}

/// The body without its last payment: no more the one that its header names.
fn cut(block: &Block) -> Block {
    let mut block = block.clone();
    block.transactions.pop();
    block
}

#[test]
fn p2p_a_peer_2000_blocks_behind_catches_up_beside_one_who_stalls_and_one_who_lies() {
    let lab = Lab::start();
    let grown = Grown::new(&lab, BEHIND);
    let (mut alice, mut bob) = (lab.prepare_peer("alice"), lab.prepare_peer("bob"));
    grown.give(&alice);
    grown.give(&bob);
    alice.start().joins();
    bob.start().joins();
    alice.stop();
    bob.stop();

    // At first the newcomer has nobody but those two, who show all headers.
    let carol = lab.peer("carol");
    let blocks = grown.blocks(&alice);
    let headers: Vec<Header> = blocks.iter().map(|block| block.header).collect();
    let (network, tracker) = (grown.network(), lab.tracker_key());
    let [mut staller, mut liar] =
        [7, 8].map(|seed| RawPeer::member(carol.listen, seed, network, &tracker));
    let (over, asked, lied) = (
        AtomicBool::new(false),
        AtomicBool::new(false),
        AtomicBool::new(false),
    );
    let go_on = || !over.load(Ordering::Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            play(&mut staller, &headers, go_on, |_, message| {
                if matches!(message, Message::GetBlocks(_)) {
                    asked.store(true, Ordering::Relaxed);
                }
            });
        });
        let liar = scope.spawn(|| {
            play(&mut liar, &headers, go_on, |raw, message| {
                let Message::GetBlocks(ids) = message else {
                    return;
                };
                for block in blocks.iter().filter(|block| ids.contains(&block.id())) {
                    raw.send(&Message::Block(cut(block)));
                    lied.store(true, Ordering::Relaxed);
                }
            })
        });
        wait_until("both are asked for blocks", || {
            let both = asked.load(Ordering::Relaxed) && lied.load(Ordering::Relaxed);
            so(both, format!("{asked:?}, {lied:?}"))
        });
        alice.start();
        bob.start();
        carol.reaches(&grown.tip());
        over.store(true, Ordering::Relaxed);
        let reason = liar.join().unwrap().expect("the liar was let go");
        assert!(reason.contains("not the one its header names"), "{reason}");
    });
    assert_eq!(carol.height(), BEHIND);
    assert_eq!(carol.balance("alice"), alice.balance("alice"));
    carol.verify_chain();
}

#[test]
fn p2p_a_block_mined_while_a_peer_is_gone_reaches_it_as_soon_as_it_is_back() {
    let apart = Apart::start();
    let (alice, bob) = (&apart.alice, &apart.bob);
    bob.reaches(&alice.mine().id.to_string());
    apart.cut();
    // The only one, and nobody is there to hear of it.
    let missed = alice.mine().id.to_string();
    assert_eq!(bob.height(), 1);
    apart.mend();
    bob.reaches(&missed);
    // Also of a node that has ended in between, and says it first where it was not asked.
    apart.cut();
    let missed = bob.mine().id.to_string();
    let Apart {
        line,
        alice,
        mut bob,
        ..
    } = apart;
    bob.kill();
    line.mend();
    bob.start();
    alice.reaches(&missed);
}
