//! Mining, but for the search: when to look for a block, upon what, and when to stop.

mod not_now;
mod rate;

pub use not_now::NotNow;
pub use rate::HashRate;

use crate::chain::ledger::BlockOutcome;
use crate::chain::template::Template;
use crate::chain::{Block, BlockId, Header, Height};
use crate::clock::{Now, SteadyTime};
use crate::protocol::clocks::OwnClock;
use not_now::{Timing, timing};
use std::collections::VecDeque;
use std::mem::{Discriminant, discriminant};
use std::ops::Range;

/// When this node mines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Only when its owner asks for a block.
    OnCommand,
    /// While transactions are open.
    WhenPending,
    /// All the time.
    Always,
}

/// Requests for a block that may wait at a time.
pub const MAX_WAITING: usize = 16;
/// How long the search rests on the news of a better block whose body is not here yet: long enough
/// to fetch it, and so short that withholding the body gains nothing.
pub const REST_MS: u64 = 500;
/// How old a job may grow before it is made anew: takes in new transactions, moves its timestamp,
/// and with it the easing of the difficulty.
pub const REFRESH_MS: u64 = 1_000;

/// Number of a job: what is found for any but the latest is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// Which part of its header's nonces a job searches. A job that follows another on the same header,
/// as it happens while the parent is ahead of our clock and sets the timestamp, takes the next part:
/// no nonce is ever tried twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part(pub u16);

impl Part {
    /// Indices ([`crate::pow::nonce_at`]) of one part: more than a thousand cores try in an hour.
    const INDICES: u64 = 1 << 48;

    /// What the `number`th of `threads` searches: the same for no two of them.
    ///
    /// # Panics
    /// In builds with overflow checks, if `number` is not below `threads`.
    pub fn share(self, number: u16, threads: u16) -> Range<u64> {
        let share = Self::INDICES / u64::from(threads.max(1));
        let start = u64::from(self.0) * Self::INDICES + u64::from(number) * share;
        // The very last index of all is left out, having none after it.
        start..start.saturating_add(share)
    }
}

/// Stands for whoever asked for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Request(pub u64);

/// A block that was asked for and mined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// Its transactions, the reward included.
    pub transactions: usize,
    /// Nonces tried since it was asked for.
    pub tries: u64,
    /// Milliseconds since the work on it began.
    pub elapsed_ms: u64,
    /// How often another block came first meanwhile.
    pub races_lost: u32,
}

/// Why a block that was asked for was not mined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nobody would take it.
    NotNow(NotNow),
    /// Our own ledger refused it, for this reason.
    Invalid(String),
}

/// What the shell has to do.
#[derive(Debug, PartialEq)]
#[must_use]
pub enum Effect {
    /// Ask the ledger what to mine, and hand it in with [`Mining::template`].
    GetTemplate,
    /// Search this part of the nonces for the job's; whatever is searched for now is dropped.
    Search(JobId, Template, Part),
    /// Stop searching.
    Stop,
    /// Hand this block to the ledger, and its answer in with [`Mining::judged`].
    Submit(Block),
    /// Tell whoever asked.
    Answer(Request, Result<Success, Failure>),
    /// Tell the owner why nothing is searched for.
    Tell(NotNow),
}

/// A request, and the work done for it since it came to the front.
struct Waiting {
    request: Request,
    begun: Option<SteadyTime>,
    tries: u64,
    races_lost: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// The next search begins with the template that is on its way; the one before it may go on
    /// until then.
    Asking,
    /// A search is under way since then.
    Searching {
        since: SteadyTime,
    },
    /// A found block is being judged.
    Judging,
    /// Better news came; rests until then.
    Resting {
        until: SteadyTime,
    },
}

/// The machine.
pub struct Mining {
    mode: Mode,
    /// How far ahead of a clock a block may be, in milliseconds.
    max_ahead_ms: u64,
    state: State,
    open: usize,
    waiting: VecDeque<Waiting>,
    jobs: u64,
    /// What is searched for.
    search: Option<(JobId, Template)>,
    /// The header that was searched last, and which part of its nonces.
    last: Option<(Header, Part)>,
    template_asked: bool,
    /// The template that is on its way may stand on a tip that has moved.
    template_stale: bool,
    mined: u64,
    races_lost: u64,
    /// Why nothing can be mined, as it was told last; `None` since something could.
    told: Option<Discriminant<NotNow>>,
}

