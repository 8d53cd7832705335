//! Miner: jobs, and the threads that search for their nonces.

use super::TICK;
use crate::chain::Header;
use crate::chain::template::Template;
use crate::clock::Clock;
use crate::keys::PublicKey;
use crate::messages::ledger::{GetTemplate, SubmitMinedBlock};
use crate::messages::miner::{
    GetMinerStatus, MineBlock, MineError, Mined, MinerStatus, MiningComplete, OpenChanged,
    StopMining, TipMoved,
};
use crate::pow::{PowEngine, Scan};
use crate::protocol::mining::{
    Effect, HashRate, JobId, MAX_WAITING, Mining, Part, Request, Success,
};
use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Recipient,
    ResponseFuture, StreamHandler, WrapFuture,
};
use futures_util::stream;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc as orders;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How nice the searching threads are to others: the node answers even on one core.
const NICENESS: i32 = 15;
/// Indices that a thread scans before it adds up its tries: some ten milliseconds.
const SLICE: u64 = 1 << 20;
/// Reports of threads that may wait: each thread sends one for each job.
const REPORTS: usize = 1024;

/// What a miner needs of the node.
pub struct MinerParts {
    /// Whom rewards are for.
    pub reward_to: PublicKey,
    /// How many threads search.
    pub threads: u16,
    /// What they search with.
    pub engine: Arc<dyn PowEngine>,
    /// Says what time it is.
    pub clock: Arc<dyn Clock>,
    /// Makes templates.
    pub templates: Recipient<GetTemplate>,
    /// Takes blocks.
    pub blocks: Recipient<SubmitMinedBlock>,
}

/// One thread's share of a job.
struct Order {
    job: JobId,
    header: [u8; Header::LEN],
    target: [u8; 32],
    indices: std::ops::Range<u64>,
    stop: Arc<AtomicBool>,
}

/// What a thread has to say.
struct Report {
    job: JobId,
    /// The nonce, or `None` if there is none in its share.
    found: Option<u64>,
}

/// What all threads did together.
#[derive(Default)]
struct Progress {
    tries: AtomicU64,
    /// Nanoseconds they were at it.
    busy: AtomicU64,
}

impl Progress {
    fn now(&self) -> (u64, Duration) {
        let busy = Duration::from_nanos(self.busy.load(Ordering::Relaxed));
        (self.tries.load(Ordering::Relaxed), busy)
    }
}

/// The shell around mining.
pub struct MinerActor {
    mining: Mining,
    parts: MinerParts,
    workers: Vec<orders::Sender<Order>>,
    reports: (mpsc::Sender<Report>, Option<mpsc::Receiver<Report>>),
    stop: Arc<AtomicBool>,
    progress: Arc<Progress>,
    /// As much of it as was told on.
    told: (u64, Duration),
    rate: HashRate,
    requests: u64,
    askers: HashMap<Request, oneshot::Sender<Result<Mined, MineError>>>,
}

