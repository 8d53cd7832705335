//! Branches that are weighed before anything of them is kept.
//!
//! Headers of a branch far lighter than the connected chain cost their sender next to nothing, and
//! kept they would fill the disk. So such a branch is only read through, in constant memory, for as
//! long as it is too light. Should it prove to be heavy enough, it is asked for again from where it
//! parted, and kept then: of the first reading the id of one header in every list is remembered, so
//! that what comes the second time can be no other branch. (Two readings are how Bitcoin Core
//! defends its disk; there each header leaves one bit, here each list a whole id, since ids commit
//! to all that came before.)

use super::Tip;
use crate::chain::history::{self, Peaks};
use crate::chain::locator::MAX_HEADERS;
use crate::chain::rules::Rules;
use crate::chain::{BlockId, Header, PeerFault, Timestamp};
use std::collections::VecDeque;

/// Sources whose branches are remembered: as many as there may be sessions. The one that was not
/// heard of for longest makes room, and its branch is read from the beginning.
const MAX_SOURCES: usize = 128;
/// Checkpoints of one branch: ten million headers and more, at 32 bytes for a thousand of them.
/// Beyond that it is forgotten, and its reading begins anew.
const MAX_CHECKPOINTS: usize = 10_000;

/// Where headers came from: branches are weighed one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source(pub u64);

/// The end of a branch, and all that judging its child takes.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) tip: Tip,
    /// Timestamp of the block before it; `None` for genesis.
    pub(super) before: Option<Timestamp>,
    /// The history up to and including it.
    pub(super) history: Peaks,
}

/// What judging a list of headers led to.
pub(super) struct Judged {
    /// The valid ones, in order.
    pub(super) valid: Vec<Tip>,
    /// Where they end.
    pub(super) end: Place,
    /// Whether the next one lies ahead of our clock.
    pub(super) held: bool,
    /// What is wrong with the next one.
    pub(super) fault: Option<PeerFault>,
}

impl Place {
    /// Judges headers of which the first stands here.
    pub(super) fn judge(mut self, headers: &[Header], rules: &Rules, now: Timestamp) -> Judged {
        let mut valid = Vec::with_capacity(headers.len());
        let (mut held, mut fault) = (false, None);
        for header in headers {
            let parent = &self.tip.entry;
            match rules.check_header(header, parent, self.before, &self.history) {
                Err(wrong) => fault = Some(wrong),
                Ok(_) if rules.is_ahead(header, now) => held = true,
                Ok(entry) => {
                    let id = header.id();
                    self.before = Some(parent.header.timestamp);
                    self.tip = Tip { id, entry };
                    self.history.append(history::leaf(&id, entry.work));
                    valid.push(self.tip);
                    continue;
                }
            }
            break;
        }
        Judged {
            valid,
            end: self,
            held,
            fault,
        }
    }
}

/// A branch that is too light so far.
pub(super) struct Weighing {
    /// The kept block it parts from.
    pub(super) fork: BlockId,
    /// How far it was read.
    pub(super) end: Place,
    checkpoints: VecDeque<BlockId>,
    /// Headers between the last checkpoint and the one before it.
    stretch: usize,
}

impl Weighing {
    /// Begins behind `fork` with what was judged there.
    pub(super) fn new(fork: BlockId, judged: &Judged) -> Self {
        let mut weighing = Self {
            fork,
            end: judged.end.clone(),
            checkpoints: VecDeque::new(),
            stretch: MAX_HEADERS,
        };
        weighing.extend(judged);
        weighing
    }

    /// Goes on to where `judged` ends, and sets a checkpoint there. No two are further apart than a
    /// list of headers reaches, so that each list of the second reading comes by one.
    pub(super) fn extend(&mut self, judged: &Judged) {
        let more = judged.valid.len();
        if more == 0 {
            return;
        }
        if self.stretch + more <= MAX_HEADERS {
            self.checkpoints.pop_back();
            self.stretch += more;
        } else {
            self.stretch = more;
        }
        self.end = judged.end.clone();
        self.checkpoints.push_back(self.end.tip.id);
    }

