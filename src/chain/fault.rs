//! Whose fault it is: the three kinds of "no" that this crate knows.

use super::free_use::FREE_BLOCKS;
use super::{Amount, BlockId, Height};

/// Somebody broke a rule that no honest, up-to-date program breaks. The connection it came through
/// is closed; nothing of ours changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// The bytes are not the canonical form of anything.
    #[error(transparent)]
    Malformed(#[from] crate::canonical::Malformed),
    /// The header's id is above its target, or its target is not a canonical compact number.
    #[error("block {0} lacks the proof of work that its header claims")]
    NoWork(BlockId),
    /// A value in the header is not what follows from the blocks before it.
    #[error("block {id} has the wrong {field}")]
    WrongHeader {
        /// Id of the block.
        id: BlockId,
        /// Which part of its header.
        field: &'static str,
    },
    /// The transactions do not hash to the root in the header. The sender's fault alone: the block
    /// with this id may still be good.
    #[error("the body sent for block {0} is not the one its header names")]
    BodyMismatch(BlockId),
    /// The block itself breaks a rule; no body can mend it.
    #[error("block {id} is invalid: {reason}")]
    InvalidBlock {
        /// Id of the block.
        id: BlockId,
        /// The rule, in words.
        reason: String,
    },
    /// Built upon a block that is known to be invalid.
    #[error("block {0} stands on an invalid block")]
    InvalidParent(BlockId),
    /// Headers in one message that do not follow each other.
    #[error("headers that do not follow each other in one message")]
    Disconnected,
    /// A transaction with a signature that does not verify, or a form that can never be valid.
    #[error("transaction is invalid: {0}")]
    InvalidTransaction(Rejected),
}

/// A fair no: the request was well formed and may be right another time or in another form. Every
/// variant's text tells a user what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The sender's balance, less what its open transactions already spend, does not cover it.
    #[error(
        "insufficient funds: {available} available (balance less open transactions), {needed} needed with the fee"
    )]
    InsufficientFunds {
        /// Balance less what is already promised.
        available: Amount,
        /// Amount plus fee.
        needed: Amount,
    },
    /// The height it expires at lies behind.
    #[error("expired at height {expired}, the chain is at {tip}: make it anew with a later expiry")]
    Expired {
        /// Its last height.
        expired: Height,
        /// The tip's height.
        tip: Height,
    },
    /// Its expiry lies too far ahead to be remembered so long.
    #[error("expires at height {0}, too far ahead: choose an earlier expiry")]
    ExpiresTooLate(Height),
    /// Made for another network.
    #[error("made for another network")]
    WrongNetwork,
    /// It is in a block already.
    #[error("already mined at height {0}")]
    AlreadyMined(Height),
    /// It waits among the open transactions already.
    #[error("already among the open transactions")]
    AlreadyOpen,
    /// It says nothing: no coins and no note, no topic, or an amount and fee beyond all numbers.
    #[error(
        "the transaction is empty or its numbers do not fit: give an amount, a note, or both; give a record its topic"
    )]
    Meaningless,
    /// Coins sent to oneself.
    #[error("sender and recipient are the same: choose another recipient")]
    ToSelf,
    /// The fee is below the network's least fee for its size.
    #[error("the fee is {given}, but at least {least} is needed for its size")]
    FeeTooLow {
        /// Fee that was given.
        given: Amount,
        /// Least fee for its size.
        least: Amount,
    },
    /// A transaction without a fee from a key that is no member.
    #[error("only members may send without a fee: add a fee or register first")]
    ZeroFeeStranger,
    /// A transaction without a fee from a member that was put out of the network.
    #[error(
        "its sender was put out of the network: nothing of it is taken without a fee until it is let back"
    )]
    SenderPutOut,
    /// No room among the open transactions, or the sender's share of it is used up.
    #[error("the open transactions are full{0}: wait for a block, or offer a higher fee")]
    PoolFull(&'static str),
    /// The sender has sent as much without a fee as it may, counted over the last blocks.
    #[error(
        "the sender's free share is used up: {used} of {most} bytes, open and in the last {FREE_BLOCKS} blocks, and \
         this takes {size}. It becomes free as blocks grow older than that; a fee (`--fee 1`) sends it at once"
    )]
    FreeShareUsed {
        /// Bytes that it has sent.
        used: u64,
        /// Bytes that it may send.
        most: u64,
        /// Bytes of this one.
        size: usize,
    },
    /// Signature or signing key is not acceptable.
    #[error("bad signature: {0}")]
    BadSignature(String),
    /// A reward outside of the first place of a block.
    #[error("a reward can't be sent; it is only made by mining a block")]
    StrayReward,
    /// Larger than a block.
    #[error("{size} bytes, more than fit into a block of this network ({max})")]
    TooLarge {
        /// Encoded size in bytes.
        size: usize,
        /// The network's largest block.
        max: usize,
    },
    /// The application that judges its topic says no.
    #[error("this can't be recorded under {topic}: {reason}")]
    Application {
        /// The topic.
        topic: String,
        /// Its words.
        reason: String,
        /// Whether what the record builds on is missing, and may come.
        not_yet: bool,
    },
    /// The node has too much in hand.
    #[error("busy: too much is being checked at this moment, try again shortly")]
    Busy,
}

impl Rejected {
    /// Whether the same bytes could never have been acceptable to anyone: then whoever relayed them
    /// did not check them.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Meaningless
                | Self::ToSelf
                | Self::BadSignature(_)
                | Self::StrayReward
                | Self::WrongNetwork
                | Self::TooLarge { .. }
        )
    }

    /// Whether the same bytes may be acceptable upon another tip, later or on another branch, or by then:
    /// a newcomer may not be known everywhere.
    pub fn is_for_now(&self) -> bool {
        matches!(
            self,
            Self::InsufficientFunds { .. }
                | Self::ExpiresTooLate(_)
                | Self::PoolFull(_)
                | Self::FreeShareUsed { .. }
                | Self::ZeroFeeStranger
                | Self::SenderPutOut
                | Self::Application { .. }
        )
    }
}

/// Our own failure: the disk did not answer, or a row is corrupt. The node stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("internal failure: {0}")]
pub struct Internal(pub String);

/// What judging something that came from outside can end with, short of success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A rule was broken.
    #[error(transparent)]
    Fault(#[from] PeerFault),
    /// We failed.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// What judging a transaction can end with, short of success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A fair no.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// We failed.
    #[error(transparent)]
    Internal(#[from] Internal),
}
