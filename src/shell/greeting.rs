//! What a node says of itself.

use crate::canonical::CappedText;
use crate::chain::{Height, NetworkId, Timestamp};
use crate::keys::PublicKey;
use crate::membership::Address;
use crate::membership::Certificate;
use crate::wire::message::MAX_AGENT;
use crate::wire::version::MINOR_VERSION;
use crate::wire::{Hello, NodeRole};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

/// What this node says of itself to everybody.
pub struct Greeting {
    role: NodeRole,
    key: PublicKey,
    nonce: u64,
    incarnation: u64,
    address: Option<Address>,
    network: OnceLock<NetworkId>,
    height: AtomicU64,
    certificate: RwLock<Option<Certificate>>,
    trackers: RwLock<BTreeSet<PublicKey>>,
}

/// Keys of trackers that are known: several times as many as the settings may name.
const MAX_TRACKERS: usize = 64;

impl Greeting {
    /// What a node of this role and key says; `nonce` is random and tells a node that it dialled
    /// itself, `incarnation` is that of its data directory.
    pub fn new(
        role: NodeRole,
        key: PublicKey,
        (nonce, incarnation): (u64, u64),
        address: Option<Address>,
    ) -> Self {
        Self {
            role,
            key,
            nonce,
            incarnation,
            address,
            network: OnceLock::new(),
            height: AtomicU64::new(0),
            certificate: RwLock::new(None),
            trackers: RwLock::new(BTreeSet::new()),
        }
    }

    /// Whether it is a peer or a tracker.
    pub fn role(&self) -> NodeRole {
        self.role
    }

    /// From now on, takes this key for that of a tracker of its network, which may look whether this node
    /// can be reached: that of genesis, and those that were dialled where the settings say.
    pub fn know_tracker(&self, key: PublicKey) {
        let trackers = self.trackers.write();
        let mut trackers = trackers.unwrap_or_else(PoisonError::into_inner);
        if trackers.len() < MAX_TRACKERS {
            trackers.insert(key);
        }
    }

    /// Whether this key is that of a tracker of its network.
    pub fn knows_tracker(&self, key: &PublicKey) -> bool {
        let trackers = self.trackers.read();
        let trackers = trackers.unwrap_or_else(PoisonError::into_inner);
        trackers.contains(key)
    }

    /// From now on, says that it belongs to this network. The first one counts.
    pub fn set_network(&self, network: NetworkId) {
        // A node never changes its network; told twice, it is the same one.
        let _ = self.network.set(network);
    }

    /// From now on, says that its tip has this height.
    pub fn set_height(&self, height: Height) {
        self.height.store(height.0, Ordering::Relaxed);
    }

    /// The height that it says its tip has.
    pub fn height(&self) -> Height {
        Height(self.height.load(Ordering::Relaxed))
    }

    /// From now on, shows this certificate.
    pub fn set_certificate(&self, certificate: Certificate) {
        let held = self.certificate.write();
        // Nothing panics while it holds the lock, and if it did, what is there is whole.
        *held.unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// Where this node can be dialled, if anywhere.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    pub(crate) fn certificate(&self) -> Option<Certificate> {
        let held = self.certificate.read();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn hello(&self, time: Timestamp) -> Hello {
        const AGENT: &str = concat!("raclette/", env!("CARGO_PKG_VERSION"));
        const { assert!(AGENT.len() <= MAX_AGENT) };
        Hello {
            network: self.network.get().copied().unwrap_or(NetworkId::ZERO),
            role: self.role,
            key: self.key,
            nonce: self.nonce,
            height: self.height(),
            address: self.address.clone(),
            time,
            minor: MINOR_VERSION,
            incarnation: self.incarnation,
            agent: CappedText::new(AGENT).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_trackers_are_known_and_no_more() {
        let key = |number: usize| PublicKey([number as u8; 32]);
        let greeting = Greeting::new(NodeRole::Peer, key(255), (1, 1), None);
        (0..=MAX_TRACKERS).for_each(|number| greeting.know_tracker(key(number)));
        assert!((0..MAX_TRACKERS).all(|number| greeting.knows_tracker(&key(number))));
        assert!(!greeting.knows_tracker(&key(MAX_TRACKERS)));
    }
}
