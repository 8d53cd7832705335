//! Headers first, then the bodies they name, from several peers at once.

use super::Effect;
use crate::chain::ledger::{BlockOutcome, TipChange};
use crate::chain::locator::MAX_HEADERS;
use crate::chain::tree::HeadersOutcome;
use crate::chain::{Block, BlockId, Header, Height, Work};
use crate::clock::SteadyTime;
use crate::protocol::SessionId;
use crate::wire::Message;
use crate::wire::message::MAX_BLOCKS_ASKED;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Bodies that may be asked for or being judged at a time, over all sessions: with the largest
/// blocks a few hundred MB on the line, far less in memory, as each is judged as it comes.
const MAX_IN_FLIGHT: usize = 128;
/// Missing bodies that are looked up ahead.
const LOOK_AHEAD: usize = 256;
/// How long a body may take at first, in milliseconds, before another session is asked for it;
/// doubles with every stall of the session.
const FIRST_PATIENCE_MS: u64 = 2_000;
/// The patience at which a session that stalls again is closed, in milliseconds.
const LAST_PATIENCE_MS: u64 = 64_000;
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

struct Session {
    /// The best header it has shown.
    best: Option<(BlockId, Height, Work)>,
    /// Since when an answer to a question for headers is awaited.
    headers_asked: Option<SteadyTime>,
    /// How far its chain was followed, in full lists, since the last question that began anew.
    followed: Option<Work>,
    /// Lists of headers that are being judged, and whether each was full.
    judging: VecDeque<bool>,
    last_asked: SteadyTime,
    /// When it is asked for headers though nothing calls for it.
    ask_at: SteadyTime,
    in_flight: BTreeMap<BlockId, SteadyTime>,
    patience_ms: u64,
    /// After a stall, others are asked for bodies until then.
    rests_until: SteadyTime,
}

impl Session {
    fn new(now: SteadyTime) -> Self {
        Self {
            best: None,
            headers_asked: None,
            followed: None,
            judging: VecDeque::new(),
            last_asked: now,
            ask_at: now,
            in_flight: BTreeMap::new(),
            patience_ms: FIRST_PATIENCE_MS,
            rests_until: SteadyTime::LONG_AGO,
        }
    }

    /// Asks for what follows the best header it has shown; if it has left that branch, or shown
    /// nothing, for what follows ours.
    fn ask(&mut self, session: SessionId, now: SteadyTime) -> Effect {
        self.followed = None;
        self.headers_asked = Some(now);
        self.last_asked = now;
        self.ask_at = now.plus_ms(ASK_AGAIN_MS);
        Effect::AskHeaders(session, self.best.map(|(id, ..)| id))
    }

    /// Asks for what follows the full list that ended with `last`, unless that led nowhere. Ours
    /// would be no place to go on from: the branch may have less work up to there.
    fn follow(
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

    /// Whether it may be asked for bodies that lead beyond `tip_work`.
    fn is_ahead(&self, tip_work: Work, now: SteadyTime) -> bool {
        now >= self.rests_until && self.best.is_some_and(|(.., work)| work > tip_work)
    }
}

/// A branch whose bodies are fetched.
struct Goal {
    toward: BlockId,
    work: Work,
    /// The bodies that were missing when it was looked up, those on their way included.
    missing: BTreeSet<BlockId>,
}

impl Goal {
    /// Whether no more than these were missing.
    fn is_complete(&self) -> bool {
        self.missing.len() < LOOK_AHEAD
    }
}

pub(super) struct Sync {
    tip_work: Work,
    sessions: BTreeMap<SessionId, Session>,
    /// Bodies to ask for, in the order in which they connect.
    wanted: VecDeque<BlockId>,
    /// What they are for.
    goal: Option<Goal>,
    /// Bodies that the ledger is judging.
    judging: BTreeSet<BlockId>,
    /// The header towards which missing bodies are being looked up.
    looking_up: Option<(BlockId, Work)>,
    /// Until then the ledger is left to catch up.
    busy_until: SteadyTime,
    /// Whose chain is fetched before that of others.
    preferred: Option<SessionId>,
}

impl Sync {
    pub(super) fn new(tip_work: Work) -> Self {
        Self {
            tip_work,
            sessions: BTreeMap::new(),
            wanted: VecDeque::new(),
            goal: None,
            judging: BTreeSet::new(),
            looking_up: None,
            busy_until: SteadyTime::LONG_AGO,
            preferred: None,
        }
    }

