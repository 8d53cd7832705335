//! How many questions may be open, and who waits meanwhile.

use super::*;
use crate::chain::testing::{genesis, transfer};
use crate::protocol::retry::MAX_UNANSWERED;
use crate::wire::{Receipt, ReceiptCode, ReceiptStatement};

/// Headers of one session that may wait for their judgement.
const ANNOUNCED: usize = 8;

/// Number of the node's key.
const OWN: u8 = 100;

/// A node with sessions 1 to `count`, each with another member.
fn with_sessions(count: u8) -> Node {
    let limits = PeersLimits {
        outgoing: 8,
        incoming: 200,
    };
    let mut node = Node::new(OWN, limits, Work::ZERO, &HandClock::new());
    for number in 1..=count {
        let accepted = ConnectionAccepted(connection("there:1"));
        node.shell.accepted(accepted);
        assert!(node.opened(node.begun.last(), number).is_none());
    }
    node
}

fn announce(node: &mut Node, session: u64) -> Option<oneshot::Receiver<()>> {
    let announce = Message::AnnounceBlock(genesis().header);
    node.received(SessionId(session), announce)
}

fn receipt() -> Receipt {
    let statement = ReceiptStatement {
        network: network(),
        transaction: transfer(1, OWN, 5, 0, 0).id(),
        recipient: member(OWN).public_key(),
        code: ReceiptCode::Busy,
        reason: Default::default(),
        height: Height(0),
        block: network(),
    };
    statement.sign(&member(OWN))
}

/// Has four sessions deliver and the others announce until the credit is used up; what the last waits for.
fn used_up(node: &mut Node) -> oneshot::Receiver<()> {
    for session in 1..=4 {
        for salt in 0..MAX_UNANSWERED {
            let from = u8::try_from(session).unwrap();
            let salt = u8::try_from(salt).unwrap();
            let deliver = Message::Deliver(transfer(from, OWN, 5, 0, salt));
            assert!(node.received(SessionId(session), deliver).is_none());
        }
    }
    for session in 5..=36 {
        for n in 0..ANNOUNCED {
            let parked = announce(node, session);
            let is_last = session == 36 && n == ANNOUNCED - 1;
            assert_eq!(parked.is_some(), is_last, "{n} of {session}");
            if let Some(parked) = parked {
                return parked;
            }
        }
    }
    panic!("the credit is not used up");
}

#[test]
fn a_session_is_not_read_from_while_ledger_and_inbox_owe_too_many_answers() {
    let mut node = with_sessions(40);
    let mut first = used_up(&mut node);
    // Others had an event under way, and wait as well.
    let mut second = announce(&mut node, 37).expect("it waits");
    assert!(first.try_recv().is_err() && second.try_recv().is_err());
    let Some(Question::Headers(asked)) = node.questions.take() else {
        panic!("headers were announced");
    };
    let orphan = || Answer::Headers(Ok(crate::chain::tree::HeadersOutcome::Orphan));
    let judged = |asked: CheckHeaders| LedgerFact::Judged {
        credit: asked.credit,
        session: asked.session,
        answer: orphan(),
    };
    // One above the credit was asked: one answer is not enough.
    node.shell.ledger_told(LedgerTold(vec![judged(asked)]));
    assert!(first.try_recv().is_err() && second.try_recv().is_err());
    let Some(Question::Headers(asked)) = node.questions.take() else {
        panic!("headers were announced");
    };
    node.shell.ledger_told(LedgerTold(vec![judged(asked)]));
    assert_eq!((first.try_recv(), second.try_recv()), (Ok(()), Ok(())));
}

#[test]
fn an_answer_of_the_inbox_counts_also_when_its_session_is_gone() {
    let mut node = with_sessions(40);
    let mut parked = used_up(&mut node);
    node.closed(SessionId(1), "gone");
    assert!(parked.try_recv().is_err(), "what was asked is still owed");
    let taken = node.taken.take().expect("it was delivered");
    node.shell.delivery_answered(AnswerDelivery {
        credit: taken.credit,
        session: taken.session,
        receipt: receipt(),
    });
    assert_eq!(parked.try_recv(), Ok(()));
}

#[test]
fn news_of_the_ledger_answer_nothing() {
    let mut node = with_sessions(40);
    let mut parked = used_up(&mut node);
    let news = LedgerFact::TransactionOpened(transfer(1, 2, 5, 1, 1));
    node.shell.ledger_told(LedgerTold(vec![news]));
    assert!(parked.try_recv().is_err());
}

#[test]
fn a_connection_that_comes_to_stand_while_the_node_stops_is_not_spoken_on() {
    let mut node = with_sessions(1);
    let before = node.begun.last();
    node.shell.close_all(CloseSessions);
    let (address, result) = ("there:1".to_owned(), Ok(connection("there:1")));
    node.shell.dialled(Dialled { address, result });
    node.shell
        .accepted(ConnectionAccepted(connection("there:2")));
    assert_eq!(node.begun.last(), before, "nobody would close it");
    let closes = node.begun.ordered.drain().into_iter();
    let closes = closes.filter(|Ordered(_, order)| matches!(order, SessionCommand::Close(_)));
    assert_eq!(closes.count(), 1);
}

#[test]
fn what_was_delivered_and_is_announced_by_its_recipient_is_judged_without_being_fetched() {
    let mut node = with_sessions(2);
    let sent = transfer(OWN, 2, 5, 0, 1);
    node.shell.deliver(Deliver {
        to: member(2).public_key(),
        transaction: sent.clone(),
    });
    let announced = Message::AnnounceTransactions(vec![sent.id()]);
    assert!(node.received(SessionId(2), announced).is_none());
    let Some(Question::Transactions(asked)) = node.questions.take() else {
        panic!("the own ledger is not asked");
    };
    assert_eq!(
        (asked.session, asked.transactions),
        (SessionId(2), vec![sent])
    );
}
