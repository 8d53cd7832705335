//! The text of a wallet file: PKCS#8 in PEM, open or locked.
//!
//! Open, it is version 1 (RFC 8410, without the public key): an Ed25519 private key whose 32 bytes are
//! the root secret. Locked, it is PKCS#8's `EncryptedPrivateKeyInfo` with PBES2: scrypt and
//! AES-256-CBC, which OpenSSL reads, too. That cipher authenticates nothing; so the member's address
//! stands before the armour, where other programs pass over it, and what is unlocked must lead to it.
//!
//! The libraries wipe the secret, but not the key that scrypt derives from the passphrase: it opens
//! nothing but the file, whose secret this process has in its memory at that time anyway.

use super::{Passphrase, PassphraseError, PublicKey, SecretKey};
use crate::entropy::Entropy;
use ed25519_dalek::pkcs8::{KeypairBytes, spki};
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::LineEnding;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf, Parameters, Salt, ScryptParams};
use pkcs8::{EncodePrivateKey, EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, SecretDocument};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// scrypt's cost N of a file that is locked here. With r = 8 each try takes 16 MiB of memory; OpenSSL
/// refuses more than 32 MiB in all, which twice as much would exceed.
const SCRYPT_COST: u64 = 16 * 1024;
/// scrypt's block size r, as everywhere.
const SCRYPT_BLOCK: u16 = 8;
/// scrypt's parallelization p: makes up in time for what may not be had in memory. A try takes 0.11 s on
/// one core (`make bench`), once at a start; OWASP names these three numbers as equal in strength to its
/// first choice.
const SCRYPT_PARALLEL: u16 = 5;

/// Most memory, in bytes, that scrypt may take for a file that is read: whoever wrote it must not be
/// able to exhaust this machine.
pub(super) const MAX_SCRYPT_MEMORY: u64 = 64 * 1024 * 1024;
/// Most work that it may take, as N * r * p: sixteen times that of our own files, some seconds.
pub(super) const MAX_SCRYPT_WORK: u64 =
    16 * SCRYPT_COST * SCRYPT_BLOCK as u64 * SCRYPT_PARALLEL as u64;

/// Label of an open key.
const OPEN: &str = "PRIVATE KEY";
/// Label of a locked one.
const LOCKED: &str = "ENCRYPTED PRIVATE KEY";
/// What stands before the address in a locked file.
const ADDRESS: &str = "address: ";

/// What a wallet file is locked with: a passphrase, scrypt's salt and the cipher's first block.
#[derive(Debug, Clone, Copy)]
pub struct Lock<'a> {
    passphrase: &'a Passphrase,
    salt: [u8; 16],
    iv: [u8; 16],
}

impl<'a> Lock<'a> {
    /// A new lock with a passphrase that somebody chose.
    ///
    /// # Errors
    /// [`PassphraseError::TooShort`].
    pub fn new(passphrase: &'a Passphrase, entropy: &dyn Entropy) -> Result<Self, PassphraseError> {
        passphrase.check_chosen()?;
        let mut lock = Self {
            passphrase,
            salt: [0; 16],
            iv: [0; 16],
        };
        entropy.fill(&mut lock.salt);
        entropy.fill(&mut lock.iv);
        Ok(lock)
    }

    /// What opens it again.
    pub(super) fn passphrase(&self) -> &'a Passphrase {
        self.passphrase
    }
}

/// What a wallet file holds.
#[derive(Debug)]
pub enum Stored {
    /// The secret, for whoever may read the file.
    Open(Box<SecretKey>),
    /// The secret, for whoever has the passphrase as well.
    Locked(LockedSecret),
}

/// A secret under a passphrase.
pub struct LockedSecret {
    address: Option<PublicKey>,
    der: SecretDocument,
}

/// Why a secret was not unlocked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// Another passphrase, or bytes that are damaged: which, nobody can tell.
    #[error(
        "the passphrase is wrong, or the wallet file is damaged: try again. Whoever has forgotten it brings the wallet \
         back from its 24 words (`node wallet restore` says how); without them nobody can open it, and its coins and \
         its name are lost"
    )]
    WrongPassphrase,
    /// What was unlocked belongs to another address than the file says.
    #[error(
        "the wallet file is damaged: what is in it does not belong to the address on its first line; restore the wallet from its words"
    )]
    OtherAddress,
    /// It is locked in another way than this program does.
    #[error(
        "the wallet file is locked in a way that this program does not read (only scrypt with AES-256-CBC): unlock it with the program that locked it"
    )]
    OtherScheme,
    /// Trying the passphrase would take too much memory or time.
    #[error(
        "the wallet file asks for more memory or time than this program gives a passphrase (scrypt with N={cost}, r={block}, p={parallel}): no wallet made by it does"
    )]
    TooCostly {
        /// N.
        cost: u64,
        /// r.
        block: u16,
        /// p.
        parallel: u16,
    },
    /// A private key, but of another kind.
    #[error(
        "what is locked in the file is no Ed25519 private key: name the file that this program made"
    )]
    NoWallet,
}

/// Why a text is no wallet file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PemError {
    /// No PEM of a private key, or damaged.
    NotPem,
    /// A key of another kind: its algorithm's object identifier.
    WrongAlgorithm(String),
}

/// The secret as text, open.
pub(super) fn open_text(secret: &SecretKey) -> Zeroizing<String> {
    let pem = document(secret).to_pem(OPEN, LineEnding::LF);
    pem.expect("32 bytes always have a PEM form")
}