    /// Fetches the chain of this session before that of others, for as long as it is ahead and does
    /// not stall.
    pub(super) fn prefer(&mut self, session: SessionId, now: SteadyTime) -> Vec<Effect> {
        let Some(state) = self.sessions.get_mut(&session) else {
            return Vec::new();
        };
        self.preferred = Some(session);
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
    fn ahead(&self, now: SteadyTime) -> impl Iterator<Item = (&SessionId, &Session)> {
        let tip_work = self.tip_work;
        let preferred = self.preferred.filter(|id| {
            let is_first = |session: &Session| {
                let will_show = session.best.is_none() && session.headers_asked.is_some();
                will_show || session.is_ahead(tip_work, now)
            };
            self.sessions.get(id).is_some_and(is_first)
        });
        self.sessions.iter().filter(move |(id, session)| {
            preferred.is_none_or(|preferred| preferred == **id) && session.is_ahead(tip_work, now)
        })
    }

    pub(super) fn in_flight(&self) -> usize {
        self.sessions.values().map(|s| s.in_flight.len()).sum()
    }

    pub(super) fn height_of(&self, session: SessionId) -> u64 {
        let best = self.sessions.get(&session).and_then(|s| s.best);
        best.map_or(0, |(_, height, _)| height.0)
    }

    pub(super) fn opened(&mut self, session: SessionId, now: SteadyTime) -> Vec<Effect> {
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

    /// Puts bodies back in front of the queue, if they lead to where it leads: in another branch
    /// nobody might have them.
    fn want_again(&mut self, ids: impl IntoIterator<Item = BlockId>) {
        for id in ids {
            let goal = self.goal.as_ref();
            let leads_there = goal.is_some_and(|goal| goal.missing.contains(&id));
            if leads_there && !self.wanted.contains(&id) {
                self.wanted.push_front(id);
            }
        }
    }

    /// Headers came: judged if they were asked for, passed over if not.
    pub(super) fn headers(&mut self, session: SessionId, headers: Vec<Header>) -> Vec<Effect> {
        let Some(state) = self.sessions.get_mut(&session) else {
            return Vec::new();
        };
        if state.headers_asked.take().is_none() || headers.is_empty() {
            return Vec::new();
        }
        state.judging.push_back(headers.len() == MAX_HEADERS);
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
        state.judging.push_back(false);
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
            let was_full = state.judging.pop_front().unwrap_or(false);
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
                    if state.best.is_none_or(|(.., best)| work > best) {
                        state.best = Some((last, height, work));
                    }
                    if !held {
                        state.ask_at = now.plus_ms(ASK_AGAIN_MS);
                    }
                    if was_full && !held {
                        effects.extend(state.follow(session, (last, work), now));
                    }
                }
                HeadersOutcome::Weighty { from } => {
                    // What it has shown is not kept yet: it shows it again from there.
                    state.best = None;
                    state.followed = None;
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
        if state.in_flight.remove(&id).is_none() {
            return Vec::new();
        }
        // By halves: on a line that is slow for all blocks, the next ones are slow, too.
        state.patience_ms = (state.patience_ms / 2).max(FIRST_PATIENCE_MS);
        // Blocks come one after the other: the time of the next begins now.
        for since in state.in_flight.values_mut() {
            *since = now;
        }
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
        let Some(state) = self.sessions.get_mut(&session) else {
            return Vec::new();
        };
        if state.in_flight.remove(&id).is_some() {
            // It does not have what it has shown the header of: it must show again.
            state.best = None;
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
        ids: Vec<BlockId>,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let Some((_, work)) = self.looking_up.take_if(|(id, _)| *id == toward) else {
            return Vec::new();
        };
        self.goal = Some(Goal {
            toward,
            work,
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
        self.wanted = ids
            .into_iter()
            .filter(|id| !on_the_way.contains(id))
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
    /// another than before or little is left to ask for; asks for the rest.
    fn plan(&mut self, now: SteadyTime) -> Vec<Effect> {
        let mut effects = self.assign(now);
        let best = self
            .ahead(now)
            .filter_map(|(_, session)| session.best)
            .max_by_key(|(.., work)| *work);
        let Some((id, _, work)) = best else {
            return effects;
        };
        let is_known = self.goal.as_ref().is_some_and(|goal| {
            let is_enough = goal.is_complete() || self.wanted.len() >= MAX_BLOCKS_ASKED;
            goal.toward == id && is_enough
        });
        let is_room = self.in_flight() + self.judging.len() < MAX_IN_FLIGHT;
        if !is_known && is_room && self.looking_up.is_none() {
            self.looking_up = Some((id, work));
            effects.push(Effect::FindMissing(id, LOOK_AHEAD));
        }
        effects
    }

    /// Asks for wanted bodies, the earliest first, each of the session with the fewest on their way
    /// among those that have shown a better chain than ours, and no worse one than these lead to.
    fn assign(&mut self, now: SteadyTime) -> Vec<Effect> {
        let in_flight = self.in_flight();
        let Some(goal) = self.goal.as_ref().filter(|_| now >= self.busy_until) else {
            return Vec::new();
        };
        let mut asks: BTreeMap<SessionId, Vec<BlockId>> = BTreeMap::new();
        let mut total = in_flight + self.judging.len();
        while total < MAX_IN_FLIGHT {
            let able = |s: &Session| {
                let is_there = s.best.is_some_and(|(.., work)| work >= goal.work);
                is_there && s.in_flight.len() < MAX_BLOCKS_ASKED
            };
            let chosen = self.ahead(now).filter(|(_, s)| able(s));
            let Some((&session, _)) = chosen.min_by_key(|(_, s)| s.in_flight.len()) else {
                break;
            };
            let Some(id) = self.wanted.pop_front() else {
                break;
            };
            if let Some(state) = self.sessions.get_mut(&session) {
                state.in_flight.insert(id, now);
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
            let patience = session.patience_ms;
            let mut asked = session.in_flight.values();
            if asked.any(|since| now.since(*since) >= patience) {
                again.extend(std::mem::take(&mut session.in_flight).into_keys());
                if patience >= LAST_PATIENCE_MS {
                    let reason = "blocks that were asked for never came";
                    effects.push(Effect::Close(id, reason.into()));
                }
                session.patience_ms = (patience * 2).min(LAST_PATIENCE_MS);
                session.rests_until = now.plus_ms(session.patience_ms);
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
        self.want_again(again);
        if self.wanted.is_empty() && self.judging.is_empty() && self.in_flight() == 0 {
            // Behind all the same, if anybody is ahead: looked up anew.
            self.goal = None;
        }
        effects.extend(self.plan(now));
        effects
    }
}
