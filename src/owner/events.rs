//! What happens at a node, as it happens.
//!
//! There is one sequence of events a run, and a bounded ring of the last ones. Everybody who follows has a place
//! in it and nothing else: who is slow holds no memory, and is told to look anew ([`Told::Reset`]) once
//! what follows on its place is forgotten. So is whoever comes back after the node was started again.
//!
//! An event is told once what it tells of can be seen. So whoever asks for the last event first
//! ([`Peer::last_event`]), then for whatever is to be shown, and follows from that event on, misses nothing; what
//! was shown already may be told once more. Every answer of the API names that event in its head.

mod ring;

use super::answers::{EventId, EventKinds, Told};
use super::{Code, Peer, Refused};
use crate::messages::events::Event;
use crate::messages::tracker_link::DirectoryStatus;
use crate::shell::Port;
pub use ring::MAX_EVENTS;
use ring::{Following, Ring};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Events that are handed over at a time.
const AT_A_TIME: usize = 64;

/// The events of a node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Events {
    ring: Arc<Mutex<Ring>>,
    /// The number of the last event; `None` when there will be no more.
    last: Arc<watch::Sender<Option<u64>>>,
}

impl Events {
    /// Of a run that has this number, which no other run has.
    pub(crate) fn new(start: u64) -> Self {
        Self {
            ring: Arc::new(Mutex::new(Ring::new(start))),
            last: Arc::new(watch::Sender::new(Some(0))),
        }
    }

    /// Tells an event.
    pub(crate) fn tell(&self, event: Event) {
        let sequence = self.ring().push(event);
        self.last.send_if_modified(|last| match last {
            Some(last) => {
                *last = sequence;
                true
            }
            None => false,
        });
    }

    /// The last event so far. Whatever is looked at after this was asked shows all that was told until then.
    pub(super) fn now(&self) -> EventId {
        self.ring().now()
    }

    /// There will be no more: whoever follows is told the end.
    pub(super) fn close(&self) {
        self.last.send_replace(None);
    }

    /// Tells of every change of the directory from now on, as long as there is one.
    pub(crate) fn follow_directory(
        self,
        mut known: watch::Receiver<Arc<DirectoryStatus>>,
    ) -> impl Future<Output = ()> {
        let mut before = known.borrow_and_update().clone();
        async move {
            while known.changed().await.is_ok() {
                let now = known.borrow_and_update().clone();
                self.tell_of(&before, &now);
                before = now;
            }
        }
    }

    fn tell_of(&self, before: &DirectoryStatus, now: &DirectoryStatus) {
        // Who is put out, or let back, stands with the members, and it may be this node.
        let is_said_alike = before.statements == now.statements;
        if !Arc::ptr_eq(&before.directory, &now.directory) || !is_said_alike {
            self.tell(Event::MembersChanged);
        }
        let stands_alike = before.registered == now.registered
            && before.tracker == now.tracker
            && before.trouble == now.trouble
            && before.certificate == now.certificate;
        if !stands_alike {
            let registered = now.registered;
            self.tell(Event::TrackerChanged { registered });
        }
    }

    /// A thread that panicked here ends the process.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Port<Event> for Events {
    fn offer(&mut self, event: Event) -> Result<(), Event> {
        self.tell(event);
        Ok(())
    }
}

/// Somebody who follows the events of a peer.
pub struct EventStream {
    peer: Peer,
    last: watch::Receiver<Option<u64>>,
    at: EventId,
    kinds: EventKinds,
}

impl Peer {
    /// The last event so far.
    pub fn last_event(&self) -> EventId {
        self.events.now()
    }

    /// Follows the events of these kinds, from the one behind `after` on.
    ///
    /// # Errors
    /// [`Code::Stopping`].
    pub fn follow(&self, after: EventId, kinds: EventKinds) -> Result<EventStream, Refused> {
        let last = self.events.last.subscribe();
        if last.borrow().is_none() {
            return Err(Refused::new(Code::Stopping, "the node is stopping"));
        }
        Ok(EventStream {
            peer: self.clone(),
            last,
            at: after,
            kinds,
        })
    }
}

impl EventStream {
    /// How far it has come: where it can be taken up again.
    pub fn at(&self) -> EventId {
        self.at
    }

    /// The next events, some at a time, as soon as there are any; `None` when there will be no more: the node
    /// is stopping. What is dropped before it is ready loses nothing.
    pub async fn next(&mut self) -> Option<Vec<Told>> {
        loop {
            // Before looking: what is told meanwhile wakes this again.
            (*self.last.borrow_and_update())?;
            let following = self
                .peer
                .events
                .ring()
                .following(self.at, self.kinds, AT_A_TIME);
            match following {
                Following::Reset(now) => {
                    self.at = now;
                    return Some(vec![Told::Reset(now)]);
                }
                Following::Events(events, looked) => {
                    let idle = looked == self.at;
                    self.at = looked;
                    if !events.is_empty() {
                        return Some(self.shown(events));
                    }
                    if idle {
                        self.last.changed().await.ok()?;
                    }
                }
            }
        }
    }

    fn shown(&self, events: Vec<(EventId, Event)>) -> Vec<Told> {
        let known = self.peer.known();
        let people = self.peer.people(&known);
        let shown =
            |(id, event): (_, Event)| Told::Event(id, event.naming(|key| people.person(key)));
        events.into_iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests;
