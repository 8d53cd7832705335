//! To the Wallet, which alone knows the secret key; and to the door at which a node without one waits.

use crate::chain::transaction::Note;
use crate::chain::{NetworkId, Payload, SignedHere, Timestamp};
use crate::keys::{
    NoteContext, NoteText, OpenError, Passphrase, PassphraseError, PublicKey, SealError,
    SealingKey, SecretKey, UnlockError, WalletFileError,
};
use crate::membership::{Certificate, Leave};
use crate::wire::channel::{Binding, Introduction};
use crate::wire::member::Leaving;
use crate::wire::{Hello, MemberRecord, MemberStatement, Receipt, ReceiptStatement};
use actix::Message;
use tokio::sync::oneshot;

/// Sign payloads whose sender is this wallet's key; one transaction each, in their order.
#[derive(Debug, Message)]
#[rtype(result = "Vec<SignedHere>")]
pub struct SignTransactions(pub Vec<Payload>);

/// Seal a note of this wallet's owner.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SealNote {
    /// The recipient's key for it, from the recipient's member record.
    pub to: SealingKey,
    /// The transaction that it will stand in; its sender is this wallet's key.
    pub about: NoteContext,
    /// What it says.
    pub text: NoteText,
    /// Where it is awaited: it goes there straight from the thread that seals it.
    pub sealed: oneshot::Sender<Result<Note, SealError>>,
}

/// Open a note that was sealed for this wallet's owner, or by it.
#[derive(Debug, Message)]
#[rtype(result = "Result<NoteText, OpenError>")]
pub struct OpenNote {
    /// The transaction that it stands in.
    pub about: NoteContext,
    /// As it stands there.
    pub note: Note,
}

/// Sign what this node says of itself.
#[derive(Debug, Message)]
#[rtype(result = "MemberRecord")]
pub struct SignStatement(pub MemberStatement);

/// Sign that this member leaves, for the ledger.
#[derive(Debug, Message)]
#[rtype(result = "Leave")]
pub struct SignLeave {
    /// Which network.
    pub network: NetworkId,
    /// Number of the word (ms since 1970).
    pub number: Timestamp,
}

/// Sign that this member leaves for good, for the tracker.
#[derive(Debug, Message)]
#[rtype(result = "Leaving")]
pub struct SignLeaving {
    /// The tracker it is said to.
    pub tracker: PublicKey,
    /// Number of the word.
    pub sequence: u64,
}

/// Sign what became of a delivery; its recipient is this wallet's key.
#[derive(Debug, Message)]
#[rtype(result = "Receipt")]
pub struct SignReceipt(pub ReceiptStatement);

/// Sign who this node is, for one channel.
#[derive(Debug, Message)]
#[rtype(result = "Introduction")]
pub struct SignIntroduction {
    /// What it says of itself; its key is this wallet's.
    pub hello: Hello,
    /// The channel it is said in.
    pub binding: Binding,
    /// What shows that it is a member.
    pub certificate: Option<Certificate>,
}

/// How a node that waits for a wallet is to come by it.
#[derive(Debug)]
pub enum Opening {
    /// Make a new one; there must be none yet.
    Create,
    /// Make the one that has this secret, which its owner brought back; there must be none yet.
    Restore(Box<SecretKey>),
    /// Take the one in the file.
    Load,
}

/// Open the wallet of a node that waits for it.
#[derive(Debug, Message)]
#[rtype(result = "Result<OpenedWallet, WalletRefused>")]
pub struct OpenWallet {
    /// How.
    pub how: Opening,
    /// What a new one is locked with, if it is to be; what a locked one is unlocked with.
    pub passphrase: Option<Passphrase>,
}

/// A wallet was opened, and the node goes on with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedWallet {
    /// Whose it is.
    pub key: PublicKey,
    /// Whether its file is locked.
    pub locked: bool,
}

/// Why a wallet was not opened.
#[derive(Debug, thiserror::Error)]
pub enum WalletRefused {
    /// The wallet file can not be read or written.
    #[error(transparent)]
    File(#[from] WalletFileError),
    /// The passphrase that was chosen.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// It is locked, and no passphrase came.
    #[error("the wallet is locked: its passphrase is needed, `node wallet load` asks for it")]
    NoPassphrase,
    /// The passphrase that was given.
    #[error(transparent)]
    Locked(#[from] UnlockError),
    /// One is being opened, or is open by now.
    #[error("a wallet is being opened already, or open by now: see `node status`")]
    Busy,
}
