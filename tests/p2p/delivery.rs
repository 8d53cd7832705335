//! Messages and money that arrive: straight, receipted, kept for whoever is away.

use crate::support::{Apart, Lab, Node, RawPeer, so, wait_until, wait_within};
use raclette::canonical::CappedText;
use raclette::chain::{EncodedTransaction, Genesis};
use raclette::keys::SecretKey;
use raclette::owner::answers::{HistoryEntry, NoteView, ReceivedState};
use raclette::protocol::delivery::rows::SendState;
use raclette::wire::{Message, ReceiptCode, ReceiptStatement};
use std::fs;
use std::thread;
use std::time::Duration;

#[test]
fn p2p_what_is_sent_goes_straight_is_receipted_and_mined_and_both_see_how_it_stands() {
    let lab = Lab::start();
    let [alice, bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    bob.knows(&["alice"]);
    let last = alice.mine_blocks(2);
    bob.reaches(&last);
    let id = alice.write("bob", 5, Some("for the cheese"));
    let sent = alice.has_receipt(&id);
    assert_eq!(sent.note, Some(NoteView::Text("for the cheese".into())));
    bob.has_notes(&["for the cheese"]);
    let received = bob.inbox().remove(0);
    assert_eq!(
        (received.id.to_string(), received.amount.0),
        (id.clone(), 5)
    );
    assert!(received.direct && received.unread, "{received:?}");
    assert_eq!(bob.chain().delivery.unread, 1);

    alice.sees(&id, SendState::Open);
    let last = bob.mine_blocks(3);
    alice.reaches(&last);
    let sent = alice.sees(&id, SendState::Mined);
    assert_eq!(sent.confirmations, 3);
    let received = bob.inbox().remove(0);
    assert_eq!(received.state, ReceivedState::Mined);
    assert_eq!(received.confirmations, 3);
    assert_eq!(alice.balance("bob"), 5 + 3 * crate::REWARD);
    assert_eq!(alice.chain().delivery.queued, 0);

    // A message alone costs nothing, and the answer goes the other way.
    let answer = bob.write("alice", 0, Some("thank you"));
    alice.has_notes(&["thank you"]);
    bob.sees(&answer, SendState::Open);
    let history = alice.history().entries;
    assert!(matches!(&history[0], HistoryEntry::Received(m) if m.id.to_string() == answer));
    assert!(matches!(&history[1], HistoryEntry::Sent(s) if s.id.to_string() == id));

    // Read, it stays read.
    let read = alice.command(["inbox", "--unread"]);
    let text = String::from_utf8(read.stdout).unwrap();
    assert!(text.contains("thank you") && text.contains("bob"), "{text}");
    let read = alice.command(["inbox", "--unread"]);
    assert_eq!(String::from_utf8(read.stdout).unwrap(), "nothing to read\n");
}

#[test]
fn p2p_what_is_sent_to_somebody_who_is_away_is_kept_across_restarts_and_arrives_in_order() {
    let lab = Lab::start();
    let mut bob = lab.peer("bob");
    bob.mine_blocks(2);
    let mut alice = lab.peer("alice");
    alice.knows(&["bob"]);
    bob.stop();
    let ids = ["one", "two", "three", "four"].map(|text| alice.write("bob", 0, Some(text)));
    assert_eq!(alice.chain().delivery.queued, 4);
    for id in &ids {
        assert_eq!(alice.sent(id).state, SendState::Queued);
    }
    // What has never left can be taken back.
    let withdrawn = alice.command(["outbox", "withdraw", &ids[2][..8]]);
    assert!(withdrawn.status.success(), "{withdrawn:?}");
    assert_eq!(alice.sent(&ids[2]).state, SendState::Withdrawn);
    // The two are never up together until the sender has been killed and comes back.
    alice.kill();
    bob.start();
    bob.joins();
    alice.start();
    bob.has_notes(&["one", "two", "four"]);
    for id in [&ids[0], &ids[1], &ids[3]] {
        let sent = alice.has_receipt(id);
        let states = [SendState::Delivered, SendState::Open];
        assert!(states.contains(&sent.state), "{sent:?}");
    }
    let attempted = alice.command(["outbox", "withdraw", &ids[0]]);
    assert_eq!(attempted.status.code(), Some(1), "{attempted:?}");
    let last = bob.mine().id.to_string();
    alice.reaches(&last);
    alice.sees(&ids[3], SendState::Mined);
    assert_eq!(bob.inbox().len(), 3);
}

#[test]
fn p2p_a_refusal_reaches_the_sender_with_its_reason_and_keeps_the_coins_until_they_are_freed() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    alice.mine_blocks(2);
    let address = alice.status().address;
    let settings = format!("[delivery]\nblocked = [\"{address}\"]\n");
    let bob = lab.peer_with("bob", &settings);
    bob.reaches(&alice.tip().1);
    alice.knows(&["bob"]);
    let id = alice.write("bob", 60, None);
    let sent = alice.sees(&id, SendState::Refused);
    assert!(
        sent.reason.contains("takes nothing from this sender"),
        "{sent:?}"
    );
    assert_eq!(bob.inbox().len(), 0);
    // Bob still holds the signed payment: the coins are not spent again until the owner frees them.
    let carol = lab.peer("carol");
    carol.reaches(&alice.tip().1);
    alice.knows(&["carol"]);
    let reserved = alice.try_write("carol", 60, None).unwrap_err();
    assert_eq!(reserved.error.code, "insufficient_funds");
    let told = alice.sees(&id, SendState::Refused).reason;
    assert!(
        told.contains("60 coins stay reserved until height"),
        "{told}"
    );
    let freed = alice.command(["outbox", "release", &id, "--yes"]);
    assert!(freed.status.success(), "{freed:?}");
    let paid = alice.write("carol", 60, None);
    let refused = alice.try_write("carol", 60, None).unwrap_err();
    assert_eq!(refused.error.code, "insufficient_funds");
    alice.sees_one_of(&paid, &[SendState::Delivered, SendState::Open]);
    let outbox = alice.command(["outbox"]);
    let text = String::from_utf8(outbox.stdout).unwrap();
    assert!(text.contains("refused"), "{text}");
}

