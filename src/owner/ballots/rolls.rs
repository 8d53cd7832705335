//! Who may vote in a ballot: counted once, and read a page at a time.

use super::reading::Reading;
use super::*;
use crate::apps::members::{INTERVALS, Interval, Members, View};
use crate::apps::voting::{RollHash, count_voters, was_voter};
use crate::chain::application::{Application, TopicRows};
use crate::chain::rows::StateView;
use crate::chain::{BlockId, Internal};
use crate::store::chain_rows::application_values;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Rolls of which it is kept how many they are: far more than ballots that are looked at.
const MAX_KEPT: usize = 1_024;
/// Keys of a roll that are looked at for one page, of which those who may not vote are passed over.
const MAX_LOOKED_AT: usize = 4_000;

/// A roll that never changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fixed {
    /// The members after this block.
    Members(BlockId),
    /// Those in these lists, which are named by their content.
    Lists(Vec<RollHash>),
}

/// How many are on rolls: to count them takes all their rows.
#[derive(Clone, Default)]
pub(crate) struct RollSizes(Arc<Mutex<BTreeMap<Fixed, u64>>>);

impl RollSizes {
    fn get(&self, roll: &Fixed) -> Option<u64> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(roll).copied()
    }

    fn keep(&self, roll: Fixed, voters: u64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(roll, voters);
    }
}

/// Who may vote.
pub(super) enum Voters {
    /// The members after this height.
    Members(Height),
    /// Those in these lists.
    Lists(Vec<RollHash>),
    /// These, whose opening is in no block yet.
    Keys(Vec<PublicKey>),
}

/// Some of the voters, and where the next begin.
pub(super) type Voting = (Vec<PublicKey>, Option<usize>);

impl Reading<'_> {
    /// How many may vote.
    pub(super) fn count(&self, voters: &Voters) -> Result<u64, Internal> {
        let view = ChainRows(self.disk);
        match voters {
            Voters::Members(after) => Ok(self.count_members(&[*after])?.into_iter().sum()),
            Voters::Lists(lists) => {
                let roll = Fixed::Lists(lists.clone());
                if let Some(known) = self.peer.rolls.get(&roll) {
                    return Ok(known);
                }
                let count = Ballots(&view).in_lists(lists)?.len() as u64;
                self.peer.rolls.keep(roll, count);
                Ok(count)
            }
            Voters::Keys(keys) => Ok(keys.len() as u64),
        }
    }

    /// How many of the members after the blocks at these heights may vote, each; those of which it is not known
    /// yet are counted together.
    pub(super) fn count_members(&self, after: &[Height]) -> Result<Vec<u64>, Internal> {
        let view = ChainRows(self.disk);
        let mut counts = vec![0; after.len()];
        let mut unknown = Vec::new();
        for (at, height) in after.iter().enumerate() {
            let missing = || Internal(format!("the block at height {height} is missing"));
            let roll = Fixed::Members(view.active(*height)?.ok_or_else(missing)?);
            match self.peer.rolls.get(&roll) {
                Some(known) => counts[at] = known,
                None => unknown.push((at, roll)),
            }
        }
        if !unknown.is_empty() {
            let heights: Vec<_> = unknown.iter().map(|(at, _)| after[*at]).collect();
            let times = application_values(self.disk, Members::default().topic(), INTERVALS);
            let times = times.map(|value| Interval::read(&value?));
            let counted = count_voters(times, self.admission, &heights)?;
            for ((at, roll), count) in unknown.into_iter().zip(counted) {
                counts[at] = count;
                self.peer.rolls.keep(roll, count);
            }
        }
        Ok(counts)
    }

    /// Whether somebody may.
    pub(super) fn has(&self, voters: &Voters, key: &PublicKey) -> Result<bool, Internal> {
        let view = ChainRows(self.disk);
        match voters {
            Voters::Members(after) => {
                let rows = TopicRows::of_members(&view);
                was_voter(&View::new(&rows), self.admission, key, *after)
            }
            Voters::Lists(lists) => Ballots(&view).is_listed(lists, key),
            Voters::Keys(keys) => Ok(keys.binary_search(key).is_ok()),
        }
    }

    /// At most `limit` of them, from a place on: of members in the order in which they joined, of lists as
    /// they stand there.
    pub(super) fn page(
        &self,
        voters: &Voters,
        begin: usize,
        limit: usize,
    ) -> Result<Voting, Internal> {
        let view = ChainRows(self.disk);
        match voters {
            Voters::Members(after) => {
                let rows = TopicRows::of_members(&view);
                let members = View::new(&rows);
                let count = members.count()? as usize;
                let end = count.min(begin.saturating_add(MAX_LOOKED_AT));
                let (mut found, mut at) = (Vec::new(), begin);
                while at < end && found.len() < limit {
                    let key = members.listed(u32::try_from(at).unwrap_or(u32::MAX))?;
                    if let Some(key) = key
                        && was_voter(&members, self.admission, &key, *after)?
                    {
                        found.push(key);
                    }
                    at += 1;
                }
                Ok((found, (at < count).then_some(at)))
            }
            Voters::Lists(lists) => Ok(page_of(&Ballots(&view).in_lists(lists)?, begin, limit)),
            Voters::Keys(keys) => Ok(page_of(keys, begin, limit)),
        }
    }
}

fn page_of(keys: &[PublicKey], begin: usize, limit: usize) -> Voting {
    let page: Vec<_> = keys.iter().skip(begin).take(limit).copied().collect();
    let end = begin.saturating_add(page.len());
    (page, (end < keys.len()).then_some(end))
}
