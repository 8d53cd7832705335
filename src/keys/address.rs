//! Addresses: a public key in a form that people can copy, and that tells when they copied wrong.

use super::{PublicKey, SignatureError};
use bech32::primitives::decode::{CharError, UncheckedHrpstring, UncheckedHrpstringError};
use bech32::{Bech32m, Hrp};

/// The human-readable part.
const PREFIX: Hrp = Hrp::parse_unchecked("rac");

/// What every address begins with: the human-readable part and the separator.
const START: &str = "rac1";

/// Characters of an address: `rac1`, 52 for the key's 256 bits, 6 for the checksum.
const ADDRESS_LEN: usize = START.len() + 52 + 6;

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No `rac1` at its start: another network's address, or no address at all.
    #[error(
        "an address begins with `rac1`: check that this is an address, and copied from its start"
    )]
    WrongPrefix,
    /// Longer or shorter than an address.
    #[error("an address has {ADDRESS_LEN} characters, this text has {found}: copy it again, whole")]
    Length {
        /// Characters that were given.
        found: usize,
    },
    /// Upper and lower case letters in one address.
    #[error(
        "an address is written in lower case throughout (or in upper case throughout): copy it again"
    )]
    MixedCase,
    /// A character that no address contains.
    #[error("`{0}` cannot stand in an address: copy it again")]
    Character(char),
    /// The characters do not belong together: at least one is mistyped.
    #[error("the address is mistyped (its checksum is wrong): copy it again")]
    Checksum,
    /// Correctly written, but the key in it can be nobody's.
    #[error("the address is nobody's ({0}): ask its owner for it again")]
    Key(SignatureError),
}

impl PublicKey {
    /// The key's address: bech32m (BIP 350) of its 32 bytes under the prefix `rac`, in lower case.
    pub fn to_address(&self) -> String {
        bech32::encode::<Bech32m>(PREFIX, &self.0)
            .expect("32 bytes are far below what bech32m can hold")
    }

    /// Reads an address. All upper case is accepted too, as bech32m demands.
    ///
    /// # Errors
    /// One variant of [`AddressError`] per way to be wrong; a key that is nobody's is refused here,
    /// before coins are sent to it.
    pub fn from_address(text: &str) -> Result<Self, AddressError> {
        let start = text.get(..START.len());
        if !start.is_some_and(|start| start.eq_ignore_ascii_case(START)) {
            return Err(AddressError::WrongPrefix);
        }
        let parts = UncheckedHrpstring::new(text).map_err(|error| match error {
            UncheckedHrpstringError::Char(CharError::InvalidChar(c)) => AddressError::Character(c),
            UncheckedHrpstringError::Char(CharError::MixedCase) => AddressError::MixedCase,
            _ => AddressError::Length { found: text.len() },
        })?;
        if parts.hrp() != PREFIX {
            // The last `1` is the separator, so there is a second one.
            return Err(AddressError::Character('1'));
        }
        if text.len() != ADDRESS_LEN {
            return Err(AddressError::Length { found: text.len() });
        }
        parts
            .validate_checksum::<Bech32m>()
            .map_err(|_| AddressError::Checksum)?;
        let mut key = [0; Self::LEN];
        let bytes = parts.remove_checksum::<Bech32m>();
        for (to, from) in key.iter_mut().zip(bytes.byte_iter()) {
            *to = from;
        }
        let key = Self(key);
        // 52 characters hold four bits more than the key: only zeros there make the text its address.
        if !key.to_address().eq_ignore_ascii_case(text) {
            return Err(AddressError::Checksum);
        }
        key.check().map_err(AddressError::Key)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SecretKey;
    use bech32::{ByteIterExt, Fe32, Fe32IterExt};
    use proptest::prelude::*;

    fn key() -> PublicKey {
        SecretKey::from_bytes([7; 32]).public_key()
    }

    proptest! {
        #[test]
        fn an_address_leads_back_to_its_key(root: [u8; 32]) {
            let key = SecretKey::from_bytes(root).public_key();
            let address = key.to_address();
            prop_assert_eq!(address.len(), ADDRESS_LEN);
            prop_assert_eq!(PublicKey::from_address(&address.to_uppercase()), Ok(key));
            prop_assert_eq!(PublicKey::from_address(&address), Ok(key));
        }

        #[test]
        fn one_wrong_character_is_always_noticed(at in 4..ADDRESS_LEN, with in "[02-9ac-hj-np-z]") {
            let mut address = key().to_address();
            prop_assume!(address[at..=at] != with);
            address.replace_range(at..=at, &with);
            prop_assert_eq!(PublicKey::from_address(&address), Err(AddressError::Checksum));
        }

        #[test]
        fn any_text_is_refused_without_harm(text in "\\PC{0,100}") {
            prop_assert!(PublicKey::from_address(&text).is_err());
        }
    }

    #[test]
    fn each_way_to_be_wrong_has_its_own_error() {
        let address = key().to_address();
        let read = |text: &str| PublicKey::from_address(text).unwrap_err();
        assert_eq!(read(""), AddressError::WrongPrefix);
        assert_eq!(read("bob"), AddressError::WrongPrefix);
        assert_eq!(read("rac"), AddressError::WrongPrefix);
        assert_eq!(read("räc1"), AddressError::WrongPrefix);
        assert_eq!(read("rac1"), AddressError::Length { found: 4 });
        assert_eq!(read("rac1qq1qqqqqqqq"), AddressError::Character('1'));
        assert_eq!(read(&address[4..]), AddressError::WrongPrefix);
        assert_eq!(read(&address[..50]), AddressError::Length { found: 50 });
        assert_eq!(
            read(&format!("{address}q")),
            AddressError::Length { found: 63 }
        );
        assert_eq!(
            read(&address.replacen('r', "R", 1)),
            AddressError::MixedCase
        );
        assert_eq!(
            read(&format!("{}b", &address[..61])),
            AddressError::Character('b')
        );
        assert_eq!(
            read(&format!("{} ", &address[..61])),
            AddressError::Character(' ')
        );
        let foreign = bech32::encode::<Bech32m>(Hrp::parse_unchecked("bc"), &key().0).unwrap();
        assert_eq!(read(&foreign), AddressError::WrongPrefix);
        let old_checksum = bech32::encode::<bech32::Bech32>(PREFIX, &key().0).unwrap();
        assert_eq!(read(&old_checksum), AddressError::Checksum);
        let nobody = PublicKey([0; 32]).to_address();
        assert_eq!(
            read(&nobody),
            AddressError::Key(SignatureError::KeySmallOrder)
        );
    }

    #[test]
    fn a_second_spelling_of_the_same_key_is_refused() {
        let mut digits: Vec<Fe32> = key().0.iter().copied().bytes_to_fes().collect();
        let last = digits.last_mut().unwrap();
        *last = Fe32::try_from(last.to_u8() | 1).unwrap();
        let text: String = digits
            .into_iter()
            .with_checksum::<Bech32m>(&PREFIX)
            .chars()
            .collect();
        assert_eq!(PublicKey::from_address(&text), Err(AddressError::Checksum));
    }
}
