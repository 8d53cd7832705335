//! Applications: what gives records of a topic a meaning, the same on every node.

use super::rows::{Draft, RowKey, StateKey, StateView};
use super::transaction::{RecordBody, Topic};
use super::{BlockId, GenesisContent, Height, Internal, NetworkId, Timestamp, TransactionId};
use crate::keys::{PublicKey, SignatureItem};

/// Longest key of an application's row, in bytes: keys are ids and names, values hold the rest.
pub const MAX_APPLICATION_KEY: usize = 256;
/// Largest value of an application's row, in bytes: each is rewritten whole and kept for undoing.
pub const MAX_APPLICATION_VALUE: usize = 64 * 1024;

/// The topic of the application that every network has: who is a member.
pub const MEMBERS_TOPIC: &str = "members";
/// Most signatures within the records of a block, beside those of its transactions: a quarter of a second
/// of one core, and four thousand times as many joins as a class has members.
pub const MAX_BLOCK_CHECKS: usize = 8_192;

/// Where and when a record would be mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Height of the block.
    pub height: Height,
    /// The block before it.
    pub parent: BlockId,
    /// When that was made.
    pub parent_time: Timestamp,
    /// The block's own timestamp. For an open transaction, the earliest that the next block can have.
    pub time: Timestamp,
}

/// A record that asks to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The network, by its genesis block.
    pub genesis: &'a GenesisContent,
    /// The network's id.
    pub network: NetworkId,
    /// Who signed it.
    pub sender: PublicKey,
    /// Its transaction's id.
    pub id: TransactionId,
    /// The block it would be in.
    pub moment: &'a Moment,
    /// Its place in that block; 0 where that is not known yet.
    pub index: u32,
    /// Its bytes.
    pub body: &'a RecordBody,
}

/// What an application says of a record that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Whether it needs no fee, whoever sends it.
    pub free: bool,
    /// Whether its sender receives the network's gift.
    pub gift: bool,
}

/// Why a record is not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationError {
    /// The application says no, in words for the sender.
    Refused(String),
    /// The application does not take it upon this block, but may upon a later one, or on another branch:
    /// what it builds on is not there. In words for the sender, whose node tries again by itself.
    NotYet(String),
    /// Our own failure.
    Internal(Internal),
}

impl From<Internal> for ApplicationError {
    fn from(error: Internal) -> Self {
        Self::Internal(error)
    }
}

/// Judges the records of one topic, in two parts, each of which must come to the same end on every node.
pub trait Application: Send + Sync {
    /// The topic whose records it judges.
    fn topic(&self) -> &Topic;

    /// What can be said of a record whatever the ledger holds: its form, and which signatures in it have
    /// to hold. They are checked together with the transaction's own, once, off the ledger's thread; each
    /// counts against [`MAX_BLOCK_CHECKS`].
    ///
    /// # Errors
    /// Why it can never be valid, in words for its sender.
    fn check(
        &self,
        network: &NetworkId,
        sender: &PublicKey,
        body: &RecordBody,
    ) -> Result<Vec<SignatureItem>, String> {
        let _ = (network, sender, body);
        Ok(Vec::new())
    }

    /// Whether a record that pays no fee stands outside of what its sender may send without one: because
    /// the application takes only so many of them from anybody. Told by its bytes alone, so that all nodes
    /// count alike. Such records still share a bound of their own among those that are open.
    fn is_outside_free_budget(&self, body: &RecordBody) -> bool {
        let _ = body;
        false
    }

    /// Applies a record to the application's rows, or refuses it; refused changes are dropped. A pure
    /// function of the rows it reads and of the record, whose [`Application::check`] found nothing wrong;
    /// run in the order of the chain.
    fn judge(
        &self,
        state: &mut ApplicationState<'_, '_>,
        record: &Record<'_>,
    ) -> Result<Verdict, ApplicationError>;
}

/// Read access to rows of one topic.
pub trait Rows {
    /// A row's value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Internal>;
}

/// The rows under a topic in a view.
#[derive(Clone)]
pub struct TopicRows<'a> {
    topic: Topic,
    view: &'a dyn StateView,
}

impl<'a> TopicRows<'a> {
    /// Those of `topic`.
    pub fn new(topic: Topic, view: &'a dyn StateView) -> Self {
        Self { topic, view }
    }

    /// Those that say who is a member.
    pub fn of_members(view: &'a dyn StateView) -> Self {
        let topic = Topic::new(MEMBERS_TOPIC).expect("it is short");
        Self::new(topic, view)
    }
}

impl Rows for TopicRows<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Internal> {
        self.view.read(&row(&self.topic, key))
    }
}

fn row(topic: &Topic, key: &[u8]) -> RowKey {
    RowKey::State(StateKey::Application {
        topic: topic.clone(),
        key: key.to_vec(),
    })
}

/// The rows of one application, while a record is judged: it changes no other's, and reads those of
/// members.
pub struct ApplicationState<'d, 'v> {
    topic: Topic,
    draft: &'d mut Draft<'v>,
}

impl<'d, 'v> ApplicationState<'d, 'v> {
    /// The rows under `topic` in `draft`.
    pub fn new(topic: Topic, draft: &'d mut Draft<'v>) -> Self {
        Self { topic, draft }
    }

    /// Who is a member, as of the records before this one.
    pub fn members(&self) -> TopicRows<'_> {
        TopicRows::of_members(self.draft)
    }

    /// The block at a height below the record's own, on the branch that it is judged on.
    pub fn ancestor(&self, height: Height) -> Result<Option<BlockId>, Internal> {
        self.draft.active(height)
    }

    /// Sets a row; refused where key or value are too long.
    pub fn put(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), ApplicationError> {
        if key.len() > MAX_APPLICATION_KEY || value.len() > MAX_APPLICATION_VALUE {
            return Err(ApplicationError::Refused(format!(
                "a row may have {MAX_APPLICATION_KEY} bytes of key and {MAX_APPLICATION_VALUE} of value"
            )));
        }
        self.draft.put_bytes(row(&self.topic, key), value);
        Ok(())
    }

    /// Removes a row.
    pub fn remove(&mut self, key: &[u8]) {
        self.draft.remove(row(&self.topic, key));
    }
}

impl Rows for ApplicationState<'_, '_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Internal> {
        self.draft.read(&row(&self.topic, key))
    }
}
