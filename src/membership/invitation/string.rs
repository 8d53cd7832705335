//! `join1...`: an invitation as it is handed over, in a message, on paper or as a picture.
//!
//! Bech32m finds what was mistyped; the length that comes first tells a cut string from a wrong one.

mod finding;

pub use finding::MAX_INVITATION_TEXT;

use super::{Delegation, Invitation, InvitationError, InvitationStatement};
use crate::canonical::{self, capped_list};
use crate::chain::{NetworkId, Timestamp};
use crate::keys::{PublicKey, SecretKey, Signature};
use crate::membership::Address;
use bech32::primitives::decode::{CharError, UncheckedHrpstring, UncheckedHrpstringError};
use bech32::{Bech32m, Hrp};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// The human-readable part.
const PREFIX: Hrp = Hrp::parse_unchecked("join");
/// What every invitation begins with: the human-readable part and the separator.
const START: &str = "join1";
/// Most characters of an invitation: bech32m finds no errors in longer texts.
pub const MAX_INVITATION_CHARACTERS: usize = 1023;
/// Characters at the end that are the checksum.
const CHECKSUM: usize = 6;
/// Bytes at the start that say how many there are.
const LENGTH: usize = 2;
/// Most addresses of the tracker in an invitation: one for each network that it can be reached from.
pub const MAX_INVITATION_ADDRESSES: usize = 4;

/// All that somebody needs to join. It holds a secret: whoever reads it can join.
#[derive(Clone)]
pub struct InvitationString {
    /// What the issuer signed.
    pub invitation: Invitation,
    /// What the invitation's key is made from.
    seed: Zeroizing<[u8; 32]>,
    /// Where the tracker can be dialled.
    pub addresses: Vec<Address>,
    /// Who answers there.
    pub tracker: PublicKey,
}

/// As it is written, without what follows from the rest: `[network, issuer, delegation, uses, serial,
/// expires, signature, seed, addresses, tracker]`.
#[derive(Serialize, Deserialize)]
struct Form {
    network: Option<NetworkId>,
    issuer: PublicKey,
    delegation: Option<Delegation>,
    uses: u32,
    serial: Timestamp,
    expires: Timestamp,
    signature: Signature,
    #[serde(with = "secret")]
    seed: Zeroizing<[u8; 32]>,
    #[serde(deserialize_with = "capped_list::<MAX_INVITATION_ADDRESSES, _, _>")]
    addresses: Vec<Address>,
    tracker: PublicKey,
}

/// A seed as a byte string.
mod secret {
    use serde::{Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(
        seed: &Zeroizing<[u8; 32]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&**seed)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Zeroizing<[u8; 32]>, D::Error> {
        serde_bytes::deserialize::<[u8; 32], D>(deserializer).map(Zeroizing::new)
    }
}

/// Why a text is no invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvitationStringError {
    /// It begins otherwise.
    #[error("an invitation begins with `join1`: check that this is one, and copied from its start")]
    NoInvitation,
    /// It is the address of a member.
    #[error("this is an address, of somebody whom one can pay; an invitation begins with `join1`")]
    IsAddress,
    /// A character that no invitation contains.
    #[error("character {at} is `{}`, which can't stand in an invitation: copy it again", .found.escape_default())]
    Character {
        /// Which one, counted from 1.
        at: usize,
        /// What is there.
        found: char,
    },
    /// Upper and lower case letters in one invitation.
    #[error(
        "an invitation is in lower case throughout, or in upper case throughout; character {at} is not: copy it again"
    )]
    MixedCase {
        /// The first that differs, counted from 1.
        at: usize,
    },
    /// Its end is missing.
    #[error("the invitation has {whole} characters, this text has {found}: copy it again, whole")]
    Cut {
        /// Characters that were given.
        found: usize,
        /// Characters that there should be.
        whole: usize,
    },
    /// There is more than an invitation.
    #[error(
        "the invitation has {whole} characters, this text has {found}: leave out what follows it"
    )]
    TooLong {
        /// Characters that were given.
        found: usize,
        /// Characters that there should be, at most.
        whole: usize,
    },
    /// One character is another than it should be.
    #[error("character {at} of the invitation is mistyped: copy it again")]
    Mistyped {
        /// Which one, counted from 1.
        at: usize,
    },
    /// There are different invitations in one text.
    #[error(
        "there are several invitations in this text, and they differ: give the one that is meant"
    )]
    Several,
    /// The text is longer than any message with an invitation.
    #[error(
        "the text is longer than {MAX_INVITATION_TEXT} bytes: copy the invitation alone, from `join1` on"
    )]
    LongText,
    /// Several are.
    #[error("several characters of the invitation are mistyped: copy it again")]
    Checksum,
    /// Correctly copied, but not what this program takes for an invitation.
    #[error("the invitation is of another kind than this program knows: it may be too old ({0})")]
    OtherKind(String),
    /// Whoever made it did not sign it.
    #[error(transparent)]
    Forged(InvitationError),
}

