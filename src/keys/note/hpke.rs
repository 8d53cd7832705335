//! A key sealed for a member: HPKE (RFC 9180) in auth mode, or in base mode, one message a context, with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! The crate of that name, which the tests hold this against, works out anew for every note what does not change from
//! one to the next: the public half of a pair, which it needs twice, and what the lasting keys of two members share.
//! That is most of what a note costs, so it is kept here.

use super::{Draws, Key, SealingKey};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Nonce};
use curve25519_dalek::Scalar;
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::scalar::clamp_integer;
use hkdf::{Hkdf, HkdfExtract};
use sha2::Sha256;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use zeroize::{Zeroize, Zeroizing};

#[cfg(test)]
mod tests;

/// Bytes of the key that HPKE sends along, and of every other key here.
const KEY_LEN: usize = 32;
/// Bytes that authenticate.
const TAG_LEN: usize = 16;

/// Bytes of a sealed key: HPKE's public key for this one message, then what is sealed and its tag.
pub(super) const SEALED_KEY_LEN: usize = KEY_LEN + KEY_LEN + TAG_LEN;

/// Members with whom what the lasting keys share is remembered, the latest: 16 KiB, and all whom somebody writes with
/// on most days.
const MAX_SHARED: usize = 256;

/// How the key agreement is named where it hashes: "KEM" and its number.
const KEM_SUITE: &[u8] = b"KEM\x00\x20";
/// How all of it is named where it hashes: "HPKE" and the numbers of key agreement, hash and cipher.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";
/// What stands before everything that is hashed.
const VERSION: &[u8] = b"HPKE-v1";
/// Anybody may have sealed it.
const BASE: u8 = 0;
/// It shows whose key sealed it.
const AUTH: u8 = 2;

/// What HPKE is told that it seals, and what is authenticated with it.
type About<'a> = (&'a [u8], &'a [u8]);

/// It was not sealed so, or a key is a point of small order, under which nothing is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// Who seals, or opens: both halves of its key.
pub(in crate::keys) struct KeyPair {
    secret: Key,
    public: SealingKey,
    /// What it shares with the lasting keys of others, the latest last. Wiped as it is forgotten, and never moved
    /// elsewhere: the room for all of it is taken at once.
    shared: Mutex<VecDeque<(SealingKey, Key)>>,
}

impl KeyPair {
    /// The pair of this scalar, which is clamped here.
    pub(in crate::keys) fn from_scalar(scalar: &[u8; KEY_LEN]) -> Self {
        Self {
            secret: Key::new(clamp_integer(*scalar)),
            public: SealingKey(MontgomeryPoint::mul_base_clamped(*scalar).to_bytes()),
            shared: Mutex::default(),
        }
    }

    /// The pair that HPKE derives from what was drawn.
    fn derived(drawn: &[u8; KEY_LEN]) -> Self {
        let mut scalar = Key::default();
        let extracted = extract(KEM_SUITE, &[], b"dkp_prk", &[drawn]);
        expand(&extracted, KEM_SUITE, b"sk", &[], &mut *scalar);
        Self::from_scalar(&scalar)
    }

    /// The pair for one message.
    fn drawn(random: &mut Draws) -> Self {
        let mut drawn = Key::default();
        random.fill(&mut *drawn);
        Self::derived(&drawn)
    }

    /// The public half.
    pub(in crate::keys) fn public(&self) -> SealingKey {
        self.public
    }

    /// What this pair shares with the owner of a key.
    fn shared(&self, with: &SealingKey) -> Result<Key, Refused> {
        key_of(MontgomeryPoint(with.0).mul_clamped(*self.secret))
    }

    /// What it shares with another pair of which both halves are known here: the same, and worked out from the base
    /// point, which is faster. Public halves are multiples of that, so that the scalars count as what they are there.
    fn shared_with_pair(&self, with: &Self) -> Result<Key, Refused> {
        let mut scalars =
            [&self.secret, &with.secret].map(|key| Scalar::from_bytes_mod_order(**key));
        let mut product = scalars[0] * scalars[1];
        let shared = key_of(MontgomeryPoint::mul_base(&product));
        scalars.zeroize();
        product.zeroize();
        shared
    }

