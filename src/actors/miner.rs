//! Miner: jobs, and what the search for their nonces comes to.

use super::TICK;
use super::search::{Order, Search};
use crate::chain::Height;
use crate::chain::ledger::BlockOutcome;
use crate::chain::template::Template;
use crate::clock::Clock;
use crate::keys::PublicKey;
use crate::messages::clocks::GetOwnClock;
use crate::messages::events::Event;
use crate::messages::ledger::{GetTemplate, SubmitMinedBlock};
use crate::messages::miner::{
    GetMinerStatus, MineBlock, MineError, Mined, MinerStatus, MiningComplete, OpenChanged,
    StopMining, TipMoved,
};
use crate::protocol::mining::{
    Effect, Failure, HashRate, JobId, MAX_WAITING, Mining, Part, Request, Success,
};
use crate::shell::Link;
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Recipient,
    ResponseFuture, StreamHandler, WrapFuture,
};
use futures_util::{future, stream};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Reports of threads that may wait: each thread sends one for each job.
const REPORTS: usize = 1024;

/// How many ticks apart it is told how fast the search is: two seconds.
const RATE_TICKS: u32 = 20;

/// What a miner needs of the node.
pub struct MinerParts {
    /// Whom rewards are for.
    pub reward_to: PublicKey,
    /// How many threads search.
    pub threads: u16,
    /// The threads.
    pub search: Box<dyn Search>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Makes templates.
    pub templates: Recipient<GetTemplate>,
    /// Takes blocks.
    pub blocks: Recipient<SubmitMinedBlock>,
    /// Knows how the clock compares with others.
    pub own_clock: Recipient<GetOwnClock>,
    /// Who follows what happens.
    pub events: Link<Event>,
}

/// What a thread has to say.
struct Report {
    job: JobId,
    /// The nonce, or `None` if there is none in its share.
    found: Option<u64>,
}

/// The shell around mining.
pub struct MinerActor {
    mining: Mining,
    parts: MinerParts,
    reports: (mpsc::Sender<Report>, Option<mpsc::Receiver<Report>>),
    /// As much of the search's effort as was told on.
    told: (u64, Duration),
    rate: HashRate,
    /// The height for which whoever follows was told that a search has begun.
    begun: Option<Height>,
    /// How often time has passed since the rate was told.
    ticks: u32,
    requests: u64,
    askers: BTreeMap<Request, oneshot::Sender<Result<Mined, MineError>>>,
}

