mod bounds;
mod own;
mod refused;

use super::*;
use crate::chain::Amount;
use crate::chain::testing::transfer;
use crate::clock::STARTED;
use crate::clock::SteadyTime;
use std::collections::BTreeSet;

fn ids(from: u64, count: u64) -> Vec<TransactionId> {
    let id = |n: u64| TransactionId(*blake3::hash(&n.to_le_bytes()).as_bytes());
    (from..from + count).map(id).collect()
}

fn announce(
    gossip: &mut Gossip,
    from: u8,
    ids: Vec<TransactionId>,
    now: SteadyTime,
) -> Vec<Effect> {
    gossip.received(session(from), Message::AnnounceTransactions(ids), now)
}

/// Which ids are asked of which session.
fn asked(effects: &[Effect]) -> Vec<(SessionId, TransactionId)> {
    let mut asked = Vec::new();
    for effect in effects {
        if let Effect::Send(session, Message::GetTransactions(ids)) = effect {
            asked.extend(ids.iter().map(|id| (*session, *id)));
        }
    }
    asked
}

fn deliver(gossip: &mut Gossip, from: u8, list: &[EncodedTransaction], now: SteadyTime) -> bool {
    let effects = gossip.received(session(from), Message::Transactions(list.to_vec()), now);
    match &effects[..] {
        [] => false,
        [Effect::SubmitTransactions(s, submitted)] => {
            assert_eq!((*s, &submitted[..]), (session(from), list));
            true
        }
        other => panic!("{other:?}"),
    }
}

fn later(ms: u64) -> SteadyTime {
    STARTED.plus_ms(ms)
}

#[test]
fn what_is_here_on_its_way_or_refused_is_not_asked_for() {
    let mut gossip = with_sessions(3);
    let [here, coming, refused] = [1, 2, 3].map(|salt| transfer(1, 2, 1, 1, salt));
    gossip.transaction_opened(here.clone());
    let all: Vec<_> = [&here, &coming, &refused]
        .map(EncodedTransaction::id)
        .to_vec();
    let effects = announce(&mut gossip, 1, all.clone(), STARTED);
    let expected = [coming.id(), refused.id()].map(|id| (session(1), id));
    assert_eq!(asked(&effects), expected);
    assert_eq!(announce(&mut gossip, 2, all.clone(), STARTED), []);
    // Judged, and until then not asked for either.
    assert!(deliver(
        &mut gossip,
        1,
        std::slice::from_ref(&refused),
        STARTED
    ));
    assert_eq!(announce(&mut gossip, 2, vec![refused.id()], STARTED), []);
    let verdict = (refused.id(), Err(Rejected::AlreadyMined(Height(1))));
    assert_eq!(
        gossip.transactions_judged(session(1), &[verdict], STARTED),
        []
    );
    assert_eq!(announce(&mut gossip, 3, vec![refused.id()], STARTED), []);
}

#[test]
fn what_was_not_asked_for_is_passed_over() {
    let mut gossip = with_sessions(2);
    let transaction = transfer(1, 2, 1, 1, 1);
    assert!(!deliver(
        &mut gossip,
        1,
        std::slice::from_ref(&transaction),
        STARTED
    ));
    let _ = announce(&mut gossip, 1, vec![transaction.id()], STARTED);
    // Of another session, or a second time.
    assert!(!deliver(
        &mut gossip,
        2,
        std::slice::from_ref(&transaction),
        STARTED
    ));
    assert!(deliver(
        &mut gossip,
        1,
        std::slice::from_ref(&transaction),
        STARTED
    ));
    assert!(!deliver(&mut gossip, 1, &[transaction], STARTED));
}

#[test]
fn who_does_not_answer_is_passed_over_for_the_next() {
    let mut gossip = with_sessions(6);
    let id = ids(0, 1)[0];
    assert_eq!(
        asked(&announce(&mut gossip, 1, vec![id], STARTED)),
        [(session(1), id)]
    );
    for n in 2..=6 {
        assert_eq!(announce(&mut gossip, n, vec![id], STARTED), []);
    }
    assert_eq!(asked(&tick(&mut gossip, later(4_999))), []);
    let mut from = Vec::new();
    for round in 1..=5 {
        from.extend(asked(&tick(&mut gossip, later(5_000 * round))));
    }
    // Three others are remembered; then it is the first one's turn again.
    assert_eq!(from, [2, 3, 4, 1, 2].map(|n| (session(n), id)));
    // Another one who announces it takes the place of one that failed, and is asked first.
    assert_eq!(announce(&mut gossip, 5, vec![id], later(26_000)), []);
    let next = asked(&tick(&mut gossip, later(30_000)));
    assert_eq!(next, [(session(5), id)]);
}

