//! Canonical bytes: the one MessagePack form of every value that is hashed, signed, sent or stored.
//!
//! Two nodes must agree on a value to the byte, so each value has exactly one encoding: structs are
//! arrays, integers take their shortest form, byte strings are `bin`, nothing follows the value. The
//! decoder proves it by encoding again and comparing (PROTOCOL.md, "Canonical bytes").

mod bytes;
mod capped;
mod coded;
#[cfg(test)]
mod tests;

pub use bytes::HexError;
pub(crate) use bytes::{byte_newtype, bytes_from_hex, from_hex, to_hex};
pub use capped::{CappedBytes, CappedText, capped_list};
pub(crate) use coded::coded;

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;

/// How deeply arrays may nest. The deepest of our values (a list of members inside a message) needs
/// six; a decoder without a bound could be driven to overflow its stack.
pub const MAX_DEPTH: usize = 16;

/// Why bytes are not the canonical form of the value that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not a MessagePack encoding of the expected type, or a list or text above its cap.
    #[error("the bytes do not decode: {0}")]
    Undecodable(String),
    /// Decodes, but is not the shortest, exact encoding: trailing bytes, wide integers, a map for
    /// an array, and the like.
    #[error("the bytes decode but are not in canonical form")]
    NotCanonical,
}

/// Encodes `value` in its canonical form.
///
/// # Panics
/// Only if the type's `Serialize` itself fails, which none of this crate's does.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec(value).expect("the crate's own types always encode")
}

/// As [`encode`], into a buffer with room for `size` bytes: worth it where the size is known and is
/// far from that of a common message.
///
/// # Panics
/// As [`encode`].
pub fn encode_sized<T: Serialize + ?Sized>(value: &T, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size);
    rmp_serde::encode::write(&mut bytes, value).expect("the crate's own types always encode");
    bytes
}

/// Decodes a value and refuses every form of it but the canonical one.
pub fn decode<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Malformed> {
    let mut decoder = rmp_serde::Deserializer::from_read_ref(bytes);
    decoder.set_max_depth(MAX_DEPTH);
    let value = T::deserialize(&mut decoder).map_err(|e| Malformed::Undecodable(e.to_string()))?;
    if is_encoding_of(bytes, &value) {
        Ok(value)
    } else {
        Err(Malformed::NotCanonical)
    }
}

/// Whether `bytes` is exactly what [`encode`] gives for `value`, found without building it.
fn is_encoding_of<T: Serialize>(bytes: &[u8], value: &T) -> bool {
    let mut rest = Comparison { rest: bytes };
    rmp_serde::encode::write(&mut rest, value).is_ok() && rest.rest.is_empty()
}

/// A writer that compares instead of keeping: it fails at the first byte that differs.
struct Comparison<'a> {
    rest: &'a [u8],
}

impl io::Write for Comparison<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        match self.rest.strip_prefix(written) {
            Some(rest) => {
                self.rest = rest;
                Ok(written.len())
            }
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
