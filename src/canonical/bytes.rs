//! Fixed-length byte strings with a meaning: ids, keys, roots.

/// Why a text is not the hexadecimal form of a fixed-length byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// Not twice as many digits as there are bytes.
    #[error("expected {expected} hexadecimal digits, found {found} characters")]
    Length {
        /// Digits that the type has.
        expected: usize,
        /// Characters that were given.
        found: usize,
    },
    /// A character that is not one of `0-9a-f`.
    #[error("only the digits 0-9 and a-f may stand in a hexadecimal text")]
    Digit,
}

/// Lower-case hexadecimal, first byte first.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
    text
}

/// Reads exactly `2 * N` lower-case hexadecimal digits.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    if text.len() != 2 * N {
        return Err(HexError::Length {
            expected: 2 * N,
            found: text.chars().count(),
        });
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = byte_from(pair[0], pair[1])?;
    }
    Ok(bytes)
}

/// Reads any even number of lower-case hexadecimal digits.
pub(crate) fn bytes_from_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => byte_from(high, low),
            _ => Err(HexError::Length {
                expected: text.len() + 1,
                found: text.len(),
            }),
        })
        .collect()
}

fn byte_from(high: u8, low: u8) -> Result<u8, HexError> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        _ => Err(HexError::Digit),
    };
    Ok(digit(high)? << 4 | digit(low)?)
}

/// Defines a newtype over `[u8; N]`: a `bin` in MessagePack, hexadecimal in JSON and in texts.
macro_rules! byte_newtype {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The bytes, in the order in which they are sent.
            pub fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::canonical::to_hex(&self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), &$crate::canonical::to_hex(&self.0[..4]))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::canonical::HexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::canonical::from_hex(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = <std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    serde_bytes::ByteArray::<$len>::deserialize(deserializer)
                        .map(|bytes| Self(bytes.into_array()))
                }
            }
        }
    };
}
pub(crate) use byte_newtype;
