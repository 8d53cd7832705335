//! Frames: where one message ends and the next begins.
//!
//! A connection carries bytes, not messages: what was sent in two pieces may arrive in one, and what
//! was sent in one piece in many. Each message therefore travels as
//!
//! ```text
//! length  u32, little-endian: how many bytes follow, code and payload
//! code    u16, little-endian: which kind of message
//! payload length - 2 bytes
//! ```
//!
//! Each code has a greatest length of its own, which is checked before any of the payload is held.

use super::limits::{FRAME_CAP, OPTIONAL_CAP};
use super::version::FIRST_OPTIONAL_CODE;

/// Bytes of the length field.
const LENGTH_LEN: usize = 4;

/// Bytes of the code, the least that a length field may announce.
const CODE_LEN: usize = 2;

/// Bytes before the payload.
pub(super) const HEAD_LEN: usize = LENGTH_LEN + CODE_LEN;

/// One message as it travels: its code, and its payload not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Which kind of message this is.
    pub code: u16,
    /// The message's canonical bytes.
    pub payload: Vec<u8>,
}

/// Why bytes cannot be frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length field announces more than is allowed.
    #[error("a frame of {length} bytes, but at most {cap} are allowed")]
    TooLong {
        /// Bytes announced.
        length: usize,
        /// Bytes allowed.
        cap: usize,
    },
    /// A message that may be passed over is longer than that.
    #[error(
        "a message with code {code} of {length} bytes, but one that is passed over has {OPTIONAL_CAP} at most"
    )]
    TooLongToPassOver {
        /// Its code.
        code: u16,
        /// Its bytes.
        length: usize,
    },
    /// Nothing is sent under the code.
    #[error("no message has the code {0}")]
    UnknownCode(u16),
    /// The length field announces less than a code.
    #[error("a frame of {length} bytes, which cannot even hold its {CODE_LEN} bytes of code")]
    TooShort {
        /// Bytes announced.
        length: usize,
    },
}

/// The greatest length of a payload under a code, in bytes; `None` where nothing is sent under it.
pub type Lengths = fn(u16) -> Option<usize>;

/// Cuts a stream of bytes into frames.
///
/// It holds at most the one frame that is incomplete: what follows a frame stays with the caller
/// until it asks for the next. So a large frame leaves no large buffer behind.
///
/// Of somebody who speaks a greater minor version than we do, it passes over what we can't know, and of everybody
/// what nobody asked for, without holding any of it.
#[derive(Debug)]
pub struct FrameDecoder {
    most: Lengths,
    passes_over: bool,
    /// Frames with this code are passed over.
    unwanted: Option<u16>,
    head: [u8; HEAD_LEN],
    /// How much of `head` has arrived.
    head_len: usize,
    /// What has arrived of the payload.
    payload: Vec<u8>,
    /// How much has arrived of a payload that is passed over.
    payload_dropped: usize,
    /// What was passed over since it was asked for last.
    dropped: Dropped,
}

/// Frames that were passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// How many.
    pub frames: usize,
    /// Their bytes.
    pub bytes: usize,
}

impl FrameDecoder {
    /// A decoder at the start of a stream, whose frames may be as long as `most` says for their codes.
    pub fn new(most: Lengths) -> Self {
        Self {
            most,
            passes_over: false,
            unwanted: None,
            head: [0; HEAD_LEN],
            head_len: 0,
            payload: Vec::new(),
            payload_dropped: 0,
            dropped: Dropped::default(),
        }
    }

    /// Frames that begin from now on may be as long as this says; what comes under the code `unwanted` is
    /// passed over, and not counted as such.
    pub fn set_terms(&mut self, most: Lengths, unwanted: Option<u16>) {
        if self.head_len == 0 {
            self.most = most;
            self.unwanted = unwanted;
        }
    }

    /// The same, but if `passes_over`, frames with codes from [`FIRST_OPTIONAL_CODE`] on are passed over.
    pub fn passing_over(self, passes_over: bool) -> Self {
        Self {
            passes_over,
            ..self
        }
    }

    /// Bytes of the incomplete frame that are held. When the stream ends, anything but 0 means that
    /// its last frame was cut off.
    pub fn held(&self) -> usize {
        self.head_len + self.payload.len()
    }

