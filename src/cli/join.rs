//! `node join`: the whole set-up of a member. What is checked, and in which order, is in
//! [`crate::node::joining`]; here it is asked for and shown.

use super::args::JoinArgs;
use super::failure::Failure;
use super::invocation::Invocation;
use super::output::Output;
use super::run;
use crate::clock::SystemClock;
use crate::entropy::OsEntropy;
use crate::membership::{Address, InvitationString, MemberName};
use crate::net::TcpTransport;
use crate::node::joining::{Check, Joining, Means, NotJoined};
use crate::readable::in_words;
use crate::settings::{Endpoint, Settings, environment};
use crate::wire::message::RefusalCode;
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest text that is read as an invitation, in bytes.
const MAX_TYPED: u64 = 16 * 1024;
/// The first port that a member listens at, and how many behind it are tried.
const PORTS: std::ops::Range<u16> = 7001..7065;

/// What was made, for programs: the last line.
#[derive(Serialize)]
struct Joined {
    /// The settings file.
    file: PathBuf,
    /// Where the node listens.
    listen: SocketAddr,
}

/// Checks, sets up, and starts.
pub fn join(
    arguments: &JoinArgs,
    invocation: &Invocation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let invitation = Arc::new(invitation(arguments.invitation.as_deref())?);
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => asked(
            "Name, by which the others will know you: ",
            "a name (--name NAME)",
        )?,
    };
    let name = MemberName::from_str(name.trim());
    let name = name.map_err(|error| Failure::Misuse(error.to_string()))?;
    if let Some(dir) = &arguments.dir {
        super::init::directory(dir)?;
    }
    let place = arguments.dir.clone().unwrap_or_default();
    let (listen, advertise) = where_to_listen(
        arguments.listen,
        &arguments.advertise,
        &invitation.addresses,
    )?;
    let joining = Joining {
        invitation,
        file: place.join(format!("{name}.toml")),
        name,
        listen,
        advertise,
        secret: None,
    };
    check_and_set_up(&joining, output)?;
    let node = invocation.for_node(&joining.file);
    let file = joining.file.clone();
    let joined = Joined { file, listen };
    output.show(&joined, |joined| {
        let (file, start) = (joined.file.display(), node.line(""));
        match arguments.no_start {
            true => format!("Wrote {file}. Start the node with:\n\x20 {start}\n"),
            false => format!(
                "Wrote {file}. The node starts now, and with `{start}` the next time; Ctrl-C stops it. In \
                 another terminal:\n\x20 {}\n",
                node.line("status")
            ),
        }
    })?;
    match arguments.no_start {
        true => Ok(()),
        // By the file and the environment, as the next start will be.
        false => {
            let settings = Settings::load(&joining.file, environment());
            let settings = settings.map_err(|error| Failure::No(error.to_string()))?;
            run::run(settings, &joining.file, &node)
        }
    }
}

fn check_and_set_up(joining: &Joining, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut unwritten = None;
    let checked = joining.check_here(&means(), |check| {
        let written = match output.is_json() {
            true => output.json(&check),
            false => output.text(&said(&check)),
        };
        unwritten = written.err().or(unwritten.take());
    });
    if let Some(error) = unwritten {
        return Err(error.into());
    }
    let ready = checked.map_err(|error| explain(error, joining))?;
    joining
        .set_up(&ready)
        .map_err(|error| explain(error, joining))
}

/// What joining takes of this machine.
pub fn means() -> Means {
    Means {
        transport: Arc::new(TcpTransport),
        entropy: Arc::new(OsEntropy),
        clock: Arc::new(SystemClock),
    }
}

/// A check, on a line of a terminal.
fn said(check: &Check) -> String {
    let (well, words) = told(check);
    format!("{:<6}{words}", if well { "ok" } else { "note" })
}

