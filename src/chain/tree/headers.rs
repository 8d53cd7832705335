//! Headers come before bodies: what is known of them, which are best, and which bodies are missing.

use super::presync::{self, Judged, Place, Presync, Source, Weighing};
use super::{Chain, HeadersOutcome, Tip};
use crate::chain::difficulty::EASING_START_INTERVALS;
use crate::chain::history;
use crate::chain::rows::{BlockStatus, Draft, RowKey, StateView};
use crate::chain::{BlockId, Header, Height, Internal, PeerFault, Refusal, Timestamp, Work};
use std::collections::VecDeque;

/// How many blocks' work a branch may lack behind the tip and still be kept at once; one that lacks
/// more is weighed first. Enough for every race among honest miners, and too few for easing to have
/// begun since its fork while the tip is fresh: a block beside the last ones costs a whole block's
/// work.
const MARGIN_BLOCKS: u64 = 12;
const _: () = assert!(MARGIN_BLOCKS < EASING_START_INTERVALS);

impl Chain {
    /// Takes in the header of a block that was asked for, or mined here.
    pub fn accept_header(
        &mut self,
        draft: &mut Draft<'_>,
        header: &Header,
        now: Timestamp,
    ) -> Result<HeadersOutcome, Refusal> {
        let (known, unknown) = self.split_known(draft, std::slice::from_ref(header))?;
        let Some(first) = unknown.first() else {
            return Ok(known_until(&known, false));
        };
        let Some(place) = self.place_of_parent(draft, first)? else {
            return Ok(HeadersOutcome::Orphan);
        };
        let judged = place.clone().judge(unknown, &self.rules, now);
        self.keep(draft, place, judged)
    }

    /// Takes in headers that follow each other; those of a branch that is much lighter than the
    /// connected chain are weighed and not kept. A fault leaves the valid ones before it known, if
    /// they are heavy enough.
    pub fn accept_headers(
        &mut self,
        draft: &mut Draft<'_>,
        source: Source,
        headers: &[Header],
        now: Timestamp,
    ) -> Result<HeadersOutcome, Refusal> {
        let (known, unknown) = self.split_known(draft, headers)?;
        let Some(first) = unknown.first() else {
            return Ok(known_until(&known, false));
        };
        let presync = match self.presyncs.take(source) {
            Some(Presync::Weighing(weighing)) if weighing.continued_by(unknown).is_some() => {
                return self.weigh(source, weighing, unknown, now);
            }
            other => other,
        };
        let Some(place) = self.place_of_parent(draft, first)? else {
            if let Some(presync) = presync {
                self.presyncs.put(source, presync);
            }
            return Ok(HeadersOutcome::Orphan);
        };
        if let Some(Presync::Fetching(checkpoints)) = &presync
            && let Some((confirmed, left)) = presync::confirmed(checkpoints, unknown)
        {
            if !left.is_empty() {
                self.presyncs.put(source, Presync::Fetching(left));
            }
            let judged = place.clone().judge(confirmed, &self.rules, now);
            return self.keep(draft, place, judged);
        }
        let judged = place.clone().judge(unknown, &self.rules, now);
        if judged.end.tip.work() >= self.least_work() {
            return self.keep(draft, place, judged);
        }
        let weighing = Box::new(Weighing::new(place.tip.id, &judged));
        self.presyncs.put(source, Presync::Weighing(weighing));
        outcome_of(&judged)
    }

    /// Reads on in a branch that is too light so far.
    fn weigh(
        &mut self,
        source: Source,
        mut weighing: Box<Weighing>,
        headers: &[Header],
        now: Timestamp,
    ) -> Result<HeadersOutcome, Refusal> {
        let more = weighing.continued_by(headers).unwrap_or_default();
        let judged = weighing.end.clone().judge(more, &self.rules, now);
        weighing.extend(&judged);
        let outcome = outcome_of(&judged)?;
        if judged.end.tip.work() >= self.least_work() {
            let from = weighing.fork;
            self.presyncs.put(source, weighing.into_fetching());
            return Ok(HeadersOutcome::Weighty { from });
        }
        self.presyncs.put(source, Presync::Weighing(weighing));
        Ok(outcome)
    }

    /// The work that a branch must have for its headers to be kept.
    fn least_work(&self) -> Work {
        let block = self.tip.entry.base.work();
        let margin = (0..MARGIN_BLOCKS).fold(Work::ZERO, |sum, _| sum.saturating_add(block));
        self.tip.work().saturating_sub(margin)
    }

