//! What is known of one peer's chain, and what was asked of it.

use super::{ASK_AGAIN_MS, BODY_MS, FIRST_PATIENCE_MS, LAST_PATIENCE_MS};
use crate::chain::{BlockId, Height, Work};
use crate::clock::SteadyTime;
use crate::protocol::SessionId;
use crate::protocol::gossip::Effect;
use crate::wire::message::MAX_BLOCKS_ASKED;
use std::collections::{BTreeMap, VecDeque};

pub(super) struct Session {
    /// The best header it has shown.
    pub(super) best: Option<(BlockId, Height, Work)>,
    /// Since when an answer to a question for headers is awaited.
    pub(super) headers_asked: Option<SteadyTime>,
    /// Whether it has answered one.
    pub(super) was_heard: bool,
    /// How far its chain was followed, in full lists, since the last question that began anew.
    pub(super) followed: Option<Work>,
    /// Whether more headers than it has shown are to come: its last list was full, or its owner has asked for its
    /// chain. Until it has shown the last one, nobody knows how far it leads.
    pub(super) is_showing: bool,
    /// Lists of headers that are being judged.
    pub(super) judging: VecDeque<List>,
    pub(super) last_asked: SteadyTime,
    /// When it is asked for headers though nothing calls for it.
    pub(super) ask_at: SteadyTime,
    /// Bodies it was asked for, and until when others are not.
    pub(super) in_flight: BTreeMap<BlockId, SteadyTime>,
    /// Bodies that it was asked for and that are asked of others by now, and whether they are of use still.
    /// Nothing more is asked of it before they have come, so that it never owes more than a message names.
    owed: BTreeMap<BlockId, bool>,
    /// Until when one of these has to come.
    owed_until: SteadyTime,
    patience_ms: u64,
    /// How many bodies it may be asked for at a time: half of it after each stall, one more with every body
    /// that comes in time.
    window: usize,
    /// The first body on the way to a goal that it did not have.
    lacks: Option<(BlockId, Height)>,
}

/// A list of headers that a session sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// It was not asked for: a new tip.
    Announced,
    /// More may follow.
    Full,
    /// The end of what there is.
    Last,
}

/// What came of a body that a session sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    InTime,
    /// Others were asked meanwhile, but it is of use.
    Late,
    /// It was not asked for, or has come from another.
    OfNoUse,
}

impl Session {
    pub(super) fn new(now: SteadyTime) -> Self {
        Self {
            best: None,
            headers_asked: None,
            was_heard: false,
            followed: None,
            is_showing: false,
            judging: VecDeque::new(),
            last_asked: now,
            ask_at: now,
            in_flight: BTreeMap::new(),
            owed: BTreeMap::new(),
            owed_until: now,
            patience_ms: FIRST_PATIENCE_MS,
            window: MAX_BLOCKS_ASKED,
            lacks: None,
        }
    }

    /// Asks for what follows the best header it has shown; if it has left that branch, or shown
    /// nothing, for what follows ours.
    pub(super) fn ask(&mut self, session: SessionId, now: SteadyTime) -> Effect {
        self.followed = None;
        self.headers_asked = Some(now);
        self.last_asked = now;
        self.ask_at = now.plus_ms(ASK_AGAIN_MS);
        Effect::AskHeaders(session, self.best.map(|(id, ..)| id))
    }

    /// Asks for what follows the full list that ended with `last`, unless that led nowhere. Ours
    /// would be no place to go on from: the branch may have less work up to there.
    pub(super) fn follow(
        &mut self,
        session: SessionId,
        (last, work): (BlockId, Work),
        now: SteadyTime,
    ) -> Option<Effect> {
        if self.followed.is_some_and(|followed| work <= followed) {
            return None;
        }
        self.followed = Some(work);
        self.headers_asked = Some(now);
        self.last_asked = now;
        Some(Effect::AskHeaders(session, Some(last)))
    }

    /// Whether it has shown a better chain than one that ends with this work.
    pub(super) fn is_ahead(&self, tip_work: Work) -> bool {
        self.best.is_some_and(|(.., work)| work > tip_work)
    }

