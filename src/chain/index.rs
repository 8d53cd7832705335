//! Headers: the recent ones in memory, all of them behind the view.

use super::history::Peaks;
use super::rows::{BlockStatus, Draft, HeaderEntry, RowKey, StateView};
use super::{BlockId, Height, Internal, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// How many heights below the best header stay in memory. Deeper reorganisations read the disk;
/// memory does not grow with the chain.
pub const KEPT_HEADERS: u64 = 1_000;

struct Recent {
    entry: HeaderEntry,
    /// Up to and including this block.
    peaks: Peaks,
}

/// Finds headers by id and knows what the history was at each.
#[derive(Default)]
pub struct HeaderIndex {
    recent: HashMap<BlockId, Recent>,
    by_height: BTreeMap<Height, Vec<BlockId>>,
}

impl HeaderIndex {
    /// The header and what is known of it; `None` if it was never seen.
    pub fn entry(
        &self,
        view: &dyn StateView,
        id: &BlockId,
    ) -> Result<Option<HeaderEntry>, Internal> {
        match self.recent.get(id) {
            Some(recent) => Ok(Some(recent.entry)),
            None => view.header(id),
        }
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

    /// Takes in a checked header, or a changed status of one.
    pub fn insert(&mut self, draft: &mut Draft<'_>, id: BlockId, entry: HeaderEntry, peaks: Peaks) {
        draft.put(RowKey::Header(id), &entry);
        if self.recent.insert(id, Recent { entry, peaks }).is_none() {
            self.by_height
                .entry(entry.header.height)
                .or_default()
                .push(id);
        }
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
        if let Some(recent) = self.recent.get_mut(id) {
            recent.entry = entry;
        }
        draft.put(RowKey::Header(*id), &entry);
        Ok(())
    }

    /// Known children of a block: the recent ones, and the one on the chain of best headers.
    pub fn children(
        &self,
        view: &dyn StateView,
        id: &BlockId,
        height: Height,
    ) -> Result<Vec<BlockId>, Internal> {
        let at = height.next();
        let recent = self.by_height.get(&at).into_iter().flatten();
        let mut children: Vec<BlockId> = recent
            .filter(|child| self.recent[*child].entry.header.previous == *id)
            .copied()
            .collect();
        if let Some(best) = view.best(at)?
            && !children.contains(&best)
            && self.known(view, &best)?.header.previous == *id
        {
            children.push(best);
        }
        Ok(children)
    }

    /// Forgets what lies more than [`KEPT_HEADERS`] below `best`; it stays behind the view.
    pub fn trim(&mut self, best: Height) {
        let keep_from = Height(best.0.saturating_sub(KEPT_HEADERS));
        while let Some(lowest) = self.by_height.first_entry()
            && *lowest.key() < keep_from
        {
            for id in lowest.remove() {
                self.recent.remove(&id);
            }
        }
    }

    /// Number of headers in memory.
    pub fn in_memory(&self) -> usize {
        self.recent.len()
    }
}
