//! What is refused for now is asked for again when that may have changed.

use super::super::expelled::{back, known, out};
use super::*;
use crate::protocol::gossip::peers::Outlook;

#[test]
fn what_was_refused_for_now_is_asked_for_again_when_the_tip_moves() {
    let (available, needed) = (Amount(0), Amount(2));
    again_when_the_tip_moves(&Rejected::InsufficientFunds { available, needed });
    // A newcomer, of whom the tracker has not told everybody.
    again_when_the_tip_moves(&Rejected::ZeroFeeStranger);
}

/// The node is offered something, and refuses it.
fn refuses(gossip: &mut Gossip, why: Rejected) -> TransactionId {
    let note = transfer(7, 2, 1, 0, 1);
    let id = note.id();
    let _ = announce(gossip, 1, vec![id], STARTED);
    assert!(deliver(gossip, 1, &[note], STARTED));
    let _ = gossip.transactions_judged(session(1), &[(id, Err(why))], STARTED);
    id
}

#[test]
fn what_was_refused_of_a_newcomer_is_asked_for_again_as_soon_as_it_is_known() {
    let mut gossip = with_sessions(2);
    let id = refuses(&mut gossip, Rejected::ZeroFeeStranger);
    let candidates = |numbers: &[u8]| {
        let one = |number: &u8| Candidate {
            key: member(*number).public_key(),
            outlook: Outlook::Good,
            since: None,
            addresses: Vec::new(),
        };
        numbers.iter().map(one).collect::<Vec<_>>()
    };
    let known = asked(&gossip.candidates(candidates(&[1, 7]), later(1)));
    assert_eq!(known, [(session(1), id)]);
    assert_eq!(asked(&gossip.candidates(candidates(&[1]), later(2))), []);
}

#[test]
fn what_was_refused_of_who_was_put_out_is_asked_for_again_as_soon_as_it_is_let_back() {
    let mut gossip = with_sessions(2);
    let _ = gossip.statements(known([out(7, 5)]), STARTED);
    let id = refuses(&mut gossip, Rejected::SenderPutOut);
    let effects = gossip.statements(known([back(7, 6)]), later(60));
    assert_eq!(asked(&effects), [(session(1), id)]);
}

fn again_when_the_tip_moves(poor: &Rejected) {
    let mut gossip = with_sessions(2);
    let [early, never] = [1, 2].map(|salt| transfer(1, 2, 1, 1, salt));
    let both = vec![early.id(), never.id()];
    let _ = announce(&mut gossip, 1, both, STARTED);
    assert!(deliver(
        &mut gossip,
        1,
        &[early.clone(), never.clone()],
        STARTED
    ));
    let verdicts = [
        (early.id(), Err(poor.clone())),
        (never.id(), Err(Rejected::AlreadyMined(Height(1)))),
    ];
    assert_eq!(
        gossip.transactions_judged(session(1), &verdicts, STARTED),
        []
    );
    // Not before.
    assert_eq!(announce(&mut gossip, 2, vec![early.id()], later(1)), []);
    let wanted = [(session(1), early.id())];
    assert_eq!(asked(&gossip.relay.ask_again(later(2))), wanted);
    assert_eq!(gossip.relay.ask_again(later(3)), []);
    // Still too early: once more with the next tip, as long as its sender is there.
    assert!(deliver(
        &mut gossip,
        1,
        std::slice::from_ref(&early),
        later(4)
    ));
    let verdict = (early.id(), Err(poor.clone()));
    let _ = gossip.transactions_judged(session(1), &[verdict], later(4));
    let _ = gossip.closed(session(1), "gone", later(5));
    assert_eq!(gossip.relay.ask_again(later(6)), []);
}
