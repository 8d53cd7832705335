//! What a node answers that waits for its wallet.

use super::paths;
use super::resource;
use crate::owner::answers::{WaitingView, WalletOpenedView, WalletRequest};
use crate::owner::{Code, Refused, Waiting};
use actix_web::web::{Data, Json, ServiceConfig};

/// The paths of a node without a wallet.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(&paths::STATUS, status))
        .service(resource(&paths::OPEN_WALLET, open));
}

async fn status(waiting: Data<Waiting>) -> Json<WaitingView> {
    Json(waiting.status())
}

async fn open(
    waiting: Data<Waiting>,
    request: Json<WalletRequest>,
) -> Result<Json<WalletOpenedView>, Refused> {
    waiting.open(request.into_inner()).await.map(Json)
}

/// Everything else.
pub(super) fn not_yet() -> Refused {
    Refused::new(
        Code::NoWallet,
        "this node has no wallet yet, or its wallet is locked: `node status` says which, and what to do",
    )
}
