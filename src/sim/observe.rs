//! A network lived through for its figures, not judged.

use super::load::Promise;
use super::network::Network;
use super::plan::{Plan, TRACKER};
use super::search::mean_tries;
use super::trace::current_host;
use super::world::World;
use crate::chain::{BlockId, Height, StateView, TransactionId};
use crate::store::chain_rows::ChainRows;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// How often it is told how far it is, in simulated time.
const TOLD_EVERY_MS: u64 = 1_000;
/// Blocks by which a peer may be behind at the end and still agree: one may be on its way.
const BEHIND: usize = 1;

/// A block that joined the chain of a host.
#[derive(Debug, Clone, Copy)]
pub struct Connected {
    /// Number of the host in the plan, from 0.
    pub host: usize,
    /// When, in simulated milliseconds.
    pub at_ms: u64,
    /// Id of the block.
    pub block: BlockId,
}

/// What was seen.
pub struct Observed {
    /// Blocks as they joined chains, in their order.
    pub connected: Vec<Connected>,
    /// The chain at the end, of the peer that has the most work.
    pub chain: Vec<BlockId>,
    /// Transactions of the blocks of that chain.
    pub transactions: Vec<(BlockId, Vec<TransactionId>)>,
    /// Mean tries of every block that was seen.
    pub work: BTreeMap<BlockId, f64>,
    /// Payments that became open.
    pub payments: Vec<Promise>,
    /// Bytes that each peer has sent.
    pub sent: Vec<u64>,
    /// Whether every peer is on that chain, but for the last block.
    pub agrees: bool,
}

/// Carries out a plan, and on until `until_ms`.
pub fn observe(plan: &Plan, until_ms: u64, tell: &mut dyn FnMut(u64)) -> Observed {
    let runtime = super::world::runtime();
    let _panics = super::panics::Caught::new();
    LocalSet::new().block_on(&runtime, async {
        let mut world = World::new(plan);
        let blocks = Blocks::new(world.around.begun);
        let seen = blocks.0.clone();
        let _logged = tracing::subscriber::set_default(tracing_subscriber::registry().with(blocks));
        let mut told = 0;
        for (at_ms, step) in plan.steps() {
            if at_ms > until_ms {
                break;
            }
            while told < at_ms {
                world.wait_until(told).await;
                tell(told);
                told += TOLD_EVERY_MS;
            }
            world.wait_until(at_ms).await;
            world.take(step).await;
        }
        while told < until_ms {
            world.wait_until(told).await;
            tell(told);
            told += TOLD_EVERY_MS;
        }
        world.wait_until(until_ms).await;
        tell(until_ms);
        let connected = std::mem::take(&mut seen.lock().unwrap_or_else(PoisonError::into_inner).1);
        let observed = look_back(&world, connected);
        world.end().await;
        observed
    })
}

fn look_back(world: &World, connected: Vec<Connected>) -> Observed {
    let rows = |host: usize| ChainRows(&**world.hosts[host].disk());
    let mut work = BTreeMap::new();
    for seen in &connected {
        if let Ok(Some(entry)) = rows(seen.host).header(&seen.block)
            && let Ok(target) = entry.header.target.expand()
        {
            work.insert(seen.block, mean_tries(&target.to_be_bytes()));
        }
    }
    let chains: Vec<_> = (1..world.hosts.len())
        .map(|host| chain(&rows(host)))
        .collect();
    let most = |ids: &Vec<BlockId>| ids.iter().filter_map(|id| work.get(id)).sum::<f64>();
    let longest = (0..chains.len())
        .max_by(|one, other| most(&chains[*one]).total_cmp(&most(&chains[*other])));
    let longest = longest.unwrap_or(0);
    let chain = chains[longest].clone();
    let is_on_it = |ids: &Vec<BlockId>| {
        let known = ids.len().saturating_sub(BEHIND);
        chain.len() <= ids.len() + BEHIND && ids[..known] == chain[..known.min(chain.len())]
    };
    let disk = rows(1 + longest);
    let transactions_of = |id: &BlockId| {
        let block = disk.block(id).ok().flatten()?;
        Some((*id, block.transactions.iter().map(|t| t.id()).collect()))
    };
    let network: &Network = &world.around.network;
    Observed {
        transactions: chain.iter().filter_map(transactions_of).collect(),
        agrees: chains.iter().all(is_on_it),
        connected,
        work,
        payments: world.promised(),
        sent: (TRACKER + 1..world.hosts.len())
            .map(|host| network.sent(host))
            .collect(),
        chain,
    }
}

/// Ids of the connected blocks, genesis apart.
fn chain(rows: &ChainRows<'_>) -> Vec<BlockId> {
    let heights = (1..).map(|height| rows.active(Height(height)));
    heights.map_while(|id| id.ok().flatten()).collect()
}

/// Hears of the blocks that ledgers connect.
struct Blocks(Arc<Mutex<(Instant, Vec<Connected>)>>);

impl Blocks {
    fn new(begun: Instant) -> Self {
        Self(Arc::new(Mutex::new((begun, Vec::new()))))
    }
}

impl<S: Subscriber> Layer<S> for Blocks {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= Level::DEBUG
            && metadata.target().starts_with("raclette::shell::ledger")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let (Some(host), Some(block)) = (current_host(), said.block.filter(|_| said.connected))
        else {
            return;
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at_ms = Duration::as_millis(&seen.0.elapsed()) as u64;
        seen.1.push(Connected { host, at_ms, block });
    }
}

/// What an event says of a block.
#[derive(Default)]
struct Said {
    connected: bool,
    block: Option<BlockId>,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.connected = format!("{value:?}") == "block connected",
            "block" => self.block = from_hex(&format!("{value:?}")),
            _ => {}
        }
    }
}

fn from_hex(text: &str) -> Option<BlockId> {
    let mut id = [0; 32];
    if text.len() != 2 * id.len() || !text.is_ascii() {
        return None;
    }
    for (byte, at) in id.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(BlockId(id))
}
