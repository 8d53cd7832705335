use super::world::{Kind, World};
use super::*;
use crate::chain::testing::forge::Forge;
use crate::chain::testing::transfer;
use proptest::prelude::*;

fn chain(length: usize) -> (Forge, Vec<Block>) {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let chain = forge.branch(genesis, length, 1);
    (forge, chain)
}

fn last(chain: &[Block]) -> BlockId {
    chain.last().unwrap().id()
}

#[test]
fn a_newcomer_catches_up_from_four_at_once() {
    let (_, chain) = chain(600);
    let mut chains = vec![(Kind::Honest, Vec::new())];
    chains.extend((0..4).map(|_| (Kind::Honest, chain.clone())));
    let mut world = World::new(7, 600, chains);
    (1..5).for_each(|other| world.connect(0, other, 20));
    world.until_all_have(last(&chain), 20_000);
    // Each body once, and little said besides.
    let newcomer = &world.peers[0];
    assert_eq!(newcomer.asked_blocks.len(), 600);
    assert!(newcomer.asked_blocks.values().all(|times| *times == 1));
    assert!(newcomer.lookups <= 60, "{} lookups", newcomer.lookups);
}

#[test]
fn more_headers_than_a_message_holds_are_followed_at_once() {
    let (_, chain) = chain(4_500);
    let chains = vec![(Kind::Honest, Vec::new()), (Kind::Honest, chain.clone())];
    let mut world = World::new(3, 4_500, chains);
    world.connect(0, 1, 5);
    // Far less than the time after which a peer is asked again by itself.
    world.until_all_have(last(&chain), 25_000);
    assert!(world.peers[0].header_questions <= 5);
}

#[test]
fn the_ledger_sees_that_more_headers_are_to_come() {
    let mut node = Node::new(100, LIMITS, Work::ZERO, &HandClock::new());
    node.shell
        .accepted(ConnectionAccepted(connection("there:1")));
    let session = node.begun.last();
    assert!(node.opened(session, 1).is_none());
    assert!(!node.showing.is());
    let shown = node.shell.sync_from(SyncFrom(member(1).public_key()));
    assert_eq!((shown, node.showing.is()), (Some(0), true));
    assert!(
        node.received(session, Message::Headers(Vec::new()))
            .is_none()
    );
    assert!(!node.showing.is());
}

#[test]
fn a_heavier_branch_is_adopted_though_it_parted_more_than_a_list_of_headers_ago() {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let (lighter, heavier) = (
        forge.branch(genesis, 4_200, 1),
        forge.branch(genesis, 4_250, 2),
    );
    let chains = vec![(Kind::Honest, lighter), (Kind::Honest, heavier.clone())];
    let mut world = World::new(3, 4_300, chains);
    world.connect(0, 1, 5);
    world.until_all_have(last(&heavier), 60_000);
}

/// A newcomer, one honest node that has the chain, and one of another kind with it.
fn beside(kind: Kind, seed: u64) -> (World, Vec<Block>) {
    let (_, chain) = chain(200);
    let chains = vec![
        (Kind::Honest, Vec::new()),
        (kind, chain.clone()),
        (Kind::Honest, chain.clone()),
    ];
    let mut world = World::new(seed, 200, chains);
    world.connect(0, 1, 1);
    world.connect(0, 2, 30);
    (world, chain)
}

#[test]
fn who_is_preferred_is_asked_alone() {
    let (_, chain) = chain(200);
    let mut chains = vec![(Kind::Honest, chain.clone()); 4];
    chains[0].1.clear();
    let mut world = World::new(1, 200, chains);
    world.connect(0, 2, 30);
    world.prefer(0, 2);
    world.connect(0, 1, 1);
    world.connect(0, 3, 1);
    world.until_all_have(last(&chain), 60_000);
    let asked = [1, 2, 3].map(|other| world.asked_of(0, other));
    assert_eq!(asked, [0, 200, 0]);
    let nobody = SyncFrom(member(9).public_key());
    assert_eq!(world.peers[0].own.shell.sync_from(nobody), None);
}

#[test]
fn attack_a_preferred_staller_is_replaced_as_any_other() {
    let (mut world, chain) = beside(Kind::Staller, 1);
    world.prefer(0, 1);
    let took = world.until_all_have(last(&chain), 20_000);
    assert!(took >= 2_000, "the staller was not asked: {took}");
    assert!(world.asked_of(0, 1) > 0);
}

#[test]
fn attack_a_staller_is_replaced_after_two_seconds() {
    let (mut world, chain) = beside(Kind::Staller, 1);
    let took = world.until_all_have(last(&chain), 10_000);
    assert!(took >= 2_000, "the staller was not asked: {took}");
}

