//! What waits to be written to the other end of a session.

use crate::chain::{BlockId, EncodedTransaction};
use crate::messages::session::SessionCommand;
use crate::wire::Message;
use crate::wire::channel::RECORD_DATA;
use crate::wire::limits::FRAME_CAP;
use crate::wire::stage::{Said, Stage};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// Messages that may wait to be written.
pub const MAX_QUEUED: usize = 512;
/// Bytes of messages that may wait to be written: two frames; who reads more slowly is dropped.
const MAX_QUEUED_BYTES: usize = 2 * FRAME_CAP;
/// Bytes of messages that wait together and share records: few enough to be sealed at once.
const SHARED_BYTES: usize = RECORD_DATA;

/// What waits to be written.
#[derive(Debug, PartialEq, Eq)]
pub enum Queued {
    /// A message.
    Frame(Arc<[u8]>),
    /// Open transactions, of which each is held once whoever is to be sent it: encoded when the line is free for
    /// them.
    Transactions(Vec<EncodedTransaction>),
    /// Blocks, read when the line is free for them.
    Blocks(VecDeque<BlockId>),
    /// Headers after a locator, likewise.
    Headers(Vec<BlockId>),
    /// A question for headers after this one, or after ours.
    AskHeaders(Option<BlockId>),
    /// The last thing that is written.
    Goodbye(String),
}

impl Queued {
    /// What counts of it against what may wait.
    fn bytes(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Transactions(list) => list.iter().map(EncodedTransaction::size).sum(),
            Self::Blocks(_) | Self::Headers(_) | Self::AskHeaders(_) | Self::Goodbye(_) => 0,
        }
    }
}

/// Takes what is to be written.
#[derive(Clone)]
pub struct Outgoing {
    queue: mpsc::Sender<Queued>,
    bytes: Arc<AtomicUsize>,
    /// What the other end may send, which depends on what was said.
    said: Arc<Mutex<Said>>,
}

impl Outgoing {
    /// A queue, and its other end.
    pub fn new() -> (Self, Waiting) {
        let (queue, waiting) = mpsc::channel(MAX_QUEUED);
        let bytes = Arc::new(AtomicUsize::new(0));
        let outgoing = Self {
            queue,
            bytes: bytes.clone(),
            said: Arc::new(Mutex::new(Said::nothing(Stage::Open))),
        };
        let next = None;
        let waiting = Waiting {
            waiting,
            bytes,
            next,
        };
        (outgoing, waiting)
    }

    /// What was said in the session so far.
    pub fn said(&self) -> Said {
        *self.lock()
    }

    /// It is known who is at the other end.
    pub(super) fn begin(&self, first: Stage) {
        *self.lock() = Said::nothing(first);
    }

    /// The other end has said this.
    pub(super) fn note_heard(&self, message: &Message) {
        self.lock().note_heard(message);
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        // Nothing panics while it holds the lock, and if it did, what is there is whole.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was queued; if not, the other end reads too slowly.
    pub fn push(&self, queued: Queued) -> bool {
        let bytes = queued.bytes();
        if bytes > 0 {
            let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
            if before > MAX_QUEUED_BYTES {
                return false;
            }
        }
        self.queue.try_send(queued).is_ok()
    }

    /// Queues what the owner of the session orders. Whether the session goes on.
    pub fn command(&self, command: SessionCommand) -> bool {
        self.push(match command {
            SessionCommand::Send(Message::Transactions(list)) => Queued::Transactions(list),
            SessionCommand::Send(message) => match message.to_frame() {
                Ok(frame) => {
                    self.lock().note_said(&message);
                    Queued::Frame(frame.into())
                }
                Err(error) => {
                    tracing::error!(%error, message = message.name(), "message not sent");
                    return true;
                }
            },
            SessionCommand::SendFrame(frame) => Queued::Frame(frame),
            SessionCommand::SendBlocks(ids) => Queued::Blocks(ids.into()),
            SessionCommand::SendHeaders(locator) => Queued::Headers(locator),
            SessionCommand::AskHeaders(after) => Queued::AskHeaders(after),
            SessionCommand::Close(reason) => Queued::Goodbye(reason),
        })
    }
}

/// The end of the queue that writes.
pub struct Waiting {
    waiting: mpsc::Receiver<Queued>,
    bytes: Arc<AtomicUsize>,
    /// What was taken to share a record, and can't.
    next: Option<Queued>,
}

impl Waiting {
    /// The next to be written; `None` when nothing will be any more.
    pub async fn recv(&mut self) -> Option<Queued> {
        let next = match self.next.take() {
            None => self.waiting.recv().await,
            next => next,
        };
        let bytes = next.as_ref().map_or(0, Queued::bytes);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        next
    }

    /// The message with those that wait right behind it, as far as they go with it.
    pub fn gather<'a>(&mut self, frame: &'a [u8]) -> Cow<'a, [u8]> {
        let mut frames = Cow::Borrowed(frame);
        while frames.len() < SHARED_BYTES {
            match self.waiting.try_recv() {
                Ok(Queued::Frame(more)) if frames.len() + more.len() <= SHARED_BYTES => {
                    self.bytes.fetch_sub(more.len(), Ordering::Relaxed);
                    frames.to_mut().extend_from_slice(&more);
                }
                Ok(other) => {
                    self.next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        frames
    }
}
