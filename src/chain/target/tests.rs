use proptest::prelude::*;

use super::*;

fn any_target() -> impl Strategy<Value = Target> {
    // Uniform bytes would all but never be small: shift them by a uniform number of bits.
    (any::<[u8; 32]>(), 0usize..256).prop_map(|(bytes, shift)| {
        Target::from_u256_at_least_one(U256::from_big_endian(&bytes) >> shift)
    })
}

#[test]
fn compact_targets_have_the_documented_values() {
    let examples = [
        (0x0000_0001, U256::one()),
        (0x00ff_ffff, U256::from(0xff_ffff)),
        (0x0180_0000, U256::from(0x100_0000)),
        (0xe8ff_ffff, U256::from(0xff_ffff) << 232),
    ];
    for (bits, value) in examples {
        let target = CompactTarget::from_bits(bits).expand().expect("canonical");
        assert_eq!(target.to_u256(), value);
        assert_eq!(target.to_compact().to_bits(), bits);
    }
    assert_eq!(Target::MAX.to_compact().to_bits(), 0xe8ff_ffff);
}

#[test]
fn compact_targets_outside_the_canonical_form_are_refused() {
    use CompactTargetError::{NotCanonical, Overflow, Zero};
    let expand = |bits| CompactTarget::from_bits(bits).expand();
    assert_eq!(expand(0), Err(Zero(0)));
    assert_eq!(expand(0x2000_0000), Err(Zero(0x2000_0000)));
    assert_eq!(expand(0x017f_ffff), Err(NotCanonical(0x017f_ffff)));
    assert_eq!(expand(0xe800_0001), Err(NotCanonical(0xe800_0001)));
    assert_eq!(expand(0xe980_0000), Err(Overflow(0xe980_0000)));
    assert_eq!(expand(0xffff_ffff), Err(Overflow(0xffff_ffff)));
}

#[test]
fn work_at_the_ends_is_exact() {
    assert_eq!(Target::MAX.work(), Work::from(1));
    let hardest = U256::one() << 255;
    assert_eq!(Target::MIN.work(), Work(hardest));
    let half = Target(U256::MAX >> 1);
    assert_eq!(half.work(), Work::from(2));
    assert_eq!(Target(half.0 + U256::one()).work(), Work::from(1));
}

#[test]
fn work_sums_stop_at_the_top() {
    let top = Work(U256::MAX);
    assert_eq!(top.checked_add(Work::from(1)), None);
    assert_eq!(top.saturating_add(Work::from(1)), top);
    assert_eq!(Work::ZERO.saturating_sub(Work::from(1)), Work::ZERO);
    assert_eq!(
        Work::from(3).checked_add(Work::from(4)),
        Some(Work::from(7))
    );
}

#[test]
fn an_id_meets_a_target_as_a_big_endian_number() {
    let mut bytes = [0u8; 32];
    bytes[0] = 1;
    let target = Target::from_be_bytes(bytes).expect("not zero");
    assert!(target.is_met_by(&bytes));
    assert!(target.is_met_by(&[0; 32]));
    bytes[31] = 1;
    assert!(!target.is_met_by(&bytes));
    assert_eq!(Target::from_be_bytes([0; 32]), Err(ZeroTarget));
}

#[test]
fn text_forms_are_strict() {
    assert_eq!(serde_json::to_string(&Work::from(90)).unwrap(), "\"90\"");
    let highest = format!("\"{}\"", U256::MAX);
    assert_eq!(
        serde_json::from_str::<Work>(&highest).unwrap(),
        Work(U256::MAX)
    );
    let beyond =
        "\"115792089237316195423570985008687907853269984665640564039457584007913129639936\"";
    for refused in [beyond, "\"\"", "\"+1\"", "\"01\"", "\"-1\"", "\"0x1\"", "1"] {
        assert!(serde_json::from_str::<Work>(refused).is_err(), "{refused}");
    }
    let hex = |digits: &str| serde_json::from_str::<Target>(&format!("\"{digits}\""));
    assert!(hex(&"0f".repeat(32)).is_ok());
    assert!(hex(&"0F".repeat(32)).is_err());
    assert!(hex(&"00".repeat(32)).is_err());
    assert!(hex(&"0f".repeat(31)).is_err());
    assert!(hex(&"0f".repeat(33)).is_err());
}

#[test]
fn binary_forms_are_32_bytes() {
    let encoded = rmp_serde::to_vec(&Work::from(1)).unwrap();
    assert_eq!(encoded[..2], [0xc4, 32]);
    assert_eq!(encoded.len(), 34);
    assert!(rmp_serde::from_slice::<Work>(&[0xc4, 1, 7]).is_err());
    let zero = rmp_serde::to_vec(&Work::ZERO).unwrap();
    assert!(rmp_serde::from_slice::<Target>(&zero).is_err());
    let compact = rmp_serde::to_vec(&CompactTarget::from_bits(7)).unwrap();
    assert_eq!(compact, [7]);
}

proptest! {
    #[test]
    fn every_accepted_compact_form_is_the_only_one(bits: u32) {
        if let Ok(target) = CompactTarget::from_bits(bits).expand() {
            prop_assert_eq!(target.to_compact().to_bits(), bits);
        }
    }

    #[test]
    fn compacting_rounds_down_by_less_than_one_part_in_2_to_the_23(target in any_target()) {
        let compacted = target.to_compact().expand().expect("canonical");
        prop_assert!(compacted <= target);
        let lost = target.to_u256() - compacted.to_u256();
        prop_assert!(lost <= target.to_u256() >> 23);
    }

    #[test]
    fn compact_bits_order_as_targets_do(a in any_target(), b in any_target()) {
        let (easier, harder) = (a.max(b), a.min(b));
        prop_assert!(harder.to_compact().to_bits() <= easier.to_compact().to_bits());
    }

    #[test]
    fn work_is_the_quotient_computed_in_512_bits(target in any_target()) {
        use primitive_types::U512;
        let quotient = (U512::one() << 256) / (U512::from(target.to_u256()) + 1);
        prop_assert_eq!(U512::from(target.work().0), quotient);
    }

    #[test]
    fn expected_hashes_and_work_agree(hashes in 1u64..) {
        let hashes = NonZeroU64::new(hashes).expect("from one");
        let target = Target::from_expected_hashes(hashes);
        prop_assert_eq!(target.work(), Work::from(hashes.get()));
        if let Some(easier) = target.to_u256().checked_add(U256::one()) {
            prop_assert!(Target(easier).work() < Work::from(hashes.get()));
        }
    }

    #[test]
    fn both_serialized_forms_come_back(target in any_target()) {
        let bytes = rmp_serde::to_vec(&target).unwrap();
        prop_assert_eq!(rmp_serde::from_slice::<Target>(&bytes).unwrap(), target);
        let text = serde_json::to_string(&target).unwrap();
        prop_assert_eq!(serde_json::from_str::<Target>(&text).unwrap(), target);
        let work = target.work();
        let bytes = rmp_serde::to_vec(&work).unwrap();
        prop_assert_eq!(rmp_serde::from_slice::<Work>(&bytes).unwrap(), work);
        let text = serde_json::to_string(&work).unwrap();
        prop_assert_eq!(serde_json::from_str::<Work>(&text).unwrap(), work);
        prop_assert_eq!(Work::from_be_bytes(work.to_be_bytes()), work);
        prop_assert_eq!(Target::from_be_bytes(target.to_be_bytes()), Ok(target));
    }
}
