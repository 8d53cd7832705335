//! Targets and work: what a block id must not exceed, and how many hashes that costs.
//!
//! A block id, read as a big-endian number, must be at most its header's target. A larger target
//! is easier. Three shapes of that idea live here:
//!
//! * [`CompactTarget`]: 32 bits, as a header carries it;
//! * [`Target`]: the full 256-bit number;
//! * [`Work`]: the hashes a target costs on average, summed over a branch by the fork choice.

use std::fmt;
use std::num::NonZeroU64;

use primitive_types::U256;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Bits of the mantissa of a [`CompactTarget`]: what 32 bits leave beside an exponent of 8.
const MANTISSA_BITS: u32 = 24;
/// The low 24 bits of a [`CompactTarget`].
const MANTISSA_MASK: u32 = (1 << MANTISSA_BITS) - 1;
/// The mantissa's top bit, set in every target that does not fit 24 bits.
const MANTISSA_TOP_BIT: u32 = 1 << (MANTISSA_BITS - 1);
/// The largest exponent: a 24-bit mantissa shifted further would leave 256 bits.
const MAX_EXPONENT: u32 = 256 - MANTISSA_BITS;

/// Why 32 bits of a header are not a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CompactTargetError {
    /// The mantissa is zero: no block id could meet the target.
    #[error("compact target {0:#010x} is zero: no block could meet it")]
    Zero(u32),
    /// The same number has another, shorter form: the mantissa's top bit is clear although the
    /// exponent is not zero.
    #[error(
        "compact target {0:#010x} is not canonical: with an exponent above zero the mantissa's top bit must be set"
    )]
    NotCanonical(u32),
    /// The exponent shifts the mantissa beyond 256 bits.
    #[error("compact target {0:#010x} overflows 256 bits: its exponent may be at most 232")]
    Overflow(u32),
}

/// A target as a header carries it, bytes `[100..104)`, little-endian.
///
/// The top 8 bits are an exponent in bits, the low 24 a mantissa without sign:
/// `target = mantissa << exponent`. Every representable target has exactly one form: a target
/// below 2^24 has exponent 0, any other a mantissa whose top bit is set. So a target keeps 24
/// significant bits at every size, and canonical forms order as their targets do.
///
/// The type holds any 32 bits, since they come from outside; [`CompactTarget::expand`] judges them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CompactTarget(u32);

impl CompactTarget {
    /// Takes the 32 bits as they stand in a header, unjudged.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The 32 bits as they stand in a header.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The full target.
    ///
    /// # Errors
    /// [`CompactTargetError`] if the bits are zero, not the canonical form, or beyond 256 bits.
    pub fn expand(self) -> Result<Target, CompactTargetError> {
        let exponent = self.0 >> MANTISSA_BITS;
        let mantissa = self.0 & MANTISSA_MASK;
        if mantissa == 0 {
            return Err(CompactTargetError::Zero(self.0));
        }
        if exponent > MAX_EXPONENT {
            return Err(CompactTargetError::Overflow(self.0));
        }
        if exponent > 0 && mantissa & MANTISSA_TOP_BIT == 0 {
            return Err(CompactTargetError::NotCanonical(self.0));
        }
        Ok(Target(U256::from(mantissa) << exponent))
    }
}

impl fmt::Display for CompactTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// A target of zero, which no block could meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a target must be at least 1: no block could meet zero")]
pub struct ZeroTarget;

/// The largest number a block id may be: 1 to 2^256 − 1. Greater is easier.
///
/// Serialized as 32 big-endian bytes, or as 64 lowercase hexadecimal digits in a format for people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(U256);

impl Target {
    /// The easiest target: every id meets it.
    pub const MAX: Self = Self(U256::MAX);
    /// The hardest target.
    pub const MIN: Self = Self(U256::one());

    /// The target that costs `hashes` hashes on average: the easiest one whose [`Work`] is at least
    /// that many.
    pub fn from_expected_hashes(hashes: NonZeroU64) -> Self {
        // floor(2^256 / hashes) - 1. The numerator does not fit 256 bits, 2^256 - 1 does; the two
        // quotients differ, by one, exactly for powers of two.
        let quotient = U256::MAX / U256::from(hashes.get());
        if hashes.is_power_of_two() {
            Self(quotient)
        } else {
            Self(quotient - U256::one())
        }
    }

