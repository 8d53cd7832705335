//! The shell of the ledger with captured links: credits, what comes before what, and which clock.

use super::*;
use crate::chain::ledger::{Answer, BlockOutcome};
use crate::chain::testing::{Node, START, member, transfer};
use crate::chain::{BlockId, EncodedTransaction, Height, Rejected};
use crate::clock::STARTED;
use crate::messages::ledger::{JudgeDelivery, JudgeOwn, Own, SubmitMinedBlock};
use crate::protocol::SessionId;
use crate::protocol::credit::Credits;
use crate::shell::testing::HandClock;
use crate::shell::testing::ledger::{LedgerEnd, ToMiner};
use futures_util::FutureExt;

fn ledger() -> LedgerEnd {
    let clock = HandClock::new();
    // Late enough for a few blocks.
    clock.pass(10_000);
    let mut ledger = LedgerEnd::opened(Some(1), Default::default(), clock);
    ledger.settle();
    ledger.miner.drain();
    ledger.events.drain();
    ledger
}

/// What gossip was told, in order.
fn facts(ledger: &LedgerEnd) -> Vec<LedgerFact> {
    let told = ledger.gossip.drain().into_iter();
    told.flat_map(|LedgerTold(facts)| facts).collect()
}

#[test]
fn every_question_of_a_session_is_answered_once_with_its_credit() {
    let mut ledger = ledger();
    let mut credits = Credits::new(8);
    let session = SessionId(7);
    let block = ledger.next_block(2);
    ledger.shell.check_headers(CheckHeaders {
        credit: credits.lend(),
        session,
        headers: vec![block.header],
    });
    let toward = block.id();
    ledger.shell.find_missing(FindMissing {
        credit: credits.lend(),
        toward,
        limit: 16,
    });
    ledger.shell.block(SubmitBlock {
        credit: credits.lend(),
        session,
        block,
    });
    ledger.shell.transactions(SubmitTransactions {
        credit: credits.lend(),
        session,
        transactions: vec![transfer(3, 4, 5, 0, 1)],
    });
    assert_eq!(credits.lent(), 4);
    ledger.settle();
    let mut answers = Vec::new();
    for fact in facts(&ledger) {
        match fact {
            LedgerFact::Judged {
                credit,
                session: of,
                answer,
            } => {
                credits.take_back(credit);
                assert_eq!(of, session);
                answers.push(match answer {
                    Answer::Headers(_) => "headers",
                    Answer::Block(..) => "block",
                    Answer::Transactions(_) => "transactions",
                });
            }
            LedgerFact::MissingFound { credit, ids, .. } => {
                credits.take_back(credit);
                assert_eq!(ids, [(toward, Height(1))]);
                answers.push("missing");
            }
            _ => {}
        }
    }
    assert_eq!(answers, ["headers", "missing", "block", "transactions"]);
    assert_eq!(credits.lent(), 0);
}

#[test]
fn what_promises_waits_for_the_disk_and_what_does_not_goes_ahead() {
    let mut ledger = ledger();
    let payment = transfer(2, 1, 5, 0, 1);
    let sent = JudgeOwn(vec![Own::Stored(payment.clone())]);
    let mut judged = Box::pin(ledger.shell.judge_own(sent));
    assert!(ledger.hear_verdicts());
    // Relay and the owner's part hear of it at once; the answer is a promise.
    let opened = facts(&ledger);
    assert!(matches!(opened[..], [LedgerFact::TransactionOpened(_)]));
    assert_eq!(ledger.miner.drain(), [ToMiner::Open(1)]);
    assert_eq!((&mut judged).now_or_never(), None);
    assert_eq!(
        ledger.events.drain(),
        [],
        "who follows sees what can be asked for"
    );
    assert!(ledger.write_one());
    let (id, own) = (payment.id(), true);
    assert_eq!(
        ledger.events.drain(),
        [Event::TransactionOpened { id, own }]
    );
    let judgement = (&mut judged).now_or_never().expect("it is written");
    assert_eq!(judgement[0].verdict, Ok(()));
    // A block: the own miner hears of it at once, the others after the write.
    let block = ledger.next_block(1);
    let mined = ledger.shell.mined_block(SubmitMinedBlock(block));
    let mut mined = Box::pin(mined);
    assert!(ledger.miner.drain().contains(&ToMiner::TipMoved));
    let is_tip = |fact: &LedgerFact| matches!(fact, LedgerFact::TipChanged(_));
    assert!(!facts(&ledger).iter().any(is_tip));
    assert_eq!((&mut mined).now_or_never(), None);
    ledger.settle();
    assert!(facts(&ledger).iter().any(is_tip));
    assert_eq!((&mut mined).now_or_never(), Some(BlockOutcome::Accepted));
}

