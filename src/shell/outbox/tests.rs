//! The shell of the outbox with captured links: what times out does so by the steady clock.

use super::*;
use crate::chain::testing::{MemoryView, member, transfer};
use crate::chain::{Amount, Height, Timestamp};
use crate::messages::store::Rows;
use crate::protocol::delivery::rows::Route;
use crate::protocol::delivery::testing::{MINUTE_MS, outbox_config};
use crate::protocol::retry::Standing;
use crate::shell::fatal_channel;
use crate::shell::testing::{HandClock, Outbound};
use crate::store::MemoryDisk;

/// How long a call may take, in milliseconds.
const CALL_MS: u64 = 10_000;
/// How long an answer may take, in milliseconds.
const ANSWER_MS: u64 = 30_000;
/// The longest first pause after a call that failed, in milliseconds.
const FIRST_PAUSE_MS: u64 = 1_000;

/// Number of the owner's key, and of the recipient's.
const OWN: u8 = 1;
const BOB: u8 = 2;

struct Sender {
    shell: OutboxShell,
    clock: Arc<HandClock>,
    disk: Arc<MemoryDisk>,
    writing: Outbound<CommitRows>,
    reach: Outbound<ReachMember>,
    deliver: Outbound<Deliver>,
    pass_on: Outbound<Ask<Vec<u64>, JudgeOwn>>,
    funds: Outbound<Ask<(), GetFunds>>,
}

impl Sender {
    fn new() -> Self {
        Self::with_store(usize::MAX)
    }

    /// One whose store has room for so much that it did not look at.
    fn with_store(room: usize) -> Self {
        let (clock, disk) = (HandClock::new(), Arc::new(MemoryDisk::new()));
        let (reach, deliver) = (Outbound::new(), Outbound::new());
        let writing = Outbound::with_room(room);
        let (pass_on, funds) = (Outbound::new(), Outbound::new());
        let rows = DeliveryTable::outbox(&*disk);
        let (config, chain) = (outbox_config(OWN), MemoryView::default());
        let outbox = Outbox::open(config, &rows, &chain, Height(0), clock.now()).unwrap();
        let parts = OutboxParts {
            own: member(OWN).public_key(),
            disk: disk.clone(),
            clock: clock.clone(),
            store: Link::to(writing.clone(), 8),
            reach: Link::to(reach.clone(), 0),
            deliver: Link::to(deliver.clone(), 0),
            blame: Link::to(Outbound::<BlameSession>::new(), 0),
            ledger: Link::to(pass_on.clone(), 0),
            checks: Link::to(Outbound::<Ask<(), CheckSignatures>>::new(), 0),
            funds: Link::to(funds.clone(), 0),
            fatal: fatal_channel().0,
            events: Link::to(Outbound::<Event>::new(), 0),
        };
        Self {
            shell: OutboxShell::new(outbox, parts),
            clock,
            disk,
            writing,
            reach,
            deliver,
            pass_on,
            funds,
        }
    }

    /// The disk writes what waits, and the ledger says what can be spent.
    fn settle(&mut self) {
        loop {
            if let Some(Ask { token, .. }) = self.funds.take() {
                let answer = Ok(Funds {
                    balance: Amount(1_000),
                    promised: Amount(0),
                });
                self.shell.funds(Answered { token, answer });
            } else if let Some(CommitRows { batch, rows, .. }) = self.writing.take() {
                let Rows::Plain(rows) = rows else {
                    panic!("rows of the outbox");
                };
                self.disk.commit(&rows).unwrap();
                self.shell.committed(RowsCommitted { batch });
            } else {
                return;
            }
        }
    }

    /// Lets so much time pass, while somebody sets the wall clock.
    fn pass(&mut self, ms: u64, wall: u64) {
        self.clock.pass(ms);
        self.clock.set_wall(Timestamp(wall));
        self.shell.tick();
        self.settle();
    }

    /// Sends bob something, and calls him.
    fn call_bob(&mut self) -> EncodedTransaction {
        let transaction = transfer(OWN, BOB, 5, 0, 1);
        drop(self.shell.send([SendTransfer {
            transaction: transaction.clone().into(),
            route: Route::Direct,
            request: None,
        }]));
        self.settle();
        self.pass(0, 0);
        assert_eq!(self.reached(), 1);
        transaction
    }

    /// How often somebody was called since this was last asked.
    fn reached(&self) -> usize {
        self.reach.drain().len()
    }

    fn told(&mut self, fact: fn(PublicKey) -> DeliveryFact, number: u8) {
        let fact = fact(member(number).public_key());
        self.shell.delivery_told(DeliveryTold(fact));
        self.settle();
    }

    fn standing(&mut self, transaction: &EncodedTransaction) -> Option<Standing> {
        let line = self.shell.line(GetSend(transaction.id()));
        line.expect("it is looked after").standing
    }
}

