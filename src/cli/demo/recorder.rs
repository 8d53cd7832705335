//! Somebody on the line: passes on what peers say to each other, and keeps every byte of it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Bytes that are kept at most: the story has a few hundred thousand.
const MAX_KEPT: usize = 16 * 1024 * 1024;
/// Bytes read at a time.
const READ_BYTES: usize = 16 * 1024;

/// What was said, both ways, as it was on the line.
#[derive(Debug, Clone, Default)]
pub(super) struct Recording(Arc<Mutex<Vec<u8>>>);

impl Recording {
    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.with(|kept| kept.len())
    }

    /// Whether these bytes stand in it.
    pub(super) fn holds(&self, wanted: &[u8]) -> bool {
        self.with(|kept| holds(kept, wanted))
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.with(Vec::clear);
    }

    fn keep(&self, bytes: &[u8]) {
        self.with(|kept| {
            if kept.len() + bytes.len() <= MAX_KEPT {
                kept.extend_from_slice(bytes);
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        // Bytes are whole whatever thread panicked.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether `wanted` stands somewhere in `bytes`.
pub(super) fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

/// Takes connections for a peer that listens at `target`, keeps what passes in `recording`, and says
/// where it does so. It lasts as long as this process.
///
/// # Errors
/// Whatever the system says when it is to listen.
pub(super) fn listen_for(target: SocketAddr, recording: &Recording) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let recording = recording.clone();
    thread::Builder::new()
        .name("recorder".into())
        .spawn(move || {
            for near in listener.incoming().flatten() {
                // A peer that does not run takes no connection: this one is closed as well.
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
    let thread = thread::Builder::new().name("recorder".into());
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
        assert!(recording.holds(b"to you") && recording.holds(b"and back"));
        assert!(!recording.holds(b"back to you"));
        assert_eq!(recording.len(), 14);
        recording.clear();
        assert_eq!(recording.len(), 0);
    }
}
