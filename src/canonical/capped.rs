//! Lists, texts and byte strings that know their cap, so that no sender chooses how much we allocate.

use super::{bytes_from_hex, to_hex};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// For `#[serde(deserialize_with = "capped_list::<MAX, _, _>")]`: a list of at most `MAX` items; a
/// longer one is refused by its declared length, before anything is allocated.
pub fn capped_list<'de, const MAX: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    /// Items room is made for before the first has been read: a declared length costs its sender
    /// nothing, so it must not cost us much either.
    const TRUSTED: usize = 256;

    struct List<const MAX: usize, T>(PhantomData<T>);

    impl<'de, const MAX: usize, T: Deserialize<'de>> Visitor<'de> for List<MAX, T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} items")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let declared = items.size_hint().unwrap_or(0);
            if declared > MAX {
                return Err(de::Error::invalid_length(declared, &self));
            }
            let mut list = Vec::with_capacity(declared.min(TRUSTED));
            while let Some(item) = items.next_element()? {
                if list.len() == MAX {
                    return Err(de::Error::invalid_length(MAX + 1, &self));
                }
                list.push(item);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(List::<MAX, T>(PhantomData))
}

/// The value is longer than its type allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{found} bytes, but at most {max} are allowed")]
pub struct TooLong {
    /// Length that was given, in bytes.
    pub found: usize,
    /// Greatest length allowed, in bytes.
    pub max: usize,
}

/// A byte string of at most `MAX` bytes: `bin` in MessagePack, hexadecimal in JSON.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CappedBytes<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> CappedBytes<MAX> {
    /// Takes the bytes if they are not too many.
    pub fn new(bytes: Vec<u8>) -> Result<Self, TooLong> {
        check_length(bytes.len(), MAX).map(|()| Self(bytes))
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const MAX: usize> fmt::Debug for CappedBytes<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl<const MAX: usize> Serialize for CappedBytes<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&to_hex(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for CappedBytes<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = if deserializer.is_human_readable() {
            let text = Cow::<'de, str>::deserialize(deserializer)?;
            check_length(text.len().div_ceil(2), MAX).map_err(de::Error::custom)?;
            bytes_from_hex(&text).map_err(de::Error::custom)?
        } else {
            serde_bytes::ByteBuf::deserialize(deserializer)?.into_vec()
        };
        Self::new(bytes).map_err(de::Error::custom)
    }
}

/// A UTF-8 text of at most `MAX` bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CappedText<const MAX: usize>(String);

impl<const MAX: usize> CappedText<MAX> {
    /// Takes the text if it is not too long.
    pub fn new(text: impl Into<String>) -> Result<Self, TooLong> {
        let text = text.into();
        check_length(text.len(), MAX).map(|()| Self(text))
    }

    /// As much of the text, from its start, as fits.
    pub fn cut(text: &str) -> Self {
        let mut end = text.len().min(MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(text[..end].to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const MAX: usize> fmt::Display for CappedText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for CappedText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MAX: usize> Serialize for CappedText<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for CappedText<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(text).map_err(de::Error::custom)
    }
}

fn check_length(found: usize, max: usize) -> Result<(), TooLong> {
    if found > max {
        Err(TooLong { found, max })
    } else {
        Ok(())
    }
}
