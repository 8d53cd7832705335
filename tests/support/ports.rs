//! Ports for nodes of tests, of which several binaries may run side by side.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Below the ports that the system gives to outgoing connections, so that none of these takes one between two
/// starts of a node; and away from those of the demo.
const FIRST: u16 = 10_000;
const LAST: u16 = 18_999;
/// A node's API listens so far above the node.
pub const API_ABOVE: u16 = 1_000;

/// Which ports this process has, and where others see it. It has them until it ends, however it does.
pub struct Claims {
    directory: PathBuf,
    held: Vec<File>,
    next: u16,
}

impl Claims {
    /// None yet; all who claim in this directory see each other. It is looked from `first` on.
    pub fn new(directory: PathBuf, first: u16) -> Self {
        fs::create_dir_all(&directory).expect("a directory for the claims");
        Self {
            directory,
            held: Vec::new(),
            next: first,
        }
    }

    /// Claims this port for this process, unless another has it.
    pub fn claim(&mut self, port: u16) -> bool {
        let path = self.directory.join(port.to_string());
        let options = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        match options {
            Ok(file) if file.try_lock().is_ok() => {
                self.held.push(file);
                true
            }
            _ => false,
        }
    }

    /// The next port that is nobody's, with the one above it for an API: no other node of any test gets either.
    pub fn next(&mut self) -> SocketAddr {
        for _ in FIRST..=LAST {
            let port = self.next;
            self.next = if port == LAST { FIRST } else { port + 1 };
            let is_for_nodes = (port / API_ABOVE).is_multiple_of(2);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            if is_for_nodes && self.claim(port) && TcpListener::bind(address).is_ok() {
                return address;
            }
        }
        panic!("no port is free");
    }
}

/// The same for all tests of this user on this machine, from whatever checkout they are.
fn shared() -> PathBuf {
    let user = fs::metadata("/proc/self").expect("this process").uid();
    std::env::temp_dir().join(format!("raclette-test-ports-{user}"))
}

/// Where the next process is likely to find none that is claimed.
fn own_first() -> u16 {
    let offset = std::process::id() % u32::from(LAST - FIRST);
    FIRST + u16::try_from(offset).unwrap_or(0)
}

/// An address of this machine where nobody listens, and that nobody else is given while this process lives.
pub fn free_address() -> SocketAddr {
    static CLAIMS: LazyLock<Mutex<Claims>> =
        LazyLock::new(|| Mutex::new(Claims::new(shared(), own_first())));
    // A test that found no port has failed; the others may find one.
    let mut claims = CLAIMS.lock().unwrap_or_else(PoisonError::into_inner);
    claims.next()
}
