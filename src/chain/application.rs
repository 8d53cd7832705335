//! Applications: what gives records of a topic a meaning, the same on every node.

use super::rows::{Draft, MinedAt, RowKey, StateKey, StateView};
use super::transaction::{RecordBody, Topic};
use super::{Internal, Timestamp, TransactionId};
use crate::keys::PublicKey;

/// Longest key of an application's row, in bytes: keys are ids and names, values hold the rest.
pub const MAX_APPLICATION_KEY: usize = 256;
/// Largest value of an application's row, in bytes: each is rewritten whole and kept for undoing.
pub const MAX_APPLICATION_VALUE: usize = 64 * 1024;

/// A record that asks to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Who signed it.
    pub sender: PublicKey,
    /// Its transaction's id.
    pub id: TransactionId,
    /// Height and place of the block it would be in.
    pub place: MinedAt,
    /// The timestamp of that block.
    pub timestamp: Timestamp,
    /// Its bytes.
    pub body: &'a RecordBody,
}

/// Why a record is not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationError {
    /// The application says no, in words for the sender.
    Refused(String),
    /// Our own failure.
    Internal(Internal),
}

impl From<Internal> for ApplicationError {
    fn from(error: Internal) -> Self {
        Self::Internal(error)
    }
}

/// Judges the records of one topic. It must be a pure function of the state rows it reads and of
/// the record: every node runs it for itself, in the order of the chain, and must come to the same
/// end.
pub trait Application: Send + Sync {
    /// The topic whose records it judges.
    fn topic(&self) -> &Topic;

    /// Applies a record to the application's rows, or refuses it; refused changes are dropped.
    fn judge(
        &self,
        state: &mut ApplicationState<'_, '_>,
        record: &Record<'_>,
    ) -> Result<(), ApplicationError>;
}

/// The rows of one application: it can neither see nor change any other.
pub struct ApplicationState<'d, 'v> {
    topic: Topic,
    draft: &'d mut Draft<'v>,
}

impl<'d, 'v> ApplicationState<'d, 'v> {
    /// The rows under `topic` in `draft`.
    pub fn new(topic: Topic, draft: &'d mut Draft<'v>) -> Self {
        Self { topic, draft }
    }

    fn row(&self, key: &[u8]) -> RowKey {
        RowKey::State(StateKey::Application {
            topic: self.topic.clone(),
            key: key.to_vec(),
        })
    }

    /// A row's value.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ApplicationError> {
        Ok(self.draft.read(&self.row(key))?)
    }

    /// Sets a row; refused where key or value are too long.
    pub fn put(&mut self, key: &[u8], value: Vec<u8>) -> Result<(), ApplicationError> {
        if key.len() > MAX_APPLICATION_KEY || value.len() > MAX_APPLICATION_VALUE {
            return Err(ApplicationError::Refused(format!(
                "a row may have {MAX_APPLICATION_KEY} bytes of key and {MAX_APPLICATION_VALUE} of value"
            )));
        }
        let row = self.row(key);
        self.draft.put_bytes(row, value);
        Ok(())
    }

    /// Removes a row.
    pub fn remove(&mut self, key: &[u8]) {
        let row = self.row(key);
        self.draft.remove(row);
    }
}
