//! Blocks and transactions through the ledger, as its actor drives it: signatures go to the
//! verifier and come back, rows go to a disk that is a map in memory, outside of the time measured.
//! What comes in is decoded already, as it is when it reaches the ledger.

mod node;
mod scene;

use super::rounds::{median, timed};
use crate::chain::{BlockStatus, Internal};
use crate::verifier::Verifier;
use node::{Node, check};
use scene::Scene;

/// Transactions in one message from the network.
const MESSAGE: usize = 1_000;

/// Why nothing was measured: what should be possible on every machine was not.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The ledger failed.
    #[error("the ledger failed while it was measured; please report it: {0}")]
    Internal(#[from] Internal),
    /// The network for the measurement could not be made, or the ledger refused what is valid.
    #[error("the measurement is wrong; please report it: {0}")]
    Unexpected(String),
}

/// What the rounds came to.
pub struct Validating {
    /// Connecting unseen transfers, over checking their signatures.
    pub connect_unseen_ratio: f64,
    /// Seconds for each transfer of a block of open ones.
    pub connect_seen: f64,
    /// Checking the signatures, over the transfers becoming open.
    pub accept_ratio: f64,
}

/// The middle one of several rounds counts; each ratio is of two times of one round.
pub fn measure(
    rounds: usize,
    transfers: u32,
    verifier: &dyn Verifier,
) -> Result<Validating, BenchError> {
    let scene = Scene::new(transfers, verifier)?;
    let (mut unseen, mut seen, mut accept) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let round = scene.transfers.clone();
        let (checking, verdicts) = timed(|| check(verifier, round));
        if verdicts.iter().any(Result::is_err) {
            return Err(BenchError::Unexpected("a signature does not verify".into()));
        }
        unseen.push(connect(&mut scene.node()?, &scene, verifier)? / checking);
        let mut node = scene.node()?;
        accept.push(checking / take_in(&mut node, &scene, verifier)?);
        seen.push(connect(&mut node, &scene, verifier)? / f64::from(transfers));
    }
    Ok(Validating {
        connect_unseen_ratio: median(unseen),
        connect_seen: median(seen),
        accept_ratio: median(accept),
    })
}

/// Seconds to connect the scene's block.
fn connect(node: &mut Node, scene: &Scene, verifier: &dyn Verifier) -> Result<f64, BenchError> {
    let block = scene.block.clone();
    let id = block.id();
    let (seconds, done) = timed(|| node.block(block, verifier));
    done?;
    let entry = node.ledger.chain().entry(&node.rows, &id)?;
    let connected = entry.is_some_and(|entry| entry.status == BlockStatus::Available);
    if !connected || node.ledger.tip().id != id {
        return Err(BenchError::Unexpected("the block was not connected".into()));
    }
    node.write();
    Ok(seconds)
}

/// Seconds until all transfers of the scene are open.
fn take_in(node: &mut Node, scene: &Scene, verifier: &dyn Verifier) -> Result<f64, BenchError> {
    let messages = scene.transfers.chunks(MESSAGE).map(<[_]>::to_vec).collect();
    let (seconds, done) = timed(|| node.transactions(messages, verifier));
    done?;
    if node.ledger.mempool().len() != scene.transfers.len() {
        return Err(BenchError::Unexpected(
            "a transfer did not become open".into(),
        ));
    }
    node.write();
    Ok(seconds)
}
