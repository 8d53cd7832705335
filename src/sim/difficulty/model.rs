//! The network: miners with clocks, who hold what is stamped too far ahead and follow the branch
//! with the most work.

use super::rules::{Candidate, ratio};
use crate::chain::target::{Target, Work};

/// The state of SplitMix64: small, seeded, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that always gives the same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number uniform in (0, 1].
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((mixed >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// A waiting time with the given mean events per millisecond; infinite for none.
    fn waiting_ms(&mut self, per_ms: f64) -> f64 {
        -self.unit().ln() / per_ms
    }
}

/// A block in simulated time.
#[derive(Clone, Debug)]
pub struct Block {
    /// Where its parent stands in the chain; the first block is its own parent.
    parent: usize,
    /// Blocks before it.
    pub height: u64,
    /// Its stamp, in milliseconds of simulated time.
    pub timestamp_ms: u64,
    /// When it was found, in milliseconds of simulated time.
    pub found_ms: f64,
    /// Who found it.
    pub miner: usize,
    /// Its base target.
    pub base: Target,
    /// The target it met.
    pub used: Target,
    /// The base target of its children.
    child_base: Target,
    /// The work up to and including it.
    pub work: Work,
}

/// Every block found, on any branch.
#[derive(Clone, Debug)]
pub struct Chain(Vec<Block>);

impl Chain {
    /// The block all branches begin with.
    pub fn first(&self) -> &Block {
        &self.0[0]
    }

    /// The block before this one.
    pub fn parent(&self, block: &Block) -> &Block {
        &self.0[block.parent]
    }
}

/// How a miner stamps its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamping {
    /// Its clock, or just after the parent if that is ahead.
    Honest,
    /// As far ahead of its clock as honest nodes accept at once.
    Latest,
    /// As late and as early as is legal, in turns.
    Zigzag,
    /// Just after the parent.
    Earliest,
}

/// Someone who mines.
#[derive(Clone, Debug)]
pub struct Miner {
    /// Hash rate, in multiples of the start target's work per interval.
    pub rate: f64,
    /// How far its clock is ahead of true time, in milliseconds.
    pub clock_ahead_ms: i64,
    /// How it stamps.
    pub stamping: Stamping,
}

/// A miner and what it knows.
#[derive(Clone, Debug)]
struct Node {
    miner: Miner,
    tip: usize,
    found: u64,
    /// Blocks under way or held, with the time to look at them.
    inbox: Vec<(f64, usize)>,
}

/// A network in simulated time.
#[derive(Clone, Debug)]
pub struct Network {
    rule: Candidate,
    chain: Chain,
    nodes: Vec<Node>,
    latency_ms: f64,
    now_ms: f64,
    random: Random,
}

impl Network {
    /// A network whose chain begins with one block of the given base target. What one finds reaches
    /// the others after `latency_ms`.
    pub fn new(
        rule: Candidate,
        first_base: Target,
        miners: Vec<Miner>,
        latency_ms: u64,
        seed: u64,
    ) -> Self {
        // Clocks are unsigned: the simulation begins late enough for every clock to be after zero.
        let start_ms = 1_000_000;
        let first = Block {
            parent: 0,
            height: 0,
            timestamp_ms: start_ms,
            found_ms: start_ms as f64,
            miner: 0,
            base: first_base,
            used: first_base,
            child_base: first_base,
            work: first_base.work(),
        };
        let nodes = miners
            .into_iter()
            .map(|miner| Node {
                miner,
                tip: 0,
                found: 0,
                inbox: Vec::new(),
            })
            .collect();
        Self {
            rule,
            chain: Chain(vec![first]),
            nodes,
            latency_ms: latency_ms as f64,
            now_ms: start_ms as f64,
            random: Random::new(seed),
        }
    }

    /// True time, in milliseconds.
    pub fn now_ms(&self) -> f64 {
        self.now_ms
    }

    /// Blocks found so far, on any branch.
    pub fn found(&self) -> u64 {
        self.chain.0.len() as u64 - 1
    }

    /// The branch the first miner follows, newest block first, without the block all began with.
    pub fn branch(&self) -> impl Iterator<Item = &Block> {
        let mut next = self.nodes.first().map_or(0, |node| node.tip);
        std::iter::from_fn(move || {
            let block = &self.chain.0[next];
            next = block.parent;
            (block.height > 0).then_some(block)
        })
    }

    /// The newest block of the branch the first miner follows.
    pub fn tip(&self) -> &Block {
        &self.chain.0[self.nodes.first().map_or(0, |node| node.tip)]
    }

    /// The base target of the block after the tip.
    pub fn next_base(&self) -> Target {
        self.tip().child_base
    }

    /// Multiplies everyone's hash rate.
    pub fn multiply_rates(&mut self, factor: f64) {
        for node in &mut self.nodes {
            node.miner.rate *= factor;
        }
    }

    /// Lets time pass without anyone mining.
    pub fn idle(&mut self, ms: u64) {
        self.now_ms += ms as f64;
    }

    /// Mines until one more block is found.
    pub fn mine_block(&mut self) {
        self.mine_until(f64::INFINITY);
    }

    /// Mines until one more block is found or it is so late.
    pub fn mine_until(&mut self, until_ms: f64) {
        let found = self.found();
        while self.found() == found && self.now_ms < until_ms {
            self.advance(until_ms);
        }
    }

