use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn with_nonce(header: &[u8; HEADER_LEN], nonce: u64) -> [u8; HEADER_LEN] {
    let mut header = *header;
    header[NONCE_AT..].copy_from_slice(&nonce.to_le_bytes());
    header
}

/// The id of `header` with the nonce of `index`.
fn id_at(header: &[u8; HEADER_LEN], index: u64) -> [u8; 32] {
    hash(&with_nonce(header, nonce_at(index)))
}

/// What a scan has to return, one plain hash at a time.
fn plain_scan(header: &[u8; HEADER_LEN], target: &[u8; 32], range: Range<u64>) -> Scan {
    let start = range.start;
    let mut tries = 0;
    for index in range {
        tries = index - start + 1;
        if id_at(header, index) <= *target {
            return Scan::Found {
                nonce: nonce_at(index),
                tries,
            };
        }
    }
    Scan::Exhausted { tries }
}

fn scan_with(
    kernel: Kernel,
    header: &[u8; HEADER_LEN],
    target: &[u8; 32],
    range: Range<u64>,
) -> Scan {
    NativeEngine::with_kernel(kernel).scan(header, target, range, &AtomicBool::new(false))
}

/// The number before or after a big-endian one, wrapping.
fn step(number: &[u8; 32], up: bool) -> [u8; 32] {
    let mut number = *number;
    for byte in number.iter_mut().rev() {
        let (next, carry) = if up {
            byte.overflowing_add(1)
        } else {
            byte.overflowing_sub(1)
        };
        *byte = next;
        if !carry {
            break;
        }
    }
    number
}

/// `number` with its first `zeros` bits cleared.
fn shorten(mut number: [u8; 32], zeros: u32) -> [u8; 32] {
    for (at, byte) in number.iter_mut().enumerate() {
        let cleared = zeros.saturating_sub(at as u32 * 8);
        *byte &= 0xFF_u8.checked_shr(cleared).unwrap_or(0);
    }
    number
}

fn any_header() -> impl Strategy<Value = [u8; HEADER_LEN]> {
    proptest::collection::vec(any::<u8>(), HEADER_LEN)
        .prop_map(|bytes| bytes.try_into().expect("the length was asked for"))
}

/// A range of indices, often across a border of the upper half of the index.
fn any_range() -> impl Strategy<Value = Range<u64>> {
    let start = prop_oneof![
        any::<u64>().prop_map(|start| start.min(u64::MAX - 1_000)),
        (1..u64::from(u32::MAX), 0..200_u64).prop_map(|(upper, back)| (upper << 32) - back),
        Just(0),
        Just(u64::MAX - 200),
    ];
    (start, 0..200_u64).prop_map(|(start, len)| start..start + len)
}

/// How a target is made: at a border set by one of the ids in the range, or of any size.
#[derive(Clone, Debug)]
enum TargetChoice {
    Id(u64),
    BelowId(u64),
    AboveId(u64),
    Bits([u8; 32], u32),
}

impl TargetChoice {
    fn target(&self, header: &[u8; HEADER_LEN], range: &Range<u64>) -> [u8; 32] {
        let id = |at: u64| id_at(header, range.start + at % (range.end - range.start).max(1));
        match *self {
            Self::Id(at) => id(at),
            Self::BelowId(at) => step(&id(at), false),
            Self::AboveId(at) => step(&id(at), true),
            Self::Bits(bytes, zeros) => shorten(bytes, zeros),
        }
    }
}

fn any_target() -> impl Strategy<Value = TargetChoice> {
    prop_oneof![
        any::<u64>().prop_map(TargetChoice::Id),
        any::<u64>().prop_map(TargetChoice::BelowId),
        any::<u64>().prop_map(TargetChoice::AboveId),
        (any::<[u8; 32]>(), 0..=12_u32).prop_map(|(b, z)| TargetChoice::Bits(b, z)),
        (any::<[u8; 32]>(), 0..=256_u32).prop_map(|(b, z)| TargetChoice::Bits(b, z)),
    ]
}

