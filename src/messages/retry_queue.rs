//! To the RetryQueue, which keeps the outbox.

use crate::chain::{Payload, SignedHere, TransactionId};
use crate::keys::{PublicKey, SignatureError, SignatureItem};
use crate::protocol::delivery::outbox::{Line, OrderError, Request, SendError, Waiting};
use crate::protocol::delivery::rows::Route;
use crate::protocol::gossip::delivery::DeliveryFact;
use actix::Message;
use std::collections::{BTreeSet, HashSet};

/// Have a transfer of this node's key signed, and send it. The answer is a promise: it comes after the
/// synced write; for what goes by way of the network at once, it is the ledger's.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), SendError>")]
pub struct SignAndSend {
    /// What is to be signed.
    pub payload: Payload,
    /// On which ways it goes from the beginning.
    pub route: Route,
    /// What it was asked for with, if its caller chose a key.
    pub request: Option<Request>,
}

/// The same for many: what all of them write is one batch. One answer each, in their order.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Result<(), SendError>>")]
pub struct SignAndSendMany(pub Vec<SignAndSend>);

/// A transfer, signed, that is to be sent.
#[derive(Debug)]
pub struct SendTransfer {
    /// The transaction.
    pub transaction: SignedHere,
    /// On which ways it goes from the beginning.
    pub route: Route,
    /// What it was asked for with, if its caller chose a key.
    pub request: Option<Request>,
}

/// Try again at once what waits.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct RetrySend(pub TransactionId);

/// Withdraw what has never left.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct WithdrawSend(pub TransactionId);

/// Free the coins of what has ended and may still be mined.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), OrderError>")]
pub struct ReleaseSend(pub TransactionId);

/// What waits?
#[derive(Debug, Message)]
#[rtype(result = "OutboxStatus")]
pub struct GetOutbox {
    /// The number of the last one that is known.
    pub after: Option<u64>,
    /// Most sends to name.
    pub limit: usize,
}

impl GetOutbox {
    /// How much waits, and none of it by name.
    pub fn nothing_of_it() -> Self {
        Self {
            after: None,
            limit: 0,
        }
    }
}

/// The answer to [`GetOutbox`].
#[derive(Debug, Clone)]
pub struct OutboxStatus {
    /// How much waits.
    pub waiting: Waiting,
    /// The oldest of it, behind what is known.
    pub lines: Vec<Line>,
}

/// How does this send stand on its way? `None` if it is not looked after (any more).
#[derive(Debug, Message)]
#[rtype(result = "Option<Line>")]
pub struct GetSend(pub TransactionId);

/// Check these signatures. One verdict each, in their order.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Result<(), SignatureError>>")]
pub struct CheckSignatures(pub Vec<SignatureItem>);

/// What happened between this node and the recipients.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct DeliveryTold(pub DeliveryFact);

/// These members are alive by the word of the tracker, and no others; and these are put out.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MembersLive {
    /// Who is alive.
    pub live: HashSet<PublicKey>,
    /// Who is put out.
    pub out: BTreeSet<PublicKey>,
}
