//! The ledger: the one judge of what is valid, with what it decided but the disk does not hold yet.
//!
//! A machine: it is handed what came in, the time, and a view of the disk, and says what should be
//! done. It neither waits nor reads a clock. Signatures are checked by others ([`Effect::Verify`]),
//! and so is the writing ([`Effect::Commit`]); both report back.

mod blocks;
mod concern;
mod effect;
mod judge;
mod open;
mod pending;
mod remembered;
#[cfg(test)]
mod tests;

pub use concern::{Concern, Fate};
pub use effect::{Answer, BlockOutcome, Effect, Funds, Origin, Ticket, TipChange};
pub use open::MAX_LEFT;

use super::awake::Awake;
use super::free_use::FreeUse;
use super::overlay::{Batch, Overlay};
use super::rows::{Draft, OpenEntry, Row, StateView};
use super::rules::Rules;
use super::template::{Template, fill};
use super::tree::{Chain, Tip};
use super::{
    Action, Amount, BlockId, Closed, EncodedTransaction, Height, Internal, Rejected, SignedHere,
    Timestamp,
};
use super::{Mempool, MempoolLimits};
use crate::keys::{PublicKey, SignatureError};
use crate::steady::SteadyTime;
use judge::Judge;
use pending::{Check, Checks};
use remembered::Remembered;
use std::collections::{BTreeSet, VecDeque};

/// What a ledger is opened with.
#[derive(Clone)]
pub struct Config {
    /// The network's rules.
    pub rules: Rules,
    /// How much may be open.
    pub limits: MempoolLimits,
    /// The node's owner, who may send without a fee, and whose transactions are named when they become
    /// open ([`Effect::TransactionOpened`]) and when the connected chain changes ([`TipChange::own`]).
    pub owner: Option<PublicKey>,
}

/// The ledger of one network: a judge, and what was judged and waits for the disk or for signatures.
pub struct Ledger {
    judge: Judge,
    overlay: Overlay,
    checks: Checks,
    /// Answers that promise something, by the batch they wait for.
    promises: VecDeque<(u64, Effect)>,
    effects: Vec<Effect>,
}

impl Ledger {
    /// Opens the ledger that `disk` shows, or begins it with genesis. `open` are the open
    /// transactions of last time, judged anew in the order in which they came; their signatures were
    /// checked then.
    pub fn open(
        config: Config,
        mut open: Vec<OpenEntry>,
        disk: &dyn StateView,
        now: SteadyTime,
    ) -> Result<(Self, Vec<Effect>), Internal> {
        let Config {
            rules,
            limits,
            owner,
        } = config;
        open.sort_by_key(|entry| entry.since);
        let awake = Awake::go_on(disk.awake()?, now);
        for entry in &mut open {
            // The stored reading may be a minute behind; nothing is younger than now.
            entry.since = entry.since.min(awake.at(now));
        }
        let mut draft = Draft::new(disk);
        let chain = Chain::open(rules, &mut draft)?;
        let begun = draft.into_rows();
        let mut mempool = Mempool::new(limits).judging(chain.rules().topics());
        mempool.set_members(owner);
        *mempool.free_use_mut() = FreeUse::open(chain.rules(), disk, chain.tip().height())?;
        let mut ledger = Self {
            judge: Judge {
                chain,
                mempool,
                good: Remembered::default(),
                owner,
                awake,
                ticked: now,
                more: false,
            },
            overlay: Overlay::default(),
            checks: Checks::default(),
            promises: VecDeque::new(),
            effects: Vec::new(),
        };
        if !begun.is_empty() {
            let first = ledger.commit(begun);
            ledger.effects.push(first);
        }
        ledger.in_one_batch(disk, |judge, draft, effects| {
            judge.reopen(draft, open, effects)
        })?;
        let mut effects = ledger.take_effects();
        effects.extend(ledger.advance(disk)?);
        Ok((ledger, effects))
    }

    /// Where the connected chain ends.
    pub fn tip(&self) -> &Tip {
        self.judge.chain.tip()
    }

    /// The tree of blocks.
    pub fn chain(&self) -> &Chain {
        &self.judge.chain
    }

    /// The open transactions.
    pub fn mempool(&self) -> &Mempool {
        &self.judge.mempool
    }

