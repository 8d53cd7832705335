//! The tree of blocks and the choice among its branches: most work wins, on a tie the first seen
//! stays.

mod candidates;
mod fresh;
mod headers;
mod presync;

use super::history::{self, Peaks};
use super::index::HeaderIndex;
use super::named;
use super::rows::{BlockStatus, Draft, HeaderEntry, RowKey, StateView};
use super::rules::Rules;
use super::state::{apply_genesis, undo_block};
use super::target::Work;
use super::{Block, BlockId, Header, Height, Internal, PeerFault, Refusal, Timestamp};
use candidates::Candidates;
use fresh::Fresh;
use presync::Presyncs;

pub use presync::Source;

/// Bytes of blocks that one [`Chain::advance`] works through before it stops for its rows to be
/// committed: a reorganisation up to this size is one batch, a deeper one continues after it.
pub const MAX_STEP_BYTES: usize = 64 * 1024 * 1024;
/// Blocks that one [`Chain::advance`] works through at most, so that whoever drives it gets to
/// other things in between.
pub const MAX_STEP_BLOCKS: usize = 512;

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
    /// So much waits for the disk that they were not looked at: to be sent again.
    Busy,
    /// All that were looked at are valid. They are kept, unless they belong to a branch that is much
    /// lighter than the connected chain; then it is remembered how far it was read.
    Known {
        /// The last valid header of the list; the parent of the first where that is held.
        last: BlockId,
        /// Its height.
        height: Height,
        /// Its work.
        work: Work,
        /// Whether a later one lies ahead of our clock: to be asked for again.
        held: bool,
    },
    /// A branch that was only read through has proved to be heavy enough to be kept: to be asked for
    /// again.
    Weighty {
        /// The kept block behind which it begins.
        from: BlockId,
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
    /// Blocks that turned out to be invalid on the way.
    pub invalid: Vec<(BlockId, PeerFault)>,
    /// Whether there is more to do: call again once these changes are on their way to the disk.
    pub more: bool,
}

/// Where an unfinished change of branch leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Goal {
    /// The tip to arrive at.
    target: BlockId,
    /// The tip left for it, to go back to if the way turns out to be invalid.
    origin: BlockId,
}

/// What is kept as a row while a change of branch is not finished, so that it is resumed after a
/// crash: `[goal, candidates]`.
#[derive(serde::Serialize, serde::Deserialize)]
struct Unfinished {
    goal: Goal,
    candidates: Vec<BlockId>,
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
    /// Ends of complete branches that may be better than where the route leads, or than where it
    /// came from should it turn out to be invalid; in the order in which they were completed.
    candidates: Candidates,
    /// Whether a row tells of the route.
    recorded: bool,
    fresh: Fresh,
    presyncs: Presyncs,
}

