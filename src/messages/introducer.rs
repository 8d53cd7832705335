//! To an Introducer, and from it.

use crate::chain::Genesis;
use crate::membership::{Certificate, SignedStatement};
use crate::wire::member::Leaving;
use crate::wire::{Member, MemberRecord};
use actix::Message;

/// What the link to the first tracker learnt that the others have to know.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum TellIntroducer {
    /// What we say of ourselves.
    Record(MemberRecord),
    /// Which network this is.
    Network(Genesis),
    /// What the admin has said, all that we hold.
    Statements(Vec<SignedStatement>),
    /// Our certificate is due, and the first tracker does not renew it.
    Renew,
    /// That we leave for good.
    Leave(Leaving),
    /// The owner disconnects this node, or connects it again.
    Connect(bool),
    /// The node is stopping: say goodbye.
    Close,
}

/// To the TrackerLink: whom one of the other trackers introduces, all of them.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Introduced {
    /// Which of them, by its place in the settings.
    pub tracker: usize,
    /// Members that answer at present; their records are checked.
    pub members: Vec<Member>,
}

/// To the TrackerLink: what one of the other trackers has told that is to be judged.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum ToldElsewhere {
    /// A certificate for us.
    Issued {
        /// Which of them, by its place in the settings.
        tracker: usize,
        /// What it issued.
        certificate: Box<Certificate>,
    },
    /// What the admin has said.
    Heard(Vec<SignedStatement>),
}
