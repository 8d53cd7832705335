//! What applications cost, against records that nobody judges: ten thousand who join by invitation, and two
//! thousand who vote, over one chain that a real database holds. `cargo bench --bench applications`

use futures_util::StreamExt;
use raclette::Node;
use raclette::apps::voting::{self, Ballots, Opening, Parcel, Roll, RollPart, Vote};
use raclette::archive::OfflineLedger;
use raclette::canonical::{self, CappedText};
use raclette::chain::ledger::BlockOutcome;
use raclette::chain::params::Admission;
use raclette::chain::transaction::RecordBody;
use raclette::chain::{
    Action, Amount, Block, EncodedTransaction, Genesis, GenesisContent, Header, Height, Params,
    Payload, Rules, Salt, StateView, Target, Timestamp, Topic, check_signatures,
};
use raclette::clock::{Clock, SteadyTime, SystemClock};
use raclette::keys::{PublicKey, SecretKey};
use raclette::membership::invitation::{MAX_USES, sign_invited};
use raclette::membership::{
    CertificateStatement, Invitation, InvitationStatement, JoinRecord, MembersRecord,
};
use raclette::owner::{Page, Peer};
use raclette::store::chain_rows::{ChainRows, stored_genesis};
use raclette::store::{OpenOptions, RocksDisk, Role};
use std::fs;
use std::hint::black_box;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Who join: as many as a network is made for.
const JOINS: usize = 10_000;
/// Who of them vote.
const VOTERS: usize = 2_000;
/// Milliseconds from one block to the next.
const INTERVAL_MS: u64 = 5_000;
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
    looking(&network, place.path(), &judged);
}

fn line(what: &str, takes: f64, yardstick: &str, measure: f64) {
    let ratio = takes / measure;
    println!("{what:<58} {takes:>12.3}  {yardstick:<44} {measure:>12.3} {ratio:>8.2}");
}

/// A time that is set by whoever makes the chain.
struct MadeUpTime(AtomicU64);

impl Clock for MadeUpTime {
    fn wall(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn steady(&self) -> SteadyTime {
        SteadyTime::after_beginning(0)
    }
}

/// Records of one kind, open and then mined.
struct Stage {
    /// Until one was open.
    open_us: f64,
    /// Bytes of one as a transaction.
    bytes: usize,
    /// What it builds on, which is not counted.
    before: Vec<Block>,
    blocks: Vec<Block>,
}

/// The blocks of a stage, connected by a node that had seen nothing of them.
struct Replayed {
    each_us: f64,
    first_us: f64,
    last_us: f64,
}

struct Judged {
    stages: [Stage; 3],
    /// The ballots over the members, and over a roll in parts.
    ballots: [voting::BallotId; 2],
}

/// A network with many members that votes.
struct Network {
    genesis: Genesis,
    rules: Rules,
    tracker: SecretKey,
    members: Vec<SecretKey>,
    time: MadeUpTime,
}

impl Network {
    fn new() -> Self {
        let tracker = SecretKey::from_bytes([9; 32]);
        let members = (0..JOINS as u64).map(|number| {
            let seed = blake3::hash(&number.to_le_bytes());
            SecretKey::from_bytes(*seed.as_bytes())
        });
        let members: Vec<_> = members.collect();
        let params = Params {
            name: CappedText::new("voters").unwrap(),
            interval_ms: INTERVAL_MS,
            start_target: Target::from_expected_hashes(NonZeroU64::MIN).to_compact(),
            window: 90,
            growth_blocks: 0,
            reward: Amount(50),
            halving_blocks: 0,
            max_block_bytes: 2 * 1024 * 1024,
            min_fee_per_kib: Amount(0),
            admission: Admission::Invite,
            allocations: Vec::new(),
            gift: Amount::ZERO,
            recovery: None,
            applications: vec![voting::topic()],
        };
        let begun = Timestamp(SystemClock.wall().0 - BLOCKS * INTERVAL_MS);
        let content = GenesisContent::new(params, tracker.public_key(), members[0].public_key());
        let genesis = Genesis {
            header: solved(content.header(begun)),
            content,
        };
        let rules = Rules::new(genesis.clone(), &raclette::apps::built_in()).unwrap();
        Self {
            genesis,
            rules,
            tracker,
            members,
            time: MadeUpTime(AtomicU64::new(begun.0)),
        }
    }

