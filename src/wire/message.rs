//! Messages: what nodes say to each other, and the codes they are sent under.

use super::certificate::Certificate;
use super::frame::{Frame, FrameError, encode_frame};
use super::lengths;
use super::member::{Address, Leaving, Member, MemberId, MemberRecord};
use super::receipt::Receipt;
use crate::canonical::{self, CappedText, Malformed, capped_list};
use crate::chain::locator::{MAX_HEADERS, MAX_LOCATOR};
use crate::chain::params::MAX_BLOCK_BYTES;
use crate::chain::{
    Block, BlockId, EncodedTransaction, Genesis, Header, Height, NetworkId, Params, TransactionId,
};
use crate::keys::PublicKey;
use serde::{Deserialize, Serialize};

/// First thing on every connection: a stranger that speaks something else is told apart at once.
pub const MAGIC: u32 = u32::from_be_bytes(*b"rclt");
/// Version of this protocol. Nodes of different versions do not talk to each other.
pub const PROTOCOL_VERSION: u32 = 3;
/// Bodies asked for in one message at most; also how many may be on their way from one peer.
pub const MAX_BLOCKS_ASKED: usize = 16;
/// Transaction ids in one message at most: 32 KB.
pub const MAX_IDS: usize = 1_000;
/// Bytes of transactions in one message at most: a frame with room to spare.
pub const MAX_TRANSACTIONS_BYTES: usize = 1024 * 1024;
/// Members in one message at most: about 200 KB at their usual size, and never above a frame.
pub const MAX_MEMBERS: usize = 500;
/// Longest text that gives a reason, in bytes.
pub const MAX_REASON: usize = 200;
/// Longest name of a program, in bytes.
pub const MAX_AGENT: usize = 40;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum NodeRole {
    /// Code 1: a member.
    Peer,
    /// Code 2: the meeting place.
    Tracker,
}

impl From<NodeRole> for u8 {
    fn from(role: NodeRole) -> u8 {
        match role {
            NodeRole::Peer => 1,
            NodeRole::Tracker => 2,
        }
    }
}

impl TryFrom<u8> for NodeRole {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        match code {
            1 => Ok(Self::Peer),
            2 => Ok(Self::Tracker),
            _ => Err(format!("no role has the code {code}")),
        }
    }
}

/// What a node says of itself in its introduction
/// ([`Introduction`](super::channel::Introduction)):
/// `[network, role, key, nonce, height, address, agent]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The network it belongs to; all zero if it has none yet.
    pub network: NetworkId,
    /// What it is.
    pub role: NodeRole,
    /// Who it is.
    pub key: PublicKey,
    /// Drawn at random once a start: whoever hears its own has dialled itself.
    pub nonce: u64,
    /// Height of its tip: for display, never believed.
    pub height: Height,
    /// Where it listens, if anywhere: for display and for dialling later.
    pub address: Option<Address>,
    /// The program, for display.
    pub agent: CappedText<MAX_AGENT>,
}

/// Why a connection is closed by the one who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// For people.
    pub reason: CappedText<MAX_REASON>,
}

impl Goodbye {
    /// A reason, cut to the length that fits.
    pub fn new(reason: &str) -> Self {
        Self {
            reason: CappedText::cut(reason),
        }
    }
}

/// Leave to make the genesis block: `[params, remaining_ms]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The parameters it must carry.
    pub params: Params,
    /// For how long nobody else is asked.
    pub remaining_ms: u64,
}

/// The tracker's yes to a registration: `[id, genesis, lease]`. Without either, somebody else is
/// making genesis and it will be told ([`Message::GenesisKnown`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The member's number.
    pub id: MemberId,
    /// The network's first block, if there is one.
    pub genesis: Option<Genesis>,
    /// Leave to make it, if there is none.
    pub lease: Option<Lease>,
}

/// Why the tracker says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum RefusalCode {
    /// Code 1: another key has the name.
    NameTaken,
    /// Code 2: the record or its signature is wrong, or for another tracker.
    BadRecord,
    /// Code 3: a later record of this key is known.
    OldRecord,
    /// Code 4: the network has as many members as it can have.
    Full,
    /// Code 5: what was offered as genesis is none of this network.
    BadGenesis,
    /// Code 6: only a registered member may ask this.
    NotRegistered,
}

