//! Which protocol this program speaks.

use std::fmt;

/// Version of this protocol. Nodes of different versions do not talk to each other.
pub const PROTOCOL_VERSION: u16 = 4;
/// Which draft of it; 0 once it is frozen. Until then a draft is as good as a version: its formats may
/// differ from the next one's, so that nodes of different drafts do not talk to each other.
pub const PROTOCOL_DRAFT: u16 = 5;
/// Which messages of that version are known beyond those that every program of it knows. It goes up with
/// each code from [`FIRST_OPTIONAL_CODE`] on that is added; nodes of different minor versions talk to
/// each other.
pub const MINOR_VERSION: u32 = 0;
/// The first code of a message that whoever does not know it may pass over. All below are known to all.
pub const FIRST_OPTIONAL_CODE: u16 = 128;

/// A version and its draft, as a preamble names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The version.
    pub number: u16,
    /// The draft of it; 0 if it is none.
    pub draft: u16,
}

impl Version {
    /// What this program speaks.
    pub const OURS: Self = Self {
        number: PROTOCOL_VERSION,
        draft: PROTOCOL_DRAFT,
    };

    /// Its four bytes in a preamble: both numbers, little-endian.
    pub fn to_bytes(self) -> [u8; 4] {
        let [a, b] = self.number.to_le_bytes();
        let [c, d] = self.draft.to_le_bytes();
        [a, b, c, d]
    }

    /// Reads them.
    pub fn from_bytes([a, b, c, d]: [u8; 4]) -> Self {
        Self {
            number: u16::from_le_bytes([a, b]),
            draft: u16::from_le_bytes([c, d]),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.draft {
            0 => write!(f, "version {}", self.number),
            draft => write!(f, "version {} (draft {draft})", self.number),
        }
    }
}