impl Mining {
    /// Idle, in the given mode, on a network whose blocks may be ahead of a clock by so much.
    pub fn new(mode: Mode, max_ahead_ms: u64) -> Self {
        Self {
            mode,
            max_ahead_ms,
            state: State::Idle,
            open: 0,
            waiting: VecDeque::new(),
            jobs: 0,
            search: None,
            last: None,
            template_asked: false,
            template_stale: false,
            mined: 0,
            races_lost: 0,
            told: None,
        }
    }

    /// Blocks of this node that the ledger took since it started.
    pub fn mined(&self) -> u64 {
        self.mined
    }

    /// Found blocks of this node whose place another had taken, since it started.
    pub fn races_lost(&self) -> u64 {
        self.races_lost
    }

    /// When it mines.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Has it mine at other times from now on.
    pub fn set_mode(&mut self, mode: Mode) -> Vec<Effect> {
        self.mode = mode;
        self.follow_wish()
    }

    /// Whether a search is under way.
    pub fn is_searching(&self) -> bool {
        self.search.is_some()
    }

    /// Whether there is nothing to mine, nor anything on its way.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    fn wants_block(&self) -> bool {
        !self.waiting.is_empty()
            || match self.mode {
                Mode::OnCommand => false,
                Mode::WhenPending => self.open > 0,
                Mode::Always => true,
            }
    }

    /// Begins, where the mode says so.
    pub fn start(&mut self) -> Vec<Effect> {
        self.go_on()
    }

    /// Somebody asks for a block. `None` if too many wait already.
    pub fn asked(&mut self, request: Request) -> Option<Vec<Effect>> {
        if self.waiting.len() >= MAX_WAITING {
            return None;
        }
        self.waiting.push_back(Waiting {
            request,
            begun: None,
            tries: 0,
            races_lost: 0,
        });
        Some(if self.state == State::Idle {
            self.go_on()
        } else {
            Vec::new()
        })
    }

    /// Whoever asked is gone.
    pub fn gave_up(&mut self, request: Request) -> Vec<Effect> {
        self.waiting.retain(|waiting| waiting.request != request);
        if self.wants_block() {
            Vec::new()
        } else {
            self.rest()
        }
    }

    fn go_on(&mut self) -> Vec<Effect> {
        if !self.wants_block() {
            return self.rest();
        }
        self.state = State::Asking;
        if self.template_asked {
            self.template_stale = true;
            return Vec::new();
        }
        self.template_asked = true;
        vec![Effect::GetTemplate]
    }

    fn rest(&mut self) -> Vec<Effect> {
        if self.state != State::Judging {
            self.state = State::Idle;
        }
        self.stop()
    }

    fn stop(&mut self) -> Vec<Effect> {
        self.search
            .take()
            .map(|_| Effect::Stop)
            .into_iter()
            .collect()
    }

    /// The ledger's template, and how our clock compares with those of others.
    pub fn template(&mut self, template: Template, now: Now, own: OwnClock) -> Vec<Effect> {
        self.template_asked = false;
        let stale = std::mem::take(&mut self.template_stale);
        if self.state != State::Asking {
            return Vec::new();
        }
        if stale {
            return self.go_on();
        }
        let stamp = template.header.timestamp;
        match timing(stamp, now.wall, own, self.max_ahead_ms) {
            Timing::Now => self.told = None,
            Timing::Soon => return self.pause(now.steady),
            Timing::Not(reason) => return self.refuse(reason, now.steady),
        }
        let now = now.steady;
        if let Some(first) = self.waiting.front_mut() {
            first.begun.get_or_insert(now);
        }
        let part = match self.last {
            Some((header, _)) if header == template.header && self.search.is_some() => {
                // Nothing is new: the search goes on where it is.
                self.state = State::Searching { since: now };
                return Vec::new();
            }
            Some((header, Part(last))) if header == template.header => last.checked_add(1),
            _ => Some(0),
        };
        let Some(part) = part.map(Part) else {
            // All its nonces were tried. The clock will give it another timestamp.
            return self.pause(now);
        };
        self.jobs += 1;
        let job = JobId(self.jobs);
        self.last = Some((template.header, part));
        self.search = Some((job, template.clone()));
        self.state = State::Searching { since: now };
        vec![Effect::Search(job, template, part)]
    }

    /// Searches for nothing for a moment.
    fn pause(&mut self, now: SteadyTime) -> Vec<Effect> {
        self.state = State::Resting {
            until: now.plus_ms(REST_MS),
        };
        self.stop()
    }

    /// Nobody would take what was found now: whoever asked is told, and the owner once. Where the mode wants
    /// blocks, it is looked again in a moment.
    fn refuse(&mut self, reason: NotNow, now: SteadyTime) -> Vec<Effect> {
        let failed =
            |waiting: Waiting| Effect::Answer(waiting.request, Err(Failure::NotNow(reason)));
        let mut effects: Vec<_> = self.waiting.drain(..).map(failed).collect();
        let kind = Some(discriminant(&reason));
        if self.told != kind {
            self.told = kind;
            effects.push(Effect::Tell(reason));
        }
        effects.extend(match self.wants_block() {
            true => self.pause(now),
            false => self.rest(),
        });
        effects
    }

    /// Nonces were tried.
    pub fn tried(&mut self, tries: u64) {
        if let Some(first) = self.waiting.front_mut() {
            first.tries = first.tries.saturating_add(tries);
        }
    }

    /// A nonce was found.
    pub fn found(&mut self, job: JobId, nonce: u64) -> Vec<Effect> {
        match self.search.take_if(|(current, _)| *current == job) {
            Some((_, template)) => {
                self.state = State::Judging;
                vec![Effect::Submit(template.solved(nonce))]
            }
            None => Vec::new(),
        }
    }

    /// All nonces of a thread's share were tried: a new template has a new timestamp, or is searched
    /// in its next part.
    pub fn exhausted(&mut self, job: JobId) -> Vec<Effect> {
        if self
            .search
            .as_ref()
            .is_none_or(|(current, _)| *current != job)
        {
            return Vec::new();
        }
        let mut effects = self.stop();
        if matches!(self.state, State::Searching { .. }) {
            effects.extend(self.go_on());
        }
        effects
    }

    /// The ledger's answer to our block.
    pub fn judged(
        &mut self,
        block: &Block,
        outcome: &BlockOutcome,
        now: SteadyTime,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.state = State::Idle;
        match outcome {
            BlockOutcome::Accepted => {
                self.mined += 1;
                if let Some(first) = self.waiting.pop_front() {
                    let success = Success {
                        id: block.id(),
                        height: block.header.height,
                        transactions: block.transactions.len(),
                        tries: first.tries,
                        elapsed_ms: now.since(first.begun.unwrap_or(now)),
                        races_lost: first.races_lost,
                    };
                    effects.push(Effect::Answer(first.request, Ok(success)));
                }
            }
            BlockOutcome::Fault(fault) => {
                if let Some(first) = self.waiting.pop_front() {
                    effects.push(Effect::Answer(
                        first.request,
                        Err(Failure::Invalid(fault.to_string())),
                    ));
                }
            }
            // The clock was set back while it was searched for: the next template is held against it.
            BlockOutcome::Held => {}
            _ => {
                self.races_lost += u64::from(*outcome == BlockOutcome::LostRace);
                if let Some(first) = self.waiting.front_mut() {
                    first.races_lost += 1;
                }
            }
        }
        effects.extend(self.go_on());
        effects
    }

    /// The tip moved: what is searched for is out of date.
    pub fn tip_moved(&mut self) -> Vec<Effect> {
        // Lost, too, where the news of the other block had stopped the search before.
        let raced = self.search.is_some() || matches!(self.state, State::Resting { .. });
        if raced && let Some(first) = self.waiting.front_mut() {
            first.races_lost += 1;
        }
        match self.state {
            State::Idle | State::Judging => Vec::new(),
            State::Asking | State::Searching { .. } | State::Resting { .. } => {
                let mut effects = self.stop();
                effects.extend(self.go_on());
                effects
            }
        }
    }

    /// A better block was found by another; its body is on its way.
    pub fn better_seen(&mut self, now: SteadyTime) -> Vec<Effect> {
        if matches!(self.state, State::Asking | State::Searching { .. }) {
            self.state = State::Resting {
                until: now.plus_ms(REST_MS),
            };
        }
        self.stop()
    }

    /// The number of open transactions changed.
    pub fn open_changed(&mut self, open: usize) -> Vec<Effect> {
        self.open = open;
        self.follow_wish()
    }

    /// Begins or ends, now that a block may be wanted or not.
    fn follow_wish(&mut self) -> Vec<Effect> {
        if self.state == State::Idle {
            self.go_on()
        } else if !self.wants_block() {
            self.rest()
        } else {
            Vec::new()
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: SteadyTime) -> Vec<Effect> {
        match self.state {
            State::Searching { since, .. } if now.since(since) >= REFRESH_MS => self.go_on(),
            State::Resting { until } if now >= until => self.go_on(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
