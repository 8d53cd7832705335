//! Miner: jobs, what the search for their nonces comes to, and who waits for a block.

#[cfg(test)]
mod tests;

use super::{Answered, Ask, Link};
use crate::chain::ledger::BlockOutcome;
use crate::chain::template::Template;
use crate::chain::{Block, Header, Height, Internal};
use crate::clock::Clock;
use crate::keys::PublicKey;
use crate::messages::clocks::GetOwnClock;
use crate::messages::events::Event;
use crate::messages::ledger::{GetTemplate, SubmitMinedBlock};
use crate::messages::miner::{
    GetMinerStatus, MineBlock, MineError, Mined, MinerStatus, MiningComplete, OpenChanged,
    SearchEnded, SetMiningMode, StopMining, TipMoved,
};
use crate::protocol::clocks::OwnClock;
use crate::protocol::mining::{
    Effect, Failure, HashRate, JobId, MAX_WAITING, Mining, Part, Request, Success,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many ticks apart it is told how fast the search is: two seconds.
const RATE_TICKS: u32 = 20;

/// Takes what a search came to: a nonce, or `None` where a share of the nonces holds none. Called from
/// any thread.
pub type SearchDone = Arc<dyn Fn(Option<u64>) + Send + Sync>;

/// What to search for.
pub struct Order {
    /// The header, whose nonce does not matter.
    pub header: [u8; Header::LEN],
    /// The greatest id that counts, big-endian.
    pub target: [u8; 32],
    /// Which of its nonces to try.
    pub part: Part,
    /// Whom to tell.
    pub done: SearchDone,
}

/// Searches for nonces, for one thing at a time.
pub trait Search: Send {
    /// Begins to search for this, and no longer for what came before. Of the former a report may still
    /// be under way.
    fn begin(&mut self, order: Order);

    /// Ends the search.
    fn stop(&mut self);

    /// Nonces tried so far, and how long all who searched were at it together.
    fn effort(&self) -> (u64, Duration);
}

/// What a miner needs of the node.
pub struct MinerParts {
    /// Whom rewards are for.
    pub reward_to: PublicKey,
    /// How many threads search.
    pub threads: u16,
    /// The threads.
    pub search: Box<dyn Search>,
    /// Takes what they found, until it is handed to the shell.
    pub ended: mpsc::Sender<SearchEnded>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Knows how the clock compares with others.
    pub own_clock: Link<Ask<(), GetOwnClock>>,
    /// Makes templates; the token is what the clocks came to.
    pub templates: Link<Ask<OwnClock, GetTemplate>>,
    /// Takes blocks; the token is the block again.
    pub blocks: Link<Ask<Block, SubmitMinedBlock>>,
    /// Who follows what happens.
    pub events: Link<Event>,
}

type Asked = Result<Mined, MineError>;

/// The shell around mining.
pub struct MinerShell {
    mining: Mining,
    parts: MinerParts,
    /// As much of the search's effort as was told on.
    told: (u64, Duration),
    rate: HashRate,
    /// The height for which whoever follows was told that a search has begun.
    begun: Option<Height>,
    /// How often time has passed since the rate was told.
    ticks: u32,
    requests: u64,
    askers: BTreeMap<Request, oneshot::Sender<Asked>>,
    /// The node is stopping: whatever comes, nothing is searched for any more.
    stopping: bool,
}

impl MinerShell {
    /// Around a machine, which begins where its mode says so.
    pub fn new(mining: Mining, parts: MinerParts) -> Self {
        let rate = HashRate::new(parts.threads);
        let mut shell = Self {
            mining,
            parts,
            told: (0, Duration::ZERO),
            rate,
            begun: None,
            ticks: 0,
            requests: 0,
            askers: BTreeMap::new(),
            stopping: false,
        };
        let effects = shell.mining.start();
        shell.carry_out(effects);
        shell
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        if self.stopping {
            return;
        }
        for effect in effects {
            match effect {
                // The clocks first: a template is for the moment in which it is made.
                Effect::GetTemplate => self.parts.own_clock.send(Ask {
                    token: (),
                    question: GetOwnClock,
                }),
                Effect::Search(job, template, part) => {
                    let height = template.header.height;
                    if self.begun.replace(height) != Some(height) {
                        self.parts.events.send(Event::MiningBegun { height });
                    }
                    self.search(job, &template, part);
                }
                Effect::Stop => self.parts.search.stop(),
                Effect::Submit(block) => {
                    self.parts.search.stop();
                    let (height, id) = (block.header.height, block.id());
                    self.parts.events.send(Event::BlockFound { height, id });
                    self.parts.blocks.send(Ask {
                        token: block.clone(),
                        question: SubmitMinedBlock(block),
                    });
                }
                Effect::Answer(request, result) => self.answer(request, result),
                Effect::Tell(reason) => tracing::warn!(%reason, "no block can be mined now"),
            }
        }
        if self.mining.is_idle() && self.begun.take().is_some() {
            self.parts.events.send(Event::MiningEnded);
        }
    }

    fn search(&mut self, job: JobId, template: &Template, part: Part) {
        let Ok(target) = template.header.target.expand() else {
            return self.parts.search.stop();
        };
        let ended = self.parts.ended.clone();
        self.parts.search.begin(Order {
            header: template.header.to_bytes(),
            target: target.to_be_bytes(),
            part,
            done: Arc::new(move |found| {
                // Full or closed: the miner is behind or gone; a job that hears nothing is made anew.
                let _ = ended.try_send(SearchEnded { job, found });
            }),
        });
    }

    fn answer(&mut self, request: Request, result: Result<Success, Failure>) {
        let Some(asker) = self.askers.remove(&request) else {
            return;
        };
        let answer = result.map_err(MineError::from).map(|success| Mined {
            id: success.id,
            height: success.height,
            transactions: success.transactions,
            tries: success.tries,
            elapsed_ms: success.elapsed_ms,
            races_lost: success.races_lost,
        });
        if let Ok(mined) = &answer {
            tracing::info!(height = mined.height.0, block = %mined.id, tries = mined.tries, elapsed_ms = mined.elapsed_ms, "block mined");
        }
        // Whoever asked may have gone meanwhile.
        let _ = asker.send(answer);
    }

    fn count_tries(&mut self) {
        let (tries, busy) = self.parts.search.effort();
        let more = tries - self.told.0;
        self.mining.tried(more);
        self.rate.observe(more, busy.saturating_sub(self.told.1));
        self.told = (tries, busy);
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.parts.own_clock.flush();
        self.parts.templates.flush();
        self.parts.blocks.flush();
        self.count_tries();
        self.ticks += 1;
        if self.ticks >= RATE_TICKS {
            self.ticks = 0;
            if self.mining.is_searching() {
                let hashes_per_second = self.rate.per_second();
                let rate = Event::MiningRate { hashes_per_second };
                self.parts.events.send(rate);
            }
        }
        let gone: Vec<_> = self
            .askers
            .iter()
            .filter(|(_, asker)| asker.is_closed())
            .map(|(request, _)| *request)
            .collect();
        for request in gone {
            self.askers.remove(&request);
            let effects = self.mining.gave_up(request);
            self.carry_out(effects);
        }
        let effects = self.mining.tick(self.parts.clock.steady());
        self.carry_out(effects);
    }

    /// How the clock compares with others: now the template.
    pub fn own_clock(&mut self, message: Answered<(), OwnClock>) {
        let reward_to = self.parts.reward_to;
        self.parts.templates.send(Ask {
            token: message.answer,
            question: GetTemplate { reward_to },
        });
    }

    /// The ledger's template. One that failed ends the node by itself.
    pub fn template(&mut self, message: Answered<OwnClock, Result<Template, Internal>>) {
        if let Ok(template) = message.answer {
            let now = self.parts.clock.now();
            let effects = self.mining.template(template, now, message.token);
            self.carry_out(effects);
        }
    }

    /// The ledger has judged a block that was found.
    pub fn judged(&mut self, message: Answered<Block, BlockOutcome>) {
        let Answered { token, answer } = message;
        if answer == BlockOutcome::LostRace {
            let height = token.header.height;
            self.parts.events.send(Event::RaceLost { height });
        }
        let now = self.parts.clock.steady();
        let effects = self.mining.judged(&token, &answer, now);
        self.carry_out(effects);
    }

    /// A thread has found something, or tried everything.
    pub fn search_ended(&mut self, message: SearchEnded) {
        // So that what is answered counts the last tries, too.
        self.count_tries();
        let effects = match message.found {
            Some(nonce) => self.mining.found(message.job, nonce),
            None => self.mining.exhausted(message.job),
        };
        self.carry_out(effects);
    }

    /// The owner wants a block. Answered when it is promised.
    pub fn mine(&mut self, _: MineBlock) -> impl Future<Output = Asked> + Send + use<> {
        let (asker, answer) = oneshot::channel();
        self.requests += 1;
        let request = Request(self.requests);
        let asked = (!self.stopping).then(|| self.mining.asked(request));
        match asked {
            // Without an asker it is answered that the node is stopping.
            None => drop(asker),
            Some(Some(effects)) => {
                self.askers.insert(request, asker);
                self.carry_out(effects);
            }
            Some(None) => drop(asker.send(Err(MineError::TooManyWaiting(MAX_WAITING)))),
        }
        async move { answer.await.unwrap_or(Err(MineError::Stopping)) }
    }

    /// What is searched for is out of date.
    pub fn tip_moved(&mut self, _: TipMoved) {
        let effects = self.mining.tip_moved();
        self.carry_out(effects);
    }

    /// So many transactions are open.
    pub fn open_changed(&mut self, message: OpenChanged) {
        let effects = self.mining.open_changed(message.open);
        self.carry_out(effects);
    }

    /// Somebody else found a block, whose body is on its way.
    pub fn better_seen(&mut self, message: MiningComplete) {
        if self.mining.is_searching() {
            tracing::debug!(height = message.0.height.0, block = %message.0.id(), "another found a block: the search rests");
        }
        let effects = self.mining.better_seen(self.parts.clock.steady());
        self.carry_out(effects);
    }

    /// How mining is going.
    pub fn status(&mut self, _: GetMinerStatus) -> MinerStatus {
        MinerStatus {
            running: self.mining.is_searching(),
            hashes_per_second: self.rate.per_second(),
            blocks_mined: self.mining.mined(),
            races_lost: self.mining.races_lost(),
            mode: self.mining.mode(),
        }
    }

    /// The owner wants blocks at other times.
    pub fn set_mode(&mut self, message: SetMiningMode) -> MinerStatus {
        let effects = self.mining.set_mode(message.0);
        self.carry_out(effects);
        self.status(GetMinerStatus)
    }

    /// The node is stopping: the search ends for good, and who waits for a block hears it.
    pub fn stop(&mut self, _: StopMining) {
        self.stopping = true;
        self.parts.search.stop();
        self.askers.clear();
    }
}

impl Drop for MinerShell {
    fn drop(&mut self) {
        self.parts.search.stop();
    }
}