#[test]
fn attack_a_liar_who_has_it_last_does_not_keep_the_first_one_from_sending_it() {
    let mut gossip = with_sessions(2);
    let transaction = transfer(1, 2, 1, 1, 1);
    let id = transaction.id();
    let _ = announce(&mut gossip, 1, vec![id], STARTED);
    let _ = announce(&mut gossip, 2, vec![id], STARTED);
    assert_eq!(asked(&tick(&mut gossip, later(5_000))), [(session(2), id)]);
    // The first one's answer was only slow.
    assert!(deliver(&mut gossip, 1, &[transaction], later(7_000)));
}

#[test]
fn a_question_that_was_lost_is_asked_again_and_its_answer_may_be_late() {
    let mut gossip = with_sessions(1);
    let transaction = transfer(1, 2, 1, 1, 1);
    let id = transaction.id();
    let _ = announce(&mut gossip, 1, vec![id], STARTED);
    let mut again = Vec::new();
    for second in 1..=100 {
        let asked = asked(&tick(&mut gossip, later(1_000 * second)));
        again.extend(asked.iter().map(|_| second));
        if second == 70 {
            // Nobody has said so much as a word for a minute, and the line is good again.
            assert!(deliver(
                &mut gossip,
                1,
                std::slice::from_ref(&transaction),
                later(70_000)
            ));
            let verdict = (id, Err(Rejected::Busy));
            assert_eq!(
                gossip.transactions_judged(session(1), &[verdict], later(70_000)),
                []
            );
        }
    }
    assert_eq!(again[..4], [5, 15, 35, 75]);
}

#[test]
fn attack_announcing_again_and_again_does_not_put_off_asking_the_next() {
    let mut gossip = with_sessions(2);
    let id = ids(0, 1)[0];
    let _ = announce(&mut gossip, 1, vec![id], STARTED);
    let _ = announce(&mut gossip, 2, vec![id], STARTED);
    for second in 1..5 {
        let again = announce(&mut gossip, 1, vec![id], later(1_000 * second));
        // It may not have had it before.
        assert_eq!(asked(&again), [(session(1), id)]);
    }
    assert_eq!(asked(&tick(&mut gossip, later(5_000))), [(session(2), id)]);
}

#[test]
fn attack_one_session_can_not_take_the_places_of_others_to_ask() {
    let mut gossip = with_sessions(3);
    let id = ids(0, 1)[0];
    let _ = announce(&mut gossip, 1, vec![id], STARTED);
    for _ in 0..5 {
        let _ = announce(&mut gossip, 2, vec![id; 5], STARTED);
    }
    let _ = announce(&mut gossip, 3, vec![id], STARTED);
    let first = asked(&tick(&mut gossip, later(5_000)));
    let second = asked(&tick(&mut gossip, later(10_000)));
    assert_eq!([first, second].concat(), [2, 3].map(|n| (session(n), id)));
}

#[test]
fn when_the_asked_one_is_gone_the_next_is_asked_at_once() {
    let mut gossip = with_sessions(2);
    let id = ids(0, 1)[0];
    let _ = announce(&mut gossip, 1, vec![id], STARTED);
    let _ = announce(&mut gossip, 2, vec![id], STARTED);
    let _ = gossip.closed(session(1), "gone", STARTED);
    assert_eq!(asked(&tick(&mut gossip, later(100))), [(session(2), id)]);
}

#[test]
fn attack_ids_that_nobody_has_fill_no_place_but_their_senders() {
    let mut gossip = with_sessions(2);
    let mut questions = 0;
    for n in 0..50 {
        questions += asked(&announce(&mut gossip, 1, ids(1_000 * n, 1_000), STARTED)).len();
    }
    assert_eq!(questions, 4_000);
    let honest = transfer(1, 2, 1, 1, 1).id();
    assert_eq!(
        asked(&announce(&mut gossip, 2, vec![honest], STARTED)),
        [(session(2), honest)]
    );
    // Forgotten after their time: 5 + 10 + 20 + 40 s.
    for second in 1..75 {
        let _ = tick(&mut gossip, later(1_000 * second));
    }
    assert_eq!(asked(&tick(&mut gossip, later(75_000))), []);
    let again = announce(&mut gossip, 1, ids(0, 1_000), later(75_000));
    assert_eq!(asked(&again).len(), 1_000);
}