impl Chain {
    /// Opens the chain that `draft` shows, or begins it with genesis; what is left to connect from
    /// last time is done by [`Chain::advance`].
    ///
    /// # Errors
    /// If a row is missing or damaged, or the rows are those of another network.
    pub fn open(rules: Rules, draft: &mut Draft<'_>) -> Result<Self, Internal> {
        let tip_id = match draft.named(&RowKey::Tip)? {
            Some(id) => id,
            None => {
                apply_genesis(&rules, draft);
                rules.network()
            }
        };
        if let Some(other) = draft.active(Height::GENESIS)?
            && other != rules.network()
        {
            return Err(Internal(format!(
                "the data are those of the network {other}, not of {}",
                rules.network()
            )));
        }
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
            candidates: Candidates::default(),
            recorded: false,
            fresh: Fresh::default(),
            presyncs: Presyncs::default(),
        };
        chain.resume(draft)?;
        Ok(chain)
    }

    /// Finds what was under way when the node stopped.
    fn resume(&mut self, draft: &mut Draft<'_>) -> Result<(), Internal> {
        let Some(bytes) = draft.read(&RowKey::Reorganisation)? else {
            return Ok(());
        };
        let Unfinished { goal, candidates } = crate::canonical::decode(&bytes)
            .map_err(|error| Internal(format!("the reorganisation row is damaged: {error}")))?;
        for id in candidates {
            let entry = self.index.known(draft, &id)?;
            self.candidates.push(Tip { id, entry });
        }
        self.recorded = true;
        self.set_out(draft, goal)
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

    /// Keeps a block whose header is known and whose body and signatures have been checked;
    /// [`Chain::advance`] then goes to it if it completes a branch with more work than the tip's.
    /// One that is here already, or came to be known as invalid meanwhile, changes nothing.
    pub fn store_block(&mut self, draft: &mut Draft<'_>, block: Block) -> Result<(), Internal> {
        let id = block.id();
        if self.index.known(draft, &id)?.status != BlockStatus::HeaderOnly {
            return Ok(());
        }
        let parent = self.index.known(draft, &block.header.previous)?;
        let bytes = block.to_bytes();
        self.fresh.push(id, block, bytes.len());
        draft.put_bytes(RowKey::Body(id), bytes);
        if parent.status == BlockStatus::Available {
            self.make_available(draft, id)
        } else {
            self.index.set_status(draft, &id, BlockStatus::Stored)
        }
    }

    /// Marks a block and the stored ones behind it as reachable; where the branches behind it end
    /// are new candidates.
    fn make_available(&mut self, draft: &mut Draft<'_>, id: BlockId) -> Result<(), Internal> {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            self.index.set_status(draft, &id, BlockStatus::Available)?;
            let mut is_end = true;
            for child in self.index.children(draft, &id)? {
                if self.index.known(draft, &child)?.status == BlockStatus::Stored {
                    is_end = false;
                    open.push(child);
                }
            }
            if is_end {
                let entry = self.index.known(draft, &id)?;
                self.consider(draft, Tip { id, entry })?;
            }
        }
        Ok(())
    }

    /// Remembers the end of a complete branch if the tip may have to move there.
    fn consider(&mut self, view: &dyn StateView, end: Tip) -> Result<(), Internal> {
        // A route that turns out to be invalid leads back to where it began.
        let least = match &self.route {
            Some(route) => self.index.known(view, &route.goal.origin)?.work,
            None => self.tip.work(),
        };
        if end.work() <= least {
            return Ok(());
        }
        self.candidates.push(end);
        Ok(())
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
                        step.invalid.push((next, fault));
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
            let unfinished = Unfinished {
                goal: route.goal,
                candidates: self.candidates.ids(),
            };
            draft.put(RowKey::Reorganisation, &unfinished);
            self.recorded = true;
            step.more = true;
        } else if std::mem::take(&mut self.recorded) {
            draft.remove(RowKey::Reorganisation);
        }
        Ok(step)
    }

    /// Whether there is a way to go: the one under way, or one to a branch that has more work.
    fn has_route(&mut self, draft: &mut Draft<'_>) -> Result<bool, Internal> {
        while self.route.is_none()
            && let Some(candidate) = self.candidates.take_best()
        {
            if candidate.work() <= self.tip.work() {
                self.candidates.clear();
            } else if self.index.known(draft, &candidate.id)?.status == BlockStatus::Available {
                let goal = Goal {
                    target: candidate.id,
                    origin: self.tip.id,
                };
                self.set_out(draft, goal)?;
            }
        }
        Ok(self.route.is_some())
    }

    fn disconnect(&mut self, draft: &mut Draft<'_>) -> Result<Block, Internal> {
        let id = self.tip.id;
        let block = self.body(draft, &id)?;
        undo_block(draft, &block)?;
        let height = self.tip.height();
        draft.remove(RowKey::Active(height));
        draft.remove(RowKey::Named(height));
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
        let parent_time = self.tip.entry.header.timestamp;
        match self.rules.apply_block(&mut attempt, &block, parent_time) {
            Ok(()) => {}
            Err(Refusal::Fault(fault)) => return Ok(Err(fault)),
            Err(Refusal::Internal(error)) => return Err(error),
        }
        let changes = attempt.into_changes();
        draft.absorb(changes);
        let entry = self.index.known(draft, id)?;
        let first = history::node_count(self.tip_peaks.leaves());
        let nodes = self.tip_peaks.append(history::leaf(id, entry.work));
        for (node, position) in nodes.into_iter().zip(first..) {
            draft.put_bytes(RowKey::History(position), node.to_vec());
        }
        draft.put(RowKey::Active(entry.header.height), id);
        draft.put_bytes(RowKey::Named(entry.header.height), named::of(&block));
        draft.put(RowKey::Tip, id);
        self.tip = Tip { id: *id, entry };
        if entry.work > self.best.work() {
            self.set_best(draft, self.tip)?;
        }
        Ok(Ok(block))
    }

    /// A block on the way broke a rule: it and what stands on it are out, and the way leads back to
    /// where it came from, unless the part already gone has more work than that.
    fn turn_back(&mut self, draft: &mut Draft<'_>, bad: &BlockId) -> Result<(), Internal> {
        self.mark_invalid(draft, bad)?;
        if let Some(route) = self.route.take() {
            let origin = self.index.known(draft, &route.goal.origin)?;
            // It was connected before. Setting out for it again and again would never end.
            if origin.status == BlockStatus::Invalid {
                return Err(Internal(format!(
                    "block {bad} was connected before and is invalid now: the stored state is damaged"
                )));
            }
            if origin.work >= self.tip.work() {
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
            open.extend(self.index.children(draft, &id)?);
        }
        let best = self.index.known(draft, &self.best.id)?;
        if best.status == BlockStatus::Invalid {
            self.set_best(draft, self.tip)?;
        }
        Ok(())
    }

    fn body(&mut self, view: &dyn StateView, id: &BlockId) -> Result<Block, Internal> {
        if let Some(block) = self.fresh.take(id) {
            return Ok(block);
        }
        view.block(id)?
            .ok_or_else(|| Internal(format!("the body of block {id} is missing")))
    }
}
