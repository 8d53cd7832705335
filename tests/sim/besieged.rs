//! Members that one owner has invented, and those who drip and flood, beside honest ones.

use super::lives_through;
use super::regressions::{apart, fault, one_miner, payment};
use raclette::settings::MiningMode;
use raclette::sim::{Lie, Plan, Trouble};

/// Three honest ones, and these beside them.
fn besieged(seed: u64, lies: &[Lie]) -> Plan {
    let mut plan = one_miner(seed, 3 + lies.len());
    plan.incoming = 4;
    for (peer, lie) in plan.peers[3..].iter_mut().zip(lies) {
        peer.joins_ms = 6_000;
        peer.mode = MiningMode::OnCommand;
        peer.lie = Some(*lie);
    }
    plan.deeds = vec![
        payment(60_000, 3, 2),
        payment(80_000, 2, 1),
        payment(95_000, 1, 3),
    ];
    plan
}

/// They take more places than the honest ones give to others: those stay connected, also when one of them comes late,
/// when all begin anew, and when one is alone with them until they have taken all its places, and then the places
/// that it had with the others.
#[test]
fn invented_members_part_nobody() {
    let mut plan = besieged(1, &[Lie::Sybils(8)]);
    plan.peers[2].joins_ms = 50_000;
    plan.faults = vec![
        fault(70_000, 5_000, Trouble::Kill(2)),
        fault(85_000, 5_000, Trouble::Blackout),
        apart(&[3, 4], 120_000, 90_000),
        apart(&[2, 4], 300_000, 90_000),
    ];
    let outcome = lives_through(&plan);
    let taken = outcome.lines.iter().filter(|line| {
        line.contains("there are enough connections here") || line.contains("are known for longer")
    });
    assert!(taken.count() > 0, "no place was ever taken");
}

/// One that comes when there are many blocks already gets them from who has them, not at the pace of one that drips.
#[test]
fn drippers_and_flooders_among_invented_members_hold_up_nobody() {
    let mut plan = besieged(2, &[Lie::Sybils(5), Lie::Drips, Lie::Floods]);
    plan.interval_ms = 1_000;
    plan.peers[0].rate = 150;
    plan.peers[2].joins_ms = 200_000;
    plan.faults = [2, 4, 5, 6]
        .map(|host| fault(70_000 + 1_000 * host as u64, 4_000, Trouble::Kill(host)))
        .to_vec();
    plan.deeds.push(payment(215_000, 3, 1));
    let settled_ms = lives_through(&plan).settled_ms;
    assert!(settled_ms < 20_000, "after {settled_ms} ms");
}

#[test]
fn seeds_draw_members_that_are_invented() {
    let mut peers = super::FIXED.flat_map(|seed| Plan::draw(seed).peers);
    assert!(peers.any(|peer| matches!(peer.lie, Some(Lie::Sybils(_)))));
}
