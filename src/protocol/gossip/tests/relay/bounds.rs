//! How much is told and remembered.

use super::*;

#[test]
fn attack_what_is_never_acceptable_is_remembered_within_a_bound() {
    let mut gossip = with_sessions(1);
    let poor = Rejected::PoolFull("");
    for round in 0..3 {
        let list = ids(2_000 * round, 2_000);
        let _ = announce(&mut gossip, 1, list[..1_000].to_vec(), STARTED);
        let _ = announce(&mut gossip, 1, list[1_000..].to_vec(), STARTED);
        let verdicts: Vec<_> = list.iter().map(|id| (*id, Err(poor.clone()))).collect();
        let _ = gossip.transactions_judged(session(1), &verdicts, STARTED);
    }
    assert_eq!(asked(&gossip.relay.ask_again(later(1))).len(), 1_000);
}

/// Open transactions without a signature, which nobody looks at here.
fn unsigned(count: u64) -> impl Iterator<Item = EncodedTransaction> {
    use crate::chain::{Payload, Salt};
    let like = transfer(1, 2, 1, 1, 1).payload().clone();
    (0..count).map(move |number| {
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&number.to_le_bytes());
        let payload = Payload {
            salt: Salt(salt),
            ..like.clone()
        };
        EncodedTransaction::new(payload.unsigned())
    })
}

#[test]
fn attack_a_full_pool_is_told_to_a_newcomer_within_a_bound_and_news_all_the_same() {
    let mut gossip = with_sessions(1);
    for transaction in unsigned(20_500) {
        gossip.transaction_opened(transaction);
    }
    let told = |effects: &[Effect], to: u8| -> Vec<TransactionId> {
        let lists = effects.iter().filter_map(|effect| match effect {
            Effect::Send(other, Message::AnnounceTransactions(ids)) if *other == session(to) => {
                assert!(ids.len() <= crate::wire::message::MAX_IDS);
                Some(ids.clone())
            }
            _ => None,
        });
        lists.flatten().collect()
    };
    assert_eq!(told(&gossip.announce(), 1).len(), 20_500);
    let hello = hello_of(member(2).public_key());
    let effects = gossip.opened(session(2), &hello, Direction::Incoming, STARTED);
    let first: BTreeSet<_> = told(&effects, 2).into_iter().collect();
    assert_eq!(first.len(), 20_000);
    let news = transfer(1, 2, 1, 1, 200);
    gossip.transaction_opened(news.clone());
    let effects = gossip.announce();
    for to in [1, 2] {
        assert_eq!(told(&effects, to), [news.id()]);
    }
}
