//! What is seen of a ballot: by its owner, and by somebody without a node.

use super::network::{Judged, Network, each};
use super::{JOINS, READS, VOTERS, line};
use futures_util::StreamExt;
use raclette::Node;
use raclette::apps::voting::{self, Ballots};
use raclette::chain::{StateView, check_signatures};
use raclette::owner::{Page, Peer};
use raclette::store::chain_rows::ChainRows;
use raclette::store::{OpenOptions, RocksDisk, Role};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What its owner sees of a ballot, and somebody without a node counts again.
pub(super) fn looking(network: &Network, place: &Path, judged: &Judged) {
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
            let id = network.made_up.genesis().id();
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
    let timed = |times: u32, look: &dyn Fn()| {
        let begun = Instant::now();
        (0..times).for_each(|_| look());
        each(begun.elapsed(), times as usize)
    };
    let look = |ballot: &voting::BallotId| {
        let seen = node.block_on(peer.ballot(&ballot.to_string())).unwrap();
        let expected = (VOTERS as u64, voters(ballot, judged));
        assert_eq!((seen.voted, seen.voters), expected);
    };
    let list = || {
        let listed = node.block_on(peer.ballots(&Page::default())).unwrap();
        assert_eq!(listed.ballots.len(), 2);
    };
    // Whoever looks first has the members counted.
    for (times, what, work) in [
        (
            1,
            "the first list of both since the start",
            &list as &dyn Fn(),
        ),
        (READS, "the list of both", &list),
        (READS, "a ballot, roll of members", &|| look(&by_members)),
        (READS, "the same, roll in parts", &|| look(&by_parts)),
    ] {
        line(what, timed(times, work), "checking one signature", single);
    }
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
