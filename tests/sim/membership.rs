//! Who is let in by an invitation, who is not, whose name goes to another key; and a tracker that lies.

use super::lives_through;
use super::regressions::{deed, fault, one_miner, payment};
use raclette::sim::{Deceit, Doing, Inviting, Plan, Roll, Saying, Trouble};

/// How long an invitation lasts that does not end.
const LASTING_MS: u64 = 300 * 86_400_000;

/// A network into which these are invited, as many of them as is said, for so long.
fn invited(seed: u64, peers: usize, invitations: &[(&[usize], u32, u64)]) -> Plan {
    let mut plan = one_miner(seed, peers);
    plan.by_invitation = true;
    for peer in &mut plan.peers {
        peer.joins_ms = 1_000;
    }
    for (hosts, uses, lasts_ms) in invitations {
        let inviting = Inviting {
            hosts: hosts.to_vec(),
            uses: *uses,
            lasts_ms: *lasts_ms,
        };
        plan.deeds.push(deed(500, 0, Doing::Invite(inviting)));
    }
    plan
}

fn roll(plan: &Plan) -> Roll {
    lives_through(plan).roll
}

#[test]
fn an_invitation_lets_in_as_many_as_it_is_for() {
    let plan = invited(
        1,
        5,
        &[(&[1, 2], 2, LASTING_MS), (&[3, 4, 5], 2, LASTING_MS)],
    );
    let Roll {
        members, invited, ..
    } = roll(&plan);
    assert_eq!((members, invited), (4, 4));
}

#[test]
fn an_invitation_that_has_ended_or_was_taken_back_lets_nobody_in() {
    let hosts: [(&[usize], u32, u64); 3] = [
        (&[1, 2], 2, LASTING_MS),
        (&[3], 1, 10_000),
        (&[4], 1, LASTING_MS),
    ];
    let mut plan = invited(2, 4, &hosts);
    let in_time = roll(&plan);
    assert_eq!((in_time.members, in_time.certified), (4, 4));
    for late in &mut plan.peers[2..] {
        late.joins_ms = 30_000;
    }
    plan.deeds.push(deed(20_000, 0, Doing::Revoke(4)));
    let late = roll(&plan);
    // Neither the ledger takes them in nor the tracker.
    assert_eq!((late.members, late.certified), (2, 2));
}

#[test]
fn who_has_lost_its_key_is_a_member_under_its_name_with_another() {
    let mut plan = one_miner(3, 4);
    plan.deeds = vec![deed(40_000, 0, Doing::Say(Saying::Reassign(3)))];
    plan.faults = vec![fault(42_000, 20_000, Trouble::Kill(2))];
    assert_eq!(roll(&plan).put_out, 1);
    // Also where only those become members who were invited, and all of them are on the ledger.
    let mut plan = invited(4, 4, &[(&[1, 2, 3, 4], 4, LASTING_MS)]);
    plan.deeds
        .push(deed(40_000, 0, Doing::Say(Saying::Reassign(3))));
    // Time for both records to be mined, one after the other.
    plan.deeds.push(payment(150_000, 1, 2));
    assert_eq!(roll(&plan).members, 4);
}

/// Whatever a tracker says: those who know each other stay connected, also over restarts, have one chain, and are
/// members; and their payments arrive.
#[test]
fn a_tracker_that_lies_parts_nobody() {
    for (seed, how) in (10..).zip(Deceit::ALL) {
        let mut plan = invited(seed, 4, &[(&[1, 2, 3, 4], 4, LASTING_MS)]);
        let lies = Trouble::Lies {
            how,
            for_good: true,
        };
        plan.faults = vec![
            fault(40_000, 60_000, lies),
            fault(50_000, 10_000, Trouble::Kill(2)),
            fault(70_000, 10_000, Trouble::Blackout),
        ];
        plan.deeds
            .extend([payment(60_000, 3, 4), payment(90_000, 4, 2)]);
        let outcome = super::run(&plan, super::Level::INFO);
        let told = outcome.broken.map(|broken| (broken, outcome.lines));
        assert!(told.is_none(), "{how:?}: {told:#?}");
        assert_eq!(outcome.roll.members, 4, "{how:?}");
    }
}

/// Whoever may come back while the tracker lies is let in once it does not any more, whatever it has said.
#[test]
fn who_may_come_back_while_a_tracker_lies_is_a_member_afterwards() {
    for (seed, how) in (50..).zip(Deceit::ALL) {
        let mut plan = invited(seed, 4, &[(&[1, 2, 3, 4], 4, LASTING_MS)]);
        let lies = Trouble::Lies {
            how,
            for_good: false,
        };
        plan.faults = vec![
            fault(60_000, 60_000, lies),
            fault(90_000, 5_000, Trouble::Kill(3)),
        ];
        plan.deeds.extend([
            deed(40_000, 0, Doing::Say(Saying::Expel(3))),
            deed(80_000, 0, Doing::Say(Saying::Readmit(3))),
            // Time for its join to be mined after both statements, though it asks again after minutes only.
            payment(700_000, 1, 2),
        ]);
        let outcome = super::run(&plan, super::Level::INFO);
        let told = outcome.broken.map(|broken| (broken, outcome.lines));
        assert!(told.is_none(), "{how:?}: {told:#?}");
        assert_eq!(outcome.roll.members, 4, "{how:?}");
    }
}

