//! The doorstep: who of those that dial a tracker may come in, before anybody knows who they are.
//!
//! Whoever has not registered yet is a stranger. There is room for so many strangers, for so many from
//! one address, and for so many who have not even proven who they are; one who stands about makes way
//! for the next, so that nobody holds the places by silence. How many sessions one address may have at all is bounded, too, far above what
//! a school behind one address needs.

use super::SessionId;
use super::gossip::peers::MAX_HANDSHAKES;
use crate::clock::SteadyTime;
use crate::membership::address::site;
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
/// How long one of [`MAX_HANDSHAKES`] may take for its handshake before it makes way for another, in
/// milliseconds: an honest one takes a few, and where many come at once all of them together less than
/// this. So that many places come free each second, however many hold them by silence.
pub const HANDSHAKE_PATIENCE_MS: u64 = 250;

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
    /// With the host that each came from, and what counts as one address.
    guests: BTreeMap<SessionId, (String, String)>,
    /// Those of them who have not registered.
    strangers: BTreeMap<SessionId, Stranger>,
    /// How many came from each address.
    of_site: HashMap<String, usize>,
}

/// Somebody who has not registered.
#[derive(Debug, Clone, Copy)]
struct Stranger {
    /// When it came.
    since: SteadyTime,
    /// Whether it has proven who it is.
    greeted: bool,
}

impl Stranger {
    fn patience(&self) -> u64 {
        if self.greeted {
            STRANGER_PATIENCE_MS
        } else {
            HANDSHAKE_PATIENCE_MS
        }
    }
}

/// The host in `host:port`.
fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

impl Doorstep {
    /// Whether somebody from `address` (`host:port`) may come in.
    pub fn judge(&self, address: &str, now: SteadyTime) -> Admission {
        let here = site(address);
        if self.of_site.get(&here).copied().unwrap_or(0) >= MAX_SESSIONS_OF_ADDRESS {
            return Admission::Full;
        }
        let is_neighbour =
            |id: &SessionId| self.guests.get(id).is_some_and(|(_, site)| *site == here);
        let mut strangers = self.strangers.iter();
        let neighbours = strangers.clone().filter(|(id, _)| is_neighbour(id)).count();
        let handshakes = strangers.clone().filter(|(_, s)| !s.greeted).count();
        let too_many_here = neighbours >= MAX_STRANGERS_OF_ADDRESS;
        let too_many_handshakes = handshakes >= MAX_HANDSHAKES;
        if !too_many_here && !too_many_handshakes && self.strangers.len() < MAX_STRANGERS {
            return Admission::Enter;
        }
        // Sessions are numbered in the order in which they came: the first is the oldest. It must be
        // one whose going makes room under every limit.
        let oldest = strangers.find(|(id, s)| {
            (!too_many_here || is_neighbour(id)) && (!too_many_handshakes || !s.greeted)
        });
        match oldest {
            Some((session, s)) if now.since(s.since) >= s.patience() => {
                Admission::InPlaceOf(*session)
            }
            _ => Admission::Full,
        }
    }

    /// Somebody came in, as a stranger.
    pub fn entered(&mut self, session: SessionId, address: &str, now: SteadyTime) {
        let (host, site) = (host(address).to_owned(), site(address));
        *self.of_site.entry(site.clone()).or_default() += 1;
        self.guests.insert(session, (host, site));
        let stranger = Stranger {
            since: now,
            greeted: false,
        };
        self.strangers.insert(session, stranger);
    }

    /// It has proven who it is.
    pub fn greeted(&mut self, session: SessionId) {
        if let Some(stranger) = self.strangers.get_mut(&session) {
            stranger.greeted = true;
        }
    }

    /// Its owner registered: it is a stranger no more.
    pub fn registered(&mut self, session: SessionId) {
        self.strangers.remove(&session);
    }

    /// It has gone.
    pub fn gone(&mut self, session: SessionId) {
        self.strangers.remove(&session);
        let Some((_, site)) = self.guests.remove(&session) else {
            return;
        };
        if let Some(count) = self.of_site.get_mut(&site) {
            *count -= 1;
            if *count == 0 {
                self.of_site.remove(&site);
            }
        }
    }

