//! Records: the sealed pieces that everything after the handshake travels in.
//!
//! ```text
//! length  u16, little-endian: how many bytes follow
//! sealed  length bytes: kind (1 byte) and data, encrypted, and 16 bytes that authenticate them
//! ```
//!
//! The number of a record is its nonce, counted from 0 in each direction, so that none can be left
//! out, repeated or moved. The length is authenticated by being what was sealed.

use super::handshake::ChannelError;
use super::noise::{ChaChaPoly, TAG_LEN};
use crate::canonical::coded;
use crate::wire::limits::{HANDSHAKE_RECORD_CAP, RECORD_CAP};

/// Bytes of the length field.
const LENGTH_LEN: usize = 2;
/// Bytes of the kind.
const KIND_LEN: usize = 1;
/// Least length of a record: one that has a kind and nothing else.
const LEAST: usize = KIND_LEN + TAG_LEN;
/// Most data in one record.
pub const RECORD_DATA: usize = RECORD_CAP - LEAST;
/// Bytes that a record has beside its data.
pub const RECORD_OVERHEAD: usize = LENGTH_LEN + LEAST;
/// Records under one key: at most 1 GiB. After so many both ends take the next key by themselves.
pub const REKEY_RECORDS: u32 = 16_384;

coded! {
    /// What a record carries.
    pub enum RecordKind, "no kind of record" {
        /// Who the sender is, with its proofs. The first record of each direction and no other.
        1 Introduction,
        /// The next bytes of the stream of frames, at least one.
        2 Frames,
        /// Without data: the sender's next record is sealed with its next key.
        3 Rekey,
    }
}

/// One direction's key and where it stands.
struct Half {
    cipher: ChaChaPoly,
    /// Number of the next record.
    number: u64,
    /// Records since the last change of the key.
    since: u32,
}

impl Half {
    fn new(cipher: ChaChaPoly) -> Self {
        Self {
            cipher,
            number: 0,
            since: 0,
        }
    }

    /// Moves on to the next record, with the next key if it is time for it.
    fn step(&mut self, rekeys: bool) -> Result<(), ChannelError> {
        self.number = self.number.checked_add(1).ok_or(ChannelError::UsedUp)?;
        self.since += 1;
        if rekeys || self.since == REKEY_RECORDS {
            self.cipher.rekey();
            self.since = 0;
        }
        Ok(())
    }
}

/// Seals what we send. Its keys are wiped when it is dropped.
pub struct Sealer {
    half: Half,
}

impl Sealer {
    pub(super) fn new(cipher: ChaChaPoly) -> Self {
        Self {
            half: Half::new(cipher),
        }
    }

    /// Appends a record of this kind to `out`.
    ///
    /// # Errors
    /// [`ChannelError::RecordLength`] for more than [`RECORD_DATA`] bytes; `out` is then unchanged.
    /// [`ChannelError::UsedUp`] after 2^64 - 1 records.
    pub fn seal(
        &mut self,
        kind: RecordKind,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ChannelError> {
        let length = LEAST + data.len();
        let too_long = ChannelError::RecordLength {
            length,
            least: LEAST,
            most: RECORD_CAP,
        };
        let field = u16::try_from(length).map_err(|_| too_long)?;
        if self.half.number == u64::MAX {
            // The last number is the one by which keys are changed.
            return Err(ChannelError::UsedUp);
        }
        out.reserve(LENGTH_LEN + length);
        out.extend_from_slice(&field.to_le_bytes());
        let start = out.len();
        out.push(kind.into());
        out.extend_from_slice(data);
        let tag = self
            .half
            .cipher
            .seal(self.half.number, &[], &mut out[start..]);
        out.extend_from_slice(&tag);
        self.half.step(kind == RecordKind::Rekey)
    }

    /// How many records were sealed.
    pub fn sealed(&self) -> u64 {
        self.half.number
    }
}

/// A record, opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it carries.
    pub kind: RecordKind,
    /// Its data.
    pub data: &'a [u8],
}

/// Cuts what the other sends into records and opens them. Its keys are wiped when it is dropped.
///
/// It holds at most the one record that is incomplete, and only what has arrived of it. Until the
/// first one, the other's introduction, was opened, none may have more than
/// [`HANDSHAKE_RECORD_CAP`] bytes.
pub struct Opener {
    half: Half,
    /// Greatest length field of a record after the first.
    most: usize,
    /// The first record may hold a goodbye in the place of an introduction.
    may_be_refused: bool,
    length: [u8; LENGTH_LEN],
    /// How much of `length` has arrived.
    length_held: usize,
    /// What has arrived of the record, or the whole of the last one.
    sealed: Vec<u8>,
    /// `sealed` is of a record that was handed over.
    done: bool,
}

impl Opener {
    /// `may_be_refused` at the end that dialled: the other one may say no in the place of introducing itself.
    pub(super) fn new(cipher: ChaChaPoly, may_be_refused: bool) -> Self {
        Self {
            half: Half::new(cipher),
            most: RECORD_CAP,
            may_be_refused,
            length: [0; LENGTH_LEN],
            length_held: 0,
            sealed: Vec::new(),
            done: false,
        }
    }

