//! No signature that was not checked itself ever counts.

use crate::chain::ledger::{Answer, BlockOutcome, Effect, Origin, Ticket};
use crate::chain::testing::forge::Forge;
use crate::chain::testing::{Node, member, transfer};
use crate::chain::{
    Action, Block, EncodedTransaction, Payload, PeerFault, Rejected, SignedHere, Topic,
    Transaction, check_signatures,
};

/// What `from` would sign, signed by somebody else.
pub(super) fn forged(from: u8, to: u8, amount: u64, salt: u8) -> EncodedTransaction {
    let payload = transfer(from, to, amount, 0, salt).payload().clone();
    EncodedTransaction::new(payload.sign(&member(99)))
}

#[test]
fn attack_a_forged_signature_is_refused() {
    let mut node = Node::new();
    let theft = forged(1, 9, 1_000, 1);
    assert!(matches!(
        node.send(theft.clone()),
        Err(Rejected::BadSignature(_))
    ));
    assert!(node.ledger.mempool().is_empty());
    let unsigned = EncodedTransaction::new(theft.payload().clone().unsigned());
    assert!(matches!(
        node.send(unsigned),
        Err(Rejected::BadSignature(_))
    ));
}

/// Whether a signature is checked of what was signed here.
fn is_checked(node: &mut Node, signed: &SignedHere) -> bool {
    node.ledger.signed_here(signed);
    let origin = Origin::Promise(Ticket(77));
    let transactions = vec![signed.transaction().clone()];
    let effects = node.ledger.transactions(origin, transactions, &node.disk);
    let is_check = |effect: &Effect| matches!(effect, Effect::Verify { .. });
    effects.unwrap().iter().any(is_check)
}

#[test]
fn what_was_signed_here_is_not_checked_but_a_record_may_hold_the_signatures_of_others() {
    let mut node = Node::new();
    let payload = transfer(1, 2, 5, 0, 1).payload().clone();
    let payment = SignedHere::sign(payload.clone(), &member(1));
    assert!(!is_checked(&mut node, &payment));
    let action = Action::Record {
        topic: Topic::new("guest-book").unwrap(),
        body: Default::default(),
    };
    let record = SignedHere::sign(Payload { action, ..payload }, &member(1));
    assert!(is_checked(&mut node, &record));
    // Only what was signed here, not what says the same.
    let again = transfer(1, 2, 5, 0, 2);
    assert!(is_checked(&mut Node::new(), &record));
    let origin = Origin::Promise(Ticket(78));
    let effects = node.ledger.transactions(origin, vec![again], &node.disk);
    assert_eq!(check_in(effects.unwrap()).1.len(), 1);
}

#[test]
#[should_panic(expected = "signed by its sender")]
fn attack_nobody_signs_for_another() {
    let payload = transfer(1, 2, 5, 0, 1).payload().clone();
    let _ = SignedHere::sign(payload, &member(2));
}

#[test]
fn attack_a_block_with_a_forged_signature_is_invalid_for_ever() {
    let mut forge = Forge::new();
    let mut node = Node::new();
    let bad = forge.child(forge.genesis(), 1_000, 5, &[forged(1, 9, 1_000, 1)]);
    let upon = forge.child(bad.id(), 1_000, 5, &[]);
    let invalid = |outcome: BlockOutcome| {
        assert!(
            matches!(
                outcome,
                BlockOutcome::Fault(PeerFault::InvalidBlock { .. } | PeerFault::InvalidParent(_))
            ),
            "{outcome:?}"
        );
    };
    invalid(node.block(bad.clone()));
    invalid(node.block(bad));
    invalid(node.block(upon));
    assert_eq!(node.ledger.tip().id, forge.genesis());
    assert_eq!(node.ledger.chain().best_header().id, forge.genesis());
    assert_eq!(node.balance(9), 0);
}

#[test]
fn attack_a_transaction_sent_twice_vouches_for_no_other() {
    let mut node = Node::new();
    let good = transfer(2, 3, 1, 0, 1);
    let theft = forged(1, 9, 1_000, 2);
    let answers = node.send_all(vec![good.clone(), good.clone(), theft.clone()]);
    assert_eq!(answers[0], Ok(()));
    assert_eq!(answers[1], Err(Rejected::AlreadyOpen));
    assert!(
        matches!(answers[2], Err(Rejected::BadSignature(_))),
        "{answers:?}"
    );
    assert_eq!(node.open(), [good.id()].into());
}

/// Takes the one check out of `effects`.
pub(super) fn check_in(effects: Vec<Effect>) -> (u64, Vec<EncodedTransaction>) {
    let mut checks = effects.into_iter().filter_map(|effect| match effect {
        Effect::Verify {
            check,
            transactions,
        } => Some((check, transactions)),
        _ => None,
    });
    checks.next().unwrap()
}

