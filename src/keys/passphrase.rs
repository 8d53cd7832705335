//! What locks a wallet file.

use std::fmt;
use zeroize::Zeroizing;

/// Fewest characters of a passphrase that is chosen: with the work that each try takes, what is
/// shorter is found by trying.
pub const MIN_PASSPHRASE_CHARS: usize = 8;

/// Longest passphrase, in bytes: far above what anybody types, and a bound for what is read.
pub const MAX_PASSPHRASE_BYTES: usize = 1_024;

/// A passphrase, wiped when dropped; its `Debug` tells nothing, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

/// Why a text is no passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// There is nothing.
    #[error("the passphrase is empty")]
    Empty,
    /// It is easily guessed.
    #[error(
        "the passphrase has fewer than {MIN_PASSPHRASE_CHARS} characters: take a longer one, several words for example"
    )]
    TooShort,
    /// It is longer than any passphrase.
    #[error("the passphrase has more than {MAX_PASSPHRASE_BYTES} bytes")]
    TooLong,
}

impl Passphrase {
    /// Takes up a passphrase that was given to unlock something.
    ///
    /// # Errors
    /// [`PassphraseError::Empty`], [`PassphraseError::TooLong`].
    pub fn given(text: Zeroizing<String>) -> Result<Self, PassphraseError> {
        match text.len() {
            0 => Err(PassphraseError::Empty),
            1..=MAX_PASSPHRASE_BYTES => Ok(Self(text)),
            _ => Err(PassphraseError::TooLong),
        }
    }

    /// Whether it may lock something that is not locked yet.
    pub(super) fn check_chosen(&self) -> Result<(), PassphraseError> {
        if self.0.chars().count() < MIN_PASSPHRASE_CHARS {
            return Err(PassphraseError::TooShort);
        }
        Ok(())
    }

    /// The text, for the one program that is to use it in this one's place.
    pub fn into_text(self) -> Zeroizing<String> {
        self.0
    }

    /// For the derivation of the key that locks.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Result<Passphrase, PassphraseError> {
        Passphrase::given(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn a_passphrase_has_its_bounds() {
        assert_eq!(given(""), Err(PassphraseError::Empty));
        assert_eq!(given(&"x".repeat(1_025)), Err(PassphraseError::TooLong));
        let [short, long] = ["1234567", "äöüäöüäö"].map(|text| given(text).unwrap());
        assert_eq!(short.check_chosen(), Err(PassphraseError::TooShort));
        assert_eq!(long.check_chosen(), Ok(()));
        assert_eq!(format!("{long:?}"), "Passphrase(..)");
    }
}
