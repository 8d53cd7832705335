use super::*;
use crate::canonical::CappedText;
use crate::chain::testing::member;
use crate::chain::{BlockId, Height};

fn hello(number: u8) -> Hello {
    Hello {
        magic: MAGIC,
        version: PROTOCOL_VERSION,
        network: BlockId([1; 32]),
        role: NodeRole::Peer,
        key: member(number).public_key(),
        nonce: u64::from(number),
        height: Height(3),
        address: None,
        agent: CappedText::default(),
    }
}

const PEER: Expected = Expected {
    role: NodeRole::Peer,
    same_network: true,
};

fn judged(theirs: &Hello) -> Result<(), HandshakeError> {
    judge_hello(&hello(1), theirs, PEER)
}

#[test]
fn a_peer_of_the_same_network_is_one_to_talk_to() {
    assert_eq!(judged(&hello(2)), Ok(()));
}

#[test]
fn what_speaks_something_else_is_told_apart_first() {
    let stranger = Hello {
        magic: MAGIC + 1,
        version: 7,
        ..hello(1)
    };
    assert_eq!(judged(&stranger), Err(HandshakeError::NotRaclette));
}

#[test]
fn another_version_names_both() {
    let newer = Hello {
        version: PROTOCOL_VERSION + 1,
        network: BlockId([2; 32]),
        ..hello(2)
    };
    let error = judged(&newer).unwrap_err();
    assert_eq!(
        error,
        HandshakeError::Version {
            ours: PROTOCOL_VERSION,
            theirs: PROTOCOL_VERSION + 1
        }
    );
    assert!(error.to_string().contains("update the older one"));
}

#[test]
fn a_node_recognises_itself_by_key_and_nonce_together() {
    assert_eq!(judged(&hello(1)), Err(HandshakeError::Ourselves));
    // The same number by chance is not the same node.
    let same_nonce = Hello {
        nonce: 1,
        ..hello(2)
    };
    assert_eq!(judged(&same_nonce), Ok(()));
}

#[test]
fn a_tracker_where_a_peer_belongs_is_refused_and_the_other_way_round() {
    let tracker = Hello {
        role: NodeRole::Tracker,
        ..hello(2)
    };
    let wrong = HandshakeError::WrongRole(NodeRole::Tracker);
    assert_eq!(judged(&tracker), Err(wrong));
    let expected = Expected {
        role: NodeRole::Tracker,
        ..PEER
    };
    let wrong = HandshakeError::WrongRole(NodeRole::Peer);
    assert_eq!(judge_hello(&hello(1), &hello(2), expected), Err(wrong));
    assert_eq!(judge_hello(&hello(1), &tracker, expected), Ok(()));
}

#[test]
fn another_network_is_refused_where_it_matters() {
    let other = Hello {
        network: BlockId([2; 32]),
        ..hello(2)
    };
    assert_eq!(
        judged(&other),
        Err(HandshakeError::OtherNetwork {
            ours: BlockId([1; 32]),
            theirs: BlockId([2; 32]),
        })
    );
    let anywhere = Expected {
        same_network: false,
        ..PEER
    };
    assert_eq!(judge_hello(&hello(1), &other, anywhere), Ok(()));
}
