//! How the API proves to a command that it is the node's, before the command tells it a secret.
//!
//! Once a node has gone without removing `api.json`, anybody on this machine may listen at its
//! address. So a command sends nothing of its own at first: it opens a connection, sends random
//! bytes as a [`Challenge`], and goes on, on the same connection, only if the answer shows that
//! whoever is there knows the token of `api.json`. Neither is of use to anybody else: the answer is
//! for these bytes, this token and this address alone.
//!
//! ```text
//! GET /proof?challenge=64-HEXADECIMAL-DIGITS
//! {"proof": "64-HEXADECIMAL-DIGITS"}
//! ```
//!
//! The proof is BLAKE3, keyed with `derive_key("raclette 2026 proof of the local API", TOKEN)`, of the
//! challenge's 32 bytes followed by the address as `api.json` writes it.

use super::paths;
use crate::entropy::Entropy;
use crate::owner::{Code, Refused};
use actix_web::web::{Data, Json, Query};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What the key is for, so that no other use of the token gives the same one.
const CONTEXT: &str = "raclette 2026 proof of the local API";

/// Bytes of a challenge: never drawn twice.
const CHALLENGE_BYTES: usize = 32;

/// What one side draws, and the other answers to.
#[derive(Clone, Copy)]
pub struct Challenge([u8; CHALLENGE_BYTES]);

impl Challenge {
    /// A fresh one.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; CHALLENGE_BYTES];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// The one that is written so; `None` if it is not written as one.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let hash = blake3::Hash::from_hex(text).ok()?;
        Some(Self(hash.into()))
    }

    /// The path and query that ask for its proof.
    pub fn request(&self) -> String {
        format!(
            "{}?challenge={}",
            paths::CHALLENGE.path,
            blake3::Hash::from(self.0)
        )
    }
}

/// What a node answers.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProofView {
    /// 64 hexadecimal digits.
    pub proof: String,
}

/// Who can prove, and who can check, to be the API at an address with a token.
#[derive(Clone)]
pub struct Prover {
    key: [u8; 32],
    address: SocketAddr,
}

impl Prover {
    /// For the API that has this token and listens at this address.
    pub fn new(token: &str, address: SocketAddr) -> Self {
        Self {
            key: blake3::derive_key(CONTEXT, token.as_bytes()),
            address,
        }
    }

    /// Whether the body of an answer is the proof for this challenge. Takes as long for any answer.
    pub fn accepts(&self, challenge: &Challenge, body: &[u8]) -> bool {
        let proof = serde_json::from_slice::<ProofView>(body).ok();
        let proof = proof.and_then(|view| blake3::Hash::from_hex(view.proof).ok());
        proof.is_some_and(|proof| proof == self.mac(challenge))
    }

    /// The answer to a challenge.
    pub(crate) fn prove(&self, challenge: &Challenge) -> ProofView {
        ProofView {
            proof: self.mac(challenge).to_string(),
        }
    }

    fn mac(&self, challenge: &Challenge) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&challenge.0);
        hasher.update(self.address.to_string().as_bytes());
        hasher.finalize()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProofQuery {
    challenge: String,
}

/// Answers for the node.
pub(super) async fn prove(
    prover: Data<Prover>,
    query: Result<Query<ProofQuery>, actix_web::Error>,
) -> Result<Json<ProofView>, Refused> {
    let challenge = query
        .ok()
        .and_then(|query| Challenge::from_hex(&query.challenge));
    let challenge = challenge.ok_or_else(|| {
        Refused::new(
            Code::BadParameter,
            "the challenge must be 64 hexadecimal digits, drawn at random",
        )
    })?;
    Ok(Json(prover.prove(&challenge)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_for_one_challenge_one_token_and_one_address() {
        let address = "127.0.0.1:4000".parse().unwrap();
        let prover = Prover::new("token", address);
        let challenge = Challenge([7; 32]);
        let proof = |prover: &Prover| serde_json::to_vec(&prover.prove(&challenge)).unwrap();
        assert!(prover.accepts(&challenge, &proof(&prover)));
        assert!(!prover.accepts(&Challenge([8; 32]), &proof(&prover)));
        let other = Prover::new("another", address);
        assert!(!prover.accepts(&challenge, &proof(&other)));
        let elsewhere = Prover::new("token", "127.0.0.1:4001".parse().unwrap());
        assert!(!prover.accepts(&challenge, &proof(&elsewhere)));
        for nonsense in ["", "{}", "{\"proof\":\"\"}", "null"] {
            assert!(!prover.accepts(&challenge, nonsense.as_bytes()));
        }
    }
}
