//! From two strangers to two halves of a channel: preambles, then the three messages of Noise XX.

use super::noise::{ChaChaPoly, Key, Primitives};
use super::record::{Opener, Sealer};
use crate::wire::message::MAGIC;
use crate::wire::version::Version;
use snow::params::NoiseParams;
use snow::{Builder, HandshakeState};
use std::sync::LazyLock;
use zeroize::{Zeroize, Zeroizing};

/// Which handshake this is, and with which primitives.
pub const PROTOCOL_NAME: &str = "Noise_XX_25519_ChaChaPoly_BLAKE2s";
/// Bytes of a preamble.
pub const PREAMBLE_LEN: usize = 8;
/// Bytes of the three messages of the handshake, whose payloads are empty: `e`, `e, ee, s, es` and
/// `s, se`.
pub const MESSAGE_LENS: [usize; 3] = [32, 96, 64];
/// Bytes that are drawn at random for one handshake.
pub const SECRETS_LEN: usize = 64;

static PARAMS: LazyLock<NoiseParams> =
    LazyLock::new(|| PROTOCOL_NAME.parse().expect("the name is well-formed"));
/// A handshake without keys of its own, which takes the place of one that is over.
static NO_PARAMS: LazyLock<NoiseParams> = LazyLock::new(|| {
    let name = "Noise_NN_25519_ChaChaPoly_BLAKE2s";
    name.parse().expect("the name is well-formed")
});

/// Which end of a connection one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who dialled.
    Initiator,
    /// Who was dialled.
    Responder,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }

    /// Its number in a proof.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Initiator => 1,
            Self::Responder => 2,
        }
    }
}

/// Why a channel can't be made, or not used any more. Nothing can follow but the end of the
/// connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// It speaks something else.
    #[error("the other end does not speak this protocol")]
    NotRaclette,
    /// It is of another version.
    #[error(
        "the other end speaks {theirs} of the protocol, this node {ours}: update the older one"
    )]
    Version {
        /// Our version.
        ours: Version,
        /// Its version.
        theirs: Version,
    },
    /// What came is not what the other end of a handshake with us would send.
    #[error("the handshake was disturbed or made with other keys")]
    Handshake,
    /// A record was changed, left out, repeated or is of somebody else.
    #[error("a record can't be opened: it was changed on its way, or is not the next one")]
    Forged,
    /// A record's length is not allowed at this stage of the connection.
    #[error("a record of {length} bytes, but {least} to {most} are allowed here")]
    RecordLength {
        /// Bytes announced.
        length: usize,
        /// Bytes of the shortest one.
        least: usize,
        /// Bytes allowed.
        most: usize,
    },
    /// A record is of no known kind, or of one that has no place there.
    #[error("a record of kind {0}, which does not belong there")]
    RecordKind(u8),
    /// Every number for a record was used; nobody gets there.
    #[error("the channel is used up")]
    UsedUp,
}

/// The random bytes behind the keys of one handshake, wiped when dropped. Both keys live only as
/// long as the handshake: who somebody is, is proven afterwards.
pub struct ChannelSecrets {
    fixed: Key,
    ephemeral: Key,
}

impl ChannelSecrets {
    /// Takes up bytes from a source of randomness that is fit for keys: the first half for the
    /// static key, the second for the ephemeral one.
    pub fn from_bytes(mut bytes: [u8; SECRETS_LEN]) -> Self {
        let mut secrets = Self {
            fixed: Key::default(),
            ephemeral: Key::default(),
        };
        let (fixed, ephemeral) = bytes.split_at(SECRETS_LEN / 2);
        secrets.fixed.copy_from_slice(fixed);
        secrets.ephemeral.copy_from_slice(ephemeral);
        bytes.zeroize();
        secrets
    }
}

/// What is said before anything is secret: magic, big-endian, and version.
pub fn preamble(version: Version) -> [u8; PREAMBLE_LEN] {
    let mut bytes = [0; PREAMBLE_LEN];
    bytes[..4].copy_from_slice(&MAGIC.to_be_bytes());
    bytes[4..].copy_from_slice(&version.to_bytes());
    bytes
}

/// Judges the other's preamble.
fn judge_preamble(theirs: &[u8]) -> Result<(), ChannelError> {
    let ours = Version::OURS;
    let (magic, version) = theirs.split_at(4);
    if magic != MAGIC.to_be_bytes() {
        return Err(ChannelError::NotRaclette);
    }
    let theirs = <[u8; 4]>::try_from(version).map(Version::from_bytes);
    match theirs {
        Ok(theirs) if theirs == ours => Ok(()),
        Ok(theirs) => Err(ChannelError::Version { ours, theirs }),
        Err(_) => Err(ChannelError::NotRaclette),
    }
}

/// A channel that stands; nobody has said who he is yet.
pub struct Channel {
    /// For what we send.
    pub sealer: Sealer,
    /// For what the other sends.
    pub opener: Opener,
    /// What this handshake alone came to, at both ends. Who signs it proves to be the one at the
    /// other end of this channel and no other.
    pub binding: Binding,
}

/// The hash of a handshake, and which end of it is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Noise's handshake hash: of the protocol's name, both preambles and all three messages.
    pub hash: [u8; 32],
    /// Which end we are.
    pub side: Side,
}

/// What is awaited of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Preamble,
    /// The message of this number, from 0.
    Message(usize),
}

impl Awaited {
    fn len(self) -> usize {
        match self {
            Self::Preamble => PREAMBLE_LEN,
            Self::Message(number) => MESSAGE_LENS[number],
        }
    }
}

