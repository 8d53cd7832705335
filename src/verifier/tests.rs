use super::*;
use crate::chain::Transaction;
use crate::chain::testing::transfer;
use proptest::prelude::*;
use std::sync::mpsc;

fn good(number: usize) -> EncodedTransaction {
    let sender = (number % 7) as u8 + 1;
    transfer(sender, sender + 1, 1 + number as u64, 0, 0)
}

/// As good, but with the signature of another.
fn bad(number: usize) -> EncodedTransaction {
    let transaction = good(number).transaction().clone();
    EncodedTransaction::new(Transaction {
        signature: good(number + 1).transaction().signature,
        ..transaction
    })
}

fn request(first: usize, len: usize) -> Vec<EncodedTransaction> {
    (first..first + len).map(good).collect()
}

fn ignore() -> Done {
    Box::new(|_| {})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However many requests come at once: each gets its own verdicts, in its order, once.
    #[test]
    fn every_request_gets_its_own_verdicts(
        requests in prop::collection::vec(prop::collection::vec(prop::bool::weighted(0.9), 0..60), 1..12),
    ) {
        let verifier = RayonVerifier::default();
        let (sender, reports) = mpsc::channel();
        for (number, request) in requests.iter().enumerate() {
            let transactions = request.iter().enumerate().map(|(at, is_good)| {
                if *is_good { good(number + at) } else { bad(number + at) }
            });
            let sender = sender.clone();
            let done: Done = Box::new(move |verdicts| {
                sender.send((number, verdicts)).expect("the test listens");
            });
            verifier.verify(vec![(transactions.collect(), done)]);
        }
        drop(sender);
        let mut reported = vec![0; requests.len()];
        for (number, verdicts) in reports {
            reported[number] += 1;
            let are_good: Vec<bool> = verdicts.iter().map(Result::is_ok).collect();
            prop_assert_eq!(&are_good, &requests[number]);
        }
        prop_assert_eq!(reported, vec![1; requests.len()]);
    }

    /// However requests and batches follow each other: every signature is in one batch, in order,
    /// and cores come and go with the work.
    #[test]
    fn batches_hold_everything_once(
        steps in prop::collection::vec(prop::option::weighted(0.4, 1..700_usize), 0..40),
        cores in 1..5_usize,
    ) {
        let mut queue = Queue::default();
        let (mut asked, mut taken, mut working) = (0, 0, 0);
        for step in steps.into_iter().chain([None; 60]) {
            if let Some(len) = step {
                let transactions = vec![good(0); len];
                working += queue.push(vec![(transactions, ignore())], cores);
                asked += len;
                prop_assert!((1..=cores).contains(&working));
            } else if working > 0 {
                let waiting = asked - taken;
                match queue.take(cores) {
                    None => {
                        prop_assert_eq!(waiting, 0);
                        working -= 1;
                    }
                    Some(batch) => {
                        let len = batch.transactions.len();
                        prop_assert!(len <= SIGNATURE_BATCH);
                        prop_assert!(len >= LEAST_SHARE.min(waiting));
                        prop_assert_eq!(batch.shares.iter().map(|share| share.len).sum::<usize>(), len);
                        taken += len;
                    }
                }
            }
        }
        prop_assert_eq!(queue.waiting, asked - taken);
        prop_assert_eq!(queue.working, working);
    }
}

#[test]
fn what_comes_one_by_one_while_all_are_busy_is_checked_together() {
    let mut queue = Queue::default();
    assert_eq!(queue.push(vec![(request(0, 1), ignore())], 2), 1);
    assert_eq!(queue.take(2).unwrap().transactions.len(), 1);
    // The second core joins, and then none is left.
    assert_eq!(queue.push(vec![(request(0, 1), ignore())], 2), 1);
    assert_eq!(queue.take(2).unwrap().transactions.len(), 1);
    for number in 0..40 {
        assert_eq!(queue.push(vec![(request(number, 1), ignore())], 2), 0);
    }
    let lens = [(); 3].map(|()| queue.take(2).map(|batch| batch.transactions.len()));
    assert_eq!(lens, [Some(20), Some(16), Some(4)]);
}

#[test]
fn a_large_request_is_shared_by_all_cores_to_its_end() {
    let mut queue = Queue::default();
    assert_eq!(queue.push(vec![(request(0, 600), ignore())], 2), 2);
    let mut batches = Vec::new();
    while let Some(batch) = queue.take(2) {
        batches.push((batch.shares[0].start, batch.transactions.len()));
    }
    assert_eq!(
        batches,
        [
            (0, 256),
            (256, 172),
            (428, 86),
            (514, 43),
            (557, 22),
            (579, 16),
            (595, 5)
        ]
    );
    assert_eq!(queue.working, 1);
}

#[test]
fn what_is_asked_together_is_checked_together() {
    let mut queue = Queue::default();
    let asked = |number| (request(number, 2), ignore());
    // Few signatures are worth one core.
    assert_eq!(queue.push((0..4).map(asked).collect(), 2), 1);
    let batch = queue.take(2).unwrap();
    assert_eq!((batch.transactions.len(), batch.shares.len()), (8, 4));
    assert_eq!(queue.push((0..40).map(asked).collect(), 2), 1);
    assert_eq!(queue.take(2).unwrap().transactions.len(), 40);
}