    /// What this pair shares with another lasting one, which is remembered.
    fn shared_for_long(&self, with: &SealingKey) -> Result<Key, Refused> {
        // Nothing panics while it holds the lock, and if it did, what is there is whole.
        let known = || self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, shared)) = known().iter().find(|(key, _)| key == with) {
            return Ok(shared.clone());
        }
        let shared = self.shared(with)?;
        let mut known = known();
        if known.capacity() < MAX_SHARED {
            known.reserve_exact(MAX_SHARED);
        }
        if known.len() >= MAX_SHARED {
            known.pop_front();
        }
        known.push_back((*with, shared.clone()));
        Ok(shared)
    }

    /// Appends `secret`, or whatever else, sealed for `to` and authenticated as from this pair
    /// together with what it is about, to `out`: the key that HPKE sends along, the sealed bytes, the
    /// tag.
    ///
    /// # Errors
    /// If `to` is a point of small order, under which nothing is secret.
    pub(super) fn seal(
        &self,
        to: &SealingKey,
        about: About<'_>,
        secret: &[u8],
        random: &mut Draws,
        out: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        self.seal_by(&Self::drawn(random), to, about, secret, out)
    }

    fn seal_by(
        &self,
        message: &Self,
        to: &SealingKey,
        about: About<'_>,
        secret: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let shared = [message.shared(to)?, self.shared_for_long(to)?];
        let keys = [&message.public, to, &self.public];
        let cipher = Cipher::of(AUTH, &shared, &keys, about.0);
        cipher.seal(&message.public, about.1, secret, out);
        Ok(())
    }

    /// The same for this pair itself, from nobody in particular: what [`seal_for`] makes.
    pub(super) fn seal_own(
        &self,
        about: About<'_>,
        secret: &[u8],
        random: &mut Draws,
        out: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let message = Self::drawn(random);
        let shared = [message.shared_with_pair(self)?];
        let cipher = Cipher::of(BASE, &shared, &[&message.public, &self.public], about.0);
        cipher.seal(&message.public, about.1, secret, out);
        Ok(())
    }

    /// What [`KeyPair::seal`] made of a key, for this pair, by the owner of `from`.
    ///
    /// # Errors
    /// If it is anything else.
    pub(super) fn open(
        &self,
        from: &SealingKey,
        about: About<'_>,
        sealed: &[u8; SEALED_KEY_LEN],
    ) -> Result<Key, Refused> {
        let message = message_key(sealed);
        let shared = [self.shared(&message)?, self.shared_for_long(from)?];
        let keys = [&message, &self.public, from];
        Cipher::of(AUTH, &shared, &keys, about.0).open(about.1, sealed)
    }

    /// What [`seal_for`] made of a key, for this pair, by whomever.
    ///
    /// # Errors
    /// If it is anything else.
    pub(super) fn open_own(
        &self,
        about: About<'_>,
        sealed: &[u8; SEALED_KEY_LEN],
    ) -> Result<Key, Refused> {
        let message = message_key(sealed);
        let shared = [self.shared(&message)?];
        Cipher::of(BASE, &shared, &[&message, &self.public], about.0).open(about.1, sealed)
    }
}

/// As [`KeyPair::seal`], from nobody in particular: whoever knows the secret and draws the same gets the
/// same bytes.
///
/// # Errors
/// If `to` is a point of small order, under which nothing is secret.
pub(super) fn seal_for(
    to: &SealingKey,
    about: About<'_>,
    secret: &[u8],
    random: &mut Draws,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    seal_for_by(&KeyPair::drawn(random), to, about, secret, out)
}

fn seal_for_by(
    message: &KeyPair,
    to: &SealingKey,
    about: About<'_>,
    secret: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let shared = [message.shared(to)?];
    let cipher = Cipher::of(BASE, &shared, &[&message.public, to], about.0);
    cipher.seal(&message.public, about.1, secret, out);
    Ok(())
}

/// The key of the message, which stands before what is sealed.
fn message_key(sealed: &[u8; SEALED_KEY_LEN]) -> SealingKey {
    let mut key = [0; KEY_LEN];
    key.copy_from_slice(&sealed[..KEY_LEN]);
    SealingKey(key)
}

