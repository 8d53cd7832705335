//! What applications cost, against records that nobody judges: ten thousand who join by invitation, and two
//! thousand who vote, over one chain that a real database holds. `cargo bench --bench applications`

mod looking;
mod network;
mod pool;

use network::{Network, Stage};
use raclette::archive::OfflineLedger;
use raclette::chain::Rules;
use raclette::clock::SystemClock;
use raclette::store::chain_rows::stored_genesis;
use raclette::store::{OpenOptions, RocksDisk, Role};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Who join: as many as a network is made for.
const JOINS: usize = 10_000;
/// Who of them vote.
const VOTERS: usize = 2_000;
/// Room for blocks before now.
const BLOCKS: u64 = 10_000;
/// Starts of which the middle one counts.
const STARTS: usize = 5;
/// Reads of which the mean counts.
const READS: u32 = 1_000;
/// What a record is that nobody judges, of about the length of a join and of a vote.
const LONG: usize = 560;
const SHORT: usize = 48;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[1..] {
        // Cargo asks each bench what is in it.
        [list, ..] if list == "--list" => {}
        [open, directory] if open == "--open" => open_once(Path::new(directory)),
        _ => run(),
    }
}

fn run() {
    let place = tempfile::tempdir().unwrap();
    let network = Network::new();
    let data = network.settings(place.path());
    let empty = place.path().join("empty");
    network.on(&empty, |_| ());

    let judged = network.with_applications(&data.join("db"));
    let plain_dir = place.path().join("plain");
    let plain = network.with_plain_records(&plain_dir);
    println!(
        "{:<58} {:>12}  {:<44} {:>12} {:>8}",
        "what", "takes, us", "against", "takes, us", "ratio"
    );
    let [long, short] = &plain;
    let [joins, votes, listed] = &judged.stages;
    let unjudged = "a record as long that nobody judges";
    for (what, stage, against) in [
        ("a join becomes open", joins, long),
        ("a vote becomes open, roll of members", votes, short),
        ("a vote becomes open, roll in parts", listed, short),
    ] {
        line(what, stage.open_us, unjudged, against.open_us);
    }
    let replay = |name: &str, stages: &[&Stage]| network.replay(&place.path().join(name), stages);
    let ours = replay("replayed", &[joins, votes, listed]);
    let theirs = replay("plain-replayed", &[long, short]);
    for (what, taken, against) in [
        (
            "a join in a block that was never seen",
            ours[0].each_us,
            theirs[0].each_us,
        ),
        (
            "a vote in such a block, roll of members",
            ours[1].each_us,
            theirs[1].each_us,
        ),
        (
            "a vote in such a block, roll in parts",
            ours[2].each_us,
            theirs[1].each_us,
        ),
    ] {
        line(what, taken, unjudged, against);
    }
    line(
        "a join in the last fifth of the blocks",
        ours[0].last_us,
        "one in the first fifth",
        ours[0].first_us,
    );
    let (before, after) = (start(&plain_dir), start(&data.join("db")));
    let nothing = start(&empty);
    let on_plain = "on as many records that nobody judges";
    line(
        "a start until the ledger is open",
        after.0,
        on_plain,
        before.0,
    );
    line("the same", after.0, "on genesis alone", nothing.0);
    println!(
        "memory then: {} KiB; {} KiB {on_plain}; {} KiB on genesis alone",
        after.1, before.1, nothing.1
    );
    println!(
        "a join has {} bytes, a vote {}, a block of joins {} of them; rates on {} cores: {:.0} votes a second become \
         open, {:.0} are connected",
        joins.bytes,
        votes.bytes,
        joins.blocks[0].transactions.len() - 1,
        std::thread::available_parallelism().unwrap(),
        1e6 / votes.open_us,
        1e6 / ours[1].each_us
    );
    pool::full(&network, place.path(), &judged);
    looking::looking(&network, place.path(), &judged);
}

fn line(what: &str, takes: f64, yardstick: &str, measure: f64) {
    let ratio = takes / measure;
    println!("{what:<58} {takes:>12.3}  {yardstick:<44} {measure:>12.3} {ratio:>8.2}");
}

/// Opens the ledger that is there, and says how long that took (us) and what memory it left in use (KiB).
fn open_once(directory: &Path) {
    let disk = RocksDisk::open(directory, &OpenOptions::new(Role::Peer)).unwrap();
    let genesis = stored_genesis(&disk).unwrap().unwrap();
    let begun = Instant::now();
    let rules = Rules::new(genesis, &raclette::apps::built_in()).unwrap();
    let ledger = OfflineLedger::open(&disk, rules, &SystemClock).unwrap();
    let took = begun.elapsed().as_secs_f64() * 1e6;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let held = status.lines().find(|line| line.starts_with("VmRSS:"));
    let held = held.unwrap().split_whitespace().nth(1).unwrap();
    black_box(&ledger);
    println!("{took} {held}");
}

/// A start in a process of its own: the middle one of some.
fn start(directory: &Path) -> (f64, u64) {
    let program = std::env::current_exe().unwrap();
    let mut starts: Vec<(f64, u64)> = (0..STARTS)
        .map(|_| {
            let mut command = Command::new(&program);
            let ran = command.arg("--open").arg(directory).output().unwrap();
            assert!(ran.status.success(), "{ran:?}");
            let text = String::from_utf8(ran.stdout).unwrap();
            let (took, held) = text.trim().split_once(' ').unwrap();
            (took.parse().unwrap(), held.parse().unwrap())
        })
        .collect();
    starts.sort_by(|a, b| a.0.total_cmp(&b.0));
    starts[STARTS / 2]
}
