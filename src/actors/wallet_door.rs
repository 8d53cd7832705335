//! WalletDoor: where a node that waits for its wallet is given one.

use crate::entropy::Entropy;
use crate::keys::{Lock, Passphrase, SecretKey, Stored, WalletFile};
use crate::messages::wallet::{OpenWallet, OpenedWallet, Opening, WalletRefused};
use actix::{Actor, ActorFutureExt, Context, Handler, ResponseActFuture, WrapFuture};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The shell around a wallet file that is not open yet. Making and unlocking take their time on a
/// thread of their own, one at a time; the secret goes to whoever starts the node, and nowhere else.
pub struct WalletDoorActor {
    file: WalletFile,
    entropy: Arc<dyn Entropy>,
    found: Option<oneshot::Sender<SecretKey>>,
    busy: bool,
}

impl WalletDoorActor {
    /// Watches over `file`; its secret is sent to `found`.
    pub fn new(
        file: WalletFile,
        entropy: Arc<dyn Entropy>,
        found: oneshot::Sender<SecretKey>,
    ) -> Self {
        Self {
            file,
            entropy,
            found: Some(found),
            busy: false,
        }
    }
}

impl Actor for WalletDoorActor {
    type Context = Context<Self>;
}

impl Handler<OpenWallet> for WalletDoorActor {
    type Result = ResponseActFuture<Self, Result<OpenedWallet, WalletRefused>>;

    fn handle(&mut self, message: OpenWallet, _: &mut Self::Context) -> Self::Result {
        if self.busy || self.found.is_none() {
            return Box::pin(actix::fut::ready(Err(WalletRefused::Busy)));
        }
        self.busy = true;
        let (file, entropy) = (self.file.clone(), self.entropy.clone());
        let work = tokio::task::spawn_blocking(move || open(&file, message, &*entropy));
        Box::pin(work.into_actor(self).map(|done, actor, _| {
            actor.busy = false;
            // A panic in it has ended the process.
            let (secret, locked) = done.map_err(|_| WalletRefused::Busy)??;
            let opened = OpenedWallet {
                key: secret.public_key(),
                locked,
            };
            if let Some(found) = actor.found.take() {
                // Who waited for it is stopping.
                let _ = found.send(secret);
            }
            Ok(opened)
        }))
    }
}

/// The secret, and whether its file is locked.
fn open(
    file: &WalletFile,
    order: OpenWallet,
    entropy: &dyn Entropy,
) -> Result<(SecretKey, bool), WalletRefused> {
    let passphrase = order.passphrase.as_ref();
    match order.how {
        Opening::Create => keep(file, SecretKey::draw(entropy), passphrase, entropy),
        Opening::Restore(secret) => keep(file, *secret, passphrase, entropy),
        Opening::Load => match file.read()? {
            Stored::Open(secret) => Ok((*secret, false)),
            Stored::Locked(locked) => {
                let passphrase = passphrase.ok_or(WalletRefused::NoPassphrase)?;
                Ok((locked.unlock(passphrase)?, true))
            }
        },
    }
}

/// Writes the file of a secret that has none yet.
fn keep(
    file: &WalletFile,
    secret: SecretKey,
    passphrase: Option<&Passphrase>,
    entropy: &dyn Entropy,
) -> Result<(SecretKey, bool), WalletRefused> {
    let lock = passphrase.map(|passphrase| Lock::new(passphrase, entropy));
    let lock = lock.transpose()?;
    file.create(&secret, lock.as_ref())?;
    Ok((secret, lock.is_some()))
}
