//! An address to dial.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

/// The longest host name there is, in characters (RFC 1035).
const MAX_HOST_LEN: usize = 253;

/// A host, by name or number, and a port: what one node dials to reach another.
///
/// Written `host:port`, with an IPv6 number in brackets: `tracker.example:7000`, `10.0.0.7:7001`,
/// `[2001:db8::1]:7001`. The host is kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Endpoint {
    host: String,
    port: u16,
}

/// The text is not an address to dial: `host:port` with a port of 1 to 65535 was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected \"host:port\" with a port from 1 to 65535")]
pub struct EndpointError;

impl Endpoint {
    /// The host: a name, an IPv4 number, or an IPv6 number without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (host, port) = text.rsplit_once(':').ok_or(EndpointError)?;
        let numeric = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|&port| numeric && port != 0);
        Ok(Self {
            host: parse_host(host).ok_or(EndpointError)?,
            port: port.ok_or(EndpointError)?,
        })
    }
}

/// The host in its one form, or `None` if nothing could ever be reached under it.
fn parse_host(host: &str) -> Option<String> {
    if let Some(number) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let number: Ipv6Addr = number.parse().ok()?;
        return match number.to_ipv4_mapped() {
            Some(number) => somebodys(number),
            None if number.is_unspecified() || number.is_multicast() => None,
            None => Some(number.to_string()),
        };
    }
    let last = host.rsplit('.').next()?;
    // Resolvers read whatever ends in a number as one, however it is written.
    if is_number(last) {
        return somebodys(host.parse().ok()?);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| {
        let has_edge = label.starts_with('-') || label.ends_with('-');
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !has_edge
    };
    (host.len() <= MAX_HOST_LEN && host.split('.').all(label)).then(|| host.to_ascii_lowercase())
}

/// The number, if somebody can be there.
fn somebodys(number: Ipv4Addr) -> Option<String> {
    let nobodys = number.is_unspecified() || number.is_multicast() || number.is_broadcast();
    (!nobodys).then(|| number.to_string())
}

/// Whether the last part of a host is a number, decimal or with `0x`.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
