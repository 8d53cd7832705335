//! What this owner has sent from another machine that has the same key: found on the network or in
//! blocks, and followed like a send of this one from then on.

use super::{Entry, Outbox};
use crate::chain::{Action, EncodedTransaction, Internal, StateView};
use crate::clock::Now;
use crate::protocol::delivery::outbox::Effect;
use crate::protocol::delivery::rows::{self, DeliveryRows, Place, Reason, SendFacts};
use crate::protocol::delivery::walk::STEPS_AT_A_TIME;

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
        for _ in 0..STEPS_AT_A_TIME {
            if self.walk.is_caught_up() {
                break;
            }
            let Some((at, transactions)) = self.walk.step(chain)? else {
                continue;
            };
            for transaction in &transactions {
                self.found(transaction, Place::Mined(at.height), disk, now)?;
            }
            self.walked(at);
        }
        self.settle();
        Ok((!self.walk.is_caught_up(), self.take_effects()))
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
        let Action::Transfer { to, amount, .. } = payload.action else {
            return Ok(());
        };
        // What leaves this node is on its disk before that.
        let own = payload.sender == self.config.own;
        let known = self.by_id.contains_key(&id) || self.taken_up.contains_key(&id);
        if !own || known || rows::find(disk, &id)?.is_some() {
            return Ok(());
        }
        let facts = SendFacts {
            id,
            to,
            amount,
            fee: payload.fee,
            size: transaction.size(),
            expires_at: payload.expires_at,
            queued_at: now.wall,
            broadcast: true,
            attempted: true,
            delivered_at: None,
            end: None,
            reason: Reason::default(),
        };
        self.taken_up.insert(id, self.decided.batch());
        let number = self.begin(transaction, Entry::new(facts, place));
        if let Place::Mined(height) = place {
            self.settling.insert((height, number));
        }
        self.tell(number);
        Ok(())
    }
}
