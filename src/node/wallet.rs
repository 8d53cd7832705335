//! How a node comes to its secret: from its wallet file, with a passphrase if that is locked, or from
//! whoever gives it one while it waits.

use super::RunError;
use super::orders::Orders;
use super::seams::Seams;
use super::stage::Stage;
use crate::actors::WalletDoorActor;
use crate::entropy::Entropy;
use crate::http::{self, Listen};
use crate::keys::{
    Lock, LockedSecret, PublicKey, SecretKey, Stored, UnlockError, WalletFile, WalletFileError,
};
use crate::owner::{Owned, Waiting};
use crate::passphrase::{self, NoPassphrase};
use crate::settings::{WalletCreation, WalletSettings};
use crate::store::{Disk, belongs_to, claim};
use crate::wire::NodeRole;
use actix::Actor;
use std::path::Path;
use tokio::sync::oneshot;

/// How often a passphrase may be typed before the start is given up.
const TRIES: usize = 3;

/// Who is asked for the passphrase of a locked wallet, if no file has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// Whoever is at the terminal, if there is one.
    Terminal,
    /// Nobody: the node waits for it.
    Nobody,
}

/// The secret in the wallet file, which is made at the first start; `None` if the settings say to
/// wait for one, or it is locked and nobody is there who could be asked for the passphrase.
pub(super) fn open(
    settings: &WalletSettings,
    seams: &Seams,
    asking: Asking,
) -> Result<Option<SecretKey>, RunError> {
    let file = WalletFile::new(&settings.file);
    file.sweep();
    match file.read() {
        Ok(Stored::Open(secret)) => Ok(Some(*secret)),
        Ok(Stored::Locked(locked)) => unlock(settings, &locked, asking),
        Err(WalletFileError::Missing { .. }) => {
            // A new key would be a stranger to everything that is in there.
            if let Some(owner) = belongs_to(&*seams.disk)? {
                return Err(RunError::LostWallet {
                    file: settings.file.clone(),
                    belongs_to: owner.to_address(),
                });
            }
            match settings.create {
                WalletCreation::AtStart => make(settings, &file, &*seams.entropy).map(Some),
                WalletCreation::OnCommand => Ok(None),
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn make(
    settings: &WalletSettings,
    file: &WalletFile,
    entropy: &dyn Entropy,
) -> Result<SecretKey, RunError> {
    let passphrase = match settings.passphrase_file() {
        Some(path) => Some(passphrase::from_file(path)?),
        None => None,
    };
    let lock = passphrase.as_ref().map(|p| Lock::new(p, entropy));
    let lock = lock.transpose().map_err(NoPassphrase::from)?;
    let secret = SecretKey::draw(entropy);
    file.create(&secret, lock.as_ref())?;
    tracing::info!(
        file = %file.path().display(),
        "new wallet made: it is this node's identity and purse. Write its words down: `node wallet words`"
    );
    Ok(secret)
}

fn unlock(
    settings: &WalletSettings,
    locked: &LockedSecret,
    asking: Asking,
) -> Result<Option<SecretKey>, RunError> {
    if let Some(path) = settings.passphrase_file() {
        let passphrase = passphrase::from_file(path)?;
        return Ok(Some(locked.unlock(&passphrase)?));
    }
    if asking == Asking::Nobody {
        return Ok(None);
    }
    let prompt = format!("Passphrase of {}: ", settings.file.display());
    for left in (0..TRIES).rev() {
        let Some(passphrase) = passphrase::ask(&prompt)? else {
            return Ok(None);
        };
        match locked.unlock(&passphrase) {
            Err(UnlockError::WrongPassphrase) if left > 0 => {
                tracing::warn!(left, "that was not the passphrase");
            }
            unlocked => return Ok(Some(unlocked?)),
        }
    }
    Err(UnlockError::WrongPassphrase.into())
}

/// The secret if it was found, else what comes when it is waited for; `None` if the node was told to stop
/// before.
pub(super) async fn found_or_awaited(
    found: Option<SecretKey>,
    role: NodeRole,
    place: (&WalletSettings, Listen),
    data_dir: &Path,
    seams: &Seams,
    orders: &mut Orders,
    stage: &Stage,
) -> Result<Option<SecretKey>, RunError> {
    let file = &place.0.file;
    let secret = match found {
        Some(secret) => Some(secret),
        None => wait_for(role, place, data_dir, seams, orders, stage).await?,
    };
    if let Some(secret) = &secret {
        belongs(&*seams.disk, secret.public_key(), file)?;
    }
    Ok(secret)
}

/// Refuses the wallet of another data directory, before anything is sent or reserved for it.
fn belongs(disk: &dyn Disk, key: PublicKey, file: &Path) -> Result<(), RunError> {
    let owner = claim(disk, key)?;
    if owner == key {
        return Ok(());
    }
    Err(RunError::OtherWallet {
        file: file.to_owned(),
        found: key.to_address(),
        belongs_to: owner.to_address(),
    })
}

/// Waits on the API until the wallet is made or unlocked there; `None` if the node was told to stop
/// before. Nothing else of it runs: every connection begins with a proof of its key.
async fn wait_for(
    role: NodeRole,
    (settings, api): (&WalletSettings, Listen),
    data_dir: &Path,
    seams: &Seams,
    orders: &mut Orders,
    stage: &Stage,
) -> Result<Option<SecretKey>, RunError> {
    let (found, wanted) = oneshot::channel();
    let file = WalletFile::new(&settings.file);
    let door = WalletDoorActor::new(file.clone(), seams.entropy.clone(), found).start();
    let waiting = Waiting {
        role,
        file,
        open: door.recipient(),
        typed: seams.typed.clone(),
        entropy: seams.entropy.clone(),
    };
    let owned = Owned::Waiting(waiting);
    let stop = orders.stop_order();
    let (server, address) = http::start(api, data_dir, owned.clone(), stop).await?;
    stage.speaks(owned);
    tracing::warn!(
        file = %settings.file.display(),
        api = %address,
        "waiting for a wallet or for its passphrase, and on no network until it has it: `node status` says what to do"
    );
    let secret = tokio::select! {
        secret = wanted => Ok(secret.ok()),
        told = orders.wait() => told.map(|()| None),
    };
    if let Err(error) = server.stop().await {
        tracing::warn!(%error, "the API's file could not be removed");
    }
    secret
}
