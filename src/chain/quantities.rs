//! Numbers with a meaning.

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A block's distance from genesis, which has height 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Height(pub u64);

impl Height {
    /// Genesis.
    pub const GENESIS: Self = Self(0);

    /// The height of a child; stays where it is at the end of the numbers, which no chain reaches.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The height of the parent; `None` for genesis.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

/// Coins. Arithmetic is checked: what does not fit is refused, never wrapped.
///
/// In JSON it is decimal text, since programs that read numbers of more than 53 bits as floats would change
/// it; in canonical bytes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Amount(pub u64);

impl Amount {
    /// No coins.
    pub const ZERO: Self = Self(0);

    /// The sum, or `None` if it does not fit.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` if `other` is more.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            decimal::deserialize(deserializer).map(Self)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

/// Numbers of 64 bits as decimal text, in JSON: see [`Amount`].
pub mod decimal {
    use super::{Deserializer, Serializer, Unexpected, Visitor, de, fmt};

    /// Writes the digits.
    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    /// Reads digits, in the one way to write a number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(DecimalVisitor)
    }

    struct DecimalVisitor;

    impl Visitor<'_> for DecimalVisitor {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number as text, such as \"5\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
            let unusual = text.len() > 1 && text.starts_with('0');
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse() {
                Ok(number) if digits && !unusual => Ok(number),
                _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
            }
        }
    }
}

/// Milliseconds since the start of 1970, UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Milliseconds from `earlier` to `self`; 0 if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant and `ms` milliseconds.
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

macro_rules! display_as_number {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}
display_as_number!(Height Amount Timestamp);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical;

    #[test]
    fn an_amount_is_text_in_json_and_a_number_in_canonical_bytes() {
        let most = Amount(u64::MAX);
        let json = serde_json::to_string(&most).unwrap();
        assert_eq!(json, "\"18446744073709551615\"");
        assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), most);
        assert_eq!(canonical::encode(&Amount(5)), [5]);
        assert_eq!(canonical::decode::<Amount>(&[5]), Ok(Amount(5)));
        for wrong in [
            "5",
            "5.0",
            "\"\"",
            "\"05\"",
            "\"+5\"",
            "\"-5\"",
            "\"5 \"",
            "\"18446744073709551616\"",
        ] {
            let refused = serde_json::from_str::<Amount>(wrong).unwrap_err();
            assert!(
                refused.to_string().contains("as text"),
                "{wrong}: {refused}"
            );
        }
    }
}
