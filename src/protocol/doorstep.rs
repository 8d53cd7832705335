//! The doorstep: who of those that dial a tracker may come in, before anybody knows who they are.
//!
//! Whoever has not registered yet is a stranger. There is room for so many strangers, and for so
//! many from one address; one who stands about makes way for the next, so that nobody holds the
//! places by silence. How many sessions one address may have at all is bounded, too, far above what
//! a school behind one address needs.

use super::SessionId;
use crate::chain::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// Strangers at a time: a whole school at once, each for the moment that a registration takes.
pub const MAX_STRANGERS: usize = 512;
/// Strangers from one address at a time: half of them, so that no single one takes all places.
pub const MAX_STRANGERS_OF_ADDRESS: usize = 256;
/// Sessions from one address at a time: the largest network this is made for, behind one address,
/// and half of what a tracker takes at all.
pub const MAX_SESSIONS_OF_ADDRESS: usize = 2_048;
/// How long a stranger may stand about before it makes way for another, in milliseconds: a
/// registration takes a few, and some hundred where many come at once.
pub const STRANGER_PATIENCE_MS: u64 = 2_000;

/// What becomes of somebody who dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may come in.
    Enter,
    /// It may, and this stranger has to go.
    InPlaceOf(SessionId),
    /// There is no room; it may try again later.
    Full,
}

/// Who came in, and from where.
#[derive(Debug, Default)]
pub struct Doorstep {
    /// With the host that each came from.
    guests: BTreeMap<SessionId, String>,
    /// Those of them who have not registered, with the time at which they came.
    strangers: BTreeMap<SessionId, Timestamp>,
    /// How many came from each host.
    of_host: HashMap<String, usize>,
}

/// The host in `host:port`: what counts as one address.
fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

impl Doorstep {
    /// Whether somebody from `address` (`host:port`) may come in.
    pub fn judge(&self, address: &str, now: Timestamp) -> Admission {
        let host = host(address);
        if self.of_host.get(host).copied().unwrap_or(0) >= MAX_SESSIONS_OF_ADDRESS {
            return Admission::Full;
        }
        // Sessions are numbered in the order in which they came: the first is the oldest.
        let is_neighbour =
            |(id, _): &(&SessionId, &Timestamp)| self.guests.get(id).is_some_and(|h| h == host);
        let neighbours = || self.strangers.iter().filter(is_neighbour);
        let oldest = if neighbours().count() >= MAX_STRANGERS_OF_ADDRESS {
            neighbours().next()
        } else if self.strangers.len() >= MAX_STRANGERS {
            self.strangers.iter().next()
        } else {
            return Admission::Enter;
        };
        match oldest {
            Some((session, since)) if now.since(*since) >= STRANGER_PATIENCE_MS => {
                Admission::InPlaceOf(*session)
            }
            _ => Admission::Full,
        }
    }

    /// Somebody came in, as a stranger.
    pub fn entered(&mut self, session: SessionId, address: &str, now: Timestamp) {
        let host = host(address).to_owned();
        *self.of_host.entry(host.clone()).or_default() += 1;
        self.guests.insert(session, host);
        self.strangers.insert(session, now);
    }

    /// Its owner registered: it is a stranger no more.
    pub fn introduced(&mut self, session: SessionId) {
        self.strangers.remove(&session);
    }

    /// It has gone.
    pub fn gone(&mut self, session: SessionId) {
        self.strangers.remove(&session);
        let Some(host) = self.guests.remove(&session) else {
            return;
        };
        if let Some(count) = self.of_host.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                self.of_host.remove(&host);
            }
        }
    }

    /// How many are in.
    pub fn len(&self) -> usize {
        self.guests.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.guests.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_000_000);

    /// Lets strangers in while there is room; how many came.
    fn crowd(doorstep: &mut Doorstep, first: u64, address: &str, now: Timestamp) -> u64 {
        let mut next = first;
        while doorstep.judge(address, now) == Admission::Enter {
            doorstep.entered(SessionId(next), address, now);
            next += 1;
        }
        next - first
    }

    #[test]
    fn one_address_never_takes_all_places() {
        let mut doorstep = Doorstep::default();
        let most = MAX_STRANGERS_OF_ADDRESS as u64;
        assert_eq!(crowd(&mut doorstep, 1, "10.0.0.1:1", START), most);
        let rest = MAX_STRANGERS as u64 - most;
        assert_eq!(crowd(&mut doorstep, 1_001, "10.0.0.2:1", START), rest);
        assert_eq!(doorstep.judge("10.0.0.3:1", START), Admission::Full);
        // Whoever registers makes room.
        doorstep.introduced(SessionId(1_001));
        assert_eq!(doorstep.judge("10.0.0.3:1", START), Admission::Enter);
        assert_eq!(doorstep.judge("10.0.0.1:9", START), Admission::Full);
    }

    #[test]
    fn attack_who_stands_about_makes_way_for_the_next() {
        let mut doorstep = Doorstep::default();
        crowd(&mut doorstep, 1, "10.0.0.1:1", START);
        crowd(&mut doorstep, 1_001, "[2001:db8::1]:1", START.plus_ms(1));
        let soon = START.plus_ms(STRANGER_PATIENCE_MS - 1);
        assert_eq!(doorstep.judge("10.0.0.3:1", soon), Admission::Full);
        let then = START.plus_ms(STRANGER_PATIENCE_MS + 1);
        let first = Admission::InPlaceOf(SessionId(1));
        assert_eq!(doorstep.judge("10.0.0.3:1", then), first);
        // An address that has its share makes way for itself.
        let own = Admission::InPlaceOf(SessionId(1_001));
        assert_eq!(doorstep.judge("[2001:db8::1]:77", then), own);
        doorstep.gone(SessionId(1));
        assert_eq!(doorstep.judge("10.0.0.3:1", then), Admission::Enter);
    }

    #[test]
    fn sessions_of_one_address_have_a_bound() {
        let mut doorstep = Doorstep::default();
        for session in 1..=MAX_SESSIONS_OF_ADDRESS as u64 {
            let port = format!("10.0.0.1:{session}");
            assert_eq!(doorstep.judge(&port, START), Admission::Enter);
            doorstep.entered(SessionId(session), &port, START);
            doorstep.introduced(SessionId(session));
        }
        let late = START.plus_ms(60_000);
        assert_eq!(doorstep.judge("10.0.0.1:1", late), Admission::Full);
        assert_eq!(doorstep.judge("10.0.0.2:1", late), Admission::Enter);
        doorstep.gone(SessionId(7));
        doorstep.gone(SessionId(7));
        assert_eq!(doorstep.judge("10.0.0.1:1", late), Admission::Enter);
        assert_eq!(doorstep.len(), MAX_SESSIONS_OF_ADDRESS - 1);
    }

    #[test]
    fn nothing_is_kept_of_those_who_have_gone() {
        let mut doorstep = Doorstep::default();
        let came = crowd(&mut doorstep, 1, "10.0.0.1:1", START);
        (1..=came).for_each(|session| doorstep.gone(SessionId(session)));
        assert!(doorstep.is_empty() && doorstep.of_host.is_empty());
    }
}
