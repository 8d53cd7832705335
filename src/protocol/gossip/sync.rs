//! Headers first, then the bodies they name, from several peers at once.

use super::Effect;
use crate::chain::ledger::{BlockOutcome, TipChange};
use crate::chain::locator::MAX_HEADERS;
use crate::chain::tree::HeadersOutcome;
use crate::chain::{Block, BlockId, Header, Height, Timestamp, Work};
use crate::protocol::SessionId;
use crate::wire::Message;
use crate::wire::message::MAX_BLOCKS_ASKED;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

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
/// How often a session is asked for headers though nothing calls for it, in milliseconds: finds
/// what an announcement lost, and what was ahead of our clock.
const ASK_AGAIN_MS: u64 = 30_000;

struct Session {
    /// The best header it has shown.
    best: Option<(BlockId, Height, Work)>,
    headers_asked: Option<Timestamp>,
    /// Lists of headers that are being judged, and whether each was full.
    judging: VecDeque<bool>,
    last_asked: Timestamp,
    in_flight: HashMap<BlockId, Timestamp>,
    patience_ms: u64,
}

pub(super) struct Sync {
    tip_work: Work,
    sessions: BTreeMap<SessionId, Session>,
    /// Bodies to ask for, in the order in which they connect.
    wanted: VecDeque<BlockId>,
    /// Bodies that the ledger is judging.
    judging: HashSet<BlockId>,
    /// The header towards which missing bodies are being looked up.
    looking_up: Option<BlockId>,
}

