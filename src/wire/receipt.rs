//! Receipts: a recipient's signed word of what became of a transaction that was delivered to it.

use super::message::MAX_REASON;
use crate::canonical::{self, CappedText, coded};
use crate::chain::{BlockId, Height, NetworkId, TransactionId};
use crate::keys::{PublicKey, SecretKey, Signature, SignatureError, verify};
use serde::{Deserialize, Serialize};

/// Context of the hash that a recipient signs in a receipt.
pub const RECEIPT_CONTEXT: &str = "raclette 2026-11 delivery receipt";

coded! {
    /// What a recipient says of a transaction.
    pub enum Verdict, "no verdict" {
        /// It is valid, stored with its note, and passed on. Received, not paid: only a block
        /// makes it so.
        1 Accepted,
        /// No, and there is no use in asking again.
        2 Refused,
        /// Not at this moment; the same bytes may be accepted later.
        3 NotYet,
    }
}

/// What a receipt says: `[network, transaction, recipient, verdict, reason, height, block]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptStatement {
    /// On which network.
    pub network: NetworkId,
    /// Of which transaction.
    pub transaction: TransactionId,
    /// Who says so: the transaction's recipient.
    pub recipient: PublicKey,
    /// Yes, no, or not yet.
    pub verdict: Verdict,
    /// Why not, for people; empty where it was accepted.
    pub reason: CappedText<MAX_REASON>,
    /// Height of the tip that it was judged against.
    pub height: Height,
    /// Id of that tip.
    pub block: BlockId,
}

impl ReceiptStatement {
    /// Signs it with the recipient's key.
    pub fn sign(self, recipient: &SecretKey) -> Receipt {
        let signature = recipient.sign(&self.digest());
        Receipt {
            statement: self,
            signature,
        }
    }

    fn digest(&self) -> [u8; 32] {
        blake3::derive_key(RECEIPT_CONTEXT, &canonical::encode(self))
    }
}

/// A statement and its recipient's signature: `[statement, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What is said.
    pub statement: ReceiptStatement,
    /// By the recipient's key.
    pub signature: Signature,
}

/// Why a receipt does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It is about another network.
    #[error("the receipt is for network {0}, which is not this one")]
    OtherNetwork(NetworkId),
    /// Somebody else says it than the one who was written to.
    #[error("the receipt is that of {0}, to whom this was not sent")]
    OtherRecipient(PublicKey),
    /// The recipient did not sign it.
    #[error("the receipt is not signed by its recipient: {0}")]
    Forged(SignatureError),
}

impl Receipt {
    /// Whether it is the word of `recipient` on `network`.
    ///
    /// # Errors
    /// By variant of [`ReceiptError`], in this order: network, recipient, signature.
    pub fn check(&self, network: &NetworkId, recipient: &PublicKey) -> Result<(), ReceiptError> {
        let said = &self.statement;
        if said.network != *network {
            return Err(ReceiptError::OtherNetwork(said.network));
        }
        if said.recipient != *recipient {
            return Err(ReceiptError::OtherRecipient(said.recipient));
        }
        verify(recipient, &said.digest(), &self.signature).map_err(ReceiptError::Forged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(seed: u8) -> SecretKey {
        SecretKey::from_bytes([seed; 32])
    }

    fn receipt() -> Receipt {
        let statement = ReceiptStatement {
            network: BlockId([1; 32]),
            transaction: TransactionId([2; 32]),
            recipient: secret(3).public_key(),
            verdict: Verdict::Accepted,
            reason: CappedText::default(),
            height: Height(7),
            block: BlockId([4; 32]),
        };
        statement.sign(&secret(3))
    }

    #[test]
    fn only_the_recipients_own_word_counts() {
        let (network, recipient) = (BlockId([1; 32]), secret(3).public_key());
        let good = receipt();
        assert_eq!(good.check(&network, &recipient), Ok(()));
        let other = BlockId([9; 32]);
        let elsewhere = good.check(&other, &recipient);
        assert_eq!(elsewhere, Err(ReceiptError::OtherNetwork(network)));
        let mallory = secret(4).public_key();
        let meant = good.check(&network, &mallory);
        assert_eq!(meant, Err(ReceiptError::OtherRecipient(recipient)));
        let forged = good.statement.sign(&secret(4));
        let signed = forged.check(&network, &recipient);
        assert!(matches!(signed, Err(ReceiptError::Forged(_))));
    }

    #[test]
    fn attack_no_part_of_a_receipt_can_be_changed() {
        let (network, recipient) = (BlockId([1; 32]), secret(3).public_key());
        let changes: [fn(&mut ReceiptStatement); 5] = [
            |s| s.transaction.0[0] ^= 1,
            |s| s.verdict = Verdict::Refused,
            |s| s.reason = CappedText::new("no").expect("short"),
            |s| s.height = Height(8),
            |s| s.block.0[31] ^= 1,
        ];
        for change in changes {
            let mut receipt = receipt();
            change(&mut receipt.statement);
            let checked = receipt.check(&network, &recipient);
            assert!(matches!(checked, Err(ReceiptError::Forged(_))));
        }
    }

    #[test]
    fn bytes_lead_back_and_an_unknown_verdict_is_refused() {
        let bytes = canonical::encode(&receipt());
        assert_eq!(canonical::decode(&bytes), Ok(receipt()));
        for code in [0, 4, 255] {
            let unknown = canonical::encode(&code);
            assert!(canonical::decode::<Verdict>(&unknown).is_err());
        }
    }
}
