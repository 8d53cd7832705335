//! Receipts: a recipient's signed word of what became of a transaction that was delivered to it.

use super::message::MAX_REASON;
use crate::canonical::{self, CappedText, coded};
use crate::chain::{BlockId, Height, NetworkId, TransactionId};
use crate::keys::{PublicKey, SecretKey, Signature, SignatureError, SignatureItem, verify};
use serde::{Deserialize, Serialize};

/// Context of the hash that a recipient signs in a receipt.
pub const RECEIPT_CONTEXT: &str = "raclette 2026-11 delivery receipt";

/// What follows from a receipt for whoever sent the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is valid, stored with its note, and passed on. Received, not paid: only a block makes it so.
    Accepted,
    /// No, and there is no use in asking again.
    Refused,
    /// Not at this moment; the same bytes may be accepted later.
    NotYet,
}

coded! {
    /// What a recipient says of a transaction, for programs. 1 is a yes, 16 to 31 are a no for good, 32 to
    /// 47 a no for now.
    pub enum ReceiptCode, "no receipt" {
        /// It is valid, or was open or mined before; its note can be read; it is stored and passed on.
        1 Accepted,
        /// The recipient takes nothing from this sender.
        16 Blocked,
        /// The recipient can't open its note, or the note's two copies hold two texts.
        17 NoteUnreadable,
        /// Its last height lies behind.
        18 Expired,
        /// Its fee is below the network's least fee.
        19 FeeTooLow,
        /// It could never be valid.
        20 Invalid,
        /// The sender's coins are not there, on the recipient's chain.
        32 CoinsMissing,
        /// The open transactions are full.
        33 PoolFull,
        /// The recipient is behind the chain, and can't tell yet.
        34 Syncing,
        /// The recipient has too much in hand.
        35 Busy,
        /// The recipient does not know the sender as a member, and takes free transactions of members
        /// alone.
        36 SenderUnknown,
        /// Its last height lies too far ahead, as yet.
        37 TooEarly,
    }
}

impl ReceiptCode {
    /// What follows from it.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Accepted => Verdict::Accepted,
            Self::Blocked
            | Self::NoteUnreadable
            | Self::Expired
            | Self::FeeTooLow
            | Self::Invalid => Verdict::Refused,
            Self::CoinsMissing
            | Self::PoolFull
            | Self::Syncing
            | Self::Busy
            | Self::SenderUnknown
            | Self::TooEarly => Verdict::NotYet,
        }
    }
}

/// What a receipt says: `[network, transaction, recipient, code, reason, height, block]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptStatement {
    /// On which network.
    pub network: NetworkId,
    /// Of which transaction.
    pub transaction: TransactionId,
    /// Who says so: the transaction's recipient.
    pub recipient: PublicKey,
    /// Yes, no, or not yet, and why.
    pub code: ReceiptCode,
    /// Why not, for people; empty if it was accepted, or else the receipt does not count.
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
    /// It says yes, and why not.
    #[error("the receipt accepts, and gives a reason for a no")]
    ReasonForYes,
    /// The recipient did not sign it.
    #[error("the receipt is not signed by its recipient: {0}")]
    Forged(SignatureError),
}

impl Receipt {
    /// Whether it is the word of `recipient` on `network`.
    ///
    /// # Errors
    /// By variant of [`ReceiptError`], in this order: network, recipient, reason, signature.
    pub fn check(&self, network: &NetworkId, recipient: &PublicKey) -> Result<(), ReceiptError> {
        self.check_words(network, recipient)?;
        let item = self.signature_item();
        verify(recipient, &item.message, &item.signature).map_err(ReceiptError::Forged)
    }

    /// What has to verify, if [`check_words`](Self::check_words) has nothing against it.
    pub fn signature_item(&self) -> SignatureItem {
        SignatureItem {
            key: self.statement.recipient,
            message: self.statement.digest(),
            signature: self.signature,
        }
    }

    /// The same but for the signature.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn check_words(
        &self,
        network: &NetworkId,
        recipient: &PublicKey,
    ) -> Result<(), ReceiptError> {
        let said = &self.statement;
        if said.network != *network {
            return Err(ReceiptError::OtherNetwork(said.network));
        }
        if said.recipient != *recipient {
            return Err(ReceiptError::OtherRecipient(said.recipient));
        }
        if said.code == ReceiptCode::Accepted && !said.reason.is_empty() {
            return Err(ReceiptError::ReasonForYes);
        }
        Ok(())
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
            code: ReceiptCode::Accepted,
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
        let changes: [fn(&mut ReceiptStatement); 4] = [
            |s| s.transaction.0[0] ^= 1,
            |s| s.code = ReceiptCode::Blocked,
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
    fn a_yes_gives_no_reason_and_a_no_may() {
        let (network, recipient) = (BlockId([1; 32]), secret(3).public_key());
        for (code, checked) in [
            (ReceiptCode::Accepted, Err(ReceiptError::ReasonForYes)),
            (ReceiptCode::Blocked, Ok(())),
            (ReceiptCode::Busy, Ok(())),
        ] {
            let mut statement = receipt().statement;
            statement.code = code;
            statement.reason = CappedText::new("no").expect("short");
            let receipt = statement.sign(&secret(3));
            assert_eq!(receipt.check(&network, &recipient), checked);
        }
    }

    #[test]
    fn a_code_says_by_its_number_what_follows_from_it() {
        let mut codes = 0;
        for number in 0..=u8::MAX {
            let Ok(code) = ReceiptCode::try_from(number) else {
                continue;
            };
            codes += 1;
            let verdict = match number {
                1 => Verdict::Accepted,
                16..32 => Verdict::Refused,
                _ => Verdict::NotYet,
            };
            assert_eq!(code.verdict(), verdict, "{number}");
        }
        assert_eq!(codes, 12);
    }

    #[test]
    fn bytes_lead_back_and_an_unknown_code_is_refused() {
        let bytes = canonical::encode(&receipt());
        assert_eq!(canonical::decode(&bytes), Ok(receipt()));
        for code in [0, 2, 15, 21, 48, 255] {
            let unknown = canonical::encode(&code);
            assert!(canonical::decode::<ReceiptCode>(&unknown).is_err());
        }
    }
}
