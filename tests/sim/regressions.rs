//! What seeds have found: each as the smallest plan that broke something, named after the seed that did.

use super::lives_through;
use raclette::settings::MiningMode;
use raclette::sim::{Deed, Doing, Fault, LeftOut, Lie, Plan, Poll, Polls, Saying, Trouble};

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
pub(super) fn one_miner(seed: u64, peers: usize) -> Plan {
    let mut plan = Plan::quiet(seed, peers);
    for peer in plan.peers.iter_mut().skip(1) {
        peer.mode = MiningMode::OnCommand;
    }
    plan
}

pub(super) fn payment(at_ms: u64, from: usize, to: usize) -> Deed {
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
    plan.faults = vec![
        fault(41_418, 35_281, Trouble::Kill(0)),
        fault(44_924, 30_089, clock),
    ];
    lives_through(&plan);
}

/// A network of peers that mine so and so fast, over lines with so much delay.
fn miners(seed: u64, delay_ms: (u64, u64), peers: &[(MiningMode, u64)]) -> Plan {
    let mut plan = Plan::quiet(seed, peers.len());
    plan.line.delay_ms = delay_ms;
    for (peer, (mode, rate)) in plan.peers.iter_mut().zip(peers) {
        (peer.mode, peer.rate) = (*mode, *rate);
    }
    plan
}

pub(super) fn fault(at_ms: u64, for_ms: u64, what: Trouble) -> Fault {
    Fault {
        at_ms,
        for_ms,
        what,
    }
}

/// Nothing gets to these hosts, or from them.
pub(super) fn apart(side: &[usize], at_ms: u64, for_ms: u64) -> Fault {
    let what = Trouble::Partition {
        side: side.to_vec(),
        out: true,
        back: true,
        flap_ms: None,
    };
    fault(at_ms, for_ms, what)
}

/// The same, to be mined within so many blocks.
fn within(blocks: u64, mut deed: Deed) -> Deed {
    if let Doing::Send(sending) = &mut deed.what {
        sending.lapses = Some(blocks);
    }
    deed
}

/// A recipient is back after a power cut, and the line to it is made anew before the former one is found to
/// be dead: what was on its way was sent twice in the new session, and the second receipt held for the doing
/// of somebody dishonest.
#[test]
fn seed_381_a_note_is_under_way_when_the_line_is_made_anew() {
    use MiningMode::{Always, OnCommand};
    let mut plan = miners(
        381,
        (9, 21),
        &[(Always, 30), (Always, 193), (OnCommand, 90)],
    );
    plan.interval_ms = 1_500;
    plan.peers[2].joins_ms = 2_149;
    let clock = Trouble::Clock {
        host: 2,
        skew_ms: -3_050,
    };
    let power = Trouble::PowerCut {
        host: 3,
        torn: None,
    };
    plan.faults = vec![fault(116_415, 23_810, clock), fault(88_382, 58_641, power)];
    plan.deeds = vec![Deed::note(119_122, 2, 3, 2_402)];
    lives_through(&plan);
}

/// Notes are mined before their recipient, whose disk is slow, has answered them: for their sender that made
/// room for further ones, of which more were under way than may be, and the recipient shunned it.
#[test]
fn seed_147_notes_are_mined_before_they_are_answered() {
    let mut plan = miners(
        147,
        (16, 60),
        &[(MiningMode::Always, 41), (MiningMode::Always, 21)],
    );
    let slow = Trouble::SlowDisk {
        host: 2,
        write_ms: 3_940,
    };
    plan.faults = vec![fault(51_407, 42_561, slow)];
    let mut notes = Deed::note(71_319, 1, 2, 38);
    if let Doing::Send(sending) = &mut notes.what {
        sending.times = 135;
    }
    plan.deeds = vec![notes];
    lives_through(&plan);
}

/// A note is mined on a branch that loses, while its sender is away, and its last height has passed on the
/// one that wins: its recipient saw it as accepted for ever.
#[test]
fn seed_82_a_note_falls_out_of_the_chain_when_its_time_is_over() {
    use MiningMode::{Always, OnCommand, WhenPending};
    let mut plan = miners(
        82,
        (20, 60),
        &[(Always, 4), (WhenPending, 38), (OnCommand, 4)],
    );
    plan.faults = vec![
        apart(&[1], 96_074, 24_047),
        fault(104_296, 104_897, Trouble::Kill(2)),
    ];
    plan.deeds = vec![within(2, Deed::note(98_783, 2, 3, 72))];
    lives_through(&plan);
}

/// A payment is mined on a branch that loses, and its last height has passed on the one that wins: its sender
/// kept the coins back for ever.
#[test]
fn seed_504_a_payment_falls_out_of_the_chain_when_its_time_is_over() {
    use MiningMode::{Always, WhenPending};
    let mut plan = miners(
        504,
        (9, 34),
        &[(Always, 40), (Always, 460), (WhenPending, 470)],
    );
    plan.interval_ms = 500;
    plan.line.lost_permille = 28;
    plan.faults = vec![apart(&[1], 62_429, 128_838)];
    plan.deeds = vec![within(5, payment(102_016, 1, 3))];
    lives_through(&plan);
}