    /// Those of `headers` that continue the branch; `None` if they have nothing to do with it.
    pub(super) fn continued_by<'a>(&self, headers: &'a [Header]) -> Option<&'a [Header]> {
        let end = self.end.tip.id;
        if headers.first()?.previous == end {
            return Some(headers);
        }
        let at = headers.iter().position(|header| header.id() == end)?;
        headers.get(at + 1..)
    }

    /// Whether more is remembered of it than may be.
    fn is_too_long(&self) -> bool {
        self.checkpoints.len() > MAX_CHECKPOINTS
    }

    /// It proved to be heavy enough: what is to be come by when it is read again.
    pub(super) fn into_fetching(self) -> Presync {
        Presync::Fetching(self.checkpoints)
    }
}

/// How far the two readings of a branch have come.
pub(super) enum Presync {
    Weighing(Box<Weighing>),
    /// The ids that the second reading has to come by, the next one first.
    Fetching(VecDeque<BlockId>),
}

/// Those of `headers` that the first reading is known to have come by, and the checkpoints that
/// are left; `None` if they come by none.
pub(super) fn confirmed<'a>(
    checkpoints: &VecDeque<BlockId>,
    headers: &'a [Header],
) -> Option<(&'a [Header], VecDeque<BlockId>)> {
    let mut left = checkpoints.iter().peekable();
    let mut confirmed = 0;
    for (header, count) in headers.iter().zip(1..) {
        if left.next_if(|next| **next == header.id()).is_some() {
            confirmed = count;
        }
    }
    let headers = headers.get(..confirmed).filter(|some| !some.is_empty())?;
    Some((headers, left.copied().collect()))
}

/// The branches of all sources, the one longest not heard of first.
#[derive(Default)]
pub(super) struct Presyncs(VecDeque<(Source, Presync)>);

impl Presyncs {
    pub(super) fn take(&mut self, source: Source) -> Option<Presync> {
        let at = self.0.iter().position(|(other, _)| *other == source)?;
        self.0.remove(at).map(|(_, presync)| presync)
    }

    /// Remembers what was taken, or begun. Of a branch that has become too long nothing is remembered.
    pub(super) fn put(&mut self, source: Source, presync: Presync) {
        if matches!(&presync, Presync::Weighing(weighing) if weighing.is_too_long()) {
            return;
        }
        self.0.push_back((source, presync));
        if self.0.len() > MAX_SOURCES {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::rules;

    /// A list of so many headers, all valid.
    fn judged(count: usize) -> Judged {
        let rules = rules();
        let tip = Tip {
            id: rules.network(),
            entry: rules.genesis_entry(),
        };
        Judged {
            valid: vec![tip; count],
            end: Place {
                tip,
                before: None,
                history: Peaks::default(),
            },
            held: false,
            fault: None,
        }
    }

    #[test]
    fn attack_a_light_branch_without_end_is_forgotten_and_no_other() {
        let mut presyncs = Presyncs::default();
        let (fork, more) = (rules().network(), judged(MAX_HEADERS));
        let (honest, endless) = (Source(1), Source(2));
        let modest = Box::new(Weighing::new(fork, &more));
        presyncs.put(honest, Presync::Weighing(modest));
        let mut weighing = Box::new(Weighing::new(fork, &more));
        for _ in 1..MAX_CHECKPOINTS {
            weighing.extend(&more);
        }
        assert_eq!(weighing.checkpoints.len(), MAX_CHECKPOINTS);
        presyncs.put(endless, Presync::Weighing(weighing));
        let Some(Presync::Weighing(mut weighing)) = presyncs.take(endless) else {
            panic!("it is remembered up to there");
        };
        weighing.extend(&judged(1));
        presyncs.put(endless, Presync::Weighing(weighing));
        assert!(presyncs.take(endless).is_none());
        assert!(presyncs.take(honest).is_some());
    }

    #[test]
    fn attack_whoever_was_not_heard_of_for_longest_makes_room_for_another_light_branch() {
        let mut presyncs = Presyncs::default();
        let source = |number: usize| Source(number as u64);
        for number in 0..MAX_SOURCES {
            presyncs.put(source(number), Presync::Fetching(VecDeque::new()));
        }
        // The first goes on, so that the second is the one to go.
        let first = presyncs.take(source(0)).unwrap();
        presyncs.put(source(0), first);
        presyncs.put(source(MAX_SOURCES), Presync::Fetching(VecDeque::new()));
        let is_there = |number| presyncs.0.iter().any(|(other, _)| *other == source(number));
        assert!(!is_there(1));
        assert!(
            (0..=MAX_SOURCES)
                .filter(|number| *number != 1)
                .all(is_there)
        );
    }
}
