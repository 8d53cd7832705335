//! To the Wallet, which alone knows the secret key.

use crate::chain::{EncodedTransaction, Payload};
use crate::wire::{MemberRecord, MemberStatement};
use actix::Message;

/// Sign a payload whose sender is this wallet's key.
#[derive(Debug, Message)]
#[rtype(result = "EncodedTransaction")]
pub struct SignTransaction(pub Payload);

/// Sign what this node says of itself.
#[derive(Debug, Message)]
#[rtype(result = "MemberRecord")]
pub struct SignStatement(pub MemberStatement);