/// The secret as text, locked.
pub(super) fn locked_text(secret: &SecretKey, lock: &Lock<'_>) -> Zeroizing<String> {
    let scrypt = ScryptParams {
        salt: Salt::new(lock.salt).expect("a salt of 16 bytes is short enough"),
        cost_parameter: SCRYPT_COST,
        block_size: SCRYPT_BLOCK,
        parallelization: SCRYPT_PARALLEL,
        key_length: None,
    };
    let scheme = Parameters {
        kdf: Kdf::Scrypt(scrypt),
        encryption: pbes2::EncryptionScheme::Aes256Cbc { iv: lock.iv },
    };
    let encrypted = scheme
        .encrypt(lock.passphrase.as_bytes(), document(secret).as_bytes())
        .expect("the parameters are right");
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: EncryptionScheme::from(scheme),
        encrypted_data: OctetStringRef::new(&encrypted).expect("some 48 bytes are short enough"),
    };
    let pem = SecretDocument::encode_msg(&info).and_then(|doc| doc.to_pem(LOCKED, LineEnding::LF));
    let pem = pem.expect("some 48 bytes always have a PEM form");
    let address = secret.public_key().to_address();
    Zeroizing::new(format!("{ADDRESS}{address}\n{}", *pem))
}

/// The secret as PKCS#8 version 1: without the public key, which would make it version 2, a form that
/// OpenSSL refuses.
fn document(secret: &SecretKey) -> SecretDocument {
    let mut pair = KeypairBytes {
        secret_key: **secret.root(),
        public_key: None,
    };
    let der = pair.to_pkcs8_der();
    pair.secret_key.zeroize();
    der.expect("32 bytes always have a PKCS#8 form")
}

/// What a text holds.
pub(super) fn read(text: &str) -> Result<Stored, PemError> {
    let (label, der) = SecretDocument::from_pem(text).map_err(|_| PemError::NotPem)?;
    match label {
        OPEN => secret_of(der.as_bytes()).map(Box::new).map(Stored::Open),
        LOCKED => {
            EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_| PemError::NotPem)?;
            let address = text
                .lines()
                .next()
                .and_then(|line| line.strip_prefix(ADDRESS));
            let address = address.map(|text| PublicKey::from_address(text.trim_end()));
            let address = address.transpose().map_err(|_| PemError::NotPem)?;
            Ok(Stored::Locked(LockedSecret { address, der }))
        }
        _ => Err(PemError::NotPem),
    }
}

fn secret_of(der: &[u8]) -> Result<SecretKey, PemError> {
    let wrong = |error| match error {
        pkcs8::Error::PublicKey(spki::Error::OidUnknown { oid }) => {
            PemError::WrongAlgorithm(oid.to_string())
        }
        _ => PemError::NotPem,
    };
    let info = PrivateKeyInfoRef::try_from(der).map_err(|_| PemError::NotPem)?;
    let mut pair = KeypairBytes::try_from(info).map_err(wrong)?;
    let secret = SecretKey::from_bytes(pair.secret_key);
    pair.secret_key.zeroize();
    Ok(secret)
}

impl LockedSecret {
    /// Whose it is, as the file says; unlocking shows whether that is true. `None` in a file that
    /// another program locked.
    pub fn address(&self) -> Option<&PublicKey> {
        self.address.as_ref()
    }

    /// Unlocks it. Takes as long, and as much memory, as the file asks for, within bounds: some tenths
    /// of a second for one that was locked here.
    ///
    /// # Errors
    /// [`UnlockError`].
    pub fn unlock(&self, passphrase: &Passphrase) -> Result<SecretKey, UnlockError> {
        let info = EncryptedPrivateKeyInfoRef::try_from(self.der.as_bytes())
            .map_err(|_| UnlockError::OtherScheme)?;
        let EncryptionScheme::Pbes2(scheme) = &info.encryption_algorithm else {
            return Err(UnlockError::OtherScheme);
        };
        check_cost(scheme)?;
        let mut bytes = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
        let der = scheme
            .decrypt_in_place(passphrase.as_bytes(), &mut bytes)
            .map_err(|_| UnlockError::WrongPassphrase)?;
        let secret = secret_of(der).map_err(|error| match error {
            // A wrong passphrase, too, now and then gives something that is filled up rightly.
            PemError::NotPem => UnlockError::WrongPassphrase,
            PemError::WrongAlgorithm(_) => UnlockError::NoWallet,
        })?;
        match self.address {
            Some(address) if address != secret.public_key() => Err(UnlockError::OtherAddress),
            _ => Ok(secret),
        }
    }
}

/// Whether the file asks for what this program does, and no more than it gives.
fn check_cost(scheme: &Parameters) -> Result<(), UnlockError> {
    let (Kdf::Scrypt(scrypt), pbes2::EncryptionScheme::Aes256Cbc { .. }) =
        (&scheme.kdf, &scheme.encryption)
    else {
        return Err(UnlockError::OtherScheme);
    };
    let (cost, block, parallel) = (
        scrypt.cost_parameter,
        scrypt.block_size,
        scrypt.parallelization,
    );
    // The library takes it for granted.
    if cost < 2 || !cost.is_power_of_two() || block == 0 || parallel == 0 {
        return Err(UnlockError::WrongPassphrase);
    }
    let lanes = u64::from(block) * u64::from(parallel);
    // 128 r bytes for each of N steps, and for each of the p lanes.
    let memory = cost
        .checked_add(parallel.into())
        .and_then(|blocks| blocks.checked_mul(128 * u64::from(block)));
    let affordable = memory.is_some_and(|memory| memory <= MAX_SCRYPT_MEMORY)
        && cost
            .checked_mul(lanes)
            .is_some_and(|work| work <= MAX_SCRYPT_WORK);
    if affordable {
        return Ok(());
    }
    Err(UnlockError::TooCostly {
        cost,
        block,
        parallel,
    })
}

impl fmt::Debug for LockedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedSecret(..)")
    }
}

#[cfg(test)]
mod tests;
