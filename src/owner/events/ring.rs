//! The last events, numbered: a machine without a runtime.

use crate::messages::events::Event;
use crate::owner::answers::{EventId, EventKind, EventKinds};
use std::collections::VecDeque;

/// Events that are kept, about half a megabyte: some seconds of a chain that is fetched at full speed, hours
/// of one that has come to its end. Who is further behind looks anew at what there is.
pub const MAX_EVENTS: usize = 4_096;

/// The last events of one run of a node.
pub(super) struct Ring {
    /// What this run is told from others by.
    start: u64,
    /// How many were told, the number of the last one.
    told: u64,
    kept: VecDeque<Event>,
}

/// What follows on an event.
#[derive(Debug, PartialEq)]
pub(super) enum Following {
    /// These, in order, and how far was looked.
    Events(Vec<(EventId, Event)>, EventId),
    /// Not known any more: look at what there is, and go on from here.
    Reset(EventId),
}

impl Ring {
    pub(super) fn new(start: u64) -> Self {
        Self {
            start,
            told: 0,
            kept: VecDeque::new(),
        }
    }

    /// Takes in an event, in place of the oldest one if there are too many.
    pub(super) fn push(&mut self, event: Event) -> u64 {
        if self.kept.len() >= MAX_EVENTS {
            self.kept.pop_front();
        }
        self.kept.push_back(event);
        self.told += 1;
        self.told
    }

    /// The last event so far.
    pub(super) fn now(&self) -> EventId {
        EventId {
            start: self.start,
            sequence: self.told,
        }
    }

    /// What follows on `after`: at most so many of these kinds.
    pub(super) fn following(&self, after: EventId, kinds: EventKinds, most: usize) -> Following {
        let forgotten = self.told - self.kept.len() as u64;
        if after.start != self.start || !(forgotten..=self.told).contains(&after.sequence) {
            return Following::Reset(self.now());
        }
        // Within what is kept, which is not more than a few thousand.
        let known = usize::try_from(after.sequence - forgotten).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let mut looked = after;
        for event in self.kept.iter().skip(known) {
            if found.len() >= most {
                break;
            }
            looked.sequence += 1;
            if kinds.contains(EventKind::of(event)) {
                found.push((looked, event.clone()));
            }
        }
        Following::Events(found, looked)
    }
}

#[cfg(test)]
mod tests;
