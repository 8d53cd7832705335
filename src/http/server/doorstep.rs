//! Connections of which nobody knows whose they are: how many there may be, and which has to go.
//!
//! Any program of this machine, of any user, can connect. What has shown the token is the owner's;
//! what has not is a stranger, and of too many the one that has been at it for longest makes room. So
//! whoever connects and says nothing keeps nobody out.

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use std::any::Any;
use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections at a time that have not shown the token. A command shows it within a millisecond;
/// so many have to come in that time to push it out.
pub(super) const MAX_STRANGERS: usize = 64;

/// The strangers, oldest first.
#[derive(Clone, Default)]
pub(in crate::http) struct Doorstep(Arc<Mutex<Strangers>>);

#[derive(Default)]
struct Strangers {
    next: u64,
    /// A second hold on each socket, by which it can be closed.
    sockets: BTreeMap<u64, OwnedFd>,
}

/// The place of one connection; given back when the connection ends, or its owner is known.
pub(in crate::http) struct Place {
    doorstep: Doorstep,
    number: u64,
}

impl Doorstep {
    /// Gives a new connection its place, and closes the oldest stranger's if there are too many.
    pub(in crate::http) fn enter(&self, connection: &dyn Any, data: &mut Extensions) {
        let Some(stream) = connection.downcast_ref::<TcpStream>() else {
            return;
        };
        // Without another descriptor to hold it by it is not counted: it ends by its own patience.
        match stream.as_fd().try_clone_to_owned() {
            Ok(socket) => drop(data.insert(Arc::new(self.take(socket)))),
            Err(error) => tracing::debug!(%error, "a local connection can't be counted"),
        }
    }

    fn take(&self, socket: OwnedFd) -> Place {
        let mut strangers = self.lock();
        let number = strangers.next;
        strangers.next += 1;
        strangers.sockets.insert(number, socket);
        if strangers.sockets.len() > MAX_STRANGERS
            && let Some((_, oldest)) = strangers.sockets.pop_first()
        {
            // It may have ended by itself.
            let _ = std::net::TcpStream::from(oldest).shutdown(Shutdown::Both);
        }
        Place {
            doorstep: self.clone(),
            number,
        }
    }

    /// A thread that panicked here ends the process.
    fn lock(&self) -> MutexGuard<'_, Strangers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Its owner is known: it makes room for nobody.
    pub(in crate::http) fn leave(&self) {
        self.doorstep.lock().sockets.remove(&self.number);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    fn pair(listener: &TcpListener) -> (TcpStream, OwnedFd) {
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0.into())
    }

    #[test]
    fn the_stranger_who_came_first_makes_room_and_the_owner_never() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let doorstep = Doorstep::default();
        let come = || {
            let (near, socket) = pair(&listener);
            (near, doorstep.take(socket))
        };
        let (_owner, known) = come();
        known.leave();
        let mut strangers: Vec<_> = (0..MAX_STRANGERS).map(|_| come()).collect();
        let (_last, _place) = come();
        let (first, _) = &mut strangers[0];
        assert_eq!(first.read(&mut [0]).unwrap(), 0, "it was closed");
        for (near, _) in &strangers[1..] {
            near.set_nonblocking(true).unwrap();
            assert!((&mut &*near).read(&mut [0]).is_err(), "it is open");
        }
        drop(strangers);
        assert_eq!(doorstep.lock().sockets.len(), 1);
    }
}
