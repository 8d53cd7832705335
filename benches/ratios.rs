//! What the work of a node takes, each against something that this machine did in the same run: a regression
//! shows as a ratio, on whatever machine. `cargo bench --bench ratios`; with a chain of so many blocks by
//! `RATIOS_BLOCKS=100000`.

#[path = "../examples/load/drive.rs"]
mod drive;
#[path = "../tests/support/mod.rs"]
mod support;

use drive::{Load, Watched};
use raclette::bench::{Effort, Speed, measure};
use raclette::chain::{
    Action, Amount, BlockId, EncodedTransaction, Height, Payload, Salt, SignedHere,
};
use raclette::keys::{NoteContext, NoteSeed, NoteText, SecretKey, WalletFile};
use raclette::store::{Disk, OpenOptions, RocksDisk, Role, RowChange, Table, ordered_key};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use support::{Grown, Lab, Node, so, wait_within};

/// How long each yardstick is held against the machine.
const HELD: Duration = Duration::from_millis(500);
/// Transfers of a load with one a call, by one client and by eight.
const SINGLY: usize = 4_000;
/// Transfers of a load with many a call: what one sender may have open, with a thousand to spare.
const TOGETHER: usize = 5_000;
/// How many that is.
const MANY: usize = 1_000;
/// Messages that are delivered and acknowledged.
const MESSAGES: usize = 4_000;
/// Blocks mined before, for the coins of all of them.
const FIRST_BLOCKS: usize = 2_000;
/// Blocks of two payments that a newcomer fetches, unless the environment names another number.
const LONG: u64 = 30_000;
/// Transfers that a newcomer takes in while it fetches them, and how many a second.
const MEANWHILE: usize = 6_000;
const MEANWHILE_RATE: f64 = 1_000.0;
/// How long it may take over them.
const PATIENCE: Duration = Duration::from_secs(300);
/// Bytes copied at a time: more than most caches hold.
const COPIED: usize = 64 << 20;

fn main() {
    // Cargo asks each bench what is in it.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let speed = measure(Effort::FULL).unwrap();
    let yardsticks = Yardsticks::measure(directory.path(), &speed);
    let mut lines = pure(&speed, &yardsticks, directory.path());
    lines.extend(nodes(&yardsticks));
    let long = std::env::var("RATIOS_BLOCKS").map_or(LONG, |blocks| blocks.parse().unwrap());
    lines.extend(long_chain(&yardsticks, long));
    println!(
        "{:<58} {:>12}  {:<44} {:>12} {:>8}",
        "what", "takes, us", "against", "takes, us", "ratio"
    );
    for Line {
        what,
        takes,
        against: (yardstick, measure),
    } in lines
    {
        let ratio = takes / measure;
        println!("{what:<58} {takes:>12.3}  {yardstick:<44} {measure:>12.3} {ratio:>8.2}");
    }
}

/// A line of the table; times in microseconds.
struct Line {
    what: &'static str,
    takes: f64,
    against: (&'static str, f64),
}

/// What this machine does without us, in microseconds.
struct Yardsticks {
    sync: f64,
    rocks: f64,
    verify: f64,
    verify_batch: f64,
    sign: f64,
    seal_and_open: f64,
    copy_byte: f64,
}

impl Yardsticks {
    fn measure(directory: &Path, speed: &Speed) -> Self {
        let mut file = File::create(directory.join("file")).unwrap();
        let sync = each(|| {
            file.write_all(&[7; 512]).unwrap();
            file.sync_data().unwrap();
        });
        let database = rocksdb::DB::open_default(directory.join("rocksdb")).unwrap();
        let mut synced = rocksdb::WriteOptions::default();
        synced.set_sync(true);
        let mut number = 0_u64;
        let rocks = each(|| {
            number += 1;
            let written = database.put_opt(number.to_be_bytes(), [7; 200], &synced);
            written.unwrap();
        });
        let (from, mut to) = (vec![7_u8; COPIED], vec![0_u8; COPIED]);
        let copy = each(|| {
            to.copy_from_slice(black_box(&from));
            black_box(&to);
        });
        let (alice, bob) = (secret(1), secret(2));
        let about = NoteContext {
            network: [7; 32],
            sender: alice.public_key(),
            recipient: bob.public_key(),
            salt: [8; 16],
        };
        let text = NoteText::new("one of many").unwrap();
        let seal_and_open = each(|| {
            let seed = NoteSeed::default();
            let sealed = alice.seal_note(&bob.sealing_key(), &about, &text, &seed);
            black_box(bob.open_note(&about, &sealed.unwrap()).unwrap());
        });
        Self {
            sync,
            rocks,
            verify: speed.verify_single_us,
            verify_batch: speed.verify_batch_us,
            sign: speed.sign_us,
            seal_and_open,
            copy_byte: copy / COPIED as f64,
        }
    }
}

/// How long it takes, on average, in microseconds.
fn each(mut work: impl FnMut()) -> f64 {
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < HELD {
        work();
        count += 1;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32])
}

