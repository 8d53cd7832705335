//! What a node that waits for its wallet does for its owner.

use super::answers::{WaitingView, WalletOpenedView, WalletOrder, WalletRequest};
use super::{Refused, Waiting};
use crate::keys::{Passphrase, Stored, WalletFileError};
use crate::messages::wallet::{OpenWallet, Opening, WalletRefused};
use crate::wire::NodeRole;

impl Waiting {
    /// What it waits for, and what to do.
    pub fn status(&self) -> WaitingView {
        let role = match self.role {
            NodeRole::Peer => "peer",
            NodeRole::Tracker => "tracker",
        };
        let file = self.file.path().display().to_string();
        // Some hundred bytes, read when somebody asks.
        let (locked, waiting) = match self.file.read() {
            Ok(Stored::Locked(_)) => (true, locked(&file)),
            Ok(Stored::Open(_)) => (false, open_already(&file)),
            Err(WalletFileError::Missing { .. }) => (false, missing(&file)),
            Err(error) => (false, error.to_string()),
        };
        WaitingView {
            role: role.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            waiting_for: "wallet".to_owned(),
            waiting,
            file,
            locked,
        }
    }

    /// Makes or opens the wallet, with which the node goes on: it starts now, and this handle is of no use
    /// any more.
    ///
    /// # Errors
    /// One [`Code`](super::Code) for each [`WalletRefused`].
    pub async fn open(&self, request: WalletRequest) -> Result<WalletOpenedView, Refused> {
        let passphrase = request.passphrase.map(Passphrase::given).transpose();
        let opened = self
            .open
            .send(OpenWallet {
                how: match request.order {
                    WalletOrder::Create => Opening::Create,
                    WalletOrder::Load => Opening::Load,
                },
                passphrase: passphrase.map_err(WalletRefused::from)?,
            })
            .await??;
        Ok(WalletOpenedView {
            file: self.file.path().display().to_string(),
            address: opened.key.to_address(),
            locked: opened.locked,
        })
    }
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