    /// Settings of a member that keeps the chain in its data directory, and that directory.
    fn settings(&self, place: &Path) -> PathBuf {
        let data = place.join("data");
        let text = format!(
            "role = \"peer\"\nname = \"looker\"\ntrackers = [\"127.0.0.1:9\"]\nlisten = \"127.0.0.1:0\"\ndata_dir = \
             {data:?}\n[api]\nlisten = \"127.0.0.1:0\"\n"
        );
        fs::write(place.join("peer.toml"), text).unwrap();
        fs::create_dir_all(&data).unwrap();
        data
    }

    fn on<T>(&self, directory: &Path, work: impl FnOnce(&mut OfflineLedger<'_>) -> T) -> T {
        fs::create_dir_all(directory).unwrap();
        let disk = RocksDisk::open(directory, &OpenOptions::new(Role::Peer)).unwrap();
        self.time
            .0
            .store(self.genesis.header.timestamp.0, Ordering::Relaxed);
        let mut ledger = OfflineLedger::open(&disk, self.rules.clone(), &self.time).unwrap();
        ledger.set_members(self.members.iter().map(SecretKey::public_key));
        let done = work(&mut ledger);
        ledger.write().unwrap();
        done
    }

    fn with_applications(&self, directory: &Path) -> Judged {
        self.on(directory, |ledger| {
            let joins = self.stage(ledger, self.joins());
            let voters = &self.members[..VOTERS];
            let (by_members, before) = self.open(ledger, Roll::members());
            let votes = Stage {
                before,
                ..self.stage(ledger, self.votes(ledger, by_members))
            };
            let mut keys: Vec<PublicKey> = voters.iter().map(SecretKey::public_key).collect();
            keys.sort_unstable();
            let parts: Vec<_> = keys
                .chunks(voting::MAX_ROLL)
                .map(|keys| RollPart {
                    keys: keys.to_vec(),
                })
                .collect();
            let named = parts.iter().map(RollPart::hash).collect();
            let parts = parts.into_iter().map(Parcel::Roll);
            let parts: Vec<_> = parts
                .map(|part| self.record(0, voting::topic(), part.encode().unwrap(), tip(ledger)))
                .collect();
            let mut before = self.stage(ledger, parts).blocks;
            let (by_parts, opening) = self.open(ledger, Roll::parts(named));
            before.extend(opening);
            let listed = Stage {
                before,
                ..self.stage(ledger, self.votes(ledger, by_parts))
            };
            Judged {
                stages: [joins, votes, listed],
                ballots: [by_members, by_parts],
            }
        })
    }

    /// As many records as join and vote, as long, under a topic that no application has.
    fn with_plain_records(&self, directory: &Path) -> [Stage; 2] {
        self.on(directory, |ledger| {
            [(JOINS, LONG), (VOTERS, SHORT)].map(|(count, length)| {
                let height = tip(ledger);
                let records = (0..count).map(|number| {
                    let topic = Topic::new("notes").unwrap();
                    let body = RecordBody::new(vec![number as u8; length]).unwrap();
                    self.record(number, topic, body, height)
                });
                let records = records.collect();
                self.stage(ledger, records)
            })
        })
    }

    fn record(&self, by: usize, topic: Topic, body: RecordBody, tip: Height) -> EncodedTransaction {
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&tip.0.to_le_bytes());
        let key = &self.members[by];
        let payload = Payload {
            network: self.genesis.id(),
            sender: key.public_key(),
            salt: Salt(salt),
            expires_at: Height(tip.0 + BLOCKS),
            fee: Amount(0),
            action: Action::Record { topic, body },
        };
        EncodedTransaction::new(payload.sign(key))
    }