/// What needs no network.
fn pure(speed: &Speed, yardsticks: &Yardsticks, directory: &Path) -> Vec<Line> {
    let ours = RocksDisk::open(&directory.join("ours"), &OpenOptions::new(Role::Peer)).unwrap();
    let mut number = 0;
    let commit = each(|| {
        number += 1;
        let row = RowChange::put(Table::Inbox, ordered_key(number), [7; 200]);
        ours.commit(&[row]).unwrap();
    });
    let payload = Payload {
        network: BlockId([1; 32]),
        sender: secret(1).public_key(),
        salt: Salt([3; 16]),
        expires_at: Height(9),
        fee: Amount(1),
        action: Action::Transfer {
            to: secret(2).public_key(),
            amount: Amount(5),
            note: Default::default(),
        },
    };
    let signed = SignedHere::sign(payload, &secret(1));
    let bytes = signed.transaction().bytes();
    let decode = each(|| {
        black_box(EncodedTransaction::decode(black_box(&bytes)).unwrap());
    });
    let hash = speed.pow_ratio_blake3 / speed.pow_mhs_core;
    vec![
        Line {
            what: "a nonce tried",
            takes: 1.0 / speed.pow_mhs_core,
            against: ("blake3::hash of a header", hash),
        },
        Line {
            what: "a payment of a block that was never seen, all cores",
            takes: speed.connect_unseen_ratio,
            against: ("the check of its signature (as 1)", 1.0),
        },
        Line {
            what: "a payment of a block that is open, the disk apart",
            takes: speed.connect_seen_us_per_tx,
            against: ("a signature checked among many", yardsticks.verify_batch),
        },
        Line {
            what: "a transaction read",
            takes: decode,
            against: (
                "its bytes copied",
                yardsticks.copy_byte * bytes.len() as f64,
            ),
        },
        Line {
            what: "a row committed",
            takes: commit,
            against: ("RocksDB's own synced write", yardsticks.rocks),
        },
        Line {
            what: "RocksDB's own synced write",
            takes: yardsticks.rocks,
            against: ("one sync", yardsticks.sync),
        },
    ]
}

/// What two nodes do together, as processes.
fn nodes(yardsticks: &Yardsticks) -> Vec<Line> {
    let lab = Lab::start();
    let (alice, bob) = (lab.peer("alice"), lab.peer("bob"));
    let last = alice.mine_blocks(FIRST_BLOCKS);
    bob.reaches(&last);
    alice.knows(&["bob"]);
    let watched = Watched::read(&alice.data_dir, &bob.data_dir).unwrap();
    let load = |count, clients, many| Load {
        to: "bob".to_owned(),
        count,
        clients,
        many,
        fee: 1,
        note: None,
        direct: false,
        answered: false,
        rate: None,
        reads: None,
    };
    let run = |load: &Load| {
        let outcome = drive::run(load, &watched).unwrap();
        println!("{outcome}");
        // One sender has an eighth of the room: the next load finds it free.
        while alice
            .status()
            .chain
            .is_some_and(|chain| chain.open_transactions > 0)
        {
            bob.reaches(&alice.mine_blocks(1));
        }
        1e6 / outcome.per_second
    };
    let one = run(&load(SINGLY / 4, 1, 1));
    let eight = run(&load(SINGLY, 8, 1));
    let many = run(&load(TOGETHER, 2, MANY));
    let messages = run(&Load {
        note: Some("one of many".to_owned()),
        direct: true,
        ..load(MESSAGES, 8, 1)
    });
    let keys = yardsticks.sign + yardsticks.verify_batch;
    vec![
        Line {
            what: "a transfer, one client, until a second node has it open",
            takes: one,
            against: ("RocksDB's own synced write", yardsticks.rocks),
        },
        Line {
            what: "a transfer, eight clients",
            takes: eight,
            against: ("a signature checked by itself", yardsticks.verify),
        },
        Line {
            what: "a transfer, a thousand a call",
            takes: many,
            against: ("a signature made, and checked among many", keys),
        },
        Line {
            what: "a message delivered and acknowledged, eight clients",
            takes: messages,
            against: ("a note sealed and opened", yardsticks.seal_and_open),
        },
    ]
}

