//! Sealed notes: a text that two people can read, who sent it and who it is for, and nobody else who
//! holds the ledger.
//!
//! The text is encrypted once, under a key made for it, and that key is sealed twice: for the
//! recipient, and for the sender, who can so read its own notes on any machine where its secret is.
//! Two notes sealed whole would need no key in between, but would stand on the ledger, for ever, at
//! almost twice the length.
//!
//! **Both copies hold one text.** Everything random in the sender's copy follows from the key of the
//! text. So whoever opens either copy seals the sender's once more, and compares it byte by byte: the
//! recipient knows that the sender can show nothing else than what the recipient reads, and a copy can
//! be made for no second key, although ChaCha20-Poly1305 by itself would open under two. What does not
//! come out alike is not opened.
//!
//! The recipient's copy is sealed in HPKE's auth mode: it proves that the owner of the sealing key that
//! the note carries made it, for this transaction. The sender's copy is in base mode, since the recipient
//! could not repeat the other. That the sender of the transaction is who it says, its signature proves; it
//! covers the note. So a note is opened without asking anybody whose key that is.

mod hpke;

pub(super) use self::hpke::KeyPair;
use self::hpke::{SEALED_KEY_LEN, seal_for};
use super::draws::Draws;
use super::{PublicKey, SealingKey, SecretKey};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Nonce};
use std::fmt;
use zeroize::Zeroizing;

/// Longest text of a note, in bytes: some pages. Longer things belong beside the ledger.
pub const MAX_NOTE_TEXT: usize = 8 * 1024;

/// Lengths, in bytes, to one of which every text is filled up, so that the length of a note tells
/// little: a line, a paragraph, a page, and then twice as much each.
pub const NOTE_CLASSES: [usize; 6] = [64, 256, 1_024, 2_048, 4_096, MAX_NOTE_TEXT];

/// Bytes of the longest sealed note.
pub const MAX_SEALED_NOTE: usize = sealed_len(MAX_NOTE_TEXT);

/// What HPKE is told that it seals.
const INFO: &str = "raclette 2026-11 sealed note";

/// Context of the hash that the keys of a note are drawn from.
const DRAWS_CONTEXT: &str = "raclette 2026-11 note randomness";

/// Context of the hash that the sender's copy draws from, of the text's key and what it is about.
const SENDER_COPY_CONTEXT: &str = "raclette 2026-11 note sender copy";

/// First byte of a note: how it is sealed. Notes stay on the ledger when later versions seal
/// otherwise; of form 1 the two copies could hold two texts.
const FORM: u8 = 2;

/// Bytes of the text's length, little-endian, before the text.
const LENGTH_LEN: usize = 2;

/// Bytes that authenticate the text.
const TAG_LEN: usize = 16;

/// Where the sender's sealing key stands in a note.
const SENDER_AT: usize = 1;
/// Where the key of the text, sealed for the recipient, stands.
const FOR_RECIPIENT_AT: usize = SENDER_AT + SealingKey::LEN;
/// Where the same key, sealed for the sender, stands.
const FOR_SENDER_AT: usize = FOR_RECIPIENT_AT + SEALED_KEY_LEN;
/// Where the encrypted text begins; everything before it is authenticated with it.
const TEXT_AT: usize = FOR_SENDER_AT + SEALED_KEY_LEN;

/// A key of any kind, wiped when dropped.
type Key = Zeroizing<[u8; 32]>;

/// Length of a sealed note whose text is filled up to `class` bytes.
const fn sealed_len(class: usize) -> usize {
    TEXT_AT + LENGTH_LEN + class + TAG_LEN
}

/// The transaction that a note belongs to: in another one it can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteContext {
    /// The network's id.
    pub network: [u8; 32],
    /// Who signs the transaction.
    pub sender: PublicKey,
    /// Who receives it.
    pub recipient: PublicKey,
    /// The transaction's salt.
    pub salt: [u8; 16],
}

impl NoteContext {
    /// What is authenticated with the note's keys: network, sender, recipient, salt, one after the
    /// other.
    pub fn associated_data(&self) -> [u8; 112] {
        let mut bytes = [0; 112];
        let parts = [
            &self.network[..],
            &self.sender.0,
            &self.recipient.0,
            &self.salt,
        ];
        for (to, from) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }
}

/// The text of a note: 1 to [`MAX_NOTE_TEXT`] bytes of UTF-8, wiped when dropped; its `Debug` tells
/// only how long it is.
///
/// A text that was opened is somebody else's: whoever shows it on a terminal or a page has to escape
/// what would steer either.
#[derive(Clone, PartialEq, Eq)]
pub struct NoteText(Zeroizing<String>);