/// The invitation is too long to be written as one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tracker's addresses are too long for an invitation: leave some out")]
pub struct AddressesTooLong;

impl InvitationString {
    /// Puts one together. `seed` is what the invitation's key was made from.
    ///
    /// # Panics
    /// If it was made from another.
    pub fn new(
        invitation: Invitation,
        seed: Zeroizing<[u8; 32]>,
        addresses: Vec<Address>,
        tracker: PublicKey,
    ) -> Result<Self, AddressesTooLong> {
        let string = Self {
            invitation,
            seed,
            addresses,
            tracker,
        };
        let key = string.key().public_key();
        assert_eq!(
            key, string.invitation.statement.key,
            "of another invitation"
        );
        let fits = string.addresses.len() <= MAX_INVITATION_ADDRESSES
            && START.len() + (LENGTH + string.encoded().len()) * 8 / 5 + 1 + CHECKSUM
                <= MAX_INVITATION_CHARACTERS;
        fits.then_some(string).ok_or(AddressesTooLong)
    }

    /// The key that signs for whoever joins.
    pub fn key(&self) -> SecretKey {
        SecretKey::from_bytes(*self.seed)
    }

    /// What is handed over. It is a secret.
    pub fn reveal(&self) -> Zeroizing<String> {
        let encoded = self.encoded();
        let length = u16::try_from(encoded.len()).expect("it was found to fit");
        let mut bytes = Zeroizing::new(length.to_be_bytes().to_vec());
        bytes.extend_from_slice(&encoded);
        let text = bech32::encode::<Bech32m>(PREFIX, &bytes);
        Zeroizing::new(text.expect("it was found to fit"))
    }

    fn encoded(&self) -> Zeroizing<Vec<u8>> {
        let said = &self.invitation.statement;
        Zeroizing::new(canonical::encode(&Form {
            network: said.network,
            issuer: said.issuer,
            delegation: said.delegation.clone(),
            uses: said.uses,
            serial: said.serial,
            expires: said.expires,
            signature: self.invitation.signature,
            seed: self.seed.clone(),
            addresses: self.addresses.clone(),
            tracker: self.tracker,
        }))
    }

    /// Reads what was handed over, in lower or in upper case; spaces and line ends around it and within
    /// it, as mail programs put them there, are passed over.
    ///
    /// # Errors
    /// By variant of [`InvitationStringError`]. Positions count the characters that are no spaces.
    pub fn parse(text: &str) -> Result<Self, InvitationStringError> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let text = Zeroizing::new(text);
        let bytes = bytes_of(&text)?;
        let Some((head, rest)) = bytes.split_first_chunk::<LENGTH>() else {
            return Err(InvitationStringError::OtherKind("it is too short".into()));
        };
        if usize::from(u16::from_be_bytes(*head)) != rest.len() {
            let text = "its length is not what it says";
            return Err(InvitationStringError::OtherKind(text.into()));
        }
        let form: Form = canonical::decode(rest)
            .map_err(|error| InvitationStringError::OtherKind(error.to_string()))?;
        let string = Self {
            invitation: Invitation {
                statement: InvitationStatement {
                    network: form.network,
                    key: SecretKey::from_bytes(*form.seed).public_key(),
                    issuer: form.issuer,
                    delegation: form.delegation,
                    uses: form.uses,
                    serial: form.serial,
                    expires: form.expires,
                },
                signature: form.signature,
            },
            seed: form.seed,
            addresses: form.addresses,
            tracker: form.tracker,
        };
        let signed = string.invitation.check_signatures();
        signed.map_err(InvitationStringError::Forged)?;
        Ok(string)
    }
}

