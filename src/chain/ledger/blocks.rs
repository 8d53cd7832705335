//! How headers and blocks come in, and the way to the branch with most work.

use super::pending::Check;
use super::{Answer, BlockOutcome, Effect, Ledger, Origin, Ticket};
use crate::chain::rows::{Draft, StateView};
use crate::chain::tree::{Chain, HeadersOutcome, Source};
use crate::chain::{Block, BlockId, BlockStatus, Header, Internal, PeerFault, Refusal, Timestamp};

impl Ledger {
    /// Headers that follow each other came in.
    pub fn headers(
        &mut self,
        ticket: Ticket,
        source: Source,
        headers: &[Header],
        disk: &dyn StateView,
        now: Timestamp,
    ) -> Result<Vec<Effect>, Internal> {
        let outcome = if self.overlay.is_full() {
            Ok(HeadersOutcome::Busy)
        } else {
            self.accept_headers(disk, |chain, draft| {
                chain.accept_headers(draft, source, headers, now)
            })?
        };
        self.answer(Origin::Relay(ticket), Answer::Headers(outcome));
        Ok(self.take_effects())
    }

    pub(super) fn accept_headers(
        &mut self,
        disk: &dyn StateView,
        accept: impl FnOnce(&mut Chain, &mut Draft<'_>) -> Result<HeadersOutcome, Refusal>,
    ) -> Result<Result<HeadersOutcome, PeerFault>, Internal> {
        let best_before = self.judge.chain.best_header().id;
        let outcome = self.in_one_batch(disk, |judge, draft, _| {
            match accept(&mut judge.chain, draft) {
                Ok(outcome) => Ok(Ok(outcome)),
                Err(Refusal::Fault(fault)) => Ok(Err(fault)),
                Err(Refusal::Internal(error)) => Err(error),
            }
        })?;
        let best = *self.judge.chain.best_header();
        if best.id != best_before && best.work() > self.tip().work() {
            self.effects
                .push(Effect::BetterHeaderSeen(Box::new(best.entry.header)));
        }
        Ok(outcome)
    }

    /// A block came in.
    pub fn block(
        &mut self,
        origin: Origin,
        block: Block,
        disk: &dyn StateView,
        now: Timestamp,
    ) -> Result<Vec<Effect>, Internal> {
        let id = block.id();
        match self.judge_block(origin, &block, disk, now)? {
            Some(outcome) => self.answer(origin, Answer::Block(id, outcome)),
            None => self.check_block_signatures(origin, (id, block), disk)?,
        }
        Ok(self.take_effects())
    }

    /// Everything that can be said of a block before its signatures; `None` if it goes on.
    fn judge_block(
        &mut self,
        origin: Origin,
        block: &Block,
        disk: &dyn StateView,
        now: Timestamp,
    ) -> Result<Option<BlockOutcome>, Internal> {
        let id = block.id();
        if self.overlay.is_full() || self.checks.is_full() {
            return Ok(Some(BlockOutcome::Busy));
        }
        if matches!(origin, Origin::Promise(_)) && block.header.previous != self.tip().id {
            return Ok(Some(BlockOutcome::LostRace));
        }
        if self.checks.holds_block(&id) {
            return Ok(Some(BlockOutcome::Known));
        }
        let header = &block.header;
        match self.accept_headers(disk, |chain, draft| chain.accept_header(draft, header, now))? {
            Err(fault) => return Ok(Some(BlockOutcome::Fault(fault))),
            Ok(HeadersOutcome::Orphan) => return Ok(Some(BlockOutcome::Orphan)),
            Ok(HeadersOutcome::Busy) => return Ok(Some(BlockOutcome::Busy)),
            Ok(HeadersOutcome::Known { held: true, .. }) => return Ok(Some(BlockOutcome::Held)),
            Ok(HeadersOutcome::Known { .. } | HeadersOutcome::Weighty { .. }) => {}
        }
        let entry = self.judge.chain.entry(&self.overlay.over(disk), &id)?;
        if entry.is_some_and(|entry| entry.status != BlockStatus::HeaderOnly) {
            return Ok(Some(BlockOutcome::Known));
        }
        match self.judge.chain.rules().check_body(block) {
            Ok(()) => Ok(None),
            Err(fault) => {
                // Only a body that is the one its header names says something about the block.
                if matches!(fault, PeerFault::InvalidBlock { .. }) {
                    self.mark_invalid(id, disk)?;
                }
                Ok(Some(BlockOutcome::Fault(fault)))
            }
        }
    }

    pub(super) fn mark_invalid(
        &mut self,
        id: BlockId,
        disk: &dyn StateView,
    ) -> Result<(), Internal> {
        self.in_one_batch(disk, |judge, draft, _| judge.chain.mark_invalid(draft, &id))
    }

    fn check_block_signatures(
        &mut self,
        origin: Origin,
        (id, block): (BlockId, Block),
        disk: &dyn StateView,
    ) -> Result<(), Internal> {
        // A reward is not signed.
        let signed = block.transactions.iter().enumerate().skip(1);
        let (unseen, transactions): (Vec<_>, Vec<_>) = signed
            .filter(|(_, transaction)| !self.judge.good.contains(transaction))
            .map(|(at, transaction)| (at, transaction.clone()))
            .unzip();
        if unseen.is_empty() {
            return self.accept_together(vec![(origin, id, block)], disk);
        }
        let check = self.checks.begin(Check::Block {
            origin,
            id,
            block,
            unseen,
        });
        self.effects.push(Effect::Verify {
            check,
            transactions,
        });
        Ok(())
    }

    /// Keeps blocks whose bodies and signatures are good and goes where they lead: those of others in one step, one
    /// of this node's own, whose miner hears whether it came to be the tip, by itself.
    pub(super) fn accept_blocks(
        &mut self,
        blocks: Vec<(Origin, BlockId, Block)>,
        disk: &dyn StateView,
    ) -> Result<(), Internal> {
        let mut together = Vec::with_capacity(blocks.len());
        for block in blocks {
            if matches!(block.0, Origin::Promise(_)) {
                self.accept_together(std::mem::take(&mut together), disk)?;
                self.accept_together(vec![block], disk)?;
            } else {
                together.push(block);
            }
        }
        self.accept_together(together, disk)
    }

    fn accept_together(
        &mut self,
        blocks: Vec<(Origin, BlockId, Block)>,
        disk: &dyn StateView,
    ) -> Result<(), Internal> {
        if blocks.is_empty() {
            return Ok(());
        }
        let asked = blocks
            .iter()
            .map(|(origin, id, block)| (*origin, *id, block.header.previous));
        let asked: Vec<_> = asked.collect();
        let invalid = self.in_one_batch(disk, |judge, draft, effects| {
            for (_, _, block) in blocks {
                judge.chain.store_block(draft, block)?;
            }
            judge.step(draft, effects)
        })?;
        for (origin, id, parent) in asked {
            let entry = self.judge.chain.entry(&self.overlay.over(disk), &id)?;
            let outcome = if entry.is_some_and(|entry| entry.status == BlockStatus::Invalid) {
                let own = invalid.iter().find(|(bad, _)| *bad == id);
                let fault = own.map(|(_, fault)| fault.clone());
                BlockOutcome::Fault(fault.unwrap_or(PeerFault::InvalidParent(parent)))
            } else if matches!(origin, Origin::Promise(_)) && self.tip().id != id {
                // Another block came to the tip while the signatures were being checked.
                BlockOutcome::LostRace
            } else {
                BlockOutcome::Accepted
            };
            self.answer(origin, Answer::Block(id, outcome));
        }
        Ok(())
    }

    /// Goes on with what one step did not finish.
    pub fn advance(&mut self, disk: &dyn StateView) -> Result<Vec<Effect>, Internal> {
        self.in_one_batch(disk, |judge, draft, effects| judge.step(draft, effects))?;
        Ok(self.take_effects())
    }
}