    /// Goes to the next event, at most to `until_ms`: a block found, one looked at, or a target eased.
    fn advance(&mut self, until_ms: f64) {
        let mut next_ms = until_ms;
        let mut rates = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let (per_ms, changes_ms) = self.finding_rate(node);
            rates.push(per_ms);
            next_ms = next_ms.min(changes_ms);
            for (look_ms, _) in &node.inbox {
                next_ms = next_ms.min(*look_ms);
            }
        }
        // Finding has no memory, so drawing anew after each event is exact.
        let wait_ms = self.random.waiting_ms(rates.iter().sum());
        if self.now_ms + wait_ms < next_ms {
            self.now_ms += wait_ms;
            let finder = self.pick(&rates);
            self.find(finder);
        } else {
            self.now_ms = next_ms.max(self.now_ms);
            for node in 0..self.nodes.len() {
                self.look_at_inbox(node);
            }
        }
    }

    /// How many blocks a millisecond a node finds, and until when that holds.
    fn finding_rate(&self, node: &Node) -> (f64, f64) {
        let parent = &self.chain.0[node.tip];
        let stamp = self.stamp(node);
        let since_parent = stamp - parent.timestamp_ms;
        let used = self.used_target(parent, since_parent);
        let limits = &self.rule.limits;
        let per_ms = node.miner.rate * ratio(used, limits.start) / limits.interval_ms as f64;
        let changes_ms = match (
            self.free_stamp(node),
            self.rule.next_easing_ms(since_parent),
        ) {
            (Some(free), Some(eases)) => {
                let eased_stamp = parent.timestamp_ms + eases;
                // Half a millisecond more: clocks are read in whole ones.
                self.now_ms + (eased_stamp as f64 - free as f64).max(0.0) + 0.5
            }
            _ => f64::INFINITY,
        };
        (per_ms, changes_ms)
    }

    fn used_target(&self, parent: &Block, since_parent_ms: u64) -> Target {
        self.rule
            .used_target(parent.child_base, parent.height + 1, since_parent_ms)
            .expand()
            .unwrap_or(Target::MIN)
    }

    /// The stamp of a block found now.
    fn stamp(&self, node: &Node) -> u64 {
        let earliest = self.chain.0[node.tip].timestamp_ms + 1;
        self.free_stamp(node).unwrap_or(0).max(earliest)
    }

    /// The stamp the node would choose now if it needn't be after the parent's; `None` if as early as
    /// possible.
    fn free_stamp(&self, node: &Node) -> Option<u64> {
        let clock = self.clock(node);
        let latest = clock + self.drift_ms();
        match node.miner.stamping {
            Stamping::Honest => Some(clock),
            Stamping::Latest => Some(latest),
            Stamping::Earliest => None,
            Stamping::Zigzag => node.found.is_multiple_of(2).then_some(latest),
        }
    }

    fn clock(&self, node: &Node) -> u64 {
        (self.now_ms as u64).saturating_add_signed(node.miner.clock_ahead_ms)
    }

    fn drift_ms(&self) -> u64 {
        self.rule.max_future_intervals * self.rule.limits.interval_ms
    }

    /// One of the nodes, by its share of the finding rates.
    fn pick(&mut self, rates: &[f64]) -> usize {
        let mut left = self.random.unit() * rates.iter().sum::<f64>();
        for (node, rate) in rates.iter().enumerate() {
            left -= rate;
            if left <= 0.0 {
                return node;
            }
        }
        rates.len() - 1
    }

    /// Adds the block that a node found now, and sends it to the others.
    fn find(&mut self, finder: usize) {
        let node = &self.nodes[finder];
        let parent = &self.chain.0[node.tip];
        let timestamp_ms = self.stamp(node);
        let used = self.used_target(parent, timestamp_ms - parent.timestamp_ms);
        let mut block = Block {
            parent: node.tip,
            height: parent.height + 1,
            timestamp_ms,
            found_ms: self.now_ms,
            miner: finder,
            base: parent.child_base,
            used,
            child_base: parent.child_base,
            work: parent.work.saturating_add(used.work()),
        };
        block.child_base = self.rule.next_base(&self.chain, &block);
        let index = self.chain.0.len();
        self.chain.0.push(block);
        let arrival_ms = self.now_ms + self.latency_ms;
        for (other, node) in self.nodes.iter_mut().enumerate() {
            if other == finder {
                node.tip = index;
                node.found += 1;
            } else {
                node.inbox.push((arrival_ms, index));
            }
        }
    }

    /// Takes what has arrived and is not stamped too far ahead; holds the rest until it no longer is.
    fn look_at_inbox(&mut self, node: usize) {
        let latest = self.clock(&self.nodes[node]) + self.drift_ms();
        let now_ms = self.now_ms;
        let node = &mut self.nodes[node];
        let chain = &self.chain;
        let tip = &mut node.tip;
        node.inbox.retain_mut(|(look_ms, index)| {
            if *look_ms > now_ms {
                return true;
            }
            let block = &chain.0[*index];
            if block.timestamp_ms > latest {
                *look_ms = now_ms + (block.timestamp_ms - latest) as f64;
                return true;
            }
            if block.work > chain.0[*tip].work {
                *tip = *index;
            }
            false
        });
    }
}
