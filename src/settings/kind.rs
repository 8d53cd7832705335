//! What a key accepts: the check of one value, from the file or from the environment.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::ops::Range;

use config::{Map, Value};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::paths::has_variable;
use super::{Endpoint, Patience};

/// The longest name of a peer or a network: it stands in tables and in each member record.
const MAX_NAME_LEN: usize = 32;
/// The longest path Linux accepts.
const MAX_PATH_LEN: usize = 4096;
/// Addresses of one peer, or trackers of one network: a handful, since each is dialled in turn.
const MAX_ENDPOINTS: usize = 8;
/// Applications of one network; the genesis block carries their topics.
const MAX_APPLICATIONS: usize = 16;
/// The longest topic; every record carries one.
const MAX_TOPIC_LEN: usize = 32;
/// Allocations of one network; the genesis block carries them.
const MAX_ALLOCATIONS: usize = 1_000;
/// Addresses in one list: what one owner looks after by hand.
const MAX_ADDRESSES: usize = 100;
/// Above the length of any address; the real check is the address's own.
const MAX_ADDRESS_LEN: usize = 128;
/// What people expect of paths who know shells.
const WRITTEN_OUT: &str = " (`~/` is your home directory; `$` variables are not replaced)";
/// How much of a wrong value is repeated in a message.
const MAX_QUOTED_CHARS: usize = 60;

/// What a key accepts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A whole number in a range, both ends included.
    Whole { least: u64, most: u64 },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// The name of a peer or a network.
    Name,
    /// The path of a directory.
    Path,
    /// The path of a file.
    File,
    /// The path of a file, or nothing.
    OptionalFile,
    /// The path of a directory, or nothing.
    OptionalPath,
    /// An address of this machine, with a port, to listen on.
    Listen,
    /// As `Listen`, or nothing.
    OptionalListen,
    /// As `Listen`, reachable from this machine alone.
    LoopbackListen,
    /// Addresses to dial.
    Endpoints { least: usize },
    /// A public key as an address, or nothing.
    Key,
    /// Topics of applications.
    Topics,
    /// Coins that exist from the start.
    Allocations,
    /// The address of a key, or nothing.
    OptionalAddress,
    /// Addresses of keys.
    Addresses,
    /// How long something is waited for, or never.
    Patience,
}

/// A value that a key does not accept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Which bytes of the text it is.
    pub(super) span: Range<usize>,
    /// What stands there, for people.
    pub(super) found: String,
}

impl Wrong {
    fn value(value: &Spanned<DeValue<'_>>) -> Self {
        Self::with(value, describe(value.get_ref()))
    }

    fn with(value: &Spanned<DeValue<'_>>, found: String) -> Self {
        let span = value.span();
        Self { span, found }
    }
}

impl Kind {
    /// What is accepted, for people: completes "expected ...".
    pub(super) fn expected(self) -> String {
        match self {
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::Choice(words) => {
                let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
                match quoted.split_last() {
                    Some((last, rest)) if !rest.is_empty() => {
                        format!("{} or {last}", rest.join(", "))
                    }
                    _ => quoted.concat(),
                }
            }
            Self::Name => {
                format!("1 to {MAX_NAME_LEN} characters of a-z, 0-9 and \"-\", the first a letter")
            }
            Self::Path => format!("the path of a directory{WRITTEN_OUT}"),
            Self::File => format!("the path of a file{WRITTEN_OUT}"),
            Self::OptionalFile => format!("the path of a file{WRITTEN_OUT}, or nothing: \"\""),
            Self::OptionalPath => {
                format!("the path of a directory{WRITTEN_OUT}, or nothing: \"\"")
            }
            Self::Listen => "a numeric address and a port, \"address:port\"".to_owned(),
            Self::OptionalListen => {
                "a numeric address and a port, \"address:port\", or nothing: \"\"".to_owned()
            }
            Self::LoopbackListen => {
                "an address of this machine alone and a port, \"127.0.0.1:port\" or \"[::1]:port\""
                    .to_owned()
            }
            Self::Endpoints { least } => format!(
                "a list of {least} to {MAX_ENDPOINTS} addresses \"host:port\", each only once"
            ),
            Self::OptionalAddress => {
                "an address as `node status` prints it, or nothing: \"\"".to_owned()
            }
            Self::Addresses => format!(
                "a list of at most {MAX_ADDRESSES} addresses as `node peers --addresses` prints them, each only once"
            ),
            Self::Patience => {
                "a time from one second to a week, as in \"90s\", \"1m\" or \"2h\", or \"never\""
                    .to_owned()
            }
            Self::Key => "a key as `node` prints it, \"rac1...\", or \"\"".to_owned(),
            Self::Topics => format!(
                "a list of at most {MAX_APPLICATIONS} topics, each only once: 1 to \
                 {MAX_TOPIC_LEN} characters of a-z, 0-9, \"-\" and \".\", the first a letter"
            ),
            Self::Allocations => format!(
                "a list of at most {MAX_ALLOCATIONS} {{address = \"...\", amount = ...}}, each \
                 address only once, each amount 1 or more, their sum below 2^63"
            ),
        }
    }