impl From<RefusalCode> for u8 {
    fn from(code: RefusalCode) -> u8 {
        match code {
            RefusalCode::NameTaken => 1,
            RefusalCode::BadRecord => 2,
            RefusalCode::OldRecord => 3,
            RefusalCode::Full => 4,
            RefusalCode::BadGenesis => 5,
            RefusalCode::NotRegistered => 6,
        }
    }
}

impl TryFrom<u8> for RefusalCode {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, String> {
        Ok(match code {
            1 => Self::NameTaken,
            2 => Self::BadRecord,
            3 => Self::OldRecord,
            4 => Self::Full,
            5 => Self::BadGenesis,
            6 => Self::NotRegistered,
            _ => return Err(format!("no refusal has the code {code}")),
        })
    }
}

/// The tracker's no: `[code, reason]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// For programs.
    pub code: RefusalCode,
    /// For people.
    pub reason: CappedText<MAX_REASON>,
}

/// What changed among the members: `[changed, left]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MembersChanged {
    /// New ones, and those whose record or liveness changed.
    #[serde(deserialize_with = "capped_list::<MAX_MEMBERS, _, _>")]
    pub changed: Vec<Member>,
    /// Those that left for good.
    #[serde(deserialize_with = "capped_list::<MAX_MEMBERS, _, _>")]
    pub left: Vec<MemberId>,
}

/// A member's answer to a challenge of the tracker: `[number, height]`. Whoever gives it has read
/// everything that was sent before the challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeAnswer {
    /// That of the challenge.
    pub number: u64,
    /// Height of its tip: for display, never believed.
    pub height: Height,
}

/// Code of [`Message::Block`].
const BLOCK_CODE: u16 = 20;

