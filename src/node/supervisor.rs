//! What a supervisor of services is told, where one started the node (systemd's `sd_notify`): that it is up,
//! and again and again that it answers.

use super::stage::Staged;
use std::env;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Where the supervisor listens.
const SOCKET: &str = "NOTIFY_SOCKET";
/// After how many microseconds without a word it takes the node to hang.
const WATCHDOG: &str = "WATCHDOG_USEC";

/// How often it is looked whether the node is up.
const LOOK: Duration = Duration::from_millis(100);

/// Words in the time after which one is missed: two may be late.
const WORDS: u32 = 3;

/// Who started the node, if that wants to know how it is.
pub(super) struct Supervisor {
    socket: UnixDatagram,
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// That of this process, as its environment says.
    pub(super) fn of_this_process() -> Option<Self> {
        let named = env::var(SOCKET).ok()?;
        let microseconds = env::var(WATCHDOG).ok();
        Self::at(&named, microseconds.and_then(|text| text.parse().ok()))
    }

    fn at(named: &str, watchdog_us: Option<u64>) -> Option<Self> {
        let address = match named.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(named),
        };
        let socket = UnixDatagram::unbound();
        let socket = socket.and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
        Some(Self {
            socket: socket.ok()?,
            address: address.ok()?,
            watchdog: watchdog_us.map(Duration::from_micros),
        })
    }

    fn tell(&self, word: &str) {
        // One that is gone, or has no room, needs no word.
        let _ = self.socket.send_to_addr(word.as_bytes(), &self.address);
    }

    /// Tells that the node is up as soon as somebody speaks for it, and from then on that it answers, as long
    /// as it does: a node that hangs is silent, and is started anew.
    pub(super) async fn follow(self, staged: Staged) {
        while staged.now().is_none() {
            tokio::time::sleep(LOOK).await;
        }
        self.tell("READY=1");
        let Some(every) = self.watchdog.map(|watchdog| watchdog / WORDS) else {
            return;
        };
        while let Some(owned) = staged.now() {
            // A refusal is an answer, too.
            if tokio::time::timeout(every, owned.health()).await.is_ok() {
                self.tell("WATCHDOG=1");
            }
            tokio::time::sleep(every).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_hears_at_a_path_and_at_an_abstract_name() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let name = format!("raclette-test-{}", std::process::id());
        let by_name = SocketAddr::from_abstract_name(&name).unwrap();
        for (named, socket) in [
            (path.display().to_string(), UnixDatagram::bind(&path)),
            (format!("@{name}"), UnixDatagram::bind_addr(&by_name)),
        ] {
            let socket = socket.unwrap();
            let supervisor = Supervisor::at(&named, Some(30_000_000)).unwrap();
            assert_eq!(supervisor.watchdog, Some(Duration::from_secs(30)));
            supervisor.tell("READY=1");
            let mut word = [0; 32];
            let length = socket.recv(&mut word).unwrap();
            assert_eq!(&word[..length], b"READY=1");
        }
    }
}