/// A handshake under way: takes what the other sent, and says what to send.
pub struct Handshake {
    side: Side,
    noise: Box<HandshakeState>,
    awaited: Option<Awaited>,
    buffer: [u8; MESSAGE_LENS[1]],
    held: usize,
}

impl Handshake {
    /// A handshake at its beginning.
    ///
    /// # Errors
    /// [`ChannelError::Handshake`] if the primitives do not fit together, which these do.
    pub fn new(side: Side, secrets: ChannelSecrets) -> Result<Self, ChannelError> {
        let prologue = [preamble(Version::OURS), preamble(Version::OURS)].concat();
        let ChannelSecrets { fixed, ephemeral } = secrets;
        let primitives = Box::new(Primitives::new(ephemeral));
        let builder = Builder::with_resolver(PARAMS.clone(), primitives)
            .prologue(&prologue)
            .and_then(|builder| builder.local_private_key(&*fixed));
        let noise = builder.and_then(|builder| match side {
            Side::Initiator => builder.build_initiator(),
            Side::Responder => builder.build_responder(),
        });
        Ok(Self {
            side,
            noise: Box::new(noise.map_err(|_| ChannelError::Handshake)?),
            awaited: None,
            buffer: [0; MESSAGE_LENS[1]],
            held: 0,
        })
    }

    /// Takes bytes off the front of `input`, and appends to `out` what is to be sent now, also in
    /// case of an error. To be called once without input to begin with, and then with whatever
    /// comes, until the channel stands; what is left of `input` then are its first records.
    ///
    /// # Errors
    /// By variant of [`ChannelError`]: send `out` and close the connection.
    pub fn advance(
        &mut self,
        input: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Channel>, ChannelError> {
        if self.awaited.is_none() {
            self.awaited = Some(Awaited::Preamble);
            if self.side == Side::Initiator {
                out.extend(preamble(Version::OURS));
                self.say(0, out)?;
            }
        }
        while let Some(awaited) = self.awaited
            && self.fill(awaited.len(), input)
        {
            self.held = 0;
            match awaited {
                Awaited::Preamble => self.heard_preamble(out)?,
                Awaited::Message(number) => {
                    self.heard(number)?;
                    if let Some(channel) = self.answer(number, out)? {
                        return Ok(Some(channel));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether there are so many bytes now.
    fn fill(&mut self, len: usize, input: &mut &[u8]) -> bool {
        let (taken, rest) = input.split_at(input.len().min(len - self.held));
        self.buffer[self.held..][..taken.len()].copy_from_slice(taken);
        self.held += taken.len();
        *input = rest;
        self.held == len
    }

    fn heard_preamble(&mut self, out: &mut Vec<u8>) -> Result<(), ChannelError> {
        let first = match self.side {
            Side::Initiator => 1,
            Side::Responder => 0,
        };
        self.awaited = Some(Awaited::Message(first));
        let judged = judge_preamble(&self.buffer[..PREAMBLE_LEN]);
        // Whoever speaks another version of this is told which one we speak.
        if self.side == Side::Responder && judged != Err(ChannelError::NotRaclette) {
            out.extend(preamble(Version::OURS));
        }
        judged
    }

    fn heard(&mut self, number: usize) -> Result<(), ChannelError> {
        let message = &self.buffer[..MESSAGE_LENS[number]];
        let read = self.noise.read_message(message, &mut []);
        read.map(drop).map_err(|_| ChannelError::Handshake)
    }

    /// What follows the message of this number.
    fn answer(
        &mut self,
        number: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<Channel>, ChannelError> {
        if number == 0 {
            self.say(1, out)?;
            self.awaited = Some(Awaited::Message(2));
            return Ok(None);
        }
        if number == 1 {
            self.say(2, out)?;
        }
        self.awaited = None;
        self.finish().map(Some)
    }

    fn say(&mut self, number: usize, out: &mut Vec<u8>) -> Result<(), ChannelError> {
        // Noise asks for room for a tag also where there is none yet.
        let mut message = [0; MESSAGE_LENS[1] + super::noise::TAG_LEN];
        let written = self.noise.write_message(&[], &mut message);
        let written = written.map_err(|_| ChannelError::Handshake)?;
        debug_assert_eq!(written, MESSAGE_LENS[number]);
        out.extend_from_slice(&message[..written]);
        Ok(())
    }

    /// Takes the keys out, and wipes what they were made of.
    fn finish(&mut self) -> Result<Channel, ChannelError> {
        let hash = self.noise.get_handshake_hash();
        let hash = hash.try_into().map_err(|_| ChannelError::Handshake)?;
        let (initiator, responder) = self.noise.dangerously_get_raw_split();
        let (initiator, responder) = (Zeroizing::new(initiator), Zeroizing::new(responder));
        let (ours, theirs) = match self.side {
            Side::Initiator => (initiator, responder),
            Side::Responder => (responder, initiator),
        };
        // The library does not wipe the chaining key, from which both others follow: it is written
        // over where it lies.
        let nothing = Box::new(Primitives::new(Key::default()));
        let blank = Builder::with_resolver(NO_PARAMS.clone(), nothing).build_initiator();
        *self.noise = blank.map_err(|_| ChannelError::Handshake)?;
        // Looked at, so that the writing is not left out as needless.
        std::hint::black_box(&self.noise);
        let side = self.side;
        Ok(Channel {
            sealer: Sealer::new(ChaChaPoly::new(&ours)),
            opener: Opener::new(ChaChaPoly::new(&theirs), side == Side::Initiator),
            binding: Binding { hash, side },
        })
    }
}