#[test]
fn attack_a_spoilt_signature_does_not_keep_the_good_one_out() {
    let mut gossip = with_sessions(3);
    let good = transfer(1, 2, 1, 1, 1);
    let mut spoilt = good.transaction().clone();
    spoilt.signature = transfer(1, 2, 1, 1, 2).transaction().signature;
    let spoilt = EncodedTransaction::new(spoilt);
    assert_eq!(spoilt.id(), good.id());
    let _ = announce(&mut gossip, 1, vec![good.id()], STARTED);
    assert!(deliver(&mut gossip, 1, &[spoilt], STARTED));
    // Told of while the bad one is being judged.
    assert_eq!(announce(&mut gossip, 2, vec![good.id()], STARTED), []);
    let verdict = (good.id(), Err(Rejected::BadSignature("no".into())));
    let effects = gossip.transactions_judged(session(1), &[verdict], STARTED);
    assert_eq!(closes(&effects), [session(1)]);
    assert_eq!(
        asked(&tick(&mut gossip, later(100))),
        [(session(2), good.id())]
    );
    assert!(deliver(&mut gossip, 2, &[good], later(200)));
}

#[test]
fn what_the_ledger_was_too_busy_for_is_asked_for_again() {
    let mut gossip = with_sessions(1);
    let transaction = transfer(1, 2, 1, 1, 1);
    let _ = announce(&mut gossip, 1, vec![transaction.id()], STARTED);
    assert!(deliver(
        &mut gossip,
        1,
        std::slice::from_ref(&transaction),
        STARTED
    ));
    let verdict = (transaction.id(), Err(Rejected::Busy));
    assert_eq!(
        gossip.transactions_judged(session(1), &[verdict], STARTED),
        []
    );
    assert_eq!(asked(&tick(&mut gossip, later(4_999))), []);
    assert_eq!(
        asked(&tick(&mut gossip, later(5_000))),
        [(session(1), transaction.id())]
    );
}

#[test]
fn a_verdict_that_comes_after_its_session_is_gone_changes_nothing_else() {
    let mut gossip = with_sessions(2);
    let transaction = transfer(1, 2, 1, 1, 1);
    let _ = announce(&mut gossip, 1, vec![transaction.id()], STARTED);
    assert!(deliver(
        &mut gossip,
        1,
        std::slice::from_ref(&transaction),
        STARTED
    ));
    let _ = gossip.closed(session(1), "gone", STARTED);
    assert_eq!(tick(&mut gossip, later(100)), []);
    let verdict = (transaction.id(), Err(Rejected::BadSignature("no".into())));
    assert_eq!(
        gossip.transactions_judged(session(1), &[verdict], STARTED),
        []
    );
    assert_eq!(tick(&mut gossip, later(200)), []);
    let effects = announce(&mut gossip, 2, vec![transaction.id()], later(300));
    assert_eq!(asked(&effects), [(session(2), transaction.id())]);
}

#[test]
fn an_answer_is_what_is_open_in_at_most_one_message() {
    let mut gossip = with_sessions(1);
    let get = |ids| Message::GetTransactions(ids);
    // Nobody is told that ids are unknown: such questions cost one look each.
    assert_eq!(gossip.received(session(1), get(ids(0, 1_000)), STARTED), []);
    let open: Vec<_> = (0..10).map(|salt| transfer(1, 2, 1, 1, salt)).collect();
    for transaction in &open {
        gossip.transaction_opened(transaction.clone());
    }
    let mut wanted: Vec<_> = open.iter().map(EncodedTransaction::id).collect();
    wanted.extend(ids(0, 500));
    let answer = gossip.received(session(1), get(wanted), STARTED);
    assert_eq!(
        answer,
        [Effect::Send(
            session(1),
            Message::Transactions(open.clone())
        )]
    );
    gossip.transaction_closed(&open[0].id());
    assert_eq!(
        gossip.received(session(1), get(vec![open[0].id()]), STARTED),
        []
    );
}

