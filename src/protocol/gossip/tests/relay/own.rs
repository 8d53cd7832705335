//! What this node sends itself, and delivers to its recipient beside.

use super::*;

/// A transaction of this node's to the member of a session.
fn own(to: u8, salt: u8) -> EncodedTransaction {
    transfer(100, to, 1, 1, salt)
}

fn send(gossip: &mut Gossip, to: u8, transaction: &EncodedTransaction) {
    let sent = gossip.deliver(&member(to).public_key(), transaction.clone(), STARTED);
    let delivery = Message::Deliver(transaction.clone());
    assert_eq!(sent, [Effect::Send(session(to), delivery)]);
}

#[test]
fn what_was_delivered_is_not_fetched_from_whom_it_was_delivered_to() {
    let mut gossip = with_sessions(2);
    let (sent, other) = (own(2, 1), transfer(3, 4, 1, 1, 1));
    send(&mut gossip, 2, &sent);
    let both = vec![sent.id(), other.id()];
    let expected = [
        Effect::SubmitDelivered(session(2), vec![sent.clone()]),
        Effect::Send(session(2), Message::GetTransactions(vec![other.id()])),
    ];
    assert_eq!(announce(&mut gossip, 2, both, STARTED), expected);
    // It is being judged.
    assert_eq!(announce(&mut gossip, 1, vec![sent.id()], STARTED), []);
    let judged = gossip.transactions_judged(session(2), &[(sent.id(), Ok(()))], STARTED);
    assert_eq!(judged, []);
    gossip.transaction_opened(sent.clone());
    // Both have it; a newcomer hears of it.
    let news = Message::AnnounceTransactions(vec![sent.id()]);
    assert_eq!(gossip.announce(), []);
    let hello = hello_of(member(9).public_key());
    let effects = gossip.opened(session(9), &hello, Direction::Incoming, STARTED);
    assert!(effects.contains(&Effect::Send(session(9), news)));
}

#[test]
fn what_somebody_else_has_is_fetched_from_there_though_it_was_delivered() {
    let mut gossip = with_sessions(2);
    let sent = own(2, 1);
    send(&mut gossip, 2, &sent);
    let effects = announce(&mut gossip, 1, vec![sent.id()], STARTED);
    assert_eq!(asked(&effects), [(session(1), sent.id())]);
}
