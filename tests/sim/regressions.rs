//! What seeds have found: each as the smallest plan that broke something, named after the seed that did.

use super::lives_through;
use raclette::settings::MiningMode;
use raclette::sim::{Deed, Fault, Lie, Plan, Trouble};

/// A network in which these hosts are cut off outward: what they send is lost, what they are sent is not.
fn cut_outward(side: &[usize], at_ms: u64, for_ms: u64) -> Fault {
    Fault {
        at_ms,
        for_ms,
        what: Trouble::Partition {
            side: side.to_vec(),
            out: true,
            back: false,
            flap_ms: None,
        },
    }
}

/// The first host mines, the others do not.
fn one_miner(seed: u64, peers: usize) -> Plan {
    let mut plan = Plan::quiet(seed, peers);
    for peer in plan.peers.iter_mut().skip(1) {
        peer.mode = MiningMode::OnCommand;
    }
    plan
}

fn payment(at_ms: u64, from: usize, to: usize) -> Deed {
    Deed::payment(at_ms, from, to, 5)
}

/// The miner hears of a payment, but what it asks for is lost; nobody announces twice, and it did not ask
/// twice: a payment that was open for its sender was never mined.
#[test]
fn seed_13_a_question_for_a_payment_is_lost() {
    let mut plan = one_miner(13, 2);
    plan.faults = vec![cut_outward(&[1], 46_000, 20_000)];
    plan.deeds = vec![payment(56_000, 2, 1)];
    lives_through(&plan);
}

/// One that never delivers has announced the payment after the one who would: only the last one was asked
/// again, and a late answer of the first one was passed over.
#[test]
fn seed_1384_a_liar_is_asked_last() {
    let mut plan = one_miner(1384, 3);
    plan.peers[2].lie = Some(Lie::Stalls);
    plan.faults = vec![cut_outward(&[0, 1], 81_000, 13_000)];
    plan.deeds = vec![payment(84_000, 2, 1)];
    lives_through(&plan);
}

/// The clock is an hour ahead when the tracker can't be reached, and is set right: the pause until the next
/// try was an hour longer.
#[test]
fn seed_822_a_clock_is_set_right_during_a_pause() {
    let mut plan = one_miner(822, 2);
    plan.peers[1].joins_ms = 69_254;
    let clock = Trouble::Clock {
        host: 2,
        skew_ms: 3_420_603,
    };
    let fault = |at_ms, for_ms, what| Fault {
        at_ms,
        for_ms,
        what,
    };
    plan.faults = vec![
        fault(41_418, 35_281, Trouble::Kill(0)),
        fault(44_924, 30_089, clock),
    ];
    lives_through(&plan);
}