    /// Takes bytes off the front of `input` until a record is complete, and returns what is in it.
    /// `None` means that `input` was used up first. A change of the key is carried out and returned,
    /// too: it has no data.
    ///
    /// # Errors
    /// By variant of [`ChannelError`]: close the connection.
    pub fn next<'a>(&'a mut self, input: &mut &[u8]) -> Result<Option<Record<'a>>, ChannelError> {
        if self.done {
            self.done = false;
            self.length_held = 0;
            self.sealed.clear();
            // A long record leaves no long buffer behind.
            self.sealed.shrink_to(HANDSHAKE_RECORD_CAP);
        }
        let length = take(input, LENGTH_LEN - self.length_held);
        self.length[self.length_held..][..length.len()].copy_from_slice(length);
        self.length_held += length.len();
        if self.length_held < LENGTH_LEN {
            return Ok(None);
        }
        let length = self.announced()?;
        let arrived = take(input, length - self.sealed.len());
        self.reserve(arrived.len(), length);
        self.sealed.extend_from_slice(arrived);
        if self.sealed.len() < length {
            return Ok(None);
        }
        self.done = true;
        self.open().map(Some)
    }

    /// Records after the first may have so many bytes from now on.
    pub fn set_most(&mut self, most: usize) {
        self.most = most;
    }

    /// Bytes of the incomplete record that are held.
    pub fn held(&self) -> usize {
        if self.done {
            0
        } else {
            self.length_held + self.sealed.len()
        }
    }

    /// The length field, if it is within bounds.
    fn announced(&self) -> Result<usize, ChannelError> {
        let length = usize::from(u16::from_le_bytes(self.length));
        let most = match self.half.number {
            0 => HANDSHAKE_RECORD_CAP,
            _ => self.most,
        };
        if (LEAST..=most).contains(&length) {
            Ok(length)
        } else {
            Err(ChannelError::RecordLength {
                length,
                least: LEAST,
                most,
            })
        }
    }

    /// Room grows with what has arrived, not with what was announced, and never beyond it.
    fn reserve(&mut self, more: usize, length: usize) {
        let needed = self.sealed.len() + more;
        if needed > self.sealed.capacity() {
            let room = (2 * self.sealed.capacity()).clamp(needed, length.max(needed));
            self.sealed.reserve_exact(room - self.sealed.len());
        }
    }

    fn open(&mut self) -> Result<Record<'_>, ChannelError> {
        let Half { cipher, number, .. } = &self.half;
        let first = *number == 0;
        let opened = cipher.open(*number, &[], &mut self.sealed);
        let opened = opened.ok_or(ChannelError::Forged)?.len();
        let (code, data) = match self.sealed[..opened].split_first() {
            Some((code, data)) => (*code, data),
            None => return Err(ChannelError::RecordKind(0)),
        };
        let kind = RecordKind::try_from(code).ok().filter(|kind| match kind {
            RecordKind::Introduction => first,
            RecordKind::Frames => (!first || self.may_be_refused) && !data.is_empty(),
            RecordKind::Rekey => !first && data.is_empty(),
        });
        let kind = kind.ok_or(ChannelError::RecordKind(code))?;
        self.half.step(kind == RecordKind::Rekey)?;
        Ok(Record { kind, data })
    }
}

/// Takes up to `most` bytes off the front of `input`.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    /// Seals the next record by itself.
    fn seal(sealer: &mut Sealer, kind: RecordKind) -> Vec<u8> {
        let mut out = Vec::new();
        sealer.seal(kind, b"", &mut out).unwrap();
        out[LENGTH_LEN..].to_vec()
    }

    /// The key after so many changes.
    fn key_after(changes: usize) -> ChaChaPoly {
        let mut cipher = ChaChaPoly::new(&KEY);
        (0..changes).for_each(|_| cipher.rekey());
        cipher
    }

    /// Both ends do it alike, so neither notices where the other is wrong.
    #[test]
    fn the_key_changes_after_exactly_so_many_records_and_the_count_begins_anew() {
        let most = u64::from(REKEY_RECORDS);
        // A change that was asked for, by record 9, is the first; then they come by themselves.
        let changes = [10, 10 + most, 10 + 2 * most];
        let mut sealer = Sealer::new(ChaChaPoly::new(&KEY));
        for number in 0..changes[2] + 1 {
            let kind = match number {
                9 => RecordKind::Rekey,
                _ => RecordKind::Frames,
            };
            let sealed = seal(&mut sealer, kind);
            let before = changes.iter().filter(|at| **at <= number).count();
            if changes.iter().any(|at| [*at, *at - 1].contains(&number)) {
                for tried in 0..4 {
                    let opens = key_after(tried)
                        .open(number, &[], &mut sealed.clone())
                        .is_some();
                    assert_eq!(opens, tried == before, "record {number}, {tried} changes");
                }
            }
        }
    }

    #[test]
    fn the_last_number_seals_nothing() {
        let mut sealer = Sealer::new(ChaChaPoly::new(&KEY));
        sealer.half.number = u64::MAX - 1;
        seal(&mut sealer, RecordKind::Frames);
        let mut out = vec![1];
        let refused = sealer.seal(RecordKind::Frames, b"x", &mut out);
        assert_eq!((refused, out), (Err(ChannelError::UsedUp), vec![1]));
    }
}
