//! What the other end of a session may send at which stage, before any of it is held.

use super::frame::Lengths;
use super::limits::{RECORD_CAP, TO_TRACKER_CAP};
use super::message::{Message, NodeRole, OFFER_GENESIS_CODE};

/// How far a session is, by who is at its ends and what was said in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Between members, between trackers, and what a tracker says to a member: as long as its code allows.
    Open,
    /// What a peer says to a tracker: nothing long, whoever says it.
    ToTracker,
    /// What is said to a tracker that has told its member that there is no genesis block: that member may
    /// offer one.
    Founding,
}

impl Stage {
    /// That at which a session begins, between ends of these roles.
    pub fn first(ours: NodeRole, theirs: NodeRole) -> Self {
        match (ours, theirs) {
            (NodeRole::Tracker, NodeRole::Peer) => Self::ToTracker,
            (NodeRole::Peer, _) | (NodeRole::Tracker, NodeRole::Tracker) => Self::Open,
        }
    }

    /// That which follows when a tracker has said this.
    pub fn after(self, said: &Message) -> Self {
        match (self, said) {
            (Self::Open, _) => Self::Open,
            (_, Message::Registered(registered)) if registered.genesis.is_none() => Self::Founding,
            (_, Message::Registered(_) | Message::GenesisKnown(_)) => Self::ToTracker,
            (stage, _) => stage,
        }
    }

    /// The greatest length of a payload under each code.
    pub fn lengths(self) -> Lengths {
        match self {
            Self::Open => Message::most,
            Self::ToTracker => to_tracker,
            Self::Founding => founding,
        }
    }

    /// The greatest length field of a record.
    pub fn record_cap(self) -> usize {
        match self {
            Self::Open => RECORD_CAP,
            Self::ToTracker | Self::Founding => TO_TRACKER_CAP,
        }
    }
}

fn to_tracker(code: u16) -> Option<usize> {
    Message::most(code).map(|most| most.min(TO_TRACKER_CAP))
}

fn founding(code: u16) -> Option<usize> {
    match code {
        OFFER_GENESIS_CODE => Message::most(code),
        code => to_tracker(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testing::genesis;
    use crate::wire::MemberId;
    use crate::wire::message::Registered;

    #[test]
    fn attack_m1_nothing_long_is_taken_by_a_tracker_but_the_genesis_block_that_it_has_none_of() {
        let all = || (0..=u16::MAX).filter(|code| Message::most(*code).is_some());
        let small = |stage: Stage| {
            let long = all().filter(|code| stage.lengths()(*code) > Some(TO_TRACKER_CAP));
            (long.collect::<Vec<_>>(), stage.record_cap())
        };
        let first = Stage::first(NodeRole::Tracker, NodeRole::Peer);
        assert_eq!(small(first), (vec![], TO_TRACKER_CAP));
        let registered = |genesis| {
            Message::Registered(Registered {
                id: MemberId(1),
                genesis,
                lease: None,
            })
        };
        let founding = first.after(&registered(None));
        assert_eq!(small(founding), (vec![OFFER_GENESIS_CODE], TO_TRACKER_CAP));
        assert_eq!(founding.after(&Message::Challenge(1)), founding);
        assert_eq!(founding.after(&Message::GenesisKnown(genesis())), first);
        assert_eq!(first.after(&registered(Some(genesis()))), first);
        // What everybody has to say to a tracker fits.
        for code in [64, 72, 76, 77, 78] {
            assert_eq!(first.lengths()(code), Message::most(code), "code {code}");
        }
        let peers = Stage::first(NodeRole::Peer, NodeRole::Tracker);
        assert!(all().all(|code| peers.lengths()(code) == Message::most(code)));
        assert_eq!(peers.after(&registered(None)), peers);
    }
}
