//! Messages: what nodes say to each other, and the codes they are sent under.

use super::frame::{Frame, FrameError, HEAD_LEN, encode_frame, frame_head};
use super::lengths;
use super::member::{Leaving, Member, MemberId, MemberRecord};
use super::receipt::Receipt;
use super::version::FIRST_OPTIONAL_CODE;
use super::work::{WorkAsked, WorkDone};
use crate::canonical::{self, CappedText, Malformed, capped_list, coded};
use crate::chain::locator::{MAX_HEADERS, MAX_LOCATOR};
use crate::chain::params::MAX_BLOCK_BYTES;
use crate::chain::{
    Block, BlockId, EncodedTransaction, Genesis, Header, Height, NetworkId, Params, Timestamp,
    TransactionId,
};
use crate::keys::{PublicKey, Signature};
use crate::membership::{
    Address, Certificate, Delegation, Invitation, MemberName, SignedStatement,
};
use serde::{Deserialize, Serialize};

/// First thing on every connection: a stranger that speaks something else is told apart at once.
pub const MAGIC: u32 = u32::from_be_bytes(*b"rclt");
/// Bodies asked for in one message at most; also how many may be on their way from one peer.
pub const MAX_BLOCKS_ASKED: usize = 16;
/// Transaction ids in one message at most: 32 KB.
pub const MAX_IDS: usize = 1_000;
/// Bytes of transactions in one message at most: a frame with room to spare.
pub const MAX_TRANSACTIONS_BYTES: usize = 1024 * 1024;
/// Members in one message at most: about 200 KB at their usual size, and never above a frame.
pub const MAX_MEMBERS: usize = 500;
/// Statements of the admin in one message at most: about 60 KB at their usual size.
pub const MAX_STATEMENTS: usize = 256;
/// Names, and invitations, in one copy of a register at most: about 100 KB at their usual size.
pub const MAX_COPIED: usize = 256;
/// Statements of the admin in one message to a tracker at most: as many as fit what it takes.
pub const MAX_STATEMENTS_TO_TRACKER: usize = 8;
/// Longest text that gives a reason, in bytes.
pub const MAX_REASON: usize = 200;
/// Longest name of a program, in bytes.
pub const MAX_AGENT: usize = 40;

coded! {
    /// What a node is.
    pub enum NodeRole, "no role" {
        /// A member.
        1 Peer,
        /// The meeting place.
        2 Tracker,
    }
}

/// What a node says of itself in its introduction
/// ([`Introduction`](super::channel::Introduction)):
/// `[network, role, key, nonce, height, address, time, minor, incarnation, agent]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The network it belongs to; all zero if it has none yet.
    pub network: NetworkId,
    /// Whether it is a peer or a tracker.
    pub role: NodeRole,
    /// Public key of the member: what it is on the ledger.
    pub key: PublicKey,
    /// Drawn at random once a start: whoever hears its own has dialled itself.
    pub nonce: u64,
    /// Height of its tip: for display, never believed.
    pub height: Height,
    /// Where it listens, if anywhere: for display and for dialling later.
    pub address: Option<Address>,
    /// What its clock says, to be compared: nobody sets a clock by it.
    pub time: Timestamp,
    /// The minor version that it speaks ([`MINOR_VERSION`](super::version::MINOR_VERSION)).
    pub minor: u32,
    /// Drawn at random at the first start of its data directory, and the same ever after: tells a node
    /// from one that begins again with the same key.
    pub incarnation: u64,
    /// The program and its version, such as `raclette/0.1.0`: for display.
    pub agent: CappedText<MAX_AGENT>,
}

/// The answer to a ping: `[number, time]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// That of the ping.
    pub number: u64,
    /// What the sender's clock says, to be compared.
    pub time: Timestamp,
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

coded! {
    /// Why the tracker says no.
    pub enum RefusalCode, "no refusal" {
        /// Another key has the name.
        1 NameTaken,
        /// The record or its signature is wrong, or for another tracker.
        2 BadRecord,
        /// A later record of this key is known.
        3 OldRecord,
        /// The network has as many members as it can have.
        4 Full,
        /// What was offered as genesis is none of this network.
        5 BadGenesis,
        /// Only a registered member may ask this.
        6 NotRegistered,
        /// Another node with the same key is registered, and answers; or, to a member that is
        /// registered: another one wanted to be. The words say where it is.
        7 KeyInUse,
        /// The network takes in whoever was invited, and no invitation was shown.
        8 InvitationNeeded,
        /// The invitation is not by who may invite, or was used without its secret.
        9 InvitationWrong,
        /// The invitation is into another network.
        10 InvitationElsewhere,
        /// The invitation has ended.
        11 InvitationExpired,
        /// The invitation was revoked.
        12 InvitationRevoked,
        /// As many as the invitation was for have joined by it.
        13 InvitationUsedUp,
        /// The admin has put this key out; the statement was sent before this.
        14 PutOut,
        /// The record's number lies too far ahead of the tracker's clock.
        15 NumberAhead,
        /// The member's record changes too often.
        16 TooOften,
        /// The tracker has lost its register, and waits for a member of its network.
        17 RegisterLost,
    }
}

