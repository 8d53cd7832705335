//! To the Wallet, which alone knows the secret key.

use crate::chain::{EncodedTransaction, Payload};
use crate::keys::PublicKey;
use crate::wire::channel::{Binding, Introduction};
use crate::wire::member::Leaving;
use crate::wire::{Certificate, Hello, MemberRecord, MemberStatement};
use actix::Message;

/// Sign a payload whose sender is this wallet's key.
#[derive(Debug, Message)]
#[rtype(result = "EncodedTransaction")]
pub struct SignTransaction(pub Payload);

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