/// Why a text can't be a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteTextError {
    /// There is nothing in it.
    #[error("the note is empty: write something, or leave it out")]
    Empty,
    /// It is too long.
    #[error(
        "the note has {found} bytes, at most {MAX_NOTE_TEXT} are possible: shorten it, or send it in parts"
    )]
    TooLong {
        /// Its bytes.
        found: usize,
    },
}

impl NoteText {
    /// Takes a text up.
    ///
    /// # Errors
    /// [`NoteTextError`] if it is empty or too long; it is wiped then, too.
    pub fn new(text: impl Into<String>) -> Result<Self, NoteTextError> {
        let text = Zeroizing::new(text.into());
        match text.len() {
            0 => Err(NoteTextError::Empty),
            1..=MAX_NOTE_TEXT => Ok(Self(text)),
            found => Err(NoteTextError::TooLong { found }),
        }
    }

    /// The text, as its writer wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteText({} bytes)", self.0.len())
    }
}

/// 32 bytes behind the keys of one note, wiped when dropped: zeros, to be filled from a source of
/// randomness that is fit for keys.
#[derive(Default)]
pub struct NoteSeed(Key);

impl AsMut<[u8]> for NoteSeed {
    fn as_mut(&mut self) -> &mut [u8] {
        self.0.as_mut_slice()
    }
}

/// Why a note was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The transaction is somebody else's: its sender could not read what it is to have sent.
    #[error("a note is sealed by the sender of its transaction, which is somebody else")]
    NotTheSender,
    /// The recipient's sealing key is a point of small order, under which nothing is secret.
    #[error(
        "the recipient's sealing key is nobody's: nothing that is sealed to it would be secret; its owner has to register a right one"
    )]
    RecipientKey,
}

/// Why a note was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The transaction is neither from this key nor for it.
    #[error("the note is between others: only its sender and its recipient can read it")]
    NotOurs,
    /// It is sealed in another way than this version does.
    #[error(
        "the note is sealed in a way that this version does not know (form {0}): a later one may read it"
    )]
    UnknownForm(u8),
    /// It is as long as no sealed note is.
    #[error("the note is no sealed one: no sealed note has {0} bytes")]
    Length(usize),
    /// It was not sealed by the key that it carries, for this key and this transaction, or was
    /// changed since.
    #[error("the note was not sealed for this transaction and this key, or was changed since")]
    Refused,
    /// The copies of its sender and of its recipient do not hold the same text.
    #[error(
        "the note's two copies differ: its sender could show another text than its recipient reads"
    )]
    TwoTexts,
    /// What was sealed is no text that was filled up in the right way.
    #[error("the note was sealed by a faulty program: there is no proper text in it")]
    BadText,
}

impl SecretKey {
    /// Seals `text` for the owner of `to`, who is `about.recipient`, and for this key, which is
    /// `about.sender`. At most [`MAX_SEALED_NOTE`] bytes; the same arguments give the same bytes.
    ///
    /// ```text
    /// [0] form, 2 | [1..33) the sender's sealing key
    /// [33..113) key of the text, sealed for the recipient | [113..193) the same for the sender, in base
    ///           mode, what it draws being a hash of that key
    /// [193..] ChaCha20-Poly1305 under that key, nonce zero, over all that stands before it, of:
    ///         length of the text, 2 bytes LE | the text | zeros up to its class; then 16 bytes of tag
    /// ```
    /// A sealed key is HPKE's public key (32), then 32 bytes and their tag (16).
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal_note(
        &self,
        to: &SealingKey,
        about: &NoteContext,
        text: &NoteText,
        seed: &NoteSeed,
    ) -> Result<Vec<u8>, SealError> {
        if about.sender != self.public_key() {
            return Err(SealError::NotTheSender);
        }
        let text = text.as_str().as_bytes();
        let class = class_of(text.len());
        let associated = about.associated_data();
        let own = self.sealing_pair();
        let mut random = draws(self.sealing_scalar(), seed, to, &associated, text);
        let mut key = Key::default();
        random.fill(&mut *key);

        // All the room at once: a buffer that grows leaves copies of the text behind.
        let mut note = Vec::with_capacity(sealed_len(class));
        note.push(FORM);
        note.extend_from_slice(&own.public().0);
        let info = INFO.as_bytes();
        own.seal(to, (info, &associated), &*key, &mut random, &mut note)
            .map_err(|_| SealError::RecipientKey)?;
        let mut random = senders_draws(&key, &associated);
        own.seal_own((info, &associated), &*key, &mut random, &mut note)
            .expect("no secret makes a key of small order");
        let length = u16::try_from(text.len()).expect("a text has at most 8 KiB");
        note.extend_from_slice(&length.to_le_bytes());
        note.extend_from_slice(text);
        note.resize(TEXT_AT + LENGTH_LEN + class, 0);
        let (before, body) = note.split_at_mut(TEXT_AT);
        let tag = cipher(&key)
            .encrypt_inout_detached(&Nonce::default(), before, InOutBuf::from(body))
            .expect("a note is far below 256 GiB");
        note.extend_from_slice(&tag);
        Ok(note)
    }

