//! The search for nonces.

use super::rounds::timed;
use crate::pow::{HEADER_LEN, NativeEngine, PowEngine, hash, nonce_at};
use std::hint::black_box;
use std::ops::Range;
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::thread;

/// No hash meets it: every range is searched to its end.
const NEVER: [u8; 32] = [0; 32];
/// What is searched; the values do not matter.
const HEADER: [u8; HEADER_LEN] = [0x5A; HEADER_LEN];
/// Plain hashing is slower about by this factor, and gets so many fewer nonces to last as long.
const PLAIN_SHARE: u64 = 20;

/// Rates in nonces a second.
pub struct Mining {
    /// Hashing each header.
    pub plain: f64,
    /// One core.
    pub core: f64,
    /// Two cores as a multiple of one.
    pub two_cores_ratio: f64,
}

/// Contenders take turns and the best round of each counts: what else the machine does can only
/// slow a round down.
pub fn measure(rounds: usize, nonces: u64) -> Mining {
    let engine = NativeEngine::new();
    let plain_nonces = (nonces / PLAIN_SHARE).max(1);
    let (mut plain, mut core, mut two) = (0.0_f64, 0.0_f64, 0.0_f64);
    for _ in 0..rounds {
        plain = plain.max(rate(plain_nonces, || hash_each(plain_nonces)));
        core = core.max(rate(nonces, || search(engine, 0..nonces)));
        two = two.max(two_at_once(engine, nonces));
    }
    Mining {
        plain,
        core,
        two_cores_ratio: two / core,
    }
}

/// Nonces a second of two threads together. Starting a thread is none of the work of a search that
/// goes on for seconds, so the time begins when both are there, and ends with the slower one.
fn two_at_once(engine: NativeEngine, nonces: u64) -> f64 {
    let both_there = Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            both_there.wait();
            search(engine, nonces..2 * nonces);
        });
        both_there.wait();
        rate(2 * nonces, || {
            search(engine, 0..nonces);
            // A search does not panic, and if it did, so would the scope.
            let _ = other.join();
        })
    })
}

fn rate(nonces: u64, work: impl FnOnce()) -> f64 {
    let (seconds, ()) = timed(work);
    nonces as f64 / seconds
}

fn hash_each(nonces: u64) {
    let mut header = HEADER;
    for index in 0..nonces {
        header[HEADER_LEN - 8..].copy_from_slice(&nonce_at(index).to_le_bytes());
        black_box(hash(&header));
    }
}

fn search(engine: NativeEngine, range: Range<u64>) {
    let never = AtomicBool::new(false);
    black_box(engine.scan(&HEADER, &NEVER, range, &never).tries());
}
