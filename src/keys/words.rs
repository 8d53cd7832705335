//! The root secret as 24 words (BIP 39), to be written down on paper.

use super::SecretKey;
use crate::suggest::nearest;
use bip39::{Language, Mnemonic};
use zeroize::{Zeroize, Zeroizing};

/// How many words a root secret has: 256 bits and 8 of a checksum, 11 a word.
pub const WORDS: usize = 24;

/// Longest text that is read as words, in bytes: 24 of eight letters, numbered, with much space.
pub const MAX_WORDS_TEXT: usize = 4_096;

/// The words of a root secret, in English; wiped when dropped, and with a `Debug` that tells nothing.
pub struct SecretWords(Mnemonic);

/// Why words lead to no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Too few, or too many.
    #[error("these are {found} words, and a secret has {WORDS}: write all of them, in their order")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// One is not in the list.
    #[error("word {position}, {word:?}, is none of the words that there are{}", suggestion(.near))]
    Unknown {
        /// Which, counted from 1.
        position: usize,
        /// As it was written.
        word: String,
        /// What was probably meant.
        near: Option<&'static str>,
    },
    /// All are in the list, but not together.
    #[error(
        "each of these words is one that there is, but together they are no secret (the checksum is wrong): one of them is another, or two have changed places"
    )]
    Checksum,
}

fn suggestion(near: &Option<&'static str>) -> String {
    near.map_or_else(String::new, |near| format!(": did you mean {near:?}?"))
}

impl SecretWords {
    /// The words, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.words()
    }
}

impl std::fmt::Debug for SecretWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretWords(..)")
    }
}

impl SecretKey {
    /// The root secret as words. Whoever has them is the member.
    pub fn words(&self) -> SecretWords {
        let words = Mnemonic::from_entropy_in(Language::English, &self.root()[..]);
        SecretWords(words.expect("32 bytes have 24 words"))
    }

    /// The secret whose words these are. Upper and lower case, spaces and line ends make no
    /// difference; numbers between the words are passed over, as they stand in many a list.
    ///
    /// # Errors
    /// [`WordsError`]: an unknown word first, then their number, then the checksum.
    pub fn from_words(text: &str) -> Result<Self, WordsError> {
        let lower = Zeroizing::new(text.to_lowercase());
        let number = |word: &&str| {
            word.bytes()
                .all(|b| b.is_ascii_digit() || b".):".contains(&b))
        };
        let words = || lower.split_whitespace().filter(|word| !number(word));
        let english = Language::English;
        let unknown = words()
            .zip(1..)
            .find(|(w, _)| english.find_word(w).is_none());
        if let Some((word, position)) = unknown {
            return Err(WordsError::Unknown {
                position,
                word: word.chars().take(20).collect(),
                near: nearest(word, english.word_list()),
            });
        }
        let found = words().count();
        if found != WORDS {
            return Err(WordsError::Count { found });
        }
        let mut clean = Zeroizing::new(String::with_capacity(lower.len() + 1));
        for word in words() {
            clean.push_str(word);
            clean.push(' ');
        }
        let words = Mnemonic::parse_in_normalized(english, &clean);
        let (mut bytes, _) = words.map_err(|_| WordsError::Checksum)?.to_entropy_array();
        let mut root = [0; 32];
        root.copy_from_slice(&bytes[..32]);
        bytes.zeroize();
        let secret = Self::from_bytes(root);
        root.zeroize();
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words_of(root: [u8; 32]) -> Vec<&'static str> {
        SecretKey::from_bytes(root).words().iter().collect()
    }

    /// From the vectors of BIP 39 itself.
    #[test]
    fn the_words_are_those_of_the_standard() {
        assert_eq!(
            words_of([0; 32]).join(" "),
            format!("{}art", "abandon ".repeat(23))
        );
        assert_eq!(
            words_of([0x7f; 32]).join(" "),
            "legal winner thank year wave sausage worth useful legal winner thank year wave \
             sausage worth useful legal winner thank year wave sausage worth title"
        );
        let root = "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c";
        let root = crate::canonical::from_hex(root).unwrap();
        assert_eq!(
            words_of(root).join(" "),
            "hamster diagram private dutch cause delay private meat slide toddler razor book \
             happy fancy gospel tennis maple dilemma loan word shrug inflict delay length"
        );
    }

    proptest! {
        #[test]
        fn words_lead_back_to_their_secret(root: [u8; 32]) {
            let secret = SecretKey::from_bytes(root);
            let text = words_of(root).join(" ");
            let again = SecretKey::from_words(&text).unwrap();
            prop_assert_eq!(again.public_key(), secret.public_key());
        }

        #[test]
        fn any_text_is_refused_without_harm(text in "\\PC{0,300}") {
            prop_assert!(SecretKey::from_words(&text).is_err());
        }
    }

    #[test]
    fn how_they_are_written_makes_no_difference() {
        let words = words_of([7; 32]);
        let numbered = words
            .iter()
            .zip(1..)
            .map(|(word, n)| format!("{n}. {word}\n"));
        let numbered: String = numbered.collect();
        for text in [words.join("\n  "), words.join(" ").to_uppercase(), numbered] {
            let read = SecretKey::from_words(&text).unwrap();
            let right = SecretKey::from_bytes([7; 32]).public_key();
            assert_eq!(read.public_key(), right);
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let mut words = words_of([7; 32]);
        let told = |words: &[&str]| SecretKey::from_words(&words.join(" ")).unwrap_err();
        assert_eq!(told(&words[..23]), WordsError::Count { found: 23 });
        assert_eq!(told(&[]), WordsError::Count { found: 0 });
        words.swap(0, 5);
        assert_eq!(told(&words), WordsError::Checksum);
        words.swap(0, 5);
        words[6] = "abandn";
        let error = told(&words);
        assert_eq!(
            error.to_string(),
            "word 7, \"abandn\", is none of the words that there are: did you mean \"abandon\"?"
        );
        words[6] = "x\u{1b}[2J\u{1b}";
        assert!(!told(&words).to_string().contains('\u{1b}'));
    }

    #[test]
    fn debugging_tells_nothing() {
        let words = SecretKey::from_bytes([7; 32]).words();
        assert_eq!(format!("{words:?}"), "SecretWords(..)");
    }
}