    /// The host that somebody who is in came from.
    pub fn host_of(&self, session: SessionId) -> Option<&str> {
        self.guests.get(&session).map(|(host, _)| host.as_str())
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
    use crate::clock::STARTED;

    /// Lets strangers in while there is room; how many came.
    fn crowd(doorstep: &mut Doorstep, first: u64, address: &str, now: SteadyTime) -> u64 {
        let mut next = first;
        while doorstep.judge(address, now) == Admission::Enter {
            doorstep.entered(SessionId(next), address, now);
            doorstep.greeted(SessionId(next));
            next += 1;
        }
        next - first
    }

    #[test]
    fn one_address_never_takes_all_places() {
        let mut doorstep = Doorstep::default();
        let most = MAX_STRANGERS_OF_ADDRESS as u64;
        assert_eq!(crowd(&mut doorstep, 1, "10.0.0.1:1", STARTED), most);
        let rest = MAX_STRANGERS as u64 - most;
        assert_eq!(crowd(&mut doorstep, 1_001, "10.0.0.2:1", STARTED), rest);
        assert_eq!(doorstep.judge("10.0.0.3:1", STARTED), Admission::Full);
        // Whoever registers makes room.
        doorstep.registered(SessionId(1_001));
        assert_eq!(doorstep.judge("10.0.0.3:1", STARTED), Admission::Enter);
        assert_eq!(doorstep.judge("10.0.0.1:9", STARTED), Admission::Full);
    }

    #[test]
    fn attack_who_stands_about_makes_way_for_the_next() {
        let mut doorstep = Doorstep::default();
        crowd(&mut doorstep, 1, "10.0.0.1:1", STARTED);
        crowd(&mut doorstep, 1_001, "[2001:db8::1]:1", STARTED.plus_ms(1));
        let soon = STARTED.plus_ms(STRANGER_PATIENCE_MS - 1);
        assert_eq!(doorstep.judge("10.0.0.3:1", soon), Admission::Full);
        let then = STARTED.plus_ms(STRANGER_PATIENCE_MS + 1);
        let first = Admission::InPlaceOf(SessionId(1));
        assert_eq!(doorstep.judge("10.0.0.3:1", then), first);
        // An address that has its share makes way for itself.
        let own = Admission::InPlaceOf(SessionId(1_001));
        assert_eq!(doorstep.judge("[2001:db8::1]:77", then), own);
        doorstep.gone(SessionId(1));
        assert_eq!(doorstep.judge("10.0.0.3:1", then), Admission::Enter);
    }

    #[test]
    fn attack_whoever_stalls_in_its_handshake_makes_way_soon() {
        let mut doorstep = Doorstep::default();
        for session in 1..=MAX_HANDSHAKES as u64 {
            assert_eq!(doorstep.judge("10.0.0.1:1", STARTED), Admission::Enter);
            doorstep.entered(SessionId(session), "10.0.0.1:1", STARTED);
        }
        // An honest one is through by then, also in a crowd.
        let soon = STARTED.plus_ms(HANDSHAKE_PATIENCE_MS - 1);
        assert_eq!(doorstep.judge("10.0.0.2:1", soon), Admission::Full);
        let then = STARTED.plus_ms(HANDSHAKE_PATIENCE_MS);
        doorstep.greeted(SessionId(1));
        assert_eq!(doorstep.judge("10.0.0.2:1", then), Admission::Enter);
        doorstep.entered(SessionId(99), "10.0.0.2:1", then);
        let next = Admission::InPlaceOf(SessionId(2));
        assert_eq!(doorstep.judge("10.0.0.2:1", then), next);
        // Who has proven itself has the longer time.
        crowd(&mut doorstep, 100, "10.0.0.3:1", then);
        assert_eq!(doorstep.judge("10.0.0.3:1", then), next);
    }

    #[test]
    fn sessions_of_one_address_have_a_bound() {
        let mut doorstep = Doorstep::default();
        for session in 1..=MAX_SESSIONS_OF_ADDRESS as u64 {
            let port = format!("10.0.0.1:{session}");
            assert_eq!(doorstep.judge(&port, STARTED), Admission::Enter);
            doorstep.entered(SessionId(session), &port, STARTED);
            doorstep.registered(SessionId(session));
        }
        let late = STARTED.plus_ms(60_000);
        assert_eq!(doorstep.judge("10.0.0.1:1", late), Admission::Full);
        assert_eq!(doorstep.judge("10.0.0.2:1", late), Admission::Enter);
        doorstep.gone(SessionId(7));
        doorstep.gone(SessionId(7));
        assert_eq!(doorstep.judge("10.0.0.1:1", late), Admission::Enter);
        assert_eq!(doorstep.len(), MAX_SESSIONS_OF_ADDRESS - 1);
    }

    #[test]
    fn attack_p5_numbers_of_one_network_are_one_address() {
        let mut doorstep = Doorstep::default();
        for session in 1..=MAX_SESSIONS_OF_ADDRESS as u64 {
            let other = format!("[2001:db8:1:2::{session:x}]:7");
            doorstep.entered(SessionId(session), &other, STARTED);
            doorstep.registered(SessionId(session));
        }
        let full = doorstep.judge("[2001:db8:1:2:ffff::1]:7", STARTED);
        assert_eq!(full, Admission::Full);
        let next_door = doorstep.judge("[2001:db8:1:3::1]:7", STARTED);
        assert_eq!(next_door, Admission::Enter);
    }

    #[test]
    fn nothing_is_kept_of_those_who_have_gone() {
        let mut doorstep = Doorstep::default();
        let came = crowd(&mut doorstep, 1, "10.0.0.1:1", STARTED);
        (1..=came).for_each(|session| doorstep.gone(SessionId(session)));
        assert!(doorstep.is_empty() && doorstep.of_site.is_empty());
    }
}
