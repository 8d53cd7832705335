//! The search for a nonce: proof of work over a header, at the speed the processor allows.
//!
//! A header is [`HEADER_LEN`] bytes, its last eight the nonce (little-endian). It is a *hit* if
//! its hash, plain BLAKE3, read as a big-endian number is at most the target.
//!
//! **Search order.** A search counts in *indices*, not in nonces: [`nonce_at`] swaps the two
//! halves of the index, so that counting up changes the header's last word first. That word is
//! the one BLAKE3 needs latest, and all the work before it is done once for 2^32 tries. The
//! mapping is one to one: disjoint ranges of indices are disjoint sets of nonces, and a range
//! neither repeats nor leaves out a nonce.

mod compress;
mod kernel;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use self::compress::{Sweep, chaining_value};
pub use self::kernel::{Kernel, kernels};

/// Bytes of a header: two BLAKE3 input blocks.
pub const HEADER_LEN: usize = 128;
/// Where in the header the nonce starts; it ends with the header.
const NONCE_AT: usize = HEADER_LEN - 8;
/// Bytes of the words BLAKE3 works on.
const WORD_LEN: usize = 4;

/// Most tries between two looks at the stop flag.
///
/// A kernel does at least 8 million tries a second on any processor of the last ten years, so a
/// search stops within a millisecond (within a tenth of one on a fast kernel); and preparing a
/// slice costs less than a thousandth of searching it.
const SLICE: u64 = 8_192;

/// How a scan ended, and how many nonces it tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Scan {
    /// A hit: the one with the lowest index in the range.
    Found {
        /// The nonce that makes the header a hit.
        nonce: u64,
        /// Nonces tried, the hit included.
        tries: u64,
    },
    /// The range holds no hit.
    Exhausted {
        /// Nonces tried: the whole range.
        tries: u64,
    },
    /// The stop flag was seen before the end of the range; the first `tries` indices of it
    /// hold no hit.
    Stopped {
        /// Nonces tried so far.
        tries: u64,
    },
}

impl Scan {
    /// Nonces tried, however the scan ended.
    #[must_use]
    pub fn tries(&self) -> u64 {
        match *self {
            Self::Found { tries, .. } | Self::Exhausted { tries } | Self::Stopped { tries } => {
                tries
            }
        }
    }
}

/// Something that searches for nonces; injected, so that a simulated network mines without
/// computing.
pub trait PowEngine: Send + Sync {
    /// Looks for the first hit among the nonces of a range of indices (see [`nonce_at`]).
    ///
    /// The nonce that `header` carries does not matter; `target` is big-endian.
    ///
    /// Returns [`Scan::Stopped`] within about a millisecond of `stop` becoming true, and at once,
    /// without a try, if it already is; the rest of the range starts that many tries in. An empty
    /// range is exhausted without a try. Once `0..u64::MAX` is exhausted (the last index is out
    /// of reach of a half-open range) only another header helps, with a new timestamp for one.
    fn scan(
        &self,
        header: &[u8; HEADER_LEN],
        target: &[u8; 32],
        nonces: Range<u64>,
        stop: &AtomicBool,
    ) -> Scan;
}

/// The hash of a header: its id. Plain BLAKE3.
#[must_use]
pub fn hash(header: &[u8; HEADER_LEN]) -> [u8; 32] {
    *blake3::hash(header).as_bytes()
}

/// The nonce of an index of the search: its two 32-bit halves swapped. Its own inverse, so that
/// it gives the index of a nonce as well.
#[must_use]
pub const fn nonce_at(index: u64) -> u64 {
    index.rotate_left(32)
}

/// Searches on the processor it runs on, with its fastest instruction set.
#[derive(Clone, Copy, Debug)]
pub struct NativeEngine {
    kernel: Kernel,
}

impl NativeEngine {
    /// An engine with the fastest kernel of this processor.
    #[must_use]
    pub fn new() -> Self {
        Self::with_kernel(kernels()[0])
    }

    /// An engine with a kernel of choice (see [`kernels`]).
    #[must_use]
    pub fn with_kernel(kernel: Kernel) -> Self {
        Self { kernel }
    }

    /// The kernel in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }
}

impl Default for NativeEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl PowEngine for NativeEngine {
    fn scan(
        &self,
        header: &[u8; HEADER_LEN],
        target: &[u8; 32],
        nonces: Range<u64>,
        stop: &AtomicBool,
    ) -> Scan {
        let chaining = chaining_value(header);
        let mask = candidate_mask(target);
        let mut header = *header;
        let mut index = nonces.start;
        while index < nonces.end {
            if stop.load(Ordering::Relaxed) {
                return Scan::Stopped {
                    tries: index - nonces.start,
                };
            }
            // A sweep keeps the upper half of the index, so a slice ends where that changes.
            let start = index as u32;
            let to_border = (1 << 32) - u64::from(start);
            let len = SLICE.min(to_border).min(nonces.end - index);
            header[NONCE_AT..].copy_from_slice(&nonce_at(index).to_le_bytes());
            let sweep = Sweep::new(&chaining, &header);
            let Some(offset) = self.kernel.search(&sweep, mask, start, len as u32) else {
                index += len;
                continue;
            };
            index += u64::from(offset);
            let nonce = nonce_at(index);
            header[NONCE_AT..].copy_from_slice(&nonce.to_le_bytes());
            index += 1;
            if hash(&header) <= *target {
                return Scan::Found {
                    nonce,
                    tries: index - nonces.start,
                };
            }
        }
        Scan::Exhausted {
            tries: nonces.end.saturating_sub(nonces.start),
        }
    }
}

/// The bits of a hash's first word (as BLAKE3 computes it) that no hit has set: the leading zero
/// bits of the target's first 32.
///
/// What this lets through is judged by the whole hash, which costs nothing: at least every second
/// is a hit while the target has fewer than 32 leading zero bits, and one nonce in 2^32 gets
/// through when it has more.
fn candidate_mask(target: &[u8; 32]) -> u32 {
    let [a, b, c, d, ..] = *target;
    let leading_zeros = u32::from_be_bytes([a, b, c, d]).leading_zeros();
    // Hashes are numbers big-endian, BLAKE3's words are little-endian.
    (!u32::MAX.checked_shr(leading_zeros).unwrap_or(0)).swap_bytes()
}

#[cfg(test)]
mod tests;