impl MinerActor {
    /// Around a machine.
    pub fn new(mining: Mining, parts: MinerParts) -> Self {
        let (sender, receiver) = mpsc::channel(REPORTS);
        let rate = HashRate::new(parts.threads);
        Self {
            mining,
            parts,
            reports: (sender, Some(receiver)),
            told: (0, Duration::ZERO),
            rate,
            begun: None,
            ticks: 0,
            requests: 0,
            askers: BTreeMap::new(),
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::GetTemplate => self.get_template(ctx),
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
                    let submitted = self.parts.blocks.send(SubmitMinedBlock(block.clone()));
                    ctx.spawn(submitted.into_actor(self).map(move |outcome, actor, ctx| {
                        // An error means that the node is stopping.
                        if let Ok(outcome) = outcome {
                            if outcome == BlockOutcome::LostRace {
                                actor.parts.events.send(Event::RaceLost { height });
                            }
                            let now = actor.parts.clock.steady();
                            let effects = actor.mining.judged(&block, &outcome, now);
                            actor.carry_out(effects, ctx);
                        }
                    }));
                }
                Effect::Answer(request, result) => self.answer(request, result),
                Effect::Tell(reason) => tracing::warn!(%reason, "no block can be mined now"),
            }
        }
        if self.mining.is_idle() && self.begun.take().is_some() {
            self.parts.events.send(Event::MiningEnded);
        }
    }

    fn get_template(&mut self, ctx: &mut Context<Self>) {
        let template = self.parts.templates.send(GetTemplate {
            reward_to: self.parts.reward_to,
        });
        let own_clock = self.parts.own_clock.send(GetOwnClock);
        let asked = future::join(template, own_clock);
        ctx.spawn(asked.into_actor(self).map(|answers, actor, ctx| {
            // A ledger that fails ends the node by itself.
            if let (Ok(Ok(template)), Ok(own_clock)) = answers {
                let now = actor.parts.clock.now();
                let effects = actor.mining.template(template, now, own_clock);
                actor.carry_out(effects, ctx);
            }
        }));
    }

    fn search(&mut self, job: JobId, template: &Template, part: Part) {
        let Ok(target) = template.header.target.expand() else {
            return self.parts.search.stop();
        };
        let reports = self.reports.0.clone();
        self.parts.search.begin(Order {
            header: template.header.to_bytes(),
            target: target.to_be_bytes(),
            part,
            done: Arc::new(move |found| {
                // Full or closed: the actor is behind or gone; a job that hears nothing is made anew.
                let _ = reports.try_send(Report { job, found });
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

    fn tick(&mut self, ctx: &mut Context<Self>) {
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
            .filter(|(_, a)| a.is_closed())
            .map(|(r, _)| *r)
            .collect();
        for request in gone {
            self.askers.remove(&request);
            let effects = self.mining.gave_up(request);
            self.carry_out(effects, ctx);
        }
        let effects = self.mining.tick(self.parts.clock.steady());
        self.carry_out(effects, ctx);
    }
}

impl Actor for MinerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(mut reports) = self.reports.1.take() {
            ctx.add_stream(stream::poll_fn(move |cx| reports.poll_recv(cx)));
        }
        ctx.run_interval(TICK, Self::tick);
        let effects = self.mining.start();
        self.carry_out(effects, ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.parts.search.stop();
    }
}

impl StreamHandler<Report> for MinerActor {
    fn handle(&mut self, report: Report, ctx: &mut Self::Context) {
        // So that what is answered counts the last tries, too.
        self.count_tries();
        let effects = match report.found {
            Some(nonce) => self.mining.found(report.job, nonce),
            None => self.mining.exhausted(report.job),
        };
        self.carry_out(effects, ctx);
    }
}

impl Handler<MineBlock> for MinerActor {
    type Result = ResponseFuture<Result<Mined, MineError>>;

    fn handle(&mut self, _: MineBlock, ctx: &mut Self::Context) -> Self::Result {
        self.requests += 1;
        let request = Request(self.requests);
        let Some(effects) = self.mining.asked(request) else {
            return Box::pin(std::future::ready(Err(MineError::TooManyWaiting(
                MAX_WAITING,
            ))));
        };
        let (asker, answer) = oneshot::channel();
        self.askers.insert(request, asker);
        self.carry_out(effects, ctx);
        Box::pin(async move { answer.await.unwrap_or(Err(MineError::Stopping)) })
    }
}

impl Handler<TipMoved> for MinerActor {
    type Result = ();

    fn handle(&mut self, _: TipMoved, ctx: &mut Self::Context) {
        let effects = self.mining.tip_moved();
        self.carry_out(effects, ctx);
    }
}

impl Handler<OpenChanged> for MinerActor {
    type Result = ();

    fn handle(&mut self, message: OpenChanged, ctx: &mut Self::Context) {
        let effects = self.mining.open_changed(message.open);
        self.carry_out(effects, ctx);
    }
}

impl Handler<MiningComplete> for MinerActor {
    type Result = ();

    fn handle(&mut self, message: MiningComplete, ctx: &mut Self::Context) {
        if self.mining.is_searching() {
            tracing::debug!(height = message.0.height.0, block = %message.0.id(), "another found a block: the search rests");
        }
        let effects = self.mining.better_seen(self.parts.clock.steady());
        self.carry_out(effects, ctx);
    }
}

impl Handler<GetMinerStatus> for MinerActor {
    type Result = MessageResult<GetMinerStatus>;

    fn handle(&mut self, _: GetMinerStatus, _: &mut Self::Context) -> Self::Result {
        MessageResult(MinerStatus {
            running: self.mining.is_searching(),
            hashes_per_second: self.rate.per_second(),
            blocks_mined: self.mining.mined(),
        })
    }
}

impl Handler<StopMining> for MinerActor {
    type Result = ();

    fn handle(&mut self, _: StopMining, ctx: &mut Self::Context) {
        self.parts.search.stop();
        self.askers.clear();
        actix::ActorContext::stop(ctx);
    }
}