/// Defines the message type with the code, the payload and the greatest length of each message.
macro_rules! messages {
    ($($(#[$doc:meta])* $code:literal $name:ident($payload:ty $(, $max:ident)?) <= $most:expr,)*) => {
        /// A message. The code is sent in the frame; the payload is canonical MessagePack.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Message {
            $($(#[$doc])* $name($payload),)*
        }

        impl Message {
            /// The code it is sent under.
            pub fn code(&self) -> u16 {
                match self {
                    $(Self::$name(_) => $code,)*
                }
            }

            /// Its name, for logs.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            fn payload(&self) -> Vec<u8> {
                match self {
                    $(Self::$name(payload) => canonical::encode(payload),)*
                }
            }

            /// The greatest length of a payload under this code, in bytes; `None` where nothing is sent
            /// under it.
            pub fn most(code: u16) -> Option<usize> {
                match code {
                    $($code => Some($most),)*
                    _ => None,
                }
            }

            /// Reads a frame.
            pub fn decode(frame: &Frame) -> Result<Self, MessageError> {
                match frame.code {
                    $($code => messages!(@decode $payload, &frame.payload $(, $max)?).map(Self::$name),)*
                    code => return Err(MessageError::UnknownCode(code)),
                }
                .map_err(|reason| MessageError::Malformed { code: frame.code, reason })
            }
        }
    };
    (@decode $payload:ty, $bytes:expr) => {
        canonical::decode::<$payload>($bytes)
    };
    (@decode $payload:ty, $bytes:expr, $max:ident) => {
        canonical::decode::<Capped<$max, _>>($bytes).map(|list| list.0)
    };
}

/// A list with its cap, as a whole payload.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Capped<const MAX: usize, T: Serialize + serde::de::DeserializeOwned>(
    #[serde(deserialize_with = "capped_list::<MAX, _, _>", bound = "")] Vec<T>,
);

messages! {
    /// Are you there? Any number.
    2 Ping(u64) <= lengths::U64,
    /// Yes; the number of the ping.
    3 Pong(u64) <= lengths::U64,
    /// I close this connection.
    4 Goodbye(Goodbye) <= lengths::GOODBYE,

    /// Send headers after the first of these ids that you have connected.
    16 GetHeaders(Vec<BlockId>, MAX_LOCATOR) <= lengths::GET_HEADERS,
    /// Headers that follow each other, oldest first; fewer than the most there may be = no more.
    17 Headers(Vec<Header>, MAX_HEADERS) <= lengths::HEADERS,
    /// My tip is this block now.
    18 AnnounceBlock(Header) <= lengths::HEADER,
    /// Send these blocks.
    19 GetBlocks(Vec<BlockId>, MAX_BLOCKS_ASKED) <= lengths::GET_BLOCKS,
    /// A block that was asked for.
    20 Block(Block) <= MAX_BLOCK_BYTES as usize,
    /// I do not have this block that was asked for.
    21 NoBlock(BlockId) <= lengths::HASH,

    /// These transactions are open here.
    32 AnnounceTransactions(Vec<TransactionId>, MAX_IDS) <= lengths::IDS,
    /// Send these transactions.
    33 GetTransactions(Vec<TransactionId>, MAX_IDS) <= lengths::IDS,
    /// Transactions that were asked for, as far as they are open still.
    34 Transactions(Vec<EncodedTransaction>, MAX_IDS) <= lengths::TRANSACTIONS,

    /// From its sender to its recipient: a transaction for you.
    48 Deliver(EncodedTransaction) <= lengths::DELIVER,
    /// From its recipient to its sender: what became of it.
    49 Receipt(Receipt) <= lengths::RECEIPT,

    /// To the tracker: I am a member, or want to be.
    64 Register(MemberRecord) <= lengths::MEMBER_RECORD,
    /// From the tracker: you are.
    65 Registered(Registered) <= lengths::REGISTERED,
    /// From the tracker: no.
    66 Refused(Refused) <= lengths::REFUSED,
    /// To the tracker: here is the genesis block that you asked for.
    67 OfferGenesis(Genesis) <= lengths::GENESIS,
    /// From the tracker: this is the network's genesis block.
    68 GenesisKnown(Genesis) <= lengths::GENESIS,
    /// To the tracker: who is there? All, or ten by chance where there are more.
    69 GetMembers(()) <= 1,
    /// From the tracker: the answer.
    70 Members(Vec<Member>, MAX_MEMBERS) <= lengths::MEMBERS,
    /// From the tracker: this changed.
    71 MembersChanged(MembersChanged) <= lengths::MEMBERS_CHANGED,
    /// To the tracker: I leave for good.
    72 Leave(Leaving) <= lengths::LEAVE,
    /// From the tracker: you have left.
    73 Left(()) <= 1,
    /// From the tracker: are you there? Any number.
    75 Challenge(u64) <= lengths::U64,
    /// To the tracker: yes.
    76 ChallengeAnswer(ChallengeAnswer) <= lengths::CHALLENGE_ANSWER,
    /// From the tracker: you are a member of this network. Before a yes and before the news of
    /// genesis, once there is one.
    74 CertificateIssued(Certificate) <= lengths::CERTIFICATE,
}

/// Why a frame is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Nothing is sent under this code.
    #[error("no message has the code {0}")]
    UnknownCode(u16),
    /// The payload is not that of its code.
    #[error("the message with code {code} is malformed: {reason}")]
    Malformed {
        /// The code.
        code: u16,
        /// What is wrong.
        reason: Malformed,
    },
}

impl Message {
    /// The frame that carries it. An error only for a payload above the frame cap, which no message
    /// that was put together within its limits has: it stays within [`Message::most`].
    pub fn to_frame(&self) -> Result<Vec<u8>, FrameError> {
        let mut bytes = Vec::new();
        encode_frame(self.code(), &self.payload(), &mut bytes)?;
        Ok(bytes)
    }

    /// The frame of a [`Message::Block`], from the block's canonical bytes as they are stored:
    /// nothing is decoded only to be encoded again.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], as for [`Message::to_frame`].
    pub fn block_frame(block: &[u8]) -> Result<Vec<u8>, FrameError> {
        let mut bytes = Vec::new();
        encode_frame(BLOCK_CODE, block, &mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
