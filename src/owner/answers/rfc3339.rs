//! Moments as JSON: RFC 3339 in UTC, to the millisecond, `2026-11-20T21:43:02.123Z`.

use crate::chain::Timestamp;
use crate::logging::Time;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Time::from_unix_ms(at.0))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time: Time = text.parse().map_err(Error::custom)?;
    Ok(Timestamp(time.unix_ms()))
}

/// The same, of what may not be there.
pub mod optional {
    use super::{Deserialize, Deserializer, Serializer, Timestamp};

    pub fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }

    #[derive(Deserialize)]
    struct There(#[serde(with = "super")] Timestamp);

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let there = Option::<There>::deserialize(deserializer)?;
        Ok(there.map(|There(at)| at))
    }
}