/// What was agreed on, unless it is the same whatever the secret is.
fn key_of(mut shared: MontgomeryPoint) -> Result<Key, Refused> {
    let key = Key::new(shared.to_bytes());
    // Compared in constant time.
    let is_secret = shared != MontgomeryPoint([0; KEY_LEN]);
    shared.zeroize();
    is_secret.then_some(key).ok_or(Refused)
}

/// The cipher of one message, with its first and only nonce.
struct Cipher(ChaCha20Poly1305, Nonce);

impl Cipher {
    /// That of a mode, of what the keys of both ends share, of those public keys, and of what HPKE is told it seals.
    fn of(mode: u8, shared: &[Key], keys: &[&SealingKey], info: &[u8]) -> Self {
        let shared: Vec<&[u8]> = shared.iter().map(|key| &key[..]).collect();
        let keys: Vec<&[u8]> = keys.iter().map(|key| &key.0[..]).collect();
        let agreed = extract(KEM_SUITE, &[], b"eae_prk", &shared);
        let mut secret = Key::default();
        expand(&agreed, KEM_SUITE, b"shared_secret", &keys, &mut *secret);

        let [psk_id, info] = [(&b"psk_id_hash"[..], &[][..]), (b"info_hash", info)]
            .map(|(label, of)| extracted(SUITE, &[], label, &[of]).0);
        let context = [&[mode][..], &psk_id, &info];
        let scheduled = extract(SUITE, &*secret, b"secret", &[]);
        let (mut key, mut nonce) = (Key::default(), Nonce::default());
        expand(&scheduled, SUITE, b"key", &context, &mut *key);
        expand(&scheduled, SUITE, b"base_nonce", &context, &mut nonce);
        Self(ChaCha20Poly1305::new((&*key).into()), nonce)
    }

    fn seal(&self, message: &SealingKey, associated: &[u8], secret: &[u8], out: &mut Vec<u8>) {
        let mut sealed = Zeroizing::new(secret.to_vec());
        let data = InOutBuf::from(sealed.as_mut_slice());
        let tag = self.0.encrypt_inout_detached(&self.1, associated, data);
        out.extend_from_slice(&message.0);
        out.extend_from_slice(&sealed);
        out.extend_from_slice(&tag.expect("a key is far below 256 GiB"));
    }

    fn open(&self, associated: &[u8], sealed: &[u8; SEALED_KEY_LEN]) -> Result<Key, Refused> {
        let (data, tag) = sealed[KEY_LEN..].split_at(KEY_LEN);
        let mut key = Key::default();
        key.copy_from_slice(data);
        let mut authenticates = [0; TAG_LEN];
        authenticates.copy_from_slice(tag);
        let data = InOutBuf::from(key.as_mut_slice());
        let opened =
            self.0
                .decrypt_inout_detached(&self.1, associated, data, &authenticates.into());
        opened.map(|()| key).map_err(|_| Refused)
    }
}

/// RFC 9180, `LabeledExtract`: the bytes, and what is expanded from them.
fn extracted(
    suite: &[u8],
    salt: &[u8],
    label: &[u8],
    of: &[&[u8]],
) -> (hkdf::hmac::digest::Output<Sha256>, Hkdf<Sha256>) {
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    for part in [VERSION, suite, label].iter().chain(of) {
        extract.input_ikm(part);
    }
    extract.finalize()
}

fn extract(suite: &[u8], salt: &[u8], label: &[u8], of: &[&[u8]]) -> Hkdf<Sha256> {
    let (mut bytes, expands) = extracted(suite, salt, label, of);
    bytes.as_mut_slice().zeroize();
    expands
}

/// RFC 9180, `LabeledExpand`.
fn expand(from: &Hkdf<Sha256>, suite: &[u8], label: &[u8], of: &[&[u8]], out: &mut [u8]) {
    let length = u16::try_from(out.len())
        .expect("keys are short")
        .to_be_bytes();
    let labelled: Vec<&[u8]> = [&length[..], VERSION, suite, label]
        .iter()
        .chain(of)
        .copied()
        .collect();
    from.expand_multi_info(&labelled, out)
        .expect("keys are short");
}