impl MinerActor {
    /// Around a machine.
    pub fn new(mining: Mining, parts: MinerParts) -> Self {
        let (sender, receiver) = mpsc::channel(REPORTS);
        let rate = HashRate::new(parts.threads);
        Self {
            mining,
            parts,
            workers: Vec::new(),
            reports: (sender, Some(receiver)),
            stop: Arc::new(AtomicBool::new(true)),
            progress: Arc::default(),
            told: (0, Duration::ZERO),
            rate,
            requests: 0,
            askers: HashMap::new(),
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::GetTemplate => self.get_template(ctx),
                Effect::Search(job, template, part) => self.search(job, &template, part),
                Effect::Stop => self.stop.store(true, Ordering::Relaxed),
                Effect::Submit(block) => {
                    self.stop.store(true, Ordering::Relaxed);
                    let submitted = self.parts.blocks.send(SubmitMinedBlock(block.clone()));
                    ctx.spawn(submitted.into_actor(self).map(move |outcome, actor, ctx| {
                        // An error means that the node is stopping.
                        if let Ok(outcome) = outcome {
                            let now = actor.parts.clock.now();
                            let effects = actor.mining.judged(&block, &outcome, now);
                            actor.carry_out(effects, ctx);
                        }
                    }));
                }
                Effect::Answer(request, result) => self.answer(request, result),
            }
        }
    }

    fn get_template(&mut self, ctx: &mut Context<Self>) {
        let asked = self.parts.templates.send(GetTemplate {
            reward_to: self.parts.reward_to,
        });
        ctx.spawn(asked.into_actor(self).map(|template, actor, ctx| {
            // A ledger that fails ends the node by itself.
            if let Ok(Ok(template)) = template {
                let effects = actor.mining.template(template, actor.parts.clock.now());
                actor.carry_out(effects, ctx);
            }
        }));
    }

    fn search(&mut self, job: JobId, template: &Template, part: Part) {
        self.stop.store(true, Ordering::Relaxed);
        self.stop = Arc::new(AtomicBool::new(false));
        let Ok(target) = template.header.target.expand() else {
            return;
        };
        for (worker, n) in self.workers.iter().zip(0..) {
            let order = Order {
                job,
                header: template.header.to_bytes(),
                target: target.to_be_bytes(),
                indices: part.share(n, self.parts.threads),
                stop: self.stop.clone(),
            };
            // A thread ends only with this actor.
            let _ = worker.send(order);
        }
    }

    fn answer(&mut self, request: Request, result: Result<Success, String>) {
        let Some(asker) = self.askers.remove(&request) else {
            return;
        };
        let answer = result.map_err(MineError::Invalid).map(|success| Mined {
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
        let (tries, busy) = self.progress.now();
        let more = tries - self.told.0;
        self.mining.tried(more);
        self.rate.observe(more, busy.saturating_sub(self.told.1));
        self.told = (tries, busy);
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.count_tries();
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
        let effects = self.mining.tick(self.parts.clock.now());
        self.carry_out(effects, ctx);
    }
}

/// One searching thread: takes the latest order, searches until it is found, exhausted or stopped.
fn work(
    engine: &dyn PowEngine,
    orders: &orders::Receiver<Order>,
    reports: &mpsc::Sender<Report>,
    progress: &Progress,
) {
    // Where it is not allowed, threads compete as equals.
    let _ = rustix::process::setpriority_process(None, NICENESS);
    while let Ok(mut order) = orders.recv() {
        while let Ok(later) = orders.try_recv() {
            order = later;
        }
        let mut at = order.indices.start;
        let found = loop {
            if at >= order.indices.end {
                break Some(None);
            }
            let end = order.indices.end.min(at.saturating_add(SLICE));
            let begun = Instant::now();
            let scan = engine.scan(&order.header, &order.target, at..end, &order.stop);
            let busy = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            progress.busy.fetch_add(busy, Ordering::Relaxed);
            progress.tries.fetch_add(scan.tries(), Ordering::Relaxed);
            match scan {
                Scan::Found { nonce, .. } => break Some(Some(nonce)),
                Scan::Exhausted { .. } => at = end,
                Scan::Stopped { .. } => break None,
            }
        };
        if let Some(found) = found {
            // Full or closed: the actor is behind or gone; a job that hears nothing is made anew.
            let _ = reports.try_send(Report {
                job: order.job,
                found,
            });
        }
    }
}

impl Actor for MinerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(mut reports) = self.reports.1.take() {
            ctx.add_stream(stream::poll_fn(move |cx| reports.poll_recv(cx)));
        }
        for n in 0..self.parts.threads {
            let (sender, receiver) = orders::channel();
            let engine = self.parts.engine.clone();
            let (reports, progress) = (self.reports.0.clone(), self.progress.clone());
            let named = std::thread::Builder::new().name(format!("miner-{n}"));
            let spawned = named.spawn(move || work(&*engine, &receiver, &reports, &progress));
            match spawned {
                Ok(_) => self.workers.push(sender),
                Err(error) => tracing::error!(%error, "a mining thread could not be started"),
            }
        }
        ctx.run_interval(TICK, Self::tick);
        let effects = self.mining.start();
        self.carry_out(effects, ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.stop.store(true, Ordering::Relaxed);
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
        let effects = self.mining.better_seen(self.parts.clock.now());
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
        self.stop.store(true, Ordering::Relaxed);
        self.askers.clear();
        actix::ActorContext::stop(ctx);
    }
}
