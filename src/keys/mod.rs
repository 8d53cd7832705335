//! Keys: who a member is, how it signs, and how its name is written down.
//!
//! A member has one root secret, kept in one file. The key that signs and the key that opens sealed
//! notes are both derived from it, so that one backup restores everything and neither key can stand
//! in for the other.

mod address;
mod file;
mod note;
mod public;
mod secret;
mod signature;

pub use address::AddressError;
pub use file::{KeyFile, KeyFileError};
pub use note::{
    MAX_NOTE_TEXT, MAX_SEALED_NOTE, NOTE_CLASSES, NoteContext, NoteSeed, NoteText, NoteTextError,
    OpenError, SealError,
};
pub use public::{PublicKey, SealingKey};
pub use secret::SecretKey;
pub use signature::{
    SIGNATURE_BATCH, Signature, SignatureError, SignatureItem, verify, verify_batch,
};
