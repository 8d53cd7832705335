//! Headers first, then the bodies they name, from several peers at once.

mod heard;
mod session;

use super::Effect;
use crate::chain::ledger::{BlockOutcome, TipChange};
use crate::chain::locator::MAX_HEADERS;
use crate::chain::tree::HeadersOutcome;
use crate::chain::{Block, BlockId, Header, Height, Work};
use crate::clock::SteadyTime;
use crate::protocol::SessionId;
use crate::wire::Message;
use crate::wire::message::MAX_BLOCKS_ASKED;
use session::{Arrival, List, Session};
use std::collections::{BTreeMap, BTreeSet};

/// Bodies that may be asked for or being judged at a time, over all sessions: with the largest
/// blocks a few hundred MB on the line, far less in memory, as each is judged as it comes.
const MAX_IN_FLIGHT: usize = 128;
/// Missing bodies that are looked up ahead.
const LOOK_AHEAD: usize = 256;
/// How long a body may take, in milliseconds, before another session is asked for it; doubles when the
/// next one fails at the same body, halves with every body that comes in time.
const FIRST_PATIENCE_MS: u64 = 2_000;
/// The longest that the patience grows, in milliseconds; after a session has owed bodies for its last
/// patience of this length, it is closed.
const LAST_PATIENCE_MS: u64 = 64_000;
/// How much longer a body may take than the one asked for before it in the same session, in milliseconds: the
/// least rate at which bodies have to come. Slow lines are slower with the largest blocks; it costs them no
/// more than that others are asked as well.
const BODY_MS: u64 = 250;
/// How long headers may take, in milliseconds.
const HEADERS_MS: u64 = 15_000;
/// How soon a session may be asked for headers again because of what it announced, in milliseconds:
/// an announcement costs its sender nothing, an answer takes a walk through our chain.
const ASK_PAUSE_MS: u64 = 1_000;
/// How long nothing is asked for after the ledger was too busy to look at something, in milliseconds.
const BUSY_MS: u64 = 500;
/// How often a session is asked for headers though nothing calls for it, in milliseconds: finds
/// what an announcement lost, and what was ahead of our clock.
const ASK_AGAIN_MS: u64 = 30_000;

/// A branch whose bodies are fetched.
struct Goal {
    toward: BlockId,
    /// The bodies that were missing when it was looked up, those on their way included.
    missing: BTreeMap<BlockId, Height>,
}

impl Goal {
    /// Whether no more than these were missing.
    fn is_complete(&self) -> bool {
        self.missing.len() < LOOK_AHEAD
    }
}

impl super::Gossip {
    /// Whether so many blocks are missing that nobody looks at each.
    pub fn fetches_many(&self) -> bool {
        self.sync.wanted.len() >= MAX_BLOCKS_ASKED
    }
}

pub(super) struct Sync {
    tip_work: Work,
    sessions: BTreeMap<SessionId, Session>,
    /// Bodies to ask for, in the order in which they connect.
    wanted: BTreeSet<(Height, BlockId)>,
    /// What they are for.
    goal: Option<Goal>,
    /// Bodies that the ledger is judging.
    judging: BTreeSet<BlockId>,
    /// Bodies that did not come in time from one session at least.
    overdue: BTreeSet<BlockId>,
    /// How long a body may take before another session is asked for it.
    patience_ms: u64,
    /// The header towards which missing bodies are being looked up.
    looking_up: Option<BlockId>,
    /// Until then the ledger is left to catch up.
    busy_until: SteadyTime,
    /// Whose chain is fetched before that of others.
    preferred: Option<SessionId>,
    /// How many members there are that could be heard.
    around: usize,
    /// Since when there is a session, until enough were heard.
    hearing: Option<SteadyTime>,
}

impl Sync {
    pub(super) fn new(tip_work: Work) -> Self {
        Self {
            tip_work,
            sessions: BTreeMap::new(),
            wanted: BTreeSet::new(),
            goal: None,
            judging: BTreeSet::new(),
            overdue: BTreeSet::new(),
            patience_ms: FIRST_PATIENCE_MS,
            looking_up: None,
            busy_until: SteadyTime::LONG_AGO,
            preferred: None,
            around: 0,
            hearing: None,
        }
    }