    fn joins(&self) -> Vec<EncodedTransaction> {
        let network = self.genesis.id();
        let (admin, now) = (self.tracker.public_key(), self.genesis.header.timestamp);
        let seed = SecretKey::from_bytes([7; 32]);
        let invitation: Invitation = InvitationStatement {
            network: Some(network),
            key: seed.public_key(),
            issuer: admin,
            delegation: None,
            uses: MAX_USES,
            serial: now,
            expires: now.plus_ms(BLOCKS * INTERVAL_MS),
        }
        .sign(&self.tracker);
        let join = |(number, member): (usize, &SecretKey)| {
            let (key, name) = (
                member.public_key(),
                format!("member-{number}").parse().unwrap(),
            );
            let said = CertificateStatement {
                invitation: Some(seed.public_key()),
                ..CertificateStatement::at(now, network, key, name, admin)
            };
            let name = said.name.clone();
            let invited = sign_invited(&seed, &network, &key, &name);
            let record = MembersRecord::Join(Box::new(JoinRecord {
                name,
                sealing_key: member.sealing_key(),
                certificate: said.sign(&self.tracker),
                invitation: Some(invitation.clone()),
                invited: Some(invited),
            }));
            let body = RecordBody::new(canonical::encode(&record)).unwrap();
            self.record(
                number,
                Topic::new("members").unwrap(),
                body,
                Height::GENESIS,
            )
        };
        self.members.iter().enumerate().map(join).collect()
    }

    fn open(&self, ledger: &mut OfflineLedger<'_>, roll: Roll) -> (voting::BallotId, Vec<Block>) {
        let choice = |text| voting::Choice::new(text).unwrap();
        let height = tip(ledger);
        let opening = Parcel::Open(Opening {
            question: voting::Question::new("Where to?").unwrap(),
            choices: vec![choice("Rome"), choice("Bern"), choice("Oslo")],
            max: 1,
            roll,
            closes_at: None,
            last_height: Height(height.0 + BLOCKS),
        });
        let record = self.record(0, voting::topic(), opening.encode().unwrap(), height);
        let id = record.id();
        (id, self.stage(ledger, vec![record]).blocks)
    }

    fn votes(
        &self,
        ledger: &OfflineLedger<'_>,
        ballot: voting::BallotId,
    ) -> Vec<EncodedTransaction> {
        let vote = |voter: usize| {
            let vote = Parcel::Vote(Vote {
                ballot,
                revision: 1,
                choices: vec![(voter % 3) as u8],
            });
            self.record(voter, voting::topic(), vote.encode().unwrap(), tip(ledger))
        };
        (0..VOTERS).map(vote).collect()
    }

    /// Has these records become open, and mines all of them.
    fn stage(&self, ledger: &mut OfflineLedger<'_>, records: Vec<EncodedTransaction>) -> Stage {
        let count = records.len();
        let bytes = records[0].bytes().len();
        let begun = Instant::now();
        for record in records {
            ledger.send(record).unwrap().unwrap();
        }
        let open_us = each(begun.elapsed(), count);
        let mut blocks = Vec::new();
        let mut mined = 0;
        while mined < count {
            self.set_time(tip(ledger).next());
            let template = ledger.template(self.members[0].public_key()).unwrap();
            let block = template.solved(solved(template.header).nonce);
            let outcome = ledger.block(block.clone()).unwrap();
            assert!(matches!(outcome, BlockOutcome::Accepted), "{outcome:?}");
            mined += block.transactions.len() - 1;
            blocks.push(block);
        }
        Stage {
            open_us,
            bytes,
            before: Vec::new(),
            blocks,
        }
    }

    fn set_time(&self, height: Height) {
        let stamp = self
            .genesis
            .header
            .timestamp
            .plus_ms(height.0 * INTERVAL_MS);
        self.time.0.store(stamp.0, Ordering::Relaxed);
    }