    /// Takes bytes off the front of `input` until a frame is complete, and returns the frame. `None`
    /// means that `input` was used up first: come back with what arrives next.
    ///
    /// # Errors
    /// The stream cannot be understood from here on, and every further call says so again: close the
    /// connection.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, FrameError> {
        loop {
            if !self.fill_head(LENGTH_LEN, input) {
                return Ok(None);
            }
            let payload_len = self.announced()? - CODE_LEN;
            if !self.fill_head(HEAD_LEN, input) {
                return Ok(None);
            }
            let code = self.code();
            let is_optional = self.passes_over && code >= FIRST_OPTIONAL_CODE;
            let is_unwanted = self.unwanted == Some(code);
            self.check_length(code, payload_len, is_optional)?;
            let is_whole = match is_optional || is_unwanted {
                true => self.drop_payload(payload_len, input),
                false => self.fill_payload(payload_len, input),
            };
            if !is_whole {
                return Ok(None);
            }
            self.head_len = 0;
            if is_optional {
                self.dropped.frames += 1;
                self.dropped.bytes += HEAD_LEN + payload_len;
            } else if !is_unwanted {
                let payload = std::mem::take(&mut self.payload);
                return Ok(Some(Frame { code, payload }));
            }
        }
    }

    /// What was passed over since the last call.
    pub fn take_dropped(&mut self) -> Dropped {
        std::mem::take(&mut self.dropped)
    }

    /// Takes a payload off `input` that nobody will look at; whether it has come to its end.
    fn drop_payload(&mut self, length: usize, input: &mut &[u8]) -> bool {
        self.payload_dropped += take(input, length - self.payload_dropped).len();
        let is_whole = self.payload_dropped == length;
        if is_whole {
            self.payload_dropped = 0;
        }
        is_whole
    }

    /// The length field, if it is within bounds.
    fn announced(&self) -> Result<usize, FrameError> {
        let [a, b, c, d, ..] = self.head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > FRAME_CAP {
            let cap = FRAME_CAP;
            Err(FrameError::TooLong { length, cap })
        } else if length < CODE_LEN {
            Err(FrameError::TooShort { length })
        } else {
            Ok(length)
        }
    }

    /// The code; the head is whole.
    fn code(&self) -> u16 {
        u16::from_le_bytes([self.head[LENGTH_LEN], self.head[LENGTH_LEN + 1]])
    }

    /// Whether a payload of so many bytes may be sent under the code, which `is_optional` if whoever does not know
    /// it passes it over.
    fn check_length(
        &self,
        code: u16,
        payload_len: usize,
        is_optional: bool,
    ) -> Result<(), FrameError> {
        if is_optional {
            return match payload_len {
                0..=OPTIONAL_CAP => Ok(()),
                length => Err(FrameError::TooLongToPassOver { code, length }),
            };
        }
        let most = (self.most)(code).ok_or(FrameError::UnknownCode(code))?;
        if payload_len > most {
            let (length, cap) = (CODE_LEN + payload_len, CODE_LEN + most);
            return Err(FrameError::TooLong { length, cap });
        }
        Ok(())
    }

    /// Fills `head` up to `end`; whether it got there.
    fn fill_head(&mut self, end: usize, input: &mut &[u8]) -> bool {
        let missing = end.saturating_sub(self.head_len);
        let taken = take(input, missing);
        self.head[self.head_len..][..taken.len()].copy_from_slice(taken);
        self.head_len += taken.len();
        taken.len() == missing
    }

    /// Fills `payload` up to `len`; whether it got there.
    fn fill_payload(&mut self, len: usize, input: &mut &[u8]) -> bool {
        let missing = len - self.payload.len();
        let taken = take(input, missing);
        let needed = self.payload.len() + taken.len();
        if needed > self.payload.capacity() {
            // Room grows with what has arrived, not with what was announced, and never beyond it.
            let room = (2 * self.payload.capacity()).clamp(needed, len);
            self.payload.reserve_exact(room - self.payload.len());
        }
        self.payload.extend_from_slice(taken);
        taken.len() == missing
    }
}

/// Takes up to `most` bytes off the front of `input`.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    taken
}

/// Appends the frame of a message to `out`.
///
/// # Errors
/// [`FrameError::TooLong`] if no decoder would take it ([`FRAME_CAP`]); `out` is then unchanged.
pub fn encode_frame(code: u16, payload: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let head = frame_head(code, payload.len())?;
    out.reserve(head.len() + payload.len());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
    Ok(())
}

/// What comes before the payload of a message: length and code.
///
/// # Errors
/// [`FrameError::TooLong`], as for [`encode_frame`].
pub(super) fn frame_head(code: u16, payload: usize) -> Result<[u8; HEAD_LEN], FrameError> {
    let length = CODE_LEN + payload;
    let too_long = FrameError::TooLong {
        length,
        cap: FRAME_CAP,
    };
    let field = u32::try_from(length).map_err(|_| too_long)?;
    if length > FRAME_CAP {
        return Err(too_long);
    }
    let mut head = [0; HEAD_LEN];
    let (of_length, of_code) = head.split_at_mut(LENGTH_LEN);
    of_length.copy_from_slice(&field.to_le_bytes());
    of_code.copy_from_slice(&code.to_le_bytes());
    Ok(head)
}

#[cfg(test)]
mod tests;