impl Sync {
    pub(super) fn new(tip_work: Work) -> Self {
        Self {
            tip_work,
            sessions: BTreeMap::new(),
            wanted: VecDeque::new(),
            judging: HashSet::new(),
            looking_up: None,
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.sessions.values().map(|s| s.in_flight.len()).sum()
    }

    pub(super) fn height_of(&self, session: SessionId) -> u64 {
        let best = self.sessions.get(&session).and_then(|s| s.best);
        best.map_or(0, |(_, height, _)| height.0)
    }

    pub(super) fn opened(&mut self, session: SessionId, now: Timestamp) -> Vec<Effect> {
        self.sessions.insert(
            session,
            Session {
                best: None,
                headers_asked: Some(now),
                judging: VecDeque::new(),
                last_asked: now,
                in_flight: HashMap::new(),
                patience_ms: FIRST_PATIENCE_MS,
            },
        );
        vec![Effect::AskHeaders(session)]
    }

    pub(super) fn closed(&mut self, session: SessionId, now: Timestamp) -> Vec<Effect> {
        if let Some(gone) = self.sessions.remove(&session) {
            self.want_again(gone.in_flight.into_keys());
        }
        self.plan(now)
    }

    /// Puts bodies back in front of the queue.
    fn want_again(&mut self, ids: impl IntoIterator<Item = BlockId>) {
        for id in ids {
            if !self.wanted.contains(&id) {
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
        now: Timestamp,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(state) = self.sessions.get_mut(&session) {
            let was_full = state.judging.pop_front().unwrap_or(false);
            let mut question = None;
            match outcome {
                // The regular question asks again.
                HeadersOutcome::Busy => {}
                HeadersOutcome::Orphan => question = Some(Effect::AskHeaders(session)),
                HeadersOutcome::Known {
                    last,
                    height,
                    work,
                    held,
                } => {
                    let better = state.best.is_none_or(|(.., best)| *work > best);
                    if better {
                        state.best = Some((*last, *height, *work));
                    }
                    if was_full && better && !held {
                        // From where this list ended, not from our best: while the other branch
                        // has less work than ours, our best says nothing of how far we have come.
                        let ended = Message::GetHeaders(vec![*last]);
                        question = Some(Effect::Send(session, ended));
                    }
                }
            }
            if state.headers_asked.is_none()
                && let Some(question) = question
            {
                state.headers_asked = Some(now);
                state.last_asked = now;
                effects.push(question);
            }
        }
        effects.extend(self.plan(now));
        effects
    }

    pub(super) fn headers_refused(&mut self, session: SessionId) -> Vec<Effect> {
        if let Some(state) = self.sessions.get_mut(&session) {
            state.judging.pop_front();
        }
        Vec::new()
    }

    /// A block came: judged if this session was asked for it, passed over if not.
    pub(super) fn block(
        &mut self,
        session: SessionId,
        block: Block,
        now: Timestamp,
    ) -> Vec<Effect> {
        let id = block.id();
        let Some(state) = self.sessions.get_mut(&session) else {
            return Vec::new();
        };
        if state.in_flight.remove(&id).is_none() {
            return Vec::new();
        }
        state.patience_ms = FIRST_PATIENCE_MS;
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
        now: Timestamp,
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
        now: Timestamp,
    ) -> Vec<Effect> {
        self.judging.remove(&id);
        match outcome {
            BlockOutcome::Busy => {
                self.want_again([id]);
                // Asked for again at the next tick, not at once.
                return Vec::new();
            }
            BlockOutcome::Fault(_) => {
                if let Some(state) = self.sessions.get_mut(&session) {
                    state.best = None;
                }
                // Another may have the right body; an invalid block is not named as missing again.
                self.wanted.clear();
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
        now: Timestamp,
    ) -> Vec<Effect> {
        if self.looking_up == Some(toward) {
            self.looking_up = None;
        }
        let on_the_way: HashSet<BlockId> = self
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

    pub(super) fn tip_changed(&mut self, change: &TipChange, now: Timestamp) -> Vec<Effect> {
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

    /// Looks up what is missing towards the best header that any session has shown, if little is
    /// left to ask for; asks for the rest.
    fn plan(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = self.assign(now);
        let best = self
            .sessions
            .values()
            .filter_map(|s| s.best)
            .max_by_key(|(.., work)| *work);
        if let Some((id, _, work)) = best
            && work > self.tip_work
            && self.wanted.len() < MAX_BLOCKS_ASKED
            && self.looking_up.is_none()
            && self.in_flight() + self.judging.len() < MAX_IN_FLIGHT
        {
            self.looking_up = Some(id);
            effects.push(Effect::FindMissing(id, LOOK_AHEAD));
        }
        effects
    }

    /// Asks for wanted bodies, the earliest first, each of the session with the fewest on their way
    /// among those that have shown a better chain than ours.
    fn assign(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut asks: BTreeMap<SessionId, Vec<BlockId>> = BTreeMap::new();
        let mut total = self.in_flight() + self.judging.len();
        while total < MAX_IN_FLIGHT {
            let able = |s: &Session| {
                s.in_flight.len() < MAX_BLOCKS_ASKED
                    && s.best.is_some_and(|(.., work)| work > self.tip_work)
            };
            let chosen = self.sessions.iter_mut().filter(|(_, s)| able(s));
            let Some((session, state)) = chosen.min_by_key(|(_, s)| s.in_flight.len()) else {
                break;
            };
            let Some(id) = self.wanted.pop_front() else {
                break;
            };
            state.in_flight.insert(id, now);
            asks.entry(*session).or_default().push(id);
            total += 1;
        }
        asks.into_iter()
            .map(|(session, ids)| Effect::Send(session, Message::GetBlocks(ids)))
            .collect()
    }

    pub(super) fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut again = Vec::new();
        for (id, session) in &mut self.sessions {
            let late = session
                .in_flight
                .values()
                .any(|since| now.since(*since) >= session.patience_ms);
            if late {
                again.extend(session.in_flight.drain().map(|(id, _)| id));
                // Until it shows a header again, others are asked.
                session.best = None;
                if session.patience_ms >= LAST_PATIENCE_MS {
                    effects.push(Effect::Close(
                        *id,
                        "blocks that were asked for never came".into(),
                    ));
                }
                session.patience_ms = (session.patience_ms * 2).min(LAST_PATIENCE_MS);
            }
            match session.headers_asked {
                Some(since) if now.since(since) >= HEADERS_MS => {
                    effects.push(Effect::Close(
                        *id,
                        "headers that were asked for never came".into(),
                    ));
                }
                None if now.since(session.last_asked) >= ASK_AGAIN_MS => {
                    session.headers_asked = Some(now);
                    session.last_asked = now;
                    effects.push(Effect::AskHeaders(*id));
                }
                _ => {}
            }
        }
        self.want_again(again);
        self.looking_up = None;
        effects.extend(self.plan(now));
        effects
    }
}
