//! Whoever follows is told who comes and goes.

use super::*;

#[test]
fn a_peer_that_comes_and_goes_is_told_of() {
    let limits = PeersLimits {
        outgoing: 8,
        incoming: 8,
    };
    let mut node = Node::new(100, limits, Work::ZERO, &HandClock::new());
    node.shell
        .accepted(ConnectionAccepted(connection("there:1")));
    let session = node.begun.last();
    assert_eq!(node.events.drain(), [], "nobody knows yet who it is");
    assert!(node.opened(session, 1).is_none());
    let peer = member(1).public_key();
    assert_eq!(node.events.drain(), [Event::PeerCame { peer }]);
    node.closed(session, "it was cut");
    let reason = "it was cut".to_owned();
    assert_eq!(node.events.drain(), [Event::PeerGone { peer, reason }]);
}
