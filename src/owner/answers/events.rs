//! Events, as JSON.

use super::PersonView;
use crate::messages::events::Event;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Names an event: the number of the node's run in 16 hexadecimal digits, a dot, and how manieth event of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId {
    pub(in crate::owner) start: u64,
    pub(in crate::owner) sequence: u64,
}

/// What is no name of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is named by 16 hexadecimal digits, a dot, and its number")]
pub struct NotAnEvent;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.start, self.sequence)
    }
}

impl FromStr for EventId {
    type Err = NotAnEvent;

    fn from_str(text: &str) -> Result<Self, NotAnEvent> {
        let (start, sequence) = text.split_once('.').ok_or(NotAnEvent)?;
        let id = Self {
            start: u64::from_str_radix(start, 16).map_err(|_| NotAnEvent)?,
            sequence: sequence.parse().map_err(|_| NotAnEvent)?,
        };
        // One way to write each.
        (id.to_string() == text).then_some(id).ok_or(NotAnEvent)
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! kinds {
    ($($kind:ident = $name:literal;)*) => {
        /// The kinds of events.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum EventKind {
            $(#[doc = concat!("`", $name, "`")] $kind,)*
        }

        impl EventKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// Of which kind an event is.
            pub fn of<P>(event: &Event<P>) -> Self {
                match event {
                    $(Event::$kind { .. } => Self::$kind,)*
                }
            }
        }
    };
}

kinds! {
    BlockConnected = "block_connected";
    BlockDisconnected = "block_disconnected";
    SyncProgress = "sync_progress";
    TransactionOpened = "transaction_opened";
    TransactionClosed = "transaction_closed";
    SendChanged = "send_changed";
    MessageReceived = "message_received";
    MessagesRead = "messages_read";
    PeerCame = "peer_came";
    PeerGone = "peer_gone";
    MembersChanged = "members_changed";
    TrackerChanged = "tracker_changed";
    MiningBegun = "mining_begun";
    MiningEnded = "mining_ended";
    MiningRate = "mining_rate";
    BlockFound = "block_found";
    RaceLost = "race_lost";
}

/// Some kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKinds(u32);

impl EventKinds {
    /// All of them.
    pub const ALL: Self = Self(u32::MAX);

    /// These and no others.
    pub fn only(kinds: impl IntoIterator<Item = EventKind>) -> Self {
        let bits = kinds.into_iter().map(|kind| 1 << kind as u32);
        Self(bits.fold(0, |all, bit: u32| all | bit))
    }

    /// Whether this kind is one of them.
    pub fn contains(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }
}

/// Something that happened at a node.
pub type EventView = Event<PersonView>;

/// What is told to whoever follows the events.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Something happened.
    Event(EventId, EventView),
    /// What happened meanwhile is not known any more: look anew at what is shown. The events go on from here.
    Reset(EventId),
}