#[test]
fn a_delivery_is_judged_when_the_store_has_its_rows_which_wait_for_those_of_the_inbox() {
    let mut ledger = ledger();
    let judge = |ledger: &mut LedgerEnd, salt| {
        let delivered = JudgeDelivery(transfer(2, 1, 5, 0, salt));
        Box::pin(ledger.shell.judge_delivery(delivered))
    };
    let mut judged = judge(&mut ledger, 1);
    assert_eq!((&mut judged).now_or_never(), None);
    assert!(ledger.hear_verdicts());
    let judgement = (&mut judged).now_or_never();
    let judgement = judgement.expect("nobody else writes in between");
    assert_eq!(judgement.verdict, Ok(()));
    let commit = ledger.writing.take().expect("the store has it");
    assert_eq!(commit.urgency, Urgency::Behind);
    // The store has no room: what the inbox would write might come before these rows.
    ledger.writing.close();
    let mut judged = judge(&mut ledger, 2);
    assert!(ledger.hear_verdicts());
    assert_eq!((&mut judged).now_or_never(), None);
    ledger.writing.make_room();
    ledger.shell.tick();
    assert!((&mut judged).now_or_never().is_some());
}

/// Has the ledger open what its owner has just signed.
fn judge_own(
    ledger: &mut LedgerEnd,
    all: &[EncodedTransaction],
) -> std::pin::Pin<Box<dyn Future<Output = Vec<Judgement>>>> {
    let own = all.iter().map(|one| Own::SignedHere(one.clone().into()));
    Box::pin(ledger.shell.judge_own(JudgeOwn(own.collect())))
}

#[test]
fn what_the_owner_sends_is_one_batch_and_nobody_else_hears_of_it_before_the_disk_holds_it() {
    let mut ledger = ledger();
    let all: Vec<_> = (1..=3).map(|salt| transfer(1, 2, 5, 0, salt)).collect();
    let mut judged = judge_own(&mut ledger, &all);
    assert!(!ledger.hear_verdicts(), "who has signed it need not check");
    assert!(facts(&ledger).is_empty());
    assert_eq!(ledger.miner.drain(), [ToMiner::Open(3)]);
    assert_eq!((&mut judged).now_or_never(), None);
    assert!(ledger.write_one());
    let opened = facts(&ledger);
    assert!(
        matches!(
            opened[..],
            [
                LedgerFact::TransactionOpened(_),
                LedgerFact::TransactionOpened(_),
                LedgerFact::TransactionOpened(_)
            ]
        ),
        "{opened:?}"
    );
    let judgements = (&mut judged).now_or_never().expect("it is written");
    assert!(judgements.iter().all(|one| one.verdict == Ok(())) && judgements.len() == 3);
    assert!(!ledger.write_one(), "all of it was one batch");
}

#[test]
fn what_the_owner_sends_and_is_gone_before_it_was_stored_is_announced_to_nobody() {
    let mut ledger = ledger();
    let sent = transfer(1, 2, 5, 0, 1);
    let _judged = judge_own(&mut ledger, std::slice::from_ref(&sent));
    // Mined before the disk had written that it is open.
    let block = ledger.next_block(1);
    let _mined = Box::pin(ledger.shell.mined_block(SubmitMinedBlock(block)));
    ledger.settle();
    let is_open = |fact: &LedgerFact| matches!(fact, LedgerFact::TransactionOpened(_));
    assert!(!facts(&ledger).iter().any(is_open));
}