/// Whether a check found things to be well, and in words what it found.
pub fn told(check: &Check) -> (bool, String) {
    let ok = |words: String| (true, words);
    match check {
        Check::WalletFound { file, address } => ok(format!(
            "the wallet {} is there already: you join as {address}",
            file.display()
        )),
        Check::TrackerReached { at } => ok(format!("the tracker answers at {at}")),
        Check::KeyRight { key } => ok(format!("its key is the one in the invitation, {key}")),
        Check::NetworkRight {
            name: Some(name),
            network: Some(network),
        } => ok(format!("the network is {name}, {network}")),
        Check::NetworkRight { .. } => {
            ok("the network is not founded yet: the first member's node does that".to_owned())
        }
        Check::Clocks {
            apart_ms,
            behind,
            too_far,
        } => {
            let side = if *behind { "behind" } else { "ahead of" };
            let apart = in_words(*apart_ms);
            match too_far {
                true => (
                    false,
                    format!(
                        "this machine's clock is {apart} {side} the tracker's: set it right, or blocks are not \
                         understood"
                    ),
                ),
                false => ok(format!("the clocks are {apart} apart")),
            }
        }
        Check::NameFree { name } => ok(format!("the name {name} is yours to have")),
        Check::DialledBack { at, reached } => {
            let at: Vec<_> = at.iter().map(Address::as_str).collect();
            let at = at.join(", ");
            match reached {
                Some(true) => ok(format!(
                    "the tracker dialled back and reached this machine at {at}"
                )),
                Some(false) => (
                    false,
                    format!(
                        "the tracker dialled back and did not get through to {at}: others can't dial this \
                         node, and it dials them. A firewall may be in between, or --advertise is needed"
                    ),
                ),
                None => (
                    false,
                    format!("the tracker had no time to dial back to {at}"),
                ),
            }
        }
    }
}

/// What to do about it, where that is not said yet.
fn explain(error: NotJoined, joining: &Joining) -> Failure {
    let reason = error.to_string();
    let name = &joining.name;
    match error {
        NotJoined::Refused {
            code: RefusalCode::NameTaken,
            ..
        } => Failure::No(format!(
            "{reason}. Nothing was written, and the invitation was not used: take another name with --name. If \
             {name} was you, and its wallet is lost, ask whoever runs the tracker"
        )),
        NotJoined::Refused { .. } => Failure::No(format!("{reason}. Nothing was written")),
        NotJoined::Settings(error) => super::init::explain(error, "another --name"),
        _ => Failure::No(reason),
    }
}

/// The invitation as it was given, read or asked for.
fn invitation(given: Option<&str>) -> Result<InvitationString, Failure> {
    let text = match given {
        Some("-") => {
            let mut text = Zeroizing::new(String::new());
            let mut input = io::stdin().lock().take(MAX_TYPED);
            let read = input.read_to_string(&mut text);
            read.map_err(|error| Failure::No(format!("standard input can't be read: {error}")))?;
            text
        }
        Some(text) => Zeroizing::new(text.to_owned()),
        None => Zeroizing::new(asked("Invitation (join1...): ", "an invitation")?),
    };
    InvitationString::parse(&text).map_err(|error| Failure::Misuse(error.to_string()))
}

/// Asks at the terminal.
fn asked(question: &str, what: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Misuse(format!(
            "{what} is wanted, and nobody is at a terminal to be asked"
        )));
    }
    // On standard error, so that the answer of this command stays what it is.
    let mut stderr = io::stderr().lock();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut line = String::new();
    let mut input = io::stdin().lock().take(MAX_TYPED);
    let read = input.read_line(&mut line);
    read.map_err(|error| Failure::No(format!("the terminal can't be read: {error}")))?;
    Ok(line)
}

/// Where the node listens, and what others dial: what was said, or where whoever reaches the tracker reaches
/// this machine.
pub fn where_to_listen(
    listen: Option<SocketAddr>,
    advertise: &[Endpoint],
    trackers: &[Address],
) -> Result<(SocketAddr, Vec<Endpoint>), Failure> {
    if let Some(listen) = listen {
        return Ok((listen, advertise.to_vec()));
    }
    let own = own_address(trackers).filter(|own| !own.is_loopback());
    let ip = match own {
        Some(IpAddr::V6(_)) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        Some(IpAddr::V4(_)) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        None => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let port = free_port(ip)?;
    let mut advertise = advertise.to_vec();
    if advertise.is_empty()
        && let Some(own) = own
    {
        advertise.extend(SocketAddr::new(own, port).to_string().parse().ok());
    }
    Ok((SocketAddr::new(ip, port), advertise))
}

/// The first of the ports of members at which nobody listens.
pub fn free_port(ip: IpAddr) -> Result<u16, Failure> {
    let is_free = |port: &u16| TcpListener::bind((ip, *port)).is_ok();
    PORTS.clone().find(is_free).ok_or_else(|| {
        let (first, last) = (PORTS.start, PORTS.end - 1);
        Failure::No(format!(
            "other programs listen at all ports from {first} to {last}: choose one with --listen"
        ))
    })
}

/// The address of this machine on the way to a tracker. Nothing is sent to find it.
fn own_address(trackers: &[Address]) -> Option<IpAddr> {
    let mut known = trackers
        .iter()
        .filter_map(|at| at.as_str().to_socket_addrs().ok());
    let tracker = known.find_map(|mut at| at.next())?;
    let any: IpAddr = match tracker {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(tracker).ok()?;
    socket.local_addr().ok().map(|own| own.ip())
}
