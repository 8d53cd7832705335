//! Years of a network in as long as is given: ten members, of whom some go, come and die at any moment, backups
//! beside it, logs that are renewed, a disk that fills up. What a node holds must not grow by any of it.

use super::support::{Cell, Lab, Node, so, wait_within};
use raclette::owner::answers::SentView;
use raclette::protocol::delivery::rows::SendState;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

const NAMES: [&str; 10] = [
    "ann", "ben", "cleo", "dan", "eve", "finn", "gus", "hal", "ida", "jo",
];
/// The first of them are never restarted: what they hold at the end, they hold after all that time. One mines.
const STEADY: usize = 2;
/// The one whose disk is small.
const SQUEEZED: usize = 9;
/// Room on that disk: an hour of all this takes some tens of megabytes of it.
const ROOM: &str = "192m";
/// What is left on it while it is full, in KiB.
const LEFT_KIB: u64 = 64;

/// How a node's log is renewed: small files, so that it happens often.
const LOG_FILE_BYTES: u64 = 65_536;
const LOG_FILES: u64 = 3;
/// A file is renewed once it is full, so the last line of each may stand over.
const LOG_BYTES: u64 = LOG_FILES * (LOG_FILE_BYTES + 16_384);

/// Sends in a round.
const SENDS: usize = 3;
/// In every so many rounds somebody is restarted, every third time by `kill -9`;
const RESTART_EVERY: usize = 5;
/// a backup is made by command;
const BACKUP_EVERY: usize = 7;
/// the small disk is filled up, and has room again so many rounds later.
const FILL_EVERY: usize = 24;
const FULL_FOR: usize = 8;

/// More than this no node ever holds here, whatever happens.
const MOST_FILES: usize = 512;
/// From the second quarter of the time to the last: what a node holds may waver, and not grow.
const MEMORY_WAVERS: f64 = 1.25;
const MEMORY_SPARE: u64 = 24 << 20;
const FILES_WAVER: usize = 24;

/// How long something may take: a machine that does other work meanwhile must not fail this.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long it goes on, and how long a round takes at least.
struct Trial {
    length: Duration,
    round: Duration,
}

/// Chance that can be had again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// What a node holds at a moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    memory: u64,
    files: usize,
    log: u64,
}

/// What happened, in numbers.
#[derive(Debug, Default)]
struct Count {
    rounds: usize,
    stopped: usize,
    killed: usize,
    backups: usize,
    filled: usize,
    ended_by_full_disk: usize,
    not_started: usize,
    refused: usize,
}

struct Years {
    lab: Lab,
    nodes: Vec<Node>,
    small_disk: Option<(Cell, PathBuf)>,
    chance: Chance,
    /// What was answered "queued": by whom, and its id.
    promised: Vec<(usize, String)>,
    /// Of the steady ones and of the tracker.
    held: Vec<Vec<Held>>,
    /// The last backup: of whom, and where.
    backup: Option<(usize, PathBuf)>,
    count: Count,
}

fn settings() -> String {
    format!(
        "[log]\nlevel = \"warn\"\nfile_bytes = {LOG_FILE_BYTES}\nfiles = {LOG_FILES}\n\
         [backup]\nevery = \"60s\"\nkeep = 2\n"
    )
}

/// Starts a node, however long that takes.
fn start(node: &mut Node) {
    node.spawn();
    wait_within(PATIENCE, &format!("{} answers", node.name), || {
        if let Some(status) = node.has_ended() {
            panic!("{} ended by itself: {status}", node.name);
        }
        let answer = node.try_get::<serde_json::Value>("/status");
        answer.map(drop).map_err(|refused| refused.to_string())
    });
}

fn stop(node: &mut Node) {
    node.ask_to_stop();
    let status = wait_within(PATIENCE, &format!("{} ends", node.name), || {
        node.has_ended().ok_or_else(|| "it still runs".to_owned())
    });
    assert!(status.success(), "{}: {status}", node.name);
}

