//! What is said instead of an answer.

use super::codes::Code;
use crate::chain::proof::ProveError;
use crate::chain::verify::VerifyError;
use crate::chain::{Internal, Rejected, TransactionId};
use crate::keys::WalletFileError;
use crate::messages::miner::MineError;
use crate::messages::tracker_link::LeaveError;
use crate::messages::wallet::WalletRefused;
use crate::protocol::delivery::outbox::{OrderError, SendError};
use crate::protocol::mining::NotNow;
use crate::readable::Typed;
use actix::MailboxError;
use serde::{Deserialize, Serialize};

/// A "no": a code for programs, and what happened for people.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema,
)]
#[error("{detail}")]
pub struct Refused {
    /// Which "no" it is.
    pub code: Code,
    /// What happened, why, and what to do, with its names and numbers.
    pub detail: String,
    /// The send that it is about, if it is about one that the node knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<TransactionId>,
}

impl Refused {
    /// A "no" of this code, for this reason.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            about: None,
        }
    }

    /// The node stops, and does nothing new.
    pub fn stopping() -> Self {
        Self::new(
            Code::Stopping,
            "the node is stopping: start it again and repeat this",
        )
    }

    /// The same, with the commands in it as they are typed.
    pub fn typed(&self, typed: &Typed) -> Self {
        Self {
            detail: typed.text(&self.detail),
            ..self.clone()
        }
    }

    /// The same, about this send.
    pub fn about(self, id: TransactionId) -> Self {
        Self {
            about: Some(id),
            ..self
        }
    }
}

impl From<Internal> for Refused {
    fn from(error: Internal) -> Self {
        tracing::error!(%error, "a request could not be answered");
        Self::new(Code::Internal, format!("{error}; the node's log says more"))
    }
}

impl From<MailboxError> for Refused {
    fn from(_: MailboxError) -> Self {
        Self::stopping()
    }
}

impl From<Rejected> for Refused {
    fn from(rejected: Rejected) -> Self {
        let code = match rejected {
            Rejected::InsufficientFunds { .. } => Code::InsufficientFunds,
            Rejected::Expired { .. } => Code::Expired,
            Rejected::ExpiresTooLate(_) => Code::ExpiresTooLate,
            Rejected::WrongNetwork => Code::WrongNetwork,
            Rejected::AlreadyMined(_) => Code::AlreadyMined,
            Rejected::AlreadyOpen => Code::AlreadyOpen,
            Rejected::Meaningless => Code::Meaningless,
            Rejected::ToSelf => Code::ToSelf,
            Rejected::FeeTooLow { .. } => Code::FeeTooLow,
            Rejected::ZeroFeeStranger => Code::ZeroFeeStranger,
            Rejected::SenderPutOut => Code::PutOut,
            Rejected::PoolFull(_) | Rejected::FreeShareUsed { .. } => Code::PoolFull,
            Rejected::BadSignature(_) => Code::BadSignature,
            Rejected::StrayReward => Code::StrayReward,
            Rejected::TooLarge { .. } => Code::TooLarge,
            Rejected::Application { .. } => Code::Application,
            Rejected::Busy => Code::Busy,
        };
        Self::new(code, rejected.to_string())
    }
}

impl From<SendError> for Refused {
    fn from(error: SendError) -> Self {
        let code = match error {
            SendError::Rejected(rejected) => return rejected.into(),
            SendError::Full(_) => Code::OutboxFull,
            SendError::Known => Code::AlreadySent,
            SendError::Before(id) => {
                return Self::new(Code::AlreadySent, error.to_string()).about(id);
            }
            SendError::KeyTaken(id) => {
                return Self::new(Code::KeyTaken, error.to_string()).about(id);
            }
            SendError::Stopping => Code::Stopping,
        };
        Self::new(code, error.to_string())
    }
}

impl From<OrderError> for Refused {
    fn from(error: OrderError) -> Self {
        let code = match error {
            OrderError::NotWaiting => Code::NotWaiting,
            OrderError::Attempted(_) | OrderError::ByNetwork(_) => Code::Attempted,
            OrderError::Refused => Code::RefusedByRecipient,
            OrderError::NothingHeld => Code::NothingHeld,
            OrderError::Stopping => Code::Stopping,
        };
        Self::new(code, error.to_string())
    }
}

impl From<LeaveError> for Refused {
    fn from(error: LeaveError) -> Self {
        let code = match error {
            LeaveError::NotRegistered => Code::NotRegistered,
            LeaveError::CutOff => Code::CutOff,
        };
        Self::new(code, error.to_string())
    }
}

impl From<MineError> for Refused {
    fn from(error: MineError) -> Self {
        let code = match error {
            MineError::TooManyWaiting(_) => Code::Busy,
            MineError::NotNow(NotNow::ClockAhead { .. } | NotNow::ClockBehind { .. }) => {
                Code::WrongClock
            }
            MineError::NotNow(NotNow::ChainAhead { .. }) => Code::ChainAhead,
            MineError::Invalid(_) => Code::Internal,
            MineError::Stopping => Code::Stopping,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ProveError> for Refused {
    fn from(error: ProveError) -> Self {
        let code = match &error {
            ProveError::NotConnected(_) => Code::NotOnChain,
            ProveError::NotMined(_) => Code::NotMined,
            ProveError::Until { .. } | ProveError::Tail(_) => Code::BadParameter,
            ProveError::Internal(error) => return Internal(error.0.clone()).into(),
        };
        Self::new(code, error.to_string())
    }
}

/// Not by [`From`]: what does not verify is an answer to somebody who asked for a verification, and is not
/// written down as a failure.
pub(super) fn unverified(error: &VerifyError) -> Refused {
    let code = match error {
        VerifyError::Block { .. } => Code::InvalidBlock,
        VerifyError::Stored { .. } => Code::StoredState,
        VerifyError::Internal(_) => Code::Internal,
    };
    Refused::new(code, error.to_string())
}

impl From<WalletRefused> for Refused {
    fn from(refused: WalletRefused) -> Self {
        let code = match &refused {
            WalletRefused::File(WalletFileError::Exists { .. }) => Code::WalletExists,
            WalletRefused::File(WalletFileError::Missing { .. }) => Code::NoWalletFile,
            WalletRefused::File(_) => Code::WalletFile,
            WalletRefused::Passphrase(_) => Code::UnfitPassphrase,
            WalletRefused::NoPassphrase => Code::Locked,
            WalletRefused::Locked(_) => Code::NotUnlocked,
            WalletRefused::Busy => Code::WalletBusy,
        };
        Self::new(code, refused.to_string())
    }
}
