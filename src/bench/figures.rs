//! The figures in words, for tables.

use super::Speed;

/// One line of a table.
pub struct Figure {
    /// Its name, as in the JSON.
    pub name: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// Its value.
    pub of: fn(&Speed) -> f64,
}

/// All figures, in the order in which they are shown.
pub const FIGURES: [Figure; 9] = [
    Figure {
        name: "pow_mhs_core",
        meaning: "nonces tried on one core, millions a second",
        of: |speed| speed.pow_mhs_core,
    },
    Figure {
        name: "pow_ratio_blake3",
        meaning: "times plain blake3::hash of each header",
        of: |speed| speed.pow_ratio_blake3,
    },
    Figure {
        name: "pow_ratio_two_cores",
        meaning: "times as many on two cores as on one",
        of: |speed| speed.pow_ratio_two_cores,
    },
    Figure {
        name: "sign_us",
        meaning: "µs to make a signature",
        of: |speed| speed.sign_us,
    },
    Figure {
        name: "verify_single_us",
        meaning: "µs to check a signature by itself",
        of: |speed| speed.verify_single_us,
    },
    Figure {
        name: "verify_batch_us",
        meaning: "µs for each of a batch, on one core",
        of: |speed| speed.verify_batch_us,
    },
    Figure {
        name: "connect_unseen_ratio",
        meaning: "times its signatures' batch check: a new block",
        of: |speed| speed.connect_unseen_ratio,
    },
    Figure {
        name: "connect_seen_us_per_tx",
        meaning: "µs a transaction: a block of open ones, no disk",
        of: |speed| speed.connect_seen_us_per_tx,
    },
    Figure {
        name: "pool_accept_ratio",
        meaning: "of the batch check's rate: becoming open",
        of: |speed| speed.pool_accept_ratio,
    },
];
