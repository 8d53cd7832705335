//! More connections than a tracker has room for.

use super::ends::TrackerEnd;
use crate::chain::NetworkId;
use crate::protocol::SessionId;
use crate::protocol::doorstep::HANDSHAKE_PATIENCE_MS;
use crate::protocol::liveness::MAX_DIALS;
use crate::protocol::testing::record;
use crate::shell::MAX_SESSIONS;
use crate::wire::Message;

/// A member's session.
const MEMBER: SessionId = SessionId(1);

/// Connects as often as it lets anybody in, over and over from ever new addresses, and never lets go: who is told
/// to leave stays. Returns the last session that began.
fn hold_all(tracker: &mut TrackerEnd) -> SessionId {
    let (mut last, mut number) = (MEMBER, 0_u32);
    loop {
        tracker.pass(HANDSHAKE_PATIENCE_MS);
        let before = last;
        loop {
            number += 1;
            let [_, _, high, low] = number.to_be_bytes();
            match tracker.knock(&format!("198.51.{high}.{low}:7000")) {
                Some(session) => last = session,
                None => break,
            }
        }
        if last == before {
            return last;
        }
    }
}

fn told_to_end(tracker: &mut TrackerEnd, session: SessionId) -> bool {
    let said = tracker.said();
    said.iter()
        .any(|(to, what)| *to == session && what.is_none())
}

#[test]
fn attack_whoever_never_lets_go_holds_so_many_sessions_of_a_tracker_and_no_members() {
    // As many as the program is made for, or what the system has room for, without the visits to members.
    for (connections, most) in [(100_000, MAX_SESSIONS), (MAX_DIALS + 300, 300)] {
        let mut tracker = TrackerEnd::with_connections(connections);
        assert!(tracker.accept(MEMBER, 1, NetworkId::ZERO));
        tracker.hear(MEMBER, &Message::Register(record(1, "ann", 1)));
        while tracker.sync_one() {}
        let last = hold_all(&mut tracker);
        assert_eq!(tracker.sessions(), most);
        assert!(!told_to_end(&mut tracker, MEMBER), "its place is its own");
        // Room for one is room for one.
        tracker.gone(last);
        assert!(tracker.knock("203.0.113.1:7000").is_some());
        assert_eq!(tracker.knock("203.0.113.2:7000"), None);
        assert_eq!(tracker.sessions(), most);
    }
}
