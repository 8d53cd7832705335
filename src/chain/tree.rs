//! The tree of blocks and the choice among its branches: most work wins, on a tie the first seen
//! stays.

use super::history::{self, Peaks};
use super::index::HeaderIndex;
use super::rows::{BlockStatus, Draft, HeaderEntry, RowKey, StateView};
use super::rules::Rules;
use super::state::{apply_genesis, undo_block};
use super::target::Work;
use super::{Block, BlockId, Header, Height, Internal, PeerFault, Refusal, Timestamp};
use std::collections::VecDeque;

/// Bytes of blocks that one [`Chain::advance`] works through before it stops for its rows to be
/// committed: a reorganisation up to this size is one batch, a deeper one continues after it.
pub const MAX_STEP_BYTES: usize = 64 * 1024 * 1024;
/// Blocks that one [`Chain::advance`] works through at most, so that whoever drives it gets to
/// other things in between.
pub const MAX_STEP_BLOCKS: usize = 512;
/// Bytes of stored blocks kept in memory until they are connected, which is mostly at once.
const FRESH_BYTES: usize = 16 * 1024 * 1024;

/// A block of the tree that something ends at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// The block.
    pub id: BlockId,
    /// What is known of it.
    pub entry: HeaderEntry,
}

impl Tip {
    /// Its height.
    pub fn height(&self) -> Height {
        self.entry.header.height
    }

    /// Work of the chain that ends here.
    pub fn work(&self) -> Work {
        self.entry.work
    }
}

/// What came of a list of headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadersOutcome {
    /// All that were looked at are valid; the last of them is known now.
    Known {
        /// The last valid header of the list.
        last: BlockId,
        /// Its height.
        height: Height,
        /// Its work.
        work: Work,
        /// Whether a later one lies ahead of our clock: to be asked for again.
        held: bool,
    },
    /// The first one stands on a header that is not known.
    Orphan,
}

/// What one [`Chain::advance`] did.
#[derive(Debug, Default)]
pub struct Step {
    /// Blocks taken from the connected chain, the former tip first.
    pub disconnected: Vec<Block>,
    /// Blocks added to it, in their order.
    pub connected: Vec<Block>,
    /// A block that turned out to be invalid on the way.
    pub invalid: Option<(BlockId, PeerFault)>,
    /// Whether there is more to do: call again once these changes are on their way to the disk.
    pub more: bool,
}

/// Where an unfinished change of branch leads, kept as a row so that it is resumed after a crash.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Goal {
    /// The tip to arrive at.
    target: BlockId,
    /// The tip left for it, to go back to if the way turns out to be invalid.
    origin: BlockId,
}

/// A goal with the blocks that lead to it.
struct Route {
    goal: Goal,
    /// The last connected block that also lies under the target, until it is reached.
    fork: Option<BlockId>,
    /// Blocks to connect, the next one last.
    ahead: Vec<BlockId>,
}

/// The tree of one network.
pub struct Chain {
    rules: Rules,
    index: HeaderIndex,
    tip: Tip,
    tip_peaks: Peaks,
    best: Tip,
    route: Option<Route>,
    /// The best end of a complete branch that came in since the route was chosen.
    candidate: Option<Tip>,
    /// Whether a row tells of the route.
    recorded: bool,
    fresh: VecDeque<(BlockId, Block, usize)>,
}

impl Chain {
    /// Opens the chain that `draft` shows, or begins it with genesis; what is left to connect from
    /// last time is done by [`Chain::advance`].
    pub fn open(rules: Rules, draft: &mut Draft<'_>) -> Result<Self, Internal> {
        let tip_id = match draft.named(&RowKey::Tip)? {
            Some(id) => id,
            None => {
                apply_genesis(&rules, draft);
                rules.network()
            }
        };
        let best_id = draft.named(&RowKey::BestHeader)?.unwrap_or(tip_id);
        let index = HeaderIndex::default();
        let tip = Tip {
            id: tip_id,
            entry: index.known(draft, &tip_id)?,
        };
        let best = Tip {
            id: best_id,
            entry: index.known(draft, &best_id)?,
        };
        let tip_peaks = Peaks::read(tip.height().0 + 1, |node| draft.history_node(node))?;
        let mut chain = Self {
            rules,
            index,
            tip,
            tip_peaks,
            best,
            route: None,
            candidate: None,
            recorded: false,
            fresh: VecDeque::new(),
        };
        chain.resume(draft)?;
        Ok(chain)
    }

