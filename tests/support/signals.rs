//! Signals that a shell passes over for what it starts in the background, and `nohup` for everything.

use std::fs;
use std::sync::Once;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Sees to it that whatever is started from here hears Ctrl-C and a window that is closed, however these tests were
/// started: a signal that is passed over is so in every child, too; one that is caught has its usual meaning there.
pub fn children_hear_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let runtime = Builder::new_current_thread().enable_io().build().unwrap();
        let _within = runtime.enter();
        for kind in [SignalKind::interrupt(), SignalKind::hangup()] {
            // Otherwise it ends these tests, as it should.
            if is_passed_over(kind) {
                drop(signal(kind).unwrap());
            }
        }
    });
}

/// By what `/proc/self/status` says: in `SigIgn`, signal 1 is the lowest bit.
fn is_passed_over(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}