    /// Whether it owes bodies that others were asked for since.
    pub(super) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Whether it may be asked for the body at a height on the way to a goal.
    pub(super) fn may_have(&self, goal: BlockId, height: Height) -> bool {
        let is_shown = self.best.is_some_and(|(_, best, _)| height <= best);
        let is_lacking = |(of, from)| of == goal && height >= from;
        is_shown
            && !self.lacks.is_some_and(is_lacking)
            && !self.owes()
            && self.in_flight.len() < self.window
    }

    /// Whether half of what it may be asked for has come. Then it is asked for as many together: a question for
    /// each body that comes costs both ends as much as the body.
    pub(super) fn takes_a_question(&self) -> bool {
        self.in_flight.len() <= self.window / 2
    }

    /// It is asked for a body. What it is asked for before has to come first.
    pub(super) fn asked(&mut self, id: BlockId, patience_ms: u64, now: SteadyTime) {
        let alone = now.plus_ms(patience_ms);
        let last = self.in_flight.values().max();
        let due = last.map_or(alone, |last| alone.max(last.plus_ms(BODY_MS)));
        self.in_flight.insert(id, due);
    }

    /// It has sent a body.
    pub(super) fn arrived(&mut self, id: &BlockId, now: SteadyTime) -> Arrival {
        if self.in_flight.remove(id).is_some() {
            self.patience_ms = (self.patience_ms / 2).max(FIRST_PATIENCE_MS);
            self.window = (self.window + 1).min(MAX_BLOCKS_ASKED);
            return Arrival::InTime;
        }
        match self.owed.remove(id) {
            Some(of_use) => {
                self.owed_until = now.plus_ms(self.patience_ms);
                if of_use {
                    Arrival::Late
                } else {
                    Arrival::OfNoUse
                }
            }
            None => Arrival::OfNoUse,
        }
    }

    /// Another has sent this body. It may come from this one, too, but is of no use any more.
    pub(super) fn came_elsewhere(&mut self, id: &BlockId, now: SteadyTime) {
        if self.in_flight.remove(id).is_some() {
            self.owe(*id, false, now);
        } else if let Some(of_use) = self.owed.get_mut(id) {
            *of_use = false;
        }
    }

    fn owe(&mut self, id: BlockId, of_use: bool, now: SteadyTime) {
        if self.owed.is_empty() {
            self.owed_until = now.plus_ms(self.patience_ms);
        }
        self.owed.insert(id, of_use);
    }

    /// It says that it does not have a body on the way to `goal`. Whether it was asked for it just now.
    pub(super) fn has_not(
        &mut self,
        id: &BlockId,
        place: Option<(BlockId, Height)>,
        now: SteadyTime,
    ) -> bool {
        let was_asked = self.in_flight.remove(id).is_some();
        if self.owed.remove(id).is_some() {
            self.owed_until = now.plus_ms(self.patience_ms);
        } else if !was_asked {
            return false;
        }
        if let Some((goal, height)) = place {
            if self.best.is_some_and(|(best, ..)| best == goal) {
                // It does not have what it has shown the header of: it must show again.
                self.best = None;
            } else {
                let before = self.lacks.filter(|(of, _)| *of == goal);
                let first = before.map_or(height, |(_, from)| from.min(height));
                self.lacks = Some((goal, first));
            }
        }
        was_asked
    }

    /// Gives up waiting for it alone, if a body did not come in time: returns those that others are to be
    /// asked for.
    pub(super) fn stalled(&mut self, now: SteadyTime) -> Vec<BlockId> {
        if self.in_flight.values().all(|due| now < *due) {
            return Vec::new();
        }
        let given_up: Vec<_> = std::mem::take(&mut self.in_flight).into_keys().collect();
        self.patience_ms = (self.patience_ms * 2).min(LAST_PATIENCE_MS);
        self.window = (self.window / 2).max(1);
        for id in &given_up {
            self.owe(*id, true, now);
        }
        given_up
    }

    /// Whether what it owes has not come for so long that there is no use in it.
    pub(super) fn is_lost(&mut self, now: SteadyTime) -> bool {
        if !self.owes() || now < self.owed_until {
            return false;
        }
        let is_last = self.patience_ms >= LAST_PATIENCE_MS;
        self.patience_ms = (self.patience_ms * 2).min(LAST_PATIENCE_MS);
        self.owed_until = now.plus_ms(self.patience_ms);
        is_last
    }
}
