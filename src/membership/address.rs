//! Where somebody can be dialled, in a form that is checked, and what lies near each other.

use crate::settings::Endpoint;
use core::net::{IpAddr, Ipv6Addr};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Longest address, in bytes: a host name of the greatest length (253), a colon and a port.
pub const MAX_ADDRESS: usize = 259;

/// Where somebody can be dialled: `host:port`, the host a DNS name in lower case, an IPv4 address of four
/// numbers, or an IPv6 address in brackets, each in its one form. What resolvers read as a number though it
/// is not written as one (`127.1`, `2130706433`, `0x7f.1`) is none, nor is an address at which nobody can
/// be, such as `0.0.0.0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Address(String);

/// The text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an address is \"host:port\": a name in lower case, four numbers or an IPv6 number in brackets, and a \
     port from 1 to 65535"
)]
pub struct NotAnAddress;

impl Address {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is that of the machine itself, whoever dials it.
    pub fn is_of_this_machine(&self) -> bool {
        self.host() == "localhost" || number(&self.0).is_some_and(|number| number.is_loopback())
    }

    /// What lies before the port.
    pub fn host(&self) -> &str {
        host(&self.0)
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let endpoint: Endpoint = text.parse().map_err(|_| NotAnAddress)?;
        // One address has one form: else it would be dialled, counted and kept twice.
        if endpoint.to_string() == text {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnAddress)
        }
    }
}

impl From<&Endpoint> for Address {
    fn from(endpoint: &Endpoint) -> Self {
        Self(endpoint.to_string())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// For `#[serde(deserialize_with = "addresses::<MAX, _>")]`: a list of at most `MAX` addresses, each only
/// once.
pub fn addresses<'de, const MAX: usize, D>(deserializer: D) -> Result<Vec<Address>, D::Error>
where
    D: Deserializer<'de>,
{
    let list: Vec<Address> = crate::canonical::capped_list::<MAX, _, _>(deserializer)?;
    let different: BTreeSet<_> = list.iter().collect();
    if different.len() < list.len() {
        return Err(D::Error::custom("an address stands there twice"));
    }
    Ok(list)
}

/// The host in `host:port`.
fn host(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, _)) if !address.ends_with(']') => host,
        // A host alone.
        _ => address,
    }
}

/// The number in `host:port`, if the host is one; an IPv4 number within an IPv6 one is the former.
fn number(address: &str) -> Option<IpAddr> {
    let host = host(address);
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let number: IpAddr = bare.unwrap_or(host).parse().ok()?;
    Some(number.to_canonical())
}

/// The first so many bits of an IPv6 number.
fn prefix(number: Ipv6Addr, bits: u32) -> String {
    let kept = u128::from(number) & (u128::MAX << (128 - bits));
    format!("{}/{bits}", Ipv6Addr::from(kept))
}

/// What counts as one host of `host:port`, for budgets: a name, an IPv4 number, or 64 bits of an IPv6 number,
/// for so many are one customer's to choose among.
pub fn site(address: &str) -> String {
    match number(address) {
        Some(IpAddr::V4(number)) => number.to_string(),
        Some(IpAddr::V6(number)) => prefix(number, 64),
        None => host(address).to_owned(),
    }
}

/// What one owner of an IPv6 network may have of it, beyond [`site`]; nothing for other addresses.
pub fn estate(address: &str) -> Option<String> {
    match number(address) {
        Some(IpAddr::V6(number)) => Some(prefix(number, 48)),
        Some(IpAddr::V4(_)) | None => None,
    }
}

/// What somebody who has many addresses has beside each other: 24 bits of an IPv4 number, 48 of an IPv6 one.
/// Nothing for names, and for numbers that only mean something nearby (loopback, private, link-local and
/// unique-local): there, neighbours are the rule.
pub fn street(address: &str) -> Option<String> {
    match number(address)? {
        IpAddr::V4(number)
            if number.is_loopback() || number.is_private() || number.is_link_local() =>
        {
            None
        }
        IpAddr::V4(number) => {
            let [a, b, c, _] = number.octets();
            Some(format!("{a}.{b}.{c}.0/24"))
        }
        IpAddr::V6(number)
            if number.is_loopback()
                || number.is_unique_local()
                || number.is_unicast_link_local() =>
        {
            None
        }
        IpAddr::V6(number) => Some(prefix(number, 48)),
    }
}

#[cfg(test)]
mod tests;