#[test]
fn what_the_owner_sends_is_judged_one_by_one() {
    let mut ledger = ledger();
    let (good, dear) = (transfer(1, 2, 5, 0, 1), transfer(1, 2, 2_000_000, 0, 2));
    let judged = judge_own(&mut ledger, &[good.clone(), dear, good]);
    ledger.settle();
    let verdicts = judged.now_or_never().expect("it is written").into_iter();
    let verdicts: Vec<_> = verdicts.map(|one| one.verdict).collect();
    assert!(
        matches!(
            verdicts[..],
            [
                Ok(()),
                Err(Rejected::InsufficientFunds { .. }),
                Err(Rejected::AlreadyOpen)
            ]
        ),
        "{verdicts:?}"
    );
}

#[test]
fn outbox_and_inbox_hear_the_same_of_the_owners_transactions_and_nothing_of_others() {
    let mut ledger = ledger();
    ledger.send(transfer(3, 4, 5, 0, 1)).unwrap();
    assert!(ledger.outbox.drain().is_empty() && ledger.inbox.drain().is_empty());
    let own = transfer(1, 2, 5, 0, 2);
    ledger.send(own.clone()).unwrap();
    let told = |told: Vec<OwnNewsTold>| -> Vec<_> {
        let news = told.into_iter().flat_map(|told| told.0);
        news.map(|news| format!("{news:?}")).collect()
    };
    let (sent, received) = (told(ledger.outbox.drain()), told(ledger.inbox.drain()));
    assert_eq!(sent, received);
    assert!(sent.len() == 1 && sent[0].starts_with("Opened"));
}

#[test]
fn blocks_are_judged_by_the_wall_clock_and_what_is_open_grows_old_by_the_steady_one() {
    const DAY_MS: u64 = 86_400_000;
    let mut ledger = ledger();
    let payment = transfer(1, 2, 5, 0, 1);
    ledger.send(payment.clone()).unwrap();
    // The wall clock jumps to 1970 and a year ahead: nothing grows old by that.
    for wall in [crate::chain::Timestamp(0), START.plus_ms(365 * DAY_MS)] {
        ledger.clock.set_wall(wall);
        ledger.shell.tick();
        ledger.settle();
        assert_eq!(ledger.open_ids(), [payment.id()].into());
    }
    // A block that lies ahead of the wall clock is held, however much time passed.
    let block = ledger.next_block(2);
    ledger.clock.set_wall(START);
    ledger.clock.pass(3_600_000);
    assert_eq!(ledger.block(block.clone()), BlockOutcome::Held);
    ledger.clock.set_wall(block.header.timestamp);
    assert_eq!(ledger.block(block), BlockOutcome::Accepted);
    ledger.shell.tick();
    let late = transfer(3, 4, 5, 0, 2);
    ledger.send(late.clone()).unwrap();
    ledger.clock.pass(DAY_MS);
    ledger.shell.tick();
    ledger.settle();
    assert_eq!(ledger.open_ids(), [late.id()].into(), "a day to the tick");
    ledger.clock.pass(1);
    ledger.shell.tick();
    ledger.settle();
    assert!(ledger.open_ids().is_empty());
    assert!(ledger.clock.steady() > STARTED);
}

