//! To an Introducer, and from it.

use crate::chain::Genesis;
use crate::membership::Statements;
use crate::wire::MemberRecord;
use crate::wire::member::Leaving;
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
    /// What the admin has said.
    Statements(Arc<Statements>),
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
    /// Members that answer at present, checked.
    pub records: Vec<MemberRecord>,
}