    /// Fetches the chain of this session before that of others, for as long as it is ahead and does
    /// not stall.
    pub(super) fn prefer(&mut self, session: SessionId, now: SteadyTime) -> Vec<Effect> {
        let Some(state) = self.sessions.get_mut(&session) else {
            return Vec::new();
        };
        self.preferred = Some(session);
        self.hearing = None;
        state.is_showing = true;
        let mut effects = Vec::new();
        if state.headers_asked.is_none() {
            effects.push(state.ask(session, now));
        }
        // Where it leads is looked up anew.
        self.goal = None;
        self.wanted.clear();
        effects.extend(self.plan(now));
        effects
    }

    /// The sessions that may be asked for bodies that lead beyond the tip: the preferred one alone
    /// if it is among them, and nobody before it has shown where its chain ends.
    fn ahead(&self) -> impl Iterator<Item = (&SessionId, &Session)> {
        let tip_work = self.tip_work;
        let preferred = self.preferred.filter(|id| {
            let is_first = |session: &Session| {
                let will_show = session.best.is_none() && session.headers_asked.is_some();
                will_show || (session.is_ahead(tip_work) && !session.owes())
            };
            self.sessions.get(id).is_some_and(is_first)
        });
        self.sessions.iter().filter(move |(id, session)| {
            preferred.is_none_or(|preferred| preferred == **id) && session.is_ahead(tip_work)
        })
    }

    /// Whose chain is fetched before that of others, and whether it has shown all of it.
    pub(super) fn preferred(&self) -> Option<(SessionId, bool)> {
        let id = self.preferred?;
        let session = self.sessions.get(&id)?;
        Some((id, !session.is_showing))
    }

    pub(super) fn in_flight(&self) -> usize {
        self.sessions.values().map(|s| s.in_flight.len()).sum()
    }

    pub(super) fn height_of(&self, session: SessionId) -> u64 {
        let best = self.sessions.get(&session).and_then(|s| s.best);
        best.map_or(0, |(_, height, _)| height.0)
    }

    pub(super) fn opened(&mut self, session: SessionId, now: SteadyTime) -> Vec<Effect> {
        if self.sessions.is_empty() {
            self.hearing = Some(now);
        }
        let mut state = Session::new(now);
        let ask = state.ask(session, now);
        self.sessions.insert(session, state);
        vec![ask]
    }

    pub(super) fn closed(&mut self, session: SessionId, now: SteadyTime) -> Vec<Effect> {
        if let Some(gone) = self.sessions.remove(&session) {
            self.want_again(gone.in_flight.into_keys());
        }
        self.preferred.take_if(|preferred| *preferred == session);
        self.plan(now)
    }

    /// Wants bodies again, if they lead to where the goal is: in another branch nobody might have them.
    fn want_again(&mut self, ids: impl IntoIterator<Item = BlockId>) {
        let Some(goal) = &self.goal else {
            return;
        };
        let leading = ids.into_iter().filter_map(|id| {
            let height = goal.missing.get(&id)?;
            Some((*height, id))
        });
        self.wanted.extend(leading);
    }

    /// Headers came: judged if they were asked for, passed over if not.
    pub(super) fn headers(&mut self, session: SessionId, headers: Vec<Header>) -> Vec<Effect> {
        let Some(state) = self.sessions.get_mut(&session) else {
            return Vec::new();
        };
        if state.headers_asked.take().is_none() {
            return Vec::new();
        }
        if headers.is_empty() {
            state.was_heard = true;
            state.is_showing = false;
            return Vec::new();
        }
        let list = match headers.len() {
            MAX_HEADERS => List::Full,
            _ => List::Last,
        };
        state.judging.push_back(list);
        vec![Effect::CheckHeaders(session, headers)]
    }

    /// A peer's tip moved.
    pub(super) fn announced(&mut self, session: SessionId, header: Header) -> Vec<Effect> {
        /// Announcements of one session that may be judged at a time: more come only from somebody
        /// who floods; the next regular question finds what is dropped here.
        const MAX_JUDGING: usize = 8;
        let Some(state) = self.sessions.get_mut(&session) else {
            return Vec::new();
        };
        if state.judging.len() >= MAX_JUDGING {
            return Vec::new();
        }
        state.judging.push_back(List::Announced);
        vec![Effect::CheckHeaders(session, vec![header])]
    }

