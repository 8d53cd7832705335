//! To the Inbox.

use crate::chain::EncodedTransaction;
use crate::protocol::SessionId;
use crate::protocol::credit::Credit;
use crate::protocol::delivery::OwnNews;
use actix::Message;

/// A member delivers what it sends to this node's owner. Answered by
/// [`AnswerDelivery`](super::gossip::AnswerDelivery), one for each.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct TakeDelivery {
    /// Goes back with the answer.
    pub credit: Credit,
    /// Where it came from.
    pub session: SessionId,
    /// The transaction, signed.
    pub transaction: EncodedTransaction,
}

/// The ledger tells of this owner's transactions, in the order in which it came to be.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct OwnNewsTold(pub Vec<OwnNews>);

/// The owner has read the messages of these numbers, and no others.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MarkRead(pub Vec<u64>);

/// How many messages has the owner not read?
#[derive(Debug, Message)]
#[rtype(result = "usize")]
pub struct CountUnread;