proptest! {
    /// Every kernel sees the same bits of the hash as `blake3::hash`, whichever bits are asked
    /// for, and reports the first word that has none of them.
    #[test]
    fn every_kernel_computes_blake3(
        header in any_header(),
        mask in (any::<u32>(), any::<u32>()).prop_map(|(a, b)| a & b),
        narrow in any::<u32>(),
        start in prop_oneof![any::<u32>(), Just(0), u32::MAX - 100..=u32::MAX],
        len in 1..300_u32,
    ) {
        let len = len.min((u32::MAX - start).saturating_add(1));
        let upper = u64::from(u32::from_le_bytes([header[120], header[121], header[122], header[123]]));
        let sweep = Sweep::new(&chaining_value(&header), &header);
        for mask in [mask, mask & narrow, mask & narrow & narrow.rotate_left(13), 0] {
            let expected = (0..len).find(|offset| {
                let id = id_at(&header, (upper << 32) + u64::from(start + offset));
                let [a, b, c, d, ..] = id;
                u32::from_le_bytes([a, b, c, d]) & mask == 0
            });
            for kernel in kernels() {
                prop_assert_eq!(
                    kernel.search(&sweep, mask, start, len), expected, "{}", kernel.name());
            }
        }
    }

    /// Every kernel finds what plain hashing finds, for targets of every size and right at the
    /// border, in ranges that cross into the next sweep, and counts its tries.
    #[test]
    fn every_kernel_scans_like_plain_hashing(
        header in any_header(), range in any_range(), choice in any_target(),
    ) {
        let target = choice.target(&header, &range);
        let expected = plain_scan(&header, &target, range.clone());
        for kernel in kernels() {
            let scan = scan_with(*kernel, &header, &target, range.clone());
            prop_assert_eq!(scan, expected, "{}", kernel.name());
        }
    }

    /// Indices and nonces map one to one, and counting up changes the nonce's upper half.
    #[test]
    fn indices_are_a_permutation_of_nonces(number: u64, low: u32) {
        prop_assert_eq!(nonce_at(nonce_at(number)), number);
        prop_assert_eq!(nonce_at(u64::from(low)), u64::from(low) << 32);
    }

    /// The filter never hides a hit: an id at the target or below passes it.
    #[test]
    fn the_filter_passes_every_hit(target: [u8; 32], lower: [u8; 32], zeros in 0..=256_u32) {
        let target = shorten(target, zeros);
        for id in [target, shorten(lower, zeros)] {
            let [a, b, c, d, ..] = id;
            if id <= target {
                prop_assert_eq!(u32::from_le_bytes([a, b, c, d]) & candidate_mask(&target), 0);
            }
        }
    }
}

/// Long ranges take many slices, and end within one: each kernel goes through all of them.
#[test]
fn a_scan_goes_on_over_slices() {
    let header = [9; HEADER_LEN];
    let range = (5 << 32) - 3 * SLICE - 17..(5 << 32) + 2 * SLICE + 5;
    let lowest = range
        .clone()
        .min_by_key(|&index| id_at(&header, index))
        .unwrap();
    let target = id_at(&header, lowest);
    let found = Scan::Found {
        nonce: nonce_at(lowest),
        tries: lowest - range.start + 1,
    };
    let exhausted = Scan::Exhausted {
        tries: range.end - range.start,
    };
    for &kernel in kernels() {
        assert_eq!(scan_with(kernel, &header, &target, range.clone()), found);
        let below = step(&target, false);
        assert_eq!(scan_with(kernel, &header, &below, range.clone()), exhausted);
    }
}

/// Beyond the 32 bits the kernels look at, only the whole hash decides.
#[test]
fn a_target_beyond_the_first_word_is_met_exactly() {
    let header = std::array::from_fn(|at| at as u8);
    // Found by search: 34 leading zero bits.
    let index = 0x5D4B_4A28;
    let id = id_at(&header, index);
    assert_eq!(id[..5], [0, 0, 0, 0, 0x25]);
    let range = index - 100..index + 100;
    let found = Scan::Found {
        nonce: nonce_at(index),
        tries: 101,
    };
    let exhausted = Scan::Exhausted { tries: 200 };
    for &kernel in kernels() {
        let easiest = shorten([0xFF; 32], 34);
        for target in [id, step(&id, true), easiest] {
            assert_eq!(scan_with(kernel, &header, &target, range.clone()), found);
        }
        let harder = shorten([0xFF; 32], 35);
        for target in [step(&id, false), harder, [0; 32]] {
            assert_eq!(
                scan_with(kernel, &header, &target, range.clone()),
                exhausted
            );
        }
    }
}