#[test]
fn attack_wrong_bodies_cost_their_sender_the_session_and_nobody_the_block() {
    let (mut world, chain) = beside(Kind::Liar, 1);
    world.until_all_have(last(&chain), 10_000);
    assert!(!world.are_connected(0, 1));
    assert_eq!(world.peers[0].reasons.len(), 1);
}

#[test]
fn attack_headers_without_work_cost_their_sender_the_session() {
    let (mut world, chain) = beside(Kind::Boaster, 1);
    world.until_all_have(last(&chain), 10_000);
    assert!(!world.are_connected(0, 1));
}

#[test]
fn who_has_no_body_of_what_it_shows_is_passed_over() {
    let (mut world, chain) = beside(Kind::Denier, 1);
    world.until_all_have(last(&chain), 10_000);
}

#[test]
fn who_answers_no_question_for_headers_is_closed() {
    let (mut world, chain) = beside(Kind::Silent, 1);
    world.until_all_have(last(&chain), 10_000);
    world.run(16_000);
    assert!(!world.are_connected(0, 1));
    assert!(world.are_connected(0, 2));
}

#[test]
fn attack_announcements_upon_nothing_cost_one_question_a_second() {
    let (mut world, chain) = beside(Kind::Flooder, 1);
    world.until_all_have(last(&chain), 10_000);
    let before = world.peers[0].header_questions;
    world.run(30_000);
    let questions = world.peers[0].header_questions - before;
    // To the flooder every second, to the other now and then.
    assert!(
        (10..=33).contains(&questions),
        "{questions} questions in 30 s"
    );
}

#[test]
fn a_staller_that_never_ends_is_closed_in_the_end() {
    let (_, chain) = chain(50);
    let chains = vec![(Kind::Honest, Vec::new()), (Kind::Staller, chain)];
    let mut world = World::new(1, 50, chains);
    world.connect(0, 1, 1);
    let begun = world.now;
    while world.are_connected(0, 1) {
        world.run(500);
        assert!(world.now.since(begun) < 300_000);
    }
    // 2 + 4 + ... + 64 seconds of patience, and as much again of leaving it alone.
    let took = world.now.since(begun);
    assert!((126_000..=260_000).contains(&took), "{took}");
    // It was asked six times for what is on the way of one session.
    assert!(
        world.peers[0]
            .asked_blocks
            .values()
            .all(|times| *times <= 6)
    );
}

#[test]
fn attack_headers_known_from_a_staller_are_found_at_those_who_have_the_bodies() {
    // Whoever comes later has the whole branch, or the first part of it: nothing new to show.
    let (_, chain) = chain(50);
    for height in [50, 30] {
        let chains = vec![
            (Kind::Honest, Vec::new()),
            (Kind::Staller, chain.clone()),
            (Kind::Honest, chain[..height].to_vec()),
        ];
        let mut world = World::new(1, 50, chains);
        world.connect(0, 1, 1);
        world.run(1_000);
        world.connect(0, 2, 1);
        world.until_all_have(last(&chain[..height]), 10_000);
    }
}

/// A newcomer, one that shows a branch with more work and keeps its bodies, and an honest one with
/// another branch.
fn beside_a_heavier_staller() -> (World, Vec<Block>) {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let (heavier, lighter) = (forge.branch(genesis, 120, 1), forge.branch(genesis, 100, 2));
    let chains = vec![
        (Kind::Honest, Vec::new()),
        (Kind::Staller, heavier),
        (Kind::Honest, lighter.clone()),
    ];
    (World::new(1, 200, chains), lighter)
}

#[test]
fn what_led_to_a_branch_that_is_gone_does_not_hold_up_the_next() {
    let (mut world, lighter) = beside_a_heavier_staller();
    world.connect(0, 1, 1);
    world.run(1_000);
    world.connect(0, 2, 1);
    world.run(1_000);
    world.cut(0, 1);
    world.until_all_have(last(&lighter), 40_000);
}

#[test]
fn attack_bodies_withheld_do_not_hold_up_the_chain_of_others() {
    // The staller's branch has more work, so it comes first; it is asked less and less.
    let (mut world, lighter) = beside_a_heavier_staller();
    world.connect(0, 1, 1);
    world.connect(0, 2, 1);
    world.until_all_have(last(&lighter), 60_000);
}

/// A newcomer, `hostile` of a kind that show one block more than everybody, and an honest one with all
/// others.
fn beside_those_who_show_more(hostile: usize, kind: Kind) -> (World, Vec<Block>) {
    let (_, chain) = chain(401);
    let honest = chain[..400].to_vec();
    let mut chains = vec![(Kind::Honest, Vec::new())];
    chains.extend((0..hostile).map(|_| (kind, chain.clone())));
    chains.push((Kind::Honest, honest.clone()));
    let mut world = World::new(1, 401, chains);
    (1..=hostile).for_each(|other| world.connect(0, other, 1));
    world.connect(0, hostile + 1, 20);
    (world, honest)
}

