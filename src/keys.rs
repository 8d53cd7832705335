//! Keys: who a member is, how it signs, and how its name is written down.
//!
//! A member has one root secret, kept in one file. The key that signs and the key that opens sealed
//! notes are both derived from it, so that one backup restores everything and neither key can stand
//! in for the other.

mod address;
mod draws;
mod file;
mod note;
mod passphrase;
mod pem;
mod public;
mod secret;
mod signature;
mod words;

pub use address::AddressError;
pub use file::{PrivateFileError, WalletFile, WalletFileError, read_private};
pub use note::{
    MAX_NOTE_TEXT, MAX_SEALED_NOTE, NOTE_CLASSES, NoteContext, NoteSeed, NoteText, NoteTextError,
    OpenError, SealError,
};
pub use passphrase::{MAX_PASSPHRASE_BYTES, MIN_PASSPHRASE_CHARS, Passphrase, PassphraseError};
pub use pem::{Lock, LockedSecret, Stored, UnlockError};
pub use public::{PublicKey, SealingKey};
pub use secret::SecretKey;
pub use signature::{
    SIGNATURE_BATCH, Signature, SignatureError, SignatureItem, verify, verify_batch,
};
pub use words::{MAX_WORDS_TEXT, SecretWords, WORDS, WordsError};
