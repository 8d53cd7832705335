//! To the Ledger.

use crate::chain::ledger::{BlockOutcome, Funds};
use crate::chain::mempool::OpenPlace;
use crate::chain::template::Template;
use crate::chain::tree::Tip;
use crate::chain::{Block, BlockId, EncodedTransaction, Header, Internal, SignedHere};
use crate::keys::{PublicKey, SignatureError};
use crate::protocol::SessionId;
use crate::protocol::branch_change::BranchChange;
use crate::protocol::credit::Credit;
use crate::protocol::delivery::Judgement;
use crate::protocol::progress::Estimate;
use actix::Message;
use std::collections::BTreeSet;

/// Judge headers that a session sent. Answered by [`Judged`](super::gossip::LedgerFact::Judged).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CheckHeaders {
    /// Goes back with the answer.
    pub credit: Credit,
    /// Who sent them.
    pub session: SessionId,
    /// Following each other, oldest first.
    pub headers: Vec<Header>,
}

/// Judge a block that a session sent. Answered by [`Judged`](super::gossip::LedgerFact::Judged).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SubmitBlock {
    /// Goes back with the answer.
    pub credit: Credit,
    /// Who sent it.
    pub session: SessionId,
    /// The block.
    pub block: Block,
}

/// Judge transactions that a session sent. Answered by [`Judged`](super::gossip::LedgerFact::Judged).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SubmitTransactions {
    /// Goes back with the answer.
    pub credit: Credit,
    /// Who sent them.
    pub session: SessionId,
    /// The transactions.
    pub transactions: Vec<EncodedTransaction>,
}

/// Name the bodies that are missing towards a header. Answered by
/// [`MissingFound`](super::gossip::LedgerFact::MissingFound).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct FindMissing {
    /// Goes back with the answer.
    pub credit: Credit,
    /// The header to get to.
    pub toward: BlockId,
    /// Most ids to name.
    pub limit: usize,
}

/// Make a transaction open that was delivered to this node, and relay it. The answer comes as soon as its rows are
/// with the store: what whoever asked has written of it comes behind them, and is a promise of both.
#[derive(Debug, Message)]
#[rtype(result = "Judgement")]
pub struct JudgeDelivery(pub EncodedTransaction);

/// Make transactions open that this node sends, and relay them: what becomes open of them is one batch. The
/// answer is a promise, one judgement each, in their order.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Judgement>")]
pub struct JudgeOwn(pub Vec<Own>);

/// A transaction of this node's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    /// Signed a moment ago.
    SignedHere(SignedHere),
    /// Read from the disk.
    Stored(EncodedTransaction),
}

impl Own {
    /// The transaction.
    pub fn transaction(&self) -> &EncodedTransaction {
        match self {
            Self::SignedHere(signed) => signed.transaction(),
            Self::Stored(transaction) => transaction,
        }
    }
}

/// Take in a block of this node's own miner. The answer is a promise: it comes after the synced
/// write.
#[derive(Debug, Message)]
#[rtype(result = "BlockOutcome")]
pub struct SubmitMinedBlock(pub Block);

/// What should be mined now, paid to `reward_to`?
#[derive(Debug, Message)]
#[rtype(result = "Result<Template, Internal>")]
pub struct GetTemplate {
    /// Whom the reward is for.
    pub reward_to: PublicKey,
}

/// Where does the ledger stand?
#[derive(Debug, Message)]
#[rtype(result = "LedgerStatus")]
pub struct GetLedgerStatus;

/// The answer to [`GetLedgerStatus`].
#[derive(Debug, Clone)]
pub struct LedgerStatus {
    /// End of the connected chain.
    pub tip: Tip,
    /// End of the chain of headers with most work.
    pub best_header: Tip,
    /// Whether blocks are missing towards it, or more headers are to come.
    pub syncing: bool,
    /// Number of open transactions.
    pub open_transactions: usize,
    /// Their bytes.
    pub open_bytes: usize,
    /// Headers in memory.
    pub headers_in_memory: usize,
    /// How catching up goes, if blocks are missing and some came of late.
    pub catching_up: Option<Estimate>,
    /// The last change of branch that took something of this node's away.
    pub branch_change: Option<BranchChange>,
}

/// What can a key spend?
#[derive(Debug, Message)]
#[rtype(result = "Result<Funds, Internal>")]
pub struct GetFunds(pub PublicKey);

/// What the ledger answers to this, and the tip at which it is so: of one moment, however fast the chain moves.
#[derive(Debug)]
pub struct AtTip<Q>(pub Q);

impl<Q: Message> Message for AtTip<Q> {
    type Result = (Q::Result, Tip);
}

/// The open transactions, best paying first: behind the place `after`, at most `limit`.
#[derive(Debug, Message)]
#[rtype(result = "OpenPage")]
pub struct GetOpenTransactions {
    /// The place of the last one that is known.
    pub after: Option<OpenPlace>,
    /// Most of them to name.
    pub limit: usize,
}

/// The open records that applications judge, in the order of their ids, so many at most. A walk through the rows of
/// what is open takes as long as all that was open since they were written to a file last.
#[derive(Debug, Message)]
#[rtype(result = "Vec<EncodedTransaction>")]
pub struct GetOpenRecords(pub usize);

/// The answer to [`GetOpenTransactions`].
#[derive(Debug, Clone)]
pub struct OpenPage {
    /// Some of them.
    pub transactions: Vec<EncodedTransaction>,
    /// The place of the last of them, if more follow.
    pub next: Option<OpenPlace>,
    /// How many are open in all.
    pub all: usize,
}

/// Signatures that were to be checked are checked.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SignaturesChecked {
    /// Number of the check.
    pub check: u64,
    /// One verdict a signature, in their order.
    pub verdicts: Vec<Result<(), SignatureError>>,
}

/// Go on with a way to another branch that is gone in steps.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct GoOn;

/// These keys belong to members, and no others: they may send without a fee.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MembersKnown {
    /// Who may.
    pub members: Vec<PublicKey>,
    /// Who was put out, and may not.
    pub out: BTreeSet<PublicKey>,
}
