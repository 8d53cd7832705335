//! What a node answers that waits for its wallet.

use super::WaitingApi;
use super::error::Refused;
use super::server::resource;
use super::views::{WaitingView, WalletOpenedView, WalletOrder, WalletRequest};
use crate::keys::{Passphrase, Stored, WalletFileError};
use crate::messages::wallet::{OpenWallet, Opening, WalletRefused};
use crate::wire::NodeRole;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, ServiceConfig};

/// The paths of a node without a wallet.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/status", web::get().to(status)))
        .service(resource("/wallet", web::post().to(open)));
}

async fn status(api: Data<WaitingApi>) -> Json<WaitingView> {
    let role = match api.role {
        NodeRole::Peer => "peer",
        NodeRole::Tracker => "tracker",
    };
    let file = api.file.path().display().to_string();
    // Some hundred bytes, read when somebody asks.
    let (locked, waiting) = match api.file.read() {
        Ok(Stored::Locked(_)) => (true, locked(&file)),
        Ok(Stored::Open(_)) => (false, open_already(&file)),
        Err(WalletFileError::Missing { .. }) => (false, missing(&file)),
        Err(error) => (false, error.to_string()),
    };
    Json(WaitingView {
        role: role.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        waiting_for: "wallet".to_owned(),
        waiting,
        file,
        locked,
    })
}

fn locked(file: &str) -> String {
    format!(
        "this node is on no network yet: its wallet {file} is locked; `node wallet load` asks for \
         the passphrase"
    )
}

fn open_already(file: &str) -> String {
    format!("this node is on no network yet: `node wallet load` starts it with the wallet {file}")
}

fn missing(file: &str) -> String {
    format!(
        "this node is on no network yet: it has no wallet ({file}); `node wallet new` makes one, \
         `node wallet restore` brings one back from its words"
    )
}

async fn open(
    api: Data<WaitingApi>,
    request: Json<WalletRequest>,
) -> Result<Json<WalletOpenedView>, Refused> {
    let request = request.into_inner();
    let passphrase = request.passphrase.map(Passphrase::given).transpose();
    let opened = api
        .open
        .send(OpenWallet {
            how: match request.order {
                WalletOrder::Create => Opening::Create,
                WalletOrder::Load => Opening::Load,
            },
            passphrase: passphrase.map_err(WalletRefused::from)?,
        })
        .await??;
    Ok(Json(WalletOpenedView {
        file: api.file.path().display().to_string(),
        address: opened.key.to_address(),
        locked: opened.locked,
    }))
}

/// Everything else.
pub(super) async fn not_yet() -> Result<HttpResponse, Refused> {
    Err(Refused::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "no_wallet",
        "this node has no wallet yet: `node status` says what to do",
    ))
}

impl From<WalletRefused> for Refused {
    fn from(refused: WalletRefused) -> Self {
        let (status, code) = match &refused {
            WalletRefused::File(WalletFileError::Exists { .. }) => (409, "wallet_exists"),
            WalletRefused::File(WalletFileError::Missing { .. }) => (409, "no_wallet_file"),
            WalletRefused::File(_) => (422, "wallet_file"),
            WalletRefused::Passphrase(_) => (422, "unfit_passphrase"),
            WalletRefused::NoPassphrase => (422, "locked"),
            WalletRefused::Locked(_) => (422, "not_unlocked"),
            WalletRefused::Busy => (503, "busy"),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        Self::new(status, code, refused.to_string())
    }
}
