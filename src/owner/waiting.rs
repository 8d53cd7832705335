//! What a node that waits for its wallet does for its owner.

use super::answers::{WaitingView, WalletOpenedView, WalletOrder, WalletRequest};
use super::{Code, Refused, Waiting};
use crate::keys::{
    MAX_WORDS_TEXT, Passphrase, SecretKey, SecretWords, Stored, WORDS, WalletFileError, WordsError,
};
use crate::messages::wallet::{OpenWallet, Opening, WalletRefused};
use crate::wire::NodeRole;
use zeroize::Zeroizing;

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
            waiting: self.typed.text(&waiting),
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
        let how = match request.order {
            WalletOrder::Create => Opening::Create,
            WalletOrder::Load => Opening::Load,
        };
        self.come_by(how, request.passphrase).await
    }

    /// Brings a wallet back from its words, with which the node goes on, as [`open`](Self::open) does. What it
    /// refuses repeats no word.
    ///
    /// # Errors
    /// [`Code::UnfitWords`], and as for [`open`](Self::open).
    pub async fn restore(
        &self,
        words: &str,
        passphrase: Option<Zeroizing<String>>,
    ) -> Result<WalletOpenedView, Refused> {
        let secret = match words.len() {
            0..=MAX_WORDS_TEXT => SecretKey::from_words(words).map_err(unfit)?,
            _ => {
                return Err(Refused::new(
                    Code::UnfitWords,
                    "These are far more than 24 words.",
                ));
            }
        };
        self.come_by(Opening::Restore(Box::new(secret)), passphrase)
            .await
    }

    async fn come_by(
        &self,
        how: Opening,
        passphrase: Option<Zeroizing<String>>,
    ) -> Result<WalletOpenedView, Refused> {
        let passphrase = passphrase.map(Passphrase::given).transpose();
        let passphrase = passphrase.map_err(WalletRefused::from)?;
        let opened = self.open.send(OpenWallet { how, passphrase }).await??;
        Ok(WalletOpenedView {
            file: self.file.path().display().to_string(),
            address: opened.key.to_address(),
            locked: opened.locked,
        })
    }

    /// Makes the wallet, as [`open`](Self::open) does, and tells its words: for whoever shows them to the
    /// owner. Opening what was just locked takes about a second of this thread.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn create_showing(
        &self,
        passphrase: Option<Zeroizing<String>>,
    ) -> Result<(WalletOpenedView, SecretWords), Refused> {
        let request = WalletRequest {
            order: WalletOrder::Create,
            passphrase: passphrase.clone(),
        };
        let opened = self.open(request).await?;
        let unread = |why: String| {
            let detail = format!(
                "the wallet was made, and its words can't be shown here ({why}): `node wallet words` shows them"
            );
            Refused::new(Code::WalletFile, detail)
        };
        let secret = match self.file.read() {
            Ok(Stored::Open(secret)) => *secret,
            Ok(Stored::Locked(locked)) => {
                let passphrase = passphrase.map(Passphrase::given).transpose();
                let passphrase = passphrase.map_err(WalletRefused::from)?;
                let passphrase = passphrase.ok_or_else(|| unread("it is locked".to_owned()))?;
                let unlocked = locked.unlock(&passphrase);
                unlocked.map_err(|error| unread(error.to_string()))?
            }
            Err(error) => return Err(unread(error.to_string())),
        };
        Ok((opened, secret.words()))
    }
}

/// What is wrong with words, without any of them: a refusal may be kept where words must not be.
pub fn unfit(error: WordsError) -> Refused {
    let detail = match error {
        WordsError::Count { found } => {
            format!("These are {found} words, and a wallet has {WORDS}. Type all of them, in their order.")
        }
        WordsError::Unknown { position, .. } => format!(
            "Word {position} is none of the words that there are. Compare it with your paper, letter by letter."
        ),
        WordsError::Checksum => "Each of these is a word that there is, but together they are no wallet: one of \
                                 them is another, or two have changed places. Compare them with your paper."
            .to_owned(),
    };
    Refused::new(Code::UnfitWords, detail)
}

fn locked(file: &str) -> String {
    format!(
        "this node is on no network yet: its wallet {file} is locked; `node wallet load` asks for \
         the passphrase, and where that is forgotten, `node wallet restore` says how the 24 words bring it back"
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