    /// Checks a value of the file and turns it into the form in which layers are merged.
    pub(super) fn check(self, value: &Spanned<DeValue<'_>>) -> Result<Value, Wrong> {
        match self {
            Self::Whole { least, most } => {
                whole(value, least, most).map(|number| Value::new(None, number))
            }
            Self::Choice(words) => text(value, |text| words.contains(&text)),
            Self::Name => text(value, |text| is_word(text, MAX_NAME_LEN, b"-")),
            Self::Path | Self::File => text(value, is_path),
            Self::OptionalFile | Self::OptionalPath => {
                text(value, |text| text.is_empty() || is_path(text))
            }
            Self::Listen => text(value, |text| text.parse::<SocketAddr>().is_ok()),
            Self::OptionalListen => text(value, |text| {
                text.is_empty() || text.parse::<SocketAddr>().is_ok()
            }),
            Self::LoopbackListen => text(value, |text| {
                text.parse::<SocketAddr>()
                    .is_ok_and(|address| address.ip().is_loopback())
            }),
            Self::Endpoints { least } => list(value, least..=MAX_ENDPOINTS, |item| {
                text(item, |text| text.parse::<Endpoint>().is_ok())
            }),
            Self::Patience => text(value, |text| text.parse::<Patience>().is_ok()),
            Self::Key => text(value, |text| text.is_empty() || is_address(text)),
            Self::Addresses => list(value, 0..=MAX_ADDRESSES, |item| text(item, is_address)),
            Self::Topics => list(value, 0..=MAX_APPLICATIONS, |item| {
                text(item, |text| is_word(text, MAX_TOPIC_LEN, b"-."))
            }),
            Self::Allocations => allocations(value),
            Self::OptionalAddress => text(value, |text| text.is_empty() || is_address(text)),
        }
    }

    /// Checks the text of an environment variable, read as what this key accepts.
    pub(super) fn check_variable(self, text: &str) -> Result<Value, Wrong> {
        let value = match self {
            Self::Whole { .. } | Self::Allocations => DeValue::parse(text).map_err(|_| Wrong {
                span: 0..text.len(),
                found: quote(text),
            })?,
            Self::Endpoints { .. } | Self::Topics | Self::Addresses => split(text),
            Self::Choice(_)
            | Self::Name
            | Self::Path
            | Self::File
            | Self::OptionalFile
            | Self::OptionalPath
            | Self::Listen
            | Self::OptionalListen
            | Self::LoopbackListen
            | Self::OptionalAddress
            | Self::Patience
            | Self::Key => unplaced(DeValue::String(text.into())),
        };
        self.check(&value)
    }

    /// How the value that is `literal` in the file is written in an environment variable.
    pub(super) fn as_variable(self, literal: &str) -> String {
        match self {
            Self::Whole { .. } | Self::Allocations => literal.to_owned(),
            _ => literal.replace(['"', '[', ']', ' '], ""),
        }
    }
}

/// What stands in the file, for people: completes "found ...".
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quote(text),
        DeValue::Integer(number) => format!("the number {}", shorten(&number.to_string())),
        DeValue::Float(number) => format!("the number {}", shorten(&number.to_string())),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date or time without quotes".to_owned(),
        DeValue::Array(items) => match items.len() {
            0 => "an empty list".to_owned(),
            1 => "a list of 1 entry".to_owned(),
            many => format!("a list of {many} entries"),
        },
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn quote(text: &str) -> String {
    format!("{:?}", shorten(text))
}