    pub(super) fn headers_judged(
        &mut self,
        session: SessionId,
        outcome: &HeadersOutcome,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(state) = self.sessions.get_mut(&session) {
            let list = state.judging.pop_front().unwrap_or(List::Announced);
            let was_full = list == List::Full;
            match *outcome {
                HeadersOutcome::Busy => state.ask_at = state.ask_at.min(now.plus_ms(BUSY_MS)),
                HeadersOutcome::Orphan => {
                    let soon = state.last_asked.plus_ms(ASK_PAUSE_MS);
                    state.ask_at = state.ask_at.min(soon);
                }
                HeadersOutcome::Known {
                    last,
                    height,
                    work,
                    held,
                } => {
                    state.was_heard |= !was_full;
                    if state.best.is_none_or(|(.., best)| work > best) {
                        state.best = Some((last, height, work));
                    }
                    if !held {
                        state.ask_at = now.plus_ms(ASK_AGAIN_MS);
                    }
                    let follow = match was_full && !held {
                        true => state.follow(session, (last, work), now),
                        false => None,
                    };
                    if list != List::Announced {
                        state.is_showing = follow.is_some();
                    }
                    effects.extend(follow);
                }
                HeadersOutcome::Weighty { from } => {
                    // What it has shown is not kept yet: it shows it again from there.
                    state.best = None;
                    state.followed = None;
                    state.is_showing = true;
                    effects.extend(state.follow(session, (from, Work::ZERO), now));
                }
            }
            if state.headers_asked.is_none() && now >= state.ask_at {
                effects.push(state.ask(session, now));
            }
        }
        effects.extend(self.plan(now));
        effects
    }

    /// A block came: judged if this session was asked for it, passed over if not.
    pub(super) fn block(
        &mut self,
        session: SessionId,
        block: Block,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let id = block.id();
        let Some(state) = self.sessions.get_mut(&session) else {
            return Vec::new();
        };
        match state.arrived(&id, now) {
            Arrival::InTime => {
                // By halves: on a line that is slow for all blocks, the next ones are slow, too.
                self.patience_ms = (self.patience_ms / 2).max(FIRST_PATIENCE_MS);
            }
            Arrival::Late => {}
            Arrival::OfNoUse => return Vec::new(),
        }
        for other in self.sessions.values_mut() {
            other.came_elsewhere(&id, now);
        }
        self.overdue.remove(&id);
        self.wanted.retain(|(_, wanted)| *wanted != id);
        self.judging.insert(id);
        let mut effects = vec![Effect::SubmitBlock(session, block)];
        effects.extend(self.plan(now));
        effects
    }

    pub(super) fn no_block(
        &mut self,
        session: SessionId,
        id: BlockId,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let place = self.goal.as_ref().and_then(|goal| {
            let height = goal.missing.get(&id)?;
            Some((goal.toward, *height))
        });
        let Some(state) = self.sessions.get_mut(&session) else {
            return Vec::new();
        };
        if state.has_not(&id, place, now) {
            self.want_again([id]);
        }
        self.plan(now)
    }

    pub(super) fn block_judged(
        &mut self,
        session: SessionId,
        id: BlockId,
        outcome: &BlockOutcome,
        now: SteadyTime,
    ) -> Vec<Effect> {
        self.judging.remove(&id);
        match outcome {
            BlockOutcome::Busy => {
                self.want_again([id]);
                self.busy_until = now.plus_ms(BUSY_MS);
            }
            BlockOutcome::Fault(_) => {
                if let Some(state) = self.sessions.get_mut(&session) {
                    state.best = None;
                }
                // Another may have the right body; an invalid block is not named as missing again.
                self.wanted.clear();
                self.goal = None;
                self.looking_up = None;
            }
            _ => {}
        }
        self.plan(now)
    }

    pub(super) fn missing_found(
        &mut self,
        toward: BlockId,
        ids: Vec<(BlockId, Height)>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        if self.looking_up.take_if(|id| *id == toward).is_none() {
            return Vec::new();
        }
        self.goal = Some(Goal {
            toward,
            missing: ids.iter().copied().collect(),
        });
        if ids.is_empty() {
            // All are here, or the branch has turned out to be invalid: there is nothing to be had
            // from those who have shown it, until they show more.
            for session in self.sessions.values_mut() {
                session.best.take_if(|(best, ..)| *best == toward);
            }
        }
        let on_the_way: BTreeSet<BlockId> = self
            .sessions
            .values()
            .flat_map(|s| s.in_flight.keys())
            .chain(&self.judging)
            .copied()
            .collect();
        self.overdue
            .retain(|id| on_the_way.contains(id) || ids.iter().any(|(missing, _)| missing == id));
        self.wanted = ids
            .into_iter()
            .filter(|(id, _)| !on_the_way.contains(id))
            .map(|(id, height)| (height, id))
            .collect();
        self.assign(now)
    }

