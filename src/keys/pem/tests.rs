use super::*;
use crate::entropy::OsEntropy;

const ROOT: [u8; 32] = *b"root secret of the lock tests...";

fn secret() -> SecretKey {
    SecretKey::from_bytes(ROOT)
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::given(Zeroizing::new(text.to_owned())).unwrap()
}

fn right() -> Passphrase {
    passphrase("eight mountains")
}

fn locked(text: &str) -> LockedSecret {
    match read(text) {
        Ok(Stored::Locked(locked)) => locked,
        other => panic!("{other:?}"),
    }
}

fn text() -> Zeroizing<String> {
    locked_text(&secret(), &Lock::new(&right(), &OsEntropy).unwrap())
}

/// A file with any scheme over any bytes.
fn forged(scheme: &Parameters, encrypted: &[u8]) -> LockedSecret {
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: EncryptionScheme::from(scheme.clone()),
        encrypted_data: OctetStringRef::new(encrypted).unwrap(),
    };
    let doc = SecretDocument::encode_msg(&info).unwrap();
    locked(&doc.to_pem(LOCKED, LineEnding::LF).unwrap())
}

fn scrypt(cost_parameter: u64, block_size: u16, parallelization: u16) -> Parameters {
    Parameters {
        kdf: Kdf::Scrypt(ScryptParams {
            salt: Salt::new([7; 16]).unwrap(),
            cost_parameter,
            block_size,
            parallelization,
            key_length: None,
        }),
        encryption: pbes2::EncryptionScheme::Aes256Cbc { iv: [7; 16] },
    }
}

#[test]
fn what_is_locked_opens_with_its_passphrase_only() {
    let text = text();
    let locked = locked(&text);
    assert_eq!(locked.address(), Some(&secret().public_key()));
    let opened = locked.unlock(&right()).unwrap();
    assert_eq!(opened.public_key(), secret().public_key());
    for wrong in ["eight mountain", "Eight mountains", "eight mountains "] {
        let refused = locked.unlock(&passphrase(wrong)).unwrap_err();
        assert_eq!(refused, UnlockError::WrongPassphrase);
    }
    assert!(!text.contains("root secret"));
    let open = open_text(&secret());
    let line = open.lines().nth(1).unwrap();
    assert!(!text.contains(&line[30..50]));
    assert_eq!(format!("{locked:?}"), "LockedSecret(..)");
}

#[test]
fn a_lock_needs_a_passphrase_that_is_not_guessed_at_once() {
    let short = passphrase("seven77");
    let refused = Lock::new(&short, &OsEntropy).unwrap_err();
    assert_eq!(refused, PassphraseError::TooShort);
    assert_ne!(*text(), *text(), "the same salt twice");
}

/// The cipher alone would not notice: two of its four blocks hold nothing but the key.
#[test]
fn attack_a_damaged_file_never_opens_as_another_wallet() {
    // As cheap as can be: damage is looked for, not strength.
    let scheme = scrypt(2, 1, 1);
    let encrypted = scheme
        .encrypt(right().as_bytes(), document(&secret()).as_bytes())
        .unwrap();
    let mut unnoticed_by_the_cipher = 0;
    for bit in 0..encrypted.len() * 8 {
        let mut damaged = encrypted.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let mut locked = forged(&scheme, &damaged);
        unnoticed_by_the_cipher += usize::from(locked.unlock(&right()).is_ok());
        locked.address = Some(secret().public_key());
        assert!(locked.unlock(&right()).is_err(), "bit {bit}");
    }
    assert!(unnoticed_by_the_cipher > 0);
    let mut whole = forged(&scheme, &encrypted);
    whole.address = Some(secret().public_key());
    assert!(whole.unlock(&right()).is_ok());
}

#[test]
fn attack_a_file_that_asks_for_too_much_is_refused_at_once() {
    for (cost, block, parallel) in [
        (1 << 16, 8, 1),
        (1 << 40, 1, 1),
        (1 << 63, u16::MAX, u16::MAX),
        (1 << 14, 8, 81),
        (2, 8, u16::MAX),
        (2, u16::MAX, 9),
    ] {
        let refused = forged(&scrypt(cost, block, parallel), &[0; 64]).unlock(&right());
        let expected = UnlockError::TooCostly {
            cost,
            block,
            parallel,
        };
        assert_eq!(refused.unwrap_err(), expected);
    }
    // What is no cost at all is wrong in another way, and no panic.
    for (cost, block, parallel) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (2, 0, 1), (2, 8, 0)] {
        let refused = forged(&scrypt(cost, block, parallel), &[0; 64]).unlock(&right());
        assert_eq!(refused.unwrap_err(), UnlockError::WrongPassphrase);
    }
}

#[test]
fn other_schemes_are_refused_by_name() {
    let pbkdf2 = Parameters::generate_pbkdf2_sha256_aes256cbc(1 << 20, &[7; 16], [7; 16]);
    let mut gcm = scrypt(2, 1, 1);
    gcm.encryption = pbes2::EncryptionScheme::Aes256Gcm { nonce: [7; 12] };
    for scheme in [pbkdf2.unwrap(), gcm] {
        let refused = forged(&scheme, &[0; 64]).unlock(&right()).unwrap_err();
        assert_eq!(refused, UnlockError::OtherScheme);
    }
}

#[test]
fn what_is_locked_but_no_wallet_is_refused() {
    let scheme = scrypt(2, 1, 1);
    let lock = |bytes: &[u8]| scheme.encrypt(right().as_bytes(), bytes).unwrap();
    let mut other = document(&secret()).as_bytes().to_vec();
    // X25519 in place of Ed25519.
    other[11] = 0x6e;
    let refused = forged(&scheme, &lock(&other)).unlock(&right());
    assert_eq!(refused.unwrap_err(), UnlockError::NoWallet);
    let refused = forged(&scheme, &lock(b"no key at all")).unlock(&right());
    assert_eq!(refused.unwrap_err(), UnlockError::WrongPassphrase);
    let other = SecretKey::from_bytes([9; 32]).public_key().to_address();
    let text = text();
    let (_, armour) = text.split_once('\n').unwrap();
    let exchanged = locked(&format!("{ADDRESS}{other}\n{armour}"));
    let refused = exchanged.unlock(&right());
    assert_eq!(refused.unwrap_err(), UnlockError::OtherAddress);
    let nonsense = read(&format!("{ADDRESS}rac1q\n{armour}"));
    assert_eq!(nonsense.unwrap_err(), PemError::NotPem);
    assert_eq!(locked(armour).address(), None);
}
