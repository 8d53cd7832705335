//! Repeating a measurement, and what counts of it.

use std::time::Instant;

/// Seconds that `work` takes, and what it returns.
pub fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let done = work();
    // A clock too coarse to see the work must not make a rate infinite.
    (start.elapsed().as_secs_f64().max(1e-9), done)
}

/// The middle one of some measurements; of an even number the upper middle one. Not a number if
/// there are none.
pub fn median(mut measured: Vec<f64>) -> f64 {
    measured.sort_by(f64::total_cmp);
    let middle = measured.len() / 2;
    measured.get(middle).copied().unwrap_or(f64::NAN)
}