/// What a newcomer shows to be let in: `[invitation, signature]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// What the issuer signed.
    pub invitation: Invitation,
    /// By the invitation's key, over network, the newcomer's key and its name
    /// ([`sign_invited`](crate::membership::invitation::sign_invited)).
    pub signature: Signature,
}

/// The tracker's answer to who asks whether it could join: yes; `[genesis, reached]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admissible {
    /// The network's first block, if there is one.
    pub genesis: Option<Genesis>,
    /// Whether it answered under one of the addresses that it named; nothing if nobody tried.
    pub reached: Option<bool>,
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
    /// The words of those that left for good, as they signed them.
    #[serde(deserialize_with = "capped_list::<MAX_MEMBERS, _, _>")]
    pub left: Vec<Leaving>,
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

/// A name that nobody goes by: `[name, key, left, leaving]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerName {
    /// The name.
    pub name: MemberName,
    /// Whose it stays.
    pub key: PublicKey,
    /// When that key left, if it did.
    pub left: Option<Timestamp>,
    /// Its word that it leaves, if it gave one: nothing else takes a member off a list.
    pub leaving: Option<Leaving>,
}

/// What a tracker keeps of an invitation: `[invitation, used, revoked]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationUse {
    /// What was signed.
    pub invitation: Invitation,
    /// How many joined by it there.
    pub used: u32,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

/// What a tracker has registered, but for the members, of whom news is told: `[former, invitations]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterCopy {
    /// Names that nobody goes by.
    #[serde(deserialize_with = "capped_list::<MAX_COPIED, _, _>")]
    pub former: Vec<FormerName>,
    /// Invitations.
    #[serde(deserialize_with = "capped_list::<MAX_COPIED, _, _>")]
    pub invitations: Vec<InvitationUse>,
}

/// Code of [`Message::Block`].
pub(super) const BLOCK_CODE: u16 = 20;
/// Code of [`Message::OfferGenesis`].
pub(super) const OFFER_GENESIS_CODE: u16 = 67;

/// Defines the message type with the code, the payload and the greatest length of each message.
macro_rules! messages {
    ($($(#[$doc:meta])* $code:literal $name:ident($payload:ty $(, $max:ident)?) <= $most:expr,)*) => {
        // What all must know has a code below those that may be passed over.
        $(const _: () = assert!($code < FIRST_OPTIONAL_CODE);)*

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
    /// Yes, and this late is it here.
    3 Pong(Pong) <= lengths::PONG,
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
    /// To the tracker: by this I was invited. Before [`Message::Register`] or [`Message::Inquire`].
    77 Invited(Invited) <= lengths::INVITED,
    /// To the tracker: could I register so, and can I be reached? Nothing else comes of it.
    78 Inquire(MemberRecord) <= lengths::MEMBER_RECORD,
    /// From the tracker: you could.
    79 Admissible(Admissible) <= lengths::ADMISSIBLE,
    /// What the admin has said, as far as the sender holds it: at the beginning of a session, and what is
    /// new. Between peers, and between member and tracker, in both directions.
    80 Statements(Vec<SignedStatement>, MAX_STATEMENTS) <= lengths::STATEMENTS,
    /// From the admin's tracker to another one: you may issue.
    81 Delegated(Delegation) <= lengths::DELEGATION,
    /// Between the admin's tracker and a delegate's: names that nobody goes by, and invitations.
    82 RegisterCopy(RegisterCopy) <= lengths::REGISTER_COPY,
    /// From the tracker, in the place of an answer to [`Message::Register`]: it costs this work.
    83 WorkAsked(WorkAsked) <= lengths::WORK_ASKED,
    /// To the tracker: it is done. Before [`Message::Register`].
    84 WorkDone(WorkDone) <= lengths::WORK_DONE,
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

    /// What comes before the block in the frame of a [`Message::Block`]: behind it are the block's canonical
    /// bytes, so many, as they are stored. Nothing is decoded only to be encoded again.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], as for [`Message::to_frame`].
    pub fn block_head(length: usize) -> Result<[u8; HEAD_LEN], FrameError> {
        frame_head(BLOCK_CODE, length)
    }
}

#[cfg(test)]
mod tests;