fn bytes_in(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    // One that is renewed meanwhile is counted next time.
    entries
        .filter_map(|entry| entry.metadata().ok())
        .map(|meta| meta.len())
        .sum()
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

impl Years {
    fn begin() -> Self {
        let mut lab = Lab::prepare("block_interval_ms = 1000\nstart_work = 64\n");
        lab.tracker.add_settings(&settings());
        start(&mut lab.tracker);
        let disk = lab.directory().join("disk");
        fs::create_dir(&disk).unwrap();
        let shown = disk.display();
        let mount = format!("mount -t tmpfs -o size={ROOM} none {shown}; mkdir {shown}/data");
        let cell = Cell::new(false, &mount);
        let make = |at: usize, name: &&str| {
            let small = cell.as_ref().filter(|_| at == SQUEEZED);
            let inside = disk.join("data");
            let place = small.map(|_| format!("data_dir = {:?}\n", inside.display().to_string()));
            let mode = if at == 0 {
                "when-pending"
            } else {
                "on-command"
            };
            let mining = format!("[mining]\nmode = \"{mode}\"\n");
            let all = place.unwrap_or_default() + &mining + &settings();
            let mut node = lab.prepare_peer_with(name, &all);
            if let Some(cell) = small {
                node.prefix = cell.prefix();
                node.data_dir = cell.seen(&inside);
            }
            start(&mut node);
            node
        };
        let nodes: Vec<_> = NAMES
            .iter()
            .enumerate()
            .map(|(at, n)| make(at, n))
            .collect();
        for node in &nodes {
            wait_within(PATIENCE, &format!("{} joins", node.name), || {
                let status = node.status();
                so(
                    status.tracker.registered && status.chain.is_some(),
                    "not yet",
                )
            });
        }
        Self {
            small_disk: cell.map(|cell| (cell, disk)),
            lab,
            nodes,
            chance: Chance(0x2545_f491_4f6c_dd1d),
            promised: Vec::new(),
            held: vec![Vec::new(); STEADY + 1],
            backup: None,
            count: Count::default(),
        }
    }

    fn live(&mut self, trial: &Trial) {
        let begun = Instant::now();
        // How much is logged in a second depends on the machine: it goes on until a log has been renewed.
        while begun.elapsed() < trial.length || !self.log_was_renewed() {
            let most = trial.length + PATIENCE;
            assert!(begun.elapsed() < most, "the log was never renewed");
            let next = Instant::now() + trial.round;
            self.count.rounds += 1;
            let round = self.count.rounds;
            for _ in 0..SENDS {
                self.send();
            }
            if round.is_multiple_of(RESTART_EVERY) {
                self.restart_one();
            }
            if round.is_multiple_of(BACKUP_EVERY) {
                self.back_up_one();
            }
            match round % FILL_EVERY {
                0 => self.fill(),
                FULL_FOR => self.make_room(),
                _ => {}
            }
            self.measure();
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        self.make_room();
    }

    fn send(&mut self) {
        let from = self.chance.below(NAMES.len());
        let to = (from + 1 + self.chance.below(NAMES.len() - 1)) % NAMES.len();
        let note = "x".repeat(1 + self.chance.below(400));
        let amount = self.chance.below(2).to_string();
        let body = json!({"to": NAMES[to], "amount": amount, "note": note});
        match self.nodes[from].try_post::<SentView>("/transactions", body) {
            Ok(sent) => self.promised.push((from, sent.id.to_string())),
            // It has no coins, does not know the other one yet, or its disk is full: a fair no.
            Err(_) => self.count.refused += 1,
        }
    }

    fn restart_one(&mut self) {
        let at = STEADY + self.chance.below(SQUEEZED - STEADY);
        let node = &mut self.nodes[at];
        if self.count.stopped + self.count.killed == 3 * self.count.killed {
            node.kill();
            self.count.killed += 1;
        } else {
            stop(node);
            self.count.stopped += 1;
        }
        start(node);
    }

    fn back_up_one(&mut self) {
        let at = self.chance.below(SQUEEZED);
        let number = self.count.backups;
        let dir = self.lab.directory().join(format!("backup-{number}"));
        let made = self.nodes[at].command(["backup", dir.to_str().unwrap(), "--with-wallet"]);
        assert!(made.status.success(), "{}: {}", NAMES[at], said(&made));
        if let Some((_, before)) = self.backup.replace((at, dir)) {
            fs::remove_dir_all(before).unwrap();
        }
        self.count.backups += 1;
    }

    /// Leaves next to nothing of the small disk; every second time nothing at all, and its node dies then and
    /// can't even start.
    fn fill(&mut self) {
        let Some((cell, disk)) = &self.small_disk else {
            return;
        };
        let shown = disk.display();
        cell.run(&format!(
            "free=$(df --output=avail -k {shown} | tail -1)\n\
             if [ $free -gt {LEFT_KIB} ]; then head -c $((free - {LEFT_KIB}))k /dev/zero > {shown}/filler; fi"
        ));
        self.count.filled += 1;
        if self.count.filled.is_multiple_of(2) {
            cell.run(&format!(
                "cat /dev/zero >> {shown}/filler 2>/dev/null || true"
            ));
            let node = &mut self.nodes[SQUEEZED];
            let before = node.output().len();
            if node.has_ended().is_none() {
                node.kill();
            }
            node.spawn();
            let status = wait_within(PATIENCE, "a node without room for a start ends", || {
                node.has_ended().ok_or_else(|| "it still runs".to_owned())
            });
            assert!(!status.success(), "{status}");
            let said = &node.output()[before..];
            assert!(said.contains("is full; make room there"), "{said}");
            self.count.not_started += 1;
        }
    }

    fn make_room(&mut self) {
        let Some((cell, disk)) = &self.small_disk else {
            return;
        };
        cell.run(&format!("rm -f {}/filler", disk.display()));
        let node = &mut self.nodes[SQUEEZED];
        if let Some(status) = node.has_ended() {
            assert!(!status.success(), "{status}");
            let said = node.output();
            assert!(said.contains("is full; make room there"), "{said}");
            self.count.ended_by_full_disk += 1;
        }
        if !node.is_started() {
            start(node);
        }
    }

    fn measure(&mut self) {
        let all = self.nodes.iter().chain([&self.lab.tracker]);
        for node in all.filter(|node| node.api().is_ok()) {
            let log = bytes_in(&node.data_dir.join("logs"));
            assert!(log <= LOG_BYTES, "{}: {log} bytes of log", node.name);
            let files = node.open_files();
            assert!(files <= MOST_FILES, "{}: {files} open files", node.name);
        }
        let steady = self.nodes[..STEADY].iter().chain([&self.lab.tracker]);
        for (node, held) in steady.zip(&mut self.held) {
            held.push(Held {
                memory: node.resident_bytes(),
                files: node.open_files(),
                log: bytes_in(&node.data_dir.join("logs")),
            });
        }
    }

    /// All that was promised is mined, and everybody has the same chain.
    fn settle(&mut self) {
        let nodes = &self.nodes;
        let mut open = self.promised.clone();
        wait_within(PATIENCE, "all that was promised is mined", || {
            open.retain(|(from, id)| nodes[*from].sent(id).state != SendState::Mined);
            let left = open.first().map(|(from, id)| nodes[*from].sent(id));
            so(open.is_empty(), format!("{}, such as {left:?}", open.len()))
        });
        wait_within(PATIENCE, "all agree on one tip", || {
            let tips: Vec<_> = nodes.iter().map(Node::tip).collect();
            let agreed = tips.windows(2).all(|two| two[0] == two[1]);
            so(agreed, format!("{tips:?}"))
        });
        nodes[0].verify_chain();
    }

    /// Somebody is lost, and begins again from the last backup.
    fn restore(&mut self) {
        let (at, dir) = self.backup.take().expect("backups were made");
        let node = &mut self.nodes[at];
        stop(node);
        fs::rename(&node.data_dir, self.lab.directory().join("lost")).unwrap();
        let restored = node.command(["restore", dir.to_str().unwrap()]);
        assert!(restored.status.success(), "{}", said(&restored));
        start(node);
        let tip = self.nodes[usize::from(at == 0)].tip();
        wait_within(PATIENCE, "who was restored has the chain", || {
            let own = self.nodes[at].tip();
            so(own == tip, format!("{own:?}, not {tip:?}"))
        });
    }

    /// Fails if anything grew from the second quarter of the time to the last.
    fn assert_flat(&self) {
        let names = NAMES[..STEADY].iter().chain([&"tracker"]);
        let mut grew = Vec::new();
        for (name, held) in names.zip(&self.held) {
            let quarter = held.len() / 4;
            let (early, late) = (&held[quarter..2 * quarter], &held[held.len() - quarter..]);
            let (memory, files) = (
                [early, late].map(|part| middle(part, |one| one.memory)),
                [early, late].map(|part| middle(part, |one| one.files as u64) as usize),
            );
            let log = held.iter().map(|one| one.log).max().unwrap_or_default();
            println!(
                "{name}: memory {:.1} MiB, later {:.1} MiB; open files {}, later {}; log at most {} KiB",
                memory[0] as f64 / 1_048_576.0,
                memory[1] as f64 / 1_048_576.0,
                files[0],
                files[1],
                log >> 10,
            );
            let most = (memory[0] as f64 * MEMORY_WAVERS) as u64 + MEMORY_SPARE;
            if memory[1] > most {
                grew.push(format!("{name}: the memory grows: {memory:?}"));
            }
            if files[1] > files[0] + FILES_WAVER {
                grew.push(format!("{name}: open files grow: {files:?}"));
            }
        }
        assert!(grew.is_empty(), "{}", grew.join("\n"));
    }

    fn log_was_renewed(&self) -> bool {
        let logs = self.nodes[0].data_dir.join("logs");
        fs::read_dir(logs).is_ok_and(|files| files.count() > 1)
    }
}

/// The value in the middle.
fn middle(held: &[Held], of: impl Fn(&Held) -> u64) -> u64 {
    let mut all: Vec<_> = held.iter().map(of).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn go_through(trial: &Trial) {
    let mut years = Years::begin();
    years.live(trial);
    years.settle();
    years.restore();
    println!(
        "{} s, {} sends promised, height {}: {:?}",
        trial.length.as_secs(),
        years.promised.len(),
        years.nodes[0].height(),
        years.count
    );
    years.assert_flat();
    let own = own_backups(&years.nodes[0]);
    println!("backups that {} made by itself and kept: {own}", NAMES[0]);
    assert!(own <= 2, "{own} backups are kept");
}

fn own_backups(node: &Node) -> usize {
    let mut dir = node.data_dir.clone().into_os_string();
    dir.push("-backups");
    fs::read_dir(dir).map_or(0, Iterator::count)
}

#[test]
fn restart_years_of_a_network_in_half_a_minute_leave_nothing_that_grows() {
    go_through(&Trial {
        length: Duration::from_secs(30),
        round: Duration::from_millis(250),
    });
}

#[test]
#[ignore = "takes an hour, or SOAK_SECONDS: make soak"]
fn soak_years_of_a_network() {
    let seconds = std::env::var("SOAK_SECONDS").ok();
    let seconds = seconds.map_or(3_600, |text| {
        text.parse().expect("SOAK_SECONDS is a number")
    });
    go_through(&Trial {
        length: Duration::from_secs(seconds),
        round: Duration::from_secs(1),
    });
}