#[test]
fn p2p_a_recipient_that_signs_and_does_not_pass_on_holds_up_no_payment() {
    let lab = Lab::start();
    let alice = lab.peer("alice");
    alice.mine_blocks(2);
    let genesis = RawPeer::learn_genesis(lab.tracker.listen, 77, "mallory");
    let mut mallory = RawPeer::member(alice.listen, 77, genesis.id(), &lab.tracker_key());
    let id = alice.write_when_known("mallory", 7);
    let delivered = take_delivery(&mut mallory);
    assert_eq!(delivered.id().to_string(), id);
    sign_for(&mut mallory, 77, &genesis, &delivered);
    alice.sees(&id, SendState::Delivered);
    assert!(alice.open().is_empty());
    alice.sees(&id, SendState::Open);
    alice.mine();
    alice.sees(&id, SendState::Mined);
}

/// What is delivered to this peer next.
fn take_delivery(peer: &mut RawPeer) -> EncodedTransaction {
    peer.expect("a delivery", |message| match message {
        Message::Deliver(transaction) => Some(transaction),
        _ => None,
    })
}

/// Says that it was accepted.
fn sign_for(peer: &mut RawPeer, seed: u8, genesis: &Genesis, delivered: &EncodedTransaction) {
    let statement = ReceiptStatement {
        network: genesis.id(),
        transaction: delivered.id(),
        recipient: peer.public_key(),
        code: ReceiptCode::Accepted,
        reason: CappedText::default(),
        height: genesis.header.height,
        block: genesis.id(),
    };
    let receipt = statement.sign(&SecretKey::from_bytes([seed; 32]));
    peer.send(&Message::Receipt(receipt));
}

#[test]
fn p2p_the_same_coins_for_two_recipients_are_paid_once_and_both_are_told() {
    let lab = Lab::start();
    let mut alice = lab.peer("alice");
    alice.mine_blocks(2);
    let tip = alice.tip().1;
    let [mut bob, mut carol] = ["bob", "carol"].map(|name| lab.peer(name));
    bob.reaches(&tip);
    carol.reaches(&tip);
    alice.knows(&["bob", "carol"]);
    // Alice pays bob while carol is away; nobody mines.
    carol.stop();
    let to_bob = alice.write("bob", 80, None);
    alice.sees(&to_bob, SendState::Open);
    alice.stop();
    bob.stop();
    // The same key on another machine, which knows nothing of that.
    carol.start();
    let mut twin = lab.prepare_peer("twin");
    twin.name_as(&alice);
    fs::create_dir_all(&twin.data_dir).unwrap();
    fs::copy(
        alice.data_dir.join("key.pem"),
        twin.data_dir.join("key.pem"),
    )
    .unwrap();
    twin.start();
    twin.joins();
    twin.reaches(&tip);
    twin.knows(&["carol"]);
    let to_carol = twin.write("carol", 80, None);
    twin.sees(&to_carol, SendState::Open);
    let tip = carol.mine().id.to_string();
    twin.sees(&to_carol, SendState::Mined);
    twin.stop();

    alice.start();
    bob.start();
    bob.reaches(&tip);
    alice.reaches(&tip);
    let lost = alice.sees(&to_bob, SendState::Conflicted);
    assert!(!lost.reason.is_empty());
    wait_until("bob is told", || {
        let message = bob.inbox().remove(0);
        so(
            message.state == ReceivedState::Conflicted,
            format!("{message:?}"),
        )
    });
    assert_eq!(carol.inbox()[0].state, ReceivedState::Mined);
    assert_eq!((bob.balance("bob"), bob.balance("alice")), (0, 20));
    // What was lost could be mined yet, should alice have 80 coins again: she frees what it keeps back.
    let freed = alice.command(["outbox", "release", &to_bob, "--yes"]);
    assert!(freed.status.success(), "{freed:?}");
    let rest = alice.write("bob", 20, None);
    alice.sees_one_of(&rest, &[SendState::Delivered, SendState::Open]);
}

