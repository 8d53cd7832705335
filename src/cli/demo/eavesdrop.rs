//! `node eavesdrop`: somebody on the lines of the demo, a process of its own that the demo starts.
//!
//! It passes on what the nodes say to each other and keeps every byte of it; it is given nothing else.
//! At the end it is told what to look for, there and in every row of a peer's database, and to forge votes.
//! Orders come as JSON on standard input, one a line, answers go to standard output likewise; it ends with
//! its input.

mod forger;

pub(super) use forger::{Forged, Forgery};

use super::error::DemoError;
use crate::chain::TransactionId;
use crate::cli::args::listen_address;
use crate::node::open_offline;
use crate::settings::{PeerSettings, Settings};
use crate::store::{Table, rows_from};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Bytes that are kept at most: the story has a few hundred thousand.
const MAX_KEPT: usize = 16 * 1024 * 1024;
/// Bytes read at a time.
const READ_BYTES: usize = 16 * 1024;
/// Rows of a database read at a time.
const ROWS_AT_A_TIME: usize = 1_000;

/// What `node eavesdrop` takes.
#[derive(Debug, Clone, Args)]
pub struct EavesdropArgs {
    /// Whose connections to pass on
    #[arg(required = true, value_name = "ADDRESS", value_parser = listen_address)]
    pub targets: Vec<SocketAddr>,
}

/// What to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    Look(Sought),
    Forge(Forgery),
}

/// What to look for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sought {
    /// What nobody is to find.
    pub(super) text: String,
    /// The transaction that it was sealed in.
    pub(super) id: TransactionId,
    /// Settings of the peer whose database is looked through; it does not run.
    pub(super) peer: PathBuf,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Found {
    /// Bytes that passed on the lines.
    pub(super) heard: usize,
    /// Whether all of them were kept, and looked through.
    pub(super) kept_all: bool,
    /// Whether the text is among them.
    pub(super) on_the_lines: bool,
    /// Rows of the database.
    pub(super) rows: usize,
    /// Their bytes.
    pub(super) row_bytes: usize,
    /// Whether the transaction is among them.
    pub(super) has_transaction: bool,
    /// Whether the text is.
    pub(super) in_the_rows: bool,
}

/// Says where it listens, one address for each target, and lives until its input ends.
///
/// # Errors
/// It can't listen, or nobody is left to talk to.
pub fn run(args: &EavesdropArgs) -> Result<(), DemoError> {
    let recording = Recording::default();
    let listen = |target: &SocketAddr| listen_for(*target, &recording);
    let lines: Result<Vec<_>, _> = args.targets.iter().map(listen).collect();
    say(&lines.map_err(DemoError::System)?)?;
    for order in io::stdin().lock().lines() {
        let order = order.map_err(DemoError::System)?;
        match serde_json::from_str(&order) {
            Ok(Order::Look(sought)) => say(&look(&sought, &recording))?,
            Ok(Order::Forge(forgery)) => say(&forger::forge(&forgery))?,
            Err(error) => say(&Err::<(), _>(error.to_string()))?,
        }
    }
    Ok(())
}

fn say(what: &impl Serialize) -> Result<(), DemoError> {
    let line = serde_json::to_string(what).map_err(|error| DemoError::Output(error.into()))?;
    let mut out = io::stdout().lock();
    let said = writeln!(out, "{line}").and_then(|()| out.flush());
    said.map_err(DemoError::Output)
}

fn look(sought: &Sought, recording: &Recording) -> Result<Found, String> {
    let text = sought.text.as_bytes();
    let mut found = recording.with(|kept| Found {
        heard: kept.heard,
        kept_all: kept.heard == kept.bytes.len(),
        on_the_lines: holds(&kept.bytes, text),
        rows: 0,
        row_bytes: 0,
        has_transaction: false,
        in_the_rows: false,
    });
    look_through_rows(sought, &mut found)?;
    Ok(found)
}

fn look_through_rows(sought: &Sought, found: &mut Found) -> Result<(), String> {
    let settings = settings_of(&sought.peer)?;
    let disk = open_offline(&settings).map_err(|error| error.to_string())?;
    let text = sought.text.as_bytes();
    for table in Table::ALL {
        for row in rows_from(&disk, table, &[], ROWS_AT_A_TIME) {
            let (key, value) = row.map_err(|error| error.to_string())?;
            found.rows += 1;
            found.row_bytes += key.len() + value.len();
            found.has_transaction |= holds(&key, &sought.id.0);
            found.in_the_rows |= holds(&key, text) || holds(&value, text);
        }
    }
    Ok(())
}

fn settings_of(peer: &Path) -> Result<PeerSettings, String> {
    match Settings::load(peer, std::iter::empty()) {
        Ok(Settings::Peer(settings)) => Ok(settings),
        Ok(Settings::Tracker(_)) => Err(format!("{} is a tracker's", peer.display())),
        Err(error) => Err(error.to_string()),
    }
}

/// What was said, both ways, as it was on the line.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// How many there were, those included that were not kept.
    heard: usize,
}

#[derive(Debug, Clone, Default)]
struct Recording(Arc<Mutex<Kept>>);

impl Recording {
    fn keep(&self, bytes: &[u8]) {
        self.with(|kept| {
            kept.heard += bytes.len();
            if kept.bytes.len() + bytes.len() <= MAX_KEPT {
                kept.bytes.extend_from_slice(bytes);
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        // Bytes are whole whatever thread panicked.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether `wanted` stands somewhere in `bytes`.
fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

/// Takes connections for a node that listens at `target`, keeps what passes, and says where it does so.
/// It lasts as long as this process.
fn listen_for(target: SocketAddr, recording: &Recording) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let recording = recording.clone();
    thread::Builder::new().name("line".into()).spawn(move || {
        for near in listener.incoming().flatten() {
            // A node that does not run takes no connection: this one is closed as well.
            let _ = pass_on(near, target, &recording);
        }
    })?;
    Ok(address)
}

fn pass_on(near: TcpStream, target: SocketAddr, recording: &Recording) -> io::Result<()> {
    let far = TcpStream::connect(target)?;
    pump(near.try_clone()?, far.try_clone()?, recording.clone())?;
    pump(far, near, recording.clone())
}

fn pump(mut from: TcpStream, mut to: TcpStream, recording: Recording) -> io::Result<()> {
    let pumping = move || {
        let mut buffer = vec![0; READ_BYTES];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            recording.keep(&buffer[..read]);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        // However it ends, both ends hear of it.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    };
    let thread = thread::Builder::new().name("line".into());
    thread.spawn(pumping).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_passed_on_and_kept() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let recording = Recording::default();
        let between = listen_for(listener.local_addr().unwrap(), &recording).unwrap();
        let mut near = TcpStream::connect(between).unwrap();
        near.write_all(b"to you").unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let mut heard = [0; 6];
        far.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"to you");
        far.write_all(b"and back").unwrap();
        let mut heard = [0; 8];
        near.read_exact(&mut heard).unwrap();
        recording.with(|kept| {
            assert!(holds(&kept.bytes, b"to you") && holds(&kept.bytes, b"and back"));
            assert!(!holds(&kept.bytes, b"back to you"));
            assert_eq!((kept.heard, kept.bytes.len()), (14, 14));
        });
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let recording = Recording::default();
        recording.keep(&vec![0; MAX_KEPT]);
        recording.keep(b"more");
        recording.with(|kept| assert_eq!((kept.heard, kept.bytes.len()), (MAX_KEPT + 4, MAX_KEPT)));
    }
}
