//! Who checks signatures: off the ledger's thread, on all cores.

use crate::chain::{EncodedTransaction, check_signatures};
use crate::keys::{SIGNATURE_BATCH, SignatureError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One verdict a signature, in their order.
pub type Verdicts = Vec<Result<(), SignatureError>>;
/// Takes the verdicts.
pub type Done = Box<dyn FnOnce(Verdicts) + Send>;
/// Work that is done aside.
pub type Work = Box<dyn FnOnce() + Send>;

/// Transactions whose signatures are to be checked, and who takes the verdicts.
pub type Asked = (Vec<EncodedTransaction>, Done);

/// Checks signatures and calls back.
pub trait Verifier: Send + Sync {
    /// Checks the signatures of all that is asked, and hands each its verdicts, on any thread, at any later time or
    /// at once. What is asked together may be checked together.
    fn verify(&self, asked: Vec<Asked>);

    /// Does some other work with keys where signatures are checked: seals or opens a note, checks receipts. On
    /// any thread, at any later time or at once.
    fn aside(&self, work: Work);
}

/// Signatures worth a core of their own: so many at once cost little more each than a full batch,
/// fewer cost up to twice as much.
const LEAST_SHARE: usize = 16;

/// Spreads the checks over the machine's cores.
///
/// A request is begun at once where a core is free, a single signature on the thread that asks. What comes while all are busy is gathered,
/// whoever sent it, and shares the next batches: under load single transactions are checked as
/// cheaply as those of a block, and nothing waits for others to come. The cores are busy with a batch
/// for a few milliseconds at most.
#[derive(Clone, Default)]
pub struct RayonVerifier(Arc<Mutex<Queue>>);

impl Verifier for RayonVerifier {
    fn verify(&self, mut asked: Vec<Asked>) {
        let of_nothing = asked.extract_if(.., |(transactions, _)| transactions.is_empty());
        of_nothing.for_each(|(_, done)| done(Vec::new()));
        // To wake another thread for one signature, and to be woken by it, takes as long as the check.
        let is_one = match &asked[..] {
            [] => return,
            [(transactions, _)] => matches!(&transactions[..], [one] if one.signatures() == 1),
            _ => false,
        };
        if is_one && locked(&self.0).working == 0 {
            let one = asked.into_iter();
            return one.for_each(|(transactions, done)| done(check_signatures(&transactions)));
        }
        let begun = locked(&self.0).push(asked, rayon::current_num_threads());
        for _ in 0..begun {
            let queue = self.0.clone();
            rayon::spawn(move || work(&queue));
        }
    }

    fn aside(&self, work: Work) {
        rayon::spawn(work);
    }
}

/// Checks batches until none is left.
fn work(queue: &Mutex<Queue>) {
    loop {
        // The lock is held for the taking, not for the checking.
        let Some(batch) = locked(queue).take(rayon::current_num_threads()) else {
            return;
        };
        let mut verdicts = check_signatures(&batch.transactions).into_iter();
        for share in batch.shares {
            let own = verdicts.by_ref().take(share.len);
            share.report.fill(share.start, own);
        }
    }
}

/// No lock here is held while anything can fail; a panic ends the process in any case.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What waits to be checked.
#[derive(Default)]
struct Queue {
    requests: VecDeque<Request>,
    /// Transactions in all of them.
    waiting: usize,
    /// Cores that are at work.
    working: usize,
}

/// What is left to be checked of one request.
struct Request {
    transactions: std::vec::IntoIter<EncodedTransaction>,
    /// Place of the next one in the request.
    next: usize,
    report: Arc<Report>,
}

/// What is checked in one equation.
struct Batch {
    transactions: Vec<EncodedTransaction>,
    /// Whose they are, in their order.
    shares: Vec<Share>,
}

/// A request's part of a batch.
struct Share {
    report: Arc<Report>,
    start: usize,
    len: usize,
}

impl Queue {
    /// Takes requests in; returns how many more of `cores` should go to work.
    fn push(&mut self, asked: Vec<Asked>, cores: usize) -> usize {
        for (transactions, done) in asked {
            self.waiting += transactions.len();
            self.requests.push_back(Request {
                report: Arc::new(Report::of(transactions.len(), done)),
                transactions: transactions.into_iter(),
                next: 0,
            });
        }
        let free = cores.saturating_sub(self.working);
        let begun = free.min(self.waiting.div_ceil(LEAST_SHARE));
        self.working += begun;
        begun
    }

    /// The next batch for one of `cores`; `None` if that core is not needed any more.
    fn take(&mut self, cores: usize) -> Option<Batch> {
        // The last ones are shared out evenly, so that all cores end together.
        let share = self.waiting.div_ceil(cores.max(1));
        let mut room = share.clamp(LEAST_SHARE, SIGNATURE_BATCH).min(self.waiting);
        self.waiting -= room;
        let mut batch = Batch {
            transactions: Vec::with_capacity(room),
            shares: Vec::new(),
        };
        while room > 0
            && let Some(request) = self.requests.front_mut()
        {
            let len = request.transactions.len().min(room);
            batch
                .transactions
                .extend(request.transactions.by_ref().take(len));
            batch.shares.push(Share {
                report: request.report.clone(),
                start: request.next,
                len,
            });
            request.next += len;
            room -= len;
            if request.transactions.len() == 0 {
                self.requests.pop_front();
            }
        }
        if batch.transactions.is_empty() {
            self.working -= 1;
            return None;
        }
        Some(batch)
    }
}

/// The verdicts of one request as they come in.
struct Report(Mutex<Verdicted>);

struct Verdicted {
    verdicts: Verdicts,
    missing: usize,
    done: Option<Done>,
}

impl Report {
    fn of(count: usize, done: Done) -> Self {
        Self(Mutex::new(Verdicted {
            // Replaced before anybody sees them; if one were not, it would be a refusal.
            verdicts: vec![Err(SignatureError::Invalid); count],
            missing: count,
            done: Some(done),
        }))
    }

    /// Writes verdicts down from `start` on; the last ones make the report.
    fn fill(&self, start: usize, verdicts: impl Iterator<Item = Result<(), SignatureError>>) {
        let mut state = locked(&self.0);
        for (at, verdict) in (start..).zip(verdicts) {
            state.verdicts[at] = verdict;
            state.missing -= 1;
        }
        if state.missing == 0
            && let Some(done) = state.done.take()
        {
            let verdicts = std::mem::take(&mut state.verdicts);
            drop(state);
            done(verdicts);
        }
    }
}

#[cfg(test)]
mod tests;
