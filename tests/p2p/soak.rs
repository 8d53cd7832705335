//! Many messages among four nodes, on lines that break and with nodes that are killed at any moment.

use crate::support::{Lab, Node, Proxy, so, wait_within};
use raclette::owner::answers::SentView;
use raclette::protocol::delivery::rows::SendState;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
/// Of a hundred connections, so many are cut at some moment of theirs.
const CUT_PERCENT: u64 = 30;

/// How much is to be gone through.
struct Trial {
    messages: usize,
    kills: usize,
    /// Between two kills.
    pause: Duration,
    patience: Duration,
    /// When those mine who do.
    mining: &'static str,
}

/// Chance that can be had again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A message, and whether its sender's node has promised to send it.
struct Message {
    from: usize,
    to: usize,
    note: String,
    id: Option<String>,
}

/// Four nodes that reach each other through lines that break.
fn nodes(lab: &Lab, mining: &str) -> (Vec<RwLock<Node>>, Vec<Proxy>) {
    let make = |(number, name): (usize, &&str)| {
        let line = Proxy::start_flaky(CUT_PERCENT, number as u64 + 1);
        // Two mine, so that branches part and heal as well.
        let mode = if number < 2 { mining } else { "on-command" };
        let settings = format!(
            "advertise = [\"{}\"]\n[mining]\nmode = \"{mode}\"\n",
            line.listen
        );
        let mut node = lab.prepare_peer_with(name, &settings);
        line.lead_to(node.listen);
        node.start().joins();
        (RwLock::new(node), line)
    };
    NAMES.iter().enumerate().map(make).unzip()
}

/// One node's owner writes to the others until all is said.
fn write_all(
    nodes: &[RwLock<Node>],
    from: usize,
    count: usize,
    done: &AtomicUsize,
) -> Vec<Message> {
    let mut chance = Chance(0x9e37_79b9 + from as u64);
    let mut messages = Vec::new();
    let mut promised = 0;
    while promised < count {
        let to = (from + 1 + chance.below(3) as usize) % NAMES.len();
        let note = format!("{} to {}, {}", NAMES[from], NAMES[to], messages.len());
        let body = json!({"to": NAMES[to], "amount": "0", "note": note});
        let sent = nodes[from]
            .read()
            .unwrap()
            .try_post::<SentView>("/transactions", body);
        let id = match sent {
            Ok(sent) => Some(sent.id.to_string()),
            // Killed on the way: it may have been stored, or not.
            Err(refused) if refused.status == 0 => None,
            // The outbox is full, or the network is not known yet.
            Err(refused) if refused.status == 503 => {
                thread::sleep(Duration::from_millis(100));
                continue;
            }
            Err(refused) => panic!("{}: {refused}", NAMES[from]),
        };
        match id {
            Some(_) => promised += 1,
            // Until it is back.
            None => thread::sleep(Duration::from_millis(50)),
        }
        messages.push(Message { from, to, note, id });
        done.fetch_add(1, Ordering::Relaxed);
    }
    messages
}

/// Kills nodes at any moment, also in the middle of a request, and starts them again.
fn kill_all(nodes: &[RwLock<Node>], trial: &Trial, over: &AtomicBool) -> usize {
    let mut chance = Chance(0x5851_f42d);
    let mut kills = 0;
    while kills < trial.kills && !over.load(Ordering::Relaxed) {
        let pause = trial.pause.as_millis() as u64;
        thread::sleep(Duration::from_millis(chance.below(2 * pause)));
        let node = &nodes[chance.below(NAMES.len() as u64) as usize];
        node.read().unwrap().strike();
        let mut node = node.write().unwrap();
        node.kill();
        node.start();
        kills += 1;
    }
    kills
}

