//! Branches much lighter than the connected chain are weighed before they are kept.

use crate::chain::history::{self, Peaks};
use crate::chain::locator::MAX_HEADERS;
use crate::chain::rows::HeaderEntry;
use crate::chain::testing::forge::Forge;
use crate::chain::testing::{Node, rules};
use crate::chain::tree::{HeadersOutcome, Source};
use crate::chain::{Block, Header, StateView};
use proptest::prelude::*;

/// Blocks of the connected chain.
const TIP: usize = 60;

fn headers(branch: &[Block]) -> Vec<Header> {
    branch.iter().map(|block| block.header).collect()
}

/// A node with a chain of [`TIP`] blocks, and the headers of another branch from genesis.
fn beside(length: usize) -> (Node, Vec<Header>) {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let (own, other) = (
        forge.branch(genesis, TIP, 1),
        forge.branch(genesis, length, 2),
    );
    let mut node = Node::new();
    node.now = node.now.plus_ms(10_000_000);
    for block in own {
        node.block(block);
    }
    (node, headers(&other))
}

fn kept(node: &Node, headers: &[Header]) -> usize {
    let is_kept = |header: &&Header| node.disk.header(&header.id()).unwrap().is_some();
    headers.iter().filter(is_kept).count()
}

fn last_of(outcome: Result<HeadersOutcome, crate::chain::PeerFault>) -> crate::chain::BlockId {
    match outcome {
        Ok(HeadersOutcome::Known { last, .. }) => last,
        other => panic!("{other:?}"),
    }
}

#[test]
fn attack_light_branches_take_no_room_on_the_disk() {
    let (mut node, light) = beside(TIP - 20);
    let before = node.disk.clone();
    for (header, source) in light.iter().zip(0..) {
        // Whole, piece by piece, and from several.
        let _ = node.headers_from(Source(source), &light);
        let _ = node.headers_from(Source(1_000), std::slice::from_ref(header));
    }
    assert_eq!(kept(&node, &light), 0);
    assert!(node.disk == before);
}

#[test]
fn a_branch_that_is_nearly_as_heavy_is_kept_at_once() {
    let (mut node, other) = beside(TIP - 5);
    let last = other.last().unwrap().id();
    assert_eq!(last_of(node.headers(&other)), last);
    assert_eq!(kept(&node, &other), other.len());
}

#[test]
fn a_branch_that_proves_heavy_enough_is_read_again_and_kept() {
    let (mut node, other) = beside(TIP + 10);
    let (light, heavy) = other.split_at(30);
    assert_eq!(last_of(node.headers(light)), light[29].id());
    let from = node.ledger.chain().rules().network();
    assert_eq!(node.headers(heavy), Ok(HeadersOutcome::Weighty { from }));
    assert_eq!(kept(&node, &other), 0);
    assert_eq!(last_of(node.headers(&other)), other.last().unwrap().id());
    assert_eq!(kept(&node, &other), other.len());
    assert_eq!(
        node.ledger.chain().best_header().id,
        other.last().unwrap().id()
    );
}

#[test]
fn attack_the_second_reading_can_not_be_another_branch() {
    let (mut node, other) = beside(TIP + 10);
    let (light, heavy) = other.split_at(30);
    node.headers(light).unwrap();
    node.headers(heavy).unwrap();
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let cheap = headers(&forge.branch(genesis, 30, 3));
    node.headers(&cheap).unwrap();
    assert_eq!(kept(&node, &cheap), 0);
    // Nor is a part of it enough that ends before the first checkpoint.
    let (mut node, _) = beside(1);
    node.headers(light).unwrap();
    node.headers(heavy).unwrap();
    node.headers(&light[..10]).unwrap();
    assert_eq!(kept(&node, &other), 0);
}

#[test]
fn attack_a_fault_in_a_light_branch_is_a_fault() {
    let (mut node, mut other) = beside(TIP - 20);
    other[20].history_root.0[0] ^= 1;
    while !other[20].has_work() {
        other[20].nonce += 1;
    }
    assert!(node.headers(&other[..21]).is_err());
    assert_eq!(kept(&node, &other), 0);
}

