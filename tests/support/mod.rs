//! What the process tests share: a network of real processes on this machine, and a peer that speaks
//! the protocol by hand and keeps to no rule.

// Each test binary uses another part of it.
#![allow(dead_code, unused_imports)]

mod apart;
mod cell;
mod crowd;
mod delivery;
mod forge;
mod grown;
mod lab;
mod node;
mod ports;
mod proxy;
mod raw;
mod shifted;
mod signals;

pub use apart::Apart;
pub use cell::Cell;
pub use crowd::{Crowd, View};
pub use forge::{Forge, now};
pub use grown::Grown;
pub use lab::{Lab, agree, secret_in};
pub use node::{Node, Refused, node};
pub use ports::{API_ABOVE, Claims, free_address};
pub use proxy::Proxy;
pub use raw::{Heard, RawPeer, pong};
pub use shifted::ShiftedClock;
pub use signals::children_hear_signals;

use std::thread;
use std::time::{Duration, Instant};

/// How long a fact may take to come true: far more than it ever does, so that a busy machine does
/// not fail a test.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// How often a fact is looked for.
const POLL: Duration = Duration::from_millis(25);

/// Looks until `look` has found it, and returns it.
///
/// # Panics
/// When the time is up, with `what` and with what was found last instead.
pub fn wait_until<T>(what: &str, look: impl FnMut() -> Result<T, String>) -> T {
    wait_within(DEADLINE, what, look)
}

/// As [`wait_until`], with as long as this takes where that is longer than usual.
pub fn wait_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        match look() {
            Ok(found) => return found,
            Err(found) if Instant::now() >= deadline => {
                panic!("{what}: not within {patience:?}; found {found}")
            }
            Err(_) => thread::sleep(POLL),
        }
    }
}

/// What was compared, as an error unless it is so.
pub fn so(is: bool, found: impl std::fmt::Display) -> Result<(), String> {
    if is { Ok(()) } else { Err(found.to_string()) }
}
