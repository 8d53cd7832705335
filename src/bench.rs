//! How fast this machine mines, signs and validates: what `node bench` and the benchmarks print.
//!
//! Everything runs in this process and in memory, about ten seconds in all. Ratios are taken within
//! one run, so that they hold on a slow machine as on a fast one.

mod figures;
mod mining;
mod rounds;
mod signing;
mod validating;

pub use figures::{FIGURES, Figure};
pub use validating::BenchError;

use crate::pow::kernels;
use crate::verifier::RayonVerifier;
use serde::Serialize;

/// What was measured. The names are those of the JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Speed {
    /// Name of the kernel that searches for nonces here.
    pub kernel: &'static str,
    /// Cores that signatures are checked on.
    pub cores: usize,
    /// Nonces tried on one core, in millions a second.
    pub pow_mhs_core: f64,
    /// The same as a multiple of hashing each header with `blake3::hash`.
    pub pow_ratio_blake3: f64,
    /// Nonces tried by two threads, as a multiple of those tried by one.
    pub pow_ratio_two_cores: f64,
    /// Making one signature, in microseconds.
    pub sign_us: f64,
    /// Checking one signature by itself, in microseconds.
    pub verify_single_us: f64,
    /// Checking one signature among a batch with as many keys, on one core, in microseconds.
    pub verify_batch_us: f64,
    /// Connecting a block whose transfers were never seen, as a multiple of checking their
    /// signatures on all cores and nothing else.
    pub connect_unseen_ratio: f64,
    /// Connecting the block when all its transfers are open already, in microseconds for each; the
    /// write to the disk comes on top.
    pub connect_seen_us_per_tx: f64,
    /// Transfers from the network that become open, as a share of the signatures that could be
    /// checked on all cores in the time.
    pub pool_accept_ratio: f64,
}

/// How much is done for a measurement.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds of the search for nonces.
    pub pow_rounds: usize,
    /// Nonces that a core tries in a round.
    pub nonces: u64,
    /// Rounds of signing and checking one batch.
    pub signature_rounds: usize,
    /// Rounds of validating the same block.
    pub block_rounds: usize,
    /// Transfers in the block, each from another sender.
    pub transfers: u32,
}

impl Effort {
    /// About ten seconds.
    pub const FULL: Self = Self {
        pow_rounds: 150,
        nonces: 1_000_000,
        signature_rounds: 60,
        block_rounds: 25,
        transfers: 5_000,
    };
}

/// Measures all of it.
///
/// # Errors
/// [`BenchError`] if the ledger did not do what is measured; a defect of this program.
pub fn measure(effort: Effort) -> Result<Speed, BenchError> {
    let mining = mining::measure(effort.pow_rounds, effort.nonces);
    let signing = signing::measure(effort.signature_rounds);
    let validating = validating::measure(
        effort.block_rounds,
        effort.transfers,
        &RayonVerifier::default(),
    )?;
    Ok(Speed {
        kernel: kernels()[0].name(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        pow_mhs_core: mining.core / 1e6,
        pow_ratio_blake3: mining.core / mining.plain,
        pow_ratio_two_cores: mining.two_cores_ratio,
        sign_us: signing.sign * 1e6,
        verify_single_us: signing.single * 1e6,
        verify_batch_us: signing.batch * 1e6,
        connect_unseen_ratio: validating.connect_unseen_ratio,
        connect_seen_us_per_tx: validating.connect_seen * 1e6,
        pool_accept_ratio: validating.accept_ratio,
    })
}

#[cfg(test)]
mod tests;
