//! What two hellos must agree on before anything else is said.

use super::message::{Hello, MAGIC, NodeRole, PROTOCOL_VERSION};
use crate::chain::NetworkId;

/// Whom a connection is meant to lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// What the other must be.
    pub role: NodeRole,
    /// Whether it must be on our network; a tracker may serve a member that has none yet.
    pub same_network: bool,
}

/// Why the other end is not one to talk to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// It speaks something else.
    #[error("the other end does not speak this protocol")]
    NotRaclette,
    /// It is of another version.
    #[error(
        "the other end speaks version {theirs} of the protocol, this node version {ours}: update the older one"
    )]
    Version {
        /// Our version.
        ours: u32,
        /// Its version.
        theirs: u32,
    },
    /// It is ourselves.
    #[error("this node has dialled itself")]
    Ourselves,
    /// It is not what was expected.
    #[error("the other end is a {0:?}, which is not what belongs there")]
    WrongRole(NodeRole),
    /// It is on another network.
    #[error("the other end is on network {theirs}, this node on {ours}")]
    OtherNetwork {
        /// Our network.
        ours: NetworkId,
        /// Its network.
        theirs: NetworkId,
    },
}

/// Judges the other's hello.
pub fn judge_hello(ours: &Hello, theirs: &Hello, expected: Expected) -> Result<(), HandshakeError> {
    if theirs.magic != MAGIC {
        return Err(HandshakeError::NotRaclette);
    }
    if theirs.version != PROTOCOL_VERSION {
        return Err(HandshakeError::Version {
            ours: PROTOCOL_VERSION,
            theirs: theirs.version,
        });
    }
    if theirs.nonce == ours.nonce && theirs.key == ours.key {
        return Err(HandshakeError::Ourselves);
    }
    if theirs.role != expected.role {
        return Err(HandshakeError::WrongRole(theirs.role));
    }
    if expected.same_network && theirs.network != ours.network {
        return Err(HandshakeError::OtherNetwork {
            ours: ours.network,
            theirs: theirs.network,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
