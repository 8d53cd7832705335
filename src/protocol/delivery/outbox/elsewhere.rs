//! What this owner has sent from another machine that has the same key: found on the network or in
//! blocks, and followed like a send of this one from then on.

use super::{Entry, Outbox};
use crate::chain::{
    Action, Amount, EncodedTransaction, Internal, NetworkId, StateView, TransactionId,
};
use crate::clock::Now;
use crate::protocol::delivery::outbox::Effect;
use crate::protocol::delivery::rows::{self, DeliveryRows, Place, Reason, Route, SendFacts};
use crate::protocol::delivery::walk::{STEPS_AT_A_TIME, Walk};
use std::collections::HashMap;

/// How far it was looked for, and what was found and is not on the disk yet.
pub(super) struct Elsewhere {
    pub(super) walk: Walk,
    /// Found sends whose rows are not written yet, and the batch they are in.
    fresh: HashMap<TransactionId, u64>,
}

impl Elsewhere {
    /// From where it was looked for last.
    ///
    /// # Errors
    /// The disk failed, or a row is damaged.
    pub(super) fn open(network: NetworkId, rows: &dyn DeliveryRows) -> Result<Self, Internal> {
        Ok(Self {
            walk: Walk::open(network, rows)?,
            fresh: HashMap::new(),
        })
    }

    /// The disk holds all batches up to and including this one.
    pub(super) fn committed(&mut self, batch: u64) {
        self.fresh.retain(|_, taken| *taken > batch);
    }
}

impl Outbox {
    /// Looks through some of the blocks that came while this node, or its outbox, was not at work.
    /// Whether there are more.
    ///
    /// # Errors
    /// The disk failed, or a row is corrupt.
    pub fn catch_up(
        &mut self,
        chain: &dyn StateView,
        disk: &dyn DeliveryRows,
        now: Now,
    ) -> Result<(bool, Vec<Effect>), Internal> {
        let mut left = STEPS_AT_A_TIME;
        let own = self.config.own;
        while let Some((at, transactions)) = self.elsewhere.walk.next(chain, &own, &mut left)? {
            for transaction in &transactions {
                self.found(transaction, Place::Mined(at.height), disk, now)?;
            }
            self.walked(at);
        }
        self.settle();
        let more = !self.elsewhere.walk.is_caught_up();
        Ok((more, self.take_effects()))
    }

    /// Takes up a send of this owner's key that is not in this outbox.
    pub(super) fn found(
        &mut self,
        transaction: &EncodedTransaction,
        place: Place,
        disk: &dyn DeliveryRows,
        now: Now,
    ) -> Result<(), Internal> {
        let (id, payload) = (transaction.id(), transaction.payload());
        let (to, amount) = match &payload.action {
            Action::Transfer { to, amount, .. } => (*to, *amount),
            Action::Record { .. } => (payload.sender, Amount::ZERO),
            Action::Reward { .. } => return Ok(()),
        };
        // What leaves this node is on its disk before that.
        let own = payload.sender == self.config.own;
        let known = self.entries.number_of(&id).is_some() || self.elsewhere.fresh.contains_key(&id);
        if !own || known || rows::find(disk, &id)?.is_some() {
            return Ok(());
        }
        self.funding.forget();
        let facts = SendFacts {
            id,
            to,
            amount,
            fee: payload.fee,
            size: transaction.size(),
            expires_at: payload.expires_at,
            queued_at: now.wall,
            queued_awake: self.awake.at(now.steady),
            route: Route::Network,
            attempted: true,
            delivered_at: None,
            end: None,
            released: false,
            reason: Reason::default(),
        };
        self.elsewhere.fresh.insert(id, self.decided.batch());
        let number = self.begin(transaction, Entry::new(facts, place));
        self.tell(number);
        Ok(())
    }
}
