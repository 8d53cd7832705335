use std::num::NonZeroU64;

use proptest::prelude::*;

use super::*;

const INTERVAL_MS: u64 = 5_000;

fn rule() -> DifficultyRule {
    DifficultyRule {
        interval_ms: INTERVAL_MS,
        start: Target::from_expected_hashes(NonZeroU64::new(1 << 20).expect("not zero")),
        window: 90,
        growth_blocks: 0,
    }
}

fn expand(compact: CompactTarget) -> Target {
    compact.expand().expect("a used target is canonical")
}

fn harder(target: Target, halvings: usize) -> Target {
    Target::from_u256_at_least_one(target.to_u256() >> halvings)
}

fn any_target() -> impl Strategy<Value = Target> {
    (any::<[u8; 32]>(), 0usize..256).prop_map(|(bytes, shift)| {
        Target::from_u256_at_least_one(U256::from_big_endian(&bytes) >> shift)
    })
}

fn any_rule() -> impl Strategy<Value = DifficultyRule> {
    let edges = || {
        prop_oneof![
            Just(0u64),
            Just(1),
            Just(u64::MAX),
            1u64..100_000,
            any::<u64>()
        ]
    };
    (edges(), any_target(), any::<u32>(), edges()).prop_map(
        |(interval_ms, start, window, growth_blocks)| DifficultyRule {
            interval_ms,
            start,
            window,
            growth_blocks,
        },
    )
}

#[test]
fn a_block_on_time_leaves_the_base_as_it_is() {
    let base = harder(rule().start, 3);
    assert_eq!(rule().next_base(base, 2, INTERVAL_MS), base);
}

#[test]
fn one_step_moves_the_base_by_its_share_of_the_window() {
    let base = Target::from_u256_at_least_one(U256::from(9_000_000));
    let moved = |solve_time_ms| rule().next_base(base, 2, solve_time_ms).to_u256();
    assert_eq!(moved(0), U256::from(8_900_000));
    assert_eq!(moved(2 * INTERVAL_MS), U256::from(9_100_000));
    assert_eq!(moved(6 * INTERVAL_MS), U256::from(9_500_000));
    assert_eq!(moved(u64::MAX), moved(6 * INTERVAL_MS));
}

#[test]
fn easing_doubles_at_the_documented_gaps() {
    let rule = rule();
    let base = Target::from_u256_at_least_one(U256::from(0xabcdef) << 190);
    let eased = |ms| expand(rule.used_target(base, 2, ms)).to_u256();
    assert_eq!(eased(24 * INTERVAL_MS - 1), base.to_u256());
    assert_eq!(eased(24 * INTERVAL_MS), base.to_u256() << 1);
    assert_eq!(eased(30 * INTERVAL_MS - 1), base.to_u256() << 1);
    assert_eq!(eased(30 * INTERVAL_MS), base.to_u256() << 2);
    assert_eq!(eased(66 * INTERVAL_MS), base.to_u256() << 8);
    assert_eq!(eased(u64::MAX), base.to_u256() << 8);
}

#[test]
fn easing_stops_at_the_start_target() {
    let rule = rule();
    let base = harder(rule.start, 2);
    let used = rule.used_target(base, 2, u64::MAX);
    assert_eq!(used, rule.start.to_compact());
}

#[test]
fn growth_doubles_the_least_work_every_so_many_blocks() {
    let rule = DifficultyRule {
        growth_blocks: 100,
        ..rule()
    };
    assert_eq!(rule.easiest(0), rule.start);
    assert_eq!(rule.easiest(1), rule.start);
    assert_eq!(rule.easiest(101), harder(rule.start, 1));
    assert_eq!(rule.easiest(301), harder(rule.start, 3));
    let midway = rule.start.to_u256() * 2 / 3;
    assert_eq!(rule.easiest(51).to_u256(), midway);
    assert_eq!(rule.easiest(u64::MAX), Target::MIN);
}

#[test]
fn timestamps_are_acceptable_up_to_the_allowance() {
    assert_eq!(rule().latest_timestamp(1_000), 1_000 + 6 * INTERVAL_MS);
    assert_eq!(rule().latest_timestamp(u64::MAX), u64::MAX);
}

proptest! {
    #[test]
    fn a_longer_solve_time_never_makes_the_next_block_harder(
        rule in any_rule(), base in any_target(), height: u64, a: u64, b: u64,
    ) {
        let (short, long) = (a.min(b), a.max(b));
        prop_assert!(rule.next_base(base, height, short) <= rule.next_base(base, height, long));
    }

    #[test]
    fn an_easier_parent_never_makes_the_next_block_harder(
        rule in any_rule(), a in any_target(), b in any_target(), height: u64, solve: u64,
    ) {
        let (hard, easy) = (a.min(b), a.max(b));
        prop_assert!(rule.next_base(hard, height, solve) <= rule.next_base(easy, height, solve));
    }

    #[test]
    fn waiting_longer_never_makes_a_block_harder(
        rule in any_rule(), base in any_target(), height: u64, a: u64, b: u64,
    ) {
        let (short, long) = (a.min(b), a.max(b));
        let used = |ms| expand(rule.used_target(base, height, ms));
        prop_assert!(used(short) <= used(long));
    }

    #[test]
    fn nothing_is_easier_than_the_floor_and_the_floor_only_hardens(
        rule in any_rule(), base in any_target(), height: u64, ms: u64,
    ) {
        let easiest = rule.easiest(height);
        prop_assert!(easiest <= rule.start);
        prop_assert!(rule.easiest(height.saturating_add(1)) <= easiest);
        prop_assert!(rule.next_base(base, height, ms) <= easiest);
        prop_assert!(expand(rule.used_target(base, height, ms)) <= easiest);
    }

    #[test]
    fn one_block_moves_the_base_by_no_more_than_the_clamp_allows(
        base in any_target(), ms: u64,
    ) {
        let rule = DifficultyRule { start: Target::MAX, ..rule() };
        let next = U512::from(rule.next_base(base, 2, ms).to_u256());
        let base = U512::from(base.to_u256());
        prop_assert!(next * 90 <= base * 95);
        prop_assert!((next + 1) * 90 >= base * 89);
    }

    #[test]
    fn a_job_renewed_at_the_next_easing_is_never_late(
        rule in any_rule(), ms in prop_oneof![0u64..1_000_000, any::<u64>()],
    ) {
        match rule.next_easing_ms(ms) {
            Some(next) => {
                prop_assert!(next > ms);
                prop_assert_eq!(rule.easing_doublings(next - 1), rule.easing_doublings(ms));
                prop_assert_eq!(rule.easing_doublings(next), rule.easing_doublings(ms) + 1);
            }
            None => {
                prop_assert_eq!(rule.easing_doublings(u64::MAX), rule.easing_doublings(ms));
            }
        }
    }
}
