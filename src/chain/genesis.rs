//! The first block: what a network is.

use super::history::Peaks;
use super::params::{Params, ParamsError};
use super::{BlockId, Header, Height, NetworkId, Timestamp, TransactionsRoot, header};
use crate::canonical::{self, CappedText};
use crate::keys::PublicKey;
use serde::{Deserialize, Serialize};

/// What every genesis block says.
pub const MOTTO: &str = "RacletteCheese";
/// Context of the hash that stands in the place of a transactions root.
pub const CONTENT_CONTEXT: &str = "raclette 2026-11 genesis content";
/// Longest text that a motto's place can hold, in bytes.
pub const MAX_MOTTO: usize = 32;

/// What genesis fixes: `[motto, params, tracker, founder]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisContent {
    /// [`MOTTO`].
    pub motto: CappedText<MAX_MOTTO>,
    /// The network's parameters.
    pub params: Params,
    /// The key that signs certificates and expulsions.
    pub tracker: PublicKey,
    /// The member that made this block.
    pub founder: PublicKey,
}

impl GenesisContent {
    /// The content of a new network.
    pub fn new(params: Params, tracker: PublicKey, founder: PublicKey) -> Self {
        let motto = CappedText::new(MOTTO).expect("the motto is shorter than its place");
        Self {
            motto,
            params,
            tracker,
            founder,
        }
    }

    fn root(&self) -> TransactionsRoot {
        TransactionsRoot(blake3::derive_key(
            CONTENT_CONTEXT,
            &canonical::encode(self),
        ))
    }

    /// The header to mine for this content; its nonce is 0.
    pub fn header(&self, now: Timestamp) -> Header {
        Header {
            previous: BlockId::ZERO,
            history_root: Peaks::default().root(),
            transactions_root: self.root(),
            version: header::HEADER_VERSION,
            target: self.params.start_target,
            height: Height::GENESIS,
            timestamp: now,
            nonce: 0,
        }
    }
}

/// The genesis block: `[header, content]`. It has no transactions; the root in its header is the
/// hash of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// Mined against the start target.
    pub header: Header,
    /// What it fixes.
    pub content: GenesisContent,
}

/// Why a block is no genesis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Its parameters are out of range.
    #[error("the genesis block has unusable parameters: {0}")]
    Params(#[from] ParamsError),
    /// The header is not the one its content demands.
    #[error("the genesis block's header does not fit its content")]
    Header,
    /// It says something else than [`MOTTO`].
    #[error("the genesis block carries the wrong motto")]
    Motto,
    /// Its id is above the start target.
    #[error("the genesis block lacks its proof of work")]
    NoWork,
}

impl Genesis {
    /// The network's id.
    pub fn id(&self) -> NetworkId {
        self.header.id()
    }

    /// The network's parameters.
    pub fn params(&self) -> &Params {
        &self.content.params
    }

    /// Checks all of it, whoever sent it.
    pub fn check(&self) -> Result<(), GenesisError> {
        self.content.params.check()?;
        if self.content.motto.as_str() != MOTTO {
            return Err(GenesisError::Motto);
        }
        let demanded = Header {
            nonce: self.header.nonce,
            ..self.content.header(self.header.timestamp)
        };
        if self.header != demanded {
            return Err(GenesisError::Header);
        }
        if !self.header.has_work() {
            return Err(GenesisError::NoWork);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn a_mined_genesis_is_accepted_and_goes_through_its_bytes() {
        let genesis = testing::genesis();
        assert_eq!(genesis.check(), Ok(()));
        let bytes = canonical::encode(&genesis);
        assert_eq!(canonical::decode::<Genesis>(&bytes), Ok(genesis));
    }

    #[test]
    fn every_change_of_a_genesis_is_refused() {
        let genesis = testing::genesis();
        let mut richer = genesis.clone();
        richer.content.params.reward.0 += 1;
        assert_eq!(richer.check(), Err(GenesisError::Header));
        let mut other_words = genesis.clone();
        other_words.content.motto = CappedText::new("Fondue").unwrap();
        assert_eq!(other_words.check(), Err(GenesisError::Motto));
        let mut higher = genesis.clone();
        higher.header.height = Height(1);
        assert_eq!(higher.check(), Err(GenesisError::Header));
        let mut idle = genesis;
        while idle.header.has_work() {
            idle.header.nonce += 1;
        }
        assert_eq!(idle.check(), Err(GenesisError::NoWork));
    }
}