/// Transactions of 60,000 bytes.
fn large(count: u8) -> Vec<EncodedTransaction> {
    use crate::chain::{Action, Payload};
    let payload = |salt: u8| Payload {
        action: Action::Record {
            topic: crate::canonical::CappedText::new("topic").unwrap(),
            body: crate::canonical::CappedBytes::new(vec![salt; 60_000]).unwrap(),
        },
        ..transfer(1, 2, 1, 1, salt).payload().clone()
    };
    (0..count)
        .map(|salt| EncodedTransaction::new(payload(salt).sign(&member(1))))
        .collect()
}

#[test]
fn what_did_not_fit_the_first_answer_comes_with_the_next() {
    let (mut asking, mut answering) = (with_sessions(1), with_sessions(1));
    let open = large(40);
    for transaction in &open {
        answering.transaction_opened(transaction.clone());
    }
    let all = open.iter().map(EncodedTransaction::id).collect();
    let mut questions = announce(&mut asking, 1, all, STARTED);
    let mut came = BTreeSet::new();
    let mut now = STARTED;
    let mut messages = 0;
    while came.len() < open.len() {
        for question in std::mem::take(&mut questions) {
            let Effect::Send(_, question) = question else {
                panic!("{question:?}");
            };
            for answer in answering.received(session(1), question, now) {
                let Effect::Send(_, Message::Transactions(list)) = answer else {
                    panic!("{answer:?}");
                };
                let bytes: usize = list.iter().map(EncodedTransaction::size).sum();
                assert!(bytes <= crate::wire::message::MAX_TRANSACTIONS_BYTES);
                messages += 1;
                now = now.plus_ms(50);
                assert!(deliver(&mut asking, 1, &list, now));
                came.extend(list.iter().map(EncodedTransaction::id));
            }
        }
        now = now.plus_ms(1_000);
        questions = tick(&mut asking, now);
        questions.retain(|effect| matches!(effect, Effect::Send(_, Message::GetTransactions(_))));
        assert!(now < later(60_000), "only {} came", came.len());
    }
    assert_eq!(messages, 3);
}

#[test]
fn news_goes_once_to_everybody_who_does_not_have_it() {
    let mut gossip = with_sessions(3);
    let transaction = transfer(1, 2, 1, 1, 1);
    let _ = announce(&mut gossip, 2, vec![transaction.id()], STARTED);
    gossip.transaction_opened(transaction.clone());
    let news = Message::AnnounceTransactions(vec![transaction.id()]);
    let told = [1, 3].map(|n| Effect::Send(session(n), news.clone()));
    assert_eq!(gossip.announce(), told);
    assert_eq!(gossip.announce(), []);
    // A newcomer hears of it at once.
    let hello = hello_of(member(9).public_key());
    let effects = gossip.opened(session(9), &hello, Direction::Incoming, STARTED);
    assert!(effects.contains(&Effect::Send(session(9), news)));
    gossip.transaction_opened(transaction.clone());
    assert_eq!(gossip.announce(), []);
}

#[test]
fn what_closed_before_it_was_told_is_not_told() {
    let mut gossip = with_sessions(1);
    let transaction = transfer(1, 2, 1, 1, 1);
    gossip.transaction_opened(transaction.clone());
    gossip.transaction_closed(&transaction.id());
    assert_eq!(gossip.announce(), []);
}

#[test]
fn what_comes_back_is_told_again_to_those_who_could_not_get_it() {
    let mut gossip = with_sessions(2);
    let transaction = transfer(1, 2, 1, 1, 1);
    let news = Message::AnnounceTransactions(vec![transaction.id()]);
    let told = [1, 2].map(|n| Effect::Send(session(n), news.clone()));
    gossip.transaction_opened(transaction.clone());
    assert_eq!(gossip.announce(), told);
    // Mined before the others have asked for it.
    gossip.transaction_closed(&transaction.id());
    let get = Message::GetTransactions(vec![transaction.id()]);
    assert_eq!(gossip.received(session(1), get, STARTED), []);
    // Its block loses.
    gossip.transaction_opened(transaction);
    assert_eq!(gossip.announce(), told);
}

#[test]
fn what_is_told_again_while_its_answer_is_missing_is_asked_for_again() {
    let mut gossip = with_sessions(1);
    let id = ids(0, 1)[0];
    let wanted = [(session(1), id)];
    assert_eq!(asked(&announce(&mut gossip, 1, vec![id], STARTED)), wanted);
    assert_eq!(announce(&mut gossip, 1, vec![id, id], STARTED), []);
    assert_eq!(
        asked(&announce(&mut gossip, 1, vec![id], later(10))),
        wanted
    );
}
