//! To the Wallet, which alone knows the secret key.

use crate::chain::transaction::Note;
use crate::chain::{EncodedTransaction, Payload};
use crate::keys::{NoteContext, NoteText, OpenError, PublicKey, SealError, SealingKey};
use crate::wire::channel::{Binding, Introduction};
use crate::wire::member::Leaving;
use crate::wire::{Certificate, Hello, MemberRecord, MemberStatement};
use actix::Message;

/// Sign a payload whose sender is this wallet's key.
#[derive(Debug, Message)]
#[rtype(result = "EncodedTransaction")]
pub struct SignTransaction(pub Payload);

/// Seal a note of this wallet's owner.
#[derive(Debug, Message)]
#[rtype(result = "Result<Note, SealError>")]
pub struct SealNote {
    /// The recipient's key for it, from the recipient's member record.
    pub to: SealingKey,
    /// The transaction that it will stand in; its sender is this wallet's key.
    pub about: NoteContext,
    /// What it says.
    pub text: NoteText,
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

/// Sign that this member leaves for good.
#[derive(Debug, Message)]
#[rtype(result = "Leaving")]
pub struct SignLeaving {
    /// The tracker it is said to.
    pub tracker: PublicKey,
    /// Number of the word.
    pub sequence: u64,
}

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
