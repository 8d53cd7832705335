//! Receipts whose signatures are not checked yet: those that come during a check share the next.

use crate::keys::{PublicKey, SignatureItem};
use crate::protocol::SessionId;
use crate::wire::Receipt;

/// A receipt that says what it should, and may be forged.
pub(super) struct Arrived {
    pub(super) session: SessionId,
    pub(super) from: PublicKey,
    pub(super) receipt: Receipt,
}

/// All of them. There are never more than deliveries under way: one for each is let through.
#[derive(Default)]
pub(super) struct Receipts {
    waiting: Vec<Arrived>,
    checking: Option<Vec<Arrived>>,
}

impl Receipts {
    pub(super) fn wait(&mut self, arrived: Arrived) {
        self.waiting.push(arrived);
    }

    /// What is to be checked now; `None` if nothing waits, or a check is under way.
    pub(super) fn ask(&mut self) -> Option<Vec<SignatureItem>> {
        if self.checking.is_some() || self.waiting.is_empty() {
            return None;
        }
        let asked = std::mem::take(&mut self.waiting);
        let items = asked.iter().map(|one| one.receipt.signature_item());
        let items = items.collect();
        self.checking = Some(asked);
        Some(items)
    }

    /// The check is over: what was checked.
    pub(super) fn answered(&mut self) -> Vec<Arrived> {
        self.checking.take().unwrap_or_default()
    }
}
