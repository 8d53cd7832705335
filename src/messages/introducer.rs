//! To an Introducer, and from it.

use crate::chain::Genesis;
use crate::keys::PublicKey;
use crate::membership::{Address, Certificate, Statements};
use crate::wire::member::Leaving;
use crate::wire::{Member, MemberRecord};
use actix::Message;
use std::sync::Arc;

/// What the link to the first tracker learnt that the others have to know.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum TellIntroducer {
    /// What we say of ourselves.
    Record(MemberRecord),
    /// Which network this is.
    Network(Genesis),
    /// Our certificate is due, and the first tracker does not renew it.
    Renew,
    /// What the admin has said.
    Statements(Arc<Statements>),
    /// That we leave for good.
    Leave(Leaving),
    /// The link talks with the tracker that was met here: the one that it talked with before, at this address, is
    /// to be talked with instead.
    Instead(Address),
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

/// To the TrackerLink: one of the other trackers issued a certificate for us, which is to be judged.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct IssuedElsewhere {
    /// Which of them, by its place in the settings.
    pub tracker: usize,
    /// What it issued.
    pub certificate: Box<Certificate>,
}

/// To the TrackerLink: one of the other trackers is the one that speaks for the network.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AdminMet {
    /// Which of them, by its place in the settings.
    pub tracker: usize,
    /// Where it answers.
    pub address: Address,
    /// The key that it has proven.
    pub key: PublicKey,
}
