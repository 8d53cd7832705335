//! How soon the search stops on the news of a better block: the miner as it runs in a node, with
//! somebody who makes it templates and nobody to take its blocks. `cargo bench --bench news`.

use actix::{Actor, AsyncContext, Context, Handler, MessageResult};
use raclette::actors::{MinerActor, ThreadSearch, asking, search_reports};
use raclette::chain::ledger::BlockOutcome;
use raclette::chain::target::Target;
use raclette::chain::template::Template;
use raclette::chain::{Header, Internal};
use raclette::clock::SystemClock;
use raclette::keys::PublicKey;
use raclette::messages::clocks::GetOwnClock;
use raclette::messages::events::Event;
use raclette::messages::ledger::{GetTemplate, SubmitMinedBlock};
use raclette::messages::miner::{MiningComplete, StopMining, TipMoved};
use raclette::pow::{HEADER_LEN, NativeEngine, PowEngine, Scan};
use raclette::protocol::clocks::OwnClock;
use raclette::protocol::mining::{Mining, Mode};
use raclette::shell::{Link, MinerParts, MinerShell, Port};
use std::collections::HashSet;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Times that the search is stopped.
const ROUNDS: usize = 1_000;
/// The news comes at different points of a search: so many different ones, so far apart.
const PHASES: u32 = 16;
const PHASE: Duration = Duration::from_micros(170);

fn main() {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u16);
    println!("From the news of a better block to the stop of the last searching thread, in ms");
    println!("{:<16}{:>10}{:>10}{:>10}", "threads", "p50", "p99", "most");
    for threads in [1, cores] {
        let mut latencies = actix::System::new().block_on(stop_often(threads));
        latencies.sort();
        let percentile = |of_100: usize| latencies[(ROUNDS - 1) * of_100 / 100].as_secs_f64() * 1e3;
        println!(
            "{threads:<16}{:>10.2}{:>10.2}{:>10.2}",
            percentile(50),
            percentile(99),
            percentile(100)
        );
    }
}

/// Follows nothing that happens.
struct Nobody;

impl Port<Event> for Nobody {
    fn offer(&mut self, _: Event) -> Result<(), Event> {
        Ok(())
    }
}

/// The time of each round.
async fn stop_often(threads: u16) -> Vec<Duration> {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let ledger = NoLedger.start();
    let context = Context::<MinerActor>::new();
    let own = context.address();
    let (ended, reports) = search_reports();
    let parts = MinerParts {
        reward_to: PublicKey([0; 32]),
        threads,
        search: Box::new(ThreadSearch::new(Arc::new(Watched(sender)), threads)),
        clock: Arc::new(SystemClock),
        ended,
        own_clock: asking(ledger.clone().recipient(), &own),
        templates: asking(ledger.clone().recipient(), &own),
        blocks: asking(ledger.recipient(), &own),
        events: Link::to(Nobody, 0),
    };
    let shell = MinerShell::new(Mining::new(Mode::Always, u64::MAX), parts);
    let miner = context.run(MinerActor::new(shell, reports));
    let mut latencies = Vec::with_capacity(ROUNDS);
    for phase in (0..PHASES).cycle().take(ROUNDS) {
        let mut searching = HashSet::new();
        while searching.len() < usize::from(threads) {
            if let Seen::Begun(thread) = seen.recv().await.expect("the miner runs") {
                searching.insert(thread);
            }
        }
        tokio::time::sleep(phase * PHASE).await;
        let news = Instant::now();
        let told = miner.send(MiningComplete(hard_header())).await;
        told.expect("the miner runs");
        while !searching.is_empty() {
            if let Seen::Stopped(thread, at) = seen.recv().await.expect("the miner runs") {
                searching.remove(&thread);
                if searching.is_empty() {
                    latencies.push(at.saturating_duration_since(news));
                }
            }
        }
        miner.send(TipMoved).await.expect("the miner runs");
    }
    miner.send(StopMining).await.expect("the miner runs");
    latencies
}

/// What a searching thread did.
enum Seen {
    Begun(ThreadId),
    Stopped(ThreadId, Instant),
}

/// The engine of this machine, watched.
struct Watched(mpsc::UnboundedSender<Seen>);

impl PowEngine for Watched {
    fn scan(
        &self,
        header: &[u8; HEADER_LEN],
        target: &[u8; 32],
        nonces: Range<u64>,
        stop: &AtomicBool,
    ) -> Scan {
        let thread = std::thread::current().id();
        // Nobody listens any more at the end of the measurement.
        let _ = self.0.send(Seen::Begun(thread));
        let scan = NativeEngine::new().scan(header, target, nonces, stop);
        if matches!(scan, Scan::Stopped { .. }) {
            let _ = self.0.send(Seen::Stopped(thread, Instant::now()));
        }
        scan
    }
}

/// Makes templates that nobody can solve.
struct NoLedger;

impl Actor for NoLedger {
    type Context = Context<Self>;
}

impl Handler<GetOwnClock> for NoLedger {
    type Result = MessageResult<GetOwnClock>;

    fn handle(&mut self, _: GetOwnClock, _: &mut Self::Context) -> Self::Result {
        MessageResult(OwnClock::UNKNOWN)
    }
}

impl Handler<GetTemplate> for NoLedger {
    type Result = Result<Template, Internal>;

    fn handle(&mut self, _: GetTemplate, _: &mut Self::Context) -> Self::Result {
        Ok(Template {
            header: hard_header(),
            transactions: Vec::new(),
        })
    }
}

impl Handler<SubmitMinedBlock> for NoLedger {
    type Result = MessageResult<SubmitMinedBlock>;

    fn handle(&mut self, _: SubmitMinedBlock, _: &mut Self::Context) -> Self::Result {
        MessageResult(BlockOutcome::LostRace)
    }
}

/// A header whose nonce takes thousands of years to find.
fn hard_header() -> Header {
    Header {
        target: Target::from_expected_hashes(NonZeroU64::MAX).to_compact(),
        ..Header::from_bytes(&[0; Header::LEN])
    }
}