/// The first tracker gives another one the right to issue, then the network, and is gone: everybody goes on, over
/// restarts, and what the new admin says counts.
#[test]
fn a_network_that_is_handed_over_goes_on_without_its_first_tracker() {
    let mut plan = one_miner(30, 4);
    plan.other_tracker = true;
    plan.faults = vec![
        fault(60_000, 0, Trouble::Gone),
        fault(80_000, 10_000, Trouble::Kill(2)),
        fault(95_000, 5_000, Trouble::Blackout),
    ];
    plan.deeds = vec![
        deed(30_000, 0, Doing::Delegate),
        deed(40_000, 0, Doing::HandOver),
        deed(110_000, 0, Doing::Say(Saying::Expel(4))),
        payment(120_000, 3, 2),
        // Time for both statements to be mined, one after the other.
        payment(300_000, 1, 2),
    ];
    assert_eq!(roll(&plan).put_out, 1);
}

/// The tracker's clock was an hour ahead when a name went to another key: what the next admin issued counted for
/// nobody until its own clock came there, and whoever has that key was cut off.
#[test]
fn seed_201739_what_the_next_admin_issues_counts_though_the_clock_before_it_was_ahead() {
    let mut plan = one_miner(32, 4);
    plan.other_tracker = true;
    let clock = Trouble::Clock {
        host: 0,
        skew_ms: 3_600_000,
    };
    plan.faults = vec![
        fault(35_000, 15_000, clock),
        fault(80_000, 0, Trouble::Gone),
    ];
    plan.deeds = vec![
        deed(30_000, 0, Doing::Delegate),
        deed(40_000, 0, Doing::Say(Saying::Reassign(3))),
        deed(60_000, 0, Doing::HandOver),
        payment(120_000, 3, 2),
        // Time for all statements to be mined, one after the other.
        payment(300_000, 1, 2),
    ];
    assert_eq!(roll(&plan).put_out, 1);
}

/// Whoever comes anew to a network that was handed over is sent on by the first tracker, which lets nobody in any
/// more: with an invitation of before, after its disk was lost, and under another key.
#[test]
fn who_comes_anew_to_a_network_that_was_handed_over_is_let_in() {
    let mut plan = invited(31, 4, &[(&[1, 2, 3, 4], 4, LASTING_MS)]);
    plan.other_tracker = true;
    plan.peers[3].joins_ms = 60_000;
    plan.faults = vec![fault(90_000, 10_000, Trouble::Wipe(2))];
    plan.deeds.extend([
        deed(30_000, 0, Doing::Delegate),
        deed(40_000, 0, Doing::HandOver),
        deed(120_000, 0, Doing::Say(Saying::Reassign(3))),
        payment(130_000, 4, 2),
        // Time for all of it to be mined, one after the other.
        payment(400_000, 1, 2),
    ]);
    let came = roll(&plan);
    assert_eq!((came.members, came.certified, came.put_out), (4, 4, 1));
}

#[test]
fn seeds_draw_all_that_becomes_of_members() {
    let plans: Vec<_> = super::FIXED.map(Plan::draw).collect();
    let does = |what: fn(&Doing) -> bool| {
        let all = plans.iter().flat_map(|plan| &plan.deeds);
        all.filter(|deed| what(&deed.what)).count()
    };
    assert!(plans.iter().any(|plan| plan.by_invitation));
    let too_few = |inviting: &Inviting| (inviting.uses as usize) < inviting.hosts.len();
    assert!(does(|doing| matches!(doing, Doing::Invite(_))) > 0);
    let invitations = plans.iter().flat_map(|plan| &plan.deeds);
    let mut invitations = invitations.filter_map(|deed| match &deed.what {
        Doing::Invite(inviting) => Some(inviting),
        _ => None,
    });
    assert!(invitations.any(too_few));
    assert!(does(|doing| matches!(doing, Doing::Revoke(_))) > 0);
    assert!(does(|doing| matches!(doing, Doing::Say(Saying::Reassign(_)))) > 0);
    assert!(does(|doing| matches!(doing, Doing::Delegate)) > 0);
    assert!(does(|doing| matches!(doing, Doing::HandOver)) > 0);
    for lie in Deceit::ALL {
        let mut faults = plans.iter().flat_map(|plan| &plan.faults);
        let is_told = faults.any(|f| matches!(f.what, Trouble::Lies { how, .. } if how == lie));
        assert!(is_told, "{lie:?}");
    }
}
