//! Whether others are still showing headers.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody is still showing headers that may lead beyond the tip. The conversation with the peers sets it
/// before it asks the ledger for anything, and takes it back only once the ledger has judged the last of them: at no
/// moment in between does the ledger take a part of a chain for all of it.
#[derive(Debug, Default)]
pub struct Showing(AtomicBool);

impl Showing {
    /// From now on, somebody is, or nobody.
    pub fn set(&self, is: bool) {
        self.0.store(is, Ordering::Relaxed);
    }

    /// Whether somebody is.
    pub fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