/// What a long chain takes of who starts on it, and of who comes to it.
fn long_chain(yardsticks: &Yardsticks, long: u64) -> Vec<Line> {
    let lab = Lab::start();
    let grown = Grown::new(&lab, long);
    let (mut source, mut newcomer) = (lab.prepare_peer("source"), lab.prepare_peer("newcomer"));
    grown.give(&source);
    let first = until_it_answers(&mut source);
    source.stop();
    let second = until_it_answers(&mut source);
    source.joins();
    let begun = Instant::now();
    newcomer.start().joins();
    wait_within(PATIENCE, "it has the chain", || {
        let (height, id) = newcomer.tip();
        so(id == grown.tip(), height)
    });
    let fetched = begun.elapsed().as_secs_f64() * 1e6 / long as f64;
    println!("{long} blocks: {:.0} fetched a second", 1e6 / fetched);
    let at_rest = each(|| drop(black_box(newcomer.status())));
    newcomer.stop();
    let busy = reads_meanwhile(&lab, &grown);
    vec![
        Line {
            what: "99 of 100 reads, while it fetches, mines and takes 1,000/s",
            takes: busy,
            against: ("a read of its status at rest", at_rest),
        },
        Line {
            what: "a wallet's first start on a long chain, until it answers",
            takes: first,
            against: ("its second start", second),
        },
        Line {
            what: "a block of two payments fetched from one neighbour",
            takes: fetched,
            against: (
                "two signatures checked among many",
                2.0 * yardsticks.verify_batch,
            ),
        },
    ]
}

/// Within what time 99 of 100 reads of an owner are answered, in microseconds, whose node fetches a long chain,
/// mines, and takes transfers, all at once.
fn reads_meanwhile(lab: &Lab, grown: &Grown) -> f64 {
    let mut payer = lab.prepare_peer("payer");
    std::fs::create_dir_all(&payer.data_dir).unwrap();
    let wallet = WalletFile::new(payer.data_dir.join("key.pem"));
    wallet.create(&grown.owner(), None).unwrap();
    grown.give(&payer);
    payer.start().joins();
    let mut busy = lab.prepare_peer_with("busy", "[mining]\nmode = \"always\"\n");
    busy.start().joins();
    payer.knows(&["busy"]);
    let watched = Watched::read(&payer.data_dir, &payer.data_dir).unwrap();
    let load = Load {
        to: "busy".to_owned(),
        count: MEANWHILE,
        clients: 8,
        many: 1,
        fee: 1,
        note: None,
        direct: false,
        answered: true,
        rate: Some(MEANWHILE_RATE),
        reads: Some(busy.data_dir.clone()),
    };
    let begun = busy.height();
    let outcome = drive::run(&load, &watched).unwrap();
    let ended = busy.chain();
    println!(
        "{outcome}; it was at height {begun} and then at {} of {}",
        ended.tip.height, ended.best_header.height
    );
    outcome.reads.within(990) * 1e3
}

/// How long a start takes until the owner hears how much there is, in microseconds.
fn until_it_answers(node: &mut Node) -> f64 {
    let begun = Instant::now();
    node.start();
    wait_within(PATIENCE, "it has its ledger", || {
        let has_ledger = node.status().chain.is_some();
        so(has_ledger, "no ledger yet")
    });
    node.inbox();
    begun.elapsed().as_secs_f64() * 1e6
}
