//! What tracker and members wait for ends by the steady clock, whatever anybody does to the wall clock.

use super::ends::{PeerEnd, TrackerEnd};
use crate::chain::{NetworkId, Timestamp};
use crate::protocol::SessionId;
use crate::protocol::registry::REGISTER_WITHIN_MS;
use crate::protocol::tracker_link::{
    ANSWER_PATIENCE_MS, DIAL_PATIENCE_MS, MAX_BACK_OFF_MS, MIN_BACK_OFF_MS,
};

/// A year ahead, or 1970.
const WALLS: [Timestamp; 2] = [Timestamp(u64::MAX / 2), Timestamp(0)];

#[test]
fn t3_a_tracker_that_answers_no_dial_is_given_up_by_the_steady_clock() {
    for wall in WALLS {
        let mut peer = PeerEnd::new(1, "ann");
        peer.pass(0);
        assert_eq!(peer.dials.len(), 1);
        peer.dials.clear();
        peer.set_wall(wall);
        peer.pass(DIAL_PATIENCE_MS - 1);
        assert_eq!(peer.known().trouble, None);
        peer.pass(1);
        assert!(peer.known().trouble.is_some());
        // The clock is set once more: the pause is no longer for that.
        peer.set_wall(WALLS[0]);
        peer.set_wall(WALLS[1]);
        peer.pass(MIN_BACK_OFF_MS);
        assert_eq!(peer.dials.len(), 1);
    }
}

#[test]
fn t3_a_tracker_that_does_not_answer_a_registration_is_given_up_by_the_steady_clock() {
    for wall in WALLS {
        let (mut peer, session) = (PeerEnd::new(1, "ann"), SessionId(1));
        peer.pass(0);
        peer.connect(session, NetworkId::ZERO);
        assert_eq!(peer.said().len(), 1, "its registration");
        peer.set_wall(wall);
        peer.pass(ANSWER_PATIENCE_MS - 1);
        assert!(peer.said().is_empty());
        peer.pass(1);
        assert!(matches!(peer.said()[..], [(of, None)] if of == session));
        peer.gone(session);
        peer.set_wall(WALLS[1]);
        peer.pass(MAX_BACK_OFF_MS);
        assert_eq!(peer.dials.len(), 1, "it is dialled again");
    }
}

#[test]
fn t3_who_does_not_register_is_turned_away_by_the_steady_clock() {
    for wall in WALLS {
        let (mut tracker, session) = (TrackerEnd::new(), SessionId(1));
        assert!(tracker.accept(session, 1, NetworkId::ZERO));
        let _ = tracker.said();
        tracker.set_wall(wall);
        tracker.pass(REGISTER_WITHIN_MS);
        assert!(tracker.said().is_empty(), "to the millisecond");
        tracker.pass(1);
        assert!(matches!(tracker.said()[..], [(of, None)] if of == session));
    }
}