/// The same after it had been mined for so long that nobody looked after it any more: it was shown as queued
/// for ever.
#[test]
fn seed_354_a_payment_falls_out_of_the_chain_late() {
    let mut plan = miners(
        354,
        (15, 41),
        &[(MiningMode::Always, 490), (MiningMode::Always, 440)],
    );
    plan.interval_ms = 500;
    plan.peers[0].skew_ms = -163;
    plan.faults = vec![cut_outward(&[0, 1], 116_914, 135_684)];
    plan.deeds = vec![within(9, payment(180_510, 1, 2))];
    lives_through(&plan);
}

/// A newcomer pays without a fee, and the only miner has not been told of it: nobody asked for the payment a
/// second time.
#[test]
fn seed_30127_a_newcomer_is_not_known_yet() {
    let mut plan = one_miner(30_127, 2);
    plan.peers[1].joins_ms = 60_000;
    plan.faults = vec![apart(&[1], 40_000, 60_000)];
    plan.deeds = vec![free(payment(80_000, 2, 1))];
    lives_through(&plan);
}

/// A member whose clock is far ahead is the first to come: it founded a network on which nobody could mine
/// before the clocks had come as far.
#[test]
fn seed_53097_a_founders_clock_is_ahead() {
    let mut plan = one_miner(53_097, 2);
    plan.peers[0].joins_ms = 20_000;
    let clock = Trouble::Clock {
        host: 2,
        skew_ms: 2_539_589,
    };
    plan.faults = vec![fault(0, 60_000, clock)];
    plan.deeds = vec![payment(150_000, 1, 2)];
    lives_through(&plan);
}

/// A clock that had been a week behind is set right while a record is open that nobody else has yet: it was
/// void, "its last height has passed", as was all that was open.
#[test]
fn seed_162_a_clock_is_set_right_while_a_record_is_open() {
    let mut plan = one_miner(162, 2);
    plan.peers[1].joins_ms = 50_000;
    let clock = Trouble::Clock {
        host: 2,
        skew_ms: -679_555_278,
    };
    plan.faults = vec![apart(&[2], 70_000, 50_000), fault(46_000, 54_000, clock)];
    plan.deeds = vec![Deed {
        at_ms: 80_000,
        from: 2,
        what: Doing::Record(52),
    }];
    lives_through(&plan);
}

/// The power goes everywhere when somebody has voted, and is back when the ballot has closed by the time: nobody
/// could mine the vote any more, and it was open for ever.
#[test]
fn seed_25_a_ballot_closes_while_a_vote_is_open() {
    let mut plan = one_miner(25, 3);
    let poll = Poll {
        voters: vec![1, 2, 3],
        blocks: 30,
        within_ms: Some(60_000),
    };
    plan.deeds = vec![
        deed(40_000, 2, Doing::Open(poll)),
        deed(70_000, 2, Doing::Vote(0)),
    ];
    plan.faults = vec![fault(70_400, 100_000, Trouble::Blackout)];
    let Polls { opened, votes, .. } = lives_through(&plan).polls;
    assert_eq!((opened, votes), (1, 0));
}

/// A miner leaves out somebody's votes, another all ballots: the vote counts as soon as the third one mines, and
/// they count it as everybody does.
#[test]
fn miners_that_choose_only_delay_a_vote() {
    let mut plan = Plan::quiet(26, 4);
    plan.peers[0].rate = 10;
    plan.peers[1].leaves_out = Some(LeftOut::VotesOf(4));
    plan.peers[2].leaves_out = Some(LeftOut::Ballots);
    plan.peers[3].mode = MiningMode::OnCommand;
    let poll = Poll {
        voters: vec![1, 2, 3, 4],
        blocks: 400,
        within_ms: None,
    };
    plan.deeds = vec![
        deed(40_000, 1, Doing::Open(poll)),
        deed(100_000, 2, Doing::Vote(0)),
        deed(101_000, 4, Doing::Vote(1)),
    ];
    let Polls { opened, votes, .. } = lives_through(&plan).polls;
    assert_eq!((opened, votes), (1, 2));
}

/// The admin puts out a miner, which is back after a power cut and has to come in again; later it may come back.
#[test]
fn who_is_put_out_is_left_alone_until_it_may_come_back() {
    let mut plan = Plan::quiet(27, 4);
    let poll = Poll {
        voters: vec![1, 2, 3, 4],
        blocks: 40,
        within_ms: None,
    };
    plan.deeds = vec![
        deed(30_000, 1, Doing::Open(poll)),
        deed(70_000, 0, Doing::Say(Saying::Expel(3))),
        deed(80_000, 2, Doing::Vote(0)),
        deed(160_000, 0, Doing::Say(Saying::Readmit(3))),
    ];
    let power = Trouble::PowerCut {
        host: 3,
        torn: None,
    };
    plan.faults = vec![fault(90_000, 20_000, power)];
    lives_through(&plan);
    plan.deeds.pop();
    lives_through(&plan);
    // One that goes on as if it had heard nothing is left alone by the others.
    plan.peers[2].lie = Some(Lie::Denies);
    lives_through(&plan);
}

