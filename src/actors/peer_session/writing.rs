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
/// Bytes of a block that are held while they wait for the other end to read: of each session one such piece, where
/// whole blocks would be 3 MiB each. Fewer would have the same block read from the disk more often.
const MAX_PIECE: usize = RECORDS_A_TURN * RECORD_DATA;
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
        let mut blocks = Blocks::of(ids);
        let mut begun = Instant::now();
        while let Some(frames) = blocks.next(disk)? {
            in_time(begun, self.records(&frames)).await?;
            if blocks.written == 0 {
                begun = Instant::now();
            }
        }
        Ok(())
    }

    async fn message(&mut self, message: &Message) -> Result<(), String> {
        let frame = message.to_frame().map_err(|error| error.to_string())?;
        self.write(&frame).await
    }

    async fn write(&mut self, frames: &[u8]) -> Result<(), String> {
        in_time(Instant::now(), self.records(frames)).await
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

/// Blocks that are asked for, as they are written: of a large one a piece at a time, of small ones as many together as
/// fill a record.
struct Blocks {
    ids: VecDeque<BlockId>,
    /// How much of the first one is written.
    written: usize,
}

impl Blocks {
    fn of(ids: VecDeque<BlockId>) -> Self {
        Self { ids, written: 0 }
    }

    /// What is to be written next; `None` behind the last of them.
    fn next(&mut self, disk: &dyn Disk) -> Result<Option<Vec<u8>>, String> {
        let mut frames = Vec::new();
        while let Some(id) = self.ids.front() {
            let (piece, is_last) = piece_of(disk, id, self.written)?;
            if !frames.is_empty() && frames.len() + piece.len() > RECORD_DATA {
                // It begins the next record.
                break;
            }
            frames.extend_from_slice(&piece);
            if !is_last {
                self.written += piece.len();
                break;
            }
            self.ids.pop_front();
            self.written = 0;
        }
        Ok((!frames.is_empty()).then_some(frames))
    }
}

/// Writes frames, or a piece of one, while there is time for them.
async fn in_time(
    begun: Instant,
    writing: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    match tokio::time::timeout_at(begun + WRITE_TIMEOUT, writing).await {
        Ok(written) => written,
        Err(_) => Err("the other end does not read".into()),
    }
}

/// A piece of the frame that answers a question for a block, behind what was written of it, and whether it is the
/// last one. The block is read anew for each: none is held while a piece of it is being written.
fn piece_of(disk: &dyn Disk, id: &BlockId, written: usize) -> Result<(Vec<u8>, bool), String> {
    let stored = ChainRows(disk).read(&RowKey::Body(*id));
    let Some(block) = stored.map_err(|error| error.to_string())? else {
        let unknown = Message::NoBlock(*id).to_frame();
        return match written {
            0 => Ok((unknown.map_err(|error| error.to_string())?, true)),
            _ => Err(format!("the body of block {id} is gone")),
        };
    };
    let head = Message::block_head(block.len()).map_err(|error| error.to_string())?;
    // The frame is the head and the block; only the piece of it is put together.
    let end = (written + MAX_PIECE).min(head.len() + block.len());
    let of_head = head.get(written..).unwrap_or_default();
    let of_block = written.saturating_sub(head.len())..end.saturating_sub(head.len());
    let of_block = block.get(of_block).unwrap_or_default();
    let piece = [of_head, of_block].concat();
    Ok((piece, end == head.len() + block.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryDisk;
    use crate::store::chain_rows::changes;

    fn with_body(disk: &MemoryDisk, id: BlockId, body: Option<Vec<u8>>) {
        let rows: Vec<_> = changes(&[(RowKey::Body(id), body)]).collect();
        disk.commit(&rows).unwrap();
    }

    #[test]
    fn attack_of_a_large_block_a_slow_reader_makes_one_piece_wait() {
        let (disk, id) = (MemoryDisk::new(), BlockId([7; 32]));
        for size in [0, 1_000, MAX_PIECE - 6, MAX_PIECE - 5, 3 * 1024 * 1024] {
            let body: Vec<u8> = (0..size).map(|at| (at / 1_000) as u8).collect();
            with_body(&disk, id, Some(body.clone()));
            let (mut frame, mut pieces) = (Vec::new(), 0);
            let mut blocks = Blocks::of([id].into());
            while let Some(piece) = blocks.next(&disk).unwrap() {
                assert!(piece.len() <= MAX_PIECE && piece.capacity() <= MAX_PIECE);
                frame.extend(piece);
                pieces += 1;
            }
            let head = Message::block_head(body.len()).unwrap();
            assert_eq!(frame, [&head[..], &body].concat());
            assert_eq!(pieces, frame.len().div_ceil(MAX_PIECE));
        }
    }

    #[test]
    fn a_block_that_is_not_here_is_said_to_be_so_and_one_that_goes_ends_the_session() {
        let (disk, id) = (MemoryDisk::new(), BlockId([7; 32]));
        let unknown = Message::NoBlock(id).to_frame().unwrap();
        assert_eq!(piece_of(&disk, &id, 0), Ok((unknown, true)));
        with_body(&disk, id, Some(vec![1; 2 * MAX_PIECE]));
        let (first, is_last) = piece_of(&disk, &id, 0).unwrap();
        assert!(!is_last);
        with_body(&disk, id, None);
        assert!(piece_of(&disk, &id, first.len()).is_err());
    }

    #[test]
    fn small_blocks_share_a_record_and_come_in_their_order() {
        let disk = MemoryDisk::new();
        let sizes = [
            600,
            700,
            RECORD_DATA - 2_000,
            900,
            10,
            MAX_PIECE + 7,
            20,
            30,
        ];
        let ids: VecDeque<_> = (1..)
            .map(|id| BlockId([id; 32]))
            .take(sizes.len())
            .collect();
        let mut all = Vec::new();
        for (id, size) in ids.iter().zip(sizes) {
            let body = vec![id.0[0]; size];
            with_body(&disk, *id, Some(body.clone()));
            all.extend(Message::block_head(size).unwrap());
            all.extend(body);
        }
        let (mut written, mut lengths) = (Vec::new(), Vec::new());
        let mut blocks = Blocks::of(ids);
        while let Some(frames) = blocks.next(&disk).unwrap() {
            lengths.push(frames.len());
            written.extend(frames);
        }
        assert_eq!(written, all);
        // The fourth does not fit with the first three, and the large one is cut by itself.
        assert_eq!(lengths.len(), 4, "{lengths:?}");
        assert_eq!(lengths[2], MAX_PIECE);
    }
}
