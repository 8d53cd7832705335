//! What the other end of a session may send at which stage, before any of it is held.

use super::channel::Side;
use super::frame::Lengths;
use super::limits::{RECORD_CAP, TO_TRACKER_CAP};
use super::message::{BLOCK_CODE, Message, NodeRole, OFFER_GENESIS_CODE};

/// How far a session is, by who is at its ends and what was said in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Between members, what a tracker says to whoever dialled it, and what trackers say to each other that have
    /// begun to: as long as its code allows.
    Open,
    /// What another tracker says that dialled, until it was answered: nothing long, as anybody may say that it is
    /// one.
    FromTracker,
    /// What a peer says to a tracker: nothing long, whoever says it.
    ToTracker,
    /// What is said to a tracker that has told its member that there is no genesis block: that member may
    /// offer one.
    Founding,
}

impl Stage {
    /// That at which a session begins, between ends of these roles, of which we are on this side.
    pub fn first(ours: NodeRole, theirs: NodeRole, side: Side) -> Self {
        match (ours, theirs, side) {
            (NodeRole::Tracker, NodeRole::Peer, _) => Self::ToTracker,
            (NodeRole::Tracker, NodeRole::Tracker, Side::Responder) => Self::FromTracker,
            (NodeRole::Peer, ..) | (NodeRole::Tracker, NodeRole::Tracker, _) => Self::Open,
        }
    }

    /// That which follows when a tracker has said this.
    pub fn after(self, said: &Message) -> Self {
        match (self, said) {
            // Only who has the right to issue is told anything.
            (Self::Open, _) | (Self::FromTracker, _) => Self::Open,
            (_, Message::Registered(registered)) if registered.genesis.is_none() => Self::Founding,
            (_, Message::Registered(_) | Message::GenesisKnown(_)) => Self::ToTracker,
            (stage, _) => stage,
        }
    }

    /// The greatest length of a payload under each code.
    pub fn lengths(self) -> Lengths {
        match self {
            Self::Open => Message::most,
            Self::ToTracker | Self::FromTracker => to_tracker,
            Self::Founding => founding,
        }
    }

    /// The greatest length field of a record.
    pub fn record_cap(self) -> usize {
        match self {
            Self::Open => RECORD_CAP,
            Self::ToTracker | Self::FromTracker | Self::Founding => TO_TRACKER_CAP,
        }
    }
}

/// What was said in a session, as far as it decides what the other end may send next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    stage: Stage,
    /// Blocks that were asked for, and neither came nor were said to be missing.
    owed: usize,
}

impl Said {
    /// Nothing yet.
    pub fn nothing(stage: Stage) -> Self {
        Self { stage, owed: 0 }
    }

    /// How far the session is.
    pub fn stage(self) -> Stage {
        self.stage
    }

    /// The code of a message that nobody asked for, if there is a long one: its sender could make every session
    /// hold megabytes with it.
    pub fn unwanted(self) -> Option<u16> {
        (self.owed == 0).then_some(BLOCK_CODE)
    }

    /// This end has said this.
    pub fn note_said(&mut self, message: &Message) {
        self.stage = self.stage.after(message);
        if let Message::GetBlocks(ids) = message {
            self.owed = self.owed.saturating_add(ids.len());
        }
    }

    /// The other end has said this.
    pub fn note_heard(&mut self, message: &Message) {
        if let Message::Block(_) | Message::NoBlock(_) = message {
            self.owed = self.owed.saturating_sub(1);
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
    use crate::chain::BlockId;
    use crate::chain::testing::genesis;
    use crate::wire::MemberId;
    use crate::wire::message::Registered;

    #[test]
    fn attack_a_block_is_wanted_as_often_as_one_was_asked_for() {
        let mut said = Said::nothing(Stage::Open);
        let ids = [1, 2, 3].map(|n| BlockId([n; 32]));
        assert_eq!(said.unwanted(), Some(BLOCK_CODE));
        said.note_said(&Message::GetBlocks(ids.to_vec()));
        for id in ids {
            assert_eq!(said.unwanted(), None);
            said.note_heard(&Message::Ping(1));
            said.note_heard(&Message::NoBlock(id));
        }
        assert_eq!(said.unwanted(), Some(BLOCK_CODE));
        said.note_heard(&Message::NoBlock(ids[0]));
        said.note_said(&Message::GetBlocks(vec![ids[0]]));
        assert_eq!(
            said.unwanted(),
            None,
            "what nobody asked for pays for nothing"
        );
    }

    #[test]
    fn attack_m1_nothing_long_is_taken_by_a_tracker_but_the_genesis_block_that_it_has_none_of() {
        let all = || (0..=u16::MAX).filter(|code| Message::most(*code).is_some());
        let small = |stage: Stage| {
            let long = all().filter(|code| stage.lengths()(*code) > Some(TO_TRACKER_CAP));
            (long.collect::<Vec<_>>(), stage.record_cap())
        };
        let first = Stage::first(NodeRole::Tracker, NodeRole::Peer, Side::Responder);
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
        let stranger = Stage::first(NodeRole::Tracker, NodeRole::Tracker, Side::Responder);
        assert_eq!(small(stranger), (vec![], TO_TRACKER_CAP));
        assert_eq!(stranger.after(&Message::Challenge(1)), Stage::Open);
        let peers = Stage::first(NodeRole::Peer, NodeRole::Tracker, Side::Initiator);
        assert!(all().all(|code| peers.lengths()(code) == Message::most(code)));
        assert_eq!(peers.after(&registered(None)), peers);
    }
}