#[test]
fn attack_a_verdict_that_came_meanwhile_does_not_shift_the_others() {
    let mut node = Node::new();
    let good = transfer(2, 3, 1, 0, 1);
    let theft = forged(1, 9, 1_000, 2);
    let mut hand_in = |ticket, transactions| {
        let origin = Origin::Relay(Ticket(ticket));
        let effects = node.ledger.transactions(origin, transactions, &node.disk);
        check_in(effects.unwrap())
    };
    let (both, both_sent) = hand_in(1, vec![good.clone(), theft.clone()]);
    let (one, one_sent) = hand_in(2, vec![good]);
    for (check, sent) in [(one, one_sent), (both, both_sent)] {
        let verdicts = check_signatures(&sent);
        let effects = node
            .ledger
            .signatures_checked(&[(check, verdicts)], &node.disk)
            .unwrap();
        node.carry_out(effects);
    }
    assert!(!node.ledger.mempool().contains(&theft.id()));
    let refused = node.told.iter().any(|effect| {
        matches!(effect, Effect::Answer { answer: Answer::Transactions(answers), .. }
            if answers.iter().any(|(id, answer)| *id == theft.id()
                && matches!(answer, Err(Rejected::BadSignature(_)))))
    });
    assert!(refused);
}

#[test]
fn missing_verdicts_are_never_taken_for_good_ones() {
    let mut node = Node::new();
    let origin = Origin::Relay(Ticket(1));
    let sent = vec![transfer(1, 2, 1, 0, 1), transfer(2, 3, 1, 0, 2)];
    let effects = node.ledger.transactions(origin, sent.clone(), &node.disk);
    let (check, _) = check_in(effects.unwrap());
    assert!(
        node.ledger
            .signatures_checked(&[(check, vec![Ok(())])], &node.disk)
            .is_err()
    );
    let mut forge = Forge::new();
    let block = forge.child(forge.genesis(), 1_000, 5, &sent);
    let effects = node.ledger.block(origin, block, &node.disk, node.now);
    let (check, _) = check_in(effects.unwrap());
    assert!(
        node.ledger
            .signatures_checked(&[(check, vec![Ok(())])], &node.disk)
            .is_err()
    );
    assert_eq!(node.ledger.tip().id, forge.genesis());
}

#[test]
fn what_was_checked_once_is_not_asked_for_again() {
    let mut forge = Forge::new();
    let mut node = Node::new();
    let paid = transfer(1, 2, 1, 0, 1);
    assert_eq!(node.send(paid.clone()), Ok(()));
    let again = Transaction {
        signature: forged(1, 2, 1, 1).transaction().signature,
        ..paid.transaction().clone()
    };
    let other = EncodedTransaction::new(again);
    assert_eq!(other.id(), paid.id());
    let block = forge.child(forge.genesis(), 1_000, 5, &[paid]);
    let origin = Origin::Relay(Ticket(1));
    let effects = node.ledger.block(origin, block, &node.disk, node.now);
    let asked = |effects: &[Effect]| effects.iter().any(|e| matches!(e, Effect::Verify { .. }));
    let effects = effects.unwrap();
    assert!(!asked(&effects));
    node.carry_out(effects);
    // The same payment with another signature is another matter.
    let mut elsewhere = Node::new();
    elsewhere.send(transfer(1, 2, 1, 0, 1)).unwrap();
    let twisted = forge.child(forge.genesis(), 1_000, 6, &[other]);
    assert!(matches!(
        elsewhere.block(twisted),
        BlockOutcome::Fault(PeerFault::InvalidBlock { .. })
    ));
}

#[test]
fn what_is_being_checked_does_not_make_the_list_of_what_is_missing_end_early() {
    let mut forge = Forge::new();
    // The branch that is the best by headers, and one beside it that is better than ours as well.
    for (others, salt) in [(0, 1), (5, 2)] {
        let mut node = Node::new();
        let other = forge.branch(forge.genesis(), others, 8);
        let headers: Vec<_> = other.iter().map(|block| block.header).collect();
        if !headers.is_empty() {
            node.headers(&headers).unwrap();
        }
        let sent = [transfer(1, 2, 1, 0, salt)];
        let first = forge.child(forge.genesis(), 1_000, 5, &sent);
        let rest = forge.branch(first.id(), 3, 5);
        let headers: Vec<_> = [&first]
            .into_iter()
            .chain(&rest)
            .map(|b| b.header)
            .collect();
        node.headers(&headers).unwrap();
        let origin = Origin::Relay(Ticket(1));
        let effects = node.ledger.block(origin, first, &node.disk, node.now);
        let _under_way = check_in(effects.unwrap());
        let ids: Vec<_> = rest.iter().map(Block::id).collect();
        let mut missing = |limit| {
            let missing = node.ledger.missing_bodies(&ids[2], limit, &node.disk);
            let ids = missing.unwrap().into_iter().map(|(id, _)| id);
            ids.collect::<Vec<_>>()
        };
        assert_eq!(missing(2), ids[..2], "as many as fit, beside {others}");
        assert_eq!(missing(4), ids, "fewer only where there are no more");
    }
}
