//! The ledger's state: how a block changes it, and how the change is taken back.

use super::application::{
    Application, ApplicationError, ApplicationState, Moment, Record, Verdict,
};
use super::rows::{Draft, MinedAt, RowKey, SlotId, StateView};
use super::rules::Rules;
use super::transaction::Topic;
use super::{
    Action, Amount, Block, EncodedTransaction, Height, Internal, Refusal, Rejected, Rejection,
    Timestamp,
};
use crate::keys::PublicKey;

/// Rows that most transactions change: two balances and where it was mined. Room is made for them.
const ROWS_PER_TRANSACTION: usize = 3;

impl Rules {
    /// Applies one transaction to `draft`, as the one at `index` in the block of `moment`. On a refusal
    /// the draft is as it was. The form has been checked before ([`Rules::check_form`]).
    pub fn apply_transaction(
        &self,
        draft: &mut Draft<'_>,
        transaction: &EncodedTransaction,
        moment: &Moment,
        index: u32,
    ) -> Result<(), Rejection> {
        let payload = transaction.payload();
        let place = MinedAt {
            height: moment.height,
            index,
        };
        // The height of its block is part of a reward's id: there is no second one on a chain.
        if !transaction.is_reward()
            && let Some(place) = draft.mined(&transaction.id())?
        {
            return Err(Rejected::AlreadyMined(place.height).into());
        }
        match &payload.action {
            Action::Reward { to, amount, .. } => credit(draft, *to, *amount)?,
            Action::Transfer { to, amount, .. } => {
                let (sender, left) = left_after(draft, transaction)?;
                // Both ends are checked before either changes.
                let (to, balance) = draft.account(*to)?;
                let due = balance.plus(*amount).ok_or(Rejected::Meaningless)?;
                draft.set_coins(sender, left);
                draft.set_coins(to, due);
            }
            Action::Record { .. } => {
                let (_, left) = left_after(draft, transaction)?;
                let verdict = self.apply_record(draft, transaction, moment, index)?;
                let gift = match verdict.gift {
                    true => self.params().gift,
                    false => Amount::ZERO,
                };
                let left = left.plus(gift).ok_or(Rejected::Meaningless)?;
                draft.set_balance(payload.sender, left);
            }
        }
        draft.put_bytes(RowKey::Mined(transaction.id()), place.to_bytes());
        if let Action::Record { topic, .. } = &payload.action {
            draft.put_bytes(record_row(topic, place), Vec::new());
        }
        Ok(())
    }

    /// Asks the application of a record's topic whether it could be mined in the block of `moment`, upon
    /// the state that `view` shows; whatever else a transaction is, and whatever else it lacks, is passed
    /// over. Whether it needs no fee.
    ///
    /// # Errors
    /// [`Rejected::Application`] with the application's reason, [`Rejected::FeeTooLow`].
    pub fn judge_record(
        &self,
        view: &dyn StateView,
        transaction: &EncodedTransaction,
        moment: &Moment,
    ) -> Result<bool, Rejection> {
        if self.application_of(transaction).is_none() {
            return Ok(false);
        }
        let verdict = self.apply_record(&mut Draft::new(view), transaction, moment, 0)?;
        Ok(verdict.free)
    }

    /// The application that judges a transaction, if one does.
    pub(super) fn application_of(
        &self,
        transaction: &EncodedTransaction,
    ) -> Option<&dyn Application> {
        let Action::Record { topic, .. } = &transaction.payload().action else {
            return None;
        };
        let found = self.applications.iter().find(|a| a.topic() == topic);
        found.map(|application| &**application)
    }

    fn apply_record(
        &self,
        draft: &mut Draft<'_>,
        transaction: &EncodedTransaction,
        moment: &Moment,
        index: u32,
    ) -> Result<Verdict, Rejection> {
        let payload = transaction.payload();
        let Action::Record { topic, body } = &payload.action else {
            return Ok(Verdict::default());
        };
        let Some(application) = self.application_of(transaction) else {
            return Ok(Verdict::default());
        };
        let record = Record {
            genesis: &self.genesis.content,
            network: self.network,
            sender: payload.sender,
            id: transaction.id(),
            moment,
            index,
            body,
        };
        let mut attempt = Draft::new(draft);
        let mut state = ApplicationState::new(topic.clone(), &mut attempt);
        let verdict = application.judge(&mut state, &record).map_err(|error| {
            let (reason, not_yet) = match error {
                ApplicationError::Refused(reason) => (reason, false),
                ApplicationError::NotYet(reason) => (reason, true),
                ApplicationError::Internal(error) => return Rejection::from(error),
            };
            let topic = topic.to_string();
            Rejection::from(Rejected::Application {
                topic,
                reason,
                not_yet,
            })
        })?;
        if !verdict.free {
            self.check_fee(transaction)?;
        }
        let changes = attempt.into_changes();
        draft.absorb(changes);
        Ok(verdict)
    }

