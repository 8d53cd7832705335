//! What this node sends itself, and delivers to its recipient beside.

use super::*;
use crate::wire::{ReceiptCode, ReceiptStatement};

/// A transaction of this node's to the member of a session.
fn own(to: u8, salt: u8) -> EncodedTransaction {
    transfer(100, to, 1, 1, salt)
}

/// Who is told of what.
fn told(effects: &[Effect]) -> Vec<(SessionId, TransactionId)> {
    let mut told = Vec::new();
    for effect in effects {
        if let Effect::Send(session, Message::AnnounceTransactions(ids)) = effect {
            told.extend(ids.iter().map(|id| (*session, *id)));
        }
    }
    told
}

fn send(gossip: &mut Gossip, to: u8, transaction: &EncodedTransaction) {
    let sent = gossip.deliver(&member(to).public_key(), transaction.clone(), STARTED);
    let delivery = Message::Deliver(transaction.clone());
    assert_eq!(sent, [Effect::Send(session(to), delivery)]);
}

fn answers(gossip: &mut Gossip, from: u8, transaction: &EncodedTransaction, code: ReceiptCode) {
    let statement = ReceiptStatement {
        network: transaction.payload().network,
        transaction: transaction.id(),
        recipient: member(from).public_key(),
        code,
        reason: Default::default(),
        height: Height(0),
        block: transaction.payload().network,
    };
    let receipt = Message::Receipt(statement.sign(&member(from)));
    let effects = gossip.received(session(from), receipt, STARTED);
    assert!(
        matches!(effects[..], [Effect::TellOutbox(_)]),
        "{effects:?}"
    );
}

#[test]
fn to_whom_it_is_delivered_it_is_not_announced() {
    let mut gossip = with_sessions(3);
    let transaction = own(2, 1);
    gossip.transaction_opened(transaction.clone());
    let all = |to: [u8; 2]| to.map(|n| (session(n), transaction.id()));
    assert_eq!(told(&gossip.announce()), all([1, 3]));
    send(&mut gossip, 2, &transaction);
    assert_eq!(told(&tick(&mut gossip, later(1_000))), []);
    answers(&mut gossip, 2, &transaction, ReceiptCode::Accepted);
    assert_eq!(told(&tick(&mut gossip, later(2_000))), []);
}

#[test]
fn what_is_not_delivered_soon_or_not_taken_is_announced_like_everything() {
    let mut gossip = with_sessions(2);
    let (late, refused, mined) = (own(2, 1), own(2, 2), own(2, 3));
    for one in [&late, &refused, &mined] {
        gossip.transaction_opened(one.clone());
    }
    assert_eq!(
        told(&gossip.announce()).len(),
        3,
        "the other one hears of all"
    );
    gossip.transaction_closed(&mined.id());
    send(&mut gossip, 2, &refused);
    let expected = [(session(2), late.id())];
    assert_eq!(told(&tick(&mut gossip, later(1_000))), expected);
    answers(&mut gossip, 2, &refused, ReceiptCode::Blocked);
    let expected = [(session(2), refused.id())];
    assert_eq!(told(&tick(&mut gossip, later(2_000))), expected);
    assert_eq!(told(&tick(&mut gossip, later(3_000))), []);
}

#[test]
fn of_many_at_once_their_recipient_hears_at_once() {
    let mut gossip = with_sessions(1);
    for salt in 0..=16 {
        gossip.transaction_opened(own(1, salt));
    }
    assert_eq!(told(&gossip.announce()).len(), 17);
    // However many come one by one, few wait.
    for salt in 17..=255 {
        gossip.transaction_opened(own(1, salt));
        assert_eq!(told(&gossip.announce()), []);
    }
    let held_back = gossip.relay.held_back(session(1));
    assert!(held_back.len() <= 1_000, "{}", held_back.len());
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
    assert_eq!(told(&gossip.announce()), []);
    assert_eq!(tick(&mut gossip, later(1_000)), []);
}

#[test]
fn what_somebody_else_has_is_fetched_from_there_though_it_was_delivered() {
    let mut gossip = with_sessions(2);
    let sent = own(2, 1);
    send(&mut gossip, 2, &sent);
    let effects = announce(&mut gossip, 1, vec![sent.id()], STARTED);
    assert_eq!(asked(&effects), [(session(1), sent.id())]);
}