#[test]
fn a_long_way_to_another_branch_goes_on_as_the_disk_keeps_up_until_it_is_gone() {
    let mut ledger = ledger();
    let mut other = Node::new();
    let blocks: Vec<_> = (0..600).map(|_| other.mine(4)).collect();
    ledger.clock.set_wall(other.now);
    // The first body is missing, so that the whole way opens at once.
    for block in blocks.iter().skip(1) {
        let _ = headers(&mut ledger, &blocks);
        assert_eq!(ledger.block(block.clone()), BlockOutcome::Accepted);
    }
    assert_eq!(ledger.tip().height(), Height(0));
    let mut credits = Credits::new(1);
    ledger.shell.block(SubmitBlock {
        credit: credits.lend(),
        session: SessionId(1),
        block: blocks[0].clone(),
    });
    let mut steps = 0;
    loop {
        if ledger.go_on() {
            steps += 1;
        } else if !ledger.hear_verdicts() && !ledger.write_one() {
            break;
        }
    }
    assert!(steps >= 1, "it was a way of several steps");
    assert_eq!(ledger.tip().height(), Height(600));
    assert!(!ledger.shell.takes_to_go_on());
    for fact in facts(&ledger) {
        if let LedgerFact::Judged { credit, .. } = fact {
            credits.take_back(credit);
        }
    }
    assert_eq!(credits.lent(), 0);
}

/// A session shows these headers, once.
fn headers(ledger: &mut LedgerEnd, blocks: &[crate::chain::Block]) -> usize {
    let known = ledger.shell.status(GetLedgerStatus).best_header.height();
    if known != Height(0) {
        return 0;
    }
    let mut credits = Credits::new(9);
    for part in blocks.chunks(200) {
        ledger.shell.check_headers(CheckHeaders {
            credit: credits.lend(),
            session: SessionId(1),
            headers: part.iter().map(|block| block.header).collect(),
        });
    }
    ledger.settle();
    for fact in facts(ledger) {
        if let LedgerFact::Judged { credit, .. } = fact {
            credits.take_back(credit);
        }
    }
    blocks.len()
}

#[test]
fn a_row_that_is_damaged_ends_the_node() {
    let mut ledger = ledger();
    let key = member(1).public_key();
    let row = crate::chain::rows::RowKey::State(crate::chain::rows::StateKey::Balance(key));
    let rows = [(row, Some(vec![1, 2, 3]))];
    let rows: Vec<_> = crate::store::chain_rows::changes(&rows).collect();
    ledger.disk.commit(&rows).unwrap();
    assert!(ledger.shell.funds(GetFunds(key)).is_err());
    let raised = ledger.fatal.try_recv();
    assert!(raised.is_ok(), "nothing can be promised any more");
    assert_ne!(ledger.tip().id, BlockId([0; 32]));
}

#[test]
fn the_signatures_of_what_comes_together_are_checked_together() {
    let mut ledger = ledger();
    let mut credits = Credits::new(8);
    for salt in 1..=3 {
        ledger.shell.transactions(SubmitTransactions {
            credit: credits.lend(),
            session: SessionId(7),
            transactions: vec![transfer(3, 4, 5, 0, salt)],
        });
    }
    let early = ledger.checks.drain();
    assert!(early.is_empty(), "more may come behind them: {early:?}");
    assert!(ledger.hear_verdicts());
    assert_eq!(ledger.checks.drain(), [3]);
    ledger.settle();
    assert_eq!(ledger.open().len(), 3);
    // Once for all of it, and once more for what comes later.
    assert!(!ledger.shell.takes_to_check());
    ledger.shell.transactions(SubmitTransactions {
        credit: credits.lend(),
        session: SessionId(7),
        transactions: vec![transfer(3, 4, 5, 0, 4)],
    });
    ledger.settle();
    assert_eq!(ledger.checks.drain(), [1]);
}

#[test]
fn while_more_headers_are_to_come_a_no_may_not_be_the_last_word() {
    let mut ledger = ledger();
    for syncing in [false, true] {
        ledger.showing.set(syncing);
        assert_eq!(ledger.shell.status(GetLedgerStatus).syncing, syncing);
        let poor = Own::Stored(transfer(8, 1, 5_000, 0, 1));
        let judged = ledger.shell.judge_own(JudgeOwn(vec![poor]));
        ledger.settle();
        let judged = judged
            .now_or_never()
            .expect("there is nothing to be written");
        assert!(judged[0].verdict.is_err());
        assert_eq!(judged[0].syncing, syncing);
    }
}
