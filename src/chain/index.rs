//! Headers: the recent ones in memory, all of them behind the view.

use super::fold_hash::FoldMap;
use super::history::Peaks;
use super::rows::{BlockStatus, Draft, HeaderEntry, RowKey, StateView};
use super::{BlockId, Height, Internal, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// How many heights below the best header stay in memory. Deeper reorganisations read the disk;
/// memory does not grow with the chain.
pub const KEPT_HEADERS: u64 = 1_000;
/// Most headers in memory, side branches included. Where branches are many the lowest heights leave
/// first, so that no number of headers from outside takes more.
const MAX_IN_MEMORY: usize = 4 * KEPT_HEADERS as usize;
/// Branches whose history at the end is remembered although the end is too low to be kept: a long
/// branch that comes in from far below is then not walked again for each of its headers. As many as
/// there may be peers to come from, several times over; an entry takes some 2 KiB.
const MAX_ENDS: usize = 64;
/// Headers held for the bodies that are being fetched, where those lie below the ones in memory: four times as
/// many as are looked up at a time. Each is read about ten times until its block is connected.
const MAX_HELD: usize = 1_024;

struct Recent {
    entry: HeaderEntry,
    /// Up to and including this block.
    peaks: Peaks,
}

/// Finds headers by id and knows what the history was at each.
#[derive(Default)]
pub struct HeaderIndex {
    recent: FoldMap<BlockId, Recent>,
    /// Others that were looked up last to be worked with, and in which order.
    held: FoldMap<BlockId, HeaderEntry>,
    held_order: VecDeque<BlockId>,
    by_height: BTreeMap<Height, Vec<BlockId>>,
    /// Ends of the branches that grew last, with the history up to and including each.
    ends: VecDeque<(BlockId, Peaks)>,
}

impl HeaderIndex {
    /// The header and what is known of it; `None` if it was never seen.
    pub fn entry(
        &self,
        view: &dyn StateView,
        id: &BlockId,
    ) -> Result<Option<HeaderEntry>, Internal> {
        let recent = self.recent.get(id).map(|recent| &recent.entry);
        match recent.or_else(|| self.held.get(id)) {
            Some(entry) => Ok(Some(*entry)),
            None => view.header(id),
        }
    }

    /// As [`HeaderIndex::known`], of one that will be worked with: it stays in memory for a while.
    pub fn hold(&mut self, view: &dyn StateView, id: &BlockId) -> Result<HeaderEntry, Internal> {
        let entry = self.known(view, id)?;
        if !self.recent.contains_key(id) && self.held.insert(*id, entry).is_none() {
            self.held_order.push_back(*id);
            if self.held_order.len() > MAX_HELD
                && let Some(oldest) = self.held_order.pop_front()
            {
                self.held.remove(&oldest);
            }
        }
        Ok(entry)
    }

    /// As [`HeaderIndex::entry`], where the header must exist.
    pub fn known(&self, view: &dyn StateView, id: &BlockId) -> Result<HeaderEntry, Internal> {
        self.entry(view, id)?
            .ok_or_else(|| Internal(format!("the header of block {id} is missing")))
    }

    /// The timestamp of a block's parent; `None` for genesis.
    pub fn parent_timestamp(
        &self,
        view: &dyn StateView,
        entry: &HeaderEntry,
    ) -> Result<Option<Timestamp>, Internal> {
        if entry.header.height == Height::GENESIS {
            return Ok(None);
        }
        Ok(Some(
            self.known(view, &entry.header.previous)?.header.timestamp,
        ))
    }

    /// The history up to and including the block `id`: from memory, from the stored nodes where the
    /// block is connected, or by appending from the nearest ancestor of which one of these is true.
    pub fn peaks(&self, view: &dyn StateView, id: &BlockId) -> Result<Peaks, Internal> {
        let mut later = Vec::new();
        let mut at = *id;
        let mut peaks = loop {
            if let Some(recent) = self.recent.get(&at) {
                break recent.peaks.clone();
            }
            if let Some((_, peaks)) = self.ends.iter().find(|(end, _)| *end == at) {
                break peaks.clone();
            }
            let entry = self.known(view, &at)?;
            if view.active(entry.header.height)? == Some(at) {
                break Peaks::read(entry.header.height.0 + 1, |node| view.history_node(node))?;
            }
            later.push((at, entry));
            at = entry.header.previous;
        };
        for (id, entry) in later.into_iter().rev() {
            peaks.append(super::history::leaf(&id, entry.work));
        }
        Ok(peaks)
    }

    /// Takes in a checked header that is new and makes it a child of its parent; `peaks` are the
    /// history up to and including it.
    pub fn insert(
        &mut self,
        draft: &mut Draft<'_>,
        id: BlockId,
        mut entry: HeaderEntry,
        peaks: Peaks,
    ) -> Result<(), Internal> {
        let parent = entry.header.previous;
        let mut above = self.known(draft, &parent)?;
        entry.older_sibling = above.newest_child.replace(id);
        self.update(draft, &parent, above);
        draft.put(RowKey::Header(id), &entry);
        self.ends.retain(|(end, _)| *end != parent);
        self.ends.push_back((id, peaks.clone()));
        if self.ends.len() > MAX_ENDS {
            self.ends.pop_front();
        }
        self.recent.insert(id, Recent { entry, peaks });
        let same_height = self.by_height.entry(entry.header.height);
        same_height.or_default().push(id);
        Ok(())
    }

    fn update(&mut self, draft: &mut Draft<'_>, id: &BlockId, entry: HeaderEntry) {
        if let Some(recent) = self.recent.get_mut(id) {
            recent.entry = entry;
        }
        if let Some(held) = self.held.get_mut(id) {
            *held = entry;
        }
        draft.put(RowKey::Header(*id), &entry);
    }

    /// Changes how far a block has come.
    pub fn set_status(
        &mut self,
        draft: &mut Draft<'_>,
        id: &BlockId,
        status: BlockStatus,
    ) -> Result<(), Internal> {
        let entry = HeaderEntry {
            status,
            ..self.known(draft, id)?
        };
        self.update(draft, id, entry);
        Ok(())
    }

    /// All known children of a block, on whatever branch, in the order in which they came.
    pub fn children(&self, view: &dyn StateView, id: &BlockId) -> Result<Vec<BlockId>, Internal> {
        let mut children = Vec::new();
        let mut next = self.known(view, id)?.newest_child;
        while let Some(child) = next {
            children.push(child);
            next = self.known(view, &child)?.older_sibling;
        }
        children.reverse();
        Ok(children)
    }

    /// Forgets what lies more than [`KEPT_HEADERS`] below `best`, or is too much; it stays behind
    /// the view.
    pub fn trim(&mut self, best: Height) {
        let keep_from = Height(best.0.saturating_sub(KEPT_HEADERS));
        while let Some(lowest) = self.by_height.first_entry()
            && (*lowest.key() < keep_from || self.recent.len() > MAX_IN_MEMORY)
        {
            for id in lowest.remove() {
                self.recent.remove(&id);
            }
        }
    }

    /// Number of headers in memory.
    pub fn in_memory(&self) -> usize {
        self.recent.len() + self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::history;
    use super::super::rows::Row;
    use super::super::state::apply_genesis;
    use super::super::testing::MemoryView;
    use super::super::testing::forge::Forge;
    use super::*;
    use std::cell::Cell;

    /// Counts the headers that are read below.
    struct HeadersRead<'a>(&'a MemoryView, Cell<usize>);

    impl StateView for HeadersRead<'_> {
        fn read(&self, key: &RowKey) -> Result<Option<Vec<u8>>, Internal> {
            let is_header = matches!(key, RowKey::Header(_));
            self.1.set(self.1.get() + usize::from(is_header));
            self.0.read(key)
        }
    }

    /// An index of which nothing stays in memory but the ends, over the rows that it has written.
    struct Low {
        forge: Forge,
        index: HeaderIndex,
        disk: MemoryView,
    }

    impl Low {
        fn new() -> Self {
            let (forge, mut disk) = (Forge::new(), MemoryView::default());
            let empty = MemoryView::default();
            let mut draft = Draft::new(&empty);
            apply_genesis(&forge.rules, &mut draft);
            let rows: Vec<Row> = draft.into_rows();
            disk.commit(rows);
            Self {
                forge,
                index: HeaderIndex::default(),
                disk,
            }
        }

        /// A block `after_ms` upon `parent` comes in, and the best one is far above it.
        fn grow(&mut self, parent: BlockId, after_ms: u64) -> BlockId {
            let id = self.forge.child(parent, after_ms, 1, &[]).id();
            let entry = *self.forge.entry(&id);
            let mut draft = Draft::new(&self.disk);
            let mut peaks = self.index.peaks(&draft, &parent).unwrap();
            peaks.append(history::leaf(&id, entry.work));
            self.index.insert(&mut draft, id, entry, peaks).unwrap();
            let rows = draft.into_rows();
            self.disk.commit(rows);
            self.index.trim(Height(10 * KEPT_HEADERS));
            id
        }

        /// How many headers are read to know the history at a block, which is the right one.
        fn reads(&self, id: &BlockId) -> usize {
            let view = HeadersRead(&self.disk, Cell::new(0));
            let peaks = self.index.peaks(&view, id).unwrap();
            let child = self.forge.header(*id, 1_000, &[]);
            assert_eq!(peaks.root(), child.history_root);
            view.1.get()
        }
    }

    #[test]
    fn attack_more_low_branches_than_are_remembered_take_nothing_from_the_one_that_grows() {
        let mut low = Low::new();
        let genesis = low.forge.genesis();
        let first = low.grow(genesis, 1_000);
        let (mut own, mut sides) = (first, Vec::new());
        for after_ms in (2_000..).take(2 * MAX_ENDS) {
            sides.push(low.grow(genesis, after_ms));
            own = low.grow(own, 1_000);
        }
        assert_eq!(low.index.ends.len(), MAX_ENDS);
        assert_eq!(low.reads(&own), 0, "it is not walked");
        let last = sides.pop().unwrap();
        assert_eq!(low.reads(&last), 0);
        // Whoever had to leave is walked again, and comes to the same.
        assert!(low.reads(&sides[0]) > 0);
        assert!(low.reads(&first) > 0, "it was an end only until it grew");
    }
}