    /// Reads 32 big-endian bytes.
    ///
    /// # Errors
    /// [`ZeroTarget`] if all bytes are zero.
    pub fn from_be_bytes(bytes: [u8; 32]) -> Result<Self, ZeroTarget> {
        let value = U256::from_big_endian(&bytes);
        if value.is_zero() {
            return Err(ZeroTarget);
        }
        Ok(Self(value))
    }

    /// The target as 32 big-endian bytes.
    pub fn to_be_bytes(self) -> [u8; 32] {
        self.0.to_big_endian()
    }

    /// The compact form, rounded down, so that it is never easier than the target itself.
    pub fn to_compact(self) -> CompactTarget {
        // A U256 has at most 256 bits, so the exponent is at most 232.
        let exponent = (self.0.bits() as u32).saturating_sub(MANTISSA_BITS);
        let mantissa = (self.0 >> exponent).low_u32();
        CompactTarget((exponent << MANTISSA_BITS) | mantissa)
    }

    /// Whether a block id, read as a big-endian number, is at most this target.
    pub fn is_met_by(&self, id: &[u8; 32]) -> bool {
        U256::from_big_endian(id) <= self.0
    }

    /// The hashes this target costs on average.
    pub fn work(self) -> Work {
        // floor(2^256 / (target + 1)) without the 257th bit: 2^256 = (2^256 - 1 - target) + (target + 1).
        match self.0.checked_add(U256::one()) {
            Some(divisor) => Work(!self.0 / divisor + U256::one()),
            None => Work(U256::one()),
        }
    }

    /// The number itself.
    pub(crate) fn to_u256(self) -> U256 {
        self.0
    }

    /// The nearest target: zero becomes the hardest one.
    pub(crate) fn from_u256_at_least_one(value: U256) -> Self {
        Self(value.max(U256::one()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:064x}", self.0)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// Hashes expected to have been spent: of one block, or summed over a branch.
///
/// Serialized as 32 big-endian bytes, or as a decimal string in a format for people.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Work(U256);

impl Work {
    /// No work: where a sum begins.
    pub const ZERO: Self = Self(U256::zero());

    /// Reads 32 big-endian bytes.
    pub fn from_be_bytes(bytes: [u8; 32]) -> Self {
        Self(U256::from_big_endian(&bytes))
    }

    /// The work as 32 big-endian bytes.
    pub fn to_be_bytes(self) -> [u8; 32] {
        self.0.to_big_endian()
    }

    /// The sum, or `None` beyond 2^256 − 1.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum, at most 2^256 − 1.
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<u64> for Work {
    fn from(hashes: u64) -> Self {
        Self(U256::from(hashes))
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Work({self})")
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.to_be_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = if deserializer.is_human_readable() {
            deserializer.deserialize_str(HexVisitor)?
        } else {
            deserializer.deserialize_bytes(BytesVisitor)?
        };
        Self::from_be_bytes(bytes).map_err(de::Error::custom)
    }
}

impl Serialize for Work {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.to_be_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for Work {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(DecimalVisitor).map(Self)
        } else {
            deserializer
                .deserialize_bytes(BytesVisitor)
                .map(Self::from_be_bytes)
        }
    }
}

/// Reads exactly 32 bytes.
struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = [u8; 32];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("32 big-endian bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        bytes
            .try_into()
            .map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

/// Reads exactly 64 lowercase hexadecimal digits.
struct HexVisitor;

impl Visitor<'_> for HexVisitor {
    type Value = [u8; 32];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("64 lowercase hexadecimal digits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let lowercase_hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(lowercase_hex) {
            return Err(E::invalid_value(de::Unexpected::Str(text), &self));
        }
        U256::from_str_radix(text, 16)
            .map(|value| value.to_big_endian())
            .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// Reads a decimal number below 2^256, without sign or leading zero.
struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = U256;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number below 2^256")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let refusal = || E::invalid_value(de::Unexpected::Str(text), &self);
        let digits_only = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        if !digits_only || (text.len() > 1 && text.starts_with('0')) {
            return Err(refusal());
        }
        U256::from_dec_str(text).map_err(|_| refusal())
    }
}

#[cfg(test)]
mod tests;