fn shorten(text: &str) -> String {
    let mut chars = text.chars();
    let mut short: String = chars.by_ref().take(MAX_QUOTED_CHARS).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

fn unplaced(value: DeValue<'_>) -> Spanned<DeValue<'_>> {
    Spanned::new(0..0, value)
}

fn split(text: &str) -> Spanned<DeValue<'_>> {
    let mut items = DeArray::new();
    if !text.trim().is_empty() {
        for item in text.split(',') {
            items.push(unplaced(DeValue::String(item.trim().into())));
        }
    }
    unplaced(DeValue::Array(items))
}

fn whole(value: &Spanned<DeValue<'_>>, least: u64, most: u64) -> Result<u64, Wrong> {
    let DeValue::Integer(number) = value.get_ref() else {
        return Err(Wrong::value(value));
    };
    u64::from_str_radix(number.as_str(), number.radix())
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| Wrong::value(value))
}

fn text(value: &Spanned<DeValue<'_>>, accepts: impl FnOnce(&str) -> bool) -> Result<Value, Wrong> {
    match value.get_ref() {
        DeValue::String(text) if accepts(text) => Ok(Value::from(text.as_ref())),
        _ => Err(Wrong::value(value)),
    }
}

fn is_word(text: &str, most: usize, marks: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_lowercase();
    text.len() <= most
        && text.as_bytes().first().is_some_and(letter)
        && text
            .bytes()
            .all(|byte| letter(&byte) || byte.is_ascii_digit() || marks.contains(&byte))
}

/// Whether it could be an address; whether it is one is the address's own check.
fn is_address(text: &str) -> bool {
    (1..=MAX_ADDRESS_LEN).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_path(text: &str) -> bool {
    let printable = |char: char| !char.is_control() && char != char::REPLACEMENT_CHARACTER;
    (1..=MAX_PATH_LEN).contains(&text.len()) && text.chars().all(printable) && !has_variable(text)
}

fn list(
    value: &Spanned<DeValue<'_>>,
    lengths: std::ops::RangeInclusive<usize>,
    check: impl Fn(&Spanned<DeValue<'_>>) -> Result<Value, Wrong>,
) -> Result<Value, Wrong> {
    let DeValue::Array(items) = value.get_ref() else {
        return Err(Wrong::value(value));
    };
    if !lengths.contains(&items.len()) {
        return Err(Wrong::value(value));
    }
    let mut seen = HashSet::new();
    let mut checked = Vec::with_capacity(items.len());
    for item in items.iter() {
        checked.push(check(item)?);
        if !seen.insert(item.get_ref().as_str()) {
            let found = format!("{} a second time", describe(item.get_ref()));
            return Err(Wrong::with(item, found));
        }
    }
    Ok(Value::from(checked))
}

fn allocations(value: &Spanned<DeValue<'_>>) -> Result<Value, Wrong> {
    let DeValue::Array(items) = value.get_ref() else {
        return Err(Wrong::value(value));
    };
    if items.len() > MAX_ALLOCATIONS {
        return Err(Wrong::value(value));
    }
    let mut seen = HashSet::new();
    let mut sum = 0_u64;
    let mut checked = Vec::with_capacity(items.len());
    for item in items.iter() {
        let (address, amount) = allocation(item)?;
        sum = sum
            .checked_add(amount)
            .filter(|sum| *sum <= i64::MAX as u64)
            .ok_or_else(|| Wrong::with(item, "a sum that is too large".to_owned()))?;
        if !seen.insert(address.clone()) {
            let found = format!("{} a second time", quote(&address));
            return Err(Wrong::with(item, found));
        }
        checked.push(Value::from(Map::from_iter([
            ("address".to_owned(), Value::from(address)),
            ("amount".to_owned(), Value::new(None, amount)),
        ])));
    }
    Ok(Value::from(checked))
}

fn allocation(item: &Spanned<DeValue<'_>>) -> Result<(String, u64), Wrong> {
    let DeValue::Table(table) = item.get_ref() else {
        return Err(Wrong::value(item));
    };
    for (name, value) in table {
        if !["address", "amount"].contains(&name.get_ref().as_ref()) {
            let found = format!("the unknown key {}", quote(name.get_ref()));
            let span = name.span();
            return Err(Wrong { span, found });
        }
        if name.get_ref() == "address" {
            text(value, is_address)?;
        }
    }
    let address = field(item, table, "address")?;
    let amount = field(item, table, "amount")?;
    let amount = whole(amount, 1, i64::MAX as u64)?;
    Ok((
        address.get_ref().as_str().unwrap_or_default().to_owned(),
        amount,
    ))
}

fn field<'t, 'i>(
    item: &Spanned<DeValue<'_>>,
    table: &'t DeTable<'i>,
    name: &str,
) -> Result<&'t Spanned<DeValue<'i>>, Wrong> {
    table
        .get(name)
        .ok_or_else(|| Wrong::with(item, format!("a table without {name}")))
}
