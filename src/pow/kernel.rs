//! The inner loop, once in portable code and compiled for each instruction set, and the choice
//! among them at run time.

use std::sync::LazyLock;

use super::compress::{Sweep, first_word};

/// The inner loop: looks through `len` last words from `start` on for one whose first hash word
/// has no bit of `mask` set, and returns how far from `start` the first such word is.
///
/// It tries `LANES` words together; the loop over them is what the compiler turns into vector
/// instructions. It is inlined into each of the functions below, so that the whole search, and
/// not a call per batch, is compiled for their instruction set.
#[inline(always)]
fn search<const LANES: usize>(sweep: &Sweep, mask: u32, start: u32, len: u32) -> Option<u32> {
    let mut done = 0_u32;
    while done < len {
        let base = start.wrapping_add(done);
        let mut masked = [0_u32; LANES];
        let mut any = false;
        for (lane, masked) in masked.iter_mut().enumerate() {
            *masked = first_word(sweep, base.wrapping_add(lane as u32)) & mask;
            any |= *masked == 0;
        }
        if any {
            // The last batch may reach beyond the end; what it finds there is not ours.
            let left = (len - done) as usize;
            let hit = masked.iter().take(left).position(|&word| word == 0);
            if let Some(lane) = hit {
                return Some(done + lane as u32);
            }
        }
        done = done.saturating_add(LANES as u32);
    }
    None
}

/// The signature of the compiled inner loops; see [`search`]. Unsafe to call on a processor
/// without the instruction set it was compiled for.
type Search = unsafe fn(&Sweep, u32, u32, u32) -> Option<u32>;

/// Compiled for what every processor of the architecture has: SSE2 on x86-64, NEON on AArch64.
///
/// Four registers of lanes: with SSE2 a seventh faster than one, although they do not fit the
/// registers (measured).
fn search_baseline(sweep: &Sweep, mask: u32, start: u32, len: u32) -> Option<u32> {
    search::<16>(sweep, mask, start, len)
}

/// One register of lanes: the sixteen state words take all sixteen registers, and a second set
/// would live on the stack.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn search_avx2(sweep: &Sweep, mask: u32, start: u32, len: u32) -> Option<u32> {
    search::<8>(sweep, mask, start, len)
}

/// One register of lanes: sixteen of the 32 registers hold the state, the rest the message. The
/// processor overlaps one batch with the next by itself; a second set side by side only adds
/// moves.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn search_avx512(sweep: &Sweep, mask: u32, start: u32, len: u32) -> Option<u32> {
    search::<16>(sweep, mask, start, len)
}

/// A compiled inner loop this processor can run.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    name: &'static str,
    search: Search,
}

impl Kernel {
    /// The instruction set, for people: `avx512`, `avx2`, `neon`, `sse2` or `portable`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the inner loop; see [`search`].
    pub(super) fn search(&self, sweep: &Sweep, mask: u32, start: u32, len: u32) -> Option<u32> {
        // SAFETY: kernels leave this module only through `kernels`, which keeps those whose
        // instruction set the processor was seen to have.
        #[allow(unsafe_code)]
        unsafe {
            (self.search)(sweep, mask, start, len)
        }
    }
}

/// A kernel, and whether this processor can run it.
struct Compiled {
    runs_here: fn() -> bool,
    kernel: Kernel,
}

/// Every kernel compiled for this architecture, fastest first.
const COMPILED: &[Compiled] = &[
    #[cfg(target_arch = "x86_64")]
    Compiled {
        runs_here: || is_x86_feature_detected!("avx512f"),
        kernel: Kernel {
            name: "avx512",
            search: search_avx512,
        },
    },
    #[cfg(target_arch = "x86_64")]
    Compiled {
        runs_here: || is_x86_feature_detected!("avx2"),
        kernel: Kernel {
            name: "avx2",
            search: search_avx2,
        },
    },
    Compiled {
        runs_here: || true,
        kernel: Kernel {
            name: if cfg!(target_arch = "x86_64") {
                "sse2"
            } else if cfg!(target_arch = "aarch64") {
                "neon"
            } else {
                "portable"
            },
            search: search_baseline,
        },
    },
];

/// The kernels this processor can run, fastest first; never empty.
#[must_use]
pub fn kernels() -> &'static [Kernel] {
    static KERNELS: LazyLock<Vec<Kernel>> = LazyLock::new(|| {
        COMPILED
            .iter()
            .filter(|compiled| (compiled.runs_here)())
            .map(|compiled| compiled.kernel)
            .collect()
    });
    &KERNELS
}