    /// The blocks of all stages, by a node that has seen nothing; what lies between them is not counted.
    fn replay(&self, directory: &Path, stages: &[&Stage]) -> Vec<Replayed> {
        self.on(directory, |ledger| {
            let mut connect = |block: &Block| {
                self.set_time(block.header.height);
                let block = block.clone();
                let records = block.transactions.len() - 1;
                let begun = Instant::now();
                let outcome = ledger.block(block).unwrap();
                assert!(matches!(outcome, BlockOutcome::Accepted), "{outcome:?}");
                (begun.elapsed(), records)
            };
            let mut replayed = Vec::new();
            for stage in stages {
                for block in &stage.before {
                    connect(block);
                }
                let took: Vec<_> = stage.blocks.iter().map(&mut connect).collect();
                let fifth = took.len().div_ceil(5);
                replayed.push(Replayed {
                    each_us: mean(&took),
                    first_us: mean(&took[..fifth]),
                    last_us: mean(&took[took.len() - fifth..]),
                });
            }
            replayed
        })
    }
}

fn tip(ledger: &OfflineLedger<'_>) -> Height {
    ledger.ledger().tip().height()
}

fn mean(took: &[(Duration, usize)]) -> f64 {
    let all = took.iter().map(|(took, _)| *took).sum();
    each(all, took.iter().map(|(_, records)| records).sum())
}

fn each(took: Duration, count: usize) -> f64 {
    took.as_secs_f64() * 1e6 / count as f64
}

/// The header with the first nonce that has its work.
fn solved(mut header: Header) -> Header {
    while !header.has_work() {
        header.nonce += 1;
    }
    header
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

/// What its owner sees of a ballot, and somebody without a node counts again.
fn looking(network: &Network, place: &Path, judged: &Judged) {
    let single = {
        let vote = &judged.stages[1].blocks[0].transactions[1..2];
        let begun = Instant::now();
        for _ in 0..READS {
            assert!(black_box(check_signatures(vote)).iter().all(Result::is_ok));
        }
        each(begun.elapsed(), READS as usize)
    };
    let [by_members, by_parts] = judged.ballots;
    {
        let directory = place.join("data/db");
        let disk = RocksDisk::open(&directory, &OpenOptions::new(Role::Peer)).unwrap();
        let read = |work: &dyn Fn(&ChainRows<'_>)| {
            let begun = Instant::now();
            for _ in 0..READS {
                work(&ChainRows(&disk));
            }
            each(begun.elapsed(), READS as usize)
        };
        let tally = read(&|chain| {
            let (_, tally) = Ballots(chain).ballot(&by_members).unwrap().unwrap();
            assert_eq!(tally.voters, VOTERS as u64);
        });
        let header = read(&|chain| {
            let id = network.genesis.id();
            black_box(chain.header(&id).unwrap());
        });
        line(
            "the tally of 2,000 votes",
            tally,
            "reading one header",
            header,
        );
    }
    let node = Node::builder().settings_file(place.join("peer.toml"));
    let node = node.start().unwrap();
    node.wait_until_ready(Duration::from_secs(60)).unwrap();
    let peer = node.peer().unwrap();
    for (ballot, what) in [
        (
            by_members,
            "a ballot as its owner asks for it, roll of members",
        ),
        (by_parts, "the same, roll in parts"),
    ] {
        let id = ballot.to_string();
        let begun = Instant::now();
        for _ in 0..READS / 10 {
            let seen = node.block_on(peer.ballot(&id)).unwrap();
            assert_eq!(
                (seen.voted, seen.voters),
                (VOTERS as u64, voters(&ballot, judged))
            );
        }
        let took = each(begun.elapsed(), READS as usize / 10);
        line(what, took, "checking one signature", single);
    }
    let begun = Instant::now();
    let listed = node.block_on(peer.ballots(&Page::default())).unwrap();
    assert_eq!(listed.ballots.len(), 2);
    let took = begun.elapsed().as_secs_f64() * 1e6;
    line("the list of both", took, "checking one signature", single);
    let file = place.join("audit.jsonl");
    let begun = Instant::now();
    let audit = node.block_on(audit(&peer, &by_members.to_string()));
    fs::write(&file, &audit).unwrap();
    let took = each(begun.elapsed(), VOTERS);
    line(
        "the audit file, written, a vote",
        took,
        "checking one signature",
        single,
    );
    node.stop().unwrap();
    let begun = Instant::now();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check_vote.py");
    let ran = Command::new("python3")
        .arg(script)
        .arg(&file)
        .output()
        .unwrap();
    let took = begun.elapsed();
    let said = String::from_utf8_lossy(&ran.stdout);
    println!(
        "the audit file has {} bytes, {} a vote; scripts/check_vote.py took {:.1} s: {}",
        audit.len(),
        audit.len() / VOTERS,
        took.as_secs_f64(),
        said.lines().next().unwrap_or_default()
    );
}

/// How many are on the roll.
fn voters(ballot: &voting::BallotId, judged: &Judged) -> u64 {
    match *ballot == judged.ballots[0] {
        true => JOINS as u64,
        false => VOTERS as u64,
    }
}

async fn audit(peer: &Peer, id: &str) -> Vec<u8> {
    let mut lines = Box::pin(peer.audit(id).await.unwrap());
    let mut file = Vec::new();
    while let Some(line) = lines.next().await {
        file.extend(line.unwrap());
    }
    file
}