#[test]
fn attack_whoever_shows_one_block_more_and_drips_the_rest_does_not_starve_anybody() {
    for (hostile, within_ms) in [(1, 4_000), (7, 12_000)] {
        let (mut world, honest) = beside_those_who_show_more(hostile, Kind::Dripper);
        let took = world.until_newcomer_has(last(&honest), 60_000);
        assert!(took <= within_ms, "{took} ms beside {hostile}");
    }
}

#[test]
fn attack_bodies_that_always_come_too_late_hold_up_one_batch_and_the_next_blocks_not_at_all() {
    let (mut world, honest) = beside_those_who_show_more(2, Kind::Late);
    let took = world.until_newcomer_has(last(&honest), 60_000);
    assert!(took <= 8_000, "{took} ms");
    // Nor does it gain anything from being ahead with every new block.
    let asked = world.asked_of(0, 1) + world.asked_of(0, 2);
    assert!(asked < 200, "they were asked for {asked}");
}

#[test]
fn attack_a_goal_whose_owner_is_as_slow_as_it_may_be_is_fetched_from_all_who_have_its_bodies() {
    // Alone, in its own time, it would take 100 s.
    let (mut world, honest) = beside_those_who_show_more(1, Kind::Slow);
    let took = world.until_newcomer_has(last(&honest), 200_000);
    assert!(took <= 30_000, "{took} ms");
}

#[test]
fn a_slow_line_that_is_the_only_one_is_asked_once_for_each_body() {
    let (_, chain) = chain(40);
    let chains = vec![(Kind::Honest, Vec::new()), (Kind::Late, chain.clone())];
    let mut world = World::new(1, 40, chains);
    world.connect(0, 1, 1);
    world.until_newcomer_has(last(&chain), 120_000);
    let asked: Vec<_> = world.peers[0].asked_blocks.values().collect();
    assert!(asked.iter().all(|times| **times == 1), "{asked:?}");
    assert!(world.are_connected(0, 1));
}

#[test]
fn a_newcomer_hears_three_before_it_fetches_anything() {
    let (_, longer) = chain(60);
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let shorter = forge.branch(genesis, 20, 2);
    let mut chains = vec![(Kind::Honest, Vec::new()), (Kind::Honest, shorter.clone())];
    chains.extend((0..2).map(|_| (Kind::Honest, longer.clone())));
    let mut world = World::new(1, 60, chains);
    world.hears_of(0, 3);
    world.connect(0, 1, 1);
    world.run(1_000);
    assert_eq!(world.asked_of(0, 1), 0, "one alone is not believed");
    world.connect(0, 2, 1);
    world.connect(0, 3, 1);
    world.until_newcomer_has(last(&longer), 3_000);
    let asked = &world.peers[0].asked_blocks;
    let is_asked = |block: &Block| asked.contains_key(&block.id());
    assert!(!shorter.iter().any(is_asked), "it was overruled");
}

#[test]
fn who_knows_of_one_that_is_there_waits_for_nobody_else() {
    let (_, chain) = chain(20);
    let chains = vec![(Kind::Honest, Vec::new()), (Kind::Honest, chain.clone())];
    let mut world = World::new(1, 60, chains);
    world.hears_of(0, 1);
    world.connect(0, 1, 1);
    let took = world.until_newcomer_has(last(&chain), 4_000);
    assert!(took < 1_000, "{took}");
}

#[test]
fn who_hears_nobody_else_fetches_what_there_is_after_a_moment() {
    let (_, chain) = chain(20);
    let chains = vec![(Kind::Honest, Vec::new()), (Kind::Honest, chain.clone())];
    let mut world = World::new(1, 60, chains);
    world.hears_of(0, 5);
    world.connect(0, 1, 1);
    let took = world.until_newcomer_has(last(&chain), 4_000);
    assert!(took >= 2_000, "{took}");
}

#[test]
fn a_block_is_announced_to_those_who_do_not_have_it() {
    let (_, chain) = chain(30);
    let chains = (0..4).map(|_| (Kind::Honest, chain.clone())).collect();
    let mut world = World::new(5, 30, chains);
    world.connect_all();
    world.run(3_000);
    for round in 0..10 {
        world.mine(round % 4);
        let tip = world.tip(round % 4);
        let took = world.until_all_have(tip, 2_000);
        assert!(took <= 600, "{took}");
        world.run(1_000);
    }
    // Fetched once by everybody but its miner.
    let fetched: usize = world
        .peers
        .iter()
        .flat_map(|p| p.asked_blocks.values())
        .sum();
    assert_eq!(fetched, 10 * 3);
}

