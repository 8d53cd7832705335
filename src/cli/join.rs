//! `node join`: the whole set-up of a member. What is checked, and in which order, is in
//! [`crate::node::joining`]; here it is asked for and shown.

use super::args::JoinArgs;
use super::failure::Failure;
use super::invocation::Invocation;
use super::output::Output;
use super::run;
use crate::clock::SystemClock;
use crate::entropy::OsEntropy;
use crate::membership::{Address, InvitationString, MAX_INVITATION_TEXT, MemberName};
use crate::net::TcpTransport;
use crate::node::joining::{Check, Joining, Means, NotJoined};
use crate::readable::in_words;
use crate::settings::{Endpoint, Settings, environment};
use crate::wire::message::RefusalCode;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The settings file of the only member in a directory.
pub const USUAL_FILE: &str = "peer.toml";
/// Digits of a network's id that are shown: enough to compare two by eye.
const FIRST_DIGITS: usize = 8;
/// How long the next line of what was pasted may take, in nanoseconds: a terminal hands a paste over at once, and
/// nobody types as fast.
const PASTE_NS: i64 = 200_000_000;
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
    // The name first: what is pasted for the invitation may have lines behind it that are no answers.
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => asked(
            "Name, by which the others will know you: ",
            "a name (--name NAME)",
        )?,
    };
    let name = MemberName::from_str(name.trim());
    let name = name.map_err(|error| Failure::Misuse(error.to_string()))?;
    let invitation = Arc::new(invitation(arguments.invitation.as_deref())?);
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
        file: file_for(&place, &name),
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

/// Where the settings of a new member go: `peer.toml`, which every command finds, and beside another node a file of
/// the member's name. Who was set up here by the former is told so.
pub fn file_for(place: &Path, name: &MemberName) -> PathBuf {
    let usual = place.join(USUAL_FILE);
    let is_own = || match Settings::load(&usual, std::iter::empty()) {
        Ok(Settings::Peer(peer)) => peer.name == name.as_str(),
        _ => false,
    };
    match super::has_usual_file(place) && !is_own() {
        true => place.join(format!("{name}.toml")),
        false => usual,
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
        Check::TrackerReached { at } => ok(format!(
            "the tracker answers at {at}: it is the program by which the members of the network find each other"
        )),
        Check::KeyRight { key } => ok(format!(
            "it is the one that invited you: its key is that in the invitation, {key}"
        )),
        Check::NetworkRight {
            name: Some(name),
            network: Some(network),
        } => {
            let first: String = network.to_string().chars().take(FIRST_DIGITS).collect();
            ok(format!(
                "the network is {name} (its number begins with {first})"
            ))
        }
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
                        "this machine's clock is {apart} {side} the tracker's: set it right, or this node and the \
                         others refuse what each other make"
                    ),
                ),
                false => ok(format!(
                    "this machine's clock is right: {apart} from the tracker's"
                )),
            }
        }
        Check::NameFree { name } => ok(format!("the name {name} is yours to have")),
        Check::DialledBack { at, reached } => {
            let at: Vec<_> = at.iter().map(Address::as_str).collect();
            let at = at.join(", ");
            match reached {
                Some(true) => ok(format!(
                    "others can reach this machine at {at}: the tracker has tried"
                )),
                Some(false) => (
                    false,
                    format!(
                        "others can't reach this machine at {at}: the tracker has tried. You can be a member all the \
                         same, since your node reaches them. A firewall may be in between, or others need another \
                         address of it (--advertise)"
                    ),
                ),
                None => (
                    false,
                    format!(
                        "whether others can reach this machine at {at} was not tried: the tracker had no time"
                    ),
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

/// The invitation as it was given, read or asked for: a whole message with it, too.
fn invitation(given: Option<&str>) -> Result<InvitationString, Failure> {
    let text = match given {
        Some("-") => {
            let mut text = Zeroizing::new(String::new());
            let mut input = io::stdin().lock().take(MOST_READ);
            let read = input.read_to_string(&mut text);
            read.map_err(|error| Failure::No(format!("standard input can't be read: {error}")))?;
            text
        }
        Some(text) => Zeroizing::new(text.to_owned()),
        None => pasted("Invitation (join1...): ", "an invitation")?,
    };
    InvitationString::find(&text).map_err(|error| Failure::Misuse(error.to_string()))
}

/// So much is read as an invitation: a byte more than it may have, so that it is seen to be too long.
const MOST_READ: u64 = MAX_INVITATION_TEXT as u64 + 1;

/// Asks at the terminal, for a line.
fn asked(question: &str, what: &str) -> Result<String, Failure> {
    ask(question, what)?;
    let mut line = String::new();
    read_line(&mut line)?;
    Ok(line)
}

/// Asks at the terminal for what somebody pastes: all of its lines, so that none is left for a shell.
fn pasted(question: &str, what: &str) -> Result<Zeroizing<String>, Failure> {
    ask(question, what)?;
    let mut text = Zeroizing::new(String::new());
    while read_line(&mut text)? && text.len() as u64 <= MOST_READ && more_waits() {}
    Ok(text)
}

fn ask(question: &str, what: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Misuse(format!(
            "{what} is wanted, and nobody is at a terminal to be asked"
        )));
    }
    // On standard error, so that the answer of this command stays what it is.
    let mut stderr = io::stderr().lock();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    Ok(())
}

/// One more line of the terminal; false at the end of all.
fn read_line(text: &mut String) -> Result<bool, Failure> {
    let mut input = io::stdin().lock().take(MOST_READ);
    let read = input.read_line(text);
    let read = read.map_err(|error| Failure::No(format!("the terminal can't be read: {error}")))?;
    Ok(read > 0)
}

/// Whether the terminal has another line, or gets one at once.
fn more_waits() -> bool {
    let stdin = io::stdin();
    let mut asked = [PollFd::new(&stdin, PollFlags::IN)];
    let patience = Timespec {
        tv_sec: 0,
        tv_nsec: PASTE_NS,
    };
    poll(&mut asked, Some(&patience)).is_ok_and(|ready| ready > 0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{PeerTemplate, peer_template};
    use std::fs;

    #[test]
    fn the_only_member_in_a_directory_has_the_usual_file_and_another_one_its_own() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = file_for(place.path(), &name.parse().unwrap());
            path.file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(file("dan"), "peer.toml");
        let text = peer_template(&PeerTemplate {
            name: "dan",
            trackers: &["127.0.0.1:7000".parse().unwrap()],
            ..PeerTemplate::default()
        });
        fs::write(place.path().join("peer.toml"), text).unwrap();
        assert_eq!(file("eve"), "eve.toml");
        // He is told that he was set up here.
        assert_eq!(file("dan"), "peer.toml");
        fs::rename(
            place.path().join("peer.toml"),
            place.path().join("tracker.toml"),
        )
        .unwrap();
        assert_eq!(file("dan"), "dan.toml");
    }
}
