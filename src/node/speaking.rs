//! Who speaks for a node in its sessions: the same at peers and trackers.

use super::RunError;
use super::opening::random_u64;
use super::seams::Seams;
use crate::actors::{ClocksActor, SessionContext, SessionParts, WalletActor};
use crate::keys::SecretKey;
use crate::membership::Address;
use crate::shell::Greeting;
use crate::store::incarnation;
use crate::wire::NodeRole;
use actix::{Actor, Addr};
use std::sync::Arc;
use tokio::sync::broadcast;

/// What every session of a node shares, and the actors behind it.
pub(super) struct Speaking {
    /// What every session shares.
    pub(super) context: SessionContext,
    /// Signs, seals and opens.
    pub(super) wallet: Addr<WalletActor>,
    /// Compares this node's clock with those of others.
    pub(super) clocks: Addr<ClocksActor>,
    /// Tells this start of the node from others. No secret: whoever is greeted sees it.
    pub(super) nonce: u64,
}

impl Speaking {
    /// Starts those who speak for the owner of this secret, who can be dialled there.
    pub(super) fn start(
        seams: &Seams,
        role: NodeRole,
        secret: Arc<SecretKey>,
        address: Option<Address>,
    ) -> Result<Self, RunError> {
        let incarnation = incarnation(&*seams.disk, random_u64(&*seams.entropy))?;
        let nonce = random_u64(&*seams.entropy);
        let key = secret.public_key();
        let greeting = Greeting::new(role, key, (nonce, incarnation), address);
        let wallet =
            WalletActor::new(secret, seams.entropy.clone(), seams.verifier.clone()).start();
        let (ask_time, _) = broadcast::channel(1);
        let clocks = ClocksActor::new(seams.clock.clone(), ask_time.clone()).start();
        let context = SessionContext::new(SessionParts {
            greeting: Arc::new(greeting),
            disk: seams.disk.clone(),
            sign: wallet.clone().recipient(),
            entropy: seams.entropy.clone(),
            clock: seams.clock.clone(),
            clocks: clocks.clone().recipient(),
            ask_time,
        });
        Ok(Self {
            context,
            wallet,
            clocks,
            nonce,
        })
    }
}