#[test]
fn p2p_a_reorganisation_takes_a_payment_back_and_the_sender_sees_it() {
    let apart = Apart::start();
    let (alice, bob): (&Node, &Node) = (&apart.alice, &apart.bob);
    let last = alice.mine_blocks(2);
    bob.reaches(&last);
    let id = alice.write("bob", 7, None);
    alice.sees(&id, SendState::Open);
    apart.cut();
    alice.mine();
    assert_eq!(alice.sent(&id).state, SendState::Mined);
    bob.mine_blocks(4);
    // Bob had it open and has mined it himself, later.
    apart.mend();
    alice.reaches(&bob.tip().1);
    let sent = alice.sees(&id, SendState::Mined);
    assert_eq!(sent.height, Some(raclette::chain::Height(3)));
    assert_eq!(bob.inbox().len(), 1);
    assert_eq!(sent.confirmations, 4);
}

#[test]
fn p2p_open_transactions_survive_a_restart_and_are_told_to_the_first_who_comes() {
    let lab = Lab::start();
    let mut alice = lab.peer("alice");
    alice.mine_blocks(2);
    let bob = lab.peer("bob");
    bob.reaches(&alice.tip().1);
    let mut carol = lab.peer("carol");
    alice.knows(&["carol"]);
    carol.stop();
    // Nobody but alice has it, and carol is away.
    let mut bob = bob;
    bob.stop();
    let id = alice.send("carol", 3);
    alice.kill();
    alice.start();
    assert_eq!(alice.open(), std::slice::from_ref(&id));
    bob.start();
    wait_until("bob hears of it", || {
        so(
            bob.open() == std::slice::from_ref(&id),
            format!("{:?}", bob.open()),
        )
    });
    bob.mine();
    alice.sees(&id, SendState::Mined);
    carol.start();
    wait_until("carol finds it in the chain", || {
        let inbox = carol.inbox();
        so(inbox.len() == 1, inbox.len())
    });
    let found = carol.inbox().remove(0);
    assert_eq!((found.id.to_string(), found.direct), (id, false));
}

#[test]
fn p2p_nodes_that_are_stopped_amid_their_mail_end_well_and_go_on_with_all_of_it() {
    let lab = Lab::start();
    let [mut alice, mut bob] = lab.peers(["alice", "bob"]);
    alice.knows(&["bob"]);
    let write = |number: u32| alice.try_write("bob", 0, Some(&number.to_string()));
    let promised = thread::scope(|scope| {
        let writers = [0, 1, 2, 3].map(|first| {
            let write = &write;
            scope.spawn(move || {
                let numbers = (first..).step_by(4);
                numbers
                    .take_while(|n| write(*n).is_ok())
                    .collect::<Vec<_>>()
            })
        });
        wait_until("the deliveries are on their way", || {
            let unread = bob.chain().delivery.unread;
            so(unread >= 100, unread)
        });
        alice.ask_to_stop();
        bob.ask_to_stop();
        writers.map(|writer| writer.join().unwrap()).concat()
    });
    assert!(alice.wait().success(), "{}", alice.output());
    assert!(bob.wait().success(), "{}", bob.output());
    bob.start();
    alice.start();
    wait_until("all of it has left", || {
        let queued = alice.outbox().queued;
        so(queued == 0, queued)
    });
    let mut received: Vec<u32> = bob.notes().iter().map(|n| n.parse().unwrap()).collect();
    received.sort_unstable();
    assert!(received.windows(2).all(|two| two[0] < two[1]), "each once");
    let missing = promised.iter().find(|n| !received.contains(n));
    assert_eq!(missing, None, "of {} promised", promised.len());
}

/// How long it may take until a send goes by way of the network: a minute of attempts, and then some.
const DETOUR: Duration = Duration::from_secs(240);

#[test]
fn p2p_a_recipient_without_a_place_for_its_sender_is_written_to_by_way_of_the_network() {
    let lab = Lab::start();
    let carol = lab.peer("carol");
    // One connection, which is carol's, and no place for anybody who dials.
    let bob = lab.peer_with("bob", "[peers]\noutgoing = 1\nincoming = 0\n");
    bob.has_sessions(1);
    let alice = lab.peer("alice");
    alice.has_sessions(1);
    alice.knows(&["bob"]);
    let id = alice.write("bob", 0, Some("in the end"));
    let waiting = alice.outbox().sends.remove(0);
    assert_eq!(waiting.state, SendState::Queued);
    wait_within(DETOUR, "it is open at alice's", || {
        let sent = alice.sent(&id);
        so(sent.state == SendState::Open, format!("{sent:?}"))
    });
    bob.has_notes(&["in the end"]);
    let received = bob.inbox().remove(0);
    assert!(!received.direct, "{received:?}");
    assert_eq!(alice.sent(&id).delivered_at, None);
    // He himself finds a way to her.
    bob.knows(&["alice"]);
    let answer = bob.write("alice", 0, Some("thank you"));
    let sent = bob.has_receipt(&answer);
    let states = [SendState::Delivered, SendState::Open];
    assert!(states.contains(&sent.state), "{sent:?}");
    carol.reaches(&alice.mine().id.to_string());
    bob.sees(&answer, SendState::Mined);
}