/// Shows a branch to its end, as a peer does that has `lengths` more each time it is asked at first;
/// returns how many lists that took.
fn read(node: &mut Node, branch: &[Header], mut lengths: impl Iterator<Item = usize>) -> usize {
    let (mut at, mut lists, mut heavy) = (0, 0, false);
    while at < branch.len() {
        let length = lengths.next().filter(|_| !heavy).unwrap_or(MAX_HEADERS);
        let end = branch.len().min(at + length);
        lists += 1;
        match node.headers(&branch[at..end]).unwrap() {
            HeadersOutcome::Known { last, .. } => {
                at = 1 + branch.iter().position(|h| h.id() == last).unwrap();
            }
            HeadersOutcome::Weighty { .. } => (at, heavy) = (0, true),
            other => panic!("{other:?}"),
        }
    }
    lists
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However the lists are cut, a branch is kept as a whole if it is heavy enough and not at all
    /// if not.
    #[test]
    fn all_of_a_branch_is_kept_or_nothing(
        length in 1..100_usize,
        cuts in prop::collection::vec(1..30_usize, 0..10),
    ) {
        let (mut node, other) = beside(length);
        read(&mut node, &other, cuts.iter().copied());
        let least = TIP - 12;
        prop_assert_eq!(kept(&node, &other), if length >= least { other.len() } else { 0 });
    }
}

#[test]
fn a_branch_of_many_lists_is_read_twice_with_one_checkpoint_a_list() {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let count = 2 * MAX_HEADERS + 500;
    let (own, other) = (
        forge.branch(genesis, count - 100, 1),
        forge.branch(genesis, count, 2),
    );
    let mut node = Node::new();
    node.now = node.now.plus_ms(10_000_000);
    for block in own {
        node.block(block);
    }
    let other = headers(&other);
    // Announced one by one at first: their checkpoints are melted together.
    let lists = read(&mut node, &other, std::iter::repeat_n(1, 50));
    assert_eq!(lists, 50 + 3 + 4);
    assert_eq!(kept(&node, &other), other.len());
}

/// Headers from genesis on that cost next to nothing, one after the other, without anything kept of them.
struct Cheap {
    rules: crate::chain::Rules,
    end: HeaderEntry,
    before: Option<crate::chain::Timestamp>,
    history: Peaks,
}

impl Cheap {
    fn new() -> Self {
        let rules = rules();
        let end = rules.genesis_entry();
        let mut history = Peaks::default();
        history.append(history::leaf(&rules.network(), end.work));
        Self {
            rules,
            end,
            before: None,
            history,
        }
    }
}

impl Iterator for Cheap {
    type Item = Header;

    fn next(&mut self) -> Option<Header> {
        let stamp = self.end.header.timestamp;
        let now = stamp.plus_ms(self.rules.params().interval_ms);
        let (rules, end) = (&self.rules, &self.end);
        let mut header = rules.child_header(end, self.before, &self.history, now);
        while !header.has_work() {
            header.nonce += 1;
        }
        let judged = rules.check_header(&header, end, self.before, &self.history);
        self.before = Some(stamp);
        self.end = judged.unwrap();
        let leaf = history::leaf(&header.id(), self.end.work);
        self.history.append(leaf);
        Some(header)
    }
}

/// Sends `count` cheap headers to a node whose chain has more work than all of them; returns it with the disk
/// that it had before.
fn flooded(count: usize) -> (Node, crate::chain::testing::MemoryView) {
    let mut forge = Forge::new();
    let mut node = Node::new();
    node.now = node.now.plus_ms(2_000 * (count as u64 + 1_000));
    let mut tip = forge.genesis();
    // Stamped as soon as may be, each is harder than the one before.
    let cheap = forge.work(&tip).to_be_bytes();
    let starts = |work: [u8; 32]| {
        let number = |bytes: [u8; 32]| bytes[16..].iter().fold(0, |n, b| (n << 8) | u128::from(*b));
        number(work) / number(cheap)
    };
    while starts(forge.work(&tip).to_be_bytes()) < 2 * count as u128 {
        let block = forge.child(tip, 1, 1, &[]);
        tip = block.id();
        node.block(block);
    }
    let before = node.disk.clone();
    let mut cheap = Cheap::new();
    let mut left = count;
    while left > 0 {
        let list: Vec<_> = cheap.by_ref().take(left.min(MAX_HEADERS)).collect();
        left -= list.len();
        let last = list.last().map(Header::id);
        assert_eq!(Some(last_of(node.headers_from(Source(1), &list))), last);
    }
    (node, before)
}

#[test]
fn attack_twenty_thousand_cheap_headers_leave_no_row() {
    let (node, before) = flooded(20_000);
    assert!(node.disk == before);
}

/// What this process holds, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    1024 * kib.unwrap().parse::<usize>().unwrap()
}

#[test]
#[ignore = "takes seconds in a release build, and far longer in others: make soak"]
fn soak_a_million_cheap_headers_take_less_than_16_mib_and_no_row() {
    let _warm = flooded(20_000);
    let held = resident();
    let (node, before) = flooded(1_000_000);
    assert!(node.disk == before);
    let more = resident().saturating_sub(held);
    println!("1,000,000 cheap headers took {} KiB", more / 1024);
    assert!(more < 16 * 1024 * 1024, "{more} bytes");
}
