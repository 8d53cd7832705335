//! How fast nonces are tried: every kernel of this processor against plain hashing, and two
//! cores against one. `cargo bench --bench pow`.
//!
//! Contenders take turns in short rounds and the best round of each counts, so that the ratios
//! hold on a busy machine and while the clock changes.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use raclette::pow::{self, HEADER_LEN, Kernel, NativeEngine, PowEngine, nonce_at};

/// Rounds of each contender. Together they take about two seconds.
const ROUNDS: usize = 200;
/// Nonces a kernel tries in a round: a few milliseconds.
const KERNEL_TRIES: u64 = 200_000;
/// Headers plainly hashed in a round: a few milliseconds.
const PLAIN_TRIES: u64 = 20_000;
/// Rounds of the comparison of two cores with one.
const CORE_ROUNDS: usize = 100;
/// Nonces each core tries in a round of it.
const CORE_TRIES: u64 = 2_000_000;
/// Steps of the clock measurement in a round.
const CLOCK_STEPS: u64 = 500_000;

/// No hash meets it: every range is searched to its end.
const NEVER: [u8; 32] = [0; 32];
/// What is searched; the values do not matter.
const HEADER: [u8; HEADER_LEN] = [0x5A; HEADER_LEN];

/// Vector operations the AVX-512 kernel cannot do without for sixteen nonces, and how many of
/// them start in a clock cycle: two on every processor with 512-bit registers so far, except the
/// newest that start four.
const AVX512_OPERATIONS: f64 = 631.0;
const AVX512_LANES: f64 = 16.0;
const AVX512_PER_CYCLE: f64 = 2.0;

fn main() {
    let kernels = pow::kernels();
    let mut plain = 0.0_f64;
    let mut clock = 0.0_f64;
    let mut rates = vec![0.0_f64; kernels.len()];
    for _ in 0..ROUNDS {
        clock = clock.max(clock_rate());
        plain = plain.max(rate(PLAIN_TRIES, plain_hashing));
        for (rate_of, kernel) in rates.iter_mut().zip(kernels) {
            *rate_of = rate_of.max(rate(KERNEL_TRIES, || scan(*kernel, 0..KERNEL_TRIES)));
        }
    }

    println!("One core, {:.2} GHz measured", clock / 1e9);
    println!(
        "{:<16}{:>10}{:>10}{:>14}",
        "kernel", "MH/s", "ratio", "of the limit"
    );
    println!("{:<16}{:>10.2}{:>10.1}", "blake3::hash", plain / 1e6, 1.0);
    for (rate, kernel) in rates.iter().zip(kernels) {
        print!(
            "{:<16}{:>10.2}{:>10.1}",
            kernel.name(),
            rate / 1e6,
            rate / plain
        );
        if kernel.name() == "avx512" {
            let limit = clock * AVX512_PER_CYCLE / AVX512_OPERATIONS * AVX512_LANES;
            print!("{:>12.0} %", rate / limit * 100.0);
        }
        println!();
    }

    let (one, two) = cores(kernels[0]);
    println!();
    println!("Kernel {}, several cores", kernels[0].name());
    println!("{:<16}{:>10}{:>10}", "cores", "MH/s", "ratio");
    println!("{:<16}{:>10.2}{:>10.2}", 1, one / 1e6, 1.0);
    println!("{:<16}{:>10.2}{:>10.2}", 2, two / 1e6, two / one);
}

/// Tries per second of `work`, which does `tries` of them.
fn rate(tries: u64, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    tries as f64 / start.elapsed().as_secs_f64()
}

/// What a search costs without a kernel: one `blake3::hash` a header.
fn plain_hashing() {
    let mut header = HEADER;
    for index in 0..PLAIN_TRIES {
        header[HEADER_LEN - 8..].copy_from_slice(&nonce_at(index).to_le_bytes());
        black_box(blake3::hash(&header));
    }
}

fn scan(kernel: Kernel, range: Range<u64>) {
    let never = AtomicBool::new(false);
    let result = NativeEngine::with_kernel(kernel).scan(&HEADER, &NEVER, range, &never);
    black_box(result.tries());
}

/// Tries per second on one core, and on two with a range of their own each.
fn cores(kernel: Kernel) -> (f64, f64) {
    let mut one = 0.0_f64;
    let mut two = 0.0_f64;
    for _ in 0..CORE_ROUNDS {
        one = one.max(rate(CORE_TRIES, || scan(kernel, 0..CORE_TRIES)));
        two = two.max(two_at_once(kernel));
    }
    (one, two)
}

/// Tries per second of two threads, from when both are there to the end of the slower one.
fn two_at_once(kernel: Kernel) -> f64 {
    let both_there = Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            both_there.wait();
            scan(kernel, CORE_TRIES..2 * CORE_TRIES);
        });
        both_there.wait();
        rate(2 * CORE_TRIES, || {
            scan(kernel, 0..CORE_TRIES);
            other.join().expect("a scan does not panic");
        })
    })
}

/// Clock cycles per second, from a chain of multiplications (three cycles each on the processors
/// that have AVX-512) and exclusive ors (one).
fn clock_rate() -> f64 {
    const CYCLES_PER_STEP: f64 = 4.0;
    let factor = black_box(0x9E37_79B9_7F4A_7C15_u64);
    CYCLES_PER_STEP
        * rate(CLOCK_STEPS, || {
            let mut chain = factor;
            for _ in 0..CLOCK_STEPS {
                chain = chain.wrapping_mul(factor) ^ factor;
            }
            black_box(chain);
        })
}
