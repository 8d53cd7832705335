//! The primitives of `Noise_XX_25519_ChaChaPoly_BLAKE2s`, as the handshake is given them.
//!
//! Each holds its key in memory that is wiped when it is dropped, and none draws randomness: the
//! ephemeral key is handed in.

use blake2::{Blake2s256, Digest};
use curve25519_dalek::montgomery::MontgomeryPoint;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use zeroize::Zeroizing;

/// Bytes of a key of any kind here.
pub(super) const KEY_LEN: usize = 32;
/// Bytes that authenticate each ciphertext, at its end.
pub(super) const TAG_LEN: usize = 16;

/// A key, wiped when dropped.
pub(super) type Key = Zeroizing<[u8; KEY_LEN]>;

/// Hands the primitives to one handshake.
pub(super) struct Primitives {
    ephemeral: Key,
}

impl Primitives {
    /// Whose ephemeral key will be this one.
    pub(super) fn new(ephemeral: Key) -> Self {
        Self { ephemeral }
    }
}

impl CryptoResolver for Primitives {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Drawn(Some(self.ephemeral.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::new(X25519::default()) as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        let hash = || Box::new(Blake2s(Blake2s256::new())) as Box<dyn Hash>;
        matches!(choice, HashChoice::Blake2s).then(hash)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        let cipher = || Box::new(ChaChaPoly::new(&[0; KEY_LEN])) as Box<dyn Cipher>;
        matches!(choice, CipherChoice::ChaChaPoly).then(cipher)
    }
}

/// What was drawn for the ephemeral key; there is no more where it came from.
struct Drawn(Option<Key>);

impl Random for Drawn {
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        let drawn = self.0.take().filter(|drawn| drawn.len() == bytes.len());
        bytes.copy_from_slice(&*drawn.ok_or(Error::Rng)?);
        Ok(())
    }
}

/// X25519 (RFC 7748).
#[derive(Default)]
struct X25519 {
    secret: Key,
    public: [u8; KEY_LEN],
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        KEY_LEN
    }

    fn priv_len(&self) -> usize {
        KEY_LEN
    }

    fn set(&mut self, secret: &[u8]) {
        self.secret.copy_from_slice(secret);
        self.public = MontgomeryPoint::mul_base_clamped(*self.secret).to_bytes();
    }

    fn generate(&mut self, random: &mut dyn Random) -> Result<(), Error> {
        let mut secret = Key::default();
        random.try_fill_bytes(&mut *secret)?;
        self.set(&*secret);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        &*self.secret
    }

    /// A point of small order, which makes every secret the same, is refused.
    fn dh(&self, public: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let public = public.first_chunk::<KEY_LEN>().ok_or(Error::Dh)?;
        let shared = MontgomeryPoint(*public).mul_clamped(*self.secret);
        let shared = Zeroizing::new(shared.to_bytes());
        if *shared == [0; KEY_LEN] {
            return Err(Error::Dh);
        }
        out.get_mut(..KEY_LEN)
            .ok_or(Error::Dh)?
            .copy_from_slice(&*shared);
        Ok(())
    }
}

/// BLAKE2s with 32 bytes of output (RFC 7693).
struct Blake2s(Blake2s256);

impl Hash for Blake2s {
    fn name(&self) -> &'static str {
        "BLAKE2s"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        Digest::reset(&mut self.0);
    }

    fn input(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        out[..32].copy_from_slice(&self.0.finalize_reset());
    }
}

/// ChaCha20-Poly1305 (RFC 8439) with a counter as nonce, as Noise has it.
///
/// The library does not wipe its keys. This one lies in one place from its making to its end, and is
/// written over before the memory is given back.
pub(super) struct ChaChaPoly {
    key: Box<LessSafeKey>,
}

impl ChaChaPoly {
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        let key = Box::new(expanded(key));
        Self { key }
    }

    /// Encrypts `data` where it lies and returns what authenticates it and `associated`.
    pub(super) fn seal(&self, number: u64, associated: &[u8], data: &mut [u8]) -> [u8; TAG_LEN] {
        let (nonce, associated) = (nonce(number), Aad::from(associated));
        let sealed = self
            .key
            .seal_in_place_separate_tag(nonce, associated, data)
            .expect("what is sealed is far below 256 GiB");
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(sealed.as_ref());
        tag
    }

    /// Decrypts `data` where it lies, its last [`TAG_LEN`] bytes apart; the rest of it, unless it
    /// or `associated` is not what was sealed.
    pub(super) fn open<'a>(
        &self,
        number: u64,
        associated: &[u8],
        data: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let (nonce, associated) = (nonce(number), Aad::from(associated));
        let opened = self.key.open_in_place(nonce, associated, data);
        opened.ok().map(|data| &*data)
    }

    /// Replaces the key by the one that follows from it, and from which it can't be told.
    pub(super) fn rekey(&mut self) {
        let mut next = Key::default();
        self.seal(u64::MAX, &[], &mut *next);
        self.set(&next);
    }
}

impl Drop for ChaChaPoly {
    fn drop(&mut self) {
        *self.key = expanded(&[0; KEY_LEN]);
        // Looked at, so that the writing is not left out as needless.
        std::hint::black_box(&self.key);
    }
}

/// A key as the library has it.
fn expanded(key: &[u8; KEY_LEN]) -> LessSafeKey {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key);
    LessSafeKey::new(key.expect("it has the length of such a key"))
}

impl Cipher for ChaChaPoly {
    fn name(&self) -> &'static str {
        "ChaChaPoly"
    }

    fn set(&mut self, key: &[u8; KEY_LEN]) {
        *self.key = expanded(key);
    }

    fn encrypt(&self, number: u64, associated: &[u8], plain: &[u8], out: &mut [u8]) -> usize {
        let (data, rest) = out.split_at_mut(plain.len());
        data.copy_from_slice(plain);
        rest[..TAG_LEN].copy_from_slice(&self.seal(number, associated, data));
        plain.len() + TAG_LEN
    }

    fn decrypt(
        &self,
        number: u64,
        associated: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let plain = self
            .open(number, associated, &mut sealed)
            .ok_or(Error::Decrypt)?;
        out.get_mut(..plain.len())
            .ok_or(Error::Decrypt)?
            .copy_from_slice(plain);
        Ok(plain.len())
    }
}

/// 4 zero bytes and the number, little-endian.
fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests;