    /// Whether all that was decided is on the disk.
    pub fn is_settled(&self) -> bool {
        self.overlay.is_empty()
    }

    /// Whether so much waits for the disk that nothing more should be taken in.
    pub fn is_full(&self) -> bool {
        self.overlay.is_full()
    }

    /// What a key owns, and what its open transactions will cost.
    pub fn funds(&self, owner: &PublicKey, disk: &dyn StateView) -> Result<Funds, Internal> {
        let balance = self.overlay.over(disk).balance(owner)?;
        // Open transactions never cost more than the balance, which is an amount.
        let promised = u64::try_from(self.judge.mempool.promised(owner)).unwrap_or(u64::MAX);
        Ok(Funds {
            balance,
            promised: Amount(promised),
        })
    }

    /// Tells who may send without a fee, beside the owner, instead of whoever might before.
    pub fn set_members(&mut self, members: impl IntoIterator<Item = PublicKey>) {
        let owner = self.judge.owner;
        let members = members.into_iter().chain(owner);
        self.judge.mempool.set_members(members);
    }

    /// Tells who was put out: what these have open without a fee goes, and comes back
    /// only if it is offered again once they are let back.
    ///
    /// # Errors
    /// What is stored is damaged.
    pub fn put_out(
        &mut self,
        out: BTreeSet<PublicKey>,
        disk: &dyn StateView,
    ) -> Result<Vec<Effect>, Internal> {
        let gone = self.judge.mempool.put_out(out);
        self.in_one_batch(disk, |_, draft, effects| {
            open::close_all(draft, effects, gone, Closed::PutOut);
            Ok(())
        })?;
        Ok(self.take_effects())
    }

    /// This process has signed a transaction: there is nothing to check about its signature.
    pub fn signed_here(&mut self, signed: &SignedHere) {
        let transaction = signed.transaction();
        // Within a record there may be signatures of others.
        if matches!(transaction.payload().action, Action::Transfer { .. }) {
            self.judge.good.insert(transaction);
        }
    }

    /// The bodies that are missing on the way to `toward`, in their order, with their heights, at most `limit`.
    pub fn missing_bodies(
        &mut self,
        toward: &BlockId,
        limit: usize,
        disk: &dyn StateView,
    ) -> Result<Vec<(BlockId, Height)>, Internal> {
        let view = self.overlay.over(disk);
        // Left out before the limit is applied, not after: whoever asks takes a short list for all that
        // there is, and asks for nothing more until time has passed.
        let is_checked = |id: &BlockId| self.checks.holds_block(id);
        self.judge
            .chain
            .missing_bodies(&view, toward, limit, is_checked)
    }

    /// A block to mine upon the tip, paid to `reward_to`.
    pub fn template(
        &self,
        reward_to: PublicKey,
        disk: &dyn StateView,
        now: Timestamp,
    ) -> Result<Template, Internal> {
        let view = self.overlay.over(disk);
        fill(
            &self.judge.chain,
            &self.judge.mempool,
            &view,
            reward_to,
            now,
        )
    }

    /// Signatures were checked: by the number of each check, the verdicts in the order in which they were asked
    /// for, one for each. Blocks that are heard of together are connected together.
    pub fn signatures_checked(
        &mut self,
        checked: &[(u64, Vec<Verdict>)],
        disk: &dyn StateView,
    ) -> Result<Vec<Effect>, Internal> {
        let mut blocks = Vec::new();
        for (check, verdicts) in checked {
            match self.checks.end(*check) {
                None => {}
                Some(Check::Block {
                    origin,
                    id,
                    block,
                    unseen,
                }) => {
                    all_judged(&unseen, verdicts)?;
                    let bad = unseen
                        .iter()
                        .zip(verdicts)
                        .find_map(|(&at, verdict)| Some((at, verdict.err()?)));
                    if let Some((at, error)) = bad {
                        self.accept_blocks(std::mem::take(&mut blocks), disk)?;
                        let reason = Rejected::BadSignature(error.to_string());
                        let fault = Rules::invalid(id, &block.transactions[at], &reason);
                        self.mark_invalid(id, disk)?;
                        self.answer(origin, Answer::Block(id, BlockOutcome::Fault(fault)));
                    } else {
                        self.judge.good.reserve(unseen.len());
                        for &at in &unseen {
                            self.judge.good.insert(&block.transactions[at]);
                        }
                        blocks.push((origin, id, block));
                    }
                }
                Some(Check::Transactions {
                    origin,
                    mut judged,
                    unseen,
                }) => {
                    self.accept_blocks(std::mem::take(&mut blocks), disk)?;
                    all_judged(&unseen, verdicts)?;
                    self.judge.good.reserve(unseen.len());
                    // By place, never by what is remembered by now: another check may have come to
                    // know some of them since.
                    for (&at, checked) in unseen.iter().zip(verdicts) {
                        let (transaction, verdict) = &mut judged[at];
                        match checked {
                            Ok(()) => self.judge.good.insert(transaction),
                            Err(e) => *verdict = Err(Rejected::BadSignature(e.to_string())),
                        }
                    }
                    self.accept_transactions(origin, judged, disk)?;
                }
            }
        }
        self.accept_blocks(blocks, disk)?;
        Ok(self.take_effects())
    }