/// The owner of a name that went to another key pays and writes under that one: it had no coins, and what it sent was
/// queued for ever.
#[test]
fn seed_1795748280987_who_goes_by_another_key_pays() {
    let mut plan = one_miner(1_795_748_280_987, 3);
    plan.deeds = vec![
        deed(40_000, 0, Doing::Say(Saying::Reassign(3))),
        payment(90_000, 3, 2),
    ];
    lives_through(&plan);
}

/// Somebody is put out while a member's clock is a month behind: the word was of a day to come, and nobody said it
/// again.
#[test]
fn seed_61145_whose_clock_is_behind_hears_later_who_was_put_out() {
    let mut plan = one_miner(61_145, 3);
    let clock = Trouble::Clock {
        host: 2,
        skew_ms: -30 * 86_400_000,
    };
    plan.faults = vec![fault(40_000, 60_000, clock)];
    plan.deeds = vec![deed(60_000, 0, Doing::Say(Saying::Expel(3)))];
    lives_through(&plan);
}

pub(super) fn deed(at_ms: u64, from: usize, what: Doing) -> Deed {
    Deed { at_ms, from, what }
}

/// The same without a fee.
fn free(mut deed: Deed) -> Deed {
    if let Doing::Send(sending) = &mut deed.what {
        sending.fee = 0;
    }
    deed
}

/// Something waits for a recipient who is off, while its sender's clock is 30 days ahead for five seconds: it was
/// "expired" for good.
#[test]
fn a_wall_clock_that_is_30_days_ahead_for_five_seconds_ends_no_send() {
    waits_while_a_clock_is_off(30 * 86_400_000, 5_000);
}

/// The same in 1970, until a time service sets it.
#[test]
fn a_wall_clock_of_1970_for_a_minute_ends_no_send() {
    waits_while_a_clock_is_off(-1_800_000_000_000, 60_000);
}

/// A note waits for somebody who is off; meanwhile the clock of its sender is wrong by so much for so long.
fn waits_while_a_clock_is_off(skew_ms: i64, for_ms: u64) {
    let mut plan = one_miner(1, 3);
    plan.faults = vec![
        fault(20_000, 100_000, Trouble::Kill(2)),
        fault(40_000, for_ms, Trouble::Clock { host: 3, skew_ms }),
    ];
    plan.deeds = vec![Deed::note(30_000, 3, 2, 20), payment(31_000, 3, 1)];
    lives_through(&plan);
}

/// The tracker's clock is 30 days ahead, or in 1970, when a member comes: its certificate was none of today.
#[test]
fn who_joins_while_the_trackers_clock_is_wrong_is_a_member_once_it_is_right() {
    for skew_ms in [30 * 86_400_000, -1_800_000_000_000] {
        let mut plan = one_miner(2, 3);
        plan.peers[2].joins_ms = 40_000;
        plan.faults = vec![fault(30_000, 40_000, Trouble::Clock { host: 0, skew_ms })];
        plan.deeds = vec![payment(90_000, 3, 2)];
        lives_through(&plan);
    }
}

/// One member sends something to nine others and makes two connections of itself: those beyond them end when they
/// are idle, while its clock jumps.
#[test]
fn connections_beyond_the_places_end_though_a_clock_was_set() {
    let mut plan = one_miner(3, 9);
    plan.outgoing = 2;
    plan.deeds = (1..=9)
        .filter(|to| *to != 4)
        .map(|to| Deed::note(40_000, 4, to, 30))
        .collect();
    let clock = |skew_ms| Trouble::Clock { host: 4, skew_ms };
    plan.faults = vec![
        fault(41_000, 20_000, clock(86_400_000)),
        fault(65_000, 20_000, clock(-86_400_000)),
    ];
    lives_through(&plan);
}

/// Whoever answers no delivery is waited for, five minutes long, in a connection beyond the places: that it was
/// still there when all else was settled held for a fault. Before it is sent anything, nobody has a connection with
/// it.
#[test]
fn seed_12128_who_answers_nothing_keeps_a_connection_until_it_is_given_up() {
    let mut plan = one_miner(12_128, 7);
    plan.interval_ms = 1_500;
    plan.outgoing = 2;
    plan.peers[3].lie = Some(Lie::Denies);
    plan.faults = vec![apart(&[4], 4_000, 45_000)];
    let others = (1..=7).filter(|from| *from != 4);
    plan.deeds = others
        .map(|from| within(11, Deed::note(49_100, from, 4, 30)))
        .collect();
    lives_through(&plan);
}