fn go_through(trial: &Trial) {
    let lab = Lab::start_with("block_interval_ms = 250\nstart_work = 64\n");
    let (nodes, lines) = nodes(&lab, trial.mining);
    for node in &nodes {
        node.read().unwrap().knows(&NAMES);
    }
    let begun = Instant::now();
    let (over, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let messages = Mutex::new(Vec::new());
    let kills = thread::scope(|scope| {
        let killer = scope.spawn(|| kill_all(&nodes, trial, &over));
        let writers: Vec<_> = (0..NAMES.len())
            .map(|from| {
                let (nodes, messages, done) = (&nodes, &messages, &done);
                let count = trial.messages / NAMES.len();
                scope.spawn(move || {
                    let written = write_all(nodes, from, count, done);
                    messages.lock().unwrap().extend(written);
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        if trial.kills < 10 {
            over.store(true, Ordering::Relaxed);
        }
        killer.join().unwrap()
    });
    let written = begun.elapsed();
    lines.iter().for_each(Proxy::calm);
    let nodes: Vec<Node> = nodes
        .into_iter()
        .map(|node| node.into_inner().unwrap())
        .collect();
    let messages = messages.into_inner().unwrap();
    let promised: Vec<_> = messages.iter().filter(|m| m.id.is_some()).collect();
    all_are_mined(&nodes, &promised, trial.patience);
    let settled = begun.elapsed();
    each_arrived_once(&nodes, &messages);
    let cuts: usize = lines.iter().map(Proxy::cuts).sum();
    println!(
        "{} messages, {} promised, {kills} kills, {cuts} connections cut; written in {:.0} s, all \
         mined after {:.0} s",
        messages.len(),
        promised.len(),
        written.as_secs_f64(),
        settled.as_secs_f64(),
    );
}

/// Every sender sees every send of its own mined in the end.
fn all_are_mined(nodes: &[Node], promised: &[&Message], patience: Duration) {
    let mut open: Vec<_> = promised
        .iter()
        .map(|m| (m.from, m.id.clone().unwrap()))
        .collect();
    wait_within(patience, "all are mined", || {
        open.retain(|(from, id)| nodes[*from].sent(id).state != SendState::Mined);
        let left = open.first().map(|(from, id)| nodes[*from].sent(id));
        so(
            open.is_empty(),
            format!("{} left, such as {left:?}", open.len()),
        )
    });
    for node in nodes {
        wait_within(patience, "nothing waits any more", || {
            let outbox = node.outbox();
            so(outbox.queued == 0, outbox.queued)
        });
    }
}

/// Everything that was promised was received exactly once, by whom it was meant for; what was not
/// promised at most once.
fn each_arrived_once(nodes: &[Node], messages: &[Message]) {
    for node in nodes {
        let mode = json!({"mode": "on-command"});
        node.try_post::<serde_json::Value>("/mining/mode", mode)
            .unwrap();
    }
    // Two branches with the same work stay as they are until one of them grows.
    wait_within(Duration::from_secs(60), "all agree on one tip", || {
        let tips: Vec<_> = nodes.iter().map(|node| node.tip()).collect();
        if tips.windows(2).all(|two| two[0] == two[1]) {
            return Ok(());
        }
        nodes[0].mine();
        Err(format!("{tips:?}"))
    });
    for (at, node) in nodes.iter().enumerate() {
        let inbox = wait_within(Duration::from_secs(60), "all of it has come", || {
            let inbox = node.inbox();
            let has: HashSet<_> = inbox.iter().map(|m| m.id.to_string()).collect();
            let mut meant = messages.iter().filter(|m| m.to == at);
            let missing = meant.find(|m| m.id.as_ref().is_some_and(|id| !has.contains(id)));
            so(
                missing.is_none(),
                format!("{:?} is missing", missing.map(|m| &m.note)),
            )?;
            Ok(inbox)
        });
        let ids: HashSet<_> = inbox.iter().map(|m| m.id).collect();
        assert_eq!(ids.len(), inbox.len(), "{}: each id once", node.name);
        let mut times: HashMap<String, usize> = HashMap::new();
        for note in node.notes() {
            *times.entry(note).or_default() += 1;
        }
        for message in messages.iter().filter(|m| m.to == at) {
            let times = times.remove(&message.note).unwrap_or_default();
            assert!(times <= 1, "{} came {times} times", message.note);
            assert!(
                message.id.is_none() || times == 1,
                "{} is lost",
                message.note
            );
        }
        assert!(times.is_empty(), "{}: nobody wrote {times:?}", node.name);
    }
}

#[test]
fn p2p_soak_what_is_promised_arrives_once_on_lines_that_break_and_with_nodes_that_die() {
    go_through(&Trial {
        messages: 400,
        kills: 4,
        pause: Duration::from_millis(1_000),
        patience: Duration::from_secs(180),
        mining: "when-pending",
    });
}

#[test]
#[ignore = "takes minutes: make soak"]
fn soak_ten_thousand_messages_and_fifty_kills() {
    go_through(&Trial {
        messages: 10_000,
        kills: 50,
        pause: Duration::from_millis(2_500),
        patience: Duration::from_secs(900),
        // A key writes more than its free share of the last 720 blocks: what is beyond waits until these are
        // behind, which they never are where nobody mines while nothing is open.
        mining: "always",
    });
}
