//! A tracker with two thousand members.

use crate::support::{Crowd, Heard, Lab, RawPeer, View, so, wait_until, wait_within};
use raclette::protocol::liveness::ROUND_MS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Simulated members.
const MEMBERS: usize = 2_000;
/// Of these, so many note what they are told.
const LISTENERS: usize = 10;
/// And so many can be dialled back.
const REACHABLE: usize = 100;
/// So many say goodbye at once.
const LEAVERS: usize = 200;
/// Members beside the simulated ones: a real peer, and two that do not answer.
const OTHERS: usize = 3;
/// More than anything here takes on a busy machine of two cores.
const PATIENCE: Duration = Duration::from_secs(240);
/// Above what the tracker holds with all of them: 60 KB each, most of it buffers of the sessions.
const MAX_TRACKER_BYTES: u64 = 512 * 1024 * 1024;

/// Each of the crowd needs a file, and some another one.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = 8_192;
    let raised = Rlimit {
        current: Some(limit.maximum.map_or(wanted, |most| most.min(wanted))),
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

/// Answers of each of the crowd so far.
fn answers(crowd: &Crowd) -> Vec<u64> {
    let members = crowd.members.iter();
    members
        .map(|m| m.answered.load(Ordering::Relaxed))
        .collect()
}

/// How many members each of those who listen finds live, and reachable.
fn views(crowd: &Crowd) -> Vec<(usize, usize)> {
    let views = crowd.members.iter().filter_map(|m| m.view.as_ref());
    let count = |view: &Mutex<View>| {
        let view = view.lock().unwrap();
        let live = view.members.values().filter(|(live, _)| *live).count();
        let reachable = view.members.values().filter(|(_, there)| *there).count();
        (live, reachable)
    };
    views.map(count).collect()
}

#[test]
fn p2p_two_thousand_members_get_through_a_round() {
    raise_file_limit();
    let lab = Lab::start();
    let alice = lab.peer("alice");
    let tracker = lab.tracker.listen;
    // One that never reads again, one that reads and says nothing, one that only opens a connection.
    let (deaf, _) = RawPeer::register(tracker, 1, "deaf");
    let (mut mute, registered) = RawPeer::register(tracker, 2, "mute");
    let _half_open = RawPeer::connect(tracker, 3);
    let network = registered.genesis.expect("alice has made it").id();
    let reader = std::thread::spawn(move || while !matches!(mute.hear(PATIENCE), Heard::Closed) {});

    let begun = Instant::now();
    let crowd = Crowd::start(
        tracker,
        (network, lab.tracker_key()),
        MEMBERS,
        LISTENERS,
        REACHABLE,
    );
    wait_within(PATIENCE, "all register", || {
        let status = lab.tracker.tracker_status();
        let found = format!("{} registered, {} live", status.registered, status.live);
        so(status.registered == MEMBERS + OTHERS, found)
    });
    let joined = begun.elapsed();
    wait_within(PATIENCE, "those who listen are told of all", || {
        let views = views(&crowd);
        let all = |(live, reachable): &(usize, usize)| *live > MEMBERS && *reachable > REACHABLE;
        so(views.iter().all(all), format!("{views:?}"))
    });
    let told = begun.elapsed();

    let before = answers(&crowd);
    let begun = Instant::now();
    wait_within(PATIENCE, "all answer in a round", || {
        let answered = answers(&crowd);
        let done = before.iter().zip(&answered).filter(|(b, a)| a > b).count();
        so(done == MEMBERS, done)
    });
    let round = begun.elapsed();
    let most = Duration::from_millis(ROUND_MS) * 4 / 3;
    assert!(round < most, "a round took {round:?}");

    // The two that do not answer are found out; nobody else is lost over it.
    wait_within(PATIENCE, "who does not answer is offline", || {
        let status = lab.tracker.tracker_status();
        so(status.live == MEMBERS + 1, status.live)
    });
    reader.join().unwrap();
    drop(deaf);

    // A newcomer gets in as ever.
    let bob = lab.peer("bob");
    let last = alice.mine().id.to_string();
    bob.reaches(&last);

    // Many go at once: it is told at once, in a few messages.
    let messages = || -> usize {
        let view = crowd.members[0].view.as_ref().unwrap();
        view.lock().unwrap().messages
    };
    let before = messages();
    let leavers = &crowd.members[MEMBERS - LEAVERS..];
    leavers.iter().for_each(|member| member.leave());
    wait_until("all who listen know who went", || {
        let views = views(&crowd);
        let rest = MEMBERS - LEAVERS + 2;
        let all = views.iter().all(|(live, _)| *live == rest);
        so(all, format!("{views:?}"))
    });
    let batches = messages() - before;
    assert!(
        batches < LEAVERS / 4,
        "{batches} messages for {LEAVERS} news"
    );
    let bytes = lab.tracker.resident_bytes();
    assert!(bytes < MAX_TRACKER_BYTES, "the tracker holds {bytes} bytes");
    println!(
        "{MEMBERS} members: registered in {joined:?}, told of each other in {told:?}, a round in \
         {round:?}; {LEAVERS} goodbyes in {batches} messages; the tracker holds {} MiB and used \
         {:.1} s of processor time",
        bytes >> 20,
        lab.tracker.cpu_seconds()
    );
}