    /// Finds what was under way when the node stopped.
    fn resume(&mut self, draft: &mut Draft<'_>) -> Result<(), Internal> {
        let unfinished: Option<Goal> = draft
            .read(&RowKey::Reorganisation)?
            .map(|bytes| crate::canonical::decode(&bytes))
            .transpose()
            .map_err(|error| Internal(format!("the reorganisation row is damaged: {error}")))?;
        if let Some(goal) = unfinished {
            self.recorded = true;
            return self.set_out(draft, goal);
        }
        let mut reachable = self.tip;
        while let Some(id) = draft.best(reachable.height().next())?
            && let Some(entry) = self.index.entry(draft, &id)?
            && entry.status == BlockStatus::Available
            && entry.header.previous == reachable.id
        {
            reachable = Tip { id, entry };
        }
        self.candidate = Some(reachable);
        Ok(())
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Where the connected chain ends.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Where the chain of headers with most work ends; its bodies may be missing yet.
    pub fn best_header(&self) -> &Tip {
        &self.best
    }

    /// Number of headers in memory.
    pub fn headers_in_memory(&self) -> usize {
        self.index.in_memory()
    }

    /// What is known of a header.
    pub fn entry(
        &self,
        view: &dyn StateView,
        id: &BlockId,
    ) -> Result<Option<HeaderEntry>, Internal> {
        self.index.entry(view, id)
    }

    /// A header to mine upon the tip: all but the transactions root and the nonce.
    pub fn next_header(&self, view: &dyn StateView, now: Timestamp) -> Result<Header, Internal> {
        let grandparent = self.index.parent_timestamp(view, &self.tip.entry)?;
        Ok(self
            .rules
            .child_header(&self.tip.entry, grandparent, &self.tip_peaks, now))
    }

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
            let entry = self.judge_header(draft, header, &parent)?;
            if self.rules.is_ahead(header, now) {
                held = true;
                break;
            }
            self.add_header(draft, id, entry)?;
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

    fn judge_header(
        &self,
        view: &dyn StateView,
        header: &Header,
        parent: &HeaderEntry,
    ) -> Result<HeaderEntry, Refusal> {
        // The cheapest check first: without work of its own, nothing of it is worth reading for.
        if !header.has_work() {
            return Err(PeerFault::NoWork(header.id()).into());
        }
        let grandparent = self.index.parent_timestamp(view, parent)?;
        let history = self.index.peaks(view, &header.previous)?;
        Ok(self
            .rules
            .check_header(header, parent, grandparent, &history)?)
    }

    fn add_header(
        &mut self,
        draft: &mut Draft<'_>,
        id: BlockId,
        entry: HeaderEntry,
    ) -> Result<(), Internal> {
        let mut peaks = self.index.peaks(draft, &entry.header.previous)?;
        peaks.append(history::leaf(&id, entry.work));
        self.index.insert(draft, id, entry, peaks);
        if entry.work > self.best.work() {
            self.set_best(draft, Tip { id, entry })?;
        }
        self.index.trim(self.best.height());
        Ok(())
    }

    /// Makes `best` the end of the chain of best headers and mends the rows by height.
    fn set_best(&mut self, draft: &mut Draft<'_>, best: Tip) -> Result<(), Internal> {
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

    /// Keeps a block whose header is known and whose body and signatures have been checked, and
    /// sets out for it if it completes a branch with more work than the tip's.
    pub fn store_block(&mut self, draft: &mut Draft<'_>, block: Block) -> Result<(), Internal> {
        let id = block.id();
        let parent = self.index.known(draft, &block.header.previous)?;
        let bytes = block.to_bytes();
        self.fresh.push_back((id, block, bytes.len()));
        let mut kept: usize = self.fresh.iter().map(|(_, _, size)| size).sum();
        while kept > FRESH_BYTES {
            kept -= self.fresh.pop_front().map_or(kept, |(_, _, size)| size);
        }
        draft.put_bytes(RowKey::Body(id), bytes);
        if parent.status != BlockStatus::Available {
            return self.index.set_status(draft, &id, BlockStatus::Stored);
        }
        let reached = self.make_available(draft, id)?;
        if self
            .candidate
            .is_none_or(|candidate| reached.work() > candidate.work())
        {
            self.candidate = Some(reached);
        }
        Ok(())
    }

    /// Marks a block and the stored ones behind it as reachable; returns the one with most work.
    fn make_available(&mut self, draft: &mut Draft<'_>, id: BlockId) -> Result<Tip, Internal> {
        let mut most = Tip {
            id,
            entry: self.index.known(draft, &id)?,
        };
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            self.index.set_status(draft, &id, BlockStatus::Available)?;
            let entry = self.index.known(draft, &id)?;
            if entry.work > most.work() {
                most = Tip { id, entry };
            }
            for child in self.index.children(draft, &id, entry.header.height)? {
                if self.index.known(draft, &child)?.status == BlockStatus::Stored {
                    open.push(child);
                }
            }
        }
        Ok(most)
    }

    /// Finds the way from the tip to a goal.
    fn set_out(&mut self, draft: &mut Draft<'_>, goal: Goal) -> Result<(), Internal> {
        let mut ahead = Vec::new();
        let mut at = goal.target;
        loop {
            let entry = self.index.known(draft, &at)?;
            if draft.active(entry.header.height)? == Some(at) {
                break;
            }
            ahead.push(at);
            at = entry.header.previous;
        }
        self.route = Some(Route {
            goal,
            fork: Some(at),
            ahead,
        });
        Ok(())
    }

    /// Goes some way towards the branch with most work: undoes down to the fork, then connects.
    pub fn advance(&mut self, draft: &mut Draft<'_>) -> Result<Step, Internal> {
        let mut step = Step::default();
        let mut bytes = 0;
        while self.has_route(draft)? {
            let Some(route) = &mut self.route else { break };
            if let Some(fork) = route.fork {
                if fork == self.tip.id {
                    route.fork = None;
                    continue;
                }
                let undone = self.disconnect(draft)?;
                bytes += undone.size();
                step.disconnected.push(undone);
            } else if let Some(next) = route.ahead.pop() {
                match self.connect(draft, &next)? {
                    Ok(block) => {
                        bytes += block.size();
                        step.connected.push(block);
                    }
                    Err(fault) => {
                        self.turn_back(draft, &next)?;
                        step.invalid = Some((next, fault));
                    }
                }
            } else {
                self.route = None;
            }
            let blocks = step.connected.len() + step.disconnected.len();
            if bytes > MAX_STEP_BYTES || blocks >= MAX_STEP_BLOCKS {
                break;
            }
        }
        if let Some(route) = &self.route {
            draft.put(RowKey::Reorganisation, &route.goal);
            self.recorded = true;
            step.more = true;
        } else if std::mem::take(&mut self.recorded) {
            draft.remove(RowKey::Reorganisation);
        }
        Ok(step)
    }

    /// Whether there is a way to go: the one under way, or one to a branch that has more work.
    fn has_route(&mut self, draft: &mut Draft<'_>) -> Result<bool, Internal> {
        if self.route.is_none()
            && let Some(candidate) = self.candidate.take()
            && candidate.work() > self.tip.work()
            && self.index.known(draft, &candidate.id)?.status == BlockStatus::Available
        {
            self.set_out(
                draft,
                Goal {
                    target: candidate.id,
                    origin: self.tip.id,
                },
            )?;
        }
        Ok(self.route.is_some())
    }

    fn disconnect(&mut self, draft: &mut Draft<'_>) -> Result<Block, Internal> {
        let id = self.tip.id;
        let block = self.body(draft, &id)?;
        undo_block(draft, &block)?;
        let height = self.tip.height();
        draft.remove(RowKey::Active(height));
        for position in history::node_count(height.0)..history::node_count(height.0 + 1) {
            draft.remove(RowKey::History(position));
        }
        self.tip_peaks = Peaks::read(height.0, |node| draft.history_node(node))?;
        let parent = block.header.previous;
        self.tip = Tip {
            id: parent,
            entry: self.index.known(draft, &parent)?,
        };
        draft.put(RowKey::Tip, &parent);
        Ok(block)
    }

    fn connect(
        &mut self,
        draft: &mut Draft<'_>,
        id: &BlockId,
    ) -> Result<Result<Block, PeerFault>, Internal> {
        let block = self.body(draft, id)?;
        let mut attempt = Draft::new(draft);
        match self.rules.apply_block(&mut attempt, &block) {
            Ok(()) => {}
            Err(Refusal::Fault(fault)) => return Ok(Err(fault)),
            Err(Refusal::Internal(error)) => return Err(error),
        }
        let rows = attempt.into_rows();
        draft.absorb(rows);
        let entry = self.index.known(draft, id)?;
        let first = history::node_count(self.tip_peaks.leaves());
        let nodes = self.tip_peaks.append(history::leaf(id, entry.work));
        for (node, position) in nodes.into_iter().zip(first..) {
            draft.put_bytes(RowKey::History(position), node.to_vec());
        }
        draft.put(RowKey::Active(entry.header.height), id);
        draft.put(RowKey::Tip, id);
        self.tip = Tip { id: *id, entry };
        if entry.work > self.best.work() {
            self.set_best(draft, self.tip)?;
        }
        Ok(Ok(block))
    }

    /// A block on the way broke a rule: it and what stands on it are out, and the way leads back to
    /// where it came from, unless the part already gone has more work.
    fn turn_back(&mut self, draft: &mut Draft<'_>, bad: &BlockId) -> Result<(), Internal> {
        self.mark_invalid(draft, bad)?;
        if let Some(route) = self.route.take() {
            let origin = self.index.known(draft, &route.goal.origin)?;
            if origin.work > self.tip.work() {
                let back = Goal {
                    target: route.goal.origin,
                    origin: route.goal.origin,
                };
                self.set_out(draft, back)?;
            }
        }
        Ok(())
    }

    /// Marks a block and every known one upon it as invalid, and finds the best header anew if it
    /// was among them.
    pub fn mark_invalid(&mut self, draft: &mut Draft<'_>, bad: &BlockId) -> Result<(), Internal> {
        let mut open = vec![*bad];
        while let Some(id) = open.pop() {
            self.index.set_status(draft, &id, BlockStatus::Invalid)?;
            let height = self.index.known(draft, &id)?.header.height;
            open.extend(self.index.children(draft, &id, height)?);
        }
        let best = self.index.known(draft, &self.best.id)?;
        if best.status == BlockStatus::Invalid {
            self.set_best(draft, self.tip)?;
        }
        Ok(())
    }

    fn body(&mut self, view: &dyn StateView, id: &BlockId) -> Result<Block, Internal> {
        if let Some(at) = self.fresh.iter().position(|(fresh, ..)| fresh == id)
            && let Some((_, block, _)) = self.fresh.remove(at)
        {
            return Ok(block);
        }
        view.block(id)?
            .ok_or_else(|| Internal(format!("the body of block {id} is missing")))
    }
}
