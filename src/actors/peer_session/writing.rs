//! What is written to the other end, sealed.

use crate::chain::locator::{MAX_LOCATOR, headers_after, locator};
use crate::chain::rows::RowKey;
use crate::chain::{BlockId, StateView};
use crate::membership::SignedStatement;
use crate::shell::{Queued, Waiting};
use crate::store::Disk;
use crate::store::chain_rows::ChainRows;
use crate::wire::Message;
use crate::wire::channel::{RECORD_DATA, RECORD_OVERHEAD, RecordKind, Sealer};
use crate::wire::limits::TO_TRACKER_CAP;
use crate::wire::message::Goodbye;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// How long the other end may take to accept one write of at most a frame.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a key may be in use before the next write changes it. Somebody who gets hold of a key can't
/// read what was written before its beginning; a session that is up says something every 15 s or so.
const REKEY_AFTER: Duration = Duration::from_secs(600);
/// Records sealed in one go, 0.5 MiB: less than a millisecond. Then others on this thread have their turn.
const RECORDS_A_TURN: usize = 8;
/// Bytes that stay reserved between writes.
const KEPT_BYTES: usize = 1024;

/// The line to the other end.
pub(super) struct SealedWriter {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    sealer: Sealer,
    sealed: Vec<u8>,
    /// Most data in a record.
    record_data: usize,
    /// Since when the key is in use.
    since: Instant,
}

impl SealedWriter {
    pub(super) fn new(writer: Box<dyn AsyncWrite + Send + Unpin>, sealer: Sealer) -> Self {
        Self {
            writer,
            sealer,
            sealed: Vec::new(),
            record_data: RECORD_DATA,
            since: Instant::now(),
        }
    }

    /// The other end is a tracker, which takes no long records.
    pub(super) fn cut_for_tracker(&mut self) {
        self.record_data = TO_TRACKER_CAP - RECORD_OVERHEAD;
    }

    /// Writes our introduction, behind what there is of the handshake.
    pub(super) async fn introduce(
        &mut self,
        handshake: Vec<u8>,
        introduction: &[u8],
    ) -> Result<(), String> {
        self.sealed = handshake;
        self.seal(RecordKind::Introduction, introduction)?;
        let written = self.writer.write_all(&self.sealed).await;
        self.sealed.clear();
        written.map_err(|error| error.to_string())
    }

    /// Writes what waits until the end; returns why it came.
    pub(super) async fn write_all(&mut self, waiting: &mut Waiting, disk: Arc<dyn Disk>) -> String {
        while let Some(queued) = waiting.recv().await {
            let result = match queued {
                Queued::Frame(frame) => {
                    // What others on this thread are about to say goes with it.
                    tokio::task::yield_now().await;
                    let frames = waiting.gather(&frame);
                    self.write(&frames).await
                }
                Queued::Transactions(list) => self.message(&Message::Transactions(list)).await,
                Queued::Blocks(ids) => self.blocks(&*disk, ids).await,
                Queued::Headers(locator) => match headers_after(&ChainRows(&*disk), &locator) {
                    Ok(headers) => self.message(&Message::Headers(headers)).await,
                    Err(error) => Err(error.to_string()),
                },
                Queued::AskHeaders(after) => match locator(&ChainRows(&*disk)) {
                    Ok(ours) => {
                        let ids = after.into_iter().chain(ours).take(MAX_LOCATOR);
                        self.message(&Message::GetHeaders(ids.collect())).await
                    }
                    Err(error) => Err(error.to_string()),
                },
                Queued::Goodbye(reason) => {
                    self.goodbye(&reason).await;
                    return reason;
                }
            };
            if let Err(reason) = result {
                return reason;
            }
        }
        "this node closed the connection".into()
    }

    /// Shows whoever is put out by which statement it is, says why and closes.
    pub(super) async fn turn_away(&mut self, out: Option<Box<SignedStatement>>, reason: &str) {
        if let Some(signed) = out {
            let statements = Message::Statements(vec![*signed]);
            // It is closed all the same.
            let _ = self.message(&statements).await;
        }
        self.goodbye(reason).await;
    }

    /// Says why and closes.
    pub(super) async fn goodbye(&mut self, reason: &str) {
        // It is closed all the same.
        let _ = self.message(&Message::Goodbye(Goodbye::new(reason))).await;
        let _ = self.writer.shutdown().await;
    }

    async fn blocks(&mut self, disk: &dyn Disk, ids: VecDeque<BlockId>) -> Result<(), String> {
        for id in ids {
            let stored = ChainRows(disk).read(&RowKey::Body(id));
            let frame = match stored.map_err(|error| error.to_string())? {
                Some(block) => Message::block_frame(&block),
                None => Message::NoBlock(id).to_frame(),
            };
            self.write(&frame.map_err(|error| error.to_string())?)
                .await?;
        }
        Ok(())
    }

    async fn message(&mut self, message: &Message) -> Result<(), String> {
        let frame = message.to_frame().map_err(|error| error.to_string())?;
        self.write(&frame).await
    }

    async fn write(&mut self, frames: &[u8]) -> Result<(), String> {
        match tokio::time::timeout(WRITE_TIMEOUT, self.records(frames)).await {
            Ok(written) => written,
            Err(_) => Err("the other end does not read".into()),
        }
    }

    /// Each record is written before the next is sealed: no frame is ever held twice.
    async fn records(&mut self, frames: &[u8]) -> Result<(), String> {
        if self.since.elapsed() >= REKEY_AFTER {
            self.since = Instant::now();
            self.seal(RecordKind::Rekey, &[])?;
        }
        for (number, data) in (1..).zip(frames.chunks(self.record_data)) {
            self.seal(RecordKind::Frames, data)?;
            let written = self.writer.write_all(&self.sealed).await;
            written.map_err(|error| error.to_string())?;
            self.sealed.clear();
            if number % RECORDS_A_TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        self.sealed.shrink_to(KEPT_BYTES);
        Ok(())
    }

    fn seal(&mut self, kind: RecordKind, data: &[u8]) -> Result<(), String> {
        let sealed = self.sealer.seal(kind, data, &mut self.sealed);
        sealed.map_err(|error| error.to_string())
    }
}
