//! Who is at the other end of a channel, proven, and whether it is one to talk to.

use super::handshake::{Binding, Side};
use crate::canonical;
use crate::chain::{NetworkId, Timestamp};
use crate::keys::{PublicKey, SecretKey, Signature, SignatureError, verify};
use crate::membership::{Certificate, CertificateError, NotAMember, Statements};
use crate::wire::message::{Hello, NodeRole};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Context of the hash that proves a key at the end of a channel.
pub const PROOF_CONTEXT: &str = "raclette 2026-11 channel proof";

/// The first record in either direction, alone in it: `[hello, proof, certificate]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduction {
    /// Who the sender says it is.
    pub hello: Hello,
    /// By the key in the hello, over the hello and the channel that it is said in.
    pub proof: Signature,
    /// That it is a member, by the tracker's word; trackers have none, and newcomers none yet.
    pub certificate: Option<Certificate>,
}

impl Introduction {
    /// Signs `hello` for the channel it is to be said in; `key` is the one it names.
    pub fn sign(
        hello: Hello,
        binding: &Binding,
        certificate: Option<Certificate>,
        key: &SecretKey,
    ) -> Self {
        let proof = key.sign(&digest(binding, binding.side, &hello));
        Self {
            hello,
            proof,
            certificate,
        }
    }

    /// Whether it was signed for this channel, by the other end of it, with the key it names.
    pub fn check(&self, binding: &Binding) -> Result<(), SignatureError> {
        let digest = digest(binding, binding.side.other(), &self.hello);
        verify(&self.hello.key, &digest, &self.proof)
    }
}

/// What the proof of one side signs: `[side, handshake hash, hello]`, side 1 having dialled.
fn digest(binding: &Binding, side: Side, hello: &Hello) -> [u8; 32] {
    let hash = serde_bytes::Bytes::new(&binding.hash);
    let signed = canonical::encode(&(side.code(), hash, hello));
    blake3::derive_key(PROOF_CONTEXT, &signed)
}

/// Whom a connection is meant to lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What the other must be.
    pub role: NodeRole,
    /// Whether it must be on our network; a tracker may serve a member that has none yet.
    pub same_network: bool,
    /// Whether it must show that it is a member.
    pub member: bool,
    /// By what the admin has said it is judged whether it is one; nothing where nobody is a member yet.
    pub members: Option<Arc<Statements>>,
}

/// Why the other end is not one to talk to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntroductionError {
    /// It did not prove the key that it names.
    #[error("the other end does not prove to have the key {key}: {reason}")]
    Unproven {
        /// The key.
        key: PublicKey,
        /// What is wrong with the proof.
        reason: SignatureError,
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
    /// It is no member, where one is needed.
    #[error(transparent)]
    NotAMember(#[from] NotAMember),
}

/// Judges what the other end of a channel says of itself: proof, identity, role, network,
/// certificate, in this order. `ours` is what we say of ourselves.
///
/// # Errors
/// By variant of [`IntroductionError`], the first that applies.
pub fn judge_introduction(
    ours: &Hello,
    theirs: &Introduction,
    binding: &Binding,
    expected: &Expected,
    now: Timestamp,
) -> Result<(), IntroductionError> {
    let hello = &theirs.hello;
    let key = hello.key;
    let proven = theirs.check(binding);
    proven.map_err(|reason| IntroductionError::Unproven { key, reason })?;
    if hello.nonce == ours.nonce && hello.key == ours.key {
        return Err(IntroductionError::Ourselves);
    }
    if hello.role != expected.role {
        return Err(IntroductionError::WrongRole(hello.role));
    }
    if expected.same_network && hello.network != ours.network {
        return Err(IntroductionError::OtherNetwork {
            ours: ours.network,
            theirs: hello.network,
        });
    }
    if expected.member {
        is_member(theirs, expected, now)?;
    }
    Ok(())
}

fn is_member(theirs: &Introduction, expected: &Expected, now: Timestamp) -> Result<(), NotAMember> {
    let members = expected.members.as_ref();
    let members = members.ok_or(NotAMember::NoCertificate)?;
    members.admits(&theirs.hello.key, theirs.certificate.as_ref(), now)
}

/// Whether our clock may be compared with that of who says this: a tracker that was dialled, or a member.
/// `judged` is what [`judge_introduction`] says of it. One whose certificate does not count today counts
/// here: it may be our clock that is wrong.
pub fn is_comparable(
    theirs: &Introduction,
    judged: &Result<(), IntroductionError>,
    expected: &Expected,
    now: Timestamp,
) -> bool {
    let judged = match judged {
        Ok(()) if theirs.hello.role == NodeRole::Tracker || expected.member => return true,
        Ok(()) => is_member(theirs, expected, now),
        Err(IntroductionError::NotAMember(error)) => Err(error.clone()),
        Err(_) => return false,
    };
    matches!(
        judged,
        Ok(())
            | Err(NotAMember::Certificate(
                CertificateError::NotYet { .. } | CertificateError::Expired { .. }
            ))
    )
}
