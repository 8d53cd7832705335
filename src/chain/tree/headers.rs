//! Headers come before bodies: what is known of them, which are best, and which bodies are missing.

use super::{Chain, HeadersOutcome, Tip};
use crate::chain::history::{self, Peaks};
use crate::chain::rows::{BlockStatus, Draft, HeaderEntry, RowKey, StateView};
use crate::chain::{BlockId, Header, Height, Internal, PeerFault, Refusal, Timestamp};
use std::collections::VecDeque;

impl Chain {
    /// Takes in headers that follow each other. A fault leaves the valid ones before it known.
    pub fn accept_headers(
        &mut self,
        draft: &mut Draft<'_>,
        headers: &[Header],
        now: Timestamp,
    ) -> Result<HeadersOutcome, Refusal> {
        let mut last: Option<Tip> = None;
        let mut held = false;
        for header in headers {
            let id = header.id();
            if last.is_some_and(|last| last.id != header.previous) {
                return Err(PeerFault::Disconnected.into());
            }
            if let Some(entry) = self.index.entry(draft, &id)? {
                if entry.status == BlockStatus::Invalid {
                    return Err(PeerFault::InvalidParent(id).into());
                }
                last = Some(Tip { id, entry });
                continue;
            }
            let Some(parent) = self.index.entry(draft, &header.previous)? else {
                return Ok(HeadersOutcome::Orphan);
            };
            if parent.status == BlockStatus::Invalid {
                return Err(PeerFault::InvalidParent(header.previous).into());
            }
            let (entry, history) = self.judge_header(draft, header, &parent)?;
            if self.rules.is_ahead(header, now) {
                held = true;
                last = last.or(Some(Tip {
                    id: header.previous,
                    entry: parent,
                }));
                break;
            }
            self.add_header(draft, id, entry, history)?;
            last = Some(Tip { id, entry });
        }
        let last = last.unwrap_or(self.tip);
        Ok(HeadersOutcome::Known {
            last: last.id,
            height: last.height(),
            work: last.work(),
            held,
        })
    }

    /// The entry of a new header, and the history before it.
    fn judge_header(
        &self,
        view: &dyn StateView,
        header: &Header,
        parent: &HeaderEntry,
    ) -> Result<(HeaderEntry, Peaks), Refusal> {
        // The cheapest check first: without work of its own, nothing of it is worth reading for.
        if !header.has_work() {
            return Err(PeerFault::NoWork(header.id()).into());
        }
        let grandparent = self.index.parent_timestamp(view, parent)?;
        let history = self.index.peaks(view, &header.previous)?;
        let entry = self
            .rules
            .check_header(header, parent, grandparent, &history)?;
        Ok((entry, history))
    }

    fn add_header(
        &mut self,
        draft: &mut Draft<'_>,
        id: BlockId,
        entry: HeaderEntry,
        mut history: Peaks,
    ) -> Result<(), Internal> {
        history.append(history::leaf(&id, entry.work));
        self.index.insert(draft, id, entry, history)?;
        if entry.work > self.best.work() {
            self.set_best(draft, Tip { id, entry })?;
        }
        self.index.trim(self.best.height());
        Ok(())
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

    /// The bodies that are missing on the way from the connected chain to `toward`, in their order,
    /// at most `limit`; none if that way has not more work than the tip.
    pub fn missing_bodies(
        &self,
        view: &dyn StateView,
        toward: &BlockId,
        limit: usize,
    ) -> Result<Vec<BlockId>, Internal> {
        let Some(entry) = self.index.entry(view, toward)? else {
            return Ok(Vec::new());
        };
        if entry.work <= self.tip.work() || entry.status == BlockStatus::Invalid {
            return Ok(Vec::new());
        }
        if view.best(entry.header.height)? == Some(*toward) {
            return self.missing_on_best(view, entry.header.height, limit);
        }
        let mut missing = VecDeque::new();
        let mut at = Tip { id: *toward, entry };
        while view.active(at.height())? != Some(at.id) {
            if at.entry.status == BlockStatus::HeaderOnly {
                missing.push_front(at.id);
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
        &self,
        view: &dyn StateView,
        end: Height,
        limit: usize,
    ) -> Result<Vec<BlockId>, Internal> {
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
            if self.index.known(view, &id)?.status == BlockStatus::HeaderOnly {
                missing.push(id);
            }
        }
        Ok(missing)
    }
}
