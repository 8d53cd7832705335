//! How what is typed becomes values, and how people are told what is wanted instead.

use super::super::logs::MOST_LAST;
use crate::apps::voting::MAX_CHOICES;
use crate::chain::params::MAX_EXPIRY;
use crate::chain::proof::MAX_TAIL;
use crate::membership::invitation::MAX_USES;
use crate::owner::MAX_LISTED;
use crate::protocol::registry::MAX_INVITATION_MS;
use crate::settings::{self, Endpoint, LogLevel, PathError};
use clap::builder::{PathBufValueParser, TypedValueParser};
use std::env;
use std::net::SocketAddr;
use std::num::IntErrorKind;
use std::path::{Path, PathBuf};

/// A path, with the home directory for `~`, which shells leave standing in `--config=~/peer.toml`.
pub(in super::super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| home(&path))
}

/// The path with the home directory of this process for `~`.
pub(in super::super) fn home(path: &Path) -> Result<PathBuf, PathError> {
    settings::expand(path, env::var_os("HOME").as_deref())
}

/// A host alone, as an address to dial has it before its port.
pub(super) fn host(text: &str) -> Result<String, String> {
    let endpoint: Result<Endpoint, _> = format!("{text}:1").parse();
    endpoint.map(|_| text.to_owned()).map_err(|_| {
        "a host name or an IP address is wanted, without a port: 192.168.1.10, box.example, [2001:db8::1]"
            .into()
    })
}

pub(in super::super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "an IP address and a port are wanted, such as 127.0.0.1:7001 (this machine alone) or \
         0.0.0.0:7001 (every way into this machine)"
            .into()
    })
}

/// How many may join by an invitation.
pub(super) fn uses(text: &str) -> Result<u32, String> {
    let uses = whole(text, 1, MAX_USES.into(), "members")?;
    Ok(u32::try_from(uses).unwrap_or(MAX_USES))
}

/// The number of an invitation.
pub(super) fn invitation(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "the number of an invitation is wanted, as `node invite list` shows it".into())
}

/// The height of a block.
pub(super) fn height(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "the height of a block is wanted, a whole number from 0 on".into())
}

/// How many headers stand at the end of a proof.
pub(super) fn headers(text: &str) -> Result<usize, String> {
    let most = u64::try_from(MAX_TAIL).unwrap_or(u64::MAX);
    let headers = whole(text, 1, most, "headers")?;
    Ok(usize::try_from(headers).unwrap_or(MAX_TAIL))
}

pub(super) fn hashes(text: &str) -> Result<u64, String> {
    whole(text, 1, u64::MAX, "hashes")
}

/// A port that has a next one.
pub(super) fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| (1..=65_534).contains(port));
    port.ok_or_else(|| "a port from 1 to 65534 is wanted; its member takes the next one".into())
}

/// How many choices a vote may have.
pub(super) fn choices(text: &str) -> Result<u8, String> {
    let most = u8::try_from(MAX_CHOICES).unwrap_or(u8::MAX);
    let choices = whole(text, 1, most.into(), "choices")?;
    Ok(u8::try_from(choices).unwrap_or(most))
}

/// How long an invitation counts, in milliseconds.
pub(super) fn lasts(text: &str) -> Result<u64, String> {
    let wanted = "a time is a whole number with its unit, 30m, 24h or 7d, up to 365 days";
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wanted.into()),
    };
    let number: Option<u64> = number.parse().ok().filter(|number| *number > 0);
    let ms = number.and_then(|number| number.checked_mul(seconds * 1_000));
    ms.filter(|ms| *ms <= MAX_INVITATION_MS)
        .ok_or_else(|| wanted.into())
}

pub(super) fn at_least_one(text: &str) -> Result<u64, String> {
    whole(text, 1, u64::MAX, "blocks")
}

pub(super) fn expiry(text: &str) -> Result<u64, String> {
    whole(text, 1, MAX_EXPIRY, "blocks")
}

pub(super) fn page_limit(text: &str) -> Result<usize, String> {
    let most = u64::try_from(MAX_LISTED).unwrap_or(u64::MAX);
    let limit = whole(text, 1, most, "entries")?;
    Ok(usize::try_from(limit).unwrap_or(MAX_LISTED))
}

/// A whole number of something within bounds.
fn whole(text: &str, least: u64, most: u64, what: &str) -> Result<u64, String> {
    let refused = || match most {
        u64::MAX => format!("a whole number of {what} is wanted, {least} or more"),
        _ => format!("a whole number of {what} is wanted, from {least} to {most}"),
    };
    let number: Result<u64, _> = text.parse();
    match number {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
            Err(format!("that is far too many: {}", refused()))
        }
        _ => Err(refused()),
    }
}

/// Negative numbers get here, too, so that they are refused in words and not taken for options.
pub(super) fn whole_coins(text: &str) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(coins) => Ok(coins),
        Err(_) if digits => Err("that is more than all coins there can be".into()),
        Err(_) => Err("coins are counted in whole numbers, from 0 on".into()),
    }
}

pub(super) fn log_level(text: &str) -> Result<LogLevel, String> {
    let level = text.parse();
    level.map_err(|_| "there are error, warn, info, debug and trace".into())
}

pub(super) fn last_events(text: &str) -> Result<usize, String> {
    let number = text
        .parse()
        .ok()
        .filter(|last| (1..=MOST_LAST).contains(last));
    number.ok_or_else(|| format!("a number from 1 to {MOST_LAST} is wanted"))
}

/// How much a part of a node is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LevelChange {
    /// All of them what the settings say.
    Usual,
    /// This part so much.
    Part(String, LogLevel),
}

pub(super) fn level_change(text: &str) -> Result<LevelChange, String> {
    if text == "usual" {
        return Ok(LevelChange::Usual);
    }
    let (part, level) = text
        .split_once('=')
        .ok_or("a part and a level are wanted, such as chain=debug, or usual")?;
    Ok(LevelChange::Part(part.to_owned(), log_level(level)?))
}
