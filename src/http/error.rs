//! Everything that is not an answer, and the status it goes out with.

use super::views::{ErrorDetail, ErrorView};
use crate::chain::{Internal, Rejected};
use crate::messages::miner::MineError;
use crate::messages::tracker_link::{AcceptError, LeaveError};
use crate::protocol::delivery::outbox::{OrderError, SendError};
use actix::MailboxError;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use std::fmt;

/// A "no" with its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(super) status: StatusCode,
    pub(super) detail: ErrorDetail,
}

impl Refused {
    /// A "no" with a code for programs and a reason for people.
    pub(super) fn new(status: StatusCode, code: &str, reason: impl Into<String>) -> Self {
        Self {
            status,
            detail: ErrorDetail {
                code: code.to_owned(),
                reason: reason.into(),
            },
        }
    }

    /// The request makes no sense as it is.
    pub(super) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", reason)
    }

    /// There is no such thing.
    pub(super) fn not_found(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", reason)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail.reason)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status).json(ErrorView {
            error: self.detail.clone(),
        })
    }
}

impl From<Internal> for Refused {
    fn from(error: Internal) -> Self {
        tracing::error!(%error, "a request could not be answered");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            format!("{error}; the node's log says more"),
        )
    }
}

impl From<MailboxError> for Refused {
    fn from(_: MailboxError) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "the node is stopping: start it again and repeat this",
        )
    }
}

impl From<Rejected> for Refused {
    fn from(rejected: Rejected) -> Self {
        let (status, code) = match rejected {
            Rejected::InsufficientFunds { .. } => (422, "insufficient_funds"),
            Rejected::Expired { .. } => (422, "expired"),
            Rejected::ExpiresTooLate(_) => (422, "expires_too_late"),
            Rejected::WrongNetwork => (422, "wrong_network"),
            Rejected::AlreadyMined(_) => (409, "already_mined"),
            Rejected::AlreadyOpen => (409, "already_open"),
            Rejected::Meaningless => (422, "meaningless"),
            Rejected::ToSelf => (422, "to_self"),
            Rejected::FeeTooLow { .. } => (422, "fee_too_low"),
            Rejected::ZeroFeeStranger => (422, "zero_fee_stranger"),
            Rejected::PoolFull(_) => (422, "pool_full"),
            Rejected::BadSignature(_) => (422, "bad_signature"),
            Rejected::StrayReward => (422, "stray_reward"),
            Rejected::TooLarge { .. } => (422, "too_large"),
            Rejected::Application { .. } => (422, "application"),
            Rejected::Busy => (503, "busy"),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        Self::new(status, code, rejected.to_string())
    }
}

impl From<SendError> for Refused {
    fn from(error: SendError) -> Self {
        let (status, code) = match error {
            SendError::Rejected(rejected) => return rejected.into(),
            SendError::Full(_) => (StatusCode::SERVICE_UNAVAILABLE, "outbox_full"),
            SendError::Known => (StatusCode::CONFLICT, "already_sent"),
            SendError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<OrderError> for Refused {
    fn from(error: OrderError) -> Self {
        let (status, code) = match error {
            OrderError::NotWaiting => (StatusCode::CONFLICT, "not_waiting"),
            OrderError::Attempted(_) => (StatusCode::CONFLICT, "attempted"),
            OrderError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<LeaveError> for Refused {
    fn from(error: LeaveError) -> Self {
        let code = match error {
            LeaveError::NotRegistered => "not_registered",
            LeaveError::CutOff => "cut_off",
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, error.to_string())
    }
}

impl From<AcceptError> for Refused {
    fn from(error: AcceptError) -> Self {
        Self::new(StatusCode::CONFLICT, "nothing_changed", error.to_string())
    }
}

impl From<MineError> for Refused {
    fn from(error: MineError) -> Self {
        let (status, code) = match &error {
            MineError::TooManyWaiting(_) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            MineError::NotNow(reason) => (StatusCode::CONFLICT, reason.code()),
            MineError::Invalid(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            MineError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        };
        Self::new(status, code, error.to_string())
    }
}
