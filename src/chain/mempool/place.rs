//! In which order transactions are open.

use crate::chain::EncodedTransaction;
use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

/// Fee for each KiB, the measure by which transactions queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FeeRate(u128);

impl FeeRate {
    pub(super) fn of(transaction: &EncodedTransaction) -> Self {
        let fee = u128::from(transaction.payload().fee.0);
        Self(fee * 1024 / transaction.size().max(1) as u128)
    }
}

/// A place in the queue: the better rate is greater; among those without a fee the one whose sender has
/// sent less of late, counted with it; among equals the earlier arrival. So whoever floods queues behind
/// everybody who does not, and makes way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) rate: FeeRate,
    pub(super) sent: Reverse<u64>,
    pub(super) arrival: Reverse<u64>,
}

impl Place {
    /// That of a transaction whose sender has sent so many bytes without a fee, with it; `arrival` is its number.
    pub(super) fn of(transaction: &EncodedTransaction, sent: u64, arrival: u64) -> Self {
        Self {
            rate: FeeRate::of(transaction),
            sent: Reverse(sent),
            arrival: Reverse(arrival),
        }
    }

    /// What makes it stay longer than another.
    pub(super) fn worth(&self) -> (FeeRate, Reverse<u64>) {
        (self.rate, self.sent)
    }
}

/// Where an open transaction stands in the queue, as a text that leads back to it, also when it is open no
/// more: fee for each KiB, bytes without a fee before it, number of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenPlace(pub(super) Place);

impl fmt::Display for OpenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            rate: FeeRate(rate),
            sent: Reverse(sent),
            arrival: Reverse(arrival),
        } = &self.0;
        write!(f, "{rate}-{sent}-{arrival}")
    }
}

/// The text is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no place among the open transactions")]
pub struct NoPlace;

impl FromStr for OpenPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let mut parts = text.splitn(3, '-');
        let mut part = || parts.next().ok_or(NoPlace);
        Ok(Self(Place {
            rate: FeeRate(part()?.parse().map_err(|_| NoPlace)?),
            sent: Reverse(part()?.parse().map_err(|_| NoPlace)?),
            arrival: Reverse(part()?.parse().map_err(|_| NoPlace)?),
        }))
    }
}