    /// The text of a note from, or for, the owner of this key.
    ///
    /// # Errors
    /// [`OpenError`], looked for in the order of its variants.
    pub fn open_note(&self, about: &NoteContext, note: &[u8]) -> Result<NoteText, OpenError> {
        let own = self.public_key();
        let is_recipient = own == about.recipient;
        if !is_recipient && own != about.sender {
            return Err(OpenError::NotOurs);
        }
        match note.first() {
            Some(&FORM) => {}
            Some(other) => return Err(OpenError::UnknownForm(*other)),
            None => return Err(OpenError::Length(0)),
        }
        let class = NOTE_CLASSES
            .into_iter()
            .find(|class| sealed_len(*class) == note.len())
            .ok_or(OpenError::Length(note.len()))?;
        let sender = SealingKey(part(note, SENDER_AT));
        let associated = about.associated_data();
        let sealed_for = (INFO.as_bytes(), &associated[..]);
        let own = self.sealing_pair();
        let key = if is_recipient {
            own.open(&sender, sealed_for, &part(note, FOR_RECIPIENT_AT))
        } else if sender == own.public() {
            own.open_own(sealed_for, &part(note, FOR_SENDER_AT))
        } else {
            return Err(OpenError::Refused);
        };
        let key = key.map_err(|_| OpenError::Refused)?;
        let copy = senders_copy(&sender, &key, &associated);
        if copy.is_none_or(|copy| copy != note[FOR_SENDER_AT..TEXT_AT]) {
            return Err(OpenError::TwoTexts);
        }
        let (before, rest) = note.split_at(TEXT_AT);
        let (body, tag) = rest.split_at(LENGTH_LEN + class);
        let mut body = Zeroizing::new(body.to_vec());
        cipher(&key)
            .decrypt_inout_detached(
                &Nonce::default(),
                before,
                InOutBuf::from(body.as_mut_slice()),
                &part(tag, 0).into(),
            )
            .map_err(|_| OpenError::Refused)?;
        text_of(&body, class).ok_or(OpenError::BadText)
    }
}

/// The key of a text, sealed for its sender: the same bytes for the same key, whoever seals it. `None` if
/// the sender's sealing key is a point of small order.
fn senders_copy(sender: &SealingKey, key: &Key, associated: &[u8]) -> Option<Vec<u8>> {
    let mut random = senders_draws(key, associated);
    let mut copy = Vec::with_capacity(SEALED_KEY_LEN);
    let about = (INFO.as_bytes(), associated);
    seal_for(sender, about, &**key, &mut random, &mut copy).ok()?;
    Some(copy)
}

/// The random numbers of the sender's copy.
fn senders_draws(key: &Key, associated: &[u8]) -> Draws {
    let mut hasher = blake3::Hasher::new_derive_key(SENDER_COPY_CONTEXT);
    hasher.update(&**key).update(associated);
    Draws::of(hasher)
}

/// The least class that holds a text of `length` bytes.
fn class_of(length: usize) -> usize {
    let class = NOTE_CLASSES.into_iter().find(|class| length <= *class);
    class.expect("a text has at most 8 KiB")
}

/// The text in what was sealed, if it is filled up as it should be: in the least class that holds
/// it, with zeros.
fn text_of(body: &[u8], class: usize) -> Option<NoteText> {
    let (length, rest) = body.split_first_chunk::<LENGTH_LEN>()?;
    let length = usize::from(u16::from_le_bytes(*length));
    let (text, filling) = rest.split_at_checked(length)?;
    if class_of(length) != class || filling.iter().any(|byte| *byte != 0) {
        return None;
    }
    NoteText::new(std::str::from_utf8(text).ok()?).ok()
}

/// The `N` bytes at `at`, which lie within `bytes`: their length was checked.
fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

/// Under each key one text is encrypted.
fn cipher(key: &Key) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new((&**key).into())
}

/// The random numbers of one note: first the key of its text, then what HPKE draws for the recipient's
/// copy.
///
/// They are a hash of the seed and of everything that makes the note, the secret of its sender
/// included. So a source of randomness that repeats itself, as after a machine was copied, repeats a
/// note at most, and never uses a key for two texts.
fn draws(scalar: &Key, seed: &NoteSeed, to: &SealingKey, associated: &[u8], text: &[u8]) -> Draws {
    let mut hasher = blake3::Hasher::new_derive_key(DRAWS_CONTEXT);
    for part in [&seed.0[..], &scalar[..], &to.0, associated, text] {
        hasher.update(part);
    }
    Draws::of(hasher)
}

#[cfg(test)]
mod tests;