    pub(super) fn tip_changed(&mut self, change: &TipChange, now: SteadyTime) -> Vec<Effect> {
        self.tip_work = change.tip.work();
        let header = change.tip.entry.header;
        let behind = |s: &Session| s.best.is_none_or(|(.., work)| work < self.tip_work);
        let mut effects: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| behind(session))
            .map(|(id, _)| Effect::Send(*id, Message::AnnounceBlock(header)))
            .collect();
        effects.extend(self.plan(now));
        effects
    }

    /// Looks up what is missing towards the best header that any session has shown, if that is
    /// another than before or little is left to ask for; asks for the rest. A session that owes bodies
    /// leads only where no other does.
    fn plan(&mut self, now: SteadyTime) -> Vec<Effect> {
        if !self.has_heard(now) {
            return Vec::new();
        }
        let mut effects = self.assign(now);
        let shown = self.ahead().filter_map(|(_, session)| {
            let (id, _, work) = session.best?;
            Some((!session.owes(), work, id))
        });
        let Some((.., id)) = shown.max_by_key(|(is_prompt, work, _)| (*is_prompt, *work)) else {
            return effects;
        };
        let is_known = self.goal.as_ref().is_some_and(|goal| {
            let is_enough = goal.is_complete() || self.wanted.len() >= MAX_BLOCKS_ASKED;
            goal.toward == id && is_enough
        });
        let is_room = self.in_flight() + self.judging.len() < MAX_IN_FLIGHT;
        if !is_known && is_room && self.looking_up.is_none() {
            self.looking_up = Some(id);
            effects.push(Effect::FindMissing(id, LOOK_AHEAD));
        }
        effects
    }

    /// Asks for wanted bodies, the earliest first, each of the session with the fewest on their way
    /// among those that have shown a better chain than ours and may have it: also of those whose own chain
    /// ends before the goal, since the one that has shown the goal may send its bodies slowly or never.
    fn assign(&mut self, now: SteadyTime) -> Vec<Effect> {
        let in_flight = self.in_flight();
        let Some(goal) = self.goal.as_ref().filter(|_| now >= self.busy_until) else {
            return Vec::new();
        };
        let toward = goal.toward;
        let mut asks: BTreeMap<SessionId, Vec<BlockId>> = BTreeMap::new();
        let mut total = in_flight + self.judging.len();
        while total < MAX_IN_FLIGHT
            && let Some(&(height, id)) = self.wanted.first()
        {
            let able = self.ahead().filter(|(id, s)| {
                s.may_have(toward, height) && (s.takes_a_question() || asks.contains_key(id))
            });
            let Some((&session, _)) = able.min_by_key(|(_, s)| s.in_flight.len()) else {
                break;
            };
            self.wanted.pop_first();
            if let Some(state) = self.sessions.get_mut(&session) {
                state.asked(id, self.patience_ms, now);
            }
            asks.entry(session).or_default().push(id);
            total += 1;
        }
        asks.into_iter()
            .map(|(session, ids)| Effect::Send(session, Message::GetBlocks(ids)))
            .collect()
    }

    pub(super) fn tick(&mut self, now: SteadyTime) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut again = Vec::new();
        for (&id, session) in &mut self.sessions {
            again.extend(session.stalled(now));
            if session.is_lost(now) {
                let reason = "blocks that were asked for never came";
                effects.push(Effect::Close(id, reason.into()));
            }
            match session.headers_asked {
                Some(since) if now.since(since) >= HEADERS_MS => {
                    let reason = "headers that were asked for never came";
                    effects.push(Effect::Close(id, reason.into()));
                }
                None if now >= session.ask_at => effects.push(session.ask(id, now)),
                _ => {}
            }
        }
        if again.iter().any(|id| self.overdue.contains(id)) {
            // Not one of two is slow, but perhaps our own line.
            self.patience_ms = (self.patience_ms * 2).min(LAST_PATIENCE_MS);
        }
        self.overdue.extend(&again);
        self.want_again(again);
        if self.wanted.is_empty() && self.judging.is_empty() && self.in_flight() == 0 {
            // Behind all the same, if anybody is ahead: looked up anew.
            self.goal = None;
        }
        effects.extend(self.plan(now));
        effects
    }
}