    /// Applies all of a block's transactions to `draft` and keeps what undoing it needs. The body
    /// has been checked before ([`Rules::check_body`]). `parent_time` is the parent's timestamp.
    pub fn apply_block(
        &self,
        draft: &mut Draft<'_>,
        block: &Block,
        parent_time: Timestamp,
    ) -> Result<(), Refusal> {
        let id = block.id();
        let moment = Moment {
            height: block.header.height,
            parent: block.header.previous,
            parent_time,
            time: block.header.timestamp,
        };
        draft.reserve(ROWS_PER_TRANSACTION * block.transactions.len());
        for (transaction, index) in block.transactions.iter().zip(0..) {
            self.apply_transaction(draft, transaction, &moment, index)
                .map_err(|error| match error {
                    Rejection::Rejected(reason) => {
                        Refusal::Fault(Self::invalid(id, transaction, &reason))
                    }
                    Rejection::Internal(error) => Refusal::Internal(error),
                })?;
        }
        let undo = draft.undo()?;
        draft.put(RowKey::Undo(id), &undo);
        Ok(())
    }
}

/// Takes back what [`Rules::apply_block`] did: afterwards every row is what it was before.
pub fn undo_block(draft: &mut Draft<'_>, block: &Block) -> Result<(), Internal> {
    let id = block.id();
    let undo = draft
        .undo_of(&id)?
        .ok_or_else(|| Internal(format!("the undo data of block {id} is missing")))?;
    for (state, before) in undo.0 {
        match before {
            Some(value) => draft.put_bytes(RowKey::State(state), value.into_vec()),
            None => draft.remove(RowKey::State(state)),
        }
    }
    let height = block.header.height;
    for (transaction, index) in block.transactions.iter().zip(0..) {
        draft.remove(RowKey::Mined(transaction.id()));
        if let Action::Record { topic, .. } = &transaction.payload().action {
            draft.remove(record_row(topic, MinedAt { height, index }));
        }
    }
    draft.remove(RowKey::Undo(id));
    Ok(())
}

/// The state of the first block: the coins that the parameters give away.
pub fn apply_genesis(rules: &Rules, draft: &mut Draft<'_>) {
    for allocation in &rules.params().allocations {
        draft.set_balance(allocation.to, allocation.amount);
    }
    draft.put(RowKey::Genesis, rules.genesis());
    let id = rules.network();
    draft.put(RowKey::Header(id), &rules.genesis_entry());
    for key in [
        RowKey::Tip,
        RowKey::BestHeader,
        RowKey::Active(Height::GENESIS),
        RowKey::Best(Height::GENESIS),
    ] {
        draft.put(key, &id);
    }
    let mut peaks = super::history::Peaks::default();
    let leaf = super::history::leaf(&id, rules.genesis_entry().work);
    for (node, position) in peaks.append(leaf).into_iter().zip(0..) {
        draft.put_bytes(RowKey::History(position), node.to_vec());
    }
}

/// By which the records of a topic are found without looking at every block.
fn record_row(topic: &Topic, place: MinedAt) -> RowKey {
    RowKey::Record(topic.clone(), place.height, place.index)
}

fn credit(draft: &mut Draft<'_>, to: PublicKey, amount: Amount) -> Result<(), Rejection> {
    let (to, balance) = draft.account(to)?;
    draft.set_coins(to, balance.plus(amount).ok_or(Rejected::Meaningless)?);
    Ok(())
}

/// The sender's account, and what it has left once it has paid amount and fee.
fn left_after(
    draft: &mut Draft<'_>,
    transaction: &EncodedTransaction,
) -> Result<(SlotId, Amount), Rejection> {
    let payload = transaction.payload();
    let (sender, available) = draft.account(payload.sender)?;
    let needed = payload.cost().ok_or(Rejected::Meaningless)?;
    let left = available
        .minus(needed)
        .ok_or(Rejected::InsufficientFunds { available, needed })?;
    Ok((sender, left))
}

#[cfg(test)]
mod tests;