#[test]
fn t3_a_call_that_nobody_answers_times_out_by_the_steady_clock_and_is_made_again() {
    let mut sender = Sender::new();
    let sent = sender.call_bob();
    let called = sender.standing(&sent);
    // The wall clock is set a year ahead, back to 1970, and back again.
    sender.pass(CALL_MS - 1, u64::MAX);
    assert_eq!(sender.standing(&sent), called, "a year passed on the wall");
    sender.pass(1, 0);
    let Some(Standing::Waiting(due)) = sender.standing(&sent) else {
        panic!("it waits for a pause");
    };
    let pause = due.since(sender.clock.steady());
    assert!((1..=FIRST_PAUSE_MS).contains(&pause), "{pause}");
    assert_eq!(sender.reached(), 0);
    sender.pass(pause - 1, u64::MAX);
    assert_eq!(sender.reached(), 0);
    sender.pass(1, 0);
    assert_eq!(sender.reached(), 1);
}

#[test]
fn t3_an_answer_that_never_comes_is_missed_by_the_steady_clock_and_asked_for_again() {
    let mut sender = Sender::new();
    let sent = sender.call_bob();
    sender.told(DeliveryFact::Reached, BOB);
    let delivered = sender.deliver.drain();
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0].transaction, sent);
    sender.pass(ANSWER_MS - 1, u64::MAX);
    assert_eq!(sender.standing(&sent), Some(Standing::Sent));
    sender.pass(1, 0);
    assert!(matches!(sender.standing(&sent), Some(Standing::Waiting(_))));
    sender.pass(FIRST_PAUSE_MS, 0);
    assert_eq!(sender.reached(), 1);
    sender.told(DeliveryFact::Reached, BOB);
    assert_eq!(sender.deliver.drain().len(), 1, "the same again");
}

#[test]
fn p4_calls_that_time_out_fall_back_to_the_network_after_a_minute_in_company() {
    let mut sender = Sender::new();
    let sent = sender.call_bob();
    // Alone: the fault may be this node's own.
    sender.pass(2 * MINUTE_MS, u64::MAX);
    assert!(sender.pass_on.drain().is_empty());
    sender.told(DeliveryFact::Reached, 3);
    for _ in 0..6 {
        sender.pass(MINUTE_MS / 6 - 1, u64::MAX);
        assert!(sender.pass_on.drain().is_empty());
        sender.pass(0, 0);
    }
    sender.pass(5, u64::MAX);
    assert!(
        sender.pass_on.drain().is_empty(),
        "a millisecond is missing"
    );
    sender.pass(1, 0);
    let passed: Vec<_> = sender.pass_on.drain();
    assert_eq!(passed.len(), 1);
    assert_eq!(passed[0].question.0, [Own::Stored(sent)]);
}

/// Something for the network, signed a moment ago.
fn by_network(salt: u8) -> SendTransfer {
    SendTransfer {
        transaction: transfer(OWN, BOB, 5, 0, salt).into(),
        route: Route::Network,
        request: None,
    }
}

#[test]
fn what_goes_together_is_one_batch_and_one_question_and_waits_for_one_write() {
    let mut sender = Sender::new();
    let mut answers = sender.shell.send((1..=3).map(by_network));
    let Ask { token, .. } = sender.funds.take().unwrap();
    let answer = Ok(Funds {
        balance: Amount(1_000),
        promised: Amount(0),
    });
    sender.shell.funds(Answered { token, answer });
    assert_eq!(sender.funds.drain().len(), 0, "asked once for all");
    let passed = sender.pass_on.drain();
    let [Ask { token, question }] = &passed[..] else {
        panic!("{passed:?}");
    };
    assert_eq!(token, &[1, 2, 3]);
    let fresh = |own: &Own| matches!(own, Own::SignedHere(_));
    assert!(question.0.iter().all(fresh), "nothing is read back");
    // The ledger has answered, its rows being behind these: the answer still waits for the disk.
    let judgement = Judgement {
        verdict: Ok(()),
        height: Height(0),
        block: crate::chain::BlockId([0; 32]),
        syncing: false,
    };
    let answer = vec![judgement; 3];
    let token = token.clone();
    sender.shell.judged(Answered { token, answer });
    assert!(answers.iter_mut().all(|answer| answer.try_recv().is_err()));
    assert_eq!(sender.writing.drain().len(), 1);
    sender.shell.committed(RowsCommitted { batch: 1 });
    let answered: Vec<_> = answers.iter_mut().map(|a| a.try_recv().unwrap()).collect();
    assert_eq!(answered, [Ok(1), Ok(2), Ok(3)]);
}

#[test]
fn the_ledger_has_nothing_before_the_store_has_what_is_written_first() {
    let mut sender = Sender::with_store(0);
    drop(sender.shell.send([by_network(1)]));
    let Ask { token, .. } = sender.funds.take().unwrap();
    let answer = Ok(Funds {
        balance: Amount(1_000),
        promised: Amount(0),
    });
    sender.shell.funds(Answered { token, answer });
    assert_eq!(sender.pass_on.drain().len(), 0, "the store is full");
    sender.writing.make_room();
    sender.shell.tick();
    assert_eq!(sender.writing.drain().len(), 1);
    assert_eq!(sender.pass_on.drain().len(), 1);
}
