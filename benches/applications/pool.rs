//! What blocks take while as much is open as finds room.

use super::network::{Judged, Network, tip};
use super::{SHORT, VOTERS, line};
use raclette::archive::OfflineLedger;
use raclette::chain::transaction::RecordBody;
use raclette::chain::{Block, EncodedTransaction, Topic};
use std::path::Path;
use std::time::Instant;

/// Blocks of which the middle one counts.
const IDLE: usize = 5;
/// What each voter has open, of its votes in the one ballot: together more than finds room.
const EACH: u64 = 30;

/// Blocks with nothing in them, while the place for open transactions is full of votes, or of records that nobody
/// judges.
pub(super) fn full(network: &Network, place: &Path, judged: &Judged) {
    let [joins, votes, _] = &judged.stages;
    let before: Vec<&Block> = joins.blocks.iter().chain(&votes.before).collect();
    let begin = |ledger: &mut OfflineLedger<'_>| {
        for block in &before {
            network.made_up.connect(ledger, (*block).clone()).unwrap();
        }
    };
    let miner = network.members[0].public_key();
    let idle: Vec<Block> = network.on(&place.join("idle"), |ledger| {
        begin(ledger);
        let mined = (0..IDLE).map(|_| network.made_up.mine(ledger, miner).unwrap());
        mined.collect()
    });
    let middle =
        |name: &str, fill: &dyn Fn(u64, usize, &OfflineLedger<'_>) -> EncodedTransaction| {
            network.on(&place.join(name), |ledger| {
                begin(ledger);
                let mut open = 0_u32;
                'full: for number in 0..EACH {
                    for voter in 0..VOTERS {
                        let record = fill(number, voter, ledger);
                        if ledger.send(record).unwrap().is_err() {
                            break 'full;
                        }
                        open += 1;
                    }
                }
                let mut took: Vec<_> = idle
                    .iter()
                    .map(|block| {
                        let begun = Instant::now();
                        network.made_up.connect(ledger, block.clone()).unwrap();
                        begun.elapsed().as_secs_f64() * 1e6
                    })
                    .collect();
                took.sort_by(f64::total_cmp);
                (open, took[IDLE / 2])
            })
        };
    let ballot = judged.ballots[0];
    let (open, judging) = middle("full", &|number, voter, ledger| {
        network.vote(voter, ballot, number + 1, tip(ledger))
    });
    let (unjudged, against) = middle("plain-full", &|number, voter, ledger| {
        let body = RecordBody::new(vec![number as u8; SHORT]).unwrap();
        network.record(voter, Topic::new("notes").unwrap(), body, tip(ledger))
    });
    line(
        &format!("a block without records, {open} votes open"),
        judging,
        &format!("the same, {unjudged} open that nobody judges"),
        against,
    );
}