#[test]
fn transactions_reach_everybody() {
    let chains = (0..6).map(|_| (Kind::Honest, Vec::new())).collect();
    let mut world = World::new(5, 1, chains);
    // A ring: nobody hears it from its sender but the neighbours.
    (0..6).for_each(|at| world.connect(at, (at + 1) % 6, 30));
    for salt in 0..50 {
        let sender = u8::try_from(world.random.up_to(3)).unwrap() + 1;
        let transaction = transfer(sender, 5, 1, 1, salt);
        let at = usize::from(salt) % 6;
        world.peers[at].ledger.send(transaction).unwrap();
        world.tell(at);
        world.run(50);
    }
    world.run(2_000);
    for peer in &mut world.peers {
        assert_eq!(peer.ledger.open().len(), 50);
    }
}

#[test]
fn transactions_reach_everybody_though_the_first_who_told_of_them_never_answers() {
    let chains = [Kind::Mute, Kind::Honest, Kind::Honest].map(|kind| (kind, Vec::new()));
    let mut world = World::new(5, 1, chains.into());
    let transaction = transfer(1, 2, 1, 1, 1);
    for at in 0..2 {
        world.peers[at].ledger.send(transaction.clone()).unwrap();
        world.tell(at);
    }
    world.connect(2, 0, 1);
    world.run(500);
    world.connect(2, 1, 1);
    world.run(4_000);
    assert!(world.peers[2].ledger.open().is_empty());
    world.run(2_000);
    assert_eq!(world.peers[2].ledger.open().len(), 1);
}

#[test]
fn c12_as_many_bodies_are_under_way_as_may_be_and_not_one_more() {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let chain = forge.branch(genesis, 160, 1);
    let mut chains = vec![(Kind::Honest, Vec::new())];
    // Each could have sixteen of its own, and none ever sends one.
    chains.extend((0..9).map(|_| (Kind::Staller, chain.clone())));
    let mut world = World::new(1, 200, chains);
    for other in 1..10 {
        world.connect(other, 0, 1);
    }
    world.run(1_500);
    let status = world.peers[0].own.shell.status(GetGossipStatus);
    assert_eq!(status.blocks_in_flight, 128);
}

/// Everything at once, then peace.
fn storm(seed: u64) {
    let mut forge = Forge::new();
    let genesis = forge.genesis();
    let trunk = forge.branch(genesis, 40, 1);
    let fork = last(&trunk);
    let kinds = [
        Kind::Staller,
        Kind::Liar,
        Kind::Boaster,
        Kind::Denier,
        Kind::Flooder,
    ];
    let mut chains = Vec::new();
    for n in 0..4 {
        let mut chain = trunk.clone();
        chain.extend(forge.branch(fork, 5 * n, u8::try_from(n).unwrap() + 1));
        chains.push((Kind::Honest, chain));
    }
    chains[0].1.clear();
    let mut world = World::new(seed, 60, chains.clone());
    for _ in 0..2 {
        let kind = kinds[usize::try_from(world.random.up_to(4)).unwrap()];
        chains.push((kind, chains[3].1.clone()));
    }
    world = World::new(seed, 60, chains);
    world.slow_ledgers = world.random.up_to(1) == 0;
    world.connect_all();
    for _ in 0..60 {
        let a = usize::try_from(world.random.up_to(5)).unwrap();
        let b = usize::try_from(world.random.up_to(5)).unwrap();
        match world.random.up_to(3) {
            0 => world.cut(a, b),
            1 if a != b && !world.are_connected(a, b) => {
                let pace = 1 + world.random.up_to(3_000);
                world.connect(a, b, pace);
            }
            2 if a < 4 => world.mine(a),
            _ => {}
        }
        let ms = world.random.up_to(800);
        world.run(ms);
    }
    // Peace among the honest; the others go on as they are.
    world.slow_ledgers = false;
    for (a, b) in [(0, 1), (1, 2), (2, 3)] {
        world.cut(a, b);
        world.connect(a, b, 20);
    }
    world.run(1_000);
    // A tie is nobody's to break: one more block decides.
    world.run(60_000);
    world.mine(1);
    let best = (0..4).max_by_key(|at| world.peers[*at].ledger.tip().work());
    let tip = world.tip(best.unwrap());
    world.until_all_have(tip, 60_000);
    world.nothing_is_owed();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn attack_whatever_happens_the_honest_end_on_one_tip(seed: u64) {
        storm(seed);
    }
}