    /// The last known header at the front of the list, the tip if there is none, and those behind
    /// it.
    fn split_known<'a>(
        &self,
        view: &dyn StateView,
        headers: &'a [Header],
    ) -> Result<(Tip, &'a [Header]), Refusal> {
        let ids: Vec<_> = headers.iter().map(Header::id).collect();
        let mut links = ids.iter().zip(headers.iter().skip(1));
        if links.any(|(id, next)| next.previous != *id) {
            return Err(PeerFault::Disconnected.into());
        }
        let mut known = self.tip;
        for (at, id) in ids.into_iter().enumerate() {
            match self.index.entry(view, &id)? {
                Some(entry) if entry.status == BlockStatus::Invalid => {
                    return Err(PeerFault::InvalidParent(id).into());
                }
                Some(entry) => known = Tip { id, entry },
                None => return Ok((known, &headers[at..])),
            }
        }
        Ok((known, &[]))
    }

    /// The place of a header's parent; `None` if that is not known.
    fn place_of_parent(
        &self,
        view: &dyn StateView,
        header: &Header,
    ) -> Result<Option<Place>, Refusal> {
        let id = header.previous;
        let Some(entry) = self.index.entry(view, &id)? else {
            return Ok(None);
        };
        // The cheapest check first: without work of its own, nothing of it is worth reading for.
        if !header.has_work() {
            return Err(PeerFault::NoWork(header.id()).into());
        }
        if entry.status == BlockStatus::Invalid {
            return Err(PeerFault::InvalidParent(id).into());
        }
        Ok(Some(Place {
            tip: Tip { id, entry },
            before: self.index.parent_timestamp(view, &entry)?,
            history: self.index.peaks(view, &id)?,
        }))
    }

    /// Keeps what was found valid behind a place.
    fn keep(
        &mut self,
        draft: &mut Draft<'_>,
        place: Place,
        judged: Judged,
    ) -> Result<HeadersOutcome, Refusal> {
        let mut history = place.history;
        for tip in &judged.valid {
            history.append(history::leaf(&tip.id, tip.work()));
            self.index
                .insert(draft, tip.id, tip.entry, history.clone())?;
            if tip.work() > self.best.work() {
                self.set_best(draft, *tip)?;
            }
            self.index.trim(self.best.height());
        }
        outcome_of(&judged)
    }

    /// Makes `best` the end of the chain of best headers and mends the rows by height.
    pub(super) fn set_best(&mut self, draft: &mut Draft<'_>, best: Tip) -> Result<(), Internal> {
        for above in best.height().0 + 1..=self.best.height().0 {
            draft.remove(RowKey::Best(Height(above)));
        }
        let mut at = best;
        while draft.best(at.height())? != Some(at.id) {
            draft.put(RowKey::Best(at.height()), &at.id);
            let parent = at.entry.header.previous;
            at = Tip {
                id: parent,
                entry: self.index.known(draft, &parent)?,
            };
        }
        draft.put(RowKey::BestHeader, &best.id);
        self.best = best;
        Ok(())
    }

    /// The bodies that are missing on the way from the connected chain to `toward`, in their order, with their
    /// heights, without those that are `on_hand`, at most `limit`: fewer only if there are no more. None if that
    /// way has not more work than the tip.
    pub fn missing_bodies(
        &mut self,
        view: &dyn StateView,
        toward: &BlockId,
        limit: usize,
        on_hand: impl Fn(&BlockId) -> bool,
    ) -> Result<Vec<(BlockId, Height)>, Internal> {
        let Some(entry) = self.index.entry(view, toward)? else {
            return Ok(Vec::new());
        };
        if entry.work <= self.tip.work() || entry.status == BlockStatus::Invalid {
            return Ok(Vec::new());
        }
        if view.best(entry.header.height)? == Some(*toward) {
            return self.missing_on_best(view, entry.header.height, limit, on_hand);
        }
        let mut missing = VecDeque::new();
        let mut at = Tip { id: *toward, entry };
        while view.active(at.height())? != Some(at.id) {
            if at.entry.status == BlockStatus::HeaderOnly && !on_hand(&at.id) {
                missing.push_front((at.id, at.height()));
                missing.truncate(limit);
            }
            let parent = at.entry.header.previous;
            at = Tip {
                id: parent,
                entry: self.index.known(view, &parent)?,
            };
        }
        Ok(missing.into())
    }

    fn missing_on_best(
        &mut self,
        view: &dyn StateView,
        end: Height,
        limit: usize,
        on_hand: impl Fn(&BlockId) -> bool,
    ) -> Result<Vec<(BlockId, Height)>, Internal> {
        let mut height = self.tip.height();
        while view.best(height)? != view.active(height)? {
            height = height
                .previous()
                .ok_or_else(|| Internal("two genesis blocks".into()))?;
        }
        let mut missing = Vec::new();
        while height < end && missing.len() < limit {
            height = height.next();
            let id = view
                .best(height)?
                .ok_or_else(|| Internal(format!("no best header at height {height}")))?;
            let is_here = self.index.hold(view, &id)?.status != BlockStatus::HeaderOnly;
            if !is_here && !on_hand(&id) {
                missing.push((id, height));
            }
        }
        Ok(missing)
    }
}

fn outcome_of(judged: &Judged) -> Result<HeadersOutcome, Refusal> {
    match &judged.fault {
        Some(fault) => Err(fault.clone().into()),
        None => Ok(known_until(&judged.end.tip, judged.held)),
    }
}

fn known_until(last: &Tip, held: bool) -> HeadersOutcome {
    HeadersOutcome::Known {
        last: last.id,
        height: last.height(),
        work: last.work(),
        held,
    }
}