#[test]
fn an_empty_or_reversed_range_is_exhausted() {
    let easiest = [0xFF; 32];
    for &kernel in kernels() {
        for (start, end) in [(7, 7), (7, 3)] {
            let scan = scan_with(kernel, &[0; HEADER_LEN], &easiest, start..end);
            assert_eq!(scan, Scan::Exhausted { tries: 0 });
        }
    }
}

#[test]
fn a_stop_already_there_prevents_the_first_try() {
    let scan = NativeEngine::new().scan(
        &[0; HEADER_LEN],
        &[0xFF; 32],
        0..100,
        &AtomicBool::new(true),
    );
    assert_eq!(scan, Scan::Stopped { tries: 0 });
}

/// A scan that would take for ever ends in its midst once the flag is set.
#[test]
fn a_stop_ends_a_running_scan() {
    /// Only a scan that overlooks the flag takes that long.
    const OVERLOOKED: Duration = Duration::from_secs(60);
    // The flag may be set before the first look at it; then again, with more patience.
    for patience in 0..1_000 {
        let stop = Arc::new(AtomicBool::new(false));
        let (to_us, from_worker) = mpsc::channel();
        std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                to_us.send(None).expect("the test listens");
                let scan = NativeEngine::new().scan(&[0; HEADER_LEN], &[0; 32], 0..u64::MAX, &stop);
                to_us.send(Some(scan)).expect("the test listens");
            }
        });
        assert_eq!(from_worker.recv(), Ok(None), "the worker starts");
        for _ in 0..patience * 1_000 {
            std::hint::spin_loop();
        }
        stop.store(true, Ordering::Relaxed);
        let scan = from_worker
            .recv_timeout(OVERLOOKED)
            .expect("the flag is seen");
        let Some(Scan::Stopped { tries }) = scan else {
            panic!("the scan was stopped, not {scan:?}");
        };
        assert_eq!(tries % SLICE, 0);
        if tries > 0 {
            return;
        }
    }
    panic!("no scan got as far as its first slice");
}

#[test]
fn the_hash_is_plain_blake3() {
    let header = std::array::from_fn(|at| at as u8);
    assert_eq!(hash(&header), *blake3::hash(&header).as_bytes());
}

/// The fast kernels are why this module exists: one that the compiler fails to vectorise is as
/// slow as plain hashing. The best of many short rounds, so that a busy machine does not matter.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "speed means something only in an optimised build"
)]
fn the_native_engine_beats_plain_hashing_eightfold() {
    const ROUNDS: usize = 100;
    const TRIES: u64 = 20_000;
    let engine = NativeEngine::new();
    if !["avx512", "avx2"].contains(&engine.kernel().name()) {
        eprintln!("skipped: this processor has neither AVX2 nor AVX-512");
        return;
    }
    let header = [3; HEADER_LEN];
    let stop = AtomicBool::new(false);
    let mut plain = Duration::MAX;
    let mut native = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let scan = plain_scan(&header, &[0; 32], 0..TRIES);
        plain = plain.min(start.elapsed());
        assert_eq!(scan, Scan::Exhausted { tries: TRIES });

        let start = Instant::now();
        let scan = engine.scan(&header, &[0; 32], 0..TRIES, &stop);
        native = native.min(start.elapsed());
        assert_eq!(scan, Scan::Exhausted { tries: TRIES });
    }
    let ratio = plain.as_secs_f64() / native.as_secs_f64();
    assert!(
        ratio >= 8.0,
        "{} is only {ratio:.1} times plain hashing",
        engine.kernel().name()
    );
}
