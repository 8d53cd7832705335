//! The shell of the probe with captured links.

use super::*;
use crate::chain::Timestamp;
use crate::chain::testing::{member, network};
use crate::messages::session::SessionCommand;
use crate::protocol::testing::hello;
use crate::shell::testing::{HandClock, Numbered, Ordered, Outbound, connection};
use crate::wire::MemberId;
use std::io;

struct Probe {
    shell: LivenessProbeShell,
    clock: Arc<HandClock>,
    begun: Numbered,
    dials: Outbound<Dial>,
    told: Outbound<DialledBack>,
}

impl Probe {
    fn new() -> Self {
        let (clock, begun) = (HandClock::new(), Numbered::new());
        let (dials, told) = (Outbound::new(), Outbound::new());
        let parts = LivenessProbeParts {
            clock: clock.clone(),
            begin: Box::new(begun.clone()),
            dial: Link::to(dials.clone(), 0),
            registry: Link::to(told.clone(), 0),
        };
        Self {
            shell: LivenessProbeShell::new(parts),
            clock,
            begun,
            dials,
            told,
        }
    }

    fn order(&mut self, number: u8, addresses: &[&str]) {
        let parsed = |address: &&str| address.parse().unwrap();
        self.shell.dial_back(DialBack {
            whom: Visited::Member(MemberId(number.into())),
            key: member(number).public_key(),
            addresses: addresses.iter().map(parsed).collect(),
        });
    }

    fn dialled(&mut self, address: &str, works: bool) {
        let result = match works {
            true => Ok(connection(address)),
            false => Err(io::ErrorKind::ConnectionRefused.into()),
        };
        let address = address.to_owned();
        self.shell.dialled(Dialled { address, result });
    }

    /// Somebody proves to be this member in the session that began last.
    fn opened(&mut self, number: u8) -> SessionId {
        let session = self.begun.last();
        let what = SessionFact::Opened {
            hello: Box::new(hello(number, NodeRole::Peer, network())),
            certificate: None,
        };
        self.shell.session_told(SessionEvent { session, what });
        session
    }

    fn closed(&mut self, session: SessionId) {
        let what = SessionFact::Closed("gone".into());
        self.shell.session_told(SessionEvent { session, what });
    }

    fn dialling(&self) -> Vec<String> {
        self.dials.drain().into_iter().map(|dial| dial.0).collect()
    }

    /// What the registry heard, and the sessions that were closed.
    fn outcome(&self) -> (Vec<(u64, bool)>, Vec<SessionId>) {
        let told = self.told.drain().into_iter();
        let told = told.map(|told| match told.whom {
            Visited::Member(id) => (id.0.into(), told.reached),
            Visited::Inquirer(_) => panic!("nobody asked"),
        });
        let closed = self.begun.ordered.drain().into_iter();
        let closed = closed.map(|Ordered(session, command)| match command {
            SessionCommand::Close(reason) => {
                assert_eq!(reason, FAREWELL);
                session
            }
            other => panic!("{other:?}"),
        });
        (told.collect(), closed.collect())
    }
}

#[test]
fn a_member_is_looked_for_at_one_address_after_the_other_until_it_is_met() {
    let mut probe = Probe::new();
    probe.order(
        1,
        &["a.example:1", "b.example:1", "c.example:1", "d.example:1"],
    );
    assert_eq!(probe.dialling(), ["a.example:1"]);
    probe.dialled("a.example:1", false);
    assert_eq!(probe.dialling(), ["b.example:1"]);
    // Somebody who says nothing, then somebody else.
    probe.dialled("b.example:1", true);
    probe.closed(probe.begun.last());
    assert_eq!(probe.dialling(), ["c.example:1"]);
    probe.dialled("c.example:1", true);
    let other = probe.opened(2);
    assert_eq!(probe.dialling(), ["d.example:1"]);
    assert_eq!(probe.outcome(), (vec![], vec![other]));
    probe.dialled("d.example:1", true);
    let met = probe.opened(1);
    assert_eq!(probe.outcome(), (vec![(1, true)], vec![met]));
    probe.closed(other);
    probe.closed(met);
    assert_eq!(probe.outcome(), (vec![], vec![]), "each visit has one word");
    assert!(probe.shell.visits.is_empty() && probe.shell.sessions.is_empty());
}

#[test]
fn a_visit_ends_at_its_time_by_the_steady_clock_alone() {
    let mut probe = Probe::new();
    probe.order(1, &["a.example:1"]);
    probe.order(2, &["b.example:1"]);
    probe.dialled("b.example:1", true);
    let silent = probe.begun.last();
    probe.clock.pass(VISIT_PATIENCE_MS - 1);
    probe.clock.set_wall(Timestamp(u64::MAX));
    probe.shell.tick();
    assert_eq!(probe.outcome(), (vec![], vec![]));
    probe.clock.set_wall(Timestamp(0));
    probe.clock.pass(1);
    probe.shell.tick();
    let both = vec![(1, false), (2, false)];
    assert_eq!(probe.outcome(), (both, vec![silent]));
    // What comes too late is nobody's.
    probe.dialled("a.example:1", true);
    assert_eq!(probe.begun.last(), silent, "no session begins");
    let _ = probe.opened(2);
    probe.closed(silent);
    assert_eq!(probe.outcome(), (vec![], vec![]));
    assert!(probe.shell.sessions.is_empty());
}

#[test]
fn who_is_met_nowhere_is_told_once_and_two_at_one_address_have_a_connection_each() {
    let mut probe = Probe::new();
    probe.order(1, &[]);
    assert_eq!(probe.outcome().0, [(1, false)]);
    probe.order(1, &["a.example:1"]);
    probe.order(2, &["a.example:1"]);
    assert_eq!(probe.dialling(), ["a.example:1", "a.example:1"]);
    probe.dialled("a.example:1", true);
    let first = probe.opened(2);
    assert_eq!(probe.outcome(), (vec![(1, false)], vec![first]));
    probe.dialled("a.example:1", true);
    let second = probe.opened(2);
    assert_eq!(probe.outcome(), (vec![(2, true)], vec![second]));
    probe.order(1, &["a.example:1"]);
    probe.dialled("a.example:1", false);
    assert_eq!(probe.outcome(), (vec![(1, false)], vec![]));
}
