//! Sends that wait to hear what can be spent: it is asked for once for all of them.

use super::requests::Request;
use crate::chain::ledger::Funds;
use crate::chain::{Amount, SignedHere};
use crate::protocol::delivery::rows::Route;

/// A send that is not taken in yet.
#[derive(Debug)]
pub struct Wish {
    /// Stands for whoever wants it.
    pub ticket: u64,
    /// What is to be sent.
    pub transaction: SignedHere,
    /// On which ways.
    pub route: Route,
    /// What it was asked for with, if its caller chose a key.
    pub request: Option<Request>,
}

/// What the ledger is being asked for.
struct Asked {
    sends: Vec<Wish>,
    /// What was reserved by then.
    reserved: u128,
}

/// Sends that cost something, until it is known whether they can be paid.
#[derive(Default)]
pub(super) struct Funding {
    waiting: Vec<Wish>,
    asked: Option<Asked>,
    /// What is left to be spent by the last answer, of which what was taken in since is taken off; nothing is
    /// known once something else may have changed it. So the ledger is asked once a block and not for each
    /// send. It judges them all the same.
    free: Option<Amount>,
    /// Whether the answer that is to come may be older than what has changed.
    is_stale: bool,
}

impl Funding {
    pub(super) fn wait(&mut self, send: Wish) {
        self.waiting.push(send);
    }

    /// Whether the ledger is to be asked now; `reserved` is what the outbox holds back by now.
    pub(super) fn ask(&mut self, reserved: u128) -> bool {
        if self.asked.is_some() || self.waiting.is_empty() {
            return false;
        }
        let sends = std::mem::take(&mut self.waiting);
        self.asked = Some(Asked { sends, reserved });
        self.is_stale = false;
        true
    }

    /// What is left, if it is known and covers the cost. Those that wait come first.
    pub(super) fn free(&self, cost: Amount) -> Option<Amount> {
        let nobody_waits = self.asked.is_none() && self.waiting.is_empty();
        self.free.filter(|free| nobody_waits && *free >= cost)
    }

    /// So much is left now, unless something has changed it since it was asked for.
    pub(super) fn know(&mut self, free: Amount) {
        self.free = (!self.is_stale).then_some(free);
    }

    /// The chain moved, or coins were spent elsewhere: it has to be asked again.
    pub(super) fn forget(&mut self) {
        self.free = None;
        self.is_stale = true;
    }

    /// The ledger has answered: the sends that waited for it, and what there is to spend, of which the
    /// outbox holds back `reserved` now.
    pub(super) fn answered(&mut self, funds: &Funds, reserved: u128) -> (Vec<Wish>, Amount) {
        let Some(asked) = self.asked.take() else {
            return (Vec::new(), Amount::ZERO);
        };
        // What became open meanwhile was reserved when it was asked, and may not have been among what
        // the ledger counted.
        let opened = asked.reserved.saturating_sub(reserved);
        let opened = Amount(u64::try_from(opened).unwrap_or(u64::MAX));
        let spendable = funds.balance.minus(funds.promised).unwrap_or_default();
        (asked.sends, spendable.minus(opened).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::transfer;

    fn send(ticket: u64) -> Wish {
        Wish {
            ticket,
            transaction: transfer(1, 2, 5, 0, 1).into(),
            route: Route::Direct,
            request: None,
        }
    }

    fn tickets((sends, amount): (Vec<Wish>, Amount)) -> (Vec<u64>, u64) {
        (sends.iter().map(|send| send.ticket).collect(), amount.0)
    }

    #[test]
    fn it_is_asked_once_for_all_that_wait() {
        let mut funding = Funding::default();
        assert!(!funding.ask(0), "nobody waits");
        funding.wait(send(1));
        assert!(funding.ask(0));
        funding.wait(send(2));
        assert!(!funding.ask(0), "the answer is still to come");
        let funds = Funds {
            balance: Amount(100),
            promised: Amount(30),
        };
        assert_eq!(tickets(funding.answered(&funds, 0)), (vec![1], 70));
        assert!(funding.ask(0));
        assert_eq!(tickets(funding.answered(&funds, 0)), (vec![2], 70));
        assert_eq!(tickets(funding.answered(&funds, 0)), (vec![], 0));
    }

    #[test]
    fn what_is_known_to_be_left_is_not_asked_for_again_until_something_changed_it() {
        let mut funding = Funding::default();
        let five = |funding: &Funding| funding.free(Amount(5)).is_some();
        assert!(!five(&funding), "nothing is known yet");
        funding.wait(send(1));
        assert!(funding.ask(0));
        let funds = Funds {
            balance: Amount(9),
            promised: Amount(0),
        };
        assert_eq!(tickets(funding.answered(&funds, 0)), (vec![1], 9));
        funding.know(Amount(9));
        assert!(five(&funding) && funding.free(Amount(10)).is_none());
        funding.wait(send(2));
        assert!(!five(&funding), "who waits comes first");
        assert!(funding.ask(0));
        // A block came while the ledger was asked: its answer may be from before it.
        funding.forget();
        assert_eq!(tickets(funding.answered(&funds, 0)), (vec![2], 9));
        funding.know(Amount(9));
        assert!(!five(&funding));
    }

    #[test]
    fn what_became_open_while_it_was_asked_is_not_spent_twice() {
        let mut funding = Funding::default();
        funding.wait(send(1));
        assert!(funding.ask(50));
        let funds = Funds {
            balance: Amount(100),
            promised: Amount(0),
        };
        // 40 of the 50 have become open since, and the ledger may not have counted them.
        assert_eq!(tickets(funding.answered(&funds, 10)), (vec![1], 60));
    }
}
