//! What was asked of the members of a simulated network by their owners, and what they were promised.

use super::deed::{Deed, Sending};
use super::host::Faces;
use super::trace::Trace;
use crate::canonical::CappedText;
use crate::chain::transaction::RecordBody;
use crate::chain::{Action, Amount, EncodedTransaction, Height, Payload, Salt, TransactionId};
use crate::keys::{PublicKey, SecretKey};
use crate::messages::ledger::{GetLedgerStatus, JudgeOwn, Own};
use crate::owner::Peer;
use crate::owner::answers::SendRequest;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What records are about; no application judges them.
const TOPIC: &str = "simulated";
/// Blocks that a record may wait for: longer than any simulation.
const EXPIRY_BLOCKS: u64 = 10_000;

/// What one owner sends another, as both of them see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Letter {
    /// By which host.
    pub from: usize,
    /// To which host.
    pub to: usize,
    /// To which key: a host may have another one later.
    pub key: PublicKey,
    /// Amount, in coins.
    pub amount: u64,
    /// What is written, if anything is.
    pub text: Option<String>,
}

/// Something that a node has told its owner to have taken.
#[derive(Debug, Clone)]
pub struct Promise {
    /// Which transaction.
    pub id: TransactionId,
    /// Its sender's host.
    pub sender: usize,
    /// When it was asked for, in simulated milliseconds.
    pub at_ms: u64,
    /// What is sent; nothing in a record.
    pub letter: Option<Letter>,
    /// Whether its time may be over before it is mined.
    pub lapses: bool,
    /// Whether its sender still has the disk that it was promised on.
    pub kept: bool,
}

impl Promise {
    /// Whether this host gets it.
    pub fn is_for(&self, host: usize) -> bool {
        self.letter.as_ref().is_some_and(|letter| letter.to == host)
    }
}

/// All that was asked for, and all that was promised.
#[derive(Debug, Default, Clone)]
pub struct Book {
    /// How often each letter was asked for.
    asked: BTreeMap<Letter, usize>,
    promises: Vec<Promise>,
}

impl Book {
    /// How often somebody asked for this to be sent.
    pub fn asked(&self, letter: &Letter) -> usize {
        self.asked.get(letter).copied().unwrap_or(0)
    }

    /// What was promised.
    pub fn promises(&self) -> &[Promise] {
        &self.promises
    }

    /// A host is no member at times: what it has promised may be refused by others while it is not.
    pub fn may_fail(&mut self, host: usize) {
        for promise in self.promises.iter_mut().filter(|p| p.sender == host) {
            promise.lapses = true;
        }
    }

    /// A host has lost its disk, or is gone for good. Of what it promised, and of what it had taken from those to
    /// whom that had happened before, what is out of its hands (as `is_out` says) still counts.
    pub fn lose(&mut self, host: usize, is_out: impl Fn(&Promise) -> bool) {
        self.promises.retain(|promise| {
            let had_it = !promise.kept && promise.is_for(host);
            (promise.sender != host && !had_it) || is_out(promise)
        });
        for promise in self.promises.iter_mut().filter(|p| p.sender == host) {
            promise.kept = false;
        }
    }
}

/// Who asks the nodes, as their owners do.
pub struct Load {
    pub(super) trace: Trace,
    book: Rc<RefCell<Book>>,
}

/// Where a record is to be put, and by whom.
pub struct Recorder {
    /// The node.
    pub faces: Rc<Faces>,
    /// Who signs.
    pub key: SecretKey,
    /// Tells it from others.
    pub salt: Salt,
}

impl Load {
    /// Who writes what happens into `trace`.
    pub fn new(trace: Trace) -> Self {
        let book = Rc::default();
        Self { trace, book }
    }

    /// What was asked for and promised so far.
    pub fn book(&self) -> &RefCell<Book> {
        &self.book
    }

    /// Sends something, by the node that `peer` speaks for, to the owner of `to`.
    pub fn send(&self, number: usize, deed: &Deed, sending: &Sending, peer: &Peer, to: PublicKey) {
        for time in 0..sending.times {
            let letter = Letter {
                from: deed.from,
                to: sending.to,
                key: to,
                amount: sending.amount,
                text: (sending.text > 0).then(|| text(number, time, sending.text)),
            };
            let request = SendRequest {
                to: to.to_address(),
                amount: Amount(sending.amount),
                fee: Amount(sending.fee),
                expires_in_blocks: Some(sending.expires_in_blocks()),
                note: letter.text.clone(),
                broadcast: !sending.straight,
            };
            let (book, trace, peer) = (self.book.clone(), self.trace.clone(), peer.clone());
            *book.borrow_mut().asked.entry(letter.clone()).or_default() += 1;
            let (sender, at_ms, lapses) = (deed.from, deed.at_ms, sending.lapses.is_some());
            tokio::task::spawn_local(async move {
                let answer = peer.send(&request, None).await;
                let said = match &answer {
                    Ok(sent) if sent.broadcast => format!("{} open", sent.id),
                    Ok(sent) => format!("{} queued", sent.id),
                    Err(refused) => refused.to_string(),
                };
                trace.event(&format!("deed {number}.{time} of host {sender}: {said}"));
                if let Ok(sent) = answer {
                    book.borrow_mut().promises.push(Promise {
                        id: sent.id,
                        sender,
                        at_ms,
                        letter: Some(letter),
                        lapses,
                        kept: true,
                    });
                }
            });
        }
    }

    /// Puts a record of so many bytes on the ledger.
    pub fn record(&self, number: usize, deed: &Deed, bytes: usize, by: Recorder) {
        let (book, trace) = (self.book.clone(), self.trace.clone());
        let (sender, at_ms) = (deed.from, deed.at_ms);
        tokio::task::spawn_local(async move {
            let Some((id, judged)) = judged(&by, bytes).await else {
                return;
            };
            trace.event(&format!(
                "deed {number} of host {sender}: record {id} {judged}"
            ));
            if judged == "open" {
                book.borrow_mut().promises.push(Promise {
                    id,
                    sender,
                    at_ms,
                    letter: None,
                    lapses: false,
                    kept: true,
                });
            }
        });
    }
}

/// What the ledger says of a new record; nothing if there is none that would.
async fn judged(by: &Recorder, bytes: usize) -> Option<(TransactionId, String)> {
    let (parts, judge) = (by.faces.parts.get()?, by.faces.judge.get()?);
    let tip = parts.ledger_status.send(GetLedgerStatus).await.ok()?.tip;
    let payload = Payload {
        network: parts.rules.network(),
        sender: by.key.public_key(),
        salt: by.salt,
        expires_at: Height(tip.height().0 + EXPIRY_BLOCKS),
        fee: Amount(1),
        action: Action::Record {
            topic: CappedText::new(TOPIC).ok()?,
            body: RecordBody::new(vec![7; bytes]).ok()?,
        },
    };
    let transaction = EncodedTransaction::new(payload.sign(&by.key));
    let id = transaction.id();
    let own = JudgeOwn(vec![Own::Stored(transaction)]);
    let judgement = judge.send(own).await.ok()?.into_iter().next()?;
    let said = match judgement.verdict {
        Ok(()) => "open".to_owned(),
        Err(rejected) => rejected.to_string(),
    };
    Some((id, said))
}

/// A text that is like no other.
fn text(number: usize, time: usize, bytes: usize) -> String {
    let mut text = format!("deed {number}.{time} ");
    while text.len() < bytes {
        text.push('.');
    }
    text
}