/// The bytes that a text without spaces stands for.
fn bytes_of(text: &str) -> Result<Zeroizing<Vec<u8>>, InvitationStringError> {
    let begins = |with: &str| {
        let start = text.get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    if begins("rac1") {
        return Err(InvitationStringError::IsAddress);
    }
    if !begins(START) {
        return Err(InvitationStringError::NoInvitation);
    }
    let found = text.chars().count();
    let wrong = text.chars().enumerate().skip(START.len());
    for (at, c) in wrong {
        // Not even in a text that is far too long is more than the first wrong character looked at.
        let data = bech32::Fe32::from_char(c);
        if data.is_err() {
            return Err(InvitationStringError::Character {
                at: at + 1,
                found: c,
            });
        }
    }
    let upper = text.starts_with('J');
    let differs = |c: char| {
        if upper {
            c.is_ascii_lowercase()
        } else {
            c.is_ascii_uppercase()
        }
    };
    if let Some(at) = text.chars().position(differs) {
        return Err(InvitationStringError::MixedCase { at: at + 1 });
    }
    if found > MAX_INVITATION_CHARACTERS {
        let whole = MAX_INVITATION_CHARACTERS;
        return Err(InvitationStringError::TooLong { found, whole });
    }
    let parts = UncheckedHrpstring::new(text).map_err(|error| match error {
        UncheckedHrpstringError::Char(CharError::InvalidChar(c)) => {
            InvitationStringError::Character { at: 1, found: c }
        }
        _ => InvitationStringError::NoInvitation,
    })?;
    let data = parts.data_part_ascii();
    if parts.validate_checksum::<Bech32m>().is_ok() {
        return Ok(Zeroizing::new(
            parts.remove_checksum::<Bech32m>().byte_iter().collect(),
        ));
    }
    if let Some(from_end) = mistyped(data) {
        return Err(InvitationStringError::Mistyped {
            at: found - from_end,
        });
    }
    match whole_length(data) {
        Some(whole) if whole > found && whole <= MAX_INVITATION_CHARACTERS => {
            Err(InvitationStringError::Cut { found, whole })
        }
        Some(whole) if whole < found => Err(InvitationStringError::TooLong { found, whole }),
        None => Err(InvitationStringError::Cut {
            found,
            whole: MAX_INVITATION_CHARACTERS.min(found + CHECKSUM),
        }),
        _ => Err(InvitationStringError::Checksum),
    }
}

/// Where the one character is that is another than it should be, counted from the end; `None` if no single one,
/// or more than one, would mend the checksum. The library's own search for errors panics on some texts.
fn mistyped(data: &[u8]) -> Option<usize> {
    let values = data.iter().map(|c| bech32::Fe32::from_char(char::from(*c)));
    let values: Result<Vec<u8>, _> = values.map(|value| value.map(|v| v.to_u8())).collect();
    let prefix = PREFIX.to_string().into_bytes();
    let high = prefix.iter().map(|c| c >> 5);
    let low = prefix.iter().map(|c| c & 31);
    let all = high.chain([0]).chain(low).chain(values.ok()?);
    let residue = all.fold(1, polymod) ^ BECH32M;
    // What a wrong value at the end changes in the residue, and one place further with each step.
    let mut change: [u32; 31] = std::array::from_fn(|wrong| wrong as u32 + 1);
    let mut places = (0..data.len()).filter(|_| {
        let mends = change.contains(&residue);
        change = change.map(|one| polymod(one, 0));
        mends
    });
    let place = places.next()?;
    places.next().is_none().then_some(place)
}

/// What the checksum of BIP 350 comes to.
const BECH32M: u32 = 0x2bc8_30a3;

/// One step of its polynomial (BIP 173).
fn polymod(sum: u32, value: u8) -> u32 {
    const GENERATORS: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let shifted = ((sum & 0x1ff_ffff) << 5) ^ u32::from(value);
    let top = sum >> 25;
    let bits = GENERATORS
        .iter()
        .zip(0..)
        .filter(|(_, bit)| top >> bit & 1 == 1);
    bits.fold(shifted, |sum, (generator, _)| sum ^ generator)
}

/// How many characters the whole has, by its first two bytes.
fn whole_length(data: &[u8]) -> Option<usize> {
    let first: Option<Vec<u32>> = data
        .get(..4)?
        .iter()
        .map(|c| bech32::Fe32::from_char(char::from(*c)).ok())
        .map(|digit| digit.map(|digit| digit.to_u8().into()))
        .collect();
    let bits = first?.into_iter().fold(0, |bits, digit| bits << 5 | digit);
    // Twenty bits, of which sixteen are the length.
    let bytes = LENGTH + (bits >> 4) as usize;
    Some(START.len() + (bytes * 8).div_ceil(5) + CHECKSUM)
}

impl fmt::Debug for InvitationString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvitationString")
            .field("invitation", &self.invitation)
            .field("addresses", &self.addresses)
            .field("tracker", &self.tracker)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for InvitationString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = canonical::to_hex(&self.invitation.statement.key.0[..5]);
        write!(f, "join1… (invitation {key})")
    }
}

#[cfg(test)]
mod tests;
