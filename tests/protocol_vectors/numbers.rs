//! Examples of the chain's arithmetic: targets, work, difficulty, time, coins.

use crate::example::{self, rules};
use crate::work::Work;
use primitive_types::U512;
use raclette::chain::difficulty::DifficultyRule;
use raclette::chain::target::CompactTarget;
use raclette::chain::{Amount, Header, Height, Params, Target, Timestamp};
use std::num::NonZeroU64;

/// What a compact target means.
pub fn target(work: &mut Work) {
    let bits = u32::from_str_radix(work.given("compact"), 16).expect("32 bits");
    match CompactTarget::from_bits(bits).expand() {
        Ok(target) => {
            assert_eq!(target.to_compact().to_bits(), bits);
            work.found("target", target);
            let work_of = target.work();
            let above = U512::from_big_endian(&target.to_be_bytes()) + U512::one();
            let quotient = (U512::one() << 256) / above;
            assert_eq!(quotient.to_string(), work_of.to_string());
            work.found("work", work_of);
        }
        Err(refusal) => work.found("refused", refusal),
    }
}

/// The compact form of a target, rounded down.
pub fn compact(work: &mut Work) {
    let target = Target::from_be_bytes(work.array("target")).expect("not zero");
    work.found("compact", target.to_compact());
}

/// The easiest target that costs so many hashes.
pub fn expected_hashes(work: &mut Work) {
    let hashes = NonZeroU64::new(work.number("hashes")).expect("not zero");
    let target = Target::from_expected_hashes(hashes);
    work.found("target", target);
    work.found("work", target.work());
    let compact = target.to_compact();
    work.found("compact", compact);
    work.found("compact_work", compact.expand().expect("canonical").work());
}

/// One step of the difficulty.
pub fn difficulty(work: &mut Work) {
    let rule = DifficultyRule {
        interval_ms: work.number("interval_ms"),
        start: Target::from_be_bytes(work.array("start")).expect("not zero"),
        window: work.number("window") as u32,
        growth_blocks: work.number("growth_blocks"),
    };
    let base = Target::from_be_bytes(work.array("parent_base")).expect("not zero");
    let height = work.number("height");
    let solve_time = work.number("parent_solve_time_ms");
    let since_parent = work.number("since_parent_ms");
    let next = rule.next_base(base, height, solve_time);
    assert_eq!(next, by_the_document(&rule, base, height, solve_time));
    work.found("easiest", rule.easiest(height));
    work.found("base", next);
    work.found("used", rule.used_target(next, height, since_parent));
}

/// The base target as PROTOCOL.md gives it, worked out apart from the rule's own arithmetic.
fn by_the_document(rule: &DifficultyRule, base: Target, height: u64, solve_time: u64) -> Target {
    let twice_window = 2 * u64::from(rule.window) * rule.interval_ms;
    let solve_time = solve_time.min(12 * rule.interval_ms);
    let above = U512::from(twice_window + solve_time - rule.interval_ms);
    let below = U512::from(twice_window + rule.interval_ms - solve_time);
    let moved = U512::from_big_endian(&base.to_be_bytes()) * above / below;
    let bytes = moved.to_big_endian();
    let moved = Target::from_be_bytes(bytes[32..].try_into().expect("32 bytes")).expect("not zero");
    let easiest = easiest_by_the_document(rule, height);
    assert_eq!(easiest, rule.easiest(height));
    moved.min(easiest)
}

/// The easiest target as PROTOCOL.md gives it.
fn easiest_by_the_document(rule: &DifficultyRule, height: u64) -> Target {
    let start = U512::from_big_endian(&rule.start.to_be_bytes());
    let growth = rule.growth_blocks;
    let grown = match growth {
        0 => start,
        _ => {
            let (doublings, rest) = ((height.max(1) - 1) / growth, (height.max(1) - 1) % growth);
            (start >> doublings) * U512::from(growth) / U512::from(growth + rest)
        }
    };
    let bytes = grown.max(U512::one()).to_big_endian();
    Target::from_be_bytes(bytes[32..].try_into().expect("32 bytes")).expect("at least 1")
}

/// Whether a timestamp lies too far ahead.
pub fn time(work: &mut Work) {
    let now = Timestamp(work.number("now"));
    let timestamp = Timestamp(work.number("timestamp"));
    let header = Header {
        timestamp,
        ..example::block().header
    };
    work.found("held", rules().is_ahead(&header, now));
}

/// What a miner is paid beside the fees.
pub fn subsidy(work: &mut Work) {
    let params = Params {
        reward: Amount(work.number("reward")),
        halving_blocks: work.number("halving_blocks"),
        ..example::params()
    };
    let height = Height(work.number("height"));
    work.found("subsidy", params.subsidy(height));
}

/// The least fee for a size.
pub fn least_fee(work: &mut Work) {
    let params = Params {
        min_fee_per_kib: Amount(work.number("min_fee_per_kib")),
        ..example::params()
    };
    let size = work.number("size") as usize;
    work.found("least_fee", params.least_fee(size));
}