    /// The disk holds all batches up to and including `batch`: what was promised on it may be said.
    pub fn committed(&mut self, batch: u64) -> Vec<Effect> {
        self.overlay.committed(batch);
        let mut kept = Vec::new();
        while self
            .promises
            .front()
            .is_some_and(|(waits_for, _)| *waits_for <= batch)
        {
            kept.extend(self.promises.pop_front().map(|(_, effect)| effect));
        }
        for effect in &mut kept {
            if let Effect::OpenStored { id, held, .. } = effect
                && !self.judge.mempool.contains(id)
            {
                *held = None;
            }
        }
        kept.extend(self.take_more());
        kept
    }

    /// Runs `work` on a draft of what the disk will hold; what it changed becomes one batch, ahead
    /// of the effects that tell of it.
    fn in_one_batch<T>(
        &mut self,
        disk: &dyn StateView,
        work: impl FnOnce(&mut Judge, &mut Draft<'_>, &mut Vec<Effect>) -> Result<T, Internal>,
    ) -> Result<T, Internal> {
        let earlier = self.effects.len();
        let view = self.overlay.over(disk);
        let mut draft = Draft::new(&view);
        let value = work(&mut self.judge, &mut draft, &mut self.effects)?;
        let rows = draft.into_rows();
        drop(view);
        if !rows.is_empty() {
            let commit = self.commit(rows);
            self.effects.insert(earlier, commit);
        }
        let last = self.overlay.last();
        let stored = self.effects[earlier..]
            .iter()
            .filter_map(Effect::once_stored);
        self.promises.extend(stored.map(|stored| (last, stored)));
        Ok(value)
    }

    fn commit(&mut self, rows: Vec<Row>) -> Effect {
        let rows = Batch::new(rows);
        let batch = self.overlay.push(rows.clone());
        Effect::Commit { batch, rows }
    }

    fn answer(&mut self, origin: Origin, answer: Answer) {
        let effect = Effect::Answer {
            ticket: origin.ticket(),
            answer,
        };
        match origin {
            Origin::Promise(_) if !self.overlay.is_empty() => {
                self.promises.push_back((self.overlay.last(), effect));
            }
            _ => self.effects.push(effect),
        }
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        let mut effects = std::mem::take(&mut self.effects);
        effects.extend(self.take_more());
        effects
    }

    /// Asks to go on where there is more to do, but not faster than the disk: a long reorganisation
    /// waits as well while the overlay is full.
    fn take_more(&mut self) -> Option<Effect> {
        (!self.overlay.is_full() && std::mem::take(&mut self.judge.more)).then_some(Effect::More)
    }
}

/// A transaction and what has been said of it so far.
type Judged = (EncodedTransaction, Result<(), Rejected>);
/// What the check of one signature came to.
pub type Verdict = Result<(), SignatureError>;

/// A verdict that is missing must not pass for a good one.
fn all_judged<T>(asked: &[T], verdicts: &[Verdict]) -> Result<(), Internal> {
    if asked.len() == verdicts.len() {
        Ok(())
    } else {
        Err(Internal(format!(
            "{} signatures were to be checked, {} verdicts came back",
            asked.len(),
            verdicts.len()
        )))
    }
}
